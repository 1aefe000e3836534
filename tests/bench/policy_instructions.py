#!/usr/bin/python3
"""Instructions of one warm policy evaluation, counted by callgrind: those of 300 evaluations less those of 100, divided by 200. They do not
depend on how busy the machine is."""
import re
import shutil
import subprocess
import sys

PROGRAM = "build/plain/tests/bench/bench_policy"


def count(row, times):
    p = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", PROGRAM, "--count", row, str(times)],
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", p.stderr).group(1))


if not shutil.which("valgrind"):
    sys.exit("policy_instructions: no valgrind")
for row in ("release", "appraisal", "boundary-create", "boundary-exec"):
    print("policy-%s-instructions\t%d\tinstructions\t-\t-" % (row, (count(row, 300) - count(row, 100)) // 200), flush=True)
