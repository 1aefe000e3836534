/* What a receipt shows of revocations, pauses and minima: every word of those whose word counts for the release, and nobody else's; and a
 * store of before the ledger's map held them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "replay/replay.h"
#include "tests/receiptkit.h"
#include "tests/t.h"
#include "trust/ledger/leaf.h"
#include "trust/thing.h"

static void released(struct kit *k)
{
	kit_open(k);
	kit_deploy(k);
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(k, (struct kit_get){ 0 }) == COFFER_OK);
}

/* "" where it holds, and is shown; else the check. */
static const char *judge(const struct kit *k, const struct wr *text, struct err *e)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	enum coffer_rc rc = receiptkit_replay(k, wr_span(text), (struct span){ 0 }, out, e);

	if (rc == COFFER_OK)
		return out->v.said ? "" : "not shown";
	return rc == COFFER_E_DENIED ? e->check : "malformed";
}

static const char *judge_newest(struct kit *k, enum kit_party who, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	receiptkit_make(k, who, &text);
	return judge(k, &text, e);
}

/* The list of that member with item `at` left out, or the one behind it in its place and it behind; or member `part` of it taken from that. */
enum bend { LEFT_OUT, MOVED, OTHERS };
struct how { enum bend bend; const char *list, *part; size_t at; };

static void put_item(struct json_wr *j, const struct json *o, const struct json *other, const char *part)
{
	jw_obj(j);
	for (size_t i = 0; i < json_len(o); i++) {
		jw_namen(j, json_name(o, i));
		jw_value(j, span_eq_str(json_name(o, i), part) ? json_get(other, part) : json_at(o, i));
	}
	jw_obj_end(j);
}

static void put_list(struct json_wr *j, const struct json *list, const struct how *h)
{
	jw_arr(j);
	for (size_t i = 0; i < json_len(list); i++) {
		size_t from = h->bend == MOVED && i == h->at ? i + 1 : h->bend == MOVED && i == h->at + 1 ? i - 1 : i;

		if (h->bend == LEFT_OUT && i == h->at)
			continue;
		if (h->bend == OTHERS && i == h->at)
			put_item(j, json_at(list, i), json_at(list, i + 1), h->part);
		else
			jw_value(j, json_at(list, from));
	}
	jw_arr_end(j);
}

/* at SIZE_MAX: the whole member is left out. */
static void bend(const struct wr *text, const struct how *h, struct wr *out)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e = { 0 };
	struct json_wr j;

	*out = wr_open(RECEIPT_MAX);
	j = jw_open(out, false);
	CHECK(json_parse((struct span){ text->p, text->n - 1 }, RECEIPT_MAX, &doc, &e) == COFFER_OK);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		const struct json *v = json_at(json_root(doc), i);
		bool it = span_eq_str(json_name(json_root(doc), i), h->list);

		if (it && h->at == SIZE_MAX)
			continue;
		jw_namen(&j, json_name(json_root(doc), i));
		if (it)
			put_list(&j, v, h);
		else
			jw_value(&j, v);
	}
	jw_obj_end(&j);
	wr_u8(out, '\n');
}

static void refused(const struct kit *k, const struct wr *text, struct how h, const char *check)
{
	CLEANUP(wr_close) struct wr bent = { 0 };
	struct err e = { 0 };
	const char *got;

	bend(text, &h, &bent);
	got = judge(k, &bent, &e);
	CHECK(strcmp(got, check) == 0);
	if (strcmp(got, check) != 0)
		printf("# %s %zu bent %d: %s %s\n", h.list, h.at, (int)h.bend, got, e.msg);
}

