#include "cofferd/keep/admit_signed.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit_co.h"
#include "fmt/enc.h"

/* Whose signatures count. */
struct counting {
	const struct party_life *life[1 + 3 * ASSET_OWNERS_MAX + GENESIS_PARTIES_MAX];
	size_t                   n;
	struct party             own; /* what a party statement brings */
};

static void add(const struct keep *k, const char *id, struct counting *c)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(id));

	if (l)
		c->life[c->n++] = l;
}

static enum coffer_rc add_introducer(struct keep *k, const struct dsse *env, const struct statement *s, struct counting *c, struct err *e)
{
	const char *by = NULL;

	TRY(party_read(s->body, &c->own, e));
	TRY(parties_introducer(&k->registry.parties, &(struct parties_event){ env, s, k->now }, &by, e));
	if (by)
		add(k, by, c);
	return COFFER_OK;
}

static enum coffer_rc add_owners(struct keep *k, const struct statement *s, struct counting *c, struct err *e)
{
	struct co_names names;

	TRY(co_names(k, s, &names, e));
	for (size_t i = 0; i < names.n; i++)
		add(k, names.id[i], c);
	return COFFER_OK;
}

static enum coffer_rc who_counts(struct keep *k, const struct dsse *env, const struct statement *s, struct counting *c, struct err *e)
{
	const struct genesis *g = k->registry.genesis;

	add(k, s->issuer, c);
	if (s->kind == ST_PARTY)
		return add_introducer(k, env, s, c, e);
	if (s->kind == ST_ASSET)
		return add_owners(k, s, c, e);
	for (size_t i = 0; s->kind == ST_AMENDMENT && i < g->n_parties; i++)
		add(k, g->party[i].id, c);
	return COFFER_OK;
}

static bool counts(const struct counting *c, const struct dsse *env, size_t i)
{
	bool yes = keys_answer(c->own.keys, c->own.n_keys, env, i) || keys_answer(c->own.recovery, c->own.n_recovery, env, i);

	for (size_t l = 0; l < c->n && !yes; l++)
		yes = life_answers(c->life[l], env, i);
	return yes;
}

enum coffer_rc admit_signatures(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct counting *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(e, COFFER_E_SYSTEM, "keep: out of memory");
	TRY(who_counts(k, env, s, c, e));
	for (size_t i = 0; i < env->n_sigs; i++) {
		char keyid[HEX32_LEN];

		if (counts(c, env, i))
			continue;
		hex32(env->sigs[i].keyid, keyid);
		return err_deny(e, "signature", "a further signature names key %s and counts for nothing in this %s statement: without it the statement is taken", keyid,
		    statement_kind_name(s->kind));
	}
	return COFFER_OK;
}
