/* sprintf with the verbs of Go's fmt. OPA hands Go an int, a *big.Int, a float64 or a string (whatever is no number, in Rego
 * notation), and what Go makes of the wrong verb for one of them is part of the result: %!d(string=x). */
#include <math.h>

#include "base/own.h"
#include "fmt/utf8.h"
#include "policy/builtin/gofmt.h"
#include "policy/builtin/numeric.h"
#include "policy/value/valtext.h"

#define WIDTH_MAX 1000000 /* as Go: larger widths are not believed */

struct state {
	struct heap *h;
	struct wr   w;
	struct span f;       /* what is left of the format */
	struct val  args;
	size_t      next;
	bool        indexed; /* an explicit index was used: surplus arguments are then no fault */
	bool        bad_index;
};

/* ---- one directive ---- */

/* What OPA would hand to Go. text: room for the Rego notation of what is no number and no string. */
static struct go_arg arg_of(struct val v, struct wr *text)
{
	struct go_arg a = { .kind = GO_STRING, .v = v, .text = val_span(v) };
	struct span t;

	if (val_type(v) == VT_STRING)
		return a;
	val_put_rego(text, v, true);
	a.text = t = wr_span(text);
	if (val_type(v) != VT_NUMBER)
		return a;
	if (span_find(t, '.') == t.n && span_find(t, 'e') == t.n && span_find(t, 'E') == t.n) {
		a.kind = val_int64(v, &a.i) ? GO_INT : GO_BIG;
		return a;
	}
	a.f = num_to_double(v);
	if (isfinite(a.f))
		a.kind = GO_FLOAT;
	return a;
}

static void put_arg(struct state *st, const struct go_spec *s, struct val v)
{
	CLEANUP(wr_close) struct wr text = wr_open(st->w.max);
	struct go_arg a = arg_of(v, &text);
	struct go_spec plain = *s;

	st->w.bad |= !wr_ok(&text);
	if (a.kind == GO_BIG && !bi_base_steps(st->h, v))
		return;
	if (s->verb == 'T') {
		struct go_spec name = *s;

		name.verb = 's';
		a = (struct go_arg){ .kind = GO_STRING, .text = span_of(a.kind == GO_BIG ? "*big.Int" : go_kind_name(a.kind)) };
		(void)go_put(&st->w, &name, &a);
		return;
	}
	if (go_put(&st->w, s, &a))
		return;
	wr_str(&st->w, "%!");
	wr_put(&st->w, s->verb_text);
	wr_fmt(&st->w, "(%s=", go_kind_name(a.kind));
	plain.verb = 'v';
	(void)go_put(&st->w, &plain, &a);
	wr_u8(&st->w, ')');
}

/* ---- the format ---- */

static int peek(const struct state *st)
{
	return st->f.n ? st->f.p[0] : -1;
}

static void skip(struct state *st)
{
	st->f = span_skip(st->f, 1);
}

/* A decimal at the front; false if there is none. One that is too large is dropped, as in Go. */
static bool decimal(struct state *st, int *out)
{
	bool any = false;
	int n = 0;

	for (; peek(st) >= '0' && peek(st) <= '9'; skip(st), any = true)
		n = n > WIDTH_MAX ? n : n * 10 + peek(st) - '0';
	*out = n;
	return any && n <= WIDTH_MAX;
}

static void flags(struct state *st, struct go_spec *s)
{
	for (;; skip(st)) {
		switch (peek(st)) {
		case '-':
			s->minus = true;
			break;
		case '+':
			s->plus = true;
			break;
		case '#':
			s->sharp = true;
			break;
		case ' ':
			s->space = true;
			break;
		case '0':
			s->zero = true;
			break;
		default:
			return;
		}
	}
}

/* "[n]": the argument to take next, counted from 1. */
static void index_of(struct state *st)
{
	struct span body = span_skip(st->f, 1);
	size_t end = span_find(body, ']');
	uint64_t n;

	if (peek(st) != '[')
		return;
	st->indexed = true;
	st->f = end < body.n ? span_skip(body, end + 1) : body;
	body.n = end;
	if (span_u64(body, &n) && n >= 1 && n <= val_len(st->args))
		st->next = (size_t)n - 1;
	else
		st->bad_index = true;
}

