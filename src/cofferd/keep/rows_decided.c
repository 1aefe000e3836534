/* What was decided, as its parties are told of it ('coffer why'), against the entries. The words of a release's checks are covered by the digest in
 * its entry; of a denial's, the reason alone is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/rows.h"
#include "decide/decide.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "trust/manifest.h"

#define RECORD_MAX (64u << 10)
#define VIEW_MAX (64u << 10)

/* What an entry gives of it; spans are borrowed from doc. */
struct decided {
	struct json_doc *doc; /* owned */
	uint64_t         seq;
	bool             released;
	int64_t          time;
	struct asset_path path;
	uint8_t          id[16];
	char             provider[PARTY_MAX];
};
/* The provider of the workload asked about last: one is asked about again and again. */
struct of_workload { bool any; uint8_t id[32]; char provider[PARTY_MAX]; };

static void decided_clear(struct decided *d)
{
	json_free(d->doc);
}

static enum coffer_rc altered(const struct decided *d, struct err *e)
{
	return err_deny(e, "R12", "what was decided in entry %llu was altered in the store, or is missing; it can only come from a copy", (unsigned long long)d->seq);
}

/* ---- from the entry ---- */

static enum coffer_rc provider_of(const struct rows *r, struct span hex, struct of_workload *w, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT payload FROM statement WHERE id=?");
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	uint8_t id[32];
	bool row = false;

	if (!hex_fixed(hex, id, sizeof(id)))
		return err_deny(e, "R12", "the record of a decision is malformed");
	if (w->any && span_eq(SPAN(w->id), SPAN(id)))
		return COFFER_OK;
	q_blob(&q, SPAN(id));
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_deny(e, "R12", "the workload that a decision names is missing in the store; it can only come from a copy");
	TRY(statement_parse(q_col(&q, 0), &s, e));
	TRY(workload_read(&s, &m, e));
	*w = (struct of_workload){ .any = true };
	memcpy(w->id, id, sizeof(id));
	memcpy(w->provider, m.provider, sizeof(m.provider));
	return COFFER_OK;
}

/* *mine: it is about one decision; a summary of many is not. */
static enum coffer_rc read_entry(const struct rows *r, struct q *q, struct of_workload *w, bool *mine, struct decided *d, struct err *e)
{
	const struct json *v;
	char type[16];

	TRY(json_parse(q_col(q, 3), RECORD_MAX, &d->doc, e));
	v = json_root(d->doc);
	*mine = json_get(v, "decision") != NULL;
	if (!*mine)
		return COFFER_OK;
	d->seq = (uint64_t)q_col_i64(q, 0);
	d->time = q_col_i64(q, 1);
	d->released = q_col_name(q, 2, type, sizeof(type)) && strcmp(type, "release") == 0;
	if (!hex_fixed(json_str(json_get(v, "decision")), d->id, sizeof(d->id)))
		return err_deny(e, "R12", "the record of a decision is malformed");
	TRY(asset_path_parse(json_str(json_get(v, "asset")), &d->path, e));
	if (!json_get(v, "workload"))
		return COFFER_OK;
	TRY(provider_of(r, json_str(json_get(v, "workload")), w, e));
	memcpy(d->provider, w->provider, sizeof(d->provider));
	return COFFER_OK;
}

/* ---- what its parties are shown ---- */

static bool is_text(const struct json *v, const char *name, const char *want)
{
	return json_type(json_get(v, name)) == JSON_STRING && span_eq_str(json_str(json_get(v, name)), want);
}

/* The member of entry and view is the same text. */
static bool is_same(const struct json *v, const char *name, struct span want)
{
	return json_type(json_get(v, name)) == JSON_STRING && span_eq(json_str(json_get(v, name)), want);
}

static bool same_head(const struct decided *d, const struct json *v)
{
	const struct json *entry = json_root(d->doc);
	char time[CLOCK_TEXT_LEN];
	uint64_t seq;

	clock_text(d->time, time);
	return json_u64(json_get(v, "seq"), &seq) && seq == d->seq && is_text(v, "time", time) && is_same(v, "asset", json_str(json_get(entry, "asset"))) &&
	       is_same(v, "decision", json_str(json_get(entry, "decision"))) && is_same(v, "reason", json_str(json_get(entry, "check"))) &&
	       (is_text(v, "outcome", "released") ? d->released : !d->released && (is_text(v, "outcome", "denied") || is_text(v, "outcome", "lapsed")));
}

static bool take_words(const struct json *v, const char *name, char *out, size_t n)
{
	struct span s = json_str(json_get(v, name));

	if (json_type(json_get(v, name)) != JSON_STRING || s.n >= n)
		return false;
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return true;
}

