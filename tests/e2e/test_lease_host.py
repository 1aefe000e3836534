#!/usr/bin/python3
"""What a host does with an agent so that a lease lasts longer: it makes it wait, by its own messages (asks.py), with nobody's launcher in between. As in test_lease.py
the service is stood in for by fake_trust.c; check and grace are a second each, and nothing here looks at a clock: who waits for a container waits as long as
the container does. argv: coffer, agent. TAP."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import podkit
from podkit import *
import asks, guestkit
from asks import OK, DENIED, message


class Host:
    """An agent that is the host's own child."""

    def __init__(self, m):
        self.m, self.dir = m, tempfile.mkdtemp(prefix="test-lease-host-", dir=T)
        open(self.dir + "/init", "wb").write(guestkit.device(guestkit.initdata(m)))
        line = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "sh", "-c", 'ip link set lo up; exec "$@"', "-", AGENT, "--platform", "sample",
                "--initdata", self.dir + "/init", "--socket", self.dir + "/s", "--state", self.dir + "/state", "--crun", shutil.which("crun")]
        self.p = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=open(self.dir + "/err", "w"))
        assert self.p.stdout.readline() == b"ready\n", self.err()
        self.agent = int(open("/proc/%d/task/%d/children" % (self.p.pid, self.p.pid)).read())
        self.a = self.peer()
        assert self.a.call("CreateSandbox")[0] == OK and self.a.copy("patients", open(T + "/patients.sealed", "rb").read())[0] == OK

    def peer(self):
        return asks.Agent(self.dir + "/s")

    def create(self, i, by=None):
        return (by or self.a).create(self.m["containers"][i])

    def start(self, i, by=None):
        return (by or self.a).call("StartContainer", message(f1=self.m["containers"][i]["name"]))

    def wait(self, name):
        return self.peer().call("WaitProcess", message(f1=name))

    def says(self, name):
        """All that is to be read of its output, once it has ended."""
        return self.peer().output(name, "").decode()

    def plain(self):
        """The volume's plain file as the agent has it, or None."""
        try: return open("/proc/%d/root%s/state/volume/0" % (self.agent, self.dir), "rb").read()
        except FileNotFoundError: return None

    def err(self):
        return open(self.dir + "/err").read()

    def end(self):
        self.p.kill()
        self.p.wait()


class Said(asks.Agent):
    """What a call would send, to be sent without waiting for what is answered."""

    def call(self, method, payload=b""):
        body = asks.field(1, "grpc.AgentService") + asks.field(2, method) + asks.field(3, payload)
        self.s.sendall(struct.pack(">IIBB", len(body), 1, 1, 0) + body)
        return None, None

    def answer(self):
        try: n, _, _, _ = struct.unpack(">IIBB", self.exactly(10))
        except TimeoutError: return None, "nothing"
        r = asks.fields(self.exactly(n))
        status = asks.fields(r.get(1, b""))
        return status.get(1, OK), status.get(2, b"").decode()


def of(asset, script, second="stalled", **more):
    podkit.ASSET = "kbs:///hospital/data-key/" + asset
    seal(DATA)
    m = manifest([container("one", script, outputs=[], entitlements=[KEY, {"asset": podkit.ASSET, "purpose": "volume", "volume": "patients"}], **more),
                  container("two", "true", image=IMAGE.replace("/app@", "/%s@" % second), **POOR)], logs=["one"])
    m["volumes"][0]["asset"] = podkit.ASSET
    return Host(m)


# The pull of two lasts until a container's process has ended: what shows, shows while the agent waits for it.
LOOK = "n=0; while [ -s /data ] && [ $n -lt 200 ]; do n=$((n+1)); /bin/busybox usleep 100000; done; [ -s /data ] && echo still there || echo emptied"
h = of("brief-wipe-revoked", LOOK)
check("a_container_starts", h.create(0)[0] == OK and h.start(0)[0] == OK, h.err())
code, said = h.create(1)
check("pull_that_the_host_stalls_does_not_put_off_a_wipe", code != OK and "the host let the agent wait" in said and h.says("one") == "emptied\n", (code, said, h.err()))
h.end()

h = of("brief-wipe-revoked", LOOK, "frozen")
check("the_same_starts_again", h.create(0)[0] == OK and h.start(0)[0] == OK, h.err())
code, said = h.create(1)
check("wait_that_no_signal_ends_does_not_put_off_a_wipe", code != OK and "the host let the kernel wait" in said and h.says("one") == "emptied\n", (code, said, h.err()))
h.end()

h = of("brief-held", "while :; do /bin/busybox sleep 1; done") # only its lease ends it, and with it the pull
peers = [Said(h.dir + "/s") for _ in range(3)]
for p in peers:
    p.call("GetGuestDetails")
check("the_agent_takes_connections", all(p.answer()[0] == OK for p in peers))
os.kill(h.agent, signal.SIGSTOP) # so that it finds all three at once
h.create(0, peers[0]), h.start(0, peers[1]), h.create(1, peers[2])
os.kill(h.agent, signal.SIGCONT)
a = [p.answer() for p in peers]
check("container_that_was_queued_before_a_pull_ends_with_its_lease", a[0][0] == OK and a[1][0] == OK and "the host let the agent wait" in a[2][1], a)
code, said = h.wait("one") if a[2][0] else a[2]
check("and_says_so", code == DENIED and said.startswith("lease: container one: "), (code, said, h.err()))
h.end()

podkit.ASSET = "kbs:///hospital/data-key/awaited"
seal(DATA)
both = {"outputs": [], "entitlements": [KEY, {"asset": podkit.ASSET, "purpose": "volume", "volume": "patients"}]}
m = manifest([container("one", "while :; do /bin/busybox sleep 1; done", **both, **{"on-lapse": {"action": "stop", "check": 1, "grace": 1, "term": 0}}),
              container("two", "/bin/busybox head -c 9 /data", **both)], logs=["two"])
m["volumes"][0]["asset"] = podkit.ASSET
h = Host(m)
check("another_container_starts", h.create(0)[0] == OK and h.start(0)[0] == OK, h.err())
r = h.create(1) # is answered when one is gone
check("container_that_comes_as_another_s_lease_ends_has_its_data", r[0] == OK and h.start(1)[0] == OK and h.wait("two")[0] == OK and h.says("two") == "patient 1", (*r, h.err()))
h.end()

podkit.ASSET = "kbs:///hospital/data-key/brief-silent"
seal(DATA)
m = manifest([container("one", "true", image=IMAGE.replace("/app@", "/unsigned@"), outputs=[], entitlements=[KEY, {"asset": podkit.ASSET, "purpose": "volume", "volume": "patients"}])])
m["volumes"][0]["asset"] = podkit.ASSET
h = Host(m)
code, said = h.create(0)
check("container_that_is_not_made_leaves_no_plain_file", code == DENIED and said.startswith("signature: ") and h.plain() is None, (code, said))
h.end()

h = of("data", "/bin/spoof delay /data")
check("file_that_the_agent_writes_is_none_to_take_a_lease_on", h.create(0)[0] == OK and h.start(0)[0] == OK and h.wait("one")[0] == OK and h.says("one") == "refused\n", h.err())
h.end()

done()
