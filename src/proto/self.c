#include "proto/self.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

static enum coffer_rc read_tee(const struct json *v, const char *where, enum tee_kind *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(v, "tee", where, &s, e));
	return tee_by_name(s, out) ? COFFER_OK : err_set(e, COFFER_E_INPUT, "%s: member \"tee\" is no platform", where);
}

/* ---- what there is ---- */

void self_description_clear(struct self_description *d)
{
	rcar_tpm_clear(&d->tpm);
}

void self_description_write(struct wr *w, const char *tee, const struct rcar_tpm *t)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_text(&j, "tee", tee);
	if (t->ek_cert.n > 0) {
		jw_name(&j, "tpm");
		jw_obj(&j);
		jw_m_b64(&j, "ek_cert", wr_span(&t->ek_cert));
		jw_m_b64(&j, "ak_public", wr_span(&t->ak_public));
		jw_obj_end(&j);
	}
	jw_obj_end(&j);
}

enum coffer_rc self_description_read(struct span in, struct self_description *out, struct err *e)
{
	static const char *const names[] = { "tee", "tpm", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct self_description d = { 0 };

	TRY(json_parse(in, SELF_DESCRIPTION_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "service evidence", e));
	TRY(read_tee(json_root(doc), "service evidence", &d.tee, e));
	TRY(rcar_tpm_read(json_root(doc), d.tee, &d.tpm, e));
	*out = d;
	return COFFER_OK;
}

/* ---- the question ---- */

void self_question_clear(struct self_question *q)
{
	rcar_tpm_answer_clear(&q->credential);
}

void self_question_write(struct wr *w, const uint8_t nonce[static SELF_NONCE], const struct rcar_credential *c)
{
	if (c) {
		rcar_tpm_challenge_write(w, nonce, c);
		return;
	}
	wr_str(w, "{\"nonce\":\"");
	b64_write(w, (struct span){ nonce, SELF_NONCE });
	wr_str(w, "\"}");
}

enum coffer_rc self_question_read(struct span in, struct self_question *out, struct err *e)
{
	static const char *const names[] = { "nonce", "extra-params", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct self_question q = { 0 };
	struct span nonce;

	TRY(json_parse(in, RCAR_ERROR_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "question", e));
	TRY(json_need_str(json_root(doc), "nonce", "question", &nonce, e));
	if (!b64_fixed(nonce, q.nonce, sizeof(q.nonce)))
		return err_set(e, COFFER_E_INPUT, "question: member \"nonce\" is not base64 of %d bytes", SELF_NONCE);
	if (json_get(json_root(doc), "extra-params"))
		TRY(rcar_tpm_answer_read(in, &q.credential, e));
	*out = q;
	return COFFER_OK;
}

/* ---- the answer ---- */

void self_answer_clear(struct self_answer *a)
{
	wr_close(&a->evidence);
}

void self_answer_write(struct wr *w, const char *tee, struct span evidence)
{
	wr_fmt(w, "{\"tee\":\"%s\",\"evidence\":", tee);
	wr_put(w, evidence);
	wr_str(w, "}");
}

enum coffer_rc self_answer_read(struct span in, struct self_answer *out, struct err *e)
{
	static const char *const names[] = { "tee", "evidence", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(self_answer_clear) struct self_answer a = { .evidence = wr_open(SELF_REPLY_MAX) };
	struct json_wr j = jw_open(&a.evidence, false);
	const struct json *evidence = NULL;

	TRY(json_parse(in, SELF_REPLY_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "service evidence", e));
	TRY(read_tee(json_root(doc), "service evidence", &a.tee, e));
	TRY(json_need_obj(json_root(doc), "evidence", "service evidence", &evidence, e));
	jw_value(&j, evidence);
	TRY(wr_done(&a.evidence, "service evidence", e));
	*out = a;
	a = (struct self_answer){ 0 };
	return COFFER_OK;
}

/* ---- frames ---- */

void self_frame_write(struct wr *w, const struct self_question *q)
{
	wr_put(w, SPAN(q->nonce));
	wr_blob32(w, wr_span(&q->credential.credential));
	wr_blob32(w, wr_span(&q->credential.secret));
}

static void take(struct rd *r, struct wr *out)
{
	struct span s = rd_blob32(r, RCAR_CREDENTIAL_MAX);

	*out = wr_open(RCAR_CREDENTIAL_MAX);
	wr_put(out, s);
}

enum coffer_rc self_frame_read(struct span b, struct self_question *out, struct err *e)
{
	CLEANUP(self_question_clear) struct self_question q = { 0 };
	struct rd r = rd_open(b);

	rd_copy(&r, q.nonce, sizeof(q.nonce));
	take(&r, &q.credential.credential);
	take(&r, &q.credential.secret);
	if (!rd_done(&r) || (q.credential.credential.n == 0) != (q.credential.secret.n == 0))
		return err_set(e, COFFER_E_INPUT, "attest: malformed question near byte %zu", r.off);
	*out = q;
	q = (struct self_question){ 0 };
	return COFFER_OK;
}
