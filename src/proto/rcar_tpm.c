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
