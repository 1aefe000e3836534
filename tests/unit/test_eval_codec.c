/* Messages between keep and eval: one spelling, no prefix, bounds. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"
#include "tests/unit/eval_decode.h"

#define S(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static void check_message(struct wr *w, eval_decode_fn decode)
{
	CLEANUP(wr_close) struct wr again = wr_open(EVAL_FRAME_MAX);
	struct err e;

	CHECK(wr_ok(w) && w->n > 0);
	CHECK(decode(wr_span(w), &again, &e) == COFFER_OK && wr_ok(&again) && span_eq(wr_span(w), wr_span(&again)));
	for (size_t n = 0; n < w->n; n++) {
		CLEANUP(freep) uint8_t *p = malloc(n ? n : 1);
		CLEANUP(wr_close) struct wr none = wr_open(64);

		memcpy(p, w->p, n);
		CHECK(decode((struct span){ p, n }, &none, &e) == COFFER_E_INPUT && none.n == 0);
	}
	wr_u8(w, 0);
	CHECK(decode(wr_span(w), &again, &e) == COFFER_E_INPUT);
	wr_close(w);
	*w = wr_open(EVAL_FRAME_MAX);
}

static void every_message_round_trips_and_refuses_prefixes_and_more(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVAL_FRAME_MAX);

	eval_release_req_write(&w, &(struct eval_release_req){ -1, S("package policy"), S("{}"), S("{}") });
	check_message(&w, decode_release_req);
	eval_evidence_req_write(&w, &(struct eval_evidence_req){ .now = 5, .platform = S("tpm"), .report_data = S("rd"), .evidence = S("{}"),
	    .ak = S("ak"), .root = { S("r1"), S("r2") }, .n_roots = 2, .file = { S("f") }, .n_files = 1 });
	check_message(&w, decode_evidence_req);
	eval_evidence_rep_write(&w, &(struct eval_evidence_rep){ .check = S("ak"), .key = S("key"), .path = { S("c1"), S("c2") }, .n_path = 2,
	    .activated = S("secret"), .submods = S("{}") });
	check_message(&w, decode_evidence_rep);
	eval_ek_req_write(&w, &(struct eval_ek_req){ .now = 5, .ek_cert = S("ek"), .chain = { S("maker") }, .n_chain = 1, .root = { S("r") },
	    .n_roots = 1 });
	check_message(&w, decode_ek_req);
	eval_ek_rep_write(&w, &(struct eval_ek_rep){ S("chain"), S("no"), { S("ek"), S("maker") }, 2 });
	check_message(&w, decode_ek_rep);
}

static void what_is_too_long_or_too_much_is_refused(void)
{
	static uint8_t big[EVAL_EK_MAX + 1];
	CLEANUP(wr_close) struct wr w = wr_open(EVAL_FRAME_MAX);
	struct eval_evidence_rep v = { .activated = { big, 64 } };
	struct eval_ek_req q = { .ek_cert = { big, EVAL_EK_MAX } };
	struct err e;

	eval_evidence_rep_write(&w, &v);
	CHECK(eval_evidence_rep_read(wr_span(&w), &v, &e) == COFFER_OK && v.activated.n == 64);
	w.n = 0;
	v.activated = (struct span){ big, 65 };
	eval_evidence_rep_write(&w, &v);
	CHECK(eval_evidence_rep_read(wr_span(&w), &v, &e) == COFFER_E_INPUT);
	w.n = 0;
	eval_ek_req_write(&w, &q);
	CHECK(eval_ek_req_read(wr_span(&w), &q, &e) == COFFER_OK && q.ek_cert.n == EVAL_EK_MAX);
	w.n = 0;
	q.ek_cert = (struct span){ big, EVAL_EK_MAX + 1 };
	eval_ek_req_write(&w, &q);
	CHECK(eval_ek_req_read(wr_span(&w), &q, &e) == COFFER_E_INPUT);
	w.n = 0;
	wr_be64(&w, 0);
	wr_blob32(&w, (struct span){ 0 });
	wr_u8(&w, EVAL_EK_CHAIN_MAX + 1);
	for (size_t i = 0; i < EVAL_EK_CHAIN_MAX + 1; i++)
		wr_blob32(&w, (struct span){ 0 });
	wr_u8(&w, 0);
	CHECK(eval_ek_req_read(wr_span(&w), &q, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = { T(every_message_round_trips_and_refuses_prefixes_and_more), T(what_is_too_long_or_too_much_is_refused) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
