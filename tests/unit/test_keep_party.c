/* keep as parties see it: statements, their tokens, and what they may read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)

/* ---- statements ---- */

static const char revoke_nothing[] =
    "{\"statement\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"reason\":\"x\"}";

static void statement_by_a_stranger_is_not_even_read(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	kit_open(&k);
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_STRANGER, .also = KIT_STRANGER,
	    .subject = "x", .body = revoke_nothing }, id), k, "signature"));
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_STRANGER, .also = KIT_ACME,
	    .subject = "x", .body = revoke_nothing }, id), k, "signature")); /* known countersignature, unknown issuer */
}

static void statement_twice_is_the_same_entry_and_a_rival_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32];
	uint64_t seq;

	kit_open(&k);
	CHECK(kit_service(&k) == COFFER_OK);
	seq = k.keep.journal.seq;
	memcpy(first, k.service_id, 32);
	CHECK(kit_service(&k) == COFFER_OK && k.keep.journal.seq == seq); /* Ed25519 and JCS: the same bytes */
	CHECK(kit_workload(&k) == COFFER_OK);
	CHECK(kit_approve(&k, "", 1, NULL) == COFFER_OK);
	memcpy(first, k.approval_id, 32);
	CHECK(DENIED(kit_approve(&k, ",\"uses\":1", 1, NULL), k, "serial"));
	CHECK(DENIED(kit_approve(&k, ",\"uses\":1", 3, first), k, "serial"));
	CHECK(DENIED(kit_approve(&k, ",\"uses\":1", 2, k.service_id), k, "serial")); /* not the previous one's id */
	CHECK(kit_approve(&k, ",\"uses\":1", 2, first) == COFFER_OK);
}

static void statement_of_another_ledger_or_time_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];
	struct kit_st s = { .kind = ST_REVOCATION, .subject = "0000000000000000000000000000000000000000000000000000000000000000",
		.digest = (const uint8_t[32]){ 0 }, .body = revoke_nothing };

	kit_open(&k);
	s.other_ledger = true;
	CHECK(DENIED(kit_log(&k, &s, id), k, "ledger"));
	s.other_ledger = false;
	s.issued = k.now + 1000;
	CHECK(DENIED(kit_log(&k, &s, id), k, "window"));
	s.issued = k.now - 1000;
	s.expires = k.now - 1;
	CHECK(DENIED(kit_log(&k, &s, id), k, "window"));
	s.expires = 0;
	CHECK(kit_log(&k, &s, id) == COFFER_E_NOTFOUND); /* only now is its target missed */
}

static void persona_and_kind_are_demanded(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];
	struct service s = { .id = "evil" };
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	CLEANUP(freep) char *body = NULL;
	struct json_wr j = jw_open(&w, false);

	kit_open_deployed(&k);
	s.receive = s.reply = s.token = s.ledger_key = *privkey_public(k.tee);
	service_write(&s, &j);
	body = wr_take(&w, NULL);
	CHECK(DENIED(kit_log(&k, &(struct kit_st){.kind = ST_SERVICE, .subject = "evil", .body = body}, id), k,
		     "kind")); /* not our keys */
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_SERVICE, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "evil",
	    .body = body }, id), k, "persona"));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.service_id) == COFFER_OK); /* for its own assets */
	CHECK(DENIED(kit_revoke(&k, KIT_ACME, k.genesis_id), k, "kind"));
}

static void party_is_admitted_by_itself_and_an_introducer_together(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_deployed(&k);
	CHECK(DENIED(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_STRANGER), k, "signature")); /* nobody known */
	CHECK(DENIED(kit_introduce(&k, KIT_STRANGER, KIT_ACME, KIT_ACME), k, "signature"));         /* not itself */
	CHECK(DENIED(kit_put(&k, KIT_STRANGER, "x"), k, "token"));
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(kit_put(&k, KIT_STRANGER, "x") == COFFER_OK); /* power over its own name, at once */
	CHECK(k.keep.registry.parties.n == 3);
}

static void party_known_is_not_replaced_without_its_key(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *old;

	kit_open_deployed(&k);
	CHECK(DENIED(kit_introduce(&k, KIT_HOSPITAL, KIT_HOSPITAL, KIT_HOSPITAL), k, "signature")); /* alone: waits for the hold */
	old = k.key[KIT_HOSPITAL];
	k.key[KIT_HOSPITAL] = k.key[KIT_STRANGER]; /* acme tries to put another key in the hospital's place */
	CHECK(DENIED(kit_introduce(&k, KIT_HOSPITAL, KIT_HOSPITAL, KIT_ACME), k, "signature"));
	k.key[KIT_HOSPITAL] = old;
	CHECK(kit_introduce(&k, KIT_HOSPITAL, KIT_HOSPITAL, KIT_ACME) == COFFER_OK);
}

