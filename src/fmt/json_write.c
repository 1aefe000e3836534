/* JSON out: a streaming writer, and the canonical form of RFC 8785. */
#include "fmt/json_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/utf8.h"

#define CANON_SMALL 16
#define SHORT 126 /* bytes of text; with its quotes 128 */
#define SAFE_INTEGER ((uint64_t)1 << 53)

struct json_wr jw_open(struct wr *w, bool pretty)
{
	return (struct json_wr){ .w = w, .pretty = pretty };
}

static void newline(struct json_wr *j)
{
	static const char white[] = "\n                                "; /* 32 spaces */

	if (!j->pretty)
		return;
	wr_put(j->w, (struct span){ (const uint8_t *)white, 1 + (j->depth < 16 ? 2 * j->depth : 32) });
	for (unsigned i = 16; i < j->depth; i++)
		wr_str(j->w, "  ");
}

/* What must stand before the next name or value. */
static void lead(struct json_wr *j)
{
	if (j->after_name) {
		j->after_name = false;
		return;
	}
	if (j->depth == 0) {
		j->w->bad |= j->want_comma; /* a second value behind the first */
		return;
	}
	if (j->want_comma)
		wr_u8(j->w, ',');
	newline(j);
}

static void begin(struct json_wr *j, uint8_t c)
{
	lead(j);
	wr_u8(j->w, c);
	j->depth++;
	j->want_comma = false;
}

static void end(struct json_wr *j, uint8_t c)
{
	if (j->depth == 0 || j->after_name) {
		j->w->bad = true; /* more ends than beginnings, or a name without its value */
		return;
	}
	j->depth--;
	if (j->want_comma)
		newline(j);
	wr_u8(j->w, c);
	j->want_comma = true;
}

void jw_obj(struct json_wr *j) { begin(j, '{'); }
void jw_obj_end(struct json_wr *j) { end(j, '}'); }
void jw_arr(struct json_wr *j) { begin(j, '['); }
void jw_arr_end(struct json_wr *j) { end(j, ']'); }

static void put_escape(struct wr *w, uint8_t c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789abcdef";

	for (size_t i = 0; from[i]; i++)
		if (c == (uint8_t)from[i]) {
			wr_put(w, (struct span){ (const uint8_t[]){ '\\', (uint8_t)to[i] }, 2 });
			return;
		}
	wr_str(w, "\\u00");
	wr_put(w, (struct span){ (const uint8_t[]){ (uint8_t)hex[c >> 4], (uint8_t)hex[c & 15] }, 2 });
}

static bool needs_escape(uint8_t c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* Length of the start of s that is ASCII and needs no escape, found eight bytes at
 * a time; the test is that of json.c. */
static size_t simple(struct span s)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		uint64_t v;

		memcpy(&v, s.p + i, sizeof(v));
		if ((v | (v - ones * 0x20) | ((v ^ ones * '"') - ones) | ((v ^ ones * '\\') - ones)) & tops)
			break;
	}
	while (i < s.n && s.p[i] < 0x80 && !needs_escape(s.p[i]))
		i++;
	return i;
}

/* Short names and values are most of a text: put them with one write. */
static void put_simple(struct wr *w, struct span s)
{
	uint8_t b[SHORT + 2];

	b[0] = '"';
	memcpy(b + 1, s.p, s.n);
	b[s.n + 1] = '"';
	wr_put(w, (struct span){ b, s.n + 2 });
	explicit_bzero(b, s.n + 2); /* may be a token or key */
}

/* The shortest escapes, as RFC 8785 section 3.2.2.2 wants them; the same for all
 * writing. A NUL fails as invalid UTF-8 does: our own reader would refuse it. */
static void put_string(struct wr *w, struct span s)
{
	size_t from = 0, i = simple(s);

	if (i == s.n && s.n > 0 && s.n <= SHORT) {
		put_simple(w, s);
		return;
	}
	if (!utf8_ok(s) || span_find(s, 0) != s.n) {
		w->bad = true;
		return;
	}
	wr_u8(w, '"');
	for (; i < s.n; i++) {
		if (!needs_escape(s.p[i]))
			continue;
		wr_put(w, (struct span){ s.p + from, i - from });
		put_escape(w, s.p[i]);
		from = i + 1;
	}
	wr_put(w, span_skip(s, from));
	wr_u8(w, '"');
}

void jw_namen(struct json_wr *j, struct span name)
{
	if (j->after_name || j->depth == 0)
		j->w->bad = true;
	lead(j);
	put_string(j->w, name);
	wr_str(j->w, j->pretty ? ": " : ":");
	j->after_name = true;
}

void jw_name(struct json_wr *j, const char *name)
{
	jw_namen(j, span_of(name));
}

void jw_str(struct json_wr *j, struct span s)
{
	lead(j);
	put_string(j->w, s);
	j->want_comma = true;
}

static void literal(struct json_wr *j, struct span s)
{
	lead(j);
	wr_put(j->w, s);
	j->want_comma = true;
}

void jw_text(struct json_wr *j, const char *s)
{
	jw_str(j, span_of(s));
}

void jw_u64(struct json_wr *j, uint64_t v)
{
	char b[24];

	(void)snprintf(b, sizeof(b), "%" PRIu64, v);
	literal(j, span_of(b));
}

void jw_i64(struct json_wr *j, int64_t v)
{
	char b[24];

	(void)snprintf(b, sizeof(b), "%" PRId64, v);
	literal(j, span_of(b));
}

