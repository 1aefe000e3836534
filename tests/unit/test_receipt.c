/* A receipt of a release that keep made: it holds; with any byte altered, left out or cut off it does not. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "tests/receiptkit.h"
#include "tests/t.h"

static void make(struct kit *k, struct wr *out)
{
	receiptkit_make(k, KIT_HOSPITAL, out);
}

static void released(struct kit *k)
{
	kit_open(k);
	kit_deploy(k);
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(k, (struct kit_get){ 0 }) == COFFER_OK);
}

/* COFFER_OK, or what refuses it; e->check names the check of a denial. */
static enum coffer_rc judge(const struct kit *k, struct span text, struct receipt_view *v, struct err *e)
{
	CLEANUP(receipt_clear) struct receipt r = { 0 };

	*e = (struct err){ 0 };
	TRY(receipt_read(text, &r, e));
	TRY(receipt_verify(&r, k->genesis_id, v, e));
	v->record = (struct span){ 0 }; /* of the receipt, which goes */
	return COFFER_OK;
}

static void receipt_holds_and_says_what_was_released(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	struct receipt_view v;
	struct err e;
	uint8_t id[16];

	released(&k);
	make(&k, &text);
	receiptkit_newest(&k, id);
	CHECK(judge(&k, wr_span(&text), &v, &e) == COFFER_OK);
	if (e.rc != COFFER_OK)
		printf("# %s %s\n", e.check, e.msg);
	CHECK(strcmp(v.asset, KIT_ASSET) == 0 && v.version == 1 && v.index == k.keep.journal.seq && v.size == v.index + 1);
	CHECK(span_eq(SPAN(id), SPAN(v.decision)) && v.rests >= 4);
	for (size_t i = 0; i + 5 < text.n; i++) /* the secret is not in it */
		CHECK(memcmp(text.p + i, "good morning", 5) != 0);
}

/* A manifest is its provider's one approval for its own assets; and parties that came later are known by their introducers. */
static void providers_own_asset_has_one_too_and_newcomers_do_not_hurt(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	struct receipt_view v;
	struct err e;

	released(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK);
	receiptkit_make(&k, KIT_ACME, &text);
	CHECK(judge(&k, wr_span(&text), &v, &e) == COFFER_OK && strcmp(v.asset, "kbs:///acme/note/own") == 0);
	if (e.rc != COFFER_OK)
		printf("# %s %s\n", e.check, e.msg);
}

/* The hospital's recovery quorum gives it another key, which signs from then on. serial, id: of what it said before, and of this. */
static void another_key(struct kit *k, uint64_t serial, uint8_t id[static 32])
{
	CLEANUP(wr_close) struct wr text = wr_open(1u << 14);
	struct party p = { .id = "hospital", .personas = PERSONA_OWNER, .n_keys = 1, .n_recovery = 1, .quorum = 1, .hold_hours = 72 };
	struct keep_statement_req m = { 0 };
	struct json_wr j = jw_open(&text, false);
	struct wr w = wr_open(1u << 16);
	struct privkey *spare = NULL;
	struct err e = { 0 };
	uint8_t before[32];

	memcpy(before, id, sizeof(before));
	CHECK(privkey_new(KEY_P256, &spare, &e) == COFFER_OK);
	p.keys[0] = *privkey_public(spare);
	p.recovery[0] = *privkey_public(k->recovery[KIT_HOSPITAL]);
	party_write(&p, &j);
	wr_u8(&text, 0);
	kit_statement(k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "hospital",
				 .body = (const char *)text.p, .serial = serial + 1, .previous = serial ? before : NULL },
	    &m.statement, id);
	CHECK(dsse_sign(&m.statement, spare, &e) == COFFER_OK &&
	    dsse_sign(&m.statement, k->recovery[KIT_HOSPITAL], &e) == COFFER_OK);
	keep_statement_req_write(&w, &m);
	dsse_clear(&m.statement);
	CHECK(kit_ask(k, KEEP_STATEMENT, &w) == COFFER_OK);
	privkey_free(k->key[KIT_HOSPITAL]);
	k->key[KIT_HOSPITAL] = spare;
}

