#!/usr/bin/python3
"""Keys in tokens (softhsm2) and on a machine without network, through `coffer` and a live service and registry; both answers of every check.
argv: coffer, cofferd. TAP."""
import base64, hashlib, http.client, json, os, pty, re, shutil, signal, socket, subprocess, sys, tarfile, tempfile, time

COFFER, COFFERD = sys.argv[1:3]
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
REGISTRY = os.environ.get("COFFER_REGISTRY", "")
for need, why in ((os.path.exists(MODULE) and shutil.which("softhsm2-util"), "no softhsm2"), (shutil.which("pkcs11-tool"), "no opensc (pkcs11-tool)"),
                  (os.path.exists(REGISTRY), "no docker-registry")):
    if not need:
        print("1..0 # SKIP " + why); sys.exit(0)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import tapcases
try:
    from parties import *
except ImportError:
    print("1..0 # SKIP no python3-cryptography"); sys.exit(0)

T = tempfile.mkdtemp(prefix="coffer-keys-")
os.mkdir(T + "/tokens")
open(T + "/softhsm.conf", "w").write("directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n" % T)
ENV = {"PATH": "/usr/bin:/bin", "SOFTHSM2_CONF": T + "/softhsm.conf", "LC_ALL": "C"}
PIN = "58273941"
ended = []


def tool(*words):
    return subprocess.run(words, env=ENV, check=True, capture_output=True)


def coffer(home, *words, **more):
    r = subprocess.run([COFFER, *words] + (["--home", T + "/" + home] if home else []), env=ENV, capture_output=True, text=True,
                       stdin=subprocess.DEVNULL, timeout=90, **more)
    r.all = r.stdout + r.stderr
    assert PIN not in r.all, "a PIN is shown"
    return r


def ok(home, *words, **more):
    r = coffer(home, *words, **more)
    assert r.returncode == 0, (words, r.returncode, r.all)
    return r


def no(code, words_in, home, *words, **more):
    r = coffer(home, *words, **more)
    assert r.returncode == code and words_in in r.stderr, (words, "expected %d with %r" % (code, words_in), r.returncode, r.all)
    return r


def uri(obj, token="coffer", pin="file:" + T + "/pin", module=MODULE):
    return "pkcs11:token=%s;object=%s?module-path=%s%s" % (token, obj, module, "&pin-source=" + pin if pin else "")


def keypair(token, kind, label, ident):
    tool("pkcs11-tool", "--module", MODULE, "--token-label", token, "--login", "--pin", PIN, "--keypairgen", "--key-type", kind, "--label", label, "--id", ident)


def make_token():
    tool("softhsm2-util", "--init-token", "--free", "--label", "coffer", "--so-pin", "87654321", "--pin", PIN)
    keypair("coffer", "EC:prime256v1", "acme", "01")
    keypair("coffer", "EC:edwards25519", "hospital", "02")
    keypair("coffer", "EC:secp384r1", "large", "03")
    keypair("coffer", "EC:prime256v1", "twice", "04")
    keypair("coffer", "EC:prime256v1", "twice", "05")
    open(T + "/pin", "w").write(PIN + "\n")
    open(T + "/wrong", "w").write("00000000\n")
    open(T + "/empty", "w").write("\n")


def init(home, key, *more, **kw):
    shutil.rmtree(T + "/" + home, ignore_errors=True)
    return ("init", "--party", home, "--persona", "data-owner", "--no-passphrase", "--key", key)


# ---- tokens ----

def keys_in_tokens_make_parties():
    make_token()
    ok("acme", "init", "--party", "acme", "--persona", "workload-provider", "--no-passphrase", "--key", uri("acme"))
    ok("hospital", "init", "--party", "hospital", "--persona", "data-owner", "--no-passphrase", "--key", uri("hospital"))
    assert json.load(open(T + "/acme/party.json"))["keys"][0]["crv"] == "P-256"
    assert json.load(open(T + "/hospital/party.json"))["keys"][0]["crv"] == "Ed25519"
    assert sorted(os.listdir(T + "/acme")) == ["config.json", "encrypt.pem", "party.json"]