static void every_word_is_there_in_its_place_and_of_its_party(void)
{
	static const char *const parts[] = { "by", "subject", "proof" };
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct err e = { 0 };

	released(&k);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(strcmp(judge(&k, &text, &e), "") == 0 && receipt_read(wr_span(&text), &r, &e) == COFFER_OK && r.n_said > 10);
	refused(&k, &text, (struct how){ LEFT_OUT, "said", NULL, SIZE_MAX }, "receipt-said");
	{
		CLEANUP(wr_close) struct wr bent = { 0 };

		bend(&text, &(struct how){ LEFT_OUT, "said", NULL, SIZE_MAX }, &bent);
		CHECK(strcmp(judge(&k, &bent, &e), "receipt-said") == 0 && strstr(e.msg, "is not in it"));
	}
	for (size_t i = 0; i < r.n_said; i++) {
		refused(&k, &text, (struct how){ LEFT_OUT, "said", NULL, i }, "receipt-said");
		if (i + 1 == r.n_said)
			break;
		refused(&k, &text, (struct how){ MOVED, "said", NULL, i }, "receipt-said");
		for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
			bool same = p == 0 ? strcmp(r.said[i].by, r.said[i + 1].by) == 0
			          : p == 1 ? span_eq(SPAN(r.said[i].subject), SPAN(r.said[i + 1].subject))
			                   : span_eq(wr_span(&r.said[i].proof), wr_span(&r.said[i + 1].proof));

			if (!same)
				refused(&k, &text, (struct how){ OTHERS, "said", parts[p], i }, "receipt-said");
		}
	}
}

/* ---- what a party that counts said ---- */

/* Where the service released all the same. Without the statement in it the receipt does not hold either. */
static void held_back(struct kit *k, enum kit_party who)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct err e = { 0 };

	receiptkit_lie(k, NULL);
	receiptkit_make(k, who, &text);
	CHECK(strcmp(judge(k, &text, &e), "receipt-force") == 0);
	if (strcmp(e.check, "receipt-force") != 0)
		printf("# %s %s\n", e.check, e.msg);
	CHECK(receipt_read(wr_span(&text), &r, &e) == COFFER_OK);
	refused(k, &text, (struct how){ LEFT_OUT, "statements", NULL, r.n - 1 }, "receipt-said"); /* it came last */
}

static void pause_by_one_who_counts_is_in_it(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t pause[32], again[32];
	struct err e = { 0 };

	released(&k);
	CHECK(kit_pause(&k, KIT_HOSPITAL, k.workload_id, pause) == COFFER_OK);
	held_back(&k, KIT_HOSPITAL);
	k.now += 1; /* lifted: with both words it holds */
	CHECK(kit_revoke(&k, KIT_HOSPITAL, pause) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(strcmp(judge_newest(&k, KIT_HOSPITAL, &e), "") == 0);
	if (e.check[0])
		printf("# %s %s\n", e.check, e.msg);
	{
		CLEANUP(wr_close) struct wr text = { 0 };
		CLEANUP(receipt_clear) struct receipt r = { 0 };

		receiptkit_make(&k, KIT_HOSPITAL, &text);
		CHECK(receipt_read(wr_span(&text), &r, &e) == COFFER_OK);
		refused(&k, &text, (struct how){ LEFT_OUT, "statements", NULL, r.n - 1 }, "receipt-said");
		refused(&k, &text, (struct how){ LEFT_OUT, "statements", NULL, r.n - 2 }, "receipt-said");
	}
	CHECK(kit_pause(&k, KIT_ACME, k.workload_id, again) == COFFER_OK);
	held_back(&k, KIT_HOSPITAL);
	k.now += 3600; /* it ended by itself */
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && strcmp(judge_newest(&k, KIT_HOSPITAL, &e), "") == 0);
}

/* Of a with the last statements of b behind its own. */
static void append(const struct wr *a, const struct wr *b, size_t n, struct wr *out)
{
	CLEANUP(json_freep) struct json_doc *x = NULL, *y = NULL;
	const struct json *more;
	struct err e = { 0 };
	struct json_wr j;

	*out = wr_open(RECEIPT_MAX);
	j = jw_open(out, false);
	CHECK(json_parse((struct span){ a->p, a->n - 1 }, RECEIPT_MAX, &x, &e) == COFFER_OK && json_parse((struct span){ b->p, b->n - 1 }, RECEIPT_MAX, &y, &e) == COFFER_OK);
	more = json_get(json_root(y), "statements");
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(x)); i++) {
		const struct json *v = json_at(json_root(x), i);

		jw_namen(&j, json_name(json_root(x), i));
		if (!span_eq_str(json_name(json_root(x), i), "statements")) {
			jw_value(&j, v);
			continue;
		}
		jw_arr(&j);
		for (size_t k = 0; k < json_len(v); k++)
			jw_value(&j, json_at(v, k));
		for (size_t k = json_len(more) - n; k < json_len(more); k++)
			jw_value(&j, json_at(more, k));
		jw_arr_end(&j);
	}
	jw_obj_end(&j);
	wr_u8(out, '\n');
}

