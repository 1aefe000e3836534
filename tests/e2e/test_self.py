#!/usr/bin/python3
"""The trust service attests itself: swtpm beside cofferd, and between it and an owner its own host, which holds its TLS key. What the evidence is
bound to is computed here a second time, from docs/protocol/service.md.
Usage: test_self.py COFFERD COFFER"""
import base64, concurrent.futures, http.server, json, os, shutil, signal, ssl, struct, subprocess, sys, tempfile, threading, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from parties import *
from tpms import *

COFFERD, COFFER = map(os.path.abspath, sys.argv[1:3])
PATH = "/coffer/v0/service/evidence"
SECRET = b"what nobody sees"
BOOTED = {4: "44" * 32, 9: "99" * 32}  # what the firmware of the test's machines measured


def booted(name, top):
    """A machine that has booted what the statement says, as swtpm knows it. Its keys are made by tpm2-tools too, for who lies with it."""
    t = Tpm(name, top, single=True)
    t.start()
    for pcr, digest in BOOTED.items():
        t.do("tpm2_pcrextend", "%d:sha256=%s" % (pcr, digest))
    return t


def register(pcr):
    return sha256(bytes(32) + bytes.fromhex(BOOTED[pcr])).hex()


LAUNCH = {"platform": "swtpm", "shape": "the test's machine", "registers": {"pcr%02d" % p: register(p) for p in BOOTED}}


def thumbprint(jwk):
    return sha256(jcs(jwk))


def report_data(genesis, s, nonce):
    keys = sha256(b"coffer service keys v1\0" + bytes.fromhex(genesis) + struct.pack(">I", len(s["id"])) + s["id"].encode() +
                  b"".join(thumbprint(s[k]) for k in ("receive", "reply", "token", "ledger-key")) + bytes.fromhex(s["tls"]))
    return sha256(b"coffer service evidence v1\0" + keys + nonce)


