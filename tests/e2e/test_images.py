#!/usr/bin/python3
"""What an image provider releases, through `coffer`, a live service, a registry and guests on platform sample: later releases, least versions, and artefacts that are
assets. argv: coffer, cofferd, agent. TAP."""
import hashlib, http.server, json, os, shutil, socket, subprocess, sys, tarfile, tempfile, threading, time

sys.dont_write_bytecode = True
import tapcases

COFFER, COFFERD, AGENT = sys.argv[1:4]
REGISTRY = os.environ.get("COFFER_REGISTRY", "")
for need, why in ((os.geteuid() == 0, "root is needed"), (shutil.which("crun"), "no crun"), (os.path.exists("/bin/busybox"), "no busybox"),
                  (os.path.exists(REGISTRY), "no docker-registry")):
    if not need:
        print("1..0 # SKIP " + why); sys.exit(0)

T = tempfile.mkdtemp(prefix="coffer-images-")
HERE = os.path.dirname(os.path.abspath(__file__))
ENV = {**os.environ, "LC_ALL": "C", "COFFER_AGENT": AGENT}
SBOM, SCAN = "https://spdx.dev/Document", "https://in-toto.io/attestation/vulns/v0.2"
SECRET = '{"spdxVersion":"SPDX-2.3","name":"what is inside is told to few"}'
ended = []


