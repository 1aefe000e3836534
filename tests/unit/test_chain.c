#include "trust/chain.h"
#include "trust/parties.h"

#include <stdio.h>

#include "tests/unit/trust_fix.h"

#define ISSUED (FIX_NOW - 1000)

struct world {
	struct privkey *acme, *hospital, *service;
	struct dsse     genesis;
	struct genesis  g;
	uint8_t         id[32];
};

static void world_clear(struct world *w)
{
	privkey_free(w->acme);
	privkey_free(w->hospital);
	privkey_free(w->service);
	dsse_clear(&w->genesis);
}

static struct party party_of(const char *id, unsigned personas, const struct privkey *k)
{
	struct party p = { .personas = personas, .n_keys = 1, .hold_hours = 72 };

	(void)snprintf(p.id, sizeof(p.id), "%s", id);
	p.keys[0] = *privkey_public(k);
	return p;
}

/* Wraps a body into a payload and an unsigned envelope. */
static void envelope(struct statement *s, const char *subject, struct wr *body, struct dsse *out)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr payload = wr_open(DSSE_PAYLOAD_MAX);
	struct err e = { 0 };

	if (json_parse(wr_span(body), DSSE_PAYLOAD_MAX, &doc, &e) != COFFER_OK)
		abort();
	s->body = json_root(doc);
	s->serial = 1;
	s->n_subjects = 1;
	s->subject[0].name = span_of(subject);
	sha256(span_of(subject), s->subject[0].sha256);
	if (statement_write(s, &payload, &e) != COFFER_OK || dsse_new(wr_span(&payload), out, &e) != COFFER_OK) {
		printf("# %s\n", e.msg);
		abort();
	}
}

static void genesis_envelope(const struct world *w, struct dsse *out)
{
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX);
	struct statement s = { .kind = ST_GENESIS, .issuer = "genesis", .issued = ISSUED, .expires = FIX_NOW + 1000 };
	const struct party a = party_of("acme", PERSONA_WORKLOAD, w->acme), b = party_of("hospital", PERSONA_OWNER, w->hospital);
	struct json_wr j = jw_open(&body, false);

	jw_obj(&j);
	jw_m_text(&j, "origin", "o");
	jw_name(&j, "ledger-key");
	jwk_write(&j, privkey_public(w->service));
	jw_name(&j, "parties");
	jw_arr(&j);
	party_write(&a, &j);
	party_write(&b, &j);
	jw_arr_end(&j);
	jw_name(&j, "witnesses");
	jw_arr(&j);
	jw_arr_end(&j);
	jw_m_u64(&j, "cosignatures", 0);
	jw_name(&j, "policies");
	jw_obj(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
	envelope(&s, "o", &body, out);
}

static struct world world_new(void)
{
	struct world w = { .acme = fix_key(KEY_ED25519), .hospital = fix_key(KEY_P256), .service = fix_key(KEY_P256) };
	struct err e;

	genesis_envelope(&w, &w.genesis);
	dsse_id(&w.genesis, w.id);
	if (dsse_sign(&w.genesis, w.acme, &e) != COFFER_OK || dsse_sign(&w.genesis, w.hospital, &e) != COFFER_OK ||
	    chain_genesis(&w.genesis, w.id, &w.g, &e) != COFFER_OK)
		abort();
	return w;
}

struct service_case {
	const char           *issuer;
	const struct privkey *signer, *ledger_key; /* NULL: unsigned; the genesis's */
	bool                  other_ledger;
	int64_t               now;
	const struct parties *known; /* by these, not by the genesis alone */
};

static enum coffer_rc try_service(const struct world *w, const struct service_case *c, const struct party *more, size_t n_more,
    struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct statement s = { .kind = ST_SERVICE, .has_ledger = true, .issued = ISSUED, .expires = FIX_NOW + 1000 };
	struct service v = { .id = "trust" }, got = { 0 };
	struct json_wr j = jw_open(&body, false);
	enum coffer_rc rc;

	v.receive = v.reply = v.token = *privkey_public(w->service);
	v.ledger_key = *privkey_public(c->ledger_key ? c->ledger_key : w->service);
	service_write(&v, &j);
	(void)snprintf(s.issuer, sizeof(s.issuer), "%s", c->issuer);
	memcpy(s.ledger, w->id, 32);
	s.ledger[0] ^= c->other_ledger;
	envelope(&s, "trust", &body, &env);
	if (c->signer && dsse_sign(&env, c->signer, e) != COFFER_OK)
		abort();
	rc = c->known ? chain_service_by(&env, &w->g, c->known, c->now, &got, e) : chain_service(&env, &w->g, more, n_more, c->now, &got, e);
	CHECK((rc == COFFER_OK) == pubkey_eq(&got.token, privkey_public(w->service)));
	return rc;
}

