/* Every decoder of proto/eval.h behind one signature: decode, encode again. For the unit test and the fuzz target. */
#pragma once
#include "proto/eval.h"

typedef enum coffer_rc (*eval_decode_fn)(struct span b, struct wr *again, struct err *e);

#define EVAL_DECODE(name)                                                                             \
	static inline enum coffer_rc decode_##name(struct span b, struct wr *again, struct err *e)        \
	{                                                                                                 \
		struct eval_##name m;                                                                         \
		enum coffer_rc rc = eval_##name##_read(b, &m, e);                                             \
                                                                                                      \
		if (rc == COFFER_OK)                                                                          \
			eval_##name##_write(again, &m);                                                           \
		return rc;                                                                                    \
	}

EVAL_DECODE(release_req)
EVAL_DECODE(evidence_req)
EVAL_DECODE(evidence_rep)
EVAL_DECODE(ek_req)
EVAL_DECODE(ek_rep)

static const eval_decode_fn eval_decoders[] = { decode_release_req, decode_evidence_req, decode_evidence_rep, decode_ek_req, decode_ek_rep };
#define EVAL_DECODERS (sizeof(eval_decoders) / sizeof(eval_decoders[0]))
