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
    again = lambda: subprocess.run(["ninja", "-v", "-C", out, "src/agent/coffer-init"], capture_output=True, text=True, env=env).stdout
    linked = lambda text: re.search(r" -o src/agent/coffer-init-whole ", text) is not None
    still = again()
    with open(out + "/src/agent/openssl.digests", "w") as f:
        f.write("of the libssl-dev before\n")
    os.utime(out + "/src/agent/openssl.digests", (1, 1))  # packages bring files with old times
    check("other_openssl_archives_link_the_agent_again_whatever_their_time_and_the_same_do_not", not linked(still) and linked(again()), still)


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
    check_needed(found, tmp)
    check_sbom(image, found)


def check_needed(found, tmp):
    """By readelf, which is not ours: every library that a program or library asks for is there, and each is asked for."""
    asked, there = set(), set()
    for name, (_, _, _, data) in found.items():
        if not data.startswith(b"\x7fELF") or name.endswith(".ko"):
            continue
        with open(tmp + "/elf", "wb") as f:
            f.write(data)
        text = subprocess.run(["readelf", "-d", tmp + "/elf"], capture_output=True, text=True).stdout
        asked |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", text))
        there |= set(re.findall(r"\(SONAME\).*\[(.*)\]", text))
    names = {os.path.basename(n) for n in found}
    check("every_library_that_is_asked_for_is_there_and_no_other", asked <= names and there <= asked and len(asked) >= 12, (asked - names, there - asked))
    check("the_image_has_no_openssl_beside_the_agents", not any(n.startswith(("libssl", "libcrypto")) for n in names), names)


def check_sbom(image, found):
    sbom = json.loads(image["sbom.spdx.json"])
    listed = {f["fileName"][2:]: {c["algorithm"]: c["checksumValue"] for c in f["checksums"]} for f in sbom["files"]}
    want = {n: sha(data) for n, (m, _, _, data) in found.items() if m[0] == "-"}
    want["vmlinuz"], want["firmware.fd"] = sha(image["vmlinuz"]), sha(image["firmware.fd"])
    check("the_sbom_lists_every_file_with_its_digest", {n: c["SHA256"] for n, c in listed.items()} == want)
    lock = [l.split() for l in image["packages.lock"].decode().splitlines() if l[0] != "#"]
    packages = {p["name"]: (p["versionInfo"], p["checksums"][0]["checksumValue"]) for p in sbom["packages"]
                if "checksums" in p and "packageFileName" not in p}
    check("the_sbom_lists_every_package_with_version_and_digest", packages == {n: (v, h) for n, v, _, h in lock} and len(lock) >= 14, packages)
    check_linked(image, sbom)
    owner = {r["relatedSpdxElement"]: r["spdxElementId"] for r in sbom["relationships"] if r["relationshipType"] == "CONTAINS"}
    ids = {f["fileName"]: f["SPDXID"] for f in sbom["files"]}
    idle = {n for n, *_ in lock} - {o.removeprefix("SPDXRef-Package-") for i, o in owner.items() if i.startswith("SPDXRef-File-")}
    check("no_package_is_listed_of_which_nothing_is_used", idle == {"systemd-boot-efi"}, idle)  # the stub is in uki.efi
    check("the_sbom_says_whose_a_file_is", owner[ids["./usr/bin/crun"]] == "SPDXRef-Package-crun" and owner[ids["./init"]] == "SPDXRef-Agent" and
          owner[ids["./vmlinuz"]].startswith("SPDXRef-Package-linux-image-") and owner[ids["./firmware.fd"]] == "SPDXRef-Package-ovmf")


def owners(path):
    """Version of the package that has a file, by the file's list in dpkg's folder and its status file: not as the build asks."""
    for lst in glob.glob("/var/lib/dpkg/info/*.list"):
        with open(lst) as f:
            if path + "\n" in f.read():
                name = os.path.basename(lst)[:-5].partition(":")[0]
                with open("/var/lib/dpkg/status") as s:
                    return name, re.search(rf"^Package: {re.escape(name)}\n(?:.+\n)*?Version: (.+)$", s.read(), re.M).group(1)
    return None


