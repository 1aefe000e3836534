#!/usr/bin/python3
"""Acts out the adversary scenarios on one running trust service; TAP. Usage:
attack.py BUILD [ROW...]   all rows, or these; their order is the stage's, some leave it changed
attack.py --table          writes docs/attacks.md to standard output
attack.py --check FILE     TAP: is FILE that table"""
import os, shutil, sys, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import stage
import group_a, group_b, group_c, group_d, group_e, group_g, group_h
from stage import ROWS, Skip

LAST = ["G4", "G19"] # what follows them would have to be deployed anew

HEAD = """# Attacks that are acted out

`make attack` runs them: a party or an operator uses the power it has, on a running trust service, after the same thing done properly has worked. Refusals are
recognised by the id of the check. A row counts only if the adversary's own action is performed; where it is performed inside a unit program, the
table names it. Reports of SNP are made by the test, under a root that the genesis names: the chip's own protection is not shown by any of this.
*Emulated boundary*: what the host does is done, to a VM under emulation; that hardware would keep the host out of its memory is not shown.

This table is written by `tests/adversary/attack.py --table`, and a test holds the two against each other.

| row | what is done | refused by | acted out by |
|---|---|---|---|
"""


def key(id):
    return id[0], int(id[1:].rstrip("bcde")), id[-1]


def table():
    out = HEAD
    for id in sorted(ROWS, key=key):
        r = ROWS[id]
        out += "| %s | %s | %s | %s |\n" % (id, r.title, ", ".join(r.checks) if r.act else "**not yet**", r.done)
    return out


def check(path):
    print("1..1")
    if open(path).read() == table():
        print("ok 1 table_of_attacks_is_in_step_with_the_programs")
        return 0
    print("not ok 1 table_of_attacks_is_in_step_with_the_programs # tests/adversary/attack.py --table > docs/attacks.md")
    return 1


def act(w, n, r):
    name = "%s %s" % (r.id, r.title)
    if not r.act:
        print("ok %d %s # SKIP not yet: %s" % (n, name, r.done), flush=True)
        return 0
    try:
        if w.proc.poll() is not None:
            w.start()
        r.act(w)
        print("ok %d %s: %s" % (n, name, ", ".join(r.checks)), flush=True)
        return 0
    except Skip as s:
        print("ok %d %s # SKIP %s" % (n, name, s), flush=True)
        return 0
    except Exception:
        print("".join("# " + l + "\n" for l in traceback.format_exc().splitlines()), end="")
        print("not ok %d %s" % (n, name), flush=True)
        return 1


def main():
    wanted = [i for i in sorted(ROWS, key=key) if i not in LAST] + LAST
    if stage.MINE[1:]:
        wanted = [i for i in wanted if i in stage.MINE[1:]]
    w = stage.World()
    print("1..%d" % len(wanted))
    try:
        w.start()
        w.deploy()
        bad = sum(act(w, n, ROWS[i]) for n, i in enumerate(wanted, 1))
        if bad:
            print("".join("# log: " + l + "\n" for l in w.logs().splitlines()[-20:]), end="")
    finally:
        if w.proc and w.proc.poll() is None:
            w.end()
        shutil.rmtree(w.dir, ignore_errors=True)
    return 1 if bad else 0


if stage.MINE[:1] == ["--table"]:
    print(table(), end="")
elif stage.MINE[:1] == ["--check"]:
    sys.exit(check(stage.MINE[1]))
else:
    sys.exit(main())
