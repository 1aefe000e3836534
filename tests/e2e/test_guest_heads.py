#!/usr/bin/python3
"""The guest's client library and a service whose operator goes back to an older copy of everything, or goes on from there with another
history. argv: COFFERD FRESH_PROBE. TAP."""
import os, shutil, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from test_service import *

W = World()


def guest_asks():
    """What the guest, which keeps what it saw, is told at the service's address of now."""
    W.guest.stdin.write("https://%s\n" % W.address)
    W.guest.stdin.flush()
    return W.guest.stdout.readline().strip()


def entries(n):
    """Others' business, by which the ledger grows."""
    for _ in range(n):
        W.version, before = W.version + 1, W.before
        r, W.before = W.put(W.lab, LAB, os.urandom(8), W.version, before)
        assert r.status == 200, r.body


def newest():
    """Where the next entry begins: what the service has of the lab's asset now."""
    path = "/coffer/v0/statements?kind=asset&subject=" + LAB
    env = W.c.call("GET", path, bearer=W.lab.token("GET", path)).json()["statements"][0]
    W.version, W.before = json.loads(base64.b64decode(env["payload"]))["predicate"]["body"]["version"], payload_id(env)


def size():
    return W.c.call("GET", "/coffer/v0/status").json()["journal"]["seq"] + 1


def guest_goes_along_with_a_ledger_that_grows():
    W.start()
    W.deploy()
    newest()
    W.guest = subprocess.Popen([PROBE, W.gid, W.put_file("initdata", W.initdata), DATA, "analyse", "api"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for more in (0, 1, 5):
        entries(more)
        said = guest_asks()
        assert said == "held %d" % size(), (said, size())
    W.end()
    shutil.copytree(W.state, W.dir + "/older")
    W.start()
    entries(4)
    assert guest_asks() == "held %d" % size()
    W.seen = size()


def restored_service_is_refused_by_name():
    W.end()
    shutil.move(W.state, W.dir + "/newer")
    shutil.copytree(W.dir + "/older", W.state)
    W.start()
    said = guest_asks()
    assert said.startswith("ledger-rollback: ") and str(W.seen) in said, said


def another_history_is_refused_by_name_however_long():
    newest()
    entries(W.seen - size() + 3)
    said = guest_asks()
    assert said.startswith("ledger-fork: "), said


def the_history_that_was_seen_is_gone_along_with_again():
    W.end()
    shutil.rmtree(W.state)
    shutil.move(W.dir + "/newer", W.state)
    W.start()
    assert guest_asks() == "held %d" % size()
    W.guest.stdin.close()
    assert W.guest.wait(60) == 0
    W.guest.stdout.close()
    assert W.end() == 0


if __name__ == "__main__":
    sys.exit(run(W, [guest_goes_along_with_a_ledger_that_grows, restored_service_is_refused_by_name, another_history_is_refused_by_name_however_long,
                     the_history_that_was_seen_is_gone_along_with_again]))
