#!/usr/bin/python3
"""A measured VM (QEMU TCG, OVMF, swtpm) up to its agent, against what firmware, kernel and ramdisk alone take on this machine in this run; and what the
image consists of.

The limit is the same kernel, command line and ramdisk with another first process behind them, which says a word and powers off. Both take
short turns, each turn gives one ratio of neighbours, and every figure is the median over the turns: TURNS, 2. Processor time is QEMU's, over the whole
life of the machine: the agent's ends when it finds no trust service. Memory in use is all of the machine's that is not free when that other first process
starts: firmware's, kernel's, and the ramdisk, which stays. Sizes are held against design budgets.
Five tab-separated fields: name, value, unit, limit or peer, ratio."""
import os, re, resource, statistics, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.dont_write_bytecode = True
from guestkit import MEMORY, Machine, absent, build, device, initdata

TURNS = int(os.environ.get("TURNS", "2"))
COFFER, INIT = (os.path.join(TOP, "build", p) for p in ("coffer", "coffer-init"))
CACHE = os.path.join(os.environ.get("COFFER_TOOLS") or os.path.join(TOP, "build", "tools"), "guest")
AGENT_MAX = 8 << 20  # with its libraries
ALL_MAX = 14 << 20  # with crun and its
PACKED_MAX = 11 << 19  # those, compressed as the ramdisk is
AGENT_LIBRARIES = ("ld-linux-x86-64.so.2", "libc.so.6", "libcrypto.so.3", "libssl.so.3", "libzstd.so.1.", "libisal.so.2.", "libprotobuf-c.so.1.")
BOOT_MAX = 7  # seconds to the agent's first word
TRIVIAL = r"""
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/sysinfo.h>
int main(void) { struct sysinfo s; sysinfo(&s); printf("trivial: up %llu\n", (unsigned long long)s.freeram * s.mem_unit); fflush(stdout); reboot(RB_POWER_OFF); }
"""
KEY = subprocess.run("openssl ecparam -genkey -name prime256v1 -noout | openssl pkey -pubout", shell=True, capture_output=True, text=True, check=True).stdout
MANIFEST = {"version": 1, "name": "bench", "provider": "acme", "genesis": "2" * 64, "service": {"id": "trust", "url": "https://127.0.0.1:8443"},
            "platforms": ["swtpm"],
            "containers": [{"name": "app", "role": "business", "image": {"reference": "127.0.0.1:5000/app@sha256:" + "1" * 64, "provider": "imaker",
                            "method": {"type": "sigstoreSigned", "key": KEY}}, "args": ["/bin/true"], "cwd": "/", "env": [],
                            "user": {"uid": 0, "gid": 0, "groups": []}, "capabilities": [], "read-only-root": True, "mounts": [], "entitlements": [],
                            "outputs": []}],
            "volumes": [], "host": {"logs": [], "signals": []}, "registries": {"plain-http": []}}


class Timed(list):
    """Lines, and when each came."""

    def __init__(self):
        self.at = []

    def append(self, line):
        self.at.append(time.monotonic())
        list.append(self, line)


def row(name, value, unit, limit="-", ratio="-"):
    print(name, value, unit, limit, ratio, sep="\t", flush=True)


def trivial(tmp, image):
    """The image with another first process: of two files of one name in ramdisks that follow one another the kernel keeps the later."""
    out = tmp + "/trivial"
    os.mkdir(out)
    with open(tmp + "/trivial.c", "w") as f:
        f.write(TRIVIAL)
    subprocess.run(["gcc", "-Os", "-s", "-static", "-o", out + "/init", tmp + "/trivial.c"], check=True)
    later = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], input=b"init\n", cwd=out, capture_output=True, check=True).stdout
    with open(image + "/initrd.img", "rb") as f:
        ramdisk = f.read()
    with open(out + "/initrd.img", "wb") as f:
        f.write(ramdisk + bytes(-len(ramdisk) % 4) + later)
    for name in ("vmlinuz", "cmdline"):
        os.link(image + "/" + name, out + "/" + name)
    return out


