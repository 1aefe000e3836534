"""Witnesses as programs, and a service whose genesis wants their signatures."""
import json, os, signal, socket, subprocess, time
import test_service_hw as hw
from parties import *


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Witness:
    """One in a folder of its own, on a port of its own; not running."""

    def __init__(self, coffer, dir, name):
        self.coffer, self.dir, self.port, self.proc = coffer, dir + "/" + name, free_port(), None
        r = subprocess.run([coffer, "witness", "init", self.dir, "--name", "witness.example/" + name, "--no-passphrase"], check=True,
                           stdout=subprocess.PIPE)
        self.vkey, self.url = r.stdout.decode().strip(), "http://127.0.0.1:%d" % self.port

    def start(self, genesis):
        self.log = open(self.dir + ".log", "ab")
        self.proc = subprocess.Popen([self.coffer, "witness", "run", self.dir, "--listen", "127.0.0.1:%d" % self.port, "--genesis", genesis],
                                     stdout=subprocess.PIPE, stderr=self.log)
        assert b"listening" in self.proc.stdout.readline(), open(self.dir + ".log").read()

    def stop(self):
        if self.proc:
            self.proc.send_signal(signal.SIGTERM)
            assert self.proc.wait(15) == 0
            self.proc.stdout.close()
            self.log.close()
        self.proc = None


class World(hw.World):
    """k of n witnesses. Guests are on snp, the policy strict, the note released says hello."""

    def __init__(self, coffer, n, k):
        hw.World.__init__(self)
        self.coffer = coffer
        self.witness = [Witness(coffer, self.dir, "w%d" % i) for i in range(n)]
        body = {"origin": "e2e.example/coffer", "ledger-key": self.service["ledger-key"],
                "parties": [p.body() for p in (self.acme, self.imaker, self.hospital)],
                "witnesses": [{"key": w.vkey, "url": w.url} for w in self.witness], "cosignatures": k, "policies": {},
                "vendor-roots": [{"vendor": "amd", "name": "SEV-Milan", "certificate": b64(self.chip.root)}]}
        self.genesis = statement("genesis", "genesis", [("e2e.example/coffer", None)], body,
                                 keys=[p.key for p in (self.acme, self.imaker, self.hospital)], life=10 * 365 * 86400)
        self.gid = payload_id(self.genesis)
        self.put_file("genesis.json", json.dumps(self.genesis).encode())
        self.write_config(digest=self.gid)

    def ask(self, g):
        return g.get("hospital/note/greeting", headers=g.signed_headers("hospital/note/greeting", "analyse", "api"))

    def serves(self, g):
        r = self.ask(g)
        assert r.status == 200, r.body
        assert g.open(r).endswith(b"hello")

    def withholds(self, g, *words):
        """The reply stays: in order, by reason, without the secret."""
        r = self.ask(g)
        assert r.status == 503 and b"hello" not in r.body, (r.status, r.body)
        detail = r.json()["detail"]
        assert detail.startswith("R12: unavailable") and all(w in detail for w in words), detail
        return detail

    def refuses_to_start(self, words):
        p = subprocess.run([hw.base.COFFERD, "--config", self.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        assert p.returncode != 0 and words in p.stdout.decode(errors="replace"), p.stdout

    def reader(self, name):
        """A party's own folder, as the command line has it."""
        home = self.dir + "/" + name
        if not os.path.exists(home):
            subprocess.run([self.coffer, "init", "--party", name, "--persona", "auditor", "--no-passphrase", "--home", home], check=True,
                           stdout=subprocess.DEVNULL)
        subprocess.run([self.coffer, "genesis", "use", self.dir + "/genesis.json", "--service", "https://" + self.address, "--home", home],
                       check=True, stdout=subprocess.DEVNULL)
        return home

    def ledger(self, name, *words):
        r = subprocess.run([self.coffer, "ledger", *words, "--home", self.reader(name)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return r.returncode, (r.stdout + r.stderr).decode()

    def kept(self, name):
        return self.dir + "/%s/ledger-%s.checkpoint" % (name, self.gid[:16])

    def entries(self):
        return int(self.c.call("GET", "/ledger/checkpoint").body.split(b"\n")[1])

    def entries_written(self):
        """Those no witness has signed too."""
        path = "/coffer/v0/ledger?from=0"
        return self.c.call("GET", path, bearer=self.hospital.token("GET", path)).json()["size"]

    def wait_for(self, holds):
        until = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < until
            time.sleep(0.02)

    def close(self):
        for w in self.witness:
            w.stop()
        if self.proc and self.proc.poll() is None:
            self.end()
