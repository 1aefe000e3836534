#!/usr/bin/python3
"""The trust service with evidence of hardware: SNP reports made here, their maker named in the genesis; cofferd with all its children in
their sandboxes, its collateral from an offline store. Usage: test_service_hw.py COFFERD"""
import json, os, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.argv.append("/bin/false") # test_service reads its second argument
import test_service as base
from parties import *
from snp import Chip

NOTE = "kbs:///hospital/note/greeting"


class SnpGuest(Guest):
    def __init__(self, client, initdata, chip, **more):
        Guest.__init__(self, client, initdata, tee="snp", **more)
        self.chip, self.with_cert = chip, True

    def evidence(self, nonce, additional=""):
        digest = hashlib.sha384(jcs({"additional-evidence": additional, "nonce": nonce, "tee-pubkey": self.pubkey()})).digest()
        return self.chip.evidence(digest, sha256(self.initdata), self.with_cert)


class World(base.World):
    """A deployment on snp alone."""

    def __init__(self):
        self.chip = Chip()
        base.World.__init__(self)
        roots = [{"vendor": "amd", "name": "SEV-Milan", "certificate": b64(self.chip.root)}]
        body = {"origin": "e2e.example/coffer", "ledger-key": self.service["ledger-key"],
                "parties": [p.body() for p in (self.acme, self.imaker, self.hospital)], "witnesses": [], "cosignatures": 0, "policies": {},
                "vendor-roots": roots}
        self.genesis = statement("genesis", "genesis", [("e2e.example/coffer", None)], body,
                                 keys=[p.key for p in (self.acme, self.imaker, self.hospital)], life=10 * 365 * 86400)
        self.gid = payload_id(self.genesis)
        self.put_file("genesis.json", json.dumps(self.genesis).encode())
        os.makedirs(self.dir + "/store")
        self.write_config(digest=self.gid)

    def write_config(self, digest=None, more=""):
        base.World.write_config(self, digest, more)
        if digest:
            with open(self.config, "a") as f:
                f.write('[collateral]\nenabled = false\noffline = "%s"\n' % (self.dir + "/store"))

    def ok(self, env):
        r = self.publish(env)
        assert r.status == 200, r.body
        return payload_id(env)

    def deploy(self):
        self.service_id = self.ok(statement("service", self.acme, [("trust", None)], self.service, self.gid))
        a = asset(self.hospital, NOTE, b"hello", self.service["receive"], self.gid, policy=None)
        assert self.put_raw(self.hospital, NOTE, json.dumps(a).encode()).status == 200
        body = {"repository": "registry.example/app", "version": 1, "methods": [{"type": "sigstoreSigned", "key": base.PEM}], "keys": []}
        self.ok(statement("image-release", self.imaker, [("registry.example/app", "ab" * 32)], body, self.gid))
        m = self.manifest([(NOTE, "api")])
        m["platforms"] = ["snp"]
        self.initdata = render(m, m["service"]["url"])
        self.workload = sha256(jcs(m)).hex()
        self.ok(statement("workload", self.acme, [("risk", self.workload)], m, self.gid))
        reference = {"snp_launch_measurement": self.chip.measurement.hex(), "snp_bootloader": 4, "snp_microcode": 219, "snp_snp_svn": 24,
                     "snp_tee_svn": 0, "snp_smt_enabled": False, "snp_tsme_enabled": False, "snp_guest_abi_major": 0,
                     "snp_guest_abi_minor": 31, "snp_single_socket": False, "snp_smt_allowed": True}
        body = {"name": "guest", "enforces": ["manifest", "image-digests", "container-scoping"], "rebuild": "make",
                "launches": [{"platform": "snp", "shape": "any", "registers": {"measurement": self.chip.measurement.hex()}}],
                "reference-values": reference}
        self.boot = self.ok(statement("boot-image", self.acme, [("kernel", "ef" * 32)], body, self.gid))
        body = {"assets": [NOTE], "workload": self.workload, "platforms": ["snp"], "services": [self.service_id], "boot-images": [self.boot],
                "until": when(int(time.time()) + 3600), "shown": "cd" * 32}
        self.approval_id = self.ok(statement("approval", self.hospital, [(NOTE, None), ("workload:" + self.workload, None)], body, self.gid))

    def guest(self, **more):
        return SnpGuest(self.c, self.initdata, self.chip, agent=True, genesis=self.gid, **more)


