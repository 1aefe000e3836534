/* A statement that a known party signed and that was refused: an attempt upon somebody's things, more often than not, and those
 * whose things they are can read of it in the ledger. */
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit.h"
#include "cofferd/keep/noise.h"
#include "fmt/enc.h"

const struct party *admit_signer(const struct keep *k, const struct dsse *env)
{
	for (size_t i = 0; i < env->n_sigs; i++) {
		const struct pubkey *key = NULL;
		const struct party *p = registry_key(&k->registry, env->sigs[i].keyid, k->now, &key);

		if (p && dsse_signed_by(env, key))
			return p;
	}
	return NULL;
}

static enum coffer_rc write_entry(struct keep *k, const struct dsse *env, const char *by, const char *check, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct json_wr j = jw_open(&w, false);
	char hex[HEX32_LEN];
	uint8_t id[32];

	dsse_id(env, id);
	hex32(id, hex);
	jw_obj(&j);
	jw_m_text(&j, "by", by);
	jw_m_text(&j, "check", check);
	jw_m_text(&j, "id", hex);
	jw_obj_end(&j);
	TRY(wr_done(&w, "journal entry", e));
	TRY(tx_begin(&k->journal, &tx, e));
	TRY(journal_append(&k->journal, "refusal", wr_span(&w), k->now, e));
	return tx_commit(&tx, e);
}

void admit_refused(struct keep *k, const struct dsse *env, const struct err *why)
{
	const struct party *by = admit_signer(k, env);
	struct err e = { 0 };

	if (!by)
		return; /* who cannot sign as a party has no part in the ledger */
	if (!noise_may_refuse(k, by->id) || write_entry(k, env, by->id, why->check, &e) != COFFER_OK)
		noise_count(k);
}