/* Into its place; false where it is malformed, twice in one view, or differs from what the other view says of it. */
static bool take_check(const struct json *v, unsigned view, struct decision *all)
{
	static const char *const ids[DECIDE_CHECKS_MAX] = { "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11" };
	struct check c = { .sees = view };
	size_t i = 0;

	while (i < DECIDE_CHECKS_MAX && !is_text(v, "check", ids[i]))
		i++;
	if (i == DECIDE_CHECKS_MAX || !json_bool(json_get(v, "holds"), &c.holds) || !take_words(v, "expected", c.expected, sizeof(c.expected)) ||
	    !take_words(v, "found", c.found, sizeof(c.found)))
		return false;
	c.id = ids[i];
	if (!all->check[i].id)
		all->check[i] = c;
	else if ((all->check[i].sees & view) || all->check[i].holds != c.holds || strcmp(all->check[i].expected, c.expected) != 0 ||
		 strcmp(all->check[i].found, c.found) != 0)
		return false;
	all->check[i].sees |= view;
	return true;
}

static bool take_view(const struct decided *d, struct span text, unsigned view, struct decision *all)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *checks;
	struct err ignore;

	if (json_parse(text, VIEW_MAX, &doc, &ignore) != COFFER_OK || !same_head(d, json_root(doc)))
		return false;
	checks = json_get(json_root(doc), "checks");
	for (size_t i = 0; i < json_len(checks); i++)
		if (!take_check(json_at(checks, i), view, all))
			return false;
	return json_type(checks) == JSON_ARRAY;
}

/* Of a denial: the reason does not hold, where a view has it. */
static bool denies(const struct decided *d, const struct decision *all)
{
	struct span reason = json_str(json_get(json_root(d->doc), "check"));

	for (size_t i = 0; i < DECIDE_CHECKS_MAX; i++)
		if (all->check[i].id && span_eq_str(reason, all->check[i].id))
			return !all->check[i].holds;
	return false;
}

/* Of a release: together the views have every check, and come to the digest. */
static enum coffer_rc releases(const struct decided *d, struct decision *all, bool *yes, struct err *e)
{
	struct span trace = json_str(json_get(json_root(d->doc), "trace"));
	uint8_t want[32], got[32];

	*yes = false;
	all->n = DECIDE_CHECKS_MAX;
	for (size_t i = 0; i < DECIDE_CHECKS_MAX; i++)
		if (!all->check[i].id)
			return COFFER_OK;
	TRY(decision_digest(all, got, e));
	*yes = hex_fixed(trace, want, sizeof(want)) && span_eq(SPAN(want), SPAN(got));
	return COFFER_OK;
}

static enum coffer_rc check_views(const struct decided *d, struct span owner, struct span provider, struct err *e)
{
	CLEANUP(freep) struct decision *all = calloc(1, sizeof(*all));
	bool yes;

	if (!all)
		return err_set(e, COFFER_E_SYSTEM, "fsck: out of memory");
	if (!take_view(d, owner, SEES_OWNER, all) || !take_view(d, provider, SEES_PROVIDER, all))
		return altered(d, e);
	if (d->released)
		TRY(releases(d, all, &yes, e));
	else
		yes = denies(d, all);
	return yes ? COFFER_OK : altered(d, e);
}

/* ---- its row ---- */

static enum coffer_rc mend_row(const struct rows *r, const struct decided *d, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "UPDATE decision SET seq=?2, owner=?3, provider=?4 WHERE id=?1");

	q_blob(&q, SPAN(d->id));
	q_i64(&q, (int64_t)d->seq);
	q_text(&q, span_of(d->path.owner));
	q_text(&q, span_of(d->provider));
	return q_run(&q, e);
}

static enum coffer_rc check_row(const struct rows *r, const struct decided *d, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT seq, owner, provider, owner_view, provider_view FROM decision WHERE id=?");
	char owner[PARTY_MAX], provider[PARTY_MAX];
	bool row = false;

	if (r->mend)
		return mend_row(r, d, e);
	q_blob(&q, SPAN(d->id));
	TRY(q_row(&q, &row, e));
	if (!row)
		return altered(d, e);
	if ((uint64_t)q_col_i64(&q, 0) != d->seq || !q_col_name(&q, 1, owner, sizeof(owner)) || !q_col_name(&q, 2, provider, sizeof(provider)) ||
	    strcmp(owner, d->path.owner) != 0 || strcmp(provider, d->provider) != 0)
		return err_deny(e, "R12", "whose decision entry %llu is, is written down wrong; " ROWS_MENDS, (unsigned long long)d->seq);
	return check_views(d, q_col(&q, 3), q_col(&q, 4), e);
}

