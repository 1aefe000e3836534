/* base64, base64url, hex, urlquery. Writing is fmt/enc.h's; reading is Go's, which is less strict than fmt/enc.h: line ends
 * between the characters and stray bits in the last one are let pass. */
#include <stdlib.h>
#include <string.h>

#include "fmt/enc.h"
#include "fmt/utf8.h"
#include "policy/builtin/text.h"
#include "policy/value/valtext.h"

/* What a writer holds, as a value. */
static struct val written(struct call *c, struct wr *w)
{
	struct val v = VAL_UNDEF;

	if (!wr_ok(w))
		heap_over(c->h, REGO_LIMIT_OUTPUT);
	else if (bi_work(c, w->n))
		v = val_str(c->h, wr_span(w));
	wr_close(w);
	return v;
}

static struct val encode(struct call *c, void (*put)(struct wr *, struct span), bool pad)
{
	struct wr w = wr_open(c->h->string_max);
	struct span s;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	put(&w, s);
	while (pad && w.n % 4 && wr_ok(&w))
		wr_u8(&w, '=');
	return written(c, &w);
}

static struct val base64_encode(struct call *c)
{
	return encode(c, b64_write, false);
}

static struct val base64url_encode(struct call *c)
{
	return encode(c, b64url_write, true);
}

static struct val base64url_encode_no_pad(struct call *c)
{
	return encode(c, b64url_write, false);
}

static struct val hex_encode(struct call *c)
{
	return encode(c, hex_write, false);
}

static int b64_digit(uint8_t c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	return c == (url ? '_' : '/') ? 63 : -1;
}

static size_t skip_lines(struct span s, size_t at)
{
	while (at < s.n && (s.p[at] == '\n' || s.p[at] == '\r'))
		at++;
	return at;
}

/* Behind the padding sign at s[at]: the other one, if two characters stood before, and then nothing. SIZE_MAX, or where it is
 * wrong. */
static size_t b64_padding(struct span s, size_t at, unsigned digits)
{
	if (digits < 2)
		return at;
	at = skip_lines(s, at + 1);
	if (digits == 2) {
		if (at == s.n || s.p[at] != '=')
			return at;
		at = skip_lines(s, at + 1);
	}
	return at == s.n ? SIZE_MAX : at;
}

/* Decodes into out (room for s.n / 4 * 3 + 3 bytes; NULL: only looks). SIZE_MAX, or the byte at which s is none. */
static size_t b64_decode(struct span s, bool url, uint8_t *out, size_t *n)
{
	uint32_t v = 0;
	unsigned digits = 0;
	bool padded = false;

	*n = 0;
	for (size_t at = skip_lines(s, 0); at < s.n; at = skip_lines(s, at + 1)) {
		int d = b64_digit(s.p[at], url);

		if (s.p[at] == '=') {
			size_t bad = b64_padding(s, at, digits);

			if (bad != SIZE_MAX)
				return bad;
			padded = true;
			break;
		}
		if (d < 0)
			return at;
		v = v << 6 | (uint32_t)d;
		if (++digits < 4)
			continue;
		for (unsigned i = 0; out && i < 3; i++)
			out[*n + i] = (uint8_t)(v >> (16 - 8 * i));
		*n += 3;
		v = digits = 0;
	}
	if (digits && !padded)
		return s.n - digits;
	v <<= 6 * (4 - digits);
	for (unsigned i = 0; out && digits && i + 1 < digits; i++)
		out[*n + i] = (uint8_t)(v >> (16 - 8 * i));
	*n += digits ? digits - 1 : 0;
	return SIZE_MAX;
}

static struct val b64_value(struct call *c, struct span s, bool url)
{
	uint8_t *p = bi_room(c, s.n / 4 * 3 + 3);
	size_t n = 0, bad;

	if (!p)
		return VAL_UNDEF;
	bad = b64_decode(s, url, p, &n);
	if (bad != SIZE_MAX)
		return bi_fail(c, "illegal base64 data at input byte %zu", bad);
	return val_str_borrow(c->h, (struct span){ p, n });
}

static struct val base64_decode(struct call *c)
{
	struct span s;

	return bi_str(c, 0, &s) ? b64_value(c, s, false) : VAL_UNDEF;
}

static struct val base64_is_valid(struct call *c)
{
	size_t n;

