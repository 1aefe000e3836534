/* What strangers, delegates and parties with many keys may cost others: by a spelling, by their number, by the work that they cause. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/room.h"
#include "cofferd/keep/rows.h"
#include "cofferd/keep/status.h"
#include "fmt/enc.h"
#include "tests/lendkit.h"
#include "tests/t.h"

/* Asset, release and workload, but no approval. */
static void open_without_approval(struct kit *k)
{
	kit_open(k);
	CHECK(kit_service(k) == COFFER_OK && kit_release(k, 1, 1, NULL) == COFFER_OK && kit_release(k, 2, 1, NULL) == COFFER_OK && kit_workload(k) == COFFER_OK);
	CHECK(kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_introduce(k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
}

/* ---- spelling ---- */

static void spell(struct kit *k, const char *text, const char *spelt)
{
	k->bend = (struct kit_bend){ .text = text, .spelt = spelt };
}

static enum coffer_rc starts(struct kit *k)
{
	CLEANUP(registry_clear) struct registry again = { 0 };
	struct err e = { 0 };

	return registry_open(k->keep.store, k->keep.registry.genesis, &again, &e);
}

static void service_starts_whatever_spelling_an_asset_has(void)
{
	CLEANUP(kit_free) struct kit k;
	struct err e = { 0 };

	kit_open(&k);
	kit_deploy(&k);
	spell(&k, "\"name\":\"" KIT_ASSET, "\"n\\u0061me\":\"" KIT_ASSET);
	CHECK(kit_put(&k, KIT_HOSPITAL, "good evening") == COFFER_OK);
	CHECK(starts(&k) == COFFER_OK && keep_forget(&k.keep, &e) == COFFER_OK && status_check(&k.keep, &e) == COFFER_OK);
	CHECK(rows_check_tags(&(struct rows){ k.keep.store, &k.keep.keys, &k.keep.registry.parties, k.genesis_id, k.now, false }, &e) == COFFER_OK);
	{
		CLEANUP(q_close) struct q q = q_open(k.keep.store, "DELETE FROM asset WHERE path='" KIT_ASSET "'");

		CHECK(q_run(&q, &e) == COFFER_OK && starts(&k) == COFFER_E_DENIED);
	}
}

static void approval_is_found_whatever_spelling_it_has(void)
{
	CLEANUP(kit_free) struct kit k;
	struct err e = { 0 };

	open_without_approval(&k);
	spell(&k, "\"assets\":", "\"\\u0061ssets\":");
	CHECK(kit_approve(&k, "", 1, NULL) == COFFER_OK && starts(&k) == COFFER_OK);
	{
		CLEANUP(q_close) struct q q = q_open(k.keep.store, "DELETE FROM approval_asset");

		CHECK(q_run(&q, &e) == COFFER_OK && starts(&k) == COFFER_E_DENIED);
	}
}

static void minimum_counts_whatever_spelling_it_has(void)
{
	CLEANUP(kit_free) struct kit k;
	struct err e = { 0 };
	uint8_t id[32];
	uint32_t age = 0;

	kit_open(&k);
	spell(&k, "\"collateral-max-age\":", "\"collateral-max-\\u0061ge\":");
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "tdx",
	    .body = "{\"platform\":\"tdx\",\"minimum\":[{\"product\":\"\",\"svns\":{}}],\"collateral-max-age\":6}" }, id) == COFFER_OK);
	CHECK(registry_collateral_age(&k.keep.registry, "tdx", k.now, &age, &e) == COFFER_OK && age == 6 * 3600);
}

static void delegation_stands_whatever_spelling_it_has(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(facts_freep) struct facts *f = NULL;
	struct err e = { 0 };
	uint8_t id[32];

	open_without_approval(&k);
	spell(&k, "\"until\":", "\"unt\\u0069l\":");
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == COFFER_OK);
	k.bend = (struct kit_bend){ 0 };
	for (unsigned i = 0; i < FACT_LINKS_MAX; i++) {
		CLEANUP(freep) char *to = str_fmt("p%u", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = to, .until = "2026-11-04T00:00:00Z" }));
	}
	CHECK(registry_links(&k.keep.registry, &(struct links_question){ "hospital", ROLE_APPROVAL, k.now }, &f, &e) == COFFER_OK);
	CHECK(f->n_delegations == FACT_LINKS_MAX && memcmp(f->delegation[0].s.id, id, 32) == 0);
}

