#!/usr/bin/python3
"""coffer host check from outside, by files alone: a machine stated or by evidence, and the statements of those whose workloads run
on it. Usage: test_host.py COFFER SNP_MAKER"""
import json, os, shutil, subprocess, sys, tempfile, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from parties import *

COFFER, MAKER = sys.argv[1], sys.argv[2]
NOW = 1800000000  # judged as of then, whatever the clock says
GID = "9a" * 32
PEM = Key("ES256").k.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
DATA, IMAGE, OWN = "kbs:///hospital/data/patients", "kbs:///imaker/image-key/app", "kbs:///acme/data/model"
ACME, IMAKER, HOSPITAL = Party("acme", ["workload-provider"]), Party("imaker", ["image-provider"]), Party("hospital", ["data-owner"])
GOOD = ("--platform", "snp", "--product", "milan", "--svn", "bootloader=4,snp=24", "--svn", "tee=0", "--smt", "off", "--migration", "off")
MEASURED = ("--register", "measurement=" + "3e" * 48)


def say(kind, issuer, subjects, body, serial=1, previous=None, issued=NOW - 1000, expires=NOW + 10**6):
    pred = {"issuer": issuer.name, "ledger": GID, "issued": when(issued), "expires": when(expires), "serial": serial, "body": body}
    if previous:
        pred["previous"] = previous
    subject = [{"name": n, "digest": {"sha256": d if d else sha256(n.encode()).hex()}} for n, d in subjects]
    return envelope(jcs({"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "urn:coffer:statement:%s:v1" % kind,
                         "predicate": pred}), [issuer.key])


def manifest(name="risk", assets=(DATA, IMAGE), platforms=("snp",)):
    return {"version": 1, "name": name, "provider": "acme", "genesis": GID, "service": {"id": "trust", "url": "https://127.0.0.1:8443"},
            "platforms": list(platforms),
            "containers": [{"name": n, "role": "business",
                            "image": {"reference": "registry.example/app@sha256:" + "ab" * 32, "provider": "imaker",
                                      "method": {"type": "sigstoreSigned", "key": PEM}},
                            "args": ["/bin/a"], "cwd": "/", "env": [], "user": {"uid": 0, "gid": 0, "groups": []}, "capabilities": [],
                            "read-only-root": True, "mounts": [], "entitlements": [{"asset": a, "purpose": "api"} for a in assets],
                            "outputs": []} for n in ("one", "two")],
            "volumes": [], "host": {"logs": [], "signals": []}, "registries": {"plain-http": []}}


def tcb(issuer, minimum=None, platform="snp", serial=1, previous=None, issued=NOW - 1000, expires=NOW + 10**6, **more):
    body = dict({"platform": platform, "minimum": minimum or [{"product": "milan", "svns": {"snp": 22}}]}, **more)
    return say("tcb", issuer, [(platform, None)], body, serial, previous, issued, expires)


def boot(measurement="3e" * 48, enforces=("manifest", "image-digests"), platform="snp"):
    regs = {"snp": {"measurement": measurement}, "tpm": {"pcr04": "22" * 32, "pcr11": "33" * 32}}[platform]
    body = {"name": "guest", "enforces": list(enforces), "rebuild": "make guest",
            "launches": [{"platform": platform, "shape": "any", "registers": regs}]}
    return say("boot-image", ACME, [("uki", sha256(measurement.encode()).hex())], body)


def approve(owner, paths, digest, boots=(), platforms=("snp",), until=NOW + 5000, serial=1, previous=None):
    body = {"assets": list(paths), "workload": digest, "platforms": list(platforms), "services": ["cd" * 32], "until": when(until), "shown": "ef" * 32}
    if boots:
        body["boot-images"] = list(boots)
    return say("approval", owner, [(p, None) for p in paths] + [("workload:" + digest, None)], body, serial, previous)