class Host(http.server.BaseHTTPRequestHandler):
    """Whoever runs the service: it has the TLS key, and changes what it likes on the way."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def pass_on(self):
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n) if n else None
        keep = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "connection")}
        lie = W.lies.get((self.command, self.path))
        W.asked.append((self.command, self.path))
        if lie:
            status, out, kind = *lie(body, lambda b=body: W.c.call(self.command, self.path, b, headers=keep)), "application/json"
        else:
            r = W.c.call(self.command, self.path, body, headers=keep)
            status, out, kind = r.status, r.body, r.headers.get("Content-Type") or "application/octet-stream"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        try:
            self.wfile.write(out)
        except OSError:  # of an answer that is too long not all is read
            self.close_connection = True

    do_GET = do_POST = do_DELETE = pass_on


class World:
    def __init__(self, top):
        self.dir, self.proc, self.lies, self.asked, self.host = top, None, {}, [], None
        self.machines()
        self.found()

    def machines(self):
        """What is under the service, and another that whoever runs it has too."""
        self.tpm, self.other = booted("one", self.dir), booted("other", self.dir)
        self.other.ek("rsa")
        self.other.ak("ak", "rsa", "ecc")

    def attest(self):
        return 'platform = "tpm"\ndevice = "%s"\n' % self.tpm.sock

    def file(self, name, data):
        with open(self.dir + "/" + name, "wb") as f:
            f.write(data)
        return self.dir + "/" + name

    def read(self, name):
        with open(self.dir + "/" + name, "rb") as f:
            return f.read()

    def coffer(self, who, *words, **kw):
        return run(COFFER, *words, "--home", self.dir + "/" + who, env=dict(os.environ, COFFER_PASSPHRASE_FILE=self.dir + "/pass"), **kw)

    def ok(self, who, *words, **kw):
        rc, out, err = self.coffer(who, *words, **kw)
        assert rc == 0, (words, rc, err)
        return out.decode() + err

    def no(self, check, who, *words, **kw):
        rc, out, err = self.coffer(who, *words, **kw)
        assert rc == 1 and check in err, (words, check, rc, out, err)
        return err

    def config(self, attest=""):
        digest = 'genesis-digest = "%s"\n' % self.genesis if self.genesis else ""
        return self.file("cofferd.toml", ('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "genesis.json"\n%s%s' % (self.dir, digest, attest)).encode())

    def found(self):
        self.genesis = None
        self.file("pass", b"of the test\n")
        os.chmod(self.dir + "/pass", 0o600)
        self.file("service.json", must(COFFERD, "keygen", "--config", self.config()))
        self.service = json.loads(self.read("service.json"))
        self.ok("acme", "init", "--party", "acme", "--persona", "workload-provider")
        self.ok("hospital", "init", "--party", "hospital", "--persona", "data-owner")
        self.ok("acme", "genesis", "new", "--origin", "self.example/log", "--service", self.dir + "/service.json", "--out", self.dir + "/genesis.json",
                self.dir + "/acme/party.json", self.dir + "/hospital/party.json")
        for who in ("acme", "hospital"):
            self.ok(who, "genesis", "sign", self.dir + "/genesis.json")
        self.genesis = json.loads(self.ok("acme", "genesis", "show", "--json", self.dir + "/genesis.json"))["genesis"]

    def start(self, attest=True):
        self.config('[attest]\n' + self.attest() if attest else "")
        self.log = open(self.dir + "/log", "ab")
        self.proc = subprocess.Popen([COFFERD, "--config", self.dir + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=self.log)
        line = self.proc.stdout.readline().decode()
        assert line.startswith("cofferd: listening on https://"), (line, self.read("log"))
        self.c = Client(line.split("https://")[1].strip())
        if not self.host:
            self.between()

    def between(self):
        self.host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(self.dir + "/state/tls.pem", self.dir + "/state/tls.key")
        self.host.socket = ctx.wrap_socket(self.host.socket, server_side=True)
        threading.Thread(target=self.host.serve_forever, daemon=True).start()
        for who in ("acme", "hospital"):
            self.ok(who, "genesis", "use", self.dir + "/genesis.json", "--service", "https://127.0.0.1:%d" % self.host.server_address[1])

    def end(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            self.proc.wait(15)
            assert self.proc.returncode == 0, self.read("log")

    def stop(self):
        self.end()
        if self.host:
            self.host.shutdown()
        for t in (self.tpm, self.other):
            t.stop()

    def state(self, *launches, named=()):
        self.ok("acme", "service", "sign", self.dir + "/service.json", "--measurements", self.file("launches.json", json.dumps(list(launches)).encode()), *named)

    def put(self, *more):
        return ("asset", "put", "kbs:///hospital/data/one", "--file", self.file("content", SECRET), *more)

    def sealed_nothing(self):
        """No refusal lets anything of the content out: nothing was posted but the question."""
        assert not [a for a in self.asked if a[0] == "POST" and a[1] != PATH], self.asked


W = None
TAKEN = ("--accept-service", "swtpm")


def refused(check, more=TAKEN, **lies):
    """The owner's command with the service's host lying; nothing is sealed."""
    W.lies = {("GET" if k == "describe" else "POST", PATH): v for k, v in lies.items()}
    W.asked = []
    try:
        err = W.no(check + ": ", "hospital", *W.put(*more))
        W.sealed_nothing()
        W.no(check + ": ", "hospital", "service", "check", *more)
        return err
    finally:
        W.lies = {}


def forged(genesis=None, nonce=None, change=lambda v: v, **keys):
    """Evidence that the host has another machine of that launch make, over what it likes."""
    def lie(body, real):
        asked = base64.b64decode(json.loads(body)["nonce"])
        data = report_data(genesis or W.genesis, dict(W.service, **keys), nonce or asked)
        return 200, json.dumps(change({"tee": "swtpm", "evidence": json.loads(quoted(data))})).encode()
    return lie


def quoted(data):
    """As tpms.evidence, over the registers that a launch names."""
    t = W.other
    t.do("tpm2_quote", "-c", "ak.ctx", "-l", "sha256:" + ",".join(map(str, range(24))), "-q", data.hex(), "-m", "q.msg", "-s", "q.sig", "-g", "sha256")
    t.do("tpm2_pcrread", "sha256:" + ",".join(map(str, range(24))), "-o", "pcrs")
    pcrs, pem = t.read("pcrs"), t.read("ak.pem").decode()
    return json.dumps({"ak_public": "".join(l for l in pem.splitlines() if not l.startswith("-")), "tpm_quote": {
        "message": b64(t.read("q.msg")), "signature": b64(t.read("q.sig")), "pcrs": [pcrs[32 * i:32 * i + 32].hex() for i in range(24)]}})


# ---- in this order ----

def service_that_says_nothing_keeps_saying_who_can_read():
    W.start(attest=False)
    W.ok("acme", "service", "sign", W.dir + "/service.json")
    W.first = W.c.call("GET", "/coffer/v0/service").json()
    assert "its operator could read it" in W.ok("hospital", *W.put())
    assert "attested  no: root" in W.ok("hospital", "status") and "attested  no: root" in W.ok("hospital", "service", "show")
    assert W.c.call("GET", PATH).status == 404 and W.c.call("POST", PATH, json.dumps({"nonce": b64(bytes(32))})).status == 404


def owner_who_demands_it_is_told_by_name():
    W.asked = []
    W.no("service-unattested: ", "hospital", *W.put("--attested"))
    W.sealed_nothing()
    W.no("service-unattested: ", "hospital", "service", "check")


def statement_with_measurements_and_no_evidence_is_refused():
    W.state(LAUNCH)
    refused("service-unattested")
    assert "[attest]" in W.no("service-unattested: ", "hospital", *W.put(*TAKEN))
    assert register(4) in W.ok("hospital", "service", "show")
    W.end()


def emulated_machine_has_to_be_named():
    W.start()
    err = refused("service-platform", more=())
    assert "--accept-service swtpm" in err
    rc, _, err = W.coffer("hospital", "service", "check", "--accept-service", "tpm")
    assert rc not in (0, 1) and "swtpm is the only platform" in err, (rc, err)


def named_it_is_taken_and_called_emulated():
    for words in (W.put(*TAKEN), W.put("--attested", *TAKEN), ("service", "check") + TAKEN):
        assert "emulated TPM: the host could forge it" in W.ok("hospital", *words), words
    out = json.loads(W.ok("hospital", *W.put(*TAKEN), "--json").splitlines()[0])
    assert out["service-attested"] and out["service-emulated"], out
    out = W.ok("hospital", "asset", "seal", W.dir + "/content", "--asset", "kbs:///hospital/data/one", "--out", W.dir + "/sealed", *TAKEN)
    assert "emulated" in out and SECRET not in W.read("sealed")


def quote_of_this_test_s_own_making_over_the_right_words_is_taken():
    """So the bytes of the binding are those that the document says; and a swtpm is nobody's witness."""
    W.lies = {("POST", PATH): forged()}
    try:
        W.ok("hospital", "service", "check", *TAKEN)
    finally:
        W.lies = {}


