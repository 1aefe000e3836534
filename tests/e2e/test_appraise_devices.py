#!/usr/bin/python3
"""coffer evidence appraise with devices beside the machine: genuine NVIDIA GPUs and switches of the shared vectors beside evidence of
platform sample, as the KBS protocol's additional evidence. argv: coffer. Skipped by name without the vectors."""
import json, os, subprocess, sys, tempfile

coffer = sys.argv[1]
SHARED = os.environ.get("COFFER_SHARED", "/nonexistent") + "/vectors/nvidia/ppcie/"
number, failed = 0, 0


def check(name, good, note=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {name}" + (f"\n# {note}" if not good else ""), flush=True)


def run(*args):
    return subprocess.run([coffer, "evidence", "appraise", *args], capture_output=True, text=True)


def first(text):
    """Of what --json prints: behind the verdict comes the refusal."""
    return json.JSONDecoder().raw_decode(text)[0]


def put(path, value):
    with open(path, "w") as f:
        json.dump(value, f)
    return path


def main(tmp):
    with open(SHARED + "gpu_evidence_0-3.json") as g, open(SHARED + "switch_evidence_0-1.json") as s:
        gpus, switches = json.load(g), json.load(s)
    for device in gpus + switches:
        for extra in set(device) - {"arch", "uuid", "evidence", "certificate"}:
            del device[extra]
    nonce = "4760e30534a0621357d458b1a7936551b5dc4cd1e69718adf7ed9fb0252a537e"
    cpu = ["--platform", "sample", "--evidence", put(tmp + "/cpu", {"svn": "1", "report_data": "AQI="}), "--time", "2026-03-01T00:00:00Z"]
    beside = ["--additional", put(tmp + "/devices", {"nvidia": {"device_evidence_list": gpus + switches}}), "--device-data", nonce]
    r = run(*cpu, *beside)
    check("machine_and_its_devices_are_valid", r.returncode == 0 and "sample: valid" in r.stdout and "nvidia: valid" in r.stdout, r.stdout + r.stderr)
    r = run(*cpu, *beside, "--json")
    got = json.loads(r.stdout) if r.returncode == 0 else {}
    check("json_has_them_apart", got.get("platform") == "sample" and [(d["platform"], d["verdict"]) for d in got["additional"]] == [
        ("nvidia", "valid")] and len(got["additional"][0]["claims"]["devices"]) == len(gpus + switches), r.stdout[:300] + r.stderr)
    r = run(*cpu, *beside[:3], nonce[:-2] + "00")
    check("device_that_is_bound_to_something_else_decides", r.returncode == 1 and "sample: valid" in r.stdout and "nvidia: invalid" in r.stdout and
          "nvidia:" in r.stderr, r.stderr)
    r = run(*cpu, *beside[:3], nonce[:-2] + "00", "--json")
    got = json.loads(r.stdout)
    check("json_has_the_verdict_of_what_decides", r.returncode == 1 and got["verdict"] == "invalid" and got["reason"]["check"] == "report_data" and
          got["primary"] == {"verdict": "valid", "reason": None}, r.stdout[:300])
    twice = ["--additional", put(tmp + "/twice", {"nvidia": {"device_evidence_list": [gpus[0], gpus[0]]}}), "--device-data", nonce, "--json"]
    r = run(*cpu, *twice)
    got = json.loads(r.stdout)
    check("same_device_twice_is_no_valid_verdict", r.returncode == 1 and got["verdict"] == "invalid" and got["reason"]["check"] == "distinct", r.stdout[:300])
    r = run(*cpu, "--report-data", "0303", *beside)
    check("machine_that_is_not_bound_decides", r.returncode == 1 and "report_data" in r.stderr, r.stderr)
    refs = put(tmp + "/refs", {"sample_accepted": True, "svn": ["1"]})
    r = run(*cpu, *beside, "--policy", "default", "--reference-values", refs, "--json")
    ear = first(r.stdout).get("ear", {}).get("submods", {})
    check("every_device_is_appraised_by_itself", r.returncode == 1 and ear.get("cpu0", {}).get("ear.status") == "affirming" and
          {f"gpu{i}" for i in range(len(gpus))} | {f"switch{i}" for i in range(len(switches))} | {"cpu0"} == set(ear), r.stdout[-300:] + r.stderr)
    with open(tmp + "/p.rego", "w") as f:
        f.write('package policy\ntrust_claims := {"hardware": 2}\n')
    r = run(*cpu, *beside, "--policy", tmp + "/p.rego", "--json")
    ear = first(r.stdout).get("ear", {}).get("submods", {})
    check("policy_of_a_file_is_for_the_machine_alone", r.returncode == 1 and ear["cpu0"]["ear.appraisal-policy-id"] != "default" and
          ear["gpu0"]["ear.appraisal-policy-id"] == "default" and ear["gpu0"]["ear.status"] != "affirming", r.stdout[-300:] + r.stderr)
    r = run(*cpu, *beside[:3], nonce[:-2] + "00", "--policy", "default", "--json")
    check("no_policy_sees_a_device_that_is_not_valid", r.returncode == 1 and "ear" not in first(r.stdout), r.stderr)
    for name, value in (("a_list", gpus), ("nothing", {}), ("a_platform_of_no_device", {"sample": {}}), ("an_unknown_platform", {"toaster": {}})):
        r = run(*cpu, "--additional", put(tmp + "/bad", value))
        check(f"additional_of_{name}_is_malformed", r.returncode == 3 and "additional evidence" in r.stderr, r.stderr)
    r = run(*cpu, "--device-data", nonce)
    check("device_data_without_devices_is_a_usage_error", r.returncode == 2 and "--additional" in r.stderr, r.stderr)
    r = run("--platform", "nvidia", "--evidence", put(tmp + "/one", {"device_evidence_list": gpus}), *beside)
    check("devices_beside_a_device_are_a_usage_error", r.returncode == 2 and "device itself" in r.stderr, r.stderr)


if not os.path.exists(SHARED):
    print("ok 1 devices_beside_a_machine # SKIP no shared vectors\n1..1")
    sys.exit(0)
with tempfile.TemporaryDirectory() as folder:
    main(folder)
print(f"1..{number}")
sys.exit(failed > 0)
