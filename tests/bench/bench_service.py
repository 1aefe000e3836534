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
Five tab-separated fields: name, value, unit, limit or peer, ratio."""
import os, re, statistics, subprocess, sys

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


def load(clients, ms, sessions=0):
    """(rounds, median and 99th percentile of a release in us)"""
    p = subprocess.run([LOAD, "https://" + t.W.address, t.W.gid, t.W.put_file("initdata", t.W.initdata), t.DATA, "analyse", "api",
                        str(clients), str(ms), str(sessions)], stdout=subprocess.PIPE, check=True)
    return [int(x) for x in p.stdout.split()]


def turn(net, keep):
    """(us of net, of keep, of the limit, median and p99 of a release), the limit measured right before and right after."""
    before = speed()
    a = cpu(net), cpu(keep)
    n, p50, p99 = load(CLIENTS, TURN_MS)
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
        line("service.resident.start", "%.1f" % (resident() / 1024), "MiB")
        t.W.end()
        t.W.start() # without the sessions of the rounds, so that those to come are all there are
        load(CLIENTS, 0, SESSIONS // CLIENTS)
        line("service.resident", "%.1f" % (resident() / 1024), "MiB", "48", "%.2f" % (resident() / 1024 / 48))
    finally:
        t.W.end()


main()
