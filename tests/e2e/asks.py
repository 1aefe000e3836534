"""A host that asks a guest's agent for more than its manifest grants, by the boundary's own messages (Kata's; docs/protocol/guest.md), written apart from
the launcher; and what a container finds of its machine's devices. For platform sample and for a VM alike."""
import json, re, socket, struct

OK, DENIED, INVALID = 0, 7, 3
LISTED = ["/bin/busybox", "echo", "status"]
ENV = ["PATH=/bin"]


# ---- protocol buffers, as much as is asked with ----

def varint(v):
    out = b""
    while v > 127:
        out, v = out + bytes([v & 127 | 128]), v >> 7
    return out + bytes([v])


def field(number, v):
    """Text and bytes, numbers, truths; a list is a repeated field."""
    if isinstance(v, list):
        return b"".join(field(number, x) for x in v)
    if isinstance(v, (bool, int)):
        return varint(number << 3) + varint(int(v)) if v else b""
    v = v.encode() if isinstance(v, str) else v
    return varint(number << 3 | 2) + varint(len(v)) + v


def message(**fields):
    return b"".join(field(int(k[1:]), v) for k, v in fields.items())


def fields(b):
    out, i = {}, 0
    def number():
        nonlocal i
        v = s = 0
        while True:
            v, s, i = v | (b[i] & 127) << s, s + 7, i + 1
            if b[i - 1] < 128:
                return v
    while i < len(b):
        key = number()
        if key & 7 == 0:
            out[key >> 3] = number()
        else:
            n = number()
            out[key >> 3], i = b[i:i + n], i + n
    return out


class Agent:
    """A connection of the host's own to the boundary."""

    def __init__(self, path, caps=()):
        """path: of its socket, or the socket. caps: what the manifest gives the containers that it runs something in."""
        self.s, self.stream, self.n = path if isinstance(path, socket.socket) else socket.socket(socket.AF_UNIX), 1, 0
        self.caps = message(f1=list(caps), f2=list(caps), f4=list(caps))
        self.s.settimeout(60)
        if self.s is not path:
            self.s.connect(path)

    def call(self, method, payload=b""):
        """The code and the words of a refusal, or 0 and the answer's fields."""
        body = field(1, "grpc.AgentService") + field(2, method) + field(3, payload)
        self.s.sendall(struct.pack(">IIBB", len(body), self.stream, 1, 0) + body)
        self.stream += 2
        n, _, kind, _ = struct.unpack(">IIBB", self.exactly(10))
        assert kind == 2
        r = fields(self.exactly(n))
        status = fields(r.get(1, b""))
        return (status[1], status.get(2, b"").decode()) if status.get(1) else (OK, fields(r.get(2, b"")))

    def exactly(self, n):
        out = b""
        while len(out) < n:
            more = self.s.recv(n - len(out))
            assert more, "the agent hung up"
            out += more
        return out

    def exec(self, container, **changes):
        """ExecProcess of the listed line as the manifest has it, but for the changes."""
        self.n += 1
        c = dict({"args": LISTED, "env": ENV, "cwd": "/", "user": b"", "caps": self.caps, "nnp": True, "terminal": False, "rlimits": b"", "apparmor": "", "more": b"",
                  "id": "host-%d" % self.n}, **changes)
        process = message(f1=c["terminal"]) + field(3, c["user"]) + message(f4=c["args"], f5=c["env"], f6=c["cwd"]) + field(7, c["caps"])
        process += (field(8, c["rlimits"]) if c["rlimits"] else b"") + message(f9=c["nnp"]) + (field(10, c["apparmor"]) if c["apparmor"] else b"")
        code, said = self.call("ExecProcess", message(f1=container, f2=c["id"]) + c["more"] + field(4, process))
        return code, said, c["id"]

    def copy(self, volume, data):
        """A sealed file, whole."""
        return self.call("CopyFile", message(f1="/run/kata-containers/shared/containers/%s.sealed" % volume, f2=len(data), f3=0o100400, f8=data))

    def create(self, c):
        """CreateContainer as the manifest's container has it."""
        caps = message(f1=list(c["capabilities"]), f2=list(c["capabilities"]), f4=list(c["capabilities"]))
        process = field(3, message(f1=c["user"]["uid"], f2=c["user"]["gid"])) + message(f4=c["args"], f5=c["env"], f6=c["cwd"]) + field(7, caps) + message(f9=True)
        mounts = b"".join(field(5, message(f1=m["destination"], f2=m["volume"], f3="bind", f4=["ro" if m["read-only"] else "rw"])) for m in c["mounts"])
        spec = field(2, process) + field(3, message(f2=c["read-only-root"])) + mounts
        return self.call("CreateContainer", message(f1=c["name"]) + field(6, spec))

    def output(self, container, id):
        out = b""
        while True:
            code, said = self.call("ReadStdout", message(f1=container, f2=id, f3=4096))
            assert code == OK, said
            if not said.get(1):
                return out
            out += said[1]


