#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "client/fresh.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What is read is written again byte for byte, and no unsigned answer is believed. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(FRESH_REQUEST_MAX), v = wr_open(FRESH_ANSWER_MAX);
	const struct pubkey key = { .kind = KEY_P256 };
	const struct fresh_seen none = { .size = 0 };
	struct fresh_ask q = { .n = 0 };
	struct fresh_answer a = { .n = 0 };
	const struct fresh_expect x = { .ask = &q, .reply = &key, .seen = &none };
	const struct span in = { p, n };
	struct err e = { 0 };

	if (fresh_ask_read(in, &q, &e) == COFFER_OK) {
		fresh_ask_write(&q, &w);
		if (wr_ok(&w) && !span_eq(wr_span(&w), in))
			abort();
	} else if (q.n != 0) {
		abort();
	}
	if (fresh_answer_read(in, &a, &e) == COFFER_OK) {
		fresh_answer_write(&a, &v);
		if (!wr_ok(&v) || !span_eq(wr_span(&v), in))
			abort();
	} else if (a.n != 0) {
		abort();
	}
	if (fresh_check(in, &x, &a, &e) == COFFER_OK)
		abort();
	return 0;
}