/* "*": a width or precision out of the arguments. */
static bool star(struct state *st, int *out)
{
	int64_t n = 0;
	bool ok = val_int64(val_at(st->args, st->next), &n) && n >= -WIDTH_MAX && n <= WIDTH_MAX;

	skip(st);
	st->next++;
	*out = (int)n;
	return ok;
}

static void width(struct state *st, struct go_spec *s)
{
	index_of(st);
	if (peek(st) != '*') {
		s->has_width = decimal(st, &s->width);
		return;
	}
	s->has_width = star(st, &s->width);
	if (!s->has_width)
		wr_str(&st->w, "%!(BADWIDTH)");
	if (s->has_width && s->width < 0) {
		s->minus = true;
		s->width = -s->width;
	}
}

static void precision(struct state *st, struct go_spec *s)
{
	if (peek(st) != '.')
		return;
	skip(st);
	index_of(st);
	if (peek(st) != '*') {
		s->has_prec = true;
		if (!decimal(st, &s->prec) && s->prec)
			s->has_prec = false;
		return;
	}
	s->has_prec = star(st, &s->prec) && s->prec >= 0;
	if (!s->has_prec)
		wr_str(&st->w, "%!(BADPREC)");
}

static void verb(struct state *st, struct go_spec *s)
{
	size_t n = utf8_seq(st->f);

	s->verb_text = (struct span){ st->f.p, n ? n : 1 };
	s->verb = st->f.p[0] < 0x80 ? st->f.p[0] : 0xfffd;
	st->f = span_skip(st->f, s->verb_text.n);
}

/* Behind a '%'. */
static void directive(struct state *st)
{
	struct go_spec s = { 0 };

	st->bad_index = false;
	flags(st, &s);
	width(st, &s);
	precision(st, &s);
	index_of(st);
	if (!st->f.n) {
		wr_str(&st->w, "%!(NOVERB)");
		return;
	}
	verb(st, &s);
	if (s.verb == '%') {
		wr_u8(&st->w, '%');
	} else if (st->bad_index || st->next >= val_len(st->args)) {
		wr_str(&st->w, "%!");
		wr_put(&st->w, s.verb_text);
		wr_str(&st->w, st->bad_index ? "(BADINDEX)" : "(MISSING)");
	} else {
		put_arg(st, &s, val_at(st->args, st->next++));
	}
}

/* Arguments that no directive took. */
static void surplus(struct state *st)
{
	struct go_spec s = { .verb = 'v' };

	if (st->indexed || st->next >= val_len(st->args))
		return;
	wr_str(&st->w, "%!(EXTRA ");
	for (size_t i = st->next; i < val_len(st->args) && wr_ok(&st->w); i++) {
		CLEANUP(wr_close) struct wr text = wr_open(st->w.max);
		struct go_arg a = arg_of(val_at(st->args, i), &text);

		wr_fmt(&st->w, "%s%s=", i > st->next ? ", " : "", a.kind == GO_BIG ? "*big.Int" : go_kind_name(a.kind));
		if (a.kind != GO_BIG || bi_base_steps(st->h, a.v))
			(void)go_put(&st->w, &s, &a);
	}
	wr_u8(&st->w, ')');
}

static struct val bi_printf(struct call *c)
{
	struct state st = { .h = c->h, .w = wr_open(c->h->string_max), .f = val_span(c->arg[0]), .args = c->arg[1] };
	struct val v = VAL_UNDEF;

	if (val_type(c->arg[0]) != VT_STRING)
		return bi_type(c, 0, "string");
	if (val_type(c->arg[1]) != VT_ARRAY)
		return bi_type(c, 1, "array");
	while (st.f.n && wr_ok(&st.w)) {
		size_t n = span_find(st.f, '%');

		wr_put(&st.w, (struct span){ st.f.p, n });
		st.f = span_skip(st.f, n);
		if (!st.f.n)
			break;
		skip(&st);
		n = st.w.n;
		directive(&st);
		if (!heap_steps(c->h, 1 + (st.w.n - n) / 8))
			break;
	}
	surplus(&st);
	if (wr_ok(&st.w))
		v = val_str(c->h, wr_span(&st.w));
	else
		heap_over(c->h, REGO_LIMIT_OUTPUT);
	wr_close(&st.w);
	return v;
}

const struct builtin bi_sprintf[] = {
	{ .name = "sprintf", .args = 2, .fn = bi_printf },
	{ 0 },
};
