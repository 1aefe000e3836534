#!/usr/bin/python3
"""A service whose genesis wants two of three witnesses: what leaves, and what does not, as they come and go. argv: COFFERD COFFER. TAP."""
import os, shutil, socket, sys, threading, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
COFFER = sys.argv[2]
sys.argv[2:] = [] # what is borrowed reads the first alone
from witnesses import *

W = World(COFFER, 3, 2)
GENESIS = W.dir + "/genesis.json"


def nothing_is_released_while_no_witness_signs():
    W.start()
    W.deploy() # statements and assets need no witness
    W.g = W.guest().up()
    W.withholds(W.g, "witness 1:", "witness 3:")
    rc, out = W.ledger("reader", "verify")
    assert rc == 1 and "refused: ledger-witness" in out, out


def one_of_two_is_not_enough():
    W.witness[0].start(GENESIS)
    detail = W.withholds(W.g, "witness 2:")
    assert "witness 1:" not in detail, detail


def two_of_three_are_enough_and_asking_again_wrote_nothing():
    W.witness[2].start(GENESIS)
    W.serves(W.g)
    rc, out = W.ledger("reader", "verify")
    assert rc == 0, out
    before = W.entries()
    W.serves(W.g)
    assert W.entries() == before + 1 # a release each; those that were withheld were one
    head = W.c.call("GET", "/ledger/checkpoint").body.decode()
    assert "witness.example/w0 " in head and "witness.example/w2 " in head and "witness.example/w1 " not in head


def many_wait_at_once():
    guests, bad = [W.guest().up() for _ in range(6)], []

    def one(g):
        try:
            W.serves(g)
        except Exception as e:
            bad.append(e)
    threads = [threading.Thread(target=one, args=(g,)) for g in guests]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not bad, bad


def others_are_served_while_a_release_waits():
    W.witness[2].stop()
    t = threading.Thread(target=lambda: W.withholds(W.guest().up()))
    t.start()
    for _ in range(20): # each on a connection of its own, while all that waits waits
        assert Client(W.address).call("GET", "/healthz").status == 200
        assert Client(W.address).call("GET", "/ledger/tile/entries/000.p/1").status == 200
    t.join(60)
    assert not t.is_alive()


def service_that_starts_anew_learns_what_witnesses_have():
    W.witness[2].start(GENESIS)
    W.end()
    W.start()
    W.serves(W.guest().up())
    rc, out = W.ledger("reader", "verify")
    assert rc == 0, out


def what_was_revoked_meanwhile_does_not_leave():
    W.witness[0].stop()
    g, r = W.guest().up(), []
    t = threading.Thread(target=lambda: r.append(W.ask(g)))
    before = W.entries_written()
    t.start()
    W.wait_for(lambda: W.entries_written() > before) # decided, and waits
    W.ok(statement("revocation", W.hospital, [(W.approval_id, W.approval_id)], {"statement": W.approval_id, "reason": "a look"}, W.gid))
    W.witness[0].start(GENESIS)
    t.join(60)
    assert r and r[0].status == 503 and r[0].json()["detail"].startswith("R12: unavailable: what was decided"), r[0].body
    assert W.ask(g).status in (401, 403)


def cut_off():
    try:
        W.c.call("GET", "/ledger/checkpoint")
    except OSError:
        pass # the service ended


def service_ends_in_order_though_a_witness_is_silent():
    W.witness[0].stop()
    with socket.socket() as s: # takes connections and says nothing
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", W.witness[0].port))
        s.listen(8)
        t = threading.Thread(target=cut_off)
        t.start()
        c, _ = s.accept() # a question is under way
        assert W.end() == 0
        c.close()
        t.join(60)


CASES = [nothing_is_released_while_no_witness_signs, one_of_two_is_not_enough, two_of_three_are_enough_and_asking_again_wrote_nothing,
         many_wait_at_once, others_are_served_while_a_release_waits, service_that_starts_anew_learns_what_witnesses_have,
         what_was_revoked_meanwhile_does_not_leave, service_ends_in_order_though_a_witness_is_silent]
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
        W.close()
        shutil.rmtree(W.dir, ignore_errors=True)
    sys.exit(bad > 0)
