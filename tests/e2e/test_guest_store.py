#!/usr/bin/python3
"""The scratch disk of a measured VM, and what its host tries with it: real launcher, machine, agent, gates and crun; trust service and registry are
stood in for by fake_trust.c, in a debug image, which has a busybox. One boot, of a pod that is detached: its verbs are tried beside the containers, by a host that
asks for more than is granted too; the disk is full of somebody else's headers when the machine starts, bits are flipped, moved and put back while a container
runs, and nothing can be read of it afterwards. COFFER_BOOTS=all: that disk again under another pod,
more than fits into memory, no disk. The boundary is emulated: who holds the host reads QEMU's memory. argv: coffer, agent, the source folder."""
import glob, os, stat, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from podkit import *
import asks, guestkit

SOURCE = os.path.abspath(sys.argv[3])
CACHE = os.path.join(os.environ.get("COFFER_TOOLS") or os.path.join(SOURCE, "build/tools"), "guest")
BLOCK, RUN = 4096, 512  # bytes; blocks of one file of the container's
WAIT = 400
GO_ON = signal.SIGUSR2
MARKS = [b"plain text of the container", b"second text in its place", DATA[:20], b"BusyBox v1."]
EILSEQ = os.strerror(84)  # what a direct read of a block gets whose tag is wrong; through the page cache it is EIO

lacking = guestkit.absent()
if lacking:
    print("1..0 # SKIP no " + lacking); sys.exit(0)


def image():
    init, out = T + "/init", T + "/image"
    subprocess.run(["strip", "--strip-all", "-o", init, AGENT], check=True)
    why = guestkit.build(COFFER, init, CACHE, out, "--debug")
    if why:
        print("1..0 # SKIP no packages for the image: " + why.replace("\n", " ")[:200]); sys.exit(0)
    return out


# ---- the host ----

