/* Whether `keep` says of what a guest holds that it may be kept. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "client/fresh.h"
#include "trust/thing.h"
#include "crypto/hash.h"
#include "tests/keepkit.h"
#include "tests/t.h"

#define DENIED(call, k, id) ((call) == COFFER_E_DENIED && strcmp((k).no.check, id) == 0)

struct bend { bool other_key, same_counter, other_session; const char *container, *path; const uint8_t *statement; };

/* One question about the greeting, its answer checked as a guest does. */
static enum coffer_rc fresh(struct kit *k, struct bend b, struct fresh_said *said)
{
	CLEANUP(wr_close) struct wr ask = wr_open(FRESH_REQUEST_MAX), w = wr_open(FRESH_REQUEST_MAX + 64), body = wr_open(FRESH_REQUEST_MAX);
	CLEANUP(wr_close) struct wr whole = wr_open(FRESH_REQUEST_MAX);
	const struct fresh_seen none = { .size = 0 };
	struct keep_fresh_req m = { .sig = { 0 } };
	struct keep_fresh_rep rep;
	struct fresh_answer out;
	struct fresh_ask q = { .n = 1 };
	struct fresh_expect x = { .ask = &q, .reply = &k->reply, .seen = &none };
	struct err e = { 0 };
	enum coffer_rc rc;

	random_bytes(q.nonce, sizeof(q.nonce));
	q.counter = b.same_counter ? k->counter : ++k->counter;
	q.item[0] = (struct fresh_item){ .path = span_of(b.path ? b.path : KIT_PATH), .container = span_of(b.container ? b.container : "analyse"),
		.purpose = PURPOSE_API };
	memcpy(q.item[0].statement, b.statement ? b.statement : k->asset_id, 32);
	fresh_ask_write(&q, &ask);
	memcpy(m.session, k->session, sizeof(m.session));
	fresh_ask_to_sign(wr_span(&ask), k->session, &w);
	CHECK(key_sign(b.other_key ? k->tee : k->request_key, wr_span(&w), m.sig, &e) == COFFER_OK);
	m.session[0] ^= b.other_session;
	m.ask = wr_span(&ask);
	keep_fresh_req_write(&body, &m);
	rc = kit_ask(k, KEEP_FRESH, &body);
	body = (struct wr){ 0 };
	if (rc != COFFER_OK)
		return rc;
	CHECK(keep_fresh_rep_read(wr_span(&k->answer), &rep, &e) == COFFER_OK);
	wr_put(&whole, rep.answer);
	wr_put(&whole, SPAN(rep.sig));
	x.ask_bytes = m.ask;
	pubkey_thumbprint(privkey_public(k->tee), x.session_key);
	CHECK(fresh_check(wr_span(&whole), &x, &out, &e) == COFFER_OK && out.size == journal_entries(&k->keep.journal));
	*said = out.said[0];
	return COFFER_OK;
}

static bool says(struct kit *k, enum fresh_status s, const char *check)
{
	struct fresh_said said = { .status = FRESH_HELD };

	return fresh(k, (struct bend){ .path = NULL }, &said) == COFFER_OK && said.status == s && strcmp(said.check, check) == 0;
}

static void guest(struct kit *k)
{
	kit_open(k);
	kit_deploy(k);
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ false }) == COFFER_OK);
	CHECK(kit_get(k, (struct kit_get){ .path = KIT_PATH, .container = "analyse", .purpose = "api" }) == COFFER_OK);
}

static void what_was_released_is_held_and_no_use_is_counted(void)
{
	CLEANUP(kit_free) struct kit k = { 0 };
	uint64_t seq;

	guest(&k);
	CHECK(kit_approve(&k, ",\"uses\":1", 2, k.approval_id) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ .path = KIT_PATH, .container = "analyse", .purpose = "api" }) == COFFER_OK);
	seq = k.keep.journal.seq;
	for (size_t i = 0; i < 3; i++)
		CHECK(says(&k, FRESH_HELD, ""));
	CHECK(k.keep.journal.seq == seq); /* nothing changed, nothing is written */
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .path = KIT_PATH, .container = "analyse", .purpose = "api" }), k, "R9"));
}

