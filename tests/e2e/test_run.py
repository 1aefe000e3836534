#!/usr/bin/python3
"""`coffer run` against the real agent, gates, namespaces, relay and crun; only trust service and registry are stood in for
(fake_trust.c). argv: coffer, agent. TAP."""
import base64, copy, fcntl, gzip, hashlib, json, os, re, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time

COFFER, AGENT = sys.argv[1:3]
try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
except ImportError:
    print("1..0 # SKIP no python3-cryptography"); sys.exit(0)
for need, why in ((os.geteuid() == 0, "root is needed"), (shutil.which("crun"), "no crun"), (os.path.exists("/bin/busybox"), "no busybox")):
    if not need:
        print("1..0 # SKIP " + why); sys.exit(0)

T = tempfile.mkdtemp(prefix="test-run-")
recipient = ec.generate_private_key(ec.SECP256R1())
b64u = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
unb64u = lambda s: base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
n = recipient.public_key().public_numbers()
JWK = {"crv": "P-256", "kty": "EC", "x": b64u(n.x.to_bytes(32, "big")), "y": b64u(n.y.to_bytes(32, "big"))}
PEM = recipient.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
jcs = lambda o: json.dumps(o, sort_keys=True, separators=(",", ":"))
toml = lambda s: '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

def listener():
    s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(8); return s
service, other = listener(), listener()
def echo():
    while True:
        c, _ = service.accept(); c.sendall(b"relayed:" + c.recv(100)); c.close()
threading.Thread(target=echo, daemon=True).start()
PORT, CLOSED = service.getsockname()[1], other.getsockname()[1]

DATA = b"patient 1\npatient 2\n" + b"x" * 70000
ASSET = "kbs:///hospital/data-key/patients"
def seal(data, flip=None, version=1):
    salt = os.urandom(32)
    header = jcs({"asset": ASSET, "chunk": 65536, "name": "p", "salt": b64u(salt), "size": len(data), "version": version}).encode()
    head = b"COFFERD1" + struct.pack(">I", len(header)) + header
    key = HKDF(hashes.SHA256(), 32, salt, b"coffer data v1").derive(hashlib.sha256(ASSET.encode()).digest())
    out, parts = head, [data[i:i + 65536] for i in range(0, len(data), 65536)]
    for i, p in enumerate(parts):
        out += AESGCM(key).encrypt(struct.pack(">QI", i, i == len(parts) - 1), p, hashlib.sha256(head).digest())
    if flip: out = out[:flip] + bytes([out[flip] ^ 1]) + out[flip + 1:]
    open(T + "/patients.sealed", "wb").write(out)

IMAGE = "127.0.0.1:%d/app@sha256:" % PORT + "1" * 64
def container(name, script, image=IMAGE, **more):
    c = {"name": name, "role": "business", "image": {"reference": image, "provider": "imaker", "method": {"type": "sigstoreSigned", "key": PEM}},
         "args": ["/bin/sh", "-c", script], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0, "groups": []}, "capabilities": [],
         "read-only-root": True, "mounts": [{"destination": "/data", "volume": "patients", "read-only": True},
         {"destination": "/out", "volume": "out", "read-only": False}],
         "entitlements": [{"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}, {"asset": ASSET, "purpose": "volume", "volume": "patients"},
         {"asset": "kbs:///hospital/note/greeting", "purpose": "api"}, {"asset": "kbs:///hospital/note/withheld", "purpose": "api"}],
         "outputs": [{"name": "result", "path": "/out/result.txt", "to": "clinic", "key": JWK, "max-bytes": 100000}]}
    c.update(more)
    return c
def manifest(containers, logs=()):
    return {"version": 1, "name": "risk", "provider": "acme", "genesis": "2" * 64, "service": {"id": "trust", "url": "https://127.0.0.1:%d" % PORT},
            "platforms": ["sample"], "containers": containers, "volumes": [{"name": "patients", "kind": "sealed", "asset": ASSET}, {"name": "out", "kind": "empty"}],
            "host": {"logs": list(logs), "signals": [9, 15]}, "registries": {"plain-http": []}}
