#!/usr/bin/python3
"""A witness as a log sees it: C2SP tlog-witness over HTTP, with another maker's Ed25519; what it keeps, and what it refuses. argv: coffer. TAP."""
import base64, hashlib, http.client, os, signal, socket, subprocess, sys, tempfile, traceback

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ImportError:
    print("1..0 # SKIP no python3-cryptography"); sys.exit(0)

COFFER = sys.argv[1]
T = tempfile.mkdtemp(prefix="coffer-witness-")
H = lambda b: hashlib.sha256(b).digest()
B = lambda b: base64.b64encode(b).decode()
RAW = lambda k: k.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
KEY, OTHER, ORIGIN = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), "log.example/one"
proc, address, vkey = None, None, None


def coffer(*words):
    return subprocess.run([COFFER, *words], env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def key_id(name, kind, pub):
    return H(name.encode() + b"\n" + kind + pub)[:4]


def start(*more):
    global proc, address
    words = [COFFER, "witness", "run", T + "/w", "--listen", "127.0.0.1:0", "--passphrase-file", T + "/pass", "--log",
             "%s+%s+%s" % (ORIGIN, key_id(ORIGIN, b"\1", RAW(KEY)).hex(), B(b"\1" + RAW(KEY))), *more]
    proc = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=open(T + "/log", "ab"))
    address = proc.stdout.readline().decode().strip().split("http://")[1]


def stop():
    proc.send_signal(signal.SIGTERM)
    assert proc.wait(15) == 0


def mth(d):
    if len(d) < 2:
        return d[0] if d else H(b"")
    k = 1
    while 2 * k < len(d):
        k *= 2
    return H(b"\1" + mth(d[:k]) + mth(d[k:]))


def sub(m, d, whole):
    """RFC 6962, 2.1.2"""
    if m == len(d):
        return [] if whole else [mth(d)]
    k = 1
    while 2 * k < len(d):
        k *= 2
    return sub(m, d[:k], whole) + [mth(d[k:])] if m <= k else sub(m - k, d[k:], False) + [mth(d[:k])]


def leaves(n, salt=b""):
    return [H(b"\0" + salt + bytes([i])) for i in range(n)]


def text(d, origin=ORIGIN):
    return "%s\n%d\n%s\n" % (origin, len(d), B(mth(d)))


def request(old, d, key=KEY, origin=ORIGIN):
    t = text(d, origin)
    proof = "".join(B(h) + "\n" for h in (sub(old, d, True) if 0 < old < len(d) else []))
    return "old %d\n%s\n%s\n\u2014 %s %s\n" % (old, proof, t, origin, B(key_id(origin, b"\1", RAW(key)) + key.sign(t.encode())))


def post(body, path="/add-checkpoint", method="POST"):
    c = http.client.HTTPConnection(address, timeout=20)
    c.request(method, path, body.encode() if isinstance(body, str) else body)
    r = c.getresponse()
    return r.status, r.getheader("Content-Type"), r.read()


def cosigned(answer, d):
    status, _, body = answer
    assert status == 200, answer
    dash, name, sig = body.decode().rstrip("\n").split(" ")
    sig = base64.b64decode(sig)
    assert dash == "\u2014" and vkey.startswith("%s+%s+" % (name, sig[:4].hex())) and len(sig) == 4 + 8 + 64
    when = int.from_bytes(sig[4:12], "big")
    Ed25519PublicKey.from_public_bytes(base64.b64decode(vkey.split("+", 2)[2])[1:]).verify(sig[12:], b"cosignature/v1\ntime %d\n" % when + text(d).encode())
    return when


def witness_is_made_once():
    global vkey
    open(T + "/pass", "w").write("open sesame\n")
    r = coffer("witness", "init", T + "/w", "--name", "witness.example/one", "--passphrase-file", T + "/pass")
    assert r.returncode == 0, r.stderr
    vkey = r.stdout.strip()
    name, kid, key = vkey.split("+", 2)
    raw = base64.b64decode(key)
    assert name == "witness.example/one" and raw[0] == 4 and kid == key_id(name, b"\4", raw[1:]).hex()
    assert "ENCRYPTED" in open(T + "/w/witness.pem").read() and os.stat(T + "/w/witness.pem").st_mode & 0o777 == 0o600
    r = coffer("witness", "init", T + "/w", "--name", "witness.example/two", "--passphrase-file", T + "/pass")
    assert r.returncode == 3 and "is there already" in r.stderr, r.stderr
    assert coffer("witness", "init", T + "/x", "--name", "a b", "--no-passphrase").returncode == 2
    assert "coffer witness init" in coffer("witness", "run", T + "/nothing", "--log", "x").stderr
    assert coffer("witness", "run", T + "/w", "--passphrase-file", T + "/pass").returncode == 2 # no log to witness