def keys_that_cannot_be_used_are_refused_by_reason():
    for code, words, key in (
            (1, "refused: pin:", uri("acme", pin="file:" + T + "/wrong")), (4, "not-there", uri("acme", pin="file:" + T + "/not-there")),
            (3, "empty", uri("acme", pin="file:" + T + "/empty")), (2, "a PIN is needed", uri("acme", pin=None)),
            (4, "no private key", uri("absent")), (4, "none here is called", uri("acme", token="other")),
            (4, "cannot be loaded", uri("acme", module="/usr/lib/not-there.so")), (3, "no PKCS#11 module", uri("acme", module="/lib/x86_64-linux-gnu/libc.so.6")),
            (3, "neither P-256 nor Ed25519", uri("large")), (3, "more than one", uri("twice")),
            (3, "pin-value is refused", uri("acme") + "&pin-value=" + "1234"), (3, "pkcs11:", "file:/x")):
        no(code, words, "x", *init("x", key))
        assert not os.path.exists(T + "/x/config.json"), key
    ok("x", *init("x", uri("twice").replace("object=twice", "object=twice;id=%05")))


def pin_comes_from_a_descriptor():
    r, w = os.pipe()
    os.write(w, PIN.encode() + b"\n"); os.close(w)
    ok("x", *init("x", uri("acme", pin="fd:%d" % r)), pass_fds=(r,))
    os.close(r)


def pin_comes_from_the_terminal_without_echo():
    shutil.rmtree(T + "/x", ignore_errors=True)
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(COFFER, [COFFER, *init("x", uri("acme", pin=None)), "--home", T + "/x"], ENV)
    seen, sent = b"", False
    while True:
        try:
            got = os.read(fd, 4096)
        except OSError:
            break
        if not got:
            break
        seen += got
        if b"PIN of token coffer" in seen and not sent:
            os.write(fd, PIN.encode() + b"\n"); sent = True
    os.close(fd)
    assert os.waitpid(pid, 0)[1] == 0, seen
    assert sent and PIN.encode() not in seen, seen
    assert os.path.exists(T + "/x/config.json")


def another_key_in_the_token_is_refused():
    shutil.copytree(T + "/acme", T + "/swapped")
    c = json.load(open(T + "/swapped/config.json"))
    c["key"] = uri("hospital")
    json.dump(c, open(T + "/swapped/config.json", "w"))
    no(1, "refused: key:", "swapped", "token", "--method", "GET", "--path", "/x")


# ---- a genesis of a token, another token and a key on a machine without network ----

