"""Scenarios G and I: authority, ledger, and the trust service as a server."""
from stage import *
from group_a import newest


def edited(w, change, words=""):
    """The operator changes the store of the stopped service; it refuses to start; then all is put back."""
    w.shell("rm -rf was; cp -a state/keep was")
    try:
        change()
        w.refuses_to_start(words)
    finally:
        w.shell("rm -rf state/keep; mv was state/keep")


LAST = "(SELECT max(seq) FROM entry)"


@row("G1", "the operator, with all of the service's disk and configuration, releases, reads or re-owns an asset", "AdminAuthAccess refused-to-start",
     "tests/adversary; what is not shown: root on this host can read keep.keys and with it what is sealed, until the service attests itself")
def g1(w):
    w.serves()
    base.administrators_do_not_exist()
    kept = b"".join(open(os.path.join(d, f), "rb").read() for d, _, files in os.walk(w.state) for f in files)
    assert HELLO not in kept and PATIENTS not in kept
    w.end()
    edited(w, lambda: w.sql("DELETE FROM workload"))
    edited(w, lambda: w.sql("UPDATE statement SET payload=(SELECT payload FROM statement WHERE seq=1) WHERE seq=2"))
    edited(w, lambda: w.shell("rm state/keep/keep.mark"), "keep.mark is missing")
    other = json.dumps(genesis("e2e.example/coffer", w.service["ledger-key"], [w.mallory])).encode()
    true = w.put_file("true.json", open(w.dir + "/genesis.json", "rb").read())
    try:
        w.put_file("genesis.json", other)  # founded anew, with the operator alone
        w.write_config(digest=payload_id(json.loads(other)))
        w.refuses_to_start("genesis")
    finally:
        w.shell("mv true.json genesis.json")
        w.write_config(digest=w.gid)
    w.start()
    w.serves()


@row("G2", "a party signs a statement about another's repository, asset or workload", "malformed kind signature")
def g2(w):
    w.serves()
    a = asset(w.mallory, NOTE, b"mine now", w.service["receive"], w.gid, 2, payload_id(w.said_greeting))
    denied(w.put_raw(w.mallory, NOTE, json.dumps(a).encode()), "malformed")
    a = asset(w.mallory, NOTE, b"mine now", w.service["receive"], w.gid, 2, payload_id(w.said_greeting), of=["hospital"])
    denied(w.put_raw(w.mallory, NOTE, json.dumps(a).encode()), "kind")
    not_logged(w.publish(w.approval([NOTE], w.w_sample, ["sample"], owner=w.mallory)), "kind")
    not_logged(w.publish(w.revoke(w.mallory, payload_id(w.said_greeting))), "kind")
    not_logged(w.publish(w.say("workload", w.mallory, [("risk", w.workload)], w.m)), "kind")
    not_logged(w.publish(w.approval([NOTE], w.w_sample, ["sample"], keys=[w.mallory.key])), "signature")
    not_logged(w.publish(w.say("party", "hospital", [("hospital", None)], w.hospital.body(), serial=2, keys=[w.mallory.key, w.acme.key],
                               previous="00" * 32)), "signature")
    target = "/kbs/v0/resource/" + NOTE[len("kbs:///"):]
    denied(w.c.call("DELETE", target, bearer=w.mallory.token("DELETE", target)), "owner")
    w.serves()


not_yet("G2b", "that such a refused statement is in the journal as refused",
        "FINDING: the answer is a refusal, nothing of it is journaled (src/cofferd/keep/admit.c); wants an entry bounded as denials to strangers are")


@row("G3", "a party with a good key but no persona for the act", "persona",
     "tests/adversary: tcb, workload and image-release statements; asset and approval: G3b")
def g3(w):
    w.serves()
    not_logged(w.publish(w.say("tcb", w.auditor, [("snp", None)], {"platform": "snp", "minimum": [{"product": "", "svns": {"snp": 99}}]})), "persona")
    m, digest = w.workload_of(w.auditor, "watch", [], ["snp"])
    not_logged(w.publish(w.say("workload", w.auditor, [("watch", digest)], m)), "persona")
    not_logged(w.publish(w.say("image-release", w.hospital, [("registry.example/app", "ab" * 32)], {
        "repository": "registry.example/app", "version": 1, "methods": [{"type": "sigstoreSigned", "key": base.PEM}], "keys": []})), "persona")
    w.serves()


not_yet("G3b", "an Auditor puts an asset below its own name and approves for it; an Image Provider sets a release policy for its own asset",
        "FINDING: allowed. asset and approval statements ask for the path's owner, not for a persona; no other party's asset is in reach (G2)")


@row("G4", "any one owner tightens or revokes alone, at once, for its own assets", "R4 R11",
     "tests/adversary; that leases lapse: not yet, there are none")
