#!/usr/bin/python3
"""Leases in a running guest: real agent, gates, namespaces and crun; the service is stood in for by fake_trust.c, which answers by
the asset's name. Check and grace are a second each, and nothing here looks at a clock. argv: coffer, agent. TAP."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import podkit
from podkit import *

seal(DATA)
def holds(*notes):
    return [{"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}] + [
        {"asset": "kbs:///hospital/note/" + n, "purpose": "api"} for n in notes]
def leased(note, script, **more):
    return container("one", "/bin/busybox %shospital/note/%s >/dev/null || exit 9; %s" % (GET, note, script), entitlements=holds(note, *more.pop("more_notes", [])),
                     mounts=more.pop("mounts", []), outputs=[], **more)
FOREVER = "while :; do /bin/busybox sleep 1; done"
r = run(pod(manifest([leased("brief-silent", FOREVER)])))
check("network_cut_by_the_host_stops_the_container",
      r.returncode == 6 and "lease: container one: the service said nothing of" in r.err and not leftovers(), r)
r = run(pod(manifest([leased("brief-held", "/bin/busybox %shospital/note/stalled; %s" % (GET, FOREVER), more_notes=["stalled"])])))
check("host_that_stalls_the_agent_gains_no_time",
      r.returncode == 6 and "lease: container one: the service said nothing of" in r.err, r)
r = run(pod(manifest([leased("brief-revoked", FOREVER)])), "--json")
check("revoked_asset_stops_the_container",
      r.returncode == 6 and "is revoked (R11" in r.err and json.loads(r.out)["containers"][0]["lapsed"], r)
r = run(pod(manifest([leased("brief-paused", FOREVER)])))
check("what_is_asked_later_names_the_lapse", run(pod(manifest([leased("brief-revoked", FOREVER)])), "--detach", "--name", "lapses").returncode == 0)
w = subprocess.run([COFFER, "wait", "--state", PODS, "lapses"], env=ENV, capture_output=True, text=True, timeout=60)
p = subprocess.run([COFFER, "ps", "--state", PODS], env=ENV, capture_output=True, text=True)
check("wait_and_ps_name_the_lapse", w.returncode == 6 and all("lease: container one: " in t and "is revoked (R11" in t for t in (w.stderr, p.stdout)), (w.stderr, p.stdout))
subprocess.run([COFFER, "rm", "--state", PODS, "lapses"], env=ENV, capture_output=True)
check("paused_asset_stops_the_container", r.returncode == 6 and "is paused (R11" in r.err, r)
r = run(pod(manifest([leased("brief-held", "i=0; while [ $i -lt 30 ]; do i=$((i+1)); /bin/busybox sleep 0.1; done")])))
check("held_asset_outlives_check_and_grace", r.returncode == 0 and "lease:" not in r.err, r)
r = run(pod(manifest([leased("brief-forgotten", "i=0; while [ $i -lt 40 ]; do i=$((i+1)); /bin/busybox sleep 0.1; done")])))
check("service_that_was_started_anew_is_attested_to_anew", r.returncode == 0 and "lease:" not in r.err, r)
r = run(pod(manifest([leased("brief-forged", FOREVER)])))
check("answer_that_does_not_count_is_silence", r.returncode == 6 and "did not sign" in r.err and "the service said nothing of" in r.err, r)
r = run(pod(manifest([leased("brief-wipe-revoked", "while /bin/busybox %shospital/note/brief-wipe-revoked >/dev/null; do :; done; echo goes on" % GET)],
                     logs=["one"])))
check("asset_that_asks_for_wipe_alone_lets_the_container_run_on",
      r.returncode == 0 and "goes on" in r.out and "; wiped" in r.err, r)
r = run(pod(manifest([leased("brief-wipe-revoked", FOREVER, **{"on-lapse": {"action": "stop", "check": 60, "grace": 60, "term": 0}})])))
check("manifest_asks_more_than_the_asset", r.returncode == 6 and "; stopped" in r.err, r)
told = {"on-lapse": {"action": "wipe", "check": 60, "grace": 60, "term": 30}}
r = run(pod(manifest([leased("brief-silent", "trap 'echo told; exit 0' TERM; while :; do /bin/busybox sleep 0.1; done", **told)], logs=["one"])))
check("container_is_told_first_and_ending_well_is_still_a_lapse", r.returncode == 6 and "told" in r.out, r)
r = run(pod(manifest([leased("brief-revoked", "while :; do echo one is here | /bin/busybox nc -l -p 7001; done"),
                      container("two", """until /bin/busybox nc 127.0.0.1 7001; do /bin/busybox sleep 0.1; done
n=0; while [ $n -lt 10 ]; do n=$((n+1)); /bin/busybox nc 127.0.0.1 7001 >/dev/null && n=0; /bin/busybox sleep 0.1; done; echo outlived""", **POOR)], logs=["two"])))
check("container_that_holds_nothing_of_it_runs_on",
      r.returncode == 6 and "outlived" in r.out and "container two: ended with 0" in r.err, r)
podkit.ASSET = "kbs:///hospital/data-key/brief-wipe-revoked"
seal(DATA)
r = run(pod(manifest([container("one", "while [ -s /data ]; do /bin/busybox sleep 0.1; done; echo emptied", outputs=[], entitlements=holds() + [
    {"asset": podkit.ASSET, "purpose": "volume", "volume": "patients"}])], logs=["one"])))
check("wiped_volume_is_empty_for_the_container_that_has_it_open",
      r.returncode == 0 and "emptied" in r.out and "; wiped" in r.err, r)

done()
