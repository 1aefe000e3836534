/* TOML 1.0 keys, strings, integers and booleans. */
#include "fmt/toml_int.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/toml.h"
#include "fmt/utf8.h"

bool toml_fail(struct toml *t, const char *why)
{
	t->rc = COFFER_E_INPUT;
	t->why = why;
	return false;
}

bool toml_fail_memory(struct toml *t)
{
	t->rc = COFFER_E_SYSTEM;
	t->why = "out of memory";
	return false;
}

bool toml_end(const struct toml *t)
{
	return t->pos == t->in.n;
}

uint8_t toml_peek(const struct toml *t)
{
	return toml_end(t) ? 0 : t->in.p[t->pos];
}

bool toml_newline(struct toml *t)
{
	if (toml_peek(t) == '\r' && t->in.n - t->pos > 1 && t->in.p[t->pos + 1] == '\n')
		t->pos++;
	else if (toml_peek(t) != '\n')
		return false;
	t->pos++;
	t->line++;
	t->bol = t->pos;
	return true;
}

void toml_blank(struct toml *t)
{
	while (toml_peek(t) == ' ' || toml_peek(t) == '\t')
		t->pos++;
}

bool toml_control(uint8_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7F;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \uXXXX or \UXXXXXXXX; pos is behind the letter. */
static bool unicode(struct toml *t, unsigned digits, struct wr *w)
{
	uint8_t b[4];
	uint32_t c = 0;

	for (unsigned i = 0; i < digits; i++, t->pos++) {
		int d = hex_digit(toml_peek(t));

		if (d < 0)
			return toml_fail(t, "bad Unicode escape");
		c = c << 4 | (uint32_t)d;
	}
	if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return toml_fail(t, "a Unicode escape must name a character other than U+0000");
	wr_put(w, (struct span){ b, utf8_put(c, b) });
	return true;
}

static bool escape(struct toml *t, struct wr *w)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char *at;
	uint8_t c;

	t->pos++;
	c = toml_peek(t);
	at = c ? strchr(from, c) : NULL;
	if (!at && c != 'u' && c != 'U')
		return toml_fail(t, "bad escape");
	t->pos++;
	if (!at)
		return unicode(t, c == 'u' ? 4 : 8, w);
	wr_u8(w, (uint8_t)to[at - from]);
	return true;
}

/* Copies what stands for itself. UTF-8 was checked for the whole text. */
static void run(struct toml *t, uint8_t quote, struct wr *w)
{
	size_t from = t->pos;
	uint8_t c;

	while (!toml_end(t)) {
		c = t->in.p[t->pos];
		if (c == quote || toml_control(c) || (c == '\\' && quote == '"'))
			break;
		t->pos++;
	}
	wr_put(w, (struct span){ t->in.p + from, t->pos - from });
}

static bool one_line(struct toml *t, struct wr *w)
{
	uint8_t quote = toml_peek(t);

	t->pos++;
	for (;;) {
		run(t, quote, w);
		if (toml_end(t))
			return toml_fail(t, "unfinished string");
		if (toml_peek(t) == quote)
			break;
		if (toml_peek(t) != '\\')
			return toml_fail(t, "control character in a string");
		if (!escape(t, w))
			return false;
	}
	t->pos++;
	return wr_ok(w) || toml_fail_memory(t);
}

/* A backslash at the end of a line swallows white space up to the next character. */
static bool line_ending_backslash(struct toml *t)
{
	size_t was = t->pos;

	t->pos++;
	toml_blank(t);
	if (!toml_newline(t)) {
		t->pos = was;
		return false;
	}
	do
		toml_blank(t);
	while (toml_newline(t));
	return true;
}

/* At a quote: true when it closed the string. Up to two quotes may stand before
 * the three that close. */
static bool closing(struct toml *t, uint8_t quote, struct wr *w)
{
	size_t k = 0;

	while (k < 5 && toml_peek(t) == quote) {
		k++;
		t->pos++;
	}
	for (size_t i = k < 3 ? 0 : 3; i < k; i++)
		wr_u8(w, quote);
	return k >= 3;
}