def coffer(home, *words):
    r = subprocess.run([COFFER, *words] + (["--home", T + "/" + home] if home else []), env=ENV, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    r.all = r.stdout + r.stderr
    return r


def ok(home, *words):
    r = coffer(home, *words)
    assert r.returncode == 0, (words, r.returncode, r.all)
    return r


def no(code, words_in, home, *words):
    r = coffer(home, *words)
    assert r.returncode == code and words_in in r.stderr, (words, "expected %d with %r" % (code, words_in), r.returncode, r.all)
    return r


def put(name, text):
    with open(T + "/" + name, "w") as f:
        f.write(text)
    return T + "/" + name


def registry():
    s = socket.socket(); s.bind(("127.0.0.1", 0)); port = s.getsockname()[1]; s.close()
    put("registry.yml", "version: 0.1\nstorage: {filesystem: {rootdirectory: %s/registry}}\nhttp: {addr: 127.0.0.1:%d}\nlog: {level: error}\n" % (T, port))
    ended.append(subprocess.Popen([REGISTRY, "serve", T + "/registry.yml"], stdout=subprocess.DEVNULL, stderr=open(T + "/log", "ab")))
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return "127.0.0.1:%d" % port
        except OSError:
            time.sleep(0.05)
    raise AssertionError("no registry")


def push_image(where, mark, by="imaker", seal=()):
    """busybox and nothing else, of the version that the mark says."""
    layout = T + "/layout-" + mark
    os.makedirs(layout + "/blobs/sha256")

    def blob(data):
        h = hashlib.sha256(data).hexdigest()
        with open(layout + "/blobs/sha256/" + h, "wb") as f:
            f.write(data)
        return {"digest": "sha256:" + h, "size": len(data)}

    root = T + "/root-" + mark
    os.makedirs(root + "/bin")
    shutil.copy("/bin/busybox", root + "/bin/busybox")
    os.symlink("busybox", root + "/bin/sh")
    put("root-%s/mark" % mark, mark)
    with tarfile.open(T + "/layer.tar", "w") as t:
        for n in ("bin", "mark"):
            t.add(root + "/" + n, n)
    layer = open(T + "/layer.tar", "rb").read()
    cfg = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}
    m = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
         "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(json.dumps(cfg).encode())},
         "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **blob(layer)}]}
    put("layout-%s/index.json" % mark, json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": m["mediaType"], **blob(json.dumps(m).encode())}]}))
    put("layout-%s/oci-layout" % mark, json.dumps({"imageLayoutVersion": "1.0.0"}))
    if seal:
        ok(by, "image", "encrypt", layout, layout + "-sealed", *seal)
        layout += "-sealed"
    ref = json.loads(ok(by, "image", "push", layout, where + "/imaker/app:" + mark, "--plain-http", "--json").stdout)["reference"]
    ok(by, "image", "sign", ref, "--plain-http")
    return ref


def parties_and_service():
    global OLD, NEW, REG
    ok(None, "party", "recovery-key", T + "/r1", "--no-passphrase")
    for p, persona in (("acme", "workload-provider"), ("imaker", "image-provider"), ("hospital", "data-owner"), ("lab", "auditor")):
        ok(p, "init", "--party", p, "--persona", persona, "--no-passphrase", *(["--recovery-key", T + "/r1.pub"] if p == "imaker" else []))
    config = put("cofferd.toml", 'id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "%s/genesis.json"\n' % (T, T))
    put("service.json", subprocess.run([COFFERD, "keygen", "--config", config], check=True, capture_output=True, text=True).stdout)
    ok("acme", "genesis", "new", "--origin", "images.example/ledger", "--service", T + "/service.json", "--out", T + "/genesis.json",
       *[T + "/%s/party.json" % p for p in ("acme", "imaker", "hospital", "lab")])
    for p in ("acme", "imaker", "hospital", "lab"):
        ok(p, "genesis", "sign", T + "/genesis.json")
    digest = json.loads(ok(None, "genesis", "show", "--json", T + "/genesis.json").stdout)["genesis"]
    with open(config, "a") as f:
        f.write('genesis-digest = "%s"\n' % digest)
    p = subprocess.Popen([COFFERD, "--config", config], stdout=subprocess.PIPE, stderr=open(T + "/log", "ab"))
    ended.append(p)
    line = p.stdout.readline().decode()
    assert "https://" in line, line
    for h in ("acme", "imaker", "hospital", "lab"):
        ok(h, "genesis", "use", T + "/genesis.json", "--service", "https://" + line.split("https://")[1].strip())
    ok("acme", "service", "sign", T + "/service.json")
    REG = registry()
    no(1, "but whom one lets: 'coffer delegate PARTY --role attestation-service'", "hospital", "service", "sign", T + "/service.json")
    OLD, NEW = push_image(REG, "old"), push_image(REG, "new")


# ---- what a newcomer meets ----

def mistakes_of_a_newcomer_are_told_with_what_mends_them():
    plain = "no TLS is spoken there; if it is HTTP: --plain-http"
    for words in (("image", "push", T + "/layout-new", REG + "/imaker/app:x"), ("image", "sign", NEW), ("image", "keys", NEW)):
        no(4, plain, "imaker", *words)
    ok("new", "init", "--party", "newcomer", "--persona", "data-owner", "--no-passphrase")
    ok("new", "genesis", "use", T + "/genesis.json", "--service", json.load(open(T + "/acme/config.json"))["service"])
    r = no(1, "no known party signed this token: a newcomer is known once a party that is has introduced it ('coffer party request'", "new", "asset", "list")
    assert "coffer token" not in r.stderr, r.all
    no(4, "there is nothing to pause", "hospital", "pause", "00" * 32, "--reason", "x")
    no(4, "there is nothing to revoke", "hospital", "revoke", "00" * 32, "--reason", "x")
    no(2, "type and tag each of 1 to ", "hospital", "asset", "put", "kbs:///hospital/data/" + "x" * 300, "--file", T + "/service.json")


def asset_that_approvals_rest_on_is_not_deleted_unasked():
    kept = lambda: ASSET in [a["path"] for a in json.loads(ok("imaker", "asset", "list", "--json").stdout)["assets"]]
    mine = [a["id"] for a in json.loads(ok("imaker", "approvals", "--json").stdout)["approvals"] if ASSET in a["assets"] and not a["expired"]]
    r = no(2, "nobody is there to ask", "imaker", "asset", "delete", ASSET)
    assert mine and kept() and all("approval %s of imaker rests on %s, until " % (i, ASSET) in r.stderr for i in mine) and r.stderr.count(" rests on ") == len(mine), r.all
    r = ok("imaker", "revoke", mine[0], "--reason", "no more")
    assert "ended: the approval of imaker: %s, workload:" % ASSET in r.stderr, r.all
    ok("imaker", "asset", "delete", ASSET, "--yes")
    assert not kept()


def service_that_is_down_is_named_by_who_runs():
    ended[0].terminate(); ended[0].wait(20)
    r = run("checked")
    assert r.returncode == 4 and "the trust service does not answer: nobody listens at https://127.0.0.1:" in r.stderr and "the trust service, https://127.0.0.1:" in r.stderr, r.all


# ---- what is released, and what of it stays ----

def newest(ref):
    """What imaker's release in force says of the image."""
    listed = json.loads(ok("hospital", "image", "keys", ref, "--plain-http", "--json").stdout)
    assert len(listed) == 1 and listed[0]["provider"] == "imaker", listed
    return listed[0]["release"]


def newest_refusal():
    d = json.loads(ok("imaker", "decisions", "--json").stdout)["decisions"][0]
    assert d["outcome"] == "denied", d
    return ok("imaker", "why", d["decision"]).stdout


def release(ref, *more):
    return ("image", "release", ref, *more, "--publish", "--plain-http")


def release_names_keys_and_versions_of_its_own():
    no(1, "refused: owner: kbs:///hospital/data-key/patients belongs to hospital", "imaker", *release(OLD, "--key", "kbs:///hospital/data-key/patients"))
    for version in ("0", "-1", "x", "9007199254740992"):
        no(2, "from 1 to 9007199254740991", "imaker", *release(OLD, "--security-version", version))
    no(4, "no release is beside the image", "hospital", "image", "keys", OLD, "--plain-http")  # nothing of these is anywhere


class Half(http.server.BaseHTTPRequestHandler):
    """A registry that has any image and takes nothing."""
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def refuse(self):
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_GET = do_POST = do_PUT = refuse

    def log_message(self, *a):
        pass


def release_says_what_it_did_where_the_registry_does_not_take_it():
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Half)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    image = "127.0.0.1:%d/imaker/half@sha256:%s" % (served.server_address[1], "9" * 64)
    logged = lambda: [json.loads(l)["id"] for l in ok("imaker", "statement", "list", "--kind", "image-release", "--issuer", "imaker", "--json").stdout.splitlines()]
    before = logged()
    no(4, "nothing is released yet", "imaker", *release(REG + "/imaker/absent@sha256:" + "8" * 64))
    assert logged() == before
    r = no(4, "and counts, but is not beside the image; the same command again", "imaker", *release(image))
    new = [i for i in logged() if i not in before]
    assert len(new) == 1 and "is logged as " + new[0] in r.stderr, (new, r.all)
    served.shutdown()


