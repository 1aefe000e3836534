#include <string.h>

#include "base/str.h"
#include "image/laypath.h"
#include "tests/t.h"

static enum coffer_rc parse(const char *s, struct laypath *p)
{
	struct err e = { 0 };

	return laypath_parse(span_of(s), p, &e);
}

static void laypath_names_are_reduced(void)
{
	static const struct { const char *in, *out; size_t depth, base; } cases[] = {
		{ "a", "a", 1, 0 }, { "a/b", "a/b", 2, 2 }, { "/a//b/", "a/b", 2, 2 }, { "./a/./b", "a/b", 2, 2 }, { ".", "", 0, 0 },
		{ "./", "", 0, 0 }, { "/", "", 0, 0 }, { "a/...", "a/...", 2, 2 }, { "..a/b..", "..a/b..", 2, 4 }, { "\xff/x", "\xff/x", 2, 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct laypath p;

		CHECK(parse(cases[i].in, &p) == COFFER_OK && p.kind == LAYPATH_PLAIN);
		CHECK(strcmp(p.text, cases[i].out) == 0 && p.depth == cases[i].depth && p.base == cases[i].base && p.n == strlen(p.text));
	}
}

static void laypath_climbing_names_are_refused(void)
{
	static const char *const bad[] = { "..", "../x", "a/..", "a/../b", "/..", "./..", "a/../../b" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct laypath p;

		CHECK(parse(bad[i], &p) == COFFER_E_DENIED);
	}
}

static void laypath_nul_is_refused(void)
{
	struct laypath p;
	struct err e = { 0 };

	CHECK(laypath_parse((struct span){ (const uint8_t *)"a\0b", 3 }, &p, &e) == COFFER_E_DENIED);
}

static void laypath_whiteouts_are_told_apart(void)
{
	static const struct { const char *in, *out; enum laypath_kind kind; size_t depth, base; } cases[] = {
		{ ".wh.x", "x", LAYPATH_WHITEOUT, 1, 0 }, { "a/b/.wh.x", "a/b/x", LAYPATH_WHITEOUT, 3, 4 },
		{ ".wh..wh..opq", "", LAYPATH_OPAQUE, 0, 0 }, { "a/.wh..wh..opq", "a", LAYPATH_OPAQUE, 1, 0 },
		{ "a/bc/.wh..wh..opq", "a/bc", LAYPATH_OPAQUE, 2, 2 }, { ".wh..wh.plnk", ".wh..wh.plnk", LAYPATH_META, 1, 0 },
		{ ".wh..wh..opqx", ".wh..wh..opqx", LAYPATH_META, 1, 0 }, { ".wh.x/", "x", LAYPATH_WHITEOUT, 1, 0 }, { ".whx", ".whx", LAYPATH_PLAIN, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct laypath p;

		CHECK(parse(cases[i].in, &p) == COFFER_OK && p.kind == cases[i].kind);
		CHECK(strcmp(p.text, cases[i].out) == 0 && p.depth == cases[i].depth && p.base == cases[i].base && p.n == strlen(p.text));
	}
}

static void laypath_whiteout_of_nothing_is_refused(void)
{
	static const char *const bad[] = { ".wh.", ".wh..", ".wh...", "a/.wh...", ".wh.a/b", ".wh..wh..opq/b", "a/.wh.b/.wh.c" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct laypath p;

		CHECK(parse(bad[i], &p) == COFFER_E_DENIED);
	}
}

static void laypath_limits_hold(void)
{
	static char text[2 * TAR_NAME_MAX];
	struct laypath p;

	memset(text, 'n', 256);
	CHECK(parse(text, &p) == COFFER_E_LIMIT);
	text[255] = '\0';
	CHECK(parse(text, &p) == COFFER_OK);
	for (size_t i = 0; i <= LAYPATH_DEPTH; i++)
		memcpy(text + 2 * i, "a/", 3);
	CHECK(parse(text, &p) == COFFER_E_LIMIT);
	text[2 * LAYPATH_DEPTH] = '\0';
	CHECK(parse(text, &p) == COFFER_OK && p.depth == LAYPATH_DEPTH);
	memset(text, '/', TAR_NAME_MAX + 1);
	text[TAR_NAME_MAX + 1] = '\0';
	CHECK(parse(text, &p) == COFFER_E_LIMIT);
}

static void laypath_target_whiteout_and_root_are_refused(void)
{
	struct laypath p;
	struct err e = { 0 };

	CHECK(laypath_parse_target(span_of("/etc/x"), &p, &e) == COFFER_OK && strcmp(p.text, "etc/x") == 0);
	CHECK(laypath_parse_target(span_of("../x"), &p, &e) == COFFER_E_DENIED);
	CHECK(laypath_parse_target(span_of("a/.wh.b"), &p, &e) == COFFER_E_DENIED);
	CHECK(laypath_parse_target(span_of("/"), &p, &e) == COFFER_E_DENIED);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(laypath_names_are_reduced), T(laypath_climbing_names_are_refused), T(laypath_nul_is_refused), T(laypath_whiteouts_are_told_apart),
		T(laypath_whiteout_of_nothing_is_refused), T(laypath_limits_hold), T(laypath_target_whiteout_and_root_are_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