/* What `coffer why` shows the owner of the newest decision. */
static bool outcome_is(struct kit *k, const char *words)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT owner_view FROM decision ORDER BY seq DESC LIMIT 1");
	CLEANUP(freep) char *view = NULL;
	struct err e;
	bool row = false;

	if (q_row(&q, &row, &e) != COFFER_OK || !row)
		return false;
	view = span_dup(q_col(&q, 0));
	return view && strstr(view, words);
}

static enum coffer_rc revoke_image(struct kit *k)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT substr(subject, -32) FROM statement WHERE kind=4 LIMIT 1");
	struct err e = { 0 };
	uint8_t digest[32], id[32];
	struct thing image;
	bool row = false;

	CHECK(q_row(&q, &row, &e) == COFFER_OK && row && q_col_fixed(&q, 0, digest, 32));
	thing_image(digest, &image);
	return kit_revoke_thing(k, KIT_HOSPITAL, image.text, id);
}

static void revocation_of_approval_workload_or_what_is_held_ends_it(void)
{
	for (size_t i = 0; i < 6; i++) {
		CLEANUP(kit_free) struct kit k = { 0 };
		uint8_t id[32];
		uint64_t seq;

		guest(&k);
		if (i == 5)
			CHECK(kit_revoke(&k, KIT_HOSPITAL, k.service_id) == COFFER_OK); /* acme's, for its own assets */
		else if (i == 4)
			CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, k.now, 0, NULL }, id) == COFFER_OK); /* its release was logged then */
		else if (i == 3)
			CHECK(revoke_image(&k) == COFFER_OK); /* by its content */
		else
			CHECK(kit_revoke(&k, KIT_HOSPITAL, i == 0 ? k.approval_id : i == 1 ? k.workload_id : k.asset_id) == COFFER_OK);
		seq = k.keep.journal.seq;
		CHECK(says(&k, FRESH_REVOKED, "R11"));
		CHECK(k.keep.journal.seq == seq + 1 && outcome_is(&k, "\"outcome\":\"lapsed\""));
		for (size_t n = 0; n < 40; n++)
			CHECK(says(&k, FRESH_REVOKED, "R11"));
		CHECK(k.keep.journal.seq == seq + 16); /* who asks on and on fills no ledger */
	}
}

static void service_that_its_owner_paused_is_said_to_be_paused(void)
{
	CLEANUP(kit_free) struct kit k = { 0 };
	uint8_t pause[32];

	guest(&k);
	CHECK(kit_pause(&k, KIT_HOSPITAL, k.service_id, pause) == COFFER_OK && says(&k, FRESH_PAUSED, "R11"));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, pause) == COFFER_OK && says(&k, FRESH_HELD, ""));
}

static void replaced_content_is_held_unless_its_statement_is_revoked(void)
{
	CLEANUP(kit_free) struct kit k = { 0 };
	struct fresh_said said = { .status = FRESH_HELD };
	uint8_t first[32];

	guest(&k);
	memcpy(first, k.asset_id, 32);
	CHECK(kit_put(&k, KIT_HOSPITAL, "next") == COFFER_OK);
	CHECK(fresh(&k, (struct bend){ .statement = first }, &said) == COFFER_OK && said.status == FRESH_HELD);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, first) == COFFER_OK);
	CHECK(fresh(&k, (struct bend){ .statement = first }, &said) == COFFER_OK && said.status == FRESH_REVOKED);
	CHECK(says(&k, FRESH_HELD, ""));
}

/* Whoever stole the key and sealed something: a guest that was given it gives it up, also once the owner has sealed its own again. */
#define SHARED(version) "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":" version ",\"k\":1,\"of\":[\"hospital\",\"stranger\"]," \
	"\"least-action\":\"stop\",\"policy\":{\"rego\":\"package policy\\nallow := true\"}}"