def later_release_keeps_what_the_former_said():
    sbom, scan, scan2 = put("sbom.json", '{"of":"sbom"}'), put("scan.json", '{"of":"scan"}'), put("scan2.json", '{"of":"a later scan"}')
    ok("imaker", "asset", "put", "kbs:///imaker/image-key/app", "--file", put("app.key", "k" * 32))
    r = ok("imaker", *release(OLD, "--key", "kbs:///imaker/image-key/app", "--security-version", "3", "--attestation", "sbom=" + sbom))
    assert "warning" not in r.stderr, r.all
    ok("imaker", "asset", "delete", "kbs:///imaker/image-key/app")
    first = newest(OLD)
    r = ok("imaker", *release(OLD, "--attestation", "scan=" + scan))
    assert "said again" in r.stderr and "--replace" in r.stderr, r.all
    second = newest(OLD)
    assert (second["keys"], second["version"], second["methods"]) == (first["keys"], 3, first["methods"]), second
    assert [a["type"] for a in second["attestations"]] == [SBOM, SCAN] and second["attestations"][0] == first["attestations"][0], second
    r = ok("imaker", *release(OLD, "--attestation", "scan=" + scan2, "--security-version", "4", "--key", "kbs:///imaker/image-key/more"))
    assert "warning: the trust service keeps no kbs:///imaker/image-key/more: " in r.stderr, r.all
    assert "no longer released with the earlier " + SCAN in r.stderr, r.all
    third = newest(OLD)
    assert third["keys"] == ["kbs:///imaker/image-key/app", "kbs:///imaker/image-key/more"] and third["version"] == 4, third
    assert [a["type"] for a in third["attestations"]] == [SBOM, SCAN] and third["attestations"][1] != second["attestations"][1], third
    ok("acme", "image", "keys", OLD, "--plain-http")
    key = put("other.pem", subprocess.run("openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout", shell=True, check=True, capture_output=True, text=True).stdout)
    ok("imaker", *release(OLD, "--verify-key", key))
    assert [m["key"] for m in newest(OLD)["methods"]] == [open(key).read(), first["methods"][0]["key"]]


def lower_version_and_less_want_a_word():
    before = newest(OLD)
    no(1, "refused: security-version: your release in force of this image states security version 4", "imaker", *release(OLD, "--security-version", "2"))
    assert newest(OLD) == before
    r = ok("imaker", *release(OLD, "--replace"))
    for words in ("the key kbs:///imaker/image-key/app", "the key kbs:///imaker/image-key/more", "the earlier " + SBOM, "the earlier " + SCAN, "verification by the key"):
        assert "no longer released with " + words in r.stderr, (words, r.all)
    after = newest(OLD)
    assert (after["keys"], after["version"], len(after["methods"]), "attestations" in after) == ([], 4, 1, False), after
    ok("imaker", *release(OLD, "--replace", "--security-version", "3"))
    assert newest(OLD)["version"] == 3
    ok("imaker", *release(OLD, "--security-version", "3"))


