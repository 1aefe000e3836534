#!/usr/bin/python3
"""Adds up test cases over meson's logs: tally.py LABEL=testlog.json ...

Prints every failed and skipped case by name, and last, alone on its line, the total. Cases are TAP lines, not
executables; a program without TAP is one case. Exit 0 only with nothing failed and something passed."""
import json
import re
import sys

LINE = re.compile(r"^(not ok|ok)\b\s*\d*\s*-?\s*([^#]*)(#\s*(SKIP|TODO)\b\s*(.*))?", re.I)


def cases(test):
    found = []
    for line in (test.get("stdout") or "").splitlines():
        m = LINE.match(line)
        if m:
            state = "failed" if m.group(1) == "not ok" else "passed"
            why = ""
            if m.group(4) and m.group(4).upper() == "SKIP":
                state, why = "skipped", m.group(5)
            found.append((state, m.group(2).strip(), why))
        m = re.match(r"^1\.\.0\s*#\s*SKIP\s*(.*)", line, re.I)
        if m:
            found.append(("skipped", "all cases", m.group(1)))
    result = test["result"]
    if not found:
        state = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}.get(result, "failed")
        found.append((state, result.lower(), ""))
    elif result not in ("OK", "EXPECTEDFAIL", "SKIP") and not any(s == "failed" for s, _, _ in found):
        found.append(("failed", "the program: " + result.lower(), ""))
    return found


def main(args):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for arg in args:
        label, path = arg.split("=", 1)
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                tests = [json.loads(l) for l in f if l.strip()]
        except OSError as e:
            print(f"FAILED {label}: no test log ({e.strerror})")
            total["failed"] += 1
            continue
        for t in tests:
            name = t["name"].split(" / ")[-1].split(":")[-1]
            for state, case, why in cases(t):
                total[state] += 1
                if state != "passed":
                    print(f"{state.upper()} {label} {name}: {case}" + (f" ({why})" if why else ""))
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % total)
    return 0 if total["failed"] == 0 and total["passed"] > 0 else 1


sys.exit(main(sys.argv[1:]))