def pod(m):
    initdata = 'version = "0.1.0"\nalgorithm = "sha256"\n\n[data]\n"aa.toml" = %s\n"coffer.json" = %s\n' % (
        toml('[token_configs.kbs]\nurl = "%s"\n' % m["service"]["url"]), toml(jcs(m)))
    cs = []
    for c in m["containers"]:
        cs.append({"name": c["name"], "image": c["image"]["reference"], "command": c["args"], "workingDir": c["cwd"],
                   "env": [dict(zip(("name", "value"), e.split("=", 1))) for e in c["env"]],
                   "volumeMounts": [{"name": v["volume"], "mountPath": v["destination"], "readOnly": v["read-only"]} for v in c["mounts"]],
                   "securityContext": {"runAsUser": c["user"]["uid"], "runAsGroup": c["user"]["gid"], "readOnlyRootFilesystem": c["read-only-root"],
                                       "capabilities": {"add": [k[4:] for k in c["capabilities"]]}}})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "risk", "annotations": {
        "io.katacontainers.config.hypervisor.cc_init_data": base64.b64encode(gzip.compress(initdata.encode(), mtime=0)).decode()}},
        "spec": {"restartPolicy": "Never", "containers": cs, "volumes": [{"name": "patients", "hostPath": {"path": T + "/patients.sealed", "type": "File"}},
                                                                        {"name": "out", "emptyDir": {}}]}}
def command(p, *opts):
    json.dump(p, open(T + "/pod.yaml", "w"))
    return [COFFER, "run", *opts, T + "/pod.yaml"]
ENV = {**os.environ, "COFFER_AGENT": AGENT}
def run(p, *opts, **env):
    r = subprocess.run(command(p, *opts), env={**ENV, **env}, capture_output=True, timeout=90)
    r.err, r.out = r.stderr.decode("utf8", "replace"), r.stdout.decode("utf8", "replace")
    return r
def open_jwe(path):
    j = json.load(open(path)); h = json.loads(unb64u(j["protected"]))
    assert h["cty"] == "coffer-output+json"
    k = ec.EllipticCurvePublicNumbers(*(int.from_bytes(unb64u(h["epk"][c]), "big") for c in "xy"), ec.SECP256R1()).public_key()
    lp = lambda b: struct.pack(">I", len(b)) + b
    kek = ConcatKDFHash(hashes.SHA256(), 32, lp(b"ECDH-ES+A256KW") + lp(b"") + lp(b"") + struct.pack(">I", 256)).derive(recipient.exchange(ec.ECDH(), k))
    cek = aes_key_unwrap(kek, unb64u(j["encrypted_key"]))
    return json.loads(AESGCM(cek).decrypt(unb64u(j["iv"]), unb64u(j["ciphertext"]) + unb64u(j["tag"]), j["protected"].encode()))
def leftovers():
    mine = [d for d in os.listdir("/tmp") if d.startswith("coffer-run-") and d not in BEFORE]
    procs = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try: procs += [p] if open("/proc/%s/exe" % p, "rb") and os.readlink("/proc/%s/exe" % p) == os.path.realpath(AGENT) else []
        except OSError: pass
    return mine + procs + sorted(groups() - GROUPS)
def groups():
    """Folders of process groups that no living agent holds."""
    root, dead = next((l.split()[1] for l in open("/proc/mounts") if l.split()[2] == "cgroup2"), None), set()
    for d in os.listdir(root) if root else ():
        if not d.startswith("coffer-guest-"): continue
        try:
            fd = os.open(root + "/" + d, os.O_RDONLY)
            try: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB); dead.add(d)
            finally: os.close(fd)
        except OSError: pass
    return dead
BEFORE, GROUPS = set(os.listdir("/tmp")), groups()

count = bad = 0
def check(name, ok, r=None):
    global count, bad
    count += 1
    print(("ok" if ok else "not ok"), count, name, flush=True)
    if not ok:
        bad += 1
        if r is not None: print("\n".join("# " + l for l in ("exit %s\n" % r.returncode + r.out + r.err).splitlines()))

