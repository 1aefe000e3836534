#!/usr/bin/python3
"""Cases for Rego from the shared folder through `coffer policy test`, each a TAP line.

test_rego_cases.py COFFER KNOWN FOLDER [SUITE...]: FOLDER is below $COFFER_SHARED. KNOWN lists what fails for a reason, "ID reason" a line: such a
case counts as skipped, by name, and as failed should it pass. Policies that are not in the tree are looked for in $COFFER_POLICIES."""
import json
import os
import subprocess
import sys


def known_cases(path):
    with open(path, encoding="utf-8") as f:
        lines = [l.strip() for l in f if l.strip() and not l.startswith("#")]
    return dict(l.split(None, 1) for l in lines)


def judge(coffer, folder, suite):
    cmd = [coffer, "policy", "test", "--json"]
    if os.environ.get("COFFER_POLICIES"):
        cmd += ["--policies", os.environ["COFFER_POLICIES"]]
    if suite:
        cmd += ["--suite", suite]
    run = subprocess.run(cmd + [folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    try:
        report = json.loads(run.stdout)
    except ValueError:
        return [], "exit %d: %s" % (run.returncode, run.stderr.decode(errors="replace").strip()[-300:])
    wrong = run.returncode != (1 if report["failed"] else 0)
    return report["cases"], "exit %d with %d failed" % (run.returncode, report["failed"]) if wrong else None


def plain(text):
    return text.replace("#", "%").replace("\n", " ")


def line(n, case, known):
    name, why = plain(case["id"]), plain(case.get("why", ""))
    if case["id"] in known:
        if case["outcome"] == "passed":
            return "not ok %d %s is on the list of what fails, but passes" % (n, name)
        return "ok %d %s # SKIP known: %s" % (n, name, known[case["id"]])
    if case["outcome"] == "failed":
        return "not ok %d %s\n# %s" % (n, name, why)
    return "ok %d %s%s" % (n, name, " # SKIP " + why if case["outcome"] == "skipped" else "")


def main(coffer, known_path, folder, *suites):
    folder = os.path.join(os.environ.get("COFFER_SHARED", "/nonexistent"), folder)
    if not os.path.isdir(folder):
        print("1..0 # SKIP no shared cases")
        return 0
    if os.path.basename(folder) == "policies" and not os.environ.get("COFFER_POLICIES"):
        print("1..0 # SKIP policies of other projects are not in the tree: COFFER_POLICIES names their folder")
        return 0
    known, lines, broken = known_cases(known_path), [], []
    for suite in suites or (None,):
        cases, trouble = judge(coffer, folder, suite)
        lines += [line(len(lines) + i + 1, c, known) for i, c in enumerate(cases)]
        if trouble:
            broken.append("%s: %s" % (suite or folder, trouble))
    for trouble in broken:
        lines.append("not ok %d %s" % (len(lines) + 1, plain(trouble)))
    print("1..%d" % len(lines))
    print("\n".join(lines))
    return 1 if any(l.startswith("not ok") for l in lines) else 0


sys.exit(main(*sys.argv[1:]))
