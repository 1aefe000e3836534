/* A bundle of `coffer selftest`: what is read is what was written, and what a stranger could write otherwise is refused. Judged in tests/e2e/test_selftest.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/selftest/bundle.h"
#include "tests/t.h"

static const char *const ids[] = { "the kernel's release", NULL };

static void put(struct wr *w, const char *s)
{
	*w = wr_open(BUNDLE_FILE_MAX);
	wr_str(w, s);
}

static struct bundle *sample(void)
{
	struct bundle *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	*b = (struct bundle){ .time = 1800000000, .version = "0.1.0", .label = "shelf", .n_facts = 1, .n_absent = 1, .n_items = 2, .n_files = 1,
		.fact = { { "kernel", true, "Linux 6.12" } }, .absent = { { "snp, tdx", "no such folder" } } };
	(void)snprintf(b->item[0].platform, sizeof(b->item[0].platform), "swtpm");
	put(&b->item[0].report_data, "0123456789abcdef0123456789abcdef");
	put(&b->item[0].evidence, "{\"a\":\"\\u00e4 \\\" \"}");
	put(&b->item[0].log, "log");
	put(&b->item[0].ek, "ek");
	put(&b->item[0].verdict, "{\"verdict\":\"valid\"} ");
	(void)snprintf(b->item[1].platform, sizeof(b->item[1].platform), "az-snp-vtpm");
	put(&b->item[1].report_data, "x");
	put(&b->item[1].evidence, "{}");
	b->file[0].root = true;
	put(&b->file[0].bytes, "certificate");
	return b;
}

static struct wr written(const struct bundle *b)
{
	struct wr w = wr_open(BUNDLE_MAX);
	struct err e = { 0 };

	CHECK(bundle_write(b, ids, &w, &e) == COFFER_OK);
	return w;
}

static enum coffer_rc read_text(struct span s, struct bundle *out)
{
	struct err e = { 0 };

	return bundle_read(s, out, &e);
}

static bool zero(const struct bundle *b)
{
	CLEANUP(freep) struct bundle *none = calloc(1, sizeof(*none));

	return none && memcmp(b, none, sizeof(*b)) == 0; /* public: a test */
}

static void what_is_read_is_what_was_written_to_the_byte(void)
{
	CLEANUP(bundle_freep) struct bundle *b = sample(), *r = calloc(1, sizeof(*r));
	CLEANUP(wr_close) struct wr w = written(b), again = { 0 };

	CHECK(read_text(wr_span(&w), r) == COFFER_OK && r->n_items == 2 && r->n_files == 1 && r->time == b->time && r->file[0].root);
	CHECK(span_eq(wr_span(&r->item[0].evidence), wr_span(&b->item[0].evidence)) && span_eq(wr_span(&r->item[0].verdict), wr_span(&b->item[0].verdict)));
	CHECK(span_eq(wr_span(&r->item[0].log), wr_span(&b->item[0].log)) && span_eq(wr_span(&r->item[0].ek), wr_span(&b->item[0].ek)) && r->item[1].verdict.n == 0);
	again = written(r);
	CHECK(span_eq(wr_span(&again), wr_span(&w)));
}

static void every_truncation_is_refused_and_leaves_nothing(void)
{
	CLEANUP(bundle_freep) struct bundle *b = sample(), *r = calloc(1, sizeof(*r));
	CLEANUP(wr_close) struct wr w = written(b);

	for (size_t n = 0; n + 1 < w.n; n++) { /* the last byte ends a line */
		CLEANUP(freep) uint8_t *cut = malloc(n + 1);

		memcpy(cut, w.p, n);
		CHECK(read_text((struct span){ cut, n }, r) == COFFER_E_INPUT && zero(r));
	}
}

/* The bundle with `from` replaced. */
static enum coffer_rc with(const char *from, const char *to)
{
	CLEANUP(bundle_freep) struct bundle *b = sample(), *r = calloc(1, sizeof(*r));
	CLEANUP(wr_close) struct wr w = written(b), v = wr_open(BUNDLE_MAX);
	const uint8_t *at = memmem(w.p, w.n, from, strlen(from));
	enum coffer_rc rc;

