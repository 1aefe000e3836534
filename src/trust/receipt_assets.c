/* Who decided of the asset before the statement by which it was released, as far as the receipt has these: each change with the word of k of those before. */
#include "base/own.h"
#include "base/str.h"
#include "trust/receipt_int.h"

static enum coffer_rc check_next(const struct receipt_assets *a, const struct statement *s, const struct asset_body *b, struct err *e)
{
	if (a->n > 0 && (s->serial != a->serial + 1 || !span_eq(SPAN(s->previous), SPAN(a->chain.last_id)) || !asset_path_eq(&b->path, &a->chain.last.path)))
		return err_deny(e, "receipt-rests", "an asset statement in it does not follow the one before it");
	return COFFER_OK;
}

/* Whom those that are not shown name, and which of them are void, decides of it too. */
static bool knows(const struct receipt_assets *a, const struct parties *p)
{
	return a->from == 1 || !parties_any_dead(p);
}

static enum coffer_rc add(struct receipt_assets *a, const struct parties *p, const struct receipt_statement *x, const struct statement *s, struct err *e)
{
	struct asset_chain alone = { 0 };
	struct asset_body b;
	struct asset_said said = { s->id, &x->env, &b, 0 };
	struct leaf leaf;

	if (!leaf_read(wr_span(&x->entry.leaf), &leaf))
		return err_set(e, COFFER_E_BUG, "receipt: a leaf is malformed");
	said.logged = (int64_t)leaf.time;
	if (a->n == RECEIPT_ASSETS_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: more than %d statements about the asset", RECEIPT_ASSETS_MAX);
	TRY(asset_read(s, &b, e));
	TRY(check_next(a, s, &b, e));
	if (a->n++ == 0)
		a->from = s->serial;
	a->serial = s->serial;
	a->stands = asset_chain_next(&a->chain, p, &said);
	if (!knows(a, p))
		a->stands = asset_chain_next(&alone, p, &said);
	return COFFER_OK;
}

enum coffer_rc receipt_assets(const struct receipt *r, size_t n, const struct parties *p, struct receipt_assets *out, struct err *e)
{
	struct receipt_assets a = { 0 };

	for (size_t i = 0; i < n; i++) {
		CLEANUP(statement_clear) struct statement s = { 0 };

		TRY(statement_parse(wr_span(&r->statement[i].env.payload), &s, e));
		if (s.kind == ST_ASSET)
			TRY(add(&a, p, &r->statement[i], &s, e));
	}
	*out = a;
	return COFFER_OK;
}

static enum coffer_rc check_enough(const struct asset_body *was, const struct parties *p, const struct asset_said *x, struct err *e)
{
	uint64_t n = 0;

	for (size_t i = 0; i < was->n_of; i++) {
		const struct party_life *l = parties_life(p, span_of(was->of[i]));

		n += l && life_signed(l, x->env, x->logged, NULL);
	}
	return n >= was->k ? COFFER_OK
			   : err_deny(e, "receipt-signature", "an asset statement is not signed by %llu of those who decided until then", (unsigned long long)was->k);
}

enum coffer_rc receipt_follows(const struct receipt_assets *a, const struct parties *p, const struct statement *s, const struct asset_said *x, struct err *e)
{
	TRY(check_next(a, s, x->body, e));
	if (a->n == 0 || !knows(a, p))
		return COFFER_OK;
	if (a->chain.last.version == x->body->version)
		TRY(check_enough(&a->chain.last, p, x, e));
	return a->chain.has_stands ? check_enough(&a->chain.stands, p, x, e) : COFFER_OK;
}
