#!/usr/bin/python3
"""The life of a party's keys by `coffer party` against a live service: rotation, hold, recovery, compromise, and what a thief can and
cannot do in between. argv: coffer, cofferd. TAP."""
import json, os, pty, re, shutil, signal, subprocess, sys, tempfile, termios, time, traceback

COFFER, COFFERD = sys.argv[1:3]
T = tempfile.mkdtemp(prefix="coffer-life-")
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
BOTH = ["--recovery", T + "/r1", "--recovery", T + "/r2"]
FEW = "1 of the 2 recovery keys that are needed signed this for party hospital"
proc = None


def coffer(home, *words):
    where = ["--home", T + "/" + home] if home else []
    return subprocess.run([COFFER, *words] + where, env=ENV, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def ok(home, *words):
    r = coffer(home, *words)
    assert r.returncode == 0, (words, r.returncode, r.stdout, r.stderr)
    return r.stdout


def no(words_in, home, *words):
    r = coffer(home, *words)
    assert r.returncode != 0 and words_in in r.stderr, (words, words_in, r.returncode, r.stdout, r.stderr)
    return r.stderr


def show(party="hospital"):
    return json.loads(ok("acme", "party", "show", party, "--json"))


def put(home, name="one"):
    open(T + "/secret", "wb").write(os.urandom(8))
    return coffer(home, "asset", "put", "hospital/data/" + name, "--file", T + "/secret")


def start():
    global proc
    proc = subprocess.Popen([COFFERD, "--config", T + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=open(T + "/log", "ab"))
    line = proc.stdout.readline().decode()
    assert "https://" in line, open(T + "/log").read()
    for h in ("acme", "hospital"):
        ok(h, "genesis", "use", T + "/genesis.json", "--service", "https://" + line.split("https://")[1].strip())


def stop():
    proc.send_signal(signal.SIGTERM)
    proc.wait(15)


def parties_with_and_without_recovery():
    for r in ("r1", "r2"):
        ok("", "party", "recovery-key", T + "/" + r, "--no-passphrase")
    no("not overwritten", "", "party", "recovery-key", T + "/r1", "--no-passphrase")
    no("the same key as " + T + "/r1.pub", "x", "init", "--party", "x", "--persona", "auditor", "--recovery-key", T + "/r1.pub", "--recovery-key", T + "/r1.pub", "--no-passphrase")
    no("--quorum 3", "x", "init", "--party", "x", "--persona", "auditor", "--recovery-key", T + "/r1.pub", "--quorum", "3", "--no-passphrase")
    ok("acme", "init", "--party", "acme", "--persona", "workload-provider", "--hold-hours", "0", "--no-passphrase")
    ok("hospital", "init", "--party", "hospital", "--persona", "data-owner", "--no-passphrase",
       "--recovery-key", T + "/r1.pub", "--recovery-key", T + "/r2.pub")
    open(T + "/cofferd.toml", "w").write('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "%s/genesis.json"\n' % (T, T))
    keygen = subprocess.run([COFFERD, "keygen", "--config", T + "/cofferd.toml"], check=True, stdout=subprocess.PIPE)
    open(T + "/service.json", "wb").write(keygen.stdout)
    no("none of these is a workload-provider", "hospital", "genesis", "new", "--origin", "life.example/one", "--service", T + "/service.json", "--out", T + "/dead.json", T + "/hospital/party.json")
    assert not os.path.exists(T + "/dead.json")
    r = coffer("acme", "genesis", "new", "--origin", "life.example/one", "--service", T + "/service.json", "--out", T + "/ownerless.json", T + "/acme/party.json")
    assert r.returncode == 0 and "warning: none of these is a data-owner" in r.stderr, r.stderr
    ok("acme", "genesis", "new", "--origin", "life.example/one", "--service", T + "/service.json", "--out", T + "/genesis.json",
       *[T + "/%s/party.json" % p for p in ("acme", "hospital")])
    for p in ("acme", "hospital"):
        ok(p, "genesis", "sign", T + "/genesis.json")
    digest = json.loads(ok("acme", "genesis", "show", "--json", T + "/genesis.json"))["genesis"]
    open(T + "/cofferd.toml", "a").write('genesis-digest = "%s"\n' % digest)
    start()
    said = no("refused: persona: ", "hospital", "service", "sign", T + "/service.json")  # the service's reason, not its answer
    assert "{" not in said and "coffer delegate" in said, said
    ok("acme", "service", "sign", T + "/service.json")
    assert put("hospital").returncode == 0
    s = show()
    assert len(s["recovery"]) == 2 and s["recovery-quorum"] == 2 and s["hold-hours"] == 72 and s["compromised"] == []


def rotation_without_hold_is_in_effect_and_the_service_is_still_believed():
    before = show("acme")["keys"]
    assert "in effect" in ok("acme", "party", "rotate", "--key-type", "p256")
    after = show("acme")
    assert after["keys"] != before and set(after["had"]) == set(before + after["keys"])
    assert os.path.exists(T + "/acme/sign-old.pem") and not os.path.exists(T + "/acme/sign-next.pem")
    assert put("hospital").returncode == 0 # the service statement is signed by the old key
    ok("acme", "service", "sign", T + "/service.json") # now by the new one, which no genesis names
    ok("acme", "service", "sign", T + "/service.json") # and once more: the one in force is not by a key of the genesis either
    assert put("hospital").returncode == 0
    stop()
    start()
    assert put("hospital").returncode == 0 and show("acme") == after


def rotation_waits_its_hold_and_the_quorum_ends_it():
    before = show()["keys"]
    assert "2 of your 2 recovery keys can end it" in ok("hospital", "party", "rotate")
    s = show()
    assert s["keys"] == before and s["then"] != before and s["changes-at"]
    assert put("hospital").returncode == 0 # by the present key
    no("waits already", "hospital", "party", "rotate")
    assert "the keys of hospital change at" in ok("acme", "pending") and "2 of its 2 recovery keys" in ok("hospital", "pending")
    r = coffer("hospital", "party", "finish") # not done, and says from when it can be
    assert r.returncode == 1 and "refused: hold: the new key waits until " + s["changes-at"] in r.stderr and "'coffer party finish' again" in r.stderr, r
    assert FEW in no("refused: signature", "hospital", "party", "cancel", "--recovery", T + "/r1") # one of two is no quorum
    ok("hospital", "party", "cancel", *BOTH)
    assert "then" not in show() and show()["keys"] == before
    no("no change of your key waits", "hospital", "party", "finish")


def rotation_without_recovery_keys_promises_no_end():
    ok("solo", "init", "--party", "solo", "--persona", "data-owner", "--no-passphrase")
    ok("solo", "genesis", "use", T + "/genesis.json", "--service", json.load(open(T + "/hospital/config.json"))["service"])
    ok("solo", "party", "request", "--out", T + "/solo.request")
    r = coffer("acme", "party", "admit", T + "/solo.request")  # nobody has compared the key
    assert r.returncode == 2 and "nobody is there to ask" in r.stderr and "--key with the key" in r.stderr, r
    key = re.search("ask them whether this is theirs: key (.*)", r.stderr).group(1)
    r = coffer("acme", "party", "admit", T + "/solo.request", "--key", key[:-1] + ("A" if key[-1] != "A" else "B"))
    assert r.returncode == 1 and "refused: key: " in r.stderr, r
    assert coffer("solo", "asset", "list").returncode == 1  # neither admitted it
    ok("acme", "party", "admit", T + "/solo.request", "--key", key)
    said = ok("solo", "party", "rotate")
    assert "waits until" in said and "nobody can end it: you have no recovery keys" in said and "cancel" not in said, said
    assert "waits until" in coffer("solo", "party", "finish").stderr
    no("solo has none", "solo", "party", "cancel")
    shown = ok("acme", "pending")
    assert "the keys of solo change at" in shown and "without recovery keys nobody can end it" in shown, shown


def thief_gets_nothing_for_good():
    stop()
    shutil.copytree(T + "/hospital", T + "/thief")
    start()
    shutil.copy(T + "/hospital/config.json", T + "/thief/config.json")
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60)) # what the owner itself said meanwhile is void too
    assert put("thief", "stolen").returncode == 0
    mine = [l.split()[0] for l in ok("hospital", "statement", "list", "--kind", "asset", "--subject", "kbs:///hospital/data/one").splitlines()][0]
    ok("thief", "revoke", mine, "--reason", "mine now")
    assert "waits until" in ok("thief", "party", "rotate")
    no("refused: hold", "hospital", "party", "rotate") # who is first waits; but
    ok("hospital", "party", "cancel", *BOTH)
    no("is needed", "hospital", "party", "lift", mine)
    ok("hospital", "party", "compromise", "--from", since, *BOTH)
    no("", "thief", "asset", "list")
    assert put("thief", "again").returncode != 0


