#include "base/own.h"
#include "base/str.h"
#include "trust/parties_index.h"

static bool sig_by(const struct dsse *env, size_t i, const struct pubkey *k)
{
	CLEANUP(wr_close) struct wr pae = wr_open(DSSE_PAYLOAD_MAX + 256);

	dsse_pae(DSSE_TYPE, wr_span(&env->payload), &pae);
	return wr_ok(&pae) && key_verify(k, wr_span(&pae), SPAN(env->sigs[i].sig));
}

bool keys_answer(const struct pubkey *keys, size_t n, const struct dsse *env, size_t i)
{
	for (size_t k = 0; k < n; k++) {
		uint8_t thumb[32];

		pubkey_thumbprint(&keys[k], thumb);
		if (span_eq(SPAN(thumb), SPAN(env->sigs[i].keyid)) && sig_by(env, i, &keys[k]))
			return true;
	}
	return false;
}

bool life_answers(const struct party_life *l, const struct dsse *env, size_t i)
{
	return keys_answer(l->past, l->n_past, env, i) || keys_answer(l->body.keys, l->body.n_keys, env, i) ||
	       keys_answer(l->body.recovery, l->body.n_recovery, env, i) ||
	       (l->waits && (keys_answer(l->next.keys, l->next.n_keys, env, i) || keys_answer(l->next.recovery, l->next.n_recovery, env, i)));
}

bool parties_answer(const struct parties *p, const struct dsse *env, size_t i)
{
	size_t n = 0;
	const struct key_of *of = parties_stated(p, env->sigs[i].keyid, &n);

	for (size_t l = 0; l < n; l++)
		if (life_answers(&p->life[of[l].party], env, i))
			return true;
	return false;
}
