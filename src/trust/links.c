#include "trust/links.h"

#include <string.h>

#include "base/str.h"

/* The links that a question is about, and how many may still follow each; -1: nothing leads to it. */
struct fitting { const struct fact_delegation *d[LINKS_MAX]; size_t n; };
struct reach { int left[LINKS_MAX]; size_t above[LINKS_MAX]; };
#define NONE SIZE_MAX

bool link_revoked(const struct links *l, const struct fact_delegation *d)
{
	if (d->s.voided)
		return true;
	for (size_t i = 0; i < l->n_revocations; i++) {
		const struct fact_revocation *r = &l->revocation[i];

		if (span_eq(SPAN(r->target), SPAN(d->s.id)) && fact_bears(r, l->now) &&
		    (strcmp(r->issuer, d->s.issuer) == 0 || strcmp(r->issuer, d->body.of) == 0))
			return true;
	}
	return false;
}

/* Of the kind that is asked about. */
static bool fits(const struct links *l, const struct chain_ask *q, const struct fact_delegation *d)
{
	return d->body.role == q->role && strcmp(d->body.of, q->of) == 0 && delegation_covers(&d->body, q->path) &&
	       d->s.issuer_may && (q->revoked_too || !link_revoked(l, d));
}

static bool stood(const struct fact_delegation *d, struct chain_point p)
{
	return d->s.seq < p.seq && (d->superseded_at == 0 || d->superseded_at >= p.seq) && d->s.issued <= p.time &&
	       p.time < d->s.expires && p.time < d->body.until;
}

static bool gather(const struct links *l, const struct chain_ask *q, struct fitting *out)
{
	out->n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!fits(l, q, &l->d[i]))
			continue;
		if (out->n == LINKS_MAX)
			return false;
		out->d[out->n++] = &l->d[i];
	}
	return true;
}

/* Gives link i all that link j, above it, leaves. */
static void follow(const struct fitting *l, size_t j, size_t i, struct reach *r)
{
	int depth = (int)l->d[i]->body.depth, left = r->left[j] - 1 < depth ? r->left[j] - 1 : depth;

	if (r->left[j] < 1 || left <= r->left[i] || strcmp(l->d[j]->body.to, l->d[i]->s.issuer) != 0)
		return;
	r->left[i] = left;
	r->above[i] = j;
}

/* Links that stood when each was logged, or (with `logged`) those of them that stand at the place asked about. A link's budget is less
 * than that of the one above, so that four rounds find all and nothing goes in a circle. */
static void reach(const struct fitting *l, const struct chain_ask *q, const struct reach *logged, struct reach *out)
{
	bool use[LINKS_MAX] = { false };

	for (size_t i = 0; i < l->n; i++) {
		const struct fact_delegation *d = l->d[i];

		use[i] = !logged || (logged->left[i] >= 0 && stood(d, q->at));
		out->left[i] = use[i] && strcmp(d->s.issuer, q->of) == 0 ? (int)d->body.depth : -1;
		out->above[i] = NONE;
	}
	for (unsigned round = 1; round < CHAIN_MAX; round++)
		for (size_t i = 0; i < l->n; i++)
			for (size_t j = 0; use[i] && j < l->n; j++)
				if (use[j] && (logged || stood(l->d[j], (struct chain_point){ l->d[i]->s.seq, l->d[i]->s.logged })))
					follow(l, j, i, out);
}

static bool has_link(const struct chain *c, const struct fact_delegation *d)
{
	for (size_t i = 0; i < c->all; i++)
		if (c->link[i] == d)
			return true;
	return false;
}

/* What the chain rests on besides: above each of its links, those by which it was lent. */
static void add_lenders(const struct fitting *l, const struct reach *logged, size_t i, struct chain *c)
{
	for (i = logged->above[i]; i != NONE; i = logged->above[i])
		if (c->all < CHAIN_LINKS_MAX && !has_link(c, l->d[i]))
			c->link[c->all++] = l->d[i];
}

bool chain_find(const struct links *l, const struct chain_ask *q, struct chain *out)
{
	struct fitting fit;
	struct reach logged, now;
	struct chain c = { 0 };
	size_t best = NONE;

	if (!gather(l, q, &fit))
		return false;
	reach(&fit, q, NULL, &logged);
	reach(&fit, q, &logged, &now);
	for (size_t i = 0; i < fit.n; i++)
		if (now.left[i] >= 0 && strcmp(fit.d[i]->body.to, q->to) == 0 && (best == NONE || now.left[i] > now.left[best]))
			best = i;
	if (best == NONE)
		return false;
	c.left = (unsigned)now.left[best];
	for (size_t i = best; i != NONE && c.n < CHAIN_MAX; i = now.above[i])
		c.link[c.n++] = fit.d[i];
	c.all = c.n;
	for (size_t i = best; i != NONE; i = now.above[i])
		add_lenders(&fit, &logged, i, &c);
	*out = c;
	return true;
}
