#include "cofferd/keep/map.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"

static enum coffer_rc get(void *ctx, const struct mhash *hash, uint8_t out[static SMT_RECORD], struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(ctx, "SELECT record FROM mapnode WHERE hash=?");
	bool row = false;

	q_blob(&q, SPAN(hash->b));
	TRY(q_row(&q, &row, e));
	if (!row || !q_col_fixed(&q, 0, out, SMT_RECORD))
		return err_deny(e, "R12", "journal: a node of the ledger's map is missing");
	return COFFER_OK;
}

/* A map that comes back to an earlier content has its nodes already. */
static enum coffer_rc put(void *ctx, const struct mhash *hash, const uint8_t record[static SMT_RECORD], struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(ctx, "INSERT OR IGNORE INTO mapnode(hash, record) VALUES(?,?)");

	q_blob(&q, SPAN(hash->b));
	q_blob(&q, (struct span){ record, SMT_RECORD });
	return q_run(&q, e);
}

static struct smt_store nodes_of(const struct map *m)
{
	return (struct smt_store){ get, put, m->store };
}

enum coffer_rc map_set(struct map *m, const struct mhash *key, const struct mhash *value, struct err *e)
{
	const struct smt_store s = nodes_of(m);

	return smt_set(&s, &m->root, key, value, e);
}

enum coffer_rc map_prove(
    const struct map *m, const struct mhash *root, const struct mhash *key, struct smt_proof *out, struct err *e)
{
	const struct smt_store s = nodes_of(m);

	return smt_prove(&s, root, key, out, e);
}

enum coffer_rc map_demand(
    const struct map *m, const struct mhash *key, const struct mhash *value, const char *what, struct err *e)
{
	struct smt_proof p;

	TRY(map_prove(m, &m->root, key, &p, e));
	if (p.end != SMT_LEAF || !mhash_eq(&p.value, value))
		return err_deny(e, "R12", "journal: the ledger's map says otherwise of %s than the store", what);
	return COFFER_OK;
}

static enum coffer_rc check_each(const struct map *m, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(m->store, "SELECT hash, record FROM mapnode");

	for (;;) {
		uint8_t record[SMT_RECORD];
		struct mhash hash, again;
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_fixed(&q, 0, hash.b, sizeof(hash.b)) || !q_col_fixed(&q, 1, record, sizeof(record)) ||
		    !smt_record_hash(record, &again) || !mhash_eq(&hash, &again))
			return err_deny(e, "R12", "journal: a node of the ledger's map was changed");
	}
}

enum coffer_rc map_check(const struct map *m, struct err *e)
{
	static const uint8_t none[32];
	CLEANUP(q_close)
	struct q q = q_open(m->store,
	    "WITH child(hash) AS (SELECT substr(record, 2, 32) FROM mapnode WHERE substr(record, 1, 1)=x'01'"
	    " UNION ALL SELECT substr(record, 34, 32) FROM mapnode WHERE substr(record, 1, 1)=x'01' UNION ALL SELECT ?1)"
	    " SELECT 1 FROM child c WHERE c.hash<>?2 AND NOT EXISTS(SELECT 1 FROM mapnode n WHERE n.hash=c.hash) LIMIT 1");
	bool row = false;

	TRY(check_each(m, e));
	q_blob(&q, SPAN(m->root.b));
	q_blob(&q, SPAN(none));
	TRY(q_row(&q, &row, e));
	return row ? err_deny(e, "R12", "journal: a node of the ledger's map is missing") : COFFER_OK;
}
