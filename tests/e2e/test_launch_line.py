#!/usr/bin/python3
"""coffer run --tee and --print: command lines of machines that this host may not have, as text; what they measure as is what `coffer measure` says of the
same files; QEMU itself reads what it knows of them; a host without the TEE is told so, and nothing was started. argv: coffer, agent, what plays a host with vsock (with_vsock.c). TAP."""
import os, shlex, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from podkit import *

OVMF = "/usr/share/ovmf/OVMF.fd"
QEMU = "/usr/bin/qemu-system-x86_64"
HAS = lambda what: os.path.exists(what)


def firmware():
    """What SEV firmware says of itself: metadata of its pages at 0x100, the table of GUIDs at the end, a page for kernel hashes."""
    guid = lambda t: bytes.fromhex(t)
    entry = lambda g, v: struct.pack("<IH", v, 22) + guid(g)
    size = 8192
    sections = [(0x800000, 0x2000, 1), (0x80d000, 0x1000, 2), (0x80e000, 0x1000, 3), (0x810000, 0x1000, 0x10)]
    meta = b"ASEV" + struct.pack("<III", 16 + 12 * len(sections), 1, len(sections)) + b"".join(struct.pack("<III", *s) for s in sections)
    table = entry("1f3755723b3a044b927b1da6efa8d454", 0x810c00) + entry("de71f7007e1acb4f890e68c77e2fb44e", 0x80b004) + entry("666588dc4a989847a75e5585a7bf67cc", size - 0x100)
    footer = struct.pack("<H", len(table) + 18) + guid("de82b596b21ff745baeaa366c55a082d")
    out = bytearray(bytes(i * 7 >> 3 & 255 for i in range(size)))
    out[0x100:0x100 + len(meta)] = meta
    out[size - 32 - len(table + footer):size - 32] = table + footer
    return bytes(out)


def kernel():
    """A PE image with one section, and the header by which a loader knows Linux (boot protocol 2.12): it is read, and never runs."""
    head = bytearray(0x400)
    def at(where, form, *v):
        head[where:where + struct.calcsize(form)] = struct.pack(form, *v)
    at(0, "<2s", b"MZ")
    at(0x3c, "<I", 0x80)
    at(0x80, "<4sHH12xH", b"PE\0\0", 0x8664, 1, 240)
    at(0x98, "<H", 0x20b)
    at(0x98 + 60, "<I", 0x400)
    at(0x98 + 108, "<I", 16)
    at(0x98 + 240, "<8sIIII", b".text", 0x2000, 0, 0x2000, 0x400)
    at(0x1f1, "<B", 1)
    at(0x1fe, "<H", 0xaa55)
    at(0x202, "<4sH", b"HdrS", 0x20c)
    at(0x211, "<B", 1)
    at(0x22c, "<I", 0x7fffffff)
    at(0x236, "<H", 3)
    return bytes(head) + b"kernel.." * 0x400


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def image(path):
    for name, data in (("vmlinuz", kernel()), ("initrd.img", b"initrd" * 1000), ("cmdline", b"console=ttyS0 quiet")):
        put(path + "/" + name, data)
    return path


def document(p):
    z = base64.b64decode(p["metadata"]["annotations"]["io.katacontainers.config.hypervisor.cc_init_data"])
    return hashlib.sha256(gzip.decompress(z)).digest()


def tool(*a):
    r = subprocess.run([COFFER, *a], capture_output=True, timeout=60)
    r.err, r.out = r.stderr.decode("utf8", "replace"), r.stdout.decode("utf8", "replace")
    return r


IMG, FW = image(T + "/image"), put(T + "/snp.fd", firmware())
POD = pod(manifest([container("analyse", "true")]))
DIGEST = document(POD)
PARTS = ["--kernel", IMG + "/vmlinuz", "--initrd", IMG + "/initrd.img", "--cmdline-file", IMG + "/cmdline"]
show = lambda *a: run(POD, "--image", IMG, "--print", *a)
said = lambda r: json.loads(r.out)
after = lambda argv, option: [v for o, v in zip(argv, argv[1:]) if o == option]

# ---- snp ----
r = show("--tee", "snp", "--firmware", FW, "--json")
check("snp_is_printed_where_no_snp_is", r.returncode == 0, r)
argv = said(r)["argv"]
obj = after(argv, "-object")
check("snp_s_object_is_bound_to_the_initdata", re.fullmatch(r"sev-snp-guest,id=tee,cbitpos=[345][0-9],reduced-phys-bits=1,policy=0x30000,kernel-hashes=on,host-data=" +
      re.escape(base64.b64encode(DIGEST).decode()), obj[1]) is not None, r)
