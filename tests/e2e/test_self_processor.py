#!/usr/bin/python3
"""The trust service attests itself by its processor. The kernel's part (configfs-tsm) and the processor's are played here: reports by keys of this test's own, whose
maker the owner names by --roots. Between the service and an owner is its own host, as in test_self. No such hardware has been seen.
Usage: test_self_processor.py COFFERD COFFER TDX_MAKER"""
import os, sys, uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import test_self as base
from test_self import *
from snp import Chip, TCB

TDX_MAKER = os.path.abspath(sys.argv[3])
VCEK = uuid.UUID("63da758d-e664-4564-adc5-f4b93be8accd").bytes


class Kernel(threading.Thread):
    """One request below configfs-tsm: who has written inblob and opens outblob gets a report over it, and the generation has risen by one."""

    def __init__(self, folder, provider, report, aux=b""):
        threading.Thread.__init__(self, daemon=True)
        self.dir, self.report, self.n = folder, report, 0
        os.mkdir(folder)
        for name, data in (("provider", provider.encode() + b"\n"), ("generation", b"0\n"), ("inblob", b""), ("auxblob", aux)):
            self.put(name, data)
        self.door()
        self.start()

    def put(self, name, data):
        new = self.dir + "/." + name
        with open(new, "wb") as f:
            f.write(data)
        os.chmod(new, 0o666)
        os.rename(new, self.dir + "/" + name)

    def door(self):
        """A new one each time: whoever still reads the last is not taken for the next."""
        os.mkfifo(self.dir + "/.out")
        os.chmod(self.dir + "/.out", 0o666)
        os.rename(self.dir + "/.out", self.dir + "/outblob")

    def run(self):
        while True:
            with open(self.dir + "/outblob", "wb", buffering=0) as out:
                with open(self.dir + "/inblob", "rb") as f:
                    data = f.read()
                self.n += 1
                self.put("generation", b"%d\n" % self.n)
                self.door()
                try:
                    out.write(self.report(data))
                except OSError:
                    pass


def table(der):
    """The certificates that a host passes on beside a report (GHCB): one entry, the end."""
    return VCEK + struct.pack("<II", 48, len(der)) + bytes(24) + der


