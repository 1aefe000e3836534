#include "cofferd/keep/admit_lent.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit_co.h"
#include "cofferd/keep/registry.h"
#include "cofferd/keep/room.h"

#define NAMES_MAX (3ul * (ST_SUBJECT_NAME_MAX + 4)) /* of a delegation's subjects */
#define LIVE_MAX 32 /* delegations in force of one party and role: all that a decision must look at */
#define LENT_ON_MAX (LIVE_MAX / 2) /* of them by others: whoever lends on what it was lent leaves the lender room */

static struct links links_of(const struct keep *k, const struct facts *f)
{
	return (struct links){ f->delegation, f->n_delegations, f->revocation, f->n_revocations, k->now };
}

static bool leads(const struct keep *k, const struct facts *f, const struct lent *q, struct chain *out)
{
	const struct links l = links_of(k, f);
	const struct chain_ask ask = { .of = q->of, .to = q->to, .role = q->role, .path = q->path, .at = { UINT64_MAX, k->now } };

	return chain_find(&l, &ask, out);
}

enum coffer_rc lent_to(struct keep *k, const struct lent *q, struct chain *out, bool *yes, struct err *e)
{
	CLEANUP(facts_freep) struct facts *f = NULL;
	struct chain c;

	TRY(registry_links(&k->registry, &(struct links_question){ q->of, q->role, k->now }, &f, e));
	*yes = leads(k, f, q, &c);
	if (*yes && out) {
		*out = c;
		memset(out->link, 0, sizeof(out->link));
	}
	return COFFER_OK;
}

bool lent_has(const struct keep *k, const char *party, enum delegated_role role)
{
	const struct party *p = registry_party(&k->registry, span_of(party), k->now), *founder = genesis_party(k->registry.genesis, party);

	switch (role) {
	case ROLE_SERVICE:
		return p && (p->personas & PERSONA_WORKLOAD) && founder && (founder->personas & PERSONA_WORKLOAD);
	case ROLE_BOOT_IMAGE:
		return p && (p->personas & PERSONA_WORKLOAD);
	case ROLE_VERIFICATION:
		return p && (p->personas & PERSONA_IMAGE);
	case ROLE_APPROVAL:
		return p != NULL;
	}
	return false;
}

/* The subjects of a delegation (statements.md), of whose power it is. False: another role. */
static bool power_read(struct span names, enum delegated_role role, char of[static PARTY_MAX])
{
	struct rd r = rd_open(names);
	struct span whose, what;
	enum delegated_role got;

	(void)rd_blob32(&r, ST_SUBJECT_NAME_MAX);
	whose = rd_blob32(&r, ST_SUBJECT_NAME_MAX);
	what = rd_blob32(&r, ST_SUBJECT_NAME_MAX);
	if (!rd_done(&r) || !span_starts(whose, "of:") || !span_starts(what, "role:") || whose.n - 3 >= PARTY_MAX)
		return false;
	if (!role_by_name(span_skip(what, 5), &got) || got != role)
		return false;
	memcpy(of, whose.p + 3, whose.n - 3);
	of[whose.n - 3] = 0;
	return true;
}

/* The next after at of what was lent to that party, by its subjects. *more false: that was all. */
static enum coffer_rc next_lent(struct keep *k, struct wr *at, struct span end, bool *more, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT names FROM statement INDEXED BY statement_lent_to WHERE kind=11 AND names>? AND names<? ORDER BY names LIMIT 1");

	_Static_assert(ST_DELEGATION == 11, "the number above, by which its index is found");
	q_blob(&q, wr_span(at));
	q_blob(&q, end);
	TRY(q_row(&q, more, e));
	at->n = 0;
	if (*more)
		wr_put(at, q_col(&q, 0));
	return wr_done(at, "subject", e);
}

/* Each power once, stepped to: neither how many powers others lend it nor how often they renew one hides what it has, or takes its time. */
enum coffer_rc lent_by_any(struct keep *k, const struct lent *any, bool *yes, struct err *e)
{
	CLEANUP(wr_close) struct wr at = wr_open(NAMES_MAX), end = wr_open(128);
	bool more = true;

	wr_blob32(&at, span_of(any->to));
	wr_put(&end, wr_span(&at));
	wr_u8(&end, 0xFF); /* behind the length of any name */
	TRY(wr_done(&end, "party", e));
	for (*yes = false; !*yes;) {
		struct lent q = *any;
		char of[PARTY_MAX];

		TRY(next_lent(k, &at, wr_span(&end), &more, e));
		if (!more)
			return COFFER_OK;
		q.of = of;
		if (power_read(wr_span(&at), any->role, of) && lent_has(k, of, any->role))
			TRY(lent_to(k, &q, NULL, yes, e));
	}
	return COFFER_OK;
}

/* Each who decides of an asset that it names, by itself or with others. */
static enum coffer_rc approval_of(struct keep *k, const struct statement *s, const char *owner, bool *yes, struct err *e)
{
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "statement: out of memory");
	TRY(approval_read(s, a, e));
	for (size_t i = 0; i < a->n_assets && !*yes; i++) {
		*yes = strcmp(a->asset[i].owner, owner) == 0;
		if (!*yes)
			TRY(co_owns(k, &a->asset[i], owner, yes, e));
	}
	return COFFER_OK;
}

