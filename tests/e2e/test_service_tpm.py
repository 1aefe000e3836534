#!/usr/bin/python3
"""The trust service and guests with a TPM: swtpm as the machine, whose maker the genesis names. Both answers of every gate.
Usage: test_service_tpm.py COFFERD COFFER"""
import base64, json, os, shutil, signal, subprocess, sys, tempfile, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from parties import *
from tpms import *

COFFERD, COFFER = map(os.path.abspath, sys.argv[1:3])
P256_BASE = {"crv": "P-256", "kty": "EC", "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}


class World:
    """One service, founded by one party that trusts the maker of `tpm`; `other` is of a maker that nobody knows."""

    def __init__(self, top):
        self.dir = top
        self.proc = None
        self.tpm, self.other = Tpm("one", top), Tpm("other", top)
        for t in (self.tpm, self.other):
            t.start()
            for ek in ("rsa", "ecc"):
                t.ek(ek)
                for kind in ("rsa", "ecc"):
                    t.ak("ak-%s-%s" % (ek, kind), ek, kind)
        self.found()

    def file(self, name, data):
        with open(self.dir + "/" + name, "wb") as f:
            f.write(data)
        return self.dir + "/" + name

    def read(self, name):
        with open(self.dir + "/" + name, "rb") as f:
            return f.read()

    def coffer(self, *words):
        return must(COFFER, *words, "--home", self.dir + "/home", env=dict(os.environ, COFFER_PASSPHRASE_FILE=self.dir + "/pass"))

    def config(self, more=b""):
        return self.file("cofferd.toml", ('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "genesis.json"\n' % self.dir).encode() + more)

    def found(self):
        self.file("pass", b"of the test\n")
        os.chmod(self.dir + "/pass", 0o600)
        self.file("service.json", must(COFFERD, "keygen", "--config", self.config()))
        self.service = json.loads(self.read("service.json"))
        self.coffer("init", "--party", "acme", "--persona", "workload-provider")
        self.anchor = {"implementation-id": "1a" * 32, "instance-id": "01" * 33, "pkey": P256_BASE}
        with_more = dict(self.anchor, note="for people", pkey=dict(P256_BASE, use="sig"))
        self.file("anchors.json", json.dumps([with_more]).encode())
        self.coffer("genesis", "new", "--origin", "tpm.example/log", "--service", self.dir + "/service.json", "--out", self.dir + "/genesis.json",
                    "--vendor-root", "tpm=%s,arm=%s/anchors.json" % (self.tpm.top, self.dir), self.dir + "/home/party.json")
        self.coffer("genesis", "sign", self.dir + "/genesis.json")
        shown = json.loads(self.coffer("genesis", "show", "--json", self.dir + "/genesis.json"))
        self.config(('genesis-digest = "%s"\n' % shown["genesis"]).encode())

    def start(self):
        self.log = open(self.dir + "/log", "ab")
        self.proc = subprocess.Popen([COFFERD, "--config", self.dir + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=self.log)
        line = self.proc.stdout.readline().decode()
        assert line.startswith("cofferd: listening on https://"), (line, self.read("log"))
        self.c = Client(line.split("https://")[1].strip())

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            self.proc.wait(15)
        for t in (self.tpm, self.other):
            t.stop()


class TpmGuest(Guest):
    """A guest on machine t, with one of its EKs and AKs."""

    def __init__(self, t, ek="rsa", kind="ecc", tee="tpm"):
        Guest.__init__(self, W.c, tee=tee)
        self.t, self.ek, self.ak, self.secret = t, ek, "ak-%s-%s" % (ek, kind), None
        self.ask = {"ek_cert": b64(t.read("ek-%s.der" % ek)), "ak_public": b64(t.read(self.ak + ".tpmt")), "ek_chain": [b64(der(t.root))]}

    def auth(self, extra=None):
        extra = {"supported-hash-algorithms": ["sha384"], "tpm": self.ask} if extra is None else extra
        r = self.c.call("POST", "/kbs/v0/auth", json.dumps({"version": "0.4.0", "tee": self.platform, "extra-params": extra}))
        if r.status == 200:
            self.cookie = r.headers["Set-Cookie"].split(";")[0].split("=")[1]
            self.nonce, self.extra = r.json()["nonce"], r.json()["extra-params"]
        return r

    def open_credential(self):
        """What the TPM gives for the last challenge; None when it refuses."""
        c = self.extra["tpm"]
        self.secret = self.t.activate(self.ek, self.ak, self.t.cred_file(base64.b64decode(c["credential"]), base64.b64decode(c["secret"])))
        return self.secret

    def evidence(self, nonce):
        digest = hashlib.sha384(jcs({"additional-evidence": "", "nonce": nonce, "tee-pubkey": self.pubkey()})).digest()
        return json.loads(self.t.evidence(self.ak, digest[:32], self.secret))

    def begun(self):
        r = self.auth()
        assert r.status == 200, r.body
        assert self.open_credential() is not None
        return self


W = None


def der(pem):
    text = open(pem).read()
    return base64.b64decode("".join(text.split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0].split()))


def refused(r, *words):
    assert r.status == 401, (r.status, r.body)
    v = r.json()
    assert v["type"].endswith("/AttestationError") and "Set-Cookie" not in r.headers, v
    for w in words:
        assert w in v["detail"], (w, v["detail"])


def claims(g):
    head, payload, sig = g.token.split(".")
    assert es256_ok(W.service["token"], (head + "." + payload).encode(), unb64u(sig))
    return json.loads(unb64u(payload))["submods"]["cpu0"]["ear.veraison.annotated-evidence"]


def service_starts_with_the_maker_in_its_genesis():
    W.start()
    roots = json.loads(base64.b64decode(W.c.call("GET", "/coffer/v0/genesis").json()["payload"]))["predicate"]["body"]["vendor-roots"]
    assert [(r["vendor"], base64.b64decode(r["certificate"])) for r in roots[:1]] == [("tpm", der(W.tpm.top))], roots
    assert roots[1:] == [{"vendor": "arm", "name": "CCA platforms", "anchors": [W.anchor]}], roots
    assert b"trusts   arm hardware" in W.coffer("genesis", "show", W.dir + "/genesis.json")


def list_of_keys_that_are_none_is_no_root():
    off = dict(W.anchor, pkey=dict(P256_BASE, x=P256_BASE["y"]))
    for bad in ([], {}, [off], [{}], [W.anchor] * 7):
        path = W.file("bad.json", json.dumps(bad).encode())
        r = subprocess.run([COFFER, "genesis", "new", "--origin", "tpm.example/log", "--service", W.dir + "/service.json",
                            "--out", W.dir + "/bad.genesis", "--vendor-root", "arm=" + path, W.dir + "/home/party.json", "--home", W.dir + "/home"], stderr=subprocess.PIPE)
        assert r.returncode == 3 and not os.path.exists(W.dir + "/bad.genesis"), (bad, r)


def guest_that_opens_its_credential_gets_a_token():
    for ek in ("rsa", "ecc"):
        for kind in ("rsa", "ecc"):
            for tee in ("tpm", "swtpm"):
                g = TpmGuest(W.tpm, ek, kind, tee).begun()
                assert len(g.secret) == 32
                r = g.attest()
                assert r.status == 200, (ek, kind, tee, r.body)
                c = claims(g)
                assert c["tpm"]["ak_public"] == g.evidence(g.nonce)["ak_public"] and c["runtime_data_claims"]["tee-pubkey"] == g.pubkey(), c
                refused(g.attest(), "session")


def challenge_is_as_ever_for_who_asks_for_nothing():
    g = TpmGuest(W.tpm)
    for extra in ("", None, {}, {"tpm": None}, {"supported-hash-algorithms": ["sha256"]}):
        assert Guest.auth(g).status == 200 if extra is None else g.auth(extra).status == 200
        r = W.c.call("POST", "/kbs/v0/auth", json.dumps({"version": "0.4.0", "tee": "tpm", "extra-params": extra}))
        assert r.status == 200 and r.json()["extra-params"] == "", r.body
    refused(g.attest(), "ak: ", "neither")
    g = TpmGuest(W.tpm, tee="swtpm")
    assert g.auth("").status == 200 and g.attest().status == 200


def wrong_secret_is_refused_and_ends_the_session():
    g = TpmGuest(W.tpm).begun()
    good, g.secret = g.secret, bytes([g.secret[0] ^ 1]) + g.secret[1:]
    refused(g.attest(), "R2: ", "what was shown")
    g.secret = good
    refused(g.attest(), "session")
    for bad in (good[:31], b"", None):
        g.begun()
        g.secret = g.secret[:31] if bad else bad
        refused(g.attest())


def quote_by_another_key_of_the_same_tpm_is_refused():
    for tee in ("tpm", "swtpm"):
        g = TpmGuest(W.tpm, "rsa", "ecc", tee).begun()
        g.ak = "ak-rsa-rsa"
        refused(g.attest(), "R2: ", "another key")


def secret_of_another_session_is_refused():
    a, b = TpmGuest(W.tpm).begun(), TpmGuest(W.tpm).begun()
    assert a.secret != b.secret
    b.secret = a.secret
    refused(b.attest(), "R2: ", "what was shown")
    assert a.attest().status == 200
    b.begun()
    refused(b.attest(evidence=a.evidence(a.nonce)))  # all of it


def maker_that_nobody_knows_vouches_for_nothing():
    g = TpmGuest(W.other)
    refused(g.auth(), "R2: ", "chain")
    g.ask["ek_chain"] = [b64(der(W.other.root)), b64(der(W.other.top))]
    refused(g.auth(), "R2: ", "chain")
    g = TpmGuest(W.tpm)
    del g.ask["ek_chain"]
    refused(g.auth(), "R2: ", "chain")
    g = TpmGuest(W.tpm)
    g.ask["ek_cert"] = g.ask["ek_chain"][0]  # the maker's own
    refused(g.auth(), "R2: ", "not for an endorsement key")


def machine_cannot_vouch_for_the_key_of_another():
    g = TpmGuest(W.tpm, "ecc", "ecc")
    g.ask["ak_public"] = b64(W.other.read("ak-ecc-ecc.tpmt"))
    assert g.auth().status == 200 and g.open_credential() is None
    g.t = W.other
    assert g.open_credential() is None
    g.secret = os.urandom(32)
    refused(g.attest(), "R2: ", "what was shown")


def key_that_signs_anything_gets_no_credential():
    W.tpm.plain_key("plain")
    g = TpmGuest(W.tpm)
    g.ask["ak_public"] = b64(W.tpm.read("plain.tpmt"))
    refused(g.auth(), "ak: ")


def malformed_requests_are_refused():
    g = TpmGuest(W.tpm)
    for change in ({"ek_cert": "x"}, {"ek_cert": ""}, {"ak_public": b64(b"\0")}, {"ek_cert": b64(b"\x30\x03\x02\x01\x01")}, {"more": 1}, {"ek_chain": "x"},
                   {"ek_chain": [b64(b"x")]}, {"ek_chain": g.ask["ek_chain"] * 5}, {"ek_cert": b64(b"x" * 8193)}, {"ak_public": g.ask["ak_public"][:-4]}):
        refused(g.auth({"tpm": dict(g.ask, **change)}))
    refused(g.auth({"tpm": "x"}))
    for tee in ("sample", "snp"):
        g.platform = tee
        refused(g.auth())
    g.platform = "tpm"
    assert g.begun().attest().status == 200


def logs_hold_no_secret():
    g = TpmGuest(W.tpm).begun()
    assert g.attest().status == 200
    text = W.read("log").decode()
    assert g.secret.hex() not in text and b64(g.secret) not in text and "POST /kbs/v0/attest 200" in text


CASES = [service_starts_with_the_maker_in_its_genesis, list_of_keys_that_are_none_is_no_root, guest_that_opens_its_credential_gets_a_token, challenge_is_as_ever_for_who_asks_for_nothing,
         wrong_secret_is_refused_and_ends_the_session, quote_by_another_key_of_the_same_tpm_is_refused, secret_of_another_session_is_refused,
         maker_that_nobody_knows_vouches_for_nothing, machine_cannot_vouch_for_the_key_of_another, key_that_signs_anything_gets_no_credential,
         malformed_requests_are_refused, logs_hold_no_secret]


def main():
    global W
    if missing():
        print("1..0 # SKIP %s: not installed" % ", ".join(missing()))
        return 0
    top, failed = tempfile.mkdtemp(prefix="coffer-stpm-"), 0
    print("1..%d" % len(CASES))
    try:
        W = World(top)
        for n, case in enumerate(CASES, 1):
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


sys.exit(main())