def parties_found_and_run_a_service():
    ok("far", "init", "--party", "imaker", "--persona", "image-provider", "--no-passphrase", "--key-type", "p256")
    ok("imaker", "init", "--away", T + "/far/party.json", "--reader", T + "/hospital")
    assert os.listdir(T + "/imaker").count("sign.pem") == 0
    open(T + "/cofferd.toml", "w").write('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "%s/genesis.json"\n' % (T, T))
    open(T + "/service.json", "wb").write(subprocess.run([COFFERD, "keygen", "--config", T + "/cofferd.toml"], check=True, stdout=subprocess.PIPE).stdout)
    ok("acme", "genesis", "new", "--origin", "keys.example/ledger", "--service", T + "/service.json", "--out", T + "/genesis.json",
       *[T + "/%s/party.json" % p for p in ("acme", "hospital", "imaker")])
    ok("acme", "genesis", "sign", T + "/genesis.json")
    ok("hospital", "genesis", "sign", T + "/genesis.json")
    no(2, "on another machine", "imaker", "genesis", "sign", T + "/genesis.json")
    r = ok("imaker", "genesis", "sign", T + "/genesis.json", "--to-sign", T + "/g")
    assert "coffer sign" in r.stdout and "statement submit" in r.stdout
    r = ok("far", "sign", T + "/g", "--yes")
    assert "keys.example/ledger" in r.stderr
    no(2, "--out FILE is needed", "imaker", "statement", "submit", T + "/g", T + "/g.sig")
    ok("imaker", "statement", "submit", T + "/g", T + "/g.sig", "--out", T + "/genesis.json")
    digest = json.loads(ok(None, "genesis", "show", "--json", T + "/genesis.json").stdout)["genesis"]
    open(T + "/cofferd.toml", "a").write('genesis-digest = "%s"\n' % digest)
    p = subprocess.Popen([COFFERD, "--config", T + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=open(T + "/log", "ab"))
    ended.append(p)
    line = p.stdout.readline().decode()
    assert "https://" in line, line
    for h in ("acme", "hospital", "imaker"):
        ok(h, "genesis", "use", T + "/genesis.json", "--service", "https://" + line.split("https://")[1].strip())


def service_statement_is_signed_by_a_token():
    ok("acme", "service", "sign", T + "/service.json")
    assert "keys checked up to the genesis" in ok("hospital", "status").stdout


def token_signs_statements_and_party_tokens():
    open(T + "/secret", "w").write("a secret")
    ok("hospital", "asset", "put", "kbs:///hospital/data/one", "--file", T + "/secret")
    assert "kbs:///hospital/data/one" in ok("hospital", "asset", "list").stdout


def statement_list_shows_what_the_service_has():
    rows = [json.loads(l) for l in ok("hospital", "statement", "list", "--json").stdout.splitlines()]
    assert {"asset", "service", "genesis"} <= {r["kind"] for r in rows}, rows
    rows = [json.loads(l) for l in ok("hospital", "statement", "list", "--kind", "asset", "--issuer", "hospital", "--json").stdout.splitlines()]
    assert [r["kind"] for r in rows] == ["asset"] and rows[0]["subjects"] == ["kbs:///hospital/data/one"]
    assert ok("hospital", "statement", "list", "--subject", "kbs:///hospital/data/two").stdout == ""
    assert len(ok("hospital", "statement", "list", "--all").stdout.splitlines()) >= 3
    no(2, "no kind", "hospital", "statement", "list", "--kind", "wish")


# ---- away: statements ----

def pem(home):
    k = json.load(open(T + "/%s/party.json" % home))["keys"][0]
    return ec_public(k).public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def push_image():
    layout = T + "/layout"
    os.makedirs(layout + "/blobs/sha256")

    def blob(data):
        h = hashlib.sha256(data).hexdigest()
        open(layout + "/blobs/sha256/" + h, "wb").write(data)
        return {"digest": "sha256:" + h, "size": len(data)}
    with tarfile.open(T + "/layer.tar", "w") as t:
        t.add(T + "/secret", "file")
    layer = open(T + "/layer.tar", "rb").read()
    cfg = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}
    m = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
         "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(json.dumps(cfg).encode())},
         "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **blob(layer)}]}
    index = {"schemaVersion": 2, "manifests": [{"mediaType": m["mediaType"], **blob(json.dumps(m).encode())}]}
    json.dump(index, open(layout + "/index.json", "w"))
    json.dump({"imageLayoutVersion": "1.0.0"}, open(layout + "/oci-layout", "w"))
    s = socket.socket(); s.bind(("127.0.0.1", 0)); port = s.getsockname()[1]; s.close()
    open(T + "/registry.yml", "w").write("version: 0.1\nstorage: {filesystem: {rootdirectory: %s/registry}}\nhttp: {addr: 127.0.0.1:%d}\nlog: {level: error}\n" % (T, port))
    ended.append(subprocess.Popen([REGISTRY, "serve", T + "/registry.yml"], stdout=subprocess.DEVNULL, stderr=open(T + "/log", "ab")))
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close(); break
        except OSError:
            time.sleep(0.05)
    r = json.loads(ok("imaker", "image", "push", layout, "127.0.0.1:%d/imaker/app:1" % port, "--plain-http", "--json").stdout)
    return r["reference"]


IMAGE = None


def image_is_signed_away():
    global IMAGE
    IMAGE = push_image()
    open(T + "/far.pem", "wb").write(pem("far"))
    verify = ("image", "verify", IMAGE, "--key", T + "/far.pem", "--plain-http")
    assert coffer(None, *verify).returncode == 1
    no(2, "on another machine", "imaker", "image", "sign", IMAGE, "--plain-http")
    ok("imaker", "image", "sign", IMAGE, "--plain-http", "--to-sign", T + "/i")
    r = ok("far", "sign", T + "/i", "--yes")
    assert IMAGE.split("@")[1] in r.stderr and IMAGE.split("@")[0] in r.stderr
    ok("imaker", "statement", "submit", T + "/i", T + "/i.sig", "--plain-http")
    ok(None, *verify)


def image_signed_by_a_token_verifies():
    open(T + "/acme.pem", "wb").write(pem("acme"))
    ok("acme", "image", "sign", IMAGE, "--plain-http")
    ok(None, "image", "verify", IMAGE, "--key", T + "/acme.pem", "--plain-http")