def boot(tmp, image, word, disks):
    """Seconds until the line with that word, of the processor in all, and that line."""
    with tempfile.TemporaryDirectory(dir=tmp) as d:
        os.mkdir(d + "/state")
        subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", d + "/state", "--pcr-banks", "sha256"], check=True, stdout=subprocess.DEVNULL)
        m = Machine(image, d, d + "/state", disks)
        m.lines = Timed()
        begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        m.run()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        at, line = next(((t, l) for t, l in zip(m.lines.at, m.lines) if word in l), (None, ""))
        if at is None:
            sys.exit("the guest did not come up: " + " | ".join(m.lines[-5:]))
        return at - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, line


def sizes(tmp, image):
    plain = subprocess.run(["zstd", "-dc", image + "/initrd.img"], capture_output=True, check=True).stdout
    table = subprocess.run(["cpio", "-itv", "--quiet"], input=plain, capture_output=True, check=True).stdout.decode()
    files = {w[8]: int(w[4]) for w in (l.split() for l in table.splitlines()) if w[0].startswith("-")}
    mine = sum(n for p, n in files.items() if p == "init" or os.path.basename(p).startswith(AGENT_LIBRARIES))
    row("guest kernel", os.path.getsize(image + "/vmlinuz"), "bytes")
    row("guest ramdisk", os.path.getsize(image + "/initrd.img"), "bytes", len(plain), "%.2f" % (os.path.getsize(image + "/initrd.img") / len(plain)))
    row("guest agent", files["init"], "bytes")
    row("guest agent with its libraries", mine, "bytes", AGENT_MAX, "%.2f" % (mine / AGENT_MAX))
    programs = [p for p in files if p == "init" or p.startswith("usr/bin/") or re.search(r"^usr/lib(64|/x86_64-linux-gnu)/[^/]*$", p)]
    every = sum(files[p] for p in programs)
    row("guest agent and crun with their libraries", every, "bytes", ALL_MAX, "%.2f" % (every / ALL_MAX))
    archive = subprocess.run(["cpio", "-i", "--to-stdout", "--quiet", *programs], input=plain, capture_output=True, check=True).stdout
    packed = len(subprocess.run(["zstd", "-9", "-c"], input=archive, capture_output=True, check=True).stdout)
    row("guest agent and crun with their libraries, compressed", packed, "bytes", PACKED_MAX, "%.2f" % (packed / PACKED_MAX))


def main():
    why = absent()
    if why:
        sys.exit(why + " is not there")
    with tempfile.TemporaryDirectory() as tmp:
        image = tmp + "/image"
        why = build(COFFER, INIT, CACHE, image)
        if why:
            sys.exit(why)
        sizes(tmp, image)
        with open(tmp + "/initdata", "wb") as f:
            f.write(device(initdata(MANIFEST)))
        bare, turns = trivial(tmp, image), []
        for _ in range(TURNS):
            turns.append((boot(tmp, image, "coffer-agent: pcr04", [tmp + "/initdata"]), boot(tmp, bare, "trivial: up", [tmp + "/initdata"])))
        for i, name in enumerate(("guest boot to its agent", "guest boot to power off, processor")):
            mine, limit = (statistics.median(t[k][i] for t in turns) for k in (0, 1))
            row(name, "%.2f" % mine, "s", "%.2f" % limit, "%.2f" % statistics.median(t[0][i] / t[1][i] for t in turns))
        mine = statistics.median(t[0][0] for t in turns)
        free = statistics.median(int(re.search(r"trivial: up (\d+)", t[1][2]).group(1)) for t in turns)
        row("guest memory in use at its first process", (MEMORY << 20) - int(free), "bytes", MEMORY << 20, "%.2f" % (1 - free / (MEMORY << 20)))
        row("guest boot to its agent, of its budget", "%.2f" % mine, "s", BOOT_MAX, "%.2f" % (mine / BOOT_MAX))


main()