def g4(w):
    g, pod = w.serves(), w.sample().up()
    path = "/coffer/v0/statements?kind=tcb&issuer=hospital"
    now = w.c.call("GET", path, bearer=w.hospital.token("GET", path)).json()["statements"]
    p = json.loads(base64.b64decode(now[0]["payload"]))["predicate"] if now else {"serial": 0}
    env = lambda n, least, before: w.say("tcb", w.hospital, [("snp", None)], {"platform": "snp", "minimum": [{"product": "", "svns": {"snp": least}}]},
                                         serial=p["serial"] + n, previous=before)
    tight = w.ok(env(1, 200, payload_id(now[0]) if now else None))
    denied(w.ask(g), "R4")
    w.ok(env(2, 1, tight))
    w.gets(g, NOTE, HELLO)
    w.gets(pod, DATA, PATIENTS)
    w.ok(w.revoke(w.hospital, w.says_risk_sample))  # a workload that it did not issue
    denied(w.ask(pod, DATA), "R11")


not_yet("G5", "one of several owners loosens alone", "one owner an asset so far; anything else is refused")
not_yet("G6", "k-of-n approval with too few, repeated, expired or foreign signatures", "k of n is not built; k other than 1 is refused")


@row("G7", "an approval is replayed after its revocation, is for another service, for another genesis, or has expired", "R11 R9 ledger window")
def g7(w):
    m, digest = w.workload_of(w.acme, "replayed", [NOTE], ["snp"])
    w.workload_says(w.acme, m)
    env = w.approval([NOTE], digest, ["snp"])
    w.ok(env)
    g = w.snp(initdata=render(m, m["service"]["url"])).up()
    w.gets(g, NOTE, HELLO)
    w.ok(w.revoke(w.hospital, payload_id(env)))
    denied(w.ask(g), "R11")
    assert w.publish(env).status == 200  # known, and the answer of then
    denied(w.ask(g), "R11")
    body = json.loads(base64.b64decode(env["payload"]))["predicate"]["body"]
    subjects = [(NOTE, None), ("workload:" + digest, None)]
    not_logged(w.publish(statement("approval", w.hospital, subjects, body, "77" * 32)), "ledger")
    not_logged(w.publish(statement("approval", w.hospital, subjects, body, w.gid, life=-1)), "window")
    r = w.publish(w.approval([NOTE], digest, ["snp"], services=["55" * 32], serial=2, previous=payload_id(env)))
    assert r.status == 200, r.body
    denied(w.ask(g), "R9")


not_yet("G8", "a new version with wider host access", "the new version gets nothing (A13, R9); the comparison that names what widened is not built")


@row("G9", "an approved version that was withdrawn, and firmware below the least", "R11",
     "tests/adversary; a least version of images is not stated anywhere yet, of firmware: G4, A28")
def g9(w):
    m, digest = w.workload_of(w.acme, "withdrawn", [NOTE], ["snp"])
    said = w.workload_says(w.acme, m)
    w.ok(w.approval([NOTE], digest, ["snp"]))
    g = w.snp(initdata=render(m, m["service"]["url"])).up()
    w.gets(g, NOTE, HELLO)
    w.ok(w.revoke(w.acme, said))
    denied(w.ask(g))
    denied(w.ask(w.snp(initdata=g.initdata).up()))
    r = w.publish(w.say("workload", w.acme, [("withdrawn", digest)], m, life=86401))
    assert r.status != 200, "the same again, beside the one that was withdrawn"
    w.serves()


@row("G10", "an entry of the journal is altered, dropped, put in another place, or the end cut off", "refused-to-start")
def g10(w):
    w.serves()
    w.end()
    edited(w, lambda: w.sql("UPDATE entry SET time=time+1 WHERE seq=3"))
    edited(w, lambda: w.sql("DELETE FROM decision WHERE seq=" + LAST, "DELETE FROM entry WHERE seq=" + LAST))
    edited(w, lambda: w.sql("DELETE FROM statement WHERE seq=5", "DELETE FROM entry WHERE seq=5"))
    edited(w, lambda: w.sql("UPDATE entry SET seq=-1 WHERE seq=3", "UPDATE entry SET seq=3 WHERE seq=4", "UPDATE entry SET seq=4 WHERE seq=-1"))
    edited(w, lambda: w.shell("truncate -s -4096 state/keep/keep.db"))
    w.start()
    w.serves()


not_yet("G11", "the operator shows different histories to two parties", "needs witnesses and the exchange of checkpoints")


def fill(folder):
    with open(folder + "/filler", "wb", buffering=0) as f:
        for size in (65536, 512, 1):
            try:
                while True:
                    f.write(bytes(size))
            except OSError:
                pass


@row("G12", "the disk is full at the moment of release", "unavailable")
def g12(w):
    w.serves()
    w.end()
    w.shell("cp -a state/keep was")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "none", w.state + "/keep"], stderr=subprocess.DEVNULL).returncode != 0:
        w.shell("rm -rf was")
        w.start()
        raise Skip("no file system of a bounded size can be mounted here")
    try:
        w.shell("cp -a was/. state/keep/")
        w.start()
        g = w.serves()
        fill(w.state + "/keep")
        answers = []
        for _ in range(200):  # until what was set aside already is used up
            try:
                r = w.ask(g)
            except (OSError, http.client.HTTPException):
                break
            answers.append(r.status)
            if r.status != 200:
                assert "encrypted_key" not in r.body.decode(), r.body
                break
        assert answers[-1:] != [200], answers
        os.unlink(w.state + "/keep/filler")
        if w.proc.poll() is not None:
            w.start()
        w.serves()
        w.end()
        w.start() # what was acknowledged is there: the chain is read whole
        w.serves()
    finally:
        if w.proc.poll() is None:
            w.end()
        w.shell("rm -f state/keep/filler; rm -rf was; cp -a state/keep was; umount state/keep; rm -rf state/keep; mv was state/keep")
    w.start()
    w.serves()


