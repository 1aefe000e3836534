"""What parties, guests and upstream clients do, written a second time and apart from Coffer's own code:
DSSE statements, party tokens, JWE, the KBS exchange. Debian's Python and its cryptography module."""
import base64, hashlib, http.client, json, os, secrets, socket, ssl, struct, time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap


def b64u(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def unb64u(s):
    return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))


def b64(b):
    return base64.b64encode(b).decode()


def sha256(b):
    return hashlib.sha256(b).digest()


def jcs(v):
    return json.dumps(v, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def when(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


class Key:
    def __init__(self, kind="EdDSA"):
        self.kind = kind
        self.k = ed25519.Ed25519PrivateKey.generate() if kind == "EdDSA" else ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        if self.kind == "EdDSA":
            raw = self.k.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            return {"crv": "Ed25519", "kty": "OKP", "x": b64u(raw)}
        n = self.k.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": b64u(n.x.to_bytes(32, "big")), "y": b64u(n.y.to_bytes(32, "big"))}

    def kid(self):
        return b64u(sha256(jcs(self.jwk())))

    def sign(self, msg):
        if self.kind == "EdDSA":
            return self.k.sign(msg)
        r, s = utils.decode_dss_signature(self.k.sign(msg, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def ec_public(jwk):
    n = ec.EllipticCurvePublicNumbers(int.from_bytes(unb64u(jwk["x"]), "big"), int.from_bytes(unb64u(jwk["y"]), "big"), ec.SECP256R1())
    return n.public_key()


def es256_ok(jwk, msg, sig):
    try:
        der = utils.encode_dss_signature(int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:], "big"))
        ec_public(jwk).verify(der, msg, ec.ECDSA(hashes.SHA256()))
        return len(sig) == 64
    except Exception:
        return False


# ---- JWE: ECDH-ES+A256KW, A256GCM ----

def kek_of(z):
    alg = b"ECDH-ES+A256KW"
    return sha256(struct.pack(">I", 1) + z + struct.pack(">I", len(alg)) + alg + struct.pack(">III", 0, 0, 256))


def jwe_seal(jwk, plain):
    eph, cek, iv = Key("ES256"), secrets.token_bytes(32), secrets.token_bytes(12)
    head = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "epk": eph.jwk()}
    protected = b64u(json.dumps(head, separators=(",", ":")).encode())
    ct = AESGCM(cek).encrypt(iv, plain, protected.encode())
    wrapped = aes_key_wrap(kek_of(eph.k.exchange(ec.ECDH(), ec_public(jwk))), cek)
    return {"protected": protected, "encrypted_key": b64u(wrapped), "iv": b64u(iv), "ciphertext": b64u(ct[:-16]), "tag": b64u(ct[-16:])}


def jwe_open(key, jwe):
    head = json.loads(unb64u(jwe["protected"]))
    assert head["alg"] == "ECDH-ES+A256KW" and head["enc"] == "A256GCM"
    # upstream's guest writes the header again and takes that as AAD: it must come out the same
    again = b64u(json.dumps({"alg": head["alg"], "enc": head["enc"], "epk": dict(sorted(head["epk"].items()))}, separators=(",", ":")).encode())
    assert again == jwe["protected"], "protected header is not in upstream's form"
    cek = aes_key_unwrap(kek_of(key.k.exchange(ec.ECDH(), ec_public(head["epk"]))), unb64u(jwe["encrypted_key"]))
    return AESGCM(cek).decrypt(unb64u(jwe["iv"]), unb64u(jwe["ciphertext"]) + unb64u(jwe["tag"]), jwe["protected"].encode())


# ---- statements ----

TYPE = "application/vnd.in-toto+json"


def envelope(payload, keys):
    pae = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)
    return {"payloadType": TYPE, "payload": b64(payload),
            "signatures": [{"keyid": k.kid(), "sig": b64(k.sign(pae))} for k in keys]}


def payload_id(env):
    return hashlib.sha256(base64.b64decode(env["payload"])).hexdigest()


