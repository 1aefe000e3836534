/* Apart from the parsers, so that `keep` links this and not them. */
#include "proto/rcar_json.h"

#include "base/own.h"

void rcar_pubkey_write(struct json_wr *j, const struct rcar_binding *b)
{
	jw_obj(j);
	for (size_t i = 0; i < b->n_members; i++) {
		jw_namen(j, b->member[i].name);
		jw_str(j, b->member[i].value);
	}
	jw_obj_end(j);
}

void rcar_runtime_data(const struct rcar_binding *b, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	if (!b->device)
		jw_m_str(&j, "additional-evidence", b->additional);
	jw_m_str(&j, "nonce", b->nonce);
	jw_name(&j, "tee-pubkey");
	rcar_pubkey_write(&j, b);
	jw_obj_end(&j);
}

enum coffer_rc rcar_report_data(const struct rcar_binding *b, enum hash_alg alg, uint8_t out[static HASH_MAX], struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)2 * RCAR_BODY_MAX);

	rcar_runtime_data(b, &w);
	TRY(wr_done(&w, "runtime data", e));
	hash_once(alg, wr_span(&w), out);
	return COFFER_OK;
}