def statement_is_signed_away_and_published():
    release = ("image", "release", IMAGE, "--key", "kbs:///imaker/image-key/app")
    no(2, "on another machine", "imaker", *release)
    ok("imaker", *release, "--to-sign", T + "/r")
    assert ok("hospital", "statement", "list", "--kind", "image-release").stdout == ""
    r = ok("far", "sign", T + "/r", "--yes")
    assert "image-release statement" in r.stderr and "kbs:///imaker/image-key/app" in r.stderr and "imaker" in r.stderr
    first = ok("imaker", "statement", "submit", T + "/r", T + "/r.sig", "--out", T + "/r.dsse").stdout
    assert "image-release" in ok("hospital", "statement", "list", "--kind", "image-release").stdout
    ok("imaker", "image", "verify", IMAGE, "--key", T + "/far.pem", "--plain-http")
    assert ok("imaker", "statement", "submit", T + "/r", T + "/r.sig").stdout == first  # again: the same entry, not another


def next_statement_follows_the_one_named():
    body = ("revoke", json.loads(ok(None, "statement", "show", T + "/r.dsse", "--json").stdout)["id"], "--reason", "rebuilt")
    ok("imaker", *body, "--to-sign", T + "/v")
    ok("far", "sign", T + "/v", "--yes")
    no(3, "something else", "imaker", *body, "--to-sign", T + "/w", "--after", T + "/r.dsse")
    ok("imaker", "image", "release", IMAGE, "--to-sign", T + "/n", "--after", T + "/r.dsse")
    n = json.load(open(T + "/n"))
    p = json.loads(base64.b64decode(n["statement"]["payload"]))["predicate"]
    assert p["serial"] == 2 and p["previous"] == json.loads(ok(None, "statement", "show", T + "/r.dsse", "--json").stdout)["id"]
    ok("imaker", "image", "release", IMAGE, "--to-sign", T + "/n2")  # asked of the service: the same
    assert json.loads(base64.b64decode(json.load(open(T + "/n2"))["statement"]["payload"]))["predicate"]["serial"] == 2


def signatures_of_other_bytes_or_keys_are_refused():
    submit = ("statement", "submit")
    no(1, "of something else", "imaker", *submit, T + "/n", T + "/r.sig")
    no(1, "of something else", "imaker", *submit, T + "/r", T + "/i.sig")
    sig = json.load(open(T + "/r.sig"))
    sig["sig"] = base64.b64encode(bytes(64)).decode()
    json.dump(sig, open(T + "/bad.sig", "w"))
    no(1, "does not verify", "imaker", *submit, T + "/r", T + "/bad.sig")
    ask = json.load(open(T + "/n"))
    other = json.load(open(T + "/r"))
    ask["statement"] = other["statement"]  # shown as one, signed as another
    json.dump(ask, open(T + "/mixed", "w"))
    no(1, "refused: to-sign:", "far", "sign", T + "/mixed", "--yes")
    no(3, "", "imaker", *submit, T + "/r.sig", T + "/r")
    open(T + "/cut", "w").write(open(T + "/r").read()[:200])
    no(3, "", "far", "sign", T + "/cut", "--yes")


def sign_shows_and_asks_and_signs_only_its_own():
    no(2, "nobody is there to ask", "far", "sign", T + "/n")
    ok("far2", "init", "--party", "imaker", "--persona", "image-provider", "--no-passphrase", "--key-type", "p256")
    no(1, "refused: key:", "far2", "sign", T + "/n", "--yes")
    no(1, "refused: issuer:", "acme", "sign", T + "/n", "--yes")
    ask = json.load(open(T + "/n"))
    payload = json.loads(base64.b64decode(ask["statement"]["payload"]))
    payload["predicate"]["issued"], payload["predicate"]["expires"] = when(time.time() - 7200), when(time.time() - 3600)
    raw = jcs(payload)
    pae = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(raw), raw)
    ask["statement"]["payload"], ask["input"] = b64(raw), sha256(pae).hex()
    ask["summary"] = "harmless"
    json.dump(ask, open(T + "/old", "w"))
    no(1, "refused: expired:", "far", "sign", T + "/old", "--yes")
    key = serialization.load_pem_private_key(open(T + "/far/sign.pem", "rb").read(), None)
    r, s = utils.decode_dss_signature(key.sign(pae, ec.ECDSA(hashes.SHA256())))
    json.dump({"form": "coffer-signature-v1", "keyid": ask["keyid"], "input": ask["input"],
               "sig": b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}, open(T + "/old.sig", "w"))
    no(1, "refused: expired:", "imaker", "statement", "submit", T + "/old", T + "/old.sig")


