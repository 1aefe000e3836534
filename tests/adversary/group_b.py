"""B: the workload provider against the image provider, as far as the trust service decides it; the rest is the guest's (tests/e2e)."""
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from stage import *

SBOM = "https://spdx.dev/Document"


def entitled(w, name, change):
    """A workload that owner and provider approve, its images as `change` makes them; its guest."""
    path = "kbs:///hospital/note/" + name
    w.store(path, b"of " + name.encode())
    m, _ = w.workload_of(w.acme, name, [path], ["sample"])
    m = dict(m, containers=[dict(c, image=change(dict(c["image"]))) for c in m["containers"]])
    digest = sha256(jcs(m)).hex()
    w.workload_says(w.acme, m)
    w.ok(w.approval([path], digest, ["sample"]))
    return path, Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid).up()


def newest_release(w):
    path = "/coffer/v0/statements?kind=image-release&issuer=imaker"
    return w.c.call("GET", path).json()["statements"][0]


@row("B20", "provenance or SBOM is missing where the manifest requires it", "R8", "tests/adversary; beside the image, in a registry: tests/e2e/test_keys.py")
def b20(w):
    path, g = entitled(w, "attested", lambda i: dict(i, attestations=[SBOM]))
    denied(w.ask(g, path), "R8")
    old = newest_release(w)
    p = json.loads(base64.b64decode(old["payload"]))["predicate"]
    again = lambda type, serial, before: w.say(
        "image-release", w.imaker, [("registry.example/app", "ab" * 32)],
        dict(p["body"], attestations=[{"type": type, "digest": "cd" * 32}]), serial=serial, previous=before)
    other = w.ok(again("https://slsa.dev/provenance/v1", p["serial"] + 1, payload_id(old)))
    denied(w.ask(g, path), "R8")
    w.ok(again(SBOM, p["serial"] + 2, other))
    w.gets(g, path, b"of attested")


@row("B23", "a manifest chooses a method of verification that the image's release does not offer", "R8")
def b23(w):
    other = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    path, g = entitled(w, "method", lambda i: dict(i, method=dict(i["method"], key=other)))
    denied(w.ask(g, path), "R8")
    w.gets(w.sample().up(), DATA, PATIENTS)
