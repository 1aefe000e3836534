#!/usr/bin/python3
"""coffer measure: MRTD against a second implementation (mr_td below, from Intel's words alone), the command line, and PCRs
against a boot (QEMU with TCG, OVMF, swtpm, a Linux kernel): the registers are what the guest reads from its TPM. argv: coffer.
What needs an absent part is skipped by name. The kernel: $COFFER_TEST_KERNEL, else the newest /boot/vmlinuz-*. One boot; with COFFER_BOOTS=all also with
other memory, and of a unified kernel image, from firmware and from a disk."""
import glob, hashlib, json, os, re, shutil, struct, subprocess, sys, tempfile, time, uuid

coffer = sys.argv[1]
OTHER = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF, STUB = "/usr/share/ovmf/OVMF.fd", "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
BUSYBOX = next((b for b in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(b)), None)
BANKS = ("sha256", "sha384")
WAIT = 600  # seconds before a boot counts as hung

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
for b in sha256 sha384; do for r in 0 1 2 3 4 7 9 11; do
/bin/busybox echo "PCR $b $r $(/bin/busybox cat /sys/class/tpm/tpm0/pcr-$b/$r)"
done; done
/bin/busybox mount -t securityfs securityfs /sys/kernel/security
/bin/busybox echo "LOG $(/bin/busybox od -An -v -tx1 /sys/kernel/security/tpm0/binary_bios_measurements | /bin/busybox tr -d ' \\n')"
/bin/busybox echo MEASURED
/bin/busybox echo o > /proc/sysrq-trigger
/bin/busybox sleep 60
"""


def absent():
    for tool in ("qemu-system-x86_64", "swtpm", "swtpm_setup", "objcopy"):
        if not shutil.which(tool):
            return tool
    if not os.path.exists(OVMF):
        return OVMF
    if not BUSYBOX or b"/ld-linux" in open(BUSYBOX, "rb").read():
        return "a static busybox"
    return None if kernel() else "a kernel ($COFFER_TEST_KERNEL or /boot/vmlinuz-*)"


def kernel():
    return os.environ.get("COFFER_TEST_KERNEL") or max(glob.glob("/boot/vmlinuz-*"), default=None)


def cpio(entries):
    out = b""
    for i, (name, mode, data, dev) in enumerate(entries + [("TRAILER!!!", 0, b"", (0, 0))]):
        n = name.encode() + b"\0"
        out += b"070701" + b"".join(b"%08X" % v for v in (i + 1, mode, 0, 0, 1, 0, len(data), 0, 0, dev[0], dev[1], len(n), 0))
        out += n
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return out


def make_initrd(path):
    with open(BUSYBOX, "rb") as f:
        busybox = f.read()
    dirs = [(d, 0o40755, b"", (0, 0)) for d in ("bin", "dev", "proc", "sys")]
    with open(path, "wb") as f:
        f.write(cpio(dirs + [("dev/console", 0o20600, b"", (5, 1)), ("bin/busybox", 0o100755, busybox, (0, 0)),
                             ("init", 0o100755, INIT.encode(), (0, 0))]))


def make_uki(out, kern, initrd, cmdline, tmp):
    """As ukify places them: behind the stub's own sections, page by page."""
    head = subprocess.run(["objdump", "-h", STUB], capture_output=True, text=True, check=True).stdout
    at = max(int(s, 16) + int(v, 16) for s, v in re.findall(r"^ *\d+ \.\S+ +([0-9a-f]+) +([0-9a-f]+)", head, re.M))
    parts = {".osrel": b"ID=measured\n", ".cmdline": cmdline.encode()}
    args = ["objcopy"]
    for name, data in parts.items():
        with open(os.path.join(tmp, name[1:]), "wb") as f:
            f.write(data)
    for name, path in ((".osrel", tmp + "/osrel"), (".cmdline", tmp + "/cmdline"), (".initrd", initrd), (".linux", kern)):
        at = (at + 4095) & ~4095
        args += ["--add-section", f"{name}={path}", "--change-section-vma", f"{name}={at:#x}"]
        at += os.path.getsize(path)
    subprocess.run(args + [STUB, out], check=True)


