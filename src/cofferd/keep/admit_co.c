#include "cofferd/keep/admit_co.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/registry.h"

static bool signed_by(const struct keep *k, const struct dsse *env, const char *id)
{
	return registry_signed(&k->registry, id, env, k->now);
}

#define BACK_MAX 256 /* void statements in a row; a thief that wrote more has to be waited out by another path */

/* The newest statement before this one that is not void: what a thief said of who decides binds nobody. out->kind is 0 where there is none. */
static enum coffer_rc last_word(struct keep *k, const struct statement *s, struct statement *out, struct err *e)
{
	uint64_t serial = s->serial;
	uint8_t at[32];

	memcpy(at, s->previous, sizeof(at));
	for (unsigned n = 0; serial > 1 && n < BACK_MAX; n++) {
		CLEANUP(dsse_clear) struct dsse old = { 0 };
		struct brief b = { 0 };
		bool found, dead = false;

		TRY(registry_brief(&k->registry, at, &found, &b, e));
		if (!found || b.kind != ST_ASSET)
			return COFFER_OK; /* the serial check's to refuse, which comes after this one */
		TRY(registry_by_dead(&k->registry, &(struct voided_question){ at, b.issuer, b.kind, b.logged }, &dead, e));
		TRY(registry_envelope(&k->registry, at, &old, e));
		statement_clear(out);
		TRY(statement_parse(wr_span(&old.payload), out, e));
		if (!dead)
			return COFFER_OK;
		serial = out->serial;
		memcpy(at, out->previous, sizeof(at));
	}
	if (serial > 1)
		return err_set(e, COFFER_E_LIMIT, "more than %d statements in a row about this asset are void", BACK_MAX);
	statement_clear(out);
	return COFFER_OK;
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

/* What is kept may be the others' too: a statement about it wants those of the newest statement, void or not. Else one of them could name a
 * key of its own and be rid of the rest. */
static enum coffer_rc check_kept(struct keep *k, const struct dsse *env, const struct statement *s, const struct asset_body *b, struct err *e)
{
	CLEANUP(statement_clear) struct statement last = { 0 };
	CLEANUP(dsse_clear) struct dsse old = { 0 };
	struct brief found = { 0 };
	struct asset_body was;
	bool known = false;

	if (s->serial > 1)
		TRY(registry_brief(&k->registry, s->previous, &known, &found, e));
	if (!known || found.kind != ST_ASSET)
		return COFFER_OK; /* the serial check's to refuse */
	TRY(registry_envelope(&k->registry, s->previous, &old, e));
	TRY(statement_parse(wr_span(&old.payload), &last, e));
	TRY(asset_read(&last, &was, e));
	return b->version == was.version ? check_enough(k, env, &was, e) : COFFER_OK;
}

static enum coffer_rc check_before(struct keep *k, const struct dsse *env, const struct statement *s, const struct asset_body *b, struct err *e)
{
	CLEANUP(statement_clear) struct statement last = { 0 };
	struct asset_body was;

	TRY(check_kept(k, env, s, b, e));
	TRY(last_word(k, s, &last, e));
	if (last.kind != ST_ASSET)
		return COFFER_OK;
	TRY(asset_read(&last, &was, e));
	return check_enough(k, env, &was, e);
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

static enum coffer_rc add_names(const struct statement *s, struct co_names *out, struct err *e)
{
	struct asset_body b;

	TRY(asset_read(s, &b, e));
	for (size_t i = 0; i < b.n_of; i++)
		memcpy(out->id[out->n++], b.of[i], PARTY_MAX);
	return COFFER_OK;
}

static enum coffer_rc add_newest(struct keep *k, const struct statement *s, struct co_names *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement last = { 0 };
	CLEANUP(dsse_clear) struct dsse old = { 0 };

	TRY(registry_envelope(&k->registry, s->previous, &old, e));
	TRY(statement_parse(wr_span(&old.payload), &last, e));
	return last.kind == ST_ASSET ? add_names(&last, out, e) : COFFER_OK;
}

enum coffer_rc co_names(struct keep *k, const struct statement *s, struct co_names *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement stands = { 0 };
	enum coffer_rc rc;
	struct brief b = { 0 };
	struct err no;
	bool found = false;

	out->n = 0;
	TRY(add_names(s, out, e));
	if (s->serial > 1)
		TRY(registry_brief(&k->registry, s->previous, &found, &b, e));
	if (!found)
		return COFFER_OK;
	TRY(add_newest(k, s, out, e));
	rc = last_word(k, s, &stands, &no);
	if (rc == COFFER_E_LIMIT) /* co_admit refuses then; of what was logged before it is not to be told any more */
		return COFFER_OK;
	if (rc != COFFER_OK)
		return (*e = no).rc;
	return stands.kind == ST_ASSET ? add_names(&stands, out, e) : COFFER_OK;
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

enum coffer_rc co_named(struct keep *k, const uint8_t id[static 32], const char *party, bool *yes, struct err *e)
{
	CLEANUP(statement_clear) struct statement st = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct asset_body b;

	TRY(registry_envelope(&k->registry, id, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &st, e));
	TRY(asset_read(&st, &b, e));
	*yes = asset_names(&b, party);
	return COFFER_OK;
}
