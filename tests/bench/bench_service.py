#!/usr/bin/python3
"""Attest + release over TLS against what its signature and TLS operations alone cost on this machine in this run.

The client is Python and would be the bottleneck, so what is measured is the service's own CPU time per round (net and
keep), not the wall clock. One round is what one guest does: a new TLS 1.3 connection, auth, attest, one signed request.
Limit: OpenSSL's own speed for the public-key operations that a round cannot do without:
  TLS handshake   1 ECDSA P-256 signature (certificate), 1 X25519 or P-256 key pair, 1 exchange
  token           1 ECDSA P-256 signature
  request         1 ECDSA P-256 verification
  reply           1 P-256 key pair and 1 exchange (ECDH-ES), 1 ECDSA P-256 signature
Five tab-separated fields: name, value, unit, limit or peer, ratio."""
import os, re, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ROUNDS = int(os.environ.get("ROUNDS", "300"))
sys.argv = [sys.argv[0], os.path.join(TOP, "build", "cofferd"), "/nonexistent"]
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
    """Microseconds an operation takes: (sign, verify, key pair + exchange)."""
    out = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256", "ecdhp256"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    m = re.search(r"256 bits ecdsa \(nistp256\)\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", out)
    d = re.search(r"256 bits ecdh \(nistp256\)\s+\S+\s+([\d.]+)", out)
    sign, verify, ecdh = 1e6 / float(m.group(1)), 1e6 / float(m.group(2)), 1e6 / float(d.group(1))
    return sign, verify, ecdh + sign * 0.6  # a key pair is one base-point multiplication, most of a signature


def line(name, value, unit, limit="-", ratio="-"):
    print("\t".join([name, value, unit, limit, ratio]), flush=True)


def rounds(n):
    for _ in range(n):
        g = t.Guest(Kept(t.W.address), t.W.initdata, agent=True, genesis=t.W.gid).up()
        path = t.DATA[len("kbs:///"):]
        r = g.get(path, headers=g.signed_headers(path, "analyse", "api"))
        assert r.status == 200, r.body
        g.c.conn.close()


def main():
    t.W.start()
    try:
        t.W.deploy()
        net, keep = t.W.child("cofferd-net"), t.W.child("cofferd-keep")
        rounds(20)
        sign, verify, dh = speed()
        before = cpu(net), cpu(keep)
        rounds(ROUNDS)
        n, k = [(a - b) / ROUNDS for a, b in zip((cpu(net), cpu(keep)), before)]
        s2, v2, d2 = speed()
        sign, verify, dh = (sign + s2) / 2, (verify + v2) / 2, (dh + d2) / 2
        limit = 3 * sign + verify + 2 * dh
        line("service.attest+release.cpu", "%.0f" % (n + k), "us", "%.0f" % limit, "%.2f" % (limit / (n + k)))
        line("service.attest+release.cpu.net", "%.0f" % n, "us")
        line("service.attest+release.cpu.keep", "%.0f" % k, "us")
        line("service.attest+release.rate", "%.0f" % (1e6 / (n + k)), "1/s/core", "%.0f" % (1e6 / limit), "%.2f" % (limit / (n + k)))
        total = sum(rss(p) for p in t.W.children()) + rss(t.W.proc.pid)
        line("service.resident", "%.1f" % (total / 1024), "MiB", "48", "%.2f" % (total / 1024 / 48))
    finally:
        t.W.end()


main()