/* A service releases what was revoked, and shows only what the same party said next: a pause, that has ended. */
static void word_that_could_be_a_revocation_is_not_left_out(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 }, less = { 0 };
	struct keep_logged_rep revoked;
	struct err e = { 0 };
	uint8_t pause[32];

	released(&k);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.workload_id) == COFFER_OK && keep_logged_rep_read(wr_span(&k.answer), &revoked, &e) == COFFER_OK);
	CHECK(kit_pause(&k, KIT_HOSPITAL, k.workload_id, pause) == COFFER_OK);
	k.now += 7200;
	receiptkit_lie(&k, NULL);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(strcmp(judge(&k, &text, &e), "receipt-force") == 0);
	receiptkit_begin(&text, &(struct receiptkit_begin){ revoked.id, "against", "hospital", k.workload_id }, &less);
	CHECK(strcmp(judge(&k, &less, &e), "receipt-said") == 0 && strstr(e.msg, "the first is left out"));
}

/* What the hospital said of the workload bears on its own assets: in the provider's receipt it has no place. */
static void what_bears_on_nothing_is_not_in_it(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr theirs = { 0 }, ours = { 0 }, both = { 0 };
	uint8_t pause[32], id[16];
	struct err e = { 0 };

	released(&k);
	CHECK(kit_pause(&k, KIT_HOSPITAL, k.workload_id, pause) == COFFER_OK && kit_revoke(&k, KIT_HOSPITAL, pause) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_newest(&k, id);
	receiptkit_make(&k, KIT_HOSPITAL, &theirs);
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK); /* of the same map: it counts nothing */
	receiptkit_make(&k, KIT_ACME, &ours);
	receiptkit_of(&k, KIT_HOSPITAL, id, &theirs);
	CHECK(strcmp(judge(&k, &ours, &e), "") == 0 && strcmp(judge(&k, &theirs, &e), "") == 0);
	append(&ours, &theirs, 2, &both);
	CHECK(strcmp(judge(&k, &both, &e), "receipt-said") == 0);
	if (strcmp(e.check, "receipt-said") != 0)
		printf("# %s %s\n", e.check, e.msg);
}

/* The recovery quorum pauses too; and a service that lifts a pause in its owner's name has no receipt that says so. */
static void word_is_by_its_party(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(freep) char *body = NULL, *lift = NULL;
	char workload[HEX32_LEN], paused[HEX32_LEN];
	uint8_t pause[32], id[32];
	struct err e = { 0 };
	struct logged l;
	struct tx tx = { 0 };

	released(&k);
	hex32(k.workload_id, workload);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"x\"}", workload);
	CHECK(kit_log_by(&k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = workload, .digest = k.workload_id,
	    .body = body, .expires = k.now + 3600 }, (const struct privkey *[]){ k.recovery[KIT_HOSPITAL], NULL }, pause) == COFFER_OK);
	held_back(&k, KIT_HOSPITAL);
	hex32(pause, paused);
	lift = str_fmt("{\"statement\":\"%s\",\"reason\":\"x\"}", paused);
	kit_statement(&k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_ACME, .also = KIT_ACME, .issuer_name = "hospital", .subject = paused, .digest = pause,
	    .body = lift }, &env, id);
	CHECK(statement_parse(wr_span(&env.payload), &s, &e) == COFFER_OK && tx_begin(&k.keep.journal, &tx, &e) == COFFER_OK);
	CHECK(admit_log(&k.keep, &s, &env, &l, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK);
	receiptkit_lie(&k, NULL);
	CHECK(strcmp(judge_newest(&k, KIT_HOSPITAL, &e), "receipt-signature") == 0);
	if (strcmp(e.check, "receipt-signature") != 0)
		printf("# %s %s\n", e.check, e.msg);
}