class World:
    """A workload of acme with an asset of the hospital's and one of the image maker's, approved for snp and one boot image."""

    def __init__(self, m=None, platforms=("snp",), boots=None):
        self.m = m or manifest()
        self.digest = sha256(jcs(self.m)).hex()
        self.boot = boot()
        b = [payload_id(self.boot)] if boots is None else boots
        self.parts = {"workload": say("workload", ACME, [(self.m["name"], self.digest)], self.m), "boot": self.boot,
                      "a1": approve(HOSPITAL, [DATA], self.digest, b, platforms), "a2": approve(IMAKER, [IMAGE], self.digest, b, platforms),
                      "tcb": tcb(HOSPITAL)}

    def check(self, *words, host=GOOD, code=None, at=NOW):
        d = tempfile.mkdtemp(dir=TMP)
        for name, env in self.parts.items():
            with open(d + "/" + name + ".json", "w") as f:
                json.dump(env, f)
        rc, out = coffer(*host, "--offline", "--statements", d, "--at", when(at), "--json", *words)
        assert code is None or rc == code, (rc, out)
        return json.loads(out)

    def runs(self, *words, **k):
        v = self.check(*words, code=0, **k)
        assert [w["verdict"] for w in v["workloads"]] == ["runs"] and v["refused"] == 0, v
        return v

    def refused(self, check, field, *words, n=1, **k):
        """n refusals, the first by this check over this field."""
        v = self.check(*words, code=1, **k)
        assert v["refused"] == 1 and v["workloads"][0]["verdict"] == "refused", v
        r = v["workloads"][0]["refusals"]
        assert len(r) == n and (r[0]["check"], r[0]["field"]) == (check, field), r
        return r[0]


def coffer(*words):
    p = subprocess.run([COFFER, "host", "check"] + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                       env={"PATH": "/usr/bin:/bin"})
    return p.returncode, p.stdout.decode()


def write(name, text):
    with open(TMP + "/" + name, "w") as f:
        f.write(text)
    return TMP + "/" + name


# ---- cases ----

def a_machine_that_meets_everything_runs_everything():
    v = World().runs(*MEASURED)
    assert v["launch-compared"] and v["at"] == when(NOW) and v["signatures-not-checked"] == 5 and v["host"]["svns"]["snp"] == {"committed": 24, "launch": 24}, v
    assert not World().runs()["launch-compared"]


def old_firmware_is_refused_with_statement_party_and_end():
    w = World()
    r = w.refused("R4", "snp", "--svn", "snp=21")
    assert r["party"] == "hospital" and r["wanted"] == "at least 22" and r["found"] == "committed 21, at launch 21", r
    assert r["statement"] == {"kind": "tcb", "issuer": "hospital", "id": payload_id(w.parts["tcb"]), "until": when(NOW + 10**6)}, r
    assert r["asset"] == DATA and r["assets"] == 1 and "newer firmware; or hospital" in r["who"] and r["command"] == "coffer tcb publish FILE.json", r


def providers_minimum_holds_for_each_asset_and_is_told_once():
    w = World()
    w.parts["tcb2"] = tcb(ACME, [{"product": "", "svns": {"bootloader": 5, "tee": 1}}])
    r = w.refused("R4", "bootloader", n=2)
    assert r["party"] == "acme" and r["assets"] == 2, r
    w.parts["tcb3"] = tcb(Party("stranger", []), [{"product": "", "svns": {"bootloader": 99}}])
    assert w.refused("R4", "bootloader", n=2)["party"] == "acme"  # whom it is none of their business binds nobody


def component_and_product_that_are_not_there_are_refused():
    w = World()
    w.parts["tcb"] = tcb(HOSPITAL, [{"product": "milan", "svns": {"microcode": 0}}])
    assert w.refused("R4", "microcode")["found"] == "none"
    r = w.refused("R4", "product", "--product", "genoa", host=GOOD[:2] + GOOD[4:])
    assert r["found"] == "genoa" and r["who"] == "hospital", r


def bits_and_chip_are_asked_for():
    w = World()
    w.parts["tcb"] = tcb(HOSPITAL, smt=False, migration=False, chips=["ab01"])
    stated = GOOD[:8]
    assert w.refused("R3", "chip", n=3, host=stated)["found"] == "none"
    r = w.refused("R3", "smt", "--chip", "AB01", n=2, host=stated)
    assert "not stated" in r["found"] and "switching it off; or hospital" in r["who"], r
    assert w.refused("R3", "migration", "--chip", "ab01", "--smt", "off", "--migration", "on", host=stated)["found"] == "on"
    assert w.refused("R3", "chip", "--chip", "ab02")["wanted"] == "ab01"
    w.runs("--chip", "ab01")


def platform_that_one_owner_has_not_named_is_refused():
    w = World()
    w.parts["a2"] = approve(IMAKER, [IMAGE], w.digest, [payload_id(w.boot)], ["tdx", "snp+debug"])
    w.runs()  # debugging accepted is the more
    w.parts["a2"] = approve(IMAKER, [IMAGE], w.digest, [payload_id(w.boot)], ["tdx"])
    r = w.refused("R3", "platform", n=2)
    assert r["party"] == "imaker" and (r["wanted"], r["found"]) == ("tdx", "snp") and r["statement"]["kind"] == "approval", r
    assert r["statement"]["until"] == when(NOW + 5000) and r["command"].startswith("coffer approve %s --asset %s --platform snp" % (w.digest, IMAGE)), r
    assert World().refused("R3", "platform", "--debug", "on", n=4)["found"] == "snp+debug"


