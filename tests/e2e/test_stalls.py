#!/usr/bin/python3
"""Images and containers that would have the guest's agent wait for them for ever. Waiting for the container runtime ends after 10 s here (fake_trust.c)."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from podkit import *
import asks

seal(DATA)
BRIEF = IMAGE.replace("/app@", "/brief@")


def coffer(verb, *args):
    """None: no answer."""
    try:
        r = subprocess.run([COFFER, verb, "--state", PODS, *args], env=ENV, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None
    r.out, r.err = r.stdout.decode("utf8", "replace"), r.stderr.decode("utf8", "replace")
    return r


def ended(r, code):
    return r is not None and r.returncode == code


def until(done):
    for _ in range(200):
        if done():
            return True
        time.sleep(0.1)
    return False


# ---- an image in which what the runtime reads before it starts a container is a pipe ----

m = manifest([container("two", "true", image=IMAGE.replace("/app@", "/fifo@"), **POOR)])
try:
    r = run(pod(m))
except subprocess.TimeoutExpired:
    r = None
check("image_with_pipes_where_the_runtime_reads_is_refused", ended(r, 5) and "container runtime create: it was not done in 10 s" in r.err, r)
check("of_that_container_nothing_is_left", r is not None and until(lambda: not leftovers()), leftovers())

# ---- a container that stops whatever is made beside it; another of the pod goes on ----

LINE = ["/bin/busybox", "echo", "status"]
m = manifest([container("one", "echo up; /bin/busybox sleep 600", image=BRIEF, **POOR), container("two", "exec /bin/spoof stop", **POOR)], logs=["one", "two"])
m["host"]["exec"] = [{"container": c, "args": LINE} for c in ("one", "two")]
r = run(pod(m), "--detach", "--name", "x")
check("both_start", ended(r, 0) and until(lambda: "stopping" in coffer("logs", "x", "two").out), r)
tries = []
for _ in range(8):  # it may be too late for one
    tries.append(coffer("exec", "x", "two", "--", *LINE))
    if not ended(tries[-1], 0):
        break
check("process_that_is_stopped_while_it_is_made_is_given_up", ended(tries[-1], 5) and "container runtime exec: it was not done in 10 s" in tries[-1].err, tries[-1])
r = coffer("exec", "x", "one", "--", *LINE)
check("the_agent_answers_and_the_other_container_runs", ended(r, 0) and r.out == "status\n", r)
def runtimes():
    found = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try: said = open("/proc/%s/cmdline" % p, "rb").read()
        except OSError: continue
        if T.encode() in said and b"\0exec\0--process\0" in said: found.append(p)
    return found
found = runtimes()
check("what_was_stopped_is_gone", not found, found)
r = coffer("stop", "x")
check("the_pod_ends_as_others_do", ended(r, 0), r)
coffer("rm", "x")

# ---- a process beside a container's own that leaves the agent a child: its namespace has not ended before somebody awaits that ----

SIBLING = ["/bin/spoof", "sibling"]
m = manifest([container("one", "/bin/busybox sleep 600", outputs=[])], logs=["one"])
m["host"]["exec"] = [{"container": "one", "args": SIBLING}]
r = run(pod(m), "--detach", "--name", "y")
check("it_starts", ended(r, 0), r)
r = coffer("exec", "y", "one", "--", *SIBLING)
check("process_leaves_a_sibling", ended(r, 0) and r.out == "left\n", r)
host = asks.Agent(PODS + "/y/agent.sock")
try: answer = host.call("RemoveContainer", asks.message(f1="one"))
except OSError as e: answer = repr(e)
check("container_with_a_strange_child_of_the_agents_is_removed", answer[0] == asks.OK, answer)
coffer("stop", "y"), coffer("rm", "y")
check("nothing_is_left", until(lambda: not leftovers()), leftovers())
done()