def release_after_one_that_was_revoked_says_so():
    ok("imaker", "revoke", json.loads(ok("hospital", "image", "keys", OLD, "--plain-http", "--json").stdout)[0]["statement"], "--reason", "withdrawn")
    no(1, "refused: release: your release", "imaker", *release(OLD, "--security-version", "3"))
    no(1, "refused: release:", "hospital", "image", "keys", OLD, "--plain-http")
    ok("imaker", *release(OLD, "--replace", "--security-version", "3"))
    assert (newest(OLD)["version"], newest(OLD)["keys"]) == (3, [])


# ---- artefacts that are assets ----

def artefact_is_sealed_and_not_published():
    global ASSET
    private = put("private.json", SECRET)
    no(2, "exclude each other", "imaker", "image", "release", NEW, "--private-attestation", "sbom=" + private, "--to-sign", T + "/q")
    no(2, "TYPE is", "imaker", *release(NEW, "--private-attestation", "nothing=" + private))
    r = ok("imaker", *release(NEW, "--security-version", "5", "--private-attestation", "sbom=" + private, "--attestation", "scan=" + T + "/scan.json"))
    assert "sealed to trust" in r.stderr, r.all
    said = newest(NEW)["attestations"]
    ASSET = "kbs:///imaker/attestation/sbom-" + NEW.split("sha256:")[1][:32]
    assert said[1] == {"asset": ASSET, "digest": hashlib.sha256(SECRET.encode()).hexdigest(), "type": SBOM} and "asset" not in said[0], said
    no(2, "a second one of its type", "imaker", *release(NEW, "--private-attestation", "sbom=" + private, "--private-attestation", SBOM + "=" + private))
    kept = json.loads(ok("imaker", "asset", "list", "--json").stdout)["assets"]
    assert [(a["path"], a["type"]) for a in kept] == [(ASSET, "attestation")], kept
    r = ok("hospital", "image", "keys", NEW, "--plain-http", "--out", T + "/fetched")
    assert "as the asset " + ASSET in r.stdout and "once imaker approves" in r.stdout and "passed over" not in r.stderr, r.all
    assert [open(T + "/fetched/" + f).read() for f in os.listdir(T + "/fetched")] == ['{"of":"scan"}']
    for folder in ("registry", "state"):
        for d, _, files in os.walk(T + "/" + folder):
            for f in files:
                assert b"what is inside is told to few" not in open(os.path.join(d, f), "rb").read(), f
    ok("imaker", "asset", "policy", ASSET, os.path.join(HERE, "../../demo/sample.rego"))


def pod(name, ref, image="", entitled=True):
    """A pod that prints what it gets of the artefact; built and published; its workload's digest."""
    terms = "platforms: [sample]\nimages: [{container: read, provider: imaker%s}]\nhost: {logs: [read], signals: [9, 15]}\nregistries: {plain-http: [\"%s\"]}\n" % (image, REG)
    if entitled:
        terms += 'entitlements: [{container: read, asset: "%s", purpose: api}]\n' % ASSET
    script = "/bin/busybox cat /mark; echo; /bin/busybox wget -qO- http://127.0.0.1:8006/cdh/resource/%s || echo nothing" % ASSET[len("kbs:///"):]
    y = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": {"coffer.internal/terms": terms}}, "spec": {"restartPolicy": "Never", "containers": [
        {"name": "read", "image": ref, "command": ["/bin/sh", "-c", script], "securityContext": {"readOnlyRootFilesystem": True}}]}}
    return put(name + ".yaml", json.dumps(y))


def built(*args, **more):
    out = T + "/" + args[0]
    ok("acme", "workload", "build", pod(*args, **more), "--out", out)
    ok("acme", "workload", "publish", out + "/manifest.json")
    return json.loads(ok(None, "workload", "show", "--file", out + "/manifest.json", "--json").stdout)