static void put_by_another_party_or_with_other_content_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_deployed(&k);
	CHECK(DENIED(kit_put(&k, KIT_STRANGER, "x"), k, "token"));
	k.asset_serial = 5;
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "serial"));
}

static void party_token_is_good_once(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_assets_req m = { 0 };
	struct wr w = wr_open(1u << 16), again = wr_open(1u << 16), late = wr_open(1u << 16);

	kit_open_deployed(&k);
	kit_auth(&k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &m.auth, &own);
	keep_assets_req_write(&w, &m);
	keep_assets_req_write(&again, &m);
	CHECK(kit_ask(&k, KEEP_ASSETS, &w) == COFFER_OK);
	CHECK(span_eq_str(wr_span(&k.answer), "{\"assets\":[{\"issued\":\"2026-11-04T00:00:00Z\",\"path\":\"" KIT_ASSET
	                                      "\",\"type\":\"data\",\"version\":1}],\"next\":\"\"}"));
	CHECK(DENIED(kit_ask(&k, KEEP_ASSETS, &again), k, "token"));
	wr_close(&own);
	kit_auth(&k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &m.auth, &own);
	keep_assets_req_write(&late, &m);
	k.now += 300;
	CHECK(DENIED(kit_ask(&k, KEEP_ASSETS, &late), k, "token"));
}

static void party_token_for_other_request_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_deployed(&k);
	for (int i = 0; i < 5; i++) {
		CLEANUP(wr_close) struct wr own = { 0 }, rest = { 0 };
		struct keep_assets_req m = { 0 };
		struct keep_party_auth other;
		struct wr w = wr_open(1u << 16);

		kit_auth(&k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &m.auth, &own);
		kit_auth(&k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &other, &rest);
		if (i == 0)
			m.auth.method = span_of("POST");
		else if (i == 1)
			m.auth.path = span_of("/coffer/v0/journal");
		else if (i == 2)
			m.auth.body_sha256[0] = 1;
		else if (i == 3)
			m.auth.sig[5] ^= 1;
		else
			m.auth.payload = other.payload; /* a good one, but not what was signed */
		keep_assets_req_write(&w, &m);
		CHECK(DENIED(kit_ask(&k, KEEP_ASSETS, &w), k, "token"));
	}
}

static void delete_takes_the_content_and_only_the_owner_may(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	for (int who = KIT_ACME; who <= KIT_HOSPITAL; who++) {
		if (who == KIT_ACME)
			CHECK(DENIED(kit_delete(&k, KIT_ACME), k, "owner"));
		else
			CHECK(kit_delete(&k, KIT_HOSPITAL) == COFFER_OK);
	}
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_NOTFOUND);
	CHECK(kit_put(&k, KIT_HOSPITAL, "again") == COFFER_OK); /* the next version */
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && kit_opens_to(&k, false, "again"));
}

/* ---- reading ---- */

static enum coffer_rc ask_decision(struct kit *k, enum kit_party who, const uint8_t id[static 16])
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_decision_req m = { 0 };
	struct wr w = wr_open(1u << 16);

	memcpy(m.id, id, 16);
	kit_auth(k, who, "GET", "/coffer/v0/decisions/x", &m.auth, &own);
	keep_decision_req_write(&w, &m);
	return kit_ask(k, KEEP_DECISION, &w);
}

static void decision_is_shown_to_each_party_in_its_part(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *text = NULL;
	uint8_t id[16];

	kit_open_attested(&k);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .container = "logger" }), k, "R7"));
	memcpy(id, k.no.decision, 16);
	CHECK(ask_decision(&k, KIT_ACME, id) == COFFER_OK);
	text = span_dup(wr_span(&k.answer));
	CHECK(text && strstr(text, "\"reason\":\"R7\"") && strstr(text, "\"check\":\"R7\"") && !strstr(text, "\"check\":\"R9\""));
	free(text);
	CHECK(ask_decision(&k, KIT_HOSPITAL, id) == COFFER_OK);
	text = span_dup(wr_span(&k.answer));
	CHECK(text && strstr(text, "\"check\":\"R9\"") && !strstr(text, "\"check\":\"R7\""));
	id[0] ^= 1;
	CHECK(ask_decision(&k, KIT_HOSPITAL, id) == COFFER_E_NOTFOUND);
	id[0] ^= 1;
	CHECK(ask_decision(&k, KIT_STRANGER, id) != COFFER_OK);
}

