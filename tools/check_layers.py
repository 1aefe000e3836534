#!/usr/bin/python3
"""Fails when a directory includes a directory above it, or a banned function
appears. The table is the architecture; change it in the same commit as the why."""
import pathlib, re, sys

MAY = {  # directory -> directories it may include (itself is implied)
    "base": [],
    "os": ["base"],
    "fmt": ["base"],
    "crypto": ["base", "fmt"],
    "net": ["base", "os", "fmt", "crypto"],
    "policy": ["base", "fmt"],
    "evidence": ["base", "fmt", "crypto", "policy"],
    "attest": ["base", "os", "fmt", "crypto", "evidence", "proto"], # what the agent and the service's own process make evidence with
    "client": ["base", "os", "fmt", "crypto", "net", "trust", "proto", "attest"],
    "image": ["base", "os", "fmt", "crypto", "net"],
    "trust": ["base", "fmt", "crypto", "evidence"],
    "proto": ["base", "os", "fmt", "crypto", "trust"],
    "decide": ["base", "fmt", "crypto", "evidence", "trust", "proto"], # pure: the service decides by it, a receipt replays it
    "judge": ["base", "os", "fmt", "crypto", "policy", "evidence", "proto"], # pure: os for zones
    "replay": ["base", "os", "fmt", "crypto", "evidence", "trust", "proto", "decide", "judge"],
    "cofferd": ["base", "os", "fmt", "crypto", "net", "policy", "evidence", "trust", "proto", "decide", "judge", "attest"], # net: for cofferd-fetch, a client of vendors
    "agent": ["base", "os", "fmt", "crypto", "net", "attest", "client", "policy", "evidence", "image", "trust", "proto"],
    "shim": ["base", "os", "fmt", "proto"],
    "cli": ["base", "os", "fmt", "crypto", "net", "client", "policy", "evidence", "image", "trust", "proto", "decide", "judge", "replay"],
}
ONLY = {"openssl/": "crypto", "seccomp.h": "os", "linux/seccomp.h": "os", "linux/landlock.h": "os",
        "sqlite3.h": "cofferd", "microhttpd.h": "cofferd", "yaml.h": "fmt", "isa-l": "fmt", "libxml/": "evidence", "xmlsec/": "evidence",
        "zstd.h": "fmt"}
BANNED = r"\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol|system|popen|rand|setjmp)\s*\("
MAX_LINES = 1000

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "src")
bad = []
for f in sorted(root.rglob("*.[ch]")):
    mod = f.relative_to(root).parts[0]
    if mod in ("tests", "fuzz", "tools") or f.parent == root or (root / mod / "meson-private").exists():
        continue
    if mod not in MAY:
        bad.append(f"{f}: folder {mod} is not in the table")
        continue
    lines = f.read_text().splitlines()
    if len(lines) > MAX_LINES:
        bad.append(f"{f}: {len(lines)} lines, limit {MAX_LINES}")
    for i, l in enumerate(lines, 1):
        m = re.match(r'\s*#\s*include\s+(["<])([^">]+)', l)
        if m:
            inc = m.group(2)
            top = inc.split("/")[0] if m.group(1) == '"' else ""
            if top in MAY and top != mod and top not in MAY[mod]:
                bad.append(f"{f}:{i}: {mod} may not include {inc}")
            for pat, owner in ONLY.items():
                if inc.startswith(pat) and mod != owner:
                    bad.append(f"{f}:{i}: <{inc}> belongs to {owner}/ only")
        elif re.search(BANNED, l):
            bad.append(f"{f}:{i}: banned call: {l.strip()}")
        elif re.search(r"\bmemcmp\s*\(", l) and "/* public" not in l:
            bad.append(f"{f}:{i}: memcmp: use ct_eq, or mark /* public: why */")
print("\n".join(bad))
sys.exit(bool(bad))