def growing_ledger_is_signed():
    start()
    assert cosigned(post(request(0, leaves(1))), leaves(1)) > 1700000000
    cosigned(post(request(1, leaves(3))), leaves(3))
    cosigned(post(request(3, leaves(7))), leaves(7))
    cosigned(post(request(7, leaves(7))), leaves(7)) # again: with a time of its own


def what_a_witness_refuses():
    assert post(request(3, leaves(8))) == (409, "text/x.tlog.size", b"7\n")
    assert post(request(0, leaves(8)))[0] == 409 and post(request(9, leaves(8)))[0] == 400
    assert post(request(7, leaves(8), OTHER))[0] == 403
    assert post(request(7, leaves(8), KEY, "log.example/two"))[0] == 404
    assert post(request(7, leaves(9, b"fork")))[0] == 422
    assert post("old 7\n")[0] == 400 and post(b"\xff" * 100)[0] == 400 and post("")[0] == 400
    assert post("x" * 70000)[0] == 413
    assert post("", "/")[0] == 404 and post("", "/add-checkpoint", "GET")[0] == 405
    cosigned(post(request(7, leaves(8))), leaves(8))


def fork_of_one_size_is_kept_as_evidence():
    assert post(request(8, leaves(8, b"fork"))) == (409, "text/x.tlog.size", b"8\n")
    base = T + "/w/" + H(ORIGIN.encode())[:16].hex()
    for name, d in ((".checkpoint", leaves(8)), (".forked", leaves(8, b"fork"))):
        body, sigs = open(base + name).read().split("\n\n")
        assert body + "\n" == text(d)
        KEY.public_key().verify(base64.b64decode(sigs.split(" ")[2])[4:], text(d).encode())
    assert "FORK" in open(T + "/log").read()


def head_outlives_the_process():
    r = coffer("witness", "run", T + "/w", "--listen", "127.0.0.1:0", "--passphrase-file", T + "/pass", "--log",
               "%s+%s+%s" % (ORIGIN, key_id(ORIGIN, b"\1", RAW(KEY)).hex(), B(b"\1" + RAW(KEY))))
    assert r.returncode != 0 and "another witness runs" in r.stderr, r.stderr
    proc.kill() # without warning: what was signed is on the disk
    proc.wait()
    start()
    assert post(request(7, leaves(9))) == (409, "text/x.tlog.size", b"8\n")
    cosigned(post(request(8, leaves(9))), leaves(9))
    stop()


def damaged_head_is_refused():
    path = T + "/w/" + H(ORIGIN.encode())[:16].hex() + ".checkpoint"
    good = open(path).read()
    open(path, "w").write(good.replace("\n9\n", "\n8\n"))
    r = coffer("witness", "run", T + "/w", "--listen", "127.0.0.1:0", "--passphrase-file", T + "/pass", "--log",
               "%s+%s+%s" % (ORIGIN, key_id(ORIGIN, b"\1", RAW(KEY)).hex(), B(b"\1" + RAW(KEY))))
    assert r.returncode == 1 and "ledger-signature" in r.stderr, r.stderr
    open(path, "w").write(good)


def slow_client_holds_nobody_up():
    start()
    host, port = address.split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(20)]
    for s in slow:
        s.send(b"POST /add-checkpoint HTTP/1.1\r\n")
    cosigned(post(request(9, leaves(10))), leaves(10))
    for s in slow:
        s.close()
    stop()


CASES = [witness_is_made_once, growing_ledger_is_signed, what_a_witness_refuses, fork_of_one_size_is_kept_as_evidence, head_outlives_the_process,
         damaged_head_is_refused, slow_client_holds_nobody_up]
print("1..%d" % len(CASES))
bad = 0
try:
    for i, c in enumerate(CASES, 1):
        try:
            c()
            print("ok %d - %s" % (i, c.__name__), flush=True)
        except Exception:
            bad += 1
            print("not ok %d - %s" % (i, c.__name__), flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + line)
finally:
    if proc and proc.poll() is None:
        proc.kill()
sys.exit(bad > 0)
