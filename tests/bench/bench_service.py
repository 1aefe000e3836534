#!/usr/bin/python3
"""Attest + release over TLS against what its signature and TLS operations alone cost on this machine in this run.

The load comes from load_service, several clients at once built on the library of our agent. What is measured is the service's
own CPU time per round: net, keep, and eval with the children that judge (they ended, and are waited for), so that the clients, on the same cores,
do not count. One round is what one launch does: a new TLS 1.3 connection, genesis, service statement and parties, auth, attest (one child: the
evidence), one signed request (one child: the owner's policy; its asset has one of its own, which is compiled there).
Limit: OpenSSL's own speed for the public-key operations that a round cannot do without:
  TLS handshake   1 ECDSA P-256 signature (certificate), 1 X25519 key pair, 1 exchange
  token           1 ECDSA P-256 signature
  request         1 ECDSA P-256 verification
  reply           1 P-256 key pair and 1 exchange (ECDH-ES), 1 ECDSA P-256 signature
A key pair is one multiplication of the base point: most of a signature on that curve. The evidence is of platform `sample`, which has no signature: of
hardware its verifications come to both sides (bench_evidence has them). The limit is on the strict side: it has of the handshake the key operations
alone. A server of OpenSSL between two buffers, key schedule, transcript and objects included, took three times these (350 against 118 us where a signature
took 31), and 4 us a request for the records: with all of "TLS" the limit would be about 1.6 times what is printed. Nothing of processes, HTTP or the
disk is in it.
The machine may be noisy: service and `openssl speed` take short turns, each turn gives one ratio of neighbours, and every
figure is the median over the turns. p99 is of the time from a client's request for the asset to its checked reply while the
service is saturated, clients on the same processors; each release waits for a sync, whose own 99th percentile, of one page and with nothing else going
on, is the row after it. Resident memory is the pages of all processes with 10,000 attested sessions open, in a store that has the statements of the rows before;
a page that several of them map counts once, and whole even if others on the machine map it as well. Who may not see which page is which (CAP_SYS_ADMIN)
gets the sum of the proportional set sizes, which is less wherever something else on the machine uses the same libraries.
Requests at a time: releases that an attested guest asks for one after another, and statements that are posted one after another, by 1 client
and by 16 at once, each over one connection. Each is durable before it is answered; the limit is how often this disk makes a page durable
(fdatasync after each write of one), measured right before and right after in the service's own folder. More than that is requests sharing a sync.
Five tab-separated fields: name, value, unit, limit or peer, ratio."""
import hashlib, json, os, re, statistics, struct, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TURNS = int(os.environ.get("TURNS", "7"))
TURN_MS = int(os.environ.get("TURN_MS", "1500"))
CLIENTS = int(os.environ.get("CLIENTS", "4"))
SESSIONS = int(os.environ.get("SESSIONS", "10000"))
LOAD = os.environ.get("LOAD", os.path.join(TOP, "build", "plain", "tests", "bench", "load_service"))
sys.argv = [sys.argv[0], os.environ.get("COFFERD", os.path.join(TOP, "build", "cofferd")), "/nonexistent"]
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.dont_write_bytecode = True
import test_service as t

t.W = t.World()


def cpu(pid):
    with open("/proc/%d/schedstat" % pid) as f:
        main = int(f.read().split()[0])
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
            total += int(f.read().split()[0])
    return max(main, total) / 1e3  # microseconds


def judged(pid):
    """Microseconds of eval and of its children that it has waited for. Of these the kernel says hundredths of a second: turns are long against that."""
    with open("/proc/%d/stat" % pid) as f:
        ended = f.read().rsplit(")", 1)[1].split()[13:15]
    return cpu(pid) + sum(int(x) for x in ended) * 1e6 / os.sysconf("SC_CLK_TCK")


PAGE = os.sysconf("SC_PAGE_SIZE")
PRESENT, FRAME = 1 << 63, (1 << 55) - 1  # of an entry of /proc/PID/pagemap


