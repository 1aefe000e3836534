#!/usr/bin/python3
"""Instructions of one warm verification of evidence, counted by callgrind, against those of its signature checks alone: those of 12
runs less those of 2, divided by 10, keys made ready for the checks not counted. They do not depend on how busy the machine is."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("BENCH_EVIDENCE", "build/plain/tests/bench/bench_evidence")


def count(what, folder, row, times):
    p = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                        "--toggle-collect=" + ("appraise_once" if what == "--count" else "checks_replay"), PROGRAM, what, folder, row, str(times)],
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", p.stderr).group(1))


def each(what, folder, row):
    return (count(what, folder, row, 12) - count(what, folder, row, 2)) // 10


if not shutil.which("valgrind"):
    sys.exit("evidence_instructions: no valgrind")
with tempfile.TemporaryDirectory(prefix="coffer-bench-evidence.") as made:
    subprocess.run([PROGRAM, "--make", made], check=True)
    for name in sys.argv[1:] or sorted(os.listdir(made)):
        ours, alone = each("--count", made, name), each("--checks", made, name)
        print("evidence.%s.instructions\t%d\tinstructions\t%d\t%.2f" % (name, ours, alone, alone / ours), flush=True)
