/* Messages of an attesting client: challenge, evidence, resource. */
#include "base/str.h"
#include "crypto/hash.h"
#include "proto/fresh.h"
#include "proto/keep_wire.h"

#define ADDITIONAL_MAX (2u << 20)
#define INITDATA_MAX (1u << 20)
#define NONCE_MAX 128
#define NEEDS_MAX 4096
#define REQUEST_MAX 600 /* "CRQ1", two numbers, two names of at most 255 bytes */
#define BODY_MAX (KEEP_FRAME_MAX - 4096)

#define CREDENTIAL_MAX 128
#define SEED_MAX 512

void keep_auth_req_write(struct wr *w, const struct keep_auth_req *m)
{
	wr_u8(w, m->tee);
	wr_blob32(w, m->tpm.ek_cert);
	wr_blob32(w, m->tpm.ak_public);
	if (m->tpm.n_chain > KEEP_EK_CHAIN_MAX)
		w->bad = true;
	wr_u8(w, (uint8_t)m->tpm.n_chain);
	for (size_t i = 0; i < m->tpm.n_chain && i < KEEP_EK_CHAIN_MAX; i++)
		wr_blob32(w, m->tpm.chain[i]);
}

static void get_tpm(struct rd *r, uint8_t tee, struct keep_tpm *t)
{
	t->ek_cert = rd_blob32(r, KEEP_EK_MAX);
	t->ak_public = rd_blob32(r, KEEP_AK_MAX);
	t->n_chain = rd_count(r, rd_u8(r), 4, KEEP_EK_CHAIN_MAX);
	for (size_t i = 0; i < t->n_chain; i++)
		t->chain[i] = rd_blob32(r, KEEP_EK_MAX);
	if ((t->ek_cert.n > 0) != (t->ak_public.n > 0) || (t->n_chain > 0 && t->ek_cert.n == 0) ||
	    (t->ek_cert.n > 0 && tee != TEE_TPM && tee != TEE_SWTPM))
		keep_bad(r);
}

enum coffer_rc keep_auth_req_read(struct span b, struct keep_auth_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_auth_req got = { .tee = rd_u8(&r) };

	if (got.tee == 0 || got.tee > TEE_LAST)
		keep_bad(&r);
	get_tpm(&r, got.tee, &got.tpm);
	TRY(keep_end(&r, "auth", e));
	*m = got;
	return COFFER_OK;
}

void keep_auth_rep_write(struct wr *w, const struct keep_auth_rep *m)
{
	wr_put(w, SPAN(m->session));
	wr_put(w, SPAN(m->nonce));
	wr_blob32(w, m->credential);
	wr_blob32(w, m->secret);
}

enum coffer_rc keep_auth_rep_read(struct span b, struct keep_auth_rep *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_auth_rep got = { 0 };

	rd_copy(&r, got.session, sizeof(got.session));
	rd_copy(&r, got.nonce, sizeof(got.nonce));
	got.credential = rd_blob32(&r, CREDENTIAL_MAX);
	got.secret = rd_blob32(&r, SEED_MAX);
	if ((got.credential.n > 0) != (got.secret.n > 0))
		keep_bad(&r);
	TRY(keep_end(&r, "auth reply", e));
	*m = got;
	return COFFER_OK;
}

void keep_attest_req_write(struct wr *w, const struct keep_attest_req *m)
{
	size_t n = m->n_members <= KEEP_MEMBERS_MAX ? m->n_members : 0;

	if (n != m->n_members)
		w->bad = true;
	wr_put(w, SPAN(m->session));
	wr_u8(w, m->hash);
	wr_u8(w, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		wr_blob32(w, m->member[i].name);
		wr_blob32(w, m->member[i].value);
	}
	wr_blob32(w, m->nonce);
	wr_blob32(w, m->additional);
	wr_blob32(w, m->evidence);
	wr_blob32(w, m->initdata);
	if (m->n_files > KEEP_FILES_MAX)
		w->bad = true;
	wr_u8(w, (uint8_t)m->n_files);
	for (size_t i = 0; i < m->n_files && i < KEEP_FILES_MAX; i++)
		wr_blob32(w, m->file[i]);
}

static bool name_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7E)
			return false;
	return s.n > 0;
}

/* Ascending by bytes, which for ASCII is JCS's order. */
static bool before(struct span a, struct span b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++)
		if (a.p[i] != b.p[i])
			return a.p[i] < b.p[i];
	return a.n < b.n;
}

static void get_members(struct rd *r, struct keep_attest_req *m)
{
	m->n_members = rd_count(r, rd_u8(r), 8, KEEP_MEMBERS_MAX);
	for (size_t i = 0; i < m->n_members; i++) {
		m->member[i].name = rd_blob32(r, KEEP_MEMBER_NAME_MAX);
		m->member[i].value = rd_blob32(r, KEEP_MEMBER_VALUE_MAX);
		if (!name_ok(m->member[i].name) || (i && !before(m->member[i - 1].name, m->member[i].name)))
			keep_bad(r);
	}
}

