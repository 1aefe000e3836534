/* Boot images and minima of firmware. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"

/* ---- boot images ---- */

/* What the decision does not look at goes with the statement; launches on other platforms can match nothing here. */
static void keep_platform(struct boot_image *b, const char *platform)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_launches; i++)
		if (strcmp(b->launch[i].platform, platform) == 0)
			b->launch[n++] = b->launch[i];
	b->n_launches = n;
	b->rebuild = (struct span){ 0 };
	b->reference = NULL;
}

static void shrink(struct boot_image *b)
{
	struct boot_launch *less = b->n_launches > 0 ? realloc(b->launch, b->n_launches * sizeof(*less)) : NULL;

	b->launch = less ? less : b->launch;
}

static enum coffer_rc add_boot(const struct registry *r, struct q *q, const char *provider, int64_t now, struct facts *out,
    struct err *e)
{
	CLEANUP(statement_clear) struct statement st = { 0 };
	struct fact_boot *b = &out->boot[out->n_boots];

	TRY(fact_read(r, q, now, &b->s, e));
	fact_for(r, &b->s, provider, now);
	TRY(statement_parse(q_col(q, PAYLOAD_COLUMN), &st, e));
	TRY(boot_image_read(&st, &b->body, e));
	keep_platform(&b->body, out->platform);
	if (b->body.n_launches == 0) {
		boot_image_clear(&b->body);
		return COFFER_OK;
	}
	shrink(&b->body);
	out->n_boots++; /* from here on facts_free clears it */
	return fact_revocations(r, &b->s, out, e);
}

static enum coffer_rc read_boots(const struct registry *r, const char *provider, int64_t now, struct facts *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT " FACT_COLUMNS " FROM statement s WHERE" FACT_LIVES " AND s.kind=? AND s.issuer=? ORDER BY s.seq DESC");

	q_i64(&q, now);
	q_i64(&q, ST_BOOT_IMAGE);
	q_text(&q, span_of(provider));
	for (size_t n = 0;; n++) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (n == FACT_BOOTS_MAX)
			return err_set(e, COFFER_E_LIMIT, "registry: %s has more than %d boot images that have not expired", provider,
			    FACT_BOOTS_MAX);
		TRY(add_boot(r, &q, provider, now, out, e));
	}
}

/* ---- by delegates ---- */

/* own: the provider lets it itself, now. next: of its boot images. most: places, those that the provider's own have among them. */
struct delegate { const struct fact_delegation *link; bool own, all; size_t next; };
struct delegates { struct delegate d[FACT_LINKS_MAX]; size_t n, most; };

static bool lets_itself(const struct facts *f, const struct fact_delegation *d)
{
	const struct links l = { .revocation = f->revocation, .n_revocations = f->n_revocations, .now = INT64_MAX }; /* a pause ends by itself */

	return strcmp(d->s.issuer, d->body.of) == 0 && !d->superseded_at && f->now < d->s.expires && f->now < d->body.until && !link_revoked(&l, d);
}

/* Each once, whatever chains lead to it, in the order of its links. */
static void find_delegates(const struct facts *f, struct delegates *out)
{
	for (size_t i = 0; i < f->n_delegations && out->n < FACT_LINKS_MAX; i++) {
		const struct fact_delegation *d = &f->delegation[i];
		bool seen = d->body.role != ROLE_BOOT_IMAGE;

		for (size_t k = 0; k < out->n && !seen; k++)
			seen = strcmp(out->d[k].link->body.to, d->body.to) == 0;
		if (!seen)
			out->d[out->n++] = (struct delegate){ .link = d, .own = lets_itself(f, d) };
	}
}

static enum coffer_rc read_next(const struct registry *r, struct delegate *d, struct facts *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT " FACT_COLUMNS " FROM statement s WHERE" FACT_LIVES " AND s.kind=? AND s.issuer=? ORDER BY s.seq DESC LIMIT 1 OFFSET ?");
	bool row = false;

	q_i64(&q, out->now);
	q_i64(&q, ST_BOOT_IMAGE);
	q_text(&q, span_of(d->link->body.to));
	q_i64(&q, (int64_t)d->next++);
	TRY(q_row(&q, &row, e));
	d->all = !row;
	return row ? add_boot(r, &q, d->link->body.of, out->now, out, e) : COFFER_OK;
}

struct turn { size_t n; bool own; }; /* of each the n-th; own: of those whom the provider lets itself */

static enum coffer_rc read_turn(const struct registry *r, struct delegates *l, struct turn t, struct facts *out, struct err *e)
{
	for (size_t i = 0; i < l->n && out->n_boots < l->most; i++)
		if (!l->d[i].all && l->d[i].next == t.n && (l->d[i].own || !t.own))
			TRY(read_next(r, &l->d[i], out, e));
	return COFFER_OK;
}

/* The newest of each, for which there is always room; then of whom the provider lets itself, in turn, and then of others: what one of these lends on
 * hides at most what is older of theirs. */
static enum coffer_rc read_delegates(const struct registry *r, struct facts *out, struct err *e)
{
	struct delegates l = { .most = out->n_boots + FACT_BOOTS_LENT_MAX };

