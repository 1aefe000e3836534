#include "cofferd/keep/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/partyauth.h"

/* What is stored of evidence, how long it is, and the owner of the asset of the release that it first came with. */
#define ASSET "json_extract(CAST(data AS TEXT), '$.asset')"
#define OWED \
	"WITH first(digest, seq, owner) AS MATERIALIZED (SELECT json_extract(CAST(data AS TEXT), '$.evidence'), min(seq), " ROWS_OWNER(ASSET) \
	" FROM entry WHERE type='release' AND json_type(CAST(data AS TEXT), '$.evidence') IS NOT NULL GROUP BY 1)," \
	" brought(file, seq, owner) AS MATERIALIZED (SELECT s.file, min(first.seq), first.owner FROM shown_file s" \
	" JOIN first ON first.digest=lower(hex(s.shown)) GROUP BY 1)," \
	" owed(digest, file, bytes, owner, seq) AS MATERIALIZED (SELECT s.digest, 0, length(s.document), first.owner, first.seq FROM shown s" \
	" LEFT JOIN first ON first.digest=lower(hex(s.digest)) UNION ALL SELECT b.digest, 1, length(b.bytes), brought.owner, brought.seq" \
	" FROM shown_bytes b LEFT JOIN brought ON brought.file=b.digest) "

/* A file stays charged to who first brought it, also when that one's evidence was pruned. */
#define RIGHT \
	"(kept.bytes=owed.bytes AND (owed.owner IS NULL OR kept.owner=owed.owner OR (owed.file=1 AND EXISTS(SELECT 1 FROM pruned p" \
	" JOIN first ON first.digest=lower(hex(p.digest)) WHERE first.owner=kept.owner AND first.seq<owed.seq))))"

/* A word that is counted, with a signature by that key: keyids are thumbprints, as admission saw. */
#define QUORUMS "EXISTS(SELECT 1 FROM said a JOIN statement s ON s.seq=a.seq WHERE a.seq=r.seq AND length(r.member)=32 AND instr(s.sigs, r.member)>0)"

struct table {
	const char *wrong; /* names the first row that is */
	const char *mend[4];
	const char *says, *more; /* around what is named */
};

static const struct table tables[] = {
	{ OWED "SELECT 'of ' || CASE owed.file WHEN 0 THEN 'evidence ' ELSE 'collateral ' END || lower(hex(owed.digest)) FROM owed LEFT JOIN kept"
	  " ON kept.digest=owed.digest AND kept.file=owed.file WHERE kept.digest IS NULL OR NOT " RIGHT
	  " UNION ALL SELECT 'of what is not kept, ' || lower(hex(kept.digest)) FROM kept WHERE NOT EXISTS(SELECT 1 FROM owed WHERE owed.digest=kept.digest AND owed.file=kept.file)"
	  " LIMIT 1",
	  { OWED "DELETE FROM kept WHERE NOT EXISTS(SELECT 1 FROM owed WHERE owed.digest=kept.digest AND owed.file=kept.file)",
	    OWED "UPDATE kept SET bytes=owed.bytes, owner=coalesce(owed.owner, kept.owner) FROM owed WHERE owed.digest=kept.digest AND owed.file=kept.file AND NOT " RIGHT,
	    OWED "INSERT INTO kept(digest, file, owner, bytes) SELECT digest, file, coalesce(owner, ''), bytes FROM owed"
		 " WHERE NOT EXISTS(SELECT 1 FROM kept WHERE kept.digest=owed.digest AND kept.file=owed.file)" },
	  "how much is kept", ", and for whose releases, is written down wrong" },
	{ "SELECT CASE o WHEN '' THEN 'nobody' ELSE o END FROM (SELECT owner o FROM kept_by UNION SELECT owner FROM kept)"
	  " WHERE coalesce((SELECT bytes FROM kept_by WHERE owner=o), 0)<>coalesce((SELECT sum(bytes) FROM kept WHERE owner=o), 0) LIMIT 1",
	  { "DELETE FROM kept_by", "INSERT INTO kept_by(owner, bytes) SELECT owner, sum(bytes) FROM kept GROUP BY owner" },
	  "the sum of evidence that is kept for releases of", " is wrong" },
	{ "SELECT seq FROM fetched WHERE NOT EXISTS(SELECT 1 FROM entry e WHERE e.seq=fetched.seq AND e.type='release' AND e.time<=fetched.time) LIMIT 1",
	  { "DELETE FROM fetched WHERE NOT EXISTS(SELECT 1 FROM entry e WHERE e.seq=fetched.seq AND e.type='release' AND e.time<=fetched.time)" },
	  "fetched is said to be the receipt of entry", ", which is no release, or a later one" },
	{ "SELECT seq FROM recovered r WHERE NOT " QUORUMS " LIMIT 1", { "DELETE FROM recovered AS r WHERE NOT " QUORUMS },
	  "a recovery key is said to have signed entry", ", which is no such word, or not by that key" },
};

