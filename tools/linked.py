#!/usr/bin/python3
"""linked.py MAP OUT FILE...: from a linker's map, what a program has in it that was not built here: a line "file package version architecture
sha256" for each archive and object, sorted; the digest is the file's. Fails when one of them is of no Debian package, or FILE is not among them."""
import hashlib, os, re, subprocess, sys


def files(text):
    """Objects that are always linked, and archives of which a member was needed. Names of our own are relative to the build folder."""
    if "\nMemory Configuration\n" not in text or "\nLinker script and memory map\n" not in text:
        sys.exit("linked.py: not a map of GNU ld")
    found = set(re.findall(r"^LOAD (/\S+\.o)$", text, re.M))
    needed = text.split("\nMemory Configuration\n")[0].split("\nDiscarded input sections\n")[0].split("\nAs-needed library included")[0]
    return found | set(re.findall(r"^(/\S+\.a)\(\S+\)", needed, re.M))


def dpkg(*words):
    return subprocess.run(["dpkg-query", *words], capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout


def line(path):
    owner = dpkg("-S", path).partition(": ")[0]
    words = dpkg("-W", "-f", "${Package} ${Version} ${Architecture}", owner).split() if owner else []
    if len(words) != 3:
        sys.exit(f"linked.py: {path} is linked into the guest's agent and of no Debian package, so that an image's SBOM could not name it; link the packaged one")
    with open(path, "rb") as f:
        return " ".join([os.path.basename(path), *words, hashlib.sha256(f.read()).hexdigest()]) + "\n"


def main(map_, out, *wanted):
    with open(map_) as f:
        paths = {os.path.realpath(p) for p in files(f.read())}
    for w in wanted:
        if w not in map(os.path.basename, paths):
            sys.exit(f"linked.py: {w} was not linked in; is its -dev package installed whole?")
    with open(out, "w") as f:
        f.writelines(sorted(map(line, paths)))


main(*sys.argv[1:])
