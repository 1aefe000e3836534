/* CBOR: the examples of RFC 8949 appendix A, what is well-formed and refused here, cuts and bounds. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/cbor.h"
#include "fmt/enc.h"
#include "tests/t.h"

#define MAX (1u << 20)

/* In memory of its exact size, where a sanitizer sees an overrun. */
static enum coffer_rc open_exact(struct span s, struct cbor *out, uint8_t **keep)
{
	struct err e = { 0 };

	*keep = malloc(s.n ? s.n : 1);
	if (!*keep)
		abort();
	if (s.n > 0)
		memcpy(*keep, s.p, s.n);
	return cbor_open((struct span){ *keep, s.n }, MAX, out, &e);
}

static struct wr bytes(const char *hex)
{
	struct wr w = wr_open(MAX);

	CHECK(hex_read(span_of(hex), &w));
	return w;
}

static const struct {
	const char *hex;
	enum cbor_type type;
	uint64_t u;
	const char *body;
} good[] = {
	{ "00", CBOR_UINT, 0, NULL },
	{ "01", CBOR_UINT, 1, NULL },
	{ "0a", CBOR_UINT, 10, NULL },
	{ "17", CBOR_UINT, 23, NULL },
	{ "1818", CBOR_UINT, 24, NULL },
	{ "1819", CBOR_UINT, 25, NULL },
	{ "1864", CBOR_UINT, 100, NULL },
	{ "1903e8", CBOR_UINT, 1000, NULL },
	{ "1a000f4240", CBOR_UINT, 1000000, NULL },
	{ "1b000000e8d4a51000", CBOR_UINT, 1000000000000, NULL },
	{ "1bffffffffffffffff", CBOR_UINT, UINT64_MAX, NULL },
	{ "3bffffffffffffffff", CBOR_NINT, UINT64_MAX, NULL },
	{ "c249010000000000000000", CBOR_TAG, 2, "49010000000000000000" },
	{ "20", CBOR_NINT, 0, NULL },
	{ "29", CBOR_NINT, 9, NULL },
	{ "3863", CBOR_NINT, 99, NULL },
	{ "3903e7", CBOR_NINT, 999, NULL },
	{ "f90000", CBOR_FLOAT, 0, NULL },
	{ "f93c00", CBOR_FLOAT, 0x3c00, NULL },
	{ "fa47c35000", CBOR_FLOAT, 0x47c35000, NULL },
	{ "fb3ff199999999999a", CBOR_FLOAT, 0x3ff199999999999a, NULL },
	{ "f97e00", CBOR_FLOAT, 0x7e00, NULL },
	{ "f4", CBOR_BOOL, 0, NULL },
	{ "f5", CBOR_BOOL, 1, NULL },
	{ "f6", CBOR_NULL, 22, NULL },
	{ "f7", CBOR_UNDEFINED, 23, NULL },
	{ "f0", CBOR_SIMPLE, 16, NULL },
	{ "f8ff", CBOR_SIMPLE, 255, NULL },
	{ "c074323031332d30332d32315432303a30343a30305a", CBOR_TAG, 0, "74323031332d30332d32315432303a30343a30305a" },
	{ "c11a514b67b0", CBOR_TAG, 1, "1a514b67b0" },
	{ "d74401020304", CBOR_TAG, 23, "4401020304" },
	{ "d818456449455446", CBOR_TAG, 24, "456449455446" },
	{ "d82076687474703a2f2f7777772e6578616d706c652e636f6d", CBOR_TAG, 32, "76687474703a2f2f7777772e6578616d706c652e636f6d" },
	{ "40", CBOR_BYTES, 0, "" },
	{ "4401020304", CBOR_BYTES, 4, "01020304" },
	{ "60", CBOR_TEXT, 0, "" },
	{ "6161", CBOR_TEXT, 1, "61" },
	{ "6449455446", CBOR_TEXT, 4, "49455446" },
	{ "62225c", CBOR_TEXT, 2, "225c" },
	{ "62c3bc", CBOR_TEXT, 2, "c3bc" },
	{ "63e6b0b4", CBOR_TEXT, 3, "e6b0b4" },
	{ "64f0908591", CBOR_TEXT, 4, "f0908591" },
	{ "80", CBOR_ARRAY, 0, "" },
	{ "83010203", CBOR_ARRAY, 3, "010203" },
	{ "8301820203820405", CBOR_ARRAY, 3, "01820203820405" },
	{ "98190102030405060708090a0b0c0d0e0f101112131415161718181819", CBOR_ARRAY, 25,
	    "0102030405060708090a0b0c0d0e0f101112131415161718181819" },
	{ "a0", CBOR_MAP, 0, "" },
	{ "a201020304", CBOR_MAP, 2, "01020304" },
	{ "a26161016162820203", CBOR_MAP, 2, "6161016162820203" },
	{ "826161a161626163", CBOR_ARRAY, 2, "6161a161626163" },
	{ "9fff", CBOR_ARRAY, 0, "" },
	{ "9f018202039f0405ffff", CBOR_ARRAY, 3, "018202039f0405ff" },
	{ "83018202039f0405ff", CBOR_ARRAY, 3, "018202039f0405ff" },
	{ "bf61610161629f0203ffff", CBOR_MAP, 2, "61610161629f0203ff" },
	{ "bf6346756ef563416d7421ff", CBOR_MAP, 2, "6346756ef563416d7421" },
};

