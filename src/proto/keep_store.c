/* Messages of parties: assets, statements, and questions about them. */
#include "base/own.h"
#include "base/str.h"
#include "proto/keep_wire.h"

#define AAD_MAX 4096
#define WRAPPED_MAX 64 /* RFC 3394: 40 bytes for a 32-byte key */

/* ---- envelopes: in parts, so that keep reads no text of strangers ---- */

static void put_dsse(struct wr *w, const struct dsse *d)
{
	size_t n = d->n_sigs <= DSSE_SIGS_MAX ? d->n_sigs : 0;

	if (n != d->n_sigs || !wr_ok(&d->payload))
		w->bad = true;
	wr_blob32(w, wr_span(&d->payload));
	wr_u8(w, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		wr_put(w, SPAN(d->sigs[i].keyid));
		wr_put(w, SPAN(d->sigs[i].sig));
	}
}

/* The payload is copied last, when all else is known to be well formed. */
static struct span get_dsse(struct rd *r, struct dsse *d)
{
	struct span payload = rd_blob32(r, DSSE_PAYLOAD_MAX);

	d->n_sigs = rd_count(r, rd_u8(r), sizeof(struct dsse_sig), DSSE_SIGS_MAX);
	for (size_t i = 0; i < d->n_sigs; i++) {
		rd_copy(r, d->sigs[i].keyid, sizeof(d->sigs[i].keyid));
		rd_copy(r, d->sigs[i].sig, sizeof(d->sigs[i].sig));
	}
	if (payload.n == 0)
		keep_bad(r);
	return payload;
}

static enum coffer_rc own_payload(struct span payload, struct dsse *d, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(DSSE_PAYLOAD_MAX);

	wr_put(&w, payload);
	TRY(wr_done(&w, "keep: statement", e));
	d->payload = w;
	w = (struct wr){ 0 };
	return COFFER_OK;
}

void keep_statement_req_write(struct wr *w, const struct keep_statement_req *m)
{
	put_dsse(w, &m->statement);
}

enum coffer_rc keep_statement_req_read(struct span b, struct keep_statement_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_statement_req got = { 0 };
	struct span payload = get_dsse(&r, &got.statement);

	TRY(keep_end(&r, "statement", e));
	TRY(own_payload(payload, &got.statement, e));
	*m = got;
	return COFFER_OK;
}

void keep_logged_rep_write(struct wr *w, const struct keep_logged_rep *m)
{
	wr_put(w, SPAN(m->id));
	wr_be64(w, m->seq);
	wr_put(w, SPAN(m->entry));
}

enum coffer_rc keep_logged_rep_read(struct span b, struct keep_logged_rep *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_logged_rep got = { 0 };

	rd_copy(&r, got.id, sizeof(got.id));
	got.seq = keep_be64(&r);
	rd_copy(&r, got.entry, sizeof(got.entry));
	TRY(keep_end(&r, "statement reply", e));
	*m = got;
	return COFFER_OK;
}

/* ---- assets ---- */

void keep_put_req_write(struct wr *w, const struct keep_put_req *m)
{
	keep_party_auth_put(w, &m->auth);
	wr_blob32(w, m->path);
	put_dsse(w, &m->statement);
	keep_put_bool(w, m->has_content);
	if (!m->has_content)
		return;
	wr_put(w, SPAN(m->epk.x));
	wr_put(w, SPAN(m->epk.y));
	if (m->epk.kind != KEY_P256)
		w->bad = true;
	wr_blob32(w, m->aad);
	wr_blob32(w, m->encrypted_key);
	wr_blob32(w, m->ciphertext);
	wr_put(w, SPAN(m->iv));
	wr_put(w, SPAN(m->tag));
}

static void get_content(struct rd *r, struct keep_put_req *m)
{
	rd_copy(r, m->epk.x, sizeof(m->epk.x));
	rd_copy(r, m->epk.y, sizeof(m->epk.y));
	m->aad = rd_blob32(r, AAD_MAX);
	m->encrypted_key = rd_blob32(r, WRAPPED_MAX);
	m->ciphertext = rd_blob32(r, KEEP_ASSET_MAX);
	rd_copy(r, m->iv, sizeof(m->iv));
	rd_copy(r, m->tag, sizeof(m->tag));
}

