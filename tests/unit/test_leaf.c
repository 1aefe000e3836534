/* Public leaves and their openings. */
#include "base/str.h"
#include "crypto/hash.h"
#include "ledger_fix.h"
#include "trust/ledger/leaf.h"

static void leaf_has_one_form(void)
{
	struct leaf l = { .time = 0x0102030405060708, .index = 0x1112131415161718 }, got = { 0 };
	uint8_t b[LEAF_LEN + 1] = { 0 };

	for (unsigned i = 0; i < 32; i++)
		l.commitment[i] = (uint8_t)(0x40 + i);
	leaf_write(&l, b);
	CHECK(span_eq_str((struct span){ b, 4 }, "CLF1") && b[4] == 1 && b[11] == 8 && b[12] == 0x11 && b[20] == 0x40 && b[51] == 0x5f);
	CHECK(leaf_read((struct span){ b, LEAF_LEN }, &got) && got.time == l.time && got.index == l.index);
	CHECK(span_eq(SPAN(got.commitment), SPAN(l.commitment)));
	for (size_t n = 0; n < LEAF_LEN; n++) {
		uint8_t *p = lfix_exact((struct span){ b, n });

		CHECK(!leaf_read((struct span){ p, n }, &got));
		free(p);
	}
	CHECK(!leaf_read(SPAN(b), &got)); /* a byte behind */
	for (unsigned i = 0; i < 4; i++) {
		b[i] ^= 1;
		CHECK(!leaf_read((struct span){ b, LEAF_LEN }, &got));
		b[i] ^= 1;
	}
}

/* SHA-256 over the written-out bytes: the label's NUL is in, and salt and record are not confused. */
static void commitment_is_the_hash_the_document_says(void)
{
	struct wr w = wr_open(256);
	uint8_t salt[LEAF_SALT] = { 7 }, want[32], got[32];

	wr_put(&w, (struct span){ (const uint8_t *)"coffer leaf v1", 15 });
	wr_put(&w, SPAN(salt));
	wr_str(&w, "{}");
	sha256(wr_span(&w), want);
	leaf_commit(salt, span_of("{}"), got);
	CHECK(span_eq(SPAN(want), SPAN(got)));
	salt[31] = 1;
	leaf_commit(salt, span_of("{}"), got);
	CHECK(!span_eq(SPAN(want), SPAN(got)));
	wr_close(&w);
}

static void opening_comes_back_and_short_ones_do_not(void)
{
	struct leaf_opening o = { .salt = { 9 }, .record = span_of("{\"data\":{}}") }, got = { 0 };
	struct wr w = wr_open(LEAF_RECORD_MAX + 100), big = wr_open(LEAF_RECORD_MAX + 100);

	leaf_opening_write(&o, &w);
	CHECK(wr_ok(&w) && leaf_opening_read(wr_span(&w), &got) && span_eq(got.record, o.record) && span_eq(SPAN(got.salt), SPAN(o.salt)));
	for (size_t n = 0; n <= 4 + LEAF_SALT; n++) {
		uint8_t *p = lfix_exact((struct span){ w.p, n });

		CHECK(!leaf_opening_read((struct span){ p, n }, &got));
		free(p);
	}
	w.p[3] = '2';
	CHECK(!leaf_opening_read(wr_span(&w), &got));
	w.p[3] = '1';
	wr_put(&big, wr_span(&w));
	while (big.n < 4 + LEAF_SALT + LEAF_RECORD_MAX)
		wr_u8(&big, ' ');
	CHECK(leaf_opening_read(wr_span(&big), &got) && got.record.n == LEAF_RECORD_MAX);
	wr_u8(&big, ' ');
	CHECK(!leaf_opening_read(wr_span(&big), &got));
	wr_close(&w);
	wr_close(&big);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(leaf_has_one_form), T(commitment_is_the_hash_the_document_says), T(opening_comes_back_and_short_ones_do_not),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
