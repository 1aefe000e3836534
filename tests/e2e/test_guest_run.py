#!/usr/bin/python3
"""coffer run --image: a pod in a measured VM. The story of the demo up to its result (one boot); what is wrong before anything starts;
a launcher that is killed leaves no machine behind. argv: coffer, the demo's script."""
import json, os, re, shutil, signal, subprocess, sys, tempfile, time

coffer, demo = map(os.path.abspath, sys.argv[1:3])
top = os.path.dirname(os.path.dirname(demo))
TOOLS = os.environ.get("COFFER_TOOLS") or top + "/build/tools"
number, failed = 0, 0


def check(name, good, note=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {name}" + (f"\n# {str(note)[-2500:]}".replace("\n", "\n# ") if not good else ""), flush=True)


def absent():
    for tool in ("qemu-system-x86_64", "swtpm", "swtpm_setup", "dpkg-deb", "crun", "jq", "umoci"):
        if not shutil.which(tool):
            return tool
    for path in ("/usr/share/ovmf/OVMF.fd", TOOLS + "/usr/bin/docker-registry"):
        if not os.path.exists(path):
            return path
    return None


def children(pid):
    out = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{p}/stat") as f:
                if int(f.read().rsplit(") ", 1)[1].split()[1]) == pid:
                    out.append(int(p))
        except (OSError, IndexError):
            pass
    return out


def name(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return None


def until(what, seconds=240):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def story(demo_folder):
    r = subprocess.run([demo], env=dict(os.environ, TEE="swtpm", DEMO_SHORT="1", COFFER_TOOLS=TOOLS), capture_output=True, text=True, timeout=1200)
    with open(top + "/build/demo.log", errors="replace") as f:
        log = f.read()[-3000:]
    check("the_pod_s_result_is_right_and_what_was_booted_was_predicted", r.returncode == 0 and "The result is right" in r.stdout and
          log.count("as predicted") >= 3 and "NOT AS PREDICTED" not in log, r.stdout[-800:] + log)
    check("how_far_the_image_is_comes_out_of_the_machine", "coffer-agent: image: container analyse: layer 1 of " in log, log)
    check("the_image_was_built_again_and_is_the_same", "echo the same" in r.stdout and "    the same" in r.stdout, r.stdout[-300:])
    registers = re.findall(r"^      (pcr\d\d)  +quoted +([0-9a-f]{64}) .*\n +predicted (?:([0-9a-f]{64})  by the (boot image|workload's manifest): the same|by nothing)$", r.stdout, re.M)
    with open(demo_folder + "/guest/boot-image.json") as f:
        named = next(l["registers"] for l in json.load(f)["launches"] if l["shape"] == "qemu, 1024 MiB")
    check("the_quote_s_registers_are_shown_each_beside_what_predicted_it", [x[0] for x in registers] == ["pcr00", "pcr02", "pcr03", "pcr04", "pcr08", "pcr09", "pcr11"] and
          all(named.get(n) == t == q if by == "boot image" else n == "pcr08" and q == t != "00" * 32 if by else n == "pcr11" and q == "00" * 32
              for n, q, t, by in registers), (registers, r.stdout[-3000:]))
    check("it_says_that_the_host_could_forge_it", "platform: swtpm (QEMU TCG, emulated: the host could forge it)" in r.stdout)
    return r.returncode == 0


def refusals(folder, tmp):
    pod, image = folder + "/risk/pod.yaml", folder + "/guest"
    run = lambda *a: subprocess.run([coffer, "run", *a], capture_output=True, text=True, timeout=60)
    for what, args in (("memory_without_an_image", ["--memory", "512", pod]), ("memory_too_much", ["--image", image, "--memory", "4096", pod]),
                       ("another_accelerator", ["--image", image, "--accel", "xen", pod]), ("an_accelerator_without_an_image", ["--accel", "tcg", pod])):
        r = run(*args)
        check(f"usage_{what}_exits_2", r.returncode == 2, r.stderr)
    r = run("--image", tmp + "/nowhere", pod)
    check("an_image_that_is_not_there_is_named", r.returncode == 4 and "nowhere" in r.stderr, r.stderr)
    os.makedirs(tmp + "/half")
    for f in ("boot-image.json", "vmlinuz", "initrd.img"):
        os.symlink(os.path.abspath(f"{image}/{f}"), f"{tmp}/half/{f}")
    r = run("--image", tmp + "/half", pod)
    check("a_file_of_it_that_is_not_there_is_named", r.returncode == 4 and "cmdline" in r.stderr, r.stderr)


PARTS = ["coff", "qemu", "swtp"]  # how their names begin: the relay has the launcher's


def parts_of(p):
    """What a launcher has started, once all of it is there: QEMU comes before the relay."""
    mine = lambda: {c: name(c) or "" for c in children(p.pid)}
    until(lambda: PARTS == sorted(n[:4] for n in mine().values()) or p.poll() is not None)
    return mine()


def killed(folder, state):
    """The service is gone by now; the machine is killed while it starts."""
    p = subprocess.Popen([coffer, "run", "--state", state, "--name", "victim", "--image", folder + "/guest", folder + "/risk/pod.yaml"], stderr=subprocess.DEVNULL)
    parts = parts_of(p)
    check("a_machine_is_qemu_a_tpm_and_a_relay", len(parts) == 3 and PARTS == sorted(n[:4] for n in parts.values()), parts)
    p.kill()
    p.wait()
    gone = until(lambda: not any(name(c) == n for c, n in parts.items()))
    check("a_launcher_that_is_killed_leaves_none_of_them", gone, {c: name(c) for c in parts})
    for c, n in parts.items():
        if name(c) == n:
            os.kill(c, signal.SIGKILL)
    r = subprocess.run([coffer, "ps", "--state", state], capture_output=True, text=True, timeout=60)
    check("it_shows_as_dead_with_the_cause", "victim" in r.stdout and "dead" in r.stdout and "its launcher was killed" in r.stdout, r.stdout + r.stderr)
    r = subprocess.run([coffer, "rm", "--state", state, "victim"], capture_output=True, text=True, timeout=60)
    check("rm_leaves_nothing_of_it", r.returncode == 0 and os.listdir(state) == [".lock"], r.stderr)


def killed_part(folder, state, which, words, *more):
    """The part is what the launcher names, though the others end after it."""
    p = subprocess.Popen([coffer, "run", "--state", state, "--image", folder + "/guest", *more, folder + "/risk/pod.yaml"], stderr=subprocess.PIPE, text=True)
    part = next((c for c, n in parts_of(p).items() if n.startswith(which)), None)
    os.kill(part, signal.SIGKILL) if part else p.kill()
    err = p.communicate(timeout=240)[1]
    check(f"a_{which}_that_is_killed_is_named", p.returncode > 0 and words in err, err[-600:])
    check(f"nothing_is_left_when_{which}_is_killed", os.listdir(state) == [".lock"], os.listdir(state))
    return err


def main():
    lacking = absent()
    if lacking:
        print(f"1..0 # SKIP no {lacking}")
        return 0
    with tempfile.TemporaryDirectory() as tmp:  # its packages are fetched where they are not kept yet; that it is right is test_guest_build's
        r = subprocess.run([coffer, "guest", "build", "-o", tmp + "/image", "--cache", TOOLS + "/guest"], capture_output=True, text=True, timeout=1200)
        if r.returncode != 0:
            print("1..0 # SKIP no packages for the image: " + r.stderr.replace("\n", " ")[:200])
            return 0
    folder = top + "/build/demo"
    os.chdir(top)
    if story(folder):
        with tempfile.TemporaryDirectory() as tmp:
            refusals(folder, tmp)
            killed(folder, tmp + "/pods")
            err = killed_part(folder, tmp + "/pods", "qemu", "the machine (QEMU) was killed by signal 9")
            check("of_memory_that_it_predicts_nothing_is_told", "says nothing of machines" not in err, err)
            err = killed_part(folder, tmp + "/pods", "swtpm", "the emulated TPM (swtpm) was killed by signal 9", "--memory", "600")
            told = err.find("says nothing of machines of 600 MiB (but of 512 MiB, 1024 MiB, 2047 MiB)")
            check("memory_that_the_draft_does_not_predict_is_told_before_the_machine_starts", 0 <= told < err.find("coffer run: platform: swtpm"), err)
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
