#!/usr/bin/python3
"""Attest + release over TLS against what its signature and TLS operations alone cost on this machine in this run.

The load comes from load_service, several clients at once built on the library of our agent. What is measured is the service's
own CPU time per round (net and keep), so that the clients, on the same cores, do not count. One round is what one launch does:
a new TLS 1.3 connection, genesis and service statement, auth, attest, one signed request.
Limit: OpenSSL's own speed for the public-key operations that a round cannot do without:
  TLS handshake   1 ECDSA P-256 signature (certificate), 1 X25519 key pair, 1 exchange
  token           1 ECDSA P-256 signature
  request         1 ECDSA P-256 verification
  reply           1 P-256 key pair and 1 exchange (ECDH-ES), 1 ECDSA P-256 signature
A key pair is one multiplication of the base point: most of a signature on that curve.
The machine may be noisy: service and `openssl speed` take short turns, each turn gives one ratio of neighbours, and every
figure is the median over the turns. p99 is of the time from a client's request for the asset to its checked reply while the
service is saturated. Resident memory is the sum of the proportional set sizes (a shared page counts once) of all processes with 10,000 attested
sessions open.
Requests at a time: releases that an attested guest asks for one after another, and statements that are posted one after another, by 1 client
and by 16 at once, each over one connection. Each is durable before it is answered; the limit is how often this disk makes a page durable
(fdatasync after each write of one), measured right before and right after in the service's own folder. More than that is requests sharing a sync.
Five tab-separated fields: name, value, unit, limit or peer, ratio."""
import json, os, re, statistics, subprocess, sys, time

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


def rss(pid):
    """Proportional set size: a page that several processes share counts once in the sum over them."""
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


def sync_rate():
    fd = os.open(t.W.state + "/bench", os.O_CREAT | os.O_WRONLY, 0o600)
    start, n = time.monotonic(), 0
    while time.monotonic() - start < 0.5:
        os.write(fd, b"x" * 4096)
        os.fdatasync(fd)
        n += 1
    os.close(fd)
    os.unlink(t.W.state + "/bench")
    return n / 0.5


SVN = {"snp": "snp", "az-snp-vtpm": "snp", "tdx": "tcb00", "az-tdx-vtpm": "tcb00", "sgx": "tcb00", "tpm": "firmware", "swtpm": "firmware"}
chains = {}  # (party, platform) -> (serial, id) of the last


def more(chain, n):
    """n further tcb statements of that chain, a line each: of a kind that has no number per hour"""
    party, platform = chain
    lines = []
    for _ in range(n):
        serial, last = chains.get(chain, (0, None))
        body = {"platform": platform, "minimum": [{"product": "", "svns": {SVN[platform]: serial % 200}}]}
        env = t.statement("tcb", getattr(t.W, party), [(platform, None)], body, t.W.gid, serial + 1, last)
        chains[chain] = (serial + 1, t.payload_id(env))
        lines.append(json.dumps(env))
    return "\n".join(lines).encode() + b"\n"


def statements(clients):
    names = [(p, platform) for platform in SVN for p in ("hospital", "imaker", "acme")][:clients]
    for i, c in enumerate(names):
        t.W.put_file("statements.%d" % i, more(c, 960 // clients))
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


def turn(net, keep):
    """(us of net, of keep, of the limit, median and p99 of a release), the limit measured right before and right after."""
    before = speed()
    a = cpu(net), cpu(keep)
    n, p50, p99, _ = load(CLIENTS, TURN_MS)
    b = cpu(net), cpu(keep)
    return (b[0] - a[0]) / n, (b[1] - a[1]) / n, (before + speed()) / 2, p50, p99


def resident():
    return sum(rss(p) for p in t.W.children()) + rss(t.W.proc.pid)


def main():
    t.W.start()
    try:
        t.W.deploy()
        net, keep = t.W.child("cofferd-net"), t.W.child("cofferd-keep")
        load(1, 300)
        turns = [turn(net, keep) for _ in range(TURNS)]
        n, k, limit, p50, p99 = [statistics.median(x) for x in zip(*turns)]
        whole = statistics.median(x[0] + x[1] for x in turns)
        ratio = "%.2f" % statistics.median(x[2] / (x[0] + x[1]) for x in turns)
        line("service.attest+release.cpu", "%.0f" % whole, "us", "%.0f" % limit, ratio)
        line("service.attest+release.cpu.net", "%.0f" % n, "us")
        line("service.attest+release.cpu.keep", "%.0f" % k, "us")
        line("service.attest+release.rate", "%.0f" % (1e6 / whole), "1/s/core", "%.0f" % (1e6 / limit), ratio)
        line("service.release.p50", "%.1f" % (p50 / 1e3), "ms")
        line("service.release.p99", "%.1f" % (p99 / 1e3), "ms", "10", "%.2f" % (p99 / 1e4))
        together("release", lambda clients: load(clients, TURN_MS, 0, "releases"))
        together("statement", statements)
        line("service.resident.start", "%.1f" % (resident() / 1024), "MiB")
        t.W.end()
        t.W.start() # without the sessions of the rounds, so that those to come are all there are
        load(CLIENTS, 0, SESSIONS // CLIENTS)
        line("service.resident", "%.1f" % (resident() / 1024), "MiB", "48", "%.2f" % (resident() / 1024 / 48))
    finally:
        t.W.end()


main()
