/* Rows that no start reads and no root of the map covers, held against the entries, for the operator's check (keep_fsck): how much evidence
 * is kept and for whom, whose receipts were fetched, which tokens were used, the tags of entries on assets, and what was decided.
 *
 * Not found, since no entry says it: a row of `fetched` or of `jti` that is gone; another time in one, as far as it can be true; the words of a
 * denial but its reason, and who may read of a denial beside owner and provider. */
#pragma once
#include "cofferd/keep/keys.h"
#include "cofferd/keep/store.h"
#include "trust/parties.h"

struct rows {
	struct store           *store;   /* borrowed, as all of it */
	const struct keep_keys *keys;
	const struct parties   *parties;
	const uint8_t          *genesis; /* 32 bytes */
	int64_t                 now;     /* s since 1970 */
	bool                    mend;    /* inside a transaction: write what the entries give instead of naming it */
};

/* COFFER_E_DENIED (check "R12") names the first that is wrong; with mend, the first that nothing gives again may be left to the next check. */
enum coffer_rc rows_check(const struct rows *r, struct err *e) NODISCARD;

/* The parts of it (rows_tags.c, rows_decided.c). */
enum coffer_rc rows_check_tags(const struct rows *r, struct err *e) NODISCARD;
enum coffer_rc rows_check_decided(const struct rows *r, struct err *e) NODISCARD;

#define ROWS_MENDS "'cofferd fsck --repair' mends that"

/* SQL: the owner in an asset's path ("kbs:///OWNER/..."). */
#define ROWS_OWNER(path) "substr(" path ",8,instr(substr(" path ",8),'/')-1)"
