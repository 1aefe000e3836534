/* Whether a statement of a receipt was said with another's power: by the delegations in it, and what the map says became of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/receipt_int.h"

static enum coffer_rc add(const struct receipt_lent *q, const struct receipt_statement *x, struct fact_delegation *list, size_t *n, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct fact_delegation *d = &list[*n];
	struct leaf leaf;

	TRY(statement_parse(wr_span(&x->env.payload), &s, e));
	if (s.kind != ST_DELEGATION)
		return COFFER_OK;
	if (!leaf_read(wr_span(&x->entry.leaf), &leaf))
		return err_set(e, COFFER_E_BUG, "receipt: a leaf is malformed");
	TRY(delegation_read(&s, &d->body, e));
	d->s = (struct fact){ .kind = s.kind, .issued = s.issued, .expires = s.expires, .seq = leaf.index, .logged = (int64_t)leaf.time };
	(void)snprintf(d->s.issuer, sizeof(d->s.issuer), "%s", s.issuer);
	d->s.issuer_may = parties_life(q->parties, span_of(s.issuer)) != NULL;
	d->superseded_at = x->status == MAP_SUPERSEDED ? x->set : 0;
	(*n)++;
	return COFFER_OK;
}

static bool holds(const struct links *l, const struct receipt_lent *q, const char *of)
{
	struct chain_ask ask = { .of = of, .to = q->s->issuer, .role = q->role, .path = q->what };
	struct chain c;

	ask.at = (struct chain_point){ q->leaf->index, (int64_t)q->leaf->time };
	if (!chain_find(l, &ask, &c))
		return false;
	ask.at = (struct chain_point){ UINT64_MAX, q->time };
	return chain_find(l, &ask, &c);
}

enum coffer_rc receipt_lent(const struct receipt_lent *q, const char *const *of, size_t n_of, bool *yes, struct err *e)
{
	CLEANUP(freep) struct fact_delegation *list = calloc(q->r->n + 1, sizeof(*list));
	struct links l = { .d = list, .now = q->time };

	if (!list)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	for (size_t i = 0; i < q->r->n; i++)
		TRY(add(q, &q->r->statement[i], list, &l.n, e));
	*yes = false;
	for (size_t i = 0; i < n_of && !*yes; i++)
		*yes = holds(&l, q, of[i]);
	return COFFER_OK;
}
