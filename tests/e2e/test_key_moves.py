#!/usr/bin/python3
"""A party's key moves between a file, a token (softhsm2) and a machine without network; recovery keys and co-owners' keys are in any of them too.
Through `coffer` and a live service; both answers of every check. argv: coffer, cofferd. TAP."""
import base64, json, os, shutil, signal, socket, subprocess, sys, tempfile, threading, time, traceback

COFFER, COFFERD = sys.argv[1:3]
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
for need, why in ((os.path.exists(MODULE) and shutil.which("softhsm2-util"), "no softhsm2"), (shutil.which("pkcs11-tool"), "no opensc (pkcs11-tool)")):
    if not need:
        print("1..0 # SKIP " + why); sys.exit(0)

T = tempfile.mkdtemp(prefix="coffer-moves-")
os.mkdir(T + "/tokens")
open(T + "/softhsm.conf", "w").write("directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n" % T)
ENV = {"PATH": "/usr/bin:/bin", "SOFTHSM2_CONF": T + "/softhsm.conf", "LC_ALL": "C"}
PIN = "58273941"
proc = None


def coffer(home, *words):
    where = ["--home", T + "/" + home] if home else []
    r = subprocess.run([COFFER, *words] + where, env=ENV, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90)
    assert PIN not in r.stdout + r.stderr, "a PIN is shown"
    return r


def ok(home, *words):
    r = coffer(home, *words)
    assert r.returncode == 0, (words, r.returncode, r.stdout, r.stderr)
    return r.stdout


def no(code, words_in, home, *words):
    r = coffer(home, *words)
    assert r.returncode == code and words_in in r.stderr, (words, "expected %d with %r" % (code, words_in), r.returncode, r.stdout, r.stderr)


def uri(obj):
    return "pkcs11:token=coffer;object=%s?module-path=%s&pin-source=file:%s/pin" % (obj, MODULE, T)


def show(party):
    return json.loads(ok("acme", "party", "show", party, "--json"))


def config(home):
    return json.load(open(T + "/%s/config.json" % home))


def put(home, name="one", party=None):
    open(T + "/secret", "wb").write(os.urandom(8))
    return coffer(home, "asset", "put", "%s/data/%s" % (party or home, name), "--file", T + "/secret")


def moved(party, before):
    after = show(party)["keys"]
    assert len(after) == 1 and after != before, (before, after)
    return after


# ---- cases ----

