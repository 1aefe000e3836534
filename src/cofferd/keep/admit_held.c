#include "cofferd/keep/admit_held.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"

static enum coffer_rc revoked_asset(struct keep *k, const uint8_t id[static 32], const char *party, const char **what, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT 1 FROM revoked v WHERE v.target=? AND v.issuer=?"
	                                               " AND NOT EXISTS(SELECT 1 FROM revoked l WHERE l.target=v.statement AND l.issuer=v.issuer)");
	bool row = false;

	q_blob(&q, (struct span){ id, 32 });
	q_text(&q, span_of(party));
	TRY(q_row(&q, &row, e));
	if (row)
		*what = "its statement";
	return COFFER_OK;
}

static enum coffer_rc revoked_workload(struct keep *k, const char *party, const char **what, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT 1 FROM statement s CROSS JOIN revoked v ON v.statement=s.id CROSS JOIN statement t ON t.id=v.target"
	                                               " WHERE s.kind=?1 AND s.issuer=?2 AND t.kind=?3 AND t.issuer<>?2"
	                                               " AND NOT EXISTS(SELECT 1 FROM revoked l WHERE l.target=s.id AND l.issuer=?2) LIMIT 1");
	bool row = false;

	q_i64(&q, ST_REVOCATION);
	q_text(&q, span_of(party));
	q_i64(&q, ST_WORKLOAD);
	TRY(q_row(&q, &row, e));
	if (row)
		*what = "a workload";
	return COFFER_OK;
}

/* What a pause of that is, which has not expired; NULL: nothing of this. */
static enum coffer_rc paused(struct keep *k, const struct asset_chain *c, const struct statement *pause, const char **what, struct err *e)
{
	struct revocation v;
	struct brief b = { 0 };
	bool found = false, over = false;

	*what = NULL;
	TRY(revocation_read(pause, &v, e));
	if (v.of_key || v.of_thing)
		return COFFER_OK;
	TRY(registry_brief(&k->registry, v.statement, &found, &b, e));
	if (found && b.kind == ST_WORKLOAD && strcmp(b.issuer, pause->issuer) != 0)
		*what = "a workload";
	if ((c->has_last && span_eq(SPAN(c->last_id), SPAN(v.statement))) || (c->has_stands && span_eq(SPAN(c->stands_id), SPAN(v.statement))))
		*what = "its statement";
	if (*what)
		TRY(fact_pause_ended(&k->registry, pause->id, pause->issuer, &over, e));
	if (over)
		*what = NULL;
	return COFFER_OK;
}

static enum coffer_rc pauses(struct keep *k, const struct asset_chain *c, const char *party, const char **what, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT s.payload FROM statement s WHERE s.kind=? AND s.issuer=? AND s.expires>?");

	q_i64(&q, ST_PAUSE);
	q_text(&q, span_of(party));
	q_i64(&q, k->now);
	while (!*what) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(statement_parse(q_col(&q, 0), &s, e));
		TRY(paused(k, c, &s, what, e));
	}
	return COFFER_OK;
}

enum coffer_rc held_back(struct keep *k, const struct asset_chain *c, const char *party, const char **what, struct err *e)
{
	*what = NULL;
	if (c->has_last)
		TRY(revoked_asset(k, c->last_id, party, what, e));
	if (!*what && c->has_stands)
		TRY(revoked_asset(k, c->stands_id, party, what, e));
	if (!*what)
		TRY(revoked_workload(k, party, what, e));
	return *what ? COFFER_OK : pauses(k, c, party, what, e);
}
