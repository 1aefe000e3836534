#include "proto/rcar_tpm.h"

#include "base/own.h"
#include "fmt/enc.h"

void rcar_tpm_clear(struct rcar_tpm *t)
{
	wr_close(&t->ek_cert);
	wr_close(&t->ak_public);
	for (size_t i = 0; i < KEEP_EK_CHAIN_MAX; i++)
		wr_close(&t->chain[i]);
	*t = (struct rcar_tpm){ 0 };
}

static enum coffer_rc read_bytes(const struct json *v, const char *name, size_t max, struct wr *out, struct err *e)
{
	*out = wr_open(max);
	if (json_type(v) != JSON_STRING || !b64_read(json_str(v), out) || !wr_ok(out) || out->n == 0)
		return err_set(e, COFFER_E_INPUT, "extra-params.tpm: \"%s\" is not base64 of 1 to %zu bytes", name, max);
	return COFFER_OK;
}

static enum coffer_rc read_chain(const struct json *list, struct rcar_tpm *t, struct err *e)
{
	if (!list || json_type(list) == JSON_NULL)
		return COFFER_OK;
	if (json_type(list) != JSON_ARRAY || json_len(list) > KEEP_EK_CHAIN_MAX)
		return err_set(e, COFFER_E_INPUT, "extra-params.tpm: \"ek_chain\" is no list of at most %d", KEEP_EK_CHAIN_MAX);
	t->n_chain = json_len(list);
	for (size_t i = 0; i < t->n_chain; i++)
		TRY(read_bytes(json_at(list, i), "ek_chain", KEEP_EK_MAX, &t->chain[i], e));
	return COFFER_OK;
}

enum coffer_rc rcar_tpm_read(const struct json *extra_params, enum tee_kind tee, struct rcar_tpm *out, struct err *e)
{
	static const char *const names[] = { "ek_cert", "ak_public", "ek_chain", NULL };
	CLEANUP(rcar_tpm_clear) struct rcar_tpm t = { 0 };
	const struct json *v = json_get(extra_params, "tpm");

	if (v && json_type(v) != JSON_NULL) {
		if (tee != TEE_TPM && tee != TEE_SWTPM)
			return err_set(e, COFFER_E_INPUT, "extra-params.tpm: %s has no TPM", tee_name(tee));
		TRY(json_closed(v, names, "extra-params.tpm", e));
		TRY(read_bytes(json_get(v, "ek_cert"), "ek_cert", KEEP_EK_MAX, &t.ek_cert, e));
		TRY(read_bytes(json_get(v, "ak_public"), "ak_public", KEEP_AK_MAX, &t.ak_public, e));
		TRY(read_chain(json_get(v, "ek_chain"), &t, e));
	}
	*out = t;
	t = (struct rcar_tpm){ 0 };
	return COFFER_OK;
}

void rcar_tpm_challenge_write(struct wr *w, const uint8_t nonce[static 32], const struct rcar_credential *c)
{
	wr_str(w, "{\"nonce\":\"");
	b64_write(w, (struct span){ nonce, 32 });
	wr_str(w, "\",\"extra-params\":{\"tpm\":{\"credential\":\"");
	b64_write(w, c->credential);
	wr_str(w, "\",\"secret\":\"");
	b64_write(w, c->secret);
	wr_str(w, "\"}}}");
}

static void put_b64(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(2 * (size_t)KEEP_EK_MAX);

	b64_write(&w, s);
	if (name)
		jw_m_str(j, name, wr_span(&w));
	else
		jw_str(j, wr_span(&w));
}

static void put_extra(struct json_wr *j, const void *arg)
{
	const struct rcar_tpm *t = arg;

	jw_name(j, "tpm");
	jw_obj(j);
	put_b64(j, "ek_cert", wr_span(&t->ek_cert));
	put_b64(j, "ak_public", wr_span(&t->ak_public));
	if (t->n_chain > 0) {
		jw_name(j, "ek_chain");
		jw_arr(j);
		for (size_t i = 0; i < t->n_chain; i++)
			put_b64(j, NULL, wr_span(&t->chain[i]));
		jw_arr_end(j);
	}
	jw_obj_end(j);
}

void rcar_tpm_request_write(struct wr *w, const char *tee, const struct rcar_tpm *t)
{
	rcar_request_write(w, tee, put_extra, t);
}

void rcar_tpm_answer_clear(struct rcar_tpm_answer *a)
{
	wr_close(&a->credential);
	wr_close(&a->secret);
}

enum coffer_rc rcar_tpm_answer_read(struct span challenge, struct rcar_tpm_answer *out, struct err *e)
{
	static const char *const names[] = { "credential", "secret", NULL };
	CLEANUP(rcar_tpm_answer_clear) struct rcar_tpm_answer a = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *v;

	TRY(json_parse(challenge, RCAR_ERROR_MAX, &doc, e));
	v = json_get(json_get(json_root(doc), "extra-params"), "tpm");
	if (!v)
		return err_set(e, COFFER_E_INPUT, "challenge: the service gives no credential for this TPM");
	TRY(json_closed(v, names, "challenge: extra-params.tpm", e));
	TRY(read_bytes(json_get(v, "credential"), "credential", RCAR_CREDENTIAL_MAX, &a.credential, e));
	TRY(read_bytes(json_get(v, "secret"), "secret", RCAR_CREDENTIAL_MAX, &a.secret, e));
	*out = a;
	a = (struct rcar_tpm_answer){ 0 };
	return COFFER_OK;
}