static void rfc_examples_are_read_and_every_cut_of_them_is_refused(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CLEANUP(wr_close) struct wr in = bytes(good[i].hex), body = bytes(good[i].body ? good[i].body : "");
		struct cbor v = { 0 };
		uint8_t *keep;

		CHECK(open_exact(wr_span(&in), &v, &keep) == COFFER_OK && v.type == good[i].type && v.u == good[i].u);
		CHECK(span_eq(v.raw, wr_span(&in)) && span_eq(v.body, wr_span(&body)));
		free(keep);
		for (size_t n = 0; n < in.n; n++) {
			v.u = 77;
			CHECK(open_exact((struct span){ in.p, n }, &v, &keep) == COFFER_E_INPUT && v.u == 77);
			free(keep);
		}
	}
}

static void what_is_not_well_formed_or_has_two_forms_is_refused(void)
{
	static const char *const bad[] = {
		"1c",
		"1d",
		"1e",
		"3c",
		"5c",
		"7d",
		"9e",
		"bc",
		"dd",
		"fc",
		"fd", /* reserved */
		"1f",
		"3f",
		"df00",
		"ff",
		"81ff",
		"8200ff",
		"a1ff",
		"a100ff",
		"bf00ff",
		"9f81ff", /* ends of nothing */
		"f800",
		"f81f", /* simple values in two bytes */
		"1817",
		"1900ff",
		"1a0000ffff",
		"1b00000000ffffffff",
		"3817",
		"580100",
		"780161",
		"98010a",
		"b8010000",
		"d81000", /* too long */
		"5f42010243030405ff",
		"7f657374726561646d696e67ff", /* chunks */
		"61ff",
		"62c328",
		"63eda080", /* not UTF-8 */
		"a201020103",
		"a2616101616102",
		"bf01020102ff",
		"a3010002000100", /* a key that comes twice */
		"a1f400",
		"a1f600",
		"a18000",
		"a1a000",
		"a1f93c0000",
		"a1c00000", /* keys of other types */
		"0000",
		"8000",
		"f6f6",
		"4401020304ff", /* something behind */
		"5bffffffffffffffff00",
		"9bffffffffffffffff00",
		"bbffffffffffffffff00",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr in = wr_open(MAX);
		struct cbor v = { .u = 77 };
		uint8_t *keep;

		CHECK(hex_read(span_of(bad[i]), &in));
		if (open_exact(wr_span(&in), &v, &keep) == COFFER_OK || v.u != 77)
			printf("# %s\n", bad[i]);
		CHECK(v.u == 77);
		free(keep);
	}
}

