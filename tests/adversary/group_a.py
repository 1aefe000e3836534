"""Scenarios A: a Data Owner against all others. Each acts out the proper action first, then the adversary's."""
from stage import *


@row("A1", "genuine guest with what its owner approved gets the secret, and an unknown one not", "policy")
def a1(w):
    g = w.serves()
    assert json.loads(unb64u(g.token.split(".")[1]))["submods"]["cpu0"]["ear.status"] == "affirming"
    denied(w.ask(w.snp(initdata=base.OTHER_INITDATA).up()), "policy")


def stripped(w):
    """A guest whose host left out the init-data, and the register with it."""
    g = w.snp(initdata=b"")
    g.auth()
    g.evidence = lambda nonce, additional="": zeroed(w, g, nonce)
    assert g.attest().status == 200
    return g


def zeroed(w, g, nonce):
    digest = hashlib.sha384(jcs({"additional-evidence": "", "nonce": nonce, "tee-pubkey": g.pubkey()})).digest()
    return w.chip.evidence(digest, bytes(32))


@row("A2", "no reference values provisioned: the strict policy refuses", "R10")
def a2(w):
    w.serves()
    bare = w.join("bare", ["workload-provider"], w.acme)
    m, digest = w.workload_of(bare, "bare", [NOTE], ["snp"])
    w.workload_says(bare, m)
    boot = w.say("boot-image", bare, [("kernel", "ef" * 32)], w.boot_body(w.chip.measurement, references=False))
    w.ok(boot)
    w.ok(w.approval([NOTE], digest, ["snp"], boots=[payload_id(boot)]))
    g = w.snp(initdata=render(m, m["service"]["url"])).up()
    denied(w.ask(g), "R10")
    again = w.say("boot-image", bare, [("kernel", "ef" * 32)], w.boot_body(w.chip.measurement), serial=2, previous=payload_id(boot))
    w.ok(again)
    env = w.approval([NOTE], digest, ["snp"], boots=[payload_id(again)], serial=2, previous=newest(w, digest))
    w.ok(env)
    w.gets(w.snp(initdata=g.initdata).up(), NOTE, HELLO)


def newest(w, workload, owner=None):
    """Id of the approval that the owner's next one supersedes."""
    owner = owner or w.hospital
    path = "/coffer/v0/statements?kind=approval&issuer=" + owner.name
    for env in w.c.call("GET", path, bearer=owner.token("GET", path)).json()["statements"]:
        if json.loads(base64.b64decode(env["payload"]))["predicate"]["body"]["workload"] == workload:
            return payload_id(env)
    raise AssertionError("no approval")


@row("A3", "a policy that denies all refuses a genuine guest too", "R10")
def a3(w):
    g = w.serves()
    denied(w.ask(g, CLOSED), "R10")
    env, r = w.restate(w.hospital, CLOSED, w.said_closed, None)
    assert r.status == 200, r.body
    w.gets(g, CLOSED, b"closed")


@row("A4", "evidence captured in one session is replayed in another", "R1")
def a4(w):
    g = w.snp()
    g.auth()
    old, nonce = g.evidence(g.nonce), g.nonce
    assert g.attest(evidence=old).status == 200
    g.auth()
    denied(g.attest(evidence=old), "R1")
    g.auth()
    denied(g.attest(nonce=nonce, evidence=old), "R1")
    w.serves()


@row("A5", "the host uses a guest's stolen cookie and token", "R1 wrapped")
def a5(w):
    g = w.serves()
    thief = w.snp()
    path = NOTE[len("kbs:///"):]
    for how in ("cookie", "bearer"):
        r = g.get(path, how)  # all that the host has; no request key
        assert r.status == 200 and HELLO not in r.body
        try:
            jwe_open(thief.tee, r.json())
        except Exception:
            continue
        raise AssertionError("another key opened what was for the guest")
    seen = g.signed_headers(path, "analyse", "api")
    assert g.open(g.get(path, headers=seen)).endswith(HELLO)
    denied(g.get(path, headers=seen), "R1")
    thief.cookie, thief.counter = g.cookie, 100
    denied(g.get(path, headers=thief.signed_headers(path, "analyse", "api")), "R1")


