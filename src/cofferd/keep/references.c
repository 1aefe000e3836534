#include "cofferd/keep/references.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"
#include "trust/reference.h"

#define NOT_REVOKED " AND NOT EXISTS(SELECT 1 FROM revoked v WHERE v.target=s.id AND v.issuer=s.issuer" \
	" AND NOT EXISTS(SELECT 1 FROM revoked l WHERE l.target=v.statement AND l.issuer=v.issuer))"

struct read { struct statement st[REFERENCE_STATEMENTS_MAX]; const struct statement *list[REFERENCE_STATEMENTS_MAX]; size_t n; };

static void read_free(struct read **p)
{
	for (size_t i = 0; *p && i < (*p)->n; i++)
		statement_clear(&(*p)->st[i]);
	free(*p);
	*p = NULL;
}

/* The newest workload in force that renders to it. */
static enum coffer_rc provider_of(const struct registry *r, const uint8_t *initdata, int64_t now, char *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT s.issuer FROM workload w JOIN statement s ON s.id=w.statement WHERE" FACT_LIVES " AND s.issued<=? AND w.initdata=?" NOT_REVOKED
	    " ORDER BY s.seq DESC LIMIT 1");
	bool row = false;

	out[0] = '\0';
	q_i64(&q, now);
	q_i64(&q, now);
	q_blob(&q, (struct span){ initdata, 32 });
	TRY(q_row(&q, &row, e));
	return !row || q_col_name(&q, 0, out, PARTY_MAX) ? COFFER_OK : err_set(e, COFFER_E_BUG, "registry: malformed row");
}

/* Values that a stolen key stated are no reference, of minima neither: what holds others back is judged by decide(). */
static enum coffer_rc is_void(const struct registry *r, struct q *q, const char *issuer, bool *yes, struct err *e)
{
	struct voided_question v = { .issuer = issuer, .kind = (enum statement_kind)q_col_i64(q, 2), .logged = q_col_i64(q, 3) };
	uint8_t id[32];

	if (!q_col_fixed(q, 1, id, sizeof(id)))
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	v.id = id;
	return registry_by_dead(r, &v, yes, e);
}

static enum coffer_rc read_statements(const struct registry *r, const char *provider, int64_t now, struct read *in, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT s.payload, s.id, s.kind, (SELECT time FROM entry l WHERE l.seq=s.seq) FROM statement s WHERE" FACT_LIVES " AND s.issued<=? AND s.issuer=? AND s.kind IN (9, 10)" NOT_REVOKED
	    " ORDER BY s.seq DESC");

	_Static_assert(ST_BOOT_IMAGE == 9 && ST_TCB == 10, "the numbers in the query above");
	q_i64(&q, now);
	q_i64(&q, now);
	q_text(&q, span_of(provider));
	for (;;) {
		bool row = false, skip = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(is_void(r, &q, provider, &skip, e));
		if (skip)
			continue;
		if (in->n == REFERENCE_STATEMENTS_MAX)
			return err_set(e, COFFER_E_LIMIT, "registry: %s has more than %d boot-image and tcb statements in force", provider,
			    REFERENCE_STATEMENTS_MAX);
		TRY(statement_parse(q_col(&q, 0), &in->st[in->n], e));
		in->list[in->n] = &in->st[in->n];
		in->n++;
	}
}

static enum coffer_rc read_all(const struct registry *r, const uint8_t initdata[static 32], int64_t now, struct wr *out, struct err *e)
{
	CLEANUP(read_free) struct read *in = calloc(1, sizeof(*in));
	char provider[PARTY_MAX];
	const struct party *p;

	if (!in)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	TRY(provider_of(r, initdata, now, provider, e));
	p = provider[0] ? registry_party(r, span_of(provider), now) : NULL;
	if (p && (p->personas & PERSONA_WORKLOAD))
		TRY(read_statements(r, provider, now, in, e));
	return reference_values(in->list, in->n, now, out, e);
}

/* ---- kept between requests ---- */

static bool same_question(const struct references *p, const struct references *q)
{
	return p->any && p->version == q->version && p->now == q->now && span_eq(SPAN(p->initdata), SPAN(q->initdata));
}

static void keep_answer(struct registry *r, const struct references *q, struct span json)
{
	struct references *p = &r->references[r->references_next];

	if (json.n > REFERENCES_KEPT_BYTES)
		return;
	r->references_next = (r->references_next + 1) % REFERENCES_KEPT_MAX;
	wr_close(&p->json);
	*p = *q;
	p->json = wr_open(REFERENCES_KEPT_BYTES);
	wr_put(&p->json, json);
	p->any = wr_ok(&p->json);
}

enum coffer_rc registry_references(struct registry *r, const uint8_t initdata[static 32], int64_t now, struct wr *out, struct err *e)
{
	struct references q = { .version = store_version(r->store), .now = now };

	memcpy(q.initdata, initdata, sizeof(q.initdata));
	for (size_t i = 0; i < REFERENCES_KEPT_MAX; i++) {
		if (!same_question(&r->references[i], &q))
			continue;
		wr_put(out, wr_span(&r->references[i].json));
		return COFFER_OK;
	}
	TRY(read_all(r, initdata, now, out, e));
	TRY(wr_done(out, "reference values", e));
	keep_answer(r, &q, wr_span(out));
	return COFFER_OK;
}
