#!/usr/bin/python3
"""Slots in a running guest: real agent, gates, namespaces and crun; the service is stood in for by fake_trust.c. argv: coffer, agent. TAP."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from podkit import *

seal(DATA)
TOKEN, SCANS = ("token", "kbs:///hospital/note/greeting"), ("scans", ASSET)
READS = "%stoken | sha256sum; %shospital/note/greeting | sha256sum; head -c 9 /data" % (SLOT, GET)
m = slotted("/bin/busybox sh -c '%s'" % READS)
GIVEN = re.compile("^([0-9a-f]{64}).*\n\\1")  # twice the same
NOTHING = hashlib.sha256(b"").hexdigest()
both = binding(m, "east", [TOKEN, SCANS])
r = run(pod(m), "--binding", both)
check("what_fills_a_slot_is_served_under_its_name_and_its_path_and_mounted", r.returncode == 0 and GIVEN.match(r.out) and NOTHING not in r.out and "patient 1" in r.out, r)
r = run(pod(m), "--binding", binding(m, "tok", [TOKEN]), "--binding", binding(m, "sca", [SCANS]))
check("two_bindings_fill_one_slot_each", r.returncode == 0 and "patient 1" in r.out and "filled by nothing" not in r.err, r)
r = run(pod(m))
check("slots_without_a_binding_are_told_of_before_anything_starts", r.returncode != 0 and all(0 < r.err.find("slot %s is filled by nothing: no --binding" % s) < r.err.find("PLATFORM SAMPLE")
      for s in ("token", "scans")), r)
r = run(pod(m), "--binding", binding(m, "sca", [SCANS]))
check("slot_that_nothing_fills_serves_nothing", r.out.count(NOTHING) == 2 and "patient 1" in r.out, r)
check("slot_that_the_bindings_leave_empty_is_told_of_before_anything_starts", 0 < r.err.find("slot token is filled by nothing: no --binding of this workload names it") < r.err.find("PLATFORM SAMPLE")
      and "slot scans is filled" not in r.err, r)
r = run(pod(m), "--binding", binding(m, "tok", [TOKEN]))
check("volume_whose_slot_nothing_fills_is_not_mounted", r.returncode != 0 and "patient" not in r.out and "nothing fills slot scans of volume patients" in r.err and "--binding" in r.err, r)
r = run(pod(m), "--binding", binding(m, "other", [TOKEN, SCANS], digest="a" * 64))
check("binding_of_another_workload_is_refused", r.returncode != 0 and "of another workload" in r.err and "slot token is filled by nothing" in r.err and
      "slot scans is filled by nothing" in r.err, r)
r = run(pod(m), "--binding", both, "--binding", binding(m, "west", [TOKEN]))
check("slot_that_two_bindings_fill_is_refused", r.returncode != 0 and "two bindings fill slot token" in r.err, r)
r = run(pod(m), "--binding", binding(m, "x", [("nope", ASSET)]))
check("slot_that_the_manifest_has_not_is_refused", r.returncode != 0 and "does not have" in r.err, r)
r = run(pod(m), "--binding", T + "/missing.json")
check("binding_that_is_not_there_is_named_before_anything_starts", r.returncode == 4 and "missing.json" in r.err, r)
open(T + "/bad.json", "w").write("{}")
r = run(pod(m), "--binding", T + "/bad.json")
check("malformed_binding_is_refused", r.returncode != 0 and not leftovers(), r)
done()