ASKED = (  # how it differs from what the manifest lists; words of the refusal
    ("another_line", {"args": ["/bin/busybox", "id"]}, "no such command"),
    ("a_longer_line", {"args": LISTED + ["x"]}, "no such command"),
    ("a_shorter_line", {"args": LISTED[:2]}, "no such command"),
    ("a_line_joined", {"args": [" ".join(LISTED)]}, "no such command"),
    ("no_line", {"args": []}, "no such command"),
    ("another_environment", {"env": ENV + ["LD_PRELOAD=/out/x.so"]}, "process.env"),
    ("no_environment", {"env": []}, "process.env"),
    ("another_folder", {"cwd": "/out"}, "process.cwd"),
    ("another_user", {"user": message(f1=1000)}, "process.user"),
    ("another_group", {"user": message(f2=1000)}, "process.user"),
    ("further_groups", {"user": message(f3=[7])}, "process.user"),
    ("a_user_by_name", {"more": field(3, message(f1="0"))}, "string_user"),
    ("a_capability", {"caps": message(f2=["CAP_SYS_ADMIN"])}, "process.capabilities"),
    ("a_terminal", {"terminal": True}, "a terminal"),
    ("new_privileges", {"nnp": False}, "process.noNewPrivileges"),
    ("other_limits", {"rlimits": message(f1="RLIMIT_CORE", f2=1, f3=1)}, "process.rlimits"),
    ("another_profile", {"apparmor": "unconfined"}, "a profile, label or score"),
    ("a_port_of_the_host", {"more": field(6, 5000)}, "streams to host ports"),
    ("an_odd_number", {"id": "../x"}, "exec_id"),
)


def exec_refusals(check, path, container, other, caps=()):
    """What is listed for `container` and for nobody else: as listed it runs; and no other way. C12, C13."""
    a = Agent(path, caps)
    code, said, id = a.exec(container)
    check("exec_as_listed_runs", code == OK and a.output(container, id) == b"status\n" and a.call("WaitProcess", message(f1=container, f2=id)) == (OK, {}))
    for name, changes, words in ASKED:
        code, said, _ = a.exec(container, **changes)
        good = code == DENIED and said.startswith("gate: ") and words in said
        check("exec_with_%s_is_refused" % name, good)
        if not good:
            print("#", code, said)
    code, said, _ = a.exec(other)
    check("exec_of_one_container_s_line_in_another_is_refused", code == DENIED and "no such command in container " + other in said)
    check("exec_in_a_container_of_no_name_is_refused", a.exec("nobody")[0] == DENIED)