	return val_bool(val_type(c->arg[0]) == VT_STRING && bi_work(c, val_span(c->arg[0]).n)
	    && b64_decode(val_span(c->arg[0]), false, NULL, &n) == SIZE_MAX);
}

/* Padding that was left out is put in (RFC 7515 appendix C). */
static struct val base64url_decode(struct call *c)
{
	struct span s;
	uint8_t *p;
	size_t more;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	if (s.n == 0 || s.p[s.n - 1] == '=' || s.n % 4 == 0)
		return b64_value(c, s, true);
	if (s.n % 4 == 1)
		return bi_fail(c, "illegal base64url string");
	more = 4 - s.n % 4;
	p = bi_room(c, s.n + more);
	if (!p)
		return VAL_UNDEF;
	memcpy(p, s.p, s.n);
	memset(p + s.n, '=', more);
	return b64_value(c, (struct span){ p, s.n + more }, true);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct val hex_decode(struct call *c)
{
	struct span s;
	uint8_t *p;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	for (size_t i = 0; i < s.n; i++)
		if (hex_digit(s.p[i]) < 0)
			return bi_fail(c, s.p[i] >= ' ' && s.p[i] < 0x7F ? "encoding/hex: invalid byte: U+%04X '%c'"
				: "encoding/hex: invalid byte: U+%04X", (unsigned)s.p[i], s.p[i]);
	if (s.n % 2)
		return bi_fail(c, "encoding/hex: odd length hex string");
	p = bi_room(c, s.n / 2);
	if (!p || !hex_fixed(s, p, s.n / 2))
		return VAL_UNDEF;
	return val_str_borrow(c->h, (struct span){ p, s.n / 2 });
}

/* application/x-www-form-urlencoded, as Go's net/url has it. */
static void put_escaped(struct text *t, struct span s)
{
	static const char digit[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n && heap_ok(t->c->h); i++) {
		uint8_t b = s.p[i], esc[3] = { '%', (uint8_t)digit[b >> 4], (uint8_t)digit[b & 15] };
		bool plain = (b >= '0' && b <= '9') || ((b | 0x20) >= 'a' && (b | 0x20) <= 'z') || (b && strchr("-_.~", b));

		if (b == ' ')
			text_str(t, "+");
		else
			text_put(t, plain ? (struct span){ &b, 1 } : (struct span){ esc, 3 });
	}
}

static struct val url_encode(struct call *c)
{
	struct text t = { .c = c };
	struct span s;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	put_escaped(&t, s);
	return text_val(&t);
}

/* VAL_UNDEF and a recorded failure for a '%' without its two digits. */
static struct val unescaped(struct call *c, struct span s)
{
	uint8_t *p = bi_room(c, s.n);
	size_t n = 0;

	for (size_t i = 0; p && i < s.n; i++) {
		uint8_t b = s.p[i];

		if (b == '%') {
			if (s.n - i < 3 || hex_digit(s.p[i + 1]) < 0 || hex_digit(s.p[i + 2]) < 0)
				return bi_fail(c, "invalid URL escape");
			b = (uint8_t)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]));
			i += 2;
		} else if (b == '+') {
			b = ' ';
		}
		p[n++] = b;
	}
	return p ? val_str_borrow(c->h, (struct span){ p, n }) : VAL_UNDEF;
}

static struct val url_decode(struct call *c)
{
	struct span s;

	return bi_str(c, 0, &s) ? unescaped(c, s) : VAL_UNDEF;
}

static bool put_pair(struct text *t, struct span k, struct val v)
{
	if (val_type(v) != VT_STRING) {
		(void)bi_operand(t->c, 0, "values must be string, array[string], or set[string]");
		return false;
	}
	if (t->n)
		text_str(t, "&");
	put_escaped(t, k);
	text_str(t, "=");
	put_escaped(t, val_span(v));
	return true;
}

/* One member: a text, or several in an array or a set. */
static bool put_member(struct text *t, struct span k, struct val v)
{
	if (val_type(v) != VT_ARRAY && val_type(v) != VT_SET)
		return put_pair(t, k, v);
	for (size_t i = 0; i < val_len(v) && heap_steps(t->c->h, 1); i++)
		if (!put_pair(t, k, val_at(v, i)))
			return false;
	return true;
}

/* Keys that are no strings go by their JSON text, as everywhere where an object becomes JSON. They are sorted as the texts they
 * are then. */
struct member { struct span k; struct val v; };