@row("A6", "the host puts its own key in the place of the guest's", "R1")
def a6(w):
    w.serves()
    g, host = w.snp(), Key("ES256")
    g.auth()
    ev = g.evidence(g.nonce)
    g.tee = host
    denied(g.attest(evidence=ev), "R1")


def expired(chip):
    """The same chip, its key's certificate past its time."""
    from cryptography import x509
    old = x509.load_der_x509_certificate(chip.cert)
    b = (x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer).public_key(old.public_key()).serial_number(old.serial_number)
         .not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(2021, 1, 1)))
    for e in old.extensions:
        b = b.add_extension(e.value, e.critical)
    return b.sign(chip.ask, hashes.SHA384()).public_bytes(serialization.Encoding.DER)


@row("A7", "evidence by a self-made chain, by another chip's key, by an expired certificate", "R2")
def a7(w):
    w.serves()
    for change in ("chain", "key", "expired"):
        g = w.snp(Chip() if change == "chain" else None)
        g.auth()
        good = w.chip.cert
        try:
            if change == "key":
                g.chip.cert = Chip().cert
            elif change == "expired":
                g.chip.cert = expired(w.chip)
            denied(g.attest(), "R2")
        finally:
            w.chip.cert = good


def booted(w, measurement):
    """A genuine guest that started from something else."""
    was, w.chip.measurement = w.chip.measurement, measurement
    try:
        return w.snp().up()
    finally:
        w.chip.measurement = was


@row("A8", "one byte of what was launched is changed, so one byte of the measurement", "R5")
def a8(w):
    w.serves()
    for at in (0, 47):
        m = bytearray(w.chip.measurement)
        m[at] ^= 1
        denied(w.ask(booted(w, bytes(m))), "R5")


@row("A9", "a genuine guest whose memory can be debugged", "R3")
def a9(w):
    w.serves()
    w.chip.policy |= 1 << 19
    try:
        g = w.snp().up()
    finally:
        w.chip.policy &= ~(1 << 19)
    denied(w.ask(g), "R3")


@row("A10", "the sample attester asks: where its owner named hardware, and under the default policy", "R3 R10")
def a10(w):
    g = w.sample().up()
    w.gets(g, DATA, PATIENTS)  # whose owner named sample, in its approval and in its policy
    denied(w.ask(g, STRICT), "R10")
    denied(w.ask(g, NOTE), "R3")
    other = Guest(w.c, w.initdata, agent=True, genesis=w.gid).up()
    denied(w.ask(other), "R3")


@row("A11", "a token that was altered, forged, issued by another, or has expired", "token",
     "tests/adversary; expiry: tests/unit/test_keep_session.c, whose clock can be set")
def a11(w):
    g = w.serves()
    path = NOTE[len("kbs:///"):]
    assert g.open(g.get(path, "bearer", g.signed_headers(path, "analyse", "api"))).endswith(HELLO)
    head, payload, sig = g.token.split(".")
    p = json.loads(unb64u(payload))
    other = Key("ES256")
    h = b64u(jcs(dict(json.loads(unb64u(head)), kid=other.kid())))
    signing, none = head + "." + payload, b64u(b'{"alg":"none","typ":"JWT"}')
    for t in (".".join((head, b64u(jcs(dict(p, exp=p["exp"] + 1000))), sig)), signing + "." + b64u(other.sign(signing.encode())),
              h + "." + payload + "." + b64u(other.sign((h + "." + payload).encode())), none + "." + payload + ".",
              w.hospital.token("GET", "/kbs/v0/resource/" + path)):
        base.kbs_error(w.c.call("GET", "/kbs/v0/resource/" + path, bearer=t), 401, "TokenVerifierError")
    unit("tests/unit/test_keep_session", ["token_stands_for_the_evidence_until_it_expires", "token_of_another_service_is_refused"])


@row("A12", "the token of pod X is used for what is reserved to pod Y", "R9")
def a12(w):
    m, digest = w.workload_of(w.acme, "pod-y", [OTHERS], ["snp"])
    w.workload_says(w.acme, m)
    w.ok(w.approval([OTHERS], digest, ["snp"]))
    y = w.snp(initdata=render(m, m["service"]["url"])).up()
    w.gets(y, OTHERS, b"of another pod")
    x = w.serves()
    assert any(OTHERS == e["asset"] for e in w.m["containers"][0]["entitlements"])  # X's provider would like it to
    denied(w.ask(x, OTHERS), "R9")
    path = OTHERS[len("kbs:///"):]
    denied(x.get(path, "bearer", x.signed_headers(path, "analyse", "api")), "R9")
    denied(w.ask(y), "policy")  # and Y gets nothing of X's, without a word about it