class Party:
    def __init__(self, name, personas, kind="EdDSA"):
        self.name, self.personas, self.key, self.recovery, self.box = name, personas, Key(kind), Key(), Key("ES256")
        self.serials = {}

    def body(self):
        return {"id": self.name, "personas": self.personas, "keys": [self.key.jwk()], "encryption": self.box.jwk(),
                "recovery": [self.recovery.jwk()], "recovery-quorum": 1, "hold-hours": 72}

    def token(self, method, path, body=b"", change=None):
        now = int(time.time())
        p = {"iss": self.name, "iat": now, "exp": now + 240, "method": method, "path": path,
             "body": sha256(body).hex(), "jti": secrets.token_hex(16)}
        p.update(change or {})
        head = {"alg": self.key.kind, "kid": self.key.kid(), "typ": "JWT"}
        signing = b64u(jcs(head)) + "." + b64u(jcs(p))
        return signing + "." + b64u(self.key.sign(signing.encode()))


def statement(kind, issuer, subjects, body, ledger=None, serial=1, previous=None, keys=None, life=86400):
    now = int(time.time())
    pred = {"issuer": issuer if isinstance(issuer, str) else issuer.name, "issued": when(now - 5), "expires": when(now + life),
            "serial": serial, "body": body}
    if ledger:
        pred["ledger"] = ledger
    if previous:
        pred["previous"] = previous
    subject = [{"name": n, "digest": {"sha256": d if d else sha256(n.encode()).hex()}} for n, d in subjects]
    v = {"_type": "https://in-toto.io/Statement/v1", "subject": subject,
         "predicateType": "urn:coffer:statement:%s:v1" % kind, "predicate": pred}
    return envelope(jcs(v), keys or [issuer.key])


def genesis(origin, ledger_key, parties):
    body = {"origin": origin, "ledger-key": ledger_key, "parties": [p.body() for p in parties], "witnesses": [], "cosignatures": 0, "policies": {}}
    return statement("genesis", "genesis", [(origin, None)], body, keys=[p.key for p in parties], life=10 * 365 * 86400)


# Names the platform sample, as an owner must whose asset is to be released there.
SAMPLE_POLICY = 'package policy\nallow if input.submods.cpu0["ear.veraison.annotated-evidence"].sample\n'


def asset(owner, path, content, receive, ledger, version=1, previous=None, kind="data", policy=SAMPLE_POLICY, of=None):
    salt = secrets.token_bytes(32)
    body = {"path": path, "type": kind, "version": version, "k": 1, "of": of or [owner.name], "least-action": "stop"}
    if policy:
        body["policy"] = {"rego": policy}
    env = statement("asset", owner, [(path, sha256(salt + content).hex())], body, ledger, version, previous)
    return {"statement": env, "sealed": jwe_seal(receive, salt + content)}


def render(manifest, url):
    aa = '[token_configs.kbs]\nurl = %s\n' % json.dumps(url)
    return ('version = "0.1.0"\nalgorithm = "sha256"\n\n[data]\n"aa.toml" = %s\n"coffer.json" = %s\n'
            % (json.dumps(aa), json.dumps(jcs(manifest).decode()))).encode()


# ---- HTTP ----

