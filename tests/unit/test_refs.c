/* Reference values: both forms read, everything else refused, expiry kept. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/refs.h"
#include "tests/t.h"

static enum coffer_rc parse(const char *text, struct refs **r)
{
	struct err e = { 0 };

	return refs_parse(span_of(text), r, &e);
}

static void map_is_read(void)
{
	CLEANUP(refs_freep) struct refs *r = NULL;
	const struct json *v = NULL;

	CHECK(parse("{\"b\":[1,true,\"x\"],\"a\":\"y\",\"c\":false}", &r) == COFFER_OK && refs_len(r) == 3);
	CHECK(refs_find(r, span_of("a"), 0, &v) == REF_HERE && span_eq_str(json_str(v), "y"));
	CHECK(refs_find(r, span_of("b"), 0, &v) == REF_HERE && json_len(v) == 3);
	CHECK(refs_find(r, span_of("d"), 0, &v) == REF_ABSENT && !v);
	CHECK(refs_find(NULL, span_of("a"), 0, &v) == REF_ABSENT && !v);
}

#define STORED(exp) "[{\"version\":\"0.1.0\",\"name\":\"a\",\"expiration\":" exp ",\"value\":[\"x\"]}]"

static void expired_value_is_absent_and_says_so(void)
{
	CLEANUP(refs_freep) struct refs *r = NULL, *cut = NULL, *never = NULL;
	const struct json *v = NULL;

	CHECK(parse(STORED("\"1970-01-01T00:01:40Z\""), &r) == COFFER_OK);
	CHECK(refs_find(r, span_of("a"), 99, &v) == REF_HERE && v);
	CHECK(refs_find(r, span_of("a"), 100, &v) == REF_EXPIRED && !v);
	CHECK(refs_find(r, span_of("a"), -1, &v) == REF_HERE);
	CHECK(parse(STORED("\"1970-01-01T00:01:40.999999999Z\""), &cut) == COFFER_OK && refs_find(cut, span_of("a"), 100, &v) == REF_EXPIRED);
	CHECK(parse(STORED("null"), &never) == COFFER_OK && refs_find(never, span_of("a"), INT64_MAX, &v) == REF_HERE);
}

static void other_texts_are_refused(void)
{
	static const char *const bad[] = { "", "1", "\"a\"", "{\"a\":{}}", "{\"a\":null}", "{\"a\":[[1]]}", "{\"a\":[null]}", "{\"\":1}", "{\"a b\":1}",
		"{\"a\":1,\"a\":2}", "[1]", "[{\"name\":\"a\",\"value\":1}]", "[{\"version\":\"1\",\"value\":1}]", "[{\"version\":\"1\",\"name\":\"a\"}]",
		"[{\"version\":\"1\",\"name\":\"a\",\"value\":1,\"more\":1}]", STORED("\"tomorrow\""), STORED("5"), STORED("\"1970-01-01T00:01:40.Z\""),
		STORED("\"1970-01-01T00:01:40.1234567890Z\""), STORED("\"1970-01-01T00:01:40.1x\""), STORED("\"1970-01-01T00:01:40+00:00\""),
		"[{\"version\":\"1\",\"name\":\"a\",\"value\":1},{\"version\":\"1\",\"name\":\"a\",\"value\":1}]" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(refs_freep) struct refs *r = NULL;

		if (parse(bad[i], &r) != COFFER_E_INPUT)
			printf("# %s\n", bad[i]);
		CHECK(!r);
	}
}

static void more_than_the_bounds_is_refused(void)
{
	CLEANUP(wr_close) struct wr names = wr_open(REFS_TEXT_MAX), values = wr_open(REFS_TEXT_MAX), name = wr_open(4096);
	CLEANUP(refs_freep) struct refs *r = NULL;
	struct err e = { 0 };

	wr_str(&names, "{");
	wr_str(&values, "{\"a\":[");
	for (unsigned i = 0; i <= REFS_MAX; i++) {
		wr_fmt(&names, "%s\"n%u\":1", i ? "," : "", i);
		wr_str(&values, i ? ",1" : "1");
	}
	wr_str(&names, "}");
	wr_str(&values, "]}");
	CHECK(refs_parse(wr_span(&names), &r, &e) == COFFER_E_LIMIT && refs_parse(wr_span(&values), &r, &e) == COFFER_E_LIMIT);
	wr_str(&name, "{\"");
	for (unsigned i = 0; i <= REFS_NAME_MAX; i++)
		wr_str(&name, "n");
	wr_str(&name, "\":1}");
	CHECK(refs_parse(wr_span(&name), &r, &e) == COFFER_E_INPUT && !r);
}

static void every_truncation_is_refused(void)
{
	static const char text[] = "[{\"version\":\"0.1.0\",\"name\":\"a\",\"expiration\":\"2030-01-01T00:00:00Z\",\"value\":[\"x\",1]}]";

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		CLEANUP(refs_freep) struct refs *r = NULL;
		struct err e = { 0 };

		memcpy(exact, text, n);
		CHECK(refs_parse((struct span){ exact, n }, &r, &e) == COFFER_E_INPUT && !r);
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(map_is_read), T(expired_value_is_absent_and_says_so), T(other_texts_are_refused),
		T(more_than_the_bounds_is_refused), T(every_truncation_is_refused) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
