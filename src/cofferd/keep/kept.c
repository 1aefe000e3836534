#include "cofferd/keep/kept.h"

#include "base/own.h"
#include "base/str.h"

enum coffer_rc kept_charge(struct store *s, const char *owner, const struct kept_item *item, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "INSERT INTO kept(digest, file, owner, bytes) VALUES(?,?,?,?)");

	q_blob(&q, (struct span){ item->digest, 32 });
	q_i64(&q, item->file);
	q_text(&q, span_of(owner));
	q_i64(&q, (int64_t)item->bytes);
	return q_run(&q, e);
}

enum coffer_rc kept_fits(struct store *s, const struct kept_limits *l, const char *owner, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT SUM(bytes), SUM(CASE WHEN owner=? THEN bytes ELSE 0 END) FROM kept_by");
	uint64_t all, own;
	bool row = false;

	q_text(&q, span_of(owner));
	TRY(q_row(&q, &row, e));
	all = row ? (uint64_t)q_col_i64(&q, 0) : 0;
	own = row ? (uint64_t)q_col_i64(&q, 1) : 0;
	if (own > l->owner)
		return err_deny(e, "R12", "unavailable: evidence of releases to %s's guests has reached the %llu bytes that are kept of one owner, so no "
		    "receipt could be; %s fetches its receipts (coffer receipt get), then the service's operator can mend it with: cofferd prune-evidence",
		    owner, (unsigned long long)l->owner, owner);
	if (all > l->all)
		return err_deny(e, "R12", "unavailable: the evidence of releases has reached the %llu bytes that this service keeps, so no receipt could be; "
		    "the service's operator can mend it with: cofferd prune-evidence, of receipts that owners fetched", (unsigned long long)l->all);
	return COFFER_OK;
}
