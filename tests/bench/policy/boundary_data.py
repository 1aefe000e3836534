#!/usr/bin/python3
"""boundary_data.py OUT: writes OUT/policy.rego (boundary.rego and policy_data, some 80 KB), OUT/create.json and OUT/exec.json, the two
requests that the benchmark asks with. The container asked for is the last one of the pod, so that all others are tried before."""
import json
import pathlib
import sys

here = pathlib.Path(__file__).parent
out = pathlib.Path(sys.argv[1])
CAPS = ["CAP_" + c for c in ("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
                             "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE")]
KINDS = ("Ambient", "Bounding", "Effective", "Inheritable", "Permitted")
MASKED = ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug",
          "/sys/firmware", "/proc/scsi"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
BUNDLE = "/run/kata-containers/%s/rootfs"


def mounts(n):
    fixed = [("/proc", "proc", "^proc$", ["nosuid", "noexec", "nodev"]), ("/dev", "tmpfs", "^tmpfs$", ["nosuid", "strictatime", "mode=755"]),
             ("/dev/pts", "devpts", "^devpts$", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
             ("/dev/mqueue", "mqueue", "^mqueue$", ["nosuid", "noexec", "nodev"]), ("/sys", "sysfs", "^sysfs$", ["nosuid", "noexec", "nodev", "ro"]),
             ("/sys/fs/cgroup", "cgroup", "^cgroup$", ["nosuid", "noexec", "nodev", "relatime", "ro"])]
    binds = [("/etc/hosts", "hosts"), ("/etc/hostname", "hostname"), ("/etc/resolv.conf", "resolv.conf"), ("/dev/termination-log", "termination-log"),
             ("/var/lib/data-%d" % n, "data"), ("/var/run/secrets/kubernetes.io/serviceaccount", "token")]
    return [{"destination": d, "type_": t, "source": s, "options": o} for d, t, s, o in fixed] + \
           [{"destination": d, "type_": "bind", "source": "^/run/kata-containers/shared/containers/[0-9a-f]+-[0-9a-f]{16}-%s$" % s,
             "options": ["rbind", "rprivate", "rw"]} for d, s in binds]


def process(n, data):
    return {"Terminal": False, "Cwd": "/srv", "NoNewPrivileges": True, "User": {"UID": 1000 + n, "GID": 1000 + n, "AdditionalGids": [0, 1000 + n]},
            "Args": ["/usr/bin/service", "--name", "$(host-name)" if data else "worker-0", "--shard", str(n)],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] + ["SETTING_%d_%d=value-%d" % (n, k, k * k) for k in range(24)],
            "Capabilities": {k: (["$(default_caps)"] if data and k in KINDS[1:3] else CAPS if k in KINDS[1:3] else []) for k in KINDS}}


def container(n):
    return {"name": "container-%d" % n, "devices": [], "exec_commands": ["^/usr/bin/health --shard %d( --verbose)?$" % n],
            "storages": [{"driver": "image_guest_pull", "fstype": "overlay", "mount_point": "^" + BUNDLE % "[a-f0-9]{64}" + "$"}],
            "OCI": {"Process": process(n, True), "Root": {"Readonly": True, "Path": "^" + BUNDLE % "[a-f0-9]{64}" + "$"}, "Mounts": mounts(n),
                    "Annotations": {"io.kubernetes.cri.container-name": "container-%d" % n, "io.kubernetes.cri.container-type": "container"},
                    "Linux": {"Namespaces": [{"Type": t, "Path": ""} for t in ("ipc", "uts", "mount", "pid")], "MaskedPaths": MASKED, "ReadonlyPaths": READONLY}}}


def policy_data(n):
    return {"containers": [container(k) for k in range(n)],
            "common": {"default_caps": CAPS, "host_name": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "env_name": "^[A-Z0-9_]+_(SERVICE|PORT)(_[A-Z0-9_]+)?$",
                       "env_value": "^(tcp://)?[0-9.]+(:[0-9]+)?$|^[0-9]+$",
                       "annotations": [{"key": "^io\\.kubernetes\\.cri\\.sandbox-(id|uid)$", "value": "^[a-f0-9-]{36,64}$"},
                                       {"key": "^io\\.kubernetes\\.cri\\.sandbox-(name|namespace)$", "value": "^[a-z0-9-]+$"}]},
            "request_defaults": {"ExecProcessRequest": ["/bin/true", "/usr/bin/uptime"]}}


def text(n):
    return (here / "boundary.rego").read_text() + "policy_data := " + json.dumps(policy_data(n), indent=1) + "\n"


n = 1
while len(text(n + 1)) <= 82000:
    n += 1
cid = "5f" * 32
oci = {"Process": process(n - 1, False), "Root": {"Readonly": True, "Path": BUNDLE % cid},
       "Mounts": [dict(m, source=m["source"].strip("^$").replace("[0-9a-f]+-[0-9a-f]{16}", cid + "-0123456789abcdef")) for m in mounts(n - 1)],
       "Annotations": {"io.kubernetes.cri.container-name": "container-%d" % (n - 1), "io.kubernetes.cri.container-type": "container",
                       "io.kubernetes.cri.sandbox-id": cid, "io.kubernetes.cri.sandbox-name": "worker-0", "io.kubernetes.cri.sandbox-namespace": "default"},
       "Linux": container(n - 1)["OCI"]["Linux"]}
oci["Process"]["Env"].append("CACHE_SERVICE_PORT=tcp://10.0.0.7:6379")
(out / "policy.rego").write_text(text(n))
(out / "create.json").write_text(json.dumps({"container_id": cid, "devices": [], "OCI": oci,
                                             "storages": [{"driver": "image_guest_pull", "fstype": "overlay", "mount_point": BUNDLE % cid}]}))
(out / "exec.json").write_text(json.dumps({"container_id": cid, "process": dict(process(n - 1, False), Args=["/usr/bin/health", "--shard", str(n - 1), "--verbose"])}))
(out / "data.json").write_text(json.dumps({"pstate": {}}))
(out / "data-running.json").write_text(json.dumps({"pstate": {cid: "container-%d" % (n - 1)}}))
