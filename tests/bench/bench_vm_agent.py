#!/usr/bin/python3
"""What bench_agent.py measures on this host's own processor, in a machine that is emulated (QEMU TCG): the agent from its start to its container's first word, against
crun alone with the very bundle that the agent made, in the agent's own namespaces. One boot, both take turns in it; each turn gives one ratio of neighbours, every figure
is the median over the turns: TURNS, 7.

The machine is a guest image for debugging, with the libraries of `coffer run` behind it: once its own agent has ended, for want of initdata, its shell starts pods on platform
sample in it. What is timed is said in the kernel's log: when the agent is about to start, when the container's first word is read, and between them when the pull, its process
and its stand-in, begins and ends, which is taken off. The launcher's calls are in the agent's time, a nsenter in crun's. Trust service and registry are stood in for (tests/e2e/fake_trust.c):
neither network, nor pull, nor a TPM is in the figures.

Twice: by the host's clock, when the log comes out of the machine's console; and by the machine's own clock where that goes by instructions (-icount), which what else the
host does is not in: turns differ by a hundredth. Five tab-separated fields: name, value, unit, limit or peer, ratio."""
import contextlib, os, re, shutil, statistics, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = TOP + "/build/plain/tests/e2e/fake-init"  # linked as the agent of an image is
sys.argv = [sys.argv[0], TOP + "/build/coffer", AGENT]
sys.path.insert(0, TOP + "/tests/e2e")
sys.dont_write_bytecode = True
with contextlib.redirect_stdout(sys.stderr):  # what is absent is not a figure
    import podkit
from guestkit import Machine, absent, build
from podkit import COFFER, T, command, container, manifest, pod

TURNS = int(os.environ.get("TURNS", "7"))
CACHE = os.path.join(os.environ.get("COFFER_TOOLS") or os.path.join(TOP, "build", "tools"), "guest")
LIMIT = 1.3  # of crun alone
SHELL = "a shell is on this console"
WRAPPER = "#!/usr/bin/busybox sh\necho began >/dev/kmsg\nexec /bench/fake-agent \"$@\"\n"
# A word is read from a pipe, so that nothing looks again and again for it beside what is timed.
SCRIPT = r"""b=/usr/bin/busybox; echo 7 >/proc/sys/kernel/printk; $b rm /etc/coffer/modules; # which make any process 1 the machine's
 $b mkdir -p /p /peer; $b chmod 755 /p; $b mkfifo /peer/fifo /peer/other
nth=0
while [ $nth -lt %d ]; do
  nth=$((nth + 1))
  LD_LIBRARY_PATH=/bench/lib COFFER_AGENT=/bench/agent /bench/coffer run --state /p --name n$nth /bench/pod.yaml </dev/null >/peer/fifo 2>/peer/err &
  launcher=$!
  exec 3</peer/fifo; read word <&3; echo "word $word" >/dev/kmsg
  first=
  for p in $($b pidof fake-agent); do [ -z "$first" ] || [ $p -lt $first ] && first=$p; done
  echo alone >/dev/kmsg
  $b nsenter -t $first -m -n -p -i -u /usr/bin/crun --root /peer$nth --cgroup-manager=disabled run --bundle /p/n$nth/state/c0 peer$nth </dev/null >/peer/other 2>&1 &
  peer=$!
  exec 4</peer/other; read word <&4; echo "word $word" >/dev/kmsg
  $b kill $launcher; wait $launcher; wait $peer; exec 3<&- 4<&-
done
$b cat /peer/err; $b poweroff -f
"""


class Console(list):
    """Lines, and when each came; the shell is told what to do."""

    def __init__(self, machine):
        self.at, self.machine = [], machine

    def append(self, line):
        self.at.append(time.monotonic())
        list.append(self, line)
        if SHELL in line:
            self.machine.qemu.stdin.write(b"/usr/bin/busybox sh /bench/run\n")
            self.machine.qemu.stdin.flush()


