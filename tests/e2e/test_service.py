#!/usr/bin/python3
"""The trust service from outside: cofferd and its four children on loopback, a genesis made here, upstream's kbs-client and
Coffer's agent played here. Both answers of every gate are asserted. Usage: test_service.py COFFERD CLIENT_PROBE"""
import base64, datetime, http.server, json, os, pty, re, shutil, signal, socket, sqlite3, ssl, subprocess, sys, tempfile, threading, time, traceback

from cryptography import x509

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from parties import *

COFFERD, PROBE = sys.argv[1], sys.argv[2]
PEM = Key("ES256").k.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
DATA, IMAGE, NOTE = "kbs:///hospital/data/patients", "kbs:///imaker/image-key/app", "kbs:///hospital/note/greeting"
LAB = "kbs:///lab/data/sample"


class World:
    """One service with its parties, as their commands would set it up."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="coffer-e2e-")
        self.state, self.config, self.proc = self.dir + "/state", self.dir + "/cofferd.toml", None
        self.acme = Party("acme", ["workload-provider"])
        self.imaker = Party("imaker", ["image-provider", "data-owner"], "ES256")
        self.hospital = Party("hospital", ["data-owner"])
        self.write_config()
        made = subprocess.run([COFFERD, "keygen", "--config", self.config], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert made.stderr == b"", made.stderr
        self.service = json.loads(made.stdout)
        self.genesis = genesis("e2e.example/coffer", self.service["ledger-key"], [self.acme, self.imaker, self.hospital])
        self.gid = payload_id(self.genesis)
        self.put_file("genesis.json", json.dumps(self.genesis).encode())
        self.write_config(digest=self.gid)

    def put_file(self, name, data):
        with open(self.dir + "/" + name, "wb") as f:
            f.write(data)
        return self.dir + "/" + name

    def write_config(self, digest=None, more=""):
        text = 'id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s"\n%s' % (self.state, more)
        if digest:
            text += 'genesis = "genesis.json"\ngenesis-digest = "%s"\n' % digest
        self.put_file("cofferd.toml", text.encode())

    def start(self):
        self.log = open(self.dir + "/log", "ab")
        self.proc = subprocess.Popen([COFFERD, "--config", self.config], stdout=subprocess.PIPE, stderr=self.log)
        line = self.proc.stdout.readline().decode()
        assert line.startswith("cofferd: listening on https://"), (line, self.logs())
        self.address = line.split("https://")[1].strip()
        assert open(self.state + "/address").read().strip() == self.address
        self.c = Client(self.address)

    def logs(self):
        return open(self.dir + "/log").read()

    def end(self, sig=signal.SIGTERM):
        self.proc.send_signal(sig)
        rc = self.proc.wait(60)
        self.proc.stdout.close()
        self.log.close()
        return rc

    def children(self):
        return [int(p) for p in open("/proc/%d/task/%d/children" % (self.proc.pid, self.proc.pid)).read().split()]

    def child(self, name):
        for p in self.children():
            if open("/proc/%d/cmdline" % p).read().split("\0")[0].endswith(name):
                return p
        raise AssertionError("no child " + name)

    def publish(self, env):
        return self.c.call("POST", "/coffer/v0/statements", json.dumps(env))

    def put(self, party, path, content, version=1, previous=None, kind="data"):
        a = asset(party, path, content, self.service["receive"], self.gid, version, previous, kind)
        r = self.put_raw(party, path, json.dumps(a).encode())
        return r, payload_id(a["statement"])

    def restate(self, party, path, before, policy):
        """The owner's statement alone: the content stays, its policy changes."""
        p = json.loads(base64.b64decode(before["payload"]))["predicate"]
        digest = json.loads(base64.b64decode(before["payload"]))["subject"][0]["digest"]["sha256"]
        body = dict(p["body"])
        body.pop("policy", None)
        if policy:
            body["policy"] = {"rego": policy}
        env = statement("asset", party, [(path, digest)], body, self.gid, p["serial"] + 1, payload_id(before))
        return env, self.put_raw(party, path, json.dumps({"statement": env}).encode())

    def put_raw(self, party, path, body, token=None):
        target = "/kbs/v0/resource/" + path[len("kbs:///"):]
        return self.c.call("POST", target, body, bearer=token or party.token("POST", target, body))

    def manifest(self, entitlements):
        ref = "registry.example/app@sha256:" + "ab" * 32
        return {"version": 1, "name": "risk", "provider": "acme", "genesis": self.gid,
                "service": {"id": "trust", "url": "https://127.0.0.1:8443"}, "platforms": ["sample"],
                "containers": [{"name": "analyse", "role": "business",
                                "image": {"reference": ref, "provider": "imaker", "method": {"type": "sigstoreSigned", "key": PEM}},
                                "args": ["/bin/analyse"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0, "groups": []},
                                "capabilities": [], "read-only-root": True, "mounts": [],
                                "entitlements": [{"asset": a, "purpose": p} for a, p in entitlements], "outputs": []}],
                "volumes": [], "host": {"logs": [], "signals": []}, "registries": {"plain-http": []}}

    def deploy(self):
        env = statement("service", self.acme, [("trust", None)], self.service, self.gid)
        r = self.publish(env)
        assert r.status == 200, r.body
        self.service_id = payload_id(env)
        self.clinic, self.lab = Party("clinic", ["data-owner"], "ES256"), Party("lab", ["data-owner"])
        for new, by in ((self.clinic, self.hospital), (self.lab, self.clinic)):
            r = self.publish(statement("party", new, [(new.name, None)], new.body(), self.gid, keys=[new.key, by.key]))
            assert r.status == 200, r.body
        for party, path, content, kind in ((self.lab, LAB, b"of the lab", "data"), (self.hospital, DATA, b"the patients", "data"), (self.hospital, NOTE, b"hello", "data"),
                                           (self.imaker, IMAGE, b"k" * 32, "image-key")):
            r, sid = self.put(party, path, content, kind=kind)
            assert r.status == 200, (path, r.body)
            if path == DATA:
                self.data_v1 = sid
            if path == NOTE:
                self.note_v1 = sid
        body = {"repository": "registry.example/app", "version": 1, "methods": [{"type": "sigstoreSigned", "key": PEM}], "keys": [IMAGE]}
        r = self.publish(statement("image-release", self.imaker, [("registry.example/app", "ab" * 32)], body, self.gid))
        assert r.status == 200, r.body
        m = self.manifest([(DATA, "api"), (NOTE, "file"), (IMAGE, "image-key"), (LAB, "env")])
        self.initdata = render(m, m["service"]["url"])
        self.workload = sha256(jcs(m)).hex()
        r = self.publish(statement("workload", self.acme, [("risk", self.workload)], m, self.gid))
        assert r.status == 200, r.body
        for owner, paths in ((self.hospital, [DATA, NOTE]), (self.imaker, [IMAGE]), (self.lab, [LAB])):
            body = {"assets": paths, "workload": self.workload, "platforms": ["sample"], "services": [self.service_id],
                    "until": when(int(time.time()) + 3600), "shown": "cd" * 32}
            r = self.publish(statement("approval", owner, [(p, None) for p in paths] + [("workload:" + self.workload, None)], body, self.gid))
            assert r.status == 200, r.body

    def upstream(self):
        return Guest(self.c, self.initdata)

    def agent(self):
        return Guest(self.c, self.initdata, agent=True, genesis=self.gid)

    def probe(self, path, container="analyse", purpose="api", version=0, initdata=None, gid=None, address=None):
        f = self.put_file("initdata", initdata or self.initdata)
        p = subprocess.run([PROBE, "https://" + (address or self.address), gid or self.gid, f, path, container, purpose, str(version)], stdout=subprocess.PIPE)
        return p.returncode, p.stdout.decode().strip()


W = World() if __name__ == "__main__" else None # others bring their own


def kbs_error(r, status, name, *words):
    assert r.status == status, (r.status, r.body)
    v = r.json()
    assert set(v) == {"type", "detail"} and v["type"] == "https://github.com/confidential-containers/kbs/errors/" + name, v
    assert r.headers["Content-Type"] == "application/json"
    for w in words:
        assert w in v["detail"], (w, v["detail"])
    return v["detail"]


def coffer_error(r, status, check=None):
    assert r.status == status, (r.status, r.body)
    v = r.json()["error"]
    assert set(v) == {"check", "reason", "fix"} and v["reason"], v
    assert check is None or v["check"] == check, v


# ---- keys and start ----

SHIPPED = {"release": "release/default", "attestation-cpu": "attestation/default_cpu", "attestation-gpu": "attestation/default_gpu",
           "attestation-switch": "attestation/default_switch", "attestation-ppcie": "attestation/default_ppcie"}