@row("A13", "a second tenant runs the same guest image with containers of its own", "R9 R5")
def a13(w):
    w.serves()
    m, digest = w.workload_of(w.mallory, "factory", [NOTE], ["snp"])
    w.workload_says(w.mallory, m)
    g = w.snp(initdata=render(m, m["service"]["url"])).up()
    denied(w.ask(g), "R5")  # no boot image in mallory's name
    w.ok(w.say("boot-image", w.mallory, [("kernel", "ef" * 32)], w.boot_body(w.chip.measurement)))
    denied(w.ask(g), "R5")  # and not one that the owner approved
    own, digest = w.workload_of(w.acme, "own", [NOTE], ["snp"])
    w.workload_says(w.acme, own)  # even of the approved provider: not this one
    denied(w.ask(w.snp(initdata=render(own, own["service"]["url"])).up()), "R9")


@row("A14", "evidence of a device beside the processor is left out, replaced, or not valid", "R1 R2",
     "tests/adversary; with genuine device evidence: tests/unit/test_nvidia.c (no device's maker can be named in a genesis)")
def a14(w):
    w.serves()
    g = w.snp()
    for sent, bound, why in (("", '{"nvidia":{}}', "R1"), ('{"nvidia":{}}', "", "R1"), ('{"nvidia":{"a":1}}', '{"nvidia":{}}', "R1"),
                             ('{"sample":{}}', '{"sample":{}}', "R2"), ("{}", "{}", "R2")):
        g.auth()
        v = {"init-data": {"format": "toml", "body": g.initdata.decode()}, "runtime-data": {"nonce": g.nonce, "tee-pubkey": g.pubkey()},
             "tee-evidence": {"primary_evidence": g.evidence(g.nonce, bound), "additional_evidence": sent}}
        denied(g.attest(body=json.dumps(v)), why)


@row("A15", "the event log is edited, cut or put in another order beside a genuine quote", "R2",
     "tests/unit/test_tpm.c, test_dcap.c: the driver that eval judges by")
def a15(w):
    unit("tests/unit/test_tpm", ["log_must_replay_to_the_quoted_registers", "log_of_no_event_explains_only_registers_that_nobody_extended"])
    unit("tests/unit/test_dcap", ["log_beside_the_quote_must_replay_to_all_four_registers"])


not_yet("A16", "the host reads a guest's memory", "needs hardware: under emulation the guest's memory is QEMU's, and the host reads it")
STORE = "tests/e2e/test_guest_store.py (a debug image, service and registry of the test's); *emulated boundary*: QEMU's memory is the host's"


@row("A17", "bits of the scratch disk are flipped, and blocks moved, while a container runs: its read fails, and it with it", "io-error", STORE)
def a17(w):
    machine(["what_is_written_is_read_back", "blocks_that_are_flipped_are_an_error_and_no_data", "blocks_that_are_moved_are_an_error_and_no_data",
             "what_was_left_alone_is_read", "the_container_fails_with_its_read"])


@row("A18", "blocks of the scratch disk are put back to what they were, while a container runs", "io-error", STORE + "; of sealed files: seal, tests/e2e/test_run.py")
def a18(w):
    machine(["what_is_written_is_read_back", "blocks_that_are_put_back_are_an_error_and_no_data"])


@row("A19", "after a pod its disk is looked through, and attached to another pod", "no-plain-text blank", STORE)
def a19(w):
    machine(["what_is_written_is_read_back", "no_plain_text_is_on_the_disk", "equal_blocks_are_not_equal_there",
             "the_disk_of_a_pod_that_ended_is_a_blank_one_to_the_next"])


@row("A20", "the host's disk has a LUKS header, a partition table, a file system and dm-integrity's superblock of its own", "blank", STORE)
def a20(w):
    machine(["headers_of_somebody_else_are_ignored", "what_is_written_is_read_back", "of_the_first_header_nothing_is_left_and_there_is_no_other"])


