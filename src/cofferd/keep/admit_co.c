#include "cofferd/keep/admit_co.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/registry.h"

static bool signed_by(const struct keep *k, const struct dsse *env, const char *id)
{
	const struct party *p = registry_party(&k->registry, span_of(id), k->now);

	return p && party_signed(p, env);
}

static enum coffer_rc check_before(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse old = { 0 };
	CLEANUP(statement_clear) struct statement last = { 0 };
	struct asset_body b;
	uint64_t have = 0;

	/* A previous one that is not logged is the serial check's to refuse, which comes after this one. */
	if (s->serial == 1 || registry_envelope(&k->registry, s->previous, &old, e) != COFFER_OK)
		return COFFER_OK;
	TRY(statement_parse(wr_span(&old.payload), &last, e));
	if (last.kind != ST_ASSET)
		return COFFER_OK;
	TRY(asset_read(&last, &b, e));
	for (size_t i = 0; i < b.n_of; i++)
		have += signed_by(k, env, b.of[i]);
	if (have < b.k)
		return err_deny(e, "signature", "%llu of those who decided of %s until now sign who decides next; %llu did",
		    (unsigned long long)b.k, b.path.text, (unsigned long long)have);
	return COFFER_OK;
}

enum coffer_rc co_admit(struct keep *k, const struct dsse *env, const struct statement *s, const struct asset_body *b,
    struct err *e)
{
	for (size_t i = 0; i < b->n_of; i++)
		if (!signed_by(k, env, b->of[i]))
			return err_deny(e, "signature", "each party that decides of %s signs its statement; %s did not", b->path.text, b->of[i]);
	return check_before(k, env, s, e);
}

enum coffer_rc co_owns(struct keep *k, const struct asset_path *p, const char *party, bool *yes, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "SELECT s.payload FROM asset a JOIN statement s ON s.id=a.statement WHERE a.path=?");
	CLEANUP(statement_clear) struct statement st = { 0 };
	struct asset_body b;
	bool row = false;

	*yes = false;
	q_text(&q, span_of(p->text));
	TRY(q_row(&q, &row, e));
	if (!row)
		return COFFER_OK;
	TRY(statement_parse(q_col(&q, 0), &st, e));
	TRY(asset_read(&st, &b, e));
	*yes = asset_names(&b, party);
	return COFFER_OK;
}
