/* JSON text straight into values. Parts that are read wait on one stack until their container is closed and takes them. */
#include "fmt/utf8.h"
#include "policy/value/node.h"
#include "policy/value/num.h"
#include "policy/value/valtext.h"

struct reader {
	struct heap *h;
	struct span  s;
	size_t       at;
	unsigned     depth;  /* levels left */
	struct vlist waiting;
	const char  *why;
};

static struct val bad(struct reader *r, const char *why)
{
	if (!r->why)
		r->why = why;
	return VAL_UNDEF;
}

static int peek(const struct reader *r)
{
	return r->at < r->s.n ? r->s.p[r->at] : -1;
}

static int skip_blank(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\n' || peek(r) == '\t' || peek(r) == '\r')
		r->at++;
	return peek(r);
}

/* ---- strings ---- */

/* Passes the bytes that stand for themselves; answers the one that ends them, or -1 when the text is cut or not UTF-8. */
static int plain_run(struct reader *r)
{
	while (r->at < r->s.n) {
		uint8_t c = r->s.p[r->at];
		size_t n = 1;

		if (c == '"' || c == '\\' || c < 0x20)
			return c;
		if (c >= 0x80)
			n = utf8_seq(span_skip(r->s, r->at));
		if (!n)
			break;
		r->at += n;
	}
	return -1;
}

static int hex4(struct reader *r)
{
	int x = 0;

	for (int i = 0; i < 4; i++) {
		int c = peek(r), low = c | 0x20;

		if (c >= '0' && c <= '9')
			x = x * 16 + c - '0';
		else if (low >= 'a' && low <= 'f')
			x = x * 16 + low - 'a' + 10;
		else
			return -1;
		r->at++;
	}
	return x;
}

