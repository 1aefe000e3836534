#!/usr/bin/python3
"""A measured VM from firmware to power-off: QEMU (TCG), OVMF, swtpm, the image of `coffer guest build`. Three boots: as it should; with a byte more of
kernel, command line and ramdisk, which the trust service refuses; by a unified kernel image, with initdata that is too large. With COFFER_BOOTS=all the
refusals that are otherwise cases of unit tests have a boot each. argv: coffer, coffer-init, the source folder, cofferd."""
import hashlib, os, re, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import asks
from guestkit import *
from optrom import SAYS, option_rom, register_2
from tpms import Tpm, missing, must

coffer, init, source, cofferd = map(os.path.abspath, sys.argv[1:5])
CACHE = os.path.join(os.environ.get("COFFER_TOOLS") or os.path.join(source, "build/tools"), "guest")
SERVICE = "127.0.0.1:8443"
KEY = subprocess.run("openssl ecparam -genkey -name prime256v1 -noout | openssl pkey -pubout", shell=True, capture_output=True, text=True, check=True).stdout
MANIFEST = {"version": 1, "name": "risk", "provider": "acme", "genesis": "2" * 64, "service": {"id": "trust", "url": "https://" + SERVICE}, "platforms": ["swtpm"],
            "containers": [{"name": "app", "role": "business", "image": {"reference": "127.0.0.1:5000/app@sha256:" + "1" * 64, "provider": "imaker",
                            "method": {"type": "sigstoreSigned", "key": KEY}}, "args": ["/bin/true"], "cwd": "/", "env": [],
                            "user": {"uid": 0, "gid": 0, "groups": []}, "capabilities": [], "read-only-root": True, "mounts": [], "entitlements": [], "outputs": []}],
            "volumes": [], "host": {"logs": [], "signals": []}, "registries": {"plain-http": []}}
number, failed = 0, 0


