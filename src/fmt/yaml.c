#include "fmt/yaml.h"

#include <inttypes.h>
#include <stdio.h>
#include <yaml.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/json_build.h"

struct reader {
	yaml_parser_t      p;
	yaml_event_t       ev;   /* current event; deleted by next() */
	bool               live; /* ev holds something to delete */
	unsigned           depth;
	struct json_build *b;
	enum coffer_rc     rc;
	const char        *why;
	yaml_mark_t        at;   /* where, after a failure */
};

static struct json *node(struct reader *r);

static struct json *fail(struct reader *r, const char *why)
{
	r->rc = COFFER_E_INPUT;
	r->why = why;
	r->at = r->ev.start_mark;
	return NULL;
}

static struct json *fail_memory(struct reader *r)
{
	(void)fail(r, "out of memory");
	r->rc = COFFER_E_SYSTEM;
	return NULL;
}

static void drop(struct reader *r)
{
	if (r->live)
		yaml_event_delete(&r->ev);
	r->live = false;
}

static bool next(struct reader *r)
{
	drop(r);
	r->live = yaml_parser_parse(&r->p, &r->ev) == 1;
	if (r->live)
		return true;
	r->rc = r->p.error == YAML_MEMORY_ERROR ? COFFER_E_SYSTEM : COFFER_E_INPUT;
	r->why = r->p.problem ? r->p.problem : "malformed"; /* a constant of libyaml */
	r->at = r->p.problem_mark;
	return false;
}

static bool expect(struct reader *r, yaml_event_type_t type, const char *why)
{
	if (!next(r))
		return false;
	if (r->ev.type != type)
		(void)fail(r, why);
	return r->ev.type == type;
}

/* ---- scalars ---- */

static bool one_of(struct span s, const char *const *words)
{
	for (; *words; words++)
		if (span_eq_str(s, *words))
			return true;
	return false;
}

static size_t count(struct span s, const char *set)
{
	size_t i = 0;

	while (i < s.n && s.p[i] && strchr(set, s.p[i]))
		i++;
	return i;
}

static struct span unsigned_part(struct span s)
{
	return span_starts(s, "-") || span_starts(s, "+") ? span_skip(s, 1) : s;
}

/* YAML 1.2.2 section 10.3.2, the float rows. Integers match too: ask for them first. */
static bool is_float(struct span s)
{
	static const char *const words[] = { ".inf", ".Inf", ".INF", NULL };
	static const char *const nan[] = { ".nan", ".NaN", ".NAN", NULL };
	struct span d = unsigned_part(s);
	size_t whole, part = 0;

	if (one_of(d, words) || one_of(s, nan))
		return true;
	whole = count(d, "0123456789");
	d = span_skip(d, whole);
	if (span_starts(d, ".")) {
		part = count(span_skip(d, 1), "0123456789");
		d = span_skip(d, part + 1);
	}
	if (whole + part == 0)
		return false;
	if (span_starts(d, "e") || span_starts(d, "E")) {
		d = unsigned_part(span_skip(d, 1));
		return d.n > 0 && count(d, "0123456789") == d.n;
	}
	return d.n == 0;
}

static bool prefixed(struct span s, unsigned base, const char *digits)
{
	struct span d = span_skip(s, 2);

	return span_starts(s, base == 16 ? "0x" : "0o") && d.n > 0 && count(d, digits) == d.n;
}

static struct json *from_base(struct reader *r, struct span d, unsigned base)
{
	uint64_t v = 0;
	char text[24];

	for (size_t i = 0; i < d.n; i++) {
		uint8_t c = d.p[i];
		unsigned digit = (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);

		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return fail(r, "integer beyond 64 bits");
	}
	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	return jb_num(r->b, span_of(text));
}

/* A leading zero means decimal in YAML 1.2 and octal in the YAML 1.1 that Kubernetes
 * reads (modes such as 0644): neither is guessed. */
static struct json *decimal(struct reader *r, struct span s)
{
	struct span d = unsigned_part(s);

	if (d.n > 1 && d.p[0] == '0')
		return fail(r, "integer with a leading zero: write decimal, 0o... or quotes");
	return jb_num(r->b, span_starts(s, "+") ? d : s);
}

static struct json *plain(struct reader *r, struct span s)
{
	static const char *const null[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const yes[] = { "true", "True", "TRUE", NULL };
	static const char *const no[] = { "false", "False", "FALSE", NULL };
	struct span d = unsigned_part(s);

	if (one_of(s, null))
		return jb_null(r->b);
	if (one_of(s, yes) || one_of(s, no))
		return jb_bool(r->b, one_of(s, yes));
	if (d.n > 0 && count(d, "0123456789") == d.n)
		return decimal(r, s);
	if (prefixed(s, 16, "0123456789abcdefABCDEF"))
		return from_base(r, span_skip(s, 2), 16);
	if (prefixed(s, 8, "01234567"))
		return from_base(r, span_skip(s, 2), 8);
	if (is_float(s))
		return fail(r, "floating point numbers are not read; use quotes for text");
	return jb_str(r->b, s);
}

static struct span scalar_text(const struct reader *r)
{
	return (struct span){ r->ev.data.scalar.value, r->ev.data.scalar.length };
}

static struct json *scalar(struct reader *r)
{
	struct span s = scalar_text(r);
	struct json *v;

