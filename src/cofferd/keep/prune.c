#include "cofferd/keep/prune.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/keep.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define DIGESTS_MAX (64u << 20) /* bytes: two million of them at once */
#define RECORD_MAX 1024

/* SQL: digests in hex of evidence that is stored; ?1: fetched until then. */
#define NAMED \
	"WITH named(seq, time, digest) AS (SELECT e.seq, e.time, json_extract(CAST(e.data AS TEXT), '$.evidence') FROM entry e" \
	" WHERE e.type='release' AND json_type(CAST(e.data AS TEXT), '$.evidence') IS NOT NULL)," \
	" held(seq, time, digest) AS (SELECT n.seq, n.time, n.digest FROM named n LEFT JOIN fetched f ON f.seq=n.seq" \
	" WHERE f.time IS NULL OR f.time>?1) "
#define FREE \
	"FROM shown s WHERE lower(hex(s.digest)) IN (SELECT digest FROM named) AND lower(hex(s.digest)) NOT IN (SELECT digest FROM held)" \
	" ORDER BY s.digest"

/* ---- done ---- */

static enum coffer_rc one_number(struct q *q, uint64_t *out, struct err *e)
{
	bool row = false;

	TRY(q_row(q, &row, e));
	*out = row ? (uint64_t)q_col_i64(q, 0) : 0;
	return COFFER_OK;
}

static enum coffer_rc kept_bytes(struct store *s, uint64_t *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT SUM(bytes) FROM kept_by");

	return one_number(&q, out, e);
}

static enum coffer_rc count_left(struct store *s, int64_t until, uint64_t *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, NAMED "SELECT count(*) FROM held h WHERE h.time<=?1"
	    " AND h.digest IN (SELECT lower(hex(digest)) FROM shown)");

	q_i64(&q, until);
	return one_number(&q, out, e);
}

static enum coffer_rc gather(struct q *q, struct wr *out, struct err *e)
{
	for (;;) {
		bool row = false;

		TRY(q_row(q, &row, e));
		if (!row)
			return wr_done(out, "digests", e);
		if (q_col(q, 0).n != 32)
			return err_set(e, COFFER_E_BUG, "store: malformed digest");
		wr_put(out, q_col(q, 0));
	}
}

static enum coffer_rc enter(struct journal *j, struct span digests, int64_t now, struct err *e)
{
	CLEANUP(wr_close) struct wr data = wr_open(RECORD_MAX);
	uint8_t all[32];
	char hex[HEX32_LEN];

	sha256(digests, all);
	hex32(all, hex);
	wr_fmt(&data, "{\"evidence\":\"%s\",\"pruned\":%llu}", hex, (unsigned long long)(digests.n / 32));
	TRY(wr_done(&data, "journal entry", e));
	return journal_append(j, "pruned", wr_span(&data), now, e);
}

static enum coffer_rc run(struct q q, struct err *e)
{
	CLEANUP(q_close) struct q mine = q;

	return q_run(&mine, e);
}

static enum coffer_rc forget(struct store *s, uint64_t seq, int64_t until, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, NAMED "INSERT INTO pruned(digest, seq) SELECT s.digest, ?2 " FREE);

	q_i64(&q, until);
	q_i64(&q, (int64_t)seq);
	TRY(q_run(&q, e));
	TRY(run(q_open(s, "DELETE FROM shown_file WHERE shown IN (SELECT digest FROM pruned)"), e));
	TRY(run(q_open(s, "DELETE FROM shown WHERE digest IN (SELECT digest FROM pruned)"), e));
	TRY(run(q_open(s, "DELETE FROM shown_bytes WHERE digest NOT IN (SELECT file FROM shown_file)"), e));
	TRY(run(q_open(s, "DELETE FROM kept WHERE file=0 AND digest NOT IN (SELECT digest FROM shown)"), e));
	return run(q_open(s, "DELETE FROM kept WHERE file=1 AND digest NOT IN (SELECT digest FROM shown_bytes)"), e);
}

static enum coffer_rc prune(struct journal *j, int64_t until, int64_t now, struct prune_found *f, struct err *e)
{
	CLEANUP(wr_close) struct wr digests = wr_open(DIGESTS_MAX);
	CLEANUP(tx_end) struct tx tx = { 0 };
	uint64_t before = 0, after = 0;