def unpublished_workload_is_told_of_before_the_guest_starts():
    out = T + "/unpublished"
    ok("acme", "workload", "build", pod("unpublished", NEW), "--out", out)
    digest = json.loads(ok(None, "workload", "show", "--file", out + "/manifest.json", "--json").stdout)["digest"]
    line = "coffer run: this manifest is not published, and nothing will be released to it: acme publishes it with 'coffer workload publish manifest.json' (workload %s)\n" % digest
    for who in ("acme", "hospital"):
        r = coffer(who, "run", "--state", T + "/pods", out + "/pod.yaml")
        assert 0 <= r.stderr.find(line) < r.stderr.find("PLATFORM SAMPLE"), r.all
        assert "coffer-agent: refused: container read: %s: policy: this evidence gives no right" % ASSET in r.stderr, r.all
    assert "published" not in run("unpublished").stderr  # by nobody whom the service tells
    ok("acme", "workload", "publish", out + "/manifest.json")
    r = coffer("acme", "run", "--state", T + "/pods", out + "/pod.yaml")
    assert "not published" not in r.stderr and "coffer-agent: refused: container read: %s: R0: imaker has approved nothing" % ASSET in r.stderr, r.all
    for who, code in (("hospital", 1), ("imaker", 1)):
        no(code, "refused: output: this workload's outputs are sealed to other keys than that of %s: " % who, who, "result", "open", T + "/service.json", "--workload", digest)
    said = next(l for l in r.stderr.splitlines() if "refused: container read: %s: R0" % ASSET in l)
    d = json.loads(ok("imaker", "decisions", "--json").stdout)["decisions"][0]["decision"]
    assert said.endswith("; decision " + d), said
    # what proves nothing is not said to have been proved
    why = newest_refusal()
    assert "  --   R2  not asked: sample proves nothing; R3 decides" in why and "  --   R5  not asked: sample proves nothing" in why and "yes  R2" not in why and "yes  R5" not in why, why


def approval_that_has_ended_is_not_listed_as_in_force():
    w = json.loads(ok(None, "workload", "show", "--file", T + "/unpublished/manifest.json", "--json").stdout)
    listed = lambda: [a["expired"] for a in json.loads(ok("imaker", "approvals", "--json").stdout)["approvals"] if a["until"] == until]
    expired = "until    %s (expired: it covers nothing any more)"
    for seconds in (4, 20, 60):  # as long as approving and looking take here
        end = int(time.time()) + seconds
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
        ok("imaker", "approve", w["digest"], "--shown", w["shown"], "--asset", ASSET, "--platform", "sample", "--until", until)
        before, said = listed(), ok("imaker", "approvals").stdout
        if time.time() < end:
            break
    assert before == [False] and "until    " + until in said and expired % until not in said, said
    while time.time() < end + 1:
        time.sleep(0.2)
    assert listed() == [True] and expired % until in ok("imaker", "approvals").stdout


def approve(w, *more):
    ok("imaker", "approve", w["digest"], "--shown", w["shown"], "--asset", ASSET, "--platform", "sample", *more)


def run(name):
    return coffer("host", "run", "--state", T + "/pods", T + "/" + name + "/pod.yaml")


def entitled_guest_gets_the_artefact_and_no_other():
    w = built("reads", NEW, ", attestations: [%s], minimum-version: 5" % SBOM)
    r = run("reads")
    assert r.returncode == 0 and "nothing" in r.stdout and "told to few" not in r.all, r.all  # entitled, and nobody approved
    approve(w)
    r = run("reads")
    assert r.returncode == 0 and "new\n" in r.stdout and SECRET in r.stdout, r.all
    other = built("others", NEW, "", entitled=False)
    no(2, "not among the entitlements", "imaker", "approve", other["digest"], "--shown", other["shown"], "--asset", ASSET, "--platform", "sample")
    r = run("others")
    assert r.returncode == 0 and "nothing" in r.stdout and "told to few" not in r.all, r.all
    again = built("once-more", NEW)  # entitled as well, and not what was approved
    r = run("once-more")
    assert r.returncode == 0 and "nothing" in r.stdout and "told to few" not in r.all, r.all
    assert again["digest"] != w["digest"]


def attested_by_an_asset_or_beside_the_image_is_attested():
    """R8 wants the type: which of both it is decides who reads it."""
    no_scan = built("lacking", NEW, ", attestations: [https://lab.example/review]")
    approve(no_scan)
    r = run("lacking")
    assert "nothing" in r.stdout and "told to few" not in r.all, r.all
    why = newest_refusal()
    assert "R8" in why and "lists no attestation of type https://lab.example/review" in why, why
    ok("imaker", *release(NEW, "--private-attestation", "https://lab.example/review=" + T + "/private.json"))
    r = run("lacking")
    assert r.returncode == 0 and SECRET in r.stdout, r.all


def newer_content_is_the_same_asset():
    newer = put("private.json", SECRET.replace("few", "fewer"))
    ok("imaker", *release(NEW, "--private-attestation", "sbom=" + newer))
    said = [a for a in newest(NEW)["attestations"] if a["type"] == SBOM]
    assert said == [{"asset": ASSET, "digest": hashlib.sha256(open(newer, "rb").read()).hexdigest(), "type": SBOM}], said
    r = run("reads")  # by the approval and the policy of before
    assert r.returncode == 0 and "told to fewer" in r.stdout, r.all


