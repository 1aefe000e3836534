/* A release decided again, offline, from its receipt (docs/protocol/receipt.md, "Replayed"): the evidence appraised as of when it was
 * shown, and R0 to R11 decided by the code that the service decides by, over the statements in the receipt as the ledger's map says they
 * stood. Pure: no clock, no network, no file; time zones as the caller loaded them.
 *
 * Without evidence what statements decide is decided by that code all the same (decide_stated); where the record does not tell the platform (v.said false), nothing is.
 *
 * What stays the service's word, because no receipt can show it: that nonce and request were new, that its clock was right, which reference
 * values it gave, and of a TPM's key that it answered the challenge. Of a release of before the ledger's map held what parties said (v.said
 * false) also that it left out no pause, minimum or revocation of a key. */
#pragma once
#include "decide/decide.h"
#include "os/zones.h"
#include "trust/receipt.h"

struct replay_in {
	const struct receipt *r;
	const uint8_t        *genesis; /* 32 bytes: the verifier's own */
	const struct span    *file;    /* collateral that the receipt may lack */
	size_t                n_files;
	struct zones         *zones;   /* for policies that name time zones */
};
/* A register of the evidence, as it was quoted, beside what it had to be. */
enum replay_by { REPLAY_BY_NOTHING, REPLAY_BY_BOOT_IMAGE, REPLAY_BY_INITDATA };
struct replay_register {
	struct fact_reg quoted;
	enum replay_by  by;    /* who foretold it */
	struct fact_reg told;  /* n 0: nobody did */
};
#define REPLAY_REGISTERS_MAX (BOOT_REGS_MAX + 6)
struct replay_out {
	struct receipt_view v;         /* v.evidence false: there was none to decide again by, and what follows is empty but for `stated` and checks */
	bool          stated;          /* without evidence: what statements decide was decided again by them, and is in check (decide_stated) */
	char          platform[16];
	int64_t       attested;        /* s since 1970 */
	char          build[64];       /* of the service that decided; another than ours: its words are not compared */
	bool          words;           /* our trace is the logged one, bit for bit */
	struct check  check[DECIDE_CHECKS_MAX];
	size_t        n;
	bool          booted;          /* R5 went by a boot image: by this launch of it */
	uint8_t       boot_image[32];  /* its statement */
	char          boot_name[64], boot_shape[64];
	struct replay_register reg[REPLAY_REGISTERS_MAX]; /* those that the launch names; of a TPM also PCR 0, 2, 4, 8, 9 and 11 as far as they were quoted; by name */
	size_t        n_regs;
};
/* All that receipt_verify refuses; then COFFER_E_DENIED with the check of the decision that does not hold ("R0" to "R11"), or
 * "receipt-replay" where the decision holds but is not the one that was logged; COFFER_E_INPUT for malformed evidence; COFFER_E_NOTFOUND
 * where collateral is missing. */
enum coffer_rc replay(const struct replay_in *in, struct replay_out *out, struct err *e) NODISCARD;
