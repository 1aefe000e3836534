/* Evidence of one session, from hostile bytes to facts: eval appraises, keep reads again.
 *
 * eval hands over the hardware's bytes and a path; signature, bindings, measurements, debug bits and firmware are read here
 * (evidence/fixed.h), so that a broken eval can refuse and nothing else. sample: eval's word, and it proves nothing. */
#pragma once
#include "cofferd/keep/keep.h"
#include "decide/shown.h"

struct evidence_in {
	const struct session *session; /* whose credential was asked */
	const struct shown   *s;       /* no claims yet */
	struct bound          bound;
};
struct evidence_out {
	struct reread v;
	struct wr     submods; /* JSON of eval: opaque here */
	struct wr     needs;   /* collateral that is wanting; then nothing else is set */
};
void evidence_clear(struct evidence_out *o); /* CLEANUP-ready */

/* COFFER_E_DENIED with check "R2" (or "R1" for stale evidence) and eval's reason; COFFER_E_INPUT for malformed evidence;
 * COFFER_E_UPSTREAM when eval cannot be asked. With needs, COFFER_OK. */
enum coffer_rc evidence_judge(struct keep *k, const struct evidence_in *in, struct evidence_out *out, struct err *e) NODISCARD;
