/* The little of DER that evidence needs: elements, keys, signatures by those keys. Bytes -> spans, without an X.509 library.
 * Certificates are read by cert_parse.h. Spec: X.690, RFC 5280. */
#pragma once
#include "crypto/vkey.h"

/* Where what a signature needs stands in a certificate. */
struct der_cert {
	struct span signed_part;  /* tbsCertificate with its header; all borrowed */
	struct span spki;         /* SubjectPublicKeyInfo with its header */
	struct span extensions;   /* content of the SEQUENCE OF Extension; empty: none */
	struct span signature;    /* content of the BIT STRING */
	struct span algorithm;    /* content of the signature's AlgorithmIdentifier */
};
/* The value (content of its OCTET STRING) of the extension with this OID (encoded, without tag and length); false when absent,
 * there twice or malformed. */
bool der_cert_ext(const struct der_cert *c, struct span oid, struct span *out) NODISCARD;

/* An RSA, P-256 or P-384 key from SubjectPublicKeyInfo. COFFER_E_INPUT for any other. */
enum coffer_rc der_key(struct span spki, struct vkey **out, struct err *e) NODISCARD;
/* That key signed c: ECDSA with SHA-256/384/512, RSASSA-PKCS1-v1_5 with those, RSASSA-PSS with SHA-256/384/512 and a salt of the
 * digest's length, MGF1 with that digest and trailer 1. Any other algorithm is false. */
bool der_cert_signed_by(const struct der_cert *c, const struct vkey *key) NODISCARD;

/* Whether its algorithm is one of those. */
bool der_scheme_known(const struct der_cert *c) NODISCARD;

/* Content of an OBJECT IDENTIFIER in dotted form, into buf; false: no such form, an arc of over 32 bits, or too long. */
#define DER_OID_MAX 32
bool der_oid(const char *dotted, uint8_t buf[static DER_OID_MAX], struct span *out) NODISCARD;

/* Content of the next element with this tag, and on; false when there is another or it is not minimal DER. */
bool der_next(struct span *in, uint8_t tag, struct span *content) NODISCARD;
/* The same, header included. */
bool der_next_whole(struct span *in, uint8_t tag, struct span *whole) NODISCARD;
/* Content of the next element, whatever its tag. */
bool der_any(struct span *in, uint8_t *tag, struct span *content) NODISCARD;