static void chain_genesis_takes_what_every_party_signed(void)
{
	CLEANUP(world_clear) struct world w = world_new();

	CHECK(w.g.n_parties == 2 && genesis_party(&w.g, "hospital") == &w.g.party[1] && genesis_party(&w.g, "nobody") == NULL);
	CHECK(party_signed(&w.g.party[0], &w.genesis) && party_signed(&w.g.party[1], &w.genesis));
	CHECK(span_eq(SPAN(w.g.id), SPAN(w.id)) && strcmp(w.g.origin, "o") == 0);
}

static void chain_genesis_refuses_another_digest(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	static struct genesis g;
	struct err e;

	w.id[31] ^= 1;
	CHECK(chain_genesis(&w.genesis, w.id, &g, &e) == COFFER_E_DENIED && strcmp(e.check, "genesis") == 0 && g.n_parties == 0);
}

static void chain_genesis_refuses_a_missing_or_foreign_signature(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	CLEANUP(privkey_freep) struct privkey *other = fix_key(KEY_ED25519);
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	static struct genesis g;
	struct err e;

	CHECK(dsse_new(wr_span(&w.genesis.payload), &env, &e) == COFFER_OK);
	CHECK(chain_genesis(&env, w.id, &g, &e) == COFFER_E_DENIED && strstr(e.msg, "acme"));
	CHECK(dsse_sign(&env, w.acme, &e) == COFFER_OK && dsse_sign(&env, other, &e) == COFFER_OK);
	CHECK(chain_genesis(&env, w.id, &g, &e) == COFFER_E_DENIED && strstr(e.msg, "hospital"));
	CHECK(dsse_sign(&env, w.hospital, &e) == COFFER_OK && chain_genesis(&env, w.id, &g, &e) == COFFER_OK);
}

static void chain_genesis_refuses_another_statement_of_that_digest(void)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	static struct genesis g;
	uint8_t id[32];
	struct err e;

	CHECK(dsse_new(span_of("{\"a\":1}"), &env, &e) == COFFER_OK);
	dsse_id(&env, id);
	CHECK(chain_genesis(&env, id, &g, &e) == COFFER_E_DENIED && strcmp(e.check, "genesis") == 0);
}

static void chain_service_takes_a_providers_statement(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	struct err e;

	CHECK(try_service(&w, &(struct service_case){ .issuer = "acme", .signer = w.acme, .now = FIX_NOW }, NULL, 0, &e) == COFFER_OK);
	CHECK(try_service(&w, &(struct service_case){ .issuer = "acme", .signer = w.acme, .now = ISSUED }, NULL, 0, &e) == COFFER_OK);
}

static void chain_service_refuses_each_broken_link(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	const struct { struct service_case c; const char *says; } t[] = {
		{ { .issuer = "acme", .signer = NULL, .now = FIX_NOW }, "not signed" },
		{ { .issuer = "acme", .signer = w.hospital, .now = FIX_NOW }, "not signed" },
		{ { .issuer = "acme", .signer = w.service, .now = FIX_NOW }, "not signed" },
		{ { .issuer = "hospital", .signer = w.hospital, .now = FIX_NOW }, "no workload-provider" },
		{ { .issuer = "nobody", .signer = w.acme, .now = FIX_NOW }, "no party" },
		{ { .issuer = "acme", .signer = w.acme, .now = FIX_NOW, .other_ledger = true }, "another genesis" },
		{ { .issuer = "acme", .signer = w.acme, .now = FIX_NOW + 1000 }, "expired" },
		{ { .issuer = "acme", .signer = w.acme, .now = ISSUED - 1 }, "not valid yet" },
		{ { .issuer = "acme", .signer = w.acme, .now = FIX_NOW, .ledger_key = w.acme }, "another ledger" },
	};
	struct err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){ 0 };
		CHECK(try_service(&w, &t[i].c, NULL, 0, &e) == COFFER_E_DENIED && strcmp(e.check, "service") == 0);
		CHECK(strstr(e.msg, t[i].says) != NULL);
	}
}