def what_is_shown_cannot_be_dressed_up():
    """Line ends, terminal escapes and letters that reorder others, in a name and in a body."""
    ask = json.load(open(T + "/n"))
    payload = json.loads(base64.b64decode(ask["statement"]["payload"]))
    payload["subject"][0]["name"] = "127.0.0.1/app\nissuer   hospital\u001b[2J\u202e"
    payload["predicate"]["body"]["repository"] = payload["subject"][0]["name"]
    raw = jcs(payload)
    ask["statement"]["payload"] = b64(raw)
    ask["input"] = sha256(b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(raw), raw)).hex()
    json.dump(ask, open(T + "/dressed", "w"))
    r = coffer("far", "sign", T + "/dressed", "--yes")
    assert "\nissuer   hospital" not in r.all and "\x1b" not in r.all and "\u202e" not in r.all, r.all
    r = coffer(None, "statement", "show", T + "/dressed")
    assert r.returncode == 3


def genesis_that_does_not_name_the_key_is_not_signed():
    ok("twin", "init", "--party", "imaker", "--persona", "image-provider", "--no-passphrase")
    g = json.load(open(T + "/g"))
    g["keyid"] = b64u(sha256(jcs(json.load(open(T + "/twin/party.json"))["keys"][0])))
    json.dump(g, open(T + "/gx", "w"))
    no(1, "refused: genesis:", "twin", "sign", T + "/gx", "--yes")
    ok("lonely", "init", "--party", "lonely", "--persona", "auditor", "--no-passphrase")
    no(1, "refused: genesis:", "lonely", "sign", T + "/g", "--yes")


def terminal_must_say_yes():
    for word, code in ((b"no\n", 1), (b"yes\n", 0)):
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(COFFER, [COFFER, "sign", T + "/n", "--out", T + "/n.asked", "--home", T + "/far"], ENV)
        seen, sent = b"", False
        while True:
            try:
                got = os.read(fd, 4096)
            except OSError:
                break
            if not got:
                break
            seen += got
            if b"Type yes: " in seen and not sent:
                os.write(fd, word); sent = True
        os.close(fd)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code, seen
        assert os.path.exists(T + "/n.asked") == (code == 0)


def summary_of_the_file_is_not_what_is_shown():
    ask = json.load(open(T + "/n"))
    ask["summary"] = "a birthday card"
    json.dump(ask, open(T + "/card", "w"))
    r = ok("far", "sign", T + "/card", "--yes")
    assert "birthday" not in r.all and "image-release statement" in r.stderr


def assets_are_stated_away_and_brought_by_another_party():
    open(T + "/secret", "w").write("a secret that has 32 bytes, sure")
    put = ("asset", "put", "kbs:///imaker/image-key/app", "--file", T + "/secret")
    no(2, "on another machine", "imaker", *put)
    ok("imaker", *put, "--to-sign", T + "/a")
    assert "a secret" not in open(T + "/a").read() + open(T + "/a.sealed").read()
    ok("far", "sign", T + "/a", "--yes")
    os.rename(T + "/a.sealed", T + "/aside")
    open(T + "/secret2", "w").write("another one that has 32 bytes ok")
    ok("imaker", "asset", "put", "kbs:///imaker/image-key/app", "--file", T + "/secret2", "--to-sign", T + "/b")
    shutil.copy(T + "/b.sealed", T + "/a.sealed")
    no(1, "refused: digest:", "imaker", "statement", "submit", T + "/a", T + "/a.sig")  # content that was not signed
    os.rename(T + "/aside", T + "/a.sealed")
    ok("imaker", "statement", "submit", T + "/a", T + "/a.sig")
    open(T + "/p.rego", "w").write(SAMPLE_POLICY)
    shutil.copy(T + "/b.sealed", T + "/p.sealed")  # one name for all: what belongs to the file of before does not go along
    shutil.copy(T + "/a.sig", T + "/p.sig")
    ok("imaker", "asset", "policy", "kbs:///imaker/image-key/app", T + "/p.rego", "--to-sign", T + "/p")
    assert not os.path.exists(T + "/p.sealed") and not os.path.exists(T + "/p.sig")
    assert "allow if input" in ok("far", "sign", T + "/p", "--yes").stderr
    ok("imaker", "statement", "submit", T + "/p", T + "/p.sig")
    assert "allow if input" in ok("imaker", "asset", "policy", "kbs:///imaker/image-key/app").stdout
    r = ok("imaker", "asset", "list")  # its token is the reader's, and the reader's assets are not its own
    assert "kbs:///imaker/image-key/app " in r.stdout and "version 1 " in r.stdout and "hospital/" not in r.stdout and "by the statements in force" in r.stderr, r.all
    assert [a["path"] for a in json.loads(ok("imaker", "asset", "list", "--json").stdout)["assets"]] == ["kbs:///imaker/image-key/app"]
    r = coffer("imaker", "asset", "delete", "kbs:///imaker/image-key/app")  # a reader brings, it does not take away
    assert r.returncode == 1 and "owner" in r.stderr, r.all