static void bounds_hold_at_the_number_and_not_one_above(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(MAX), tags = wr_open(MAX);
	struct err e = { 0 };
	struct cbor v;

	for (size_t i = 0; i < CBOR_DEPTH_MAX; i++) {
		wr_u8(&w, 0x81);
		wr_u8(&tags, 0xc1);
	}
	wr_u8(&w, 0);
	wr_u8(&tags, 0);
	CHECK(cbor_open(wr_span(&w), MAX, &v, &e) == COFFER_OK && cbor_open(wr_span(&tags), MAX, &v, &e) == COFFER_OK);
	CHECK(cbor_open(wr_span(&w), w.n, &v, &e) == COFFER_OK && cbor_open(wr_span(&w), w.n - 1, &v, &e) == COFFER_E_LIMIT);
	w.p[w.n - 1] = 0x81;
	wr_u8(&w, 0);
	tags.p[tags.n - 1] = 0xc1;
	wr_u8(&tags, 0);
	CHECK(cbor_open(wr_span(&w), MAX, &v, &e) == COFFER_E_LIMIT && cbor_open(wr_span(&tags), MAX, &v, &e) == COFFER_E_LIMIT);
	for (size_t pairs = CBOR_PAIRS_MAX; pairs <= CBOR_PAIRS_MAX + 1; pairs++) {
		CLEANUP(wr_close) struct wr m = wr_open(MAX);

		wr_u8(&m, 0xbf);
		for (size_t i = 0; i < pairs; i++) {
			wr_u8(&m, 0x41);
			wr_u8(&m, (uint8_t)i);
			wr_u8(&m, 0);
		}
		wr_u8(&m, 0xff);
		CHECK(cbor_open(wr_span(&m), MAX, &v, &e) == (pairs == CBOR_PAIRS_MAX ? COFFER_OK : COFFER_E_LIMIT));
	}
	for (size_t items = CBOR_ITEMS_MAX; items <= CBOR_ITEMS_MAX + 1; items++) { /* the list is one of them */
		CLEANUP(wr_close) struct wr m = wr_open(MAX);

		wr_u8(&m, 0x9f);
		for (size_t i = 1; i < items; i++)
			wr_u8(&m, 0);
		wr_u8(&m, 0xff);
		CHECK(cbor_open(wr_span(&m), MAX, &v, &e) == (items == CBOR_ITEMS_MAX ? COFFER_OK : COFFER_E_LIMIT));
	}
}

static void views_walk_maps_lists_and_tags(void)
{
	CLEANUP(wr_close) struct wr in = bytes("a4010220820361786161d825420102410109");
	struct err e = { 0 };
	struct cbor v, m, x, k;
	struct cbor_iter it;
	int64_t n;
	size_t pairs = 0;

	CHECK(cbor_open(wr_span(&in), MAX, &v, &e) == COFFER_OK && v.type == CBOR_MAP && v.u == 4);
	CHECK(cbor_get(&v, 1, &m) && cbor_int(&m, &n) && n == 2);
	CHECK(cbor_get(&v, -1, &m) && m.type == CBOR_ARRAY && cbor_at(&m, 1, &x) && span_eq_str(x.body, "x") &&
	      !cbor_at(&m, 2, &x));
	CHECK(cbor_get_text(&v, "a", &m) && cbor_untag(&m, 37, &x) && x.type == CBOR_BYTES && x.body.n == 2 &&
	      !cbor_untag(&m, 36, &x));
	CHECK(!cbor_get(&v, 2, &m) && !cbor_get_text(&v, "b", &m) && !cbor_get(NULL, 1, &m) && !cbor_int(NULL, &n));
	for (it = cbor_pairs(&v); cbor_next_pair(&it, &k, &x);)
		pairs++;
	CHECK(pairs == 4);
	it = cbor_items(&v); /* a map is no list */
	CHECK(!cbor_next(&it, &x));
	CHECK(cbor_get(&v, 1, &m) && !cbor_at(&m, 0, &x) && !cbor_get(&m, 0, &x) && !cbor_untag(&m, 1, &x));
}

static void integers_that_do_not_fit_are_no_integers(void)
{
	struct err e = { 0 };
	struct cbor v;
	int64_t n;

	CHECK(cbor_open(SPAN(((uint8_t[]){ 0x1b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })), MAX, &v, &e) == COFFER_OK &&
	      cbor_int(&v, &n) && n == INT64_MAX);
	CHECK(cbor_open(SPAN(((uint8_t[]){ 0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })), MAX, &v, &e) == COFFER_OK &&
	      cbor_int(&v, &n) && n == INT64_MIN);
	CHECK(cbor_open(SPAN(((uint8_t[]){ 0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0 })), MAX, &v, &e) == COFFER_OK && !cbor_int(&v, &n));
	CHECK(cbor_open(SPAN(((uint8_t[]){ 0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0 })), MAX, &v, &e) == COFFER_OK && !cbor_int(&v, &n));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(rfc_examples_are_read_and_every_cut_of_them_is_refused),
		T(what_is_not_well_formed_or_has_two_forms_is_refused),
		T(bounds_hold_at_the_number_and_not_one_above),
		T(views_walk_maps_lists_and_tags),
		T(integers_that_do_not_fit_are_no_integers),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
