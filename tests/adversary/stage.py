"""The stage of the adversaries: one trust service with its children, parties, two workloads (on snp and on sample), and what a row is.
Reports of snp are made on the spot, by a root that the genesis names: genuine to the service, and in the hands of the test."""
import datetime, json, os, re, sqlite3, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
sys.dont_write_bytecode = True
BUILD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "/nonexistent"
MINE = sys.argv[1:]
sys.argv[1:] = [BUILD + "/src/cofferd/cofferd", BUILD + "/tests/e2e/client_probe"] # as test_service reads them
import test_service as base
import test_service_hw as hw
from parties import *
from snp import Chip

NOTE, PLAIN, DATA = "kbs:///hospital/note/greeting", "kbs:///hospital/note/plain", "kbs:///hospital/data/patients"
OTHERS, CLOSED, TURNED, STRICT = ("kbs:///hospital/note/" + n for n in ("others", "closed", "turned", "strict"))
ON_SNP = [NOTE, CLOSED, TURNED, OTHERS]
ON_SAMPLE = [DATA, STRICT]
HELLO, PATIENTS = b"hello, said the note", b"patients of the hospital"

ROWS = {}


class Skip(Exception):
    """A row that cannot be shown here; its text says why."""


class Row:
    def __init__(self, id, title, checks, done, act):
        self.id, self.title, self.checks, self.done, self.act = id, title, checks, done, act


def row(id, title, checks, done="tests/adversary"):
    """A row of the table. checks: ids of the refusals that act() sees; done: where, or by which program, it is acted out."""
    def take(act):
        assert id not in ROWS
        ROWS[id] = Row(id, title, checks.split(), done, act)
        return act
    return take


def not_yet(id, title, reason):
    assert id not in ROWS
    ROWS[id] = Row(id, title, [], reason, None)


# ---- what is seen of a refusal ----

def denied(r, *checks):
    """A refusal of the KBS protocol by one of these checks; it carries nothing else."""
    assert r.status in (401, 403, 404), (r.status, r.body)
    detail = r.json()["detail"]
    assert not checks or any(detail.startswith(c + ": ") for c in checks), (checks, detail)
    assert HELLO not in r.body and PATIENTS not in r.body
    return detail


def not_logged(r, check):
    assert r.status == 403, (r.status, r.body)
    assert r.json()["error"]["check"] == check, (check, r.body)


def unit(program, names, *args):
    """Runs a test program and demands that these of its cases passed."""
    passed(program, subprocess.run([os.path.join(BUILD, program)] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240), names)


MACHINE = []


def machine(names):
    """The same of tests/e2e/test_guest_store.py, whose boots are shared by all rows and take minutes."""
    if os.environ.get("COFFER_BOOTS") != "all":
        raise Skip("boots a machine: make attack; its one boot in make check is tests/e2e/test_guest_store.py")
    program = os.path.join(HERE, "../e2e/test_guest_store.py")
    if not MACHINE:
        MACHINE.append(subprocess.run([program, os.path.join(BUILD, "src/cli/coffer"), os.path.join(BUILD, "tests/e2e/fake-agent"), os.path.join(HERE, "../..")],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=5400))
    if MACHINE[0].stdout.startswith(b"1..0 # SKIP"):
        raise Skip(MACHINE[0].stdout.decode().split("# SKIP")[1].strip())
    passed(program, MACHINE[0], names)


PODS_OF = {}


def pods_of(name, names):
    """The same of a program with a real agent, its gate and containers on platform sample, which runs once for all rows."""
    program = os.path.join(HERE, "../e2e/test_%s.py" % name)
    if name not in PODS_OF:
        PODS_OF[name] = subprocess.run([program, os.path.join(BUILD, "src/cli/coffer"), os.path.join(BUILD, "tests/e2e/fake-agent")],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=900)
    if PODS_OF[name].stdout.startswith(b"1..0 # SKIP"):
        raise Skip(PODS_OF[name].stdout.decode().split("# SKIP")[1].strip())
    passed(program, PODS_OF[name], names)


def asked(names):
    """Of a host that asks by the boundary's own messages."""
    pods_of("host_asks", names)


def passed(program, p, names):
    out = p.stdout.decode(errors="replace")  # what it and its children say besides must not run into a line of it
    for n in names:
        line = [l for l in out.splitlines() if re.match(r"(not )?ok \d+ (- )?%s\b" % re.escape(n), l)]
        assert line, (program, n, p.returncode, out[-2000:], p.stderr[-2000:])
        if "# SKIP" in line[0]:
            raise Skip(line[0].split("# SKIP")[1].strip())
        assert line[0].startswith("ok "), (program, line)


