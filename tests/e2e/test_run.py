#!/usr/bin/python3
"""`coffer run` against the real agent, gates, namespaces, relay and crun; only trust service and registry are stood in for
(fake_trust.c). argv: coffer, agent. TAP."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from podkit import *

seal(DATA)
m = manifest([container("analyse", "/bin/busybox cat /data > /out/result.txt; /bin/busybox %s >> /out/result.txt; echo hidden" % (GET + "hospital/note/greeting"))])
r = run(pod(m), "--output", "result=" + T + "/result.jwe")
check("run_equal_to_manifest_ends_with_sealed_output", r.returncode == 0 and os.path.exists(T + "/result.jwe"), r)
check("run_passes_on_how_far_an_image_is", "coffer-agent: image: container analyse: layer 1 of 2, 3.0 of 3.5 MiB\n" in r.err, r)
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
echo the agent reached "$($b cat /reached)"; N=agents-endpoint t $b nc -w 60 127.0.0.1 %d; N=agents-endpoint-by-zero t $b nc -w 60 0.0.0.0 %d; N=other-port t $b nc -w 60 127.0.0.1 %d
N=outside t $b nc -w 2 192.0.2.1 80
$b wget -qO- -S http://127.0.0.1:8006/cdh/resource/hospital/note/other 2>&1 | $b grep HTTP/
$b wget -qO- -S http://127.0.0.1:8006/cdh/resource/hospital/note/withheld 2>&1 | $b grep HTTP/
$b wget -qO- http://127.0.0.1:8006/info; echo
""" % (PORT, PORT, CLOSED)
m = manifest([container("analyse", probe, image=IMAGE.replace("/app@", "/reach@"), outputs=[])], logs=["analyse"])
r = run(pod(m))
check("run_passes_on_logs_that_the_manifest_lists", r.returncode == 0 and "NoNewPrivs" in r.out, r)
for name, line in (("no_new_privileges", "NoNewPrivs:1"), ("seccomp_filter", "Seccomp:2"), ("no_capabilities", "CapEff:0000000000000000"), ("loopback_only", "lo \n"),
                   ("root_read_only", "cannot write-root"), ("data_read_only", "cannot write-data"), ("empty_volume_writable", "can write-out"),
                   ("no_mount", "cannot mount"), ("no_new_namespace", "cannot unshare"), ("no_device_node", "cannot chroot-device"),
                   ("sealed_volume_mode_0444", "-r--r--r--"), ("layers_are_stacked", "\n2\n"), ("own_process_namespace", "args /bin/sh"),
                   ("agent_reaches_the_manifests_endpoint", "the agent reached relayed:hi"),
                   ("no_endpoint_of_the_agents", "cannot agents-endpoint\n"), ("no_endpoint_of_the_agents_by_zero", "cannot agents-endpoint-by-zero"), ("no_other_port", "cannot other-port"), ("no_network_beyond", "cannot outside"),
                   ("info", '"feature":"resource"')):
    check("container_" + name, line in r.out, r)
check("api_not_entitled_and_not_approved_are_403", r.out.count("  HTTP/1.1 403 Forbidden") == 2, r)
REFUSED = "coffer-agent: refused: container analyse: kbs:///hospital/note/"
check("refused_api_asset_is_told_to_the_launcher", REFUSED + "withheld: R9: the owner has not approved\n" in r.err, r)
check("what_the_manifest_does_not_list_is_told_to_nobody", "note/other" not in r.err, r)
m = manifest([container("analyse", "for i in 1 2 3; do /bin/busybox %swithheld; /bin/busybox %srude; done; true" % ((GET + "hospital/note/",) * 2), outputs=[])])
m["containers"][0]["entitlements"].append({"asset": "kbs:///hospital/note/rude", "purpose": "api"})
r = run(pod(m))
told = [l for l in r.err.splitlines() if l.startswith(REFUSED)]
check("refused_api_asset_is_told_once_cleaned_and_whole", r.returncode == 0 and len(told) == 2 and REFUSED + "rude: R10: ?[2J?no" + 450 * "0" in told and
      "\033" not in r.err, r)

# what the launcher can say where the service says nothing
m = manifest([container("analyse", "true", outputs=[])])
m["volumes"][0]["asset"] = m["containers"][0]["entitlements"][1]["asset"] = "kbs:///hospital/data-key/stranger"
r = run(pod(m))
check("stranger_is_told_how_to_see_whether_its_workload_is_published", r.returncode == 1 and "gives no right" in r.err and
      "coffer workload show %s'" % hashlib.sha256(jcs(m).encode()).hexdigest() in r.err and "acme publishes it with 'coffer workload publish manifest.json'" in r.err, r)