def parties_found_and_run_a_service():
    global proc
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "coffer", "--so-pin", "87654321", "--pin", PIN], env=ENV, check=True, capture_output=True)
    for n, (label, kind) in enumerate((("lab1", "EC:prime256v1"), ("lab2", "EC:edwards25519"), ("lab3", "EC:prime256v1"), ("rec", "EC:prime256v1"), ("clinic", "EC:prime256v1"),
                                       ("clinic2", "EC:edwards25519")), 1):
        subprocess.run(["pkcs11-tool", "--module", MODULE, "--token-label", "coffer", "--login", "--pin", PIN, "--keypairgen", "--key-type", kind, "--label", label,
                        "--id", "%02x" % n], env=ENV, check=True, capture_output=True)
    open(T + "/pin", "w").write(PIN + "\n")
    ok("", "party", "recovery-key", T + "/r1", "--no-passphrase")
    ok("", "party", "recovery-key", T + "/r2", "--no-passphrase")
    ok("acme", "init", "--party", "acme", "--persona", "workload-provider", "--persona", "data-owner", "--hold-hours", "0", "--no-passphrase")
    ok("lab", "init", "--party", "lab", "--persona", "data-owner", "--hold-hours", "0", "--no-passphrase", "--key", uri("lab1"))
    ok("clinic", "init", "--party", "clinic", "--persona", "data-owner", "--no-passphrase", "--key", uri("clinic"), "--recovery-key", T + "/r1.pub", "--recovery-key", uri("rec"))
    assert json.load(open(T + "/clinic/party.json"))["recovery"][1]["crv"] == "P-256"
    ok("far", "init", "--party", "near", "--persona", "data-owner", "--hold-hours", "0", "--no-passphrase", "--recovery-key", T + "/r2.pub")
    ok("near", "init", "--away", T + "/far/party.json", "--reader", T + "/acme")
    open(T + "/cofferd.toml", "w").write('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "%s/genesis.json"\n' % (T, T))
    open(T + "/service.json", "wb").write(subprocess.run([COFFERD, "keygen", "--config", T + "/cofferd.toml"], check=True, stdout=subprocess.PIPE).stdout)
    ok("acme", "genesis", "new", "--origin", "moves.example/one", "--service", T + "/service.json", "--out", T + "/genesis.json",
       *[T + "/%s/party.json" % p for p in ("acme", "lab", "clinic", "near")])
    for p in ("acme", "lab", "clinic", "far"):
        ok(p, "genesis", "sign", T + "/genesis.json")
    open(T + "/cofferd.toml", "a").write('genesis-digest = "%s"\n' % json.loads(ok("", "genesis", "show", "--json", T + "/genesis.json"))["genesis"])
    proc = subprocess.Popen([COFFERD, "--config", T + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=open(T + "/log", "ab"))
    line = proc.stdout.readline().decode()
    assert "https://" in line, open(T + "/log").read()
    for h in ("acme", "lab", "clinic", "near"):
        ok(h, "genesis", "use", T + "/genesis.json", "--service", "https://" + line.split("https://")[1].strip())
    ok("acme", "service", "sign", T + "/service.json")


def token_to_token_to_file_and_back():
    before = show("lab")["keys"]
    no(3, "the present key", "lab", "party", "rotate", "--new-key", uri("lab1"))
    no(2, "exclude each other", "lab", "party", "rotate", "--new-key", uri("lab2"), "--key-type", "p256")
    no(4, "no private key", "lab", "party", "rotate", "--new-key", uri("absent"))
    no(1, "refused: signature", "lab", "party", "rotate", "--new-key", uri("clinic"))  # a key that is another party's
    assert not os.path.exists(T + "/lab/party-next.json") and "next-key" not in config("lab")
    assert "in effect" in ok("lab", "party", "rotate", "--new-key", uri("lab2"))
    before = moved("lab", before)
    assert config("lab")["key"] == uri("lab2") and put("lab").returncode == 0
    old = dict(config("lab"), key=uri("lab1"))
    shutil.copytree(T + "/lab", T + "/swapped")
    json.dump(old, open(T + "/swapped/config.json", "w"))
    no(1, "refused: key", "swapped", "asset", "list")
    assert "in effect" in ok("lab", "party", "rotate", "--key-type", "p256")  # into a file
    before = moved("lab", before)
    assert "key" not in config("lab") and os.path.exists(T + "/lab/sign.pem") and put("lab").returncode == 0
    assert "in effect" in ok("lab", "party", "rotate", "--new-key", uri("lab3"))
    moved("lab", before)
    assert config("lab")["key"] == uri("lab3") and os.path.exists(T + "/lab/sign-old.pem") and not os.path.exists(T + "/lab/sign.pem")
    assert put("lab").returncode == 0


def token_key_does_all_that_a_file_does():
    ok("lab", "asset", "seal", T + "/secret", "--asset", "kbs:///lab/data/sealed", "--out", T + "/body")
    ok("lab", "asset", "put", "kbs:///lab/data/sealed", "--sealed", T + "/body")
    assert "lab/data/sealed" in ok("lab", "asset", "list")
    ok("lab", "asset", "delete", "kbs:///lab/data/sealed")
    assert "lab/data/sealed" not in ok("lab", "asset", "list")


def waiting_token_key_is_ended_by_a_quorum_of_token_and_file():
    before = show("clinic")["keys"]
    assert "waits until" in ok("clinic", "party", "rotate", "--new-key", uri("clinic2"))
    assert show("clinic")["keys"] == before and config("clinic")["next-key"] == uri("clinic2") and config("clinic")["key"] == uri("clinic")
    assert put("clinic").returncode == 0  # by the present key
    no(1, "refused: hold", "clinic", "party", "finish", "--drop")
    no(1, "refused: signature", "clinic", "party", "cancel", "--recovery", uri("rec"))  # one of two is no quorum
    ok("clinic", "party", "cancel", "--recovery", uri("rec"), "--recovery", T + "/r1")
    assert "then" not in show("clinic") and "next-key" not in config("clinic") and not os.path.exists(T + "/clinic/party-next.json")


def lost_token_is_replaced_with_a_recovery_key_on_another_machine():
    before = show("clinic")["keys"]
    lost = ("party", "rotate", "--lost", "--new-key", uri("clinic2"), "--recovery", uri("rec"), "--recovery", T + "/r1.pub")
    no(2, "on another machine", "clinic", *lost)
    assert not os.path.exists(T + "/clinic/party-next.json")
    ok("clinic", *lost, "--to-sign", T + "/l")
    no(1, "refused: key", "", "sign", T + "/l", "--yes", "--recovery", T + "/r2")
    ok("", "sign", T + "/l", "--yes", "--recovery", T + "/r1")  # its holder is no party
    ask = json.load(open(T + "/l"))
    assert len(ask["statement"]["signatures"]) == 2  # the new key and the token's recovery key have signed
    assert "in effect" in ok("clinic", "statement", "submit", T + "/l", T + "/l.sig")
    moved("clinic", before)
    assert config("clinic")["key"] == uri("clinic2") and put("clinic").returncode == 0


def recovery_key_signs_nothing_else():
    ok("near", "asset", "put", "near/data/one", "--file", T + "/secret", "--to-sign", T + "/a")
    no(1, "refused: recovery", "", "sign", T + "/a", "--yes", "--recovery", T + "/r1")


def away_to_away():
    before = show("near")["keys"]
    ok("far", "party", "next-key", "--key-type", "p256")
    no(3, "waits already", "far", "party", "next-key")
    no(2, "goes with --to-sign", "lab", "party", "rotate", "--new-party", T + "/far/party-next.json")
    no(1, "refused: party", "lab", "party", "rotate", "--new-party", T + "/far/party-next.json", "--to-sign", T + "/x")
    no(2, "on another machine", "near", "party", "rotate", "--new-party", T + "/far/party-next.json")
    out = ok("near", "party", "rotate", "--new-party", T + "/far/party-next.json", "--to-sign", T + "/m")
    assert "statement submit %s/m %s/m.sig %s/m.2 %s/m.2.sig" % (T, T, T, T) in out, out
    for f in ("m", "m.2"):
        ok("far", "sign", T + "/" + f, "--yes")
    no(1, "refused: signature", "near", "statement", "submit", T + "/m", T + "/m.sig")      # the new key has not shown that it is there
    no(1, "refused: signature", "near", "statement", "submit", T + "/m.2", T + "/m.2.sig")  # nor the old one agreed
    no(1, "refused: signature", "near", "statement", "submit", T + "/m", T + "/m.2.sig")    # one's signature for the other's
    no(2, "comes with its", "near", "statement", "submit", T + "/m", T + "/m.sig", T + "/m.2")
    no(3, "something else", "near", "statement", "submit", T + "/m", T + "/m.sig", T + "/a", T + "/m.2.sig")
    assert "in effect" in ok("near", "statement", "submit", T + "/m", T + "/m.sig", T + "/m.2", T + "/m.2.sig")
    moved("near", before)
    assert config("near")["key"] == "away" and "next-key" not in config("near")
    ok("near", "asset", "put", "near/data/one", "--file", T + "/secret", "--to-sign", T + "/b")
    ok("far", "sign", T + "/b", "--yes")  # by the next key, which that machine does not know to be in effect
    ok("near", "statement", "submit", T + "/b", T + "/b.sig")
    ok("far", "party", "finish", "--offline")
    assert json.load(open(T + "/far/party.json")) == json.load(open(T + "/near/party.json")) and os.path.exists(T + "/far/sign-old.pem")
    ok("near", "asset", "put", "near/data/two", "--file", T + "/secret", "--to-sign", T + "/c")
    ok("far", "sign", T + "/c", "--yes")
    ok("near", "statement", "submit", T + "/c", T + "/c.sig")


def co_owner_signs_on_another_machine():
    ok("acme", "asset", "seal", T + "/secret", "--asset", "kbs:///acme/data/ours", "--owner", "near", "-k", "2", "--out", T + "/ours")
    no(1, "refused: signature", "acme", "asset", "put", "kbs:///acme/data/ours", "--sealed", T + "/ours")
    no(2, "on another machine", "near", "statement", "cosign", T + "/ours", "--yes")
    ok("near", "statement", "cosign", T + "/ours", "--yes", "--to-sign", T + "/o")
    no(1, "refused: issuer", "lab", "sign", T + "/o", "--yes")
    ok("far", "sign", T + "/o", "--yes")
    shutil.copy(T + "/body", T + "/other")
    no(1, "refused: statement", "near", "statement", "submit", T + "/o", T + "/o.sig", "--into", T + "/other")
    no(2, "exclude", "near", "statement", "submit", T + "/o", T + "/o.sig", "--into", T + "/ours", "--out", T + "/x")
    assert "2 signatures" in ok("near", "statement", "submit", T + "/o", T + "/o.sig", "--into", T + "/ours")
    assert "sealed" in json.load(open(T + "/ours"))
    ok("acme", "asset", "put", "kbs:///acme/data/ours", "--sealed", T + "/ours")


def quorum_signs_into_one_file():
    before = show("clinic")["keys"]
    ok("clinic", "party", "rotate", "--lost", "--key-type", "ed25519", "--recovery", uri("rec"), "--out", T + "/q.json")
    no(1, "refused: signature", "clinic", "party", "post", T + "/q.json")
    ok("clinic", "statement", "cosign", T + "/q.json", "--yes", "--recovery", T + "/r1.pub", "--to-sign", T + "/q")
    ok("", "sign", T + "/q", "--yes", "--recovery", T + "/r1")
    ok("clinic", "statement", "submit", T + "/q", T + "/q.sig", "--into", T + "/q.json")
    assert "in effect" in ok("clinic", "party", "post", T + "/q.json")
    moved("clinic", before)
    assert "key" not in config("clinic") and put("clinic").returncode == 0


def away_to_file_and_back():
    before = show("near")["keys"]
    ok("near", "party", "rotate", "--no-passphrase", "--to-sign", T + "/f")
    assert "BEGIN PRIVATE KEY" in open(T + "/near/sign-next.pem").read()
    ok("far", "sign", T + "/f", "--yes")
    assert "in effect" in ok("near", "statement", "submit", T + "/f", T + "/f.sig")
    before = moved("near", before)
    assert "key" not in config("near") and put("near", "three").returncode == 0
    os.remove(T + "/far/sign-old.pem")
    ok("far", "party", "next-key")
    ok("near", "party", "rotate", "--new-party", T + "/far/party-next.json", "--to-sign", T + "/g")
    ok("near", "sign", T + "/g", "--yes")
    ok("far", "sign", T + "/g.2", "--yes")
    assert "finish --offline" in ok("near", "statement", "submit", T + "/g", T + "/g.sig", T + "/g.2", T + "/g.2.sig")
    moved("near", before)
    assert config("near")["key"] == "away"
    ok("far", "party", "finish", "--offline")


def away_key_is_named_compromised_and_what_it_revoked_is_lifted():
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    no(2, "on another machine", "near", "party", "compromise", "--from", since)
    ok("near", "party", "compromise", "--from", since, "--to-sign", T + "/d")
    ok("far", "sign", T + "/d", "--yes")
    ok("near", "statement", "submit", T + "/d", T + "/d.sig")
    assert len(show("near")["compromised"]) == 1
    ok("near", "asset", "put", "near/data/four", "--file", T + "/secret", "--to-sign", T + "/e")
    ok("far", "sign", T + "/e", "--yes")
    no(1, "refused: signature", "near", "statement", "submit", T + "/e", T + "/e.sig")
    before = show("near")["keys"]
    ok("far", "party", "next-key")
    ok("near", "party", "rotate", "--lost", "--new-party", T + "/far/party-next.json", "--recovery", T + "/r2.pub", "--to-sign", T + "/h")
    ok("far", "sign", T + "/h", "--yes")
    ok("", "sign", T + "/h.2", "--yes", "--recovery", T + "/r2")
    assert "in effect" in ok("near", "statement", "submit", T + "/h", T + "/h.sig", T + "/h.2", T + "/h.2.sig")
    moved("near", before)


def key_is_not_taken_up_before_its_hold_can_have_ended():
    ok("apart", "init", "--party", "apart", "--persona", "data-owner", "--no-passphrase")  # 72 hours
    d = T + "/apart/"
    was = json.load(open(d + "party.json"))
    ok("apart", "party", "next-key")
    no(1, "refused: hold: the new key was made here at", "apart", "party", "finish", "--offline")
    no(2, "--yes goes with --offline", "apart", "party", "finish", "--yes")
    assert json.load(open(d + "party.json")) == was and os.path.exists(d + "sign-next.pem")
    said = ok("apart", "party", "finish", "--offline", "--yes")
    assert "taken up" in said and "the service alone says" in said and "new key is in effect" not in said, said
    assert json.load(open(d + "party.json")) != was and json.load(open(d + "party-old.json")) == was
    for a, b in (("sign.pem", "sign-next.pem"), ("sign-old.pem", "sign.pem"), ("party.json", "party-next.json"), ("party-old.json", "party.json")):  # as the guide says
        os.rename(d + a, d + b)
    no(1, "refused: hold", "apart", "party", "finish", "--offline")
    then = time.time() - 73 * 3600
    os.utime(d + "party-next.json", (then, then))
    assert json.loads(ok("apart", "party", "finish", "--offline", "--json")) == {"taken-up": True}


def key_that_was_never_logged_is_forgotten():
    ok("far", "party", "finish", "--offline")
    ok("far", "party", "next-key")
    no(2, "not both", "far", "party", "finish", "--drop", "--offline")
    ok("far", "party", "finish", "--drop")
    assert not os.path.exists(T + "/far/party-next.json") and not os.path.exists(T + "/far/sign-next.pem") and os.path.exists(T + "/far/sign-dropped.pem")
    no(4, "no change of your key waits", "far", "party", "finish", "--offline")


def dropped_key_does_not_take_an_earlier_ones_place():
    """A service that logs a rotation and says no to it twice would leave the party without the key that comes into effect."""
    first = open(T + "/far/sign-dropped.pem").read()
    ok("far", "party", "next-key")
    second = open(T + "/far/sign-next.pem").read()
    ok("far", "party", "finish", "--drop")
    assert open(T + "/far/sign-dropped.pem").read() == first and open(T + "/far/sign-dropped-2.pem").read() == second


def interrupted_making_of_a_key_is_ended():
    """The disk was full, or the power went: the key is there, and what it belongs to is not."""
    for leave in ("sign-next.pem", "config.json"):
        ok("far", "party", "next-key")
        os.remove(T + "/far/party-next.json")
        if leave == "config.json":
            os.remove(T + "/far/sign-next.pem")
            no(4, "no change of your key waits", "far", "party", "finish")
        else:
            no(3, "finish --drop", "far", "party", "next-key")
        ok("far", "party", "finish", "--drop")
        assert "next-key" not in config("far") and not os.path.exists(T + "/far/sign-next.pem")
    no(4, "no change of your key waits", "far", "party", "finish", "--drop")


def key_is_not_dropped_before_the_service_was_asked():
    """Whatever answers at its address, or does not."""
    listening = socket.create_server(("127.0.0.1", 0))
    answers = threading.Thread(target=lambda: listening.accept()[0].close(), daemon=True)
    answers.start()
    assert "waits until" in ok("clinic", "party", "rotate", "--no-passphrase")
    there = config("clinic")
    json.dump(dict(there, service="http://127.0.0.1:%d" % listening.getsockname()[1]), open(T + "/clinic/config.json", "w"))
    assert coffer("clinic", "party", "finish", "--drop").returncode != 0
    json.dump(dict(there, service="https://[::bad"), open(T + "/clinic/config.json", "w"))
    assert coffer("clinic", "party", "finish", "--drop").returncode != 0
    assert os.path.exists(T + "/clinic/sign-next.pem") and os.path.exists(T + "/clinic/party-next.json")
    json.dump(there, open(T + "/clinic/config.json", "w"))
    no(1, "refused: hold", "clinic", "party", "finish", "--drop")
    ok("clinic", "party", "cancel", "--recovery", uri("rec"), "--recovery", T + "/r1")
    listening.close()


def founders_amend_from_wherever_their_keys_are():
    vkey = ok("", "witness", "init", T + "/w0", "--name", "witness.example/w0", "--no-passphrase").strip()
    witness = ("--witness", vkey + "=http://127.0.0.1:1")
    draft = T + "/amendment.json"
    no(2, "--cosignatures", "acme", "genesis", "amend", *witness, "--cosignatures", "2", "--out", draft)
    ok("acme", "genesis", "amend", *witness, "--out", draft)
    no(3, "not overwritten", "acme", "genesis", "amend", *witness, "--out", draft)
    assert "witness.example/w0" in ok("", "genesis", "show", draft)
    for h in ("acme", "lab", "clinic"):  # a file, a token, a file
        ok(h, "genesis", "sign", draft)
    no(1, "refused: signature", "acme", "genesis", "post", draft)
    no(2, "on another machine", "near", "genesis", "sign", draft)
    ok("near", "genesis", "sign", draft, "--to-sign", T + "/am")
    ok("far", "sign", T + "/am", "--yes")
    ok("near", "statement", "submit", T + "/am", T + "/am.sig", "--into", draft)
    assert "coffer asset policy" in ok("acme", "genesis", "post", draft)
    shown = json.loads(ok("lab", "genesis", "show", "--json"))
    assert len(shown["amendments"]) == 1 and shown["amendments"][0]["cosignatures"] == 1
    l = ok("lab", "statement", "list")
    assert "genesis-amendment" in l, l
    no(3, "genesis statement", "acme", "genesis", "post", T + "/genesis.json")
    no(2, "what is to be amended", "acme", "genesis", "amend", "--out", T + "/none")
    ca = T + "/maker.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=A Maker", "-keyout", "/dev/null", "-out", ca],
                   check=True, stderr=subprocess.DEVNULL)
    no(1, "refused: amendment", "acme", "genesis", "amend", "--vendor-root", "mine=" + ca, "--out", T + "/mine.json")
    ok("acme", "genesis", "amend", "--vendor-root", "tpm=" + ca, "--out", T + "/maker.json")
    more = json.loads(base64.b64decode(json.load(open(T + "/maker.json"))["payload"]))["predicate"]
    assert more["serial"] == 2 and [r["name"] for r in more["body"]["vendor-roots"]] == ["A Maker"] and more["body"]["cosignatures"] == 1, more
    assert "A Maker" in ok("", "genesis", "show", T + "/maker.json")
    named = lambda path: [json.loads(l)["body"].get("amendment") for l in ok("lab", "statement", "list", "--kind", "asset", "--subject", path, "--json").splitlines()]
    assert named("kbs:///lab/data/one") == [None]  # it is there, and stays as it is
    ok("lab", "asset", "policy", "kbs:///lab/data/one", "--lease", "60,10,60")
    assert named("kbs:///lab/data/one") == [None]
    ok("lab", "asset", "policy", "kbs:///lab/data/one", "--as-amended")
    assert named("kbs:///lab/data/one") == [shown["amendments"][0]["id"]]
    assert put("lab", "after").returncode == 0
    assert named("kbs:///lab/data/after") == [shown["amendments"][0]["id"]]


CASES = [parties_found_and_run_a_service, token_to_token_to_file_and_back, token_key_does_all_that_a_file_does, waiting_token_key_is_ended_by_a_quorum_of_token_and_file,
         lost_token_is_replaced_with_a_recovery_key_on_another_machine, recovery_key_signs_nothing_else, away_to_away, co_owner_signs_on_another_machine,
         quorum_signs_into_one_file, away_to_file_and_back, away_key_is_named_compromised_and_what_it_revoked_is_lifted, key_is_not_taken_up_before_its_hold_can_have_ended, key_that_was_never_logged_is_forgotten, dropped_key_does_not_take_an_earlier_ones_place,
         interrupted_making_of_a_key_is_ended, key_is_not_dropped_before_the_service_was_asked, founders_amend_from_wherever_their_keys_are]
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
    proc.send_signal(signal.SIGTERM)
    proc.wait(15)
shutil.rmtree(T, ignore_errors=True)
sys.exit(failed)
