"""Scenarios G and I: authority, ledger, and the trust service as a server."""
import shutil, sqlite3
from stage import *
import witnesses
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
     "tests/adversary; what is not shown: root on this host can read keep.keys and with it what is sealed, where the service does not attest itself (G1b)")
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


SELF = {}


def self_attests(names, program="test_self.py", *more):
    """tests/e2e/test_self.py, once for all rows: cofferd, swtpm, and between them and an owner's command whoever runs the service."""
    from tpms import missing
    if program == "test_self.py" and missing():
        raise Skip("%s: not installed" % ", ".join(missing()))
    path = os.path.join(HERE, "../e2e", program)
    if program not in SELF:
        SELF[program] = subprocess.run([path, BUILD + "/src/cofferd/cofferd", BUILD + "/src/cli/coffer", *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    passed(path, SELF[program], names)


SELF_DONE = "tests/e2e/test_self.py: swtpm, and a host that has the service's TLS key"


@row("G1b", "the operator of a service that is to attest itself answers an owner with a genuine quote over keys of its own, of another genesis, or of before; with one that it "
     "changed; of a machine that was launched otherwise", "service-binding service-evidence service-measurement", SELF_DONE)
def g1b(w):
    self_attests(["genuine_quote_over_another_key_is_refused", "genuine_quote_for_another_genesis_is_refused", "replayed_answer_is_refused", "evidence_that_was_changed_is_refused",
                  "machine_launched_otherwise_is_refused", "named_it_is_taken_and_called_emulated"])


@row("G1c", "it shows no evidence, an emulator for a TPM, another TPM's certificate, a key that signs anything, or an older statement that says nothing of its machine",
     "service-unattested service-platform service-evidence", SELF_DONE)
def g1c(w):
    self_attests(["statement_with_measurements_and_no_evidence_is_refused", "emulated_machine_has_to_be_named", "another_platform_than_stated_is_refused",
                  "host_that_says_its_emulator_is_a_tpm_finds_nobody_to_vouch", "owner_with_the_maker_s_root_wants_the_key_vouched_for",
                  "statement_of_before_does_not_undo_what_was_seen"])


@row("G1d", "it moves the service beside another genuine TPM, booted the same, than its statement names, or shows an older statement that names none", "service-machine", SELF_DONE)
def g1d(w):
    self_attests(["tpm_that_the_statement_names_is_taken_alone"])


@row("G1e", "of a service attested by its processor: a report over other keys, another genesis or nonce; changed; of another maker, chip, launch or of a machine open to debugging; on "
     "firmware below the owner's least", "service-binding service-evidence service-measurement service-machine service-platform service-firmware",
     "tests/e2e/test_self_processor.py: *emulated boundary*: kernel and processor (snp, tdx) are the test's, with keys of its own")
def g1e(w):
    self_attests(["service_attests_itself_by_its_processor", "report_over_another_key_genesis_or_nonce_is_refused", "report_that_was_changed_is_refused",
                  "processor_whose_maker_is_not_named_is_refused", "machine_open_to_debugging_is_refused", "machine_launched_otherwise_is_refused",
                  "owner_who_states_no_minimum_is_asked_for_one", "firmware_below_the_owner_s_minimum_is_refused", "processor_that_the_statement_names_is_taken_alone",
                  "service_attests_itself_as_a_trust_domain", "quote_of_a_trust_domain_is_refused_by_name"], "test_self_processor.py", BUILD + "/tests/e2e/tdx_maker")


@row("G2", "a party signs a statement about another's repository, asset or workload, or a release that names another's asset as its image's key or artefact", "malformed kind signature")
def g2(w):
    w.serves()
    a = asset(w.mallory, NOTE, b"mine now", w.service["receive"], w.gid, 2, payload_id(w.said_greeting))
    denied(w.put_raw(w.mallory, NOTE, json.dumps(a).encode()), "malformed")
    a = asset(w.mallory, NOTE, b"mine now", w.service["receive"], w.gid, 2, payload_id(w.said_greeting), of=["hospital"])
    denied(w.put_raw(w.mallory, NOTE, json.dumps(a).encode()), "kind")
    not_logged(w.publish(w.approval([NOTE], w.w_sample, ["sample"], owner=w.mallory)), "kind")
    not_logged(w.publish(w.revoke(w.mallory, payload_id(w.said_greeting))), "kind")
    lab = w.join("lab2", ["image-provider"], w.acme)  # of its own image, that another's asset opens it or comes with it
    says = {"repository": "registry.example/lab", "version": 1, "methods": [{"type": "sigstoreSigned", "key": base.PEM}], "keys": []}
    for more in ({"keys": [NOTE]}, {"attestations": [{"type": "https://spdx.dev/Document", "digest": "cd" * 32, "asset": NOTE}]}):
        not_logged(w.publish(w.say("image-release", lab, [("registry.example/lab", "ac" * 32)], dict(says, **more))), "kind")
    w.ok(w.say("image-release", lab, [("registry.example/lab", "ac" * 32)], dict(says, keys=["kbs:///lab2/image-key/one"])))
    not_logged(w.publish(w.say("workload", w.mallory, [("risk", w.workload)], w.m)), "kind")
    not_logged(w.publish(w.approval([NOTE], w.w_sample, ["sample"], keys=[w.mallory.key])), "signature")
    not_logged(w.publish(w.say("party", "hospital", [("hospital", None)], w.hospital.body(), serial=2, keys=[w.mallory.key, w.acme.key],
                               previous="00" * 32)), "signature")
    target = "/kbs/v0/resource/" + NOTE[len("kbs:///"):]
    denied(w.c.call("DELETE", target, bearer=w.mallory.token("DELETE", target)), "owner")
    w.serves()


@row("G2b", "such a statement, signed by a known party and refused, is in the ledger as refused, for those whose thing it was", "kind")
def g2b(w):
    env = w.revoke(w.mallory, payload_id(w.said_greeting))
    not_logged(w.publish(env), "kind")
    seen, at, size = [], 0, 1
    while at < size:
        path = "/coffer/v0/ledger?from=%d" % at
        page = w.c.call("GET", path, bearer=w.hospital.token("GET", path)).json()
        at, size = page["next"], page["size"]
        seen += [json.loads(unb64u(o["opening"])[36:]) for o in page["openings"]]
    assert {"by": "mallory", "check": "kind", "id": payload_id(env)} in [r["data"] for r in seen if r["type"] == "refusal"]


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


@row("G3b", "an Auditor puts an asset below its own name and approves for it; an Image Provider sets a release policy for data", "persona",
     "tests/adversary; an image provider's own image keys are its own: their policy and approval too")
def g3b(w):
    lab = w.join("lab", ["image-provider"], w.acme)
    mine = lambda p, type: "kbs:///%s/%s/one" % (p.name, type)
    put = lambda p, type: w.put_raw(p, mine(p, type), json.dumps(asset(p, mine(p, type), b"mine", w.service["receive"], w.gid, kind=type)).encode())
    denied(put(w.auditor, "data"), "persona")
    denied(put(lab, "data"), "persona")
    not_logged(w.publish(w.approval([mine(w.auditor, "data")], w.w_sample, ["sample"], owner=w.auditor)), "persona")
    denied(put(w.auditor, "attestation"), "persona")
    assert put(lab, "attestation").status == 200
    assert put(lab, "image-key").status == 200
    w.ok(w.approval([mine(lab, "image-key")], w.w_sample, ["sample"], owner=lab))


def assessed(w, who, digest, finding="passed", about="workload", **more):
    name = about + ":" + digest
    return w.say("assessment", who, [(name, None)], {"about": about, "digest": digest, "finding": finding, "method": "read it"}, **more)


@row("G3c", "an approval that wants an auditor's assessment: none there, by no auditor, failed, of something else, taken back", "R9 persona")
def g3c(w):
    path = "kbs:///hospital/note/assessed"
    w.store(path, b"assessed")
    m, digest = w.workload_of(w.acme, "assessed", [path], ["sample"])
    w.workload_says(w.acme, m)
    g = Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()
    body = {"assets": [path], "workload": digest, "platforms": ["sample"], "services": [w.service_id], "until": when(int(time.time()) + 3600), "shown": "cd" * 32,
            "assessed-by": [{"party": "watcher", "about": "workload"}, {"party": "watcher", "about": "image"}]}
    w.ok(w.say("approval", w.hospital, [(path, None), ("workload:" + digest, None)], body))
    denied(w.ask(g, path), "R9")
    not_logged(w.publish(assessed(w, w.acme, digest)), "persona")           # a provider finds its own work good
    w.ok(assessed(w, w.auditor, "ab" * 32, about="image"))
    first = assessed(w, w.auditor, digest, "failed")
    w.ok(first)
    denied(w.ask(g, path), "R9")
    good = assessed(w, w.auditor, digest, serial=2, previous=payload_id(first))
    w.ok(good)
    w.gets(g, path, b"assessed")
    w.ok(w.revoke(w.auditor, payload_id(good)))
    denied(w.ask(g, path), "R9")


@row("G4", "any one owner tightens or revokes alone, at once, for its own assets", "R4 R11 lease",
     "tests/adversary; what the guest then does: H7")
def g4(w):
    g, pod = w.serves(), w.sample().up()
    path = "/coffer/v0/statements?kind=tcb&issuer=hospital"
    now = w.c.call("GET", path, bearer=w.hospital.token("GET", path)).json()["statements"]
    p = json.loads(base64.b64decode(now[0]["payload"]))["predicate"] if now else {"serial": 0}
    env = lambda n, least, before: w.say("tcb", w.hospital, [("snp", None)], {"platform": "snp", "minimum": [{"product": "", "svns": {"snp": least}}]},
                                         serial=p["serial"] + n, previous=before)
    tight = w.ok(env(1, 200, payload_id(now[0]) if now else None))
    denied(w.ask(g), "R4")
    assert w.held(g, w.said_greeting) == (4, "R4")
    w.ok(env(2, 1, tight))
    w.gets(g, NOTE, HELLO)
    w.gets(pod, DATA, PATIENTS)
    assert w.held(g, w.said_greeting) == (1, "") and w.held(pod, w.said_patients, DATA) == (1, "")
    stop = w.say("pause", w.hospital, [(w.says_risk_sample, w.says_risk_sample)], {"statement": w.says_risk_sample, "reason": "a look"})
    w.ok(stop)
    assert w.held(pod, w.said_patients, DATA) == (3, "R11")
    w.ok(w.revoke(w.hospital, payload_id(stop)))
    assert w.held(pod, w.said_patients, DATA) == (1, "")
    w.ok(w.revoke(w.hospital, w.says_risk_sample))  # a workload that it did not issue
    denied(w.ask(pod, DATA), "R11")
    assert w.held(pod, w.said_patients, DATA) == (2, "R11") and w.held(g, w.said_greeting) == (1, "")


@row("G4e", "an owner no longer trusts the service's statement, or a boot image that the provider still stands by: it alone stops each for its own assets; a stranger's word ends nothing",
     "R11 lease", "tests/adversary; that others' assets go on, approvals of others, assessments, receipts: tests/unit/test_keep_co.c, test_replay.c, test_receipt_said.c")
def g4e(w):
    g = w.serves()
    service = sha256(base64.b64decode(json.loads(w.c.call("GET", "/coffer/v0/service").body)["payload"])).hex()
    for what, name in ((service, "service"), (w.boot, "boot-image")):
        w.gets(g, NOTE, HELLO)
        w.ok(w.say("pause", w.mallory, [(what, what)], {"statement": what, "reason": "mischief"}))
        w.gets(g, NOTE, HELLO)
        assert w.held(g, w.said_greeting) == (1, "")
        stop = w.say("pause", w.hospital, [(what, what)], {"statement": what, "reason": "a look"})
        w.ok(stop)
        no = denied(w.ask(g), "R11")
        assert name + " statement" in no and "paused by hospital" in no, no
        assert w.held(g, w.said_greeting) == (3, "R11")
        w.ok(w.revoke(w.hospital, payload_id(stop)))
        assert w.held(g, w.said_greeting) == (1, "")


@row("G4c", "a chip turns out broken, an image bad, while guests run: who decides of the asset or provides the code revokes it by itself; a stranger's word ends nothing",
     "R11 lease", "tests/adversary; measurements and receipts: tests/unit/test_replay.c, test_receipt_said.c; what the guest then does: H7")
def g4c(w):
    def revokes(party, thing):
        id = sha256(thing.encode()).hex()
        return w.say("revocation", party, [("thing:" + id, id)], {"thing": thing, "reason": "broken"})
    broken = Chip(0xD7, like=w.chip)
    g, other = w.snp(chip=broken).up(), w.serves()
    w.gets(g, NOTE, HELLO)
    assert w.held(g, w.said_greeting) == (1, "")
    chip = "chip:snp:" + broken.id.hex()
    w.ok(revokes(w.mallory, chip))
    w.gets(g, NOTE, HELLO)
    assert w.held(g, w.said_greeting) == (1, "")
    w.ok(revokes(w.hospital, chip))
    assert chip[:60] in denied(w.ask(g), "R11")
    denied(w.ask(w.snp(chip=broken).up()), "R11")
    assert w.held(g, w.said_greeting) == (2, "R11") and w.held(other, w.said_greeting) == (1, "")
    w.gets(other, NOTE, HELLO)
    assert w.publish(revokes(w.hospital, "chip:snp:XY")).status == 400


@row("G4d", "an image provider's signing key is stolen and its maker fooled into releasing what the thief signed: from the time that is named on nothing verified by that key is served, what was released before is, and"
     " an owner who believes none of it ends that too", "R11 lease kind", "tests/adversary; receipts: tests/unit/test_receipt_said.c; before a machine is chosen: tests/e2e/test_host.py")
def g4d(w):
    pub = base.Key("ES256").k.public_key()
    key = pub.public_bytes(base.serialization.Encoding.PEM, base.serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    thing = "image-key:" + sha256(pub.public_bytes(base.serialization.Encoding.DER, base.serialization.PublicFormat.SubjectPublicKeyInfo)).hex()

    def revokes(party, **more):
        id = sha256(thing.encode()).hex()
        return w.say("revocation", party, [("thing:" + id, id)], dict({"thing": thing, "reason": "stolen"}, **more))

    def pod(name, image, text=key):
        m, _ = w.workload_of(w.acme, name, [NOTE], ["snp"])
        m["containers"][0]["image"] = {"reference": "registry.example/app@sha256:" + image, "provider": "imaker", "method": {"type": "sigstoreSigned", "key": text}}
        return m

    def serve(m, image):
        w.ok(w.say("image-release", w.imaker, [("registry.example/app", image)],
                   {"repository": "registry.example/app", "version": 1, "methods": [{"type": "sigstoreSigned", "key": key}], "keys": []}))
        w.workload_says(w.acme, m)
        w.ok(w.approval([NOTE], sha256(jcs(m)).hex(), ["snp"]))
        return w.snp(initdata=render(m, m["service"]["url"])).up()

    honest = serve(pod("before", "a1" * 32), "a1" * 32)
    w.gets(honest, NOTE, HELLO)
    w.ok(revokes(w.mallory))
    w.gets(honest, NOTE, HELLO)
    not_logged(w.publish(revokes(w.imaker, **{"from": when(int(time.time()) + 600)})), "kind")
    stolen = int(time.time()) + 1
    while time.time() < stolen:  # ledger times are seconds
        time.sleep(0.02)
    w.ok(revokes(w.imaker, **{"from": when(stolen)}))
    w.gets(honest, NOTE, HELLO)
    assert w.held(honest, w.said_greeting) == (1, "")
    fooled = serve(pod("after", "a2" * 32), "a2" * 32)
    assert thing[:60] in denied(w.ask(fooled), "R11")
    m = pod("spelled", "a1" * 32, key.replace("\n-----END", "\n\n-----END"))
    not_logged(w.publish(w.say("workload", w.acme, [(m["name"], sha256(jcs(m)).hex())], m)), "kind")
    w.ok(revokes(w.hospital))
    assert thing[:60] in denied(w.ask(honest), "R11")
    assert w.held(honest, w.said_greeting) == (2, "R11")
    w.gets(w.snp().up(), NOTE, HELLO)  # by another key


SHARED = "kbs:///hospital/data/shared"


def put_shared(w, content, k, of, keys, version=1, previous=None):
    """Of several parties; signed by these keys."""
    salt = os.urandom(32)
    body = {"path": SHARED, "type": "data", "version": version, "k": k, "of": of, "least-action": "stop", "policy": {"rego": SAMPLE_POLICY}}
    env = w.say("asset", w.hospital, [(SHARED, sha256(salt + content).hex())], body, serial=version, previous=previous, keys=keys)
    return env, w.put_raw(w.hospital, SHARED, json.dumps({"statement": env, "sealed": jwe_seal(w.service["receive"], salt + content)}).encode())


def found(w, r):
    """What the owner is told of the check that refused."""
    path = "/coffer/v0/decisions/" + denied(r, "R9").split("; decision ")[1].split()[0].rstrip(".")
    return [c["found"] for c in w.c.call("GET", path, bearer=w.hospital.token("GET", path)).json()["checks"] if c["check"] == "R9"][0]


def together(w, name):
    """A workload that is entitled to what two share, and its guest."""
    m, digest = w.workload_of(w.acme, name, [SHARED], ["sample"])
    w.workload_says(w.acme, m)
    return digest, Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()


OURS = "kbs:///hospital/note/ours"


@row("G4b", "any one of several who decide of an asset, not its path's owner, tightens alone: a minimum, a pause, a workload, the asset itself", "R4 R11 kind",
     "tests/adversary; receipts and what each may read of decisions: tests/unit/test_keep_co.c")
def g4b(w):
    partner = w.join("partner", ["data-owner"], w.acme)
    salt = os.urandom(32)
    body = {"path": OURS, "type": "data", "version": 1, "k": 1, "of": ["hospital", "partner"], "least-action": "stop"}
    env = w.say("asset", w.hospital, [(OURS, sha256(salt + b"ours").hex())], body, keys=[w.hospital.key, partner.key])
    r = w.put_raw(w.hospital, OURS, json.dumps({"statement": env, "sealed": jwe_seal(w.service["receive"], salt + b"ours")}).encode())
    assert r.status == 200, r.body
    m, digest = w.workload_of(w.acme, "ours", [OURS, NOTE], ["snp"])
    says = w.workload_says(w.acme, m)
    for path in (OURS, NOTE):
        w.ok(w.approval([path], digest, ["snp"]))
    g = w.snp(initdata=render(m, m["service"]["url"])).up()
    w.gets(g, OURS, b"ours")
    assert w.held(g, env, OURS) == (1, "")
    least = lambda n, svn, previous=None: w.say("tcb", partner, [("snp", None)], {"platform": "snp", "minimum": [{"product": "", "svns": {"snp": svn}}]},
                                                serial=n, previous=previous)
    high = least(1, 200)
    w.ok(high)
    denied(w.ask(g, OURS), "R4")
    assert w.held(g, env, OURS) == (4, "R4")
    w.gets(g, NOTE, HELLO)  # of which partner does not decide
    path = "/coffer/v0/decisions/" + denied(w.ask(g, OURS), "R4").split("; decision ")[1].split()[0].rstrip(".")
    told = w.c.call("GET", path, bearer=partner.token("GET", path)).json()
    assert [c["who"] for c in told["checks"] if c["check"] == "R4"], told
    w.ok(least(2, 1, payload_id(high)))
    w.gets(g, OURS, b"ours")
    for what in (says, payload_id(env)):
        stop = w.say("pause", partner, [(what, what)], {"statement": what, "reason": "a look"})
        w.ok(stop)
        denied(w.ask(g, OURS), "R11")
        assert w.held(g, env, OURS) == (3, "R11")
        w.gets(g, NOTE, HELLO)
        not_logged(w.publish(w.revoke(w.hospital, payload_id(stop))), "kind")  # the others cannot lift it
        w.ok(w.revoke(partner, payload_id(stop)))
        w.gets(g, OURS, b"ours")
    not_logged(w.publish(w.revoke(w.mallory, payload_id(env))), "kind")  # who decides nothing of it
    w.ok(w.revoke(partner, payload_id(env)))
    denied(w.ask(g, OURS), "R11")
    assert w.held(g, env, OURS) == (2, "R11")
    w.gets(g, NOTE, HELLO)


def share(w):
    """What hospital and clinic decide of together, once; each row that wants it begins with this."""
    if hasattr(w, "shared_id"):
        return
    w.clinic = w.join("clinic", ["data-owner"], w.acme)
    env, r = put_shared(w, b"ours", 2, ["hospital", "clinic"], [w.hospital.key, w.clinic.key])
    assert r.status == 200, r.body
    w.shared_id = payload_id(env)


@row("G5", "one of several owners loosens alone: approves, lowers how many decide, names others, is the workload's provider itself", "R0 R9 signature",
     "tests/adversary; what `coffer pending` says of it: tests/e2e/test_service.py")
def g5(w):
    share(w)
    digest, g = together(w, "both")
    w.ok(w.approval([SHARED], digest, ["sample"]))
    assert "not by: clinic (has not approved it)" in found(w, w.ask(g, SHARED))
    for of, k in ((["hospital", "clinic"], 1), (["hospital"], 1), (["hospital", "mallory"], 2)):
        keys = [w.hospital.key] + ([w.mallory.key] if "mallory" in of else [])
        denied(put_shared(w, b"mine alone", k, of, keys, 2, w.shared_id)[1], "signature")
    w.ok(w.approval([SHARED], digest, ["sample"], owner=w.clinic))
    w.gets(g, SHARED, b"ours")
    w.ok(w.revoke(w.clinic, newest(w, digest, w.clinic)))  # and each takes back alone
    denied(w.ask(g, SHARED), "R11")
    path, salt = "kbs:///acme/data/shared", os.urandom(32)
    body = {"path": path, "type": "data", "version": 1, "k": 2, "of": ["acme", "clinic"], "least-action": "stop", "policy": {"rego": SAMPLE_POLICY}}
    env = w.say("asset", w.acme, [(path, sha256(salt + b"acme's too").hex())], body, keys=[w.acme.key, w.clinic.key])
    r = w.put_raw(w.acme, path, json.dumps({"statement": env, "sealed": jwe_seal(w.service["receive"], salt + b"acme's too")}).encode())
    assert r.status == 200, r.body
    m, digest = w.workload_of(w.acme, "own", [path], ["sample"])
    w.workload_says(w.acme, m)
    g = Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()
    denied(w.ask(g, path), "R0")  # its manifest speaks for acme alone
    w.ok(w.approval([path], digest, ["sample"], owner=w.acme))
    denied(w.ask(g, path), "R9")
    w.ok(w.approval([path], digest, ["sample"], owner=w.clinic))
    w.gets(g, path, b"acme's too")


def approved_for_moments(w, g, digest):
    """The clinic approves for as long as a release takes: longer, where this machine was too slow for that. Its approval, the serial of it, and when it ends."""
    ends = None
    for serial, seconds in enumerate((3, 10, 30, 90), 1):
        end = int(time.time()) + seconds
        ends = w.ok(w.approval([SHARED], digest, ["sample"], owner=w.clinic, until=end, serial=serial, previous=ends))
        r = w.ask(g, SHARED)
        if r.status == 200:
            assert g.open(r).endswith(b"ours")
            return ends, serial, end
        assert time.time() >= end, r.body
    raise AssertionError("no release within %d s" % seconds)


@row("G6", "k-of-n approval with too few, repeated, expired or foreign approvals, each refused for its own reason", "R9 signature")
def g6(w):
    share(w)
    digest, g = together(w, "all")
    other = together(w, "another")[0]
    w.ok(w.approval([SHARED], digest, ["sample"]))
    assert "not by: clinic (has not approved it)" in found(w, w.ask(g, SHARED)) or "another workload" in found(w, w.ask(g, SHARED))
    w.ok(w.approval([SHARED, NOTE], digest, ["sample"]))  # the same party once more
    assert found(w, w.ask(g, SHARED)).startswith("1 of the 2 approvals")
    w.ok(w.approval([SHARED], other, ["sample"], owner=w.clinic))
    assert "clinic (approved another workload)" in found(w, w.ask(g, SHARED))
    ends, serial, end = approved_for_moments(w, g, digest)
    while time.time() < end:
        time.sleep(0.2)
    assert "clinic (its approval has ended)" in found(w, w.ask(g, SHARED))
    not_logged(w.publish(w.approval([SHARED], digest, ["sample"], owner=w.clinic, keys=[w.hospital.key], serial=serial + 1, previous=ends)), "signature")
    w.ok(w.approval([SHARED], digest, ["sample"], owner=w.clinic, serial=serial + 1, previous=ends))
    w.gets(g, SHARED, b"ours")


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


def cli_diff(w, a, b, *more):
    paths = []
    for n, m in enumerate((a, b)):
        paths.append(w.dir + "/diff-%d.json" % n)
        with open(paths[-1], "w") as f:
            json.dump(m, f)
    p = subprocess.run([BUILD + "/src/cli/coffer", "workload", "diff", "--json"] + paths + list(more), stdout=subprocess.PIPE)
    d = json.loads(p.stdout)
    assert p.returncode == (0 if d["at-most-as-wide"] else 1)
    return d["at-most-as-wide"], [(x["direction"], x["difference"]) for x in d["differences"]]


@row("G8", "version 2 has wider host access than what its owner approved", "R9",
     "tests/adversary: `coffer workload diff` names what widened, and an approval of version 1 \"or narrower\" covers what is narrower and nothing else")
def g8(w):
    path = "kbs:///hospital/note/versions"
    one = dict(w.workload_of(w.acme, "versions", [path], ["sample"])[0], host={"logs": [], "signals": [9, 15]})
    digest = sha256(jcs(one)).hex()
    two, less = dict(one, host={"logs": ["analyse"], "signals": [9, 15]}), dict(one, host={"logs": [], "signals": [9]})
    wide, said = cli_diff(w, one, two)
    assert not wide and said == [("wider", "the host reading the output of analyse is added")], said
    assert cli_diff(w, one, less) == (True, [("narrower", "the host sending signal 15 is taken away")])
    for m in (one, two, less):
        w.workload_says(w.acme, m)
    guest = lambda m: Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()
    w.store(path, b"of versions")
    g1, g2, g3 = guest(one), guest(two), guest(less)
    exact = w.approval([path], digest, ["sample"])
    w.ok(exact)
    w.gets(g1, path, b"of versions")
    denied(w.ask(g2, path), "R9")
    denied(w.ask(g3, path), "R9")
    body = json.loads(base64.b64decode(exact["payload"]))["predicate"]["body"]
    w.ok(w.say("approval", w.hospital, [(path, None), ("workload:" + digest, None)], dict(body, **{"or-narrower": True}), serial=2, previous=payload_id(exact)))
    w.gets(g1, path, b"of versions")
    w.gets(g3, path, b"of versions")
    denied(w.ask(g2, path), "R9")


@row("G9", "an approved version that was withdrawn, and firmware below the least", "R11",
     "tests/adversary; of images: G9b; of firmware: G4, A28")
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


@row("G9b", "the workload provider goes back to an older image, released as a lower security version than the owner agreed to, with or without saying so in the manifest; its image "
     "provider takes a version back", "R8 R9")
def g9b(w):
    path, name = "kbs:///hospital/note/rolled", "registry.example/rolled"
    w.store(path, b"of rolled")
    old, new, newer = "a1" * 32, "a2" * 32, "a3" * 32
    body = lambda version: {"repository": name, "version": version, "methods": [{"type": "sigstoreSigned", "key": base.PEM}], "keys": []}
    released = {d: w.ok(w.say("image-release", w.imaker, [(name, d)], body(v))) for d, v in ((old, 3), (new, 5), (newer, 6))}
    plain = dict(w.workload_of(w.acme, "rolled", [path], ["sample"])[0])

    def of(digest, least):
        image = dict(plain["containers"][0]["image"], reference=name + "@sha256:" + digest)
        m = dict(plain, containers=[dict(plain["containers"][0], image=dict(image, **({"minimum-version": least} if least else {})))])
        w.workload_says(w.acme, m)
        return m

    agreed = of(new, 5)
    says = json.loads(base64.b64decode(w.approval([path], sha256(jcs(agreed)).hex(), ["sample"])["payload"]))
    w.ok(w.say("approval", w.hospital, [(s["name"], None) for s in says["subject"]], dict(says["predicate"]["body"], **{"or-narrower": True, "images-by": "imaker"})))
    guest = lambda m: Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()
    g = guest(agreed)
    w.gets(g, path, b"of rolled")
    w.gets(guest(of(newer, 6)), path, b"of rolled")
    denied(w.ask(guest(of(old, 5)), path), "R8") # every image of imaker's will do, and this one is in force
    denied(w.ask(guest(of(old, 3)), path), "R9")
    denied(w.ask(guest(of(old, None)), path), "R9")
    w.gets(g, path, b"of rolled")
    w.ok(w.say("image-release", w.imaker, [(name, new)], body(4), serial=2, previous=released[new]))
    denied(w.ask(g, path), "R8")


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


def folder(w, take, put):
    """The operator exchanges the whole state: keys, store and mark, of which none tells the service itself."""
    w.end()
    if take:
        shutil.rmtree(w.dir + "/" + take, ignore_errors=True)
        shutil.copytree(w.state, w.dir + "/" + take)
    if put:
        shutil.rmtree(w.state)
        shutil.copytree(w.dir + "/" + put, w.state)
    w.start()


def forget_witnessed(w, name):
    """The operator has no witness's word for what it makes up: it takes the one of before out of its copy."""
    db = sqlite3.connect(w.dir + "/" + name + "/keep/keep.db")
    db.execute("DELETE FROM meta WHERE name LIKE 'cosigned%'")
    db.commit()
    db.close()


def grow(w, n, name):
    """Entries that no witness is waited for."""
    for i in range(n):
        p = Party("%s%d" % (name, i), ["data-owner"])
        w.ok(statement("party", p, [(p.name, None)], p.body(), w.gid, keys=[p.key, w.acme.key]))


@row("G11", "the operator shows different histories to two parties, from copies of the whole service", "R12 ledger-witness ledger-rollback ledger-fork",
     "tests/adversary; a witness that is down, too few of them, and what waits: tests/e2e/test_witnessed.py, tests/unit/test_keep_witness.c; "
     "every command, and a guest: tests/e2e/test_ledger.py, test_guest_heads.py")
def g11(_):
    w = witnesses.World(BUILD + "/src/cli/coffer", 1, 1)
    try: # a witness has seen the one, and signs nothing of the other
        w.witness[0].start(w.dir + "/genesis.json")
        w.start()
        w.deploy()
        w.serves(w.guest().up())
        folder(w, "old", None)
        forget_witnessed(w, "old")
        grow(w, 3, "one")
        w.serves(w.guest().up())
        assert w.ledger("alice", "verify")[0] == 0
        there = w.entries()
        folder(w, "true", "old")
        w.withholds(w.guest().up(), "this service has", "its store is an old copy")
        grow(w, there - w.entries_written(), "two")
        rc, out = w.ledger("bob", "verify") # who never saw the first
        assert rc == 1 and "refused: ledger-witness" in out, out
        assert [n for n in os.listdir(w.witness[0].dir) if n.endswith(".forked")], "two trees of one size are evidence"
        grow(w, 1, "three")
        w.withholds(w.guest().up(), "what it has seen is not continued")
        folder(w, None, "true")
        w.serves(w.guest().up())
        rc, out = w.ledger("bob", "verify") # who was shown another, and has the service's own signature on it
        assert rc == 1 and "refused: ledger-fork" in out and ".forked" in out, out
        assert w.ledger("carol", "verify")[0] == 0 and w.ledger("carol", "compare", w.kept("alice"))[0] == 0
    finally:
        w.close()
    w = witnesses.World(BUILD + "/src/cli/coffer", 0, 0)
    try: # without one, the two find it out when they compare
        w.start()
        w.deploy()
        folder(w, "old", None)
        grow(w, 2, "one")
        assert w.ledger("alice", "verify")[0] == 0
        folder(w, None, "old")
        assert w.ledger("bob", "verify")[0] == 0
        rc, out = w.ledger("bob", "compare", w.kept("alice"))
        assert rc == 1 and "refused: ledger-rollback" in out, out
        grow(w, 3, "two")
        assert w.ledger("bob", "verify")[0] == 0
        rc, out = w.ledger("bob", "compare", w.kept("alice"))
        assert rc == 1 and "refused: ledger-fork" in out and w.kept("alice") in out, out
        assert w.ledger("carol", "verify")[0] == 0 and w.ledger("carol", "compare", w.kept("bob"))[0] == 0
    finally:
        w.close()


@row("G11b", "the operator keeps the ledger's witness away, or names one of its own in its place", "R12 ledger-witness genesis",
     "tests/adversary; a broken net that brings forged signatures: tests/unit/test_keep_witness.c")
def g11b(_):
    w = witnesses.World(BUILD + "/src/cli/coffer", 2, 1)
    try:
        mine = w.witness.pop()
        w.start()
        w.deploy()
        g = w.guest().up()
        w.withholds(g, "witness 1: ")
        assert "refused: ledger-witness" in w.ledger("alice", "verify")[1]
        n = w.entries_written()
        w.witness[0].start(w.dir + "/genesis.json")
        w.serves(g)
        assert w.entries_written() == n # the reply that waited: asking again decided nothing anew
        w.witness[0].stop()
        w.end()
        true = open(w.dir + "/genesis.json", "rb").read()
        env = json.loads(true)
        payload = json.loads(base64.b64decode(env["payload"]))
        payload["predicate"]["body"]["witnesses"] = [{"key": mine.vkey, "url": mine.url}]
        w.put_file("genesis.json", json.dumps(dict(env, payload=b64(jcs(payload)))).encode())
        for digest in (w.gid, payload_id(dict(env, payload=b64(jcs(payload))))):
            w.write_config(digest=digest)
            w.refuses_to_start("genesis")
        w.put_file("genesis.json", true)
        w.write_config(digest=w.gid)
        w.start()
        assert w.ledger("alice", "verify")[0] == 0 # what it signed before
        w.withholds(w.guest().up(), "witness 1: ")
        w.witness[0].start(w.dir + "/genesis.json")
        w.serves(w.guest().up())
        assert w.ledger("alice", "verify")[0] == 0
    finally:
        w.close()


def amended(w, witnesses, k, keys, serial=1, previous=None):
    body = {"witnesses": [{"key": x.vkey, "url": x.url} for x in witnesses], "cosignatures": k}
    return statement("genesis-amendment", "genesis", [("e2e.example/coffer", None)], body, w.gid, serial, previous, keys=keys)


def taken(r):
    assert r.status == 409 and r.json()["error"]["check"] == "serial", (r.status, r.body)


@row("G11c", "the operator and some founders amend the genesis to name a witness of their own; all founders do, against an owner who is none", "signature amendment serial kind R12",
     "tests/adversary; what an owner accepts, and goes back on: tests/e2e/test_amended.py, tests/unit/test_keep_amend.c")
def g11c(_):
    w = witnesses.World(BUILD + "/src/cli/coffer", 1, 1)
    mine = witnesses.Witness(BUILD + "/src/cli/coffer", w.dir, "mine")
    log = lambda env: w.c.call("POST", "/coffer/v0/statements", json.dumps(env))
    try:
        w.witness[0].start(w.dir + "/genesis.json")
        mine.start(w.dir + "/genesis.json")
        w.start()
        w.deploy()
        g = w.guest().up()
        w.serves(g)
        all3 = [p.key for p in (w.acme, w.imaker, w.hospital)]
        not_logged(log(amended(w, [mine], 1, all3[:2])), "signature")
        not_logged(log(amended(w, [mine], 1, all3[:2] + [w.acme.recovery])), "signature")
        not_logged(log(amended(w, [mine, w.witness[0]], 1, all3)), "amendment")  # so that two histories find one each
        taken(log(amended(w, [mine], 1, all3, 2, "00" * 32)))
        by_all = amended(w, [mine], 1, all3)
        w.ok(by_all)
        taken(log(amended(w, [w.witness[0]], 1, all3)))  # a second one that follows the same
        w.witness[0].stop()
        w.end()
        w.start()
        w.withholds(w.guest().up(), "witness 1:")  # mine signs, and that is not what this asset goes by
        a = asset(w.imaker, NOTE, b"x", w.service["receive"], w.gid, 2)
        p = json.loads(base64.b64decode(a["statement"]["payload"]))
        body = dict(p["predicate"]["body"], amendment=payload_id(by_all), of=["hospital"])
        forged = statement("asset", w.imaker, [(NOTE, p["subject"][0]["digest"]["sha256"])], body, w.gid, 2, "00" * 32)
        denied(w.put_raw(w.imaker, NOTE, json.dumps(dict(a, statement=forged)).encode()), "kind")  # nobody accepts it for the owner
        w.witness[0].start(w.dir + "/genesis.json")
        w.serves(w.guest().up())
    finally:
        mine.stop()
        w.close()


@row("G11e", "the service's operator runs a version whose default policies are laxer than those the founders signed, or shows receipts by such a one", "policies R10",
     "tests/unit/test_keep_amend.c; that it does not start, with the commands: tests/e2e/test_service.py")
def g11e(w):
    unit("tests/unit/test_keep_amend", ["service_that_ships_another_policy_does_not_start", "asset_goes_by_the_policies_that_its_genesis_names",
                                        "receipt_by_another_default_policy_is_refused"])


@row("G11d", "founders name a maker of hardware of their own, or drop one that leaked: some of them cannot, and all of them not against an owner who does not go by it", "R2 signature amendment kind",
     "tests/adversary; receipts, tokens, what nobody could use: tests/unit/test_keep_roots.c")
def g11d(w):
    path, theirs = "kbs:///hospital/note/maker", Chip(0xE3)  # one that the hospital lists (A28) and nobody revoked (G4c takes another): its maker is the question
    root = lambda chip, **more: dict({"vendor": "amd", "name": "SEV-Milan", "certificate": b64(chip.root)}, **more)
    log = lambda env: w.c.call("POST", "/coffer/v0/statements", json.dumps(env))
    all3 = [p.key for p in (w.acme, w.imaker, w.hospital)]

    def amends(roots, keys=all3, serial=1, previous=None):
        return statement("genesis-amendment", "genesis", [("e2e.example/coffer", None)], {"witnesses": [], "cosignatures": 0, "vendor-roots": roots}, w.gid, serial, previous, keys=keys)

    def restated(amendment, serial, before):
        p = json.loads(base64.b64decode(before["payload"]))["predicate"]["body"]
        env = w.say("asset", w.hospital, [(path, json.loads(base64.b64decode(before["payload"]))["subject"][0]["digest"]["sha256"])],
                    dict(p, amendment=amendment), serial=serial, previous=payload_id(before))
        r = w.put_raw(w.hospital, path, json.dumps({"statement": env}).encode())
        assert r.status == 200, r.body
        return env

    m, digest = w.workload_of(w.acme, "maker", [path], ["snp"])
    w.workload_says(w.acme, m)
    said = w.store(path, b"made", None)
    w.ok(w.approval([path], digest, ["snp"]))
    machine = lambda chip: w.snp(chip=chip, initdata=render(m, m["service"]["url"]))
    honest = machine(w.chip).up()
    w.gets(honest, path, b"made")
    g = machine(theirs)
    g.auth()
    denied(g.attest(), "R2")
    not_logged(log(amends([root(w.chip), root(theirs)], all3[:2])), "signature")
    not_logged(log(amends([root(w.chip), root(theirs, vendor="mine")])), "amendment")
    both = amends([root(w.chip), root(theirs)])
    w.ok(both)
    g = machine(theirs).up()  # it is somebody's, and nobody's who owns this
    denied(w.ask(g, path), "R2")
    w.gets(honest, path, b"made")
    said = restated(payload_id(both), 2, said)
    w.gets(g, path, b"made")
    w.gets(honest, path, b"made")
    alone = amends([root(theirs)], serial=2, previous=payload_id(both))
    w.ok(alone)
    w.gets(honest, path, b"made")
    said = restated(payload_id(alone), 3, said)
    denied(w.ask(honest, path), "R2")
    assert w.held(honest, said, path) == (4, "R2") and w.held(g, said, path) == (1, "")
    w.gets(g, path, b"made")
    w.serves()  # what goes by the genesis as it was founded


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


@row("G13", "the process that decides is killed at any moment", "nothing-lost", "tests/unit/test_keep_crash.c: kill -9 before each single write, and at random moments")
def g13(w):
    crash(["killed_at_any_moment_keep_loses_nothing_it_acknowledged"])


def crash(names):
    unit("tests/unit/test_keep_crash", names, BUILD + "/src/cofferd/keep/cofferd-keep", BUILD + "/src/cofferd/eval/cofferd-eval")


@row("G14", "a receipt is altered or shown for another release", "receipt-map receipt-rests receipt-rights",
     "tests/unit/test_receipt.c: bytes; statements left out or twice; parts of two; a release on nobody's word")
def g14(w):
    unit("tests/unit/test_receipt", ["receipt_holds_and_says_what_was_released", "every_altered_byte_is_found", "every_prefix_is_refused",
                                     "statement_left_out_or_twice_is_found", "parts_of_two_releases_do_not_fit", "release_on_nobodys_word_has_no_receipt_that_holds"])


@row("G15", "a receipt is verified years later, its endorsements expired; and a service that was broken into enters a release that the evidence does not allow",
     "R1 R4 R6 R10 receipt-evidence receipt-force receipt-map receipt-replay",
     "tests/unit/test_replay.c: who attests now with what has expired is refused, the receipt of then gives the same verdict word by word")
def g15(w):
    unit("tests/unit/test_replay", ["release_on_hardware_is_decided_again", "years_later_expired_endorsements_give_the_same_verdict",
                                    "every_altered_byte_of_evidence_is_found", "collateral_that_is_missing_is_asked_for_by_its_digest",
                                    "release_that_the_evidence_does_not_allow_has_no_receipt_that_holds",
                                    "release_below_a_minimum_or_against_the_policy_has_none_either",
                                    "approval_that_has_ended_does_not_count_as_looked_at", "uses_are_counted_by_the_map"])


@row("G16", "a party's key is rotated, lost, stolen: the thief revokes, rotates and puts assets, the quorum takes all of it back", "hold signature kind R11",
     "tests/e2e/test_life.py, with the commands of both; tests/unit/test_keep_life.c: releases, times")
def g16(w):
    unit(os.path.join(HERE, "../e2e/test_life.py"),
         ["rotation_waits_its_hold_and_the_quorum_ends_it", "thief_gets_nothing_for_good", "lost_key_is_replaced_by_the_quorum_at_once",
          "what_rested_on_the_stolen_key_is_listed_and_lifted"], BUILD + "/src/cli/coffer", BUILD + "/src/cofferd/cofferd")
    unit("tests/unit/test_keep_life",
         ["grants_before_the_compromise_stand_and_later_ones_are_void", "tightening_by_a_stolen_key_stands_until_the_quorum_lifts_it",
          "thief_that_names_the_good_key_is_undone_by_the_quorum", "recovery_keys_and_hold_change_by_the_quorum_alone"])


def lends(w, frm, to, of, depth, scope=SHARED, **more):
    body = {"of": of, "to": to, "role": "approval", "scope": [scope], "depth": depth, "until": when(int(time.time()) + more.pop("life", 3600))}
    return w.say("delegation", frm, [(to, None), ("of:" + of, None), ("role:approval", None)], body, **more)


@row("G17", "a chain of delegations that is too long, circular, expired or wider than what was delegated", "kind window R0 R11")
def g17(w):
    a, b, c, d, e = [w.join("lent-" + x, ["data-owner"], w.acme) for x in "abcde"]
    mine = "kbs:///hospital/note/"
    first = w.ok(lends(w, w.hospital, a.name, "hospital", 3, mine))
    not_logged(w.publish(lends(w, a, b.name, "hospital", 3, mine)), "kind")                       # as far as it has it itself
    not_logged(w.publish(lends(w, a, b.name, "hospital", 2, "kbs:///hospital/data/")), "kind")    # wider
    not_logged(w.publish(lends(w, w.mallory, b.name, "hospital", 0, mine)), "kind")               # nobody lent it
    for frm, to, depth in ((a, b, 2), (b, c, 1), (c, d, 0)):
        w.ok(lends(w, frm, to.name, "hospital", depth, mine))
    not_logged(w.publish(lends(w, d, e.name, "hospital", 0, mine)), "kind")                       # a fifth link
    not_logged(w.publish(lends(w, c, a.name, "hospital", 0, mine)), "kind")                       # a circle
    not_logged(w.publish(lends(w, w.hospital, e.name, "hospital", 0, mine, life=-1)), "window")
    path = mine + "lent"
    w.store(path, b"lent")
    m, digest = w.workload_of(w.acme, "lent", [path], ["sample"])
    w.workload_says(w.acme, m)
    g = Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()
    not_logged(w.publish(w.approval([path], digest, ["sample"], owner=e)), "kind")
    denied(w.ask(g, path), "R0")
    w.ok(w.approval([path], digest, ["sample"], owner=d))                                         # the fourth speaks for it
    w.gets(g, path, b"lent")
    w.ok(w.revoke(w.hospital, first))
    denied(w.ask(g, path), "R11")


def lets(w, frm, to, of, role, depth=0, scope=None, **more):
    body = {"of": of, "to": to, "role": role, "depth": depth, "until": when(int(time.time()) + 3600)}
    if scope is not None:
        body["scope"] = scope
    return w.say("delegation", frm, [(to, None), ("of:" + of, None), ("role:" + role, None)], body, **more)


@row("G17b", "a service is designated by one whom no founder lets, beyond what it was let, or when that has ended", "persona kind R0 R11",
     "tests/adversary; what a client then follows, and refuses: tests/unit/test_keep_lent.c, tests/e2e/test_service.py")
def g17b(w):
    role, path = "attestation-service", "kbs:///hospital/note/designated"
    run, on, far = [w.join("runs-" + x, ["infrastructure-operator"], w.acme) for x in "abc"]
    says = lambda p, **more: w.say("service", p, [("trust", None)], w.service, **more)
    not_logged(w.publish(says(run)), "persona")
    not_logged(w.publish(lets(w, w.hospital, run.name, "hospital", role)), "persona")              # an owner designates nothing
    not_logged(w.publish(lets(w, w.mallory, run.name, "mallory", role)), "persona")                # nor a provider that the genesis does not name
    not_logged(w.publish(lets(w, w.mallory, run.name, "acme", role)), "kind")
    other = w.ok(lets(w, w.acme, run.name, "acme", role, 1, ["another"]))
    not_logged(w.publish(says(run)), "persona")                                                    # of this service nobody spoke
    lent = w.ok(lets(w, w.acme, run.name, "acme", role, 1, ["trust"], serial=2, previous=other))
    not_logged(w.publish(lets(w, run, on.name, "acme", role, 0)), "kind")                          # of every service: more than it has
    not_logged(w.publish(lets(w, run, on.name, "acme", role, 1, ["trust"])), "kind")               # as far as it has it itself
    further = w.ok(lets(w, run, on.name, "acme", role, 0, ["trust"]))
    not_logged(w.publish(lets(w, on, far.name, "acme", role, 0, ["trust"])), "kind")               # a third link
    mine = w.ok(says(on))
    w.store(path, b"designated", SAMPLE_POLICY)
    m, digest = w.workload_of(w.acme, "designated", [path], ["sample"])
    w.workload_says(w.acme, m)
    g = Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()
    denied(w.ask(g, path), "R0")                                                                   # it binds no asset before its owner accepts it
    w.ok(w.approval([path], digest, ["sample"], services=[mine]))
    w.gets(g, path, b"designated")
    narrowed = w.ok(lets(w, run, on.name, "acme", role, 0, ["trust"], serial=2, previous=further))
    w.gets(g, path, b"designated")
    w.ok(w.revoke(w.acme, lent))                                                                   # the founder, of the chain's beginning
    denied(w.ask(g, path), "R11")
    not_logged(w.publish(says(on, serial=2, previous=mine)), "persona")
    not_logged(w.publish(w.revoke(w.mallory, narrowed)), "kind")


@row("G17c", "an image is vouched for by one whom its provider does not let verify, beyond the repositories it was let, or when that has ended", "persona kind R8 R11")
def g17c(w):
    role, image, path = "image-verification", "c7" * 32, "kbs:///hospital/note/verified"
    lab, on = [w.join("verifier-" + x, ["auditor"], w.acme) for x in "ab"]

    def releases(p, repository="registry.example/lab/app", **more):
        body = {"repository": repository, "version": 1, "methods": [{"type": "sigstoreSigned", "key": base.PEM}], "keys": []}
        return w.say("image-release", p, [(repository, image)], body, **more)

    w.store(path, b"verified", SAMPLE_POLICY)
    m, _ = w.workload_of(w.acme, "verified", [path], ["sample"])
    m["containers"][0]["image"] = {"reference": "registry.example/lab/app@sha256:" + image, "provider": "imaker", "method": {"type": "sigstoreSigned", "key": base.PEM}}
    w.workload_says(w.acme, m)
    w.ok(w.approval([path], sha256(jcs(m)).hex(), ["sample"]))
    g = Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()
    denied(w.ask(g, path), "R8")
    not_logged(w.publish(releases(lab)), "persona")
    not_logged(w.publish(lets(w, w.hospital, lab.name, "hospital", role)), "persona")              # who has no images
    not_logged(w.publish(lets(w, w.mallory, lab.name, "imaker", role)), "kind")
    lent = w.ok(lets(w, w.imaker, lab.name, "imaker", role, 1, ["registry.example/lab/"]))
    not_logged(w.publish(releases(lab, "registry.example/labs/app")), "persona")                   # beyond its scope
    not_logged(w.publish(lets(w, lab, on.name, "imaker", role)), "kind")                           # of all: more than it has
    not_logged(w.publish(lets(w, lab, on.name, "imaker", role, 1, ["registry.example/lab/"])), "kind")
    w.ok(lets(w, lab, on.name, "imaker", role, 0, ["registry.example/lab/app"]))
    stranger = w.join("verifier-c", ["image-provider"], w.acme)
    w.ok(releases(stranger))                                                                       # for itself, which is not whom the manifest names
    denied(w.ask(g, path), "R8")
    release = w.ok(releases(on))
    w.gets(g, path, b"verified")
    w.ok(w.revoke(w.mallory, release))                                                             # a stranger's word ends nothing
    w.gets(g, path, b"verified")
    w.ok(w.revoke(w.imaker, lent))
    denied(w.ask(g, path), "R11")
    not_logged(w.publish(releases(on, serial=2, previous=release)), "persona")


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


@row("I7", "the store is put back to an older copy", "refused-to-start",
     "tests/adversary; the whole folder, by who saw more, party or guest: tests/e2e/test_ledger.py, test_guest_heads.py")
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
