/* What leaves with an asset: the JWE to the attested key, and the service's signature over it. */
#pragma once
#include "cofferd/keep/keep.h"

struct reply_in {
	const struct tee_key    *key;
	const struct asset_path *path;
	uint64_t                 version;
	const struct dsse       *statement; /* the asset's; NULL for the plain form, content alone */
	struct span              plain;     /* salt || content */
};

/* Flattened JWE text. docs/protocol/service.md, "A request of our agent". */
enum coffer_rc reply_seal(const struct reply_in *in, struct wr *body, struct err *e) NODISCARD;

/* Over body digest, attested key, path, version, journal number and entry hash. */
enum coffer_rc reply_sign(const struct keep *k, const struct reply_in *in, struct span body, uint8_t sig[static SIG_LEN],
			  struct err *e) NODISCARD;