def lost_key_is_replaced_by_the_quorum_at_once():
    os.remove(T + "/hospital/sign.pem")
    no("--lost needs --recovery", "hospital", "party", "rotate", "--lost")
    no("never had this key", "acme", "party", "compromise", "ab" * 32, "--from", "2020-01-01T00:00:00Z")  # a thumbprint in hex, as 'genesis show' prints it
    ok("hospital", "party", "rotate", "--lost", "--recovery", T + "/r1", "--out", T + "/new.json")
    assert FEW in no("refused: signature", "hospital", "party", "post", T + "/new.json")
    ok("", "statement", "cosign", T + "/new.json", "--recovery", T + "/r2", "--yes") # its holder is no party
    assert "in effect" in ok("hospital", "party", "post", T + "/new.json")
    r = put("hospital")
    assert r.returncode == 0, r.stderr
    listed = ok("hospital", "statement", "list", "--kind", "asset")
    assert "data/one" in listed and "data/stolen" not in listed  # void, so not in force
    assert "data/stolen" in ok("hospital", "statement", "list", "--kind", "asset", "--all")
    assert "revocation" in ok("hospital", "statement", "list")  # the thief's stands
    ok("hospital", "approvals")
    ok("hospital", "pending")


def what_rested_on_the_stolen_key_is_listed_and_lifted():
    a = json.loads(ok("hospital", "party", "affected", "--json"))
    kinds = {(s["kind"], s["void"]) for s in a["statements"]}
    assert kinds == {("asset", True), ("revocation", False)}, a
    theirs = [s["statement"] for s in a["statements"] if s["kind"] == "revocation"][0]
    no("refused: kind", "hospital", "revoke", theirs, "--reason", "alone")
    assert FEW in no("refused: signature", "hospital", "party", "lift", theirs, "--recovery", T + "/r2")
    ok("hospital", "party", "lift", theirs, *BOTH)
    text = ok("hospital", "party", "affected")
    assert "void     asset" in text and "party lift" in text
    stop()
    start()
    assert len(show()["compromised"]) == 1 and put("hospital").returncode == 0


