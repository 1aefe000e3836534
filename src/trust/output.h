/* Named outputs (docs/protocol/guest.md): what a container hands out, sealed by the guest to the recipient that the manifest
 * names, and signed so that the recipient knows which workload, container and service stand behind it. */
#pragma once
#include "trust/ear.h"
#include "trust/manifest.h"

/* Sealed: the data in base64 with the token beside it (at most 4/3 MiB and 64 KiB), encrypted, in base64url. */
#define OUTPUT_DATA_MAX (1u << 20)
#define OUTPUT_SEALED_MAX (3u << 20)

struct output_in {
	const struct manifest      *manifest;
	const struct man_container *container; /* of manifest */
	const struct man_output    *output;    /* of container: recipient's key, bound on the size */
	struct span                 data;
	const char                 *token;       /* the service's EAR for this guest */
	const struct privkey       *request_key; /* the one inside the token */
};

/* Appends the flattened JWE. COFFER_E_DENIED (check "output") for data beyond the manifest's bound or OUTPUT_DATA_MAX. The token
 * is not looked at: the recipient judges it. */
enum coffer_rc output_seal(const struct output_in *in, struct wr *jwe, struct err *e) NODISCARD;

struct output_want {
	const struct manifest *manifest; /* the workload the recipient agreed with, checked up to its provider */
	struct pubkey          token_key; /* of the service statement, checked up to the genesis */
	const struct genesis  *genesis;  /* as it was last amended; NULL: no named root is believed */
};
struct output {
	const struct man_container *container; /* of the wanted manifest */
	const struct man_output    *output;
	struct ear                  ear;       /* when, and on which platform */
	struct wr                   data;      /* owned, wiped; may be empty */
};
void output_clear(struct output *o); /* CLEANUP-ready */

/* Opens and checks everything before *out is written: the seal; workload, genesis, container and name against the manifest;
 * that `k` is the recipient's key that the manifest names for it; size; token (trust/ear.h) with the register of exactly this
 * manifest's rendering, on a platform of the manifest, under a root that the genesis names still (or a pinned one); signature by the request key in the token.
 * COFFER_E_DENIED (checks "seal", "output", "token", "signature") or COFFER_E_INPUT. Not checked: that it is new; a
 * sender can show an old output again, and ear.issued says how old it may be. */
enum coffer_rc output_open(struct span jwe, const struct privkey *k, const struct output_want *want, struct output *out,
    struct err *e) NODISCARD;