void jw_bool(struct json_wr *j, bool v)
{
	literal(j, span_of(v ? "true" : "false"));
}

void jw_null(struct json_wr *j)
{
	literal(j, span_of("null"));
}

/* Neither alphabet has a character to escape. */
static void encoded(struct json_wr *j, struct span s, void (*write)(struct wr *w, struct span s))
{
	lead(j);
	wr_u8(j->w, '"');
	write(j->w, s);
	wr_u8(j->w, '"');
	j->want_comma = true;
}

void jw_hex(struct json_wr *j, struct span s)
{
	encoded(j, s, hex_write);
}

void jw_b64(struct json_wr *j, struct span s)
{
	encoded(j, s, b64_write);
}

static void put_array(struct json_wr *j, const struct json *v)
{
	jw_arr(j);
	for (uint32_t i = 0; i < v->n; i++)
		jw_value(j, v->items[i]);
	jw_arr_end(j);
}

static void put_object(struct json_wr *j, const struct json *v)
{
	jw_obj(j);
	for (uint32_t i = 0; i < v->n; i++) {
		jw_namen(j, json_name(v, i));
		jw_value(j, v->members[i].v);
	}
	jw_obj_end(j);
}

/* Recursion is bounded by JSON_DEPTH_MAX: no document is deeper. */
void jw_value(struct json_wr *j, const struct json *v)
{
	switch (json_type(v)) {
	case JSON_NULL:
		jw_null(j);
		return;
	case JSON_BOOL:
		jw_bool(j, v->n != 0);
		return;
	case JSON_NUMBER:
		literal(j, json_num(v));
		return;
	case JSON_STRING:
		jw_str(j, json_str(v));
		return;
	case JSON_ARRAY:
		put_array(j, v);
		return;
	case JSON_OBJECT:
		put_object(j, v);
		return;
	}
}

void jw_m_hex(struct json_wr *j, const char *name, struct span s)
{
	jw_name(j, name);
	jw_hex(j, s);
}

void jw_m_b64(struct json_wr *j, const char *name, struct span s)
{
	jw_name(j, name);
	jw_b64(j, s);
}

void jw_m_text(struct json_wr *j, const char *name, const char *s)
{
	jw_name(j, name);
	jw_text(j, s);
}

void jw_m_str(struct json_wr *j, const char *name, struct span s)
{
	jw_name(j, name);
	jw_str(j, s);
}

void jw_m_u64(struct json_wr *j, const char *name, uint64_t v)
{
	jw_name(j, name);
	jw_u64(j, v);
}

void jw_m_bool(struct json_wr *j, const char *name, bool v)
{
	jw_name(j, name);
	jw_bool(j, v);
}

/* ---- RFC 8785 ---- */

/* UTF-8 bytes sort as code points; UTF-16 differs only in that the surrogates of
 * U+10000 and up (lead F0 to F4) come before U+E000 to U+FFFF (lead EE and EF).
 * Two names first differ in a lead byte there, so ranking lead bytes is enough. */
static int utf16_rank(uint8_t b)
{
	if (b >= 0xF0)
		return b - 2;
	return b >= 0xEE ? b + 5 : b;
}

static int utf16_cmp(const struct json_member *a, const struct json_member *b)
{
	uint32_t n = a->n < b->n ? a->n : b->n;

	for (uint32_t i = 0; i < n; i++)
		if (a->p[i] != b->p[i])
			return utf16_rank(a->p[i]) - utf16_rank(b->p[i]);
	return a->n < b->n ? -1 : a->n > b->n;
}

/* Integer literals in reach of a double only: there the text is its own shortest
 * form (RFC 8785 section 3.2.2.3), but for minus zero. */
static void canon_number(struct wr *w, const struct json *v)
{
	struct span s = json_num(v);
	bool minus = s.n && s.p[0] == '-';
	uint64_t u;

	if (!span_u64(minus ? span_skip(s, 1) : s, &u) || u > SAFE_INTEGER)
		w->bad = true;
	else if (u == 0)
		wr_u8(w, '0');
	else
		wr_put(w, s);
}

static void canon_array(struct wr *w, const struct json *v)
{
	wr_u8(w, '[');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i)
			wr_u8(w, ',');
		json_canon(v->items[i], w);
	}
	wr_u8(w, ']');
}

static void canon_object(struct wr *w, const struct json *v)
{
	CLEANUP(freep) uint32_t *big = NULL;
	uint32_t small[2 * CANON_SMALL];
	uint32_t *order = small;

	if (v->n > CANON_SMALL) {
		big = calloc(v->n, 2 * sizeof(*big));
		if (!big) {
			w->bad = true;
			return;
		}
		order = big;
	}
	order = json_sort(v->members, v->n, order, utf16_cmp);
	wr_u8(w, '{');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i)
			wr_u8(w, ',');
		put_string(w, json_name(v, order[i]));
		wr_u8(w, ':');
		json_canon(v->members[order[i]].v, w);
	}
	wr_u8(w, '}');
}

void json_canon(const struct json *v, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	switch (json_type(v)) {
	case JSON_NUMBER:
		canon_number(w, v);
		return;
	case JSON_ARRAY:
		canon_array(w, v);
		return;
	case JSON_OBJECT:
		canon_object(w, v);
		return;
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_STRING:
		jw_value(&j, v);
		return;
	}
}
