#!/usr/bin/python3
"""coffer run --image on a host that has vsock (tests/nested/outer.py): real launcher, vhost_vsock, QEMU, machine, agent, gates and crun; trust service and registry are stood
in for by fake_trust.c in a debug image. Two guests: one whose channel is vsock, with somebody on the host who tries for it first, and one whose QEMU is killed.
Nothing here is timed but against hanging. argv: coffer, agent, the guest's image."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
sys.dont_write_bytecode = True
from podkit import *
import asks

IMG = sys.argv[3]
WAIT = 2400
MEMORY = "512"
CHANNEL = 1030  # the agent's port
PATIENCE = 90  # seconds of silence at first, and as many more each time: it may be a slow host, not a hang
VM, SECRET = "machine", "kept to itself by the manifest"
STORY = r"""echo relayed: $(/bin/busybox cat /reached); /bin/busybox nc -w 2 127.0.0.1 %d || echo endpoint refused; /bin/spoof vsock; ls /dev/vsock 2>&1; echo said
trap 'exit 0' TERM; while :; do /bin/busybox sleep 1; done"""
IDLE = "trap 'exit 0' TERM; echo '%s'; while :; do /bin/busybox sleep 1; done" % SECRET


def pod_of_two():
    m = manifest([container("one", STORY % PORT, image=IMAGE.replace("/app@", "/reach@"), **POOR), container("two", IDLE, **POOR)], logs=["one"])
    m["host"]["exec"] = [{"container": "one", "args": asks.LISTED}]
    return pod(m)


def of(verb, *a):
    r = subprocess.run([COFFER, verb, "--state", PODS, *a], env=ENV, capture_output=True, timeout=WAIT)
    r.err, r.out = r.stderr.decode("utf8", "replace"), r.stdout.decode("utf8", "replace")
    return r


def state():
    return next((p for p in json.loads(of("ps", "--json").out or "[]") if p["name"] == VM), None)


def until(what):
    end = time.monotonic() + WAIT
    while not what() and time.monotonic() < end:
        time.sleep(0.5)
    return what()


def qemu():
    """Its number and its line."""
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = open("/proc/%s/cmdline" % p).read().split("\0")
        except OSError:
            continue
        if line[0].endswith("qemu-system-x86_64"):
            return int(p), line
    return None, []


def stat(pid):
    """Its name and its parent."""
    try:
        head, tail = open("/proc/%s/stat" % pid).read().rsplit(") ", 1)
        return head.split("(", 1)[1], int(tail.split()[1])
    except OSError:
        return "", 0


def number(line):
    return next((int(re.search("guest-cid=([0-9]+)", a).group(1)) for a in line if "guest-cid=" in a), None)


class Stranger(threading.Thread):
    """Somebody on the host who rules nothing of it: reads the guest's number off QEMU's line, as everybody can, and calls the agent before the launcher's relay does, which
    is held up for that."""

    def __init__(self):
        threading.Thread.__init__(self, daemon=True)
        self.heard, self.over, self.relay = [], False, None

    def end(self):
        self.over = True
        self.join()

    def hold(self):
        """True: it is held, and the machine there."""
        pid, line = qemu()
        launcher = stat(pid)[1] if pid else 0
        self.relay = next((int(p) for p in filter(str.isdigit, os.listdir("/proc")) if launcher and stat(p) == (os.path.basename(COFFER), launcher)), None)
        if self.relay:
            os.kill(self.relay, signal.SIGSTOP)
        self.cid = number(line)
        return self.relay is not None

    def call(self):
        """What it hears, once it is connected at all."""
        with socket.socket(socket.AF_VSOCK) as s:
            s.settimeout(10)
            try:
                s.connect((self.cid, CHANNEL))
            except OSError:
                return
            s.settimeout(WAIT)
            try:
                self.heard.append(s.recv(100))
            except OSError as e:
                self.heard.append(e.errno)

    def run(self):
        while not self.over and not self.hold():
            time.sleep(0.05)
        while not self.over and not self.heard:
            self.call()
        if self.relay:
            os.kill(self.relay, signal.SIGCONT)


def console():
    return open("/run/console", errors="replace").read() if os.path.exists("/run/console") else ""


def reset():
    """Neither its agent nor its kernel ended it: both say so."""
    return not any(w in console() for w in ("coffer-agent: power off", "coffer-agent: failed", "Kernel panic"))


def start(*opts, before=lambda: None):
    """KVM of an emulated processor now and then hangs in a guest's boot, or resets it. What has said nothing for too long, or was reset before it was ready, is tried again, four times; what fails
    with a word is not."""
    for again in range(5):
        after = before()
        p = subprocess.Popen(command(pod_of_two(), "--image", IMG, "--memory", MEMORY, "--detach", "--name", VM, *opts), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.err, hung = "", False
        for line in p.stderr:
            p.err += line.decode("utf8", "replace")
            quiet = re.search(rb"has said nothing for ([0-9]+) s", line)
            if not hung and quiet and int(quiet.group(1)) >= PATIENCE * (again + 1):
                hung = True
                of("rm", "--force", VM)
        p.out = p.stdout.read().decode("utf8", "replace")
        p.wait()
        if after:
            after()
        if p.returncode == 0 or not (hung or reset()):
            break
        print("# the emulated host did not boot this guest: it %s; again" % ("hung" if hung else "was reset"), flush=True)
    if p.returncode != 0:  # what its kernel said last
        p.err += "\n".join(console().splitlines()[-40:])
    return p


def lives():
    strangers = []
    def stranger():
        strangers.append(Stranger())
        strangers[-1].start()
        return strangers[-1].end
    r = start(before=stranger)
    stranger = strangers[-1]
    check("pod_starts_with_its_channel_over_vsock", r.returncode == 0 and re.search("coffer run: channel: vsock, the guest is number [0-9]+$", r.err, re.M), r)
    if r.returncode != 0:
        return False
    pid, line = qemu()
    check("its_machine_has_that_device_and_no_port", "virtio-serial-pci" not in line and any(a.startswith("vhost-vsock-pci,guest-cid=") and a.endswith(",vhostfd=4") for a in line), line)
    check("ps_says_which_channel", state()["channel"] == "vsock" and state()["state"] == "running", state())
    check("whoever_is_not_privileged_on_the_host_is_dropped_unheard", stranger.heard in ([b""], [104]), (stranger.relay, stranger.heard))
    check("nothing_listens_once_the_launcher_is_there", refuses(line), line)
    until(lambda: "said\n" in of("logs", VM, "one").out)
    r = of("logs", VM, "one")
    check("logs_come_over_it", r.returncode == 0 and "said\n" in r.out, r)
    check("endpoints_of_the_manifest_are_reached_over_it", "relayed: relayed:hi" in r.out, r)
    check("by_the_agent_and_not_by_a_container", "endpoint refused" in r.out, r)
    check("socket_of_vsock_in_a_container_is_refused", "vsock forbidden" in r.out, r)
    check("container_has_no_device_of_it", re.search("/dev/vsock: No such file", r.out), r)
    r = of("logs", VM, "two")
    check("logs_that_are_not_granted_are_refused", r.returncode == 1 and "refused: gate: ReadStdout of container two is not granted" in r.err, r)
    r = of("exec", VM, "one", "--", *asks.LISTED)
    check("exec_runs_what_is_listed", r.returncode == 0 and r.out == "status\n", r)
    r = of("exec", VM, "one", "--", "/bin/sh")
    check("exec_of_another_line_is_refused", r.returncode == 1 and "refused: gate: ExecProcess: the manifest grants no such command" in r.err, r)
    sock = PODS + "/" + VM + "/agent.sock"
    asks.exec_refusals(check, sock, "one", "two")
    asks.stream_refusals(check, sock, "two", "one")
    r = of("stop", "--time", "600", VM)
    check("stop_ends_it", r.returncode == 0 and state()["state"] == "ended" and [c["exit"] for c in state()["containers"]] == [0, 0], (r, state()))
    check("what_was_said_stays", "relayed: relayed:hi" in of("logs", VM, "one").out)
    r = of("rm", VM)
    check("rm_leaves_nothing", r.returncode == 0 and not leftovers() and qemu()[0] is None, r)
    return True


def refuses(line):
    """Even root's own connection, when the channel is taken."""
    s = socket.socket(socket.AF_VSOCK)
    s.settimeout(60)
    try:
        for port in range(1, 1024):
            try:
                s.bind((socket.VMADDR_CID_ANY, port))
                break
            except OSError:
                pass
        s.connect((number(line), CHANNEL))
        return False
    except ConnectionResetError:
        return True
    finally:
        s.close()