def terminal_echoes_again_after_an_interrupted_passphrase():
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(COFFER, [COFFER, "init", "--party", "shy", "--persona", "auditor", "--home", T + "/shy"], ENV)
    seen = b""
    while b"passphrase: " not in seen:
        seen += os.read(fd, 1000)
    assert not termios.tcgetattr(fd)[3] & termios.ECHO
    os.write(fd, b"secr\x03")
    while True:  # what it had written, until it is gone
        try:
            if not os.read(fd, 1000):
                break
        except OSError:
            break
    status = os.waitpid(pid, 0)[1]
    echo = termios.tcgetattr(fd)[3] & termios.ECHO
    os.close(fd)
    assert echo and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, (echo, status)


def service_that_is_down_is_told_with_who_starts_it():
    stop()
    no("the operator of the service starts it", "hospital", "status")
    start()


CASES = [parties_with_and_without_recovery, rotation_without_hold_is_in_effect_and_the_service_is_still_believed,
         rotation_waits_its_hold_and_the_quorum_ends_it, rotation_without_recovery_keys_promises_no_end, thief_gets_nothing_for_good, lost_key_is_replaced_by_the_quorum_at_once,
         what_rested_on_the_stolen_key_is_listed_and_lifted, terminal_echoes_again_after_an_interrupted_passphrase, service_that_is_down_is_told_with_who_starts_it]
print("1..%d" % len(CASES))
failed = False
for n, f in enumerate(CASES, 1):
    try:
        f()
        print("ok %d %s" % (n, f.__name__), flush=True)
    except Exception:
        failed = True
        print("not ok %d %s\n# %s" % (n, f.__name__, traceback.format_exc().replace("\n", "\n# ")), flush=True)
if proc and proc.poll() is None:
    stop()
shutil.rmtree(T, ignore_errors=True)
sys.exit(failed)
