/* The strict JSON reader. One pass over a private copy of the text, in which strings
 * are decoded in place; children wait on a stack until their container ends. The copy
 * ends in zero bytes, which no rule accepts: no scan needs a length check. */
#include "fmt/json_int.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fmt/utf8.h"

#define PAD 16 /* zero bytes behind the text; a scan reads eight at a time */
#define FIRST 48
#define FIRST_ITEMS 128

struct parse {
	struct json_doc    *d;
	uint8_t            *p;     /* next byte */
	uint8_t            *start, *end;
	unsigned            depth;
	enum coffer_rc      rc;    /* what to answer after a failure, */
	const char         *why;   /* and why; the place is p */
	struct json_member *stack; /* members of the objects that are still open */
	size_t              n, cap;
	struct json_member *heap;  /* stack, once it has outgrown `first` */
	struct json       **items; /* the same of arrays */
	size_t              n_items, cap_items;
	struct json       **heap_items;
	struct json        *byte[256]; /* evidence and certificates come as lists of bytes: one node for each value */
	struct json_member  first[FIRST];
	struct json        *first_items[FIRST_ITEMS];
};

static struct json *value(struct parse *ps);

static bool fail(struct parse *ps, const char *why)
{
	ps->rc = why == json_oom ? COFFER_E_SYSTEM : COFFER_E_INPUT;
	ps->why = why;
	return false;
}

static inline void blank(struct parse *ps)
{
	while (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\t' || *ps->p == '\r')
		ps->p++;
}

/* Skips bytes that stand for themselves: ASCII but controls, quote and backslash.
 * Each term sets the top bit of a byte to stop at; a borrow can only falsify bytes
 * after the first such byte, and only the first is used. */
static inline uint8_t *plain(uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;

	for (;; p += 8) {
		uint64_t v, stop;

		memcpy(&v, p, sizeof(v));
		v = le64toh(v);
		stop = (v | (v - ones * 0x20) | ((v ^ ones * '"') - ones) | ((v ^ ones * '\\') - ones)) & tops;
		if (stop)
			return p + __builtin_ctzll(stop) / 8;
	}
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the four digits at p; the terminating zero is no digit, so this cannot overrun. */
static bool hex4(const uint8_t *p, uint32_t *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		int d = hex_digit(p[i]);

		if (d < 0)
			return false;
		v = v << 4 | (uint32_t)d;
	}
	*out = v;
	return true;
}

/* \uXXXX, or two of them for a character beyond the basic plane; *r is at the
 * backslash. RFC 8259 section 7; lone surrogates have no UTF-8 form. */
static bool unicode(struct parse *ps, uint8_t **r, uint8_t **w)
{
	uint32_t c, low;

	ps->p = *r;
	if (!hex4(*r + 2, &c))
		return fail(ps, "bad \\u escape");
	*r += 6;
	if (c == 0)
		return fail(ps, "U+0000 in a string");
	if (c >= 0xDC00 && c <= 0xDFFF)
		return fail(ps, "lone surrogate");
	if (c >= 0xD800 && c <= 0xDBFF) {
		if ((*r)[0] != '\\' || (*r)[1] != 'u' || !hex4(*r + 2, &low) || low < 0xDC00 || low > 0xDFFF)
			return fail(ps, "lone surrogate");
		*r += 6;
		c = 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
	}
	*w += utf8_put(c, *w); /* at most 4 bytes where 6 or 12 were read */
	return true;
}

static bool escape(struct parse *ps, uint8_t **r, uint8_t **w)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if ((*r)[1] == 'u')
		return unicode(ps, r, w);
	at = (*r)[1] ? strchr(from, (*r)[1]) : NULL;
	if (!at) {
		ps->p = *r;
		return fail(ps, "bad escape");
	}
	*(*w)++ = (uint8_t)to[at - from];
	*r += 2;
	return true;
}

/* Moves on over characters that need no escape; false at invalid UTF-8. */
static bool text_run(struct parse *ps, uint8_t **r)
{
	uint8_t *p = plain(*r);

	while (*p >= 0x80) {
		size_t k = utf8_seq((struct span){ p, (size_t)(ps->end - p) });

		if (k == 0) {
			ps->p = p;
			return fail(ps, "invalid UTF-8");
		}
		p += k;
		if (*p < 0x80)
			p = plain(p);
	}
	*r = p;
	return true;
}

/* r is at the first backslash of the string that began at `from`. */
static bool unescape(struct parse *ps, uint8_t *from, uint8_t *r, struct span *out)
{
	uint8_t *w = r;

	while (*r == '\\') {
		uint8_t *run;

		if (!escape(ps, &r, &w))
			return false;
		run = r;
		if (!text_run(ps, &r))
			return false;
		memmove(w, run, (size_t)(r - run));
		w += r - run;
	}
	ps->p = r;
	*out = (struct span){ from, (size_t)(w - from) };
	return true;
}