	if (r->ev.data.scalar.anchor)
		return fail(r, "anchors are not read");
	if (r->ev.data.scalar.tag)
		return fail(r, "tags are not read");
	if (span_find(s, 0) != s.n)
		return fail(r, "U+0000 in a scalar");
	v = r->ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain(r, s) : jb_str(r->b, s);
	return v || r->why ? v : fail_memory(r);
}

/* ---- collections; the current event is their start ---- */

static bool enter(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor || tag) {
		(void)fail(r, anchor ? "anchors are not read" : "tags are not read");
		return false;
	}
	if (r->depth == JSON_DEPTH_MAX) {
		(void)fail(r, "nested too deep");
		r->rc = COFFER_E_LIMIT;
		return false;
	}
	r->depth++;
	return true;
}

static struct json *sequence(struct reader *r)
{
	struct json *arr;

	if (!enter(r, r->ev.data.sequence_start.anchor, r->ev.data.sequence_start.tag))
		return NULL;
	arr = jb_arr(r->b);
	if (!arr)
		return fail_memory(r);
	for (;;) {
		struct json *v;

		if (!next(r))
			return NULL;
		if (r->ev.type == YAML_SEQUENCE_END_EVENT)
			break;
		v = node(r);
		if (!v)
			return NULL;
		if (!jb_push(r->b, arr, v))
			return fail_memory(r);
	}
	r->depth--;
	return arr;
}

/* The current event as a new key of obj, copied to w. */
static bool key(struct reader *r, struct json *obj, struct wr *w)
{
	struct json *v;
	struct span s;

	if (r->ev.type != YAML_SCALAR_EVENT) {
		(void)fail(r, r->ev.type == YAML_ALIAS_EVENT ? "aliases are not read" : "a key must be a string");
		return false;
	}
	s = scalar_text(r);
	if (r->ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && span_eq_str(s, "<<")) {
		(void)fail(r, "merge keys are not read");
		return false;
	}
	v = scalar(r);
	if (!v)
		return false;
	if (json_type(v) != JSON_STRING || jb_member(obj, s)) {
		(void)fail(r, json_type(v) != JSON_STRING ? "a key must be a string" : "duplicate key");
		return false;
	}
	wr_put(w, s);
	if (!wr_ok(w))
		(void)fail_memory(r);
	return wr_ok(w);
}

static bool pair(struct reader *r, struct json *obj)
{
	CLEANUP(wr_close) struct wr name = wr_open(SIZE_MAX / 2);
	struct json *v;

	if (!key(r, obj, &name) || !next(r))
		return false;
	v = node(r);
	if (!v)
		return false;
	if (!jb_set(r->b, obj, wr_span(&name), v))
		(void)fail_memory(r);
	return !r->why;
}

static struct json *mapping(struct reader *r)
{
	struct json *obj;

	if (!enter(r, r->ev.data.mapping_start.anchor, r->ev.data.mapping_start.tag))
		return NULL;
	obj = jb_obj(r->b);
	if (!obj)
		return fail_memory(r);
	for (;;) {
		if (!next(r))
			return NULL;
		if (r->ev.type == YAML_MAPPING_END_EVENT)
			break;
		if (!pair(r, obj))
			return NULL;
	}
	r->depth--;
	return obj;
}

static struct json *node(struct reader *r)
{
	if (r->ev.type == YAML_SCALAR_EVENT)
		return scalar(r);
	if (r->ev.type == YAML_SEQUENCE_START_EVENT)
		return sequence(r);
	if (r->ev.type == YAML_MAPPING_START_EVENT)
		return mapping(r);
	return fail(r, r->ev.type == YAML_ALIAS_EVENT ? "aliases are not read" : "unexpected event");
}

static struct json *document(struct reader *r)
{
	struct json *root;

	if (!expect(r, YAML_STREAM_START_EVENT, "malformed") || !expect(r, YAML_DOCUMENT_START_EVENT, "no document"))
		return NULL;
	if (r->ev.data.document_start.tag_directives.start != r->ev.data.document_start.tag_directives.end)
		return fail(r, "tags are not read");
	root = next(r) ? node(r) : NULL;
	if (!root)
		return NULL;
	if (!expect(r, YAML_DOCUMENT_END_EVENT, "more after the document") ||
	    !expect(r, YAML_STREAM_END_EVENT, "more than one document"))
		return NULL;
	return root;
}

enum coffer_rc yaml_parse(struct span in, size_t max_bytes, struct json_doc **out, struct err *e)
{
	struct reader r = { .rc = COFFER_OK };
	struct json *root;

	if (in.n > max_bytes || in.n > UINT32_MAX / 2)
		return err_set(e, COFFER_E_LIMIT, "YAML: %zu bytes, at most %zu are read", in.n, max_bytes);
	r.b = jb_new();
	if (!r.b || !yaml_parser_initialize(&r.p)) {
		jb_free(r.b);
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	}
	yaml_parser_set_encoding(&r.p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.p, in.n ? in.p : (const uint8_t *)"", in.n);
	root = document(&r);
	drop(&r);
	if (!root)
		(void)err_set(e, r.rc, "line %zu, column %zu: %s", r.at.line + 1, r.at.column + 1, r.why);
	yaml_parser_delete(&r.p);
	if (!root) {
		jb_free(r.b);
		return r.rc;
	}
	return jb_finish(r.b, root, out, e);
}
