#!/usr/bin/python3
"""A measured VM from firmware to power-off: QEMU (TCG), OVMF, swtpm, the image of `coffer guest build`. Two boots; with COFFER_BOOTS=all the
refusals that are otherwise cases of unit tests have a boot each. argv: coffer, coffer-init, the source folder."""
import hashlib, os, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from guestkit import *

coffer, init, source = map(os.path.abspath, sys.argv[1:4])
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


def as_it_should(image, tmp, state):
    doc = initdata(MANIFEST)
    other = write(tmp + "/other", b"some other disk".ljust(4096, b"."))
    m = Machine(image, tmp, state, [other, write(tmp + "/initdata", device(doc))]).run()
    want = predicted(image)
    check("registers_4_and_9_are_those_predicted_without_booting", m.pcr(4) == want["pcr04"] and m.pcr(9) == want["pcr09"], m.told())
    check("register_8_holds_the_initdata_and_nothing_else", m.pcr(8) == pcr8(doc), m.told())
    check("register_11_is_untouched_without_a_unified_kernel_image", m.pcr(11) == "00" * 32, m.told())
    check("the_agent_asks_for_the_service_that_the_manifest_names_and_nothing_else", set(m.channel.asked) == {SERVICE} and m.channel.error is None,
          f"{m.channel.asked} {m.channel.error}\n# {m.told()}")
    check("without_the_service_it_fails_and_powers_off", m.says("failed ") and not m.says("ready") and m.off(), m.told())


def refused(image, tmp, state, name, disks, why, cmdline=None):
    m = Machine(image, tmp, state, disks, cmdline=cmdline).run()
    check(f"{name}_powers_off", m.says("failed " + why) and m.off() and not m.channel.asked, m.told())
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
    refused(image, tmp, state, "no_initdata", [], "7 initdata: no disk")
    cut = good[:8] + struct.pack("<Q", len(good)) + good[16:]
    refused(image, tmp, state, "cut_initdata", [write(tmp + "/cut", cut)], "3 initdata")
    bad = initdata(dict(MANIFEST, name="bad")).replace(b"0.1.0", b"0.2.0")
    m = refused(image, tmp, state, "initdata_that_is_no_manifest_s", [write(tmp + "/bad", device(bad))], "7 initdata")
    check("it_is_measured_before_it_is_read", m.pcr(8) == pcr8(bad), m.told())


def main():
    missing = absent()
    if missing:
        print(f"1..0 # SKIP no {missing}")
        return 0
    with tempfile.TemporaryDirectory() as tmp:
        image, state = tmp + "/image", tmp + "/state"
        why = build(coffer, init, CACHE, image)
        if why:
            print("1..0 # SKIP no packages for the image: " + why.replace("\n", " ")[:200])
            return 0
        os.mkdir(state)
        subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", state, "--pcr-banks", "sha256"], check=True, stdout=subprocess.DEVNULL)
        as_it_should(image, tmp, state)
        refusals(image, tmp, state)
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
