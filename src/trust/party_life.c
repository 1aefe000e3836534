#include "trust/party_life.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

void life_found(const struct party *p, struct party_life *out)
{
	memset(out, 0, sizeof(*out));
	out->body = *p;
	out->expires = INT64_MAX;
	memcpy(out->past, p->keys, p->n_keys * sizeof(p->keys[0]));
	out->n_past = p->n_keys;
	_Static_assert(PARTY_KEYS_MAX <= LIFE_PAST_MAX, "a party's first keys");
}

static bool in_effect(const struct party_life *l, int64_t t)
{
	return l->waits && t >= l->from;
}

const struct party *life_party(const struct party_life *l, int64_t t)
{
	return in_effect(l, t) ? &l->next : &l->body;
}

int64_t life_expires(const struct party_life *l, int64_t t)
{
	return in_effect(l, t) ? l->next_expires : l->expires;
}

/* ---- keys ---- */

bool life_dead_at(const struct party_life *l, const uint8_t thumb[static 32], int64_t t)
{
	for (size_t i = 0; i < l->n_dead; i++)
		if (l->dead[i].from <= t && span_eq(SPAN(l->dead[i].thumb), (struct span){ thumb, 32 }))
			return true;
	return false;
}

bool life_dead(const struct party_life *l, const uint8_t thumb[static 32])
{
	return life_dead_at(l, thumb, INT64_MAX);
}

static bool has_key(const struct pubkey *list, size_t n, const struct pubkey *k)
{
	for (size_t i = 0; i < n; i++)
		if (pubkey_eq(&list[i], k))
			return true;
	return false;
}

bool life_had(const struct party_life *l, const struct pubkey *k)
{
	return has_key(l->past, l->n_past, k) || (l->waits && has_key(l->next.keys, l->next.n_keys, k));
}

bool life_signed(const struct party_life *l, const struct dsse *env, int64_t t, uint8_t *signer)
{
	const struct party *p = life_party(l, t);
	uint8_t thumb[32];

	for (size_t i = 0; i < p->n_keys; i++) {
		pubkey_thumbprint(&p->keys[i], thumb);
		if (life_dead(l, thumb) || !dsse_signed_by(env, &p->keys[i]))
			continue;
		if (signer)
			memcpy(signer, thumb, sizeof(thumb));
		return true;
	}
	return false;
}

static uint64_t recoverers(const struct party *p, const struct dsse *env)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n_recovery; i++)
		n += dsse_signed_by(env, &p->recovery[i]);
	return n;
}

bool life_quorum(const struct party_life *l, const struct dsse *env, int64_t t)
{
	const struct party *p = life_party(l, t);

	return p->quorum > 0 && recoverers(p, env) >= p->quorum;
}

enum coffer_rc life_too_few(const struct party_life *l, const struct dsse *env, int64_t t, const char *check, struct err *e)
{
	const struct party *p = life_party(l, t);
	uint64_t n = recoverers(p, env);

	if (n == 0 || n >= p->quorum)
		return COFFER_OK;
	return err_deny(e, check, "%llu of the %llu recovery keys that are needed signed this for party %s: each other one too, by --recovery or 'coffer statement cosign FILE --recovery KEY'",
	    (unsigned long long)n, (unsigned long long)p->quorum, p->id);
}

/* What waited and is in effect at t becomes what is. */
static enum coffer_rc settle(struct party_life *l, int64_t t, struct err *e)
{
	if (!in_effect(l, t))
		return COFFER_OK;
	for (size_t i = 0; i < l->next.n_keys; i++) {
		if (has_key(l->past, l->n_past, &l->next.keys[i]))
			continue;
		if (l->n_past == LIFE_PAST_MAX)
			return err_set(e, COFFER_E_BUG, "party %s: no room was kept for its keys", l->body.id); /* check_room */
		l->past[l->n_past++] = l->next.keys[i];
	}
	l->body = l->next;
	l->expires = l->next_expires;
	l->waits = false;
	return COFFER_OK;
}

/* ---- a party statement ---- */

static bool same_set(const struct pubkey *a, size_t n, const struct pubkey *b, size_t m)
{
	for (size_t i = 0; i < n; i++)
		if (!has_key(b, m, &a[i]))
			return false;
	return n == m; /* no list holds a key twice: party_read */
}

struct change { bool keys, recovery, wider; };

static struct change compare(const struct party *was, const struct party *is)
{
	return (struct change){
		.keys = !same_set(was->keys, was->n_keys, is->keys, is->n_keys) || was->has_encryption != is->has_encryption ||
			(is->has_encryption && !pubkey_eq(&was->encryption, &is->encryption)),
		.recovery = !same_set(was->recovery, was->n_recovery, is->recovery, is->n_recovery) || was->quorum != is->quorum ||
			    was->hold_hours != is->hold_hours,
		.wider = (is->personas & ~was->personas) != 0,
	};
}