def put(path, data, mode=0o755):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)


def with_launcher(image, tmp):
    """The image with a second ramdisk behind its own."""
    top, bench = tmp + "/more", tmp + "/more/bench"
    m = manifest([container("app", "echo up; exec /bin/busybox sleep 100", entitlements=podkit.POOR["entitlements"], mounts=[], outputs=[])], logs=["app"])
    m["volumes"] = []
    p = pod(m)
    p["spec"]["volumes"] = []
    command(p)
    put(bench + "/run", SCRIPT % TURNS)
    put(bench + "/agent", WRAPPER)
    os.makedirs(bench + "/lib")
    os.symlink("/dev/kmsg", bench + "/told")
    shutil.copy(T + "/pod.yaml", bench + "/pod.yaml")
    for what, to in ((COFFER, "coffer"), (AGENT, "fake-agent")):
        subprocess.run(["strip", "--strip-all", "-o", bench + "/" + to, what], check=True)
    for lib in re.findall(r"=> (/\S+)", subprocess.run(["ldd", COFFER], capture_output=True, text=True, check=True).stdout):
        shutil.copy(lib, bench + "/lib/" + os.path.basename(lib))
    files = subprocess.run(["find", "bench"], cwd=top, capture_output=True, check=True).stdout
    later = subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], input=files, cwd=top, capture_output=True, check=True).stdout
    with open(image + "/initrd.img", "ab") as f:
        f.write(bytes(-f.tell() % 4) + subprocess.run(["zstd", "-q", "-6", "-c"], input=later, capture_output=True, check=True).stdout)


WORDS = ["began", "pull", "pulled", "word up", "alone", "word up"]


def turns(m):
    """Of each turn what both took, in seconds."""
    said = [(at, re.match(r"\[ *(\d+\.\d+)\] (%s)$" % "|".join(set(WORDS)), l)) for at, l in zip(m.lines.at, m.lines)]
    events = [(float(l[1]) if m.counted else at, l[2]) for at, l in said if l]
    if [word for _, word in events] != WORDS * TURNS:
        sys.exit("the pods did not come up: " + " | ".join(m.lines[-20:]))
    at = [at for at, _ in events]
    return [(at[i + 3] - at[i] - (at[i + 2] - at[i + 1]), at[i + 5] - at[i + 4]) for i in range(0, len(WORDS) * TURNS, len(WORDS))]


def boot(tmp, counted):
    state = tempfile.mkdtemp(dir=tmp)
    subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", state, "--pcr-banks", "sha256"], check=True, stdout=subprocess.DEVNULL)
    m = Machine(tmp + "/image", tmp, state, counted=counted)
    m.lines = Console(m)
    m.run(typed=True)
    return turns(m)


def report(took, name):
    mine, peer = (1000 * statistics.median(t[i] for t in took) for i in (0, 1))
    ratio = statistics.median(t[0] / t[1] for t in took)
    for fields in ((name, "%.0f" % mine, "ms", "%.0f" % peer, "%.2f" % ratio), (name + ", of its budget", "%.2f" % ratio, "of crun alone", LIMIT, "%.2f" % (ratio / LIMIT))):
        print(*fields, sep="\t", flush=True)


def main():
    why = absent()
    if why:
        sys.exit(why + " is not there")
    with tempfile.TemporaryDirectory() as tmp:
        init = tmp + "/init"
        subprocess.run(["strip", "--strip-all", "-o", init, AGENT], check=True)
        why = build(COFFER, init, CACHE, tmp + "/image", "--debug")
        if why:
            sys.exit(why)
        with_launcher(tmp + "/image", tmp)
        report(boot(tmp, False), "agent start to its container's first word, emulated")
        report(boot(tmp, True), "agent start to its container's first word, emulated, by instructions")


try:
    main()
finally:
    shutil.rmtree(T)