/* ---- work before anybody is known ---- */

static uint64_t refusals(struct kit *k)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT count(*) FROM entry WHERE type='refusal'");
	struct err e = { 0 };
	bool row = false;

	return q_row(&q, &row, &e) == COFFER_OK && row ? (uint64_t)q_col_i64(&q, 0) : UINT64_MAX;
}

/* A statement of the hospital's that is refused; what its recovery key is said to have signed comes first, or behind. */
static enum coffer_rc publish_forged(struct kit *k, bool first)
{
	struct keep_statement_req m = { 0 };
	struct wr w = wr_open(KEEP_FRAME_MAX);
	uint8_t id[32];
	struct err e = { 0 };

	kit_statement(k, &(struct kit_st){ .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "tdx",
	    .body = "{\"platform\":\"tdx\",\"minimum\":[{\"product\":\"\",\"svns\":{}}]}" }, &m.statement, id);
	CHECK(dsse_sign(&m.statement, k->recovery[KIT_HOSPITAL], &e) == COFFER_OK && m.statement.n_sigs == 2);
	m.statement.sigs[1].sig[7] ^= 1;
	if (first) {
		struct dsse_sig s = m.statement.sigs[0];

		m.statement.sigs[0] = m.statement.sigs[1];
		m.statement.sigs[1] = s;
	}
	keep_statement_req_write(&w, &m);
	dsse_clear(&m.statement);
	return kit_ask(k, KEEP_STATEMENT, &w);
}

/* Who names all keys that there are has one signature verified. */
static void first_signature_of_a_known_key_decides(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	CHECK(publish_forged(&k, false) == COFFER_E_DENIED && strstr(k.no.reason, "counts for nothing") && refusals(&k) == 1);
	CHECK(publish_forged(&k, true) == COFFER_E_DENIED && strstr(k.no.reason, "no known party") && refusals(&k) == 1);
}

/* ---- tokens ---- */

static void put_tokens(struct kit *k, const struct privkey *key, int64_t n)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<?3)"
	    " INSERT INTO jti(id, expires) SELECT CAST(?1||randomblob(16) AS BLOB), ?2 FROM n");
	uint8_t kid[32];
	struct err e = { 0 };

	pubkey_thumbprint(privkey_public(key), kid);
	q_blob(&q, SPAN(kid));
	q_i64(&q, k->now + 100);
	q_i64(&q, n);
	CHECK(q_run(&q, &e) == COFFER_OK);
}

static void tokens_of_a_party_count_over_all_its_keys(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(privkey_freep) struct privkey *was = NULL;
	struct privkey *to = NULL;
	struct err e = { 0 };

	kit_open(&k);
	put_tokens(&k, k.key[KIT_HOSPITAL], ROOM_TOKENS_OF_PARTY / 2);
	CHECK(privkey_new(KEY_P256, &to, &e) == COFFER_OK && kit_rotate(&k, to) == COFFER_OK);
	was = k.key[KIT_HOSPITAL];
	k.key[KIT_HOSPITAL] = to;
	CHECK(kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK);
	put_tokens(&k, to, ROOM_TOKENS_OF_PARTY / 2);
	CHECK(kit_put(&k, KIT_HOSPITAL, "y") == COFFER_E_LIMIT);
	CHECK(kit_put(&k, KIT_ACME, "z") == COFFER_OK);
	k.now += 100;
	CHECK(kit_put(&k, KIT_HOSPITAL, "y") == COFFER_OK);
}

/* Where no more are remembered those are refused who have most: with the stranger whom it brought, and not who brought it. */
static void who_uses_up_all_tokens_shuts_out_itself(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	put_tokens(&k, k.key[KIT_STRANGER], ROOM_TOKENS);
	CHECK(kit_put(&k, KIT_STRANGER, "x") == COFFER_E_LIMIT);
	CHECK(kit_put(&k, KIT_HOSPITAL, "y") == COFFER_OK && kit_put(&k, KIT_ACME, "y") == COFFER_OK);
}