def genuine_quote_over_another_key_is_refused():
    thief = Key("ES256").jwk()
    for member in ("receive", "reply", "token"):
        refused("service-binding", POST=forged(**{member: thief}))
    refused("service-binding", POST=forged(**{"ledger-key": Key().jwk()}))
    refused("service-binding", POST=forged(tls="00" * 32))
    refused("service-binding", POST=forged(id="trusts"))


def genuine_quote_for_another_genesis_is_refused():
    refused("service-binding", POST=forged(genesis="00" * 32))


def replayed_answer_is_refused():
    old = W.c.call("POST", PATH, json.dumps({"nonce": b64(bytes(32))}))
    assert old.status == 200, old.body
    refused("service-binding", POST=lambda body, real: (200, old.body))
    refused("service-binding", POST=forged(nonce=bytes(32)))
    # nor does the host get its own words quoted: what is asked goes through a hash of the service's
    data = base64.b64decode(json.loads(old.body)["evidence"]["tpm_quote"]["message"])
    assert report_data(W.genesis, W.service, bytes(32)) in data and bytes(32) + bytes(8) not in data[:60]


def evidence_that_was_changed_is_refused():
    def flip(v):
        raw = bytearray(base64.b64decode(v["evidence"]["tpm_quote"]["signature"]))
        raw[-1] ^= 1
        v["evidence"]["tpm_quote"]["signature"] = b64(bytes(raw))
        return v

    def pcr(v):
        v["evidence"]["tpm_quote"]["pcrs"][4] = "00" * 32
        return v

    refused("service-evidence", POST=forged(change=flip))
    refused("service-evidence", POST=forged(change=pcr))


