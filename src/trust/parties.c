#include "trust/parties.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"

enum coffer_rc parties_open(const struct genesis *g, struct parties *out, struct err *e)
{
	struct parties p = { .life = calloc(PARTIES_MAX, sizeof(*p.life)) };

	if (!p.life)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	_Static_assert(GENESIS_PARTIES_MAX <= PARTIES_MAX, "the founders fit");
	for (; p.n < g->n_parties; p.n++)
		life_found(&g->party[p.n], &p.life[p.n]);
	*out = p;
	return COFFER_OK;
}

void parties_clear(struct parties *p)
{
	free(p->life);
	*p = (struct parties){ 0 };
}

const struct party_life *parties_life(const struct parties *p, struct span id)
{
	for (size_t i = 0; i < p->n; i++)
		if (span_eq_str(id, p->life[i].body.id))
			return &p->life[i];
	return NULL;
}

const struct party *parties_party(const struct parties *p, struct span id, int64_t t)
{
	const struct party_life *l = parties_life(p, id);

	return l && t < life_expires(l, t) ? life_party(l, t) : NULL;
}

static const struct pubkey *by_thumb(const struct pubkey *list, size_t n, const uint8_t thumb[static 32])
{
	for (size_t i = 0; i < n; i++) {
		uint8_t t[32];

		pubkey_thumbprint(&list[i], t);
		if (span_eq(SPAN(t), (struct span){ thumb, 32 }))
			return &list[i];
	}
	return NULL;
}

const struct party *parties_key(const struct parties *p, const uint8_t thumb[static 32], int64_t t, const struct pubkey **key)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct party_life *l = &p->life[i];
		const struct party *b = life_party(l, t);
		const struct pubkey *k = t < life_expires(l, t) && !life_dead(l, thumb) ? by_thumb(b->keys, b->n_keys, thumb) : NULL;

		if (!k)
			continue;
		*key = k;
		return b;
	}
	return NULL;
}

const struct party *parties_recovery(const struct parties *p, const uint8_t thumb[static 32], int64_t t, const struct pubkey **key)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct party *b = life_party(&p->life[i], t);
		const struct pubkey *k = by_thumb(b->recovery, b->n_recovery, thumb);

		if (!k)
			continue;
		*key = k;
		return b;
	}
	return NULL;
}

/* ---- events ---- */

static bool introduced(const struct parties *p, const struct parties_event *ev)
{
	for (size_t i = 0; i < ev->env->n_sigs; i++) {
		const struct pubkey *key = NULL;
		const struct party *by = parties_key(p, ev->env->sigs[i].keyid, ev->logged, &key);

		if (by && strcmp(by->id, ev->s->issuer) != 0 && dsse_signed_by(ev->env, key))
			return true;
	}
	return false;
}

/* Nobody brings a key that is or was another's: else one party could pass for another, or shut it out. */
static enum coffer_rc check_own(const struct parties *p, const struct party *is, struct err *e)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < is->n_keys; k++)
			if (strcmp(p->life[i].body.id, is->id) != 0 && life_had(&p->life[i], &is->keys[k]))
				return err_deny(e, "signature", "a key of this statement is another party's");
	return COFFER_OK;
}

static enum coffer_rc step(const struct parties *p, const struct parties_event *ev, struct party_life *out, struct err *e)
{
	const struct party_life *old = parties_life(p, span_of(ev->s->issuer));
	const struct life_event one = { ev->env, ev->s, ev->logged, introduced(p, ev) };

	if (!old && p->n == PARTIES_MAX)
		return err_set(e, COFFER_E_LIMIT, "%d parties are known; there is no room for more", PARTIES_MAX);
	TRY(life_step(old, &one, out, e));
	return check_own(p, out->waits ? &out->next : &out->body, e);
}

static enum coffer_rc revoke_key(const struct parties *p, const struct parties_event *ev, struct party_life *out, struct err *e)
{
	const struct party_life *old = parties_life(p, span_of(ev->s->issuer));
	const struct life_event one = { ev->env, ev->s, ev->logged, false };

	if (!old)
		return err_deny(e, "signature", "%s is not known here", ev->s->issuer);
	*out = *old;
	return life_revoke(out, &one, e);
}

static bool concerns(const struct statement *s)
{
	return s->kind == ST_PARTY || s->kind == ST_REVOCATION;
}

static enum coffer_rc next(const struct parties *p, const struct parties_event *ev, struct party_life *out, struct err *e)
{
	return ev->s->kind == ST_PARTY ? step(p, ev, out, e) : revoke_key(p, ev, out, e);
}

enum coffer_rc parties_check(const struct parties *p, const struct parties_event *ev, struct err *e)
{
	CLEANUP(freep) struct party_life *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	return concerns(ev->s) ? next(p, ev, l, e) : COFFER_OK;
}

enum coffer_rc parties_learn(struct parties *p, const struct parties_event *ev, struct err *e)
{
	CLEANUP(freep) struct party_life *l = calloc(1, sizeof(*l));
	const struct party_life *old = parties_life(p, span_of(ev->s->issuer));

	if (!l || !p->life)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	if (!concerns(ev->s))
		return COFFER_OK;
	TRY(next(p, ev, l, e));
	p->life[old ? (size_t)(old - p->life) : p->n++] = *l;
	return COFFER_OK;
}