/* For its own assets alone: the provider's release goes on, and its receipt holds. */
static void owners_revocation_of_a_workload_is_its_own(void)
{
	CLEANUP(kit_free) struct kit k;
	struct err e = { 0 };

	released(&k);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.workload_id) == COFFER_OK);
	held_back(&k, KIT_HOSPITAL);
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK && strcmp(judge_newest(&k, KIT_ACME, &e), "") == 0);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k.no.check, "R11") == 0);
	CHECK(kit_revoke(&k, KIT_ACME, k.workload_id) == COFFER_OK && kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_E_DENIED);
}

static void owners_word_against_the_service_is_its_own(void)
{
	CLEANUP(kit_free) struct kit k;
	struct err e = { 0 };
	uint8_t pause[32];

	released(&k);
	CHECK(kit_pause(&k, KIT_HOSPITAL, k.service_id, pause) == COFFER_OK);
	held_back(&k, KIT_HOSPITAL);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k.no.check, "R11") == 0 && strstr(k.no.reason, "paused by hospital"));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK && strcmp(judge_newest(&k, KIT_ACME, &e), "") == 0);
	k.now += 1;
	CHECK(kit_revoke(&k, KIT_HOSPITAL, pause) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(strcmp(judge_newest(&k, KIT_HOSPITAL, &e), "") == 0);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.service_id) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k.no.check, "R11") == 0);
	held_back(&k, KIT_HOSPITAL);
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK && strcmp(judge_newest(&k, KIT_ACME, &e), "") == 0);
}

static void image_is_revoked_by_content(void)
{
	static const enum kit_party by[] = { KIT_HOSPITAL, KIT_ACME };

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		CLEANUP(kit_free) struct kit k;
		struct thing image;
		uint8_t id[32];

		released(&k);
		{
			CLEANUP(q_close) struct q q = q_open(k.keep.store, "SELECT substr(subject, -32) FROM statement WHERE kind=4 LIMIT 1");
			struct err e = { 0 };
			uint8_t digest[32];
			bool row = false;

			CHECK(q_row(&q, &row, &e) == COFFER_OK && row && q_col_fixed(&q, 0, digest, 32));
			thing_image(digest, &image);
		}
		CHECK(kit_revoke_thing(&k, by[i], image.text, id) == COFFER_OK);
		CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k.no.check, "R11") == 0 && strstr(k.no.reason, image.text));
		held_back(&k, KIT_HOSPITAL);
	}
}

/* By who decides, and by the images' and workload's provider; wholly, and from the time of the release on. */
static void key_of_images_is_revoked(void)
{
	for (int i = 0; i < 4; i++) {
		CLEANUP(kit_free) struct kit k;
		uint8_t id[32];

		released(&k);
		CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_STRANGER, 0, 0, NULL }, id) != COFFER_OK || kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
		CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ i < 2 ? KIT_HOSPITAL : KIT_ACME, i % 2 ? k.now : 0, 0, NULL }, id) == COFFER_OK);
		CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k.no.check, "R11") == 0 && strstr(k.no.reason, KIT_IMAGE_KEY));
		held_back(&k, KIT_HOSPITAL);
	}
}

/* What was released before the key was stolen stands, in the receipt too; named earlier, it does not, and nothing said later takes that back. */
static void release_of_before_its_key_was_stolen_stands(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], next[32];
	struct err e = { 0 };
	int64_t deployed;

	released(&k);
	deployed = k.now;
	k.now += 100;
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, deployed + 50, 0, NULL }, id) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && strcmp(judge_newest(&k, KIT_HOSPITAL, &e), "") == 0);
	if (e.check[0])
		printf("# %s %s\n", e.check, e.msg);
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, deployed, 2, id }, next) == COFFER_OK);
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, deployed + 60, 3, next }, id) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k.no.check, "R11") == 0);
	receiptkit_lie(&k, NULL);
	CHECK(strcmp(judge_newest(&k, KIT_HOSPITAL, &e), "receipt-force") == 0);
}

