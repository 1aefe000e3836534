/* Evidence of one session, from hostile bytes to facts: eval appraises, keep reads again.
 *
 * eval hands over the hardware's bytes and a path; signature, bindings, measurements, debug bits and firmware are read here
 * (evidence/fixed.h), so that a broken eval can refuse and nothing else. sample: eval's word, and it proves nothing. */
#pragma once
#include "cofferd/keep/keep.h"

struct evidence_in {
	const struct session         *s;
	const struct keep_attest_req *m;
	struct span                   expected; /* report data */
	struct span                   device;   /* the same for additional evidence */
	struct span                   references; /* JSON: reference values for the token's appraisal */
};
struct evidence_out {
	bool            genuine;       /* never of sample and swtpm: nobody vouches for those */
	struct hw_facts facts;         /* but sample's, which has none */
	uint8_t         report_data[64];
	size_t          report_data_n;
	bool            has_register;
	uint8_t         init_register[32];
	struct wr       submods;       /* JSON of eval: opaque here */
	struct wr       needs;         /* collateral that is wanting; then nothing else is set */
	char            why[80];
};
void evidence_clear(struct evidence_out *o); /* CLEANUP-ready */

/* COFFER_E_DENIED with check "R2" (or "R1" for stale evidence) and eval's reason; COFFER_E_INPUT for malformed evidence;
 * COFFER_E_UPSTREAM when eval cannot be asked. With needs, COFFER_OK. */
enum coffer_rc evidence_judge(struct keep *k, const struct evidence_in *in, struct evidence_out *out, struct err *e) NODISCARD;
