/* The bytes of a freshness question and answer, and what a guest believes of an answer. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "client/fresh.h"
#include "crypto/hash.h"
#include "proto/keep.h"
#include "tests/t.h"

static struct fresh_ask question(void)
{
	struct fresh_ask a = { .nonce = { 7 }, .counter = 3, .n = 2 };

	a.item[0] = (struct fresh_item){ .statement = { 1 }, .path = span_of("a/b/c"), .container = span_of("one"), .purpose = PURPOSE_API };
	a.item[1] = (struct fresh_item){ .statement = { 2 }, .path = span_of("a/b/d"), .container = span_of("two"), .purpose = PURPOSE_VOLUME };
	return a;
}

static struct fresh_answer good_answer(struct span ask)
{
	struct fresh_answer a = { .session_key = { 9 }, .nonce = { 7 }, .size = 20, .root = { 5 }, .time = 77, .n = 2 };

	sha256(ask, a.ask);
	a.said[0] = (struct fresh_said){ .status = FRESH_HELD };
	a.said[1] = (struct fresh_said){ .status = FRESH_REVOKED, .check = "R11", .decision = { 4 } };
	return a;
}

static void question_and_answer_round_trip_and_refuse_every_prefix_and_more(void)
{
	CLEANUP(wr_close) struct wr ask = wr_open(FRESH_REQUEST_MAX), ans = wr_open(FRESH_ANSWER_MAX), again = wr_open(FRESH_REQUEST_MAX);
	struct fresh_ask q = question(), q2 = { .n = 0 };
	struct fresh_answer a, a2 = { .n = 0 };
	struct err e;

	fresh_ask_write(&q, &ask);
	CHECK(fresh_ask_read(wr_span(&ask), &q2, &e) == COFFER_OK && q2.n == 2 && q2.item[1].purpose == PURPOSE_VOLUME && q2.counter == 3);
	fresh_ask_write(&q2, &again);
	CHECK(span_eq(wr_span(&ask), wr_span(&again)));
	a = good_answer(wr_span(&ask));
	fresh_answer_write(&a, &ans);
	CHECK(fresh_answer_read(wr_span(&ans), &a2, &e) == COFFER_OK && a2.said[1].status == FRESH_REVOKED && a2.time == 77);
	for (size_t n = 0; n < ask.n; n++) {
		CLEANUP(freep) uint8_t *p = malloc(n ? n : 1);

		memcpy(p, ask.p, n);
		CHECK(fresh_ask_read((struct span){ p, n }, &q2, &e) == COFFER_E_INPUT);
	}
	for (size_t n = 0; n < ans.n; n++) {
		CLEANUP(freep) uint8_t *p = malloc(n ? n : 1);

		memcpy(p, ans.p, n);
		CHECK(fresh_answer_read((struct span){ p, n }, &a2, &e) == COFFER_E_INPUT);
	}
	wr_u8(&ask, 0);
	wr_u8(&ans, 0);
	CHECK(fresh_ask_read(wr_span(&ask), &q2, &e) == COFFER_E_INPUT && fresh_answer_read(wr_span(&ans), &a2, &e) == COFFER_E_INPUT);
}

static void keep_messages_round_trip_and_refuse_every_prefix(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024), v = wr_open(1024);
	struct keep_fresh_req q = { .session = { 1 }, .ask = span_of("CFQ1"), .sig = { 2 } };
	struct keep_fresh_rep p = { .answer = span_of("CFA1"), .sig = { 3 } };
	struct err e;

	keep_fresh_req_write(&w, &q);
	keep_fresh_rep_write(&v, &p);
	CHECK(keep_fresh_req_read(wr_span(&w), &q, &e) == COFFER_OK && q.ask.n == 4 && keep_fresh_rep_read(wr_span(&v), &p, &e) == COFFER_OK);
	for (size_t n = 0; n < w.n; n++)
		CHECK(keep_fresh_req_read((struct span){ w.p, n }, &q, &e) == COFFER_E_INPUT);
	for (size_t n = 0; n < v.n; n++)
		CHECK(keep_fresh_rep_read((struct span){ v.p, n }, &p, &e) == COFFER_E_INPUT);
}

static void question_has_1_to_64_items(void)
{
	CLEANUP(freep) struct fresh_ask *q = calloc(1, sizeof(*q));
	struct err e;

	*q = question();
	for (size_t i = 2; i < FRESH_ITEMS_MAX; i++)
		q->item[i] = q->item[0];
	for (size_t n = 0; n < 2; n++) {
		CLEANUP(wr_close) struct wr w = wr_open(FRESH_REQUEST_MAX);

		q->n = n * FRESH_ITEMS_MAX;
		fresh_ask_write(q, &w);
		CHECK(wr_ok(&w) == (n == 1));
	}
	{
		CLEANUP(wr_close) struct wr w = wr_open(FRESH_REQUEST_MAX);

		q->n = FRESH_ITEMS_MAX;
		fresh_ask_write(q, &w);
		w.p[4 + 32 + 8]++; /* one more than there may be */
		CHECK(fresh_ask_read(wr_span(&w), q, &e) == COFFER_E_INPUT);
	}
}

