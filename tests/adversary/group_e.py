"""Scenarios E: who gets what of whom, and in whose company."""
from stage import *

LEFT, RIGHT = "kbs:///hospital/note/left", "kbs:///mallory/note/right"


def bound(w, party, workload, slot, path, name="east", **more):
    return w.say("binding", party, [("workload:%s/%s" % (workload, name), None)],
                 {"workload": workload, "name": name, "slots": [{"slot": slot, "asset": path}]}, **more)


def consent(w, party, path, workload, slots, beside=(), **more):
    body = {"assets": [path], "workload": workload, "platforms": ["sample"], "services": [w.service_id], "until": when(int(time.time()) + 3600),
            "shown": "cd" * 32, "slots": slots}
    if beside:
        body["beside"] = list(beside)
    return w.say("approval", party, [(path, None), ("workload:" + workload, None)], body, **more)


@row("E11", "one workload with slots for two owners: another's asset bound, a slot not approved, a pair that one of them did not approve, a binding "
     "swapped or added by the host, one slot filled twice, a binding taken back", "kind R0 R7 R9 R11 policy", "tests/adversary; how a binding gets into a VM: tests/e2e/test_guest_store.py")
def e11(w):
    w.store(LEFT, b"left of the hospital")
    a = asset(w.mallory, RIGHT, b"right of mallory", w.service["receive"], w.gid, policy=SAMPLE_POLICY)
    assert w.put_raw(w.mallory, RIGHT, json.dumps(a).encode()).status == 200
    m = dict(w.manifest([]), name="pairs", platforms=["sample"], slots=[{"name": n, "type": "api"} for n in ("left", "right")])
    m["containers"][0]["entitlements"] = [{"slot": n, "purpose": "api"} for n in ("left", "right")]
    digest = sha256(jcs(m)).hex()
    w.workload_says(w.acme, m)

    def guest(*bindings):
        g = Guest(w.c, render(m, m["service"]["url"]), agent=True, genesis=w.gid)
        g.bindings = [payload_id(b) for b in bindings]
        return g.up()

    not_logged(w.publish(bound(w, w.mallory, digest, "right", LEFT)), "kind")            # mallory binds the hospital's
    mine, theirs = bound(w, w.hospital, digest, "left", LEFT), bound(w, w.mallory, digest, "right", RIGHT)
    denied(w.ask(guest(mine), LEFT), "policy")                                           # named, but nobody logged it
    w.ok(mine)
    w.ok(theirs)
    denied(w.ask(guest(mine), LEFT), "R0")                                               # bound, but not approved
    alone = consent(w, w.hospital, LEFT, digest, ["right"])
    w.ok(alone)
    denied(w.ask(guest(mine), LEFT), "R9")                                               # for another slot
    alone2 = consent(w, w.hospital, LEFT, digest, ["left"], serial=2, previous=payload_id(alone))
    w.ok(alone2)
    w.gets(guest(mine), LEFT, b"left of the hospital")                                   # the proper action: alone
    denied(w.ask(guest(), LEFT), "policy")                                               # the host leaves the binding out
    first = consent(w, w.mallory, RIGHT, digest, ["right"], [LEFT])
    w.ok(first)
    pair = guest(mine, theirs)
    denied(w.ask(pair, LEFT), "R9")                                                      # mallory approved the pair, the hospital did not
    w.gets(pair, RIGHT, b"right of mallory")
    w.ok(consent(w, w.hospital, LEFT, digest, ["left"], [RIGHT], serial=3, previous=payload_id(alone2)))
    w.gets(pair, LEFT, b"left of the hospital")                                          # both did
    again = bound(w, w.mallory, digest, "left", RIGHT, name="west")
    w.ok(again)
    denied(w.ask(guest(mine, again), LEFT), "R7")                                        # mallory fills the hospital's slot too
    late = bound(w, w.mallory, digest, "right", RIGHT, name="late")
    denied(w.ask(guest(mine, late), LEFT), "R7")                                         # logged only after the other asset is there
    assert w.held(pair, a["statement"], RIGHT) == (1, "")
    w.ok(w.revoke(w.mallory, payload_id(theirs)))
    denied(w.ask(pair, RIGHT), "R11")
    assert w.held(pair, a["statement"], RIGHT) == (2, "R11")
