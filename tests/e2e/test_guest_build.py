#!/usr/bin/python3
"""coffer guest build: the same bytes wherever and whenever, nothing in it that nobody needs, and every package by its digest.
argv: coffer, coffer-init, the source folder, the compiler. Packages are kept in $COFFER_TOOLS/guest (or build/tools/guest); without them and without
a network to bring them the builds are skipped by name."""
import glob, hashlib, json, os, re, shutil, subprocess, sys, tempfile

coffer, init, source = map(os.path.abspath, sys.argv[1:4])
compiler = sys.argv[4]
tools = os.environ.get("COFFER_TOOLS") or os.path.join(source, "build/tools")
cache = os.path.join(tools, "guest")
number, failed = 0, 0


def check(name, good, note=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {name}" + (f"\n# {str(note)[-1500:]}" if not good else ""), flush=True)


def skip(name, why):
    global number
    number += 1
    print(f"ok {number} {name} # SKIP {why}", flush=True)


def build(*args, prefix=(), **kw):
    return subprocess.run([*prefix, coffer, "guest", "build", "--agent", init, *args], capture_output=True, text=True, **kw)


def files(folder):
    out = {}
    for p in sorted(glob.glob(folder + "/*")):
        with open(p, "rb") as f:
            out[os.path.basename(p)] = f.read()
    return out


def sha(data):
    return hashlib.sha256(data).hexdigest()


def members(initrd, tmp):
    """By cpio(1), which is not ours: name -> content, with modes and owners looked at."""
    top = tempfile.mkdtemp(dir=tmp)
    plain = subprocess.run(["zstd", "-dc"], input=initrd, capture_output=True, check=True).stdout if shutil.which("zstd") else None
    if plain is None:
        return None
    listing = subprocess.run(["cpio", "-itvn", "--quiet"], input=plain, capture_output=True, check=True).stdout.decode()
    subprocess.run(["cpio", "-id", "--quiet", "--no-preserve-owner"], input=plain, cwd=top, capture_output=True)
    found = {}
    for line in listing.splitlines():
        mode, owner, group, name = line.split()[0], *line.split()[2:4], line.split(" -> ")[0].split()[-1]
        path = os.path.join(top, name)
        with open(path, "rb") if mode[0] == "-" else open("/dev/null", "rb") as f:
            found[name] = (mode, owner, group, f.read())
    return found


def check_agent(tmp):
    """Built again from a copy of the sources, in folders of other names and depths."""
    copy = tmp + "/elsewhere/and/deeper/sources"
    os.makedirs(copy)
    for part in ("meson.build", "meson_options.txt", "src", "tests", "fuzz", "tools", "policies", "share", "docs", "demo"):
        src = os.path.join(source, part)
        (shutil.copytree if os.path.isdir(src) else shutil.copy)(src, os.path.join(copy, part))
    out = tmp + "/b"
    env = dict(os.environ, CC=compiler)
    r = subprocess.run(["meson", "setup", out, copy], capture_output=True, text=True, env=env)
    if r.returncode == 0:
        r = subprocess.run(["ninja", "-C", out, "src/agent/coffer-init"], capture_output=True, text=True, env=env)
    with open(init, "rb") as f:
        ours = f.read()
    theirs = b""
    if r.returncode == 0:
        with open(out + "/src/agent/coffer-init", "rb") as f:
            theirs = f.read()
    check("the_agent_is_the_same_from_another_folder", ours == theirs, r.stdout + r.stderr)
    check("the_agent_names_no_folder_it_was_built_in", source.encode() not in ours and b"../src" not in ours)


def check_reproducible(tmp):
    one, two = tmp + "/one", tmp + "/far/away/two"
    r = build("-o", one, "--cache", cache, "--uki")
    if r.returncode in (4, 5) and not glob.glob(cache + "/linux-image-*.deb"):
        skip("images", "no packages at hand, and apt brings none: " + r.stderr.strip()[:200])
        return None
    check("an_image_is_built", r.returncode == 0, r.stderr)
    os.makedirs(tmp + "/far/away")
    stamps = {p: os.stat(p).st_mtime_ns for p in glob.glob(cache + "/*")}
    env = dict(os.environ, TZ="Asia/Tokyo", LC_ALL="C", HOME="/nonexistent", SOURCE_DATE_EPOCH="1")
    r = build("-o", two, "--cache", cache, "--uki", prefix=("unshare", "-n", "sh", "-c", 'umask 077; exec "$@"', "sh"), env=env)
    check("built_again_without_network_elsewhere_it_is_the_same_to_the_byte", r.returncode == 0 and files(one) == files(two), r.stderr)
    check("a_second_run_downloads_nothing", {p: os.stat(p).st_mtime_ns for p in glob.glob(cache + "/*")} == stamps)
    return files(one)


def place(mods, name):
    return next(i for i, m in enumerate(mods) if m.endswith(f"/{name}.ko"))


def module(found, name):
    return next(c[3] for n, c in found.items() if n.endswith(f"/{name}.ko"))


def depends(ko):
    return [d for d in re.search(rb"\0depends=([^\0]*)\0", ko).group(1).decode().split(",") if d]


def check_content(image, tmp):
    found = members(image["initrd.img"], tmp)
    if found is None:
        skip("content_of_the_ramdisk", "no zstd")
        return
    allowed = ("init", "etc/hosts", "etc/coffer/modules", "usr/bin/crun", "usr/lib64/ld-linux-x86-64.so.2", "dev/console", "bin", "lib", "lib64")
    other = [n for n, (m, *_) in found.items() if m[0] != "d" and n not in allowed and not n.startswith("usr/lib/x86_64-linux-gnu/lib") and
             not n.startswith("usr/lib/x86_64-linux-gnu/ld-linux") and not n.endswith(".ko")]
    check("there_is_no_shell_no_package_manager_nothing_else", not other, other)
    check("all_belongs_to_root_and_no_one_else_may_write_it", all(o == "0" and g == "0" and (m[0] == "l" or (m[5] == "-" and m[8] == "-"))
                                                                  for m, o, g, _ in found.values()))
    check("nothing_in_it_is_setuid", not any("s" in m for m, *_ in found.values()))
    mods = found["etc/coffer/modules"][3].decode().split()
    check("the_modules_are_those_listed_and_in_the_image", sorted(m[1:] for m in mods) == sorted(n for n in found if n.endswith(".ko")) and
          all(place(mods, d) < i for i, m in enumerate(mods) for d in depends(found[m[1:]][3])) and "virtio_ring" in depends(module(found, "virtio_pci")),
          mods)
    with open(init, "rb") as f:
        check("the_first_process_is_the_agent", found["init"][3] == f.read())
    check_sbom(image, found)


def check_sbom(image, found):
    sbom = json.loads(image["sbom.spdx.json"])
    listed = {f["fileName"][2:]: {c["algorithm"]: c["checksumValue"] for c in f["checksums"]} for f in sbom["files"]}
    want = {n: sha(data) for n, (m, _, _, data) in found.items() if m[0] == "-"}
    want["vmlinuz"] = sha(image["vmlinuz"])
    check("the_sbom_lists_every_file_with_its_digest", {n: c["SHA256"] for n, c in listed.items()} == want)
    lock = [l.split() for l in image["packages.lock"].decode().splitlines() if l[0] != "#"]
    packages = {p["name"]: (p["versionInfo"], p["checksums"][0]["checksumValue"]) for p in sbom["packages"] if "checksums" in p}
    check("the_sbom_lists_every_package_with_version_and_digest", packages == {n: (v, h) for n, v, _, h in lock} and len(lock) >= 15, packages)
    owner = {r["relatedSpdxElement"]: r["spdxElementId"] for r in sbom["relationships"] if r["relationshipType"] == "CONTAINS"}
    ids = {f["fileName"]: f["SPDXID"] for f in sbom["files"]}
    check("the_sbom_says_whose_a_file_is", owner[ids["./usr/bin/crun"]] == "SPDXRef-Package-crun" and owner[ids["./init"]] == "SPDXRef-Agent" and
          owner[ids["./vmlinuz"]].startswith("SPDXRef-Package-linux-image-"))


def measure(tmp, *args):
    r = subprocess.run([coffer, "measure", "tpm", "--json", *args], capture_output=True, text=True, cwd=tmp + "/one")
    return json.loads(r.stdout)["registers"] if r.returncode == 0 else r.stderr


def check_draft(image, tmp):
    draft = json.loads(image["boot-image.json"])
    launches = {(l["platform"], l["shape"]): l["registers"] for l in draft["launches"]}
    for mib in (512, 1024, 2047):
        want = measure(tmp, "--kernel", "vmlinuz", "--initrd", "initrd.img", "--cmdline-file", "cmdline", "--memory", str(mib))
        check(f"registers_of_{mib}_mib_are_those_measured", launches["swtpm", f"qemu, {mib} MiB"] == want and set(want) == {"pcr04", "pcr09"}, want)
    want = measure(tmp, "--uki", "uki.efi")
    check("registers_of_the_unified_kernel_image_are_those_measured", launches["swtpm", "qemu, unified kernel image"] == want and "pcr11" in want, want)
    check("registers_from_a_disk_too", launches["tpm", "disk, unified kernel image"] == measure(tmp, "--uki", "uki.efi", "--disk"))
    artefacts = {a["name"]: a["sha256"] for a in draft["artefacts"]}
    check("artefacts_are_the_files", artefacts == {n: sha(image[n]) for n in ("vmlinuz", "initrd.img", "cmdline", "uki.efi")})
    check("it_says_what_its_agent_enforces", draft["enforces"] == ["manifest", "image-digests", "container-scoping", "leases"] and
          draft["name"] == "coffer-guest")
    head = subprocess.run(["objdump", "-h", tmp + "/one/uki.efi"], capture_output=True, text=True).stdout
    check("others_read_the_unified_kernel_image", all(s in head for s in (".osrel", ".cmdline", ".initrd", ".linux", ".text")), head)


def check_debug(image, tmp):
    r = build("-o", tmp + "/debug", "--cache", cache, "--debug", "--memory", "512")
    got = files(tmp + "/debug") if r.returncode == 0 else {}
    draft = json.loads(got.get("boot-image.json", b"{}"))
    plain = json.loads(image["boot-image.json"])
    check("a_debug_image_is_another_measured_thing", r.returncode == 0 and "FOR DEBUGGING" in r.stdout and draft["name"] == "coffer-guest-debug" and
          draft["enforces"] == [] and got["initrd.img"] != image["initrd.img"] and got["cmdline"] != image["cmdline"] and
          not {v for l in draft["launches"] for v in l["registers"].values()} & {v for l in plain["launches"] for v in l["registers"].values()},
          r.stderr)
    check("no_unified_kernel_image_unless_asked", "uki.efi" not in got and len(draft.get("launches", [])) == 1)


def check_refusals(image, tmp):
    """From a folder of one's own, offline: each wrong in one way."""
    mine = tmp + "/packages"
    os.makedirs(mine)
    for line in image["packages.lock"].decode().splitlines():
        if line[0] != "#":
            n, v, a, _ = line.split()
            name = f"{n}_{v.replace(':', '%3a')}_{a}.deb"
            os.symlink(os.path.join(cache, name), os.path.join(mine, name))
    with open(mine + "/packages.lock", "wb") as f:
        f.write(image["packages.lock"])
    out = tmp + "/refused"
    args = ("-o", out, "--packages", mine)
    crun = glob.glob(mine + "/crun_*.deb")[0]
    with open(os.path.realpath(crun), "rb") as f:
        bytes_ = f.read()
    os.unlink(crun)
    r = build(*args)
    check("a_missing_package_is_named_and_not_downloaded", r.returncode == 4 and "crun_" in r.stderr and not os.path.exists(crun), r.stderr)
    with open(crun, "wb") as f:
        f.write(bytes_[:-1] + bytes([bytes_[-1] ^ 1]))
    r = build(*args)
    check("a_package_with_other_bytes_is_refused", r.returncode == 1 and "refused: digest" in r.stderr, r.stderr)
    lock = image["packages.lock"].decode()
    for name, text in (("truncated", lock[:-3]), ("without_the_kernel", "".join(l + "\n" for l in lock.splitlines() if "linux-image" not in l)),
                       ("without_a_library", "".join(l + "\n" for l in lock.splitlines() if not l.startswith("libyajl2")))):
        with open(crun, "wb") as f:
            f.write(bytes_)
        with open(tmp + "/lock", "w") as f:
            f.write(text)
        r = build(*args, "--lock", tmp + "/lock")
        check(f"a_list_{name}_is_refused", r.returncode in (3, 4) and (name != "without_a_library" or ("libyajl" in r.stderr and "crun" in r.stderr)), r.stderr)
    with open(tmp + "/no-agent", "wb") as f:
        f.write(b"#!/bin/sh\n")
    r = subprocess.run([coffer, "guest", "build", *args, "--agent", tmp + "/no-agent"], capture_output=True, text=True)
    check("a_script_is_no_agent", r.returncode == 3 and "ELF" in r.stderr, r.stderr)
    check("nothing_is_written_when_refused", not os.path.exists(out))
    for name, more in (("memory_too_much", ["--memory", "2048"]), ("memory_twice", ["--memory", "512", "--memory", "512"]), ("two_folders", ["--cache", cache])):
        check(f"usage_{name}_exits_2", build(*args, *more).returncode == 2)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        check_agent(tmp)
        image = check_reproducible(tmp)
        if image:
            check_content(image, tmp)
            check_draft(image, tmp)
            check_debug(image, tmp)
            check_refusals(image, tmp)
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
