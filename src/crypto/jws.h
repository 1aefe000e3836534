/* JWS compact form (RFC 7515) with ES256 and EdDSA: tokens of parties and of the service. */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"

struct jws_parts {
	struct span signing_input;   /* "<header>.<payload>", borrowed */
	struct span header, payload; /* decoded, owned by `own` */
	uint8_t     sig[SIG_LEN];
	struct wr   own;
};
void jws_parts_clear(struct jws_parts *p);

/* Splits and decodes; verifies nothing. Signature must be 64 bytes. */
enum coffer_rc jws_split(struct span compact, size_t max_bytes, struct jws_parts *out, struct err *e) NODISCARD;

/* header_json and payload_json are the exact bytes to sign. */
enum coffer_rc jws_sign(
    const struct privkey *k, struct span header_json, struct span payload_json, struct wr *out, struct err *e) NODISCARD;

const char *jws_alg(enum key_kind k); /* "EdDSA" or "ES256" */
