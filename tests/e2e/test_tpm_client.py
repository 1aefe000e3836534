#!/usr/bin/python3
"""The guest's TPM commands against swtpm; tpm2-tools and OpenSSL say whether what came out is right. argv: tpm_tool, coffer, what plays a kernel that does not
wait (late_tpm.c)."""
import hashlib, os, socket, struct, subprocess, sys, tempfile, threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from tpms import *

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

TOOL, COFFER, LATE = map(os.path.abspath, sys.argv[1:4])
NONCE = hashlib.sha256(b"nonce").hexdigest()
number, failed = 0, 0


def check(name, good, note=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {name}" + (f"\n# {note}" if not good else ""), flush=True)


def tool(t, *args):
    rc, out, err = run(TOOL, t.sock, *args)
    lines = [l.split(" ", 1) for l in out.decode().splitlines()]
    return rc, [(k, bytes.fromhex(v)) for k, v in lines], err


def one(lines, name):
    return next(v for k, v in lines if k == name)


def registers(t):
    must("tpm2_pcrread", "sha256:" + ",".join(map(str, range(24))), "-o", t.path("pcrs"), env=t.env)
    data = t.read("pcrs")
    return [data[32 * i:32 * i + 32] for i in range(24)]


def point(area):
    """x and y at the end of a TPMT_PUBLIC of P-256."""
    assert area[-34 - 34:-66] == b"\0\x20" and area[-34:-32] == b"\0\x20", area.hex()
    return ec.EllipticCurvePublicNumbers(int.from_bytes(area[-66:-34], "big"), int.from_bytes(area[-32:], "big"), ec.SECP256R1()).public_key()


def check_registers(t):
    rc, lines, err = tool(t, "pcrs")
    check("registers_are_those_that_others_read", rc == 0 and [v for _, v in lines] == registers(t), err)
    digest = hashlib.sha256(b"initdata").digest()
    rc, _, err = tool(t, "extend", digest.hex())
    check("extending_changes_that_register_alone", rc == 0 and registers(t)[8] == hashlib.sha256(bytes(32) + digest).digest() and
          registers(t)[7] == bytes(32), err)


def check_quote(t):
    rc, lines, err = tool(t, "quote", NONCE)
    check("a_quote_is_made", rc == 0, err)
    if rc:
        return
    sig = one(lines, "signature")
    assert sig[:4] == b"\0\x18\0\x0b", sig.hex()
    n = int.from_bytes(sig[4:6], "big")
    r, s = int.from_bytes(sig[6:6 + n], "big"), int.from_bytes(sig[8 + n:], "big")
    try:
        point(one(lines, "ak")).verify(utils.encode_dss_signature(r, s), one(lines, "message"), ec.ECDSA(hashes.SHA256()))
        good = True
    except InvalidSignature:
        good = False
    check("its_signature_is_by_the_key_that_was_made", good)
    pcrs = [v for k, v in lines if k == "pcr"]
    check("it_is_over_nonce_and_registers", bytes.fromhex(NONCE) in one(lines, "message") and one(lines, "message").endswith(
        hashlib.sha256(b"".join(pcrs)).digest()) and pcrs == registers(t))


def check_keys(t):
    rc, lines, err = tool(t, "keys")
    check("certificate_and_keys_are_given", rc == 0, err)
    if rc:
        return
    cert = x509.load_der_x509_certificate(one(lines, "cert"))
    modulus = cert.public_key().public_numbers().n.to_bytes(256, "big")
    check("the_maker_s_certificate_is_for_the_endorsement_key_that_was_made", one(lines, "ek").endswith(modulus) and one(lines, "maker") == b"IBM ")
    area = one(lines, "ak")
    name = b"\0\x0b" + hashlib.sha256(area).digest()
    t.write("ek.pem", subprocess.run(["openssl", "x509", "-inform", "der", "-pubkey", "-noout"], input=one(lines, "cert"), capture_output=True,
                                     check=True).stdout)
    t.write("secret", b"thirty-two bytes of some secret!")
    for what, n in (("of_this_key", name), ("of_another_key", name[:-1] + bytes([name[-1] ^ 1]))):
        must("tpm2_makecredential", "-Q", "-u", t.path("ek.pem"), "-G", "rsa", "-s", t.path("secret"), "-n", n.hex(), "-o", t.path("cred"),
             "-T", "none", env=t.env)
        t.write("parts", t.read("cred")[8:])
        rc, lines, err = tool(t, "activate", t.path("parts"))
        if what == "of_this_key":
            check("a_credential_that_others_made_is_opened", rc == 0 and one(lines, "secret") == t.read("secret"), err)
        else:
            check("a_credential_of_another_key_is_refused_by_the_tpm", rc == 1 and err.startswith("tpm: ActivateCredential"), err)
    rc, out, _ = run("tpm2_getcap", "handles-transient", env=t.env)
    rc2, out2, _ = run("tpm2_getcap", "handles-loaded-session", env=t.env)
    check("nothing_is_left_in_the_tpm_but_what_a_refusal_left_of_keys", out2 == b"" and out.count(b"0x8") <= 2, out + out2)


def appraised(t, evidence, *args):
    rc, out, err = run(COFFER, "evidence", "appraise", "--json", "--platform", "swtpm", "--evidence", t.write("evidence", json.dumps(evidence).encode()), *args)
    return rc, out.decode() + err


def check_evidence(t):
    """What the agent sends, judged by the code that the service judges with."""
    rc, out, err = run(TOOL, t.sock, "evidence", NONCE)
    check("evidence_is_made_and_names_an_emulated_tpm", rc == 0 and out.startswith(b"swtpm {"), err)
    if rc:
        return
    ev = json.loads(out.split(b" ", 1)[1])
    check("it_has_the_form_that_others_send", set(ev) == {"ak_public", "tpm_quote"} and set(ev["tpm_quote"]) == {"message", "signature", "pcrs"} and
          ev["tpm_quote"]["pcrs"] == [p.hex() for p in registers(t)], ev)
    rc, text = appraised(t, ev, "--report-data", NONCE)
    check("it_is_appraised_as_valid", rc == 0, text)
    rc, text = appraised(t, ev, "--report-data", hashlib.sha256(b"another").hexdigest())
    check("over_other_report_data_it_is_not", rc == 1, text)
    ev["tpm_quote"]["pcrs"][4] = "11" * 32
    rc, text = appraised(t, ev, "--report-data", NONCE)
    check("with_another_register_it_is_not", rc == 1 and "pcr_digest" in text, text)


EXTEND, NV_READ, CAPABILITY, QUOTE = 0x182, 0x14e, 0x17a, 0x158


class Between(threading.Thread):
    """The host between guest and TPM: hands everything on but what `change` answers itself."""

    def __init__(self, t, change):
        threading.Thread.__init__(self, daemon=True)
        self.to, self.change, self.sock = t.sock, change, t.path("between")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.sock)
        self.listener.listen(1)

    def run(self):
        guest, _ = self.listener.accept()
        with guest, socket.socket(socket.AF_UNIX) as tpm:
            tpm.connect(self.to)
            while True:
                command = guest.recv(4096)
                if not command:
                    return
                answer = self.change(struct.unpack(">I", command[6:10])[0], command)
                if answer is None:
                    tpm.sendall(command)
                    answer = tpm.recv(4096)
                guest.sendall(answer)

    def ends(self):
        self.listener.close()
        os.unlink(self.sock)