@row("G13", "the process that decides is killed at any moment", "nothing-lost", "tests/unit/test_keep_crash.c: kill -9 at random moments of working")
def g13(w):
    crash(["killed_at_any_moment_keep_loses_nothing_it_acknowledged"])


def crash(names):
    unit("tests/unit/test_keep_crash", names, BUILD + "/src/cofferd/keep/cofferd-keep", BUILD + "/src/cofferd/eval/cofferd-eval")


not_yet("G14", "a receipt is altered or shown for another release", "receipts are not built")
not_yet("G15", "a receipt is verified years later", "receipts are not built")
not_yet("G16", "a party's key is rotated, lost, stolen", "rotation is not built: a change of a party's keys is refused")
not_yet("G17", "a chain of delegations that is too long, circular, expired or too wide", "delegation is not built: there is no such statement")
not_yet("G18", "what `coffer trust explain` claims", "the computed model is not built")


@row("G19", "a boot image or service statement by a party that was not designated, or after its designation ended", "R5 R11 persona")
def g19(w):
    g = w.serves()
    body = w.boot_body(b"\x51" * 48)
    not_logged(w.publish(w.say("boot-image", w.hospital, [("kernel", "ee" * 32)], body)), "persona")
    foreign = w.ok(w.say("boot-image", w.mallory, [("kernel", "ee" * 32)], body))
    w.ok(w.approval([NOTE], w.workload, ["snp"], boots=[w.boot, foreign]))  # the owner is talked into naming it
    was, w.chip.measurement = w.chip.measurement, b"\x51" * 48
    try:
        denied(w.ask(w.snp().up()), "R5")  # but the workload is not mallory's
    finally:
        w.chip.measurement = was
    not_logged(w.publish(w.say("service", w.mallory, [("trust", None)], w.service)), "persona")
    w.gets(g, NOTE, HELLO)
    w.ok(w.revoke(w.acme, w.boot))
    denied(w.ask(g), "R11")
    w.ok(w.revoke(w.acme, w.service_id))
    denied(w.ask(g), "R11")


@row("I3", "the process that reads evidence does what it must not", "sandbox", "tests/unit/test_sandbox.c: a process in that sandbox makes the calls, and is ended")
def i3(w):
    w.serves()
    unit("tests/unit/test_sandbox", ["enter_kills_open", "enter_kills_socket", "enter_kills_fork", "forker_kills_what_leads_out",
                                     "all_drop_core_dump_privileges_and_capabilities"])
    status = open("/proc/%d/status" % w.child("cofferd-eval")).read()
    assert re.search(r"^Seccomp:\s+2$", status, re.M) and re.search(r"^NoNewPrivs:\s+1$", status, re.M)


@row("I7", "the store is put back to an older copy", "refused-to-start")
def i7(w):
    w.serves()
    w.end()
    w.shell("rm -rf old; cp -a state/keep old")
    w.start()
    w.serves()
    w.end()
    edited(w, lambda: w.shell("rm -f state/keep/keep.db*; cp -a old/keep.db* state/keep/"), "old copy")
    w.start()
    w.serves()
    crash(["old_copy_of_the_store_needs_the_operator_and_is_logged"])


@row("I9", "a taken-over eval vouches for evidence of the adversary's key; a taken-over net answers with a JWE of its own making", "R2 reply",
     "tests/adversary (net); tests/unit/test_keep_hw.c, test_fixed.c, test_keep_tpm.c (eval)")
def i9(w):
    ask = lambda address=None: w.probe(DATA, initdata=w.sample_initdata, address=address)
    with base.Relay(lambda path, head, body: (head, body)) as r:
        assert ask(r.address) == (0, "1 " + PATIENTS.decode())
    own = json.dumps(jwe_seal(Key("ES256").jwk(), b"forged")).encode()
    with base.Relay(lambda path, head, body: (head, own if "/resource/" in path else body)) as r:
        rc, text = ask(r.address)
        assert rc == 1 and text.startswith("reply: "), text
    unit("tests/unit/test_keep_hw", ["lying_eval_is_not_a_release", "facts_that_eval_invents_are_not_looked_at",
                                     "forged_report_that_eval_vouches_for_is_refused", "two_appraisals_that_differ_are_refused"])
    unit("tests/unit/test_fixed", ["snp_path_of_a_lying_eval_is_refused"])
    unit("tests/unit/test_keep_tpm", ["foreign_ek_that_eval_vouches_for_gets_no_credential", "secret_that_eval_makes_up_is_refused",
                                      "quote_by_another_key_that_eval_vouches_for_is_refused"])
