#!/usr/bin/python3
"""The ledger from outside: a service whose operator edits, puts back and forks its store, and `coffer ledger` that says so; heads, tiles
and proofs read a second time here. argv: coffer, cofferd. TAP."""
import base64, fcntl, hashlib, hmac, http.client, json, os, shutil, signal, sqlite3, ssl, struct, subprocess, sys, tempfile, time, traceback

try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:
    print("1..0 # SKIP no python3-cryptography"); sys.exit(0)

COFFER, COFFERD = sys.argv[1:3]
T = tempfile.mkdtemp(prefix="coffer-ledger-")
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
H = lambda b: hashlib.sha256(b).digest()
proc = None


def coffer(home, *words):
    return subprocess.run([COFFER, *words] + ["--home", T + "/" + home], env=ENV, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def ok(home, *words):
    r = coffer(home, *words)
    assert r.returncode == 0, (words, r.returncode, r.stdout, r.stderr)
    return r


def no(words_in, home, *words):
    r = coffer(home, *words)
    assert r.returncode == 1 and words_in in r.stderr, (words, words_in, r.returncode, r.stderr)


def start():
    global proc
    proc = subprocess.Popen([COFFERD, "--config", T + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=open(T + "/log", "ab"))
    line = proc.stdout.readline().decode()
    if "https://" not in line:
        proc.wait(15)
        return False
    for h in ("acme", "hospital"):
        ok(h, "genesis", "use", T + "/genesis.json", "--service", "https://" + line.split("https://")[1].strip())
    return True


def stop():
    proc.send_signal(signal.SIGTERM)
    proc.wait(15)


def entries(n, home="hospital"):
    for i in range(n):
        open(T + "/secret", "wb").write(os.urandom(8))
        ok(home, "asset", "put", "hospital/data/one", "--file", T + "/secret")


def get(name):
    c = http.client.HTTPSConnection(open(T + "/state/address").read().strip(), context=ssl._create_unverified_context())
    c.request("GET", "/ledger/" + name)
    r = c.getresponse()
    return r.status, r.read()


def mth(d):
    if len(d) == 1:
        return d[0]
    k = 1
    while 2 * k < len(d):
        k *= 2
    return H(b"\1" + mth(d[:k]) + mth(d[k:]))


def leaves(size):
    status, b = get("tile/entries/000.p/%d" % size)
    assert status == 200 and len(b) == 151 * size # one tag each
    found = [b[151 * i + 2:151 * i + 151] for i in range(size)]
    assert all(e[:4] == b"CLF5" and e[84:116] == (found[i - 1][52:84] if i else bytes(32)) for i, e in enumerate(found))
    return found


def head(text):
    """The signed head, verified with another maker's Ed25519."""
    body, sigs = text.split(b"\n\n")
    origin, size, root = (body + b"\n").decode().splitlines()
    key = json.load(open(T + "/service.json"))["ledger-key"]
    pub = base64.urlsafe_b64decode(key["x"] + "=")
    name, sig = sigs.decode().strip().split(" ")[1:]
    sig = base64.b64decode(sig)
    assert key["crv"] == "Ed25519" and name == origin == "ledger.example/one" and sig[:4] == H(origin.encode() + b"\n\1" + pub)[:4]
    Ed25519PublicKey.from_public_bytes(pub).verify(sig[4:], body + b"\n")
    return int(size), base64.b64decode(root)


def service_begins_a_ledger():
    ok("acme", "init", "--party", "acme", "--persona", "workload-provider", "--no-passphrase")
    ok("hospital", "init", "--party", "hospital", "--persona", "data-owner", "--no-passphrase")
    open(T + "/cofferd.toml", "w").write('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "%s/genesis.json"\n' % (T, T))
    open(T + "/service.json", "wb").write(subprocess.run([COFFERD, "keygen", "--config", T + "/cofferd.toml"], check=True, stdout=subprocess.PIPE).stdout)
    ok("acme", "genesis", "new", "--origin", "ledger.example/one", "--service", T + "/service.json", "--out", T + "/genesis.json",
       *[T + "/%s/party.json" % p for p in ("acme", "hospital")])
    ok("acme", "genesis", "sign", T + "/genesis.json")
    ok("hospital", "genesis", "sign", T + "/genesis.json")
    digest = json.loads(ok("acme", "genesis", "show", "--json", T + "/genesis.json").stdout)["genesis"]
    open(T + "/cofferd.toml", "a").write('genesis-digest = "%s"\n' % digest)
    assert start()
    ok("acme", "service", "sign", T + "/service.json")
    entries(3)
    first = ok("hospital", "ledger", "verify").stdout
    assert "this party saw none of it before: every entry was read" in first and " 0 " not in first.splitlines()[1], first
    os.remove([T + "/hospital/" + n for n in os.listdir(T + "/hospital") if n.endswith(".checkpoint")][0])
    v = json.loads(ok("hospital", "ledger", "verify", "--json").stdout)
    assert v["size"] == 5 and v["before"] == 0, v
    assert json.loads(ok("hospital", "ledger", "verify", "--json").stdout)["before"] == 5


def head_tiles_and_entries_hold_for_another_reader():
    size, root = head(get("checkpoint")[1])
    d = [H(b"\0" + e) for e in leaves(size)]
    assert mth(d) == root and get("tile/0/000.p/%d" % size) == (200, b"".join(d))
    for name in ("tile/0/000", "tile/0/000.p/99", "tile/1/000.p/1", "nothing", "tile/entries/0", "../state/keep.keys"):
        assert get(name)[0] == 404, name
    for e in leaves(size):
        assert b"hospital" not in e and b"asset" not in e


def entries_are_shown_and_proven():
    shown = json.loads(ok("hospital", "ledger", "show", "--json").stdout)["entries"]
    assert [s["index"] for s in shown] == list(range(5)) and shown[0]["record"]["type"] == "genesis"
    lines = ok("hospital", "ledger", "show").stdout.splitlines()
    for s, line in zip(shown, lines):
        data = s["record"]["data"]
        said = "%s statement of %s logged: " % (data["kind"], data["issuer"]) if s["index"] else "founded by the genesis "
        assert line == "%d  %s  %s%s" % (s["index"], s["record"]["time"], said, data["id"]), (line, s)
    assert len(lines) == 6 and "hospital" in lines[2] and "asset" in lines[2], lines
    assert ok("hospital", "ledger", "watch", "--count", "1").stdout.splitlines()[:5] == lines[:5]
    ok("hospital", "ledger", "prove", "4", "--out", T + "/p")
    lines = open(T + "/p").read().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1" and lines[2] == "index 4"
    opening = base64.b64decode(lines[1][len("extra "):])
    size, root = head(open(T + "/p", "rb").read().split(b"\n\n", 1)[1])
    record = json.loads(opening[36:])
    assert record["type"] == "statement" and leaves(size)[4][20:52] == H(b"coffer leaf v1\0" + opening[4:])
    h = H(b"\0" + leaves(size)[4])
    assert size == 5 and H(b"\1" + base64.b64decode(lines[3]) + h) == root
    assert coffer("hospital", "ledger", "prove", "99").returncode != 0


def owner_finds_its_entries_by_tags_that_only_it_can_tell():
    """The tags computed again by another maker: ECDH, HKDF, HMAC."""
    found = json.loads(ok("hospital", "ledger", "find", "--json").stdout)
    ends = ok("hospital", "ledger", "find").stdout.splitlines()[-1]
    assert ends.startswith("end of the ledger's ") and " entries: %d on your assets" % len(found["entries"]) in ends, ends
    assert ok("hospital", "ledger", "show").stdout.splitlines()[-1].endswith(" entries concern hospital")
    assert "no such statement is in force; --all" in ok("hospital", "statement", "list", "--kind", "pause").stderr
    path = "kbs:///hospital/data/one"
    assert [(e["index"], e["type"], e["asset"], e["tagged"]) for e in found["entries"]] == [(i, "statement", path, True) for i in (2, 3, 4)]
    assert found["untagged"] == 0
    mine = serialization.load_pem_private_key(open(T + "/hospital/encrypt.pem", "rb").read(), None)
    jwk = json.load(open(T + "/service.json"))["receive"]
    x, y = (int.from_bytes(base64.urlsafe_b64decode(jwk[c] + "="), "big") for c in "xy")
    z = mine.exchange(ec.ECDH(), ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())
    digest = json.loads(ok("acme", "genesis", "show", "--json", T + "/genesis.json").stdout)["genesis"]
    key = HKDF(hashes.SHA256(), 32, bytes.fromhex(digest), b"coffer tag owner v1").derive(z)
    key = hmac.new(key, b"coffer tag key v1\0" + path.encode(), "sha256").digest()
    tags = [hmac.new(key, b"coffer tag v1\0" + struct.pack(">Q", i), "sha256").digest() for i in range(4)]
    at = [e[117:149] for e in leaves(5)]
    assert at[2:] == tags[:3] and tags[3] not in at
    no("kind", "acme", "ledger", "find", path)
    assert json.loads(ok("acme", "ledger", "find", "--json").stdout) == {"entries": [], "untagged": 0}


def older_store_is_refused_by_who_saw_more():
    stop()
    shutil.copytree(T + "/state", T + "/old") # keys, store and mark: the service itself cannot tell
    assert start()
    entries(2)
    ok("hospital", "ledger", "verify")
    stop()
    shutil.move(T + "/state", T + "/new")
    shutil.copytree(T + "/old", T + "/state")
    assert start()
    no("refused: ledger-rollback", "hospital", "ledger", "verify")
    no("refused: ledger-rollback", "hospital", "ledger", "show")
    no("refused: ledger-rollback", "hospital", "ledger", "watch")
    shutil.copytree(T + "/hospital", T + "/accepts")
    said = coffer("accepts", "ledger", "verify").stderr
    named = [f for f in os.listdir(T + "/accepts") if T + "/accepts/" + f in said]
    assert sorted(f.rsplit(".", 1)[1] for f in named) == ["checkpoint", "head"] and "removes both" in said, said
    for f in named:
        os.remove(T + "/accepts/" + f)
    ok("accepts", "ledger", "verify")


def every_command():
    """What reads, what believes and what writes."""
    open(T + "/secret", "wb").write(b"x")
    return (("ledger", "verify"), ("statement", "list", "--kind", "asset"), ("asset", "list"), ("decisions",),
            ("asset", "put", "hospital/data/one", "--file", T + "/secret"), ("ledger", "show"), ("party", "show"))


def forked_store_is_refused_and_the_evidence_kept():
    for does in every_command():
        no("who accepts the loss removes both", "hospital", *does)
    shutil.copytree(T + "/hospital", T + "/newcomer", ignore=shutil.ignore_patterns("ledger-*")) # who saw nothing yet
    entries(2, "newcomer") # as many as before, others
    for does in every_command():
        no("refused: ledger-fork", "hospital", *does)
    entries(1, "newcomer")
    for does in every_command():
        no("refused: ledger-fork", "hospital", *does)
    names = [n for n in os.listdir(T + "/hospital") if n.startswith("ledger-") and not n.endswith(".lock")]
    heads = {n.rsplit(".", 1)[1]: head(open(T + "/hospital/" + n, "rb").read()) for n in names}
    assert heads["checkpoint"][0] == heads["head"][0] == 7 and heads["forked"][0] == 8
    stop()
    shutil.rmtree(T + "/state")
    shutil.move(T + "/new", T + "/state")
    assert start()
    ok("hospital", "ledger", "verify") # the history it saw is the one it follows


def waits_for(lock):
    """Whether a process waits for the lock of this file."""
    return any(" -> " in l and l.split()[6].endswith(":%d" % os.fstat(lock.fileno()).st_ino) for l in open("/proc/locks"))


def command_that_is_late_does_not_put_the_kept_head_back():
    """Its service may answer it as late as it likes, while another command sees more: what is kept only ever grows."""
    entries(1)
    shutil.copytree(T + "/hospital", T + "/twin")
    entries(1, "twin")
    name = [n for n in os.listdir(T + "/hospital") if n.endswith(".head")][0]
    size = lambda home: int(open(T + "/%s/%s" % (home, name)).read().split("\n")[1])
    was = size("hospital")
    with open(T + "/hospital/" + name.replace(".head", ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        late = subprocess.Popen([COFFER, "asset", "list", "--home", T + "/hospital"], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while late.poll() is None and not waits_for(lock):
            time.sleep(0.01)
        assert late.poll() is None and size("hospital") == was < size("twin")
        entries(1, "twin")  # after what the late one saw
        ok("twin", "asset", "list")
        shutil.copy(T + "/twin/" + name, T + "/hospital/" + name)  # as another command in this folder
    assert late.communicate(timeout=60)[1] == "" and late.returncode == 0
    assert size("hospital") == size("twin"), (was, size("hospital"), size("twin"))


def kept_head_that_was_changed_is_refused():
    for end in (".checkpoint", ".head"):
        name = [n for n in os.listdir(T + "/hospital") if n.endswith(end)][0]
        before = open(T + "/hospital/" + name).read()
        open(T + "/hospital/" + name, "w").write(before.replace("\n7\n", "\n6\n"))
        for does in (("ledger", "verify"), ("asset", "list")):
            no("refused: ledger-signature", "hospital", *does)
        open(T + "/hospital/" + name, "w").write(before)
        ok("hospital", "ledger", "verify")


def fsck(*words):
    r = subprocess.run([COFFERD, "fsck", *words, "--config", T + "/cofferd.toml"], env=ENV, capture_output=True, text=True, timeout=60)
    return r.returncode, r.stdout + r.stderr


def damaged_hashes_are_named_and_mended_by_the_operator():
    rc, out = fsck()
    assert rc == 1 and "keep.db is in use" in out and "locked" not in out, out
    stop()
    rc, out = fsck()
    assert rc == 0 and "everything holds" in out, out
    found = [os.path.join(d, "keep.db") for d, _, names in os.walk(T + "/state") if "keep.db" in names]
    db = sqlite3.connect(found[0])
    db.execute("DELETE FROM mapnode WHERE hash=(SELECT max(hash) FROM mapnode)")
    db.execute("UPDATE node SET hash=zeroblob(32) WHERE level=0 AND place=2")
    db.commit()
    db.close()
    assert not start()
    rc, out = fsck()
    assert rc == 1 and "R12" in out and "covers entry 2" in out, (rc, out)
    rc, out = fsck("--repair")
    assert rc == 0 and "mended" in out, (rc, out)
    assert start()
    ok("hospital", "ledger", "verify")


def watch_tells_what_comes_and_bears_absence():
    size = json.loads(ok("hospital", "ledger", "verify", "--json").stdout)["size"]
    p = subprocess.Popen([COFFER, "ledger", "watch", "--every", "1", "--json", "--home", T + "/hospital"], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert [json.loads(p.stdout.readline())["index"] for _ in range(size)] == list(range(size))
    entries(1)
    assert json.loads(p.stdout.readline())["index"] == size
    p.send_signal(signal.SIGTERM)
    assert p.wait(20) == 0
    assert len(ok("hospital", "ledger", "watch", "--count", "1").stdout.splitlines()) == size + 2  # and the head
    stop()
    r = coffer("hospital", "ledger", "watch", "--every", "1", "--count", "2")
    assert r.returncode == 0 and r.stderr.count("asking again") == 2, r
    assert start()
    assert coffer("hospital", "ledger", "watch", "--every", "0").returncode == 2


def revoked_thing_is_shown_by_its_name_and_not_by_its_hash():
    thing = "measurement:snp:measurement:" + "ab" * 48
    digest = hashlib.sha256(thing.encode()).hexdigest()
    ok("hospital", "revoke", thing, "--reason", "a hole", "--to-sign", T + "/ask")
    asked = ok("hospital", "sign", T + "/ask", "--yes")
    assert 'about    "%s"' % thing in asked.stdout + asked.stderr, asked
    ok("hospital", "revoke", thing, "--reason", "a hole")
    line, = ok("hospital", "statement", "list", "--kind", "revocation").stdout.splitlines()
    assert line.endswith(' "%s"' % thing) and "thing:" not in line, line
    for name in (thing, "thing:" + digest):
        assert ok("hospital", "statement", "list", "--subject", name).stdout.splitlines() == [line], name
    assert json.loads(ok("hospital", "statement", "list", "--kind", "revocation", "--json").stdout)["subjects"] == ["thing:" + digest]


def rewritten_store_does_not_start():
    """An operator who rewrites the last leaf with all its hashes has no key for the record of the newest."""
    stop()
    found = [os.path.join(d, "keep.db") for d, _, names in os.walk(T + "/state") if "keep.db" in names]
    db = sqlite3.connect(found[0])
    seq, time, kind, data = db.execute("SELECT seq, time, type, CAST(data AS TEXT) FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
    import time as clock
    record = '{"data":%s,"time":"%s","type":"%s"}' % (data, clock.strftime("%Y-%m-%dT%H:%M:%SZ", clock.gmtime(time)), kind)
    salt = os.urandom(32)
    old = db.execute("SELECT entry FROM leaf WHERE seq=?", (seq,)).fetchone()[0]
    entry = b"CLF5" + struct.pack(">QQ", time, seq) + H(b"coffer leaf v1\0" + salt + record.encode()) + old[52:]
    db.execute("UPDATE leaf SET salt=?, entry=? WHERE seq=?", (salt, entry, seq))
    db.execute("UPDATE node SET hash=? WHERE level=0 AND place=?", (H(b"\0" + entry), seq))
    db.commit()
    db.close()
    assert not start()
    assert "is not the last that the service with these keys wrote" in open(T + "/log").read()
    assert fsck("--repair")[0] == 1


tests = [service_begins_a_ledger, head_tiles_and_entries_hold_for_another_reader, entries_are_shown_and_proven, owner_finds_its_entries_by_tags_that_only_it_can_tell, older_store_is_refused_by_who_saw_more,
         forked_store_is_refused_and_the_evidence_kept, kept_head_that_was_changed_is_refused, damaged_hashes_are_named_and_mended_by_the_operator,
         watch_tells_what_comes_and_bears_absence, command_that_is_late_does_not_put_the_kept_head_back, revoked_thing_is_shown_by_its_name_and_not_by_its_hash, rewritten_store_does_not_start]
print("1..%d" % len(tests))
bad = 0
for i, t in enumerate(tests, 1):
    try:
        t()
        print("ok %d %s" % (i, t.__name__))
    except Exception:
        bad += 1
        print("not ok %d %s\n# %s" % (i, t.__name__, traceback.format_exc().replace("\n", "\n# ")))
    sys.stdout.flush()
if proc and proc.poll() is None:
    stop()
shutil.rmtree(T)
sys.exit(bad > 0)