	TRY(kept_bytes(j->store, &before, e));
	{
		CLEANUP(q_close) struct q q = q_open(j->store, NAMED "SELECT s.digest " FREE);

		q_i64(&q, until);
		TRY(gather(&q, &digests, e));
	}
	TRY(count_left(j->store, until, &f->left, e));
	if (digests.n == 0)
		return COFFER_OK;
	TRY(tx_begin(j, &tx, e));
	TRY(enter(j, wr_span(&digests), now > j->time ? now : j->time, e));
	TRY(forget(j->store, j->seq, until, e));
	TRY(kept_bytes(j->store, &after, e));
	TRY(tx_commit(&tx, e));
	f->pruned = digests.n / 32;
	f->bytes = before - after;
	return COFFER_OK;
}

enum coffer_rc keep_prune(const char *dir, int64_t until, int64_t now, struct prune_found *out, struct err *e)
{
	CLEANUP(freep) char *db = str_fmt("%s/keep.db", dir), *path = str_fmt("%s/keep.mark", dir);
	CLEANUP(keys_clear) struct keep_keys keys = { 0 };
	CLEANUP(store_closep) struct store *s = NULL;
	struct prune_found f = { 0 };
	struct journal j;
	struct mark *m = NULL;
	uint8_t mac[32];
	enum coffer_rc rc;

	if (!db || !path)
		return err_set(e, COFFER_E_SYSTEM, "prune: out of memory");
	TRY(keep_look(dir, e));
	TRY(keys_load(dir, &keys, e));
	TRY(store_open(db, &s, e));
	keys_derive(&keys, KEYS_USE_JOURNAL, mac);
	TRY(journal_open(s, mac, &j, e));
	TRY(mark_open(path, mac, &m, e));
	j.mark = m;
	rc = journal_entries(&j) < mark_entries(m)
		 ? err_deny(e, "R12", "%s is an old copy; nothing of it is pruned before its operator ran 'cofferd accept-loss'", db)
		 : prune(&j, until, now, &f, e);
	mark_close(m);
	TRY(rc);
	*out = f;
	return COFFER_OK;
}

/* ---- said ---- */

enum coffer_rc prune_said(struct store *s, const uint8_t digest[static 32], struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT e.time, e.seq FROM pruned p JOIN entry e ON e.seq=p.seq WHERE p.digest=?");
	char date[CLOCK_TEXT_LEN], hex[HEX32_LEN];
	bool row = false;

	q_blob(&q, (struct span){ digest, 32 });
	TRY(q_row(&q, &row, e));
	if (!row)
		return COFFER_OK;
	clock_text(q_col_i64(&q, 0), date);
	hex32(digest, hex);
	(void)err_deny(e, "evidence-pruned", "evidence pruned on %s, digest %s (entry %llu), after the asset's owner had fetched this receipt; "
	    "whoever has that file has all of it, and the service has it no longer", date, hex, (unsigned long long)q_col_i64(&q, 1));
	e->rc = COFFER_E_NOTFOUND;
	return e->rc;
}

/* ---- checked ---- */

static enum coffer_rc check_entry(struct store *s, uint64_t seq, struct span data, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT digest FROM pruned WHERE seq=? ORDER BY digest");
	CLEANUP(wr_close) struct wr digests = wr_open(DIGESTS_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	uint8_t said[32], all[32];

	q_i64(&q, (int64_t)seq);
	TRY(gather(&q, &digests, e));
	sha256(wr_span(&digests), all);
	TRY(json_parse(data, RECORD_MAX, &doc, e));
	if (hex_fixed(json_str(json_get(json_root(doc), "evidence")), said, sizeof(said)) && span_eq(SPAN(said), SPAN(all)))
		return COFFER_OK;
	return err_deny(e, "R12", "what the store says was pruned is not what entry %llu says", (unsigned long long)seq);
}

static enum coffer_rc check_entries(struct store *s, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT seq, data FROM entry WHERE type='pruned' ORDER BY seq");

	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(check_entry(s, (uint64_t)q_col_i64(&q, 0), q_col(&q, 1), e));
	}
}

enum coffer_rc prune_check(struct store *s, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT count(*) FROM pruned p WHERE p.digest IN (SELECT digest FROM shown)"
	    " OR p.seq NOT IN (SELECT seq FROM entry WHERE type='pruned')");
	uint64_t wrong = 0;

	TRY(one_number(&q, &wrong, e));
	if (wrong > 0)
		return err_deny(e, "R12", "the store says of evidence that it was pruned, and no entry of the journal does, or it is there");
	return check_entries(s, e);
}