def refusal_of_the_guest_comes_whole():
    """The longest paths, several of them in one sentence: whoever follows the advice signs what it says."""
    path = "kbs:///hospital/" + "k" * 64 + "/" + "p" * 64
    key, w, doc = put("p.key", "k" * 32), {}, json.load(open(pod("sealed", NEW, entitled=False)))
    put("plain", "a row\n")
    os.remove(key)
    ok("hospital", "data", "seal", T + "/plain", "--asset", path, "--key-out", key, "--out", T + "/plain.sealed")
    ok("hospital", "asset", "put", path, "--type", "key", "--file", key, "--policy", os.path.join(HERE, "../../demo/sample.rego"))
    doc["metadata"]["annotations"]["coffer.internal/terms"] += 'entitlements: [{container: read, asset: "%s", purpose: volume, volume: rows}]\n' % path
    doc["spec"]["volumes"] = [{"name": "rows", "hostPath": {"path": T + "/plain.sealed", "type": "File"}}]
    doc["spec"]["containers"][0]["volumeMounts"] = [{"name": "rows", "mountPath": "/rows", "readOnly": True}]
    ok("acme", "workload", "build", put("sealed.yaml", json.dumps(doc)), "--out", T + "/sealed")
    ok("acme", "workload", "publish", T + "/sealed/manifest.json")
    w = json.loads(ok(None, "workload", "show", "--file", T + "/sealed/manifest.json", "--json").stdout)
    r = run("sealed")
    d = json.loads(ok("hospital", "decisions", "--json").stdout)["decisions"][0]
    assert r.returncode == 1 and "refused: R0: " in r.stderr and d["outcome"] == "denied", r.all
    said = r.stderr[r.stderr.index("refused: R0"):].splitlines()[0]
    assert len(said) > 400 and said.endswith("; decision " + d["decision"]), said
    assert "coffer approve %s --asset %s --platform sample" % (w["digest"], path) in said, said