static bool string(struct parse *ps, struct span *out)
{
	uint8_t *from = ps->p + 1, *p = from;

	if (!text_run(ps, &p))
		return false;
	if (*p == '\\') {
		if (!unescape(ps, from, p, out))
			return false;
	} else {
		*out = (struct span){ from, (size_t)(p - from) };
		ps->p = p;
	}
	if (*ps->p != '"')
		return fail(ps, ps->p == ps->end ? "unfinished string" : "control character in a string");
	ps->p++;
	return true;
}

static struct json *text_node(struct parse *ps, enum json_type t, struct span s)
{
	struct json *v = json_node(ps->d, t);

	if (!v) {
		(void)fail(ps, json_oom);
		return NULL;
	}
	v->text = s.p;
	v->n = (uint32_t)s.n;
	return v;
}

static bool digits(uint8_t **p)
{
	uint8_t *from = *p;

	while (**p >= '0' && **p <= '9')
		++*p;
	return *p != from;
}

/* RFC 8259 section 6. */
static bool number_ok(uint8_t **p)
{
	if (**p == '-')
		++*p;
	if (**p == '0')
		++*p;
	else if (!digits(p))
		return false;
	if (**p == '.') {
		++*p;
		if (!digits(p))
			return false;
	}
	if (**p == 'e' || **p == 'E') {
		++*p;
		if (**p == '+' || **p == '-')
			++*p;
		return digits(p);
	}
	return true;
}

/* A literal that is a byte, as all of its value in this document; NULL with nothing said: it is none. */
static struct json *byte(struct parse *ps)
{
	uint8_t *p = ps->p;
	unsigned v = 0;
	size_t n = 0;

	for (; n < 3 && p[n] >= '0' && p[n] <= '9'; n++)
		v = 10 * v + (unsigned)(p[n] - '0');
	if (n == 0 || v > 255 || (n > 1 && p[0] == '0') || (p[n] >= '0' && p[n] <= '9') || p[n] == '.' || (p[n] | 0x20) == 'e')
		return NULL;
	if (!ps->byte[v])
		ps->byte[v] = text_node(ps, JSON_NUMBER, (struct span){ p, n });
	if (ps->byte[v])
		ps->p += n;
	return ps->byte[v];
}

static struct json *number(struct parse *ps)
{
	uint8_t *from = ps->p;
	struct json *v = byte(ps);

	if (v || ps->why)
		return v;
	if (!number_ok(&ps->p)) {
		(void)fail(ps, "bad number");
		return NULL;
	}
	return text_node(ps, JSON_NUMBER, (struct span){ from, (size_t)(ps->p - from) });
}

static struct json *word(struct parse *ps)
{
	static const struct {
		char           text[8];
		uint8_t        n;
		bool           yes;
		enum json_type type;
	} words[] = { { "true", 4, true, JSON_BOOL }, { "false", 5, false, JSON_BOOL }, { "null", 4, false, JSON_NULL } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp((const char *)ps->p, words[i].text, words[i].n) == 0) {
			ps->p += words[i].n;
			return text_node(ps, words[i].type, (struct span){ NULL, words[i].yes });
		}
	(void)fail(ps, ps->p == ps->end ? "unexpected end" : "unexpected byte");
	return NULL;
}

static bool grow(struct parse *ps)
{
	struct json_member *m = calloc(ps->cap, 2 * sizeof(*m));

	if (!m)
		return fail(ps, json_oom);
	memcpy(m, ps->stack, ps->n * sizeof(*m));
	free(ps->heap);
	ps->heap = ps->stack = m;
	ps->cap *= 2;
	return true;
}

static bool grow_items(struct parse *ps)
{
	struct json **p = malloc(2 * ps->cap_items * sizeof(struct json *)); /* the text has a byte for each: no overflow */

	if (!p)
		return fail(ps, json_oom);
	memcpy(p, ps->items, ps->n_items * sizeof(struct json *));
	free(ps->heap_items);
	ps->heap_items = ps->items = p;
	ps->cap_items *= 2;
	return true;
}

static bool push(struct parse *ps, struct span name, struct json *v)
{
	if (ps->n == ps->cap && !grow(ps))
		return false;
	ps->stack[ps->n++] = (struct json_member){ .p = name.p, .n = (uint32_t)name.n, .tag = json_tag(name), .v = v };
	return true;
}