def request_is_signed_away_and_made_once():
    gone = ("asset", "delete", "kbs:///imaker/image-key/app")
    ok("imaker", "decisions", "--to-sign", T + "/l")
    r = ok("far", "sign", T + "/l", "--yes")
    assert "one request of imaker, once" in r.stderr and "reads    /coffer/v0/decisions" in r.stderr and "the trust service whose TLS key is" in r.stderr, r.all
    assert "nothing was decided" in ok("imaker", "decisions", "--signed", T + "/l").stdout
    no(1, "used before", "imaker", "decisions", "--signed", T + "/l")
    ok("imaker", *gone, "--to-sign", T + "/d")
    no(2, "--signed", "imaker", "statement", "submit", T + "/d", T + "/l.sig")
    no(1, "refused: issuer:", "hospital", "sign", T + "/d", "--yes")
    assert "DELETES  /kbs/v0/resource/imaker/image-key/app" in ok("far", "sign", T + "/d", "--yes").stderr
    no(1, "and not this request", "imaker", "decisions", "--signed", T + "/d")
    shutil.copy(T + "/d.sig", T + "/good.sig")
    shutil.copy(T + "/l.sig", T + "/d.sig")
    no(1, "refused: signature:", "imaker", *gone, "--signed", T + "/d")
    shutil.copy(T + "/good.sig", T + "/d.sig")
    assert "is deleted" in ok("imaker", *gone, "--signed", T + "/d").stdout
    ask = json.load(open(T + "/d"))
    head, body = ask["token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    for change, words in (({"method": "POST"}, "reading and deleting alone"), ({"exp": claims["iat"] - 5}, "more than"), ({"exp": 20, "iat": 10}, "refused: expired:"),
                          ({"exp": claims["exp"] + 86400, "iat": claims["iat"] + 86400}, "clocks of both")):
        bent = head + "." + base64.urlsafe_b64encode(json.dumps(dict(claims, **change)).encode()).decode().rstrip("=")
        json.dump(dict(ask, token=bent, input=hashlib.sha256(bent.encode()).hexdigest()), open(T + "/bent", "w"))
        no(1, words, "far", "sign", T + "/bent", "--yes")


# ---- statements for people and other programs ----

def show_and_verify_with_and_without_the_service():
    r = ok(None, "statement", "show", T + "/r.dsse")
    assert "image-release statement" in r.stdout and "not verified" in r.stdout
    assert "in force" in ok("imaker", "statement", "verify", T + "/r.dsse").stdout
    off = ("statement", "verify", T + "/r.dsse", "--genesis", T + "/genesis.json")
    assert "only the service can say" in ok("nobody", *off).stdout
    no(1, "refused: time:", "nobody", *off, "--at", "2020-01-01T00:00:00Z")
    no(1, "refused: time:", "nobody", *off, "--at", "2099-01-01T00:00:00Z")
    ok("nobody", "statement", "verify", T + "/genesis.json")
    env = json.load(open(T + "/r.dsse"))
    forged = dict(env, signatures=[dict(env["signatures"][0], sig=b64(bytes(range(64))))])
    json.dump(forged, open(T + "/forged", "w"))
    no(1, "refused: signature:", "nobody", "statement", "verify", T + "/forged", "--genesis", T + "/genesis.json")
    no(1, "refused: signature:", "imaker", "statement", "verify", T + "/forged")
    no(3, "", None, "statement", "show", T + "/r.sig")
    g = json.load(open(T + "/genesis.json"))
    g["signatures"] = g["signatures"][:2]
    json.dump(g, open(T + "/g2", "w"))
    no(1, "refused: genesis:", "nobody", "statement", "verify", T + "/r.dsse", "--genesis", T + "/g2")


