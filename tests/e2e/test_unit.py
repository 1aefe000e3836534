#!/usr/bin/python3
"""The units that `make install` puts, and the agent as coffer-agent.service starts it: its ExecStart, in its sandbox as far as a shell can build one, on a machine whose
TPM is swtpm. Trust service and registry are stood in for (fake_trust.c). argv: coffer, agent, build folder, az_maker."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import azures, tpms
NETWORK = tpms.may_unshare() and azures.own_network()  # before anything listens
from podkit import *

COFFER, AGENT, BUILD, MAKER = map(os.path.abspath, sys.argv[1:5])
EXPOSURE = 60 # of 100 (systemd-analyze): what mounts, makes namespaces and loads BPF programs as root cannot be far below


def ran(*args, **kw):
    p = subprocess.run(args, capture_output=True, timeout=120, **kw)
    p.out, p.err = p.stdout.decode("utf8", "replace"), p.stderr.decode("utf8", "replace")
    return p


class Unit:
    """What a unit file says, as far as it is asked here."""

    def __init__(self, path):
        self.path, self.values = path, {}
        for line in open(path):
            name, sep, value = line.strip().partition("=")
            if sep and not line.startswith("#"):
                self.values.setdefault(name, []).append(value)

    def one(self, name):
        assert len(self.values[name]) == 1, name
        return self.values[name][0]

    def command(self, env):
        """The words of ExecStart as systemd makes them: ${X} is one word, $X as many as it has."""
        out = []
        for w in self.one("ExecStart").split():
            m = re.fullmatch(r"\$\{(\w+)\}", w)
            n = re.fullmatch(r"\$(\w+)", w)
            out += [env[m[1]]] if m else env.get(n[1], "").split() if n else [w]
        return out


# ---- installing ----

ROOT = T + "/root"
r = ran("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", env={**os.environ, "DESTDIR": ROOT})
found = {os.path.relpath(os.path.join(d, f), ROOT) for d, _, fs in os.walk(ROOT) for f in fs}
at = lambda end: next((ROOT + "/" + f for f in sorted(found) if f.endswith(end)), None)
check("install_puts_the_units_programs_and_pages", r.returncode == 0 and all(at(f) for f in ("systemd/system/coffer-agent.service", "systemd/system/cofferd.service",
      "bin/coffer", "libexec/coffer/coffer-agent", "man8/coffer-agent.8", "man1/coffer.1")), r)
unit = Unit(at("coffer-agent.service"))
program = unit.one("ExecStart").split()[0]
check("unit_starts_what_was_installed", os.access(ROOT + program, os.X_OK), r)
r = ran(ROOT + program, "run", "--help")
check("what_was_installed_has_the_options_of_the_unit", all(o in r.out for o in ("--platform", "--state")), r)
if shutil.which("systemd-analyze"):
    for name in ("sysinit", "basic", "shutdown", "network-online", "multi-user"):  # what a machine has beside them
        open(os.path.dirname(unit.path) + "/%s.target" % name, "w").write("[Unit]\nDescription=%s\n" % name)
    for name in ("coffer-agent.service", "cofferd.service"):
        r = ran("systemd-analyze", "verify", "--man=no", "--root=" + ROOT, at(name)[len(ROOT):])
        check("systemd_takes_" + name, r.returncode == 0 and name not in r.err, r)
    r = ran("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=%d" % EXPOSURE, unit.path)
    check("unit_is_shut_as_far_as_it_says", r.returncode == 0, r)
    if r.returncode == 0:
        print("# " + [l for l in r.out.splitlines() if "Overall exposure" in l][0].split(" ", 1)[1].strip())
else:
    print("# systemd-analyze is not there")

# ---- by hand ----

SHUT = """set -e
mount --make-rprivate /
mkdir -p /mnt; mount --bind "$KEEP" /mnt
mount -t tmpfs none /tmp; mkdir -p "$KEEP"; mount --move /mnt "$KEEP"
mount -t tmpfs none /run; mkdir -m 700 /run/coffer-agent
mount -t tmpfs none /var/lib; mkdir -m 700 /var/lib/coffer-agent
for h in /home /root; do mount -t tmpfs -o mode=0 none $h; done
cut -d' ' -f5 /proc/self/mountinfo | while read -r m; do
    case "$m" in /dev*|/proc*|/sys*|/run*|/tmp*|/var/lib*) ;; *) mount -o remount,bind,ro "$m" 2>/dev/null || : ;; esac