def boot(args, tmp, memory):
    state = tempfile.mkdtemp(dir=tmp)
    subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", state, "--pcr-banks", ",".join(BANKS)], check=True, stdout=subprocess.DEVNULL)
    tpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--ctrl", f"type=unixio,path={state}/sock", "--terminate"])
    deadline = time.monotonic() + 30
    while not os.path.exists(state + "/sock") and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        out = subprocess.run(
            ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,-erms", "-smp", "1", "-m", str(memory), "-display", "none",
             "-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio", "-bios", OVMF, "-chardev", f"socket,id=t,path={state}/sock",
             "-tpmdev", "emulator,id=tpm0,chardev=t", "-device", "tpm-crb,tpmdev=tpm0", *args],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT).stdout.decode("latin-1")
    finally:
        tpm.terminate()
        tpm.wait()
    pcrs = {(b, int(r)): v.lower() for b, r, v in re.findall(r"PCR (\S+) (\d+) ([0-9A-Fa-f]{64,})", out)}
    log = re.search(r"LOG ([0-9a-f]+)", out)
    if "MEASURED" not in out or not log:
        raise SystemExit("the guest did not come up:\n" + out[-2000:])
    with open(tmp + "/log", "wb") as f:
        f.write(bytes.fromhex(log.group(1)))
    return pcrs


number, failed = 0, 0


def skip(name, why):
    global number
    number += 1
    print(f"ok {number} {name} # SKIP {why}", flush=True)


