/* The delegations of one party's power: each read once a party and role. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"

/* The subjects of a delegation end with whose power and which (statements.md). */
static void subject_end(const struct links_question *w, struct wr *out)
{
	CLEANUP(freep) char *of = str_fmt("of:%s", w->of);
	CLEANUP(freep) char *role = str_fmt("role:%s", role_name(w->role));

	if (!of || !role) {
		out->bad = true;
		return;
	}
	wr_blob32(out, span_of(of));
	wr_blob32(out, span_of(role));
}

static enum coffer_rc read_link(const struct registry *r, struct q *q, int64_t now, struct fact_delegation *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement st = { 0 };

	TRY(fact_read(r, q, now, &out->s, e));
	TRY(statement_parse(q_col(q, PAYLOAD_COLUMN), &st, e));
	TRY(delegation_read(&st, &out->body, e));
	fact_for(r, &out->s, out->body.of, now);
	out->superseded_at = (uint64_t)q_col_i64(q, NEXT_COLUMN); /* NULL reads as 0 */
	return COFFER_OK;
}

static enum coffer_rc place(struct facts *f, struct fact_delegation **out, struct err *e)
{
	if (f->n_delegations == f->room_delegations) {
		struct fact_delegation *more = realloc(f->delegation, (f->room_delegations + 8) * sizeof(*more));

		if (!more)
			return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
		f->delegation = more;
		f->room_delegations += 8;
	}
	*out = &f->delegation[f->n_delegations];
	**out = (struct fact_delegation){ .superseded_at = 0 };
	return COFFER_OK;
}

/* SQL: of the power ?1 the newest of each issuer and delegate. They are stepped to, so that how often somebody renewed one alters nothing. */
#define POWER_OF(s) s ".kind=11 AND " STORE_POWER(s ".names") "=?1"
#define PAIRS \
	"pair(at) AS (SELECT (SELECT n.rowid FROM statement n WHERE " POWER_OF("n") " ORDER BY n.issuer, n.subject, n.serial DESC LIMIT 1)" \
	" UNION ALL SELECT (SELECT n.rowid FROM statement n WHERE " POWER_OF("n") " AND (n.issuer, n.subject)>(p.issuer, p.subject)" \
	" ORDER BY n.issuer, n.subject, n.serial DESC LIMIT 1) FROM pair JOIN statement p ON p.rowid=pair.at)"

/* Which of all there ever were: those that stand, first by whose power it is (?3), then by others; admission keeps these few. Then those of before that were renewed and whose
 * newest stands, by which something was lent or said; then what ended. Of these every second place is for those by whose power it is, and of what one lent to one party the
 * newest goes first, in turn: nobody who lends on what it was lent takes a place of the lender's own. What was lent on by one to whom no link leads that was never revoked has ended.
 * Of a link that is renewed on and on the oldest are not looked at. */
#define LINKS \
	"WITH RECURSIVE " PAIRS "," \
	" one AS MATERIALIZED (SELECT s.id, s.issuer, s.subject, s.seq, s.issuer=?3 AS own, CAST(substr(s.names, 5, length(s.names)-length(?1)-4) AS TEXT) AS party," \
	" EXISTS(SELECT 1 FROM revoked v WHERE v.target=s.id AND v.issuer IN (s.issuer, ?3)" \
	" AND NOT EXISTS(SELECT 1 FROM revoked l WHERE l.target=v.statement AND l.issuer=v.issuer)) AS revoked," \
	" CASE WHEN s.expires>?4 AND s.serial=p.serial THEN delegated_until(s.payload)>?4 ELSE 0 END AS runs" \
	" FROM pair CROSS JOIN statement p ON p.rowid=pair.at CROSS JOIN statement s ON s.kind=p.kind AND s.issuer=p.issuer AND s.subject=p.subject AND s.serial>p.serial-?2)," \
	" lent(party, depth) AS (SELECT ?3, 0 UNION SELECT o.party, t.depth+1 FROM lent t JOIN one o ON o.issuer=t.party WHERE NOT o.revoked AND t.depth<4)," \
	" two AS (SELECT *, runs AND NOT revoked AND issuer IN (SELECT party FROM lent) AS stands FROM one)," \
	" renewed AS (SELECT *, stands + max(stands) OVER (PARTITION BY issuer, subject) AS class," \
	" row_number() OVER (PARTITION BY issuer, subject, stands ORDER BY seq DESC) AS turn FROM two)," \
	" link AS (SELECT id, own, class, row_number() OVER (PARTITION BY class, own ORDER BY turn, seq DESC) AS place FROM renewed)," \
	" chosen AS MATERIALIZED (SELECT id, row_number() OVER (ORDER BY class DESC, class=2 AND NOT own, place, own DESC) AS nth FROM link ORDER BY nth LIMIT ?2)" \
	" SELECT " FACT_COLUMNS ", (SELECT MIN(n.seq) FROM statement n WHERE n.kind=s.kind AND n.issuer=s.issuer AND n.subject=s.subject AND n.serial>s.serial)" \
	" FROM chosen JOIN statement s ON s.id=chosen.id ORDER BY chosen.nth"