class Host:
    """Runs a pod, and is called on its way: before the machine reads its disk, and by the container, which waits for the answer."""

    def __init__(self, before=None, **at):
        self.before, self.at, self.seen, self.disk, self.error = before, at, [], None, None
        self.running = threading.Event()  # for what is done with a pod whose launcher has said so

    def answer(self):
        """The container says in its log where it is, and waits for a signal."""
        while True:
            time.sleep(0.05)
            try:
                with open(PODS + "/" + VM + "/one.stdout") as f:
                    words = re.findall(r"^step ([a-z]+)$", f.read(), re.M)
            except OSError:
                continue
            for word in words[len(self.seen):]:
                self.seen.append(word)
                try:
                    self.at.get(word, lambda h: None)(self)
                except Exception as e:
                    self.error = "%s: %r" % (word, e)
                code, said = asks.Agent(PODS + "/" + VM + "/agent.sock").call("SignalProcess", asks.message(f1="one", f3=GO_ON))
                if code != asks.OK:
                    self.error = "%s: %s" % (word, said)

    def scratch(self, p):
        """The disk's file, in the pod's folder; another name keeps it after the run."""
        kept = T + "/scratch-%d" % p.pid
        while p.poll() is None:
            for path in glob.glob(PODS + "/*/scratch.img"):
                try:
                    if os.stat(path).st_size:
                        os.link(path, kept)
                        return kept
                except OSError:
                    pass
            time.sleep(0.002)
        return None

    def run(self, m, *opts):
        p = subprocess.Popen(command(pod(m), "--image", IMG, "--memory", "512", *opts), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if "none" not in opts:
            self.disk = self.scratch(p)
            if self.before and self.disk:
                self.before(self)
        hung = threading.Timer(WAIT, p.kill)
        hung.start()
        out, err = p.communicate()
        hung.cancel()
        p.out, p.err = out.decode("utf8", "replace"), err.decode("utf8", "replace") + "steps %s %s" % (self.seen, self.error or "")
        return p

    def detached(self, m, *opts):
        """The same, of a pod that is left to itself; `of` works on it. Its output is what `coffer logs` has."""
        p = subprocess.Popen(command(pod(m), "--image", IMG, "--memory", "512", "--detach", "--name", VM, *opts), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.disk = self.scratch(p)
        if self.disk:
            self.before(self)
        hung = threading.Timer(WAIT, p.kill)
        hung.start()
        out, err = p.communicate()
        hung.cancel()
        p.out, p.err = out.decode("utf8", "replace"), err.decode("utf8", "replace")
        threading.Thread(target=self.answer, daemon=True).start()
        return p

    def forget(self):
        os.unlink(self.disk)

    # what it does with the disk

    def blocks(self):
        """Everything that is not a hole: number -> bytes."""
        found, at = {}, 0
        with open(self.disk, "rb") as f:
            end = f.seek(0, os.SEEK_END)
            while at < end:
                try:
                    at = os.lseek(f.fileno(), at, os.SEEK_DATA)
                except OSError:
                    break
                stop = os.lseek(f.fileno(), at, os.SEEK_HOLE)
                f.seek(at)
                data = f.read(stop - at)
                for i in range(0, len(data), BLOCK):
                    found[(at + i) // BLOCK] = data[i:i + BLOCK]
                at = stop
        return found

    def put(self, number, data):
        with open(self.disk, "r+b") as f:
            f.seek(number * BLOCK)
            f.write(data)


def fresh_run(old, new):
    """The blocks of the file that was written in between: the longest run of changed ones."""
    best, n = (0, 0), 0
    changed = sorted(k for k in new if old.get(k) != new[k])
    for i, k in enumerate(changed):
        n = n + 1 if i and changed[i - 1] == k - 1 else 1
        best = max(best, (n, k - n + 1))
    return best[1], best[0]


# ---- what somebody else could have left on a disk ----

def crc32(data):
    import zlib
    return zlib.crc32(data)


def planted(h):
    """A LUKS2 header, a partition table with its backup's place, a file system, a superblock of dm-integrity; 'initdata' is not among them."""
    size = os.stat(h.disk).st_size // 512
    mbr = bytearray(512)
    mbr[0:6], mbr[6:8] = b"LUKS\xba\xbe", b"\0\2"
    mbr[446:462] = struct.pack("<BBBBBBBBII", 0x80, 0, 2, 0, 0x83, 255, 255, 255, 2048, size - 2048)
    mbr[510:512] = b"\x55\xaa"
    entry = struct.pack("<16s16sQQQ72s", bytes(range(16)), bytes(16), 2048, size - 34, 0, "boot".encode("utf-16le")).ljust(128, b"\0")
    table = entry.ljust(128 * 128, b"\0")
    gpt = lambda crc: struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, 1, size - 1, 34, size - 34, bytes(16), 2, 128, 128, crc32(table))
    disk = bytearray(1 << 20)
    disk[0:512], disk[512:604], disk[1024:1024 + len(table)] = mbr, gpt(crc32(gpt(0))), table
    with open(h.disk, "r+b") as f:
        f.write(disk)
        f.seek(2048 * 512)  # where the partition begins
        f.write(b"integrt\0" + struct.pack("<BBHIQ", 1, 0, 28, 88, size - 4096).ljust(504, b"\0"))
    if shutil.which("mke2fs"):
        with tempfile.TemporaryDirectory() as d:
            open(d + "/planted", "w").write("planted by the host")
            subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", d, "-E", "offset=%d" % (4096 * 512), h.disk, "100M"], check=True, capture_output=True)


# ---- the container ----

HEAD = r"""b=/bin/busybox
trap 'go=on' USR2
step() { go=; echo "step $1"; while [ -z "$go" ]; do $b sleep 0.1; done; }
read_() { $b dd if=$1 of=/dev/null bs=64k $2 $3 iflag=direct 2>/tmp/err && echo "$1 $2 is read" || echo "$1 $2 fails: $($b tail -n1 /tmp/err)"; }
fill() { $b yes "$2" | $b head -c 2097152 | $b dd of=$1 conv=notrunc bs=64k 2>/dev/null; $b sync; }
"""
STORY = HEAD + r"""
echo found $($b ls /out | $b wc -l); $b grep ' /out ' /proc/mounts; $b grep ' /data ' /proc/mounts
$b wget -qO- http://127.0.0.1:8006/coffer/slot/token | $b sha256sum; $b head -c 9 /data; echo
$b sync; step start; for f in a b c; do fill /out/$f "plain text of the container $f"; step $f; done
for f in a b c; do read_ /out/$f; done
fill /out/b 'second text in its place'; step again; read_ /out/b
fill /out/c 'plain text of the container c'; step same
step attack
for f in a b c; do read_ /out/$f; done; read_ /out/a count=1
$b dd if=/out/a of=/dev/null bs=64k iflag=direct 2>/dev/null
"""


VM, SECRET = "machine", "kept to itself by the manifest"
IDLE = "trap 'exit 0' TERM; echo '%s'; while :; do /bin/busybox sleep 0.2; done" % SECRET


def of(verb, *a):
    r = subprocess.run([COFFER, verb, "--state", PODS, *a], env=ENV, capture_output=True, timeout=WAIT)
    r.err, r.out = r.stderr.decode("utf8", "replace"), r.stdout.decode("utf8", "replace")
    return r


def state():
    return next(p for p in json.loads(of("ps", "--json").out) if p["name"] == VM)


def lives(h):
    """While the first container waits: what the host may do with a pod in a machine of its own, and what not."""
    check("ps_shows_it_running_in_its_machine", (lambda p: p["state"] == "running" and p["platform"] == "swtpm" and len(p["containers"]) == 2)(state()))
    r = of("exec", VM, "one", "--", *asks.LISTED)
    check("exec_in_the_machine_runs_what_is_listed", r.returncode == 0 and r.out == "status\n", r)
    r = of("exec", VM, "one", "--", "/bin/sh")
    check("exec_in_the_machine_of_another_line_is_refused", r.returncode == 1 and "refused: gate: ExecProcess: the manifest grants no such command" in r.err, r)
    r = of("exec", VM, "two", "--", *asks.LISTED)
    check("exec_in_the_machine_s_other_container_is_refused", r.returncode == 1 and "refused: gate: " in r.err, r)
    r = of("logs", VM, "one")
    check("logs_come_out_of_the_machine_while_it_runs", r.returncode == 0 and "found 0\n" in r.out, r)
    r = of("logs", VM, "two")
    check("logs_of_the_machine_that_are_not_granted_are_refused", r.returncode == 1 and "refused: gate: ReadStdout of container two is not granted" in r.err, r)
    check("rm_of_a_running_machine_is_an_error", of("rm", VM).returncode == 2)
    sock = PODS + "/" + VM + "/agent.sock"
    asks.exec_refusals(check, sock, "one", "two", ["CAP_MKNOD"])
    asks.stream_refusals(check, sock, "two", "one")


def over(r):
    """The first container has ended; the other goes on until the pod is stopped."""
    waiting = subprocess.Popen([COFFER, "wait", "--state", PODS, VM], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    s = of("stop", "--time", str(WAIT // 2), VM)
    check("stop_ends_the_machine", s.returncode == 0 and state()["state"] == "ended", s)
    r.returncode = waiting.wait(WAIT)
    r.out = of("logs", VM, "one").out
    s = of("logs", VM, "two")
    check("logs_of_a_stopped_machine_are_those_that_were_granted", s.returncode == 1 and SECRET not in s.out and not os.path.exists(PODS + "/" + VM + "/two.stdout"), s)
    check("its_containers_ended_each_with_its_code", [(c["name"], c["exit"]) for c in state()["containers"]] == [("one", 1), ("two", 0)], s)
    check("nothing_of_its_parts_lives_on", set(os.listdir(PODS + "/" + VM)) <= {"lock", "pod.json", "pod.yaml", "launcher.log", "one.stdout", "one.stderr"}, s)
    s = of("rm", VM)
    check("rm_of_a_stopped_machine_leaves_nothing", s.returncode == 0 and not leftovers(), s)


class Attack:
    def __init__(self):
        self.at = {}
        self.where = {}

    def start(self, h):
        assert h.running.wait(WAIT)
        lives(h)
        self.last = h.blocks()

    def wrote(self, name):
        def take(h):
            now = h.blocks()
            self.where[name], self.last = fresh_run(self.last, now), now
            self.at[name] = now
        return take

    def here(self, name, k):
        return self.where[name][0] <= k < self.where[name][0] + RUN

    def attack(self, h):
        """The whole disk as it was before b was written over. Then of a all bits of some blocks, of c two blocks in each other's place."""
        now = h.blocks()
        (a, _), (c, _) = self.where["a"], self.where["c"]
        for k in now:
            if self.at["c"].get(k) != now[k] and not self.here("c", k):
                h.put(k, self.at["c"].get(k, bytes(BLOCK)))
        for k in range(a + 200, a + 300):
            h.put(k, bytes(x ^ 0xff for x in now[k]))
        h.put(c + 200, now[c + 201])
        h.put(c + 201, now[c + 200])


def writes(script, **more):
    """A pod with an empty volume and two slots."""
    m = slotted(script, **more)
    m["host"]["signals"].append(GO_ON)
    m["containers"][0]["mounts"].append({"destination": "/out", "volume": "out", "read-only": False})
    m["containers"][0]["mounts"].append({"destination": "/tmp", "volume": "tmp", "read-only": False})
    m["volumes"].append({"name": "tmp", "kind": "empty"})
    return m


def pod_of(m):
    p = PLAIN_POD(m)
    p["spec"]["volumes"].append({"name": "tmp", "emptyDir": {}})
    return p


PLAIN_POD, pod = pod, pod_of
TOKEN, SCANS = ("token", "kbs:///hospital/note/greeting"), ("scans", ASSET)


def tampered():
    x = Attack()
    h = Host(planted, start=x.start, a=x.wrote("a"), b=x.wrote("b"), c=x.wrote("c"), again=x.wrote("again"), same=x.wrote("same"), attack=x.attack)
    m = writes(asks.FOUND + STORY, capabilities=["CAP_MKNOD"])
    m["containers"].append(container("two", IDLE, image=m["containers"][0]["image"]["reference"], **POOR))
    m["host"]["exec"] = [{"container": "one", "args": asks.LISTED}]
    r = h.detached(m, "--scratch", "256M", "--binding", binding(m, "east", [TOKEN, SCANS]))
    if not check("detach_returns_with_the_name_when_the_machine_s_containers_run", r.returncode == 0 and r.out == VM + "\n" and "platform: swtpm" in r.err, r):
        return
    h.running.set()
    until(lambda: state()["containers"][0]["ended"] or state()["state"] != "running", WAIT)
    check("a_container_that_ended_ends_not_the_other", state()["containers"][0]["ended"] and not state()["containers"][1]["ended"])
    over(r)
    r.err += "steps %s %s, blocks of the files %s" % (h.seen, h.error or "", x.where)
    if not check("the_pod_ran_to_its_end", h.disk and len(x.where) == 5 and h.seen[-1] == "attack" and not h.error, r):
        return
    says = lambda text: text in r.out
    tried = asks.found_nothing(lambda n, ok: check(n + "_in_a_machine", ok, r), r.out)
    check("devices_that_it_tried_to_make_are_the_machine_s", tried > 3, r)
    check("headers_of_somebody_else_are_ignored", "scratch disk: 256 MiB, encrypted" in r.err and says("found 0\n"), r)
    check("images_and_empty_volumes_lie_on_it_sealed_volumes_in_memory", re.search("^/dev/dm-[0-9]+ /out ext4 ", r.out, re.M) and
          re.search("^tmpfs /data tmpfs ", r.out, re.M), r)
    check("bindings_reach_the_vm_and_fill_slots", says(hashlib.sha256(hashlib.sha256(TOKEN[1].encode()).digest()).hexdigest()) and says("\npatient 1"), r)
    check("what_is_written_is_read_back", all(r.out.count("/out/%s  is read" % f) == n for f, n in (("a", 1), ("b", 2), ("c", 1))), r)
    check("the_host_found_the_three_files", all(n >= RUN for _, n in x.where.values()) and
          [x.where.get(n, (0, 0))[0] for n in ("again", "same")] == [x.where[n][0] for n in ("b", "c")], r)
    c, _ = x.where["c"]
    check("the_same_bytes_written_again_are_others_there", all(x.at["c"][k] != x.at["same"][k] for k in range(c, c + RUN)), r)
    for f, how in (("a", "flipped"), ("b", "put_back"), ("c", "moved")):
        check("blocks_that_are_%s_are_an_error_and_no_data" % how, says("/out/%s  fails: " % f) and r.out.split("/out/%s  fails: " % f)[1].split("\n")[0].endswith(EILSEQ), r)
    check("what_was_left_alone_is_read", says("/out/a count=1 is read"), r)
    check("the_container_fails_with_its_read", r.returncode == 1, r)
    afterwards(h, x, r)
    return h


def afterwards(h, x, r):
    """The pod is over, and its key with it."""
    left = h.blocks()
    data = b"".join(left[k] for k in sorted(left))
    with open(h.disk, "rb") as f:
        head = f.read(4 * BLOCK)
    check("of_the_first_header_nothing_is_left_and_there_is_no_other", not any(m in head for m in (b"LUKS", b"EFI PART", b"integrt")) and head[1080:1082] != b"\x53\xef", r)
    check("no_plain_text_is_on_the_disk", not any(m in data for m in MARKS) and len(left) > 3 * RUN, [m for m in MARKS if m in data] or r)
    a, _ = x.where["a"]
    mine = [left[k] for k in range(a, a + 200)]
    check("equal_blocks_are_not_equal_there", len(set(mine)) == len(mine) and all(len(set(k)) > 240 for k in mine), r)
    check("the_launcher_leaves_no_disk_behind", not leftovers(), r)


def again(first):
    """D19: what the first pod left is what the second pod's disk is."""
    def same(h):
        for k, v in first.blocks().items():
            h.put(k, v)
    h = Host(same)
    m = writes(HEAD + "echo found $($b ls /out | $b wc -l)\n$b dd if=/dev/zero of=/out/z bs=64k count=32 2>/dev/null && $b sync && read_ /out/z")
    r = h.run(m, "--scratch", "256M", "--binding", binding(m, "east", [TOKEN, SCANS]))
    check("the_disk_of_a_pod_that_ended_is_a_blank_one_to_the_next", r.returncode == 0 and "found 0\n" in r.out and "/out/z  is read" in r.out, r)
    h.forget()


def larger_than_memory():
    h = Host()
    m = writes(HEAD + "$b head -c 734003200 /dev/zero > /out/big && $b sync && $b ls -l /out/big && $b cat /out/big | $b md5sum")
    r = h.run(m, "--binding", binding(m, "east", [TOKEN, SCANS]))
    check("more_than_fits_into_memory_is_written_and_read", r.returncode == 0 and "734003200" in r.out and
          hashlib.md5(bytes(734003200)).hexdigest() in r.out, r)
    h.forget()


def without():
    h = Host()
    m = writes(HEAD + "$b grep ' /out ' /proc/mounts")
    r = h.run(m, "--scratch", "none", "--binding", binding(m, "east", [TOKEN, SCANS]))
    check("without_a_disk_all_is_in_memory", r.returncode == 0 and "no scratch disk: all is in memory" in r.err and re.search("^tmpfs /out tmpfs ", r.out, re.M), r)


seal(DATA)
IMG = image()
first = tampered()
if first and os.environ.get("COFFER_BOOTS") == "all":
    again(first)
    larger_than_memory()
    without()
if first:
    first.forget()
done()
