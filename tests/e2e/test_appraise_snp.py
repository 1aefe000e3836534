#!/usr/bin/env python3
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
        print(f"1..{len(rows) + 1}")
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
    return bad != 0


sys.exit(main())