/* A store by rule 2: its receipts show what they showed; from rule 3 on the map is asked of keys too. */
static void receipts_of_before_keys_were_revoked_hold(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr was = { 0 }, is = { 0 };
	struct err e = { 0 };

	kit_open(&k);
	k.keep.journal.tree.rule = 2;
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_make(&k, KIT_HOSPITAL, &was);
	CHECK(strcmp(judge(&k, &was, &e), "") == 0);
	k.keep.journal.tree.rule = 3;
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_make(&k, KIT_HOSPITAL, &is);
	CHECK(strcmp(judge(&k, &is, &e), "") == 0);
	CHECK(is.n > was.n && !memmem(was.p, was.n, KIT_IMAGE_KEY_ID, 64) && memmem(is.p, is.n, KIT_IMAGE_KEY_ID, 64));
}

/* How many statements and words a receipt has; 0: it does not hold. */
static size_t size_of(struct kit *k)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct err e = { 0 };

	receiptkit_make(k, KIT_HOSPITAL, &text);
	if (strcmp(judge(k, &text, &e), "") != 0 || receipt_read(wr_span(&text), &r, &e) != COFFER_OK) {
		printf("# %s %s\n", e.check, e.msg);
		return 0;
	}
	return r.n * 10000 + r.n_said;
}

/* By rule 3 an owner's word against a service, an approval of another's or a boot image was not asked for, since none was taken. */
static void receipts_of_before_owners_stopped_services_hold(void)
{
	CLEANUP(kit_free) struct kit k;
	size_t was, is;

	kit_open(&k);
	k.keep.journal.tree.rule = 3;
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	was = size_of(&k);
	k.keep.journal.tree.rule = 4;
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	is = size_of(&k);
	CHECK(was > 0 && is == was + 1); /* the hospital's against the service */
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.service_id) == COFFER_OK);
	held_back(&k, KIT_HOSPITAL);
}

/* ---- what a stranger said ---- */

static void stranger_says(struct kit *k, unsigned what, unsigned n)
{
	CLEANUP(freep) char *text = str_fmt("chip:snp:%08x", n), *tcb = str_fmt("{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":%u}}]}", 200 + n);
	const uint8_t *ids[] = { k->workload_id, k->release_id, k->service_id };
	uint8_t id[32];
	struct thing image;

	switch (what) {
	case 0: CHECK(kit_revoke(k, KIT_STRANGER, ids[n % 3]) == COFFER_OK || k->no.check[0]); return; /* the same again is no next serial */
	case 1: CHECK(kit_pause(k, KIT_STRANGER, ids[n % 3], id) == COFFER_OK || k->no.check[0]); return;
	case 2: CHECK(kit_revoke_thing(k, KIT_STRANGER, text, id) == COFFER_OK || k->no.check[0]); return;
	case 3:
		sha256(span_of(text), id);
		thing_image(id, &image);
		CHECK(kit_revoke_thing(k, KIT_STRANGER, image.text, id) == COFFER_OK);
		return;
	default: CHECK(kit_log(k, &(struct kit_st){ .kind = ST_TCB, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = "snp", .body = tcb }, id) == COFFER_OK || k->no.check[0]);
	}
}

/* Whatever it says, in whatever order: the next release's receipt holds, with no word more or less in it. */
static void strangers_word_changes_nobodys_receipt(void)
{
	CLEANUP(kit_free) struct kit k;
	size_t want;
	unsigned seed = 7;

	released(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	want = size_of(&k);
	CHECK(want > 0);
	for (unsigned i = 0; i < 24; i++) {
		seed = seed * 1103515245u + 12345u;
		stranger_says(&k, (seed >> 16) % 5, i);
		if (i % 4 == 3)
			CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && size_of(&k) == want);
	}
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL));
}

/* ---- a store of before ---- */

struct old { struct kit k; char dir[64]; struct keep_config c; };

static void old_free(struct old *o)
{
	CLEANUP(freep) char *cmd = str_fmt("rm -rf %s", o->dir);

	kit_free(&o->k);
	CHECK(cmd && system(cmd) == 0);
}

