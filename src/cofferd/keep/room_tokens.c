#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/room.h"
#include "trust/parties_index.h"

struct counts { uint64_t of[PARTIES_MAX], all; };

/* Whose signing key it is, or was: of those that stated it the others recover by it. */
static bool owner_of(const struct parties *p, const uint8_t key[static 32], size_t *at)
{
	size_t n = 0;
	const struct key_of *of = parties_stated(p, key, &n);

	for (size_t i = 0; i < n; i++) {
		*at = of[i].party;
		if (life_had_thumb(&p->life[*at], key))
			return true;
	}
	return false;
}

static enum coffer_rc count(struct keep *k, struct counts *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT key, n FROM jti_by");

	*out = (struct counts){ .all = 0 };
	for (;;) {
		uint8_t key[32];
		uint64_t n;
		size_t at = 0;
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		n = (uint64_t)q_col_i64(&q, 1);
		out->all += n;
		if (q_col_fixed(&q, 0, key, sizeof(key)) && owner_of(&k->registry.parties, key, &at))
			out->of[at] += n;
	}
}

/* A party with all that it brought. */
struct brood { uint64_t used, members; };

static struct brood brood_of(const struct parties *p, const struct counts *c, const struct party_life *root)
{
	bool in[PARTIES_MAX];
	struct brood t = { c->of[root - p->life], 1 };

	(void)parties_brought(p, root->body.id, in);
	for (size_t i = 0; i < p->n; i++) {
		t.used += in[i] ? c->of[i] : 0;
		t.members += in[i];
	}
	return t;
}

/* Itself, where it is one; and of those that this one brought the one by whom, or by whose, it came. */
static const struct party_life *founder_of(const struct parties *p, const struct party_life *l, const struct party_life **branch)
{
	*branch = l;
	while (l && l->by[0]) {
		*branch = l;
		l = parties_life(p, span_of(l->by));
	}
	return l;
}

static uint64_t brought_by(const struct parties *p, const char *id)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += strcmp(p->life[i].by, id) == 0;
	return n;
}

enum coffer_rc room_token(struct keep *k, const char *party, struct err *e)
{
	const struct parties *p = &k->registry.parties;
	const struct party_life *l = parties_life(p, span_of(party)), *branch = NULL, *founder = founder_of(p, l, &branch);
	struct brood all, own;
	struct counts c;
	uint64_t part;
	bool over;

	TRY(count(k, &c, e));
	if (!founder)
		return err_set(e, COFFER_E_BUG, "keep: a party that nobody brought");
	all = brood_of(p, &c, founder);
	own = l == founder ? (struct brood){ c.of[l - p->life], 1 } : brood_of(p, &c, branch);
	over = own.used >= ROOM_TOKENS_OF_PARTY && c.of[l - p->life] >= ROOM_TOKENS_OF_PARTY / own.members;
	part = ROOM_TOKENS / k->registry.genesis->n_parties;
	if (c.all >= ROOM_TOKENS && all.used >= part) {
		part /= 1 + brought_by(p, founder->body.id);
		over = over || (own.used >= part && c.of[l - p->life] >= part / own.members);
	}
	return over ? err_set(e, COFFER_E_LIMIT, "too many tokens at once; try again in five minutes") : COFFER_OK;
}