def check_linked(image, sbom):
    """The libraries in the agent, beside this machine's archives of them and beside what OpenSSL says of itself in there."""
    by_id = {p["SPDXID"]: p for p in sbom["packages"]}
    linked = [by_id[r["relatedSpdxElement"]] for r in sbom["relationships"] if r["relationshipType"] == "STATIC_LINK" and r["spdxElementId"] == "SPDXRef-Agent"]
    names = {p["name"]: p for p in linked}
    wrong = []
    for name in ("libssl.a", "libcrypto.a"):
        path = "/usr/lib/x86_64-linux-gnu/" + name
        package, version = owners(path)
        p = names.get(name, {"versionInfo": None, "checksums": [{}], "externalRefs": [{}]})
        with open(path, "rb") as f:
            if p["checksums"][0].get("checksumValue") != sha(f.read()) or p["versionInfo"] != version or \
               p["externalRefs"][0].get("referenceLocator") != f"pkg:deb/debian/{package}@{version.replace('+', '%2B').replace(':', '%3A')}?arch=amd64":
                wrong.append((name, p))
    check("the_sbom_lists_the_libraries_linked_into_the_agent", not wrong and {"Scrt1.o", "libc_nonshared.a"} <= set(names), wrong or names)
    with open(init, "rb") as f:
        said = re.findall(rb"\0(3\.[0-9.]+)\0", f.read())
    version = names["libcrypto.a"]["versionInfo"]
    check("openssl_in_the_agent_says_the_same_version", said and all(version.startswith(v.decode() + "-") for v in said), said)
    check("who_builds_again_is_told_what_with", f"libssl-dev {version}" in json.loads(image["boot-image.json"])["rebuild"])


def relisted(tmp, text):
    """The agent with another list of what is linked in, or none."""
    out = tmp + "/relisted"
    with open(tmp + "/list", "wb") as f:
        f.write(text or b"")
    how = ["--update-section", ".coffer.linked=" + tmp + "/list"] if text else ["-R", ".coffer.linked"]
    subprocess.run(["objcopy", *how, init, out], check=True)
    return out