def providers_own_asset_is_named_by_its_manifest():
    World(manifest(assets=[OWN])).runs(*MEASURED)
    w = World(manifest(assets=[OWN, DATA], platforms=["sample"]))
    r = w.refused("R3", "platform")
    assert r["party"] == "acme" and r["statement"]["kind"] == "workload" and r["command"] == "coffer workload publish MANIFEST.json", r


def workload_for_another_platform_or_without_approval_is_not_the_machines_fault():
    v = World(platforms=["tdx"]).check("--svn", "snp=1", code=0)
    assert v["elsewhere"] == 1 and v["workloads"][0]["verdict"] == "elsewhere" and not v["workloads"][0]["refusals"], v
    w = World()
    del w.parts["a1"]
    v = w.check(code=0)
    assert v["workloads"][0]["verdict"] == "unapproved" and v["workloads"][0]["unapproved"] == DATA, v
    w.parts["a1"] = approve(HOSPITAL, [DATA], "0f" * 32, [payload_id(w.boot)])  # of another workload
    assert w.check(code=0)["workloads"][0]["verdict"] == "unapproved"
    w.parts["a1"] = approve(HOSPITAL, [DATA + "2"], w.digest, [payload_id(w.boot)])  # of another asset
    assert w.check(code=0)["workloads"][0]["verdict"] == "unapproved"
    w.refused("R4", "snp", "--svn", "snp=1")  # the minimum stands all the same


def boot_image_is_judged_where_it_is_known():
    w = World()
    r = w.refused("R5", "measurement", "--register", "measurement=" + "4f" * 48)
    assert r["party"] == "acme" and r["wanted"] == "3e" * 48 and r["found"] == "4f" * 48 and r["assets"] == 2, r
    assert r["statement"]["id"] == payload_id(w.boot) and r["command"] == "coffer boot-image publish FILE.json", r
    w.parts["boot"] = boot(enforces=["manifest"])
    assert w.refused("R5", "enforces", *MEASURED)["found"] == "manifest"
    w.parts["boot"] = boot(platform="tpm")
    assert w.refused("R5", "boot-image", *MEASURED)["statement"] is None
    w = World(boots=[])
    r = w.refused("R5", "boot-image", n=2)
    assert (r["party"], r["found"]) == ("hospital", "not in its approval"), r  # an approval without one covers nothing, whatever is launched
    w = World()
    del w.parts["boot"]
    r = w.refused("R5", "boot-image")
    assert (r["party"], r["wanted"], r["found"]) == ("acme", "a boot image of acme for snp", "none in force"), r
    w.parts["boot"] = boot(enforces=[])
    assert w.refused("R5", "enforces")["found"] == "nothing"
    w = World(boots=["77" * 32])
    r = w.refused("R5", "boot-image", *MEASURED, n=2)
    assert r["party"] == "hospital" and " --boot-image %s --until " % payload_id(w.boot) in r["command"], r  # the end of the approval before stays
    w = World()
    own = World()
    own.parts["revoke"] = say("revocation", HOSPITAL, [(payload_id(own.boot), payload_id(own.boot))], {"statement": payload_id(own.boot), "reason": "mine"})
    assert own.refused("R11", "boot-image")["party"] == "hospital"  # the owner stops it for its own
    w.parts["revoke"] = say("revocation", ACME, [(payload_id(w.boot), payload_id(w.boot))], {"statement": payload_id(w.boot), "reason": "old"})
    w.refused("R5", "boot-image", *MEASURED)


def time_decides_what_is_in_force():
    w = World()
    w.parts["tcb2"] = tcb(HOSPITAL, [{"product": "milan", "svns": {"snp": 30}}], serial=2, previous=payload_id(w.parts["tcb"]), issued=NOW + 100)
    assert w.runs()["later"] == 1
    assert w.refused("R4", "snp", at=NOW + 100)["wanted"] == "at least 30"
    w.parts["tcb2"] = tcb(HOSPITAL, [{"product": "milan", "svns": {"snp": 1}}], serial=2, previous=payload_id(w.parts["tcb"]), expires=NOW + 50)
    w.runs("--svn", "snp=2")  # supersedes the first
    w.runs("--svn", "snp=0", at=NOW + 50)  # and has ended: no minimum is left
    assert World().check(at=NOW + 10**6, code=0)["workloads"] == []
    assert World().check(at=NOW + 5000, code=0)["workloads"][0]["verdict"] == "unapproved"


