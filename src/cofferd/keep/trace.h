/* A decision put on record: its journal entry, and the views that `coffer why` shows each party. */
#pragma once
#include "cofferd/keep/keep.h"
#include "decide/request.h"

struct trace_in {
	const struct decide_in *in;
	const struct decision  *d;
	const uint8_t          *id;     /* 16 bytes */
	uint64_t                version; /* released; 0 for a denial */
	const uint8_t          *thumb;  /* 32 bytes: attested key */
	const uint8_t          *reply;  /* SHA-256 of the reply's body; NULL for a denial */
	const uint8_t          *shown;  /* of a release: digest of what was shown (showing.h); NULL: it is not kept */
	bool                    by_token;
	const struct request_signed *asked; /* of a release that was asked for by a signed request */
};

/* Appends the entry ("release" or "denial") and stores the views; inside a transaction. */
enum coffer_rc trace_write(struct keep *k, const struct trace_in *t, struct err *e) NODISCARD;
