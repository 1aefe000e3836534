#include "trust/asset_chain.h"

#include <string.h>

#include "base/str.h"

uint64_t asset_agreed(const struct asset_body *was, const struct parties *p, const struct dsse *env, int64_t logged)
{
	uint64_t n = 0;

	for (size_t i = 0; i < was->n_of; i++) {
		const struct party_life *l = parties_life(p, span_of(was->of[i]));

		n += l && life_gave(l, env, logged);
	}
	return n;
}

static bool by_dead(const struct parties *p, const struct asset_said *x)
{
	for (size_t i = 0; i < x->body->n_of; i++) {
		const struct party_life *l = parties_life(p, span_of(x->body->of[i]));

		if (!l || life_void(l, x->env, x->logged))
			return true;
	}
	return false;
}

static bool stands(const struct asset_chain *c, const struct parties *p, const struct asset_said *x)
{
	if (by_dead(p, x))
		return false;
	if (c->has_last && c->last.version == x->body->version && asset_agreed(&c->last, p, x->env, x->logged) < c->last.k)
		return false;
	return !c->has_stands || asset_agreed(&c->stands, p, x->env, x->logged) >= c->stands.k;
}

static void take(const struct asset_said *x, bool *has, struct asset_body *out, uint8_t id[static 32])
{
	*has = true;
	*out = *x->body;
	out->policy = (struct span){ 0 };
	memcpy(id, x->id, 32);
}

void asset_chain_stands(struct asset_chain *c, const struct asset_said *x)
{
	take(x, &c->has_last, &c->last, c->last_id);
	take(x, &c->has_stands, &c->stands, c->stands_id);
}

bool asset_chain_next(struct asset_chain *c, const struct parties *p, const struct asset_said *x)
{
	bool yes = stands(c, p, x);

	if (yes)
		take(x, &c->has_stands, &c->stands, c->stands_id);
	take(x, &c->has_last, &c->last, c->last_id);
	return yes;
}