static bool member(struct parse *ps)
{
	struct span name;
	struct json *v;

	if (*ps->p != '"')
		return fail(ps, "a member name must be a string");
	if (!string(ps, &name))
		return false;
	blank(ps);
	if (*ps->p != ':')
		return fail(ps, "no colon after a member name");
	ps->p++;
	v = value(ps);
	return v && push(ps, name, v);
}

static bool item(struct parse *ps)
{
	struct json *v = value(ps);

	if (!v || (ps->n_items == ps->cap_items && !grow_items(ps)))
		return false;
	ps->items[ps->n_items++] = v;
	return true;
}

/* From behind the opening bracket to behind the closing one. */
static bool children(struct parse *ps, uint8_t close, bool (*one)(struct parse *ps))
{
	if (ps->depth == JSON_DEPTH_MAX) {
		(void)fail(ps, "nested too deep");
		ps->rc = COFFER_E_LIMIT;
		return false;
	}
	ps->depth++;
	ps->p++;
	blank(ps);
	if (*ps->p != close) {
		for (;;) {
			if (!one(ps))
				return false;
			blank(ps);
			if (*ps->p != ',')
				break;
			ps->p++;
			blank(ps);
		}
		if (*ps->p != close)
			return fail(ps, ps->p == ps->end ? "unexpected end" : "expected a comma or the closing bracket");
	}
	ps->p++;
	ps->depth--;
	return true;
}

static struct json *array(struct parse *ps)
{
	size_t base = ps->n_items, n;
	struct json *v;

	if (!children(ps, ']', item))
		return NULL;
	n = ps->n_items - base;
	v = json_node(ps->d, JSON_ARRAY);
	if (v && n)
		v->items = json_alloc(ps->d, n * sizeof(struct json *));
	if (!v || (n && !v->items)) {
		(void)fail(ps, json_oom);
		return NULL;
	}
	if (n)
		memcpy(v->items, ps->items + base, n * sizeof(struct json *));
	v->n = (uint32_t)n;
	ps->n_items = base;
	return v;
}

static struct json *object(struct parse *ps)
{
	size_t base = ps->n, n;
	const char *why;
	struct json *v;

	if (!children(ps, '}', member))
		return NULL;
	n = ps->n - base;
	v = json_node(ps->d, JSON_OBJECT);
	if (v && n)
		v->members = json_alloc(ps->d, n * sizeof(struct json_member));
	if (!v || (n && !v->members)) {
		(void)fail(ps, json_oom);
		return NULL;
	}
	if (n)
		memcpy(v->members, ps->stack + base, n * sizeof(struct json_member));
	v->n = (uint32_t)n;
	ps->n = base;
	why = json_seal(ps->d, v);
	if (why)
		(void)fail(ps, why);
	return why ? NULL : v;
}

static struct json *value(struct parse *ps)
{
	struct span s;

	blank(ps);
	switch (*ps->p) {
	case '{':
		return object(ps);
	case '[':
		return array(ps);
	case '"':
		return string(ps, &s) ? text_node(ps, JSON_STRING, s) : NULL;
	case '-':
	case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return number(ps);
	default:
		return word(ps);
	}
}

static bool whole(struct parse *ps)
{
	ps->d->root = value(ps);
	if (!ps->d->root)
		return false;
	blank(ps);
	return ps->p == ps->end || fail(ps, "more after the value");
}

enum coffer_rc json_parse(struct span in, size_t max_bytes, struct json_doc **out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct parse ps;
	bool ok;

	if (in.n > max_bytes || in.n > UINT32_MAX / 2)
		return err_set(e, COFFER_E_LIMIT, "JSON: %zu bytes, at most %zu are read", in.n, max_bytes);
	d = json_doc_new(in.n * 4 + 1024); /* one chunk for a usual text */
	memset(&ps, 0, offsetof(struct parse, first));
	ps.d = d;
	ps.stack = ps.first;
	ps.cap = FIRST;
	ps.items = ps.first_items;
	ps.cap_items = FIRST_ITEMS;
	ps.p = d ? json_alloc(d, in.n + PAD) : NULL;
	if (!ps.p)
		return err_set(e, COFFER_E_SYSTEM, "JSON: %s", json_oom);
	ps.start = ps.p;
	ps.end = ps.p + in.n;
	if (in.n)
		memcpy(ps.p, in.p, in.n);
	memset(ps.end, 0, PAD);
	ok = whole(&ps);
	free(ps.heap);
	free(ps.heap_items);
	if (!ok)
		return err_set(e, ps.rc, "JSON: %s at byte %zu", ps.why, (size_t)(ps.p - ps.start));
	*out = MOVE(d);
	return COFFER_OK;
}