	CHECK(at != NULL);
	if (!at)
		return COFFER_OK;
	wr_put(&v, (struct span){ w.p, (size_t)(at - w.p) });
	wr_str(&v, to);
	wr_put(&v, (struct span){ at + strlen(from), w.n - (size_t)(at - w.p) - strlen(from) });
	rc = read_text(wr_span(&v), r);
	CHECK(rc == COFFER_OK || zero(r));
	return rc;
}

static void what_another_writer_could_say_is_refused(void)
{
	static const struct { const char *from, *to; } cases[] = {
		{ "\"coffer selftest\"", "\"something\"" }, { "\"version\": 1", "\"version\": 2" }, { "\"version\": 1", "\"version\": \"1\"" },
		{ "\"time\": 1800000000", "\"time\": -1" }, { "\"time\": 1800000000", "\"time\": 253402300800" }, { "\"label\": \"shelf\"", "\"label\": \"a\\u001b[2J\"" },
		{ "\"label\": \"shelf\"", "\"label\": \"\\u00e4\"" }, { "\"what\": \"Linux 6.12\"", "\"what\": \"\\n\"" }, { "\"there\": true", "\"there\": 1" },
		{ "\"platform\": \"swtpm\"", "\"platform\": \"a-name-longer-than-it\"" }, { "\"platform\": \"swtpm\"", "\"platform\": 1" },
		{ "\"report-data\": \"78\"", "\"report-data\": \"\"" }, { "\"report-data\": \"78\"", "\"report-data\": \"7\"" }, { "\"report-data\": \"78\"", "\"more\": \"\"" },
		{ "\"event-log\": \"bG9n\"", "\"event-log\": \"\"" }, { "\"event-log\": \"bG9n\"", "\"event-log\": \"b\"" }, { "\"evidence\": \"{}\"", "\"evidence\": \"\"" },
		{ "\"evidence\": \"{}\"", "\"evidence\": {}" }, { "\"root\": true", "\"root\": \"yes\"" }, { "\"data\": \"", "\"data\": \"!" }, { "\"why\": \"no such folder\"", "\"why\": null" },
		{ "\"identifies\": [", "\"identifies\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16," }, { "\"collateral\": [", "\"collateral\": [1," },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum coffer_rc rc = with(cases[i].from, cases[i].to);

		CHECK(rc == COFFER_E_INPUT || rc == COFFER_E_LIMIT);
		if (rc == COFFER_OK)
			printf("# taken: %s\n", cases[i].to);
	}
	CHECK(with("\"label\": \"shelf\"", "\"label\": \"\"") == COFFER_OK);
}

static void more_pieces_than_there_are_places_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	CLEANUP(bundle_freep) struct bundle *r = calloc(1, sizeof(*r));
	struct err e = { 0 };

	for (size_t n = BUNDLE_ITEMS_MAX; n <= BUNDLE_ITEMS_MAX + 1; n++) {
		wr_close(&w);
		w = wr_open(1u << 16);
		wr_str(&w, "{\"version\":1,\"absent\":[],\"evidence\":[");
		for (size_t i = 0; i < n; i++)
			wr_fmt(&w, "%s{\"platform\":\"snp\",\"report-data\":\"00\",\"evidence\":\"{}\"}", i ? "," : "");
		wr_str(&w, "]}");
		CHECK(bundle_read_probe(wr_span(&w), r, &e) == (n > BUNDLE_ITEMS_MAX ? COFFER_E_LIMIT : COFFER_OK));
		bundle_clear(r);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(what_is_read_is_what_was_written_to_the_byte),
		T(every_truncation_is_refused_and_leaves_nothing),
		T(what_another_writer_could_say_is_refused),
		T(more_pieces_than_there_are_places_are_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