/* After the tokens themselves. */
static const struct table tokens_by = {
	"SELECT lower(hex(key)) FROM (SELECT key FROM jti_by UNION SELECT substr(id, 1, 32) FROM jti) o WHERE coalesce((SELECT n FROM jti_by b WHERE b.key=o.key), 0)"
	"<>(SELECT count(*) FROM jti WHERE substr(id, 1, 32)=o.key) LIMIT 1",
	{ "DELETE FROM jti_by", "INSERT INTO jti_by(key, n) SELECT substr(id, 1, 32), count(*) FROM jti GROUP BY 1" },
	"how many tokens are remembered of key", " is written down wrong",
};

static enum coffer_rc run(struct store *s, const char *sql, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, sql);

	return q_run(&q, e);
}

static enum coffer_rc check_table(const struct rows *r, const struct table *t, struct err *e)
{
	CLEANUP(q_close) struct q q = { 0 };
	char which[128];
	bool row = false;

	for (size_t i = 0; r->mend && i < sizeof(t->mend) / sizeof(t->mend[0]) && t->mend[i]; i++)
		TRY(run(r->store, t->mend[i], e));
	q = q_open(r->store, t->wrong);
	TRY(q_row(&q, &row, e));
	if (!row)
		return COFFER_OK;
	if (!q_col_name(&q, 0, which, sizeof(which)))
		(void)snprintf(which, sizeof(which), "%lld", (long long)q_col_i64(&q, 0));
	return err_deny(e, "R12", "%s %s%s; " ROWS_MENDS, t->says, which, t->more);
}

/* ---- tokens that were used ---- */

static enum coffer_rc began(struct store *s, int64_t *first, int64_t *last, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT min(time), max(time) FROM entry");
	bool row = false;

	TRY(q_row(&q, &row, e));
	*first = row ? q_col_i64(&q, 0) : 0;
	*last = row ? q_col_i64(&q, 1) : 0;
	return COFFER_OK;
}

static bool had_key(const struct parties *p, struct span id)
{
	uint8_t thumb[32];

	if (id.n != JTI_ID_LEN)
		return false;
	memcpy(thumb, id.p, sizeof(thumb));
	for (size_t i = 0; i < p->n; i++)
		if (life_had_thumb(&p->life[i], thumb))
			return true;
	return false;
}

/* What can be no token's is dropped. One whose end cannot be true is remembered for as long as any is good. */
static enum coffer_rc mend_token(const struct rows *r, struct span id, bool known, int64_t until, struct err *e)
{
	CLEANUP(q_close) struct q q = known ? q_open(r->store, "UPDATE jti SET expires=?2 WHERE id=?1") : q_open(r->store, "DELETE FROM jti WHERE id=?1");

	q_blob(&q, id);
	if (known)
		q_i64(&q, until);
	return q_run(&q, e);
}

static enum coffer_rc check_tokens(const struct rows *r, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT id, expires FROM jti ORDER BY id");
	int64_t first = 0, last = 0, most;

	TRY(began(r->store, &first, &last, e));
	most = (r->now > last ? r->now : last) + TOKEN_BOUND_SECONDS + TOKEN_AHEAD;
	for (;;) {
		bool row = false, known, true_end;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		known = had_key(r->parties, q_col(&q, 0));
		true_end = q_col_i64(&q, 1) > first && q_col_i64(&q, 1) <= most;
		if (known && true_end)
			continue;
		if (!r->mend)
			return err_deny(e, "R12", "a token is said to be used that %s; " ROWS_MENDS,
			    known ? "ends when none can" : "no key of a party signed");
		TRY(mend_token(r, q_col(&q, 0), known, most, e));
	}
}

enum coffer_rc rows_check(const struct rows *r, struct err *e)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		TRY(check_table(r, &tables[i], e));
	TRY(check_tokens(r, e));
	TRY(check_table(r, &tokens_by, e));
	TRY(rows_check_tags(r, e));
	return rows_check_decided(r, e);
}
