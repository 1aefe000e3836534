#include "cofferd/keep/showing.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/kept.h"
#include "cofferd/keep/prune.h"
#include "crypto/hash.h"
#include "fmt/enc.h"

#define PACKED_MAX (SHOWN_DOC_MAX + EVAL_FRAME_MAX)
#define ROOM_LEFT 4096 /* of an answer, for what follows the files */

/* ---- in memory ---- */

/* What the session does not have by itself, of the claims the digest: the document is written when it is stored. */
enum coffer_rc showing_hold(struct keep *k, struct session *s, const struct shown *shown, struct err *e)
{
	CLEANUP(wr_close) struct wr packed = wr_open(PACKED_MAX);
	uint8_t claims[32];

	if (!shown_fits(shown))
		return err_set(e, COFFER_E_LIMIT, "evidence to keep: its document would be longer than %u bytes", SHOWN_DOC_MAX);
	sha256(shown->claims, claims);
	wr_le64(&packed, (uint64_t)shown->time);
	wr_u8(&packed, shown->hash);
	wr_put(&packed, SPAN(claims));
	wr_blob32(&packed, shown->additional);
	wr_blob32(&packed, shown->evidence);
	wr_blob32(&packed, shown->references);
	for (size_t i = 0; i < shown->n_files; i++)
		wr_blob32(&packed, shown->file[i]);
	TRY(wr_done(&packed, "evidence to keep", e));
	session_show(k->sessions, s, &packed);
	return COFFER_OK;
}

static void by_itself(const struct keep *k, const struct session *s, struct shown *out, struct shown_digests *d)
{
	*out = (struct shown){ .tee = (enum tee_kind)s->tee, .expires = s->expires, .member = s->members.member, .n_members = s->members.n,
		.ak = session_span(&s->ak), .service = span_of(k->id), .build = span_of(COFFER_VERSION) };
	*d = (struct shown_digests){ .has_initdata = s->a.has_initdata };
	memcpy(out->session, s->id, sizeof(out->session));
	memcpy(out->nonce, s->nonce, sizeof(out->nonce));
	memcpy(d->initdata, s->a.initdata, sizeof(d->initdata));
}

/* As it was when the session attested. Borrows both. */
static enum coffer_rc unpack(const struct keep *k, const struct session *s, struct shown *out, struct shown_digests *d, struct err *e)
{
	struct rd r = rd_open(session_span(&s->showing));

	by_itself(k, s, out, d);
	out->time = (int64_t)rd_le64(&r);
	out->hash = rd_u8(&r);
	rd_copy(&r, d->claims, sizeof(d->claims));
	out->additional = rd_blob32(&r, SHOWN_DOC_MAX);
	out->evidence = rd_blob32(&r, SHOWN_DOC_MAX);
	out->references = rd_blob32(&r, SHOWN_DOC_MAX);
	while (r.n > 0 && rd_ok(&r) && out->n_files < KEEP_FILES_MAX) {
		out->file[out->n_files] = rd_blob32(&r, EVAL_FRAME_MAX);
		sha256(out->file[out->n_files], d->file[out->n_files]);
		out->n_files++;
	}
	return rd_done(&r) ? COFFER_OK : err_set(e, COFFER_E_BUG, "evidence to keep: malformed");
}

/* ---- in the store ---- */

static enum coffer_rc put_document(struct keep *k, const struct asking *a, const uint8_t digest[static 32], struct span doc, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "INSERT INTO shown(digest, session, document) VALUES(?,?,?)");
	const struct kept_item item = { digest, false, doc.n };

	q_blob(&q, (struct span){ digest, 32 });
	q_blob(&q, SPAN(a->session->id));
	q_blob(&q, doc);
	TRY(q_run(&q, e));
	return kept_charge(k->store, a->in.q.path.owner, &item, e);
}

/* Its first bringer is charged for it. */
static enum coffer_rc put_bytes(struct keep *k, const struct asking *a, const uint8_t digest[static 32], struct span file, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "INSERT OR IGNORE INTO shown_bytes(digest, bytes) VALUES(?,?)");
	const struct kept_item item = { digest, true, file.n };

	q_blob(&q, (struct span){ digest, 32 });
	q_blob(&q, file);
	TRY(q_run(&q, e));
	return q_changes(k->store) > 0 ? kept_charge(k->store, a->in.q.path.owner, &item, e) : COFFER_OK;
}

static enum coffer_rc put_place(struct keep *k, const uint8_t shown[static 32], size_t place, const uint8_t file[static 32], struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "INSERT INTO shown_file(shown, place, file) VALUES(?,?,?)");

	q_blob(&q, (struct span){ shown, 32 });
	q_i64(&q, (int64_t)place);
	q_blob(&q, (struct span){ file, 32 });
	return q_run(&q, e);
}

