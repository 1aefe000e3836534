/* JWE, flattened JSON form (RFC 7516), the profile of the KBS protocol:
 * A256GCM content, key by ECDH-ES+A256KW on P-256 (empty apu, apv) or RSA-OAEP-256.
 * AAD is the received `protected` string itself.
 */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"

/* The parts, decoded. Spans borrow the text or the document they came from. */
struct jwe_parts {
	struct span   protected_b64; /* AAD */
	bool          has_epk;
	struct pubkey epk;           /* ECDH-ES only */
	struct span   encrypted_key, ciphertext; /* raw bytes, owned by `own` */
	uint8_t       iv[12], tag[16];
	struct wr     own;           /* private: storage of the decoded members */
};
void jwe_parts_clear(struct jwe_parts *p); /* CLEANUP-ready */

/* Form only: decodes and checks alg/enc against the profile ("crit", "zip" refused). */
enum coffer_rc jwe_parse(const struct json *v, struct jwe_parts *out, struct err *e) NODISCARD;

/* `extra` is NULL or further protected members, already as JSON text without braces,
 * e.g. "\"cty\":\"x\"" (sorted, after alg, enc, epk). Writes the flattened JSON object. */
enum coffer_rc jwe_seal(const struct pubkey *to, struct span plain, const char *extra, struct wr *out, struct err *e) NODISCARD;
/* n and e big endian as in the JWK. RSA-OAEP-256; modulus 2048..4096 bits. */
enum coffer_rc jwe_seal_rsa(struct span n, struct span e_, struct span plain, struct wr *out, struct err *e) NODISCARD;

/* plain gets the content; any failure is COFFER_E_DENIED (check "seal") or COFFER_E_INPUT, with plain untouched. */
enum coffer_rc jwe_open(const struct privkey *k, const struct jwe_parts *p, struct secret *plain, struct err *e) NODISCARD;
/* k_pem: RSA private key PEM (for ocicrypt and tests). sha1: OAEP with SHA-1 as Go's ocicrypt writes it. */
enum coffer_rc jwe_open_rsa(
    struct span k_pem, struct span pass, const struct jwe_parts *p, bool sha1, struct secret *plain, struct err *e) NODISCARD;

/* The key step alone, for `keep`, which parses no JSON of strangers: derives the
 * content key from epk, unwraps it and opens the content. */
enum coffer_rc jwe_open_raw(const struct privkey *k, const struct pubkey *epk, struct span encrypted_key,
    const uint8_t iv[static 12], struct span aad, struct span ciphertext, const uint8_t tag[static 16],
    struct secret *plain, struct err *e) NODISCARD;