not_yet("A27", "an approved pod runs twice on copies of one volume", "no volume outlives its pod yet")


def impostor(w):
    """A TLS key of the adversary's own, and the service statement it would need."""
    from cryptography import x509
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1)).sign(key, hashes.SHA256()))
    k = w.put_file("false.key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    c = w.put_file("false.pem", cert.public_bytes(serialization.Encoding.PEM))
    spki = sha256(key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hex()
    return k, c, json.dumps(w.say("service", w.mallory, [("trust", None)], dict(w.service, tls=spki))).encode()


@row("A21", "somebody in between, or a false trust service, before the agent's client", "tls service")
def a21(w):
    ask = lambda address=None: w.probe(DATA, initdata=w.sample_initdata, address=address)
    assert ask() == (0, "1 " + PATIENTS.decode()), ask()
    k, c, own = impostor(w)
    with base.Relay(lambda path, head, body: (head, body), k, c) as r:
        rc, text = ask(r.address)
        assert rc == 1 and text.startswith("tls: "), text
    with base.Relay(lambda path, head, body: (head, own if path.endswith("/service") else body), k, c) as r:
        rc, text = ask(r.address)
        assert rc == 1 and text.startswith("service: "), text


@row("A22", "the init-data is taken out of the pod", "policy")
def a22(w):
    w.serves()
    denied(w.ask(stripped(w)), "policy")  # R6; who has no workload hears no more than that


@row("A23", "the init-data is edited and the register made to agree with it", "policy R6")
def a23(w):
    w.serves()
    edited = w.initdata.replace(b"/bin/analyse", b"/bin/exfiltr")
    assert edited != w.initdata
    denied(w.ask(w.snp(initdata=edited).up()), "policy")
    g = w.snp()  # the edited bytes beside the register of the true ones
    g.auth()
    ev = g.evidence(g.nonce)
    g.initdata = edited
    denied(g.attest(evidence=ev), "R6")


@row("A25", "a secret is replaced and deleted while the pod runs", "absent")
def a25(w):
    g = w.snp().up()
    w.gets(g, TURNED, b"first")
    old, session = g.open(w.ask(g, TURNED)), g.cookie
    w.store(TURNED, b"second", None, 2, payload_id(w.said_turned))
    w.gets(g, TURNED, b"second")
    target = "/kbs/v0/resource/" + TURNED[len("kbs:///"):]
    assert w.c.call("DELETE", target, bearer=w.hospital.token("DELETE", target)).status == 200
    denied(w.ask(g, TURNED))
    assert old.endswith(b"first") and g.cookie == session
    assert w.held(g, w.said_turned, TURNED) == (1, "")  # who deletes does not take back; who revokes does
    w.gets(g, NOTE, HELLO)  # the pod itself goes on


@row("A26", "the owner withdraws its approval: the next request is refused", "R11")
def a26(w):
    g = w.serves()
    first = newest(w, w.workload)
    w.ok(w.revoke(w.hospital, first))
    denied(w.ask(g), "R11")
    denied(w.ask(w.snp().up()), "R11")
    w.ok(w.approval([NOTE, CLOSED, TURNED], w.workload, ["snp"], serial=2, previous=first))
    w.serves()


@row("A28", "another genuine chip, product or firmware than the owner accepts", "R3 R4")
def a28(w):
    before = None
    for serial, body, check in (
            (1, {"chips": ["c2" * 64], "minimum": [{"product": "", "svns": {"snp": 1}}]}, "R3"),
            (2, {"minimum": [{"product": "genoa", "svns": {"snp": 1}}]}, "R4"),
            (3, {"minimum": [{"product": "milan", "svns": {"snp": 25}}]}, "R4"),
            (4, {"chips": [w.chip.id.hex(), "d7" * 64, "e3" * 64], "minimum": [{"product": "milan", "svns": {"snp": 24}}]}, None)):
        env = w.say("tcb", w.hospital, [("snp", None)], dict(body, platform="snp"), serial=serial, previous=before)
        before = w.ok(env)
        if check:
            denied(w.ask(w.snp().up()), check)
        else:
            w.serves()