/* One who decides with the owner revokes what is held, all state it anew: what came with the old statement has to go all the same. */
static void who_decides_too_ends_what_is_held(void)
{
	CLEANUP(kit_free) struct kit k = { 0 };
	struct fresh_said said = { .status = FRESH_HELD };
	uint8_t first[32];

	guest(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	k.bend = (struct kit_bend){ .body = SHARED("2"), .shared = true };
	CHECK(kit_put(&k, KIT_HOSPITAL, "ours") == COFFER_OK && says(&k, FRESH_HELD, ""));
	memcpy(first, k.asset_id, 32);
	k.bend.body = SHARED("3");
	CHECK(kit_put(&k, KIT_HOSPITAL, "ours too") == COFFER_OK);
	k.bend = (struct kit_bend){ 0 };
	CHECK(fresh(&k, (struct bend){ .statement = first }, &said) == COFFER_OK && said.status == FRESH_HELD);
	CHECK(kit_revoke(&k, KIT_STRANGER, first) == COFFER_OK);
	CHECK(fresh(&k, (struct bend){ .statement = first }, &said) == COFFER_OK && said.status == FRESH_REVOKED && says(&k, FRESH_HELD, ""));
}

static void what_a_thief_sealed_is_not_held(void)
{
	CLEANUP(kit_free) struct kit k = { 0 };
	const struct privkey *by[] = { NULL, NULL };
	struct privkey *was, *spare = NULL;
	struct fresh_said said;
	uint8_t theirs[32], id[32];
	int64_t stolen;
	struct err e;

	kit_open(&k);
	kit_deploy(&k);
	stolen = k.now += 60;
	CHECK(kit_put(&k, KIT_HOSPITAL, "of the thief") == COFFER_OK);
	memcpy(theirs, k.asset_id, sizeof(theirs));
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ false }) == COFFER_OK && says(&k, FRESH_HELD, ""));
	by[0] = k.recovery[KIT_HOSPITAL];
	CHECK(kit_compromise(&k, &(struct kit_stolen){ .stolen = k.key[KIT_HOSPITAL], .from = stolen, .by = by }, id) == COFFER_OK && says(&k, FRESH_REVOKED, "R11"));
	CHECK(privkey_new(KEY_ED25519, &spare, &e) == COFFER_OK && kit_rotate(&k, spare) == COFFER_OK);
	was = k.key[KIT_HOSPITAL];
	k.key[KIT_HOSPITAL] = spare;
	CHECK(kit_put(&k, KIT_HOSPITAL, "its own") == COFFER_OK && says(&k, FRESH_HELD, ""));
	CHECK(fresh(&k, (struct bend){ .statement = theirs }, &said) == COFFER_OK && said.status == FRESH_REVOKED);
	k.key[KIT_HOSPITAL] = was;
	privkey_free(spare);
}

static void policy_that_became_stricter_ends_it(void)
{
	CLEANUP(kit_free) struct kit k = { 0 };

	guest(&k);
	k.policy = "package policy\ndefault allow := false\n";
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	CHECK(says(&k, FRESH_ENDED, "R10"));
}

static void only_the_session_itself_asks_and_only_for_what_it_is_entitled_to(void)
{
	CLEANUP(kit_free) struct kit k = { 0 };
	static const uint8_t unknown[32] = { 1 };
	struct fresh_said said = { .status = FRESH_HELD };

	guest(&k);
	CHECK(DENIED(fresh(&k, (struct bend){ .same_counter = true }, &said), k, "R1"));
	CHECK(DENIED(fresh(&k, (struct bend){ .other_key = true }, &said), k, "R1"));
	CHECK(DENIED(fresh(&k, (struct bend){ .other_session = true }, &said), k, "session"));
	CHECK(fresh(&k, (struct bend){ .container = "logger" }, &said) == COFFER_OK && said.status == FRESH_ENDED && strcmp(said.check, "R7") == 0);
	CHECK(fresh(&k, (struct bend){ .path = "hospital/note/absent" }, &said) == COFFER_OK && strcmp(said.check, "policy") == 0);
	CHECK(fresh(&k, (struct bend){ .statement = unknown }, &said) == COFFER_OK && strcmp(said.check, "policy") == 0);
	CHECK(says(&k, FRESH_HELD, ""));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(what_was_released_is_held_and_no_use_is_counted), T(revocation_of_approval_workload_or_what_is_held_ends_it), T(service_that_its_owner_paused_is_said_to_be_paused),
		T(replaced_content_is_held_unless_its_statement_is_revoked), T(who_decides_too_ends_what_is_held), T(what_a_thief_sealed_is_not_held), T(policy_that_became_stricter_ends_it),
		T(only_the_session_itself_asks_and_only_for_what_it_is_entitled_to),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
