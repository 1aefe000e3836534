#!/usr/bin/python3
"""Credentials made by our code, opened by a TPM: swtpm, manufactured with its own CA, on a unix socket; tpm2-tools as the guest.
Usage: test_tpm_activate.py CREDENTIAL_TOOL"""
import base64, json, os, shutil, signal, subprocess, sys, tempfile, traceback

TOOL = sys.argv[1]
NEEDED = ["swtpm", "swtpm_setup", "swtpm_localca", "tpm2_createek", "tpm2_activatecredential", "tpm2_quote"]


def run(*args, **kw):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **kw)
    return p.returncode, p.stdout, p.stderr.decode(errors="replace")


def must(*args, **kw):
    rc, out, err = run(*args, **kw)
    assert rc == 0, (args, err)
    return out


class Tpm:
    """One machine: made by swtpm_setup, with EK certificates of a CA of its own."""

    def __init__(self, name, top):
        self.dir = os.path.join(top, name)
        os.makedirs(self.dir + "/ca")
        os.makedirs(self.dir + "/state")
        self.write("localca.conf", "".join("%s = %s/ca/%s\n" % (k, self.dir, v) for k, v in (("statedir", ""),
            ("signingkey", "signkey.pem"), ("issuercert", "issuercert.pem"), ("certserial", "certserial"))).encode())
        self.write("opts", b"")
        self.write("setup.conf", ("create_certs_tool = %s\ncreate_certs_tool_config = %s/localca.conf\n"
            "create_certs_tool_options = %s/opts\nactive_pcr_banks = sha256\n" % (shutil.which("swtpm_localca"), self.dir, self.dir)).encode())
        must("swtpm_setup", "--tpm2", "--tpm-state", self.dir + "/state", "--create-ek-cert", "--config", self.path("setup.conf"))
        self.sock = self.dir + "/s"
        self.env = dict(os.environ, TPM2TOOLS_TCTI="swtpm:path=" + self.sock)
        self.root = self.path("ca/issuercert.pem")

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
        if os.path.exists(self.path("pid")):
            os.kill(int(self.read("pid")), signal.SIGTERM)

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

    def evidence(self, ak, nonce, activated):
        self.do("tpm2_quote", "-c", ak + ".ctx", "-l", "sha256:0,1,2,3,4,5,6,7,8", "-q", nonce.hex(), "-m", "q.msg", "-s", "q.sig", "-g", "sha256")
        self.do("tpm2_pcrread", "sha256:" + ",".join(map(str, range(24))), "-o", "pcrs")
        pcrs = self.read("pcrs")
        assert len(pcrs) == 24 * 32
        pem = self.read(ak + ".pem").decode()
        b64 = lambda b: base64.b64encode(b).decode()
        return json.dumps({"ak_public": "".join(l for l in pem.splitlines() if not l.startswith("-")), "activated": b64(activated),
            "tpm_quote": {"message": b64(self.read("q.msg")), "signature": b64(self.read("q.sig")),
                          "pcrs": [pcrs[32 * i:32 * i + 32].hex() for i in range(24)]}}).encode()


def credential(t, ek, ak, secret, root=None):
    t.write("secret", secret)
    return run(TOOL, "credential", t.path("ek-%s.der" % ek), root or t.root, t.path(ak + ".tpmt"), t.path("secret"), t.path("cred"))


def secret_comes_out_and_the_quote_is_valid(t, other, ek, kind):
    for n in (32, 17, 1):
        secret = os.urandom(n)
        rc, _, err = credential(t, ek, "ak-%s-%s" % (ek, kind), secret)
        assert rc == 0, err
        assert t.activate(ek, "ak-%s-%s" % (ek, kind), t.path("cred")) == secret
    nonce = os.urandom(32)
    ak = "ak-%s-%s" % (ek, kind)
    ev, nn, ss = t.write("evidence", t.evidence(ak, nonce, secret)), t.write("nonce", nonce), t.path("secret")
    for platform in ("tpm", "swtpm"):
        assert must(TOOL, "appraise", platform, ev, nn, ss, t.path(ak + ".tpmt")) == b"valid activated\n"
        bad = t.write("bad", bytes([secret[0] ^ 1]) + secret[1:])
        assert must(TOOL, "appraise", platform, ev, nn, bad, t.path(ak + ".tpmt")) == b"invalid another secret\n"
        other_ak = "ak-%s-%s" % (ek, "ecc" if kind == "rsa" else "rsa")
        assert must(TOOL, "appraise", platform, ev, nn, ss, t.path(other_ak + ".tpmt")) == b"invalid another key\n"


def key_of_another_name_or_tpm_does_not_open_it(t, other, ek):
    secret = os.urandom(32)
    assert credential(t, ek, "ak-%s-rsa" % ek, secret)[0] == 0
    assert t.activate(ek, "ak-%s-ecc" % ek, t.path("cred")) is None
    assert t.activate(ek, "ak-%s-rsa" % ek, t.path("cred")) == secret
    blob = bytearray(t.read("cred"))
    blob[8 + 40] ^= 1  # the encrypted secret
    assert t.activate(ek, "ak-%s-rsa" % ek, t.write("changed", bytes(blob))) is None


def certificate_of_another_maker_is_refused(t, other, ek):
    rc, _, err = credential(t, ek, "ak-%s-rsa" % ek, os.urandom(32), other.root)
    assert rc == 1 and err.startswith("chain: "), err


def key_that_may_sign_anything_gets_none(t, other):
    t.do("tpm2_createprimary", "-C", "e", "-c", "plain.ctx", "-G", "ecc:ecdsa-sha256:null", "-a",
         "sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth")
    t.do("tpm2_readpublic", "-c", "plain.ctx", "-o", "plain.tpmt", "-f", "tpmt")
    rc, _, err = credential(t, "rsa", "plain", os.urandom(32))
    assert rc == 1 and err.startswith("ak: "), err


def main():
    missing = [n for n in NEEDED if not shutil.which(n)]
    if missing:
        print("1..0 # SKIP %s: not installed" % ", ".join(missing))
        return 0
    top, failed, n = tempfile.mkdtemp(prefix="coffer-tpm-"), 0, 0
    t = other = None
    try:
        t, other = Tpm("one", top), Tpm("other", top)
        t.start()
        for ek in ("rsa", "ecc"):
            t.ek(ek)
            for kind in ("rsa", "ecc"):
                t.ak("ak-%s-%s" % (ek, kind), ek, kind)
        cases = [(secret_comes_out_and_the_quote_is_valid, (ek, kind)) for ek in ("rsa", "ecc") for kind in ("rsa", "ecc")]
        cases += [(f, (ek,)) for f in (key_of_another_name_or_tpm_does_not_open_it, certificate_of_another_maker_is_refused) for ek in ("rsa", "ecc")]
        cases += [(key_that_may_sign_anything_gets_none, ())]
        print("1..%d" % len(cases))
        for f, args in cases:
            n += 1
            name = " ".join([f.__name__] + list(args))
            try:
                f(t, other, *args)
                print("ok %d - %s" % (n, name))
            except Exception:
                failed = 1
                print("# " + traceback.format_exc().replace("\n", "\n# "))
                print("not ok %d - %s" % (n, name))
    finally:
        if t:
            t.stop()
        shutil.rmtree(top, ignore_errors=True)
    return failed


sys.exit(main())