static int by_key(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	size_t n = x->k.n < y->k.n ? x->k.n : y->k.n;
	int d = n ? memcmp(x->k.p, y->k.p, n) : 0; /* public: to sort */

	return d ? d : (x->k.n > y->k.n) - (x->k.n < y->k.n);
}

static struct span key_text(struct call *c, struct val k)
{
	struct wr w = wr_open(c->h->string_max);

	if (val_type(k) == VT_STRING)
		return val_span(k);
	val_put_json(&w, k, NULL, NULL);
	return val_span(written(c, &w));
}

static struct val url_encode_object(struct call *c)
{
	struct text t = { .c = c };
	struct val o = c->arg[0];
	struct member *m;
	size_t n = val_len(o);

	if (val_type(o) != VT_OBJECT)
		return bi_type(c, 0, "object");
	m = heap_steps(c->h, n) ? heap_array(c->h, n, sizeof(*m)) : NULL;
	if (!m)
		return VAL_UNDEF;
	for (size_t i = 0; i < n; i++)
		m[i] = (struct member){ key_text(c, val_key(o, i)), val_at(o, i) };
	qsort(m, n, sizeof(*m), by_key);
	for (size_t i = 0; i < n; i++)
		if (!put_member(&t, m[i].k, m[i].v))
			return VAL_UNDEF;
	return text_val(&t);
}

/* A name with the values it had so far. */
struct query { struct vlist keys; struct vlist *values; size_t cap; };

static struct vlist *values_of(struct call *c, struct query *q, struct val key)
{
	size_t i = 0;

	if (!heap_steps(c->h, q->keys.n))
		return NULL;
	while (i < q->keys.n && !val_same(c->h, q->keys.p[i], key))
		i++;
	if (i == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 8;
		struct vlist *more = heap_array(c->h, cap, sizeof(*more));

		if (!more)
			return NULL;
		if (q->cap)
			memcpy(more, q->values, q->cap * sizeof(*more));
		q->values = more;
		q->cap = cap;
	}
	if (i == q->keys.n) {
		q->values[i] = (struct vlist){ .h = c->h };
		vlist_add(&q->keys, key);
	}
	return heap_ok(c->h) ? &q->values[i] : NULL;
}

static bool add_parameter(struct call *c, struct query *q, struct span s)
{
	size_t n = span_find(s, '=');
	struct val k, v;
	struct vlist *values;

	if (span_find(s, ';') < s.n) {
		(void)bi_fail(c, "invalid semicolon separator in query");
		return false;
	}
	k = unescaped(c, (struct span){ s.p, n });
	v = unescaped(c, span_skip(s, n + 1));
	values = val_defined(k) && val_defined(v) ? values_of(c, q, k) : NULL;
	if (values)
		vlist_add(values, v);
	return values != NULL;
}

static struct val url_decode_object(struct call *c)
{
	struct query q = { .keys = { .h = c->h } };
	struct plist members = { .h = c->h };
	struct span s;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	while (s.n) {
		size_t n = span_find(s, '&');

		if (n && !add_parameter(c, &q, (struct span){ s.p, n }))
			return VAL_UNDEF;
		s = span_skip(s, n + 1);
	}
	for (size_t i = 0; i < q.keys.n; i++)
		plist_add(&members, q.keys.p[i], val_array(c->h, q.values[i].p, q.values[i].n));
	return val_object(c->h, members.p, members.n, NULL);
}

const struct builtin bi_encode[] = {
	{ .name = "base64.decode", .args = 1, .fn = base64_decode },
	{ .name = "base64.encode", .args = 1, .fn = base64_encode },
	{ .name = "base64.is_valid", .args = 1, .fn = base64_is_valid },
	{ .name = "base64url.decode", .args = 1, .fn = base64url_decode },
	{ .name = "base64url.encode", .args = 1, .fn = base64url_encode },
	{ .name = "base64url.encode_no_pad", .args = 1, .fn = base64url_encode_no_pad },
	{ .name = "hex.decode", .args = 1, .fn = hex_decode },
	{ .name = "hex.encode", .args = 1, .fn = hex_encode },
	{ .name = "urlquery.decode", .args = 1, .fn = url_decode },
	{ .name = "urlquery.decode_object", .args = 1, .fn = url_decode_object },
	{ .name = "urlquery.encode", .args = 1, .fn = url_encode },
	{ .name = "urlquery.encode_object", .args = 1, .fn = url_encode_object },
	{ .name = NULL },
};