def check_lists(tmp):
    """What else may stand in an agent as its list: an older library, no list, part of one."""
    lst = subprocess.run(["objcopy", "-O", "binary", "--dump-section", ".coffer.linked=/dev/stdout", init, "/dev/null"], capture_output=True).stdout
    run = lambda text, *more, cache="/dev/null/no": subprocess.run([coffer, "guest", "build", "--agent", relisted(tmp, text), "-o", tmp + "/lists",
                                                                    "--cache", cache, *more], capture_output=True, text=True)
    # No image is made: what is said of the agent is said before packages are brought, and there is no place for them.
    r = run(re.sub(rb"libssl-dev \S+", b"libssl-dev 3.0.1-1", lst))
    now = subprocess.run(["apt-cache", "policy", "libssl-dev"], capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout
    now = re.search(r"Candidate: (\S+)", now).group(1)
    check("an_older_library_in_the_agent_than_apt_has_is_said", "warning: the agent was built with libssl-dev 3.0.1-1, and apt has " + now in r.stderr,
          r.stderr)
    r = run(re.sub(rb"libssl-dev \S+", b"libssl-dev " + now.encode(), lst))
    check("and_not_of_one_that_is_current", "/dev/null/no" in r.stderr and "built with libssl-dev" not in r.stderr, r.stderr)
    r = run(re.sub(rb"libssl-dev \S+", b"libssl-dev 3.0.1-1", lst), "--lock", tmp + "/one/packages.lock")
    check("nor_where_an_image_is_built_again_from_its_list", "/dev/null/no" in r.stderr and "warning" not in r.stderr, r.stderr)
    r = run(None, "--lock", tmp + "/one/packages.lock", cache=cache)
    sbom = files(tmp + "/lists").get("sbom.spdx.json", b"") if r.returncode == 0 else b""
    check("where_an_agent_has_no_list_the_sbom_says_so", {"spdxElementId": "SPDXRef-Agent", "relationshipType": "STATIC_LINK", "relatedSpdxElement": "NOASSERTION"}
          in json.loads(sbom or b'{"relationships": []}')["relationships"], r.stderr)
    r = run(lst[:-3])
    check("a_list_that_is_cut_off_is_refused", r.returncode == 3 and "linked in" in r.stderr, r.stderr)


def check_linked_tool(tmp):
    """tools/linked.py, which makes the list: of what it cannot name it makes none."""
    tool, out = os.path.join(source, "tools/linked.py"), tmp + "/tool.out"
    libs = "/usr/lib/x86_64-linux-gnu/"

    def run(members, *wanted, map_="\n{}\nMemory Configuration\n\nLinker script and memory map\n\nLOAD {}crti.o\nLOAD {}libzstd.a\n"):
        with open(tmp + "/tool.map", "w") as f:
            f.write(map_.format("".join(f"{m}(x.o)\n          y.o (x)\n" for m in members), libs, libs))
        r = subprocess.run([tool, tmp + "/tool.map", out, *wanted], capture_output=True, text=True)
        made = os.path.exists(out)
        lines = open(out).read().splitlines() if made else []
        if made:
            os.unlink(out)
        return r, lines

    strange = tmp + "/libstrange.a"
    open(strange, "wb").close()
    r, lines = run([libs + "libssl.a", "src/crypto/libcrypto.a"], "libssl.a")
    check("what_is_needed_of_packages_is_listed", r.returncode == 0 and [l.split()[0] for l in lines] == ["crti.o", "libssl.a"], r.stderr or lines)
    r, lines = run([libs + "libssl.a", strange])
    check("a_library_of_no_package_stops_the_build", r.returncode == 1 and not lines and strange in r.stderr, r.stderr)
    r, lines = run([libs + "libssl.a"], "libssl.a", "libcrypto.a")
    check("a_library_that_was_not_linked_in_stops_the_build", r.returncode == 1 and not lines and "libcrypto.a" in r.stderr, r.stderr)
    r, lines = run([libs + "libssl.a"], map_="{} {} {}")
    check("another_linkers_map_stops_the_build", r.returncode == 1 and not lines and "map" in r.stderr, r.stderr)


def measure(tmp, *args):
    r = subprocess.run([coffer, "measure", "tpm", "--json", *args], capture_output=True, text=True, cwd=tmp + "/one")
    return json.loads(r.stdout)["registers"] if r.returncode == 0 else r.stderr


def check_draft(image, tmp):
    draft = json.loads(image["boot-image.json"])
    launches = {(l["platform"], l["shape"]): l["registers"] for l in draft["launches"]}
    for mib in (512, 1024, 2047):
        args = ("--kernel", "vmlinuz", "--initrd", "initrd.img", "--cmdline-file", "cmdline", "--memory", str(mib), "--firmware", "firmware.fd")
        want = measure(tmp, *args)
        check(f"registers_of_{mib}_mib_are_those_measured", launches["swtpm", f"qemu, {mib} MiB"] == want and set(want) == {"pcr00", "pcr02", "pcr03", "pcr04", "pcr09"}, want)
        kvm = [measure(tmp, *args, "--vcpus", "2", "--address-bits", "36", "--cpu-maker", maker) for maker in ("amd", "intel", "other")]
        check(f"and_under_kvm_of_{mib}_mib_whoever_made_the_processor", all(launches["swtpm", f"qemu with KVM, {mib} MiB, 36-bit addresses"] == w for w in kvm) and
              kvm[0]["pcr00"] != want["pcr00"] and kvm[0]["pcr04"] == want["pcr04"], kvm)
        want = measure(tmp, "--uki", "uki.efi", "--memory", str(mib), "--firmware", "firmware.fd")
        check(f"registers_of_the_unified_kernel_image_with_{mib}_mib_are_those_measured", launches["swtpm", f"qemu, {mib} MiB, unified kernel image"] == want and
              set(want) == {"pcr00", "pcr02", "pcr03", "pcr04", "pcr09", "pcr11"}, want)
    many = [w for m in range(10) for w in ("--memory", str(512 + m))]
    r = build("-o", tmp + "/many", "--packages", cache, "--lock", tmp + "/one/packages.lock", "--uki", *many)
    check("as_many_sizes_as_may_be_asked_for_fit_in_a_statement", r.returncode == 0 and len(json.loads(files(tmp + "/many")["boot-image.json"])["launches"]) == 32, r.stderr)
    check("a_launch_without_a_register_of_firmware_is_another_machine_s_disk", all({"pcr00", "pcr02"} <= set(r) or s.startswith("disk, ") for (_, s), r in launches.items()))
    check("registers_from_a_disk_too", launches["tpm", "disk, unified kernel image"] == measure(tmp, "--uki", "uki.efi", "--disk"))
    artefacts = {a["name"]: a["sha256"] for a in draft["artefacts"]}
    check("artefacts_are_the_files", artefacts == {n: sha(image[n]) for n in ("firmware.fd", "vmlinuz", "initrd.img", "cmdline", "uki.efi")})
    check("it_says_what_its_agent_enforces", draft["enforces"] == ["manifest", "image-digests", "container-scoping", "leases"] and
          draft["name"] == "coffer-guest")
    head = subprocess.run(["objdump", "-h", tmp + "/one/uki.efi"], capture_output=True, text=True).stdout
    check("others_read_the_unified_kernel_image", all(s in head for s in (".osrel", ".cmdline", ".initrd", ".linux", ".text")), head)


def registers(draft):
    """What was booted by the firmware, which is the same of every image."""
    return {v for l in draft["launches"] for n, v in l["registers"].items() if n not in ("pcr00", "pcr02", "pcr03")}  # of the firmware, and that nothing else ran


def check_firmware(image, tmp):
    """A package of other firmware: of a build whose PCR 0 is not computed, and of none."""
    mine, deb = tmp + "/other", glob.glob(cache + "/ovmf_*.deb")[0]
    name = os.path.basename(deb)
    for what in ("unknown", "none"):
        top = f"{mine}/{what}"
        os.makedirs(top)
        for p in glob.glob(cache + "/*.deb"):
            if os.path.basename(p) != name:
                os.symlink(p, os.path.join(top, os.path.basename(p)))
        subprocess.run(["dpkg-deb", "-R", deb, top + "/in"], check=True)
        fw = top + "/in/usr/share/ovmf/OVMF.fd"
        shutil.copy(top + "/in/usr/share/OVMF/OVMF_CODE_4M.fd", fw)
        if what == "none":
            os.truncate(fw, 4096)
        subprocess.run(["dpkg-deb", "-Znone", "-b", top + "/in", os.path.join(top, name)], check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(top, name), "rb") as f:
            digest = sha(f.read())
        with open(top + "/packages.lock", "w") as f:
            f.write(re.sub(r"^(ovmf \S+ \S+) \S+$", r"\1 " + digest, image["packages.lock"].decode(), flags=re.M))
    r = build("-o", tmp + "/unknown", "--packages", mine + "/unknown")
    draft = json.loads(files(tmp + "/unknown").get("boot-image.json", b'{"launches": []}'))
    check("of_firmware_that_is_not_computed_the_draft_says_nothing_and_that_is_said", r.returncode == 0 and "warning: PCR 0 of this ovmf is not computed" in r.stderr and
          [l["shape"] for l in draft["launches"]] == [f"qemu, {m} MiB" for m in (512, 1024, 2047)] and not any({"pcr00", "pcr02"} & set(l["registers"]) for l in draft["launches"]), r.stderr)
    r = build("-o", tmp + "/none", "--packages", mine + "/none")
    check("a_file_that_is_no_firmware_is_refused", r.returncode == 3 and "firmware: " in r.stderr and not os.path.exists(tmp + "/none"), r.stderr)


def check_debug(image, tmp):
    r = build("-o", tmp + "/debug", "--cache", cache, "--debug", "--memory", "512")
    got = files(tmp + "/debug") if r.returncode == 0 else {}
    draft = json.loads(got.get("boot-image.json", b"{}"))
    plain = json.loads(image["boot-image.json"])
    check("a_debug_image_is_another_measured_thing", r.returncode == 0 and "FOR DEBUGGING" in r.stdout and draft["name"] == "coffer-guest-debug" and
          draft["enforces"] == [] and got["initrd.img"] != image["initrd.img"] and got["cmdline"] != image["cmdline"] and
          not registers(draft) & registers(plain),
          r.stderr)
    check("no_unified_kernel_image_unless_asked", "uki.efi" not in got and len(draft.get("launches", [])) == 2)


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
                       ("without_firmware", "".join(l + "\n" for l in lock.splitlines() if not l.startswith("ovmf "))),
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
    for name, more in (("memory_too_much", ["--memory", "2048"]), ("memory_too_often", [w for m in range(11) for w in ("--memory", str(512 + m))]), ("memory_twice", ["--memory", "512", "--memory", "512"]), ("two_folders", ["--cache", cache])):
        check(f"usage_{name}_exits_2", build(*args, *more).returncode == 2)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        check_agent(tmp)
        check_linked_tool(tmp)
        image = check_reproducible(tmp)
        if image:
            check_content(image, tmp)
            check_draft(image, tmp)
            check_firmware(image, tmp)
            check_debug(image, tmp)
            check_lists(tmp)
            check_refusals(image, tmp)
    print(f"1..{number}")
    return failed > 0


sys.exit(main())