enum coffer_rc keep_put_req_read(struct span b, struct keep_put_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_put_req got = { .epk.kind = KEY_P256 };
	struct span payload;

	keep_party_auth_get(&r, &got.auth);
	got.path = rd_blob32(&r, KEEP_PATH_MAX);
	payload = get_dsse(&r, &got.statement);
	got.has_content = keep_bool(&r);
	if (got.has_content)
		get_content(&r, &got);
	TRY(keep_end(&r, "put", e));
	TRY(own_payload(payload, &got.statement, e));
	*m = got;
	return COFFER_OK;
}

void keep_delete_req_write(struct wr *w, const struct keep_delete_req *m)
{
	keep_party_auth_put(w, &m->auth);
	wr_blob32(w, m->path);
}

enum coffer_rc keep_delete_req_read(struct span b, struct keep_delete_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_delete_req got = { 0 };

	keep_party_auth_get(&r, &got.auth);
	got.path = rd_blob32(&r, KEEP_PATH_MAX);
	TRY(keep_end(&r, "delete", e));
	*m = got;
	return COFFER_OK;
}

/* ---- questions ---- */

void keep_query_req_write(struct wr *w, const struct keep_query_req *m)
{
	keep_put_bool(w, m->has_auth);
	if (m->has_auth)
		keep_party_auth_put(w, &m->auth);
	wr_u8(w, m->kind);
	wr_blob32(w, m->issuer);
	wr_blob32(w, m->subject);
	keep_put_bool(w, m->has_id);
	if (m->has_id)
		wr_put(w, SPAN(m->id));
	keep_put_bool(w, m->all);
	wr_be64(w, m->before);
}

enum coffer_rc keep_query_req_read(struct span b, struct keep_query_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_query_req got = { 0 };

	got.has_auth = keep_bool(&r);
	if (got.has_auth)
		keep_party_auth_get(&r, &got.auth);
	got.kind = rd_u8(&r);
	if (got.kind > ST_LAST)
		keep_bad(&r);
	got.issuer = rd_blob32(&r, PARTY_MAX - 1);
	got.subject = rd_blob32(&r, ST_SUBJECT_NAME_MAX);
	got.has_id = keep_bool(&r);
	if (got.has_id)
		rd_copy(&r, got.id, sizeof(got.id));
	got.all = keep_bool(&r);
	got.before = keep_be64(&r);
	TRY(keep_end(&r, "query", e));
	*m = got;
	return COFFER_OK;
}

void keep_assets_req_write(struct wr *w, const struct keep_assets_req *m)
{
	keep_party_auth_put(w, &m->auth);
	wr_blob32(w, m->after);
}

enum coffer_rc keep_assets_req_read(struct span b, struct keep_assets_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_assets_req got = { 0 };

	keep_party_auth_get(&r, &got.auth);
	got.after = rd_blob32(&r, ASSET_PATH_MAX - 1);
	TRY(keep_end(&r, "assets", e));
	*m = got;
	return COFFER_OK;
}

void keep_decision_req_write(struct wr *w, const struct keep_decision_req *m)
{
	keep_party_auth_put(w, &m->auth);
	keep_put_bool(w, m->list);
	wr_put(w, SPAN(m->id));
	wr_be64(w, m->before);
}

enum coffer_rc keep_decision_req_read(struct span b, struct keep_decision_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_decision_req got = { 0 };

	keep_party_auth_get(&r, &got.auth);
	got.list = keep_bool(&r);
	rd_copy(&r, got.id, sizeof(got.id));
	got.before = keep_be64(&r);
	TRY(keep_end(&r, "decision", e));
	*m = got;
	return COFFER_OK;
}

void keep_journal_req_write(struct wr *w, const struct keep_journal_req *m)
{
	keep_party_auth_put(w, &m->auth);
	wr_be64(w, m->from);
}

enum coffer_rc keep_journal_req_read(struct span b, struct keep_journal_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_journal_req got = { 0 };

	keep_party_auth_get(&r, &got.auth);
	got.from = keep_be64(&r);
	TRY(keep_end(&r, "journal", e));
	*m = got;
	return COFFER_OK;
}
