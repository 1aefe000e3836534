#!/usr/bin/python3
"""A host that asks a pod's agent for more than the manifest grants, by the boundary's own messages; what is left to it once the pod is over; and a container
that looks for its machine's devices and asks for evidence over bytes of its choice. On platform sample; tests/e2e/test_guest_store.py has the same in a VM.
argv: coffer, agent. TAP."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from podkit import *
import asks

SH, SECRET = "/bin/busybox", "kept to itself by the manifest"
seal(DATA)


def coffer(*a):
    r = subprocess.run([COFFER, a[0], "--state", PODS, *a[1:]], env=ENV, capture_output=True, timeout=60)
    r.err, r.out = r.stderr.decode("utf8", "replace"), r.stdout.decode("utf8", "replace")
    return r


def stays(text):
    """Files of the host's that hold the text."""
    return subprocess.run(["grep", "-rlaF", "-e", text, PODS], capture_output=True, text=True).stdout.splitlines()


STAY = "trap 'exit 0' TERM; %s; while :; do " + SH + " sleep 0.1; done"
m = manifest([container("one", STAY % "echo up", outputs=[]), container("two", STAY % ("echo '%s'" % SECRET), **POOR)], logs=["one"])
m["host"]["exec"] = [{"container": "one", "args": asks.LISTED}]
r = run(pod(m), "--detach", "--name", "asked")
check("the_pod_runs", r.returncode == 0, r)
sock = PODS + "/asked/agent.sock"
frame = asks.field(1, "grpc.AgentService") + asks.field(2, "GetGuestDetails")
frame = struct.pack(">IIBB", len(frame), 1, 1, 0) + frame
halves = [asks.Agent(sock) for _ in range(3)]
for cut, h in zip((1, 7, len(frame) - 1), halves):
    h.s.sendall(frame[:cut])
other = asks.Agent(sock).call("GetGuestDetails")[0]
for cut, h in zip((1, 7, len(frame) - 1), halves):
    h.s.sendall(frame[cut:])
check("nobody_waits_for_the_rest_of_another_s_frame", other == asks.OK and all(h.s.recv(1) for h in halves))
del halves, h
asks.exec_refusals(check, sock, "one", "two")
asks.stream_refusals(check, sock, "two", "one")
r = coffer("exec", "asked", "two", "--", *asks.LISTED)
check("coffer_exec_in_the_other_container_is_refused", r.returncode == 1 and "refused: gate: " in r.err, r)
r = coffer("logs", "asked", "two")
check("logs_of_what_the_manifest_keeps_are_refused", r.returncode == 1 and "refused: gate: ReadStdout of container two is not granted" in r.err, r)
r = coffer("stop", "asked")
check("the_pod_stops", r.returncode == 0, r)
r = coffer("logs", "asked")
check("logs_of_a_stopped_pod_are_those_that_were_granted", r.returncode == 0 and r.out == "up\n", r)
r = coffer("logs", "asked", "two")
check("logs_of_a_stopped_pod_hold_nothing_else", r.returncode == 1 and SECRET not in r.out, r)
# the pod's text has the line that prints it; its output is kept nowhere
check("what_the_manifest_keeps_is_in_no_file_of_the_host", not [f for f in stays(SECRET) if not f.endswith(("/pod.yaml", "/initdata.img"))] and os.path.exists(PODS + "/asked/one.stdout") and
      not os.path.exists(PODS + "/asked/two.stdout"))
check("rm_leaves_nothing", coffer("rm", "asked").returncode == 0 and not leftovers())

for name, more in (("plain", {}), ("with_mknod", {"capabilities": ["CAP_MKNOD"]})):
    r = run(pod(manifest([container("analyse", asks.FOUND, outputs=[], **more)], logs=["analyse"])))
    plain = check
    asks.found_nothing(lambda n, ok: plain(n + "_" + name, ok, r), r.out)
    check("container_makes_no_vsock_%s" % name, "vsock forbidden" in r.out, r)
done()