static void chain_service_takes_parties_admitted_later_but_the_genesis_first(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519);
	struct party more[2];
	struct err e;

	/* assigned, not initialised: gcc 12's -ftrivial-auto-var-init clears wrong bytes of a struct nested in an initialiser */
	more[0] = party_of("acme", PERSONA_WORKLOAD, k);
	more[1] = party_of("late", PERSONA_WORKLOAD, k);
	CHECK(try_service(&w, &(struct service_case){ .issuer = "late", .signer = k, .now = FIX_NOW }, more, 2, &e) == COFFER_OK);
	CHECK(try_service(&w, &(struct service_case){ .issuer = "late", .signer = k, .now = FIX_NOW }, more, 1, &e) == COFFER_E_DENIED);
	CHECK(try_service(&w, &(struct service_case){ .issuer = "acme", .signer = k, .now = FIX_NOW }, more, 2, &e) == COFFER_E_DENIED);
}

static bool by_refuses(const struct world *w, const struct service_case *c, const char *says)
{
	struct err e = { 0 };

	return try_service(w, c, NULL, 0, &e) == COFFER_E_DENIED && strcmp(e.check, "service") == 0 && strstr(e.msg, says);
}

/* Whoever became a provider later was not named by those who made the genesis. */
static void chain_service_by_takes_a_provider_of_the_genesis_and_of_now(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	CLEANUP(parties_clear) struct parties p = { 0 };
	const struct service_case acme = { .issuer = "acme", .signer = w.acme, .now = FIX_NOW, .known = &p }, hospital = { .issuer = "hospital", .signer = w.hospital, .now = FIX_NOW, .known = &p };
	struct err e;

	CHECK(parties_open(&w.g, &p, &e) == COFFER_OK && try_service(&w, &acme, NULL, 0, &e) == COFFER_OK);
	CHECK(by_refuses(&w, &hospital, "no workload-provider"));
	p.life[1].body.personas |= PERSONA_WORKLOAD;
	CHECK(by_refuses(&w, &hospital, "no workload-provider"));
	p.life[0].expires = FIX_NOW;
	CHECK(by_refuses(&w, &acme, "has expired"));
	p.life[0].expires = FIX_NOW + 1;
	p.life[0].body.personas = PERSONA_OWNER;
	CHECK(by_refuses(&w, &acme, "no workload-provider"));
	p.life[0].body.personas = PERSONA_WORKLOAD;
	CHECK(try_service(&w, &acme, NULL, 0, &e) == COFFER_OK);
}

static void chain_service_refuses_a_signed_statement_without_keys(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	CLEANUP(wr_close) struct wr body = wr_open(64);
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct statement s = { .kind = ST_SERVICE, .issuer = "acme", .has_ledger = true, .issued = ISSUED, .expires = FIX_NOW + 1000 };
	struct service v;
	struct err e;

	wr_str(&body, "{\"id\":\"trust\"}");
	memcpy(s.ledger, w.id, 32);
	envelope(&s, "trust", &body, &env);
	CHECK(dsse_sign(&env, w.acme, &e) == COFFER_OK);
	CHECK(chain_service(&env, &w.g, NULL, 0, FIX_NOW, &v, &e) == COFFER_E_DENIED && strcmp(e.check, "service") == 0);
	CHECK(strstr(e.msg, "receive") != NULL);
}

static void chain_service_refuses_other_statements(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	CLEANUP(dsse_clear) struct dsse junk = { 0 };
	struct service v;
	struct err e;

	CHECK(chain_service(&w.genesis, &w.g, NULL, 0, FIX_NOW, &v, &e) == COFFER_E_DENIED && strstr(e.msg, "genesis statement"));
	CHECK(dsse_new(span_of("[]"), &junk, &e) == COFFER_OK);
	CHECK(chain_service(&junk, &w.g, NULL, 0, FIX_NOW, &v, &e) == COFFER_E_DENIED && strcmp(e.check, "service") == 0);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(chain_genesis_takes_what_every_party_signed), T(chain_genesis_refuses_another_digest),
		T(chain_genesis_refuses_a_missing_or_foreign_signature), T(chain_genesis_refuses_another_statement_of_that_digest),
		T(chain_service_takes_a_providers_statement), T(chain_service_refuses_each_broken_link),
		T(chain_service_takes_parties_admitted_later_but_the_genesis_first), T(chain_service_refuses_other_statements),
		    T(chain_service_refuses_a_signed_statement_without_keys), T(chain_service_by_takes_a_provider_of_the_genesis_and_of_now),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
