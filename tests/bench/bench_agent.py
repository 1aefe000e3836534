#!/usr/bin/python3
"""The agent on this host's own processor: from its start to its container's first word, against crun alone with the very bundle that the agent
made, in the agent's own namespaces; and what it has resident then. Agent, launcher, gates, namespaces and crun are real; trust service and registry
are stood in for (tests/e2e/fake_trust.c), so that neither network nor pull is in the figures, nor what a connection to the service keeps in memory.

The first word is taken where it comes out of the launcher, so the launcher's calls are in the agent's time, which is therefore too long rather than too short.
Both take turns, each turn gives one ratio of neighbours, every figure is the median over the turns: TURNS, 9.
Five tab-separated fields: name, value, unit, limit or peer, ratio."""
import contextlib, os, statistics, subprocess, sys, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = TOP + "/build/plain/tests/e2e/fake-agent"
sys.argv = [sys.argv[0], TOP + "/build/coffer", AGENT]
sys.path.insert(0, TOP + "/tests/e2e")
sys.dont_write_bytecode = True
with contextlib.redirect_stdout(sys.stderr):  # what is absent is not a figure
    import podkit
from podkit import ENV, T, command, container, manifest, pod

TURNS = int(os.environ.get("TURNS", "9"))
START_MAX, RESIDENT_MAX = 150, 16 << 20  # ms, bytes
SPACES = ("mnt", "net", "pid", "ipc", "uts")


def row(name, value, unit, limit="-", ratio="-"):
    print(name, value, unit, limit, ratio, sep="\t", flush=True)


def agents():
    """Processes of the agent, the oldest first."""
    out = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{p}/exe") == os.path.realpath(AGENT):
                out.append(int(p))
        except OSError:
            pass  # it has ended
    return sorted(out)


def resident(pids):
    total = 0
    for p in pids:
        with open(f"/proc/{p}/status") as f:
            total += next(int(l.split()[1]) << 10 for l in f if l.startswith("VmHWM"))
    return total


def started(tmp):
    """An agent that notes when it began: the clock is read before it is there, never after."""
    path = tmp + "/agent"
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\ndate +%s%N >{tmp}/began\nexec {AGENT} \"$@\"\n")
    os.chmod(path, 0o755)
    return path


def word(p):
    """When its first line comes."""
    if p.stdout.readline() != b"up\n":
        sys.exit("the container did not come up: " + p.stderr.read(2000).decode("utf8", "replace"))
    return time.time_ns()


def alone(pid, nth):
    """crun with the agent's bundle, where the agent is."""
    state = next(a for a in open(f"/proc/{pid}/cmdline").read().split("\0") if a.startswith("/") and a.endswith("/state"))
    enter = ["nsenter", "-t", str(pid), *("--" + {"mnt": "mount"}.get(s, s) for s in SPACES)]
    run = ["crun", "--root", f"{T}/peer{nth}", "--cgroup-manager=disabled", "run", "--bundle", state + "/c0", f"peer{nth}"]
    begin = time.time_ns()
    p = subprocess.Popen(enter + run, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    took = word(p) - begin
    p.terminate()
    p.wait()
    return took


def turn(nth, wrapper):
    m = manifest([container("app", "echo up; exec /bin/busybox sleep 100", entitlements=podkit.POOR["entitlements"], mounts=[], outputs=[])], logs=["app"])
    m["volumes"] = []
    p = pod(m)
    p["spec"]["volumes"] = []
    launcher = subprocess.Popen(command(p), env={**ENV, "COFFER_AGENT": wrapper}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        up = word(launcher)
        with open(T + "/began") as f:
            mine = up - int(f.read())
        pids = agents()
        return mine / 1e6, alone(pids[0], nth) / 1e6, resident(pids)
    finally:
        launcher.terminate()
        launcher.wait()


def main():
    wrapper = started(T)
    turns = [turn(i, wrapper) for i in range(TURNS)]
    mine, peer, held = (statistics.median(t[i] for t in turns) for i in range(3))
    row("agent start to its container's first word", "%.1f" % mine, "ms", "%.1f" % peer, "%.2f" % statistics.median(t[0] / t[1] for t in turns))
    row("agent start to its container's first word, of its budget", "%.1f" % mine, "ms", START_MAX, "%.2f" % (mine / START_MAX))
    row("agent resident, at most, up to there", int(held), "bytes", RESIDENT_MAX, "%.2f" % (held / RESIDENT_MAX))


try:
    main()
finally:
    podkit.shutil.rmtree(T)