def key_is_a_key_and_is_replaced_by_one_who_says_so():
    path, key = "kbs:///hospital/data-key/rows", put("one.key", "1" * 32)
    yes = ("hospital", "asset", "put", path, "--type", "key", "--file", key)
    no(3, "a key is 32 bytes", *yes[:-1], put("rows.csv", "a,b\n" * 9000))
    no(3, "a key is 32 bytes", "hospital", "asset", "seal", T + "/rows.csv", "--type", "key", "--asset", path, "--out", T + "/rows.body")
    assert "version 1 is kept by" in ok(*yes).stdout
    no(2, "give --yes", *yes)
    assert [a["version"] for a in json.loads(ok("hospital", "asset", "list", "--json").stdout)["assets"] if a["path"] == path] == [1]
    r = ok(*yes, "--yes")
    assert "version 2, replaces version 1 and is kept by" in r.stdout and "is a key, version 1" in r.stderr, r.all
    said = json.loads(ok(*yes, "--yes", "--json").stdout)
    assert said["version"] == 3 and said["replaces"] == 2, said
    untyped = ("hospital", "asset", "put", path, "--file")  # is of the type that it was
    no(3, "a key is 32 bytes", *untyped, put("rows.csv", "a,b\n" * 9000), "--yes")
    no(2, "give --yes", *untyped, key)
    ok(*untyped, key, "--yes")
    kept = lambda p, who="hospital": next((a["type"], a["version"]) for a in json.loads(ok(who, "asset", "list", "--json").stdout)["assets"] if a["path"] == p)
    assert kept(path) == ("key", 4)
    r = no(2, "give --yes", *untyped, T + "/rows.csv", "--type", "data")
    assert "is of type key; this makes it one of type data" in r.stderr and kept(path) == ("key", 4), r.all
    image, enc = "kbs:///imaker/image-key/guarded", ("imaker", "asset", "put", "kbs:///imaker/image-key/guarded", "--file")
    no(3, "an image key is 32 bytes", *enc, T + "/rows.csv")
    no(3, "an image key is 32 bytes", *enc, put("pub.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
    ok(*enc, key)
    r = no(2, "give --yes", *enc, put("two.key", "2" * 32))
    assert "is an image key, version 1" in r.stderr and kept(image, "imaker") == ("image-key", 1), r.all
    ok(*enc, put("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "--yes")
    assert kept(image, "imaker") == ("image-key", 2)
    note = ("hospital", "asset", "put", "kbs:///hospital/note/n", "--file", key)  # what is no key is said, and not asked
    ok(*note)
    assert "version 2, replaces version 1" in ok(*note).stdout


# ---- least versions ----

def older_image_is_not_built_nor_served():
    no(1, "refused: release: container read: its image is released as security version 3, and the terms ask for 5 or later", "acme", "workload", "build",
       pod("rolled", OLD, ", minimum-version: 5"), "--out", T + "/rolled")
    misspelt = put("misspelt.yaml", open(pod("misspelt", NEW)).read().replace("platforms: [sample]", "platforms: [sample, snpp]"))
    no(3, "there is none of name snpp ('coffer evidence platforms' lists them)", "acme", "workload", "build", misspelt, "--out", T + "/misspelt")
    no(3, "minimum-version", "acme", "workload", "build", pod("rolled", OLD, ", minimum-version: 0"), "--out", T + "/rolled")
    assert not os.path.exists(T + "/rolled/manifest.json")
    shown = json.loads(ok(None, "workload", "show", "--file", T + "/reads/manifest.json", "--json").stdout)
    assert "released    as security version 5 or later" in ok(None, "workload", "show", "--file", T + "/reads/manifest.json").stdout, shown
    w = built("rolling", NEW, ", minimum-version: 5")
    approve(w)
    assert SECRET.replace("few", "fewer") in run("rolling").stdout
    ok("imaker", *release(NEW, "--replace", "--security-version", "4"))  # its provider finds it wanting
    r = run("rolling")
    assert "nothing" in r.stdout and "told to" not in r.all, r.all
    why = newest_refusal()
    assert "R8" in why and "security version 5 or later" in why and "states security version 4, and the manifest wants 5 or later" in why and "coffer workload build" in why, why


# ---- whom a provider lets verify its images ----

def refused_build(name, ref, image="", words="neither imaker nor whom it lets verify its images has released image"):
    no(1, "refused: release", "acme", "workload", "build", pod(name, ref, image, entitled=False), "--out", T + "/" + name)
    assert words in coffer("acme", "workload", "build", T + "/" + name + ".yaml", "--out", T + "/" + name).stderr
    assert not os.path.exists(T + "/" + name + "/manifest.json")


def lend(*scope, by="imaker", to="lab", **more):
    time.sleep(1.1)  # times are of whole seconds
    r = ok(by, "delegate", to, "--role", "image-verification", "--json", "--yes", *[w for s in scope for w in ("--scope", s)], *[w for k, v in more.items() for w in ("--" + k, v)])
    time.sleep(1.1)
    return json.loads(r.stdout)["id"]


def lab_released(ref):
    return json.loads(ok("lab", *release(ref), "--json").stdout)["id"]


def workload_is_built_on_what_a_delegate_verified():
    global LENT, CHECKED
    CHECKED = push_image(REG, "checked", by="lab")
    refused_build("early", CHECKED)
    lend(REG + "/imaker/app")
    lab_released(CHECKED)
    refused_build("other", push_image(REG, "unverified", by="lab"))  # of the same repository
    refused_build("low", CHECKED, ", minimum-version: 2", "security version")
    out = T + "/checked"
    r = ok("acme", "workload", "build", pod("checked", CHECKED, entitled=False), "--out", out)
    assert "verified by lab for imaker, by its delegation" in r.stderr, r.all
    ok("acme", "workload", "publish", out + "/manifest.json")
    r = run("checked")
    assert r.returncode == 0 and "checked\n" in r.stdout, r.all
    lend(REG + "/imaker/app", REG + "/imaker/tools/")  # wider, and what it verified before counts on
    ok("acme", "workload", "build", pod("wider", CHECKED, entitled=False), "--out", T + "/wider")


def delegates_word_beyond_its_power_builds_nothing():
    lend(REG + "/imaker/tools/")
    refused_build("narrowed", CHECKED)
    for seconds in (7, 20, 60):  # as long as a build takes here
        end = time.time() + seconds
        ended = lend(until=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)))
        r = coffer("acme", "workload", "build", pod("ending", CHECKED, entitled=False), "--out", T + "/ending-%d" % seconds)
        if r.returncode == 0:
            break
        assert time.time() >= end, r.all
    assert r.returncode == 0, r.all
    while time.time() < end + 1:
        time.sleep(0.2)
    refused_build("ended", CHECKED)
    lent = lend()
    ok("acme", "workload", "build", pod("renewed", CHECKED, entitled=False), "--out", T + "/renewed")
    assert ended != lent
    lab_released(CHECKED)
    ok("acme", "workload", "build", pod("anew", CHECKED, entitled=False), "--out", T + "/anew")
    ok("imaker", "revoke", lent, "--reason", "lab errs")
    refused_build("revoked", CHECKED)
    lend()
    refused_build("back", CHECKED)  # a new one does not bring back what the revoked one carried
    released = lab_released(CHECKED)
    ok("acme", "workload", "build", pod("again", CHECKED, entitled=False), "--out", T + "/again")
    ok("imaker", "revoke", released, "--reason", "this one it got wrong")
    refused_build("stopped", CHECKED)


def delegate_that_lends_on_is_followed_within_its_depth():
    late = push_image(REG, "late", by="hospital")
    lend(depth="1")
    on = lend(by="lab", to="hospital", of="imaker")
    lend(depth="1")  # the link by which lab lent it stands no more, and what was lent goes on
    ok("hospital", *release(late))
    r = ok("acme", "workload", "build", pod("on", late, entitled=False), "--out", T + "/on")
    assert "verified by hospital for imaker" in r.stderr, r.all
    ok("imaker", "revoke", on, "--reason", "not the hospital")  # by whose power it is, though lab lent it
    refused_build("off", late)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 600))  # issuers may be five minutes ahead
    lend(to="hospital")
    ok("hospital", *release(late))
    ok("acme", "workload", "build", pod("direct", late, entitled=False), "--out", T + "/direct")
    ok("imaker", "party", "compromise", "--from", since)  # who lent it was not imaker
    refused_build("stolen", late)


