/* The service's EAR token (ES256), as far as a third party may rely on it: the service says that this request key was in
 * evidence it verified, of a guest whose init-data register held this digest. docs/protocol/service.md. */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"

#define EAR_MAX (96u << 10) /* with a TD's event log among the claims */

/* Numbers of platforms in the service's part of the header (enum tee_kind of proto/keep.h; they stay). */
#define EAR_STATE_TPM	5
#define EAR_STATE_SWTPM 6

struct ear_want { uint8_t init_data[32]; uint8_t genesis[32]; };
struct ear {
	struct pubkey request_key;  /* P-256; the guest's */
	char          platform[32]; /* "sample", "swtpm", ... : what the evidence came from */
	int64_t       issued;       /* iat, seconds since 1970 */
	uint8_t       root[32];     /* the named root that vouches for it, by SHA-256 of its SubjectPublicKeyInfo; zeros: a pinned one, none, or not told (tokens of before) */
};

/* COFFER_E_DENIED (check "token"): not signed by `token_key` with ES256, another register or genesis than wanted;
 * COFFER_E_INPUT: malformed. Not checked: exp, since what a key signed while the token was good stays signed;
 * the appraisal's status, which is its reader's to judge; the header's jwk, which anyone can write; whether the founders still name the root. */
enum coffer_rc ear_check(struct span token, const struct pubkey *token_key, const struct ear_want *want, struct ear *out,
    struct err *e) NODISCARD;
