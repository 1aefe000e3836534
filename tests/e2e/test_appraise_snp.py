#!/usr/bin/python3
"""coffer evidence appraise on SEV-SNP evidence made here: each exit code, both forms of evidence, files known by content. Usage: COFFER"""
import json
import os
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from snp import Chip

COFFER = os.path.abspath(sys.argv[1])
chip, DATA = Chip(), b"\x5a" * 64
raw = chip.report(DATA, b"\0" * 32)


def folder(at, **files):
    os.mkdir(at)
    for name, text in files.items():
        with open(f"{at}/{name}", "wb") as f:
            f.write(text)
    return at


def appraise(d, evidence, col, *args, time="2026-01-01T00:00:00Z"):
    with open(f"{d}/evidence", "wb") as f:
        f.write(evidence)
    r = subprocess.run([COFFER, "evidence", "appraise", "--platform", "snp", "--evidence", f"{d}/evidence", "--collateral", col, "--roots", f"{d}/roots",
                        "--time", time, "--json", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return r.returncode, json.loads(r.stdout) if r.stdout else {}


def run(*args):
    r = subprocess.run([COFFER, "evidence", "appraise", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return r.returncode, json.loads(r.stdout) if "--json" in args and r.stdout else r.stdout, r.stderr


def put(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def refused(j, check):
    """The reason of a verdict, whole, by that check."""
    return set(j.get("reason") or {}) == {"check", "field", "expected", "found"} and j["reason"]["check"] == check


def policies(d, base):
    """A policy that cannot be evaluated says why in the JSON, beside the verdict on the evidence, which stays valid."""
    texts = {"that_does_not_compile": "package policy\ntrust_claims := {",
             "that_conflicts": "package policy\ntrust_claims := {\"hardware\": 2} if input.snp\ntrust_claims := {\"hardware\": 97} if input.snp\n",
             "that_does_not_end": "package policy\nn := numbers.range(1, 3000)\ntrust_claims := {\"hardware\": count([1 | some a in n; some b in n; a == b])}\n",
             "without_claims": "package policy\nx := 1\n"}
    said = {"that_does_not_compile": "rego_parse_error", "that_conflicts": "conflict", "that_does_not_end": "steps", "without_claims": "trust_claims"}
    for name, text in texts.items():
        rc, j, _ = run(*base, "--policy", put(f"{d}/p.rego", text), "--json")
        error = j.get("policy", {}).get("error", {})
        yield f"policy_{name}_is_told_in_json", rc == 1 and j["verdict"] == "valid" and "ear" not in j and error.get("check") and said[name] in error.get("reason", ""), error
    rc, j, _ = run(*base, "--policy", put(f"{d}/p.rego", 'package policy\ntrust_claims := {"hardware": 2}\n'), "--json")
    yield "policy_that_answers_is_told_by_its_ear", rc == 0 and "ear" in j and "policy" not in j, j


def beside(d, base):
    """No devices at all are malformed evidence of devices; the verdict is theirs, and the machine's own is still there."""
    rc, j, err = run(*base, "--additional", put(f"{d}/devices", '{"nvidia": {"device_evidence_list": []}}'), "--json")
    yield "devices_that_are_refused_decide_the_verdict", rc == 3 and j["verdict"] == "malformed" and refused(j, "form") and j["platform"] == "snp" and j["primary"] == {
        "verdict": "valid", "reason": None} and j["additional"][0]["verdict"] == "malformed", (rc, j, err)
    rc, j, err = run(*base, "--report-data", "00" * 64, "--additional", f"{d}/devices", "--json")
    yield "a_machine_that_is_refused_decides_before_its_devices", rc == 1 and j["verdict"] == "invalid" and refused(j, "report_data") and j["primary"]["reason"] == j["reason"], (rc, j)


def files(d, base):
    """A file that is not there was never judged: 2, and its name; 4 is for collateral that nobody could have."""
    shut = put(f"{d}/shut", "")
    os.chmod(shut, 0)
    rest = [a for a in base if a not in ("--evidence", f"{d}/evidence")]
    for option in ("evidence", "collateral", "roots", "policy", "reference-values", "init-data", "additional"):
        args = rest + ["--evidence", f"{d}/evidence"] if option != "evidence" else rest
        if option in ("collateral", "roots"):
            at = args.index("--" + option)
            args = args[:at] + args[at + 2:]
        args = args + (["--policy", "default"] if option == "reference-values" else [])
        for what, path in [("missing", f"{d}/no-such")] + ([] if os.geteuid() == 0 else [("shut", shut)]):
            rc, _, err = run(*args, "--" + option, path)
            yield f"{option}_{what}_is_wrong_use_and_named", rc == 2 and path in err and "--" + option in err, (rc, err)


def bounds(d, base):
    """What is too large or too many is malformed, and the JSON says so as of any verdict."""
    with open(f"{d}/large", "wb") as f:
        f.truncate((8 << 20) + 1)
    rc, j, _ = run("--platform", "snp", "--evidence", f"{d}/large", "--json")
    yield "evidence_over_its_bound_has_a_verdict", rc == 3 and j.get("verdict") == "malformed" and refused(j, "form") and "larger" in j["reason"]["found"], (rc, j)
    at = base.index("--collateral")
    many = folder(f"{d}/many", **{f"{i:02}": Chip(i).cert for i in range(17)})
    rc, j, _ = run(*base[:at], "--collateral", many, *base[at + 2:], "--json")
    yield "too_many_certificates_have_a_verdict", rc == 3 and j.get("verdict") == "malformed" and refused(j, "form") and "checks" in j, (rc, j)


def further(d):
    with open(f"{d}/evidence", "wb") as f:
        f.write(raw)
    base = ["--platform", "snp", "--evidence", f"{d}/evidence", "--collateral", f"{d}/have", "--roots", f"{d}/roots", "--time", "2026-01-01T00:00:00Z"]
    for part in (policies, beside, files, bounds):
        yield from part(d, base)
    for time, want in (("2026-01-01T02:00:00+02:00", 0), ("2026-01-01T02:00:00+0200", 2)):
        rc, _, err = run(*base[:-1], time)
        yield f"time_{time}_is_{want}", rc == want and (rc == 0 or "--time" in err), (rc, err)
    rc, out, _ = run("--help")
    yield "help_lists_the_exit_codes", rc == 0 and all(w in out for w in ("exit codes: 0 valid", "2 usage", "3 malformed", "4 collateral unavailable")), out


def main():
    with tempfile.TemporaryDirectory() as d:
        folder(f"{d}/roots", **{"photo.jpg": chip.root})
        have, none = folder(f"{d}/have", **{"list.crl": chip.cert}), folder(f"{d}/none")
        pem = x509.load_der_x509_certificate(chip.cert).public_bytes(serialization.Encoding.PEM)
        as_pem = folder(f"{d}/pem", **{"notes.json": pem})
        forged = bytearray(raw)
        forged[0x90] ^= 1
        rows = [
            ("valid", 0, raw, have, [], {}),
            ("valid", 0, raw, as_pem, ["--report-data", DATA.hex()], {}),
            ("invalid", 1, raw, have, ["--report-data", "00" * 64], {}),
            ("invalid", 1, bytes(forged), have, [], {}),
            ("stale", 1, raw, have, [], {"time": "2050-01-01T00:00:00Z"}),
            ("malformed", 3, raw[:-1], have, [], {}),
            ("collateral-unavailable", 4, raw, none, [], {}),
        ]
        bad = 0
        for i, (verdict, rc, evidence, col, args, more) in enumerate(rows, 1):
            got, j = appraise(d, evidence, col, *args, **more)
            ok = got == rc and j.get("verdict") == verdict and (j["reason"] is None if rc == 0 else set(j["reason"]) == {"check", "field", "expected", "found"})
            ok = ok and {"checks", "claims"} <= set(j) and "ear" not in j
            bad += not ok
            print(f"{'ok' if ok else 'not ok'} {i} {verdict}_is_{rc}", "" if ok else f"# {got} {j.get('verdict')} {j.get('reason')}")
        r = subprocess.run([COFFER, "evidence", "appraise", "--platform", "snp"], stderr=subprocess.PIPE)
        bad += r.returncode != 2
        print(f"{'ok' if r.returncode == 2 else 'not ok'} {len(rows) + 1} wrong_use_is_2", f"# {r.returncode}")
        last = len(rows) + 1
        for last, (name, ok, seen) in enumerate(further(d), last + 1):
            bad += not ok
            print(f"{'ok' if ok else 'not ok'} {last} {name}", "" if ok else f"# {seen}"[:600])
        print(f"1..{last}")
    return bad != 0


sys.exit(main())