def answer_that_is_none_seals_nothing():
    for out in (b"", b"{}", b"{\"tee\":\"swtpm\",\"evidence\":{}}", b"{\"tee\":\"swtpm\",\"evidence\":[]}", b"{\"tee\":\"none\",\"evidence\":{}}", b"x" * 300000,
                b"{\"tee\":\"swtpm\",\"evidence\":{},\"more\":1}"):
        W.lies, W.asked = {("POST", PATH): lambda body, real: (200, out)}, []
        try:
            rc, _, err = W.coffer("hospital", *W.put(*TAKEN))
        finally:
            W.lies = {}
        assert rc != 0, (out[:40], err)
        W.sealed_nothing()
    W.lies = {("GET", PATH): lambda body, real: (429, json.dumps({"error": {"check": "", "reason": "too often", "fix": ""}}).encode())}
    try:
        rc, _, err = W.coffer("hospital", *W.put(*TAKEN))
        assert rc not in (0, 1) and "too often" in err, (rc, err)
    finally:
        W.lies = {}


def another_platform_than_stated_is_refused():
    say = lambda tee: lambda body, real: (200, json.dumps({"tee": tee}).encode())
    for tee in ("snp", "tpm", "sample"):
        refused("service-platform", describe=say(tee))
    refused("service-platform", POST=forged(change=lambda v: dict(v, tee="tpm")))


def host_that_says_its_emulator_is_a_tpm_finds_nobody_to_vouch():
    W.state(LAUNCH, dict(LAUNCH, platform="tpm"))
    real = W.c.call("GET", PATH).json()
    assert real["tee"] == "swtpm" and real["tpm"]["ek_cert"], real
    named = lambda v: lambda body, r: (200, json.dumps(v).encode())
    assert "nobody vouches" in refused("service-evidence", more=(), describe=named(dict(real, tee="tpm")))
    assert "no certificate" in refused("service-evidence", more=(), describe=named({"tee": "tpm"}))
    # not even for the owner who takes an emulator: this one says that it is none
    refused("service-evidence", describe=named(dict(real, tee="tpm")))


def machine_launched_otherwise_is_refused():
    W.other.do("tpm2_pcrextend", "4:sha256=" + "55" * 32)
    err = refused("service-measurement", POST=forged())
    assert "pcr04" in err and register(4) in err, err
    W.state(dict(LAUNCH, registers=dict(LAUNCH["registers"], pcr04="00" * 32)))
    refused("service-measurement")
    W.state(LAUNCH)
    W.ok("hospital", "service", "check", *TAKEN)


def owner_with_the_maker_s_root_wants_the_key_vouched_for():
    os.mkdir(W.dir + "/roots")
    shutil.copy(W.tpm.root, W.dir + "/roots/maker.pem")
    rooted = TAKEN + ("--roots", W.dir + "/roots")
    W.ok("hospital", *W.put(*rooted))
    assert ("POST", PATH) in W.asked
    # the quote of another key of the host's, which shows nothing, or another's secret
    refused("service-evidence", more=rooted, POST=forged())
    refused("service-evidence", more=rooted, POST=forged(change=lambda v: dict(v, evidence=dict(v["evidence"], activated=b64(bytes(32))))))
    # a certificate of another maker; a key that signs anything
    real = W.c.call("GET", PATH).json()
    other = dict(real, tpm=dict(real["tpm"], ek_cert=b64(W.other.read("ek-rsa.der"))))
    assert "nobody vouches" in refused("service-evidence", more=rooted, describe=lambda body, r: (200, json.dumps(other).encode()))
    W.other.plain_key("any")
    loose = dict(real, tpm=dict(real["tpm"], ak_public=b64(W.other.read("any.tpmt"))))
    assert "may sign anything" in refused("service-evidence", more=rooted, describe=lambda body, r: (200, json.dumps(loose).encode()))
    # without showing what was in the credential, the right key is no use
    def silent(body, r):
        v = json.loads(r(json.dumps({"nonce": json.loads(body)["nonce"]})).body)
        return 200, json.dumps(v).encode()
    refused("service-evidence", more=rooted, POST=silent)
    # nor another secret: what was in it only the owner's command knows, not the child that reads the answer
    def guessed(body, r):
        v = json.loads(r().body)
        v["evidence"]["activated"] = b64(bytes(32))
        return 200, json.dumps(v).encode()
    refused("service-evidence", more=rooted, POST=guessed)