GET = "wget -qO- http://127.0.0.1:8006/cdh/resource/"
seal(DATA)
m = manifest([container("analyse", "/bin/busybox cat /data > /out/result.txt; /bin/busybox %s >> /out/result.txt; echo hidden" % (GET + "hospital/note/greeting"))])
r = run(pod(m), "--output", "result=" + T + "/result.jwe")
check("run_equal_to_manifest_ends_with_sealed_output", r.returncode == 0 and os.path.exists(T + "/result.jwe"), r)
check("run_says_that_sample_protects_nothing", "PROTECTS NOTHING" in r.err, r)
check("run_shows_no_log_that_the_manifest_keeps", "hidden" not in r.out + r.err, r)
if r.returncode == 0:
    got = open_jwe(T + "/result.jwe")
    check("output_holds_data_and_api_secret", base64.b64decode(got["data"]) == DATA + hashlib.sha256(b"kbs:///hospital/note/greeting").digest(), r)
    check("output_names_workload_and_container", got["workload"] == hashlib.sha256(jcs(m).encode()).hexdigest() and got["container"] == "analyse")
    check("output_is_the_only_place_of_the_data", DATA[:20] not in open(T + "/result.jwe", "rb").read())
check("run_leaves_nothing_behind", not leftovers(), r)

# what a container can and cannot do
probe = r"""b=/bin/busybox
t() { "$@" >/dev/null 2>&1 && echo "can $N" || echo "cannot $N"; }
$b grep -E 'NoNewPrivs|Seccomp:|CapEff' /proc/self/status | $b tr -d '\t'
$b ls /sys/class/net | $b tr '\n' ' '; echo
N=write-root t $b touch /x; N=write-data t $b sh -c 'echo x >> /data'; N=write-out t $b touch /out/y
N=mount t $b mount -t tmpfs t /out; N=unshare t $b unshare -U true; N=chroot-device t $b mknod /out/d b 8 0
$b ls -l /data | $b cut -c1-10; $b hostname; $b cat /upper-layer; echo
echo pids $($b ls /proc | $b grep -c '^[0-9]'); echo args $($b cat /proc/1/cmdline | $b tr '\0' ' ' | $b cut -c1-8)
echo hi | $b nc -w 2 127.0.0.1 %d; N=other-port t $b nc -w 2 127.0.0.1 %d
N=outside t $b nc -w 2 192.0.2.1 80
$b wget -qO- -S http://127.0.0.1:8006/cdh/resource/hospital/note/other 2>&1 | $b grep HTTP/
$b wget -qO- -S http://127.0.0.1:8006/cdh/resource/hospital/note/withheld 2>&1 | $b grep HTTP/
$b wget -qO- http://127.0.0.1:8006/info; echo
""" % (PORT, CLOSED)
m = manifest([container("analyse", probe, outputs=[])], logs=["analyse"])
r = run(pod(m))
check("run_passes_on_logs_that_the_manifest_lists", r.returncode == 0 and "NoNewPrivs" in r.out, r)
for name, line in (("no_new_privileges", "NoNewPrivs:1"), ("seccomp_filter", "Seccomp:2"), ("no_capabilities", "CapEff:0000000000000000"), ("loopback_only", "lo \n"),
                   ("root_read_only", "cannot write-root"), ("data_read_only", "cannot write-data"), ("empty_volume_writable", "can write-out"),
                   ("no_mount", "cannot mount"), ("no_new_namespace", "cannot unshare"), ("no_device_node", "cannot chroot-device"),
                   ("sealed_volume_mode_0444", "-r--r--r--"), ("layers_are_stacked", "\n2\n"), ("own_process_namespace", "args /bin/sh"),
                   ("relay_reaches_the_manifests_endpoint", "relayed:hi"), ("no_other_port", "cannot other-port"), ("no_network_beyond", "cannot outside"),
                   ("info", '"feature":"resource"')):
    check("container_" + name, line in r.out, r)
check("api_not_entitled_and_not_approved_are_403", r.out.count("  HTTP/1.1 403 Forbidden") == 2, r)

# the host asks for something else than the manifest
def host_changes(name, change, check_name, why):
    p = pod(manifest([container("analyse", "echo x > /out/result.txt")])); change(p["spec"]["containers"][0], p)
    r = run(p)
    check(name, r.returncode == 1 and re.search("^refused: %s: .*%s" % (check_name, why), r.err, re.M) is not None and not leftovers(), r)