static void keys_are_followed_through_a_change(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr before = { 0 }, after = { 0 };
	struct receipt_view v;
	uint8_t id[32] = { 0 };
	struct err e;

	released(&k);
	make(&k, &before);
	another_key(&k, 0, id);
	CHECK(kit_put(&k, KIT_HOSPITAL, "by the new key") == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK); /* on an approval by the old one, and an asset by the new */
	make(&k, &after);
	CHECK(judge(&k, wr_span(&before), &v, &e) == COFFER_OK && v.version == 1);
	CHECK(judge(&k, wr_span(&after), &v, &e) == COFFER_OK && v.version == 2);
	if (e.rc != COFFER_OK)
		printf("# %s %s\n", e.check, e.msg);
}

/* What happens later takes nothing from it: neither in force nor the asset's version is asked of today's map. */
static void later_entries_do_not_change_the_verdict(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr before = { 0 }, after = { 0 };
	struct receipt_view v, w;
	struct err e;

	released(&k);
	make(&k, &before);
	CHECK(kit_approve(&k, "", 2, k.approval_id) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK && kit_put(&k, KIT_HOSPITAL, "another") == COFFER_OK);
	k.now += INT64_C(86400) * 400 * 5; /* years */
	make(&k, &after);
	CHECK(judge(&k, wr_span(&before), &v, &e) == COFFER_OK && judge(&k, wr_span(&after), &w, &e) == COFFER_OK);
	CHECK(v.index == w.index && v.time == w.time && v.size < w.size);
}

/* At both ends each, between them every seventh. Any bit of a byte: a form that is none, or a check that names what does not hold. */
static void every_altered_byte_is_found(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	struct receipt_view v;
	size_t denied = 0;
	struct err e;

	released(&k);
	make(&k, &text);
	for (size_t i = 0; i < text.n; i += i < 1000 || i + 1000 > text.n ? 1 : 7) {
		enum coffer_rc rc;

		text.p[i] ^= (uint8_t)(1u << i % 7);
		rc = judge(&k, wr_span(&text), &v, &e);
		text.p[i] ^= (uint8_t)(1u << i % 7);
		if (rc != COFFER_E_INPUT && rc != COFFER_E_LIMIT && !(rc == COFFER_E_DENIED && e.check[0])) {
			printf("# byte %zu (%.*s): rc %d\n", i, (int)(i > 40 ? 40 : i),
			    (const char *)text.p + (i > 40 ? i - 40 : 0), (int)rc);
			CHECK(rc == COFFER_E_DENIED); /* an altered byte was not found */
			return;
		}
		denied += rc == COFFER_E_DENIED;
	}
	CHECK(denied > 1000); /* well formed, and found by what they mean */
	CHECK(judge(&k, wr_span(&text), &v, &e) == COFFER_OK);
}

static void every_prefix_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	struct receipt_view v;
	struct err e;

	released(&k);
	make(&k, &text);
	for (size_t n = 0; n < text.n; n += n < 300 || n + 300 > text.n ? 1 : 97) {
		uint8_t *p = malloc(n ? n : 1);

		CHECK(p);
		if (!p)
			return;
		memcpy(p, text.p, n);
		CHECK(judge(&k, (struct span){ p, n }, &v, &e) == COFFER_E_INPUT);
		free(p);
	}
}

/* ---- a receipt with a part of another ---- */

/* Left out or doubled: the statement of that place. */
static void bend_list(const struct wr *text, size_t at, bool twice, struct wr *out)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr raw = wr_open(RECEIPT_MAX);
	struct json_wr j = jw_open(&raw, false);
	struct err e = { 0 };

	CHECK(json_parse((struct span){ text->p, text->n - 1 }, RECEIPT_MAX, &doc, &e) == COFFER_OK);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		const struct json *v = json_at(json_root(doc), i);

		jw_namen(&j, json_name(json_root(doc), i));
		if (json_type(v) != JSON_ARRAY) {
			jw_value(&j, v);
			continue;
		}
		jw_arr(&j);
		for (size_t n = 0; n < json_len(v); n++)
			for (unsigned t = 0; t < (n == at ? (twice ? 2u : 0u) : 1u); t++)
				jw_value(&j, json_at(v, n));
		jw_arr_end(&j);
	}
	jw_obj_end(&j);
	*out = wr_open(RECEIPT_MAX);
	wr_put(out, wr_span(&raw));
	wr_u8(out, '\n');
}