enum coffer_rc lent_said(struct keep *k, const uint8_t id[static 32], const char *who, bool *yes, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct delegation d;

	*yes = false;
	TRY(registry_envelope(&k->registry, id, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	if (s.kind == ST_APPROVAL)
		return approval_of(k, &s, who, yes, e);
	if (s.kind != ST_DELEGATION)
		return COFFER_OK;
	TRY(delegation_read(&s, &d, e));
	*yes = strcmp(d.of, who) == 0;
	return COFFER_OK;
}

/* ---- a new delegation ---- */

/* Nobody lends on more than it has, nor to one from whom it has it. Without a scope: all of it. */
static enum coffer_rc check_chain(const struct keep *k, const struct facts *f, const struct statement *s,
    const struct delegation *d, struct err *e)
{
	size_t n = d->n_scopes > 0 ? d->n_scopes : 1;

	for (size_t i = 0; i < n; i++) {
		const struct lent q = { d->of, s->issuer, d->role, span_of(d->scope[i]) };
		struct chain c;

		if (!leads(k, f, &q, &c))
			return err_deny(e, "kind", "%s has not delegated %s %s%s to %s", d->of, role_name(d->role),
			    d->scope[i][0] ? "of " : "", d->scope[i], s->issuer);
		if (c.left < d->depth + 1)
			return err_deny(e, "kind", "the delegation to %s leaves %u more, and this one wants %llu", s->issuer, c.left,
			    (unsigned long long)d->depth + 1);
		for (size_t j = 0; j < c.n; j++)
			if (strcmp(c.link[j]->s.issuer, d->to) == 0)
				return err_deny(e, "kind", "a circle: %s has this power from %s", s->issuer, d->to);
	}
	return COFFER_OK;
}

/* Lent when its issuer had it, by what was not revoked since. What was is in no chain ever again, and takes no room. */
static bool counts(const struct links *l, const struct fact_delegation *o)
{
	size_t n = o->body.n_scopes > 0 ? o->body.n_scopes : 1;
	bool yes = strcmp(o->s.issuer, o->body.of) == 0;

	for (size_t i = 0; i < n && !yes; i++) {
		const struct chain_ask ask = { .of = o->body.of, .to = o->s.issuer, .role = o->body.role, .path = span_of(o->body.scope[i]),
			.at = { o->s.seq, o->s.logged } };
		struct chain c;

		yes = chain_find(l, &ask, &c);
	}
	return yes;
}

static enum coffer_rc check_room(const struct keep *k, const struct facts *f, const struct statement *s,
    const struct delegation *d, struct err *e)
{
	struct links l = links_of(k, f);
	bool on = strcmp(s->issuer, d->of) != 0;
	size_t live = 0, lent_on = 0;

	l.now = INT64_MAX; /* a pause ends, and then it is in force again */
	for (size_t i = 0; i < f->n_delegations; i++) {
		const struct fact_delegation *o = &f->delegation[i];
		bool same = strcmp(o->s.issuer, s->issuer) == 0 && strcmp(o->body.to, d->to) == 0;

		if (same || o->superseded_at || k->now >= o->s.expires || k->now >= o->body.until || link_revoked(&l, o) || !counts(&l, o))
			continue;
		live++;
		lent_on += strcmp(o->s.issuer, o->body.of) != 0;
	}
	if (on && lent_on >= LENT_ON_MAX)
		return err_set(e, COFFER_E_LIMIT, "those to whom %s delegated %s lent it on in %d delegations that are in force, and the other half of the room is for its own; one of them"
		    " is to be revoked first", d->of, role_name(d->role), LENT_ON_MAX);
	if (live >= LIVE_MAX)
		return err_set(e, COFFER_E_LIMIT, "%s has %d delegations of %s in force; revoke one first", d->of, LIVE_MAX,
		    role_name(d->role));
	return COFFER_OK;
}

/* Of what it was lent. Its lender is not kept from anything by it: to take back has no number. */
static enum coffer_rc check_lent_on(const struct keep *k, const struct statement *s, const struct links_question *q, struct err *e)
{
	char when[CLOCK_TEXT_LEN];
	int64_t newest = 0;
	uint64_t n = 0;

	TRY(registry_lent(&k->registry, q, s->issuer, &n, &newest, e));
	if (n < ROOM_LENT || k->now - newest >= ROOM_LENT_EVERY)
		return COFFER_OK;
	clock_text(newest + ROOM_LENT_EVERY, when);
	return err_set(e, COFFER_E_LIMIT, "%s lent on %llu times what %s lent it (%s), which others have to look at; the next is taken at %s", s->issuer, (unsigned long long)n,
	    q->of, role_name(q->role), when);
}

/* Who has it of itself. Of an approval it is each owner's own. */
static enum coffer_rc check_own(const struct keep *k, const struct statement *s, const struct delegation *d, struct err *e)
{
	static const char *const who[] = { [ROLE_BOOT_IMAGE] = "a workload-provider, who alone has boot images",
		[ROLE_SERVICE] = "a workload-provider that the genesis names, who alone designates the service and so has that",
		[ROLE_VERIFICATION] = "an image-provider, who alone has images", [ROLE_APPROVAL] = "a party with assets" };

	return lent_has(k, s->issuer, d->role) ? COFFER_OK : err_deny(e, "persona", "%s is not %s to delegate", s->issuer, who[d->role]);
}

enum coffer_rc lent_admit(struct keep *k, const struct statement *s, const struct delegation *d, struct err *e)
{
	const struct links_question q = { d->of, d->role, k->now };
	CLEANUP(facts_freep) struct facts *f = NULL;

	if (d->until <= k->now)
		return err_deny(e, "window", "the delegation ended before it was logged");
	if (!registry_party(&k->registry, span_of(d->to), k->now))
		return err_deny(e, "kind", "%s is no party known here", d->to);
	TRY(registry_links(&k->registry, &q, &f, e));
	TRY(strcmp(s->issuer, d->of) != 0 ? check_chain(k, f, s, d, e) : check_own(k, s, d, e));
	if (strcmp(s->issuer, d->of) != 0)
		TRY(check_lent_on(k, s, &q, e));
	return check_room(k, f, s, d, e);
}