check("what_it_boots_is_the_image", after(argv, "-kernel") + after(argv, "-initrd") + after(argv, "-append") + after(argv, "-bios") ==
      [IMG + "/vmlinuz", IMG + "/initrd.img", "console=ttyS0 quiet", FW], r)
m = tool("measure", "snp", "--firmware", FW, *PARTS, "--vcpus", "2", "--vcpu-type", "EPYC-v4", "--json")
check("snp_measures_as_coffer_measure_says", m.returncode == 0 and said(m) == said(r)["launch"] and len(said(m)["registers"]["measurement"]) == 96, m)
check("its_cpus_are_those_that_were_measured", after(argv, "-smp") == ["2"] and after(argv, "-cpu") == ["EPYC-v4"], r)
for what, change in (("kernel", lambda i: put(i + "/vmlinuz", b"another")), ("initrd", lambda i: put(i + "/initrd.img", b"another")), ("cmdline", lambda i: put(i + "/cmdline", b"console=ttyS0 debug"))):
    i = image(T + "/changed-" + what)
    change(i)
    x = run(POD, "--image", i, "--print", "--tee", "snp", "--firmware", FW, "--json")
    check("another_%s_is_another_measurement" % what, x.returncode == 0 and said(x)["launch"]["registers"] != said(r)["launch"]["registers"], x)
text = show("--tee", "snp", "--firmware", FW)
check("the_text_is_the_same_line_for_a_shell", shlex.split(text.out.splitlines()[0]) == argv and
      text.out.splitlines()[1] == "measurement " + said(r)["launch"]["registers"]["measurement"], text)
check("nothing_was_started_or_made", not HAS(PODS))
x = show("--tee", "snp", "--firmware", OVMF if HAS(OVMF) else IMG + "/vmlinuz")
check("firmware_that_keeps_no_hashes_is_refused", x.returncode == 3, x)
x = show("--tee", "snp")
check("firmware_that_is_not_there_is_named_with_the_option", HAS("/usr/share/ovmf/OVMF.amdsev.fd") or x.returncode == 4 and "/usr/share/ovmf/OVMF.amdsev.fd is not there" in x.err and
      "--firmware FILE" in x.err, x)

# ---- swtpm ----
r, m = show("--memory", "512", "--accel", "tcg", "--json"), tool("measure", "tpm", *PARTS, "--memory", "512", *(["--firmware", OVMF] if HAS(OVMF) else []), "--json")
check("swtpm_measures_as_coffer_measure_says", m.returncode == 0 and r.returncode == 0 and {**said(m), "platform": "swtpm"} == said(r)["launch"] and
      set(said(m)["registers"]) == ({"pcr00", "pcr02", "pcr03", "pcr04", "pcr09"} if HAS(OVMF) else {"pcr04", "pcr09"}), r)

# ---- tdx ----
if HAS(OVMF):
    r = show("--tee", "tdx", "--firmware", OVMF, "--json")
    check("tdx_is_printed_where_no_tdx_is", r.returncode == 0, r)
    o = json.loads(after(said(r)["argv"], "-object")[1])
    check("tdx_s_object_is_bound_to_the_initdata_as_kata_pads_it", base64.b64decode(o["mrconfigid"]) == DIGEST + bytes(16) and o["qom-type"] == "tdx-guest" and
          o["quote-generation-socket"] == {"type": "vsock", "cid": "2", "port": "4050"}, r)
    m = tool("measure", "tdx", "--firmware", OVMF, *PARTS, "--json")
    check("tdx_measures_as_coffer_measure_says", m.returncode == 0 and said(m) == said(r)["launch"] and set(said(m)["registers"]) == {"mr_td", "rtmr_1", "rtmr_2"}, m)

# ---- what QEMU says of it ----
def qemu(argv, *commands):
    """The line as it stands, but for what this QEMU or host has not (7.2: the TEE's object, EPYC-v4, KVM, its firmware); the machine is stopped before its first instruction."""
    out, skip = [], False
    for a, b in zip(argv, argv[1:] + [""]):
        if skip or (a == "-object" and "tee" in b):
            skip = not skip
            continue
        a = a.replace("confidential-guest-support=tee,", "")
        out.append({"EPYC-v4": "EPYC", "kvm": "tcg", "stdio": "null", FW: OVMF, "host,pmu=off": "max,pmu=off"}.get(a, a))
    ours, theirs = socket.socketpair()
    out = [a.replace("fd=4", "fd=%d" % theirs.fileno()) for a in out]
    p = subprocess.run(out + ["-S", "-monitor", "stdio"], input="\n".join(commands + ("quit", "")), capture_output=True, text=True, timeout=60, pass_fds=[theirs.fileno()])
    ours.close(); theirs.close()
    p.out, p.err = p.stdout, p.stderr
    return p


