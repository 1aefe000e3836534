/* The bindings that a guest was started with. Whoever issued them: whether they count is the decision's to say. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"

static enum coffer_rc read_one(const struct registry *r, const uint8_t id[static 32], int64_t now, struct facts *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT " FACT_COLUMNS " FROM statement s WHERE s.id=? AND s.kind=?");
	CLEANUP(statement_clear) struct statement st = { 0 };
	struct fact_binding *to = &out->binding[out->n_bindings];
	bool row = false;

	q_blob(&q, (struct span){ id, 32 });
	q_i64(&q, ST_BINDING);
	TRY(q_row(&q, &row, e));
	if (!row)
		return COFFER_OK;
	TRY(fact_read(r, &q, now, &to->s, e));
	TRY(statement_parse(q_col(&q, PAYLOAD_COLUMN), &st, e));
	TRY(binding_read(&st, &to->body, e));
	out->n_bindings++;
	return fact_revocations(r, &to->s, out, e);
}

enum coffer_rc facts_bindings(const struct registry *r, int64_t now, struct facts *out, struct err *e)
{
	for (size_t i = 0; i < out->n_bound; i++)
		TRY(read_one(r, out->bound[i], now, out, e));
	return COFFER_OK;
}
