/* regex.globs_match: whether some text matches both of two patterns. They are sequences of characters, dots and sets, each
 * perhaps with * or +; that is few enough that a table of all pairs of places in the two tells. */
#include <stdio.h>
#include <string.h>

#include "fmt/unicode.h"
#include "fmt/utf8.h"
#include "policy/builtin/regex_int.h"

#define SHOWN 60 /* bytes of a pattern that a message shows */

struct range { uint32_t lo, hi; };
struct token { size_t first, n; bool many; }; /* n ranges from `first` on; many: any number of times, also none */

struct glob {
	struct call  *c;
	struct span   s;
	size_t        at, runes; /* read so far: bytes, code points */
	struct range *range;     /* room for one for each byte of s */
	size_t        n_ranges;
	struct token *token;     /* room for two for each byte of s: a+ is a and then a* */
	size_t        n;
};

static bool wrong(const struct glob *g, const char *what)
{
	int n = g->s.n < SHOWN ? (int)g->s.n : SHOWN;

	(void)bi_fail(g->c, "input:%.*s, pos:%zu, %s: the input provided is invalid", n, (const char *)g->s.p, g->runes, what);
	return false;
}

/* The next code point, and whether a backslash stood before it. */
static bool read(struct glob *g, uint32_t *c, bool *escaped)
{
	size_t len;

	*escaped = g->s.p[g->at] == '\\';
	if (*escaped && ++g->at == g->s.n)
		return wrong(g, "input ends with a \\ (escape) character");
	g->runes += 1 + *escaped;
	*c = utf8_at(g->s, g->at, &len);
	g->at += len;
	return true;
}

static void add(struct glob *g, uint32_t lo, uint32_t hi)
{
	g->range[g->n_ranges++] = (struct range){ lo, hi };
	g->token[g->n].n++;
}

/* Behind a hyphen in a set: the end of the range that begins with lo. */
static bool read_range(struct glob *g, uint32_t lo)
{
	char text[80];
	bool escaped;
	uint32_t hi;

	if (g->at == g->s.n)
		return wrong(g, "range character '-' must be followed by a Unicode character");
	if (!read(g, &hi, &escaped))
		return false;
	if (!escaped && (hi == ']' || hi == '-'))
		return wrong(g, "range character '-' cannot be followed by a special symbol");
	if (hi < lo) {
		uint8_t a[5] = { 0 }, b[5] = { 0 };

		(void)utf8_put(hi, a);
		(void)utf8_put(lo, b);
		(void)snprintf(text, sizeof(text), "range is out of order: '%s' comes before '%s' in Unicode", (const char *)a,
		    (const char *)b);
		return wrong(g, text);
	}
	add(g, lo, hi);
	return true;
}

/* Behind '['. */
static bool read_set(struct glob *g)
{
	uint32_t c = 0, last = 0;
	bool escaped, can = false; /* can: `last` may begin a range */

	while (g->at < g->s.n) {
		if (!read(g, &c, &escaped))
			return false;
		if (c == ']' && !escaped)
			return true;
		if (c == '-' && !escaped) {
			if (!can)
				return wrong(g, "range character '-' must be preceded by a Unicode character");
			if (!read_range(g, last))
				return false;
			can = false;
			continue;
		}
		add(g, c, c);
		last = c;
		can = true;
	}
	return wrong(g, "found [ without matching ]");
}

static bool read_token(struct glob *g)
{
	bool escaped;
	uint32_t c;

	g->token[g->n] = (struct token){ .first = g->n_ranges };
	if (!read(g, &c, &escaped))
		return false;
	if (!escaped && c == ']')
		return wrong(g, "set-close ']' with no preceding '['");
	if (!escaped && (c == '*' || c == '+'))
		return wrong(g, c == '*' ? "flag '*' must be preceded by a non-flag" : "flag '+' must be preceded by a non-flag");
	if (!escaped && c == '.')
		add(g, 0, UC_MAX);
	else if (escaped || c != '[')
		add(g, c, c);
	else if (!read_set(g))
		return false;
	g->n++;
	if (g->at < g->s.n && (g->s.p[g->at] == '*' || g->s.p[g->at] == '+')) {
		if (g->s.p[g->at] == '+') {
			g->token[g->n] = g->token[g->n - 1];
			g->n++;
		}
		g->token[g->n - 1].many = true;
		g->at++;
		g->runes++;
	}
	return true;
}

static bool open_glob(struct glob *g, struct call *c, size_t operand)
{
	*g = (struct glob){ .c = c };
	if (!bi_str(c, operand, &g->s))
		return false;
	g->range = heap_array(c->h, g->s.n, sizeof(*g->range));
	g->token = heap_array(c->h, g->s.n, 2 * sizeof(*g->token));
	while (g->range && g->token && g->at < g->s.n)
		if (!heap_steps(c->h, 1) || !read_token(g))
			return false;
	return g->range && g->token;
}

static bool share(const struct glob *a, const struct token *x, const struct glob *b, const struct token *y)
{
	for (size_t i = 0; i < x->n; i++)
		for (size_t k = 0; k < y->n; k++) {
			const struct range *r = &a->range[x->first + i], *s = &b->range[y->first + k];

			if (r->lo <= s->hi && s->lo <= r->hi)
				return true;
		}
	return false;
}

/* From the places i and j, which one text can lead to: where it can lead one step on. now is the row of i, then that of i + 1. */
static void move(const struct glob *a, size_t i, const struct glob *b, size_t j, uint8_t *now, uint8_t *then)
{
	const struct token *x = i < a->n ? &a->token[i] : NULL, *y = j < b->n ? &b->token[j] : NULL;

	if (x && x->many)
		then[j] = 1;
	if (y && y->many)
		now[j + 1] = 1;
	if (!x || !y || (x->many && y->many) || !heap_steps(a->c->h, x->n * y->n / 8) || !share(a, x, b, y))
		return;
	(x->many ? now : then)[j + !y->many] = 1;
}

static bool meet(const struct glob *a, const struct glob *b)
{
	uint8_t *now = heap_alloc(a->c->h, b->n + 2), *then = heap_alloc(a->c->h, b->n + 2);

	if (!now || !then)
		return false;
	now[0] = 1;
	for (size_t i = 0; heap_steps(a->c->h, b->n / 8 + 1); i++) {
		uint8_t *row = now;

		for (size_t j = 0; j <= b->n; j++)
			if (now[j])
				move(a, i, b, j, now, then);
		if (i == a->n)
			return now[b->n];
		now = then;
		then = memset(row, 0, b->n + 2);
	}
	return false;
}

struct val bi_regex_globs_match(struct call *c)
{
	struct glob a, b;

	if (!open_glob(&a, c, 0) || !open_glob(&b, c, 1))
		return VAL_UNDEF;
	return val_bool(meet(&a, &b));
}
