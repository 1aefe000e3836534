/* What the tests of src/fmt share. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/json.h"

/* A parser under test: json_parse, toml_parse or yaml_parse. */
typedef enum coffer_rc (*parse_fn)(struct span in, size_t max_bytes, struct json_doc **out, struct err *e);

/* Parses an exact-size heap copy, so that a sanitizer sees every read beyond it. */
static inline enum coffer_rc parse_exact(parse_fn fn, struct span in, struct json_doc **out, struct err *e)
{
	CLEANUP(freep) uint8_t *p = malloc(in.n ? in.n : 1);

	if (!p)
		abort();
	if (in.n)
		memcpy(p, in.p, in.n);
	return fn((struct span){ p, in.n }, 1 << 20, out, e);
}

/* Refused with this code, the output untouched and the message holding `part`. */
static inline bool refused(parse_fn fn, struct span in, enum coffer_rc rc, const char *part)
{
	struct json_doc *d = NULL;
	struct err e = { 0 };
	bool ok = parse_exact(fn, in, &d, &e) == rc && !d && e.rc == rc && strstr(e.msg, part);

	if (!ok)
		printf("# %.*s: rc %d \"%s\", expected \"%s\"\n", (int)in.n, (const char *)in.p, (int)e.rc, e.msg, part);
	json_free(d);
	return ok;
}

static inline bool refused_str(parse_fn fn, const char *text, const char *part)
{
	return refused(fn, span_of(text), COFFER_E_INPUT, part);
}

/* The text parses, and written compactly in text order it reads `want`. */
static inline bool reads_as(parse_fn fn, const char *text, const char *want)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct json_wr j = jw_open(&w, false);
	struct err e = { 0 };
	bool ok;

	if (parse_exact(fn, span_of(text), &d, &e) != COFFER_OK) {
		printf("# %s: %s\n", text, e.msg);
		return false;
	}
	jw_value(&j, json_root(d));
	ok = wr_ok(&w) && span_eq_str(wr_span(&w), want);
	if (!ok)
		printf("# got %.*s, expected %s\n", (int)w.n, (const char *)w.p, want);
	return ok;
}
