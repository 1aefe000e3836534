/* The attested key set: the string members of tee-pubkey, and the key that replies are sealed to. */
#pragma once
#include "proto/keep.h"

#define MEMBER_BYTES_MAX 2600 /* names and values of all members together */
#define RSA_BYTES_MAX 512     /* modulus of 4096 bits */

/* An owned copy of the members. */
struct member_set {
	struct keep_member *member; /* owned: one block with the bytes that its spans mean */
	size_t              n;
};
void members_clear(struct member_set *m); /* CLEANUP-ready */

/* COFFER_E_INPUT unless names are printable ASCII, sorted and unique; COFFER_E_LIMIT above the bounds. */
enum coffer_rc members_copy(const struct keep_member *m, size_t n, struct member_set *out, struct err *e) NODISCARD;
struct span    members_get(const struct member_set *m, const char *name); /* {NULL,0} if none */

struct tee_key {
	bool          rsa;
	struct pubkey ec;
	uint8_t       n[RSA_BYTES_MAX], e[8];
	size_t        n_len, e_len;
	uint8_t       thumb[32]; /* RFC 7638 */
};
/* kty EC with crv P-256 and alg ECDH-ES+A256KW, or RSA of 2048 to 4096 bits with RSA-OAEP-256. COFFER_E_INPUT otherwise. */
enum coffer_rc tee_key_read(const struct member_set *m, struct tee_key *out, struct err *e) NODISCARD;

/* coffer-request-key, if it is there: *has tells. COFFER_E_INPUT when malformed. */
enum coffer_rc request_key_read(const struct member_set *m, bool *has, struct pubkey *out, struct err *e) NODISCARD;
/* coffer-genesis likewise. */
enum coffer_rc member_genesis(const struct member_set *m, bool *has, uint8_t out[static 32], struct err *e) NODISCARD;
/* coffer-bindings likewise: ids of binding statements in hex, with commas between; at most BINDINGS_MAX, each once. */
enum coffer_rc member_bindings(const struct member_set *m, uint8_t out[][32], size_t *n, struct err *e) NODISCARD;
