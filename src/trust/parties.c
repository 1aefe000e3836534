#include "trust/parties.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/parties_index.h"

enum coffer_rc parties_open(const struct genesis *g, struct parties *out, struct err *e)
{
	CLEANUP(parties_clear) struct parties p = { .life = calloc(PARTIES_MAX, sizeof(*p.life)), .founded = calloc(1, sizeof(*p.founded)) };

	if (!p.life || !p.founded)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	*p.founded = *g;
	_Static_assert(GENESIS_PARTIES_MAX <= PARTIES_MAX, "the founders fit");
	for (; p.n < g->n_parties; p.n++) {
		life_found(&g->party[p.n], &p.life[p.n]);
		TRY(parties_index(&p, p.n, &g->party[p.n], e));
	}
	*out = p;
	p = (struct parties){ 0 };
	return COFFER_OK;
}

void parties_clear(struct parties *p)
{
	free(p->life);
	free(p->founded);
	free(p->amended);
	free(p->key);
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
	size_t n = 0;
	const struct key_of *of = parties_stated(p, thumb, &n);

	for (size_t i = 0; i < n; i++) {
		const struct party_life *l = &p->life[of[i].party];
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
	size_t n = 0;
	const struct key_of *of = parties_stated(p, thumb, &n);

	for (size_t i = 0; i < n; i++) {
		const struct party *b = life_party(&p->life[of[i].party], t);
		const struct pubkey *k = by_thumb(b->recovery, b->n_recovery, thumb);

		if (!k)
			continue;
		*key = k;
		return b;
	}
	return NULL;
}

/* ---- events ---- */

static const char *introduced(const struct parties *p, const struct parties_event *ev)
{
	for (size_t i = 0; i < ev->env->n_sigs; i++) {
		const struct pubkey *key = NULL;
		const struct party *by = parties_key(p, ev->env->sigs[i].keyid, ev->logged, &key);

		if (by && strcmp(by->id, ev->s->issuer) != 0 && dsse_signed_by(ev->env, key))
			return by->id;
	}
	return NULL;
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

/* Who introduces is there before. */
size_t parties_brought(const struct parties *p, const char *by, bool in[static PARTIES_MAX])
{
	size_t n = 0;

	memset(in, 0, PARTIES_MAX * sizeof(*in));
	for (size_t i = 0; i < p->n; i++) {
		const struct party_life *l = &p->life[i];
		bool its = strcmp(l->by, by) == 0;

		for (size_t k = 0; k < i && !its; k++)
			its = in[k] && strcmp(l->by, p->life[k].body.id) == 0;
		in[i] = its;
		n += its;
	}
	return n;
}

size_t parties_share(const struct parties *p, bool founder)
{
	size_t n = p->founded->n_parties, share = (PARTIES_MAX - n) / n;

	return founder || share < PARTIES_BROUGHT_MAX ? share : PARTIES_BROUGHT_MAX;
}

/* Whoever a newcomer comes by in the end has room for it, and so has each in between. */
static enum coffer_rc check_places(const struct parties *p, const char *by, struct err *e)
{
	while (by && by[0]) {
		const struct party_life *l = parties_life(p, span_of(by));
		bool in[PARTIES_MAX];
		size_t n = parties_brought(p, by, in), most = parties_share(p, l && !l->by[0]);

		if (n >= most)
			return err_set(e, COFFER_E_LIMIT, "%s, and those it introduced, brought %zu parties here, which is its share; another known party may introduce this one", by, n);
		by = l ? l->by : NULL;
	}
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

enum coffer_rc parties_introducer(const struct parties *p, const struct parties_event *ev, const char **by, struct err *e)
{
	CLEANUP(freep) struct party_life *l = calloc(1, sizeof(*l));
	const struct life_event alone = { ev->env, ev->s, ev->logged, NULL };
	struct err no;

	if (!l)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	*by = introduced(p, ev);
	if (*by && life_step(parties_life(p, span_of(ev->s->issuer)), &alone, l, &no) == COFFER_OK)
		*by = NULL;
	return COFFER_OK;
}

static enum coffer_rc revoke_key(const struct parties *p, const struct parties_event *ev, struct party_life *out, struct err *e)
{
	const struct party_life *old = parties_life(p, span_of(ev->s->issuer));
	const struct life_event one = { ev->env, ev->s, ev->logged, NULL };

	if (!old)
		return err_deny(e, "signature", "%s is not known here", ev->s->issuer);
	*out = *old;
	return life_revoke(out, &one, e);
}

static bool concerns(const struct statement *s)
{
	return s->kind == ST_PARTY || s->kind == ST_REVOCATION;
}

/* ---- amendments ---- */

bool parties_any_dead(const struct parties *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->life[i].n_dead > 0)
			return true;
	return false;
}

const struct genesis *parties_genesis(const struct parties *p)
{
	return p->n_amended ? &p->amended[p->n_amended - 1].g : p->founded;
}

const struct genesis *parties_genesis_by(const struct parties *p, const uint8_t *id)
{
	if (!id)
		return p->founded;
	for (size_t i = 0; i < p->n_amended; i++)
		if (span_eq(SPAN(p->amended[i].id), (struct span){ id, 32 }))
			return &p->amended[i].g;
	return NULL;
}

static enum coffer_rc roots_ever(const struct parties *p, const struct genesis *more, struct genesis *out, struct err *e)
{
	bool fits = true;

	*out = *p->founded;
	for (size_t i = 0; fits && i < p->n_amended; i++)
		fits = roots_ever_add(out, &p->amended[i].g);
	fits = fits && (!more || roots_ever_add(out, more));
	return fits ? COFFER_OK : err_set(e, COFFER_E_LIMIT, "a genesis and its amendments name %d vendor roots at most", GENESIS_ROOTS_MAX);
}

enum coffer_rc parties_roots(const struct parties *p, struct genesis *out, struct err *e)
{
	return roots_ever(p, NULL, out, e);
}

/* Two that follow the same one are told apart by the ledger: it has one of them. */
static enum coffer_rc check_next(const struct parties *p, const struct statement *s, struct err *e)
{
	static const uint8_t none[32];
	const uint8_t *last = p->n_amended ? p->amended[p->n_amended - 1].id : none;

	if (!s->has_ledger || !span_eq(SPAN(s->ledger), SPAN(p->founded->id)))
		return err_deny(e, "ledger", "an amendment of another genesis");
	if (s->serial != p->n_amended + 1)
		return err_deny(e, "serial", "the genesis was amended %zu times; the next amendment has serial %zu, not %llu", p->n_amended, p->n_amended + 1,
		    (unsigned long long)s->serial);
	if (!span_eq(SPAN(s->previous), (struct span){ last, 32 }))
		return err_deny(e, "serial", "the amendment does not name the one before it");
	if (p->n_amended == AMENDMENTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "a genesis is amended %d times at most", AMENDMENTS_MAX);
	return COFFER_OK;
}

/* Each by a key that it has then, wherever it keeps that now: the one in the genesis may be gone. */
static enum coffer_rc check_founders(const struct parties *p, const struct parties_event *ev, struct err *e)
{
	for (size_t i = 0; i < p->founded->n_parties; i++) {
		const char *id = p->founded->party[i].id;
		const struct party_life *l = parties_life(p, span_of(id));

		if (!l || ev->logged >= life_expires(l, ev->logged) || !life_signed(l, ev->env, ev->logged, NULL))
			return err_deny(e, "signature", "every founder signs an amendment with a key it has in effect; %s did not", id);
	}
	return COFFER_OK;
}

static enum coffer_rc check_room(const struct parties *p, const struct genesis *is, struct err *e)
{
	CLEANUP(freep) struct witnesses_ever *all = calloc(1, sizeof(*all));
	CLEANUP(freep) struct genesis *roots = calloc(1, sizeof(*roots));
	bool fits;

	if (!all || !roots)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	TRY(roots_ever(p, is, roots, e));
	fits = witnesses_ever_add(all, p->founded);
	for (size_t i = 0; fits && i < p->n_amended; i++)
		fits = witnesses_ever_add(all, &p->amended[i].g);
	return fits && witnesses_ever_add(all, is) ? COFFER_OK
	    : err_set(e, COFFER_E_LIMIT, "a genesis and its amendments name %d witnesses at most", WITNESSES_EVER_MAX);
}

static enum coffer_rc amend(const struct parties *p, const struct parties_event *ev, struct amended *out, struct err *e)
{
	TRY(check_next(p, ev->s, e));
	TRY(check_founders(p, ev, e));
	TRY(amendment_read(ev->s, parties_genesis(p), &out->g, e));
	TRY(check_room(p, &out->g, e));
	memcpy(out->id, ev->s->id, sizeof(out->id));
	out->logged = ev->logged;
	return COFFER_OK;
}

static enum coffer_rc check_amendment(const struct parties *p, const struct parties_event *ev, struct amended **out, struct err *e)
{
	CLEANUP(freep) struct amended *a = calloc(1, sizeof(*a));

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	TRY(amend(p, ev, a, e));
	*out = MOVE(a);
	return COFFER_OK;
}

static enum coffer_rc learn_amendment(struct parties *p, const struct parties_event *ev, struct err *e)
{
	CLEANUP(freep) struct amended *a = NULL;
	struct amended *more;

	TRY(check_amendment(p, ev, &a, e));
	more = realloc(p->amended, (p->n_amended + 1) * sizeof(*more));
	if (!more)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	p->amended = more;
	p->amended[p->n_amended++] = *a;
	return COFFER_OK;
}

/* ---- what counts ---- */

static enum coffer_rc next(const struct parties *p, const struct parties_event *ev, struct party_life *out, struct err *e)
{
	return ev->s->kind == ST_PARTY ? step(p, ev, out, e) : revoke_key(p, ev, out, e);
}

enum coffer_rc parties_check(const struct parties *p, const struct parties_event *ev, struct err *e)
{
	CLEANUP(freep) struct party_life *l = calloc(1, sizeof(*l));
	CLEANUP(freep) struct amended *a = NULL;

	if (ev->s->kind == ST_AMENDMENT)
		return check_amendment(p, ev, &a, e);
	if (!l)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	if (!concerns(ev->s))
		return COFFER_OK;
	TRY(next(p, ev, l, e));
	return parties_life(p, span_of(ev->s->issuer)) ? COFFER_OK : check_places(p, l->by, e);
}

enum coffer_rc parties_learn(struct parties *p, const struct parties_event *ev, struct err *e)
{
	CLEANUP(freep) struct party_life *l = calloc(1, sizeof(*l));
	const struct party_life *old = parties_life(p, span_of(ev->s->issuer));
	size_t at;

	if (ev->s->kind == ST_AMENDMENT)
		return learn_amendment(p, ev, e);
	if (!l || !p->life)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	if (!concerns(ev->s))
		return COFFER_OK;
	TRY(next(p, ev, l, e));
	at = old ? (size_t)(old - p->life) : p->n;
	TRY(parties_index(p, at, &l->body, e));
	if (l->waits)
		TRY(parties_index(p, at, &l->next, e));
	p->life[at] = *l;
	p->n += !old;
	return COFFER_OK;
}