def tpm_whose_maker_is_trusted_is_taken_unnamed():
    """The same machine, called a TPM by its host: the owner trusts its maker by --roots, and its credential is opened, so that it is one."""
    W.state(LAUNCH, dict(LAUNCH, platform="tpm"))
    rename = lambda body, r: (200, json.dumps(dict(json.loads(r().body), tee="tpm")).encode())
    W.lies = {("GET", PATH): rename, ("POST", PATH): rename}
    try:
        out = W.ok("hospital", *W.put("--roots", W.dir + "/roots"))
        assert "it attested itself, launched as its statement says" in out and "emulated" not in out, out
    finally:
        W.lies = {}
    # an owner without that root refuses the very same
    assert "nobody vouches" in refused("service-evidence", more=(), describe=rename, POST=rename)


def endorsement():
    """Certificate, public key and its digest, of the TPM that the service shows."""
    der = base64.b64decode(W.c.call("GET", PATH).json()["tpm"]["ek_cert"])
    pem = must("openssl", "x509", "-inform", "DER", "-noout", "-pubkey", input=der)
    return W.file("ek.der", der), W.file("ek.pem", pem), sha256(must("openssl", "pkey", "-pubin", "-outform", "DER", input=pem)).hex()


def tpm_that_the_statement_names_is_taken_alone():
    """Whoever runs the service moves it beside another genuine TPM, booted the same, of a maker that the owner accepts as well."""
    cert, _, named = endorsement()
    W.state(LAUNCH, named=("--tpm", cert))
    assert "tpm       " + named in W.ok("hospital", "service", "show")
    shutil.copy(W.tpm.root, W.dir + "/roots/one.pem")
    rooted = TAKEN + ("--roots", W.dir + "/roots")
    assert "machine   tpm " + named in W.ok("hospital", "service", "check", *rooted)
    # of an emulator too it is now to be shown which one it is, and for that somebody has to vouch for it
    assert "nobody vouches" in refused("service-evidence", POST=forged())
    refused("service-evidence", more=rooted, POST=forged())
    W.end()
    first, W.tpm = W.tpm, booted("third", W.dir)
    try:
        shutil.copy(W.tpm.root, W.dir + "/roots/third.pem")
        W.start()
        assert "not the one" in refused("service-machine", more=rooted)
        _, pem, other = endorsement()
        assert other != named
        W.state(LAUNCH)
        assert "before named" in refused("service-machine", more=rooted)  # a statement of earlier would do otherwise
        W.ok("hospital", *W.put("--any-machine", *rooted))
        W.state(LAUNCH, named=("--tpm", pem))
        W.ok("hospital", *W.put(*rooted))
        W.state(LAUNCH, named=("--tpm", other))
        W.ok("hospital", "service", "check", *rooted)
        W.end()
    finally:
        W.tpm.stop()
        W.tpm = first
    W.start()
    refused("service-machine", more=rooted)
    W.state(LAUNCH)
    os.remove(W.dir + "/hospital/service-named")


def questions_of_another_form_are_refused():
    good = {"nonce": b64(bytes(32))}
    for bad in (b"", b"[]", b"{}", json.dumps({"nonce": b64(bytes(31))}), json.dumps({"nonce": 7}), json.dumps(dict(good, report_data=b64(bytes(32)))),
                json.dumps(dict(good, **{"extra-params": ""})), json.dumps(dict(good, **{"extra-params": {"tpm": {"credential": "AA=="}}}))):
        r = W.c.call("POST", PATH, bad)
        assert r.status == 400, (bad[:60], r.status, r.body)
    r = W.c.call("POST", PATH, json.dumps(dict(good, **{"extra-params": {"tpm": {"credential": b64(b"x" * 60), "secret": b64(b"y" * 258)}}})))
    assert r.status in (400, 403), (r.status, r.body)
    assert W.c.call("DELETE", PATH).status == 405 and W.c.call("GET", PATH).status == 200


def many_questions_are_refused_and_none_is_answered_wrongly():
    nonces = [secrets.token_bytes(32) for _ in range(60)]
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        replies = list(pool.map(lambda n: W.c.call("POST", PATH, json.dumps({"nonce": b64(n)})), nonces))
    assert {r.status for r in replies} == {200, 429}, [r.status for r in replies]
    for n, r in zip(nonces, replies):
        if r.status == 200:
            assert report_data(W.genesis, W.service, n) in base64.b64decode(r.json()["evidence"]["tpm_quote"]["message"])


