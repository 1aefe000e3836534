#include "cli/released_lent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/lent_links.h"
#include "cli/publish.h"
#include "cli/stops.h"

struct lent {
	const struct asker    *me;
	const struct lent_ask *q;
	char                   repository[REF_NAME_MAX + 1];
	struct lent_links      all; /* owned, as what follows; oldest first once they are there */
	struct fact_delegation *d; /* those that are about this image */
	size_t                 n_d;
	struct fact_revocation *revocation;
	size_t                 n_revocations;
	bool                   enough;  /* of what was found: its version */
	struct released       *out;
};

static void lent_end(struct lent *l)
{
	lent_links_clear(&l->all);
	free(l->d);
	free(l->revocation);
}

static enum coffer_rc ask(struct lent *l, const char *query, const char *subject, statement_cb cb, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	CLEANUP(freep) char *text = NULL;

	wr_str(&w, query);
	wr_str(&w, "&subject=");
	query_encode(&w, span_of(subject));
	text = wr_take(&w, NULL);
	if (!text)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return statements_query(NULL, l->me->h, l->me->key, l->me->conn, text, cb, l, e);
}

/* ---- the links that there ever were ---- */

/* What a stolen key signed lends nothing. */
static enum coffer_rc take_link(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct fact_delegation d = { .superseded_at = 0 };
	struct lent *l = arg;
	struct err stolen;

	if (statement_check_issuer(l->me->conn, env, s, &stolen) != COFFER_OK)
		return COFFER_OK;
	TRY(delegation_read(s, &d.body, e));
	if (d.body.role != ROLE_VERIFICATION || strcmp(d.body.of, l->q->provider) != 0)
		return COFFER_OK;
	d.s = (struct fact){ .kind = s->kind, .issued = s->issued, .expires = s->expires, .issuer_may = true };
	memcpy(d.s.id, s->id, sizeof(d.s.id));
	(void)snprintf(d.s.issuer, sizeof(d.s.issuer), "%s", s->issuer);
	return lent_links_add(&l->all, &d, e);
}

static enum coffer_rc add_revocations(struct lent *l, const uint8_t id[static 32], struct err *e)
{
	CLEANUP(stops_clear) struct stops by = { 0 };
	struct fact_revocation *more;

	TRY(stops_of(l->me, id, &by, e));
	more = realloc(l->revocation, (l->n_revocations + by.n + 1) * sizeof(*more));
	if (!more)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	l->revocation = more;
	for (size_t i = 0; i < by.n; i++) {
		struct fact_revocation *r = &more[l->n_revocations];

		*r = (struct fact_revocation){ .until = 0 };
		memcpy(r->target, id, sizeof(r->target));
		(void)snprintf(r->issuer, sizeof(r->issuer), "%s", by.at[i].by);
		l->n_revocations += !by.at[i].pause;
	}
	return COFFER_OK;
}

static enum coffer_rc find_links(struct lent *l, struct err *e)
{
	CLEANUP(freep) char *of = str_fmt("of:%s", l->q->provider);

	if (!of)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(ask(l, "kind=delegation&all=1", of, take_link, e));
	if (l->all.n == 0)
		return COFFER_OK;
	l->d = calloc(LINKS_MAX, sizeof(*l->d));
	if (!l->d)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	lent_links_order(&l->all);
	TRY(lent_links_choose(&l->all, span_of(l->repository), clock_now(), l->d, &l->n_d, e));
	for (size_t i = 0; i < l->n_d; i++)
		TRY(add_revocations(l, l->d[i].s.id, e));
	return COFFER_OK;
}

/* ---- the releases ---- */

/* Then, as far as its own time tells which links were there, and now. */
static bool speaks(const struct lent *l, const struct statement *s)
{
	const struct links links = { l->d, l->n_d, l->revocation, l->n_revocations, clock_now() };
	struct chain_ask q = { .of = l->q->provider, .to = s->issuer, .role = ROLE_VERIFICATION, .path = span_of(l->repository), .at = { UINT64_MAX, links.now } };
	struct chain c;

	if (!chain_find(&links, &q, &c))
		return false;
	q.at = (struct chain_point){ 1, s->issued };
	for (size_t i = 0; i < l->all.n; i++)
		if (l->all.d[i].s.logged <= s->issued)
			q.at.seq = l->all.d[i].s.seq + 1;
	return chain_find(&links, &q, &c);
}

/* By its provider, whose power it is, or by whom it is built for. */
static enum coffer_rc is_revoked(const struct lent *l, const uint8_t id[static 32], bool *yes, struct err *e)
{
	CLEANUP(stops_clear) struct stops by = { 0 };

	*yes = false;
	TRY(stops_of(l->me, id, &by, e));
	for (size_t i = 0; i < by.n; i++)
		*yes = *yes || (!by.at[i].pause && (strcmp(by.at[i].by, l->q->provider) == 0 || strcmp(by.at[i].by, l->me->h->party) == 0));
	return COFFER_OK;
}

static enum coffer_rc take_release(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_PAYLOAD_MAX);
	struct lent *l = arg;
	struct image_release body;
	bool revoked = false;

	(void)env;
	if (l->enough || strcmp(s->issuer, l->q->provider) == 0)
		return COFFER_OK;
	TRY(image_release_read(s, &body, e));
	if (l->out->doc && body.version < l->q->least)
		return COFFER_OK;
	if (!span_eq(SPAN(body.digest), SPAN(l->q->ref->digest)) || !span_eq_str(body.repository, l->repository) || !speaks(l, s))
		return COFFER_OK;
	TRY(is_revoked(l, s->id, &revoked, e));
	if (revoked)
		return COFFER_OK;
	json_canon(s->body, &text);
	TRY(wr_done(&text, "image-release", e));
	released_clear(l->out);
	l->enough = body.version >= l->q->least;
	memcpy(l->out->id, s->id, sizeof(l->out->id));
	(void)snprintf(l->out->by, sizeof(l->out->by), "%s", s->issuer);
	return json_parse(wr_span(&text), DSSE_PAYLOAD_MAX, &l->out->doc, e);
}

enum coffer_rc released_lent(const struct asker *me, const struct lent_ask *q, struct released *out, struct err *e)
{
	CLEANUP(lent_end) struct lent l = { .me = me, .q = q, .out = out };

	ref_name(q->ref, l.repository);
	TRY(find_links(&l, e));
	return l.n_d > 0 ? ask(&l, "kind=image-release", l.repository, take_release, e) : COFFER_OK;
}