class Td:
    """tdx_maker, asked in turn."""

    def __init__(self, top):
        self.dir, self.lock = top, threading.Lock()
        self.p = subprocess.Popen([TDX_MAKER, top], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.quote(bytes(64))

    def say(self, line):
        with self.lock:
            self.p.stdin.write(line + "\n")
            self.p.stdin.flush()

    def quote(self, data):
        with self.lock:
            self.p.stdin.write(data.hex() + "\n")
            self.p.stdin.flush()
            return bytes.fromhex(self.p.stdout.readline().strip())

    def end(self):
        self.p.stdin.close()
        self.p.wait(15)


class World(base.World):
    def machines(self):
        self.chip, self.tpm, self.other, self.td = Chip(), None, None, None
        self.request = self.dir + "/request"
        self.kernel = Kernel(self.request, "sev_guest", lambda data: self.chip.report(data, b"\x77" * 32), table(self.chip.cert))
        os.mkdir(self.dir + "/roots")
        self.file("roots/ask.der", self.chip.root)
        minimum(self)

    def attest(self):
        return 'platform = "tsm"\nrequest = "%s"\n' % self.request

    def stop(self):
        self.end()
        if self.host:
            self.host.shutdown()
        if self.td:
            self.td.end()


def minimum(w, name="snp.json", platform="snp", product="milan", svns=None, **more):
    svns = {"bootloader": TCB[0], "snp": TCB[6], "microcode": TCB[7]} if svns is None else svns
    return w.file(name, json.dumps(dict({"platform": platform, "minimum": [{"product": product, "svns": svns}]}, **more)).encode())


def launch(**more):
    return dict({"platform": "snp", "shape": "the test's machine", "registers": {"measurement": "3e" * 48}}, **more)


def trusting(tcb=None):
    return ("--roots", base.W.dir + "/roots", "--tcb", tcb or base.W.dir + "/snp.json")


def over(body, genesis=None, nonce=None, **keys):
    asked = base64.b64decode(json.loads(body)["nonce"])
    return report_data(genesis or base.W.genesis, dict(base.W.service, **keys), nonce or asked)


def forged(chip=None, change=lambda v: v, tail=bytes(32), with_cert=True, **what):
    """Evidence that the host has a machine of its own make, over what it likes. The service is not asked."""
    def lie(body, real):
        ev = (chip or base.W.chip).evidence(over(body, **what) + tail, bytes(32), with_cert)
        return 200, json.dumps({"tee": "snp", "evidence": change(ev)}).encode()
    return lie


def taken(words, **lies):
    W = base.W
    W.lies = {("GET" if k == "describe" else "POST", PATH): v for k, v in lies.items()}
    try:
        return W.ok("hospital", *words)
    finally:
        W.lies = {}


def no(check, more=None, **lies):
    return refused(check, more=trusting() if more is None else more, **(lies or {"POST": forged()}))


# ---- in this order ----

def service_attests_itself_by_its_processor():
    W = base.W
    W.start()
    assert "attests itself, by snp" in W.read("log").decode()
    W.state(launch())
    assert W.c.call("GET", PATH).json() == {"tee": "snp"}
    for words in (W.put(*trusting()), W.put("--attested", *trusting())):
        out = W.ok("hospital", *words)
        assert "it attested itself, launched as its statement says" in out and "emulated" not in out, out
    out = W.ok("hospital", "service", "check", *trusting())
    assert "(snp)" in out and "machine   chip " + "c1" * 64 in out, out
    out = json.loads(W.ok("hospital", "service", "check", "--json", *trusting()).splitlines()[0])
    assert out["platform"] == "snp" and not out["emulated"] and out["machine"] == "chip " + "c1" * 64, out
    out = W.ok("hospital", "asset", "seal", W.dir + "/content", "--asset", "kbs:///hospital/data/one", "--out", W.dir + "/sealed", *trusting())
    assert "it attested itself" in out and SECRET not in W.read("sealed")


def report_of_this_test_s_own_making_over_the_right_words_is_taken():
    """So what is reported is what the document says: the digest, and zeros behind."""
    taken(("service", "check") + trusting(), POST=forged())


def report_over_another_key_genesis_or_nonce_is_refused():
    thief = Key("ES256").jwk()
    for member in ("receive", "reply", "token"):
        no("service-binding", POST=forged(**{member: thief}))
    no("service-binding", POST=forged(**{"ledger-key": Key().jwk()}))
    no("service-binding", POST=forged(tls="00" * 32))
    no("service-binding", POST=forged(genesis="00" * 32))
    no("service-binding", POST=forged(nonce=bytes(32)))
    no("service-binding", POST=forged(tail=bytes(31) + b"\x01"))
    old = base.W.c.call("POST", PATH, json.dumps({"nonce": b64(bytes(32))}))
    assert old.status == 200, old.body
    no("service-binding", POST=lambda body, real: (200, old.body))


def report_that_was_changed_is_refused():
    def flip(member):
        def change(ev):
            r = ev["attestation_report"]
            r = r["signature"] if member == "r" else r
            r[member] = [r[member][0] ^ 1] + r[member][1:] if isinstance(r[member], list) else r[member] ^ 1
            return ev
        return change
    for member in ("measurement", "chip_id", "family_id", "policy", "vmpl", "guest_svn", "r"):
        no("service-evidence", POST=forged(change=flip(member)))


def processor_whose_maker_is_not_named_is_refused():
    no("service-evidence", more=trusting()[2:])
    err = no("service-evidence", POST=forged(chip=Chip()))
    assert "vek" in err, err


def machine_open_to_debugging_is_refused():
    W = base.W
    W.chip.policy |= 1 << 19
    try:
        assert "debugging" in no("service-platform")
    finally:
        W.chip.policy &= ~(1 << 19)


def machine_launched_otherwise_is_refused():
    other = Chip(like=base.W.chip)
    other.measurement = b"\x3f" * 48
    err = no("service-measurement", POST=forged(chip=other))
    assert "measurement" in err and "3e3e" in err, err


def owner_who_states_no_minimum_is_asked_for_one():
    assert "no minimum stated" in no("service-firmware", more=trusting()[:2])
    other = minimum(base.W, "tdx.json", "tdx", "", {"tcb00": 1})
    assert "no minimum stated" in no("service-firmware", more=trusting(other))


def firmware_below_the_owner_s_minimum_is_refused():
    W = base.W
    for name, at in (("bootloader", 0), ("snp", 6), ("microcode", 7)):
        assert name in no("service-firmware", more=trusting(minimum(W, "more.json", svns={name: TCB[at] + 1})))
    assert "product" in no("service-firmware", more=trusting(minimum(W, "genoa.json", product="genoa", svns={"snp": 1})))
    assert "not listed" in no("service-firmware", more=trusting(minimum(W, "chips.json", chips=["c2" * 64])))
    # each that is given counts
    no("service-firmware", more=trusting() + ("--tcb", W.dir + "/more.json"))
    taken(("service", "check") + trusting(minimum(W, "mine.json", chips=["c1" * 64])), POST=forged())


def certificate_that_did_not_come_is_wanted_and_brought():
    W = base.W
    W.lies = {("POST", PATH): forged(with_cert=False)}
    try:
        W.asked = []
        rc, _, err = W.coffer("hospital", *W.put(*trusting()))
        assert rc == 4 and "collateral unavailable" in err and "wanting   amd/vcek/" in err and "--collateral" in err, (rc, err)
        W.sealed_nothing()
        os.mkdir(W.dir + "/collateral")
        W.file("collateral/vcek.der", W.chip.cert)
        W.ok("hospital", "service", "check", "--collateral", W.dir + "/collateral", *trusting())
    finally:
        W.lies = {}


def processor_that_the_statement_names_is_taken_alone():
    W = base.W
    W.state(launch(), named=("--chip", "c1" * 64))
    assert "chip      " + "c1" * 64 in W.ok("hospital", "service", "show")
    taken(("service", "check") + trusting(), POST=forged())
    other = Chip(0xC2, like=W.chip)
    assert "not the one" in no("service-machine", POST=forged(chip=other))
    same = Chip(0xC1, like=W.chip)
    same.id = other.id = bytes(64)  # left out of the report by its host: the key's certificate names the chip all the same
    taken(("service", "check") + trusting(), POST=forged(chip=same))
    assert "not the one" in no("service-machine", POST=forged(chip=other))
    other.id = b"\xc2" * 64
    W.state(launch(), base.LAUNCH, named=("--tpm", "ab" * 32))
    assert "answers by its processor" in no("service-machine", POST=forged())
    W.state(launch())
    assert "before named" in no("service-machine", POST=forged(chip=other))
    taken(("service", "check", "--any-machine") + trusting(), POST=forged(chip=other))
    os.remove(W.dir + "/hospital/service-named")


def statement_names_nothing_that_its_launches_cannot_show():
    W = base.W
    launches = W.file("launches.json", json.dumps([launch()]).encode())
    for words, why in ((("--tpm", "00" * 32), "tpm or swtpm"), (("--chip", "c1"), "8, 16 or 64 bytes"), (("--chip", "xyz"), "not the hex"),
                       (("--tpm", W.dir + "/snp.json"), "neither one certificate")):
        rc, _, err = W.coffer("acme", "service", "sign", W.dir + "/service.json", "--measurements", launches, *words)
        assert rc != 0 and why in err, (words, rc, err)


def another_platform_than_the_machine_s_is_refused():
    say = lambda tee: lambda body, real: (200, json.dumps({"tee": tee}).encode())
    for tee in ("tdx", "tpm", "sample"):
        no("service-platform", describe=say(tee))
    no("service-platform", POST=lambda body, real: (200, json.dumps({"tee": "tdx", "evidence": {}}).encode()))
    base.W.state(launch(), {"platform": "sgx", "shape": "one that no service has", "registers": {"mr_enclave": "00" * 32}})
    assert "not judged here" in no("service-platform", describe=say("sgx"))
    base.W.state(launch())


def credential_is_for_tpms():
    r = base.W.c.call("POST", PATH, json.dumps({"nonce": b64(bytes(32)), "extra-params": {"tpm": {"credential": b64(b"x" * 60), "secret": b64(b"y" * 256)}}}))
    assert r.status == 400 and b"for a TPM" in r.body, (r.status, r.body)


def kernel_that_reports_something_else_is_no_evidence():
    W = base.W
    right, W.kernel.report = W.kernel.report, lambda data: W.chip.report(bytes(64), bytes(32))
    try:
        W.asked = []
        rc, _, err = W.coffer("hospital", *W.put(*trusting()))
        assert rc != 0 and "not over what was asked" in err, (rc, err)
        W.sealed_nothing()
    finally:
        W.kernel.report = right


def process_that_asks_for_reports_has_its_request_and_nothing_else():
    pid = child("cofferd-attest")
    status = dict(l.split(":", 1) for l in open("/proc/%d/status" % pid).read().splitlines())
    assert status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1" and int(status["CapEff"], 16) == 0, status
    assert os.geteuid() != 0 or status["Uid"].split() == ["65534"] * 4, status
    fds = {f: os.readlink("/proc/%d/fd/%s" % (pid, f)) for f in os.listdir("/proc/%d/fd" % pid)}
    assert sorted(fds) == ["0", "1", "2", "3", "4", "5"] and fds["5"] == base.W.request and fds["0"] == fds["1"] == "/dev/null", fds


def machine_without_reports_is_said():
    W = base.W
    W.end()
    for attest, why in (('platform = "tsm"\nrequest = "%s/none"\n' % W.dir, "/none"), ('platform = "auto"\nrequest = "%s/none"\ndevice = "%s/device"\n' % (W.dir, W.dir), "/device")):
        W.config("[attest]\n" + attest)
        rc, _, err = run(COFFERD, "--config", W.dir + "/cofferd.toml")
        assert rc != 0 and "attest: " in err and why in err, (attest, rc, err)
    W.kernel.put("provider", b"arm_cca_guest\n")
    W.config("[attest]\n" + W.attest())
    rc, _, err = run(COFFERD, "--config", W.dir + "/cofferd.toml")
    assert rc != 0 and "arm_cca_guest" in err, (rc, err)


# ---- a trust domain ----

def td_launch(**more):
    return {"platform": "tdx", "shape": "the test's TD", "registers": dict({"mr_td": "3e" * 48, "rtmr_1": "00" * 48, "rtmr_2": "00" * 48}, **more)}


def td_trusting(tcb=None, collateral=True):
    d = base.W.td.dir
    return ("--roots", d + "/roots", "--tcb", tcb or minimum(base.W, "tdx.json", "tdx", "", {"tcb00": 4})) + (("--collateral", d + "/collateral") if collateral else ())


def td_forged(tail=bytes(32), **what):
    def lie(body, real):
        return 200, json.dumps({"tee": "tdx", "evidence": {"quote": b64(base.W.td.quote(over(body, **what) + tail))}}).encode()
    return lie


def service_attests_itself_as_a_trust_domain():
    W = base.W
    W.td = Td(W.dir + "/tds")
    W.request = W.dir + "/request-td"
    W.kernel = Kernel(W.request, "tdx_guest", W.td.quote)
    W.attest = lambda: 'platform = "auto"\nrequest = "%s"\n' % W.request
    W.start()
    assert "attests itself, by tdx" in W.read("log").decode()
    W.state(td_launch())
    out = W.ok("hospital", *W.put(*td_trusting()))
    assert "it attested itself, launched as its statement says" in out, out
    out = W.ok("hospital", "service", "check", *td_trusting())
    assert "(tdx)" in out and "machine   chip 010203" in out, out
    taken(("service", "check") + td_trusting(), POST=td_forged())


def quote_of_a_trust_domain_is_refused_by_name():
    W = base.W
    more = td_trusting()
    no("service-binding", more=more, POST=td_forged(receive=Key("ES256").jwk()))
    no("service-binding", more=more, POST=td_forged(nonce=bytes(32)))
    no("service-evidence", more=("--roots", W.dir + "/roots") + more[2:], POST=td_forged())
    assert "tcb00" in no("service-firmware", more=td_trusting(minimum(W, "high.json", "tdx", "", {"tcb00": 5})), POST=td_forged())
    assert "no minimum stated" in no("service-firmware", more=more[:2] + more[4:], POST=td_forged())
    age = lambda hours: td_trusting(minimum(W, "age.json", "tdx", "", {"tcb00": 4}, **{"collateral-max-age": hours}))
    assert "older" in no("service-firmware", more=age(1), POST=td_forged())
    taken(("service", "check") + age(24), POST=td_forged())
    W.td.say("debug")
    no("service-platform", more=more, POST=td_forged())
    W.td.say("plain")
    W.lies = {("POST", PATH): td_forged()}
    try:
        rc, _, err = W.coffer("hospital", *W.put(*td_trusting(collateral=False)))
        assert rc == 4 and "wanting   intel/tdx/tcb/" in err, (rc, err)
    finally:
        W.lies = {}
    W.state(td_launch(rtmr_2="01" * 48))
    assert "rtmr_2" in no("service-measurement", more=more, POST=td_forged())
    W.state(td_launch(), named=("--chip", "010203" + "00" * 13))
    taken(("service", "check") + more, POST=td_forged())
    W.state(td_launch(), named=("--chip", "02" * 16))
    no("service-machine", more=more, POST=td_forged())


def service_ends_in_order():
    W = base.W
    W.end()
    assert SECRET.decode() not in W.read("log").decode()


CASES = [service_attests_itself_by_its_processor, report_of_this_test_s_own_making_over_the_right_words_is_taken, report_over_another_key_genesis_or_nonce_is_refused,
         report_that_was_changed_is_refused, processor_whose_maker_is_not_named_is_refused, machine_open_to_debugging_is_refused, machine_launched_otherwise_is_refused,
         owner_who_states_no_minimum_is_asked_for_one, firmware_below_the_owner_s_minimum_is_refused, certificate_that_did_not_come_is_wanted_and_brought,
         processor_that_the_statement_names_is_taken_alone, statement_names_nothing_that_its_launches_cannot_show, another_platform_than_the_machine_s_is_refused,
         credential_is_for_tpms, kernel_that_reports_something_else_is_no_evidence, process_that_asks_for_reports_has_its_request_and_nothing_else,
         machine_without_reports_is_said, service_attests_itself_as_a_trust_domain, quote_of_a_trust_domain_is_refused_by_name, service_ends_in_order]

if __name__ == "__main__":
    sys.exit(base.main(CASES, World))