def statement_of_before_does_not_undo_what_was_seen():
    """The service's host shows the first statement again, signed and not expired, which says nothing of its machine."""
    W.lies = {("GET", "/coffer/v0/service"): lambda body, real: (200, json.dumps(W.first).encode())}
    try:
        W.asked = []
        assert "before" in W.no("service-unattested: ", "hospital", *W.put(*TAKEN))
        W.sealed_nothing()
        assert "its operator could read it" in W.ok("hospital", *W.put("--unattested"))
        rc, _, err = W.coffer("hospital", *W.put("--unattested", "--attested"))
        assert rc not in (0, 1) and "exclude" in err, (rc, err)
    finally:
        W.lies = {}


def child(name):
    for k in open("/proc/%d/task/%d/children" % (W.proc.pid, W.proc.pid)).read().split():
        if open("/proc/%s/comm" % k).read().strip() == name[:15]:
            return int(k)
    raise AssertionError(name)


def process_that_asks_the_tpm_has_nothing_else():
    pid = child("cofferd-attest")
    status = dict(l.split(":", 1) for l in open("/proc/%d/status" % pid).read().splitlines())
    assert status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1" and int(status["CapEff"], 16) == 0, status
    assert os.geteuid() != 0 or status["Uid"].split() == ["65534"] * 4, status
    fds = {f: os.readlink("/proc/%d/fd/%s" % (pid, f)) for f in os.listdir("/proc/%d/fd" % pid)}
    assert sorted(fds) == ["0", "1", "2", "3", "4", "5"] and all(fds[f].startswith("socket:") for f in "345") and fds["0"] == fds["1"] == "/dev/null", fds
    os.kill(pid, signal.SIGKILL)
    assert W.proc.wait(10) == 5
    assert "attest was ended by signal 9; the service stops" in W.read("log").decode()
    W.start()
    W.ok("hospital", "service", "check", *TAKEN)


def tpm_that_is_gone_is_no_evidence_and_the_service_ends_in_order():
    W.end()
    text = W.read("log").decode()
    assert "attests itself, by swtpm: emulated" in text and "does not attest itself: root" in text and SECRET.decode() not in text
    W.config('[attest]\nplatform = "tpm"\ndevice = "%s/nothing"\n' % W.dir)
    rc, _, err = run(COFFERD, "--config", W.dir + "/cofferd.toml")
    assert rc != 0 and "attest: " in err and "nothing" in err, (rc, err)


CASES = [service_that_says_nothing_keeps_saying_who_can_read, owner_who_demands_it_is_told_by_name, statement_with_measurements_and_no_evidence_is_refused,
         emulated_machine_has_to_be_named, named_it_is_taken_and_called_emulated, quote_of_this_test_s_own_making_over_the_right_words_is_taken,
         genuine_quote_over_another_key_is_refused, genuine_quote_for_another_genesis_is_refused, replayed_answer_is_refused, evidence_that_was_changed_is_refused,
         answer_that_is_none_seals_nothing, another_platform_than_stated_is_refused, host_that_says_its_emulator_is_a_tpm_finds_nobody_to_vouch,
         machine_launched_otherwise_is_refused, owner_with_the_maker_s_root_wants_the_key_vouched_for, tpm_whose_maker_is_trusted_is_taken_unnamed, tpm_that_the_statement_names_is_taken_alone, questions_of_another_form_are_refused,
         many_questions_are_refused_and_none_is_answered_wrongly, statement_of_before_does_not_undo_what_was_seen, process_that_asks_the_tpm_has_nothing_else, tpm_that_is_gone_is_no_evidence_and_the_service_ends_in_order]


def main(cases=CASES, make=None):
    global W
    make = make or World
    if make is World and missing():
        print("1..0 # SKIP %s: not installed" % ", ".join(missing()))
        return 0
    top, failed = tempfile.mkdtemp(prefix="coffer-self-"), 0
    print("1..%d" % len(cases))
    try:
        W = make(top)
        for n, case in enumerate(cases, 1):
            try:
                case()
                print("ok %d %s" % (n, case.__name__), flush=True)
            except Exception:
                failed = 1
                print("# " + traceback.format_exc().replace("\n", "\n# "))
                print("not ok %d %s" % (n, case.__name__), flush=True)
        if failed:
            print("".join("# log: " + l + "\n" for l in W.read("log").decode(errors="replace").splitlines()[-30:]), end="")
    finally:
        if W:
            W.stop()
        shutil.rmtree(top, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