static bool many_lines(struct toml *t, struct wr *w)
{
	uint8_t quote = toml_peek(t);

	t->pos += 3;
	(void)toml_newline(t); /* directly behind the opening: not content */
	for (;;) {
		run(t, quote, w);
		if (toml_end(t))
			return toml_fail(t, "unfinished string");
		if (toml_peek(t) == quote) {
			if (closing(t, quote, w))
				return wr_ok(w) || toml_fail_memory(t);
		} else if (toml_newline(t)) {
			wr_u8(w, '\n'); /* CRLF too: the same value on every platform */
		} else if (toml_peek(t) != '\\') {
			return toml_fail(t, "control character in a string");
		} else if (!line_ending_backslash(t) && !escape(t, w)) {
			return false;
		}
	}
}

struct json *toml_string(struct toml *t)
{
	CLEANUP(wr_close) struct wr w = wr_open(t->in.n);
	struct span left = { t->in.p + t->pos, t->in.n - t->pos };
	bool three = span_starts(left, "\"\"\"") || span_starts(left, "'''");
	struct json *v;

	if (three ? !many_lines(t, &w) : !one_line(t, &w))
		return NULL;
	v = jb_str(t->b, wr_span(&w));
	if (!v)
		(void)toml_fail_memory(t);
	return v;
}

static bool bare(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
}

bool toml_key(struct toml *t, struct wr *w)
{
	size_t from = t->pos;

	if (toml_peek(t) == '"' || toml_peek(t) == '\'')
		return one_line(t, w);
	while (bare(toml_peek(t)))
		t->pos++;
	if (t->pos == from)
		return toml_fail(t, "expected a key");
	wr_put(w, (struct span){ t->in.p + from, t->pos - from });
	return wr_ok(w) || toml_fail_memory(t);
}

/* Digits of one base with single underscores between them. */
static bool magnitude(struct span s, unsigned base, uint64_t *out)
{
	uint64_t v = 0;
	bool gap = true; /* an underscore may not come now */

	for (size_t i = 0; i < s.n; i++) {
		int d = hex_digit(s.p[i]);

		if (s.p[i] == '_') {
			if (gap)
				return false;
			gap = true;
			continue;
		}
		if (d < 0 || (unsigned)d >= base || __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v,
			(unsigned)d, &v))
			return false;
		gap = false;
	}
	*out = v;
	return !gap;
}

/* TOML 1.0 section Integer: 64 bits with sign; a prefixed form has no sign. */
static bool integer(struct span s, char out[static 24])
{
	unsigned base = span_starts(s, "0x") ? 16 : span_starts(s, "0o") ? 8 : span_starts(s, "0b") ? 2 : 10;
	bool minus = base == 10 && span_starts(s, "-");
	struct span d = s;
	uint64_t v;

	if (base != 10)
		d = span_skip(s, 2);
	else if (minus || span_starts(s, "+"))
		d = span_skip(s, 1);
	if (base == 10 && d.n > 1 && d.p[0] == '0')
		return false;
	if (!magnitude(d, base, &v) || v > (uint64_t)INT64_MAX + minus)
		return false;
	(void)snprintf(out, 24, "%s%" PRIu64, minus && v ? "-" : "", v);
	return true;
}

struct json *toml_plain(struct toml *t)
{
	size_t from = t->pos;
	struct json *v = NULL;
	struct span s;
	char text[24];

	while (bare(toml_peek(t)) || toml_peek(t) == '+' || toml_peek(t) == '.' || toml_peek(t) == ':')
		t->pos++;
	s = (struct span){ t->in.p + from, t->pos - from };
	if (span_eq_str(s, "true") || span_eq_str(s, "false")) {
		v = jb_bool(t->b, s.n == 4);
	} else if (integer(s, text)) {
		v = jb_num(t->b, span_of(text));
	} else {
		t->pos = from;
		(void)toml_fail(t,
			"expected a string, 64-bit integer, boolean, array or inline table (floats and dates are not read)");
		return NULL;
	}
	if (!v)
		(void)toml_fail_memory(t);
	return v;
}

void toml_write_string(struct wr *w, struct span s)
{
	static const char from[] = "\b\t\n\f\r\"\\", to[] = "btnfr\"\\";

	if (!utf8_ok(s) || span_find(s, 0) != s.n) {
		w->bad = true;
		return;
	}
	wr_u8(w, '"');
	for (size_t i = 0; i < s.n; i++) {
		const char *at = strchr(from, s.p[i]);

		if (at)
			wr_put(w, (struct span){ (const uint8_t[]){ '\\', (uint8_t)to[at - from] }, 2 });
		else if (toml_control(s.p[i]))
			wr_fmt(w, "\\u%04X", s.p[i]);
		else
			wr_u8(w, s.p[i]);
	}
	wr_u8(w, '"');
}
