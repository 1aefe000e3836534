"""Machines with a TPM: swtpm, manufactured with its own CA, on a unix socket; tpm2-tools as the guest's."""
import base64, json, os, select, shutil, signal, socket, subprocess, threading, time, tty

NEEDED = ["swtpm", "swtpm_setup", "swtpm_localca", "tpm2_createek", "tpm2_activatecredential", "tpm2_quote"]


def missing():
    return [n for n in NEEDED if not shutil.which(n)]


def run(*args, **kw):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **kw)
    return p.returncode, p.stdout, p.stderr.decode(errors="replace")


def must(*args, **kw):
    rc, out, err = run(*args, **kw)
    assert rc == 0, (args, err)
    return out


class Tpm:
    """One machine: made by swtpm_setup, with EK certificates of a CA of its own."""

    def __init__(self, name, top, single=False):
        """single: the CA is one certificate, signed by itself, as where nobody could bring what is between."""
        self.dir = os.path.join(top, name)
        os.makedirs(self.dir + "/ca")
        os.makedirs(self.dir + "/state")
        self.write("localca.conf", "".join("%s = %s/ca/%s\n" % (k, self.dir, v) for k, v in (("statedir", ""),
            ("signingkey", "signkey.pem"), ("issuercert", "issuercert.pem"), ("certserial", "certserial"))).encode())
        self.write("opts", b"")
        self.write("setup.conf", ("create_certs_tool = %s\ncreate_certs_tool_config = %s/localca.conf\n"
            "create_certs_tool_options = %s/opts\nactive_pcr_banks = sha256\n" % (shutil.which("swtpm_localca"), self.dir, self.dir)).encode())
        if single:
            must("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.dir + "/ca/signkey.pem", "-out", self.dir + "/ca/issuercert.pem",
                 "-subj", "/CN=a maker of TPMs", "-days", "30", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        must("swtpm_setup", "--tpm2", "--tpm-state", self.dir + "/state", "--create-ek-cert", "--config", self.path("setup.conf"))
        self.sock = self.dir + "/s"
        self.env = dict(os.environ, TPM2TOOLS_TCTI="swtpm:path=" + self.sock)
        self.root = self.path("ca/issuercert.pem")
        self.top = self.path("ca/swtpm-localca-rootca-cert.pem")  # which signed that

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def start(self):
        """It leaves for the background once its sockets are there."""
        must("swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + self.dir + "/state", "--server", "type=unixio,path=" + self.sock,
             "--ctrl", "type=unixio,path=" + self.sock + ".ctrl", "--flags", "not-need-init,startup-clear", "--daemon", "--pid",
             "file=" + self.path("pid"))

    def stop(self):
        """It is gone, and its state free for the next start."""
        try:
            fd = os.pidfd_open(int(self.read("pid")))
        except (FileNotFoundError, ProcessLookupError):
            return
        try:
            signal.pidfd_send_signal(fd, signal.SIGTERM)
            assert select.select([fd], [], [], 120)[0], "swtpm does not end"
        finally:
            os.close(fd)

    def do(self, *args):
        must(*args, env=self.env, cwd=self.dir)
        run("tpm2_flushcontext", "-t", env=self.env, cwd=self.dir)

    def ek(self, kind):
        self.do("tpm2_createek", "-c", "ek-%s.ctx" % kind, "-G", kind, "-u", "ek-%s.pub" % kind)
        area = self.read("ek-%s.pub" % kind)
        if kind == "rsa":
            key = area[-256:].hex()
        else:
            key = "x=%s,y=%s,id=secp256r1" % (area[-66:-34].hex(), area[-32:].hex())
        out = self.path("cert-" + kind)
        os.mkdir(out)
        must("swtpm_localca", "--type", "ek", "--ek", key, "--dir", out, "--tpm-spec-family", "2.0", "--tpm-spec-level", "0",
             "--tpm-spec-revision", "164", "--tpm-manufacturer", "id:00001014", "--tpm-model", "swtpm", "--tpm-version",
             "id:20191023", "--tpm2", "--configfile", self.path("localca.conf"), "--optsfile", self.path("opts"))
        shutil.copy(out + "/ek.cert", self.path("ek-%s.der" % kind))

    def ak(self, name, ek, kind):
        self.do("tpm2_createak", "-C", "ek-%s.ctx" % ek, "-c", name + ".ctx", "-G", kind, "-g", "sha256", "-s",
                "rsassa" if kind == "rsa" else "ecdsa", "-u", name + ".pem", "-f", "pem")
        self.do("tpm2_readpublic", "-c", name + ".ctx", "-o", name + ".tpmt", "-f", "tpmt")

    def plain_key(self, name):
        """A key that signs whatever it is given."""
        self.do("tpm2_createprimary", "-C", "e", "-c", name + ".ctx", "-G", "ecc:ecdsa-sha256:null", "-a",
                "sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth")
        self.do("tpm2_readpublic", "-c", name + ".ctx", "-o", name + ".tpmt", "-f", "tpmt")

    def cred_file(self, blob, seed):
        """As the tools want it: magic and version in front."""
        return self.write("cred", bytes.fromhex("badcc0de00000001") + blob + seed)

    def activate(self, ek, ak, cred):
        """The secret, or None when the TPM refuses."""
        must("tpm2_startauthsession", "--policy-session", "-S", "session", env=self.env, cwd=self.dir)
        must("tpm2_policysecret", "-S", "session", "-c", "e", env=self.env, cwd=self.dir)
        rc, _, err = run("tpm2_activatecredential", "-c", ak + ".ctx", "-C", "ek-%s.ctx" % ek, "-i", cred, "-o", "opened", "-P",
                         "session:session", env=self.env, cwd=self.dir)
        run("tpm2_flushcontext", "session", env=self.env, cwd=self.dir)
        run("tpm2_flushcontext", "-t", env=self.env, cwd=self.dir)
        if rc != 0:
            assert "integrity check failed" in err, err
            return None
        return self.read("opened")

    def evidence(self, ak, nonce, activated=None):
        self.do("tpm2_quote", "-c", ak + ".ctx", "-l", "sha256:0,1,2,3,4,5,6,7,8", "-q", nonce.hex(), "-m", "q.msg", "-s", "q.sig", "-g", "sha256")
        self.do("tpm2_pcrread", "sha256:" + ",".join(map(str, range(24))), "-o", "pcrs")
        pcrs = self.read("pcrs")
        assert len(pcrs) == 24 * 32
        pem = self.read(ak + ".pem").decode()
        b64 = lambda b: base64.b64encode(b).decode()
        v = {"ak_public": "".join(l for l in pem.splitlines() if not l.startswith("-")),
             "tpm_quote": {"message": b64(self.read("q.msg")), "signature": b64(self.read("q.sig")),
                           "pcrs": [pcrs[32 * i:32 * i + 32].hex() for i in range(24)]}}
        if activated is not None:
            v["activated"] = b64(activated)
        return json.dumps(v).encode()


class Device(threading.Thread):
    """A TPM as a device: a terminal without manners, whose other side hands each command to swtpm and its answer back."""

    def __init__(self, t):
        threading.Thread.__init__(self, daemon=True)
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.slave, self.name, self.over = slave, os.ttyname(slave), False
        self.tpm = socket.socket(socket.AF_UNIX)
        for last in [False] * 200 + [True]:  # until swtpm listens
            try:
                self.tpm.connect(t.sock)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if last:
                    raise
                time.sleep(0.05)

    def run(self):
        while not self.over:
            for fd in select.select([self.master, self.tpm], [], [], 0.2)[0]:
                if fd is self.tpm:
                    os.write(self.master, self.tpm.recv(4096))
                else:
                    self.tpm.sendall(os.read(self.master, 4096))

    def stop(self):
        self.over = True
        self.join()
        self.tpm.close()
        os.close(self.master)
        os.close(self.slave)


# A /dev of one's own that has no more than this and what is given; DEVICE: the TPM, or "".
MACHINE = """set -e
mount --make-rprivate /
d=$(mktemp -d)
mount -t tmpfs none "$d"
for n in null zero full random urandom tty; do : >"$d/$n"; mount --bind "/dev/$n" "$d/$n"; done
mkdir "$d/pts" "$d/shm"
mount --bind /dev/pts "$d/pts"
mount -t tmpfs none "$d/shm"
ln -s /proc/self/fd "$d/fd"
[ -z "$DEVICE" ] || { : >"$d/tpmrm0"; mount --bind "$DEVICE" "$d/tpmrm0"; }
mount --move "$d" /dev
rmdir "$d"
exec "$@"
"""


def on_machine(device, *args, **kw):
    """Runs a program where /dev/tpmrm0 is that TPM (None: there is none). Needs root."""
    env = dict(kw.pop("env", os.environ), DEVICE=device.name if device else "")
    return run("unshare", "-m", "sh", "-c", MACHINE, "sh", *args, env=env, **kw)


def may_unshare():
    return os.getuid() == 0 and run("unshare", "-m", "true")[0] == 0
