#include "cofferd/keep/asset_void.h"

#include "base/own.h"
#include "base/str.h"

#define UP_TO                                                                                                                                                              \
	" FROM statement s CROSS JOIN statement t ON t.kind=s.kind AND t.issuer=s.issuer AND t.subject=s.subject AND t.serial<=s.serial CROSS JOIN entry n ON n.seq=t.seq" \
	" WHERE s.id=?1 AND s.kind=?2"

static bool dead_then(const struct parties *p, const uint8_t thumb[static 32], int64_t t)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->life[i].n_dead > 0 && life_dead_at(&p->life[i], thumb, t))
			return true;
	return false;
}

static bool by_dead(const struct parties *p, struct span sigs, int64_t t)
{
	for (; sigs.n >= REGISTRY_SIG_LEN; sigs = span_skip(sigs, REGISTRY_SIG_LEN))
		if (dead_then(p, sigs.p, t))
			return true;
	return false;
}

/* *from: the serial of the first that a key signed which was dead by then; 0: there is none. */
static enum coffer_rc first_by_dead(const struct registry *r, const uint8_t id[static 32], uint64_t *from, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT t.serial, t.sigs, n.time" UP_TO " ORDER BY t.serial");

	q_blob(&q, (struct span){ id, 32 });
	q_i64(&q, ST_ASSET);
	for (*from = 0; *from == 0;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (by_dead(&r->parties, q_col(&q, 1), q_col_i64(&q, 2)))
			*from = (uint64_t)q_col_i64(&q, 0);
	}
	return COFFER_OK;
}

static enum coffer_rc read_one(
    const struct registry *r, const uint8_t id[static 32], struct dsse *env, struct asset_body *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };

	TRY(registry_envelope(r, id, env, e));
	TRY(statement_parse(wr_span(&env->payload), &s, e));
	TRY(asset_read(&s, out, e));
	out->policy = (struct span){ 0 }; /* goes with s */
	return COFFER_OK;
}

/* from: before it all stand. */
static enum coffer_rc walk(
    const struct registry *r, const uint8_t id[static 32], uint64_t from, struct asset_chain *c, bool *stands, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(r->store, "SELECT t.id, n.time, t.serial" UP_TO " AND t.serial>=?3 ORDER BY t.serial");

	q_blob(&q, (struct span){ id, 32 });
	q_i64(&q, ST_ASSET);
	q_i64(&q, (int64_t)from - 1);
	for (unsigned n = 0;; n++) {
		CLEANUP(dsse_clear) struct dsse env = { 0 };
		struct asset_said said;
		struct asset_body b;
		uint8_t at[32];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (n > ASSET_CHAIN_MAX)
			return err_set(e, COFFER_E_LIMIT,
			    "more than %d statements about this asset since one that a compromised key signed", ASSET_CHAIN_MAX);
		if (!q_col_fixed(&q, 0, at, sizeof(at)))
			return err_set(e, COFFER_E_BUG, "registry: malformed id");
		TRY(read_one(r, at, &env, &b, e));
		said = (struct asset_said){ at, &env, &b, q_col_i64(&q, 1) };
		*stands = (uint64_t)q_col_i64(&q, 2) < from;
		if (*stands)
			asset_chain_stands(c, &said);
		else
			*stands = asset_chain_next(c, &r->parties, &said);
	}
}

static enum coffer_rc as_admitted(
    const struct registry *r, const uint8_t id[static 32], struct asset_chain *out, bool *stands, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct asset_body b;
	struct brief is = { 0 };

	TRY(registry_brief(r, id, stands, &is, e));
	*stands = *stands && is.kind == ST_ASSET;
	if (!*stands)
		return COFFER_OK;
	TRY(read_one(r, id, &env, &b, e));
	asset_chain_stands(out, &(struct asset_said){ id, &env, &b, is.logged });
	return COFFER_OK;
}

enum coffer_rc asset_up_to(
    const struct registry *r, const uint8_t id[static 32], struct asset_chain *out, bool *stands, struct err *e)
{
	struct asset_chain c = { 0 };
	uint64_t from = 0;

	*stands = false;
	if (parties_any_dead(&r->parties))
		TRY(first_by_dead(r, id, &from, e));
	if (from == 0)
		TRY(as_admitted(r, id, &c, stands, e));
	else
		TRY(walk(r, id, from, &c, stands, e));
	*out = c;
	return COFFER_OK;
}

enum coffer_rc asset_void(const struct registry *r, const uint8_t id[static 32], bool *yes, struct err *e)
{
	struct asset_chain c;
	uint64_t from = 0;
	bool stands = false;
	enum coffer_rc rc;

	*yes = false;
	TRY(first_by_dead(r, id, &from, e));
	if (from == 0)
		return COFFER_OK;
	c = (struct asset_chain){ 0 };
	rc = walk(r, id, from, &c, &stands, e);
	*yes = !stands || rc == COFFER_E_LIMIT;
	return rc == COFFER_E_LIMIT ? COFFER_OK : rc;
}
