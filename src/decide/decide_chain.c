/* Delegation: whether a party speaks for another, at a place in the journal or now. */
#include "decide/decide_int.h"

/* How many links may still follow each link; -1: nothing leads to it. */
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

/* Gives link i all that link j, above it, leaves. */
static void follow(const struct links *l, size_t j, size_t i, struct reach *r)
{
	int depth = (int)l->d[i].body.depth, left = r->left[j] - 1 < depth ? r->left[j] - 1 : depth;

	if (r->left[j] < 1 || left <= r->left[i] || strcmp(l->d[j].body.to, l->d[i].s.issuer) != 0)
		return;
	r->left[i] = left;
	r->above[i] = j;
}

/* Links that stood when each was logged, or (with `at`) those of them that stood there. A link's budget is less than that of
 * the one above, so that four rounds find all and nothing goes in a circle. */
static void reach(const struct links *l, const struct chain_ask *q, const struct reach *logged, struct reach *out)
{
	bool use[LINKS_MAX] = { false };

	for (size_t i = 0; i < l->n; i++) {
		const struct fact_delegation *d = &l->d[i];

		use[i] = fits(l, q, d) && (!logged || (logged->left[i] >= 0 && stood(d, q->at)));
		out->left[i] = use[i] && strcmp(d->s.issuer, q->of) == 0 ? (int)d->body.depth : -1;
		out->above[i] = NONE;
	}
	for (unsigned round = 1; round < CHAIN_MAX; round++)
		for (size_t i = 0; i < l->n; i++)
			for (size_t j = 0; use[i] && j < l->n; j++)
				if (use[j] && (logged || stood(&l->d[j], (struct chain_point){ l->d[i].s.seq, l->d[i].s.logged })))
					follow(l, j, i, out);
}

bool chain_find(const struct links *l, const struct chain_ask *q, struct chain *out)
{
	struct reach logged, now;
	struct chain c = { 0 };
	size_t best = NONE;

	if (l->n > LINKS_MAX)
		return false;
	reach(l, q, NULL, &logged);
	reach(l, q, &logged, &now);
	for (size_t i = 0; i < l->n; i++)
		if (now.left[i] >= 0 && strcmp(l->d[i].body.to, q->to) == 0 && (best == NONE || now.left[i] > now.left[best]))
			best = i;
	if (best == NONE)
		return false;
	c.left = (unsigned)now.left[best];
	for (size_t i = best; i != NONE && c.n < CHAIN_MAX; i = now.above[i])
		c.link[c.n++] = &l->d[i];
	*out = c;
	return true;
}

/* ---- for the decision ---- */

static bool role_of(enum statement_kind k, enum delegated_role *out)
{
	*out = k == ST_BOOT_IMAGE ? ROLE_BOOT_IMAGE : ROLE_APPROVAL;
	return k == ST_BOOT_IMAGE || k == ST_APPROVAL;
}

struct links decide_links(const struct decide_in *in)
{
	return (struct links){ in->delegation, in->n_delegations, in->revocation, in->n_revocations, in->now };
}

bool decide_chains(const struct decide_in *in, const struct fact *f, bool revoked_too, struct chain out[static 2])
{
	struct links l = decide_links(in);
	struct chain_ask q = { .of = f->of, .to = f->issuer, .path = span_of(in->q.path.text), .revoked_too = revoked_too };

	if (!role_of(f->kind, &q.role))
		return false;
	q.at = (struct chain_point){ f->seq, f->logged };
	if (!chain_find(&l, &q, &out[0]))
		return false;
	q.at = (struct chain_point){ UINT64_MAX, in->now };
	return chain_find(&l, &q, &out[1]);
}

bool decide_speaks(const struct decide_in *in, const struct fact *f, const char *principal)
{
	struct chain c[2];

	if (!f->of[0])
		return strcmp(f->issuer, principal) == 0;
	return strcmp(f->of, principal) == 0 && decide_chains(in, f, true, c);
}

const struct fact_delegation *decide_revoked_link(const struct decide_in *in, const struct fact *f)
{
	struct links l = decide_links(in);
	struct chain c[2];

	if (!f->of[0] || decide_chains(in, f, false, c) || !decide_chains(in, f, true, c))
		return NULL;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < c[k].n; i++)
			if (link_revoked(&l, c[k].link[i]))
				return c[k].link[i];
	return NULL;
}
