"""Leases: what a running guest still holds. Its end is acted out by tests/e2e/test_lease.py (on sample), once for all rows."""
from stage import *

LEASES = {}


def pods(names):
    """Real agent, gates, containers; the service there says what each case needs."""
    if not LEASES:
        args = [os.path.join(BUILD, "src/cli/coffer"), os.path.join(BUILD, "tests/e2e/fake-agent")]
        for program in ("test_lease.py", "test_lease_host.py"):
            p = subprocess.run([os.path.join(HERE, "../e2e", program)] + args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
            LEASES["out"] = LEASES.get("out", "") + p.stdout.decode(errors="replace")
    out = LEASES["out"]
    if "1..0 # SKIP" in out:
        raise Skip(out.split("# SKIP")[1].strip())
    for n in names:
        assert re.search(r"^ok \d+ %s$" % re.escape(n), out, re.M), (n, out[-2000:])


@row("D19", "a machine is launched again with the disk of a pod that ended", "blank", "tests/e2e/test_guest_store.py (a debug image, service and registry of the test's); *emulated boundary*: QEMU's memory is the host's")
def d19(w):
    machine(["what_is_written_is_read_back", "the_disk_of_a_pod_that_ended_is_a_blank_one_to_the_next"])


@row("D23", "the owner revokes and the host cuts the guest's network, or lets the agent wait for it", "lease",
     "tests/e2e/test_lease.py, test_lease_host.py; of a paused VM and a slowed clock: not yet; receipts: not yet")
def d23(w):
    pods(["held_asset_outlives_check_and_grace", "network_cut_by_the_host_stops_the_container",
          "host_that_stalls_the_agent_gains_no_time", "pull_that_the_host_stalls_does_not_put_off_a_wipe", "wait_that_no_signal_ends_does_not_put_off_a_wipe",
          "container_that_was_queued_before_a_pull_ends_with_its_lease",
          "container_that_is_not_made_leaves_no_plain_file", "file_that_the_agent_writes_is_none_to_take_a_lease_on"])


@row("H7", "approval is withdrawn or paused while the pod runs", "R11 lease",
     "tests/adversary (service), tests/e2e/test_lease.py (guest), make demo (both together)")
def h7(w):
    m, digest = w.workload_of(w.acme, "leased", [NOTE], ["snp"])
    w.workload_says(w.acme, m)
    env = w.approval([NOTE], digest, ["snp"])
    w.ok(env)
    g = w.snp(initdata=render(m, m["service"]["url"])).up()
    w.gets(g, NOTE, HELLO)
    assert w.held(g, w.said_greeting) == (1, "")
    w.ok(w.revoke(w.hospital, payload_id(env)))
    assert w.held(g, w.said_greeting) == (2, "R11")
    pods(["held_asset_outlives_check_and_grace", "revoked_asset_stops_the_container", "paused_asset_stops_the_container",
          "asset_that_asks_for_wipe_alone_lets_the_container_run_on", "wiped_volume_is_empty_for_the_container_that_has_it_open",
          "container_is_told_first_and_ending_well_is_still_a_lapse", "container_that_holds_nothing_of_it_runs_on"])


@row("H7b", "a provider's manifest asks less of a lapse than the owner", "lease",
     "tests/unit/test_lease_terms.c, tests/e2e/test_lease.py")
def h7_less(w):
    unit("tests/unit/test_lease_terms", ["manifest_asks_more_and_never_less"])
    pods(["manifest_asks_more_than_the_asset"])


@row("H10", "a container asks for evidence or a token over its own key's handshake, and looks for, or makes, a device that would give it: TPM, TEE, vsock, virtio",
     "not-offered seccomp", "tests/e2e/test_host_asks.py, on sample; in a VM: H10b. No container "
     "is given evidence at all yet, so that there is none for an outside owner to verify either")
def h10(w):
    for how in ("plain", "with_mknod"):
        asked(["%s_%s" % (n, how) for n in ["container_has_no_device_but_the_ordinary", "container_makes_none_of_its_machine_s_devices",
                                            "container_makes_no_report_of_the_processor", "container_makes_no_vsock"] +
               ["container_gets_no_%s_of_the_machine" % n for n in ("evidence", "encoded", "additional", "token", "token2", "other", "event")]])


@row("H10b", "the same of a machine, whose TPM, channel and disks a container tries to make", "not-offered seccomp",
     "tests/e2e/test_guest_store.py (a debug image, service and registry of the test's; *emulated boundary*)")
def h10_machine(w):
    machine(["%s_in_a_machine" % n for n in ["container_has_no_device_but_the_ordinary", "container_makes_none_of_its_machine_s_devices"] +
             ["container_gets_no_%s_of_the_machine" % n for n in ("evidence", "encoded", "additional", "token", "token2", "other", "event")]] +
            ["devices_that_it_tried_to_make_are_the_machine_s"])


@row("H11", "a freshness question or answer is forged, replayed, out of turn, of another session, or from a rolled-back ledger",
     "R1 session lease", "tests/adversary (questions), tests/unit/test_fresh.c (answers), tests/e2e/test_lease.py")
def h11(w):
    g, other = w.serves(), w.serves()
    item = [(payload_id(w.said_greeting), NOTE[len("kbs:///"):], "analyse", "api")]
    refused = lambda r, check: r.status in (401, 403) and r.json()["error"]["check"] == check
    q = g.question(item)
    r = g.asks(q)
    assert r.status == 200 and g.answer(q, r, w.service["reply"]) == [(1, "")]
    assert refused(g.asks(q), "R1")  # the same once more
    assert refused(g.asks(g.question(item), key=other.req), "R1")
    assert refused(g.asks(g.question(item), cookie=other.cookie), "R1")
    assert refused(g.asks(g.question(item), cookie="00" * 16), "session")
    assert g.asks(b"CFQ1").status in (400, 403)
    assert w.held(g, w.said_others, OTHERS) in ((4, "R0"), (4, "R9"))  # not approved, and nothing was got
    unit("tests/unit/test_fresh", ["answer_is_believed_from_the_reply_key_for_this_question_alone"])
    pods(["answer_that_does_not_count_is_silence", "service_that_was_started_anew_is_attested_to_anew"])
    assert w.held(g, w.said_greeting) == (1, "")


@row("H12", "an image has pipes where the container runtime reads of it; a container stops what the runtime makes beside it, or leaves the agent a child that it did not make: the agent waits for none "
     "of them without end, and the pod's other containers go on", "given-up", "tests/e2e/test_stalls.py (sample)")
def h12(w):
    pods_of("stalls", ["image_with_pipes_where_the_runtime_reads_is_refused", "of_that_container_nothing_is_left", "process_that_is_stopped_while_it_is_made_is_given_up",
                       "the_agent_answers_and_the_other_container_runs", "what_was_stopped_is_gone", "container_with_a_strange_child_of_the_agents_is_removed"])


@row("H13", "a container that may write into other processes (CAP_SYS_PTRACE) is to wait there for the runtime that brings a command of the host's in", "policy",
     "tests/unit/test_guest.c (the agent's own code); coffer workload build: tests/e2e/test_service.py")
def h13(w):
    unit("tests/unit/test_guest", ["spec_lets_nobody_write_into_what_the_host_runs"])


@row("H14", "a container tells the host what it read, over the endpoints that the agent's own connections lead by (the service, registries): by connections of every kind, and by packets of its own making", "fence",
     "tests/unit/test_fence.c, on this machine's kernel; a pod's containers: tests/e2e/test_run.py")
def h14(w):
    unit("tests/unit/test_fence", ["nothing_leads_to_the_agents_endpoints_and_everything_beside_them"])
