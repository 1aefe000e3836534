/* Values as JSON text, escaped as Go's encoder does: also <, >, & and the two line separators of Unicode. */
#include <stdlib.h>

#include "fmt/utf8.h"
#include "policy/value/node.h"
#include "policy/value/num.h"
#include "policy/value/valtext.h"

struct printer {
	struct wr  *w;
	const char *prefix, *indent; /* indent NULL: compact */
	unsigned    depth;
};

static void put_value(struct printer *p, struct val v);

static void put_escape(struct wr *w, uint8_t c)
{
	static const char name[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *at = c ? strchr(name, c) : NULL;

	if (at)
		wr_fmt(w, "\\%c", letter[at - name]);
	else
		wr_fmt(w, "\\u%04x", c);
}

/* How many bytes at the start of s need no escape; *next: how many the piece behind them has. */
static size_t plain_bytes(struct span s, size_t *next)
{
	for (size_t i = 0; i < s.n; i += *next) {
		uint8_t c = s.p[i];

		*next = 1;
		if (c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&')
			return i;
		if (c < 0x80)
			continue;
		*next = utf8_seq(span_skip(s, i));
		if (*next == 0 || (*next == 3 && c == 0xe2 && s.p[i + 1] == 0x80 && (s.p[i + 2] | 1) == 0xa9))
			return i;
	}
	return s.n;
}

static void put_string(struct wr *w, struct span s)
{
	wr_u8(w, '"');
	while (s.n && wr_ok(w)) {
		size_t next = 1, n = plain_bytes(s, &next);

		wr_put(w, (struct span){ s.p, n });
		s = span_skip(s, n);
		if (!s.n)
			break;
		if (s.p[0] < 0x80)
			put_escape(w, s.p[0]);
		else
			wr_str(w, next == 0 ? "\\ufffd" : s.p[2] == 0xa8 ? "\\u2028" : "\\u2029");
		s = span_skip(s, next ? next : 1);
	}
	wr_u8(w, '"');
}

static void new_line(struct printer *p)
{
	if (!p->indent)
		return;
	wr_u8(p->w, '\n');
	wr_str(p->w, p->prefix);
	for (unsigned i = 0; i < p->depth; i++)
		wr_str(p->w, p->indent);
}

static void put_list(struct printer *p, struct val v)
{
	wr_u8(p->w, '[');
	p->depth++;
	for (size_t i = 0; i < val_len(v) && wr_ok(p->w); i++) {
		if (i)
			wr_u8(p->w, ',');
		new_line(p);
		put_value(p, val_at(v, i));
	}
	p->depth--;
	if (val_len(v))
		new_line(p);
	wr_u8(p->w, ']');
}

/* ---- objects: sorted by the text of the key, which differs from their own order where keys are no strings ---- */

struct named {
	char  *name; /* NULL: the key is a string */
	struct span text;
	struct val v;
	size_t pos;
};

static int text_cmp(struct span x, struct span y)
{
	size_t n = x.n < y.n ? x.n : y.n;
	int c = n ? memcmp(x.p, y.p, n) : 0; /* public: names */

	return c ? c : (x.n > y.n) - (x.n < y.n);
}

static int named_cmp(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = text_cmp(x->text, y->text);

	return c ? c : (x->pos > y->pos) - (x->pos < y->pos);
}

static void put_member(struct printer *p, struct span name, struct val v, bool first)
{
	if (!first)
		wr_u8(p->w, ',');
	new_line(p);
	put_string(p->w, name);
	wr_str(p->w, p->indent ? ": " : ":");
	put_value(p, v);
}

static struct named name_of(struct printer *p, struct val v, size_t i)
{
	struct named o = { .v = val_at(v, i), .text = val_span(val_key(v, i)), .pos = i };
	struct wr w = wr_open(p->w->max);

	if (val_type(val_key(v, i)) == VT_STRING)
		return o;
	val_put_json(&w, val_key(v, i), NULL, NULL);
	o.name = wr_take(&w, &o.text.n);
	o.text.p = (const uint8_t *)o.name;
	if (!o.name)
		p->w->bad = true;
	wr_close(&w);
	return o;
}

/* Where keys have the same text (1 and "1", [1] and {1}) the later in Rego's order stays. */
static void put_renamed(struct printer *p, struct val v)
{
	size_t n = val_len(v);
	struct named *m = calloc(n, sizeof(*m));
	bool first = true;

	if (!m) {
		p->w->bad = true;
		return;
	}
	for (size_t i = 0; i < n && wr_ok(p->w); i++)
		m[i] = name_of(p, v, i);
	qsort(m, n, sizeof(*m), named_cmp);
	for (size_t i = 0; i < n && wr_ok(p->w); i++) {
		if (i + 1 < n && text_cmp(m[i].text, m[i + 1].text) == 0)
			continue;
		put_member(p, m[i].text, m[i].v, first);
		first = false;
	}
	for (size_t i = 0; i < n; i++)
		free(m[i].name);
	free(m);
}

static void put_object(struct printer *p, struct val v)
{
	size_t n = val_len(v);

	wr_u8(p->w, '{');
	p->depth++;
	if (n && (val_type(val_key(v, 0)) != VT_STRING || val_type(val_key(v, n - 1)) != VT_STRING))
		put_renamed(p, v);
	else
		for (size_t i = 0; i < n && wr_ok(p->w); i++)
			put_member(p, val_span(val_key(v, i)), val_at(v, i), i == 0);
	p->depth--;
	if (n)
		new_line(p);
	wr_u8(p->w, '}');
}

static void put_value(struct printer *p, struct val v)
{
	switch (val_type(v)) {
	case VT_UNDEF: /* no value: nothing that could be taken for one */
		p->w->bad = true;
		break;
	case VT_NULL:
		wr_str(p->w, "null");
		break;
	case VT_BOOL:
		wr_str(p->w, val_true(v) ? "true" : "false");
		break;
	case VT_NUMBER:
		num_put(p->w, v);
		break;
	case VT_STRING:
		put_string(p->w, val_span(v));
		break;
	case VT_ARRAY:
	case VT_SET:
		put_list(p, v);
		break;
	case VT_OBJECT:
		put_object(p, v);
		break;
	}
}

void val_put_json(struct wr *w, struct val v, const char *prefix, const char *indent)
{
	struct printer p = { w, prefix ? prefix : "", indent, 0 };

	put_value(&p, v);
}
