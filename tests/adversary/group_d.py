"""The machine beneath, by who holds it: its disks, its registers, its console. Guests are booted by tests/e2e/test_guest_boot.py (QEMU, OVMF, swtpm), once for all
rows, where COFFER_BOOTS=all, as `make attack` has it; the TPM and the memory of those are the test's: an emulated boundary."""
from stage import *
import socket
from wire import *

BOOTS = {}


def boots(*names):
    if os.environ.get("COFFER_BOOTS") != "all":
        raise Skip("boots machines: make attack")
    if not BOOTS:
        e2e, b = os.path.join(HERE, "../e2e"), lambda name: os.path.join(BUILD, "src", name)
        p = subprocess.run([e2e + "/test_guest_boot.py", b("cli/coffer"), b("agent/coffer-init"), os.path.join(HERE, "../.."), b("cofferd/cofferd")],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=5400)
        BOOTS["out"] = p.stdout.decode(errors="replace")
    ended_well("guest_boot", BOOTS["out"], names)


def ended_well(program, out, names):
    if "1..0 # SKIP" in out:
        raise Skip(out.split("# SKIP")[1].strip())
    for n in names:
        assert re.search(r"^ok \d+ %s$" % re.escape(n), out, re.M), (program, n, out[-3000:])


def tpm_commands(*names):
    p = subprocess.run([os.path.join(HERE, "../e2e/test_tpm_client.py"), os.path.join(BUILD, "tests/e2e/tpm_tool"), os.path.join(BUILD, "src/cli/coffer"), os.path.join(BUILD, "tests/e2e/liblate_tpm.so")],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
    ended_well("tpm_commands", p.stdout.decode(errors="replace"), names)


@row("A8b", "a byte more of a machine's kernel, ramdisk and command line: it boots and attests, and is given nothing that was approved for what it was, each part by itself; "
     "what it did boot, once approved, is", "R5", "tests/e2e/test_guest_boot.py, in make check too; emulated boundary")
def a8_booted(w):
    boots("registers_4_and_9_are_those_predicted_without_booting", "a_machine_booted_otherwise_has_the_registers_of_what_it_booted", "another_kernel_is_refused_by_the_service",
          "another_ramdisk_is_refused_by_the_service", "another_command_line_is_refused_by_the_service", "once_its_owner_approves_what_was_booted_the_machine_gets_the_key",
          "of_all_that_was_sealed_this_alone_is_opened")


@row("A8c", "a machine is started with another firmware, which measures itself truly: register 0 is another, as predicted; or the host leaves the register out of the quote", "R5",
     "tests/e2e/test_guest_boot.py (the register), tests/unit/test_replay_hw.c (the service's answer, with a TPM in software); the whole way: make demo; firmware that lies about itself is not told apart (SECURITY.md); emulated boundary")
def a8_firmware(w):
    unit("tests/unit/test_replay_hw", ["firmware_that_the_boot_image_does_not_name_is_refused"])
    boots("register_0_is_the_firmware_s_as_predicted_without_booting", "other_firmware_is_another_register_0")


@row("A8d", "the host gives a machine a card whose option ROM the honest firmware runs before the kernel: register 2 is another", "R5",
     "tests/e2e/test_guest_boot.py, in make check too; emulated boundary")
def a8_card(w):
    boots("register_2_says_that_nothing_but_the_firmware_ran_before", "the_card_s_code_ran_and_register_2_says_so", "another_card_is_refused_by_the_service")


@row("A24", "init-data edited, the platform's register left as it was", "initdata", "tests/unit/test_tsm.c: the agent's own code, a kernel played by the test, reports made by it; emulated boundary")
def a24(w):
    unit("tests/unit/test_tsm", ["snp_evidence_is_what_the_driver_takes", "machine_launched_with_another_initdata_is_refused"])


@row("D1", "firmware is rolled back below what an owner wants, while what runs at the moment, and what the machine says it may go back to, are told apart", "R2 R4",
     "tests/unit/test_fixed.c (a key that is another firmware's), test_replay.c (a minimum: R4), with reports made by tests; minima in the service: A28")
def d1(w):
    unit("tests/unit/test_fixed", ["snp_debug_and_committed_firmware_are_seen", "snp_path_of_a_lying_eval_is_refused"])
    unit("tests/unit/test_replay", ["release_below_a_minimum_or_against_the_policy_has_none_either"])


@row("D2", "collateral that says revoked, that is out of date, or that is kept back", "R2", "tests/unit/test_dcap.c, by the code that eval runs; through the service: tests/e2e/test_service_hw.py")
def d2(w):
    unit("tests/unit/test_dcap", ["lists_out_of_date_are_stale_and_not_missing", "every_list_at_hand_counts"])


@row("D3", "an old guest image, rightly signed, turns out to have a hole: its measurement is revoked, or its statement", "R11", "tests/unit/test_replay.c; a running guest's lease: G4c")
def d3(w):
    unit("tests/unit/test_replay", ["chip_and_measurement_are_revoked_by_themselves"])


@row("D7", "a disk with forged initdata is put before the real one", "initdata", "tests/e2e/test_guest_boot.py; what a well-formed one gets from the service: A23; emulated boundary")
def d7(w):
    boots("register_8_holds_the_initdata_and_nothing_else", "initdata_that_is_no_manifest_s_powers_off", "a_disk_put_before_the_real_one_is_what_is_measured",
          "it_is_measured_before_it_is_read")


@row("D8", "initdata that is too large, cut, or unpacks to too much", "initdata", "tests/e2e/test_guest_boot.py, tests/unit/test_guest.c (what unpacks to too much); emulated boundary")
def d8(w):
    unit("tests/unit/test_guest", ["device_whole_is_read_and_every_cut_is_refused", "device_of_odd_form_is_refused"])
    boots("oversized_initdata_powers_off", "cut_initdata_powers_off", "nothing_of_it_is_in_register_8")


@row("D9", "no disk holds initdata", "initdata", "tests/e2e/test_guest_boot.py; emulated boundary")
def d9(w):
    unit("tests/unit/test_vm", ["a_machine_without_disks_is_refused"])
    boots("no_initdata_powers_off")


@row("D12", "the host sets the guest's clock", "gate", "tests/unit/test_gate.c; a clock that the host slows: D23")
def d12(w):
    unit("tests/unit/test_gate", ["method_outside_the_table_is_refused_with_its_message_name"])


@row("D13", "the host feeds the guest's random numbers with bytes that it knows", "gate", "tests/unit/test_gate.c; what virtio-rng gives under emulation is the host's, and said so in SECURITY.md")
def d13(w):
    unit("tests/unit/test_gate", ["method_outside_the_table_is_refused_with_its_message_name"])


@row("D17", "the host reads the guest's console", "nothing-told", "tests/e2e/test_guest_boot.py: every line of the agent's is of a known kind; that guest holds no asset; emulated boundary")
def d17(w):
    boots("its_console_has_lines_of_known_kinds_alone_and_no_key")


@row("D18", "the host asks the guest for a debug console", "reset", "tests/e2e/test_guest_boot.py: the one way in is the boundary, here over a virtio-serial port (over vsock: make nested, by hand); emulated boundary")
def d18(w):
    boots("it_opens_the_boundary_to_the_launcher_and_nothing_else")


@row("D21", "between guest and TPM the host swallows the extension of register 8", "initdata", "tests/e2e/test_tpm_client.py: the agent's own code, swtpm, and a host between them; "
     "that a guest which is refused powers off: D9")
def d21(w):
    tpm_commands("an_extend_that_the_host_swallows_is_noticed", "one_that_is_handed_on_is_good", "a_register_that_held_something_before_is_refused")


def entries(w):
    return int(w.c.call("GET", "/ledger/checkpoint").body.split(b"\n")[1])


REQUEST = 3  # of the guest's records: before it are its hello, a change of ciphers and its part of the handshake's end
REQUESTS = 6  # of a guest on its way to one asset; each is sent again once at most, where it may be


def through(w, act):
    """A guest's whole way to one asset, on that wire: how it ended, what it said, connections, what passed by."""
    with Wire(w.address, act) as wire:
        rc, text = w.probe(DATA, initdata=w.sample_initdata, address=wire.address)
    return rc, text, wire


def meddled(w, direction, number, kind):
    """What the guest said, when this record of every connection was altered, sent twice, swallowed, or the last that passed."""
    ways = {"altered": altered, "twice": lambda r: [r, r], "swallowed": lambda r: [], "cut": lambda r: None}
    def act(d, n, r):
        return ways[kind](r) if (d, n) == (direction, number) else [r]
    rc, text, wire = through(w, act)
    assert wire.connections <= 2 * REQUESTS, ("it asks and asks", wire.connections, direction, number, kind)
    return rc, text


def deaf(w, after):
    """A host that passes on so many records of the guest's requests, and from then on hangs up on whatever is asked, on every connection."""
    with Wire(w.address, lambda d, n, r: None if d == OUT and n >= REQUEST + (after if wire.connections == 1 else 0) else [r]) as wire:
        rc, text = w.probe(DATA, initdata=w.sample_initdata, address=wire.address)
    return rc, text, wire.connections


@row("D15", "the host alters, repeats, swallows or cuts off any record between a guest and its service, or replays a guest's connection", "tls",
     "tests/adversary: the agent's own client, which hangs up and asks at most once more; a network that stays cut: D23; a whole pod's: make demo")
def d15(w):
    right = (0, "1 " + PATIENTS.decode())
    rc, text, honest = through(w, lambda d, n, r: [r])
    assert (rc, text) == right and honest.connections <= 2, (rc, text, honest.connections)
    refused = 0
    for d in (OUT, BACK):
        for n, r in enumerate(honest.seen[d]):
            for how in ("altered", "twice" if n % 2 else "cut") + (("swallowed",) if (d, n) == (OUT, 3) else ()):
                if r[0] not in (HANDSHAKE, DATA_RECORD):
                    continue
                rc, text = meddled(w, d, n, how)
                assert (rc == 1 and PATIENTS.decode() not in text) or (rc, text) == right, (d, n, how, rc, text)
                refused += rc == 1
    for after in range(REQUESTS):
        rc, text, connections = deaf(w, after)
        assert rc == 1 and connections <= 2 and PATIENTS.decode() not in text, ("a host that hangs up for good", after, connections, text)
    assert refused >= 15, refused # the rest it asked for again, on a connection of its own, or had heard already
    before = entries(w)
    with socket.create_connection(tuple(w.address.rsplit(":", 1))) as s:  # all that a guest said when it got the asset, said again
        s.settimeout(20)
        s.sendall(b"".join(honest.seen[OUT]))
        try:
            while s.recv(65536):
                pass
        except OSError:
            pass
    assert entries(w) == before, "a replayed connection is in the ledger"
    assert through(w, lambda d, n, r: [r])[:2] == right
    assert entries(w) > before


@row("D22", "init-data altered, or other than what register 8 of the TPM was extended with is shown", "R6", "tests/unit/test_keep_tpm.c, with a TPM in software; "
     "what a register so extended gets where no workload has it: A23")
def d22(w):
    unit("tests/unit/test_keep_tpm", ["initdata_that_register_8_does_not_hold_is_refused"])


for id, what, why in (
        ("D10", "the host gives ACPI code, PCI configuration, registers or ring entries of its choice", "code of a card that the firmware runs: A8d; of the rest not yet in any form: Debian's cloud kernel is taken as it is (SECURITY.md)"),
        ("D11", "the host lies about the processor's features", "needs hardware: SNP's CPUID page is in the launch measurement, which no machine here can take"),
        ("D14", "a machine is copied while it runs, and both go on", "needs hardware, which keeps the host from the memory it would copy; what a copy says again to the service is refused (requests are counted: tests/e2e/test_service.py)"),
        ("D16", "the host does not let the guest run, or the service be reached", "nothing is lost but time: a release cut anywhere is D15, a guest that is paused D23"),
        ("D20", "a made-up GPU is given to the guest", "no device is given to a guest yet; evidence of one beside the machine's: A14"),
        ("D4", "a block of the root file system is changed at rest", "applies as A8: the whole image is kernel and ramdisk, measured before the first instruction; there is no root on a disk"),
        ("D5", "the agent's own block is corrupted", "applies as A8: the agent is in the ramdisk"),
        ("D6", "an extension image is swapped, or the check of it is taken from the command line", "applies as A8b: there are no extensions; the command line is measured")):
    not_yet(id, what, why)