def through(t, change, *args):
    b = Between(t, change)
    b.start()
    try:
        return run(TOOL, b.sock, *args)
    finally:
        b.ends()


def check_init(t):
    """Register 8 has been extended by the parts before. A machine that has just started: `t` anew."""
    rc, _, err = run(TOOL, t.sock, "init", "initdata")
    check("a_register_that_held_something_before_is_refused", rc == 1 and err.startswith("initdata: "), err)
    t.stop()
    t.start()
    done = struct.pack(">HII", 0x8002, 19, 0) + struct.pack(">I", 0) + b"\0\0\1\0\0"  # success, and an empty session
    rc, _, err = through(t, lambda code, command: done if code == EXTEND else None, "init", "initdata")
    check("an_extend_that_the_host_swallows_is_noticed", rc == 1 and err.startswith("initdata: ") and registers(t)[8] == bytes(32), (rc, err))
    rc, _, err = through(t, lambda code, command: None, "init", "initdata")
    check("one_that_is_handed_on_is_good", rc == 0 and registers(t)[8] == hashlib.sha256(bytes(32) + hashlib.sha256(b"initdata").digest()).digest(), err)


def late(t, code, times, how, *args):
    """The kernel gives so many of these commands up, which the TPM then has carried out ("done") or not ("kept")."""
    return run(TOOL, t.sock, *args, env=dict(os.environ, LD_PRELOAD=LATE, LATE_TPM="%x %d %s" % (code, times, how)))


def check_late(t):
    """`t` anew for each, and what is extended is extended once."""
    said, want = ": no answer within the time that the kernel waits", hashlib.sha256(bytes(32) + hashlib.sha256(b"initdata").digest()).digest()
    for code, name in ((NV_READ, "nv_memory"), (CAPABILITY, "properties")):
        for how in ("kept", "done"):
            rc, _, err = late(t, code, 3, how, "keys")
            check(f"reading_{name}_is_asked_again_when_the_kernel_did_not_wait_{how}", rc == 0, err)
        rc, _, err = late(t, code, 8, "done", "keys")
        check(f"reading_{name}_is_not_asked_for_ever", rc == 1 and said in err, err)
    rc, _, err = late(t, QUOTE, 1, "done", "quote", NONCE)
    check("what_does_more_than_read_is_not_repeated", rc == 1 and "Quote" + said in err, err)
    for how, times in (("done", 1), ("kept", 1), ("kept", 3)):
        t.stop()
        t.start()
        rc, _, err = late(t, EXTEND, times, how, "init", "initdata")
        check(f"initdata_is_measured_once_though_the_kernel_did_not_wait_{how}_{times}", rc == 0 and registers(t)[8] == want, err)
    t.stop()
    t.start()
    rc, _, err = late(t, EXTEND, 100, "kept", "init", "initdata")
    check("initdata_that_cannot_be_measured_ends_the_machine", rc == 1 and said in err and registers(t)[8] == bytes(32), err)


def main():
    lacking = missing() + [n for n in ("openssl",) if not shutil.which(n)]
    if lacking:
        print("1..0 # SKIP not installed: " + " ".join(lacking))
        return 0
    with tempfile.TemporaryDirectory() as top:
        t = Tpm("one", top)
        t.start()
        try:
            for part in (check_registers, check_quote, check_keys, check_evidence, check_init, check_late):
                part(t)
        finally:
            t.stop()
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
