"""SEV-SNP reports made on the spot: an ASK, a VCEK for one chip and firmware, and a report, by keys made here."""
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

AMD = "1.3.6.1.4.1.3704.1."
TCB = bytes([4, 0, 0, 0, 0, 0, 24, 219])


def _name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def _cert(cn, key, issuer_cn, issuer_key, ca, ext=()):
    b = (x509.CertificateBuilder().subject_name(_name(cn)).issuer_name(_name(issuer_cn)).public_key(key.public_key())
         .serial_number(x509.random_serial_number()).not_valid_before(datetime.datetime(2020, 1, 1))
         .not_valid_after(datetime.datetime(2049, 1, 1)))
    if ca:
        b = b.add_extension(x509.BasicConstraints(True, None), critical=True)
    for oid, value in ext:
        b = b.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(AMD + oid), value), critical=False)
    return b.sign(issuer_key, hashes.SHA384())


def _small(v):
    return bytes([2, 1, v]) if v < 128 else bytes([2, 2, 0, v])


class Chip:
    def __init__(self, chip=0xC1, like=None):
        """like: another chip, of the same maker."""
        self.ask, self.vcek = like.ask if like else ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
        self.id = bytes([chip]) * 64
        self.root = _cert("SEV-Milan", self.ask, "SEV-Milan", self.ask, True).public_bytes(serialization.Encoding.DER)
        ext = [("3.1", _small(TCB[0])), ("3.2", _small(TCB[1])), ("3.3", _small(TCB[6])), ("3.8", _small(TCB[7])), ("4", self.id)]
        self.cert = _cert("SEV-VCEK", self.vcek, "SEV-Milan", self.ask, False, ext).public_bytes(serialization.Encoding.DER)
        self.measurement, self.policy = b"\x3e" * 48, 0x3001F

    def report(self, report_data, host_data):
        b = bytearray(1184)

        def put(at, v):
            b[at:at + len(v)] = v
        put(0, (3).to_bytes(4, "little"))
        put(8, self.policy.to_bytes(8, "little"))
        put(0x34, (1).to_bytes(4, "little"))
        put(0x50, report_data)
        put(0x90, self.measurement)
        put(0xC0, host_data)
        for at in (0x38, 0x180, 0x1E0, 0x1F0):
            put(at, TCB)
        put(0x188, b"\x19\x01")
        put(0x1A0, self.id)
        r, s = decode_dss_signature(self.vcek.sign(bytes(b[:0x2A0]), ec.ECDSA(hashes.SHA384())))
        put(0x2A0, r.to_bytes(72, "little"))
        put(0x2A0 + 72, s.to_bytes(72, "little"))
        return bytes(b)

    def evidence(self, report_data, host_data, with_cert=True):
        """As upstream's attester writes it."""
        b = self.report(report_data, host_data)

        def num(at, n):
            return int.from_bytes(b[at:at + n], "little")

        def tcb(at):
            return {"fmc": None, "bootloader": b[at], "tee": b[at + 1], "snp": b[at + 6], "microcode": b[at + 7]}

        def build(at):
            return {"build": b[at], "minor": b[at + 1], "major": b[at + 2]}

        def octets(at, n):
            return list(b[at:at + n])
        report = {"version": num(0, 4), "guest_svn": num(4, 4), "policy": num(8, 8), "family_id": octets(0x10, 16), "image_id": octets(0x20, 16),
                  "vmpl": num(0x30, 4), "sig_algo": num(0x34, 4), "current_tcb": tcb(0x38), "plat_info": num(0x40, 8), "key_info": num(0x48, 4),
                  "report_data": octets(0x50, 64), "measurement": octets(0x90, 48), "host_data": octets(0xC0, 32),
                  "id_key_digest": octets(0xE0, 48), "author_key_digest": octets(0x110, 48), "report_id": octets(0x140, 32),
                  "report_id_ma": octets(0x160, 32), "reported_tcb": tcb(0x180), "cpuid_fam_id": b[0x188], "cpuid_mod_id": b[0x189],
                  "cpuid_step": b[0x18A], "chip_id": octets(0x1A0, 64), "committed_tcb": tcb(0x1E0), "current": build(0x1E8),
                  "committed": build(0x1EC), "launch_tcb": tcb(0x1F0), "signature": {"r": octets(0x2A0, 72), "s": octets(0x2A0 + 72, 72)}}
        return {"attestation_report": report, "cert_chain": [{"cert_type": "VCEK", "data": list(self.cert)}] if with_cert else None}

    def store(self, folder):
        """The VCEK as upstream's offline store keeps it."""
        import os
        d = "%s/vcek/%s" % (folder, self.id.hex())
        os.makedirs(d, exist_ok=True)
        with open("%s/bl%02d_tee%02d_snp%02d_ucode%02d_vcek.der" % (d, TCB[0], TCB[1], TCB[6], TCB[7]), "wb") as f:
            f.write(self.cert)
