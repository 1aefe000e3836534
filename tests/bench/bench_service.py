#!/usr/bin/python3
"""Attest + release over TLS against what its signature and TLS operations alone cost on this machine in this run.

The client is Python and would be the bottleneck, so what is measured is the service's own CPU time per round (net and
keep), not the wall clock. One round is what one guest does: a new TLS 1.3 connection, auth, attest, one signed request.
Limit: OpenSSL's own speed for the public-key operations that a round cannot do without:
  TLS handshake   1 ECDSA P-256 signature (certificate), 1 X25519 key pair, 1 exchange
  token           1 ECDSA P-256 signature
  request         1 ECDSA P-256 verification
  reply           1 P-256 key pair and 1 exchange (ECDH-ES), 1 ECDSA P-256 signature
A key pair is one multiplication of the base point: most of a signature on that curve.
The machine may be noisy: service and `openssl speed` take short turns, each turn gives one ratio of neighbours, and every
figure is the median over the turns.
Five tab-separated fields: name, value, unit, limit or peer, ratio."""
import os, re, statistics, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ROUNDS = int(os.environ.get("ROUNDS", "300"))
TURNS = int(os.environ.get("TURNS", "7"))
sys.argv = [sys.argv[0], os.environ.get("COFFERD", os.path.join(TOP, "build", "cofferd")), "/nonexistent"]
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.dont_write_bytecode = True
import http.client, json
import test_service as t


class Kept(t.Client):
    """One TLS connection for a whole round, as our agent keeps it."""

    def __init__(self, address):
        super().__init__(address)
        self.conn = http.client.HTTPSConnection(self.host, self.port, context=self.ctx, timeout=20)

    def call(self, method, path, body=None, bearer=None, cookie=None, headers=None):
        h = dict(headers or {})
        if cookie:
            h["Cookie"] = "kbs-session-id=" + cookie
        self.conn.request(method, path, body, h)
        r = self.conn.getresponse()
        return t.Reply(r.status, r.headers, r.read())


def cpu(pid):
    with open("/proc/%d/schedstat" % pid) as f:
        main = int(f.read().split()[0])
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
            total += int(f.read().split()[0])
    return max(main, total) / 1e3  # microseconds


def rss(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


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


def rounds(n):
    for _ in range(n):
        g = t.Guest(Kept(t.W.address), t.W.initdata, agent=True, genesis=t.W.gid).up()
        path = t.DATA[len("kbs:///"):]
        r = g.get(path, headers=g.signed_headers(path, "analyse", "api"))
        assert r.status == 200, r.body
        g.c.conn.close()


def turn(net, keep):
    """(microseconds of net, of keep, of the limit), the limit measured right before and right after."""
    before = speed()
    a = cpu(net), cpu(keep)
    n = max(1, ROUNDS // TURNS)
    rounds(n)
    b = cpu(net), cpu(keep)
    return (b[0] - a[0]) / n, (b[1] - a[1]) / n, (before + speed()) / 2


def main():
    t.W.start()
    try:
        t.W.deploy()
        net, keep = t.W.child("cofferd-net"), t.W.child("cofferd-keep")
        rounds(20)
        turns = [turn(net, keep) for _ in range(TURNS)]
        n, k, limit = [statistics.median(x) for x in zip(*turns)]
        whole = statistics.median(x[0] + x[1] for x in turns)
        ratio = "%.2f" % statistics.median(x[2] / (x[0] + x[1]) for x in turns)
        line("service.attest+release.cpu", "%.0f" % whole, "us", "%.0f" % limit, ratio)
        line("service.attest+release.cpu.net", "%.0f" % n, "us")
        line("service.attest+release.cpu.keep", "%.0f" % k, "us")
        line("service.attest+release.rate", "%.0f" % (1e6 / whole), "1/s/core", "%.0f" % (1e6 / limit), ratio)
        total = sum(rss(p) for p in t.W.children()) + rss(t.W.proc.pid)
        line("service.resident", "%.1f" % (total / 1024), "MiB", "48", "%.2f" % (total / 1024 / 48))
    finally:
        t.W.end()


main()
