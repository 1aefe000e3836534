/* The service's statements: by whom the genesis lets designate it, and by whom such a party lets. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"

static enum coffer_rc add(const struct registry *r, struct q *q, const char *founder, int64_t now, struct facts *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement st = { 0 };
	struct fact_service *v = &out->service[out->n_services];
	struct service body;

	if (out->n_services == FACT_SERVICES_MAX)
		return err_set(e, COFFER_E_BUG, "registry: more service statements than places");
	TRY(fact_read(r, q, now, &v->s, e));
	TRY(statement_parse(q_col(q, PAYLOAD_COLUMN), &st, e));
	TRY(service_read(st.body, &body, e));
	memcpy(v->id, body.id, sizeof(v->id));
	fact_for(r, &v->s, founder, now);
	TRY(fact_revocations(r, &v->s, out, e));
	out->n_services++;
	return COFFER_OK;
}

struct stated { const char *issuer, *founder; size_t most; };

static enum coffer_rc by_issuer(const struct registry *r, const struct stated *w, int64_t now, struct facts *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT " FACT_COLUMNS " FROM statement s WHERE" FACT_LIVES
	                                               " AND s.kind=? AND s.issuer=? ORDER BY s.seq DESC LIMIT ?");

	q_i64(&q, now);
	q_i64(&q, ST_SERVICE);
	q_text(&q, span_of(w->issuer));
	q_i64(&q, (int64_t)w->most);
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(add(r, &q, w->founder, now, out, e));
	}
}

/* A link to that delegate before it. */
static bool linked_before(const struct facts *f, size_t first, size_t n)
{
	for (size_t k = first; k < n; k++)
		if (strcmp(f->delegation[k].body.to, f->delegation[n].body.to) == 0)
			return true;
	return false;
}

/* Each delegate of that founder once, whatever chains lead to it, in the order of its links: each to whom one leads that stands has a place. */
static enum coffer_rc by_delegates(const struct registry *r, const char *founder, int64_t now, struct facts *out, struct err *e)
{
	size_t first = out->n_delegations, before = out->n_services;

	TRY(fact_links(r, &(struct links_question){ founder, ROLE_SERVICE, now }, out, e));
	for (size_t i = first; i < out->n_delegations && out->n_services < before + FACT_SERVICES_LENT_MAX; i++)
		if (!linked_before(out, first, i))
			TRY(by_issuer(r, &(struct stated){ out->delegation[i].body.to, founder, 1 }, now, out, e));
	return COFFER_OK;
}

/* By the genesis; whether it may still fact_may looks at. */
static bool designates(const struct party *founder)
{
	return founder && (founder->personas & PERSONA_WORKLOAD);
}

enum coffer_rc facts_services(const struct registry *r, int64_t now, struct facts *out, struct err *e)
{
	const struct genesis *g = r->genesis;

	for (size_t i = 0; i < g->n_parties; i++)
		if (designates(&g->party[i]))
			TRY(by_issuer(r, &(struct stated){ g->party[i].id, g->party[i].id, FACT_SERVICES_OF_MAX }, now, out, e));
	for (size_t i = 0; i < g->n_parties; i++)
		if (designates(&g->party[i]))
			TRY(by_delegates(r, g->party[i].id, now, out, e));
	return COFFER_OK;
}

/* ---- one of them ---- */

static enum coffer_rc read_one(const struct registry *r, const uint8_t id[static 32], const char *founder, struct facts *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT " FACT_COLUMNS " FROM statement s WHERE s.id=? AND s.kind=?");
	bool row = false;

	q_blob(&q, (struct span){ id, 32 });
	q_i64(&q, ST_SERVICE);
	TRY(q_row(&q, &row, e));
	return row ? add(r, &q, founder, out->now, out, e) : err_set(e, COFFER_E_NOTFOUND, "no such service statement is logged");
}

static void drop_pauses(struct facts *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_revocations; i++)
		if (f->revocation[i].until == 0)
			f->revocation[n++] = f->revocation[i];
	f->n_revocations = n;
}

static bool revoked(const struct facts *f, const struct fact *s)
{
	for (size_t i = 0; i < f->n_revocations; i++)
		if (span_eq(SPAN(f->revocation[i].target), SPAN(s->id)))
			return true;
	return s->voided;
}

static void put_link(const struct fact *f, struct designation *out)
{
	size_t at = out->n;

	for (size_t i = 0; i < out->n; i++)
		if (out->link[i].seq == f->seq)
			return;
	for (; at > 0 && out->link[at - 1].seq > f->seq; at--)
		out->link[at] = out->link[at - 1];
	memcpy(out->link[at].id, f->id, sizeof(out->link[at].id));
	out->link[at].seq = f->seq;
	out->n++;
}

static void put(const struct chain *c, struct designation *out)
{
	for (size_t i = 0; i < c->all; i++)
		put_link(&c->link[i]->s, out);
}

/* As the decision asks it (decide_chains), but for pauses. */
static bool speaks(const struct facts *f, const char *founder, struct designation *out)
{
	const struct fact_service *v = &f->service[0];
	const struct links l = { f->delegation, f->n_delegations, f->revocation, f->n_revocations, f->now };
	struct chain_ask ask = { .of = founder, .to = v->s.issuer, .role = ROLE_SERVICE, .path = span_of(v->id), .at = { v->s.seq, v->s.logged } };
	struct chain then, now;

	if (!v->s.issuer_may || revoked(f, &v->s) || !chain_find(&l, &ask, &then))
		return false;
	ask.at = (struct chain_point){ UINT64_MAX, f->now };
	if (!chain_find(&l, &ask, &now))
		return false;
	put(&then, out);
	put(&now, out);
	return true;
}

static enum coffer_rc by_founder(const struct registry *r, const uint8_t id[static 32], const struct party *founder, int64_t now, struct designation *out,
    struct err *e)
{
	CLEANUP(facts_freep) struct facts *f = calloc(1, sizeof(*f));

	if (!f)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	f->now = now;
	TRY(read_one(r, id, founder->id, f, e)); /* first: anybody may ask, of what is not there too */
	TRY(fact_links(r, &(struct links_question){ founder->id, ROLE_SERVICE, now }, f, e));
	drop_pauses(f);
	if (f->service[0].s.of[0])
		out->yes = speaks(f, founder->id, out);
	else
		out->yes = f->service[0].s.issuer_may; /* what it revoked itself whoever asks looks at */
	return COFFER_OK;
}

enum coffer_rc registry_designation(const struct registry *r, const uint8_t id[static 32], int64_t now, struct designation *out, struct err *e)
{
	struct designation d = { .yes = false };

	for (size_t i = 0; i < r->genesis->n_parties && !d.yes; i++)
		if (designates(&r->genesis->party[i]))
			TRY(by_founder(r, id, &r->genesis->party[i], now, &d, e));
	*out = d;
	return COFFER_OK;
}
