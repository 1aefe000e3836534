/* Attacks upon what parties say: by a co-owner, by a thief, by a known party with a pen of its own. Each shows the proper act too. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/status.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)
#define HOUR 3600
#define BODY(version, n, of) "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":" version ",\"k\":" n ",\"of\":[" of "]," \
	"\"least-action\":\"stop\",\"policy\":{\"rego\":\"package policy\\nallow := true\"}}"

static enum coffer_rc ask(struct kit *k)
{
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
	return kit_get(k, (struct kit_get){ 0 });
}

/* What a restart makes of the store is what runs, and the map agrees. */
static bool restarts_the_same(struct kit *k)
{
	CLEANUP(registry_clear) struct registry again = { 0 };
	const struct parties *a = &k->keep.registry.parties;
	struct err e = { 0 };

	return registry_open(k->keep.store, k->keep.registry.genesis, &again, &e) == COFFER_OK && again.parties.n == a->n &&
	       memcmp(again.parties.life, a->life, a->n * sizeof(*a->life)) == 0 && status_check(&k->keep, &e) == COFFER_OK;
}

/* The hospital's key from now on; the old one is the caller's. */
static struct privkey *take_key(struct kit *k, struct privkey *to)
{
	struct privkey *was = k->key[KIT_HOSPITAL];

	k->key[KIT_HOSPITAL] = to;
	return was;
}

static struct privkey *new_key(void)
{
	struct privkey *p = NULL;
	struct err e = { 0 };

	if (privkey_new(KEY_P256, &p, &e) != COFFER_OK)
		abort();
	return p;
}

/* ---- spelling ---- */

/* The same text but for one word, spelled with an escape: for a reader of JSON it says the same. */
static enum coffer_rc log_spelled(struct kit *k, const struct kit_st *s, const char *word, const char *spelled)
{
	CLEANUP(dsse_clear) struct dsse draft = { 0 };
	CLEANUP(freep) char *text = NULL, *payload = NULL;
	struct keep_statement_req m = { 0 };
	struct wr w = wr_open(KEEP_FRAME_MAX);
	struct err e = { 0 };
	uint8_t id[32];
	char *at;

	kit_statement(k, s, &draft, id);
	text = str_fmt("%.*s", (int)draft.payload.n, (const char *)draft.payload.p);
	at = strstr(text, word);
	if (!at)
		abort();
	*at = 0;
	payload = str_fmt("%s%s%s", text, spelled, at + strlen(word));
	if (dsse_new(span_of(payload), &m.statement, &e) != COFFER_OK || dsse_sign(&m.statement, k->key[s->issuer], &e) != COFFER_OK)
		abort();
	keep_statement_req_write(&w, &m);
	dsse_clear(&m.statement);
	return kit_ask(k, KEEP_STATEMENT, &w);
}

static void spelling_of_a_revocation_hides_it_from_nobody(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr name = wr_open(64);
	CLEANUP(freep) char *thumb = NULL, *body = NULL;
	struct wr w = wr_open(16);
	uint8_t of[32];

	kit_open(&k);
	kit_deploy(&k);
	pubkey_thumbprint(privkey_public(k.key[KIT_HOSPITAL]), of);
	b64url_write(&name, SPAN(of));
	thumb = wr_take(&name, NULL);
	body = str_fmt("{\"from\":\"2026-11-04T00:00:00Z\",\"key\":\"%s\",\"reason\":\"stolen\"}", thumb);
	CHECK(log_spelled(&k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = thumb,
	    .digest = of, .body = body }, "\"key\":", "\"k\\u0065y\":") == COFFER_OK);
	CHECK(restarts_the_same(&k));
	wr_be64(&w, 0);
	CHECK(kit_ask(&k, KEEP_PARTIES, &w) == COFFER_OK && strstr((const char *)k.answer.p, "\"payload\""));
}

/* ---- k of n ---- */

/* Who owns the path says that its key was stolen before the others came to decide too. Their word about what is kept stays. */
static void owner_escapes_no_co_owner_by_naming_its_own_key(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *fresh = new_key(), *was;
	int64_t before;
	uint8_t id[32];

	kit_open(&k);
	kit_deploy(&k);
	before = k.now += HOUR;
	k.bend = (struct kit_bend){ .cosigned = true, .body = BODY("2", "2", "\"hospital\",\"acme\"") };
	CHECK(kit_put(&k, KIT_HOSPITAL, "of both") == COFFER_OK);
	k.bend = (struct kit_bend){ 0 };
	CHECK(DENIED(kit_restate(&k, NULL), k, "signature") && DENIED(ask(&k), k, "R9"));
	CHECK(kit_rotate(&k, fresh) == COFFER_OK);
	CHECK(kit_compromise(&k, &(struct kit_stolen){ k.key[KIT_HOSPITAL], before, (const struct privkey *[]){ fresh, NULL }, 0, NULL }, id) ==
	      COFFER_OK);
	was = take_key(&k, fresh);
	CHECK(DENIED(kit_restate(&k, NULL), k, "signature"));
	CHECK(ask(&k) == COFFER_E_DENIED);
	CHECK(kit_put(&k, KIT_HOSPITAL, "its own") == COFFER_OK && ask(&k) == COFFER_OK && kit_opens_to(&k, false, "its own"));
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	CHECK(restarts_the_same(&k));
	privkey_free(take_key(&k, was));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(spelling_of_a_revocation_hides_it_from_nobody), T(owner_escapes_no_co_owner_by_naming_its_own_key),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
