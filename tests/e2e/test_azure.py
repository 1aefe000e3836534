#!/usr/bin/python3
"""The agent's evidence of an Azure machine, whose TPM is swtpm, judged by `coffer evidence appraise`. argv: tpm_tool, az_maker, coffer, coffer-agent."""
import base64, gzip, hashlib, json, os, struct, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from azures import *

TOOL, MAKER, COFFER, AGENT = map(os.path.abspath, sys.argv[1:5])
NONCE = hashlib.sha384(b"nonce").hexdigest()
AT = "2027-01-15T08:00:00Z"  # 1800000000
number, failed = 0, 0


def check(name, good, note=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {name}" + (f"\n# {note}" if not good else ""), flush=True)


def made(t, m, nonce=NONCE):
    rc, out, err = run(TOOL, t.sock, "az:%d" % m.port, nonce)
    tee, _, text = out.decode().partition(" ")
    return rc, tee, json.loads(text) if rc == 0 else None, err


def appraised(t, tee, ev, nonce=NONCE, *args):
    rc, out, err = run(COFFER, "evidence", "appraise", "--platform", tee, "--evidence", t.write("evidence", json.dumps(ev).encode()),
                       "--report-data", nonce, "--roots", t.path("roots"), "--time", AT, *args)
    return rc, out.decode() + err


def unb64(s):
    return base64.urlsafe_b64decode(s)


def changed(t, tee, ev, *args):
    """Each part of the evidence changed, and the check that says so."""
    other = json.loads(json.dumps(ev))
    other["tpm_quote"]["pcrs"][4] = "11" * 32
    rc, text = appraised(t, tee, other, NONCE, *args)
    check(tee + "_with_another_register_it_is_refused", rc == 1 and "pcr_digest" in text, text)
    other = json.loads(json.dumps(ev))
    report = bytearray(unb64(ev["hcl_report"]))
    report[report.index(b'"vmUniqueId":"VM"') + 15] ^= 1  # the text that the hardware vouches for
    other["hcl_report"] = base64.urlsafe_b64encode(report).decode()
    rc, text = appraised(t, tee, other, NONCE, *args)
    check(tee + "_with_another_text_of_the_paravisor_it_is_refused", rc == 1 and "FAILS  hw_report_data_binds_var_data" in text, text)
    rc, text = appraised(t, tee, ev, hashlib.sha384(b"another").hexdigest(), *args)
    check(tee + "_over_other_report_data_it_is_refused", rc == 1 and "FAILS  report_data" in text, text)


def agent(t, platform):
    """The agent itself; what it is given is no manifest, so that it ends once it knows where it is."""
    packed = gzip.compress(b"none")
    device = b"initdata" + struct.pack("<Q", len(packed)) + packed
    t.write("device", device + bytes(-len(device) % 512))
    d = Device(t)
    d.start()
    try:
        return on_machine(d, AGENT, "--platform", platform, "--initdata", t.path("device"), "--socket", t.path("agent"), "--state", t.path("agent.d"),
                          "--crun", "/bin/true")
    finally:
        d.stop()


def check_detection(t, tee, other):
    if not may_unshare():
        print("# as root, the agent's detection would be tried too")
        return
    t.stop()
    t.start()
    rc, out, err = agent(t, "auto")
    check(tee + "_is_detected_and_why", "coffer-agent: platform " + tee + "; not snp or tdx: " in err and b"pcr08 " in out, out.decode() + err)
    rc, out, err = agent(t, other)
    check(tee + "_is_not_taken_for_" + other, rc == 1 and b"failed 7 platform: this machine's evidence is of platform " + tee.encode() in out, out.decode() + err)
    t.stop()
    t.start()
    rc, out, err = agent(t, tee)
    check(tee + "_is_taken_where_it_is_wanted", "coffer-agent: platform " + tee + ";" in err and b"pcr08 " in out, out.decode() + err)


def check_plain(t):
    if may_unshare():
        rc, out, err = agent(t, "auto")
        check("tpm_alone_is_detected_and_why", "coffer-agent: platform swtpm; not snp or tdx: " in err and "; not az-snp-vtpm or az-tdx-vtpm: no paravisor's report" in err,
              out.decode() + err)
        rc, out, err = agent(t, "az-snp-vtpm")
        check("tpm_alone_is_not_taken_for_az_snp_vtpm", rc == 1 and b"platform tpm, not of az-snp-vtpm" in out, out.decode() + err)
        t.stop()
        t.start()


def check_amd(t, m):
    check_plain(t)
    rc, _, _, err = made(t, m)
    check("tpm_without_a_report_is_no_such_machine", rc == 1 and "no paravisor's report" in err, err)
    t.make(MAKER, False)
    m.answer = t.read("answer")
    rc, tee, ev, err = made(t, m)
    check("snp_evidence_is_made", rc == 0 and tee == "az-snp-vtpm", err)
    check("snp_it_has_the_form_that_others_send", list(ev) == ["version", "tpm_quote", "hcl_report", "vcek"] and ev["version"] == 1 and
          set(ev["tpm_quote"]) == {"signature", "message", "pcrs"} and unb64(ev["hcl_report"]) == t.read("hcl") and unb64(ev["vcek"]) == t.read("collateral/vcek.der"), ev)
    check("snp_the_certificate_was_asked_as_the_service_wants", m.asked[-1][:3] == ("GET", "/metadata/THIM/amd/certification", "true"), m.asked)
    rc, text = appraised(t, tee, ev)
    check("snp_it_is_appraised_as_valid", rc == 0, text)
    rc, out, err = run(COFFER, "evidence", "show", t.path("evidence"))
    check("snp_it_is_recognised", b"az-snp-vtpm" in out, err)
    changed(t, tee, ev)
    check_no_vcek(t, m)
    check_init(t, m)
    check_detection(t, "az-snp-vtpm", "az-tdx-vtpm")
    check_other_key(t, m)


def check_no_vcek(t, m):
    m.answer = None
    rc, tee, ev, err = made(t, m)
    check("snp_without_a_certificate_it_is_made_and_says_so", rc == 0 and "vcek" not in ev and "get it from AMD" in err, err)
    rc, text = appraised(t, tee, ev)
    check("snp_then_collateral_is_missing", rc == 4 and "collateral unavailable" in text, text)
    rc, text = appraised(t, tee, ev, NONCE, "--collateral", t.path("collateral"))
    check("snp_who_brings_it_finds_it_valid", rc == 0, text)
    for answer in (b"{", b'{"vcekCert":"nothing"}', b'{"vcekCert":1}', b"[]"):
        m.answer = answer
        rc, _, ev, err = made(t, m)
        check("snp_an_answer_like_%s_is_none" % answer.decode(), rc == 0 and "vcek" not in ev and "get it from AMD" in err, err)
    m.answer = t.read("answer")


def check_init(t, m):
    rc, _, err = run(TOOL, t.sock, "init", "initdata")
    rc2, tee, ev, err2 = made(t, m)
    toml = t.write("initdata", b"initdata")
    check("snp_initdata_is_register_8", rc == 0 and rc2 == 0 and
          ev["tpm_quote"]["pcrs"][8] == hashlib.sha256(bytes(32) + hashlib.sha256(b"initdata").digest()).hexdigest(), err + err2)
    rc, _, err = run(TOOL, t.sock, "init", "initdata")
    check("snp_a_second_time_in_one_boot_it_is_refused", rc == 1 and err.startswith("initdata: "), err)


def check_other_key(t, m):
    """The TPM keeps another key than the report names; a report of another machine; one that is spoilt."""
    whole = t.read("hcl")
    t.put(whole[:-200])
    rc, _, _, err = made(t, m)
    check("a_report_that_is_cut_is_no_reason_to_be_another_platform", rc == 1 and "hcl:" in err, err)
    t.put(b"HCLB" + whole[4:])
    rc, _, _, err = made(t, m)
    check("an_index_with_something_else_is_no_such_machine", rc == 1 and "holds no paravisor's report" in err, err)
    t.put(whole)
    t.do("tpm2_evictcontrol", "-C", "o", "-c", AK)
    rc, _, _, err = made(t, m)
    check("a_report_without_its_key_is_refused", rc == 1 and "no key 0x81000003" in err, err)
    t.do("tpm2_createprimary", "-C", "e", "-c", "primary.ctx")
    t.do("tpm2_create", "-C", "primary.ctx", "-G", "rsa2048:rsassa-sha256:null", "-u", "ak2.pub", "-r", "ak2.priv", "-a",
         "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign")
    t.do("tpm2_load", "-C", "primary.ctx", "-u", "ak2.pub", "-r", "ak2.priv", "-c", "ak2.ctx")
    t.do("tpm2_evictcontrol", "-C", "o", "-c", "ak2.ctx", AK)
    rc, tee, ev, err = made(t, m)
    rc, text = appraised(t, tee, ev)
    check("a_quote_by_another_key_is_refused", rc == 1 and "FAILS  quote_signature" in text, text)


def check_intel(t, m):
    t.make(MAKER, True)
    m.answer = None
    rc, _, _, err = made(t, m)
    check("td_without_a_quote_there_is_no_evidence", rc == 1 and "no quote of this TD" in err, err)
    m.answer = b'{"quote":"!"}'
    rc, _, _, err = made(t, m)
    check("td_an_answer_that_is_none_is_no_quote", rc == 1 and "base64url" in err, err)
    m.answer = t.read("answer")
    rc, tee, ev, err = made(t, m)
    check("td_evidence_is_made", rc == 0 and tee == "az-tdx-vtpm" and list(ev) == ["version", "tpm_quote", "hcl_report", "td_quote"], err)
    check("td_the_quote_was_asked_for_the_report_in_the_tpm", m.asked[-1][:3] == ("POST", "/acc/tdquote", "true") and
          unb64(json.loads(m.asked[-1][3])["report"] + "==") == t.read("hcl")[32:32 + 1024], m.asked[-1])
    rc, text = appraised(t, tee, ev, NONCE, "--collateral", t.path("collateral"))
    check("td_it_is_appraised_as_valid", rc == 0, text)
    changed(t, tee, ev, "--collateral", t.path("collateral"))
    check_detection(t, "az-tdx-vtpm", "tpm")


def main():
    lacking = missing() + [n for n in ("openssl", "tpm2_nvdefine") if not shutil.which(n)]
    if lacking:
        print("1..0 # SKIP not installed: " + " ".join(lacking))
        return 0
    m = Metadata()
    m.start()
    try:
        with tempfile.TemporaryDirectory() as top:
            for name, part in (("amd", check_amd), ("intel", check_intel)):
                t = Azure(name, top)
                t.start()
                try:
                    part(t, m)
                finally:
                    t.stop()
    finally:
        m.stop()
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