static void statement_left_out_or_twice_is_found(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct receipt_view v;
	struct err e = { 0 };

	released(&k);
	make(&k, &text);
	CHECK(receipt_read(wr_span(&text), &r, &e) == COFFER_OK && r.n >= 4);
	for (size_t i = 0; i < r.n; i++)
		for (unsigned twice = 0; twice < 2; twice++) {
			CLEANUP(wr_close) struct wr bent = { 0 };

			bend_list(&text, i, twice, &bent);
			CHECK(judge(&k, wr_span(&bent), &v, &e) == COFFER_E_DENIED);
			CHECK(strcmp(e.check, "receipt-rests") == 0);
		}
}

/* Without what a party said of itself last its key of before would still sign. */
static void what_a_party_said_last_is_not_left_out(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct receipt_view v;
	struct err e = { 0 };
	uint8_t id[32] = { 0 };

	released(&k);
	another_key(&k, 0, id);
	CHECK(kit_put(&k, KIT_HOSPITAL, "by the second key") == COFFER_OK);
	another_key(&k, 1, id);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	make(&k, &text);
	CHECK(judge(&k, wr_span(&text), &v, &e) == COFFER_OK && receipt_read(wr_span(&text), &r, &e) == COFFER_OK);
	for (size_t i = 0; i < r.n; i++) {
		CLEANUP(wr_close) struct wr bent = { 0 };
		uint8_t at[32];

		dsse_id(&r.statement[i].env, at);
		if (!span_eq(SPAN(at), SPAN(id)))
			continue;
		bend_list(&text, i, false, &bent);
		CHECK(judge(&k, wr_span(&bent), &v, &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-rests") == 0);
	}
}

static void parts_of_two_releases_do_not_fit(void)
{
	static const char *const parts[] = { "release", "asset", "statements" };
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr one = { 0 }, other = { 0 };
	struct receipt_view v;
	struct err e;

	released(&k);
	make(&k, &one);
	CHECK(kit_put(&k, KIT_HOSPITAL, "another") == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	make(&k, &other);
	CHECK(judge(&k, wr_span(&other), &v, &e) == COFFER_OK && v.version == 2);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		CLEANUP(wr_close) struct wr bent = { 0 };

		receiptkit_splice(&other, &one, parts[i], &bent);
		CHECK(judge(&k, wr_span(&bent), &v, &e) == COFFER_E_DENIED);
		CHECK(strncmp(e.check, i == 0 ? "ledger-inclusion" : "receipt-", i == 0 ? 16 : 8) == 0 ||
		      strcmp(e.check, "ledger-inclusion") == 0);
	}
}

static void another_genesis_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	struct receipt_view v;
	struct err e;

	released(&k);
	make(&k, &text);
	k.genesis_id[5] ^= 1;
	CHECK(judge(&k, wr_span(&text), &v, &e) == COFFER_E_DENIED && strcmp(e.check, "genesis") == 0);
}

/* ---- a service that was broken into ---- */

/* Enters a release that no decision allowed, with all that a true one has but what is left out of it. */
struct lie { const char *container, *purpose, *asset_by; bool approval, service, images; const char *approved_by; /* NULL: by all who did */ };

static void lie_of(struct kit *k, const struct lie *x)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	CLEANUP(tx_end) struct tx tx = { 0 };
	CLEANUP(q_close)
	struct q rests = q_open(k->keep.store,
	    "SELECT lower(hex(id)) FROM statement s WHERE (kind=5 AND issuer=?4 AND NOT EXISTS(SELECT 1 FROM statement n"
	    " WHERE n.kind=5 AND n.issuer=s.issuer AND n.subject=s.subject AND n.serial>s.serial)) OR (kind=7 AND ?1 AND (?5='' OR issuer=?5)) OR (kind=3 AND ?2) OR (kind=4 AND ?3"
	    " AND NOT EXISTS(SELECT 1 FROM statement n WHERE n.kind=4 AND n.issuer=s.issuer AND n.subject=s.subject AND n.serial>s.serial))");
	CLEANUP(q_close)
	struct q row = q_open(k->keep.store, "INSERT INTO decision VALUES(?,?,'hospital',x'7b7d','acme',x'7b7d')");
	char workload[HEX32_LEN];
	uint8_t id[16];
	struct err e = { 0 };
	bool some = false, more = false;

	random_bytes(id, sizeof(id));
	q_i64(&rests, x->approval);
	q_i64(&rests, x->service);
	q_i64(&rests, x->images);
	q_text(&rests, span_of(x->asset_by));
	q_text(&rests, span_of(x->approved_by ? x->approved_by : ""));
	wr_fmt(&w, "{\"asset\":\"" KIT_ASSET "\",\"container\":\"%s\",\"decision\":\"", x->container);
	hex_write(&w, SPAN(id));
	wr_fmt(&w, "\",\"key\":\"%064d\",\"platform\":\"sample\",\"purpose\":\"%s\",\"reply\":\"%064d\",\"rests\":[", 1, x->purpose, 2);
	for (; q_row(&rests, &some, &e) == COFFER_OK && some; more = true) {
		wr_str(&w, more ? ",\"" : "\"");
		wr_put(&w, q_col(&rests, 0));
		wr_str(&w, "\"");
	}
	hex32(k->workload_id, workload);
	wr_fmt(&w, "],\"version\":1,\"workload\":\"%s\"}", workload);
	CHECK(tx_begin(&k->keep.journal, &tx, &e) == COFFER_OK);
	CHECK(journal_append(&k->keep.journal, "release", wr_span(&w), k->now, &e) == COFFER_OK);
	q_blob(&row, SPAN(id));
	q_i64(&row, (int64_t)k->keep.journal.seq);
	CHECK(q_run(&row, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK);
}

static void lie(struct kit *k, const char *container, const char *purpose, bool approval, bool service, bool images)
{
	lie_of(k, &(struct lie){ container, purpose, "hospital", approval, service, images, NULL });
}

static void release_on_nobodys_word_has_no_receipt_that_holds(void)
{
	static const struct {
		const char *container, *purpose;
		bool approval, service, images, holds;
	} lies[] = {
		{ "analyse", "api", true, true, true, true }, /* as a true one: what is left out below is what counts */
		{ "analyse", "api", false, true, true, false },
		{ "analyse", "api", true, false, true, false },
		{ "analyse", "api", true, true, false, false },
		{ "logger", "api", true, true, true, false },
		{ "nobody", "api", true, true, true, false },
		{ "analyse", "image-key", true, true, true, false },
	};
	CLEANUP(kit_free) struct kit k;
	struct receipt_view v;
	struct err e;

	released(&k);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		CLEANUP(wr_close) struct wr text = { 0 };
		enum coffer_rc rc;

		lie(&k, lies[i].container, lies[i].purpose, lies[i].approval, lies[i].service, lies[i].images);
		make(&k, &text);
		rc = judge(&k, wr_span(&text), &v, &e);
		CHECK(lies[i].holds ? rc == COFFER_OK : rc == COFFER_E_DENIED && strcmp(e.check, "receipt-rights") == 0);
		if (rc != COFFER_OK || lies[i].holds)
			printf("# %zu: %s %s\n", i, e.check, e.msg);
	}
}

