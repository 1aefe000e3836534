#!/usr/bin/python3
"""A host with vsock for the tests of the guest's channel, on a machine that has none: an emulated machine (QEMU, TCG) with Debian's cloud kernel, whose vhost_vsock is
real, on a disk of what the launcher needs of this machine. In it tests/nested/inside.py starts guests by `coffer run --image`; what it prints (TAP) is printed here.
That host's processor has SVM, emulated too, so that its KVM runs the guests. argv: coffer, the agent of tests (fake-agent), the source folder."""
import os, re, shutil, subprocess, sys, tempfile
TOP = os.path.abspath(sys.argv[3])
sys.path.insert(0, TOP + "/tests/e2e")
sys.dont_write_bytecode = True
import guestkit

COFFER, AGENT = map(os.path.abspath, sys.argv[1:3])
CACHE = os.path.join(os.environ.get("COFFER_TOOLS") or TOP + "/build/tools", "guest")
SPOOF = os.path.dirname(AGENT) + "/spoof"
LIMIT = int(os.environ.get("COFFER_NESTED_S", "3600"))  # seconds before all of it counts as hung
MEMORY = 4096
PROGRAMS = ["/usr/bin/qemu-system-x86_64", "/usr/bin/swtpm", "/usr/bin/swtpm_setup", "/usr/bin/crun", "/bin/busybox", "/usr/bin/python3.11", "/usr/bin/env"]
FOLDERS = ["/usr/share/qemu", "/usr/share/seabios", "/usr/lib/ipxe/qemu", "/usr/lib/python3.11", "/usr/lib/x86_64-linux-gnu/swtpm", "/usr/lib/x86_64-linux-gnu/ossl-modules", "/etc/ssl"]
FILES = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ld.so.cache", "/etc/swtpm-localca.conf", "/etc/swtpm_setup.conf", "/usr/bin/python3"]
PACKAGES = ["cryptography", "_cffi_backend.cpython-311-x86_64-linux-gnu.so"]  # of python3
MODULES = ["virtio_pci", "virtio_blk", "virtio_rng", "vhost_vsock", "kvm_amd"]
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
while read m; do insmod $m || echo "no module $m"; done < /modules
mount -t ext4 /dev/vda /root
exec switch_root /root /nested/init
"""
# KVM of the emulated processor is used as `coffer run` finds that it works: a guest that is emulated twice takes half an hour to boot. OVMF cannot be had with it: it writes CR8 at each interrupt, by
# which QEMU 7.2 asserts in its own SVM. So this host's QEMU takes SeaBIOS in its place, which measures neither kernel nor command line: nothing here says anything of measured boot.
# And what a guest says on its console is kept, to be shown where it does not start.
WRAPPER = """#!/bin/busybox sh
case " $* " in *" -accel kvm "*) ;; *) exec /usr/sbin/qemu-system-x86_64 "$@" ;; esac
n=$#
while [ $n -gt 0 ]; do
	a=$1; shift; n=$((n - 1))
	case $a in */firmware.fd) a=/usr/share/seabios/bios-256k.bin ;; esac
	[ "$a" = stdio ] && a=chardev:console
	set -- "$@" "$a"