def frames(pid):
    """The page frames that pid has mapped; without CAP_SYS_ADMIN they all are 0."""
    found = set()
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/pagemap" % pid, "rb", 0) as pagemap:
        for l in maps:
            if "[vsyscall]" in l or "[vvar" in l or "[vdso]" in l:  # the kernel's own
                continue
            first, end = (int(x, 16) // PAGE for x in l.split()[0].split("-"))
            pagemap.seek(first * 8)
            found.update(e & FRAME for e, in struct.iter_unpack("<Q", pagemap.read((end - first) * 8)) if e & PRESENT)
    return found


def pss(pid):
    """MiB. Proportional set size: a page counts by its part of all that map it."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(int(l.split()[1]) for l in f if l.startswith("Pss:")) / 1024.0


def speed():
    """Microseconds of the public-key operations of one round."""
    out = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256", "ecdhp256", "ecdhx25519", "ed25519"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()

    def us(row):
        return [1e6 / float(n) for n in re.search(row + r"\s+(?:\S+s\s+)+([\d.]+)(?:\s+([\d.]+))?", out).groups() if n]

    sign, verify = us(r"256 bits ecdsa \(nistp256\)")
    edsign, _ = us(r"EdDSA \(Ed25519\)")
    p256, x25519 = us(r"256 bits ecdh \(nistp256\)")[0], us(r"253 bits ecdh \(X25519\)")[0]
    return 3 * sign + verify + x25519 + 0.6 * edsign + p256 + 0.6 * sign


def line(name, value, unit, limit="-", ratio="-"):
    print("\t".join([name, value, unit, limit, ratio]), flush=True)


def load(clients, ms, sessions=0, *mode):
    """(rounds, median and 99th percentile of a release in us, us of all)"""
    p = subprocess.run([LOAD, "https://" + t.W.address, t.W.gid, t.W.put_file("initdata", t.W.initdata), t.DATA, "analyse", "api",
                        str(clients), str(ms), str(sessions), *mode], stdout=subprocess.PIPE, check=True)
    return [int(x) for x in p.stdout.split()]


def syncs():
    """Seconds that this disk takes for a page to be durable, each of half a second's."""
    fd = os.open(t.W.state + "/bench", os.O_CREAT | os.O_WRONLY, 0o600)
    start, took = time.monotonic(), []
    while not took or sum(took) < 0.5:
        os.write(fd, b"x" * 4096)
        os.fdatasync(fd)
        now = time.monotonic()
        took.append(now - start)
        start = now
    os.close(fd)
    os.unlink(t.W.state + "/bench")
    return took


def sync_rate():
    took = syncs()
    return len(took) / sum(took)


said = 0


def more(party, n):
    """n further revocations by that party, a line each, of a chip each: of a kind that has no number per hour"""
    global said
    lines = []
    for _ in range(n):
        said += 1
        thing = "chip:snp:%0128x" % said
        id = hashlib.sha256(thing.encode()).hexdigest()
        lines.append(json.dumps(t.statement("revocation", getattr(t.W, party), [("thing:" + id, id)], {"thing": thing, "reason": "broken"}, t.W.gid)))
    return "\n".join(lines).encode() + b"\n"


def statements(clients):
    for i in range(clients):
        t.W.put_file("statements.%d" % i, more(("hospital", "imaker", "acme")[i % 3], 960 // clients))
    return load(clients, 0, 0, "statements", t.W.dir + "/statements")


def together(name, ask):
    for clients in (1, 16):
        rows = []
        for _ in range(TURNS):
            before = sync_rate()
            n, p50, p99, us = ask(clients)
            limit = (before + sync_rate()) / 2
            rows.append((n * 1e6 / us, limit, p50, n * 1e6 / us / limit))
        rate, limit, p50, ratio = [statistics.median(x) for x in zip(*rows)]
        line("service.%s.rate.%d" % (name, clients), "%.0f" % rate, "1/s", "%.0f" % limit, "%.2f" % ratio)
        line("service.%s.rate.%d.p50" % (name, clients), "%.2f" % (p50 / 1e3), "ms")


def turn(net, keep, judge):
    """(us of net, of keep, of eval, of the limit, median and p99 of a release, p99 of a sync alone in ms), the limit measured right before and right
    after."""
    before, alone = speed(), sorted(syncs())
    a = cpu(net), cpu(keep), judged(judge)
    n, p50, p99, _ = load(CLIENTS, TURN_MS)
    b = cpu(net), cpu(keep), judged(judge)
    return *[(y - x) / n for x, y in zip(a, b)], (before + speed()) / 2, p50, p99, alone[-1 - len(alone) // 100] * 1e3


def resident():
    """MiB of all processes."""
    pids = [*t.W.children(), t.W.proc.pid]
    pages = set().union(*(frames(p) for p in pids))
    return len(pages) * PAGE / 2**20 if pages != {0} else sum(pss(p) for p in pids)


def main():
    t.W.start()
    try:
        t.W.deploy()
        parts = [t.W.child("cofferd-" + x) for x in ("net", "keep", "eval")]
        load(1, 300)
        turns = [turn(*parts) for _ in range(TURNS)]
        n, k, j, limit, p50, p99, sync = [statistics.median(x) for x in zip(*turns)]
        whole = statistics.median(sum(x[:3]) for x in turns)
        ratio = "%.2f" % statistics.median(x[3] / sum(x[:3]) for x in turns)
        line("service.attest+release.cpu", "%.0f" % whole, "us", "%.0f" % limit, ratio)
        line("service.attest+release.cpu.net", "%.0f" % n, "us")
        line("service.attest+release.cpu.keep", "%.0f" % k, "us")
        line("service.attest+release.cpu.eval", "%.0f" % j, "us")
        line("service.attest+release.rate", "%.0f" % (1e6 / whole), "1/s/core", "%.0f" % (1e6 / limit), ratio)
        line("service.release.p50", "%.1f" % (p50 / 1e3), "ms")
        line("service.release.p99", "%.1f" % (p99 / 1e3), "ms", "10", "%.2f" % (p99 / 1e4))
        line("service.release.p99.sync", "%.1f" % sync, "ms")
        together("release", lambda clients: load(clients, TURN_MS, 0, "releases"))
        together("statement", statements)
        line("service.resident.start", "%.1f" % resident(), "MiB")
        t.W.end()
        t.W.start() # without the sessions of the rounds, so that those to come are all there are
        load(CLIENTS, 0, SESSIONS // CLIENTS)
        now = resident()
        line("service.resident", "%.1f" % now, "MiB", "48", "%.2f" % (now / 48))
    finally:
        t.W.end()


main()