static enum coffer_rc reopen(struct old *o, struct err *e)
{
	struct keep_keys keys = { 0 };

	if (o->k.keep.store) {
		close(o->k.keep.eval);
		keep_close(&o->k.keep);
	}
	TRY(keys_load(o->dir, &keys, e));
	TRY(keep_open(o->dir, &keys, &o->c, o->k.now, &o->k.keep, e));
	o->k.keep.eval = kit_eval();
	return COFFER_OK;
}

static void old_open(struct old *o)
{
	struct keep_keys keys = { 0 };
	struct err e = { 0 };

	(void)snprintf(o->dir, sizeof(o->dir), "/tmp/coffer-test-said.XXXXXX");
	CHECK(mkdtemp(o->dir) != NULL && keys_new(&keys, &e) == COFFER_OK && keep_found(&keys, o->dir, &e) == COFFER_OK);
	kit_new(&o->k, &keys);
	keys_clear(&keys);
	o->k.fd = -1;
	o->k.policy = KIT_POLICY;
	o->c = (struct keep_config){ .id = { (const uint8_t *)"trust", 5 }, .genesis = o->k.genesis };
	memcpy(o->c.genesis_id, o->k.genesis_id, 32);
	CHECK(reopen(o, &e) == COFFER_OK);
	kit_age(&o->k);
	kit_deploy(&o->k);
	CHECK(kit_begin(&o->k) == COFFER_OK && kit_attest(&o->k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(&o->k, (struct kit_get){ 0 }) == COFFER_OK && o->k.keep.journal.tree.rule == 1);
}

static enum coffer_rc fsck(struct old *o, bool repair, struct err *e)
{
	struct fsck_found f;

	close(o->k.keep.eval);
	keep_close(&o->k.keep);
	return keep_fsck(o->dir, repair, o->k.now, &f, e);
}

static void damage(const struct old *o, const char *sql)
{
	CLEANUP(freep) char *path = str_fmt("%s/keep.db", o->dir);
	struct store *s = NULL;
	struct err e = { 0 };

	CHECK(path && store_open(path, &s, &e) == COFFER_OK);
	{
		CLEANUP(q_close) struct q q = q_open(s, sql);

		CHECK(q_run(&q, &e) == COFFER_OK && q_changes(s) > 0);
	}
	store_close(s);
}

/* What was said before the switch counts after it, the old release's receipt says what it does not show, and no store goes back. */
static enum coffer_rc spend(struct kit *k, enum keep_type type, const char *method, const char *path, const uint8_t id[static 16])
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_decision_req m = { 0 };
	struct wr w = wr_open(1u << 16);

	memcpy(m.id, id, sizeof(m.id));
	kit_auth(k, KIT_HOSPITAL, method, path, &m.auth, &own);
	keep_decision_req_write(&w, &m);
	return kit_ask(k, type, &w);
}

/* net, broken into, spends an owner's token for another read on a receipt, or says that the owner has it, so that its evidence may be pruned. */
static void token_for_another_request_fetches_no_receipt_and_says_nothing(void)
{
	char mine[64] = "/coffer/v0/receipts/";
	const char *const paths[] = { "/coffer/v0/decisions", "/coffer/v0/receipts/00000000000000000000000000000000" };
	CLEANUP(kit_free) struct kit k;
	uint8_t id[16];

	kit_open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_newest(&k, id);
	for (size_t n = 0; n < sizeof(id); n++)
		(void)snprintf(mine + strlen(mine), 3, "%02x", id[n]);
	for (size_t i = 0; i < 2; i++) {
		CHECK(spend(&k, KEEP_RECEIPT, "GET", paths[i], id) == COFFER_E_DENIED && strcmp(k.no.check, "token") == 0);
		CHECK(spend(&k, KEEP_HAD, "POST", paths[i], id) == COFFER_E_DENIED && strcmp(k.no.check, "token") == 0);
	}
	CHECK(spend(&k, KEEP_RECEIPT, "POST", mine, id) == COFFER_E_DENIED && spend(&k, KEEP_HAD, "GET", mine, id) == COFFER_E_DENIED);
	CHECK(spend(&k, KEEP_RECEIPT, "GET", mine, id) == COFFER_OK && spend(&k, KEEP_HAD, "POST", mine, id) == COFFER_OK);
}

