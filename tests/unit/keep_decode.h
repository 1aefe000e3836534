/* Every decoder of proto/keep.h behind one signature: decode, encode again. For the unit test and the fuzz target. */
#pragma once
#include "proto/keep.h"

/* COFFER_OK and what the encoder makes of what the decoder understood, appended to again. */
typedef enum coffer_rc (*keep_decode_fn)(struct span b, struct wr *again, struct err *e);

#define KEEP_DECODE(name)                                                                             \
	static inline enum coffer_rc decode_##name(struct span b, struct wr *again, struct err *e)        \
	{                                                                                                 \
		struct keep_##name m;                                                                         \
		enum coffer_rc rc = keep_##name##_read(b, &m, e);                                             \
                                                                                                      \
		if (rc == COFFER_OK)                                                                          \
			keep_##name##_write(again, &m);                                                           \
		return rc;                                                                                    \
	}
#define KEEP_DECODE_OWNING(name)                                                                      \
	static inline enum coffer_rc decode_##name(struct span b, struct wr *again, struct err *e)        \
	{                                                                                                 \
		struct keep_##name m;                                                                         \
		enum coffer_rc rc = keep_##name##_read(b, &m, e);                                             \
                                                                                                      \
		if (rc == COFFER_OK) {                                                                        \
			keep_##name##_write(again, &m);                                                           \
			dsse_clear(&m.statement);                                                                 \
		}                                                                                             \
		return rc;                                                                                    \
	}

KEEP_DECODE(auth_req)
KEEP_DECODE(auth_rep)
KEEP_DECODE(attest_req)
KEEP_DECODE(resource_req)
KEEP_DECODE(resource_rep)
KEEP_DECODE_OWNING(put_req)
KEEP_DECODE(delete_req)
KEEP_DECODE_OWNING(statement_req)
KEEP_DECODE(logged_rep)
KEEP_DECODE(query_req)
KEEP_DECODE(assets_req)
KEEP_DECODE(decision_req)
KEEP_DECODE(journal_req)
KEEP_DECODE(round_rep)
KEEP_DECODE(witness_req)
KEEP_DECODE(cosign_req)
KEEP_DECODE(refusal)

static const keep_decode_fn keep_decoders[] = {
	decode_auth_req, decode_auth_rep, decode_attest_req, decode_resource_req, decode_resource_rep, decode_put_req, decode_delete_req,
	decode_statement_req, decode_logged_rep, decode_query_req, decode_assets_req, decode_decision_req, decode_journal_req,
	    decode_refusal, decode_round_rep, decode_witness_req, decode_cosign_req,
};
#define KEEP_DECODERS (sizeof(keep_decoders) / sizeof(keep_decoders[0]))
