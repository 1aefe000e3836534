#!/usr/bin/python3
"""A real docker-registry on loopback, an image made by umoci, and what can go wrong on the way into a guest.
test_pull.py PULL_TOOL BUILD_ROOT; the registry is $COFFER_REGISTRY or BUILD_ROOT/tools/usr/bin/docker-registry."""
import base64, gzip, hashlib, http.client, io, json, os, shutil, socket, subprocess, sys, tarfile, tempfile, threading, time

TOOL, BUILD = sys.argv[1], sys.argv[2]
REGISTRY = os.environ.get("COFFER_REGISTRY") or os.path.join(BUILD, "tools/usr/bin/docker-registry")
ACCEPT = '{"default":[{"type":"insecureAcceptAnything"}]}'
LAYER = "application/vnd.oci.image.layer.v1.tar"


def sha(b):
    return hashlib.sha256(b).hexdigest()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Registry:
    def __init__(self, tmp):
        self.root = os.path.join(tmp, "registry")
        self.port = free_port()
        self.conf = os.path.join(tmp, "registry.yml")
        with open(self.conf, "w") as f:
            f.write(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {self.root}}}}}\n"
                    f"http: {{addr: 127.0.0.1:{self.port}}}\n")
        self.start()

    def start(self):
        self.proc = subprocess.Popen([REGISTRY, "serve", self.conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                if self.call("GET", "/v2/")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("registry does not answer")

    def stop(self):
        self.proc.kill()
        self.proc.wait()

    def call(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return r.status, dict(r.getheaders()), r.read()

    def put_blob(self, repo, body):
        status, head, _ = self.call("POST", f"/v2/{repo}/blobs/uploads/")
        assert status == 202, status
        where = head["Location"].split(f":{self.port}", 1)[-1]
        where += ("&" if "?" in where else "?") + "digest=sha256:" + sha(body)
        status, _, text = self.call("PUT", where, body, {"Content-Type": "application/octet-stream"})
        assert status == 201, (status, text)

    def put_manifest(self, repo, tag, body, kind):
        status, _, text = self.call("PUT", f"/v2/{repo}/manifests/{tag}", body, {"Content-Type": kind})
        assert status == 201, (status, text)
        return sha(body)

    def data(self, digest):
        return os.path.join(self.root, "docker/registry/v2/blobs/sha256", digest[:2], digest, "data")


def push_layers(reg, repo, tars, compress=lambda b: gzip.compress(b, 6, mtime=0), kind=LAYER + "+gzip"):
    """An image of these archives; gives its digest and the digests of its stored layers."""
    stored = [compress(t) for t in tars]
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(t) for t in tars]}}).encode()
    for b in stored + [config]:
        reg.put_blob(repo, b)
    m = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + sha(config), "size": len(config)},
                    "layers": [{"mediaType": kind, "digest": "sha256:" + sha(b), "size": len(b)} for b in stored]}).encode()
    return reg.put_manifest(repo, "latest", m, "application/vnd.oci.image.manifest.v1+json"), [sha(b) for b in stored]


def push_layout(reg, repo, layout):
    index = json.load(open(os.path.join(layout, "index.json")))
    blob = lambda d: open(os.path.join(layout, "blobs/sha256", d.split(":")[1]), "rb").read()
    text = blob(index["manifests"][0]["digest"])
    m = json.loads(text)
    for d in [m["config"]] + m["layers"]:
        reg.put_blob(repo, blob(d["digest"]))
    return reg.put_manifest(repo, "latest", text, "application/vnd.oci.image.manifest.v1+json"), [d["digest"][7:] for d in m["layers"]]


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