def check(name, good, note=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {name}" + (f"\n# {note}" if not good else ""), flush=True)


def run(*args):
    return subprocess.run([coffer, "measure", *args], capture_output=True, text=True)


def events(log):
    """(PCR, type, SHA-384 digest, data) of a TCG2 log with both banks, the first event left out."""
    size, at = {4: 20, 11: 32, 12: 48, 13: 64}, 32 + struct.unpack_from("<I", log, 28)[0]
    while at < len(log):
        pcr, kind, n = struct.unpack_from("<III", log, at)
        digests, at = {}, at + 12
        for _ in range(n):
            alg = struct.unpack_from("<H", log, at)[0]
            digests[alg] = log[at + 2:at + 2 + size[alg]]
            at += 2 + size[alg]
        n = struct.unpack_from("<I", log, at)[0]
        yield pcr, kind, digests[12], log[at + 4:at + 4 + n]
        at += 4 + n


def compare_td(name, args, tmp):
    """What a TD extends into RTMR 1 and 2 is what this boot extended into PCR 4, 5 and 9, but for separators; the order of a CCEL log
    is checked in tests/conformance. A boot's log may miss what came after it was fetched."""
    with open(tmp + "/log", "rb") as f:
        seen = list(events(f.read()))
    app = [d for p, k, d, _ in seen if p == 4 and k == 0x80000003][0]
    actions = [b"Calling EFI Application from Boot Option", b"Exit Boot Services Invocation", b"Exit Boot Services Returned with Success"]
    recorded = {data: d for _, k, d, data in seen if k == 0x80000007}
    rtmr = [bytes(48), bytes(48)]
    for r, d in [(0, app)] + [(0, hashlib.sha384(a).digest()) for a in actions] + [(1, d) for p, _, d, _ in seen if p == 9]:
        rtmr[r] = hashlib.sha384(rtmr[r] + d).digest()
    r = run("tdx", "--firmware", OVMF, "--json", *args)
    got = json.loads(r.stdout)["registers"] if r.returncode == 0 else {}
    check(f"{name}_digests_are_those_of_rtmr_1_and_2", got.get("rtmr_1") == rtmr[0].hex() and got.get("rtmr_2") == rtmr[1].hex() and
          set(got) == {"mr_td", "rtmr_1", "rtmr_2"}, f"{r.stderr} {got} {[v.hex() for v in rtmr]}")
    check(f"{name}_actions_are_recorded_as_texts", actions[0] in recorded and all(
        recorded.get(a, hashlib.sha384(a).digest()) == hashlib.sha384(a).digest() for a in actions), recorded)


def compare_firmware(name, pcrs, args, memory, tmp):
    """PCR 0 by the firmware's file alone; and its log, which is not of another file."""
    for bank in BANKS:
        r = run("tpm", "--json", "--bank", bank, "--firmware", OVMF, "--memory", str(memory), *args)
        check(f"{name}_{bank}_firmware_s_registers_are_the_computed_ones", r.returncode == 0 and all(json.loads(r.stdout)["registers"]["pcr%02d" % n] == pcrs[bank, n] for n in (0, 2, 3)), r.stderr + r.stdout)
    r = run("tpm", "--firmware", OVMF, "--memory", str(memory + 1), "--event-log", tmp + "/log", *args)
    check(f"{name}_another_shape_than_the_log_s_is_said", r.returncode == 0 and "another shape" in r.stderr and "by the event log" not in
          [l for l in r.stdout.splitlines() if l.startswith("pcr00 ")][0], r.stderr + r.stdout)
    if os.path.exists(OTHER):
        r = run("tpm", "--firmware", OTHER, "--event-log", tmp + "/log", *args)
        check(f"{name}_log_of_other_firmware_is_refused", r.returncode == 1 and "refused: firmware" in r.stderr, r.stderr)


def compare(name, pcrs, args, tmp):
    for bank in BANKS:
        r = subprocess.run([coffer, "measure", "tpm", "--json", "--bank", bank, "--event-log", tmp + "/log", *args], capture_output=True, text=True)
        got = json.loads(r.stdout)["registers"] if r.returncode == 0 else {}
        want = {n: pcrs[bank, int(n[3:])] for n in got}
        need = {"pcr00", "pcr01", "pcr02", "pcr03", "pcr07", "pcr04", "pcr09"} | ({"pcr11"} if "--uki" in args else set())
        check(f"{name}_{bank}_registers_are_the_predicted_ones", got == want and set(got) == need, f"{r.stderr} {got} {want}")


# ---- MRTD ----


def guid(text):
    return uuid.UUID(text).bytes_le


def table(fw):
    """The entries between the footer's length and the footer, from behind."""
    end = len(fw) - 32
    assert fw[end - 16:end] == guid("96b582de-1fb2-45f7-baea-a366c55a082d")
    at, stop, found = end - 18, end - struct.unpack_from("<H", fw, end - 18)[0], {}
    while at > stop:
        n = struct.unpack_from("<H", fw, at - 18)[0]
        found[fw[at - 16:at]] = fw[at - n:at - 18]
        at -= n
    return found


def mr_td(fw):
    where = len(fw) - struct.unpack("<I", table(fw)[guid("e47a6535-984a-4798-865e-4685a7bf8ec2")])[0]
    sig, _, _, n = struct.unpack_from("<4sIII", fw, where)
    assert sig == b"TDVF"
    h = hashlib.sha384()
    for i in range(n):
        at, raw, gpa, size, _, attributes = struct.unpack_from("<IIQQII", fw, where + 16 + 32 * i)
        memory = fw[at:at + raw].ljust(size, b"\0")
        for page in range(0, size if not attributes & 2 else 0, 4096):
            h.update(struct.pack("<16sQ104x", b"MEM.PAGE.ADD", gpa + page))
            for chunk in range(page, page + 4096, 256) if attributes & 1 else ():
                h.update(struct.pack("<16sQ104x", b"MR.EXTEND", gpa + chunk) + memory[chunk:chunk + 256])
    return h.hexdigest()


def firmware(sections, data):
    """One that says it is TDVF: metadata, what it places, the table."""
    meta = b"".join(struct.pack("<IIQQII", *s) for s in sections)
    head = guid("e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae") + struct.pack("<4sIII", b"TDVF", 16 + len(meta), 1, len(sections))
    body = data.ljust(0x3000, b"\x5a") + head + meta
    size = 0x4000
    entry = struct.pack("<IH", size - 0x3010, 22) + guid("e47a6535-984a-4798-865e-4685a7bf8ec2")
    tail = entry + struct.pack("<H", len(entry) + 18) + guid("96b582de-1fb2-45f7-baea-a366c55a082d") + bytes(32)
    return body.ljust(size - len(tail), b"\0") + tail


def check_mr_td(tmp):
    sections = [(0x1000, 0x1f00, 0xffffe000, 0x2000, 0, 1), (0, 0x1000, 0xffffd000, 0x1000, 1, 0), (0, 0, 0x809000, 0x2000, 2, 0),
                (0, 0, 0x80b000, 0x1000, 3, 1), (0, 0, 0, 0x80000, 4, 2)]
    path = tmp + "/fw"
    for name, fw in (("made_here", firmware(sections, bytes(range(256)) * 40)), ("of_the_distribution", None)):
        if fw is None:
            if not os.path.exists(OVMF):
                skip(f"mr_td_of_firmware_{name}_agrees", f"no {OVMF}")
                continue
            with open(OVMF, "rb") as f:
                fw = f.read()
        with open(path, "wb") as f:
            f.write(fw)
        r = run("tdx", "--firmware", path)
        check(f"mr_td_of_firmware_{name}_agrees", r.stdout == f"mr_td {mr_td(fw)}\n", r.stderr + r.stdout)
    log = shared("eventlog/CCEL_data_grub")
    if not log:
        skip("rtmrs_come_from_a_log_only_when_given", "no shared vectors")
    else:
        j = json.loads(run("tdx", "--firmware", path, "--event-log", log, "--json", "--shape", "2 vCPU").stdout)
        check("rtmrs_come_from_a_log_only_when_given", j["platform"] == "tdx" and j["shape"] == "2 vCPU" and
              {"mr_td", "rtmr_0", "rtmr_1", "rtmr_2"} == set(j["registers"]) and all(len(v) == 96 for v in j["registers"].values()), j)
        check_log_beside_kernel(path, log, tmp)
    with open(path, "wb") as f:
        f.write(bytes(8192))
    check("firmware_that_is_no_tdvf_is_refused", run("tdx", "--firmware", path).returncode == 4)


def check_log_beside_kernel(fw, log, tmp):
    """Computed registers take the place of a log's, and both the rest and a difference are said."""
    image = STUB if os.path.exists(STUB) else kernel()  # any EFI program will do
    if not image:
        skip("computed_registers_win_over_a_log", f"no {STUB} and no kernel")
        return
    kern = ["--kernel", image, "--cmdline", "a b"]
    alone, logged, both = run("tdx", "--firmware", fw, *kern), run("tdx", "--firmware", fw, "--event-log", log), run(
        "tdx", "--firmware", fw, "--event-log", log, *kern)
    check("registers_of_a_log_are_marked", [l.endswith(" by the event log") for l in logged.stdout.splitlines()] == [False, True, True, True], logged.stdout)
    check("computed_registers_win_over_a_log", both.stdout.splitlines()[2:] == alone.stdout.splitlines()[1:] and
          both.stdout.splitlines()[:2] == logged.stdout.splitlines()[:2] and both.stderr.count("another boot") == 2, both.stdout + both.stderr)
    json_of = run("tdx", "--firmware", fw, "--event-log", log, "--json")
    check("json_leaves_the_note_to_standard_error", json_of.stderr.count("rests on the event log") == 3 and "rtmr_0" in json_of.stdout, json_of.stderr)


# ---- the command line ----


def shared(name):
    root = os.environ.get("COFFER_SHARED", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared")) + "/vectors/"
    return root + name if os.path.exists(root + name) else None


def check_snp(tmp):
    cases = shared("snp-measure/cases.json")
    if not cases:
        skip("snp_launch_as_json", "no shared vectors")
        return
    with open(cases) as f:
        want = json.load(f)[0]
    fw, empty = os.path.join(os.path.dirname(cases), want["ovmf"]), tmp + "/empty"
    open(empty, "wb").close()
    with open(tmp + "/cmdline", "w") as f:
        f.write(want["append"] + "\n")
    args = ["snp", "--firmware", fw, "--vcpus", "1", "--guest-features", "0x21", "--kernel", empty, "--initrd", empty]
    r = run(*args, "--vcpu-type", "EPYC-v4", "--cmdline-file", tmp + "/cmdline", "--json")
    check("snp_launch_as_json", r.returncode == 0 and json.loads(r.stdout) == {
        "platform": "snp", "shape": "1 vCPU EPYC-v4, qemu, features 0x21", "registers": {"measurement": want["launch_digest"]}}, r.stdout + r.stderr)
    known = {  # values that the tests of another implementation publish and the manifest lacks; nothing but an empty kernel
        ("gce", 4): "5c5debf100fc339f90276e761ee1f1658d08922c3b20e2a2e6c7a6c3370b2452a15a00eae11886a93d6fd1e7ab81e29d",
        ("qemu", 4): "5061fffb019493a903613d56d54b94912a1a2f9e4502385f5c194616753720a92441310ba6c4933de877c36e23046ad5",
        ("ec2", 1): "0883bd0eeb716e65b7b977a321c278d1e51b33b5c655fab985443bbcc65c086b9c15e8a0bd8811050dec7e24964e5056"}
    for (vmm, vcpus), digest in known.items():
        r = run("snp", "--firmware", fw, "--vcpus", str(vcpus), "--vcpu-type", "EPYC-v4", "--vmm", vmm, "--kernel", empty)
        check(f"snp_launch_of_{vcpus}_vcpus_by_{vmm}", r.stdout == f"measurement {digest}\n", r.stdout + r.stderr)
    for name, more in (("no_vcpu_type", []), ("unknown_type", ["--vcpu-type", "i386"]), ("unknown_vmm", ["--vmm", "xen"]),
                       ("features_not_hex", ["--vcpu-type", "EPYC", "--guest-features", "33"]),
                       ("two_command_lines", ["--vcpu-type", "EPYC", "--cmdline", "a", "--cmdline-file", empty]),
                       ("shape_too_long", ["--vcpu-type", "EPYC", "--shape", "x" * 64])):
        check(f"snp_usage_{name}_exits_2", run(*args, *more).returncode == 2)
    wrong = dict(want, launch_digest="00" * 48)
    for name, launches, code in (("right", [want], 0), ("wrong", [wrong], 1)):
        shutil.copy(fw, tmp)
        with open(tmp + "/cases.json", "w") as f:
            json.dump(launches, f)
        with open(tmp + "/manifest.json", "w") as f:
            json.dump([{"id": "l", "tee": "snp", "files": {"cases": "cases.json"}, "expect": {"verdict": "computed"}}], f)
        r = subprocess.run([coffer, "evidence", "test", tmp + "/manifest.json"], capture_output=True, text=True)
        check(f"manifest_with_a_{name}_digest", r.returncode == code, r.stdout + r.stderr)


def check_usage(tmp):
    for name, args in (("neither", []), ("both", ["--uki", "a", "--kernel", "b"]), ("memory_of_uki", ["--uki", "a", "--memory", "512"]),
                       ("bank", ["--uki", "a", "--bank", "sha512"]), ("initrd_alone", ["--uki", "a", "--initrd", "b"]), ("disk_of_kernel", ["--kernel", "a", "--disk"]), ("firmware_without_memory", ["--uki", "a", "--firmware", "b"]),
                       ("vcpus_without_firmware", ["--uki", "a", "--vcpus", "1"]), ("vcpus_none", ["--uki", "a", "--firmware", "b", "--memory", "512", "--vcpus", "0"]),
                       ("narrow_addresses", ["--uki", "a", "--firmware", "b", "--memory", "512", "--address-bits", "31"]),
                       ("addresses_of_nobody_s", ["--uki", "a", "--firmware", "b", "--memory", "512", "--address-bits", "39"]),
                       ("a_maker_that_is_none", ["--uki", "a", "--firmware", "b", "--memory", "512", "--address-bits", "39", "--cpu-maker", "zilog"]),
                       ("a_maker_of_no_addresses", ["--uki", "a", "--firmware", "b", "--memory", "512", "--cpu-maker", "amd"])):
        check(f"tpm_usage_{name}_exits_2", run("tpm", *args).returncode == 2)
    for name, args in (("initrd_alone", ["--initrd", "b"]), ("memory_alone", ["--memory", "512"]), ("memory_in_words", ["--kernel", "a", "--memory", "x"])):
        check(f"tdx_usage_{name}_exits_2", run("tdx", "--firmware", OVMF, *args).returncode == 2)
    open(tmp + "/empty", "wb").close()
    r = run("tdx", "--firmware", OVMF, "--kernel", tmp + "/empty", "--cmdline", "a")
    check("tdx_kernel_that_is_none_is_refused", not os.path.exists(OVMF) or r.returncode == 3 and "kernel" in r.stderr, r.stderr)


# ---- boots ----


def check_boots(tmp):
    missing = absent()
    if missing:
        skip("measured_boots", f"no {missing}")
        return
    kern, initrd, cmdline = kernel(), tmp + "/initrd", "console=ttyS0 quiet"
    make_initrd(initrd)
    more = os.environ.get("COFFER_BOOTS") == "all"
    for memory in (512, 1024) if more else (512,):
        pcrs = boot(["-kernel", kern, "-initrd", initrd, "-append", cmdline], tmp, memory)
        compare(f"direct_boot_{memory}", pcrs, ["--kernel", kern, "--initrd", initrd, "--cmdline", cmdline, "--memory", str(memory)], tmp)
        compare_firmware(f"direct_boot_{memory}", pcrs, ["--kernel", kern, "--initrd", initrd, "--cmdline", cmdline], memory, tmp)
        compare_td(f"direct_boot_{memory}", ["--kernel", kern, "--initrd", initrd, "--cmdline", cmdline, "--memory", str(memory)], tmp)
    if not more or not os.path.exists(STUB):
        skip("unified_kernel_image", f"no {STUB}" if more else "booted from firmware and from a disk where COFFER_BOOTS is all; guest_boot boots a guest's own each time")
        return
    make_uki(tmp + "/uki.efi", kern, initrd, cmdline, tmp)
    compare("unified_kernel_image", boot(["-kernel", tmp + "/uki.efi"], tmp, 768), ["--uki", tmp + "/uki.efi"], tmp)
    os.makedirs(tmp + "/disk/EFI/BOOT")
    os.rename(tmp + "/uki.efi", tmp + "/disk/EFI/BOOT/BOOTX64.EFI")
    disk = ["-drive", f"if=none,id=d,format=raw,file=fat:rw:{tmp}/disk", "-device", "virtio-blk-pci,drive=d,bootindex=1"]
    compare("unified_kernel_image_on_a_disk", boot(disk, tmp, 768), ["--disk", "--uki", tmp + "/disk/EFI/BOOT/BOOTX64.EFI"], tmp)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        for part in (check_mr_td, check_snp, check_usage, check_boots):
            part(tmp)
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
