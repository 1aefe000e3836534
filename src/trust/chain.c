#include "trust/chain.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/parties.h"

#define GENESIS "genesis"
#define SERVICE "service"

const struct party *genesis_party(const struct genesis *g, const char *id)
{
	for (size_t i = 0; i < g->n_parties; i++)
		if (strcmp(g->party[i].id, id) == 0)
			return &g->party[i];
	return NULL;
}

bool party_signed(const struct party *p, const struct dsse *env)
{
	for (size_t i = 0; i < p->n_keys; i++)
		if (dsse_signed_by(env, &p->keys[i]))
			return true;
	return false;
}

/* Malformed bytes here are a refusal too: whoever asks wants to know whether a key may be used. */
static enum coffer_rc refuse(const char *check, struct err *e)
{
	struct err why = *e;

	return err_deny(e, check, "%.440s", why.msg);
}

enum coffer_rc chain_genesis(const struct dsse *env, const uint8_t id[static 32], struct genesis *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct genesis g;
	uint8_t have[32];

	dsse_id(env, have);
	if (!span_eq(SPAN(have), (struct span){ id, 32 }))
		return err_deny(e, GENESIS, "the genesis shown is another one than configured: its digest differs");
	if (statement_parse(wr_span(&env->payload), &s, e) != COFFER_OK || genesis_read(&s, &g, e) != COFFER_OK)
		return refuse(GENESIS, e);
	for (size_t i = 0; i < g.n_parties; i++)
		if (!party_signed(&g.party[i], env))
			return err_deny(e, GENESIS, "the genesis is not signed by its party %s", g.party[i].id);
	*out = g;
	return COFFER_OK;
}

static const struct party *find_party(const struct genesis *g, const struct party *more, size_t n_more, const char *id)
{
	const struct party *p = genesis_party(g, id);

	for (size_t i = 0; !p && i < n_more; i++)
		if (strcmp(more[i].id, id) == 0)
			p = &more[i];
	return p;
}

static enum coffer_rc check_issuer(const struct statement *s, const struct party *p, bool said, struct err *e)
{
	if (!p)
		return err_deny(e, SERVICE, "the service statement's issuer %s is no party of this genesis", s->issuer);
	if (!(p->personas & PERSONA_WORKLOAD))
		return err_deny(e, SERVICE, "the service statement's issuer %s is no workload-provider", s->issuer);
	if (!said)
		return err_deny(e, SERVICE, "the service statement is not signed by its issuer %s", s->issuer);
	return COFFER_OK;
}

static enum coffer_rc check_common(const struct statement *s, const struct genesis *g, int64_t now, struct err *e)
{
	if (s->kind != ST_SERVICE)
		return err_deny(
		    e, SERVICE, "a %s statement stands where the service's was expected", statement_kind_name(s->kind));
	if (!s->has_ledger || !span_eq(SPAN(s->ledger), SPAN(g->id)))
		return err_deny(e, SERVICE, "the service statement is for another genesis");
	if (now < s->issued || now >= s->expires)
		return err_deny(e, SERVICE, now < s->issued ? "the service statement is not valid yet" :
		    "the service statement has expired; its issuer signs a new one");
	return COFFER_OK;
}

static enum coffer_rc read_keys(const struct statement *s, const struct genesis *g, struct service *out, struct err *e)
{
	struct service svc;

	if (service_read(s->body, &svc, e) != COFFER_OK)
		return refuse(SERVICE, e);
	if (!pubkey_eq(&svc.ledger_key, &g->ledger_key))
		return err_deny(e, SERVICE, "the service keeps another ledger than the genesis names");
	*out = svc;
	return COFFER_OK;
}

enum coffer_rc chain_service(const struct dsse *env, const struct genesis *g, const struct party *more, size_t n_more,
    int64_t now, struct service *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	const struct party *p;

	if (statement_parse(wr_span(&env->payload), &s, e) != COFFER_OK)
		return refuse(SERVICE, e);
	TRY(check_common(&s, g, now, e));
	p = find_party(g, more, n_more, s.issuer);
	TRY(check_issuer(&s, p, p && party_signed(p, env), e));
	return read_keys(&s, g, out, e);
}

/* A founder that is a workload-provider, in the genesis, and now by what its party statement says, which has not expired: as keep asks of it (lent_has). */
static enum coffer_rc check_founder(const struct statement *s, const struct dsse *env, const struct genesis *g, const struct parties *known, int64_t now, struct err *e)
{
	const struct party *founder = genesis_party(g, s->issuer);
	const struct party_life *l = founder ? parties_life(known, span_of(s->issuer)) : NULL;

	TRY(check_issuer(s, founder, true, e));
	if (!l || now >= life_expires(l, now))
		return err_deny(e, SERVICE, "the party statement of the service statement's issuer %s has expired", s->issuer);
	return check_issuer(s, life_party(l, now), life_vouches(l, env, s->issued, now), e);
}

enum coffer_rc chain_service_by(const struct dsse *env, const struct genesis *g, const struct parties *known, int64_t now,
    struct service *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };

	if (statement_parse(wr_span(&env->payload), &s, e) != COFFER_OK)
		return refuse(SERVICE, e);
	TRY(check_common(&s, g, now, e));
	TRY(check_founder(&s, env, g, known, now, e));
	return read_keys(&s, g, out, e);
}

/* Whoever has it still: a founder that is a workload-provider, in the genesis and now. */
static bool lent(const struct genesis *g, const struct parties *known, const struct designation_links *links, const struct statement *s, int64_t now)
{
	const struct links l = { .d = links->d, .n = links->n, .now = now };
	struct chain_ask q = { .to = s->issuer, .role = ROLE_SERVICE, .path = s->subject[0].name, .at = { UINT64_MAX, now } };
	struct chain c;

	for (size_t i = 0; i < g->n_parties; i++) {
		const struct party *p = parties_party(known, span_of(g->party[i].id), now);

		q.of = g->party[i].id;
		if ((g->party[i].personas & PERSONA_WORKLOAD) && p && (p->personas & PERSONA_WORKLOAD) && chain_find(&l, &q, &c))
			return true;
	}
	return false;
}

enum coffer_rc chain_service_lent(const struct dsse *env, const struct genesis *g, const struct parties *known, const struct designation_links *links,
    int64_t now, struct service *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	const struct party_life *l;

	if (statement_parse(wr_span(&env->payload), &s, e) != COFFER_OK)
		return refuse(SERVICE, e);
	TRY(check_common(&s, g, now, e));
	l = parties_life(known, span_of(s.issuer));
	if (!l || now >= life_expires(l, now) || !life_vouches(l, env, s.issued, now))
		return err_deny(e, SERVICE, "the service statement is not signed by its issuer %s", s.issuer);
	if (!lent(g, known, links, &s, now))
		return err_deny(e, SERVICE, "the service statement's issuer %s is no workload-provider of this genesis, and none lets it designate this service now", s.issuer);
	return read_keys(&s, g, out, e);
}