class DyingProxy:
    """Forwards to the registry until `after` bytes went back, then kills the registry for good."""

    def __init__(self, reg, after):
        self.reg, self.left = reg, after
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            c, _ = self.sock.accept()
            threading.Thread(target=self.forward, args=(c,), daemon=True).start()

    def forward(self, c):
        try:
            up = socket.create_connection(("127.0.0.1", self.reg.port))
        except OSError:
            c.close()
            return
        threading.Thread(target=self.pipe, args=(c, up, False), daemon=True).start()
        self.pipe(up, c, True)

    def pipe(self, a, b, back):
        try:
            while data := a.recv(65536):
                if back:
                    self.left -= len(data)
                    if self.left < 0:
                        self.reg.stop()
                        break
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Cases:
    def __init__(self, tmp):
        self.tmp, self.n, self.bad = tmp, 0, False
        self.reg = Registry(tmp)
        self.digest, self.layers = self.make_image()

    def report(self, ok, name, note=""):
        self.n += 1
        self.bad |= not ok
        if note and not ok:
            print("# " + note.strip().replace("\n", "\n# "))
        print(f"{'ok' if ok else 'not ok'} {self.n} {name}", flush=True)

    def pull(self, digest, repo="org/app", policy=ACCEPT, port=None, max_bytes=0, into=None):
        """Exit code, output, whether the folder is empty, the folder."""
        into = into or tempfile.mkdtemp(dir=self.tmp)
        p = subprocess.run([TOOL, f"127.0.0.1:{port or self.reg.port}/{repo}", digest, policy, into, str(max_bytes)],
                           stdout=subprocess.PIPE, text=True, timeout=120)
        return p.returncode, p.stdout, not os.listdir(into), into

    def make_image(self):
        img, root = os.path.join(self.tmp, "img"), os.path.join(self.tmp, "root")
        os.makedirs(root + "/bin")
        shutil.copy(shutil.which("busybox"), root + "/bin/busybox")
        os.symlink("busybox", root + "/bin/sh")
        open(os.path.join(self.tmp, "motd"), "w").write("hello\n")
        for args in (["init", "--layout", img], ["new", "--image", img + ":bb"], ["insert", "--rootless", "--image", img + ":bb", root, "/"],
                     ["insert", "--rootless", "--image", img + ":bb", os.path.join(self.tmp, "motd"), "/etc/motd"],
                     ["insert", "--rootless", "--whiteout", "--image", img + ":bb", "/bin/sh"]):
            subprocess.run(["umoci"] + args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return push_layout(self.reg, "org/app", img)

    def good(self):
        rc, out, _, d = self.pull(self.digest)
        same = rc == 0 and open(d + "/0/bin/busybox", "rb").read() == open(shutil.which("busybox"), "rb").read()
        self.report(same and out.startswith(f"ok {len(self.layers)} "), "image_of_umoci_is_pulled", out)
        st = os.lstat(d + "/2/bin/sh")
        self.report(st.st_rdev == 0 and st.st_mode == 0o020000 and os.readlink(d + "/0/bin/sh") == "busybox" and
                    open(d + "/1/etc/motd").read() == "hello\n" and sorted(os.listdir(d)) == ["0", "1", "2"], "layers_lie_bottom_first_with_whiteouts")

    def refused(self, name, want, *text, **kw):
        rc, out, empty, _ = self.pull(**kw)
        self.report(rc == 1 and out.startswith(want + ": ") and empty and all(t in out for t in text), name, f"{rc} {empty} {out}")

    def policies(self):
        self.refused("without_a_policy_nothing_is_pulled", "policy", digest=self.digest, policy="")
        self.refused("an_unsigned_image_is_refused_where_signatures_are_demanded", "signature", digest=self.digest,
                     policy=self.key_policy())
        self.refused("an_image_that_is_not_there_is_not_found", "NOTFOUND", digest="0" * 64)

    def key_policy(self):
        key = os.path.join(self.tmp, "k.pem")
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True)
        subprocess.run(["openssl", "ec", "-in", key, "-pubout", "-out", key + ".pub"], check=True, stderr=subprocess.DEVNULL)
        with open(key + ".pub", "rb") as f:
            return json.dumps({"default": [{"type": "sigstoreSigned", "keyData": base64.b64encode(f.read()).decode()}]})

    def altered(self):
        path = self.reg.data(self.layers[0])
        whole = open(path, "rb").read()
        for name, bad in (("a_flipped_bit_in_the_middle_of_a_layer_is_a_wrong_digest", whole[:len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1:]),
                          ("a_flipped_first_byte_is_a_wrong_digest", bytes([whole[0] ^ 1]) + whole[1:]),
                          ("a_layer_cut_on_disk_is_a_wrong_digest", whole[:len(whole) // 2])):
            open(path, "wb").write(bad)
            self.refused(name, "digest", digest=self.digest)
        open(path, "wb").write(whole)
        path = self.reg.data(self.digest)
        text = open(path, "rb").read()
        open(path, "wb").write(text.replace(b'"schemaVersion":2', b'"schemaVersion": 2', 1) if b'"schemaVersion":2' in text else text + b" ")
        rc, out, empty, _ = self.pull(self.digest)
        self.report(rc == 1 and empty and out.split(":")[0] in ("digest", "UPSTREAM", "NOTFOUND"), "an_altered_manifest_is_never_accepted", out)
        open(path, "wb").write(text)
        self.report(self.pull(self.digest)[0] == 0, "mended_it_is_pulled_again")

    def bomb(self):
        tar = tar_of([("zeros", bytes(300 << 20))])
        digest, _ = push_layers(self.reg, "org/bomb", [tar])
        self.refused("a_layer_over_the_byte_limit_is_stopped", "LIMIT", digest=digest, repo="org/bomb", max_bytes=100 << 20)
        tail = tar_of([("small", b"x")]) + bytes(300 << 20)
        digest, _ = push_layers(self.reg, "org/tail", [tail])
        self.refused("endless_zeros_behind_the_archive_are_stopped", "LIMIT", digest=digest, repo="org/tail", max_bytes=1)

    def disk_full(self):
        small = tempfile.mkdtemp(dir=self.tmp)
        digest, _ = push_layers(self.reg, "org/big", [tar_of([("a", b"a"), ("big", os.urandom(16 << 20))])])
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], stderr=subprocess.DEVNULL).returncode != 0:
            self.n += 1
            print(f"ok {self.n} a_full_disk_is_told_and_cleared # SKIP cannot mount a tmpfs")
            return
        try:
            self.refused("a_full_disk_is_told_and_cleared", "SYSTEM", "No space left", digest=digest, repo="org/big", into=small)
        finally:
            subprocess.run(["umount", small], check=True)

    def dies(self):
        digest, _ = push_layers(self.reg, "org/mid", [tar_of([("first", b"x")]), tar_of([("big", os.urandom(24 << 20))])])
        proxy = DyingProxy(self.reg, 8 << 20)
        self.refused("a_registry_that_dies_midway_is_told_and_nothing_stays", "UPSTREAM", digest=digest, repo="org/mid", port=proxy.port)
        self.refused("a_registry_that_is_dead_is_told", "UPSTREAM", digest=digest, repo="org/mid")


def main():
    missing = [p for p in ("umoci", "busybox", "openssl") if not shutil.which(p)]
    if missing or not os.access(REGISTRY, os.X_OK) or os.geteuid() != 0:
        why = f"no {missing[0]}" if missing else "needs root" if os.geteuid() != 0 else "no docker-registry: set COFFER_REGISTRY or unpack Debian's into build/tools"
        print(f"1..0 # SKIP {why}")
        return 0
    with tempfile.TemporaryDirectory() as tmp:
        c = Cases(tmp)
        try:
            c.good()
            c.policies()
            c.altered()
            c.bomb()
            c.disk_full()
            c.dies()
        finally:
            c.reg.stop()
        print(f"1..{c.n}")
        return 1 if c.bad else 0


sys.exit(main())
