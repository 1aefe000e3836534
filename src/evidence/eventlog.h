/* Event logs of measured boot: TCG2 "crypto agile" logs of a TPM and CCEL logs of a TD. Read event by event; replayed into
 * registers.
 * Spec: TCG "PC Client Platform Firmware Profile" 1.06, section 10; UEFI 2.10 section 38.4.1 (CCEL). A log proves nothing by
 * itself: it is good as far as it replays to registers that are quoted. */
#pragma once
#include "evidence/tpm_quote.h"

#define EVENTLOG_MAX (4u << 20)
#define EVENTLOG_EVENTS_MAX 8192
#define EVENTLOG_ALGS_MAX 5
#define EVENTLOG_REGS 25 /* PCR 0..23, or CCEL index 0..4 */

struct event {
	uint32_t    reg;         /* PCR; CCEL: 0 = MRTD, 1.. = RTMR + 1 */
	uint32_t    type;        /* EV_... ; 3 = EV_NO_ACTION, never extended */
	struct { uint16_t alg; struct span digest; } d[EVENTLOG_ALGS_MAX];
	size_t      n_digests;
	struct span data;        /* borrowed */
	size_t      at;          /* byte offset of the event */
};

struct eventlog { /* a cursor; borrows the log */
	struct rd r;
	struct { uint16_t alg, len; } alg[EVENTLOG_ALGS_MAX];
	size_t    n_algs, seen;
	struct event head;       /* the Spec ID event itself */
};
/* Reads the Spec ID event. COFFER_E_INPUT; COFFER_E_LIMIT past EVENTLOG_MAX. */
enum coffer_rc eventlog_open(struct span log, struct eventlog *out, struct err *e) NODISCARD;
/* *more = false at the end: no bytes left, or nothing but the filling of a preallocated area (all 0x00 or all 0xff). */
enum coffer_rc eventlog_next(struct eventlog *l, struct event *out, bool *more, struct err *e) NODISCARD;

struct eventlog_replay {
	enum hash_alg hash;
	uint8_t       reg[EVENTLOG_REGS][HASH_MAX];
	uint32_t      extended;  /* bit i: register i was extended */
	size_t        events;    /* the Spec ID event included */
};
/* alg: a TPM_ALG_ of a bank that the log has. COFFER_E_INPUT otherwise. */
enum coffer_rc eventlog_replay(struct span log, uint16_t alg, struct eventlog_replay *out, struct err *e) NODISCARD;