done
exec /usr/sbin/qemu-system-x86_64 "$@" -chardev stdio,id=console,signal=off,logfile=/run/console
"""
SECOND = """#!/bin/busybox sh
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root PYTHONDONTWRITEBYTECODE=1
b=/bin/busybox
$b mount -t proc p /proc; $b mount -t sysfs s /sys; $b mount -t devtmpfs d /dev; $b mkdir -p /dev/pts /dev/shm
$b mount -t devpts p /dev/pts; $b mount -t tmpfs t /dev/shm; $b mount -t tmpfs t /run; $b mount -t tmpfs t /tmp; $b mount -t cgroup2 c /sys/fs/cgroup
$b ip link set lo up
@COMMAND@ > /dev/ttyS1 2>/dev/ttyS0 < /dev/null
echo "nested: ended with $?" > /dev/ttyS1
$b sync; $b poweroff -f
"""


def lacking():
    for tool in ("mke2fs", "cpio", "busybox", "crun", "ldd"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            return tool
    return guestkit.absent() or next((f for f in PROGRAMS + [SPOOF, "/usr/lib/python3/dist-packages/cryptography"] if not os.path.exists(f)), None)


# ---- the guest's image: the one of the tests, with the program that tries sockets in its containers ----


def archive(folder, paths):
    return subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], input="\n".join(paths).encode() + b"\n", cwd=folder, capture_output=True, check=True).stdout


def guest_image(tmp):
    subprocess.run(["strip", "--strip-all", "-o", tmp + "/init", AGENT], check=True)
    why = guestkit.build(COFFER, tmp + "/init", CACHE, tmp + "/image", "--debug")
    if why:
        return why
    parts = SPOOF.strip("/").split("/")
    with open(tmp + "/image/initrd.img", "ab") as f:  # a ramdisk that follows another adds to it
        f.write(bytes(-f.tell() % 4) + archive("/", ["/".join(parts[:i]) for i in range(1, len(parts) + 1)]))
    return None


# ---- the host: its kernel's modules, its disk ----


def module(found, name):
    """The file of a module and of those that it needs, those first."""
    path = found[name.replace("-", "_")]
    with open(path, "rb") as f:
        needs = re.search(rb"\0depends=([^\0]*)\0", f.read()).group(1).decode()
    return [p for n in needs.split(",") if n for p in module(found, n)] + [path]


def ramdisk(tmp):
    deb = next(f for f in sorted(os.listdir(CACHE)) if f.startswith("linux-image-"))
    subprocess.run(["dpkg-deb", "-x", CACHE + "/" + deb, tmp + "/kernel"], check=True)
    found = {f[:-3].replace("-", "_"): d + "/" + f for d, _, files in os.walk(tmp + "/kernel/lib/modules") for f in files if f.endswith(".ko")}
    found = found or {f[:-3].replace("-", "_"): d + "/" + f for d, _, files in os.walk(tmp + "/kernel/usr/lib/modules") for f in files if f.endswith(".ko")}
    d = tmp + "/ramdisk"
    for f in ("bin", "proc", "sys", "dev", "root", "m"):
        os.makedirs(d + "/" + f)
    shutil.copy("/bin/busybox", d + "/bin/busybox")
    order = list(dict.fromkeys(p for m in MODULES for p in module(found, m)))
    for p in order:
        shutil.copy(p, d + "/m")
    with open(d + "/modules", "w") as f:
        f.write("".join("/m/%s\n" % os.path.basename(p) for p in order))
    with open(d + "/init", "w") as f:
        f.write(INIT)
    os.chmod(d + "/init", 0o755)
    with open(tmp + "/initrd", "wb") as f:
        f.write(archive(d, [os.path.relpath(os.path.join(a, n), d) for a, ds, fs in os.walk(d) for n in ds + fs]))
    return next(tmp + "/kernel/boot/" + f for f in os.listdir(tmp + "/kernel/boot") if f.startswith("vmlinuz"))


def needs(path):
    """Shared objects that a program's loader would open."""
    out = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    return re.findall(r"(?:=> |^\s+)(/\S+) \(0x", out, re.M)