host_changes("host_changes_arguments_is_refused", lambda c, p: c.update(command=["/bin/sh", "-c", "cat /data"]), "gate", "process.args")
host_changes("host_adds_environment_is_refused", lambda c, p: c["env"].append({"name": "LD_PRELOAD", "value": "/x"}), "gate", "process.env")
host_changes("host_changes_user_is_refused", lambda c, p: c["securityContext"].update(runAsUser=7), "gate", "process.user")
host_changes("host_adds_capability_is_refused", lambda c, p: c["securityContext"].update(capabilities={"add": ["SYS_ADMIN"]}), "gate", "capabilities")
host_changes("host_opens_root_is_refused", lambda c, p: c["securityContext"].update(readOnlyRootFilesystem=False), "gate", "readonly")
host_changes("host_moves_mount_is_refused", lambda c, p: c["volumeMounts"][1].update(mountPath="/data2"), "gate", "mount 1")
host_changes("host_adds_container_is_refused", lambda c, p: p["spec"]["containers"].insert(0, dict(c, name="spy")), "gate", 'no container "spy"')
host_changes("host_copies_another_file_is_refused", lambda c, p: p["spec"]["volumes"].append({"name": "more", "hostPath": {"path": "/etc/hostname", "type": "File"}}), "gate", "sealed volume")
host_changes("host_keeps_data_back_is_refused", lambda c, p: p["spec"]["volumes"][0].update({"name": "patients", "emptyDir": {}}) or p["spec"]["volumes"][0].pop("hostPath"), "gate", "not delivered")
seal(DATA, flip=-5)
host_changes("host_alters_sealed_data_is_refused", lambda c, p: None, "seal", "")
seal(DATA, version=2)
host_changes("host_sends_data_of_another_version_is_refused", lambda c, p: None, "seal", "")
seal(DATA)
r = run(pod(manifest([container("analyse", "x", image=IMAGE.replace("/app@", "/unsigned@"))])))
check("unsigned_image_is_refused", r.returncode == 1 and "refused: signature: " in r.err, r)
r = run(pod(manifest([container("analyse", "x", image=IMAGE.replace("/app@", "/foreign@"))])))
check("image_key_without_entitlement_is_refused", r.returncode == 1 and "refused: decrypt: " in r.err, r)

