#!/usr/bin/python3
"""src/trust/ledger against a second reader and writer, written from RFC 6962, the C2SP specifications and docs/protocol/ledger.md
alone: signatures by Python's cryptography module, trees by the recursive definition, tiles by their formula."""
import base64, hashlib, pathlib, struct, subprocess, sys, tempfile
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

tool = sys.argv[1]
b64 = lambda b: base64.b64encode(b).decode()
unb64 = lambda s: base64.b64decode(s, validate=True)
H = lambda b: hashlib.sha256(b).digest()
leaf_hash = lambda e: H(b"\0" + e)


def mth(d):
    if len(d) == 0:
        return H(b"")
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return H(b"\1" + mth(d[:k]) + mth(d[k:]))


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, whole):
    if m == len(d):
        return [] if whole else [mth(d)]
    k = split(len(d))
    return subproof(m, d[:k], whole) + [mth(d[k:])] if m <= k else subproof(m - k, d[k:], False) + [mth(d[:k])]


def key_id(name, alg, pub):
    return H(name.encode() + b"\n" + bytes([alg]) + pub)[:4]


def vkey(name, alg, pub):
    return f"{name}+{key_id(name, alg, pub).hex()}+{b64(bytes([alg]) + pub)}"


def read_vkey(text):
    name, kid, key = text.split("+", 2)
    key = unb64(key)
    assert key_id(name, key[0], key[1:]).hex() == kid and len(key) == 33
    return name, key[0], key[1:]


def read_note(note):
    text, sigs = note.rsplit("\n\n", 1)
    out = []
    for line in sigs.splitlines():
        dash, name, sig = line.split(" ")
        assert dash == "\u2014"
        sig = unb64(sig)
        out.append((name, sig[:4], sig[4:]))
    return text + "\n", out


def signed_by(note, key):
    name, alg, pub = key
    text, sigs = read_note(note)
    for n, kid, sig in sigs:
        if n == name and kid == key_id(name, alg, pub):
            message = text.encode()
            if alg == 4:
                message = b"cosignature/v1\ntime %d\n" % struct.unpack(">Q", sig[:8]) + message
                sig = sig[8:]
            Ed25519PublicKey.from_public_bytes(pub).verify(sig, message)
            return True
    return False


def entries_of(bundle):
    out = []
    while bundle:
        n, = struct.unpack(">H", bundle[:2])
        out.append(bundle[2:2 + n])
        assert len(out[-1]) == n
        bundle = bundle[2 + n:]
    return out


def number(n):
    parts = [f"{n % 1000:03}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03}")
    return "/".join(parts)