/* The image's provider says later that it is of a lower version than the manifest asks for: what rests on that word is no release. */
static void release_of_an_image_below_its_minimum_has_no_receipt_that_holds(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t was[32];
	struct err e;

	kit_open(&k);
	k.image_minimum = k.image_version = 3;
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	for (unsigned version = 3; version > 1; version--) {
		CLEANUP(wr_close) struct wr text = { 0 };
		struct receipt_view v;
		enum coffer_rc rc;

		k.image_version = version;
		memcpy(was, k.release_id, 32);
		CHECK(version == 3 || kit_release(&k, 2, 2, was) == COFFER_OK);
		lie(&k, "analyse", "api", true, true, true);
		make(&k, &text);
		rc = judge(&k, wr_span(&text), &v, &e);
		CHECK(version == 3 ? rc == COFFER_OK : rc == COFFER_E_DENIED && strcmp(e.check, "receipt-rights") == 0 && strstr(e.msg, "security version"));
	}
}

/* Logs what keep would not admit. */
static void forge(struct kit *k, const struct kit_st *st, const struct privkey *also)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct logged l;
	struct err e = { 0 };
	uint8_t id[32];

	kit_statement(k, st, &env, id);
	CHECK(!also || dsse_sign(&env, also, &e) == COFFER_OK);
	CHECK(statement_parse(wr_span(&env.payload), &s, &e) == COFFER_OK && tx_begin(&k->keep.journal, &tx, &e) == COFFER_OK);
	CHECK(admit_log(&k->keep, &s, &env, &l, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK);
}