def party_that_joined_later_verifies_by_its_own_statement():
    ok("lab", "init", "--party", "lab", "--persona", "image-provider", "--no-passphrase")
    ok("lab", "genesis", "use", T + "/genesis.json", "--service", json.load(open(T + "/acme/config.json"))["service"])
    ok("lab", "party", "request", "--to-sign", T + "/q")
    ok("lab", "sign", T + "/q", "--yes")
    ok("lab", "statement", "submit", T + "/q", T + "/q.sig", "--out", T + "/lab.json")
    ok("imaker", "party", "admit", T + "/lab.json", "--to-sign", T + "/adm")
    r = ok("far", "sign", T + "/adm", "--yes")
    assert "you would introduce lab" in r.stderr
    ok("imaker", "statement", "submit", T + "/adm", T + "/adm.sig", "--out", T + "/lab.dsse")
    ok("lab", "image", "release", IMAGE, "--to-sign", T + "/lr")
    ok("lab", "sign", T + "/lr", "--yes")
    ok("lab", "statement", "submit", T + "/lr", T + "/lr.sig", "--out", T + "/lr.dsse")
    off = ("statement", "verify", T + "/lr.dsse", "--genesis", T + "/genesis.json")
    no(1, "refused: issuer:", "nobody", *off)
    ok("nobody", *off, "--party", T + "/lab.dsse")
    no(1, "refused: party:", "nobody", *off, "--party", T + "/lab.json")  # nobody has introduced it


def statement_sign_takes_a_payload_as_it_stands():
    p = base64.b64decode(json.load(open(T + "/n"))["statement"]["payload"])
    open(T + "/payload", "wb").write(p)
    no(1, "refused: issuer:", "acme", "statement", "sign", T + "/payload", "--out", T + "/s.dsse")
    no(2, "either", "far", "statement", "sign", T + "/payload")
    ok("far", "statement", "sign", T + "/payload", "--out", T + "/s.dsse")
    assert base64.b64decode(json.load(open(T + "/s.dsse"))["payload"]) == p
    ok("nobody", "statement", "verify", T + "/s.dsse", "--genesis", T + "/genesis.json")
    no(1, "refused: in-force:", "imaker", "statement", "verify", T + "/s.dsse")  # signed, but never logged