def tiles(size):
    """Every file of a log of that size: path -> (level or None for entries, first, count)."""
    out, level = {}, 0
    while size >> 8 * level:
        count = size >> 8 * level
        for n in range((count + 255) // 256):
            width = min(256, count - 256 * n)
            name = number(n) + ("" if width == 256 else f".p/{width}")
            out[f"tile/{level}/{name}"] = (level, 256 * n, width)
            if level == 0:
                out[f"tile/entries/{name}"] = (None, 256 * n, width)
        level += 1
    return out


def check_log(d, size):
    entries = []
    files = tiles(size)
    have = {str(p.relative_to(d)) for p in (d / "tile").rglob("*") if p.is_file()} if size else set()
    assert have == set(files), "which files there are"
    for name, (level, first, count) in files.items():
        if level is None:
            got = entries_of((d / name).read_bytes())
            assert first == len(entries) and len(got) == count
            entries += got
    leaves = [leaf_hash(e) for e in entries]
    assert len(leaves) == size
    for name, (level, first, count) in files.items():
        if level is not None:
            span = 256 ** level
            want = [mth(leaves[i * span:(i + 1) * span]) for i in range(first, first + count)]
            assert (d / name).read_bytes() == b"".join(want), name
    note = (d / "checkpoint").read_text()
    origin, n, root = read_note(note)[0].splitlines()
    assert (origin, int(n), unb64(root)) == ("log.example/one", size, mth(leaves))
    keys = [read_vkey(l) for l in (d / "keys").read_text().splitlines()]
    assert [k[1] for k in keys] == [1, 4, 4] and all(signed_by(note, k) for k in keys)
    front = struct.pack(">Q", size)
    done = 0
    for l in range(62, -1, -1):
        if size >> l & 1:
            front += mth(leaves[done:done + (1 << l)])
            done += 1 << l
    assert (d / "frontier").read_bytes() == front
    for p in (d / "inclusion").glob("*") if size else []:
        i = int(p.name)
        want = "c2sp.org/tlog-proof@v1\n" + (f"extra {b64(b'extra')}\n" if i else "") + f"index {i}\n"
        want += "".join(b64(h) + "\n" for h in path(i, leaves)) + "\n" + note
        assert p.read_text() == want, p
        assert (d / "consistency" / p.name).read_bytes() == (b"".join(subproof(i, leaves, True)) if i else b"")


def check_map(d):
    entry = lambda i: f"entry {i}{'.' * (i % 30)}".encode()
    keys = [leaf_hash(entry(i)) for i in range(121)]
    content = {keys[i]: keys[i + 1] for i in range(100)}
    mleaf = lambda k, v: H(b"coffer map leaf v1\0" + k + v)
    mnode = lambda l, r: H(b"coffer map node v1\0" + l + r)
    bit = lambda k, i: k[i // 8] >> (7 - i % 8) & 1
    none = bytes(32)

    def root(m, depth):
        if len(m) < 2:
            return mleaf(*next(iter(m.items()))) if m else none
        return mnode(*(root({k: v for k, v in m.items() if bit(k, depth) == side}, depth + 1) for side in (0, 1)))

    top = (d / "map/root").read_bytes()
    assert top == root(content, 0)
    for i in range(120):
        p = (d / f"map/{i}").read_bytes()
        end, depth = struct.unpack(">BH", p[:3])
        at = 3 + (depth + 7) // 8
        bits, sib = p[3:at], []
        for j in range(depth):
            there = bits[j // 8] >> (7 - j % 8) & 1
            sib.append(p[at:at + 32] if there else none)
            at += 32 * there
        k = keys[i]
        if end == 1:
            h = mleaf(k, p[at:])
            assert p[at:] == content[k]
        elif end == 2:
            other = p[at:at + 32]
            assert other != k and all(bit(other, j) == bit(k, j) for j in range(depth))
            h = mleaf(other, p[at + 32:])
        else:
            assert end == 0 and at == len(p)
            h = none
        for j in range(depth - 1, -1, -1):
            h = mnode(sib[j], h) if bit(k, j) else mnode(h, sib[j])
        assert h == top and (end == 1) == (i < 100)


# ---- our own writer, read by the program ----

class Signer:
    def __init__(self, name, alg):
        self.name, self.alg, self.key = name, alg, Ed25519PrivateKey.generate()
        self.pub = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def line(self, text, time=1700000000, sign=None):
        message = (sign or text).encode()
        if self.alg == 4:
            sig = struct.pack(">Q", time) + self.key.sign(b"cosignature/v1\ntime %d\n" % time + message)
        else:
            sig = self.key.sign(message)
        return f"\u2014 {self.name} {b64(key_id(self.name, self.alg, self.pub) + sig)}\n"


def ask(d, proof, leaf, keys):
    (d / "proof").write_text(proof)
    (d / "leaf").write_bytes(leaf)
    (d / "keys").write_text("".join(vkey(k.name, k.alg, k.pub) + "\n" for k in keys))
    return subprocess.run([tool, "read", d], check=True, capture_output=True, text=True).stdout.strip()


def check_reader(d):
    log, w1, w2 = Signer("b\u00fccher.example/log", 1), Signer("w1.example", 4), Signer("w2.example", 4)
    keys = [log, w1, w2]
    entries = [bytes([i]) * i for i in range(77)]
    leaves = [leaf_hash(e) for e in entries]
    text = f"{log.name}\n77\n{b64(mth(leaves))}\nan extension\n"
    note = text + "\n" + "\u2014 stranger.example AAAAAAAA\n" + log.line(text) + w1.line(text) + w2.line(text, 2 ** 63 - 1)
    proof = lambda i, n: f"c2sp.org/tlog-proof@v1\nindex {i}\n" + "".join(b64(h) + "\n" for h in path(i, leaves)) + "\n" + n
    for i in (0, 1, 31, 63, 64, 75, 76):
        assert ask(d, proof(i, note), entries[i], keys) == "ok", i
    assert ask(d, proof(5, note), entries[6], keys) == "ledger-inclusion"
    assert ask(d, proof(5, text + "\n" + log.line(text) + w1.line(text) * 2), entries[5], keys) == "ledger-witness"
    assert ask(d, proof(5, text + "\n" + w1.line(text) + w2.line(text)), entries[5], keys) == "ledger-signature"
    false = text + "\n" + log.line(text) + w1.line(text) + w2.line(text, sign="x\n")
    assert ask(d, proof(5, false), entries[5], keys) == "ledger-cosignature"
    other = text.replace("log\n", "gol\n", 1)
    assert ask(d, proof(5, other + "\n" + log.line(other) + w1.line(other) + w2.line(other)), entries[5], keys) == "ledger-origin"
    assert ask(d, proof(5, note)[:-1], entries[5], keys) == "form"
    assert ask(d, proof(5, note).replace("index 5", "index 05"), entries[5], keys) == "form"


def main():
    sizes = [0, 1, 2, 3, 255, 256, 257, 1000, 66000]
    print(f"1..{len(sizes) + 2}")
    cases = [(f"log_of_{n}_entries_is_what_the_definitions_say", lambda d, n=n: check_log(d, n), n) for n in sizes]
    cases += [("map_and_its_proofs_are_what_the_definition_says", check_map, 0)]
    cases += [("reader_takes_and_refuses_another_writers_proofs", check_reader, None)]
    bad = False
    for at, (name, fn, size) in enumerate(cases, 1):
        with tempfile.TemporaryDirectory() as tmp:
            d = pathlib.Path(tmp)
            try:
                if size is not None:
                    subprocess.run([tool, "write", d, str(size)], check=True)
                fn(d)
                print(f"ok {at} {name}")
            except (AssertionError, ValueError, InvalidSignature, OSError, subprocess.CalledProcessError) as e:
                bad = True
                where = e.__traceback__.tb_next or e.__traceback__
                print(f"not ok {at} {name}\n# {type(e).__name__} {e}, line {where.tb_lineno}")
    return bad


sys.exit(main())
