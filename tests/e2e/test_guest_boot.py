#!/usr/bin/python3
"""A measured VM from firmware to power-off: QEMU (TCG), OVMF, swtpm, the image of `coffer guest build`. Two boots; with COFFER_BOOTS=all the
refusals that are otherwise cases of unit tests have a boot each. argv: coffer, coffer-init, the source folder, cofferd."""
import hashlib, os, signal, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from guestkit import *
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


def measured(image, cmdline):
    r = subprocess.run([coffer, "measure", "tpm", "--json", "--kernel", image + "/vmlinuz", "--initrd", image + "/initrd.img", "--cmdline", cmdline,
                        "--memory", str(MEMORY)], capture_output=True, text=True, check=True)
    return json.loads(r.stdout)["registers"]


class Service:
    """One party, which trusts the maker of the TPM; its trust service."""

    def __init__(self, tmp, tpm):
        self.dir = tmp + "/service"
        os.mkdir(self.dir)
        self.file("pass", b"of the test\n")
        os.chmod(self.dir + "/pass", 0o600)
        self.file("service.json", must(cofferd, "keygen", "--config", self.config()))
        self.coffer("init", "--party", "acme", "--persona", "workload-provider")
        self.coffer("genesis", "new", "--origin", "vm.example/log", "--service", self.dir + "/service.json", "--out", self.dir + "/genesis.json",
                    "--vendor-root", "tpm=" + tpm.root, self.dir + "/home/party.json")
        self.coffer("genesis", "sign", self.dir + "/genesis.json")
        self.genesis = json.loads(self.coffer("genesis", "show", "--json", self.dir + "/genesis.json"))["genesis"]
        self.config('genesis-digest = "%s"\n' % self.genesis)
        self.log = open(self.dir + "/log", "wb")
        self.proc = subprocess.Popen([cofferd, "--config", self.dir + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=self.log)
        line = self.proc.stdout.readline().decode()
        assert line.startswith("cofferd: listening on https://"), line
        self.address = line.split("https://")[1].strip()
        self.coffer("genesis", "use", self.dir + "/genesis.json", "--service", "https://" + self.address)
        self.coffer("service", "sign", self.dir + "/service.json")

    def file(self, name, data):
        return write(self.dir + "/" + name, data)

    def config(self, more=""):
        return self.file("cofferd.toml", ('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "genesis.json"\n%s' % (self.dir, more)).encode())

    def coffer(self, *words):
        return must(coffer, *words, "--home", self.dir + "/home", env=dict(os.environ, COFFER_PASSPHRASE_FILE=self.dir + "/pass"))

    def told(self):
        with open(self.dir + "/log") as f:
            return f.read()

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            self.proc.wait(15)
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
        m.run(when_ready=m.channel.hang_up)
        told = m.told() + "\n# " + service.told()[-2000:].replace("\n", "\n# ")
    finally:
        service.stop()
    want = predicted(image)
    check("registers_4_and_9_are_those_predicted_without_booting", m.pcr(4) == want["pcr04"] and m.pcr(9) == want["pcr09"], told)
    check("register_8_holds_the_initdata_and_nothing_else", m.pcr(8) == pcr8(doc), told)
    check("register_11_is_untouched_without_a_unified_kernel_image", m.pcr(11) == "00" * 32, told)
    check("the_agent_asks_for_the_service_that_the_manifest_names_and_nothing_else", set(m.channel.asked) == {service.address} and m.channel.error is None,
          f"{m.channel.asked} {m.channel.error}\n# {told}")
    log = service.told()
    check("its_tpm_opens_the_credential_and_its_evidence_is_accepted", "POST /kbs/v0/auth 200" in log and "POST /kbs/v0/attest 200" in log and
          m.says("ready"), told)
    check("when_the_launcher_hangs_up_it_powers_off", m.says("failed 14 channel") and m.off(), told)


def refused(image, tmp, state, name, disks, why, cmdline=None):
    m = Machine(image, tmp, state, disks, cmdline=cmdline).run()
    check(f"{name}_powers_off", m.says("failed " + why) and m.off() and not m.says("ready"), m.told())
    return m


def refusals(image, tmp, state):
    with open(image + "/cmdline") as f:
        changed = f.read() + " coffer=x"
    good = device(initdata(MANIFEST))
    big = write(tmp + "/big", good + bytes((1 << 20) + 512 - len(good)))
    m = refused(image, tmp, state, "oversized_initdata", [big], "3 initdata", changed)
    want = measured(image, changed)
    check("a_changed_command_line_is_another_register_9", m.pcr(9) == want["pcr09"] != predicted(image)["pcr09"] and m.pcr(4) == want["pcr04"], m.told())
    check("nothing_of_it_is_in_register_8", m.pcr(8) is None, m.told())
    if os.environ.get("COFFER_BOOTS") != "all":
        return
    m = refused(image, tmp, state, "a_service_out_of_reach", [write(tmp + "/initdata", good)], "")
    check("it_asks_for_that_service_alone", set(m.channel.asked) == {SERVICE}, m.channel.asked)
    refused(image, tmp, state, "no_initdata", [], "7 initdata: no disk")
    m = Machine(image, tmp, state, uki=True).run()
    want = predicted(image, "qemu, unified kernel image")
    check("registers_of_the_unified_kernel_image_are_those_predicted", all(m.pcr(int(r[3:])) == v for r, v in want.items()) and len(want) == 3 and m.off(),
          m.told())
    cut = good[:8] + struct.pack("<Q", len(good)) + good[16:]
    refused(image, tmp, state, "cut_initdata", [write(tmp + "/cut", cut)], "3 initdata")
    bad = initdata(dict(MANIFEST, name="bad")).replace(b"0.1.0", b"0.2.0")
    m = refused(image, tmp, state, "initdata_that_is_no_manifest_s", [write(tmp + "/bad", device(bad))], "7 initdata")
    check("it_is_measured_before_it_is_read", m.pcr(8) == pcr8(bad), m.told())
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
        why = build(coffer, init, CACHE, image, *(["--uki"] if os.environ.get("COFFER_BOOTS") == "all" else []))
        if why:
            print("1..0 # SKIP no packages for the image: " + why.replace("\n", " ")[:200])
            return 0
        tpm = Tpm("maker", tmp, single=True)
        as_it_should(image, tmp, tpm)
        refusals(image, tmp, tpm.dir + "/state")
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