W = World() if __name__ == "__main__" else None # others bring their own


def refused(r, why):
    base.kbs_error(r, 401, "AttestationError", why)


def service_starts_with_a_root_of_the_genesis():
    W.start()
    W.deploy()


def guest_on_snp_gets_what_its_owner_approved_under_the_strict_policy():
    g = W.guest().up()
    claims = json.loads(unb64u(g.token.split(".")[1]))
    assert claims["submods"]["cpu0"]["ear.status"] == "affirming", claims["submods"]["cpu0"]
    assert claims["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["snp"]["measurement"] == "3e" * 48
    r = g.get("hospital/note/greeting", headers=g.signed_headers("hospital/note/greeting", "analyse", "api"))
    assert r.status == 200, r.body
    assert g.open(r)


def token_alone_serves_as_well():
    g = W.guest().up()
    r = g.get("hospital/note/greeting", how="bearer", headers=g.signed_headers("hospital/note/greeting", "analyse", "api"))
    assert r.status == 200, r.body


def upstream_client_of_a_pod_whose_every_container_may_ask_is_served():
    g = SnpGuest(W.c, W.initdata, W.chip).up()
    assert g.get("hospital/note/greeting").status == 200


def certificate_that_did_not_come_along_is_fetched_or_said_to_be_wanting():
    g = W.guest()
    g.with_cert = False
    g.auth()
    refused(g.attest(), "R2: collateral unavailable")
    W.chip.store(W.dir + "/store")
    g.auth()
    r = g.attest()
    assert r.status == 200, r.body
    assert g.get("hospital/note/greeting", headers=g.signed_headers("hospital/note/greeting", "analyse", "api")).status == 200


def receipt_is_decided_again_with_the_collateral_it_has_or_is_given():
    base.W = W
    os.mkdir(W.dir + "/hospital", 0o700)
    W.put_file("hospital/config.json", json.dumps({"party": "hospital", "genesis": W.gid, "service": "https://" + W.address}).encode())
    W.put_file("hospital/sign.pem", W.hospital.key.k.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                                    serialization.NoEncryption()))
    os.chmod(W.dir + "/hospital/sign.pem", 0o600)
    newest = json.loads(base.coffer("decisions", "--json")[1])["decisions"][0]
    f = W.dir + "/hw.receipt"
    rc, out = base.coffer("receipt", "get", newest["decision"], "--out", f)
    assert rc == 0, out
    rc, out = base.coffer("receipt", "verify", f)
    assert rc == 0 and "decided again by the evidence (snp)" in out and "R5   boot image guest" in out and "in the words that were logged" in out, out
    v = json.loads(open(f, "rb").read())
    files = v["evidence"]["files"]
    assert len(files) >= 1 and len(files) == len(v["evidence"]["document"]["files"]), v["evidence"]
    v["evidence"]["files"] = []
    W.put_file("bare.receipt", json.dumps(v, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    rc, out = base.coffer("receipt", "verify", W.dir + "/bare.receipt")
    assert rc == 4 and v["evidence"]["document"]["files"][0] in out and "--collateral" in out, (rc, out)
    given = []
    for i, x in enumerate(files):
        given += ["--collateral", W.put_file("given%d" % i, unb64u(x))]
    assert base.coffer("receipt", "verify", W.dir + "/bare.receipt", *given)[0] == 0
    assert base.coffer("receipt", "verify", W.dir + "/bare.receipt", "--collateral", f)[0] == 4


def report_by_a_chip_of_another_maker_is_refused():
    g = W.guest()
    g.chip = Chip()
    g.auth()
    refused(g.attest(), "R2: ")


def every_changed_byte_of_a_report_is_refused():
    g = W.guest()
    for name in ("policy", "vmpl", "plat_info", "guest_svn"):
        g.auth()
        ev = g.evidence(g.nonce)
        ev["attestation_report"][name] ^= 1
        assert g.attest(evidence=ev).status == 401
    for name in ("measurement", "report_data", "host_data", "chip_id", "family_id"):
        g.auth()
        ev = g.evidence(g.nonce)
        ev["attestation_report"][name][0] ^= 1
        assert g.attest(evidence=ev).status == 401


def evidence_replayed_in_another_session_is_refused():
    g = W.guest()
    g.auth()
    old = g.evidence(g.nonce)
    g.auth()
    refused(g.attest(evidence=old), "R1: ")


def initdata_that_the_register_does_not_hold_is_refused():
    g = W.guest()
    g.auth()
    ev = g.evidence(g.nonce)
    g.initdata += b"\n"
    refused(g.attest(evidence=ev), "R6: ")


def debug_guest_is_genuine_and_gets_nothing():
    g = W.guest()
    g.chip.policy |= 1 << 19
    try:
        g.up()
    finally:
        g.chip.policy &= ~(1 << 19)
    assert json.loads(unb64u(g.token.split(".")[1]))["submods"]["cpu0"]["ear.status"] == "contraindicated"
    r = g.get("hospital/note/greeting", headers=g.signed_headers("hospital/note/greeting", "analyse", "api"))
    base.kbs_error(r, 401, "PolicyDeny", "R3: ")


def guest_that_booted_something_else_gets_nothing():
    g = W.guest()
    was, g.chip.measurement = g.chip.measurement, b"\x3f" * 48
    try:
        g.up()
    finally:
        g.chip.measurement = was
    why = json.loads(unb64u(g.token.split(".")[1]))["submods"]["cpu0"]["coffer.not-affirming"]
    assert any(w["member"] == "executables" for w in why), why
    r = g.get("hospital/note/greeting", headers=g.signed_headers("hospital/note/greeting", "analyse", "api"))
    base.kbs_error(r, 401, "PolicyDeny", "R5: ")


def minimum_of_the_owner_holds_at_the_next_request():
    g = W.guest().up()
    head = lambda: g.signed_headers("hospital/note/greeting", "analyse", "api")
    body = {"platform": "snp", "minimum": [{"product": "milan", "svns": {"snp": 25}}]}
    W.ok(statement("tcb", W.hospital, [("snp", None)], body, W.gid))
    base.kbs_error(g.get("hospital/note/greeting", headers=head()), 401, "PolicyDeny", "R4: ")


def service_ends_in_order():
    assert W.end() == 0
    assert "SIGSYS" not in W.logs() and "did not end in order" not in W.logs(), W.logs()


CASES = [service_starts_with_a_root_of_the_genesis, guest_on_snp_gets_what_its_owner_approved_under_the_strict_policy, token_alone_serves_as_well,
         upstream_client_of_a_pod_whose_every_container_may_ask_is_served,
         certificate_that_did_not_come_along_is_fetched_or_said_to_be_wanting,
         receipt_is_decided_again_with_the_collateral_it_has_or_is_given, report_by_a_chip_of_another_maker_is_refused,
         every_changed_byte_of_a_report_is_refused, evidence_replayed_in_another_session_is_refused,
         initdata_that_the_register_does_not_hold_is_refused, debug_guest_is_genuine_and_gets_nothing,
         guest_that_booted_something_else_gets_nothing, minimum_of_the_owner_holds_at_the_next_request, service_ends_in_order]

if __name__ == "__main__":
    sys.exit(base.run(W, CASES))