m = manifest([container("analyse", "true", outputs=[])])
with socket.socket() as s:
    s.bind(("127.0.0.1", 0)); m["service"]["url"] = "https://127.0.0.1:%d" % s.getsockname()[1]
r = run(pod(m))
check("service_that_is_down_is_named_before_anything_starts", 0 < r.err.find("the trust service does not answer: nobody listens at " + m["service"]["url"]) < r.err.find("PLATFORM SAMPLE"), r)
m2 = manifest([container("analyse", "true", **POOR)]); m2["platforms"] = ["swtpm"]
r = run(pod(m2))
check("platform_that_the_workload_is_not_made_for_is_told_before_anything_starts", 0 < r.err.find("this workload is made for swtpm, not for sample, where the service refuses what its owners approved; --image DIR")
      < r.err.find("PLATFORM SAMPLE") and "made for" not in run(pod(manifest([container("analyse", "true", **POOR)]))).err, r)

# with the capability a container makes pipes, and no devices: a TPM or the channel of its machine would be among them
b = "/bin/busybox"
r = run(pod(manifest([container("analyse", "; ".join("%s mknod /dev/%s && echo made %s" % (b, w, w[0]) for w in ("p p", "c c 1 5", "b b 7 0")) + "; true",
                                capabilities=["CAP_MKNOD"], outputs=[])], logs=["analyse"])))
check("container_with_mknod_makes_no_device", r.returncode == 0 and "made p" in r.out and "made c" not in r.out and "made b" not in r.out, r)

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
r = run(pod(manifest([container("analyse", "x", image=IMAGE.replace("/app@", "/prying@"))])))
check("what_pulls_an_image_reads_nothing_of_the_guest", r.returncode == 1 and "refused: pried: nothing is there to read" in r.err, r)
r = run(pod(manifest([container("analyse", "x", image=IMAGE.replace("/app@", "/dying@"))])))
check("what_pulls_an_image_ends_by_itself_and_not_the_guest", r.returncode == 5 and "the process that pulls the image ended before it was done" in r.err and not leftovers(), r)
r = run(pod(manifest([container("analyse", "x", image=IMAGE.replace("/app@", "/foreign@"))])))
check("image_key_without_entitlement_is_refused", r.returncode == 1 and "refused: decrypt: " in r.err, r)