static size_t listed_before(struct kit *k, enum kit_party who, const char *words, uint64_t *before)
{
	CLEANUP(wr_close) struct wr own = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct keep_decision_req m = { .list = true, .before = *before };
	const char *next;
	struct wr w = wr_open(1u << 16);
	size_t n = 0;

	kit_auth(k, who, "GET", "/coffer/v0/decisions", &m.auth, &own);
	keep_decision_req_write(&w, &m);
	if (kit_ask(k, KEEP_DECISION, &w) != COFFER_OK)
		return SIZE_MAX;
	text = span_dup(wr_span(&k->answer));
	for (const char *at = text; at && (at = strstr(at, words)) != NULL; at++)
		n++;
	next = text ? strstr(text, "],\"next\":") : NULL;
	*before = next ? strtoull(next + strlen("],\"next\":"), NULL, 10) : UINT64_MAX;
	return n;
}

static size_t listed(struct kit *k, enum kit_party who, const char *words)
{
	uint64_t before = 0;

	return listed_before(k, who, words, &before);
}

/* A page of 100, and where the next begins; each decision once. */
static void decisions_go_on_by_pages(void)
{
	CLEANUP(kit_free) struct kit k;
	uint64_t before = 0;

	kit_open_attested(&k);
	for (int i = 0; i < 200; i++)
		CHECK(DENIED(kit_get(&k, (struct kit_get){ .container = "logger" }), k, "R7"));
	CHECK(listed_before(&k, KIT_HOSPITAL, "\"decision\"", &before) == 100 && before > 0);
	CHECK(listed_before(&k, KIT_HOSPITAL, "\"decision\"", &before) == 100 && before == 0);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .container = "logger" }), k, "R7"));
	CHECK(listed_before(&k, KIT_HOSPITAL, "\"decision\"", &before) == 100 && before > 0);
	CHECK(listed_before(&k, KIT_HOSPITAL, "\"decision\"", &before) == 100 && before > 0);
	CHECK(listed_before(&k, KIT_HOSPITAL, "\"decision\"", &before) == 1 && before == 0);
	before = 1;
	CHECK(listed_before(&k, KIT_HOSPITAL, "\"decision\"", &before) == 0 && before == 0);
}

static size_t assets_after(struct kit *k, const char *after, bool *more)
{
	CLEANUP(wr_close) struct wr own = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct keep_assets_req m = { .after = span_of(after) };
	struct wr w = wr_open(1u << 16);
	size_t n = 0;

	kit_auth(k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &m.auth, &own);
	keep_assets_req_write(&w, &m);
	CHECK(kit_ask(k, KEEP_ASSETS, &w) == COFFER_OK);
	text = span_dup(wr_span(&k->answer));
	for (const char *at = text; at && (at = strstr(at, "\"path\"")) != NULL; at++)
		n++;
	*more = text && !strstr(text, "\"next\":\"\"");
	return n;
}

static void assets_go_on_by_pages(void)
{
	CLEANUP(kit_free) struct kit k;
	struct err e = { 0 };
	bool more = false;

	kit_open_deployed(&k); /* one, kbs:///hospital/note/... */
	{
		CLEANUP(q_close) struct q q = q_open(k.keep.store, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i+1 FROM n WHERE i<355)"
		    " INSERT INTO asset(path, statement, version, type, iv, sealed, tag) SELECT 'kbs:///hospital/data/' || i, a.statement, a.version, a.type, a.iv,"
		    " a.sealed, a.tag FROM n, asset a WHERE a.path='" KIT_ASSET "'");

		CHECK(q_run(&q, &e) == COFFER_OK);
	}
	CHECK(assets_after(&k, "", &more) == 256 && more);
	CHECK(assets_after(&k, "kbs:///hospital/data/355", &more) == 1 && !more);
	CHECK(assets_after(&k, "kbs:///hospital/data/354", &more) == 2 && !more);
	CHECK(assets_after(&k, "kbs:///hospital/z/z", &more) == 0 && !more);
}

static void decisions_are_listed_to_those_they_concern(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(listed(&k, KIT_HOSPITAL, "\"decision\"") == 0);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .container = "logger" }), k, "R7"));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK);
	CHECK(listed(&k, KIT_HOSPITAL, "\"decision\"") == 2 && listed(&k, KIT_HOSPITAL, "denied") == 1);
	CHECK(listed(&k, KIT_HOSPITAL, "{\"asset\":\"" KIT_ASSET "\",\"decision\"") == 2);
	CHECK(listed(&k, KIT_ACME, "\"decision\"") == 3);
	CHECK(listed(&k, KIT_STRANGER, "") == SIZE_MAX && kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(listed(&k, KIT_STRANGER, "\"decision\"") == 0);
}

static uint32_t query(struct kit *k, struct keep_query_req m)
{
	struct wr w = wr_open(1u << 16);
	struct rd r;

	keep_query_req_write(&w, &m);
	if (kit_ask(k, KEEP_QUERY, &w) != COFFER_OK)
		return UINT32_MAX;
	r = rd_open(wr_span(&k->answer));
	return rd_be32(&r);
}

