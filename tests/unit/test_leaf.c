/* Public leaves and their openings. */
#include <string.h>

#include "base/str.h"
#include "crypto/hash.h"
#include "ledger_fix.h"
#include "trust/ledger/follow.h"

/* A leaf with n tags 1, 2, 3... */
static size_t written(unsigned n, uint8_t b[static LEAF_MAX], struct leaf *l)
{
	*l = (struct leaf){ .rule = LEAF_RULE, .time = 0x0102030405060708, .index = 0x1112131415161718, .map.b = { 0xa0 }, .map_before.b = { 0xb0 }, .n_tags = n };
	for (unsigned i = 0; i < 32; i++)
		l->commitment[i] = (uint8_t)(0x40 + i);
	for (unsigned i = 0; i < n && i < LEAF_TAGS_MAX; i++)
		l->tag[i][0] = (uint8_t)(i + 1);
	return leaf_write(l, b);
}

static void leaf_has_one_form(void)
{
	uint8_t b[LEAF_MAX + 1] = { 0 };
	struct leaf l, got = { 0 };
	size_t len = written(2, b, &l);

	CHECK(len == 117 + 64 && span_eq_str((struct span){ b, 4 }, "CLF5") && b[4] == 1 && b[11] == 8 && b[12] == 0x11 && b[20] == 0x40);
	CHECK(b[51] == 0x5f && b[52] == 0xa0 && b[84] == 0xb0 && b[116] == 2 && b[117] == 1 && b[149] == 2);
	CHECK(leaf_read((struct span){ b, len }, &got) && memcmp(&got, &l, sizeof(l)) == 0);
	for (size_t n = 0; n < len; n++) {
		uint8_t *p = lfix_exact((struct span){ b, n });

		CHECK(!leaf_read((struct span){ p, n }, &got));
		free(p);
	}
	CHECK(!leaf_read((struct span){ b, len + 1 }, &got)); /* a byte behind */
	for (unsigned i = 0; i < 4; i++) {
		b[i] ^= 4;
		CHECK(!leaf_read((struct span){ b, len }, &got));
		b[i] ^= 4;
	}
	for (unsigned rule = 0; rule < 6; rule++) { /* those of before are read as what they are */
		l.rule = rule;
		CHECK((leaf_write(&l, b) > 0) == (rule >= 1 && rule <= 4));
		CHECK(rule == 0 || rule > 2 || (b[3] == '1' + rule && leaf_read((struct span){ b, len }, &got) && got.rule == rule));
	}
}

/* How many assets an entry concerns is said only roughly, and order says nothing. */
static void tags_are_a_power_of_two_and_ascend(void)
{
	uint8_t b[LEAF_MAX];
	struct leaf l, got;
	size_t len;

	for (unsigned n = 0; n <= LEAF_TAGS_MAX + 1; n++)
		CHECK((written(n, b, &l) > 0) == (n == 1 || n == 2 || n == 4 || n == 8 || n == 16));
	len = written(2, b, &l);
	b[149] = 1; /* the same twice */
	CHECK(!leaf_read((struct span){ b, len }, &got));
	b[149] = 0; /* descending */
	CHECK(!leaf_read((struct span){ b, len }, &got));
	len = written(16, b, &l);
	for (unsigned n = 0; n < 256; n++) {
		b[116] = (uint8_t)n;
		CHECK(leaf_read((struct span){ b, len }, &got) == (n == 16));
	}
	l = (struct leaf){ .rule = 1, .n_tags = 1, .tag[0][0] = 0xff };
	leaf_pad_tags(&l, 8);
	CHECK(l.n_tags == 8 && leaf_write(&l, b) == 117 + 8 * 32 && leaf_read((struct span){ b, 117 + 8 * 32 }, &got));
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

static enum coffer_rc next(struct ledger_follow *l, const struct leaf *x, struct err *e)
{
	uint8_t b[LEAF_MAX];
	size_t n = leaf_write(x, b);

	return follow_add(l, (struct span){ b, n }, e);
}

/* Each entry begins where the one before ended: in place, time and map. */
static void entries_follow_each_other(void)
{
	struct leaf x = { .rule = 2, .time = 5, .map.b = { 1 }, .n_tags = 1 };
	struct ledger_follow l = { 0 }, was;
	struct err e = { 0 };

	x.map_before.b[0] = 9;
	CHECK(next(&l, &x, &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-map") == 0); /* the first begins with the empty map */
	x.map_before.b[0] = 0;
	CHECK(next(&l, &x, &e) == COFFER_OK && l.f.size == 1);
	x = (struct leaf){ .rule = 2, .time = 5, .index = 1, .map.b = { 2 }, .map_before.b = { 1 }, .n_tags = 1 };
	was = l;
	x.map_before.b[31] ^= 1;
	CHECK(next(&l, &x, &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-map") == 0 && memcmp(&l, &was, sizeof(l)) == 0);
	x.map_before.b[31] ^= 1;
	x.time = 4;
	CHECK(next(&l, &x, &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-entry") == 0);
	x.time = 5;
	x.index = 2;
	CHECK(next(&l, &x, &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-entry") == 0);
	x.index = 1;
	x.rule = 1;
	CHECK(next(&l, &x, &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-entry") == 0); /* what it holds grows, and never shrinks */
	x.rule = 2;
	CHECK(follow_add(&l, span_of("CLF2"), &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-entry") == 0);
	CHECK(next(&l, &x, &e) == COFFER_OK && l.f.size == 2 && l.last.map.b[0] == 2);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(leaf_has_one_form), T(entries_follow_each_other), T(tags_are_a_power_of_two_and_ascend), T(commitment_is_the_hash_the_document_says), T(opening_comes_back_and_short_ones_do_not),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
