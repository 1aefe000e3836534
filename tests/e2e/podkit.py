"""What the tests of `coffer run` share: manifests, pods, sealed data and the launcher, of argv: coffer, agent."""
import base64, copy, fcntl, gzip, hashlib, json, os, re, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time

COFFER, AGENT = sys.argv[1:3]
try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
except ImportError:
    print("1..0 # SKIP no python3-cryptography"); sys.exit(0)
for need, why in ((os.geteuid() == 0, "root is needed"), (shutil.which("crun"), "no crun"), (os.path.exists("/bin/busybox"), "no busybox")):
    if not need:
        print("1..0 # SKIP " + why); sys.exit(0)

def apart():
    """Runs the test again in a hierarchy of process groups of its own, where the machine lets it have one: other agents' groups are not to be seen from there."""
    root = next((l.split()[1] for l in open("/proc/mounts") if l.split()[2] == "cgroup2"), None)
    if not root or "COFFER_APART" in os.environ: return
    group = "%s/test-run-%d" % (root, os.getpid())
    enter = ["unshare", "-C", "-m", "--propagation", "private", "sh", "-c", 'umount "$0" && mount -t cgroup2 none "$0" && exec "$@"', root]
    def inside(*line, **more):
        return subprocess.run([*enter, *line], env={**os.environ, "COFFER_APART": "1"}, preexec_fn=lambda: open(group + "/cgroup.procs", "w").write("0"), **more).returncode
    try:
        os.mkdir(group)
        if inside("true", capture_output=True) == 0: sys.exit(inside(sys.executable, *sys.argv))
    except (OSError, subprocess.SubprocessError): pass
    finally:
        for _ in range(100):  # until the last process has ended
            for d, _, _ in os.walk(group, topdown=False):
                try: os.rmdir(d)
                except OSError: pass
            if not os.path.exists(group): break
            time.sleep(0.05)
apart()

T = tempfile.mkdtemp(prefix="test-run-")
PODS = T + "/pods"
recipient = ec.generate_private_key(ec.SECP256R1())
b64u = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
unb64u = lambda s: base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
n = recipient.public_key().public_numbers()
JWK = {"crv": "P-256", "kty": "EC", "x": b64u(n.x.to_bytes(32, "big")), "y": b64u(n.y.to_bytes(32, "big"))}
PEM = recipient.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
jcs = lambda o: json.dumps(o, sort_keys=True, separators=(",", ":"))
toml = lambda s: '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

def listener():
    s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(8); return s
service, other = listener(), listener()
def echo():
    while True:
        c, _ = service.accept(); c.sendall(b"relayed:" + c.recv(100)); c.close()
threading.Thread(target=echo, daemon=True).start()
PORT, CLOSED = service.getsockname()[1], other.getsockname()[1]

DATA = b"patient 1\npatient 2\n" + b"x" * 70000
ASSET = "kbs:///hospital/data-key/patients"
def seal(data, flip=None, version=1):
    salt = os.urandom(32)
    header = jcs({"asset": ASSET, "chunk": 65536, "name": "p", "salt": b64u(salt), "size": len(data), "version": version}).encode()
    head = b"COFFERD1" + struct.pack(">I", len(header)) + header
    key = HKDF(hashes.SHA256(), 32, salt, b"coffer data v1").derive(hashlib.sha256(ASSET.encode()).digest())
    out, parts = head, [data[i:i + 65536] for i in range(0, len(data), 65536)]
    for i, p in enumerate(parts):
        out += AESGCM(key).encrypt(struct.pack(">QI", i, i == len(parts) - 1), p, hashlib.sha256(head).digest())
    if flip: out = out[:flip] + bytes([out[flip] ^ 1]) + out[flip + 1:]
    open(T + "/patients.sealed", "wb").write(out)

IMAGE = "127.0.0.1:%d/app@sha256:" % PORT + "1" * 64
def container(name, script, image=IMAGE, **more):
    c = {"name": name, "role": "business", "image": {"reference": image, "provider": "imaker", "method": {"type": "sigstoreSigned", "key": PEM}},
         "args": ["/bin/sh", "-c", script], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0, "groups": []}, "capabilities": [],
         "read-only-root": True, "mounts": [{"destination": "/data", "volume": "patients", "read-only": True},
         {"destination": "/out", "volume": "out", "read-only": False}],
         "entitlements": [{"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}, {"asset": ASSET, "purpose": "volume", "volume": "patients"},
         {"asset": "kbs:///hospital/note/greeting", "purpose": "api"}, {"asset": "kbs:///hospital/note/withheld", "purpose": "api"}],
         "outputs": [{"name": "result", "path": "/out/result.txt", "to": "clinic", "key": JWK, "max-bytes": 100000}]}
    c.update(more)
    return c
def manifest(containers, logs=()):
    return {"version": 1, "name": "risk", "provider": "acme", "genesis": "2" * 64, "service": {"id": "trust", "url": "https://127.0.0.1:%d" % PORT},
            "platforms": ["sample"], "containers": containers, "volumes": [{"name": "patients", "kind": "sealed", "asset": ASSET}, {"name": "out", "kind": "empty"}],
            "host": {"logs": list(logs), "signals": [9, 15]}, "registries": {"plain-http": []}}
