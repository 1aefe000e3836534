#!/usr/bin/python3
"""`coffer selftest` on machines: without anything, with a TPM, as Azure has them; and bundles judged again. TPMs are swtpm. argv: coffer, az_maker, cofferd."""
import ctypes, json, os, shutil, stat, struct, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from azures import *

COFFER, MAKER, COFFERD = map(os.path.abspath, sys.argv[1:4])
PROBE = os.path.join(os.path.dirname(os.path.dirname(COFFER)), "agent", "coffer-probe")
SHARED = os.environ.get("COFFER_SHARED", "")
number, failed = 0, 0

def check(name, good, note=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {name}" + (f"\n# {note}" if not good else ""), flush=True)


def show(path, *args):
    rc, out, err = run(COFFER, "selftest", "show", path, *args)
    return rc, out.decode() + err


def load(path):
    with open(path) as f:
        return json.load(f)


def save(path, v):
    with open(path, "w") as f:
        json.dump(v, f)
    return path


def verdict(b, i=0):
    return json.loads(b["evidence"][i]["verdict"])


class Filter(ctypes.Structure):
    _fields_ = [("n", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def no_seccomp():
    """This process and its children can install no filter any more."""
    steps = [(0x20, 0, 0, 0), (0x15, 3, 0, 317), (0x15, 0, 3, 157), (0x20, 0, 0, 16), (0x15, 0, 1, 22),  # seccomp(), prctl(PR_SET_SECCOMP)
             (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]  # EPERM; all else
    code = b"".join(struct.pack("=HBBI", *v) for v in steps)
    buf = ctypes.create_string_buffer(code)
    f, libc, n = Filter(len(steps), ctypes.addressof(buf)), ctypes.CDLL(None, use_errno=True), ctypes.c_ulong
    assert libc.prctl(38, n(1), n(0), n(0), n(0)) == 0 and libc.prctl(22, n(2), ctypes.byref(f), n(0), n(0)) == 0, ctypes.get_errno()


def check_sandbox(path):
    if os.uname().machine != "x86_64":
        return
    p = subprocess.run([COFFER, "selftest", "show", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=no_seccomp)
    check("a_bundle_is_read_in_a_sandbox_or_not_at_all", p.returncode not in (0, 1) and not p.stdout and b"as of" not in p.stderr, p.stdout + p.stderr)
    p = subprocess.run([COFFER, "selftest"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=no_seccomp, env=probe(os.path.dirname(path), json.dumps(
        {"version": 1, "absent": [], "evidence": [dict(load(path)["evidence"][0], **{"report-data": "{NONCE}"}, verdict=None)]}).replace(', "verdict": null', "")))
    check("evidence_is_judged_in_a_sandbox_or_not_at_all", p.returncode not in (0, 1) and b"swtpm: not judged: " in p.stdout, p.stdout + p.stderr)


def check_none(top):
    out = top + "/none.json"
    rc, text, err = on_machine(None, "unshare", "-u", "sh", "-c", 'hostname who-this-is; exec "$@"', "sh", COFFER, "selftest", "--out", out)
    check("a_machine_with_nothing_says_so_and_what_would_do", rc == 4 and b"evidence: none" in text and "nothing to show" in err and "'coffer run' works here" in err, err)
    check("the_bundle_is_for_its_owner_alone", stat.S_IMODE(os.stat(out).st_mode) == 0o600)
    b = load(out)
    check("facts_are_there_and_no_name", {f["name"] for f in b["machine"]} >= {"kernel", "configfs-tsm", "sev-guest", "tdx-guest", "tpm", "vsock", "device-mapper", "cgroup2",
          "namespaces", "seccomp", "landlock"} and "who-this-is" not in open(out).read(), b)
    rc, text = show(out)
    check("show_says_the_same_of_nothing", rc == 4 and "evidence: none" in text, text)
    rc, _, err = on_machine(None, COFFER, "selftest", "--label", "a\nb")
    check("a_label_is_printable", rc == 2, err)


def check_tpm(top):
    t, out = Tpm("tpm", top), top + "/tpm.json"
    t.start()
    d = Device(t)
    d.start()
    try:
        rc, text, err = on_machine(d, COFFER, "selftest", "--out", out, "--label", "shelf 3")
    finally:
        d.stop()
        t.stop()
    b = load(out)
    check("evidence_of_a_tpm_is_taken_and_valid", rc == 0 and b"  swtpm: valid\n" in text and len(b["evidence"]) == 1, text.decode() + err)
    check("registers_are_shown_as_a_statement_names_them", b"    pcr04  " + b"0" * 64 in text, text.decode())
    check("what_identifies_is_listed", "the TPM's attestation key" in err and "endorsement key" in err and "the label" in err and b["identifies"], err)
    check("the_maker_s_certificate_is_there", b["evidence"][0]["ek-certificate"] and b["label"] == "shelf 3")
    rc, text = show(out)
    check("show_gives_the_same_verdict_to_the_byte", rc == 0 and "to the byte" in text and "swtpm: valid" in text, text)
    check_changes(top, b)
    check_sandbox(out)


def check_changes(top, b):
    """What comes from a stranger, changed."""
    def with_(change):
        v = json.loads(json.dumps(b))
        change(v)
        return show(save(top + "/changed.json", v))

    def evidence(v):
        ev = json.loads(v["evidence"][0]["evidence"])
        ev["tpm_quote"]["pcrs"][4] = "11" * 32
        v["evidence"][0]["evidence"] = json.dumps(ev)

    rc, text = with_(evidence)
    check("another_register_is_another_verdict", rc == 1 and "refused: replay: swtpm" in text and "pcr_digest" in text, text)
    rc, text = with_(lambda v: v["evidence"][0].update({"report-data": "00" * 32}))
    check("other_report_data_is_another_verdict", rc == 1 and "refused: replay" in text, text)
    rc, text = with_(lambda v: v["evidence"][0].update({"verdict": v["evidence"][0]["verdict"].replace('"valid"', '"invalid"')}))
    check("another_verdict_is_not_believed", rc == 1 and "refused: replay" in text and "swtpm: valid" in text, text)
    rc, text = with_(lambda v: v["evidence"][0].update({"verdict": v["evidence"][0]["verdict"] + " "}))
    check("a_byte_more_is_another_verdict", rc == 1 and "refused: replay" in text, text)
    for name, change in (("an_unknown_platform", lambda v: v["evidence"][0].update(platform="../../x")), ("an_unknown_member", lambda v: v.update(more=1)),
                         ("another_version", lambda v: v.update(version=2)), ("a_terminal_s_commands", lambda v: v["machine"][0].update(what="\x1b[2J")),
                         ("too_many_pieces", lambda v: v.update(evidence=v["evidence"] * 5)), ("another_file", lambda v: v.update(bundle="x"))):
        rc, text = with_(change)
        check(name + "_is_refused", (rc == 3 or (name == "an_unknown_platform" and rc == 1)) and "\x1b" not in text, (rc, text))
    rc, text = show(save(top + "/changed.json", dict(b, evidence=[dict(b["evidence"][0], platform="../../x")])), "--extract", top + "/a/b")
    check("a_platform_is_no_path", rc == 3 and not os.path.exists(top + "/x.json"), text)
    whole, bad = json.dumps(b).encode(), []
    for n in range(0, len(whole), max(1, len(whole) // 40)):
        with open(top + "/cut.json", "wb") as f:
            f.write(whole[:n])
        bad += [n] if show(top + "/cut.json")[0] != 3 else []
    check("a_cut_bundle_is_refused", not bad, bad)


def check_azure(top):
    t, out, m = Azure("azure", top), top + "/azure.json", Metadata(HERE)
    m.start()
    t.start()
    t.make(MAKER, False)
    m.answer = t.read("answer")
    d = Device(t)
    d.start()
    try:
        # the certificates that tests make begin in 2020 and end in 2049
        rc, text, err = on_machine(d, COFFER, "selftest", "--roots", t.path("roots"), "--out", out)
        check("both_platforms_of_an_azure_machine_are_found", rc == 0 and b"  az-snp-vtpm: valid\n" in text and b"  swtpm: valid\n" in text, text.decode() + err)
        check("chip_and_machine_are_said_to_be_in_it", "chip id" in err and "virtual machine's id" in err, err)
        rc, text = show(out)
        check("with_its_root_in_it_the_bundle_judges_itself", rc == 0 and "az-snp-vtpm: valid" in text and "to the byte" in text, text)
        check("and_says_that_it_brought_a_root_itself", "1 of them roots to be trusted" in text, text)
        one = json.loads(show(out, "--json")[1])
        check("as_it_does_in_json", one["brought"]["roots"] == 1, one["brought"])
        for name, content in (("ca.key", b"-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"), ("jwk", b'{"kty":"OKP","d":"x"}')):
            spoilt = top + "/spoilt-" + name
            shutil.copytree(t.path("roots"), spoilt)
            with open(spoilt + "/" + name, "wb") as f:
                f.write(content)
            rc, text, err = on_machine(d, COFFER, "selftest", "--roots", spoilt, "--out", top + "/never")
            check("a_bundle_takes_no_private_key_%s" % name, rc == 3 and "private key" in err and not os.path.exists(top + "/never"), (rc, err))
        with open(t.path("roots") + "/notes", "wb") as f:
            f.write(b"not for others")
        rc, text, err = on_machine(d, COFFER, "selftest", "--roots", t.path("roots"), "--out", out)
        check("nor_what_is_no_collateral", rc == 0 and "not taken: " in err and len(load(out)["collateral"]) == 1, err)
        os.unlink(t.path("roots") + "/notes")
        rc, text = show(out, "--extract", top + "/extracted")
        rc2, o, err = run(COFFER, "evidence", "appraise", "--platform", "az-snp-vtpm", "--evidence", top + "/extracted/az-snp-vtpm.json", "--roots",
                          top + "/extracted/roots", "--report-data", open(top + "/extracted/az-snp-vtpm.report-data").read())
        check("extracted_it_is_what_coffer_evidence_takes", rc == 0 and rc2 == 0, text + o.decode() + err)
        check_service(top, t, d, m)
        m.answer = None
        rc, text, err = on_machine(d, COFFER, "selftest", "--out", out)
        check("without_certificates_the_next_steps_are_said", rc == 4 and b"az-snp-vtpm: collateral-unavailable" in text and
              all(w in err for w in ("coffer collateral needs --platform az-snp-vtpm", "coffer selftest --collateral", "get it from AMD")), text.decode() + err)
        rc, text = show(out)
        check("that_verdict_too_is_the_same_again", rc == 4 and "to the byte" in text, text)
    finally:
        d.stop()
        t.stop()
        m.stop()


class Service:
    """One that trusts the maker of that machine's processor."""

    def __init__(self, top, root):
        self.dir = top + "/service"
        os.mkdir(self.dir)
        self.file("pass", b"of the test\n")
        os.chmod(self.dir + "/pass", 0o600)
        self.config("")
        self.file("service.json", must(COFFERD, "keygen", "--config", self.dir + "/cofferd.toml"))
        self.coffer("init", "--party", "acme", "--persona", "workload-provider")
        self.coffer("genesis", "new", "--origin", "selftest.example/log", "--service", self.dir + "/service.json", "--out", self.dir + "/genesis.json",
                    "--vendor-root", "amd=" + root, self.dir + "/home/party.json")
        self.coffer("genesis", "sign", self.dir + "/genesis.json")
        self.genesis = json.loads(self.coffer("genesis", "show", "--json", self.dir + "/genesis.json"))["genesis"]
        self.config('genesis-digest = "%s"\n[collateral]\nenabled = false\noffline = "%s"\n' % (self.genesis, self.dir))

    def file(self, name, data):
        with open(self.dir + "/" + name, "wb") as f:
            f.write(data)

    def config(self, more):
        self.file("cofferd.toml", ('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\ngenesis = "genesis.json"\n%s' % (self.dir, more)).encode())

    def coffer(self, *words):
        return must(COFFER, *words, "--home", self.dir + "/home", env=dict(os.environ, COFFER_PASSPHRASE_FILE=self.dir + "/pass"))

    def start(self):
        self.proc = subprocess.Popen([COFFERD, "--config", self.dir + "/cofferd.toml"], stdout=subprocess.PIPE, stderr=open(self.dir + "/log", "ab"))
        self.url = "https://" + self.proc.stdout.readline().decode().split("https://")[1].strip()
        self.coffer("genesis", "use", self.dir + "/genesis.json", "--service", self.url)
        self.coffer("service", "sign", self.dir + "/service.json")

    def stop(self):
        self.proc.terminate()
        self.proc.wait()


def check_service(top, t, d, m):
    """What the machine's own agent would send, to a trust service."""
    s = Service(top, t.path("roots/ask.der"))
    s.start()
    try:
        args = [COFFER, "selftest", "--roots", t.path("roots"), "--service", s.url, "--genesis"]
        rc, text, err = on_machine(d, *args, s.genesis)
        check("a_trust_service_takes_that_machine_s_evidence", b"service: az-snp-vtpm: attested; cpu0 is " in text, text.decode() + err)
        check("and_says_what_it_thinks_of_the_tpm_alone", b"service: swtpm: " in text, text.decode() + err)
        rc, text, err = on_machine(d, *args, "00" * 32)
        check("a_service_of_another_genesis_is_not_asked", rc == 1 and b"attested" not in text and "service" in err, text.decode() + err)
        rc, text, err = on_machine(d, *args[:-1])
        rc2, _, err2 = on_machine(d, COFFER, "selftest", "--genesis", s.genesis)
        check("a_service_needs_its_genesis", rc == 2 and rc2 == 2, err + err2)
        m.answer = None
        rc, text, err = on_machine(d, *args, s.genesis)
        check("without_a_certificate_the_service_refuses", b"service: az-snp-vtpm: R2: collateral unavailable" in text, text.decode() + err)
        m.answer = t.read("answer")
    finally:
        s.stop()


def probe(top, answer, code=0):
    """A probe that answers so; {NONCE} is what it was asked for."""
    path = top + "/probe"
    with open(top + "/answer", "w") as f:
        f.write(answer)
    with open(path, "w") as f:
        f.write('#!/bin/sh\nshort=$(printf %%.62s "$1")\nsed "s/{NONCE}/$1/;s/{SHORT}/$short/" %s/answer\nexit %d\n' % (top, code))
    os.chmod(path, 0o755)
    return dict(os.environ, COFFER_PROBE=path)


def check_probe(top):
    item = {"platform": "snp", "report-data": "{NONCE}", "evidence": "{}"}
    whole = lambda *items: json.dumps({"version": 1, "evidence": list(items), "absent": []})
    for name, answer, code, want, why in (
            ("nothing", "", 0, 3, "json"), ("no_json", "x", 0, 3, "json"), ("another_nonce", whole(dict(item, **{"report-data": "00" * 48})), 0, 3, "other report data"),
            ("part_of_its_nonce", whole(dict(item, **{"report-data": "{SHORT}"})), 0, 3, "other report data"), ("a_verdict_of_its_own", whole(dict(item, verdict="{}")), 0, 3, "not asked for"),
            ("its_own_failure", whole(), 7, 5, "ended with 7"), ("no_evidence", whole(item), 0, 3, "malformed evidence")):
        rc, out, err = run(COFFER, "selftest", env=probe(top, answer, code))
        check("a_probe_that_says_%s_is_not_believed" % name, rc == want and why in err.lower(), (rc, out, err))
    genuine = SHARED + "/vectors/az-snp-vtpm/evidence-v2.json"
    if not os.path.exists(genuine):
        print("# no genuine evidence (COFFER_SHARED)")
        return
    out = top + "/genuine.json"
    rc, text, err = run(COFFER, "selftest", "--out", out, env=probe(top, json.dumps({"version": 1, "absent": [], "evidence": [dict(item, platform="az-snp-vtpm",
                        evidence=open(genuine).read())]})))
    b = load(out)
    check("genuine_evidence_over_something_else_is_refused", rc in (1, 4) and {"report_data"} <= {c["check"] for c in verdict(b)["checks"] if not c["holds"]}, text.decode() + err)
    rc2, text = show(out)
    check("and_again", rc2 == rc and "to the byte" in text, text)


def main():
    if not may_unshare():
        print("1..0 # SKIP root is needed")
        return 0
    network = own_network()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as top:
        check_none(top)
        check_probe(top)
        lacking = missing() + [n for n in ("tpm2_nvdefine",) if not shutil.which(n)]
        if lacking:
            print("# not installed, so no machine has a TPM: " + " ".join(lacking))
        else:
            check_tpm(top)
            if network:
                check_azure(top)
            else:
                print("# ip is not there: no machine as Azure has them")
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