def nameless(folder):
    """Whether the file system there has files without a name."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR))
        return True
    except OSError:
        return False


# ends that are not well
r = run(pod(manifest([container("analyse", "echo x > /out/result.txt; exit 3")])), "--output", "result=" + T + "/never.jwe")
check("container_that_fails_gives_no_output", r.returncode == 1 and "container analyse ended with 3" in r.err and not os.path.exists(T + "/never.jwe"), r)
r = run(pod(manifest([container("analyse", "/bin/busybox ln -s /data /out/result.txt")])), "--output", "result=" + T + "/never.jwe")
check("output_through_a_symbolic_link_is_refused", r.returncode == 1 and "refused: output: " in r.err and not os.path.exists(T + "/never.jwe"), r)
r = run(pod(manifest([container("analyse", "/bin/busybox head -c 100001 /dev/zero > /out/result.txt")])), "--output", "result=" + T + "/never.jwe")
check("output_that_is_too_long_is_refused", r.returncode == 1 and "refused: output: " in r.err, r)
r = run(pod(manifest([container("analyse", "true")])), "--output", "nothing=" + T + "/x")
check("output_that_the_manifest_does_not_name_is_an_error", r.returncode == 2 and not os.path.exists(T + "/x"), r)
check("output_that_does_not_come_leaves_no_file", not [f for f in os.listdir(T) if ".new." in f], os.listdir(T))
said = pod(manifest([container("analyse", "echo ran; echo x > /out/result.txt")], logs=["analyse"]))
r = run(said, "--output", "result=" + T)
check("output_into_a_folder_is_an_error_before_anything_runs", r.returncode == 2 and "a folder" in r.err and "ran" not in r.out, r)
os.makedirs(T + "/full", exist_ok=True)
private = ["unshare", "-m", "--propagation", "private", "sh", "-c", 'mount -t tmpfs -o size=4k t "$0" && exec "$@"', T + "/full"]
if subprocess.run(private + ["true"], capture_output=True).returncode == 0:
    r = subprocess.run(private + command(said, "--output", "result=" + T + "/full/result.jwe"), env=ENV, capture_output=True, text=True)
    r.out, r.err = r.stdout, r.stderr
    check("output_onto_a_full_disk_is_found_before_anything_runs", r.returncode == 5 and "make room" in r.stderr and "ran" not in r.stdout and not leftovers(), r)
r = run(pod(manifest([container("analyse", "/bin/busybox sleep 60", outputs=[])])), "--timeout", "2")
check("timeout_ends_the_guest", r.returncode == 4 and "--timeout" in r.err and not leftovers(), r)
p = subprocess.Popen(command(pod(manifest([container("analyse", "echo up; /bin/busybox sleep 60", outputs=[])], logs=["analyse"]))), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
p.stdout.readline(); p.send_signal(signal.SIGTERM); code = p.wait(60)
check("terminate_ends_and_cleans_the_guest", code == 5 and not leftovers())
os.makedirs(T + "/results", exist_ok=True)
p = subprocess.Popen(command(pod(manifest([container("analyse", "echo up; /bin/busybox sleep 60")], logs=["analyse"])), "--output", "result=" + T + "/results/one.jwe"),
                     env=ENV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
p.stdout.readline(); p.kill(); p.wait()
check("guest_dies_with_a_killed_launcher", until(lambda: not [x for x in leftovers() if x.isdigit()]), leftovers())
left = leftovers()
check("killed_launcher_leaves_nothing_beside_its_output", nameless(T) is False or os.listdir(T + "/results") == [], os.listdir(T + "/results"))
r = run(pod(manifest([container("analyse", "true", outputs=[])])))
check("next_launcher_removes_what_a_killed_one_left", r.returncode == 0 and "risk" in left and not leftovers(), r)

# two containers share a volume, each with its own api caller
two = manifest([container("one", "while ! [ -e /out/go ]; do /bin/busybox sleep 0.1; done; echo done > /out/result.txt"),
                container("two", GET.join(["/bin/busybox ", "hospital/note/greeting"]) + " || echo refused; echo > /out/go", entitlements=[
                    {"asset": "kbs:///imaker/image-key/app", "purpose": "image-key"}], mounts=[{"destination": "/out", "volume": "out", "read-only": False}], outputs=[])], logs=["two"])
r = run(pod(two), "--json", "--output", "result=" + T + "/two.jwe")
check("containers_run_together_and_keep_their_own_entitlements", r.returncode == 0 and "refused" in r.err and json.loads(r.out)["containers"][1]["exit"] == 0, r)

# containers of one pod share the network but not the api: descriptors in flight, raw sockets, other addresses, occupied places
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

for what, opts in (("without_an_image", ["--scratch", "128M"]), *((w, ["--image", T + "/none", "--scratch", v]) for w, v in (
        ("too_small", "63M"), ("too_large", "1025G"), ("overflowing", "99999999999999999999G"), ("without_a_unit", "268435456"), ("empty", ""), ("of_a_unit_alone", "G")))):
    r = run(pod(m), *opts)
    check("usage_scratch_%s_exits_2" % what, r.returncode == 2 and "--scratch" in r.err and not leftovers(), r)
r = run(pod(m), "--image", T + "/none", "--scratch", "64M")
check("scratch_of_a_good_size_is_taken", r.returncode == 4 and "/none" in r.err and not leftovers(), r)
# how a container is let go: crun is not run once more for that, but where it has its containers wait elsewhere
for name, root, again in (("a_container_starts_without_another_crun", "$2", False), ("where_crun_has_it_wait_elsewhere_crun_starts_it", "$2.elsewhere", True)):
    open(T + "/crun", "w").write('#!/bin/sh\necho "$@" >>%s/verbs\nroot=%s\nshift 2\nexec /usr/bin/crun --root "$root" "$@"\n' % (T, root)); os.chmod(T + "/crun", 0o755)
    open(T + "/verbs", "w").close()
    r = run(pod(manifest([container("analyse", "echo up", outputs=[])], logs=["analyse"])), COFFER_CRUN=T + "/crun")
    verbs = open(T + "/verbs").read()
    check(name, r.returncode == 0 and r.out == "up\n" and " create " in verbs and (" start " in verbs) == again and not leftovers(), r)
done()