	_Static_assert(FACT_LINKS_MAX <= FACT_BOOTS_LENT_MAX, "one place for each delegate");
	find_delegates(out, &l);
	TRY(read_turn(r, &l, (struct turn){ 0, false }, out, e));
	for (int own = 1; own >= 0; own--)
		for (size_t n = 1; n < FACT_DELEGATED_MAX; n++)
			TRY(read_turn(r, &l, (struct turn){ n, own == 1 }, out, e));
	return COFFER_OK;
}

/* ---- minima ---- */

static enum coffer_rc add_tcb(const struct registry *r, struct q *q, int64_t now, struct facts *out, struct err *e)
{
	struct fact_tcb *t = &out->tcb[out->n_tcbs];

	if (out->n_tcbs == FACT_TCBS_MAX)
		return err_set(e, COFFER_E_LIMIT, "registry: more than %d tcb statements bear on one request", FACT_TCBS_MAX);
	out->n_tcbs++; /* from here on facts_free clears it */
	TRY(fact_read(r, q, now, &t->s, e));
	TRY(statement_parse(q_col(q, PAYLOAD_COLUMN), &t->st, e));
	TRY(tcb_read(&t->st, &t->body, e));
	return fact_revocations(r, &t->s, out, e);
}

/* What a stolen key stated stands beside what it would have replaced: both must be met, or it could lower a minimum. */
static enum coffer_rc add_minimum(const struct registry *r, struct q *q, int64_t now, struct facts *out, char covered[static PARTY_MAX],
    struct err *e)
{
	struct fact *f;
	bool dead = false;
	char issuer[PARTY_MAX];

	if (!q_col_name(q, 2, issuer, sizeof(issuer)))
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	if (strcmp(issuer, covered) == 0)
		return COFFER_OK;
	TRY(add_tcb(r, q, now, out, e));
	f = &out->tcb[out->n_tcbs - 1].s;
	f->superseded = false;
	TRY(registry_by_dead(r, &(struct voided_question){ f->id, f->issuer, f->kind, f->logged }, &dead, e));
	if (!dead)
		(void)snprintf(covered, PARTY_MAX, "%s", issuer);
	return COFFER_OK;
}

/* The subject of a tcb statement is its platform. Of each issuer the newest, which has not expired. */
static enum coffer_rc read_tcbs(const struct registry *r, const char *provider, int64_t now, struct facts *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT " FACT_COLUMNS " FROM statement s WHERE s.kind=?1 AND s.issuer IN (SELECT ?3 UNION SELECT value FROM json_each(?2))"
	                                               " AND s.subject=?4 ORDER BY s.issuer, s.serial DESC");
	CLEANUP(wr_close) struct wr name = wr_open(64), owners = wr_open(1024);
	char covered[PARTY_MAX] = "";

	wr_blob32(&name, span_of(out->platform));
	TRY(wr_done(&name, "platform", e));
	fact_owners(out, &owners);
	TRY(wr_done(&owners, "owners", e));
	q_i64(&q, ST_TCB);
	q_text(&q, wr_span(&owners));
	q_text(&q, span_of(provider));
	q_blob(&q, wr_span(&name));
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(add_minimum(r, &q, now, out, covered, e));
	}
}

/* Read as the decision reads them; what it could not read asks nothing of anybody. */
static int64_t age_of(struct span payload, struct tcb_minimum *t)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct err ignore = { 0 };

	return statement_parse(payload, &s, &ignore) == COFFER_OK && tcb_read(&s, t, &ignore) == COFFER_OK ? t->max_age : 0;
}

enum coffer_rc registry_collateral_age(const struct registry *r, const char *platform, int64_t now, uint32_t *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT s.payload FROM statement s WHERE s.kind=10 AND s.names=?1 AND s.expires>?2"
	    " AND NOT EXISTS(SELECT 1 FROM statement n WHERE n.kind=s.kind AND n.issuer=s.issuer AND n.subject=s.subject AND n.serial>s.serial)");
	CLEANUP(wr_close) struct wr name = wr_open(64);
	CLEANUP(freep) struct tcb_minimum *t = calloc(1, sizeof(*t));
	uint32_t least = 0;

	_Static_assert(ST_TCB == 10, "the number above, by which its index is found");
	if (!t)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	wr_blob32(&name, span_of(platform));
	TRY(wr_done(&name, "platform", e));
	q_blob(&q, wr_span(&name));
	q_i64(&q, now);
	for (;;) {
		bool row = false;
		int64_t age;

		TRY(q_row(&q, &row, e));
		if (!row)
			break;
		age = age_of(q_col(&q, 0), t);
		if (age > 0 && age <= UINT32_MAX && (least == 0 || age < least))
			least = (uint32_t)age;
	}
	*out = least;
	return COFFER_OK;
}

/* All workloads of one init-data have one manifest: the init-data holds it. */
enum coffer_rc facts_machine(const struct registry *r, int64_t now, struct facts *out, struct err *e)
{
	const char *provider = out->n_workloads > 0 ? out->workload[0].manifest.provider : "";

	TRY(read_tcbs(r, provider, now, out, e));
	if (out->n_workloads == 0)
		return COFFER_OK;
	TRY(read_boots(r, provider, now, out, e));
	return read_delegates(r, out, e);
}