/* ---- places of approvals and of what was lent ---- */

static enum coffer_rc ask(struct kit *k)
{
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK);
	return kit_get(k, (struct kit_get){ 0 });
}

/* Of the kit's workload, or of another one: by whoever is named, past admission. expires: of the statement; 0: in a year. */
struct approves { const char *by; enum kit_party as; unsigned other; int64_t expires; };

static void approve(struct kit *k, struct approves a)
{
	char service[HEX32_LEN], workload[HEX32_LEN];
	uint8_t id[32];

	hex32(k->manifest, workload);
	hex32(k->service_id, service);
	if (a.other)
		(void)snprintf(workload, sizeof(workload), "%064x", a.other);
	CLEANUP(freep) char *subject = str_fmt(KIT_ASSET ",workload:%s", workload);
	CLEANUP(freep) char *body = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],"
	    "\"until\":\"2027-06-01T00:00:00Z\",\"shown\":\"%s\"}", workload, service, workload);
	CHECK(enter(k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = a.as, .also = a.as, .issuer_name = a.by, .subject = subject, .body = body, .expires = a.expires }, id));
}

static void open_with_delegate(struct kit *k)
{
	uint8_t id[32];

	open_without_approval(k);
	CHECK(lend(k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == COFFER_OK);
	approve(k, (struct approves){ .as = KIT_STRANGER });
	CHECK(ask(k) == COFFER_OK);
}

static void owners_approvals_hide_none_of_its_delegates(void)
{
	CLEANUP(kit_free) struct kit k, busy;

	open_with_delegate(&k);
	open_with_delegate(&busy);
	for (unsigned i = 1; i <= FACT_APPROVALS_MAX; i++) {
		approve(&k, (struct approves){ .as = KIT_HOSPITAL, .other = i, .expires = k.now + 60 });
		approve(&busy, (struct approves){ .as = KIT_HOSPITAL, .other = i });
	}
	k.now += 3600;
	CHECK(ask(&k) == COFFER_OK && ask(&busy) == COFFER_OK);
}

static void approvals_of_former_delegates_hide_none_of_one_that_is(void)
{
	CLEANUP(kit_free) struct kit k;

	open_with_delegate(&k);
	for (unsigned i = 0; i <= FACT_APPROVALS_MAX; i++) {
		CLEANUP(freep) char *by = str_fmt("p%u", i);

		approve(&k, (struct approves){ .by = by, .as = KIT_ACME });
	}
	CHECK(ask(&k) == COFFER_OK);
}

static void delegate_that_lends_on_leaves_its_lender_room(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .depth = 1 }, id) == COFFER_OK);
	for (unsigned i = 0; i < 15; i++) {
		CLEANUP(freep) char *to = str_fmt("p%u", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_HOSPITAL, .to = to }));
	}
	CHECK(lend(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_HOSPITAL, .to = "acme" }, id) == COFFER_OK); /* the 16th */
	CHECK(lend(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_HOSPITAL, .to = "acme", .serial = 2, .previous = id }, id) == COFFER_OK); /* renewed */
	CHECK(enter_lent(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_HOSPITAL, .to = "p15" }));
	CHECK(lend(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_HOSPITAL, .to = "acme", .serial = 3, .previous = id }, id) == COFFER_E_LIMIT && strstr(k.no.reason, "lent it on"));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme" }, id) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(service_starts_whatever_spelling_an_asset_has), T(approval_is_found_whatever_spelling_it_has),
		T(minimum_counts_whatever_spelling_it_has), T(delegation_stands_whatever_spelling_it_has),
		T(first_signature_of_a_known_key_decides), T(tokens_of_a_party_count_over_all_its_keys), T(who_uses_up_all_tokens_shuts_out_itself),
		T(owners_approvals_hide_none_of_its_delegates), T(approvals_of_former_delegates_hide_none_of_one_that_is), T(delegate_that_lends_on_leaves_its_lender_room),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