def killed():
    r = start("--channel", "vsock")
    check("pod_of_another_guest_starts", r.returncode == 0 and state()["state"] == "running", r)
    pid, line = qemu()
    os.kill(pid, signal.SIGKILL)
    gone = until(lambda: state()["state"] == "dead")
    check("qemu_that_is_killed_is_noticed_and_named", gone and "the machine (QEMU) was killed by signal 9" in state()["reason"], state())
    r = of("rm", VM)
    check("rm_of_it_leaves_nothing", r.returncode == 0 and not leftovers(), r)


def without():
    """The host's device is out of reach."""
    os.rename("/dev/vhost-vsock", "/dev/elsewhere")
    try:
        r = subprocess.run(command(pod_of_two(), "--image", IMG, "--memory", MEMORY, "--channel", "vsock"), env=ENV, capture_output=True, text=True, timeout=WAIT)
        check("vsock_that_is_asked_for_and_not_there_is_refused", r.returncode == 4 and "/dev/vhost-vsock: No such file" in r.stderr and "--channel virtio-serial" in r.stderr, r.stderr)
        r = subprocess.run(command(pod_of_two(), "--image", IMG, "--memory", MEMORY, "--print"), env=ENV, capture_output=True, text=True, timeout=WAIT)
        check("without_the_device_it_is_virtio_serial", r.returncode == 0 and "virtio-serial-pci" in r.stdout and "vsock-pci" not in r.stdout, r.stderr)
    finally:
        os.rename("/dev/elsewhere", "/dev/vhost-vsock")
    r = subprocess.run(command(pod_of_two(), "--image", IMG, "--memory", MEMORY, "--print"), env=ENV, capture_output=True, text=True, timeout=WAIT)
    check("with_it_it_is_vsock", r.returncode == 0 and "vhost-vsock-pci" in r.stdout and "virtio-serial" not in r.stdout, r.stderr)


seal(DATA)
without()
if lives():
    killed()
done()