/* Whoever brings a key shows that it holds it; a dead one does not come back. */
static enum coffer_rc check_brought(const struct party_life *old, const struct life_event *ev, const struct party *p, struct err *e)
{
	for (size_t i = 0; i < p->n_keys; i++) {
		uint8_t thumb[32];

		pubkey_thumbprint(&p->keys[i], thumb);
		if (old && life_dead(old, thumb))
			return err_deny(e, "kind", "a key of this statement was named compromised; it does not come back");
		if (old && has_key(old->body.keys, old->body.n_keys, &p->keys[i]))
			continue;
		if (!dsse_signed_by(ev->env, &p->keys[i]))
			return err_deny(e, "signature", "each key that a party brings signs its statement, to show that the party holds it");
	}
	return COFFER_OK;
}

static enum coffer_rc newcomer(const struct life_event *ev, const struct party *p, struct party_life *out, struct err *e)
{
	TRY(check_brought(NULL, ev, p, e));
	if (!ev->introduced)
		return err_deny(e, "signature", "no other known party introduces %s; have one sign the envelope too", p->id);
	life_found(p, out);
	(void)snprintf(out->by, sizeof(out->by), "%s", ev->introduced);
	out->expires = ev->s->expires;
	out->serial = ev->s->serial;
	out->said = ev->logged;
	return COFFER_OK;
}

/* What a present key may not say alone. */
static enum coffer_rc check_alone(const struct party_life *l, const struct life_event *ev, const struct change *c, struct err *e)
{
	char when[CLOCK_TEXT_LEN];

	if (l->waits) {
		clock_text(l->from, when);
		return err_deny(e, "hold", "a change of party %s waits until %s; until then only its recovery quorum says anything about it",
		    l->body.id, when);
	}
	if (c->recovery && l->body.n_recovery > 0) {
		TRY(life_too_few(l, ev->env, ev->logged, "recovery", e));
		return err_deny(e, "recovery", "recovery keys, quorum and hold of party %s change by %llu of its %zu recovery keys alone", l->body.id,
		    (unsigned long long)l->body.quorum, l->body.n_recovery);
	}
	if ((c->wider || (!c->keys && !c->recovery)) && !ev->introduced)
		return err_deny(e, "signature", "no other known party introduces %s %s; have one sign the envelope too", l->body.id,
		    c->wider ? "in its new persona" : "anew");
	return COFFER_OK;
}

/* Before they wait, since nothing stops them then. */
static enum coffer_rc check_room(const struct party_life *l, const struct party *p, bool quorum, struct err *e)
{
	size_t n = l->n_past, most = LIFE_PAST_MAX - (quorum ? 0 : LIFE_FOR_QUORUM);

	for (size_t i = 0; i < p->n_keys; i++)
		n += !has_key(l->past, l->n_past, &p->keys[i]);
	return n <= most ? COFFER_OK
			 : err_set(e, COFFER_E_LIMIT, "party %s would have had %zu keys in its life; it has at most %zu%s", p->id, n, most,
			       quorum ? "" : ", and more by its recovery quorum");
}

static void take(const struct party *p, const struct life_event *ev, int64_t wait, struct party_life *l)
{
	l->next = *p;
	l->next_expires = ev->s->expires;
	l->from = ev->logged > INT64_MAX - wait ? INT64_MAX : ev->logged + wait;
	l->waits = true;
	l->serial = ev->s->serial;
}

static void count(struct party_life *l, bool quorum, int64_t logged)
{
	l->by_quorum += quorum;
	*(quorum ? &l->said_by_quorum : &l->said) = logged;
}

static enum coffer_rc changed(const struct party_life *old, const struct life_event *ev, const struct party *p, struct party_life *out,
    struct err *e)
{
	struct change c;
	bool quorum;

	*out = *old;
	TRY(settle(out, ev->logged, e));
	c = compare(&out->body, p);
	quorum = life_quorum(out, ev->env, ev->logged);
	if (!quorum && !life_signed(out, ev->env, ev->logged, NULL)) {
		TRY(life_too_few(out, ev->env, ev->logged, "signature", e));
		return err_deny(e, "signature", "neither a key by which party %s is known nor its recovery quorum signed this", p->id);
	}
	if (!quorum)
		TRY(check_alone(out, ev, &c, e));
	if (quorum && c.wider && !ev->introduced)
		return err_deny(e, "signature", "no other known party introduces %s in its new persona; have one sign the envelope too", p->id);
	TRY(check_brought(out, ev, p, e));
	TRY(check_room(out, p, quorum, e));
	count(out, quorum, ev->logged);
	take(p, ev, !quorum && (c.keys || c.recovery) ? (int64_t)out->body.hold_hours * 3600 : 0, out);
	return settle(out, ev->logged, e);
}