/* Whatever does not fit goes with the transaction: nothing of it stays. */
static enum coffer_rc put_all(struct keep *k, const struct asking *a, uint8_t digest[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr doc = wr_open(SHOWN_DOC_MAX);
	struct shown_digests d;
	struct shown s;

	TRY(unpack(k, a->session, &s, &d, e));
	TRY(shown_write(&s, &d, &doc, e));
	sha256(wr_span(&doc), digest);
	TRY(put_document(k, a, digest, wr_span(&doc), e));
	for (size_t i = 0; i < s.n_files; i++) {
		TRY(put_bytes(k, a, d.file[i], s.file[i], e));
		TRY(put_place(k, digest, i, d.file[i], e));
	}
	return kept_fits(k->store, &k->kept, a->in.q.path.owner, e);
}

/* A token outlives its session's place in memory, and the service's restart. */
static enum coffer_rc by_session(struct keep *k, const uint8_t id[static KEEP_SESSION_LEN], bool *has, uint8_t digest[static 32], struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT digest FROM shown WHERE session=?");

	q_blob(&q, (struct span){ id, KEEP_SESSION_LEN });
	TRY(q_row(&q, has, e));
	return !*has || q_col_fixed(&q, 0, digest, 32) ? COFFER_OK : err_set(e, COFFER_E_BUG, "store: malformed digest");
}

enum coffer_rc showing_store(struct keep *k, const struct asking *q, bool *has, uint8_t digest[static 32], struct err *e)
{
	const struct session *s = q->session;

	if (!s || !s->shown)
		return by_session(k, q->session_id, has, digest, e);
	*has = true;
	if (s->showing.n > 0)
		return put_all(k, q, digest, e);
	memcpy(digest, s->shown_id, 32);
	return COFFER_OK;
}

void showing_stored(struct keep *k, const struct asking *q, const uint8_t digest[static 32])
{
	if (q->session && q->session->shown)
		session_stored(k->sessions, q->session, digest);
}

/* ---- checked ---- */

static enum coffer_rc check_digests(struct q *q, const char *what, struct err *e)
{
	for (;;) {
		uint8_t digest[32], got[32];
		bool row = false;

		TRY(q_row(q, &row, e));
		if (!row)
			return COFFER_OK;
		sha256(q_col(q, 1), got);
		if (!q_col_fixed(q, 0, digest, sizeof(digest)) || !span_eq(SPAN(digest), SPAN(got)))
			return err_deny(e, "R12", "%s that receipts need was altered in the store; it can only come from a copy", what);
	}
}

static enum coffer_rc check_named(struct store *s, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT e.seq FROM entry e WHERE e.type='release' AND json_type(CAST(e.data AS TEXT), '$.evidence') IS NOT NULL"
	    " AND json_extract(CAST(e.data AS TEXT), '$.evidence') NOT IN (SELECT lower(hex(digest)) FROM shown UNION SELECT lower(hex(digest)) FROM pruned) LIMIT 1");
	bool row = false;

	TRY(q_row(&q, &row, e));
	return row ? err_deny(e, "R12", "the evidence that entry %llu names is missing in the store; it can only come from a copy",
			 (unsigned long long)q_col_i64(&q, 0))
		   : COFFER_OK;
}

enum coffer_rc showing_check(struct store *s, struct err *e)
{
	CLEANUP(q_close) struct q documents = q_open(s, "SELECT digest, document FROM shown");
	CLEANUP(q_close) struct q files = q_open(s, "SELECT digest, bytes FROM shown_bytes");

	TRY(check_digests(&documents, "evidence", e));
	TRY(check_digests(&files, "collateral", e));
	TRY(prune_check(s, e));
	return check_named(s, e);
}

/* ---- in a receipt ---- */

static enum coffer_rc put_files(struct keep *k, const uint8_t digest[static 32], struct json_wr *j, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "SELECT b.bytes FROM shown_file f JOIN shown_bytes b ON b.digest=f.file WHERE f.shown=? ORDER BY f.place");
	bool row = false;

	q_blob(&q, (struct span){ digest, 32 });
	jw_name(j, "files");
	jw_arr(j);
	for (;;) {
		CLEANUP(wr_close) struct wr text = wr_open(EVAL_FRAME_MAX);

		TRY(q_row(&q, &row, e));
		if (!row)
			break;
		b64url_write(&text, q_col(&q, 0));
		TRY(wr_done(&text, "file", e));
		if (j->w->n + text.n + ROOM_LEFT < KEEP_FRAME_MAX)
			jw_str(j, wr_span(&text));
	}
	jw_arr_end(j);
	return COFFER_OK;
}

/* The digest that the entry names. */
static enum coffer_rc named(struct keep *k, uint64_t seq, bool *has, uint8_t digest[static 32], struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT json_extract(CAST(data AS TEXT), '$.evidence') FROM entry WHERE seq=?");
	bool row = false;

	q_i64(&q, (int64_t)seq);
	TRY(q_row(&q, &row, e));
	*has = row && q_col(&q, 0).n > 0;
	if (*has && (q_col(&q, 0).n != 64 || !hex_fixed(q_col(&q, 0), digest, 32)))
		return err_set(e, COFFER_E_BUG, "ledger: a release names no digest of evidence");
	return COFFER_OK;
}

enum coffer_rc showing_put(struct keep *k, uint64_t seq, struct json_wr *j, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT document FROM shown WHERE digest=?");
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	bool has = false, row = false;
	uint8_t digest[32];

	TRY(named(k, seq, &has, digest, e));
	if (!has)
		return COFFER_OK;
	TRY(prune_said(k->store, digest, e));
	q_blob(&q, SPAN(digest));
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_BUG, "store: the evidence that a release names is missing");
	TRY(json_parse(q_col(&q, 0), SHOWN_DOC_MAX, &doc, e));
	jw_name(j, "evidence");
	jw_obj(j);
	jw_name(j, "document");
	jw_value(j, json_root(doc));
	TRY(put_files(k, digest, j, e));
	jw_obj_end(j);
	return COFFER_OK;
}