def service_that_ships_another_policy_than_its_genesis_names_does_not_start():
    d = W.dir + "/shipped"
    os.mkdir(d, 0o700)
    os.mkdir(d + "/home", 0o700)
    conf = 'id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\n' % d

    def put(name, text):
        with open(d + "/" + name, "w") as f:
            f.write(text)
        return d + "/" + name

    put("c.toml", conf)
    service = put("service.json", subprocess.run([COFFERD, "keygen", "--config", d + "/c.toml"], check=True, stdout=subprocess.PIPE).stdout.decode())
    acme = put("acme.json", json.dumps(W.acme.body()))

    def begin(name, *options):
        out = d + "/" + name
        rc, said = coffer("genesis", "new", "--origin", "e2e.example/shipped", "--service", service, "--out", out, acme, *options, party="shipped/home")
        assert rc == 0, said
        env = json.load(open(out))
        env = envelope(base64.b64decode(env["payload"]), [W.acme.key])
        put(name, json.dumps(env))
        put("c.toml", conf + 'genesis = "%s"\ngenesis-digest = "%s"\n' % (name, payload_id(env)))
        return out, subprocess.Popen([COFFERD, "--config", d + "/c.toml"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    files = {n: sha256(open(os.path.join(os.path.dirname(__file__), "../../policies", f + ".rego"), "rb").read()).hex() for n, f in SHIPPED.items()}
    for name in files:
        other = ",".join("%s=%s" % (n, "ab" * 32 if n == name else h) for n, h in files.items())
        out, p = begin(name + ".json", "--policies", other)
        said = p.communicate(timeout=30)[0].decode(errors="replace")
        assert p.returncode != 0 and '"%s"' % name in said and "ab" * 32 in said and "coffer genesis amend --policies" in said, said
    rc, said = coffer("genesis", "show", out, party="shipped/home")
    assert rc == 0 and said.count("as it ships with this program") == 4 and said.count("NOT the one that ships") == 1, said
    for words in ("release=zz", "other=" + "ab" * 32, "release=" + "ab" * 32 + ",release=" + "ab" * 32, ",", ""):
        rc, said = coffer("genesis", "new", "--origin", "e2e.example/shipped", "--service", service, "--out", d + "/no.json", acme, "--policies", words, party="shipped/home")
        assert rc == 2 and not os.path.exists(d + "/no.json"), (words, said)
    out, p = begin("default.json")
    lines = iter(lambda: p.stdout.readline().decode(), "") # to its end, where it does not start
    began = any(l.startswith("cofferd: listening on") for l in lines)
    p.terminate()
    p.communicate(timeout=15)
    assert began
    rc, said = coffer("genesis", "show", out, "--json", party="shipped/home")
    assert rc == 0 and json.loads(said)["policies"] == files, said

def keygen_prints_the_service_and_keeps_its_keys():
    assert set(W.service) == {"id", "receive", "reply", "token", "ledger-key", "tls"} and W.service["id"] == "trust"
    again = json.loads(subprocess.run([COFFERD, "keygen", "--config", W.config], check=True, stdout=subprocess.PIPE).stdout)
    assert again == W.service
    assert os.path.exists(W.state + "/keep/keep.keys") and os.path.exists(W.state + "/tls.key")
    state_is_for_the_service_alone()


def state_is_for_the_service_alone():
    for folder, _, files in os.walk(W.state):
        assert os.stat(folder).st_mode & 0o777 == 0o700, folder
        for name in files:
            assert os.stat(folder + "/" + name).st_mode & 0o777 == 0o600, name


def cofferd_refuses_mistakes_in_words():
    def out(text):
        f = W.put_file("bad.toml", text.encode())
        p = subprocess.run([COFFERD, "--config", f], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
        return p.returncode, p.stderr.decode()
    base = 'state = "%s"\nlisten = "127.0.0.1:0"\n' % W.state
    rc, err = out(base + 'colour = "red"\n')
    assert rc == 3 and "colour" in err, err
    rc, err = out(base)
    assert rc == 3 and "genesis" in err, err
    rc, err = out(base + 'genesis = "genesis.json"\ngenesis-digest = "%s"\n' % ("00" * 32))
    assert rc == 1 and "genesis" in err, err
    for lines, lacks in (("", "genesis and genesis-digest"), ('genesis = "genesis.json"\n', "genesis-digest"), ('genesis-digest = "%s"\n' % ("00" * 32), "genesis")):
        rc, err = out(base + lines)
        assert rc == 3 and "the configuration lacks %s; nothing" % lacks in err and "peer closed" not in err, (lines, err)
    for words, says in (((), "cofferd --config FILE"), (("fsck",), "cofferd fsck: --config FILE is missing"), (("fsck", "--repair"), "--config FILE is missing"),
                        (("fsck", "--config"), "needs a value"), (("frobnicate",), "no command frobnicate"), (("fsck", "--fix"), "unknown option --fix"),
                        (("prune-evidence", "--config", W.config), "--older DAYS is missing"), (("keygen", "--repair"), "unknown option --repair"),
                        (("fsck", "--config", "a", "--config", "b"), "given twice")):
        p = subprocess.run([COFFERD, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert p.returncode == 2 and says in p.stderr.decode() and p.stdout == b"", (words, p)
    p = subprocess.run([COFFERD, "--nonsense"], stderr=subprocess.PIPE)
    assert p.returncode == 2 and subprocess.run([COFFERD, "--help"], stdout=subprocess.PIPE).returncode == 0
    assert subprocess.run([COFFERD, "--version"], stdout=subprocess.PIPE).stdout.startswith(b"cofferd ")


def collateral_that_cannot_be_is_refused_before_the_service_is_ready():
    good = open(W.config).read()
    for table, word in (('amd-url = "http://127.0.0.1:1"', "https"), ('intel-url = "https://a/?x"', "query"), ('ca-file = "/no/such.pem"', "/no/such.pem"),
                        ('offline = "/no/such"', "/no/such"), ("max-age = 0", "max-age")):
        f = W.put_file("bad.toml", (good + "\n[collateral]\n" + table + "\n").encode())
        p = subprocess.run([COFFERD, "--config", f], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        assert p.returncode in (3, 4, 5) and word in p.stderr.decode() and p.stdout == b"", (table, p.returncode, p.stderr)


def service_starts_and_shows_the_key_of_its_description():
    W.start()
    p = subprocess.run([COFFERD, "--config", W.config], capture_output=True, text=True, timeout=60)  # a second one
    assert p.returncode == 1 and p.stderr.count("keep.db") == 1 and W.state + "/keep/keep.db is in use" in p.stderr and "locked" not in p.stderr, p.stderr
    assert W.c.spki() == W.service["tls"]
    assert W.c.call("GET", "/healthz").status == 200
    assert W.c.call("GET", "/coffer/v0/genesis").json() == W.genesis
    coffer_error(W.c.call("GET", "/coffer/v0/service"), 404)
    W.deploy()
    assert payload_id(W.c.call("GET", "/coffer/v0/service").json()) == W.service_id


def tls_below_1_3_is_refused():
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode, ctx.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2
    try:
        ctx.wrap_socket(socket.create_connection((W.c.host, W.c.port), 10))
    except (ssl.SSLError, ConnectionError):
        return
    raise AssertionError("TLS 1.2 was accepted")


def children_hold_no_more_than_they_need():
    net = W.child("cofferd-net")
    status = dict(l.split(":", 1) for l in open("/proc/%d/status" % net).read().splitlines())
    assert status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1"
    if os.geteuid() == 0:
        assert set(status["Uid"].split()) == {"65534"} and set(status["Gid"].split()) == {"65534"} and not status["Groups"].split()
        assert int(status["CapEff"], 16) == 0
    eval_ = dict(l.split(":", 1) for l in open("/proc/%d/status" % W.child("cofferd-eval")).read().splitlines())
    assert eval_["Seccomp"].strip() == "2" and eval_["NoNewPrivs"].strip() == "1" and int(eval_["CapEff"], 16) == 0
    assert os.geteuid() != 0 or set(eval_["Uid"].split()) == {"65534"}
    fds = [os.readlink("/proc/%d/fd/%s" % (W.child("cofferd-eval"), f)) for f in os.listdir("/proc/%d/fd" % W.child("cofferd-eval"))]
    assert sum(f.startswith("socket:") for f in fds) == 2 and not any(f.startswith(W.state) for f in fds), fds
    fetch = dict(l.split(":", 1) for l in open("/proc/%d/status" % W.child("cofferd-fetch")).read().splitlines())
    assert fetch["Seccomp"].strip() == "2" and fetch["NoNewPrivs"].strip() == "1" and int(fetch["CapEff"], 16) == 0
    assert os.geteuid() != 0 or set(fetch["Uid"].split()) == {"65534"}
    fds = [os.readlink("/proc/%d/fd/%s" % (W.child("cofferd-fetch"), f)) for f in os.listdir("/proc/%d/fd" % W.child("cofferd-fetch"))]
    assert sum(f.startswith("socket:") for f in fds) == 2 and {f for f in fds if f.startswith(W.state)} == {W.state + "/fetch"}, fds
    keep = dict(l.split(":", 1) for l in open("/proc/%d/status" % W.child("cofferd-keep")).read().splitlines())
    assert keep["Seccomp"].strip() == "2"
    held = [os.readlink("/proc/%d/fd/%s" % (W.child("cofferd-keep"), f)) for f in os.listdir("/proc/%d/fd" % W.child("cofferd-keep"))]
    assert W.state + "/keep/keep.db" in held and all(os.path.dirname(h) == W.state + "/keep" for h in held if h.startswith(W.state)), held
    assert sorted(os.listdir(W.state)) == ["address", "fetch", "keep", "tls.key", "tls.pem"], os.listdir(W.state)
    state_is_for_the_service_alone()


# ---- the KBS protocol ----

def upstream_client_gets_its_resource_by_cookie_and_by_token():
    g = W.upstream()
    r = g.auth()
    assert r.status == 200 and set(r.json()) == {"nonce", "extra-params"} and len(base64.b64decode(g.nonce)) == 32 and len(g.nonce) == 44
    assert len(g.cookie) == 32 and all(c in "0123456789abcdef" for c in g.cookie)
    for flag in ("Secure", "HttpOnly", "SameSite"):
        assert flag in r.headers["Set-Cookie"]
    r = g.attest()
    assert r.status == 200 and set(r.json()) == {"token"}, r.body
    for how in ("cookie", "bearer"):
        r = g.get("hospital/data/patients", how)
        assert r.status == 200, (how, r.body)
        assert r.headers["Content-Type"] == "application/json"
        assert set(r.json()) == {"protected", "encrypted_key", "iv", "ciphertext", "tag"}
        assert g.open(r) == b"the patients"


def token_is_an_ear_by_the_service_key():
    g = W.upstream().up()
    head, payload, sig = g.token.split(".")
    h, p = json.loads(unb64u(head)), json.loads(unb64u(payload))
    assert h["alg"] == "ES256" and h["typ"] == "JWT"
    assert es256_ok(W.service["token"], (head + "." + payload).encode(), unb64u(sig))
    assert 0 < p["exp"] - p["iat"] <= 300 and p["eat_profile"] == "tag:github.com,2024:confidential-containers/Trustee"
    claims = p["submods"]["cpu0"]["ear.veraison.annotated-evidence"]
    assert claims["runtime_data_claims"]["tee-pubkey"] == g.pubkey() and claims["init_data"] == sha256(W.initdata).hex()


def auth_refuses_other_versions_and_platforms():
    g = W.upstream()
    for v in ("0.1.0", "0.4.1", "1.0.0", ""):
        kbs_error(g.auth(v), 401, "AttestationError", "version: KBS Client Protocol Version Mismatch")
    g.platform = "se"
    kbs_error(g.auth(), 401, "AttestationError", "R3: ")
    kbs_error(W.c.call("POST", "/kbs/v0/auth", "{"), 401, "AttestationError")
    kbs_error(W.c.call("POST", "/kbs/v0/auth", ""), 401, "AttestationError")


def attest_refuses_a_wrong_answer():
    g = W.upstream()
    kbs_error(g.attest(nonce="x" * 44, cookie="00" * 16), 401, "AttestationError", "session: ")
    kbs_error(W.c.call("POST", "/kbs/v0/attest", "{}"), 401, "AttestationError", "session: ")
    g.auth()
    kbs_error(g.attest(nonce=b64(bytes(32))), 401, "AttestationError", "R1: ")
    g.auth()
    kbs_error(g.attest(nonce=b64(bytes(32)), evidence=g.evidence(g.nonce)), 401, "AttestationError", "R1: ")
    stranger = Guest(W.c)
    g.auth()
    kbs_error(g.attest(evidence=stranger.evidence(g.nonce)), 401, "AttestationError", "R1: ")
    g.auth()
    kbs_error(g.attest(evidence={"svn": "1"}), 401, "AttestationError")
    g.auth()
    for cut in ("{", "[]", '{"init-data":null}', json.dumps({"runtime-data": {}, "tee-evidence": {}})):
        kbs_error(g.attest(body=cut), 401, "AttestationError")


def attest_answers_one_evidence_a_session():
    g = W.upstream().up()
    kbs_error(g.attest(), 401, "AttestationError", "session: ")
    assert g.get("hospital/data/patients").status == 200


# An honest guest of a workload that nobody logged.
OTHER_INITDATA = b"version = \"0.1.0\"\nalgorithm = \"sha256\"\n\n[data]\n"


def attest_of_a_device_is_refused_where_it_is_not_bound_or_not_valid():
    g = W.upstream()
    for more, bound, why in (("{\"nvidia\":{}}", "", "R1: "), ("{\"nvidia\":{}}", None, "malformed: evidence"), ("{}", None, "R2: "),
                             ("{\"sample\":{}}", None, "R2: "), ("[", None, "R2: ")):
        g.auth()
        v = {"init-data": None, "runtime-data": {"nonce": g.nonce, "tee-pubkey": g.pubkey()},
             "tee-evidence": {"primary_evidence": g.evidence(g.nonce, more if bound is None else bound), "additional_evidence": more}}
        kbs_error(g.attest(body=json.dumps(v)), 401, "AttestationError", why)


def resource_refuses_who_has_not_attested():
    kbs_error(W.c.call("GET", "/kbs/v0/resource/hospital/data/patients"), 401, "TokenNotFound")
    kbs_error(W.c.call("GET", "/kbs/v0/resource/hospital/data/patients", cookie="ab" * 16), 401, "TokenNotFound")
    kbs_error(W.c.call("GET", "/kbs/v0/resource/hospital/data/patients", cookie="zz"), 401, "TokenNotFound")
    kbs_error(W.c.call("GET", "/kbs/v0/resource/hospital/data/patients", bearer="a.b.c"), 401, "TokenVerifierError")
    g = W.upstream()
    g.auth()
    kbs_error(g.get("hospital/data/patients"), 401, "TokenNotFound")


def resource_refuses_a_forged_or_foreign_token():
    g = W.upstream().up()
    head, payload, sig = g.token.split(".")
    p = json.loads(unb64u(payload))
    p["exp"] += 1000
    kbs_error(W.c.call("GET", "/kbs/v0/resource/hospital/data/patients", bearer=".".join((head, b64u(jcs(p)), sig))), 401, "TokenVerifierError")
    k = Key("ES256")
    signing = head + "." + payload
    kbs_error(W.c.call("GET", "/kbs/v0/resource/hospital/data/patients", bearer=signing + "." + b64u(k.sign(signing.encode()))), 401, "TokenVerifierError")
    kbs_error(W.c.call("GET", "/kbs/v0/resource/hospital/data/patients", bearer=W.hospital.token("GET", "/kbs/v0/resource/hospital/data/patients")), 401, "TokenVerifierError")
    r = W.c.call("GET", "/kbs/v0/resource/hospital/data/patients", cookie="ab" * 16, bearer=g.token)
    assert r.status == 200, "a dead cookie beside a good token"


def tokens_verify_with_the_published_key_and_name_it():
    keys = W.c.call("GET", "/.well-known/jwks.json").json()["keys"]
    g = W.upstream().up()
    head, payload, sig = g.token.split(".")
    h, p = json.loads(unb64u(head)), json.loads(unb64u(payload))
    key = [k for k in keys if k["kid"] == h["kid"]][0]
    assert h["alg"] == key["alg"] == "ES256" and h["typ"] == "JWT" and "jwk" not in h
    assert p["iss"] == "trust" and p["aud"] == W.gid and p["exp"] > p["iat"]
    n = ec.EllipticCurvePublicNumbers(int.from_bytes(unb64u(key["x"]), "big"), int.from_bytes(unb64u(key["y"]), "big"), ec.SECP256R1())
    raw = unb64u(sig)
    n.public_key().verify(utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
                          (head + "." + payload).encode(), ec.ECDSA(hashes.SHA256()))
    assert W.c.call("POST", "/.well-known/jwks.json", "{}").status == 404


def resource_paths_are_three_plain_segments():
    g = W.upstream().up()
    for bad in ("a/b", "a/b/c/d", "a/../c", "a/%2e%2e/c", "A/b/c", "a//c", "a/b/c?x=1", ""):
        kbs_error(g.get(bad), 404, "InvalidRequestPath")
    kbs_error(W.c.call("GET", "/kbs/v0/nothing"), 404, "PluginNotFound")
    kbs_error(W.c.call("GET", "/kbs/v0/auth"), 404, "PluginNotFound")
    kbs_error(W.c.call("PUT", "/kbs/v0/resource/a/b/c"), 404, "PluginNotFound")
    assert W.c.call("PATCH", "/kbs/v0/resource/a/b/c").status == 405


def stranger_cannot_tell_absent_from_foreign_from_denied():
    g = Guest(W.c, OTHER_INITDATA).up()
    said = []
    for path in ("hospital/data/patients", "hospital/data/absent", "other/data/x"):
        said.append(kbs_error(g.get(path), 401, "PolicyDeny").split("; decision ")[0].replace(path, "P"))
    assert len(set(said)) == 1, said


def upstream_client_gets_only_what_every_container_may_ask():
    g = W.upstream().up()
    kbs_error(g.get("hospital/note/greeting"), 401, "PolicyDeny", "R7", "; decision ")


def administrators_do_not_exist():
    for name, command in (("attestation-policy", "coffer approve"), ("resource-policy", "coffer approve"), ("reference-value", "coffer boot-image publish")):
        kbs_error(W.c.call("POST", "/kbs/v0/" + name, "{}", bearer=W.hospital.token("POST", "/kbs/v0/" + name, b"{}")), 401, "AdminAuthAccess", command)
        kbs_error(W.c.call("GET", "/kbs/v0/" + name), 401, "AdminAuthAccess", command)


# ---- the agent's requests ----

def agent_gets_content_statement_and_signed_reply():
    g = W.agent().up()
    path = "hospital/note/greeting"
    r = g.get(path, headers=g.signed_headers(path, "analyse", "file"))
    assert r.status == 200, r.body
    plain = g.open(r)
    assert plain[:4] == b"CRP1"
    n = struct.unpack(">I", plain[4:8])[0]
    env, salt, content = json.loads(plain[8:8 + n]), plain[8 + n:40 + n], plain[40 + n:]
    assert content == b"hello"
    st = json.loads(base64.b64decode(env["payload"]))
    assert st["subject"][0] == {"name": "kbs:///" + path, "digest": {"sha256": sha256(salt + content).hex()}}
    seq, entry, version = r.headers["Coffer-Entry"].split(".")
    thumb = unb64u(g.tee.kid())
    msg = b"coffer reply v1\0" + sha256(r.body) + thumb + struct.pack(">I", len(path)) + path.encode() + struct.pack(">QQ", int(version), int(seq)) + bytes.fromhex(entry)
    assert version == "1" and es256_ok(W.service["reply"], msg, unb64u(r.headers["Coffer-Reply"]))


def agent_requests_are_counted_and_bound():
    g = W.agent().up()
    path = "hospital/note/greeting"
    good = g.signed_headers(path, "analyse", "file")
    assert g.get(path, headers=good).status == 200
    kbs_error(g.get(path, headers=good), 401, "PolicyDeny", "R1: ")
    kbs_error(g.get("hospital/data/patients", headers=g.signed_headers(path, "analyse", "file")), 401, "PolicyDeny")
    kbs_error(g.get(path, headers=g.signed_headers(path, "analyse", "env")), 401, "PolicyDeny", "R7")
    kbs_error(g.get(path, headers=g.signed_headers(path, "nobody", "file")), 401, "PolicyDeny", "R7")
    h = g.signed_headers(path, "analyse", "file")
    del h["Coffer-Signature"]
    assert g.get(path, headers=h).status == 401
    other = W.agent().up()
    assert other.get(path, headers=g.signed_headers(path, "analyse", "file")).status == 401


def client_library_gets_what_it_may_and_says_why_not():
    assert W.probe(DATA) == (0, "1 the patients"), W.probe(DATA)
    assert W.probe(NOTE, purpose="file") == (0, "1 hello")
    assert W.probe(NOTE, purpose="file", version=1) == (0, "1 hello")
    assert W.probe(LAB, purpose="env") == (0, "1 of the lab"), "an owner that a newcomer introduced"
    rc, text = W.probe(NOTE, purpose="env")
    assert rc == 1 and text.startswith("R7: "), text
    rc, text = W.probe(DATA, initdata=OTHER_INITDATA)
    assert rc == 1 and text, text
    rc, text = W.probe(DATA, gid="00" * 32)
    assert rc == 1 and text.startswith("genesis: "), text


class Relay:
    """A `net` in other hands: speaks with a TLS key, passes everything on, and changes what `mangle` says."""

    def __init__(self, mangle, key=None, cert=None):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(cert or W.state + "/tls.pem", key or W.state + "/tls.key")

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def relay(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                keep = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length")}
                c = http.client.HTTPSConnection(W.c.host, W.c.port, context=W.c.ctx, timeout=20)
                c.request(self.command, self.path, body, keep)
                r = c.getresponse()
                head, out = dict(r.headers.items()), r.read()
                c.close()
                head, out = mangle(self.path, head, out)
                self.send_response(r.status)
                for k, v in head.items():
                    if k.lower() not in ("content-length", "connection", "date"):
                        self.send_header(k, v)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = relay

            def log_message(self, *a):
                pass

        self.s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.s.socket = ctx.wrap_socket(self.s.socket, server_side=True)
        threading.Thread(target=self.s.serve_forever, daemon=True).start()
        self.address = "127.0.0.1:%d" % self.s.server_address[1]

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.s.shutdown()
        self.s.server_close()


def client_library_uses_nothing_that_net_forged():
    def of_reply(change):
        def mangle(path, head, body):
            return change(head, body) if "/resource/" in path else (head, body)
        return mangle

    def reseal(head, body):  # a JWE of net's own making, to the key it saw go by
        return head, json.dumps(jwe_seal(seen["key"], b"forged")).encode()

    def entry(at, value):
        def change(head, body):
            parts = head["Coffer-Entry"].split(".")
            parts[at] = value
            return dict(head, **{"Coffer-Entry": ".".join(parts)}), body
        return change

    seen = {"key": Key("ES256").jwk()}
    with Relay(lambda path, head, body: (head, body)) as r:
        assert W.probe(DATA, address=r.address) == (0, "1 the patients")
    for name, change in (("resealed", reseal), ("no signature", lambda h, b: ({k: v for k, v in h.items() if k != "Coffer-Reply"}, b)),
                         ("no entry", lambda h, b: ({k: v for k, v in h.items() if k != "Coffer-Entry"}, b)),
                         ("seq", entry(0, "1")), ("entry", entry(1, "00" * 32)), ("version", entry(2, "2")),
                         ("signature", lambda h, b: (dict(h, **{"Coffer-Reply": b64u(bytes(64))}), b)),
                         ("body", lambda h, b: (h, b.replace(b'"tag"', b' "tag"')))):
        with Relay(of_reply(change)) as r:
            rc, text = W.probe(DATA, address=r.address)
            assert rc == 1 and text.startswith("reply: "), (name, text)
    replies = {}

    def other_asset(path, head, body):  # answers every question with the first answer
        if "/resource/" in path:
            replies.setdefault("first", (head, body))
            return replies["first"]
        return head, body
    with Relay(other_asset) as r:
        assert W.probe(DATA, address=r.address)[0] == 0
        rc, text = W.probe(LAB, purpose="env", address=r.address)
        assert rc == 1 and text.startswith("reply: "), text


def client_library_trusts_no_other_key_and_no_other_statement():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.utcnow()
    cert = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1).not_valid_before(
        now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1)).sign(key, hashes.SHA256())
    k = W.put_file("other.key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    c = W.put_file("other.pem", cert.public_bytes(serialization.Encoding.PEM))
    with Relay(lambda path, head, body: (head, body), k, c) as r:
        rc, text = W.probe(DATA, address=r.address)
        assert rc == 1 and text.startswith("tls: "), text
    spki = sha256(key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hex()
    own = json.dumps(statement("service", W.hospital, [("trust", None)], dict(W.service, tls=spki), W.gid)).encode()
    with Relay(lambda path, head, body: (head, own if path.endswith("/service") else body), k, c) as r:
        rc, text = W.probe(DATA, address=r.address)
        assert rc == 1 and text.startswith("service: "), text


# ---- owners change their assets ----

def owner_replaces_and_deletes_an_asset():
    r, v1 = W.put(W.hospital, "kbs:///hospital/data/scratch", b"one")
    assert r.status == 200, r.body
    r, v2 = W.put(W.hospital, "kbs:///hospital/data/scratch", b"two", 2, v1)
    assert r.status == 200, r.body
    r, _ = W.put(W.hospital, "kbs:///hospital/data/scratch", b"again", 2, v1)
    assert r.status == 401 and "serial" in r.json()["detail"], r.body
    target = "/kbs/v0/resource/hospital/data/scratch"
    t = W.hospital.token("DELETE", target)
    assert W.c.call("DELETE", target, bearer=t).status == 200
    kbs_error(W.c.call("DELETE", target, bearer=t), 401, "AdminAuthAccess", "token: ")
    assert W.c.call("DELETE", target, bearer=W.hospital.token("DELETE", target)).status == 404


def token_is_good_once_for_one_request_of_its_party():
    path, target = "kbs:///hospital/data/once", "/kbs/v0/resource/hospital/data/once"
    body = json.dumps(asset(W.hospital, path, b"x", W.service["receive"], W.gid)).encode()
    now = int(time.time())
    for change in ({"method": "DELETE"}, {"path": target + "2"}, {"body": "00" * 32}, {"exp": now - 10, "iat": now - 200},
                   {"exp": now + 3600}, {"iat": now + 3000, "exp": now + 3200}, {"iss": "acme"}, {"iss": "nobody"}):
        kbs_error(W.put_raw(W.hospital, path, body, W.hospital.token("POST", target, body, change)), 401, "AdminAuthAccess", "token: ")
    stranger = Party("hospital", ["data-owner"])
    kbs_error(W.put_raw(stranger, path, body), 401, "AdminAuthAccess", "token: ")
    foreign = json.dumps(asset(W.imaker, path, b"x", W.service["receive"], W.gid)).encode()
    kbs_error(W.put_raw(W.imaker, path, foreign), 401, "PluginInternalError", "among \"of\"")  # it may bring, but not say
    foreign = json.dumps(asset(W.imaker, path, b"x", W.service["receive"], W.gid, of=["hospital"])).encode()
    kbs_error(W.put_raw(W.imaker, path, foreign), 401, "PluginInternalError", "kind: ")  # nor in the owner's name
    kbs_error(W.c.call("DELETE", target, bearer=W.imaker.token("DELETE", target)), 401, "PluginInternalError", "owner: ")
    kbs_error(W.c.call("POST", target, body), 401, "AdminAuthAccess", "coffer asset put")
    W.once = W.hospital.token("POST", target, body)
    assert W.put_raw(W.hospital, path, body, W.once).status == 200
    kbs_error(W.put_raw(W.hospital, path, body, W.once), 401, "AdminAuthAccess", "token: ")
    W.once_body = body


def service_takes_no_unsealed_asset():
    path, target = "kbs:///hospital/data/raw", "/kbs/v0/resource/hospital/data/raw"
    for body in (b"a secret as it is", b"", b"{}", b'{"statement":{},"sealed":{}}'):
        kbs_error(W.put_raw(W.hospital, path, body), 401, "PluginInternalError", "coffer asset seal")
    a = asset(W.hospital, path, b"content", W.service["receive"], W.gid)
    a["sealed"] = jwe_seal(Key("ES256").jwk(), b"s" * 32 + b"content")
    assert W.put_raw(W.hospital, path, json.dumps(a).encode()).status == 401, "sealed to another key"
    a["sealed"] = jwe_seal(W.service["receive"], b"s" * 32 + b"other")
    kbs_error(W.put_raw(W.hospital, path, json.dumps(a).encode()), 401, "PluginInternalError", "digest: ")
    b = asset(W.imaker, path, b"content", W.service["receive"], W.gid)
    assert W.put_raw(W.hospital, path, json.dumps(b).encode()).status == 401, "another party's statement"


# ---- the owner's policy ----

def policy_of_the_owner_decides_and_its_denial_says_why():
    path = NOTE[len("kbs:///"):]
    g = W.agent().up()

    def allowed():
        return g.get(path, headers=g.signed_headers(path, "analyse", "file"))

    env = asset(W.hospital, NOTE, b"hello", W.service["receive"], W.gid, 2, W.note_v1)
    assert W.put_raw(W.hospital, NOTE, json.dumps(env).encode()).status == 200
    assert allowed().status == 200
    for policy, words in ((None, ("affirming", "default.rego:")), ("package policy\ndefault allow := false\n", ("false",)),
                          ("package policy\nallow if input.nothing\n", ("undefined",)), ("package policy\nallow if {\n", ("rego_parse_error", "policy.rego:")),
                          ("package policy\nallow := true\nallow := false\n", ("eval_conflict_error",)), ("package p\nallow := true\n", ("no rule",)),
                          ("package policy\nallow if count(numbers.range(1, 100000000)) > 1\n", ("limit_",))):
        e, r = W.restate(W.hospital, NOTE, env["statement"], policy)
        assert r.status == 200, r.body
        env = {"statement": e}
        said = kbs_error(allowed(), 401, "PolicyDeny", "R10: ", "coffer asset policy")
        assert all(w in said for w in words), (words, said)
    if os.path.exists("/usr/share/zoneinfo/America/New_York"):  # read before the sandbox was entered
        for hour, status in ((7, 200), (12, 401)):
            policy = 'package policy\nallow if time.clock([1517832000000000000, "America/New_York"]) == [%d, 0, 0]\n' % hour
            e, r = W.restate(W.hospital, NOTE, env["statement"], policy)
            assert r.status == 200, r.body
            env = {"statement": e}
            assert allowed().status == status, (hour, allowed().body)
    W.note, r = W.restate(W.hospital, NOTE, env["statement"], SAMPLE_POLICY)
    assert r.status == 200 and g.open(allowed()).endswith(b"hello")
    _, r = W.restate(W.imaker, NOTE, W.note, SAMPLE_POLICY)
    assert r.status == 401, "another party's policy"


# ---- Coffer's own endpoints ----

def statements_are_logged_once_and_by_who_may():
    p = Party("newcomer", ["data-owner"])
    env = statement("party", p, [("newcomer", None)], p.body(), W.gid, keys=[p.key, W.hospital.key])
    r = W.publish(env)
    assert r.status == 200 and set(r.json()) == {"id", "seq", "entry"} and r.json()["id"] == payload_id(env), r.body
    assert W.publish(env).json() == r.json(), "the same again is the same answer"
    q = Party("lonely", ["data-owner"])
    coffer_error(W.publish(statement("party", q, [("lonely", None)], q.body(), W.gid)), 403)
    coffer_error(W.publish(statement("party", q, [("lonely", None)], q.body(), "00" * 32, keys=[q.key, W.hospital.key])), 403)
    bad = dict(env, signatures=[dict(env["signatures"][0], sig=b64(bytes(64)))])
    assert W.publish(bad).status in (200, 403)
    coffer_error(W.c.call("POST", "/coffer/v0/statements", "{"), 400)
    coffer_error(W.c.call("POST", "/coffer/v0/statements", "{}"), 400)
    a = asset(W.hospital, "kbs:///hospital/data/alone", b"x", W.service["receive"], W.gid)
    coffer_error(W.publish(a["statement"]), 403)


def statements_are_listed_to_who_may_see_them():
    r = W.c.call("GET", "/coffer/v0/statements?kind=party")
    assert r.status == 200 and len(r.json()["statements"]) >= 1
    coffer_error(W.c.call("GET", "/coffer/v0/statements?kind=approval"), 401, "token")
    path = "/coffer/v0/statements?kind=approval&issuer=hospital"
    r = W.c.call("GET", path, bearer=W.hospital.token("GET", path))
    assert r.status == 200 and len(r.json()["statements"]) == 1, r.body
    path = "/coffer/v0/statements?kind=asset&subject=kbs%3A%2F%2F%2Fhospital%2Fdata%2Fpatients"
    r = W.c.call("GET", path, bearer=W.hospital.token("GET", path))
    assert [payload_id(x) for x in r.json()["statements"]] == [W.data_v1], r.body
    for bad in ("kind=nothing", "colour=red", "kind=party&kind=party", "id=00", "issuer=A", "all=2", "kind=%zz", "subject=%00"):
        coffer_error(W.c.call("GET", "/coffer/v0/statements?" + bad), 400)


def parties_read_their_assets_decisions_and_journal():
    r = W.c.call("GET", "/coffer/v0/assets", bearer=W.hospital.token("GET", "/coffer/v0/assets"))
    assert r.status == 200 and DATA in [a["path"] for a in r.json()["assets"]] and IMAGE not in [a["path"] for a in r.json()["assets"]]
    detail = kbs_error(W.upstream().up().get("hospital/note/greeting"), 401, "PolicyDeny", "R7")
    path = "/coffer/v0/decisions/" + detail.split("; decision ")[1].split()[0].rstrip(".")
    r = W.c.call("GET", path, bearer=W.hospital.token("GET", path))
    assert r.status == 200 and b"R7" in r.body, r.body
    path = "/coffer/v0/journal?from=1"
    r = W.c.call("GET", path, bearer=W.hospital.token("GET", path))
    entries = r.json()["entries"]
    assert r.status == 200 and len(entries) > 5 and entries[0]["seq"] == 1, r.body[:200]
    s = W.c.call("GET", "/coffer/v0/status").json()
    assert s["protocol"] and s["journal"]["seq"] >= entries[-1]["seq"]
    for path in ("/coffer/v0/assets", "/coffer/v0/journal", "/coffer/v0/decisions/" + "00" * 16):
        coffer_error(W.c.call("GET", path), 401, "token")
    coffer_error(W.c.call("GET", "/coffer/v0/journal?from=x"), 400)
    coffer_error(W.c.call("GET", "/coffer/v0/nothing"), 404)
    coffer_error(W.c.call("DELETE", "/coffer/v0/status"), 405)


# ---- the owner's command line on the same service ----

def coffer(*words, terminal=None, party="hospital"):
    """Exit code and all output; terminal: what is typed, else standard input is no terminal."""
    argv = [os.path.dirname(COFFERD) + "/../cli/coffer"] + list(words) + ["--home", W.dir + "/" + party]
    if terminal is None:
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return p.returncode, p.stdout.decode()
    ours, theirs = pty.openpty()
    p = subprocess.Popen(argv, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    os.close(theirs)
    os.write(ours, terminal.encode())
    out = p.communicate(timeout=60)[0].decode()
    os.close(ours)
    return p.returncode, out


def client_prints_nothing_that_a_terminal_obeys():
    def lies(path, head, body):
        if path == "/coffer/v0/status":
            body = json.dumps(dict(json.loads(body), journal="\u009b31m\x1b[2J"), ensure_ascii=False).encode()
        if path.startswith("/coffer/v0/assets"):
            body = body.replace(b'"data"', b'"d\\u001b[2Jata"')
        return head, body

    config = lambda address: W.put_file("hospital/config.json", json.dumps({"party": "hospital", "genesis": W.gid, "service": "https://" + address}).encode())
    with Relay(lies) as r:
        config(r.address)
        out = [coffer("status"), coffer("status", "--json"), coffer("asset", "list")]
        config(W.address)
        assert all(rc == 0 and "\x1b" not in text for rc, text in out) and "\u009b" not in out[0][1], out
        assert "\\xc2\\x9b31m" in out[0][1] and json.loads(out[1][1])["status"]["journal"] == "\u009b31m\x1b[2J" and "d?[2Jata" in out[2][1], out


def owner_sees_what_was_approved_and_decided_and_confirms_on_a_terminal():
    os.mkdir(W.dir + "/hospital", 0o700)
    W.put_file("hospital/config.json", json.dumps({"party": "hospital", "genesis": W.gid, "service": "https://" + W.address}).encode())
    W.put_file("hospital/sign.pem", W.hospital.key.k.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    os.chmod(W.dir + "/hospital/sign.pem", 0o600)
    rc, out = coffer("approvals")
    assert rc == 0 and "approval " in out and "asset    " + DATA in out and W.workload in out, out
    rc, out = coffer("approvals", "--json")
    assert rc == 0 and any(DATA in a["assets"] for a in json.loads(out)["approvals"]), out
    rc, out = coffer("decisions", "--json")
    listed = json.loads(out)["decisions"]
    assert rc == 0 and listed and all(d["asset"].startswith("kbs:///hospital/") for d in listed), out
    denied = [d for d in listed if d["outcome"] == "denied"][0]
    rc, out = coffer("decisions")
    assert rc == 0 and "denied  " + denied["decision"] in out, out
    rc, out = coffer("decisions", "--before", "1")
    assert rc == 0 and "nothing was decided before" in out and coffer("decisions", "--before", "0")[0] == 2, out
    rc, out = coffer("why", denied["decision"])
    assert rc == 0 and "outcome  denied by R" in out and "{" not in out, out
    rc, out = coffer("why", denied["decision"], "--json")
    assert rc == 0 and json.loads(out)["outcome"] == "denied", out
    unasked = 0
    for d in (d["decision"] for d in listed if d["outcome"] == "denied"):  # no remedy of what was never asked
        rc, out = coffer("why", d)
        said = {c["check"]: c for c in json.loads(coffer("why", d, "--json")[1])["checks"]}
        for id, c in said.items():
            if c["found"].startswith("not asked: "):
                unasked += 1
                assert (not c["holds"] or id in ("R2", "R5") and "sample proves nothing" in c["found"]) and c["who"] == c["command"] == "" and "  --   %s  not asked: " % id in out and "  NO   %s  " % id not in out, (c, out)
            elif not c["holds"]:
                assert "  NO   %s  " % id in out and c["who"] in out, (c, out)
    assert unasked > 0, listed
    assert coffer("why", "zz")[0] == 2 and coffer("why", "00" * 16)[0] == 4
    # What the service could not compile within its memory is refused before it is signed.
    chain = "\n".join("x%d = x%d" % (i, i - 1) for i in range(700, 0, -1))
    W.put_file("huge.rego", ("package policy\nallow if {\n%s\nx0 = 1\n}\n" % chain).encode())
    rc, out = coffer("asset", "policy", DATA, W.dir + "/huge.rego")
    assert rc == 3 and "limit_memory" in out and "huge.rego" in out, (rc, out)
    approve = ("approve", W.workload, "--asset", DATA, "--platform", "sample")
    for typed in ("no\n", "\n", "y\n", "\x04"):
        rc, out = coffer(*approve, terminal=typed)
        assert rc == 1 and "not confirmed" in out and DATA in out, (rc, out)
    assert coffer(*approve, "--uses", "0")[0] == 2
    told = "uses: each asset released counts one: a run of this workload needs at least %d, and this approval covers %d"
    rc, out = coffer(*approve, "--asset", NOTE, "--uses", "1", terminal="no\n")
    assert rc == 1 and "warning: " + told % (2, 1) + ": no run can end with it" in out and out.index("uses: each") < out.index("Approve?"), (rc, out)
    rc, out = coffer(*approve, "--uses", "1", terminal="no\n")
    assert rc == 1 and told % (1, 1) in out and "warning: uses" not in out, (rc, out)
    rc, out = coffer(*approve)  # no terminal: nobody has seen it
    assert rc == 2 and "nobody is there to ask" in out and "--yes" in out and "--shown" in out and "logged as" not in out, (rc, out)
    rc, out = coffer(*approve, "--shown", "00" * 32)
    assert rc == 1 and "refused: shown" in out and "workload show" in out, (rc, out)
    for nobody in ("nobody", "acme"):  # not known; known, but no auditor
        rc, out = coffer(*approve, "--yes", "--assessed-by", nobody)
        assert rc == 2 and "--assessed-by " + nobody in out and "auditors here: none" in out and "logged as" not in out, (rc, out)
    rc, out = coffer("approve", W.workload, "--asset", DATA, "--platform", "bogus", "--yes")
    assert rc == 2 and "--platform bogus" in out and "but for sample" in out and "container" not in out, (rc, out)  # before anything is shown
    rc, out = coffer("approve", W.workload, "--asset", DATA, "--platform", "swtpm", "--platform", "sample", terminal="no\n")
    assert rc != 0 and "swtpm protects nothing" in out and "sample protects nothing" in out, (rc, out)  # each, not the first alone
    assert rc == 2 and "--platform swtpm: this workload is not made for it" in out, (rc, out)


def approval_that_replaces_one_says_what_changes():
    old = next(a for a in json.loads(coffer("approvals", "--json")[1])["approvals"] if a["by"] == "hospital" and a["workload"] == W.workload and DATA in a["assets"])
    assets = [w for a in old["assets"] for w in ("--asset", a)]
    again = ["approve", W.workload, *assets, "--platform", "sample", "--until", when(int(time.time()) + 7200)]
    rc, out = coffer(*again, "--uses", "3", terminal="no\n")
    told = "replaces your approval %s of " % old["id"]
    assert rc == 1 and told in out and out.index(told) < out.index("Approve? Type yes") and "  wider     until " in out and "(was %s)" % old["until"] in out, out
    assert "  narrower  uses: 3 from now on (was any number)\n" in out and "platform sample is" not in out and "stays in force" not in out, out
    assert len(old["assets"]) == 2
    rc, out = coffer("approve", W.workload, "--asset", NOTE, "--platform", "sample", terminal="no\n")
    assert rc == 1 and "replaces" not in out and "your approval %s of " % old["id"] in out and "stays in force beside this one ('coffer revoke %s' ends it):" % old["id"] in out, out
    assert "  asset     " + DATA in out, out
    rc, out = coffer(*again, "--yes")
    assert rc == 0 and told in out, out
    new = next(a for a in json.loads(coffer("approvals", "--json")[1])["approvals"] if a["assets"] == old["assets"] and a["workload"] == W.workload)
    rc, out = coffer(*again, "--json", terminal="no\n")
    assert rc == 1 and new["id"] != old["id"] and "replaces your approval %s of " % new["id"] in out and old["id"] not in out and "  the same in every word\n" in out, out


def receipt_is_fetched_and_holds_without_the_service():
    listed = json.loads(coffer("decisions", "--json")[1])["decisions"]
    released = [d for d in listed if d["outcome"] == "released"][0]
    denied = [d for d in listed if d["outcome"] == "denied"][0]
    f = W.dir + "/one.receipt"
    rc, out = coffer("receipt", "get", released["decision"], "--out", f)
    assert rc == 0 and f in out, (rc, out)
    assert coffer("receipt", "get", denied["decision"], "--out", W.dir + "/no")[0] == 4 and coffer("receipt", "get", "zz")[0] == 2
    verify = [os.path.dirname(COFFERD) + "/../cli/coffer", "receipt", "verify", f, "--home", W.dir + "/nobody", "--genesis"]
    r = subprocess.run(["unshare", "-n"] + verify + [W.gid, "--json"], capture_output=True, text=True) if os.geteuid() == 0 else None
    r = r if r and r.returncode == 0 else subprocess.run(verify + [W.gid, "--json"], capture_output=True, text=True)
    seen = json.loads(r.stdout)
    assert r.returncode == 0 and seen["holds"] and seen["asset"] == released["asset"] and seen["record"]["data"]["decision"] == released["decision"], r
    r = subprocess.run(verify + ["00" * 32], capture_output=True, text=True)
    assert r.returncode == 1 and "refused: genesis" in r.stderr, r
    assert seen["replayed"] and seen["words"] and [c["check"] for c in seen["checks"]] == ["R%d" % i for i in range(12)], seen
    rc, out = coffer("receipt", "verify", f)
    assert rc == 0 and "decided again by the evidence (sample)" in out and "in the words that were logged" in out, out
    rc, out = coffer("receipt", "show", f, "--json")
    assert rc == 0 and {"workload", "asset", "service"} <= {s["kind"] for s in json.loads(out)["statements"]}, out
    text = open(f, "rb").read()
    v = json.loads(text)
    v["statements"][-1]["status"] = 2
    open(f, "wb").write(json.dumps(v, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    rc, out = coffer("receipt", "verify", f)
    assert rc == 1 and "receipt-map" in out, (rc, out)
    def wrong(change):
        v = json.loads(text)
        change(v["evidence"])
        open(f, "wb").write(json.dumps(v, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
        return coffer("receipt", "verify", f)
    rc, out = wrong(lambda e: e["document"].update(time=e["document"]["time"] - 1))
    assert rc == 1 and "receipt-evidence" in out, (rc, out)
    rc, out = wrong(lambda e: e["files"].append("e30"))
    assert rc == 1 and "receipt-evidence" in out, (rc, out)
    open(f, "wb").write(text[:-2])
    assert coffer("receipt", "verify", f)[0] == 3


def said_to_stand_is_held_against_the_ledger(boot):
    """A service in other hands answers that what it does not log stands already."""
    real = open(W.dir + "/acme/config.json").read()

    def lies(change):
        def mangle(path, head, body):
            return head, json.dumps(change(json.loads(body))).encode() if path == "/coffer/v0/statements" else body
        with Relay(mangle) as r:
            W.put_file("acme/config.json", real.replace(W.address, r.address).encode())
            try:
                return coffer("revoke", boot, "--reason", "again", party="acme")
            finally:
                W.put_file("acme/config.json", real.encode())

    rc, out = lies(lambda v: dict(v, seq=v["seq"] - 1))
    assert rc == 1 and "refused: ledger-opening" in out, out
    rc, out = lies(lambda v: dict(v, seq=10**6))
    assert rc == 1 and "refused: ledger-opening" in out, out

    def hides(path, head, body):  # what it says stands is shown to nobody
        return head, b'{"statements":[],"next":0}' if "/statements?" in path and "&id=" in path else body
    with Relay(hides) as r:
        W.put_file("acme/config.json", real.replace(W.address, r.address).encode())
        rc, out = coffer("revoke", boot, "--reason", "again", party="acme")
        W.put_file("acme/config.json", real.encode())
    assert rc == 1 and "refused: statement" in out and "it shows no such statement" in out, out


def machines_are_stated_shown_and_named_in_an_approval():
    os.makedirs(W.dir + "/acme", 0o700, exist_ok=True)
    W.put_file("acme/config.json", json.dumps({"party": "acme", "genesis": W.gid, "service": "https://" + W.address}).encode())
    W.put_file("acme/sign.pem", W.acme.key.k.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    os.chmod(W.dir + "/acme/sign.pem", 0o600)
    image = {"artefacts": [{"name": "uki", "sha256": "11" * 32}], "name": "guest\u009b2J", "enforces": ["manifest"], "rebuild": "make guest",
             "launches": [{"platform": "tpm", "shape": "any", "registers": {"pcr04": "22" * 32, "pcr11": "33" * 32}}],
             "reference-values": {"digest": ["aa"]}}
    tcb = {"platform": "snp", "minimum": [{"product": "milan", "svns": {"snp": 22}}], "reference-values": {"digest": "bb"}}
    W.put_file("image.json", json.dumps(image).encode())
    W.put_file("tcb.json", json.dumps(tcb).encode())
    assert coffer("boot-image", "publish", W.dir + "/image.json")[0] == 1  # an owner is no workload provider
    rc, out = coffer("boot-image", "publish", W.dir + "/image.json", "--out", W.dir + "/image.signed", "--json", party="acme")
    assert rc == 0, out
    boot = json.loads(out)["id"]
    rc, out = coffer("tcb", "publish", W.dir + "/tcb.json", "--json")
    assert rc == 0 and json.loads(out)["serial"] == 1, out
    first = json.loads(out)["id"]
    rc, out = coffer("tcb", "publish", W.dir + "/tcb.json", "--json")
    assert rc == 0 and json.loads(out)["serial"] == 2, out
    second = json.loads(out)["id"]
    rc, out = coffer("tcb", "list", "--json")
    assert rc == 0 and [s["id"] for s in json.loads(out)] == [second], out
    rc, out = coffer("tcb", "show", second, "--json")
    assert rc == 0 and json.loads(out)["body"] == tcb, out
    assert coffer("tcb", "show", "00" * 32)[0] == 4 and coffer("boot-image", "show", second)[0] == 4
    rc, out = coffer("boot-image", "show", boot)
    assert rc == 0 and "artefact uki sha256:" + "11" * 32 in out and "by acme" in out, out
    rc, out = coffer("reference", "list", "--json")
    states = {(r["statement"], r["issuer"], r["state"]) for r in json.loads(out)}
    assert rc == 0 and states == {(boot, "acme", "in force"), (second, "hospital", "in force"), (first, "hospital", "superseded or revoked")}, out
    approve = ("approve", W.workload, "--asset", DATA, "--platform", "sample")
    rc, out = coffer(*approve, "--boot-image", W.dir + "/image.signed", terminal="no\n")
    assert rc == 1 and "boot image %s: guest??2J, by acme, enforces manifest" % boot in out, (rc, out)  # the issuer's words move no cursor before the question
    assert coffer(*approve, "--boot-image", second, "--yes")[0] == 4 and coffer(*approve, "--boot-image", boot, "--boot-image", boot, "--yes")[0] == 4
    assert coffer("revoke", boot, "--reason", "old")[0] == 0 and boot in coffer("boot-image", "list")[1]  # for its own assets alone
    assert coffer("revoke", boot, "--reason", "old", party="acme")[0] == 0
    rc, out = coffer("revoke", boot, "--reason", "again", party="acme")
    assert rc == 0 and "stands already: entry" in out and "(serial 1)" in out, out
    said_to_stand_is_held_against_the_ledger(boot)
    assert coffer(*approve, "--boot-image", boot, "--yes")[0] == 4
    rc, out = coffer("boot-image", "list")
    assert rc == 0 and "no boot-image statement is in force" in out, out


def who_runs_machines_asks_beforehand_whom_they_would_be_refused_for():
    """coffer host check at the service: the lab, no provider and no owner of what is asked about, sees what it rests on."""
    os.mkdir(W.dir + "/lab", 0o700)
    W.put_file("lab/config.json", json.dumps({"party": "lab", "genesis": W.gid, "service": "https://" + W.address}).encode())
    W.put_file("lab/sign.pem", W.lab.key.k.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    os.chmod(W.dir + "/lab/sign.pem", 0o600)
    check = ("host", "check", "--platform", "snp", "--product", "milan", "--json", "--svn")
    rc, out = coffer(*check, "snp=24", party="lab")
    v = json.loads(out)
    assert rc == 0 and v["refused"] == 0 and W.workload in [w["digest"] for w in v["workloads"]] and v["elsewhere"] >= 1, out  # all are for sample
    image = {"name": "guest", "enforces": ["manifest", "image-digests"], "rebuild": "make guest",
             "launches": [{"platform": "snp", "shape": "any", "registers": {"measurement": "44" * 48}}]}
    boot = statement("boot-image", W.acme, [("uki", "44" * 32)], image, W.gid)
    r = W.publish(boot)
    assert r.status == 200, r.body
    m = dict(W.manifest([(DATA, "api")]), name="on-snp")
    digest = sha256(jcs(m)).hex()
    r = W.publish(statement("workload", W.acme, [("on-snp", digest)], m, W.gid))
    assert r.status == 200, r.body
    body = {"assets": [DATA], "workload": digest, "platforms": ["snp"], "services": [W.service_id], "boot-images": [payload_id(boot)],
            "until": when(int(time.time()) + 3600), "shown": "cd" * 32}
    r = W.publish(statement("approval", W.hospital, [(DATA, None), ("workload:" + digest, None)], body, W.gid))
    assert r.status == 200, r.body
    rc, out = coffer(*check, "snp=24", party="lab")
    v = json.loads(out)
    assert rc == 0 and [w["verdict"] for w in v["workloads"] if w["digest"] == digest] == ["runs"] and v["signatures-not-checked"] == 0, out
    rc, out = coffer(*check, "snp=21", party="lab")
    mine = [w for w in json.loads(out)["workloads"] if w["digest"] == digest][0]
    tcb = json.loads(coffer("tcb", "list", "--json")[1])[0]["id"]
    assert rc == 1 and [(r["check"], r["field"], r["party"], r["statement"]["id"]) for r in mine["refusals"]] == [("R4", "snp", "hospital", tcb)], out
    # A minimum that is on its way: signed, for the day after; forged; of another genesis.
    def signed(name, **change):
        env = statement("tcb", W.hospital, [("snp", None)], {"platform": "snp", "minimum": [{"product": "", "svns": {"snp": 99}}]},
                        **dict({"ledger": W.gid, "serial": 3, "previous": tcb}, **change))
        return W.put_file(name, json.dumps(env).encode())
    assert coffer(*check, "snp=24", "--statements", signed("next.json"), party="lab")[0] == 1
    rc, out = coffer(*check, "snp=24", "--statements", signed("forged.json", keys=[W.lab.key]), party="lab")
    assert rc == 1 and json.loads(out[out.index("{"):])["error"]["check"] == "statement", out
    rc, out = coffer(*check, "snp=24", "--statements", signed("other.json", ledger="00" * 32), party="lab")
    assert rc == 3 and "another genesis" in out, out
    assert coffer(*check, "snp=24", party="nobody")[0] == 4
    # More than the service shows at once: what is in force is still all there; then it is not, and that is said.
    before = None
    for i in range(256):
        w = sha256(b"one workload").hex()
        body = {"assets": [LAB + "2"], "workload": w, "platforms": ["snp"], "services": [W.service_id], "until": when(int(time.time()) + 3600 + i), "shown": "cd" * 32}
        env = statement("approval", W.lab, [(LAB + "2", None), ("workload:" + w, None)], body, W.gid, i + 1, before)
        before = payload_id(env)
        r = W.publish(env)
        assert r.status == 200, r.body
    rc, out = coffer(*check, "snp=21", party="lab")
    assert rc == 1 and digest in out and tcb in out, out
    for i in range(256):
        w = sha256(b"no workload %d" % i).hex()
        body = {"assets": [LAB + "2"], "workload": w, "platforms": ["snp"], "services": [W.service_id], "until": when(int(time.time()) + 3600), "shown": "cd" * 32}
        r = W.publish(statement("approval", W.lab, [(LAB + "2", None), ("workload:" + w, None)], body, W.gid))
        assert r.status == 200, r.body
    rc, out = coffer(*check, "snp=24", party="lab")
    assert rc == 3 and "may be missing" in out, out


def capabilities_are_built_as_the_kernel_names_them():
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "able", "annotations": {"coffer.internal/terms": "platforms: [sample]\nimages: [{container: analyse, provider: imaker}]\n"}},
           "spec": {"restartPolicy": "Never", "containers": [{"name": "analyse", "image": "registry.example/app@sha256:" + "ab" * 32, "command": ["/bin/analyse"]}]}}
    def build(*caps):
        pod["spec"]["containers"][0]["securityContext"] = {"readOnlyRootFilesystem": True, "capabilities": {"add": list(caps), "drop": ["ALL"]}}
        shutil.rmtree(W.dir + "/able", ignore_errors=True)
        rc, out = coffer("workload", "build", W.put_file("able.yaml", json.dumps(pod).encode()), "--out", W.dir + "/able", party="acme")
        return rc, json.load(open(W.dir + "/able/manifest.json"))["containers"][0]["capabilities"] if rc == 0 else out
    assert build("CHOWN", "CAP_NET_RAW") == (0, ["CAP_CHOWN", "CAP_NET_RAW"]), build("CHOWN", "CAP_NET_RAW")
    rc, out = build("chown")
    assert rc == 3 and '"CAP_chown", which is not CAP_<NAME>' in out, out
    assert build("CHOWN", "CAP_CHOWN")[0] == 3  # one, twice
    # no command of the host's in a container that may write into other processes: the runtime that brings it there would be its
    assert build("SYS_PTRACE") == (0, ["CAP_SYS_PTRACE"]), build("SYS_PTRACE")
    pod["metadata"]["annotations"]["coffer.internal/terms"] += "host: {exec: [{container: analyse, args: [/bin/analyse, --status]}]}\n"
    rc, out = build("SYS_PTRACE")
    assert rc == 1 and "policy" in out and "CAP_SYS_PTRACE in container analyse" in out, (rc, out)
    assert build("CHOWN")[0] == 0


def power_is_lent_listed_used_and_taken_back():
    boot = ("boot-image", "publish", W.dir + "/image.json")
    assert coffer("delegate", "hospital", "--role", "approval", party="acme")[0] == 2  # no scope
    assert coffer("delegate", "hospital", "--role", "boot-image", "--depth", "4", party="acme")[0] == 2
    assert coffer("delegate", "acme", "--role", "boot-image")[0] == 1  # an owner has no boot images
    rc, out = coffer("delegate", "hospital", "--role", "boot-image", "--json", party="acme")
    assert rc == 0, out
    lent = json.loads(out)["id"]
    assert coffer(*boot)[0] == 0
    assert coffer("revoke", lent, "--reason", "done", party="acme")[0] == 0 and coffer(*boot)[0] == 1
    approve = ("approve", W.workload, "--asset", DATA, "--platform", "sample", "--yes")
    rc, out = coffer(*approve, party="acme")
    assert rc == 1 and "by its delegation" not in out and "until hospital says 'coffer delegate acme --role approval --scope %s'" % DATA in out, out
    rc, out = coffer("delegate", "acme", "--role", "approval", "--scope", DATA, "--json")
    assert rc == 0, out
    lent = json.loads(out)["id"]
    for party in ("hospital", "acme"):
        rc, out = coffer("delegations", "--json", party=party)
        assert rc == 0 and [(d["id"], d["issuer"], d["body"]["to"]) for d in json.loads(out)] == [(lent, "hospital", "acme")], out
    rc, out = coffer(*approve, party="acme")
    assert rc == 0 and "approved for it, by its delegation" in out, out
    other = ("delegate", "acme", "--role", "approval", "--scope", NOTE)
    rc, out = coffer(*other)  # it would take the place of the one before, silently
    assert rc == 2 and "replaces your delegation " + lent in out and "no more   " + DATA in out and "nothing was signed" in out, (rc, out)
    rc, out = coffer(*other, terminal="no\n")
    assert rc == 1 and "Replace it?" in out, (rc, out)
    assert [d["id"] for d in json.loads(coffer("delegations", "--json")[1])] == [lent]
    rc, out = coffer(*other, "--scope", DATA, "--json")  # with that of before: nothing ends
    assert rc == 0 and "replaces your delegation " + lent in out and "no more" not in out, (rc, out)
    wide = DATA[:DATA.rindex("/") + 1]
    rc, out = coffer(*other[:-1], wide, "--scope", NOTE)
    assert rc == 0 and "no more" not in out, (rc, out)
    rc, out = coffer(*other, "--scope", wide + "patients-two")  # what begins so is not below it
    assert rc == 2 and "no more   " + wide in out, (rc, out)
    rc, out = coffer(*other, "--scope", DATA, "--yes", "--json")
    assert rc == 0 and "no more   " + wide in out, (rc, out)
    lent = json.loads(out[out.index("{"):])["id"]
    assert coffer("revoke", lent, "--reason", "done")[0] == 0 and coffer(*approve, party="acme")[0] == 1
    rc, out = coffer("delegations")
    assert rc == 0 and "no delegation" in out, out


def answers_while_keep_stands_still(path):
    keep = W.child("cofferd-keep")
    W.c.call("GET", path)
    os.kill(keep, signal.SIGSTOP)
    try:
        return W.c.call("GET", path, wait=2).status == 200
    except (TimeoutError, socket.timeout):
        return False
    finally:
        os.kill(keep, signal.SIGCONT)


def at_hand(path):
    """A copy is good for a second: a machine that is busy may need more than one try."""
    return any(answers_while_keep_stands_still(path) for _ in range(20))


def service_by_a_delegate_is_followed_to_its_founder():
    """acme lets the hospital designate the service: clients take its keys from the hospital's statement, and no more once that is taken back."""
    was = W.service_id
    says = lambda **more: W.publish(statement("service", W.hospital, [("trust", None)], W.service, W.gid, **more))
    assert says().status == 403
    assert coffer("delegate", "acme", "--role", "attestation-service")[0] == 1  # no founder that is a workload-provider
    rc, out = coffer("delegate", "hospital", "--role", "attestation-service", "--scope", "trust", "--json", party="acme")
    assert rc == 0, out
    lent = json.loads(out)["id"]
    r = says()
    assert r.status == 200, r.body
    mine = json.loads(r.body)["id"]
    assert payload_id(W.c.call("GET", "/coffer/v0/service").json()) == mine
    links = W.c.call("GET", "/coffer/v0/service/delegations?statement=" + mine)
    assert links.status == 200 and [payload_id(s["statement"]) for s in json.loads(links.body)["statements"]] == [lent], links.body
    for path in ("genesis", "service", "service/delegations?statement=" + mine, "parties?from=0"):
        assert at_hand("/coffer/v0/" + path), path
    assert not answers_while_keep_stands_still("/coffer/v0/status")
    assert W.c.call("GET", "/coffer/v0/service/delegations?statement=" + "00" * 32).status == 404
    assert W.c.call("GET", "/coffer/v0/service/delegations?statement=x").status == 400
    rc, out = coffer("status")  # a client that connects by it
    assert rc == 0, out
    open(W.dir + "/service.json", "wb").write(jcs(W.service))
    for party in ("hospital", "acme"):  # whoever may designate it can do so again
        rc, out = coffer("service", "sign", W.dir + "/service.json", "--to-sign", W.dir + "/again-" + party, party=party)
        assert rc == 0, out
    rc, out = coffer("delegations")
    assert rc == 0 and "attestation-service" in out and "trust" in out, out
    assert coffer("revoke", lent, "--reason", "done", party="acme")[0] == 0
    assert payload_id(W.c.call("GET", "/coffer/v0/service").json()) == was
    assert W.c.call("GET", "/coffer/v0/service/delegations?statement=" + mine).status == 404 and coffer("status")[0] == 0
    assert says(serial=2, previous=mine).status == 403
    # acme lets lab, which lets the hospital, and acme renews what it lent: the link by which lab had it is shown too
    def lend():
        rc, out = coffer("delegate", "lab", "--role", "attestation-service", "--scope", "trust", "--depth", "1", "--json", party="acme")
        assert rc == 0, out
        return json.loads(out[out.index("{"):])["id"]  # before it: what it replaces

    first = lend()
    body = {"of": "acme", "to": "hospital", "role": "attestation-service", "scope": ["trust"], "depth": 0, "until": when(int(time.time()) + 3600)}
    r = W.publish(statement("delegation", W.lab, [("hospital", None), ("of:acme", None), ("role:attestation-service", None)], body, W.gid))
    assert r.status == 200, r.body
    on, again = json.loads(r.body)["id"], lend()
    r = says(serial=2, previous=mine)
    assert r.status == 200, r.body
    mine = json.loads(r.body)["id"]
    links = W.c.call("GET", "/coffer/v0/service/delegations?statement=" + mine)
    assert links.status == 200 and [payload_id(s["statement"]) for s in json.loads(links.body)["statements"]] == [first, on, again], links.body
    assert payload_id(W.c.call("GET", "/coffer/v0/service").json()) == mine
    rc, out = coffer("status")
    assert rc == 0, out
    assert coffer("revoke", first, "--reason", "never lab", party="acme")[0] == 0
    assert payload_id(W.c.call("GET", "/coffer/v0/service").json()) == was
    assert W.c.call("GET", "/coffer/v0/service/delegations?statement=" + mine).status == 404 and coffer("status")[0] == 0


def binding_of_what_is_not_kept_is_said():
    m = dict(W.manifest([]), name="open", slots=[{"name": n, "type": "api"} for n in ("left", "right")])
    m["containers"][0]["entitlements"] = [{"slot": n, "purpose": "api"} for n in ("left", "right")]
    digest = sha256(jcs(m)).hex()
    assert W.publish(statement("workload", W.acme, [("open", digest)], m, W.gid)).status == 200
    rc, out = coffer("workload", "bind", digest, "--slot", "left=" + NOTE, "--slot", "right=kbs:///hospital/note/not-there")
    assert rc == 0 and "warning: the trust service keeps no kbs:///hospital/note/not-there" in out and "keeps no " + NOTE not in out and "leaves it open" not in out, out
    rc, out = coffer("workload", "bind", digest, "--slot", "left=" + NOTE, "--name", "one")
    assert rc == 0 and "warning" not in out and "slot right: this binding leaves it open" in out and "slot left:" not in out, out
    assert out.startswith("slot right: "), out


def pause_is_lifted_by_who_paused():
    mine = next(a["id"] for a in json.loads(coffer("approvals", "--json")[1])["approvals"] if a["by"] == "hospital")
    assert coffer("pause", mine, "--reason", "looking", party="acme")[0] == 1
    rc, out = coffer("pause", mine, "--reason", "looking")
    assert rc == 0, out
    assert coffer("pause", mine, "--reason", "still looking")[0] == 0  # renewed
    assert coffer("resume", mine, party="acme")[0] == 4
    rc, out = coffer("resume", mine)
    assert rc == 0 and "what it held back is decided as before" in out and "refused from now on" not in out, out
    assert coffer("resume", mine)[0] == 4 and coffer("resume", "zz")[0] == 2


def shared_asset_is_signed_and_approved_by_both():
    path = "kbs:///hospital/note/shared"
    W.put_file("shared", b"ours")
    file = W.dir + "/shared.sealed"
    assert coffer("asset", "seal", W.dir + "/shared", "--asset", path, "--k", "1")[0] == 2
    assert coffer("asset", "seal", W.dir + "/shared", "--asset", path, "--owner", "acme", "--k", "3")[0] == 2
    W.put_file("odd.rego", "package policy\nallow := true\n# \u202eeurt\u202c \u009b2J\n".encode())
    rc, out = coffer("asset", "seal", W.dir + "/shared", "--asset", path, "--owner", "acme", "--policy", W.dir + "/odd.rego", "--out", file)
    assert rc == 0, out
    rc, out = coffer("statement", "cosign", file, party="acme", terminal="no\n")  # what a terminal would act on is escaped
    assert rc == 1 and "\\xe2\\x80\\xae" in out and all(ord(c) < 0x7f for c in out), out
    rc, out = coffer("asset", "seal", W.dir + "/shared", "--asset", path, "--owner", "acme", "--out", file)
    assert rc == 0, out
    rc, out = coffer("asset", "put", path, "--sealed", file)
    assert rc == 1 and "acme did not" in out and "coffer asset seal FILE" in out and "coffer statement cosign BODY" in out, (rc, out)
    rc, out = coffer("statement", "cosign", file, party="acme", terminal="no\n")
    assert rc == 1 and '"k": 2' in out and "issuer   hospital" in out and "signatures so far: 1" in out, (rc, out)
    rc, out = coffer("statement", "cosign", file, party="acme")  # no terminal, no --yes
    assert rc == 2 and "nobody is there to ask" in out, (rc, out)
    before = open(file).read()
    os.makedirs(W.dir + "/far")
    W.put_file("far/config.json", json.dumps({"party": "imaker", "genesis": W.gid, "service": "https://" + W.address}).encode())
    rc, out = coffer("statement", "cosign", file, "--yes", party="far")  # the asset does not name it
    assert rc == 1 and "refused: issuer" in out and "imaker does not decide" in out and "--owner imaker" in out, (rc, out)
    assert open(file).read() == before
    rc, out = coffer("statement", "cosign", file, "--yes", party="acme")
    assert rc == 0 and "%s has 2 signatures now" % file in out, (rc, out)
    rc, out = coffer("asset", "seal", W.dir + "/shared", "--asset", path, "--owner", "acme", "--out", file)
    assert rc == 3 and "2 keys signed it; name another --out" in out, (rc, out)
    rc, out = coffer("asset", "put", path, "--sealed", file)
    assert rc == 0, out
    for party, line in (("acme", True), ("hospital", False), ("imaker", None)):
        rows = [l for l in coffer("asset", "list", party=party)[1].splitlines() if path in l]
        assert len(rows) == (line is not None) and all(("(of hospital, who shares it with you)" in l) == line for l in rows), (party, rows)
    W.put_file("any.rego", b"package policy\nallow := true\n")
    policy = W.dir + "/policy.out"
    rc, out = coffer("asset", "policy", path, W.dir + "/any.rego")  # not by the owner alone
    assert rc == 1 and "acme also decides of " + path in out and "--out FILE" in out and "coffer statement cosign FILE" in out and "--sealed FILE" in out, (rc, out)
    rc, out = coffer("asset", "policy", path, W.dir + "/any.rego", "--out", policy)
    assert rc == 0 and "changes nothing yet" in out and "acme: coffer statement cosign " + policy in out and "coffer asset put %s --sealed %s" % (path, policy) in out, (rc, out)
    assert coffer("statement", "cosign", policy, "--yes", party="acme")[0] == 0
    rc, out = coffer("asset", "put", path, "--sealed", policy)
    assert rc == 0, out
    assert "nothing waits" in coffer("pending")[1]
    body = {"assets": [path], "workload": W.workload, "platforms": ["sample"], "services": [W.service_id],
            "until": when(int(time.time()) + 3600), "shown": "cd" * 32}
    subjects = [(path, None), ("workload:" + W.workload, None)]
    assert W.publish(statement("approval", W.hospital, subjects, body, W.gid)).status == 200
    for party in ("hospital", "acme"):
        rc, out = coffer("pending", party=party)
        assert rc == 0 and path in out and "1 of 2 approvals" in out and "hospital approved, until" in out, out
        assert "acme is missing: its approval would open it" in out and "on sample, no boot image named" in out and "0 boot images" not in out, out
    assert W.publish(statement("approval", W.acme, subjects, body, W.gid)).status == 200
    assert "nothing waits" in coffer("pending")[1]


def approvals_say_who_else_stopped_them_and_for_what():
    path, other = "kbs:///hospital/note/shared", NOTE
    body = {"assets": [path, other], "workload": "ab" * 32, "platforms": ["sample"], "services": [W.service_id],
            "until": when(int(time.time()) + 3600), "shown": "cd" * 32}
    subjects = [(path, None), (other, None), ("workload:" + "ab" * 32, None)]
    assert W.publish(statement("approval", W.hospital, subjects, body, W.gid)).status == 200

    def listed():
        text = coffer("approvals")[1]
        a = next(a for a in json.loads(coffer("approvals", "--json")[1])["approvals"] if a["workload"] == "ab" * 32)
        return a, next(t for t in text.split("approval ") if "workload " + "ab" * 32 in t)
    a, text = listed()
    assert (a["paused-by"], a["stopped"]) == ("", []) and "revoked" not in text and "paused" not in text, (a, text)
    assert coffer("pause", a["id"], "--reason", "looking", party="acme")[0] == 0  # it decides of the first with hospital
    a, text = listed()
    assert a["paused-by"] == "acme" and a["stopped"] == [{"by": "acme", "paused": True, "assets": [path]}], a
    assert "paused   by acme until" in text and ", for " + path + "\n" in text, text
    assert coffer("resume", a["id"], party="acme")[0] == 0 and listed()[0]["stopped"] == []
    # For good, whatever the statement that says so says of its own end.
    r = {"statement": a["id"], "reason": "wrong"}
    revocation = statement("revocation", W.acme, [(a["id"], a["id"])], r, W.gid, life=3)
    assert W.publish(revocation).status == 200
    for wait in (0, 4):
        time.sleep(wait)
        a, text = listed()
        assert a["stopped"] == [{"by": "acme", "revoked": True, "assets": [path]}] and a["paused-by"] == "", a
        assert "revoked  by acme, for " + path + "\n" in text, text
        assert '"%s"' % a["id"] in coffer("statement", "list", "--kind", "revocation", "--issuer", "acme")[1], wait
        rc, out = coffer("statement", "verify", W.put_file("gone.dsse", json.dumps(revocation).encode()))
        assert rc == 0 and "and in force" in out, (wait, out)


# ---- a server among strangers ----

def exchange(data, wait=20):
    s = W.c.raw()
    s.settimeout(wait)
    out = b""
    try:
        s.sendall(data)
        while True:
            x = s.recv(65536)
            if not x:
                break
            out += x
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        s.close()
    return out


def framing_with_two_readings_is_refused():
    body = b'{"version":"0.4.0","tee":"sample","extra-params":""}'
    head = b"POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\n"
    both = exchange(head + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), len(body), body))
    assert both.startswith(b"HTTP/1.1 400") and b"Set-Cookie" not in both, both
    odd = exchange(head + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")
    assert odd.startswith(b"HTTP/1.1 400"), odd
    twice = exchange(head + b"Content-Length: 0\r\nContent-Length: 1\r\n\r\n")
    assert b" 200 " not in twice, twice
    assert exchange(b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert exchange(b"GET /healthz HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")
    two = exchange(b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\nConnection: close\r\n\r\n")
    assert two.startswith(b"HTTP/1.1 400"), two
    ok = exchange(head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert ok.startswith(b"HTTP/1.1 200"), ok


def large_body_is_refused_by_name():
    big = b"x" * (2 * 1024 * 1024 + 1)
    kbs_error(W.c.call("POST", "/kbs/v0/attest", big, cookie="00" * 16), 413, "PayloadTooLarge")
    coffer_error(W.c.call("POST", "/coffer/v0/statements", big), 413)
    r = exchange(b"POST /kbs/v0/attest HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n")
    assert r.startswith(b"HTTP/1.1 413"), r
    assert W.c.call("POST", "/kbs/v0/attest", b"x" * (2 * 1024 * 1024)).status == 401


def large_head_is_refused_and_large_token_is_read():
    kbs_error(W.c.call("GET", "/kbs/v0/resource/a/b/c", bearer="a" * 120000), 401, "TokenVerifierError")
    r = exchange(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 400000 + b"\r\n\r\n")
    assert b" 200 " not in r


def drip(first, each=0.25):
    """A byte now and then, until the service ends that. How many it took; it must end."""
    s = W.c.raw()
    s.settimeout(0.01)
    s.sendall(first)
    for n in range(400):  # 100 s and more; a client that is slow has 10
        try:
            s.sendall(b"a")
            time.sleep(each)
            if s.recv(1) == b"":
                break
        except (socket.timeout, TimeoutError, ssl.SSLWantReadError):
            continue
        except OSError:
            break
    else:
        raise AssertionError("a client that drips is served for ever")
    s.close()
    return n


def slow_clients_are_ended_and_others_served():
    idle = [W.c.raw() for _ in range(50)]
    for first in (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"):
        assert drip(first) > 1
        assert W.upstream().up().get("hospital/data/patients").status == 200
    for s in idle:
        s.settimeout(2)
        try:
            assert s.recv(1) == b"", "an idle connection was left open"
        except ConnectionError:
            pass
        s.close()


def kept_connection_serves_many_requests():
    s = W.c.raw()
    f = s.makefile("rb")
    for _ in range(20):
        status, body = kept_call(s, f, b"GET", b"/coffer/v0/status", b"", b"x")
        assert status == 200 and json.loads(body)["protocol"]
    s.close()


def kept_call(s, f, method, path, body, cookie):
    s.sendall(b"%s %s HTTP/1.1\r\nHost: x\r\nCookie: kbs-session-id=%s\r\nContent-Length: %d\r\n\r\n%s" % (method, path, cookie, len(body), body))
    status, n = f.readline(), 0
    while True:
        line = f.readline()
        if line.lower().startswith(b"content-length:"):
            n = int(line.split(b":")[1])
        if line == b"\r\n":
            return int(status.split()[1]), f.read(n)


def every_one_byte_change_of_an_attestation_is_refused():
    g = W.upstream()
    s = W.c.raw()
    f = s.makefile("rb")
    for i in range(0, 1400, 7):
        g.auth()
        ev = g.evidence(g.nonce)
        v = json.dumps({"init-data": {"format": "toml", "body": "x = 1\n"}, "runtime-data": {"nonce": g.nonce, "tee-pubkey": g.pubkey()},
                        "tee-evidence": {"primary_evidence": {"report_data": ev["report_data"]}, "additional_evidence": ""}}).encode()
        if i >= len(v):
            break
        v = v.replace(b'"report_data"', b'"svn": "1", "report_data"')
        bad = v[:i] + bytes([v[i] ^ 1]) + v[i + 1:]
        if json_same_but_unbound(v, bad):
            continue
        status, body = kept_call(s, f, b"POST", b"/kbs/v0/attest", bad, g.cookie.encode())
        assert status == 401, (i, bad[max(0, i - 10):i + 10], body)
    s.close()


def json_same_but_unbound(a, b):
    """Sample evidence binds neither its svn nor the init-data text, and JSON has blanks."""
    try:
        x, y = json.loads(a), json.loads(b)
        for v in (x, y):
            v["tee-evidence"]["primary_evidence"].pop("svn")
            v["init-data"].pop("body")
        return x == y
    except Exception:
        return False


def logs_hold_no_secret():
    text = W.logs()
    for secret in ("the patients", "hello", W.once, "k" * 32):
        assert secret not in text
    assert "POST /kbs/v0/auth 200" in text and "eyJ" not in text


# ---- restarts ----

def killed_service_starts_again_with_all_it_knew():
    before = W.c.call("GET", "/coffer/v0/status").json()["journal"]
    kids = W.children()
    W.end(signal.SIGKILL)
    for _ in range(100):
        if not any(os.path.exists("/proc/%d" % k) and open("/proc/%d/stat" % k).read().split()[2] != "Z" for k in kids):
            break
        time.sleep(0.05)
    else:
        raise AssertionError("a child outlived its parent")
    W.start()
    assert W.c.call("GET", "/coffer/v0/status").json()["journal"] == before
    assert payload_id(W.c.call("GET", "/coffer/v0/service").json()) == W.service_id
    g = W.upstream().up()
    assert g.open(g.get("hospital/data/patients")) == b"the patients"
    kbs_error(W.put_raw(W.hospital, "kbs:///hospital/data/once", W.once_body, W.once), 401, "AdminAuthAccess", "token: ")


def service_ends_when_a_child_does_and_says_so():
    for name in ("cofferd-net", "cofferd-keep", "cofferd-eval", "cofferd-fetch"):
        kids = W.children()
        os.kill(W.child(name), signal.SIGKILL)
        assert W.proc.wait(10) == 5
        assert name.split("-")[1] + " was ended by signal 9; the service stops" in W.logs()
        assert not any(os.path.exists("/proc/%d" % k) for k in kids)
        W.start()
    assert W.upstream().up().get("hospital/data/patients").status == 200


def offline(*words):
    r = subprocess.run([COFFERD, *words, "--config", W.config], capture_output=True, text=True, timeout=60)
    return r.returncode, r.stdout + r.stderr


def in_store(sql):
    """Of a service that does not run."""
    db = sqlite3.connect(W.state + "/keep/keep.db")
    rows = db.execute(sql).fetchall()
    db.commit()
    db.close()
    return rows


def moved():
    W.put_file("hospital/config.json", json.dumps({"party": "hospital", "genesis": W.gid, "service": "https://" + W.address}).encode())


def evidence_has_a_bound_and_goes_only_when_its_owner_has_it():
    moved()
    released = [d["decision"] for d in json.loads(coffer("decisions", "--json")[1])["decisions"] if d["outcome"] == "released"]
    kept = W.dir + "/kept.receipt"
    assert offline("prune-evidence", "--older", "1")[0] == 1  # in use
    assert W.end() == 0
    whole = in_store("SELECT bytes FROM kept_by WHERE owner='hospital'")[0][0]
    text = open(W.config).read()
    W.put_file("cofferd.toml", (text + "[evidence]\nowner = %d\n" % whole).encode())
    W.start()
    moved()
    r = W.upstream().up().get("hospital/data/patients")
    detail = kbs_error(r, 503, "PluginInternalError", "R12")
    assert "unavailable" in detail and "prune-evidence" in detail and "hospital" in detail, detail
    for d in released:
        rc, out = coffer("receipt", "get", d, "--out", kept)
        assert rc == 0, out
    assert W.end() == 0
    assert in_store("SELECT bytes FROM kept_by WHERE owner='hospital'")[0][0] == whole  # what was refused left nothing
    rc, out = offline("prune-evidence", "--older", "1")
    assert rc == 0 and "evidence of 0 sessions pruned" in out, out  # fetched, and not a day ago
    for bad in ("0", "x", "-1", "36501"):
        assert offline("prune-evidence", "--older", bad)[0] != 0
    in_store("UPDATE fetched SET time=time-2*86400")
    rc, out = offline("prune-evidence", "--older", "1")
    assert rc == 0 and "evidence of 0 sessions" not in out and "the journal has it" in out, out
    rc, out = offline("fsck")
    assert rc == 1 and "fetched is said to be the receipt of entry" in out, out  # before it was there: only this test can do that
    in_store("UPDATE fetched SET time=time+2*86400")
    rc, out = offline("fsck")
    assert rc == 0 and "everything holds" in out, out
    in_store("UPDATE asset_tag SET n=n+1")
    in_store("DELETE FROM kept_by")
    rc, out = offline("fsck")
    assert rc == 1 and "'cofferd fsck --repair' mends that" in out, out
    r = subprocess.run([COFFERD, "fsck", "--config", W.config, "--repair"], capture_output=True, text=True, timeout=60)  # in any order
    rc, out = r.returncode, r.stdout + r.stderr
    assert rc == 0 and "mended: what the entries give of it was computed again from them" in out and "everything holds" in out, out
    W.start()
    moved()
    assert W.upstream().up().get("hospital/data/patients").status == 200
    said = [coffer("receipt", "get", d, "--out", W.dir + "/late") for d in released]
    assert any(rc == 4 and "evidence pruned on 2" in out and "digest " in out for rc, out in said), said
    assert coffer("receipt", "verify", kept)[0] == 0  # whoever has it has all of it


def requests_at_once_are_each_answered_and_logged():
    path, said, got = "hospital/note/greeting", [], []

    def guest():
        g = W.agent().up()
        for _ in range(4):
            r = g.get(path, headers=g.signed_headers(path, "analyse", "file"))
            assert r.status == 200 and g.open(r)[:4] == b"CRP1", r.body
            got.append(tuple(r.headers["Coffer-Entry"].split(".")[:2]))

    def party(platform, svn):
        before = None
        for serial in range(1, 5):
            body = {"platform": platform, "minimum": [{"product": "", "svns": {svn: serial}}]}
            env = statement("tcb", W.clinic, [(platform, None)], body, W.gid, serial, before)
            r = W.publish(env)
            assert r.status == 200 and r.json()["id"] == payload_id(env), r.body
            said.append((str(r.json()["seq"]), r.json()["entry"]))
            before = payload_id(env)

    failed = []

    def each(f, *a):
        try:
            f(*a)
        except Exception:
            failed.append(traceback.format_exc())

    before = W.c.call("GET", "/coffer/v0/status").json()["journal"]["seq"]
    threads = [threading.Thread(target=each, args=(guest,)) for _ in range(8)]
    threads += [threading.Thread(target=each, args=(party, p, s)) for p, s in (("snp", "snp"), ("tdx", "tcb00"), ("sgx", "tcb00"), ("tpm", "firmware"))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed[0]
    assert len(set(got + said)) == 8 * 4 + 4 * 4, "an entry each"
    journal, at = {}, before + 1
    while True:
        target = "/coffer/v0/journal?from=%d" % at
        page = W.c.call("GET", target, bearer=W.lab.token("GET", "/coffer/v0/journal?from=%d" % at)).json()["entries"]
        journal.update((str(e["seq"]), e["hash"]) for e in page)
        if not page:
            break
        at = page[-1]["seq"] + 1
    assert all(journal[seq] == entry for seq, entry in got + said)


def statements_wait_for_each_other_alone():
    """Who posts one need not be known: whatever keep makes of many, others are answered meanwhile."""
    answers, keep = [], W.child("cofferd-keep")
    env = statement("tcb", Party("nobody", ["data-owner"]), [("snp", None)], {"platform": "snp", "minimum": [{"product": "", "svns": {"snp": 1}}]}, W.gid)
    threads = [threading.Thread(target=lambda: answers.append(Client(W.address).call("POST", "/coffer/v0/statements", json.dumps(env), wait=60).status))
               for _ in range(32)]
    os.kill(keep, signal.SIGSTOP)
    try:
        for t in threads:
            t.start()
        time.sleep(2)
        assert W.c.call("GET", "/healthz", wait=4).status == 200
    finally:
        os.kill(keep, signal.SIGCONT)
        for t in threads:
            t.join()
    assert answers == [403] * 32, answers


def newest_service_statement_is_told_at_once():
    """After the others: what they rest on is superseded."""
    last, before = W.service_id, lambda: W.c.call("GET", "/coffer/v0/service")
    for serial in range(2, 6):
        assert payload_id(before().json()) == last
        env = statement("service", W.acme, [("trust", None)], W.service, W.gid, serial, last)
        assert W.publish(env).status == 200
        last = payload_id(env)
    assert payload_id(before().json()) == last
    W.service_id = last
    assert W.c.call("GET", "/coffer/v0/genesis").json() == W.genesis


def newest_party_is_told_at_once():
    def told():
        r = W.c.call("GET", "/coffer/v0/parties?from=0")
        assert r.status == 200, r.body
        return [payload_id(s["statement"]) for s in r.json()["statements"]]
    for name in ("north", "south", "west"):
        before = told()
        assert told() == before # a copy, or keep again: the same
        new = Party(name, ["data-owner"])
        env = statement("party", new, [(name, None)], new.body(), W.gid, keys=[new.key, W.hospital.key])
        assert W.publish(env).status == 200
        assert told() == before + [payload_id(env)]
    assert W.c.call("GET", "/coffer/v0/parties").json() == W.c.call("GET", "/coffer/v0/parties?from=0").json()
    assert W.c.call("GET", "/coffer/v0/parties?from=1000000").json()["statements"] == [] # no other page is taken for the first


def lost_tls_key_is_put_back_or_replaced_by_word_of_the_operator():
    """No client goes by a new one until a provider signs it, told its fingerprint; who may say so goes past the old key alone."""
    key, cert, old = W.state + "/tls.key", W.state + "/tls.pem", W.service["tls"]
    acme_at_home()
    assert W.end() == 0
    os.unlink(cert)
    rc, out = offline("keygen")
    assert rc == 0 and json.loads(out)["tls"] == old and os.path.exists(cert), out
    os.unlink(key)
    p = subprocess.run([COFFERD, "--config", W.config], capture_output=True, text=True, timeout=60)
    assert p.returncode == 4 and "put it back from a copy" in p.stderr, p.stderr
    p = subprocess.run([COFFERD, "keygen", "--config", W.config], capture_output=True, text=True, timeout=60)
    new = json.loads(p.stdout)["tls"]
    assert p.returncode == 0 and new != old and "coffer service sign service.json --new-tls " + new in p.stderr, p.stderr
    W.service = json.loads(p.stdout)
    W.start()
    for folder in ("hospital", "acme"):
        W.put_file(folder + "/config.json", json.dumps({"party": folder, "genesis": W.gid, "service": "https://" + W.address}).encode())
    described = W.put_file("service.json", jcs(W.service))
    rc, out = coffer("status")
    assert rc == 1 and "tls: " in out and "service sign --new-tls" in out, out
    rc, out = coffer("service", "sign", described, party="acme")
    assert rc == 1 and "tls: " in out, out
    rc, out = coffer("service", "sign", described, "--new-tls", old, party="acme")
    assert rc == 1 and new in out, out
    rc, out = coffer("service", "sign", described, "--new-tls", "no", party="acme")
    assert rc == 2, out
    false = W.put_file("false.json", jcs(dict(W.service, tls=old)))
    rc, out = coffer("service", "sign", false, "--new-tls", old, party="acme")
    assert rc == 1 and "another TLS key than the one given" in out, out
    rc, out = coffer("service", "sign", described, "--new-tls", new, "--to-sign", W.dir + "/new-tls", party="acme")
    assert rc == 0, out
    assert coffer("sign", W.dir + "/new-tls", "--yes", party="acme")[0] == 0
    rc, out = coffer("statement", "submit", W.dir + "/new-tls", W.dir + "/new-tls.sig", party="acme")
    assert rc == 0, out
    rc, out = coffer("status")
    assert rc == 0, out
    rc, out = coffer("service", "sign", described, "--new-tls", new, party="acme")
    assert rc == 0, out
    W.service_id = payload_id(W.c.call("GET", "/coffer/v0/service").json())


def private_pem(key):
    return key.k.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def acme_at_home():
    """The provider's folder, with its keys."""
    os.makedirs(W.dir + "/acme", 0o700, exist_ok=True)
    W.put_file("acme/config.json", json.dumps({"party": "acme", "genesis": W.gid, "service": "https://" + W.address}).encode())
    W.put_file("acme/party.json", json.dumps(W.acme.body()).encode())
    for name, key in (("sign.pem", W.acme.key), ("recovery.pem", W.acme.recovery)):
        W.put_file("acme/" + name, private_pem(key))
        os.chmod(W.dir + "/acme/" + name, 0o600)


def releases_to_a_void_workload_are_listed():
    """After the others: the provider's key is named stolen from before it stated the workload."""
    m = dict(W.manifest([(NOTE, "file")]), name="stolen")
    digest, since = sha256(jcs(m)).hex(), int(time.time()) + 1
    while time.time() < since:  # ledger times are seconds
        time.sleep(0.02)
    body = {"assets": [NOTE], "workload": digest, "platforms": ["sample"], "services": [W.service_id], "until": when(int(time.time()) + 3600), "shown": "cd" * 32}
    for env in (statement("workload", W.acme, [("stolen", digest)], m, W.gid),
                statement("approval", W.hospital, [(NOTE, None), ("workload:" + digest, None)], body, W.gid)):
        r = W.publish(env)
        assert r.status == 200, r.body
    got = W.probe(NOTE, purpose="file", initdata=render(m, m["service"]["url"]))
    assert got[0] == 0, got
    acme_at_home()
    quorum = ("--recovery", W.dir + "/acme/recovery.pem")
    rc, out = coffer("party", "compromise", "--from", when(since), *quorum, party="acme")
    assert rc == 0, out
    os.unlink(W.dir + "/acme/sign.pem")
    rc, out = coffer("party", "rotate", "--lost", "--no-passphrase", *quorum, party="acme")
    assert rc == 0, out
    rc, out = coffer("party", "affected", "--json", party="acme")
    assert rc == 0 and [r["asset"] for r in json.loads(out)["releases"]] == [NOTE], out


def client_refuses_a_service_of_a_stolen_key_as_often_as_it_is_asked():
    """The last of all: acme's key is named stolen from before it designated the service, which a connection of before has looked at already."""
    with subprocess.Popen([PROBE, "https://" + W.address, W.gid], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as before:
        assert before.stdout.readline() == "open\n"
        rc, out = coffer("party", "compromise", W.acme.key.kid(), "--from", when(int(time.time()) - 86400), "--recovery", W.dir + "/acme/recovery.pem", party="acme")
        assert rc == 0, out
        said = before.communicate("go\n")[0]
        assert said.split() == ["service", "service"], said
    described = W.put_file("service.json", jcs(W.service))  # nothing is in force now; its provider says it anew
    rc, out = coffer("service", "sign", described, party="acme")
    last = re.search(r"refused: serial: .* \(([0-9]+:[0-9a-f]{64})\); .*--after", out)
    assert rc == 1 and last, out
    assert coffer("service", "sign", described, "--after", "7", party="acme")[0] == 2
    rc, out = coffer("service", "sign", described, "--after", last.group(1)[:-1] + "x", party="acme")
    assert rc == 2, out
    rc, out = coffer("service", "sign", described, "--after", last.group(1), party="acme")
    assert rc == 0, out
    rc, out = coffer("status")
    assert rc == 0, out
    rc, out = coffer("service", "sign", described, "--after", last.group(1), party="acme")
    assert rc == 2 and "is in force" in out, out


def sigterm_ends_everything_in_order():
    kids = W.children()
    assert W.end() == 0
    assert not any(os.path.exists("/proc/%d" % k) for k in kids)


CASES = [keygen_prints_the_service_and_keeps_its_keys, cofferd_refuses_mistakes_in_words,
         collateral_that_cannot_be_is_refused_before_the_service_is_ready,
         service_that_ships_another_policy_than_its_genesis_names_does_not_start,
         service_starts_and_shows_the_key_of_its_description, tls_below_1_3_is_refused, children_hold_no_more_than_they_need,
         upstream_client_gets_its_resource_by_cookie_and_by_token, token_is_an_ear_by_the_service_key,
         auth_refuses_other_versions_and_platforms, attest_refuses_a_wrong_answer, attest_answers_one_evidence_a_session,
         attest_of_a_device_is_refused_where_it_is_not_bound_or_not_valid, resource_refuses_who_has_not_attested, resource_refuses_a_forged_or_foreign_token,
         tokens_verify_with_the_published_key_and_name_it, resource_paths_are_three_plain_segments, stranger_cannot_tell_absent_from_foreign_from_denied,
         upstream_client_gets_only_what_every_container_may_ask, administrators_do_not_exist,
         agent_gets_content_statement_and_signed_reply, agent_requests_are_counted_and_bound,
         client_library_gets_what_it_may_and_says_why_not, client_library_uses_nothing_that_net_forged,
         client_library_trusts_no_other_key_and_no_other_statement, owner_replaces_and_deletes_an_asset,
         token_is_good_once_for_one_request_of_its_party, service_takes_no_unsealed_asset, policy_of_the_owner_decides_and_its_denial_says_why, statements_are_logged_once_and_by_who_may,
         statements_are_listed_to_who_may_see_them, parties_read_their_assets_decisions_and_journal,
         owner_sees_what_was_approved_and_decided_and_confirms_on_a_terminal, client_prints_nothing_that_a_terminal_obeys, approval_that_replaces_one_says_what_changes, receipt_is_fetched_and_holds_without_the_service,
         machines_are_stated_shown_and_named_in_an_approval, capabilities_are_built_as_the_kernel_names_them,
         power_is_lent_listed_used_and_taken_back, service_by_a_delegate_is_followed_to_its_founder, binding_of_what_is_not_kept_is_said, pause_is_lifted_by_who_paused, shared_asset_is_signed_and_approved_by_both, approvals_say_who_else_stopped_them_and_for_what,
         who_runs_machines_asks_beforehand_whom_they_would_be_refused_for, framing_with_two_readings_is_refused,
         large_body_is_refused_by_name, large_head_is_refused_and_large_token_is_read, kept_connection_serves_many_requests,
         every_one_byte_change_of_an_attestation_is_refused, slow_clients_are_ended_and_others_served, logs_hold_no_secret,
         requests_at_once_are_each_answered_and_logged, statements_wait_for_each_other_alone, killed_service_starts_again_with_all_it_knew, service_ends_when_a_child_does_and_says_so,
         evidence_has_a_bound_and_goes_only_when_its_owner_has_it, newest_service_statement_is_told_at_once, newest_party_is_told_at_once, lost_tls_key_is_put_back_or_replaced_by_word_of_the_operator,
         releases_to_a_void_workload_are_listed, client_refuses_a_service_of_a_stolen_key_as_often_as_it_is_asked, sigterm_ends_everything_in_order]


def run(w, cases):
    bad = 0
    print("1..%d" % len(cases))
    for i, case in enumerate(cases, 1):
        try:
            case()
            print("ok %d %s" % (i, case.__name__), flush=True)
        except Exception:
            bad = 1
            print("".join("# " + l + "\n" for l in traceback.format_exc().splitlines()), end="")
            print("not ok %d %s" % (i, case.__name__), flush=True)
    if w.proc and w.proc.poll() is None:
        w.proc.terminate()
        w.proc.wait(60)
    if bad:
        print("".join("# log: " + l + "\n" for l in (w.logs() if os.path.exists(w.dir + "/log") else "").splitlines()[-30:]), end="")
    shutil.rmtree(w.dir, ignore_errors=True)
    return bad


if __name__ == "__main__":
    sys.exit(run(W, CASES))