/* ---- who decided with the owner: of a release, as the asset's statement says that it rests on ---- */

static enum coffer_rc shared_row(const struct rows *r, const struct decided *d, const char *party, struct err *e)
{
	CLEANUP(q_close) struct q put = q_open(r->store, "INSERT INTO decision_of(party, decision) VALUES(?,?)");
	CLEANUP(q_close) struct q get = q_open(r->store, "SELECT 1 FROM decision_of WHERE party=? AND decision=?");
	struct q *q = r->mend ? &put : &get;
	bool row = false;

	q_text(q, span_of(party));
	q_blob(q, SPAN(d->id));
	if (r->mend)
		return q_run(q, e);
	TRY(q_row(q, &row, e));
	return row ? COFFER_OK : err_deny(e, "R12", "who may read of entry %llu beside its owner is written down wrong; " ROWS_MENDS, (unsigned long long)d->seq);
}

static enum coffer_rc asset_of(const struct rows *r, const struct decided *d, struct statement *s, struct asset_body *b, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT payload FROM statement WHERE id=? AND kind=5");
	uint8_t id[32];
	bool row = false;

	_Static_assert(ST_ASSET == 5, "the number in the query above");
	if (!hex_fixed(json_str(json_at(json_get(json_root(d->doc), "rests"), 0)), id, sizeof(id)))
		return altered(d, e);
	q_blob(&q, SPAN(id));
	TRY(q_row(&q, &row, e));
	if (!row)
		return altered(d, e);
	TRY(statement_parse(q_col(&q, 0), s, e));
	return asset_read(s, b, e);
}

static enum coffer_rc drop_shared(const struct rows *r, const struct decided *d, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "DELETE FROM decision_of WHERE decision=?");

	q_blob(&q, SPAN(d->id));
	return q_run(&q, e);
}

static enum coffer_rc count_shared(const struct rows *r, const struct decided *d, size_t want, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT count(*) FROM decision_of WHERE decision=?");
	bool row = false;

	q_blob(&q, SPAN(d->id));
	TRY(q_row(&q, &row, e));
	return row && (uint64_t)q_col_i64(&q, 0) == want ? COFFER_OK
		: err_deny(e, "R12", "who may read of entry %llu beside its owner is written down wrong; " ROWS_MENDS, (unsigned long long)d->seq);
}

static enum coffer_rc check_shared(const struct rows *r, const struct decided *d, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct asset_body b;
	size_t others = 0;

	if (!d->released)
		return COFFER_OK;
	TRY(asset_of(r, d, &s, &b, e));
	if (r->mend)
		TRY(drop_shared(r, d, e));
	for (size_t i = 0; i < b.n_of; i++) {
		if (strcmp(b.of[i], d->path.owner) == 0)
			continue;
		others++;
		TRY(shared_row(r, d, b.of[i], e));
	}
	return count_shared(r, d, others, e);
}

/* ---- all of them ---- */

#define STRAY "NOT EXISTS(SELECT 1 FROM entry e WHERE e.seq=decision.seq AND e.type IN ('release','denial')" \
	" AND json_extract(CAST(e.data AS TEXT), '$.decision')=lower(hex(decision.id)))"

static enum coffer_rc drop_strays(const struct rows *r, struct err *e)
{
	CLEANUP(q_close) struct q shared = q_open(r->store, "DELETE FROM decision_of WHERE decision IN (SELECT id FROM decision WHERE " STRAY ")");
	CLEANUP(q_close) struct q rows = q_open(r->store, "DELETE FROM decision WHERE " STRAY);

	TRY(q_run(&shared, e));
	return q_run(&rows, e);
}

/* After the rows were put right that entries give. */
static enum coffer_rc check_strays(const struct rows *r, struct err *e)
{
	CLEANUP(q_close) struct q q = { 0 };
	bool row = false;

	if (r->mend)
		TRY(drop_strays(r, e));
	q = q_open(r->store, "SELECT 1 FROM decision WHERE " STRAY " LIMIT 1");
	TRY(q_row(&q, &row, e));
	return row ? err_deny(e, "R12", "the store has a decision that no entry has; " ROWS_MENDS) : COFFER_OK;
}

enum coffer_rc rows_check_decided(const struct rows *r, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT seq, time, type, data FROM entry WHERE type IN ('release','denial') ORDER BY seq");
	struct of_workload w = { .any = false };

	for (;;) {
		CLEANUP(decided_clear) struct decided d = { 0 };
		bool row = false, mine = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return check_strays(r, e);
		TRY(read_entry(r, &q, &w, &mine, &d, e));
		if (!mine)
			continue;
		TRY(check_row(r, &d, e));
		TRY(check_shared(r, &d, e));
	}
}
