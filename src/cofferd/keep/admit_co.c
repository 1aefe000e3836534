#include "cofferd/keep/admit_co.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit_held.h"
#include "cofferd/keep/asset_void.h"

static bool signed_by(const struct keep *k, const struct dsse *env, const char *id)
{
	return registry_signed(&k->registry, id, env, k->now);
}

static enum coffer_rc check_enough(const struct keep *k, const struct dsse *env, const struct asset_body *was, struct err *e)
{
	uint64_t have = 0;

	for (size_t i = 0; i < was->n_of; i++)
		have += signed_by(k, env, was->of[i]);
	if (have < was->k)
		return err_deny(e, "signature", "%llu of those who decided of %s until now sign who decides next; %llu did",
		    (unsigned long long)was->k, was->path.text, (unsigned long long)have);
	return COFFER_OK;
}

/* Each holds it back alone: who does is not dropped by the others. */
static enum coffer_rc check_dropped(struct keep *k, const struct dsse *env, const struct asset_body *b, const struct asset_chain *c, const struct asset_body *was,
    struct err *e)
{
	for (size_t i = 0; i < was->n_of; i++) {
		const char *what = NULL;

		if (asset_names(b, was->of[i]) || signed_by(k, env, was->of[i]))
			continue;
		TRY(held_back(k, c, was->of[i], &what, e));
		if (what)
			return err_deny(e, "signature", "%s decides of %s until now and holds it back (it revoked or paused %s): it signs too who decides without it", was->of[i],
			    was->path.text, what);
	}
	return COFFER_OK;
}

/* What a thief said of who decides binds nobody. What is kept may be the others' too: a statement about it wants those of the newest statement, void or not. Else
 * one of them could name a key of its own and be rid of the rest. */
static enum coffer_rc check_before(struct keep *k, const struct dsse *env, const struct statement *s, const struct asset_body *b, struct err *e)
{
	struct asset_chain c;
	bool stands;

	if (s->serial == 1)
		return COFFER_OK;
	TRY(asset_up_to(&k->registry, s->previous, &c, &stands, e)); /* what previous is the serial check refuses, which comes after this one */
	if (c.has_last && b->version == c.last.version)
		TRY(check_enough(k, env, &c.last, e));
	if (c.has_stands)
		TRY(check_enough(k, env, &c.stands, e));
	if (c.has_last)
		TRY(check_dropped(k, env, b, &c, &c.last, e));
	return c.has_stands ? check_dropped(k, env, b, &c, &c.stands, e) : COFFER_OK;
}

enum coffer_rc co_admit(struct keep *k, const struct dsse *env, const struct statement *s, const struct asset_body *b,
    struct err *e)
{
	for (size_t i = 0; i < b->n_of; i++)
		if (!signed_by(k, env, b->of[i]))
			return err_deny(e, "signature", "each party that decides of %s signs its statement; %s did not: 'coffer asset seal FILE --asset PATH --owner PARTY --out BODY' "
			    "writes it, each signs it with 'coffer statement cosign BODY', then 'coffer asset put PATH --sealed BODY'", b->path.text, b->of[i]);
	return check_before(k, env, s, b, e);
}

static void add_names(const struct asset_body *b, struct co_names *out)
{
	for (size_t i = 0; i < b->n_of; i++)
		memcpy(out->id[out->n++], b->of[i], PARTY_MAX);
}

enum coffer_rc co_names(struct keep *k, const struct statement *s, struct co_names *out, struct err *e)
{
	struct asset_chain c = { 0 };
	struct asset_body b;
	enum coffer_rc rc = COFFER_OK;
	struct err no;
	bool stands;

	out->n = 0;
	TRY(asset_read(s, &b, e));
	add_names(&b, out);
	if (s->serial > 1)
		rc = asset_up_to(&k->registry, s->previous, &c, &stands, &no);
	if (rc != COFFER_OK && rc != COFFER_E_LIMIT) /* then co_admit refuses; of what was logged before it is not to be told any more */
		return (*e = no).rc;
	if (c.has_last)
		add_names(&c.last, out);
	if (c.has_stands)
		add_names(&c.stands, out);
	return COFFER_OK;
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

/* Who was dropped by a void statement. */
static enum coffer_rc dropped(struct keep *k, const struct statement *st, const char *party, bool *yes, struct err *e)
{
	struct co_names names;

	TRY(asset_void(&k->registry, st->id, yes, e));
	if (!*yes)
		return COFFER_OK;
	TRY(co_names(k, st, &names, e));
	*yes = false;
	for (size_t i = 0; i < names.n && !*yes; i++)
		*yes = strcmp(names.id[i], party) == 0;
	return COFFER_OK;
}

enum coffer_rc co_named(struct keep *k, const uint8_t id[static 32], const char *party, bool *yes, struct err *e)
{
	CLEANUP(statement_clear) struct statement st = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct asset_body b;

	TRY(registry_envelope(&k->registry, id, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &st, e));
	TRY(asset_read(&st, &b, e));
	*yes = asset_names(&b, party);
	return *yes ? COFFER_OK : dropped(k, &st, party, yes, e);
}
