#!/usr/bin/python3
"""The life of pods on platform sample: run --detach, ps, logs, exec, stop, wait, rm; and what is left when a part of one is killed. The agent, its
gates, namespaces and crun are real; trust service and registry are stood in for (fake_trust.c). argv: coffer, agent, a library that makes a launcher late. TAP."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from podkit import *

seal(DATA)
SH, LATE = "/bin/busybox", sys.argv[3]
LONG = "trap 'echo told; exit 0' TERM; echo up; echo oops >&2; while :; do %s sleep 0.1; done" % SH
STATUS = ["/bin/sh", "-c", "echo status; echo warn >&2; cat /proc/self/status | %s grep -E 'Seccomp:|NoNewPrivs|CapEff'; %s id -u; exit 7" % (SH, SH)]
SELF, STUCK, API = [SH, "cat", "/proc/self/cgroup"], [SH, "sleep", "600"], [SH, "wget", "-qO-", "http://127.0.0.1:8006/cdh/resource/hospital/note/greeting"]


def coffer(*a, timeout=60):
    r = subprocess.run([COFFER, a[0], "--state", PODS, *a[1:]], env=ENV, capture_output=True, timeout=timeout)
    r.err, r.out = r.stderr.decode("utf8", "replace"), r.stdout.decode("utf8", "replace")
    return r


def ps():
    return {p["name"]: p for p in json.loads(coffer("ps", "--json").out)}


def record(name):
    with open(PODS + "/" + name + "/pod.json") as f:
        return json.load(f)


def one(script, logs=("analyse",), execs=(), signals=(9, 15)):
    m = manifest([container("analyse", script, outputs=[])], logs=logs)
    m["host"]["signals"] = list(signals)
    if execs:
        m["host"]["exec"] = [{"container": "analyse", "args": a} for a in execs]
    return pod(m)


check("ps_of_nothing_is_empty", ps() == {})
r = run(one(LONG, execs=(STATUS, SELF, STUCK, API)), "--detach", "--name", "first")
check("detach_returns_with_the_name_when_containers_run", r.returncode == 0 and r.out == "first\n" and "container analyse: started" in r.err, r)
p = ps().get("first", {})
check("ps_shows_it_running", p.get("state") == "running" and p.get("platform") == "sample" and p["containers"][0]["name"] == "analyse")
check("ps_for_people_has_a_line", "first" in coffer("ps").out)
def sealed():
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/exe" % p) == os.path.realpath(AGENT) and any("/memfd:program" in os.readlink(f.path) for f in os.scandir("/proc/%s/fd" % p)):
                return True
        except OSError:
            pass
    return False
check("crun_is_run_from_sealed_memory_which_it_need_not_make", sealed())
r = run(one(LONG), "--detach", "--name", "first")
check("name_that_is_taken_is_an_error", r.returncode == 2 and "there is a pod first already, running: `coffer rm first --force --state %s` ends and removes it" % PODS in r.err, r)
check("name_of_odd_form_is_an_error", run(one(LONG), "--name", "../x").returncode == 2)
check("logs_show_what_is_granted", until(lambda: (lambda r: r.out == "up\n" and r.err == "oops\n" and r.returncode == 0)(coffer("logs", "first"))), coffer("logs", "first"))
check("logs_of_no_container_is_an_error", coffer("logs", "first", "other").returncode == 4)
check("no_pod_is_said", coffer("logs", "nobody").returncode == 4 and "no pod \"nobody\": see `coffer ps --state %s`" % PODS in coffer("stop", "nobody").err)

r = coffer("exec", "first", "analyse", "--", *STATUS)
check("exec_passes_on_output_and_code", r.returncode == 7 and r.out.startswith("status\n") and r.err == "warn\n", r)
check("exec_runs_as_the_container_does", all(w in r.out.replace("\t", "") for w in ("Seccomp:2", "NoNewPrivs:1", "CapEff:0000000000000000")), r)
own = coffer("exec", "first", "analyse", "--", *SELF)
check("exec_is_in_the_containers_group", own.returncode == 0 and re.search(r"^0::/coffer-guest-[0-9a-f]+/c0$", own.out, re.M) is not None, own)
r = coffer("exec", "first", "analyse", "--", *API)
check("exec_asks_the_api_as_its_container", r.returncode == 0 and len(r.stdout) == 32, r)
for name, args in (("another_line", [SH, "id"]), ("a_longer_line", SELF + ["/x"]), ("a_shorter_line", SELF[:2]), ("a_shell", ["/bin/sh"])):
    r = coffer("exec", "first", "analyse", "--", *args)
    check("exec_of_%s_is_refused" % name, r.returncode == 1 and "refused: gate: ExecProcess: the manifest grants no such command" in r.err, r)
check("exec_in_no_container_is_an_error", coffer("exec", "first", "other", "--", *SELF).returncode == 4)
stuck = subprocess.Popen([COFFER, "exec", "--state", PODS, "first", "analyse", "--", *STUCK], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
r = [coffer("exec", "first", "analyse", "--", *SELF) for _ in range(12)]
check("places_of_ended_processes_are_free_again", all(x.returncode == 0 for x in r), r[-1])

r = coffer("rm", "first")
check("rm_of_a_running_pod_says_what_to_do_first", r.returncode == 2 and "pod first is running: `coffer stop first --state %s` first, or --force" % PODS in r.err, r)
waiting = subprocess.Popen([COFFER, "wait", "--state", PODS, "first"], env=ENV)
following = subprocess.Popen([COFFER, "logs", "--state", PODS, "--follow", "first"], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
r = coffer("stop", "first", "--time", "45")
check("stop_ends_it_by_the_granted_signal", r.returncode == 0 and r.err == "" and ps()["first"]["state"] == "ended" and ps()["first"]["containers"][0]["exit"] == 0, r)
r = coffer("stop", "first")
check("stop_of_a_stopped_pod_is_nothing_and_says_so", r.returncode == 0 and r.err == "coffer stop: pod first is ended already\n", r)
check("wait_ends_with_the_pods_code", waiting.wait(60) == 0)
check("follow_ends_with_the_pod_and_has_its_last_words", following.communicate(timeout=60)[0].endswith(b"told\n"))
check("what_was_run_beside_dies_with_the_container", stuck.wait(60) != 0)
check("logs_outlive_the_pod", coffer("logs", "first").out == "up\ntold\n")
r = coffer("exec", "first", "analyse", "--", *SELF)
check("exec_in_an_ended_pod_is_an_error", r.returncode == 4 and "ended" in r.err, r)
check("rm_removes_it", coffer("rm", "first").returncode == 0 and ps() == {} and not leftovers())

# what the manifest does not let the host have
r = run(one("while :; do %s sleep 0.1; done" % SH, logs=(), signals=()), "--detach")
check("without_a_name_it_has_the_pods", r.returncode == 0 and r.out == "risk\n", r)
r = coffer("logs", "risk")
check("logs_not_granted_are_refused_by_the_gate", r.returncode == 1 and re.search("^refused: gate: ReadStdout of container analyse is not granted", r.err, re.M), r)
check("nothing_of_them_is_kept", not [f for f in os.listdir(PODS + "/risk") if f.endswith((".stdout", ".stderr"))])
r = run(one("exit 3"), "--detach")
check("the_next_one_has_a_number", r.returncode == 0 and r.out == "risk-2\n", r)
check("wait_ends_with_1_where_a_container_failed", coffer("wait", "risk-2").returncode == 1 and ps()["risk-2"]["containers"][0]["exit"] == 3)
r = coffer("stop", "risk", "--time", "1")
check("stop_without_the_signal_says_so_and_ends_the_guest", r.returncode == 0 and "signal 15 is not granted" in r.err and
      "pod risk has not ended within 1 s by itself, and none of its containers was sent SIGTERM (--time): its guest is ended" in r.err and ps()["risk"]["state"] == "stopped", r)
check("logs_not_granted_are_refused_afterwards_too", coffer("logs", "risk").returncode == 1)
r = run(pod(manifest([container("analyse", "x", image=IMAGE.replace("/app@", "/unsigned@"))])), "--detach", "--name", "bad")
check("detach_tells_why_a_pod_does_not_start", r.returncode == 1 and "refused: signature: " in r.err and "bad" not in ps(), r)
check("rm_of_both", coffer("rm", "risk").returncode == 0 and coffer("rm", "risk-2").returncode == 0 and not leftovers())

# each part of a pod, killed
for role, state, cause in (("launcher", "dead", "its launcher was killed"), ("guest", "dead", "the guest was killed by signal 9"), ("relay", "dead", "the relay was killed by signal 9")):
    r = run(one(LONG), "--detach", "--name", "victim")
    if r.returncode != 0:
        check("a_pod_to_kill_starts", False, r)
        continue
    parts = {p["role"]: p["pid"] for p in record("victim")["processes"]}
    os.kill(parts[role], signal.SIGKILL)
    gone = until(lambda: ps()["victim"]["state"] == state)
    check("killed_%s_shows_as_dead_with_the_cause" % role, gone and cause in ps()["victim"]["reason"], coffer("ps"))
    check("killed_%s_ends_the_rest" % role, until(lambda: not [x for x in leftovers() if x.isdigit()]), coffer("ps"))
    check("killed_%s_wait_fails" % role, coffer("wait", "victim").returncode in (4, 5))
    if role == "launcher":
        r = run(one("true"), "--name", "victim")
        check("a_new_run_takes_the_place_of_a_dead_one", r.returncode == 0 and not leftovers(), r)
    else:
        check("rm_of_one_with_a_dead_%s_leaves_nothing" % role, coffer("rm", "victim").returncode == 0 and not leftovers())
# a guest that takes the signal and goes on; one that nobody can ask
r = run(one("trap : TERM; echo up; while :; do %s sleep 0.1; done" % SH), "--detach", "--name", "deaf")
until(lambda: coffer("logs", "deaf").out == "up\n")
r = coffer("stop", "deaf", "--time", "1")
check("stop_of_a_pod_that_goes_on_says_that_it_had_the_signal", r.returncode == 0 and "pod deaf has not ended within 1 s of SIGTERM (--time): its guest is ended" in r.err, r)
coffer("rm", "deaf")
run(one(LONG), "--detach", "--name", "mute")
os.rename(PODS + "/mute/agent.sock", PODS + "/mute/away")
r = coffer("stop", "mute", "--time", "1")
check("stop_of_a_guest_that_cannot_be_asked_says_so", r.returncode == 0 and "pod mute: its guest cannot be asked: " in r.err and "none of its containers was sent SIGTERM" in r.err, r)
coffer("rm", "mute")

# a user who has the pod's folder and may not signal its processes
def owned(uid):
    for top, _, files in os.walk(PODS):
        for f in [top] + [os.path.join(top, f) for f in files]:
            os.chown(f, uid, uid)
run(one(LONG, signals=()), "--detach", "--name", "foreign")
parts = {p["role"]: p["pid"] for p in record("foreign")["processes"]}
os.chmod(T, 0o711); shutil.copy(COFFER, T + "/coffer"); owned(65534)
def nobody(*a):
    r = subprocess.run([T + "/coffer", a[0], "--state", PODS, *a[1:]], env=ENV, capture_output=True, timeout=60, user=65534, group=65534, extra_groups=[])
    r.err, r.out = r.stderr.decode(), r.stdout.decode()
    return r
r = nobody("stop", "foreign", "--time", "0")
check("stop_by_who_may_not_signal_it_says_that_it_lives_and_who_can", r.returncode == 5 and "pod foreign was not ended, its launcher: process %d lives on, for this user may send it no signal; " % parts["launcher"] in r.err and
      "root" in r.err and "killed" not in r.err, r)
r = nobody("rm", "--force", "foreign")
check("rm_by_who_may_not_signal_it_leaves_it_and_says_so", r.returncode == 5 and "the pod's folder stays, its launcher: process %d lives on" % parts["launcher"] in r.err and os.path.exists(PODS + "/foreign/pod.json"), r)
owned(0)
check("and_it_lives", ps()["foreign"]["state"] == "running" and all(os.path.exists("/proc/%d" % p) for p in parts.values()))
check("who_may_ends_it", coffer("rm", "--force", "foreign").returncode == 0 and not leftovers())

# a guest with much memory takes its time to die: rm waits for the whole of it, and leaves no group that it still held
HEAVY = "exec %s dd if=/dev/zero of=/dev/null bs=256M count=1000000" % SH
for i in range(3):
    r = run(one(HEAVY), "--detach", "--name", "forced")
    gone = coffer("rm", "--force", "forced")
    check("rm_force_kills_and_leaves_nothing%s" % ("", "_again", "_ever")[i], gone.returncode == 0 and not leftovers() and ps() == {}, (r, gone, leftovers()))

# a guest that says itself what is wrong is believed before its end is looked at
open(T + "/agent", "w").write("#!/bin/sh\necho 'failed 7 R9: not approved'\nexit 1\n"); os.chmod(T + "/agent", 0o755)
r = run(one("true"), COFFER_AGENT=T + "/agent")
check("what_the_guest_said_is_the_reason", r.returncode == 1 and "refused: R9: not approved" in r.err and not leftovers(), r)
open(T + "/agent", "w").write("#!/bin/sh\nkill -9 $$\n")
r = run(one("true"), COFFER_AGENT=T + "/agent")
check("a_guest_that_ends_without_a_word_is_named", r.returncode == 4 and "the guest ended by itself" in r.err, r)
r = run(one("true"), COFFER_AGENT=T + "/agent", LD_PRELOAD=LATE)
check("so_is_one_that_ended_before_its_launcher_looked", r.returncode == 4 and "the guest ended by itself" in r.err and not leftovers(), r)

# a number that was given again is nobody's
r = run(one(LONG), "--detach", "--name", "old")
rec = record("old"); launcher = [p for p in rec["processes"] if p["role"] == "launcher"][0]
os.kill(launcher["pid"], signal.SIGKILL); until(lambda: ps()["old"]["state"] == "dead")
bystander = subprocess.Popen(["/bin/sleep", "600"])
launcher["pid"] = bystander.pid
json.dump(rec, open(PODS + "/old/pod.json", "w"))
check("a_recycled_number_is_not_killed", coffer("rm", "old").returncode == 0 and bystander.poll() is None)
bystander.kill(); bystander.wait()
os.chmod(PODS, 0o777)
check("a_folder_that_others_may_write_is_refused", coffer("ps").returncode == 5)
os.chmod(PODS, 0o700)
done()
