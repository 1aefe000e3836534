#!/usr/bin/python3
"""A witness is lost, and the founders amend the genesis: which releases wait for whom, before and after. argv: COFFERD COFFER. TAP."""
import os, shutil, subprocess, sys, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
COFFER = sys.argv[2]
sys.argv[2:] = [] # what is borrowed reads the first alone
from witnesses import *

W = World(COFFER, 2, 2)
GENESIS = W.dir + "/genesis.json"
NEW = Witness(COFFER, W.dir, "w2") # in no genesis
NOTE = hw.NOTE
FOUNDERS = (W.acme, W.imaker, W.hospital)
ID = None


def amendment(witnesses, cosignatures, keys, serial=1, previous=None):
    body = {"witnesses": [{"key": w.vkey, "url": w.url} for w in witnesses], "cosignatures": cosignatures}
    return statement("genesis-amendment", "genesis", [("e2e.example/coffer", None)], body, W.gid, serial, previous, keys=keys)


def post(env):
    return W.c.call("POST", "/coffer/v0/statements", json.dumps(env))


def refused(env, check):
    r = post(env)
    assert r.status in (403, 409) and r.json()["error"]["check"] == check, (check, r.status, r.body)


def restate(amendment, serial, previous):
    """The owner says anew what is kept: a version more, by this amendment."""
    a = asset(W.hospital, NOTE, b"hello", W.service["receive"], W.gid, policy=None)
    p = json.loads(base64.b64decode(a["statement"]["payload"]))
    body = dict(p["predicate"]["body"], version=serial)
    if amendment:
        body["amendment"] = amendment
    env = statement("asset", W.hospital, [(NOTE, p["subject"][0]["digest"]["sha256"])], body, W.gid, serial, previous)
    r = W.put_raw(W.hospital, NOTE, json.dumps(dict(a, statement=env)).encode())
    return r, payload_id(env)


def newest():
    path = "/coffer/v0/statements?kind=asset&all=1"
    l = W.c.call("GET", path, bearer=W.hospital.token("GET", path)).json()["statements"]
    return payload_id(l[0])


def both_witnesses_sign_and_one_is_lost():
    W.start()
    W.deploy()
    for w in W.witness:
        w.start(GENESIS)
    W.serves(W.guest().up())
    rc, out = W.ledger("reader", "verify") # keeps a head that these two signed
    assert rc == 0, out
    W.witness[1].stop()
    W.withholds(W.guest().up(), "witness 2:")


def amendments_of_fewer_than_all_or_for_less_are_refused():
    keys = [p.key for p in FOUNDERS]
    good = [W.witness[0], NEW]
    refused(amendment(good, 2, keys[:2]), "signature")
    refused(amendment(good, 1, keys), "amendment")
    refused(amendment(good, 2, keys, 2, "11" * 32), "serial")
    for w in ([], [W.witness[0], W.witness[0]]):
        assert post(amendment(w, 2, keys)).status in (400, 403)


def amendment_by_all_is_logged_and_touches_nothing_that_is_there():
    global ID
    NEW.start(GENESIS)
    env = amendment([W.witness[0], NEW], 2, [p.key for p in FOUNDERS])
    ID = payload_id(env)
    W.ok(env)
    assert post(env).status in (200, 201) # known
    refused(amendment([W.witness[1], NEW], 2, [p.key for p in FOUNDERS]), "serial") # a second one in its place
    W.withholds(W.guest().up()) # it waits for the two that the genesis named
    W.wait_for(lambda: W.c.call("GET", "/coffer/v0/status").json()["witnessed"]["signed"] > 0) # and the new one is asked, by the service that runs
    home = W.reader("reader")
    r = subprocess.run([COFFER, "genesis", "show", "--home", home], stdout=subprocess.PIPE, check=True)
    assert b"amended  1" in r.stdout and b"witness.example/w2" in r.stdout, r.stdout
    r = subprocess.run([COFFER, "genesis", "show", "--json", "--home", home], stdout=subprocess.PIPE, check=True)
    assert [a["id"] for a in json.loads(r.stdout)["amendments"]] == [ID]


def asset_goes_by_it_once_its_owner_says_so():
    r, _ = restate("22" * 32, 2, newest())
    assert r.status in (401, 403) and b"amendment" in r.body, r.body
    r, _ = restate(ID, 2, newest())
    assert r.status == 200, r.body
    W.serves(W.guest().up())
    head = W.c.call("GET", "/ledger/checkpoint").body.decode()
    assert "witness.example/w0 " in head and "witness.example/w2 " in head and "witness.example/w1 " not in head


def readers_go_on_from_what_they_saw():
    rc, out = W.ledger("reader", "verify") # its kept head has the signature of the one that is gone
    assert rc == 0, out
    rc, out = W.ledger("newcomer", "verify")
    assert rc == 0, out


def receipt_of_before_is_had_though_its_witness_is_gone():
    W.end()
    W.start()
    os.mkdir(W.dir + "/hospital", 0o700)
    W.put_file("hospital/config.json", json.dumps({"party": "hospital", "genesis": W.gid, "service": "https://" + W.address}).encode())
    W.put_file("hospital/sign.pem", W.hospital.key.k.private_bytes(hw.base.serialization.Encoding.PEM, hw.base.serialization.PrivateFormat.PKCS8,
                                                                    hw.base.serialization.NoEncryption()))
    os.chmod(W.dir + "/hospital/sign.pem", 0o600)
    hw.base.W = W
    released = [d["decision"] for d in json.loads(hw.base.coffer("decisions", "--json")[1])["decisions"] if d["outcome"] == "released"]
    first, last = released[-1], released[0] # by the genesis, whose witness 2 never came back; by the amendment
    for d, of in ((first, "w1"), (last, "w2")):
        f = W.dir + "/" + of + ".receipt"
        rc, out = hw.base.coffer("receipt", "get", d, "--out", f)
        assert rc == 0, out
        assert "witness.example/%s " % of in json.load(open(f))["checkpoint"]
        rc, out = hw.base.coffer("receipt", "verify", f)
        assert rc == 0 and "in the words that were logged" in out, out


def what_its_owner_takes_back_waits_for_the_first_ones():
    r, _ = restate(None, 3, newest())
    assert r.status == 200, r.body
    W.withholds(W.guest().up())
    W.witness[1].start(GENESIS)
    W.serves(W.guest().up())


CASES = [both_witnesses_sign_and_one_is_lost, amendments_of_fewer_than_all_or_for_less_are_refused, amendment_by_all_is_logged_and_touches_nothing_that_is_there,
         asset_goes_by_it_once_its_owner_says_so, readers_go_on_from_what_they_saw, receipt_of_before_is_had_though_its_witness_is_gone, what_its_owner_takes_back_waits_for_the_first_ones]
if __name__ == "__main__":
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
                for line in (traceback.format_exc() + W.logs()[-2000:]).splitlines():
                    print("# " + line)
    finally:
        NEW.stop()
        W.close()
        shutil.rmtree(W.dir, ignore_errors=True)
    sys.exit(bad > 0)