/* Behind "\u". Half a surrogate pair stands for U+FFFD. */
static bool unicode_escape(struct reader *r, uint32_t *out)
{
	int x = hex4(r), low;
	size_t back = r->at;

	if (x < 0)
		return false;
	*out = (uint32_t)x;
	if (x < 0xd800 || x > 0xdfff)
		return true;
	*out = 0xfffd;
	if (x > 0xdbff || r->s.n - r->at < 6 || r->s.p[r->at] != '\\' || r->s.p[r->at + 1] != 'u')
		return true;
	r->at += 2;
	low = hex4(r);
	if (low >= 0xdc00 && low <= 0xdfff)
		*out = 0x10000 + (((uint32_t)x - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
	else
		r->at = back; /* an escape of its own, read next */
	return true;
}

/* At a backslash: writes what the escape stands for, answers how many bytes that is; 0 when there is no such escape. */
static size_t escape(struct reader *r, uint8_t out[static 4])
{
	static const char name[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *p;
	uint32_t c;
	int x;

	r->at++;
	x = peek(r);
	if (x == 'u') {
		r->at++;
		return unicode_escape(r, &c) ? utf8_put(c, out) : 0;
	}
	p = x > 0 ? strchr(name, x) : NULL;
	if (!p)
		return 0;
	r->at++;
	out[0] = (uint8_t)means[p - name];
	return 1;
}

/* With escapes: no text gets longer by decoding, so the rest of the literal is room enough. */
static struct val long_string(struct reader *r, size_t start, size_t end)
{
	uint8_t *buf = heap_alloc(r->h, end - start);
	size_t n = 0;

	if (!buf)
		return VAL_UNDEF;
	for (r->at = start;;) {
		size_t from = r->at;
		int c = plain_run(r);

		memcpy(buf + n, r->s.p + from, r->at - from);
		n += r->at - from;
		if (c == '"')
			break;
		if (c != '\\')
			return bad(r, c < 0 ? "string is not UTF-8 or not closed" : "control character in string");
		c = (int)escape(r, buf + n);
		if (!c)
			return bad(r, "malformed escape");
		n += (size_t)c;
	}
	r->at++;
	return val_str_borrow(r->h, (struct span){ buf, n });
}

/* Where the literal that goes on at `at` has its closing quote; s.n when it has none. */
static size_t closing_quote(struct span s, size_t at)
{
	for (; at < s.n && s.p[at] != '"'; at++)
		at += s.p[at] == '\\';
	return at < s.n ? at : s.n;
}

static struct val string(struct reader *r)
{
	size_t start = ++r->at;
	int c = plain_run(r);

	if (c == '\\')
		return long_string(r, start, closing_quote(r->s, r->at) + 4);
	if (c != '"')
		return bad(r, c < 0 ? "string is not UTF-8 or not closed" : "control character in string");
	r->at++;
	return val_str(r->h, (struct span){ r->s.p + start, r->at - 1 - start });
}

/* ---- other scalars ---- */

static struct val number(struct reader *r)
{
	static const uint8_t in_number[] = { '+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'E', 'e' };
	size_t start = r->at;
	struct val v;

	while (r->at < r->s.n && memchr(in_number, r->s.p[r->at], sizeof(in_number)))
		r->at++;
	v = num_parse(r->h, (struct span){ r->s.p + start, r->at - start });
	if (!val_defined(v)) {
		r->at = start;
		return bad(r, "malformed number, or one that is too large");
	}
	return v;
}

static struct val word(struct reader *r, const char *name, struct val v)
{
	if (!span_starts(span_skip(r->s, r->at), name))
		return bad(r, "not a JSON value");
	r->at += strlen(name);
	return v;
}

/* ---- containers ---- */

static struct val value(struct reader *r);

/* One item or member onto the waiting list. */
static bool part(struct reader *r, bool member)
{
	struct val v;

	if (member) {
		if (skip_blank(r) != '"') {
			bad(r, "a member name must be a string");
			return false;
		}
		v = string(r);
		if (!val_defined(v))
			return false;
		vlist_add(&r->waiting, v);
		if (skip_blank(r) != ':') {
			bad(r, "expected ':'");
			return false;
		}
		r->at++;
	}
	v = value(r);
	if (val_defined(v))
		vlist_add(&r->waiting, v);
	return val_defined(v);
}

/* All parts up to the bracket that closes them. */
static bool parts(struct reader *r, int close)
{
	r->at++;
	if (skip_blank(r) == close)
		return true;
	for (;;) {
		int c;

		if (!part(r, close == '}'))
			return false;
		c = skip_blank(r);
		if (c == close)
			return true;
		if (c != ',') {
			bad(r, close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
			return false;
		}
		r->at++;
	}
}

static struct val container(struct reader *r, int close)
{
	size_t base = r->waiting.n;
	struct val v = VAL_UNDEF;

	if (r->depth == 0) {
		heap_over(r->h, REGO_LIMIT_NESTING);
		return bad(r, "nested too deeply");
	}
	r->depth--;
	if (parts(r, close) && heap_ok(r->h)) {
		const struct val *p = r->waiting.p ? r->waiting.p + base : NULL;
		size_t n = r->waiting.n - base;

		v = close == ']' ? val_array(r->h, p, n) : val_object_flat(r->h, p, n / 2);
		r->at++;
	}
	r->depth++;
	r->waiting.n = base;
	return v;
}

static struct val value(struct reader *r)
{
	int c = skip_blank(r);

	switch (c) {
	case '{':
		return container(r, '}');
	case '[':
		return container(r, ']');
	case '"':
		return string(r);
	case 't':
		return word(r, "true", val_bool(true));
	case 'f':
		return word(r, "false", val_bool(false));
	case 'n':
		return word(r, "null", val_null());
	default:
		break;
	}
	return c == '-' || (c >= '0' && c <= '9') ? number(r) : bad(r, c < 0 ? "the text is cut" : "not a JSON value");
}

struct val val_from_json(struct heap *h, struct span text, struct json_limits lim, size_t *bad_at, const char **why)
{
	struct reader r = { .h = h, .s = text, .depth = lim.depth < VAL_DEPTH_MAX ? lim.depth : VAL_DEPTH_MAX, .waiting = { .h = h } };
	struct val v = VAL_UNDEF;

	*bad_at = 0;
	*why = "";
	if (text.n > lim.bytes) {
		heap_over(h, REGO_LIMIT_MEMORY);
		bad(&r, "longer than the limit");
	} else {
		v = value(&r);
	}
	if (val_defined(v) && skip_blank(&r) >= 0)
		v = bad(&r, "something follows the value");
	if (!val_defined(v)) {
		*bad_at = r.at;
		*why = r.why ? r.why : "a limit of the evaluation was reached";
	}
	return v;
}
