#include "cofferd/keep/said.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/said.h"

struct finding { struct keep *k; struct err *e; enum coffer_rc rc; };

/* Of a revocation or pause by that issuer which is logged. */
static bool find_logged(void *arg, const uint8_t id[static 32], const char *issuer, struct mhash *key)
{
	struct finding *f = arg;
	CLEANUP(q_close) struct q q = q_open(f->k->store, "SELECT a.key FROM statement s JOIN said a ON a.seq=s.seq WHERE s.id=? AND s.issuer=? AND s.kind IN (?, ?)");
	bool row = false;

	q_blob(&q, (struct span){ id, 32 });
	q_text(&q, span_of(issuer));
	q_i64(&q, ST_REVOCATION);
	q_i64(&q, ST_PAUSE);
	if (f->rc == COFFER_OK)
		f->rc = q_row(&q, &row, f->e);
	return row && q_col_fixed(&q, 0, key->b, sizeof(key->b));
}

enum coffer_rc said_under(struct keep *k, const struct statement *s, bool *has, struct mhash *key, struct err *e)
{
	struct finding f = { k, e, COFFER_OK };
	const struct said_before before = { find_logged, &f };

	TRY(said_key(s, &before, has, key, e));
	return f.rc;
}

static enum coffer_rc add_row(struct keep *k, const struct mhash *key, uint64_t seq, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "INSERT INTO said(key, seq) VALUES(?,?)");

	q_blob(&q, SPAN(key->b));
	q_i64(&q, (int64_t)seq);
	return q_run(&q, e);
}

static enum coffer_rc add(struct keep *k, const struct statement *s, uint64_t seq, struct err *e)
{
	struct map *m = &k->journal.tree.map;
	struct mhash key, value = { { 0 } };
	struct smt_proof p;
	bool has = false;

	TRY(said_under(k, s, &has, &key, e));
	if (!has)
		return COFFER_OK;
	TRY(add_row(k, &key, seq, e));
	TRY(map_prove(m, &m->root, &key, &p, e));
	if (p.end == SMT_LEAF)
		value = p.value;
	map_said_next(&value, s->id, seq);
	return map_set(m, &key, &value, e);
}

enum coffer_rc said_log(struct keep *k, const struct statement *s, struct err *e)
{
	return k->journal.tree.rule < 2 ? COFFER_OK : add(k, s, journal_entries(&k->journal), e);
}

/* ---- those of before ---- */

/* The kinds of which said_key has a key. */
static struct q open_all(struct keep *k)
{
	struct q q = q_open(k->store, "SELECT s.payload, s.seq, (SELECT a.key FROM said a WHERE a.seq=s.seq) FROM statement s WHERE s.kind IN (?1, ?2, ?3, ?4) AND s.seq<?5 ORDER BY s.seq");

	q_i64(&q, ST_PARTY);
	q_i64(&q, ST_REVOCATION);
	q_i64(&q, ST_PAUSE);
	q_i64(&q, ST_TCB);
	q_i64(&q, (int64_t)journal_entries(&k->journal));
	return q;
}

enum coffer_rc said_adopt(struct keep *k, struct err *e)
{
	CLEANUP(q_close) struct q q = open_all(k);

	for (;;) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(statement_parse(q_col(&q, 0), &s, e));
		TRY(add(k, &s, (uint64_t)q_col_i64(&q, 1), e));
	}
}

/* ---- the store against the map ---- */

static enum coffer_rc wrong(struct err *e)
{
	return err_deny(e, "R12", "journal: the store says otherwise of what a party revoked, paused or demanded than its statements");
}

/* Each statement that has a key is filed under it. *n: how many. */
static enum coffer_rc check_rows(struct keep *k, int64_t *n, struct err *e)
{
	CLEANUP(q_close) struct q q = open_all(k);

	for (*n = 0;;) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		struct mhash key, stored;
		bool row = false, has = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(statement_parse(q_col(&q, 0), &s, e));
		TRY(said_under(k, &s, &has, &key, e));
		if (!q_col_fixed(&q, 2, stored.b, sizeof(stored.b)) || !has || !mhash_eq(&key, &stored))
			return wrong(e);
		++*n;
	}
}

static enum coffer_rc check_count(struct keep *k, int64_t n, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT count(*) FROM said");
	bool row = false;

	TRY(q_row(&q, &row, e));
	return row && q_col_i64(&q, 0) == n ? COFFER_OK : wrong(e);
}

/* The map has each key's value over all of them. */
static enum coffer_rc check_map(struct keep *k, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT a.key, s.id, s.seq, lead(a.key) OVER (ORDER BY a.key, a.seq) FROM said a JOIN statement s ON s.seq=a.seq ORDER BY a.key, a.seq");
	struct mhash value = { { 0 } };

	for (;;) {
		struct mhash key, next = { { 0 } };
		uint8_t id[32];
		bool row = false, more;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_fixed(&q, 0, key.b, sizeof(key.b)) || !q_col_fixed(&q, 1, id, sizeof(id)))
			return err_set(e, COFFER_E_BUG, "registry: malformed row");
		map_said_next(&value, id, (uint64_t)q_col_i64(&q, 2));
		more = q_col_fixed(&q, 3, next.b, sizeof(next.b)) && mhash_eq(&key, &next);
		if (more)
			continue;
		TRY(map_demand(&k->journal.tree.map, &key, &value, "what a party revoked, paused or demanded", e));
		value = (struct mhash){ { 0 } };
	}
}

enum coffer_rc said_check(struct keep *k, struct err *e)
{
	int64_t n = 0;

	if (k->journal.tree.rule >= 2)
		TRY(check_rows(k, &n, e));
	TRY(check_count(k, n, e));
	return check_map(k, e);
}
