/* Attacks upon what parties say: by a co-owner, by a thief, by a known party with a pen of its own. Each shows the proper act too. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/status.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/t.h"

/* What a restart makes of the store is what runs, and the map agrees. */
static bool restarts_the_same(struct kit *k)
{
	CLEANUP(registry_clear) struct registry again = { 0 };
	const struct parties *a = &k->keep.registry.parties;
	struct err e = { 0 };

	return registry_open(k->keep.store, k->keep.registry.genesis, &again, &e) == COFFER_OK && again.parties.n == a->n &&
	       memcmp(again.parties.life, a->life, a->n * sizeof(*a->life)) == 0 && status_check(&k->keep, &e) == COFFER_OK;
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

int main(void)
{
	static const struct t_case cases[] = {
		T(spelling_of_a_revocation_hides_it_from_nobody),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