def stream_refusals(check, path, silent, spoken):
    """The host's own requests for streams. `silent`: a container whose output the manifest keeps. C14, C15."""
    a = Agent(path)
    for m in ("ReadStdout", "ReadStderr"):
        code, said = a.call(m, message(f1=silent, f2="", f3=4096))
        check("%s_of_what_the_manifest_keeps_is_refused" % m, code == DENIED and "gate: %s of container %s is not granted" % (m, silent) in said)
    check("output_of_a_process_that_was_never_started_is_refused", a.call("ReadStdout", message(f1=spoken, f2="e-none", f3=4096))[0] == DENIED)
    for m, payload in (("WriteStdin", message(f1=spoken, f3=b"echo injected\n")), ("CloseStdin", message(f1=spoken)), ("TtyWinResize", message(f1=spoken, f3=1, f4=1)),
                       ("CopyFile", message(f1="/run/coffer/x", f2=1, f8=b"x")), ("SetPolicy", message(f1="package agent_policy")), ("GetDiagnosticData", message(f2=spoken))):
        code, said = a.call(m, payload)
        check("%s_is_refused" % m, code == DENIED and "gate: " in said)
    code, said = a.call("SignalProcess", message(f1=spoken, f3=10))
    check("signal_that_is_not_listed_is_refused", code == DENIED and "gate: " in said)


# ---- what a container finds of its machine (H10) ----

FOUND = r"""b=/bin/busybox
echo dev $($b ls /dev | $b tr '\n' ' ')
for d in tpm0 tpmrm0 sev sev-guest tdx_guest vsock vhost-vsock kvm mem kmsg hwrng ttyS0 hvc0 vport0p1 vport1p1 vport2p1 vport3p1 virtio-ports vda vdb vdc vdd dm-0 mapper loop0 loop-control; do
  [ -e /dev/$d ] && echo there $d
done
n=0
for f in /sys/class/tpm/*/dev /sys/class/tpmrm/*/dev /sys/class/virtio-ports/*/dev /sys/class/misc/*/dev /sys/class/block/*/dev /sys/class/mem/*/dev; do
  [ -r $f ] || continue
  d=$($b cat $f); n=$((n + 1))
  for k in c b; do $b mknod /out/node $k ${d%:*} ${d#*:} 2>/dev/null && echo made $f && $b rm /out/node; done
done
$b mknod /out/node c 10 224 2>/dev/null && echo made tpm
echo tried $n
$b mkdir -p /sys/kernel/config/tsm/report/x 2>/dev/null && echo report made
[ -x /bin/spoof ] && /bin/spoof vsock
h() { echo "$1 $($b wget -qO- -S http://127.0.0.1:8006/aa/$2 2>&1 | $b grep -o 'HTTP/1.1 [0-9]*')"; }
h evidence 'evidence?runtime_data=handshake'
h encoded 'evidence?runtime_data=aGFuZHNoYWtl&encoding=base64'
h additional 'additional-evidence?runtime_data=handshake'
h token 'token?token_type=kbs'
h token2 'token?token_type=coco_as'
h other '../aa/evidence?runtime_data=handshake'
echo "event $(echo | $b nc -w 60 127.0.0.1 8006 2>/dev/null | $b head -n 1; printf 'POST /aa/aael HTTP/1.1\r\nHost: localhost:8006\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}' | $b nc -w 60 127.0.0.1 8006 | $b grep -o 'HTTP/1.1 [0-9]*')"
"""
ORDINARY = set("console core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero".split())


def found_nothing(check, out):
    """Of FOUND's words: no device beyond those that every container has, none that it can make, and no evidence over bytes of its choice."""
    m = re.search(r"^dev (.*)$", out, re.M)
    names = set(m.group(1).split()) if m else None
    check("container_has_no_device_but_the_ordinary", names is not None and names <= ORDINARY and "there " not in out)
    tried = re.search(r"^tried (\d+)$", out, re.M)
    check("container_makes_none_of_its_machine_s_devices", tried is not None and "made " not in out)
    check("container_makes_no_report_of_the_processor", "report made" not in out)
    for what in ("evidence", "encoded", "additional", "token", "token2", "other", "event"):
        check("container_gets_no_%s_of_the_machine" % what, re.search(r"^%s .*HTTP/1.1 40[034]$" % what, out, re.M) is not None)
    return int(tried.group(1)) if tried else 0
