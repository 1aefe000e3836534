/* glob.match: a glob is written as a regular expression and matched as one. */
#include <string.h>

#include "fmt/utf8.h"
#include "policy/builtin/text.h"
#include "policy/regex/cache.h"

struct glob {
	struct call *c;
	struct text  out;
	struct span  s, delim; /* delim: what * and ? do not cross, as the inside of a class */
	size_t       at, depth; /* of {...} */
};

/* A character as itself, within a class or outside. */
static void put_literal(struct text *t, uint32_t rune)
{
	if (rune < 0x80 && !((rune | 0x20) >= 'a' && (rune | 0x20) <= 'z') && !(rune >= '0' && rune <= '9'))
		text_str(t, "\\");
	text_rune(t, rune);
}

static bool take(struct glob *g, uint8_t c)
{
	bool here = g->at < g->s.n && g->s.p[g->at] == c;

	g->at += here;
	return here;
}

static uint32_t next(struct glob *g)
{
	size_t len;
	uint32_t c = utf8_at(g->s, g->at, &len);

	g->at += len;
	return c;
}

/* One character that is no delimiter, or many. */
static void put_any(struct glob *g, const char *times)
{
	if (g->delim.n) {
		text_str(&g->out, "[^");
		text_put(&g->out, g->delim);
		text_str(&g->out, "]");
	} else {
		text_str(&g->out, ".");
	}
	text_str(&g->out, times);
}

/* [a-c] or [abc], with ! behind the bracket for all others: one range or a list. NULL when well formed, else what is wrong. */
static const char *put_class(struct glob *g)
{
	size_t behind;
	uint32_t lo, hi;

	text_str(&g->out, take(g, '!') ? "[^" : "[");
	if (g->at == g->s.n)
		return "unexpected end of input";
	behind = utf8_next(g->s, g->at);
	if (behind < g->s.n && g->s.p[behind] == '-') {
		lo = next(g);
		g->at++;
		if (g->at == g->s.n)
			return "unexpected end of input";
		hi = next(g);
		if (hi < lo)
			return "hi character should be greater than lo";
		put_literal(&g->out, lo);
		text_str(&g->out, "-");
		put_literal(&g->out, hi);
	} else {
		for (behind = g->at; g->at < g->s.n && g->s.p[g->at] != ']';) {
			if (take(g, '\\') && g->at == g->s.n)
				break;
			put_literal(&g->out, next(g));
		}
		if (g->at == behind)
			return "could not parse range";
	}
	text_str(&g->out, "]");
	if (g->at == g->s.n)
		return "unexpected end of input";
	return take(g, ']') ? NULL : "expected close range character";
}

static const char *put_item(struct glob *g)
{
	if (take(g, '*')) {
		if (take(g, '*'))
			text_str(&g->out, ".*");
		else
			put_any(g, "*");
	} else if (take(g, '?')) {
		put_any(g, "");
	} else if (take(g, '[')) {
		return put_class(g);
	} else if (take(g, '{')) {
		g->depth++;
		text_str(&g->out, "(?:");
	} else if (g->depth && take(g, ',')) {
		text_str(&g->out, "|");
	} else if (g->depth && take(g, '}')) {
		g->depth--;
		text_str(&g->out, ")");
	} else if (take(g, '\\') && g->at == g->s.n) {
		return "trailing backslash";
	} else {
		put_literal(&g->out, next(g));
	}
	return NULL;
}

static bool get_delimiters(struct call *c, struct text *t)
{
	struct val v = c->arg[1];

	if (val_type(v) == VT_NULL)
		return true;
	if (val_type(v) != VT_ARRAY) {
		(void)bi_type(c, 1, "one of {array, null}");
		return false;
	}
	if (val_len(v) == 0)
		put_literal(t, '.');
	for (size_t i = 0; i < val_len(v) && heap_steps(c->h, 1); i++) {
		struct span s = val_span(val_at(v, i));
		size_t len = 0;
		uint32_t rune = s.n ? utf8_at(s, 0, &len) : 0;

		if (s.n == 0 || len != s.n) {
			(void)bi_operand(c, 1, "must be array of runes but got array containing %s", val_type_name(val_at(v, i)));
			return false;
		}
		put_literal(t, rune);
	}
	return true;
}

static struct val match(struct call *c)
{
	struct glob g = { .c = c, .out = { .c = c } };
	struct text delim = { .c = c };
	const struct re *re = NULL;
	const char *why = NULL;
	struct span s;
	size_t at;

	if (!bi_str(c, 0, &g.s) || !get_delimiters(c, &delim) || !bi_str(c, 2, &s))
		return VAL_UNDEF;
	g.delim = (struct span){ delim.p, delim.n };
	text_str(&g.out, "(?s)^(?:");
	while (g.at < g.s.n && !why && heap_steps(c->h, 1))
		why = put_item(&g);
	if (why)
		return bi_fail(c, "syntax error in pattern: %s", why);
	for (; g.depth && heap_ok(c->h); g.depth--) /* what is still open ends here */
		text_str(&g.out, ")");
	text_str(&g.out, ")$");
	if (!heap_ok(c->h))
		return VAL_UNDEF;
	if (regex_cached(c->h, c->host->regex, (struct span){ g.out.p, g.out.n }, &re, &why, &at) == RE_SYNTAX)
		return bi_fail(c, "syntax error in pattern: %s", why);
	return re ? val_bool(re_seek(c->h, re, s, 0, NULL, 0)) : VAL_UNDEF;
}

static struct val quote_meta(struct call *c)
{
	struct text t = { .c = c };
	struct span s;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	for (size_t i = 0; i < s.n && heap_ok(c->h); i++) {
		if (s.p[i] && strchr("*?\\[]{}", s.p[i]))
			text_str(&t, "\\");
		text_put(&t, (struct span){ s.p + i, 1 });
	}
	return text_val(&t);
}

const struct builtin bi_glob[] = {
	{ .name = "glob.match", .args = 3, .fn = match },
	{ .name = "glob.quote_meta", .args = 1, .fn = quote_meta },
	{ .name = NULL },
};