static void query_gives_what_is_in_force_and_needs_a_token_for_the_rest(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_query_req m = { .has_auth = true, .kind = ST_APPROVAL };

	kit_open_deployed(&k);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_GENESIS }) == 1);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_SERVICE }) == 1);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_SERVICE, .subject = span_of("tru") }) == 0);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_SERVICE, .subject = span_of("trust"), .issuer = span_of("acme") }) == 1);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_APPROVAL }) == UINT32_MAX && strcmp(k.no.check, "token") == 0);
	CHECK(query(&k, (struct keep_query_req){ 0 }) == UINT32_MAX);
	kit_auth(&k, KIT_ACME, "GET", "/x", &m.auth, &own);
	CHECK(query(&k, m) == 1);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	wr_close(&own);
	kit_auth(&k, KIT_ACME, "GET", "/x", &m.auth, &own);
	CHECK(query(&k, m) == 0);
	wr_close(&own);
	kit_auth(&k, KIT_ACME, "GET", "/x", &m.auth, &own);
	m.all = true;
	CHECK(query(&k, m) == 1);
}

static void status_and_journal_tell_the_head(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_journal_req m = { .from = 2 };
	struct wr none = wr_open(1), w = wr_open(1u << 16);
	char hex[HEX32_LEN];
	CLEANUP(freep) char *status = NULL, *journal = NULL;

	kit_open_deployed(&k);
	hex32(k.keep.journal.hash, hex);
	CHECK(kit_ask(&k, KEEP_STATUS, &none) == COFFER_OK);
	status = span_dup(wr_span(&k.answer));
	CHECK(status && !strstr(status, hex) && strstr(status, "\"seq\":7"));
	kit_auth(&k, KIT_ACME, "GET", "/coffer/v0/journal", &m.auth, &own);
	keep_journal_req_write(&w, &m);
	CHECK(kit_ask(&k, KEEP_JOURNAL, &w) == COFFER_OK);
	journal = span_dup(wr_span(&k.answer));
	CHECK(journal && strstr(journal, hex) && strstr(journal, "\"seq\":2}") && !strstr(journal, "\"seq\":1}") &&
	      strstr(journal, "\"signature\""));
}

/* ---- bounds ---- */

static void unknown_oversize_and_cut_messages_are_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	static const uint8_t types[] = { 0, KEEP_LAST + 1, 200 };

	kit_open(&k);
	for (size_t i = 0; i < sizeof(types); i++) {
		struct wr w = wr_open(8);

		CHECK(kit_ask(&k, (enum keep_type)types[i], &w) == COFFER_E_INPUT);
	}
	for (int t = KEEP_AUTH; t <= KEEP_JOURNAL; t++) {
		struct wr w = wr_open(64), big = wr_open(64);

		CHECK(kit_ask(&k, (enum keep_type)t, &w) == COFFER_E_INPUT); /* empty */
		for (int i = 0; i < 17; i++)
			wr_u8(&big, 0xff);
		CHECK(kit_ask(&k, (enum keep_type)t, &big) != COFFER_OK);
	}
}

static void denials_to_strangers_are_written_up_to_a_bound_a_minute(void)
{
	CLEANUP(kit_free) struct kit k;
	uint64_t before;

	kit_open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ .no_initdata = true }) == COFFER_OK);
	before = k.keep.journal.seq;
	for (int i = 0; i < KEEP_DENIALS_PER_MINUTE + 50; i++)
		CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "policy"));
	CHECK(k.keep.journal.seq <= before + KEEP_DENIALS_PER_MINUTE + 1); /* and one summary */
	CHECK(!k.no.has_decision);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(statement_by_a_stranger_is_not_even_read), T(statement_twice_is_the_same_entry_and_a_rival_is_refused),
		T(statement_of_another_ledger_or_time_is_refused), T(persona_and_kind_are_demanded),
		T(party_is_admitted_by_itself_and_an_introducer_together), T(party_known_is_not_replaced_without_its_key),
		T(put_by_another_party_or_with_other_content_is_refused), T(party_token_is_good_once),
		T(party_token_for_other_request_is_refused), T(delete_takes_the_content_and_only_the_owner_may),
		T(decision_is_shown_to_each_party_in_its_part), T(decisions_are_listed_to_those_they_concern), T(decisions_go_on_by_pages), T(assets_go_on_by_pages),
		T(query_gives_what_is_in_force_and_needs_a_token_for_the_rest), T(status_and_journal_tell_the_head),
		T(unknown_oversize_and_cut_messages_are_refused), T(denials_to_strangers_are_written_up_to_a_bound_a_minute),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