enum coffer_rc life_step(const struct party_life *old, const struct life_event *ev, struct party_life *out, struct err *e)
{
	CLEANUP(freep) struct party *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(e, COFFER_E_SYSTEM, "party: out of memory");
	TRY(party_read(ev->s->body, p, e));
	if (strcmp(p->id, ev->s->issuer) != 0)
		return err_deny(e, "kind", "a party statement is about its issuer and nobody else");
	return old ? changed(old, ev, p, out, e) : newcomer(ev, p, out, e);
}

/* ---- compromise ---- */

bool life_had_thumb(const struct party_life *l, const uint8_t thumb[static 32])
{
	uint8_t t[32];

	for (size_t i = 0; i < l->n_past + (l->waits ? l->next.n_keys : 0); i++) {
		pubkey_thumbprint(i < l->n_past ? &l->past[i] : &l->next.keys[i - l->n_past], t);
		if (span_eq(SPAN(t), (struct span){ thumb, 32 }))
			return true;
	}
	return false;
}

static enum coffer_rc kill(struct party_life *l, const struct life_event *ev, const struct revocation *v, struct err *e)
{
	struct dead_key d = { .from = v->from, .logged = ev->logged };

	bool quorum = life_quorum(l, ev->env, ev->logged);

	if (!quorum && !life_signed(l, ev->env, ev->logged, d.signer))
		return err_deny(e, "signature", "neither a key by which party %s is known nor its recovery quorum signed this", l->body.id);
	if (!life_had_thumb(l, v->key))
		return err_deny(e, "kind", "party %s never had this key; each party names its own", l->body.id);
	if (v->from > ev->logged)
		return err_deny(e, "kind", "a key is compromised from a time that has come");
	if (l->n_dead >= LIFE_DEAD_MAX - (quorum ? 0u : LIFE_FOR_QUORUM))
		return err_set(e, COFFER_E_LIMIT, "party %s named keys compromised %zu times; there is no room for more%s", l->body.id, l->n_dead,
		    quorum ? "" : ", but for its recovery quorum");
	memcpy(d.thumb, v->key, sizeof(d.thumb));
	memcpy(d.by, ev->s->id, sizeof(d.by));
	l->dead[l->n_dead++] = d;
	return COFFER_OK;
}

/* What a stolen key said of another key does not stand for ever: the quorum lifts it. */
static enum coffer_rc lift(struct party_life *l, const struct life_event *ev, const struct revocation *v, struct err *e)
{
	size_t i = 0;

	while (i < l->n_dead && !span_eq(SPAN(l->dead[i].by), SPAN(v->statement)))
		i++;
	if (i == l->n_dead)
		return COFFER_OK;
	if (!life_quorum(l, ev->env, ev->logged))
		return err_deny(e, "recovery", "what names a key compromised is lifted by the recovery quorum alone");
	if (!life_dead_at(l, l->dead[i].signer, l->dead[i].logged))
		return err_deny(e, "kind", "no key that was compromised then signed this revocation; it is final");
	l->dead[i] = l->dead[--l->n_dead];
	return COFFER_OK;
}

enum coffer_rc life_revoke(struct party_life *l, const struct life_event *ev, struct err *e)
{
	struct revocation v;

	if (ev->s->kind != ST_REVOCATION)
		return COFFER_OK;
	TRY(revocation_read(ev->s, &v, e));
	return v.of_key ? kill(l, ev, &v, e) : lift(l, ev, &v, e);
}

/* ---- what rests on a key ---- */

/* What only ever holds others back. A minimum of firmware does too: of two, both must be met (facts_machine.c). */
bool life_grants(enum statement_kind k)
{
	return k != ST_REVOCATION && k != ST_PAUSE && k != ST_TCB && k != ST_PARTY && k != ST_GENESIS && k != ST_AMENDMENT;
}

/* Some key of the party, any of its life until now, signed it and was not dead at t. */
static bool stands_by(const struct party_life *l, const struct dsse *env, int64_t t, int64_t now)
{
	size_t n = l->n_past + (in_effect(l, now) ? l->next.n_keys : 0);
	uint8_t thumb[32];

	for (size_t i = 0; i < n; i++) {
		const struct pubkey *k = i < l->n_past ? &l->past[i] : &l->next.keys[i - l->n_past];

		pubkey_thumbprint(k, thumb);
		if (!life_dead_at(l, thumb, t) && dsse_signed_by(env, k))
			return true;
	}
	return false;
}

bool life_gave(const struct party_life *l, const struct dsse *env, int64_t logged)
{
	return stands_by(l, env, logged, INT64_MAX) || life_quorum(l, env, logged);
}

bool life_void(const struct party_life *l, const struct dsse *env, int64_t logged)
{
	return l->n_dead > 0 && !life_gave(l, env, logged);
}

bool life_vouches(const struct party_life *l, const struct dsse *env, int64_t issued, int64_t now)
{
	return stands_by(l, env, issued < INT64_MIN + LIFE_AHEAD ? issued : issued - LIFE_AHEAD, now);
}