def revoked_minimum_stands_in_the_way_until_another_is_stated():
    w = World()
    one = payload_id(w.parts["tcb"])
    w.parts["revoke"] = say("revocation", HOSPITAL, [(one, one)], {"statement": one, "reason": "typo"})
    assert w.refused("R11", "revoked")["party"] == "hospital"
    w.parts["tcb2"] = tcb(HOSPITAL, serial=2, previous=one)
    w.runs()
    gone = payload_id(w.parts["workload"])
    w.parts["revoke2"] = say("revocation", ACME, [(gone, gone)], {"statement": gone, "reason": "old"})
    assert w.check(code=0)["workloads"] == []


def key_that_images_are_signed_with_is_looked_at():
    key = "image-key:" + sha256(serialization.load_pem_public_key(PEM.encode()).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hex()

    def revoked(by, **more):
        id = sha256(key.encode()).hex()
        return say("revocation", by, [("thing:" + id, id)], dict({"thing": key, "reason": "stolen"}, **more))

    for by in (HOSPITAL, ACME, IMAKER):
        w = World()
        w.parts["revoke"] = revoked(by)
        r = w.refused("R11", "image-key")
        assert r["party"] == by.name and key.startswith(r["found"]), r
    w = World()
    w.parts["revoke"] = revoked(Party("clinic", ["data-owner"]))
    w.runs()
    w.parts["revoke"] = revoked(IMAKER, **{"from": when(NOW - 100)})
    w.refused("R11", "image-key")  # it knows of no release
    body = {"repository": "registry.example/app", "version": 1, "methods": [{"type": "sigstoreSigned", "key": PEM}], "keys": []}
    w.parts["release"] = say("image-release", IMAKER, [("registry.example/app", "ab" * 32)], body)
    w.runs()  # of before
    w.parts["release"] = say("image-release", IMAKER, [("registry.example/app", "ab" * 32)], body, issued=NOW - 50)
    w.refused("R11", "image-key")


def draft_of_a_minimum_counts_as_its_partys_newest():
    f = write("draft.json", json.dumps({"platform": "snp", "minimum": [{"product": "milan", "svns": {"snp": 25}}]}))
    r = World().refused("R4", "snp", "--minimum", "hospital=" + f)
    assert r["wanted"] == "at least 25" and r["statement"] == {"kind": "tcb", "issuer": "hospital", "draft": f}, r
    World().runs("--minimum", "clinic=" + f)
    easy = write("easy.json", json.dumps({"platform": "snp", "minimum": [{"product": "", "svns": {}}]}))
    World().runs("--minimum", "hospital=" + easy, "--svn", "snp=1")


def evidence_says_what_the_machine_is_and_what_is_stated_is_laid_over_it():
    subprocess.run([MAKER, TMP], check=True)
    host = ("--platform", "snp", "--evidence", TMP + "/evidence.json", "--roots", TMP + "/roots")
    w = World()
    v = w.runs("--launch", host=host)
    assert v["host"]["evidence"] and v["host"]["product"] == "milan" and v["host"]["chip"] == "c1" * 64, v
    assert v["host"]["svns"]["microcode"] == {"committed": 219, "launch": 219} and v["host"]["registers"]["measurement"] == "3e" * 48, v
    w.parts["tcb"] = tcb(HOSPITAL, [{"product": "milan", "svns": {"snp": 25}}], smt=False, migration=False)
    assert w.refused("R4", "snp", host=host)["found"] == "committed 24, at launch 24"
    w.runs("--svn", "snp=25", host=host)  # after the update
    w.parts["boot"] = boot("55" * 48)
    for name, owner, path in (("a1", HOSPITAL, DATA), ("a2", IMAKER, IMAGE)):
        w.parts[name] = approve(owner, [path], w.digest, [payload_id(w.parts["boot"])])
    w.runs("--svn", "snp=25", host=host)
    w.refused("R5", "measurement", "--svn", "snp=25", "--launch", host=host)
    rc, out = coffer(*host[:4], "--offline", "--statements", TMP + "/draft.json")  # its root is not AMD's
    assert rc == 1 and "would be refused by everyone" in out, (rc, out)
    bad = write("bad.json", open(TMP + "/evidence.json").read().replace("219", "218"))
    rc, out = coffer("--platform", "snp", "--evidence", bad, *host[4:], "--offline", "--statements", TMP)
    assert rc == 1 and "would be refused by everyone" in out, (rc, out)


def words_say_the_same_to_people():
    w = World()
    f = write("all.json", json.dumps({"statements": list(w.parts.values())}))
    rc, out = coffer(*GOOD, "--offline", "--statements", f, "--at", when(NOW), "--svn", "snp=21")
    assert rc == 1 and "acme/risk (%s): would be refused" % w.digest[:16] in out and "R4 snp: wanted at least 22, found committed 21" in out, out
    assert "by hospital's tcb statement %s, until %s" % (payload_id(w.parts["tcb"]), when(NOW + 10**6)) in out and "keeps back " + DATA in out, out
    assert "1 of 1 workloads in force would be refused" in out and "what is launched was not compared" in out and "signatures of 5 statements" in out, out
    rc, out = coffer(*GOOD, "--offline", "--statements", f, "--at", when(NOW))
    assert rc == 0 and ": runs" in out and "0 of 1 workloads" in out, out


def mistakes_are_told_by_their_exit_code():
    f = write("one.json", json.dumps(tcb(HOSPITAL)))
    files = ("--offline", "--statements", f)
    for words in (("--product", "milan"), ("--platform", "vax", "--product", "x"), ("--platform", "snp"), ("--platform", "nvidia", "--product", "x"),
                  ("--platform", "snp", "--svn", "snq=1"), ("--platform", "snp", "--svn", "snp"), ("--platform", "snp", "--svn", "snp=x"),
                  ("--platform", "snp", "--svn", "snp=1,"), ("--platform", "cca", "--svn", "snp=1"), ("--platform", "snp", "--product", "Milan X"), ("--platform", "snp", "--product", "milano"),
                  GOOD + ("--smt", "maybe"), GOOD[:4] + ("--smt", "maybe"), GOOD + ("--chip", "abc"), GOOD + ("--register", "measurement"),
                  GOOD + ("--register", "m=0g"), GOOD + ("--launch",), GOOD + ("--at", "tomorrow"), GOOD + ("--minimum", "hospital"),
                  GOOD + ("--minimum", "No=" + f)):
        rc, out = coffer(*words, *files)
        assert rc == 2, (words, rc, out)
    assert coffer(*GOOD, "--offline")[0] == 2
    assert coffer(*GOOD, "--offline", "--statements", TMP + "/none")[0] in (3, 4)
    rc, out = coffer(*GOOD, "--offline", "--statements", write("junk.json", "{}"))
    assert rc == 3 and "junk.json" in out, (rc, out)
    text = json.dumps(tcb(HOSPITAL))
    for n in range(0, len(text), 97):
        assert coffer(*GOOD, "--offline", "--statements", write("cut.json", text[:n]))[0] == 3, n
    assert coffer(*GOOD, *files, "--minimum", "hospital=" + write("junk.json", "{}"))[0] == 3
    assert coffer(*GOOD, "--home", TMP + "/none")[0] not in (0, 1, 2)  # no service to ask


CASES = [a_machine_that_meets_everything_runs_everything, old_firmware_is_refused_with_statement_party_and_end,
         providers_minimum_holds_for_each_asset_and_is_told_once, component_and_product_that_are_not_there_are_refused,
         bits_and_chip_are_asked_for, platform_that_one_owner_has_not_named_is_refused, providers_own_asset_is_named_by_its_manifest,
         workload_for_another_platform_or_without_approval_is_not_the_machines_fault, boot_image_is_judged_where_it_is_known,
         time_decides_what_is_in_force, revoked_minimum_stands_in_the_way_until_another_is_stated,
         key_that_images_are_signed_with_is_looked_at,
         draft_of_a_minimum_counts_as_its_partys_newest, evidence_says_what_the_machine_is_and_what_is_stated_is_laid_over_it,
         words_say_the_same_to_people, mistakes_are_told_by_their_exit_code]


def main():
    bad = 0
    print("1..%d" % len(CASES))
    for i, case in enumerate(CASES, 1):
        try:
            case()
            print("ok %d %s" % (i, case.__name__), flush=True)
        except Exception:
            bad = 1
            print("".join("# " + l + "\n" for l in traceback.format_exc().splitlines()), end="")
            print("not ok %d %s" % (i, case.__name__), flush=True)
    return bad


if __name__ == "__main__":
    TMP = tempfile.mkdtemp(prefix="coffer-host-")
    try:
        sys.exit(main())
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