/* Most have lent nothing, which one look tells. */
static enum coffer_rc any_link(const struct registry *r, struct span power, bool *yes, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT 1 FROM statement n INDEXED BY statement_lent WHERE " POWER_OF("n") " LIMIT 1");

	q_blob(&q, power);
	return q_row(&q, yes, e);
}

static enum coffer_rc read_links(const struct registry *r, const struct links_question *w, struct facts *out, struct err *e)
{
	CLEANUP(wr_close) struct wr end = wr_open(256);
	CLEANUP(q_close) struct q q = { 0 };
	bool any = false;

	_Static_assert(FACT_LINKS_MAX <= LINKS_MAX, "what a chain is looked for in");
	_Static_assert(ST_DELEGATION == 11, "the number above, by which the indexes are found");
	subject_end(w, &end);
	TRY(wr_done(&end, "subject", e));
	TRY(any_link(r, wr_span(&end), &any, e));
	if (!any)
		return COFFER_OK;
	q = q_open(r->store, LINKS);
	q_blob(&q, wr_span(&end));
	q_i64(&q, FACT_LINKS_MAX);
	q_text(&q, span_of(w->of));
	q_i64(&q, w->now);
	for (;;) {
		struct fact_delegation *d = NULL;
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(place(out, &d, e));
		TRY(read_link(r, &q, w->now, d, e));
		out->n_delegations++;
	}
}

enum coffer_rc fact_links(const struct registry *r, const struct links_question *q, struct facts *out, struct err *e)
{
	size_t i = out->n_delegations;

	TRY(read_links(r, q, out, e));
	for (; i < out->n_delegations; i++)
		TRY(fact_revocations(r, &out->delegation[i].s, out, e));
	return COFFER_OK;
}

enum coffer_rc registry_lent(const struct registry *r, const struct links_question *q, const char *issuer, uint64_t *n, int64_t *newest, struct err *e)
{
	CLEANUP(wr_close) struct wr end = wr_open(256);
	CLEANUP(q_close) struct q c = q_open(r->store,
	    "SELECT count(*), coalesce(max(e.time), 0) FROM statement n INDEXED BY statement_lent JOIN entry e ON e.seq=n.seq WHERE " POWER_OF("n") " AND n.issuer=?2");
	bool row = false;

	subject_end(q, &end);
	TRY(wr_done(&end, "subject", e));
	q_blob(&c, wr_span(&end));
	q_text(&c, span_of(issuer));
	TRY(q_row(&c, &row, e));
	if (!row)
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	*n = (uint64_t)q_col_i64(&c, 0);
	*newest = q_col_i64(&c, 1);
	return COFFER_OK;
}

enum coffer_rc registry_links(const struct registry *r, const struct links_question *q, struct facts **out, struct err *e)
{
	CLEANUP(facts_freep) struct facts *f = calloc(1, sizeof(*f));

	if (!f)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	f->now = q->now;
	TRY(fact_links(r, q, f, e));
	*out = MOVE(f);
	return COFFER_OK;
}

enum coffer_rc facts_links(const struct registry *r, int64_t now, struct facts *out, struct err *e)
{
	struct links_question w = { .of = out->path.owner, .role = ROLE_APPROVAL, .now = now };

	TRY(fact_links(r, &w, out, e));
	if (out->n_workloads == 0)
		return COFFER_OK;
	w.of = out->workload[0].manifest.provider;
	w.role = ROLE_BOOT_IMAGE;
	return fact_links(r, &w, out, e);
}