done
if touch /var/cache/written 2>/dev/null || touch /etc/written 2>/dev/null; then echo "the sandbox of this test is open" >&2; exit 99; fi
cd /var/lib/coffer-agent
umask 0077
bounding=$BOUNDING
unset KEEP BOUNDING DEVICE
exec setpriv --no-new-privs "--bounding-set=$bounding" "$@"
"""


def started(t, env, **more):
    """The unit's command on that machine. The program is the one of this build."""
    words = [COFFER] + unit.command(env)[1:]
    lost = ",".join("-" + c[4:].lower() for c in unit.one("CapabilityBoundingSet").lstrip("~").split())
    d = tpms.Device(t)
    d.start()
    try:
        rc, out, err = tpms.on_machine(d, "sh", "-c", SHUT, "sh", *words, env={"PATH": os.environ["PATH"], "COFFER_AGENT": AGENT, "KEEP": T, "BOUNDING": lost, **more})
    finally:
        d.stop()
    r = subprocess.CompletedProcess(words, rc)
    r.out, r.err = out.decode("utf8", "replace"), err
    return r


def env_file(**values):
    with open(T + "/agent.env", "w") as f:
        f.write("".join("%s=%s\n" % v for v in values.items()))
    return {**dict(v.split("=", 1) for v in unit.values["Environment"]), **dict(l.rstrip("\n").split("=", 1) for l in open(T + "/agent.env"))}


def by_hand(t):
    seal(DATA)
    m = manifest([container("analyse", "/bin/busybox cat /data > /out/result.txt; /bin/busybox %s >> /out/result.txt; /bin/busybox grep NoNewPrivs /proc/self/status" %
                            (GET + "hospital/note/greeting"))], logs=["analyse"])
    json.dump(pod(m), open(T + "/pod.yaml", "w"))
    env = env_file(COFFER_POD=T + "/pod.yaml", COFFER_OPTIONS="--output result=" + T + "/result.jwe")
    r = started(t, env)
    check("a_pod_runs_as_the_unit_starts_it", r.returncode == 0 and "NoNewPrivs:\t1" in r.out and os.path.exists(T + "/result.jwe"), r)
    check("its_platform_is_what_the_machine_is", "coffer-agent: platform swtpm; not snp or tdx: " in r.err and "register pcr04 " in r.err and "PROTECTS NOTHING" not in r.err, r)
    check("its_output_is_sealed_to_who_it_is_for", r.returncode == 0 and base64.b64decode(open_jwe(T + "/result.jwe")["data"]).startswith(DATA), r)
    r = started(t, env)
    check("a_second_pod_in_one_start_of_a_machine_is_refused", r.returncode == 1 and "refused: initdata: register 8" in r.err, r)
    t.stop()
    t.start()
    r = started(t, {**env, "COFFER_PLATFORM": "snp"})
    check("a_machine_that_is_none_of_that_kind_runs_nothing", r.returncode == 4 and "makes no reports of the processor" in r.err, r)
    t.stop()
    t.start()
    r = started(t, {**env, "COFFER_OPTIONS": "--image /nowhere"})
    check("it_is_this_machine_or_another", r.returncode == 2 and "--platform is of this machine" in r.err, r)
    check("nothing_is_left_behind", not leftovers(), r)


def on_azure(top):
    """A TD: its quote is the metadata service's alone, which the pod's network does not reach."""
    t, m = azures.Azure("azure", top), azures.Metadata(azures.HERE)
    m.start()
    t.start()
    t.make(MAKER, True)
    env = env_file(COFFER_POD=T + "/pod.yaml", COFFER_PLATFORM="az-tdx-vtpm", COFFER_OPTIONS="")
    try:
        r = started(t, env)
        check("a_td_s_pod_without_its_quote_does_not_start", r.returncode == 4 and "no quote of this TD" in r.err, r)
        m.answer = t.read("answer")
        t.stop()
        t.start()
        r = started(t, env)
        check("a_td_s_pod_runs_with_the_quote_that_its_launcher_asked_for", r.returncode == 0 and "coffer-agent: platform az-tdx-vtpm;" in r.err, r)
        check("and_leaves_nothing_behind", not leftovers(), r)
    finally:
        t.stop()
        m.stop()


lacking = tpms.missing() + [n for n in ("setpriv", "unshare") if not shutil.which(n)]
if lacking:
    print("# not installed, so the unit is not started by hand: " + " ".join(lacking))
else:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as top:  # its process goes a little later
        machine = tpms.Tpm("machine", top)
        machine.start()
        try:
            by_hand(machine)
        finally:
            machine.stop()
        if NETWORK:
            on_azure(top)
        else:
            print("# ip is not there: no machine as Azure has them")
done()