def disk(tmp, command):
    root, want = tmp + "/root", PROGRAMS + [COFFER, AGENT, SPOOF] + FILES
    want += [os.path.join(d, f) for d in ("/usr/lib/x86_64-linux-gnu/qemu",) if os.path.isdir(d) for f in os.listdir(d) if f.startswith("accel-")]
    packages = ["/usr/lib/python3/dist-packages/" + p for p in PACKAGES]
    elf = [f for f in want if os.path.exists(f)] + [os.path.join(a, f) for d in packages + ["/usr/lib/python3.11/lib-dynload", "/usr/lib/x86_64-linux-gnu/swtpm"]
                                                   for a, _, fs in ([(os.path.dirname(d), [], [os.path.basename(d)])] if os.path.isfile(d) else os.walk(d)) for f in fs if ".so" in f]
    want += sorted({n for f in elf for n in needs(f)}) + ["/lib64/ld-linux-x86-64.so.2"]
    for link in ("bin", "lib", "lib64", "sbin"):  # Debian's merged folders
        os.makedirs(root + "/usr/" + link, exist_ok=True)
        os.symlink("usr/" + link, root + "/" + link)
    for f in ("proc", "sys", "dev", "run", "tmp", "var/tmp", "nested", "root"):
        os.makedirs(root + "/" + f)
    for d in [d for d in FOLDERS if os.path.isdir(d)] + packages + [TOP + "/tests/e2e", TOP + "/tests/nested"]:
        if os.path.isdir(d):
            shutil.copytree(d, root + d, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("test", "idlelib", "lib2to3", "config-3*", "*.fd", "u-boot*", "*.a"))
        else:
            shutil.copy2(d, root + d)
    for f in dict.fromkeys(os.path.realpath(os.path.dirname(f)) + "/" + os.path.basename(f) for f in want if os.path.exists(f)):
        os.makedirs(root + os.path.dirname(f), exist_ok=True)
        if not os.path.lexists(root + f):
            shutil.copy2(f, root + f)
    os.rename(root + "/usr/bin/qemu-system-x86_64", root + "/usr/sbin/qemu-system-x86_64")
    with open(root + "/usr/bin/qemu-system-x86_64", "w") as f:
        f.write(WRAPPER)
    os.chmod(root + "/usr/bin/qemu-system-x86_64", 0o755)
    shutil.copytree(tmp + "/image", root + "/nested/image")
    with open(root + "/nested/init", "w") as f:
        f.write(SECOND.replace("@COMMAND@", command))
    os.chmod(root + "/nested/init", 0o755)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", root, tmp + "/disk", "2G"], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
    shutil.rmtree(root)


def run(tmp, kernel):
    args = ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "EPYC,-erms", "-smp", "2", "-m", str(MEMORY), "-display", "none", "-nodefaults", "-no-user-config",
            "-no-reboot", "-serial", "file:" + (os.environ.get("COFFER_NESTED_LOG") or tmp + "/console"), "-serial", "stdio", "-kernel", kernel, "-initrd", tmp + "/initrd", "-append",
            "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check", "-drive", "if=none,id=d0,format=raw,cache=unsafe,file=" + tmp + "/disk", "-device", "virtio-blk-pci,drive=d0",
            "-device", "virtio-rng-pci"]
    said = []
    p = subprocess.Popen(["timeout", str(LIMIT), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in p.stdout:
        said.append(line.decode("utf8", "replace").rstrip())
        print(said[-1], flush=True)
    p.wait()
    return said


def main():
    why = lacking()
    if why:
        print("1..0 # SKIP no " + why)
        return 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("COFFER_NESTED_TMP")) as tmp:
        why = guest_image(tmp)
        if why:
            print("1..0 # SKIP no packages for the image: " + why.replace("\n", " ")[:200])
            return 0
        kernel = ramdisk(tmp)
        disk(tmp, "%s/tests/nested/inside.py %s %s /nested/image" % (TOP, COFFER, AGENT))
        said = run(tmp, kernel)
    plan = next((int(l[3:]) for l in said if re.fullmatch(r"1\.\.[0-9]+", l)), -1)
    good = sum(l.startswith("ok ") for l in said)
    if "nested: ended with 0" not in said or good != plan:
        print("Bail out! the machine that plays the host ended early, or with failures: %d of %d" % (good, plan))
        return 1
    return 0


sys.exit(main())