odd = T + "/pods, of,readonly=off,,x"
if HAS(QEMU) and HAS(OVMF):
    i = image(T + "/image,file=x")
    for tee, fw in (("snp", FW), ("tdx", OVMF)):
        r = subprocess.run([COFFER, "run", "--state", odd, "--image", i, "--tee", tee, "--firmware", fw, "--memory", "256", "--channel", "virtio-serial", "--print", "--json", T + "/pod.yaml"],
                           capture_output=True, text=True, timeout=60)
        argv = json.loads(r.stdout)["argv"]
        os.makedirs(odd + "/risk", exist_ok=True)
        for f in ("initdata.img", "scratch.img"):
            put(odd + "/risk/" + f, bytes(4096))
        q = qemu(argv, "info block", "info memory-devices")
        check("qemu_reads_all_else_of_%s" % tee, q.returncode == 0, q)
        plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\r", "", q.stdout)
        check("commas_of_a_path_are_of_the_path_in_%s" % tee, re.search(r"^d0 \S+ %s/risk/initdata.img \(raw, read-only\)" % re.escape(odd), plain, re.M) is not None and
              re.search(r"^d1 \S+ %s/risk/scratch.img \(raw\)" % re.escape(odd), plain, re.M) is not None, q)
        knows = ("  %s\n" % ("sev-snp-guest" if tee == "snp" else "tdx-guest")) in subprocess.run([QEMU, "-object", "help"], capture_output=True, text=True).stdout
        if not knows:
            q = subprocess.run([QEMU, "-M", "none", "-display", "none", "-object", after(argv, "-object")[1]], capture_output=True, text=True, timeout=60)
            check("this_qemu_has_no_%s" % tee, q.returncode != 0 and "%s-guest" % ("sev-snp" if tee == "snp" else "tdx") in q.stderr)
    shutil.rmtree(odd)

# ---- a host without ----
for tee, device in (("snp", "/sys/module/kvm_amd/parameters/sev_snp"), ("tdx", "/sys/module/kvm_intel/parameters/tdx")):
    if HAS(device):
        continue
    r = run(POD, "--image", IMG, "--tee", tee, "--firmware", FW)
    check("a_host_without_%s_is_told_what_why_and_who" % tee, r.returncode == 4 and "starts no guests of %s: %s: No such file" % (tee, device) in r.err and
          "its operator needs" in r.err and "--print" in r.err, r)
    check("and_nothing_was_started_for_%s" % tee, not HAS(PODS), r)
# ---- the channel ----
if HAS(QEMU):
    q = subprocess.run([QEMU, "-device", "vhost-vsock-pci,help"], capture_output=True, text=True, timeout=60)
    check("qemu_knows_the_device_of_vsock_and_what_it_is_given", q.returncode == 0 and re.search(r"^\s+guest-cid=<", q.stdout, re.M) is not None and
          re.search(r"^\s+vhostfd=<", q.stdout, re.M) is not None, q)
r = show("--accel", "tcg", "--channel", "virtio-serial", "--json")
check("a_channel_that_is_asked_for_is_the_one", r.returncode == 0 and "virtio-serial-pci" in said(r)["argv"] and not any("vsock" in a for a in said(r)["argv"]), r)
if not HAS("/dev/vhost-vsock"):
    r = show("--accel", "tcg", "--json")
    check("a_host_without_vsock_takes_the_port_and_says_why", r.returncode == 0 and "virtio-serial-pci" in said(r)["argv"] and
          "channel: virtio-serial (no vsock: /dev/vhost-vsock: No such file" in r.err, r)
    for opts in (["--print"], []):
        r = run(POD, "--image", IMG, "--accel", "tcg", "--channel", "vsock", *opts)
        check("vsock_that_is_asked_for_and_not_there_is_refused%s" % ("_in_print" if opts else ""), r.returncode == 4 and "vsock cannot be used here: /dev/vhost-vsock: No such file" in r.err and
              "operator loads the module vhost_vsock; --channel virtio-serial" in r.err, r)
    check("and_nothing_stays_of_it", not HAS(PODS) or os.listdir(PODS) == [".lock"], r)