class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Client:
    def __init__(self, address):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.ctx = ssl.create_default_context()
        self.ctx.check_hostname = False
        self.ctx.verify_mode = ssl.CERT_NONE
        self.cookie = None

    def call(self, method, path, body=None, bearer=None, cookie=None, headers=None, wait=20):
        c = http.client.HTTPSConnection(self.host, self.port, context=self.ctx, timeout=wait)
        h = dict(headers or {})
        if bearer:
            h["Authorization"] = "Bearer " + bearer
        if cookie:
            h["Cookie"] = "kbs-session-id=" + cookie
        c.request(method, path, body, h)
        r = c.getresponse()
        out = Reply(r.status, r.headers, r.read())
        c.close()
        return out

    def raw(self):
        return self.ctx.wrap_socket(socket.create_connection((self.host, self.port), 20))

    def spki(self):
        from cryptography import x509
        s = self.raw()
        assert s.version() == "TLSv1.3"
        cert = x509.load_der_x509_certificate(s.getpeercert(True))
        s.close()
        return sha256(cert.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hex()


# ---- guests ----

class Guest:
    """agent=False: as upstream's kbs-client. agent=True: with Coffer's members and signed requests."""

    def __init__(self, client, initdata=b"", agent=False, genesis=None, tee="sample"):
        self.c, self.initdata, self.agent, self.genesis = client, initdata, agent, genesis
        self.tee, self.req, self.counter = Key("ES256"), Key("ES256"), 0
        self.platform, self.bindings = tee, []  # ids of binding statements

    def pubkey(self):
        k = dict(self.tee.jwk(), alg="ECDH-ES+A256KW")
        if self.agent:
            q = self.req.jwk()
            k.update({"coffer-genesis": self.genesis, "coffer-purpose": "attest", "coffer-request-key": b64u(unb64u(q["x"]) + unb64u(q["y"]))})
            if self.bindings:
                k["coffer-bindings"] = ",".join(self.bindings)
        return k

    def auth(self, version="0.4.0"):
        r = self.c.call("POST", "/kbs/v0/auth", json.dumps({"version": version, "tee": self.platform,
                        "extra-params": {"supported-hash-algorithms": ["sha256", "sha384", "sha512", "sm3"]}}))
        if r.status == 200:
            self.cookie = r.headers["Set-Cookie"].split(";")[0].split("=")[1]
            self.nonce = r.json()["nonce"]
        return r

    def evidence(self, nonce, additional=""):
        digest = hashlib.sha384(jcs({"additional-evidence": additional, "nonce": nonce, "tee-pubkey": self.pubkey()})).digest()
        ev = {"svn": "1", "report_data": b64(digest)}
        if self.initdata:
            ev["init_data"] = sha256(self.initdata).hex()
        return ev

    def attest(self, nonce=None, cookie=None, evidence=None, body=None):
        n = nonce or self.nonce
        v = {"init-data": {"format": "toml", "body": self.initdata.decode()} if self.initdata else None,
             "runtime-data": {"nonce": n, "tee-pubkey": self.pubkey()},
             "tee-evidence": {"primary_evidence": evidence or self.evidence(n), "additional_evidence": ""}}
        r = self.c.call("POST", "/kbs/v0/attest", body if body is not None else json.dumps(v), cookie=cookie or self.cookie)
        if r.status == 200:
            self.token = r.json()["token"]
        return r

    def up(self):
        assert self.auth().status == 200
        r = self.attest()
        assert r.status == 200, r.body
        return self

    def signed_headers(self, path, container, purpose, version=0, counter=None):
        self.counter += 1
        c = container.encode()
        p = purpose.encode()
        req = b"CRQ1" + struct.pack(">QQB", version, self.counter if counter is None else counter, len(c)) + c + bytes([len(p)]) + p
        msg = b"coffer request v1\0" + struct.pack(">I", len(path)) + path.encode() + req + bytes.fromhex(self.cookie)
        return {"Coffer-Request": b64u(req), "Coffer-Signature": b64u(self.req.sign(msg))}

    def get(self, path, how="cookie", headers=None):
        return self.c.call("GET", "/kbs/v0/resource/" + path, cookie=self.cookie if how == "cookie" else None,
                           bearer=self.token if how == "bearer" else None, headers=headers)

    def question(self, items, counter=None, nonce=None):
        """Whether it may keep these: (asset statement's id, path, container, purpose) each."""
        self.counter += 1
        lp = lambda s: struct.pack(">I", len(s)) + s.encode()
        q = b"CFQ1" + (nonce or secrets.token_bytes(32)) + struct.pack(">QB", self.counter if counter is None else counter, len(items))
        return q + b"".join(bytes.fromhex(i) + lp(p) + lp(c) + lp(u) for i, p, c, u in items)

    def asks(self, q, key=None, cookie=None):
        said = b"coffer freshness v1\0" + struct.pack(">I", len(q)) + q + bytes.fromhex(self.cookie)
        return self.c.call("POST", "/coffer/v0/freshness", q + (key or self.req).sign(said), cookie=cookie or self.cookie)

    def answer(self, q, r, reply):
        """The statuses and checks of an answer that is believed."""
        a, sig = r.body[:-64], r.body[-64:]
        assert es256_ok(reply, b"coffer freshness answer v1\0" + struct.pack(">I", len(a)) + a, sig)
        assert a[:4] == b"CFA1" and a[4:36] == unb64u(self.tee.kid()) and a[36:68] == q[4:36] and a[68:100] == sha256(q)
        at, out = 149, []
        for _ in range(a[148]):
            n = struct.unpack(">I", a[at + 1:at + 5])[0]
            out.append((a[at], a[at + 5:at + 5 + n].decode()))
            at += 5 + n + 16
        assert at == len(a)
        return out

    def open(self, r):
        return jwe_open(self.tee, r.json())