static void answer_refuses_unknown_words(void)
{
	static const struct fresh_said bad[] = { { .status = 0 }, { .status = 5, .check = "R9" }, { .status = FRESH_HELD, .check = "R9" },
		{ .status = FRESH_REVOKED }, { .status = FRESH_ENDED, .check = "\x1b[" } };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(FRESH_ANSWER_MAX);
		struct fresh_answer a = good_answer(span_of("x"));

		a.said[1] = bad[i];
		fresh_answer_write(&a, &w);
		CHECK(fresh_answer_read(wr_span(&w), &a, &e) == COFFER_E_INPUT);
	}
}

/* Signed by key; what a lying or replaying service or network would show. */
static enum coffer_rc shown(const struct fresh_answer *a, const struct privkey *key, const struct fresh_expect *x, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(FRESH_ANSWER_MAX + SIG_LEN), w = wr_open(FRESH_ANSWER_MAX + 64);
	struct fresh_answer out = { .n = 0 };
	uint8_t sig[SIG_LEN];
	enum coffer_rc rc;

	fresh_answer_write(a, &body);
	fresh_answer_to_sign(wr_span(&body), &w);
	CHECK(key_sign(key, wr_span(&w), sig, e) == COFFER_OK);
	wr_put(&body, SPAN(sig));
	rc = fresh_check(wr_span(&body), x, &out, e);
	CHECK((out.n == 2) == (rc == COFFER_OK));
	return rc;
}

#define REFUSED_AS(a, key, by, words) \
	CHECK(shown(a, key, &x, &e) == COFFER_E_DENIED && strcmp(e.check, by) == 0 && strstr(e.msg, words))
#define REFUSED(a, key, words) REFUSED_AS(a, key, "lease", words)

static void answer_is_believed_from_the_reply_key_for_this_question_alone(void)
{
	CLEANUP(wr_close) struct wr ask = wr_open(FRESH_REQUEST_MAX);
	CLEANUP(privkey_freep) struct privkey *reply = NULL, *other = NULL;
	struct fresh_seen seen = { .size = 20, .root = { 5 } };
	struct fresh_ask q = question();
	struct fresh_expect x = { .ask = &q, .session_key = { 9 }, .seen = &seen };
	struct fresh_answer a, b;
	struct err e = { 0 };

	CHECK(privkey_new(KEY_P256, &reply, &e) == COFFER_OK && privkey_new(KEY_P256, &other, &e) == COFFER_OK);
	x.reply = privkey_public(reply);
	fresh_ask_write(&q, &ask);
	x.ask_bytes = wr_span(&ask);
	a = good_answer(x.ask_bytes);
	CHECK(shown(&a, reply, &x, &e) == COFFER_OK);
	REFUSED(&a, other, "did not sign");
	CHECK(fresh_check(span_of("short"), &x, &b, &e) == COFFER_E_DENIED);
	b = a;
	b.session_key[0] ^= 1;
	REFUSED(&b, reply, "another session");
	b = a;
	b.nonce[31] ^= 1;
	REFUSED(&b, reply, "another question");
	b = a;
	b.ask[0] ^= 1;
	REFUSED(&b, reply, "other bytes");
	b = a;
	b.size = 19;
	REFUSED_AS(&b, reply, "ledger-rollback", "ledger of 19 entries, after one of 20");
	b = a;
	b.root[3] ^= 1;
	REFUSED_AS(&b, reply, "ledger-fork", "another ledger");
	b.size = 21;
	CHECK(shown(&b, reply, &x, &e) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(question_and_answer_round_trip_and_refuse_every_prefix_and_more), T(keep_messages_round_trip_and_refuse_every_prefix),
		T(question_has_1_to_64_items), T(answer_refuses_unknown_words), T(answer_is_believed_from_the_reply_key_for_this_question_alone),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