class World(hw.World):
    def __init__(self):
        hw.World.__init__(self)
        base.W = self # what is borrowed from there speaks of it

    def join(self, name, personas, by):
        p = Party(name, personas)
        self.ok(statement("party", p, [(name, None)], p.body(), self.gid, keys=[p.key, by.key]))
        return p

    def say(self, kind, issuer, subjects, body, **more):
        return statement(kind, issuer, subjects, body, self.gid, **more)

    def store(self, path, content, policy=SAMPLE_POLICY, version=1, previous=None):
        a = asset(self.hospital, path, content, self.service["receive"], self.gid, version, previous, policy=policy)
        r = self.put_raw(self.hospital, path, json.dumps(a).encode())
        assert r.status == 200, r.body
        return a["statement"]

    def workload_of(self, provider, name, entitlements, platforms):
        m = dict(self.manifest([(p, "api") for p in entitlements]), name=name, provider=provider.name, platforms=platforms)
        return m, sha256(jcs(m)).hex()

    def workload_says(self, provider, m):
        digest = sha256(jcs(m)).hex()
        return self.ok(self.say("workload", provider, [(m["name"], digest)], m))

    def boot_body(self, measurement, references=True):
        body = {"name": "guest", "enforces": ["manifest", "image-digests", "container-scoping"], "rebuild": "make",
                "launches": [{"platform": "snp", "shape": "any", "registers": {"measurement": measurement.hex()}}]}
        if references:
            body["reference-values"] = {
                "snp_launch_measurement": measurement.hex(), "snp_bootloader": 4, "snp_microcode": 219, "snp_snp_svn": 24,
                "snp_tee_svn": 0, "snp_smt_enabled": False, "snp_tsme_enabled": False, "snp_guest_abi_major": 0,
                "snp_guest_abi_minor": 31, "snp_single_socket": False, "snp_smt_allowed": True}
        return body

    def approval(self, paths, workload, platforms, owner=None, until=None, services=None, boots=None, **more):
        body = {"assets": paths, "workload": workload, "platforms": platforms, "services": services or [self.service_id],
                "until": when(until or int(time.time()) + 3600), "shown": "cd" * 32}
        if "snp" in platforms:
            body["boot-images"] = boots or [self.boot]
        subjects = [(p, None) for p in paths] + [("workload:" + workload, None)]
        return self.say("approval", owner or self.hospital, subjects, body, **more)

    def revoke(self, party, id):
        return self.say("revocation", party, [(id, id)], {"statement": id, "reason": "acted out"})

    def deploy(self):
        self.service_id = self.ok(self.say("service", self.acme, [("trust", None)], self.service))
        self.auditor, self.mallory = self.join("watcher", ["auditor"], self.acme), self.join("mallory", ["workload-provider", "data-owner"], self.acme)
        for path, content, policy in ((NOTE, HELLO, None), (OTHERS, b"of another pod", None), (CLOSED, b"closed", "package policy\ndefault allow := false\n"),
                                      (TURNED, b"first", None), (DATA, PATIENTS, SAMPLE_POLICY), (STRICT, b"strict", None)):
            setattr(self, "said_" + path.split("/")[-1], self.store(path, content, policy))
        body = {"repository": "registry.example/app", "version": 1, "methods": [{"type": "sigstoreSigned", "key": base.PEM}], "keys": []}
        self.ok(self.say("image-release", self.imaker, [("registry.example/app", "ab" * 32)], body))
        self.m, self.workload = self.workload_of(self.acme, "risk", ON_SNP, ["snp"])
        self.m_sample, self.w_sample = self.workload_of(self.acme, "risk-sample", ON_SAMPLE + [NOTE], ["sample"])
        for m in (self.m, self.m_sample):
            setattr(self, "says_" + m["name"].replace("-", "_"), self.workload_says(self.acme, m))
        self.initdata, self.sample_initdata = (render(m, m["service"]["url"]) for m in (self.m, self.m_sample))
        self.boot = self.ok(self.say("boot-image", self.acme, [("kernel", "ef" * 32)], self.boot_body(self.chip.measurement)))
        self.ok(self.approval([NOTE, CLOSED, TURNED], self.workload, ["snp"]))
        self.ok(self.approval(ON_SAMPLE, self.w_sample, ["sample"]))

    # ---- guests ----

    def snp(self, chip=None, initdata=None):
        return hw.SnpGuest(self.c, self.initdata if initdata is None else initdata, chip or self.chip, agent=True, genesis=self.gid)

    def sample(self):
        return Guest(self.c, self.sample_initdata, agent=True, genesis=self.gid)

    def ask(self, g, path=NOTE, container="analyse"):
        p = path[len("kbs:///"):]
        return g.get(p, headers=g.signed_headers(p, container, "api"))

    def held(self, g, said, path=NOTE):
        """What the service says of what a guest holds: (1, "") that it may keep it."""
        q = g.question([(payload_id(said), path[len("kbs:///"):], "analyse", "api")])
        r = g.asks(q)
        assert r.status == 200, r.body
        return g.answer(q, r, self.service["reply"])[0]

    def gets(self, g, path, content):
        r = self.ask(g, path)
        assert r.status == 200, r.body
        assert g.open(r).endswith(content)

    def serves(self):
        """The proper action, of a guest that comes now: snp, all as approved, strict policy."""
        g = self.snp().up()
        self.gets(g, NOTE, HELLO)
        return g

    # ---- the service's own disk ----

    def refuses_to_start(self, words):
        p = subprocess.run([base.COFFERD, "--config", self.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        out = p.stdout.decode(errors="replace")
        assert p.returncode != 0 and "listening" not in out and words in out, (p.returncode, out)

    def sql(self, *commands):
        db = sqlite3.connect(self.state + "/keep/keep.db")
        db.execute("PRAGMA foreign_keys=OFF")
        for c in commands:
            db.execute(c)
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()

    def shell(self, command, *args):
        subprocess.run(["/bin/sh", "-ec", command, "sh"] + list(args), check=True, cwd=self.dir)