def pod(m):
    initdata = 'version = "0.1.0"\nalgorithm = "sha256"\n\n[data]\n"aa.toml" = %s\n"coffer.json" = %s\n' % (
        toml('[token_configs.kbs]\nurl = "%s"\n' % m["service"]["url"]), toml(jcs(m)))
    cs = []
    for c in m["containers"]:
        cs.append({"name": c["name"], "image": c["image"]["reference"], "command": c["args"], "workingDir": c["cwd"],
                   "env": [dict(zip(("name", "value"), e.split("=", 1))) for e in c["env"]],
                   "volumeMounts": [{"name": v["volume"], "mountPath": v["destination"], "readOnly": v["read-only"]} for v in c["mounts"]],
                   "securityContext": {"runAsUser": c["user"]["uid"], "runAsGroup": c["user"]["gid"], "readOnlyRootFilesystem": c["read-only-root"],
                                       "capabilities": {"add": [k[4:] for k in c["capabilities"]]}}})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "risk", "annotations": {
        "io.katacontainers.config.hypervisor.cc_init_data": base64.b64encode(gzip.compress(initdata.encode(), mtime=0)).decode()}},
        "spec": {"restartPolicy": "Never", "containers": cs, "volumes": [{"name": "patients", "hostPath": {"path": T + "/patients.sealed", "type": "File"}},
                                                                        {"name": "out", "emptyDir": {}}]}}
def command(p, *opts):
    json.dump(p, open(T + "/pod.yaml", "w"))
    return [COFFER, "run", "--state", PODS, *opts, T + "/pod.yaml"]
ENV = {**os.environ, "COFFER_AGENT": AGENT}
def run(p, *opts, **env):
    r = subprocess.run(command(p, *opts), env={**ENV, **env}, capture_output=True, timeout=240)
    r.err, r.out = r.stderr.decode("utf8", "replace"), r.stdout.decode("utf8", "replace")
    return r
def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end: time.sleep(0.05)
    return what()
def open_jwe(path):
    j = json.load(open(path)); h = json.loads(unb64u(j["protected"]))
    assert h["cty"] == "coffer-output+json"
    k = ec.EllipticCurvePublicNumbers(*(int.from_bytes(unb64u(h["epk"][c]), "big") for c in "xy"), ec.SECP256R1()).public_key()
    lp = lambda b: struct.pack(">I", len(b)) + b
    kek = ConcatKDFHash(hashes.SHA256(), 32, lp(b"ECDH-ES+A256KW") + lp(b"") + lp(b"") + struct.pack(">I", 256)).derive(recipient.exchange(ec.ECDH(), k))
    cek = aes_key_unwrap(kek, unb64u(j["encrypted_key"]))
    return json.loads(AESGCM(cek).decrypt(unb64u(j["iv"]), unb64u(j["ciphertext"]) + unb64u(j["tag"]), j["protected"].encode()))
def leftovers():
    mine = [d for d in os.listdir(PODS) if not d.startswith(".")] if os.path.exists(PODS) else []
    procs = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try: procs += [p] if open("/proc/%s/exe" % p, "rb") and os.readlink("/proc/%s/exe" % p) == os.path.realpath(AGENT) else []
        except OSError: pass
    return mine + procs + sorted(groups() - GROUPS)
def groups():
    """Folders of process groups that no living agent holds."""
    root, dead = next((l.split()[1] for l in open("/proc/mounts") if l.split()[2] == "cgroup2"), None), set()
    for d in os.listdir(root) if root else ():
        if not d.startswith("coffer-guest-"): continue
        try:
            fd = os.open(root + "/" + d, os.O_RDONLY)
            try: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB); dead.add(d)
            finally: os.close(fd)
        except OSError: pass
    return dead
GROUPS = groups()

count = bad = 0
def check(name, ok, r=None):
    global count, bad
    count += 1
    print(("ok" if ok else "not ok"), count, name, flush=True)
    if not ok:
        bad += 1
        if r is not None: print("\n".join("# " + l for l in said(r).splitlines()))
    return ok

def said(r):
    if isinstance(r, tuple): return "\n".join(map(said, r))
    return "exit %s\n" % r.returncode + r.out + r.err if hasattr(r, "returncode") else repr(r)

def done():
    shutil.rmtree(T)
    print("1..%d" % count)
    sys.exit(bad != 0)

GET = "wget -qO- http://127.0.0.1:8006/cdh/resource/"
POOR = {"entitlements": [{"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}], "mounts": [], "outputs": []}

# ---- slots ----

SLOT = "wget -qO- http://127.0.0.1:8006/coffer/slot/"
KEY = {"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}

def slotted(script, **more):
    m = manifest([container("one", script, outputs=[], entitlements=[KEY, {"slot": "token", "purpose": "api"}, {"slot": "scans", "purpose": "volume", "volume": "patients"}],
                            mounts=[{"destination": "/data", "volume": "patients", "read-only": True}], **more)], logs=["one"])
    m["volumes"][0] = {"name": "patients", "kind": "sealed", "slot": "scans"}
    m["slots"] = [{"name": "token", "type": "api"}, {"name": "scans", "type": "volume"}]
    return m

def binding(m, name, slots, digest=None):
    """As its owner hands it out; the agent leaves the signature to the service."""
    digest = digest or hashlib.sha256(jcs(m).encode()).hexdigest()
    subject = "workload:%s/%s" % (digest, name)
    p = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": subject, "digest": {"sha256": hashlib.sha256(subject.encode()).hexdigest()}}],
         "predicateType": "urn:coffer:statement:binding:v1",
         "predicate": {"issuer": "hospital", "issued": "2026-01-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z", "ledger": "2" * 64, "serial": 1,
                       "body": {"workload": digest, "name": name, "slots": [{"slot": s, "asset": a} for s, a in slots]}}}
    path = "%s/%s.json" % (T, name)
    json.dump({"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(jcs(p).encode()).decode(),
               "signatures": [{"keyid": b64u(b"k" * 32), "sig": base64.b64encode(b"s" * 64).decode()}]}, open(path, "w"))
    return path