# ends that are not well
r = run(pod(manifest([container("analyse", "echo x > /out/result.txt; exit 3")])), "--output", "result=" + T + "/never.jwe")
check("container_that_fails_gives_no_output", r.returncode == 1 and "container analyse ended with 3" in r.err and not os.path.exists(T + "/never.jwe"), r)
r = run(pod(manifest([container("analyse", "/bin/busybox ln -s /data /out/result.txt")])), "--output", "result=" + T + "/never.jwe")
check("output_through_a_symbolic_link_is_refused", r.returncode == 1 and "refused: output: " in r.err and not os.path.exists(T + "/never.jwe"), r)
r = run(pod(manifest([container("analyse", "/bin/busybox head -c 100001 /dev/zero > /out/result.txt")])), "--output", "result=" + T + "/never.jwe")
check("output_that_is_too_long_is_refused", r.returncode == 1 and "refused: output: " in r.err, r)
r = run(pod(manifest([container("analyse", "true")])), "--output", "nothing=" + T + "/x")
check("output_that_the_manifest_does_not_name_is_an_error", r.returncode == 2 and not os.path.exists(T + "/x"), r)
r = run(pod(manifest([container("analyse", "/bin/busybox sleep 60", outputs=[])])), "--timeout", "2")
check("timeout_ends_the_guest", r.returncode == 4 and "--timeout" in r.err and not leftovers(), r)
p = subprocess.Popen(command(pod(manifest([container("analyse", "echo up; /bin/busybox sleep 60", outputs=[])], logs=["analyse"]))), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
p.stdout.readline(); p.send_signal(signal.SIGTERM); code = p.wait(20)
check("terminate_ends_and_cleans_the_guest", code == 5 and not leftovers())
p = subprocess.Popen(command(pod(manifest([container("analyse", "echo up; /bin/busybox sleep 60", outputs=[])], logs=["analyse"]))), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
p.stdout.readline(); p.kill(); p.wait(20); time.sleep(0.5)
left = leftovers()
check("guest_dies_with_a_killed_launcher", not [x for x in left if x.isdigit()])
for d in left:
    if d.startswith("coffer-run-"): os.utime("/tmp/" + d, (0, 0))
r = run(pod(manifest([container("analyse", "true", outputs=[])])))
check("next_launcher_removes_what_a_killed_one_left", r.returncode == 0 and any(not x.isdigit() for x in left) and not leftovers(), r)

# two containers share a volume, each with its own api caller
two = manifest([container("one", "while ! [ -e /out/go ]; do /bin/busybox sleep 0.1; done; echo done > /out/result.txt"),
                container("two", GET.join(["/bin/busybox ", "hospital/note/greeting"]) + " || echo refused; echo > /out/go", entitlements=[
                    {"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}], mounts=[{"destination": "/out", "volume": "out", "read-only": False}], outputs=[])], logs=["two"])
r = run(pod(two), "--json", "--output", "result=" + T + "/two.jwe")
check("containers_run_together_and_keep_their_own_entitlements", r.returncode == 0 and "refused" in r.err and json.loads(r.out)["containers"][1]["exit"] == 0, r)

# containers of one pod share the network but not the api: descriptors in flight, raw sockets, other addresses, occupied places
POOR = {"entitlements": [{"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}], "mounts": [], "outputs": []}
r = run(pod(manifest([container("one", "/bin/spoof bus", outputs=[]), container("two", "/bin/spoof attack", capabilities=["CAP_NET_RAW"], **POOR)], logs=["one", "two"])))
said = r.out + r.err
check("api_caller_is_the_listener_not_the_holder_of_a_descriptor", "in flight 403" in said and "stolen" not in said, r)
check("api_listener_of_another_is_out_of_reach", "in flight" in said and "reached" not in said, r)
check("raw_sockets_see_and_send_nothing_of_anothers_api", re.search(r"raw heard [1-9]", said) is not None and not re.search("sniffed|injected|routed|packet$", said, re.M), r)
check("entitled_container_uses_the_api_meanwhile", re.search(r"own [1-9]\d* answers", said) is not None, r)
check("api_answers_at_ipv6_loopback_too", "mapped 200 200 six 200 200" in said, r)
check("api_at_the_zero_address_is_ones_own_listener", "zero 200" in said, r)
check("container_opens_no_vsock", "in flight" in said and "vsock" not in said, r)
r = run(pod(manifest([container("one", "/bin/spoof share", outputs=[]), container("two", "/bin/spoof hog", **POOR)], logs=["one", "two"])))
check("api_places_of_one_container_are_not_anothers", "y with 40 of 40" in r.out + r.err, r)
r = run(pod(manifest([container("one", "echo one at home | /bin/busybox nc -l -p 7000", outputs=[]),
                      container("two", "until /bin/busybox nc 127.0.0.1 7000; do /bin/busybox sleep 0.1; done", **POOR)], logs=["two"])))
check("containers_reach_each_other_on_localhost", r.returncode == 0 and "one at home" in r.out + r.err, r)

os.mkdir(T + "/groups")
open(T + "/crun", "w").write("""#!/bin/sh
case " $* " in *" create "*) mount -t cgroup2 none %s/groups && echo $$ > %s/groups/cgroup.procs ;; esac
exec %s "$@"
""" % (T, T, shutil.which("crun")))
os.chmod(T + "/crun", 0o755)
r = run(pod(manifest([container("one", "true", outputs=[])])), COFFER_CRUN=T + "/crun")
check("runtime_that_leaves_the_containers_group_is_refused", r.returncode == 5 and "not in the group" in r.err and not leftovers(), r)
m = manifest([container("one", "true", outputs=[])]); m["service"]["url"] = "https://127.80.6.9:8443"
r = run(pod(m))
check("endpoint_among_the_apis_listeners_is_an_error", r.returncode == 3 and "127.80.6.0/24" in r.err, r)
m = manifest([container("one", "true", outputs=[]), container("two", "true", capabilities=["CAP_NET_ADMIN"], **POOR)])
r = run(pod(m))
check("net_admin_beside_an_api_user_is_refused", r.returncode == 1 and re.search("^refused: policy: CAP_NET_ADMIN", r.err, re.M) is not None, r)

# leases: fake_trust.c answers by the asset's name; check and grace are a second each, and nothing here looks at a clock
def holds(*notes):
    return [{"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}] + [
        {"asset": "kbs:///hospital/note/" + n, "purpose": "api"} for n in notes]
def leased(note, script, **more):
    return container("one", "/bin/busybox %shospital/note/%s >/dev/null || exit 9; %s" % (GET, note, script), entitlements=holds(note, *more.pop("more_notes", [])),
                     mounts=more.pop("mounts", []), outputs=[], **more)
FOREVER = "while :; do /bin/busybox sleep 1; done"
r = run(pod(manifest([leased("brief-silent", FOREVER)])))
check("network_cut_by_the_host_stops_the_container", r.returncode == 6 and "lease: container one: the service said nothing of" in r.err and not leftovers(), r)
r = run(pod(manifest([leased("brief-held", "/bin/busybox %shospital/note/stalled; %s" % (GET, FOREVER), more_notes=["stalled"])])))
check("host_that_stalls_the_agent_gains_no_time", r.returncode == 6 and "lease: container one: the service said nothing of" in r.err, r)
r = run(pod(manifest([leased("brief-revoked", FOREVER)])), "--json")
check("revoked_asset_stops_the_container", r.returncode == 6 and "is revoked (R11" in r.err and json.loads(r.out)["containers"][0]["lapsed"], r)
r = run(pod(manifest([leased("brief-paused", FOREVER)])))
check("paused_asset_stops_the_container", r.returncode == 6 and "is paused (R11" in r.err, r)
r = run(pod(manifest([leased("brief-held", "i=0; while [ $i -lt 30 ]; do i=$((i+1)); /bin/busybox sleep 0.1; done")])))
check("held_asset_outlives_check_and_grace", r.returncode == 0 and "lease:" not in r.err, r)
r = run(pod(manifest([leased("brief-wipe-revoked", "while /bin/busybox %shospital/note/brief-wipe-revoked >/dev/null; do :; done; echo goes on" % GET)],
                     logs=["one"])))
check("asset_that_asks_for_wipe_alone_lets_the_container_run_on", r.returncode == 0 and "goes on" in r.out and "; wiped" in r.err, r)
r = run(pod(manifest([leased("brief-wipe-revoked", FOREVER, **{"on-lapse": {"action": "stop", "check": 60, "grace": 60, "term": 0}})])))
check("manifest_asks_more_than_the_asset", r.returncode == 6 and "; stopped" in r.err, r)
told = {"on-lapse": {"action": "wipe", "check": 60, "grace": 60, "term": 30}}
r = run(pod(manifest([leased("brief-silent", "trap 'echo told; exit 0' TERM; while :; do /bin/busybox sleep 0.1; done", **told)], logs=["one"])))
check("container_is_told_first_and_ending_well_is_still_a_lapse", r.returncode == 6 and "told" in r.out, r)
r = run(pod(manifest([leased("brief-revoked", "while :; do echo one is here | /bin/busybox nc -l -p 7001; done"),
                      container("two", """until /bin/busybox nc 127.0.0.1 7001; do /bin/busybox sleep 0.1; done
n=0; while [ $n -lt 10 ]; do n=$((n+1)); /bin/busybox nc 127.0.0.1 7001 >/dev/null && n=0; /bin/busybox sleep 0.1; done; echo outlived""", **POOR)], logs=["two"])))
check("container_that_holds_nothing_of_it_runs_on", r.returncode == 6 and "outlived" in r.out and "container two: ended with 0" in r.err, r)
ASSET = "kbs:///hospital/data-key/brief-wipe-revoked"
seal(DATA)
r = run(pod(manifest([container("one", "while [ -s /data ]; do /bin/busybox sleep 0.1; done; echo emptied", outputs=[], entitlements=holds() + [
    {"asset": ASSET, "purpose": "volume", "volume": "patients"}])], logs=["one"])))
check("wiped_volume_is_empty_for_the_container_that_has_it_open", r.returncode == 0 and "emptied" in r.out and "; wiped" in r.err, r)

shutil.rmtree(T)
print("1..%d" % count)
sys.exit(bad != 0)
