/* DSSE envelopes: text form <-> parts, and the signature check over the exact payload bytes.
 * https://github.com/secure-systems-lab/dsse v1.0, envelope.md and protocol.md. */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"

#define DSSE_TYPE "application/vnd.in-toto+json"
#define DSSE_PAYLOAD_MAX (256u << 10)
#define DSSE_ENVELOPE_MAX (400u << 10)
#define DSSE_SIGS_MAX 16

struct dsse_sig {
	uint8_t keyid[32]; /* thumbprint of the key that signed */
	uint8_t sig[SIG_LEN];
};

/* What crosses to `keep`: no JSON left around the payload. */
struct dsse {
	struct wr       payload; /* owned */
	struct dsse_sig sigs[DSSE_SIGS_MAX];
	size_t          n_sigs;
};
void dsse_clear(struct dsse *d); /* CLEANUP-ready */

/* form only; no signature at all is a form too */
enum coffer_rc dsse_parse(struct span text, struct dsse *out, struct err *e) NODISCARD;
enum coffer_rc dsse_parse_json(const struct json *v, struct dsse *out, struct err *e) NODISCARD;
void           dsse_write(const struct dsse *d, struct json_wr *j); /* the envelope object */
void           dsse_id(const struct dsse *d, uint8_t out[static 32]);

/* DSSE protocol.md, "Signature definition": what is signed. Appends to out. */
void           dsse_pae(const char *type, struct span payload, struct wr *out);

/* True when the signature that names k verifies under it over PAE(DSSE_TYPE, payload): one verification at most, and none where no signature names it. */
bool           dsse_signed_by(const struct dsse *d, const struct pubkey *k) NODISCARD;
/* Adds a signature (replaces one by the same key). */
enum coffer_rc dsse_sign(struct dsse *d, const struct privkey *k, struct err *e) NODISCARD;
/* Adds one that came from elsewhere, unverified (replaces one with the same keyid). COFFER_E_LIMIT. */
enum coffer_rc dsse_add(struct dsse *d, const struct dsse_sig *sig, struct err *e) NODISCARD;
/* Starts an envelope from payload bytes (copied), unsigned. */
enum coffer_rc dsse_new(struct span payload, struct dsse *out, struct err *e) NODISCARD;