/* A service that has words of parties in its map enters a release as if it had none. */
static void release_by_an_older_rule_than_its_statements_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	struct err e = { 0 };

	kit_open_attested(&k);
	k.keep.journal.tree.rule = 1;
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(strcmp(judge(&k, &text, &e), "ledger-entry") == 0 && strstr(e.msg, "older rule"));
}

static void store_of_before_goes_on_by_the_new_rule(void)
{
	CLEANUP(old_free) struct old o;
	CLEANUP(wr_close) struct wr was = { 0 }, is = { 0 }, bent = { 0 };
	uint8_t pause[32], id[32];
	struct err e = { 0 };
	struct kit *k = &o.k;

	old_open(&o);
	receiptkit_make(k, KIT_HOSPITAL, &was);
	CHECK(strcmp(judge(k, &was, &e), "not shown") == 0);
	CHECK(kit_introduce(k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK && kit_revoke(k, KIT_STRANGER, k->workload_id) == COFFER_OK);
	CHECK(kit_pause(k, KIT_HOSPITAL, k->workload_id, pause) == COFFER_OK);
	CHECK(fsck(&o, false, &e) == COFFER_OK && reopen(&o, &e) == COFFER_OK);
	if (e.rc != COFFER_OK)
		printf("# %s %s\n", e.check, e.msg);
	CHECK(k->keep.journal.tree.rule == LEAF_RULE);
	receiptkit_make(k, KIT_HOSPITAL, &is); /* of the same release, asked for now */
	CHECK(strcmp(judge(k, &was, &e), "not shown") == 0 && strcmp(judge(k, &is, &e), "not shown") == 0);
	bend(&is, &(struct how){ LEFT_OUT, "none", NULL, 0 }, &bent);
	CHECK(strcmp(judge(k, &bent, &e), "not shown") == 0);
	held_back(k, KIT_HOSPITAL); /* by a pause of before */
	k->now += 3600;
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK && kit_get(k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(strcmp(judge_newest(k, KIT_HOSPITAL, &e), "") == 0);
	if (e.check[0])
		printf("# %s %s\n", e.check, e.msg);
	CHECK(kit_revoke(k, KIT_ACME, k->workload_id) == COFFER_OK && kit_pause(k, KIT_ACME, k->approval_id, id) == COFFER_E_DENIED);
	CHECK(fsck(&o, false, &e) == COFFER_OK);
	damage(&o, "DELETE FROM said WHERE seq=(SELECT max(seq) FROM said)");
	CHECK(keep_fsck(o.dir, false, o.k.now, &(struct fsck_found){ 0 }, &e) == COFFER_E_DENIED && strstr(e.msg, "what a party revoked"));
	CHECK(keep_fsck(o.dir, true, o.k.now, &(struct fsck_found){ 0 }, &e) == COFFER_OK);
	damage(&o, "DELETE FROM mapnode");
	CHECK(keep_fsck(o.dir, true, o.k.now, &(struct fsck_found){ 0 }, &e) == COFFER_OK && reopen(&o, &e) == COFFER_OK && k->keep.journal.tree.rule == LEAF_RULE);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(every_word_is_there_in_its_place_and_of_its_party), T(pause_by_one_who_counts_is_in_it), T(what_bears_on_nothing_is_not_in_it), T(word_that_could_be_a_revocation_is_not_left_out),
		T(word_is_by_its_party), T(owners_revocation_of_a_workload_is_its_own), T(owners_word_against_the_service_is_its_own), T(receipts_of_before_owners_stopped_services_hold),
		T(image_is_revoked_by_content), T(key_of_images_is_revoked), T(release_of_before_its_key_was_stolen_stands), T(receipts_of_before_keys_were_revoked_hold), T(strangers_word_changes_nobodys_receipt), T(store_of_before_goes_on_by_the_new_rule), T(release_by_an_older_rule_than_its_statements_is_refused),
		T(token_for_another_request_fetches_no_receipt_and_says_nothing),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