def ramdisk(*modules):
    """As coffer guest build makes it: one frame of zstd (here of one raw block, RFC 8878), and in that the list of modules among the first files."""
    def entry(i, name, mode, data):
        out = b"070701" + b"".join(b"%08X" % v for v in (i, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)) + name + b"\0"
        out += bytes(-len(out) % 4) + data
        return out + bytes(-len(out) % 4)
    listed = b"".join(b"/usr/lib/modules/6.1/kernel/%s.ko\n" % m for m in modules)
    plain = b"".join(entry(*e) for e in ((1, b"etc", 0o40755, b""), (2, b"etc/coffer", 0o40755, b""), (3, b"etc/coffer/modules", 0o100644, listed), (0, b"TRAILER!!!", 0, b"")))
    return bytes.fromhex("28b52ffda0") + struct.pack("<I", len(plain)) + (len(plain) << 3 | 1).to_bytes(3, "little") + plain


on_vsock = lambda *a: run(POD, "--accel", "tcg", *a, LD_PRELOAD=sys.argv[3])
before, now = image(T + "/before"), image(T + "/now")
put(before + "/initrd.img", ramdisk(b"virtio_console", b"not_vmw_vsock_virtio_transport"))
put(now + "/initrd.img", ramdisk(b"virtio_console", b"net/vmw_vsock/vmw_vsock_virtio_transport"))
for name, i in (("that_has_it", now), ("that_does_not_say", IMG)):
    r = on_vsock("--image", i, "--print", "--json")
    check("a_host_with_vsock_and_an_image_%s_take_it" % name, r.returncode == 0 and "vhost-vsock-pci,guest-cid=3,vhostfd=4" in said(r)["argv"] and "virtio-serial-pci" not in said(r)["argv"] and
          "channel: vsock; 3 stands for the guest's number" in r.err, r)
    check("and_of_an_image_%s_print_holds_no_number" % name, "taken" not in r.err, r)
r = on_vsock("--image", before, "--print", "--json")
check("an_image_from_before_vsock_gets_the_port_and_says_why", r.returncode == 0 and "virtio-serial-pci" in said(r)["argv"] and not any("vsock" in a for a in said(r)["argv"]) and
      "channel: virtio-serial (no vsock: %s is an image from before it, whose guest would find no channel; its provider builds it again" % before in r.err, r)
for opts in (["--print"], []):
    r = on_vsock("--image", before, "--channel", "vsock", *opts)
    check("vsock_that_is_asked_for_of_such_an_image_is_refused%s" % ("_in_print" if opts else ""), r.returncode == 4 and "an image from before it" in r.err and "--channel virtio-serial" in r.err and
          ("taken: number" in r.err) == (not opts), r)
check("and_nothing_stays_of_that", not HAS(PODS) or os.listdir(PODS) == [".lock"], r)

if not HAS("/sys/module/kvm_amd/parameters/sev_snp") and not HAS("/sys/module/kvm_intel/parameters/tdx"):
    for opts in (["--print"], []):
        r = run(POD, "--image", IMG, "--tee", "auto", *opts)
        check("auto_takes_nothing_that_protects_nothing%s" % "".join(opts).replace("--", "_to_"), r.returncode == 4 and "--tee auto: this host has neither snp nor tdx" in r.err and
              "taken by its name alone (--tee swtpm)" in r.err and "snp: /sys/module/kvm_amd" in r.err and "tdx: /sys/module/kvm_intel" in r.err and r.out == "" and (not HAS(PODS) or os.listdir(PODS) == [".lock"]), r)
for name, opts in (("a_tee_of_no_name", ["--image", IMG, "--tee", "sev"]), ("a_tee_without_an_image", ["--tee", "snp"]), ("print_without_an_image", ["--print"]),
                   ("emulated_snp", ["--image", IMG, "--tee", "snp", "--accel", "tcg"]), ("firmware_for_swtpm", ["--image", IMG, "--firmware", FW]),
                   ("a_channel_of_no_name", ["--image", IMG, "--channel", "slirp"]), ("a_channel_without_an_image", ["--channel", "vsock"])):
    r = run(POD, *opts)
    check("%s_is_an_error" % name, r.returncode == 2, r)
r = subprocess.run([COFFER, "run", "--state", T + "/a,b", "--image", IMG, "--accel", "tcg", T + "/pod.yaml"], capture_output=True, text=True, timeout=60)
check("a_comma_that_swtpm_would_take_for_its_own_is_refused_by_name", r.returncode == 2 and "a,b" in r.stderr and "swtpm takes the comma" in r.stderr)
check("of_that_pod_nothing_stays", os.listdir(T + "/a,b") == [".lock"])
done()
