#!/usr/bin/python3
"""Credentials made by our code, opened by a TPM: swtpm, manufactured with its own CA, on a unix socket; tpm2-tools as the guest.
Usage: test_tpm_activate.py CREDENTIAL_TOOL"""
import os, shutil, sys, tempfile, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from tpms import *

TOOL = sys.argv[1]


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
    t.plain_key("plain")
    rc, _, err = credential(t, "rsa", "plain", os.urandom(32))
    assert rc == 1 and err.startswith("ak: "), err


def main():
    if missing():
        print("1..0 # SKIP %s: not installed" % ", ".join(missing()))
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