#define OF(n, list) "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":1,\"k\":" n ",\"of\":[" list "],\"least-action\":\"stop\"}"

static enum coffer_rc judge_lie_of(struct kit *k, const struct lie *x, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	struct receipt_view v;

	lie_of(k, x);
	make(k, &text);
	return judge(k, wr_span(&text), &v, e);
}

static enum coffer_rc judge_lie(struct kit *k, const char *asset_by, struct err *e)
{
	return judge_lie_of(k, &(struct lie){ "analyse", "api", asset_by, true, true, true, NULL }, e);
}

static void approve_by_stranger(struct kit *k)
{
	char workload[HEX32_LEN], service[HEX32_LEN];
	CLEANUP(freep) char *body = NULL, *subject = NULL;

	hex32(k->manifest, workload);
	hex32(k->service_id, service);
	subject = str_fmt(KIT_ASSET ",workload:%s", workload);
	body = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],"
	               "\"until\":\"2027-06-01T00:00:00Z\",\"shown\":\"%s\"}", workload, service, workload);
	forge(k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = subject, .body = body }, NULL);
}

/* Of an asset of two a stranger's approval is no second one; nor does one owner's word make it one of two; nor is it a stranger's to state. */
static void strangers_word_is_not_an_owners(void)
{
	CLEANUP(kit_free) struct kit k;
	struct err e;
	struct kit_st two = { .kind = ST_ASSET, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = KIT_ASSET,
		.body = OF("2", "\"hospital\",\"acme\""), .serial = 2 }, theirs = { .kind = ST_ASSET, .issuer = KIT_STRANGER,
		.also = KIT_STRANGER, .subject = KIT_ASSET, .body = OF("1", "\"hospital\"") };

	released(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	two.previous = k.asset_id;
	two.digest = theirs.digest = k.asset_digest;
	approve_by_stranger(&k);
	CHECK(judge_lie(&k, "hospital", &e) == COFFER_OK); /* of one: the hospital's own suffices */
	CHECK(judge_lie_of(&k, &(struct lie){ "analyse", "api", "hospital", true, true, true, "stranger" }, &e) == COFFER_E_DENIED);
	CHECK(strcmp(e.check, "receipt-rights") == 0 && strstr(e.msg, "fewer parties"));
	forge(&k, &two, k.key[KIT_ACME]);
	CHECK(judge_lie(&k, "hospital", &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-rights") == 0);
	forge(&k, &theirs, NULL);
	CHECK(judge_lie(&k, "stranger", &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-signature") == 0);
}

/* A founder states a service with a ledger of its own: whoever keeps this ledger is not that one. */
static void service_of_another_ledger_is_not_this_one(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL, *named = NULL;
	struct pubkey was;
	struct err e;

	released(&k);
	CHECK(judge_lie(&k, "hospital", &e) == COFFER_OK);
	was = k.ledger;
	k.ledger = *privkey_public(k.key[KIT_ACME]);
	body = kit_service_body(&k);
	k.ledger = was;
	named = str_fmt("{\"id\":\"other\"%s", strchr(body, ','));
	CHECK(strncmp(body, "{\"id\":\"trust\",", 14) == 0);
	forge(&k, &(struct kit_st){ .kind = ST_SERVICE, .subject = "other", .body = named }, NULL);
	CHECK(judge_lie(&k, "hospital", &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-rights") == 0 && strstr(e.msg, "another ledger"));
}

static void co_owner_that_did_not_sign_is_missed(void)
{
	CLEANUP(kit_free) struct kit k;
	struct err e;
	struct kit_st two = { .kind = ST_ASSET, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = KIT_ASSET,
		.body = OF("1", "\"hospital\",\"acme\""), .serial = 2 };

	released(&k);
	two.previous = k.asset_id;
	two.digest = k.asset_digest;
	forge(&k, &two, NULL);
	CHECK(judge_lie(&k, "hospital", &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-signature") == 0);
}

/* ---- what keep hands out ---- */

static void receipts_go_to_whom_the_release_concerns(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[16];

	released(&k);
	receiptkit_newest(&k, id);
	CHECK(receiptkit_ask(&k, KIT_HOSPITAL, id) == COFFER_OK && receiptkit_ask(&k, KIT_ACME, id) == COFFER_OK);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(receiptkit_ask(&k, KIT_STRANGER, id) == COFFER_E_NOTFOUND);
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK);
	receiptkit_newest(&k, id);
	CHECK(receiptkit_ask(&k, KIT_ACME, id) == COFFER_OK && receiptkit_ask(&k, KIT_HOSPITAL, id) == COFFER_E_NOTFOUND);
	id[0] ^= 1;
	CHECK(receiptkit_ask(&k, KIT_ACME, id) == COFFER_E_NOTFOUND);
}

static void denials_have_no_receipt(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[16];

	released(&k);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED);
	receiptkit_newest(&k, id);
	CHECK(receiptkit_ask(&k, KIT_HOSPITAL, id) == COFFER_E_NOTFOUND);
}

/* Released under two witnesses of three; the third signs later, and is carried too. */
static void receipt_carries_the_witnesses(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(freep) char *whole = NULL, *cut = NULL, *two = NULL;
	uint8_t ticket[KEEP_TICKET_LEN];
	struct keep_round_rep round;
	struct receipt_view v;
	const char *line;
	struct err e;

	kit_open_witnessed(&k, 3, 2);
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && kit_ticket(&k, ticket));
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK && kit_witness(&k, 2) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
	make(&k, &text);
	CHECK(judge(&k, wr_span(&text), &v, &e) == COFFER_OK && v.size == v.index + 1);
	whole = span_dup(wr_span(&text));
	line = whole ? strstr(whole, "witness.example/2 ") : NULL;
	CHECK(line && strstr(whole, "witness.example/0 ") && !strstr(whole, "witness.example/1 "));
	/* without one of the two lines it is one too few */
	cut = str_fmt("%.*s%s", (int)(strstr(whole, "\xe2\x80\x94 witness.example/2 ") - whole), whole, strstr(line, "\\n") + 2);
	CHECK(cut && judge(&k, span_of(cut), &v, &e) == COFFER_E_DENIED && !strcmp(e.check, "ledger-witness"));
	/* and with one of them twice, something in it is not counted */
	two = str_fmt("%.*s\xe2\x80\x94 %.*s%s", (int)(strstr(whole, "\xe2\x80\x94 witness.example/2 ") - whole), whole,
	    (int)(strstr(line, "\\n") + 2 - line), line, line - 4);
	CHECK(two && judge(&k, span_of(two), &v, &e) == COFFER_E_DENIED && !strcmp(e.check, "ledger-signature"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(receipt_carries_the_witnesses),
		T(receipt_holds_and_says_what_was_released),
		T(providers_own_asset_has_one_too_and_newcomers_do_not_hurt),
		T(keys_are_followed_through_a_change), T(later_entries_do_not_change_the_verdict),
		T(every_altered_byte_is_found),
		T(every_prefix_is_refused),
		T(statement_left_out_or_twice_is_found),
		T(what_a_party_said_last_is_not_left_out),
		T(parts_of_two_releases_do_not_fit),
		T(release_on_nobodys_word_has_no_receipt_that_holds), T(release_of_an_image_below_its_minimum_has_no_receipt_that_holds),
		T(strangers_word_is_not_an_owners), T(service_of_another_ledger_is_not_this_one), T(co_owner_that_did_not_sign_is_missed),
		T(another_genesis_is_refused),
		T(receipts_go_to_whom_the_release_concerns),
		T(denials_have_no_receipt),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