def release_is_beside_the_image_with_what_was_attested():
    plain = ("image", "keys", IMAGE, "--plain-http")
    no(4, "no release is beside the image", "lab", *plain)
    sbom, scan = T + "/sbom.json", T + "/scan.json"
    open(sbom, "w").write('{"spdxVersion": "SPDX-2.3"}')
    open(scan, "w").write('{"findings": []}')
    no(2, "TYPE is", "lab", "image", "release", IMAGE, "--attestation", "nothing=" + sbom, "--plain-http")
    ok("lab", "image", "release", IMAGE, "--attestation", "sbom=" + sbom, "--attestation", "https://lab.example/scan=" + scan, "--publish", "--plain-http")
    listed = json.loads(ok("hospital", *plain, "--json", "--out", T + "/artefacts").stdout)
    assert [(r["provider"], [a["type"] for a in r["release"]["attestations"]]) for r in listed] == [
        ("lab", ["https://spdx.dev/Document", "https://lab.example/scan"])], listed
    assert sorted(open(T + "/artefacts/" + f).read() for f in os.listdir(T + "/artefacts")) == sorted(open(f).read() for f in (sbom, scan))
    # another client reads the index and the artefacts as the OCI specification has them
    repo, digest = IMAGE.split("@")
    get = lambda path: http_get(repo.split("/")[0], "/v2/" + repo.split("/", 1)[1] + path)
    index = json.loads(get("/manifests/" + digest.replace(":", "-")))
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json" and len(index["manifests"]) == 3
    for d in index["manifests"]:
        m = json.loads(get("/manifests/" + d["digest"]))
        assert m["subject"]["digest"] == digest and m["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    # what the registry's operator forges is named and passed over
    mine = [l["release"] for l in listed][0]
    env = json.load(open(T + "/lr.dsse"))  # signed by lab, superseded by now
    put_referrer(repo, digest, json.dumps(env).encode())
    env["payload"] = base64.b64encode(base64.b64decode(env["payload"]).replace(b'"version":1', b'"version":9')).decode()
    put_referrer(repo, digest, json.dumps(env).encode())
    r = ok("hospital", *plain, "--json")
    assert [l["release"] for l in json.loads(r.stdout)] == [mine]
    assert "passed over: in-force" in r.stderr and "passed over: statement" in r.stderr, r.stderr
    ok("lab", "revoke", listed[0]["statement"], "--reason", "withdrawn")
    no(1, "refused: release:", "hospital", *plain)


def http_get(host, path):
    c = http.client.HTTPConnection(host)
    c.request("GET", path, headers={"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"})
    r = c.getresponse()
    body = r.read()
    assert r.status == 200, (path, r.status, body)
    return body


def put_referrer(repo, digest, body):
    """As a registry's operator may: anything, under the subject's tag."""
    host, name = repo.split("/", 1)

    def put(path, data, kind):
        c = http.client.HTTPConnection(host)
        c.request("PUT", path, data, {"Content-Type": kind})
        assert c.getresponse().status == 201, path

    for b in (b"{}", body):
        c = http.client.HTTPConnection(host)
        c.request("POST", "/v2/%s/blobs/uploads/" % name)
        where = c.getresponse().headers["Location"].split(host, 1)[-1]
        put(where + ("&" if "?" in where else "?") + "digest=sha256:" + hashlib.sha256(b).hexdigest(), b, "application/octet-stream")
    d = lambda b, kind: {"mediaType": kind, "digest": "sha256:" + hashlib.sha256(b).hexdigest(), "size": len(b)}
    oci = "application/vnd.oci.image.manifest.v1+json"
    subject = http_get(host, "/v2/%s/manifests/%s" % (name, digest))
    m = json.dumps({"schemaVersion": 2, "mediaType": oci, "artifactType": "application/vnd.coffer.image-release.v1+json",
                    "config": d(b"{}", "application/vnd.oci.empty.v1+json"), "layers": [d(body, "application/vnd.dsse.envelope.v1+json")],
                    "subject": d(subject, oci)}).encode()
    put("/v2/%s/manifests/sha256:%s" % (name, hashlib.sha256(m).hexdigest()), m, oci)
    index = json.loads(http_get(host, "/v2/%s/manifests/%s" % (name, digest.replace(":", "-"))))
    index["manifests"].append(dict(d(m, oci), artifactType="application/vnd.coffer.image-release.v1+json"))
    put("/v2/%s/manifests/%s" % (name, digest.replace(":", "-")), json.dumps(index).encode(), index["mediaType"])


def another_verifier_reads_our_envelopes():
    """DSSE's protocol.md once more, in Python and with python3-cryptography: token P-256, token Ed25519, file and away keys alike."""
    ok("hospital", "statement", "list", "--json")
    keys = {}
    for h in ("acme", "hospital", "far", "lab"):
        k = json.load(open(T + "/%s/party.json" % h))["keys"][0]
        keys[b64u(sha256(jcs({m: k[m] for m in ("crv", "kty", "x", "y") if m in k})))] = k
    seen = 0
    for f in ("genesis.json", "r.dsse", "lab.dsse", "s.dsse"):
        env = json.load(open(T + "/" + f))
        raw = base64.b64decode(env["payload"], validate=True)
        pae = b" ".join([b"DSSEv1", b"%d" % len(env["payloadType"]), env["payloadType"].encode(), b"%d" % len(raw), raw])
        for s in env["signatures"]:
            k, sig = keys[s["keyid"]], base64.b64decode(s["sig"], validate=True)
            if k["kty"] == "OKP":
                ed25519.Ed25519PublicKey.from_public_bytes(unb64u(k["x"])).verify(sig, pae)
            else:
                assert es256_ok(k, pae, sig)
            seen += 1
        v = json.loads(raw)
        assert v["_type"] == "https://in-toto.io/Statement/v1" and v["subject"][0]["digest"]["sha256"] and v["predicateType"]
    assert seen >= 6


def main():
    cases = [keys_in_tokens_make_parties, keys_that_cannot_be_used_are_refused_by_reason, pin_comes_from_a_descriptor,
             pin_comes_from_the_terminal_without_echo, another_key_in_the_token_is_refused, parties_found_and_run_a_service,
             service_statement_is_signed_by_a_token, token_signs_statements_and_party_tokens, statement_list_shows_what_the_service_has,
             image_is_signed_away, image_signed_by_a_token_verifies, statement_is_signed_away_and_published, next_statement_follows_the_one_named,
             signatures_of_other_bytes_or_keys_are_refused, sign_shows_and_asks_and_signs_only_its_own, what_is_shown_cannot_be_dressed_up,
             genesis_that_does_not_name_the_key_is_not_signed, terminal_must_say_yes,
             summary_of_the_file_is_not_what_is_shown, show_and_verify_with_and_without_the_service,
             assets_are_stated_away_and_brought_by_another_party, request_is_signed_away_and_made_once, party_that_joined_later_verifies_by_its_own_statement, statement_sign_takes_a_payload_as_it_stands, release_is_beside_the_image_with_what_was_attested, another_verifier_reads_our_envelopes]
    return tapcases.run(cases, ended, T)


sys.exit(main())