enum coffer_rc keep_attest_req_read(struct span b, struct keep_attest_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_attest_req got = { 0 };

	rd_copy(&r, got.session, sizeof(got.session));
	got.hash = rd_u8(&r);
	if (got.hash > HASH_SHA512)
		keep_bad(&r);
	get_members(&r, &got);
	got.nonce = rd_blob32(&r, NONCE_MAX);
	got.additional = rd_blob32(&r, ADDITIONAL_MAX);
	got.evidence = rd_blob32(&r, KEEP_EVIDENCE_MAX);
	got.initdata = rd_blob32(&r, INITDATA_MAX);
	got.n_files = rd_count(&r, rd_u8(&r), 4, KEEP_FILES_MAX);
	for (size_t i = 0; i < got.n_files; i++)
		got.file[i] = rd_blob32(&r, KEEP_FILE_MAX);
	TRY(keep_end(&r, "attest", e));
	*m = got;
	return COFFER_OK;
}

void keep_attest_rep_write(struct wr *w, const struct keep_attest_rep *m)
{
	wr_blob32(w, m->token);
	wr_blob32(w, m->needs);
	wr_be32(w, m->max_age);
}

enum coffer_rc keep_attest_rep_read(struct span b, struct keep_attest_rep *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_attest_rep got = { 0 };

	got.token = rd_blob32(&r, KEEP_TOKEN_MAX);
	got.needs = rd_blob32(&r, NEEDS_MAX);
	got.max_age = rd_be32(&r);
	if ((got.token.n == 0) == (got.needs.n == 0))
		keep_bad(&r);
	TRY(keep_end(&r, "attest reply", e));
	*m = got;
	return COFFER_OK;
}

void keep_resource_req_write(struct wr *w, const struct keep_resource_req *m)
{
	keep_put_bool(w, m->by_token);
	if (m->by_token) {
		wr_blob32(w, m->token_signing_input);
		wr_blob32(w, m->token_payload);
		wr_put(w, SPAN(m->token_sig));
	} else {
		wr_put(w, SPAN(m->session));
	}
	wr_blob32(w, m->path);
	keep_put_bool(w, m->has_request);
	if (m->has_request) {
		wr_blob32(w, m->request);
		wr_put(w, SPAN(m->request_sig));
	}
}

enum coffer_rc keep_resource_req_read(struct span b, struct keep_resource_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_resource_req got = { 0 };

	got.by_token = keep_bool(&r);
	if (got.by_token) {
		got.token_signing_input = rd_blob32(&r, KEEP_TOKEN_MAX);
		got.token_payload = rd_blob32(&r, KEEP_TOKEN_MAX);
		rd_copy(&r, got.token_sig, sizeof(got.token_sig));
	} else {
		rd_copy(&r, got.session, sizeof(got.session));
	}
	got.path = rd_blob32(&r, KEEP_PATH_MAX);
	got.has_request = keep_bool(&r);
	if (got.has_request) {
		got.request = rd_blob32(&r, REQUEST_MAX);
		rd_copy(&r, got.request_sig, sizeof(got.request_sig));
	}
	TRY(keep_end(&r, "resource", e));
	*m = got;
	return COFFER_OK;
}

void keep_resource_rep_write(struct wr *w, const struct keep_resource_rep *m)
{
	keep_put_bool(w, m->held);
	if (m->held) {
		wr_put(w, SPAN(m->ticket));
		return;
	}
	wr_blob32(w, m->body);
	wr_put(w, SPAN(m->reply_sig));
	wr_be64(w, m->seq);
	wr_be64(w, m->version);
	wr_put(w, SPAN(m->entry));
}

enum coffer_rc keep_resource_rep_read(struct span b, struct keep_resource_rep *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_resource_rep got = { 0 };

	got.held = keep_bool(&r);
	if (got.held) {
		rd_copy(&r, got.ticket, sizeof(got.ticket));
	} else {
		got.body = rd_blob32(&r, BODY_MAX);
		rd_copy(&r, got.reply_sig, sizeof(got.reply_sig));
		got.seq = keep_be64(&r);
		got.version = keep_be64(&r);
		rd_copy(&r, got.entry, sizeof(got.entry));
	}
	TRY(keep_end(&r, "resource reply", e));
	*m = got;
	return COFFER_OK;
}

void keep_fresh_req_write(struct wr *w, const struct keep_fresh_req *m)
{
	wr_put(w, SPAN(m->session));
	wr_blob32(w, m->ask);
	wr_put(w, SPAN(m->sig));
}

enum coffer_rc keep_fresh_req_read(struct span b, struct keep_fresh_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_fresh_req got = { 0 };

	rd_copy(&r, got.session, sizeof(got.session));
	got.ask = rd_blob32(&r, FRESH_REQUEST_MAX);
	rd_copy(&r, got.sig, sizeof(got.sig));
	TRY(keep_end(&r, "freshness", e));
	*m = got;
	return COFFER_OK;
}

void keep_fresh_rep_write(struct wr *w, const struct keep_fresh_rep *m)
{
	wr_blob32(w, m->answer);
	wr_put(w, SPAN(m->sig));
}

enum coffer_rc keep_fresh_rep_read(struct span b, struct keep_fresh_rep *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_fresh_rep got = { 0 };

	got.answer = rd_blob32(&r, FRESH_ANSWER_MAX);
	rd_copy(&r, got.sig, sizeof(got.sig));
	TRY(keep_end(&r, "freshness reply", e));
	*m = got;
	return COFFER_OK;
}