def delegate_verifies_an_encrypted_image():
    """As the guide says: its release names no key, the terms do, and whose key it is approves the workload."""
    path, key = "kbs:///imaker/image-key/enc", put("enc.key", "e" * 32)
    ok("imaker", "asset", "put", path, "--file", key, "--policy", os.path.join(HERE, "../../demo/sample.rego"))
    ref = push_image(REG, "enc", by="lab", seal=("--kid", path, "--key-file", key))
    lend()
    no(1, "release it without --key", "lab", *release(ref, "--key", path))
    lab_released(ref)
    doc = json.load(open(pod("enc", ref, entitled=False)))
    doc["metadata"]["annotations"]["coffer.internal/terms"] += 'entitlements: [{container: read, asset: "%s", purpose: image-key}]\n' % path
    r = ok("acme", "workload", "build", put("enc.yaml", json.dumps(doc)), "--out", T + "/enc")
    assert "verified by lab for imaker" in r.stderr, r.all
    ok("acme", "workload", "publish", T + "/enc/manifest.json")
    w = json.loads(ok(None, "workload", "show", "--file", T + "/enc/manifest.json", "--json").stdout)
    assert run("enc").returncode == 1
    ok("imaker", "approve", w["digest"], "--shown", w["shown"], "--asset", path, "--platform", "sample")
    r = run("enc")
    assert r.returncode == 0 and "enc\n" in r.stdout, r.all


def release_of_content_that_was_revoked_says_so():
    ref = push_image(REG, "revoked")
    assert "revoked this content" not in ok("imaker", *release(ref)).stderr
    ok("hospital", "revoke", "image:" + ref.split("sha256:")[1], "--reason", "a hole")
    assert "warning: hospital revoked this content itself (image:" in ok("imaker", *release(ref)).stderr


def main():
    cases = [parties_and_service, mistakes_of_a_newcomer_are_told_with_what_mends_them, release_names_keys_and_versions_of_its_own, release_says_what_it_did_where_the_registry_does_not_take_it, later_release_keeps_what_the_former_said, lower_version_and_less_want_a_word, release_after_one_that_was_revoked_says_so,
             artefact_is_sealed_and_not_published, unpublished_workload_is_told_of_before_the_guest_starts, approval_that_has_ended_is_not_listed_as_in_force, entitled_guest_gets_the_artefact_and_no_other, attested_by_an_asset_or_beside_the_image_is_attested,
             newer_content_is_the_same_asset, refusal_of_the_guest_comes_whole, key_is_a_key_and_is_replaced_by_one_who_says_so, older_image_is_not_built_nor_served,
             asset_that_approvals_rest_on_is_not_deleted_unasked, workload_is_built_on_what_a_delegate_verified,
             delegates_word_beyond_its_power_builds_nothing, delegate_verifies_an_encrypted_image, release_of_content_that_was_revoked_says_so, delegate_that_lends_on_is_followed_within_its_depth,
             service_that_is_down_is_named_by_who_runs]
    return tapcases.run(cases, ended, T)


sys.exit(main())
