#!/usr/bin/python3
"""What an image provider releases, through `coffer`, a live service, a registry and guests on platform sample: later releases, least versions, and artefacts that are
assets. argv: coffer, cofferd, agent. TAP."""
import hashlib, json, os, shutil, socket, subprocess, sys, tarfile, tempfile, time

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


def push_image(where, mark, by="imaker"):
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
    ref = json.loads(ok(by, "image", "push", layout, where + "/imaker/app:" + mark, "--plain-http", "--json").stdout)["reference"]
    ok(by, "image", "sign", ref, "--plain-http")
    return ref


def parties_and_service():
    global OLD, NEW, REG
    for p, persona in (("acme", "workload-provider"), ("imaker", "image-provider"), ("hospital", "data-owner"), ("lab", "auditor")):
        ok(p, "init", "--party", p, "--persona", persona, "--no-passphrase")
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
    OLD, NEW = push_image(REG, "old"), push_image(REG, "new")


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


def later_release_keeps_what_the_former_said():
    sbom, scan, scan2 = put("sbom.json", '{"of":"sbom"}'), put("scan.json", '{"of":"scan"}'), put("scan2.json", '{"of":"a later scan"}')
    ok("imaker", *release(OLD, "--key", "kbs:///imaker/image-key/app", "--security-version", "3", "--attestation", "sbom=" + sbom))
    first = newest(OLD)
    r = ok("imaker", *release(OLD, "--attestation", "scan=" + scan))
    assert "said again" in r.stderr and "--replace" in r.stderr, r.all
    second = newest(OLD)
    assert (second["keys"], second["version"], second["methods"]) == (first["keys"], 3, first["methods"]), second
    assert [a["type"] for a in second["attestations"]] == [SBOM, SCAN] and second["attestations"][0] == first["attestations"][0], second
    r = ok("imaker", *release(OLD, "--attestation", "scan=" + scan2, "--security-version", "4", "--key", "kbs:///imaker/image-key/more"))
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


# ---- least versions ----

def older_image_is_not_built_nor_served():
    no(1, "refused: release: container read: its image is released as security version 3, and the terms ask for 5 or later", "acme", "workload", "build",
       pod("rolled", OLD, ", minimum-version: 5"), "--out", T + "/rolled")
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
    assert "R8" in why and "security version 5 or later" in why and "states security version 4" in why and "coffer workload build" in why, why


# ---- whom a provider lets verify its images ----

def refused_build(name, ref, image="", words="neither imaker nor whom it lets verify its images has released image"):
    no(1, "refused: release", "acme", "workload", "build", pod(name, ref, image, entitled=False), "--out", T + "/" + name)
    assert words in coffer("acme", "workload", "build", T + "/" + name + ".yaml", "--out", T + "/" + name).stderr
    assert not os.path.exists(T + "/" + name + "/manifest.json")


def lend(*scope, by="imaker", to="lab", **more):
    time.sleep(1.1)  # times are of whole seconds
    r = ok(by, "delegate", to, "--role", "image-verification", "--json", *[w for s in scope for w in ("--scope", s)], *[w for k, v in more.items() for w in ("--" + k, v)])
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
    ok("hospital", *release(late))
    r = ok("acme", "workload", "build", pod("on", late, entitled=False), "--out", T + "/on")
    assert "verified by hospital for imaker" in r.stderr, r.all
    ok("imaker", "revoke", on, "--reason", "not the hospital")  # by whose power it is, though lab lent it
    refused_build("off", late)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    lend(to="hospital")
    ok("hospital", *release(late))
    ok("acme", "workload", "build", pod("direct", late, entitled=False), "--out", T + "/direct")
    ok("imaker", "party", "compromise", "--from", since)  # who lent it was not imaker
    refused_build("stolen", late)


def main():
    cases = [parties_and_service, release_names_keys_and_versions_of_its_own, later_release_keeps_what_the_former_said, lower_version_and_less_want_a_word, release_after_one_that_was_revoked_says_so,
             artefact_is_sealed_and_not_published, entitled_guest_gets_the_artefact_and_no_other, attested_by_an_asset_or_beside_the_image_is_attested,
             newer_content_is_the_same_asset, older_image_is_not_built_nor_served, workload_is_built_on_what_a_delegate_verified,
             delegates_word_beyond_its_power_builds_nothing, delegate_that_lends_on_is_followed_within_its_depth]
    return tapcases.run(cases, ended, T)


sys.exit(main())