def check(name, good, note=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {name}" + (f"\n# {note}" if not good else ""), flush=True)


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def measured(image, cmdline, firmware):
    r = subprocess.run([coffer, "measure", "tpm", "--json", "--kernel", image + "/vmlinuz", "--initrd", image + "/initrd.img", "--cmdline", cmdline,
                        "--memory", str(MEMORY), "--firmware", firmware], capture_output=True, text=True, check=True)
    return json.loads(r.stdout)["registers"]


class Service:
    """Parties that trust the maker of the TPM, a workload provider first; their trust service."""

    def __init__(self, tmp, tpm, name="service", owner=None):
        self.dir = tmp + "/" + name
        os.mkdir(self.dir)
        founders = ["acme"] + ([owner] if owner else [])
        self.file("pass", b"of the test\n")
        os.chmod(self.dir + "/pass", 0o600)
        self.file("service.json", must(cofferd, "keygen", "--config", self.config()))
        self.coffer("init", "--party", "acme", "--persona", "workload-provider")
        if owner:
            self.coffer("init", "--party", owner, "--persona", "data-owner", "--persona", "image-provider", who=owner)
        self.coffer("genesis", "new", "--origin", "vm.example/log", "--service", self.dir + "/service.json", "--out", self.dir + "/genesis.json",
                    "--vendor-root", "tpm=" + tpm.root, *[f"{self.dir}/{p}/party.json" for p in founders])
        for p in founders:
            self.coffer("genesis", "sign", self.dir + "/genesis.json", who=p)
        self.genesis = json.loads(self.coffer("genesis", "show", "--json", self.dir + "/genesis.json"))["genesis"]
        self.config('genesis-digest = "%s"\n' % self.genesis)
        self.log = open(self.dir + "/log", "wb")
        self.proc = subprocess.Popen([cofferd, "--config", self.dir + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=self.log)
        line = self.proc.stdout.readline().decode()
        assert line.startswith("cofferd: listening on https://"), line
        self.address = line.split("https://")[1].strip()
        for p in founders:
            self.coffer("genesis", "use", self.dir + "/genesis.json", "--service", "https://" + self.address, who=p)
        self.coffer("service", "sign", self.dir + "/service.json")

    def file(self, name, data):
        return write(self.dir + "/" + name, data)

    def config(self, more=""):
        return self.file("cofferd.toml", ('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "genesis.json"\n%s' % (self.dir, more)).encode())

    def coffer(self, *words, who="acme"):
        return must(coffer, *words, "--home", self.dir + "/" + who, env=dict(os.environ, COFFER_PASSPHRASE_FILE=self.dir + "/pass"))

    def told(self):
        with open(self.dir + "/log") as f:
            return f.read()

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            self.proc.wait(60)
        self.log.close()


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def as_it_should(image, tmp, tpm):
    """Boots, measures, attests; its launcher hangs up."""
    service = Service(tmp, tpm)
    try:
        doc = initdata(dict(MANIFEST, genesis=service.genesis, service={"id": "trust", "url": "https://" + service.address}))
        other = write(tmp + "/other", b"some other disk".ljust(4096, b"."))
        m = Machine(image, tmp, tpm.dir + "/state", [other, write(tmp + "/initdata", device(doc))], {service.address: address(service.address)})

        def when_ready():
            m.channel.knock(2, b"debug_console")
            deadline = time.monotonic() + WAIT
            while 2 not in m.channel.reset and time.monotonic() < deadline:
                time.sleep(0.02)
            m.channel.hang_up()
        m.run(when_ready=when_ready)
        told = m.told() + "\n# " + service.told()[-2000:].replace("\n", "\n# ")
    finally:
        service.stop()
    want = predicted(image)
    check("register_0_is_the_firmware_s_as_predicted_without_booting", m.pcr(0) == want["pcr00"], told)
    check("register_2_says_that_nothing_but_the_firmware_ran_before", m.pcr(2) == want["pcr02"], told)
    check("registers_4_and_9_are_those_predicted_without_booting", m.pcr(4) == want["pcr04"] and m.pcr(9) == want["pcr09"], told)
    check("register_8_holds_the_initdata_and_nothing_else", m.pcr(8) == pcr8(doc), told)
    check("register_11_is_untouched_without_a_unified_kernel_image", m.pcr(11) == "00" * 32, told)
    check("the_agent_asks_for_the_service_that_the_manifest_names_and_nothing_else", set(m.channel.asked) == {service.address} and m.channel.error is None,
          f"{m.channel.asked} {m.channel.error}\n# {told}")
    log = service.told()
    check("its_tpm_opens_the_credential_and_its_evidence_is_accepted", "POST /kbs/v0/auth 200" in log and "POST /kbs/v0/attest 200" in log and
          m.says("ready"), told)
    check("it_opens_the_boundary_to_the_launcher_and_nothing_else", m.channel.reset == [2], m.channel.reset)
    check("its_console_has_lines_of_known_kinds_alone_and_no_key", all(re.fullmatch(r"coffer-agent: (pcr\d\d [0-9a-f]{64}|ready|no scratch disk: all is in memory|failed \d+ .*|power off)", l[l.index("coffer-agent: "):])
          for l in m.lines if "coffer-agent: " in l) and not any("eyJ" in l or "PRIVATE" in l for l in m.lines), told)
    check("when_the_launcher_hangs_up_it_powers_off", m.says("failed 14 channel") and m.off(), told)


# ---- a machine that was booted otherwise, before the service ----

PARTS = {"kernel": "vmlinuz", "ramdisk": "initrd.img", "command_line": "cmdline"}
SEEN_IN = {"kernel": "4", "ramdisk": "49", "command_line": "9", "card": "2"}  # where a ramdisk lies, and so how long it is, is in the header of the kernel that register 4 measures


def with_parts(image, out, changed, parts):
    """The image with those parts of `changed`."""
    os.mkdir(out)
    for what, f in PARTS.items():
        os.link((changed if what in parts else image) + "/" + f, out + "/" + f)
    os.link(image + "/firmware.fd", out + "/firmware.fd")
    return out


def a_byte_more(image, tmp):
    """Of every part."""
    out = tmp + "/changed"
    os.mkdir(out)
    for f, more in (("vmlinuz", b"X"), ("initrd.img", bytes(4096)), ("cmdline", b" coffer=x")):
        with open(image + "/" + f, "rb") as was:
            write(out + "/" + f, was.read() + more)
    os.link(image + "/firmware.fd", out + "/firmware.fd")
    return out


def registers(image):
    """Those that a boot-image draft has."""
    with open(image + "/cmdline") as f:
        m = measured(image, f.read(), image + "/firmware.fd")
    return {r: m[r] for r in ("pcr00", "pcr02", "pcr03", "pcr04", "pcr09")}


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Owner:
    """A data owner with a sealed file for each boot image that somebody could have in mind: each opens for a machine that launched as that one, and for no other."""

    def __init__(self, tmp, image, service, names):
        self.dir, self.image, self.s, self.names = tmp, image, service, names
        tell = lambda *words, who="hospital": service.coffer(*words, who=who)
        self.reference = "127.0.0.1:5000/app@sha256:" + "1" * 64
        self.policy = os.path.join(source, "demo/swtpm.rego")
        verify = write(tmp + "/key.pem", KEY.encode())
        tell("image", "release", self.reference, "--verify-key", verify)
        write(tmp + "/plain", b"what is sealed")
        for n in names:
            tell("data", "seal", tmp + "/plain", "--asset", self.asset(n), "--key-out", f"{tmp}/{n}.key", "--out", f"{tmp}/{n}.sealed")
            tell("asset", "put", self.asset(n), "--type", "key", "--file", f"{tmp}/{n}.key", "--policy", self.policy)
        base = MANIFEST["containers"][0]
        self.manifest = dict(MANIFEST, genesis=service.genesis, service={"id": "trust", "url": "https://" + service.address},
                             containers=[dict(base, name=self.label(n), image=dict(base["image"], provider="hospital"), mounts=[{"destination": "/data", "volume": self.label(n), "read-only": True}],
                                              entitlements=[{"asset": self.asset(n), "purpose": "volume", "volume": self.label(n)}]) for n in names],
                             volumes=[{"name": self.label(n), "kind": "sealed", "asset": self.asset(n)} for n in names])
        tell("workload", "publish", write(tmp + "/manifest.json", jcs(self.manifest).encode()), who="acme")
        self.workload = hashlib.sha256(jcs(self.manifest).encode()).hexdigest()

    def label(self, name):
        return name.replace("_", "-")

    def asset(self, name):
        return "kbs:///hospital/data-key/" + self.label(name)

    def sealed(self, name):
        with open(f"{self.dir}/{name}.sealed", "rb") as f:
            return f.read()

    def boot_image(self, name, folder, more={}):
        """Its provider says that there is such an image, whose launch has these registers besides, and the owner that its asset is for machines of this one alone."""
        launch = {"platform": "swtpm", "shape": f"qemu, {MEMORY} MiB", "registers": dict(registers(folder), **more)}
        with open(self.image + "/boot-image.json") as f:
            draft = dict(json.load(f), name="of-" + self.label(name), launches=[launch], artefacts=[{"name": f, "sha256": digest(folder + "/" + f)} for f in PARTS.values()])
        signed = f"{self.dir}/{name}.boot"
        self.s.coffer("boot-image", "publish", write(f"{self.dir}/{name}.json", json.dumps(draft).encode()), "--out", signed)
        self.s.coffer("approve", self.workload, "--asset", self.asset(name), "--platform", "swtpm", "--boot-image", signed, "--yes", who="hospital")


def booted_otherwise(image, tmp, tpm):
    """A byte more of all three parts, and a card with code of the host's own. To each approval all is as booted but one part, which is as it was built: so each part alone
    is what is refused. Then the owner approves what was booted, and this very machine is given the key."""
    changed = a_byte_more(image, tmp)
    service, tried, with_card = Service(tmp, tpm, "second-service", "hospital"), {}, {"pcr02": register_2()}
    try:
        o = Owner(tmp, image, service, [*PARTS, "card", "as_booted"])
        for part in PARTS:
            o.boot_image(part, with_parts(image, f"{tmp}/but_{part}", changed, [p for p in PARTS if p != part]), with_card)
        o.boot_image("card", changed)
        m = Machine(changed, tmp, tpm.dir + "/state", [write(tmp + "/other-initdata", device(initdata(o.manifest)))], {service.address: address(service.address)},
                    more=["-device", "virtio-net-pci,romfile=" + write(tmp + "/card.rom", option_rom())])

        def when_ready():
            a = asks.Agent(m.channel.mine)
            tried["sandbox"] = a.call("CreateSandbox", asks.message(f1="risk", f5="risk"))
            tried["copies"] = [a.copy(o.label(n), o.sealed(n))[0] for n in o.names]
            for c, n in zip(o.manifest["containers"], o.names):
                if n == "as_booted":
                    o.boot_image(n, changed, with_card)
                tried[n] = a.create(c)
            m.channel.hang_up()
        m.run(when_ready=when_ready)
        decided = json.loads(service.coffer("decisions", "--json", who="hospital"))
        told = f"{tried}\n# {decided}\n# " + m.told() + "\n# " + service.told()[-2000:].replace("\n", "\n# ")
    finally:
        service.stop()
    want, was = registers(changed), predicted(image)
    check("a_machine_booted_otherwise_has_the_registers_of_what_it_booted", all(m.pcr(n) == want["pcr%02d" % n] != was["pcr%02d" % n] for n in (4, 9)), told)
    check("the_card_s_code_ran_and_register_2_says_so", any(SAYS.decode().strip() in l for l in m.lines) and m.pcr(2) == with_card["pcr02"] != was["pcr02"], told)
    check("it_attests_with_them_like_any_other", m.says("ready") and tried.get("sandbox", (1,))[0] == asks.OK and set(tried["copies"]) == {asks.OK}, told)
    for part in SEEN_IN:
        code, said = tried.get(part, (0, ""))
        check(f"another_{part}_is_refused_by_the_service", code == asks.DENIED and said.startswith("R5: what was booted is none of the 4 boot images of acme in force") and
              re.search(r": another pcr0[%s] than of boot image [0-9a-f]{16} \(of-%s\), which is approved for it" % (SEEN_IN[part], o.label(part)), said) is not None, told)
    code, said = tried.get("as_booted", (0, ""))  # the image comes after the sealed file, and there is no registry
    check("once_its_owner_approves_what_was_booted_the_machine_gets_the_key", code not in (asks.OK, asks.DENIED) and "127.0.0.1:5000" in m.channel.refused, told)
    check("of_all_that_was_sealed_this_alone_is_opened", {(d["asset"], d["outcome"]) for d in decided["decisions"]} ==
          {(o.asset(n), "released" if n == "as_booted" else "denied") for n in o.names}, told)


def refused(image, tmp, state, name, disks, why, uki=False, firmware=None):
    m = Machine(image, tmp, state, disks, uki=uki, firmware=firmware).run()
    check(f"{name}_powers_off", m.says("failed " + why) and m.off() and not m.says("ready"), m.told())
    return m


def refusals(image, tmp, state):
    good = device(initdata(MANIFEST))
    big = write(tmp + "/big", good + bytes((1 << 20) + 512 - len(good)))
    other = tmp + "/other.fd"
    subprocess.run([os.path.join(source, "demo/other-firmware.py"), image + "/firmware.fd", other], check=True)
    m = refused(image, tmp, state, "oversized_initdata", [big], "3 initdata", uki=True, firmware=other)
    want = predicted(image, f"qemu, {MEMORY} MiB, unified kernel image")
    check("registers_of_the_unified_kernel_image_are_those_predicted", all(m.pcr(int(r[3:])) == v for r, v in want.items() if r not in ("pcr00", "pcr03")) and len(want) == 6, m.told())
    with open(image + "/cmdline") as f:
        changed = measured(image, f.read(), other)["pcr00"]
    check("other_firmware_is_another_register_0", m.pcr(0) == changed not in (None, want["pcr00"]), m.told())
    check("nothing_of_it_is_in_register_8", m.pcr(8) is None, m.told())
    if os.environ.get("COFFER_BOOTS") != "all":
        return
    m = refused(image, tmp, state, "a_service_out_of_reach", [write(tmp + "/initdata", good)], "")
    check("it_asks_for_that_service_alone", set(m.channel.asked) == {SERVICE}, m.channel.asked)
    refused(image, tmp, state, "no_initdata", [], "7 initdata: no disk")
    cut = good[:8] + struct.pack("<Q", len(good)) + good[16:]
    refused(image, tmp, state, "cut_initdata", [write(tmp + "/cut", cut)], "3 initdata")
    bad = initdata(dict(MANIFEST, name="bad")).replace(b"0.1.0", b"0.2.0")
    m = refused(image, tmp, state, "initdata_that_is_no_manifest_s", [write(tmp + "/bad", device(bad)), tmp + "/initdata"], "7 initdata")
    check("it_is_measured_before_it_is_read", m.pcr(8) == pcr8(bad), m.told())
    check("a_disk_put_before_the_real_one_is_what_is_measured", m.pcr(8) not in (None, pcr8(initdata(MANIFEST))), m.told())
    odd_disks(image, tmp, state, write(tmp + "/initdata", good))


def sparse(path, size):
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def odd_disks(image, tmp, state, doc):
    """Scratch disks that are not what they say, and one of bindings that holds none."""
    disk = lambda name, size, how="werror=report", serial="coffer-scratch": (sparse(f"{tmp}/{name}", size), how, serial)
    refused(image, tmp, state, "a_scratch_disk_that_is_too_small", [doc, disk("small", 1 << 20)], "7 disk: the scratch disk says")
    refused(image, tmp, state, "a_second_scratch_disk", [doc, disk("one", 1 << 28), disk("two", 1 << 28)], "7 disk: 2 disks")
    refused(image, tmp, state, "a_scratch_disk_that_takes_no_writing", [doc, disk("still", 1 << 28, "readonly=on")], "13 scratch disk")
    refused(image, tmp, state, "a_disk_of_bindings_without_its_form", [doc, disk("bound", 512, "readonly=on", "coffer-bindings")], "3 bindings")
    full = tmp + "/full"
    os.mkdir(full)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", full], capture_output=True).returncode == 0:
        try:
            refused(image, tmp, state, "a_scratch_disk_with_less_than_it_says", [doc, disk("full/disk", 1 << 28)], "13 scratch disk")
        finally:
            subprocess.run(["umount", full], check=True)


def main():
    lacking = absent() or " ".join(missing())
    if lacking:
        print(f"1..0 # SKIP no {lacking}")
        return 0
    with tempfile.TemporaryDirectory() as tmp:
        image = tmp + "/image"
        why = build(coffer, init, CACHE, image, "--uki")
        if why:
            print("1..0 # SKIP no packages for the image: " + why.replace("\n", " ")[:200])
            return 0
        tpm = Tpm("maker", tmp, single=True)
        as_it_should(image, tmp, tpm)
        booted_otherwise(image, tmp, tpm)
        refusals(image, tmp, tpm.dir + "/state")
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
