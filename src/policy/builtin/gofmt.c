#include "policy/builtin/gofmt.h"

#include <math.h>
#include <stdio.h>

#include "base/own.h"
#include "fmt/utf8.h"
#include "policy/value/valtext.h"

#define SHORT_EXP 6 /* exponent */

const char *go_kind_name(enum go_kind k)
{
	static const char *const name[] = { "int", "big.Int", "float64", "string" };

	return name[k];
}

/* ---- text in its field ---- */

static size_t runes(struct span s)
{
	size_t n = 0;

	for (; s.n; n++) {
		size_t len = utf8_seq(s);

		s = span_skip(s, len ? len : 1);
	}
	return n;
}

static void pad(struct wr *w, const struct go_spec *s, struct span text, bool zero)
{
	size_t n = runes(text), width = s->has_width ? (size_t)s->width : 0, fill = width > n ? width - n : 0;

	if (s->minus)
		wr_put(w, text);
	for (size_t i = 0; i < fill && wr_ok(w); i++)
		wr_u8(w, zero && !s->minus ? '0' : ' ');
	if (!s->minus)
		wr_put(w, text);
}

/* A sign or prefix goes before zeros that fill the field. */
static void pad_number(struct wr *w, struct go_spec s, struct span sign, struct span digits, bool zero)
{
	CLEANUP(wr_close) struct wr all = wr_open(w->max);

	if (zero && s.has_width && !s.minus) {
		wr_put(w, sign);
		s.width = (size_t)s.width > sign.n ? s.width - (int)sign.n : 0;
		pad(w, &s, digits, true);
		return;
	}
	wr_put(&all, sign);
	wr_put(&all, digits);
	w->bad |= !wr_ok(&all);
	pad(w, &s, wr_span(&all), false);
}

/* ---- integers ---- */

static unsigned base_of(uint32_t verb)
{
	switch (verb) {
	case 'b':
		return 2;
	case 'o':
	case 'O':
		return 8;
	case 'x':
	case 'X':
		return 16;
	default:
		return 10;
	}
}

static const char *prefix_of(const struct go_spec *s)
{
	if (s->verb == 'O')
		return "0o";
	if (!s->sharp)
		return "";
	return s->verb == 'b' ? "0b" : s->verb == 'o' ? "0" : s->verb == 'x' ? "0x" : s->verb == 'X' ? "0X" : "";
}

static void put_integer(struct wr *w, struct go_spec s, struct val v)
{
	CLEANUP(wr_close) struct wr digits = wr_open(w->max), sign = wr_open(16), filled = wr_open(w->max);
	struct span d;

	(void)num_put_base(&digits, v, base_of(s.verb));
	d = wr_span(&digits);
	if (num_sign(v) < 0)
		d = span_skip(d, 1);
	wr_str(&sign, num_sign(v) < 0 ? "-" : s.plus ? "+" : s.space ? " " : "");
	wr_str(&sign, prefix_of(&s));
	for (size_t i = d.n; s.has_prec && i < (size_t)s.prec && wr_ok(&filled); i++)
		wr_u8(&filled, '0');
	for (size_t i = 0; i < d.n; i++)
		wr_u8(&filled, s.verb == 'X' && d.p[i] >= 'a' ? (uint8_t)(d.p[i] - 32) : d.p[i]);
	w->bad |= !wr_ok(&filled) || !wr_ok(&digits);
	d = wr_span(&filled);
	if (s.has_prec && s.prec == 0 && num_sign(v) == 0) /* no digit at all */
		d = (struct span){ 0 };
	pad_number(w, s, wr_span(&sign), d, s.zero && !s.has_prec);
}

static uint32_t rune_of(int64_t i)
{
	return i < 0 || i > 0x10ffff || (i >= 0xd800 && i <= 0xdfff) ? 0xfffd : (uint32_t)i;
}

/* %q of an integer: the character in single quotes, by way of its quoted string. */
static void put_quoted_rune(struct wr *w, const struct go_spec *s, struct span c)
{
	CLEANUP(wr_close) struct wr q = wr_open(64), out = wr_open(64);
	struct span t;

	go_quote(&q, c, s->plus);
	t = wr_span(&q);
	wr_u8(&out, '\'');
	if (c.n == 1 && c.p[0] == '\'')
		wr_str(&out, "\\'");
	else if (c.n == 1 && c.p[0] == '"')
		wr_str(&out, "\"");
	else if (t.n >= 2)
		wr_put(&out, (struct span){ t.p + 1, t.n - 2 });
	wr_u8(&out, '\'');
	pad(w, s, wr_span(&out), s->zero);
}

static bool put_int(struct wr *w, const struct go_spec *s, const struct go_arg *a)
{
	uint8_t utf[4];
	char text[32];

	switch (s->verb) {
	case 'v':
	case 'd':
	case 'b':
	case 'o':
	case 'O':
	case 'x':
	case 'X':
		put_integer(w, *s, a->v);
		return true;
	case 's':
		if (a->kind == GO_BIG)
			put_integer(w, *s, a->v);
		return a->kind == GO_BIG;
	case 'c':
	case 'q':
	case 'U':
		break;
	default:
		return false;
	}
	if (a->kind == GO_BIG)
		return false;
	if (s->verb == 'U') {
		(void)snprintf(text, sizeof(text), "U+%04llX", (unsigned long long)a->i);
		pad(w, s, span_of(text), false);
		return true;
	}
	if (s->verb == 'c')
		pad(w, s, (struct span){ utf, utf8_put(rune_of(a->i), utf) }, s->zero);
	else
		put_quoted_rune(w, s, (struct span){ utf, utf8_put(rune_of(a->i), utf) });
	return true;
}

/* ---- floats ---- */

/* The fewest digits that give f back, as %e. */
static int shortest_digits(double f)
{
	char buf[40];

	for (int p = 0; p < 17; p++) {
		(void)snprintf(buf, sizeof(buf), "%.*e", p, f);
		if (strtod(buf, NULL) == f)
			return p;
	}
	return 17;
}

/* Go's %g without a precision: %e below 1e-4 and from SHORT_EXP up. */
static char *shortest(double f)
{
	int p = shortest_digits(f), x;
	CLEANUP(freep) char *e = str_fmt("%.*e", p, f);
	const char *at = e ? strchr(e, 'e') : NULL;

	if (!at)
		return NULL;
	x = (int)strtol(at + 1, NULL, 10);
	if (x < -4 || x >= SHORT_EXP)
		return MOVE(e);
	return str_fmt("%.*f", p > x ? p - x : 0, f);
}

/* C's %a with an exponent of two digits at least. */
static char *hex_float(double f, const struct go_spec *s)
{
	CLEANUP(freep) char *t = s->has_prec ? str_fmt("%.*a", s->prec, f) : str_fmt("%a", f);
	char *p = t ? strchr(t, 'p') : NULL;
	char *out;

	if (!p)
		return NULL;
	out = str_fmt("%.*sp%c%02d", (int)(p - t), t, p[1], (int)strtol(p + 2, NULL, 10));
	for (char *c = out; s->verb == 'X' && c && *c; c++)
		if ((*c >= 'a' && *c <= 'f') || *c == 'x' || *c == 'p')
			*c = (char)(*c - 32);
	return out;
}

/* |f| as text; NULL also when the verb is none for floats. */
static char *float_text(double f, const struct go_spec *s)
{
	int e = 0, prec = s->has_prec ? s->prec : 6;

	switch (s->verb) {
	case 'e':
		return str_fmt("%.*e", prec, f);
	case 'E':
		return str_fmt("%.*E", prec, f);
	case 'f':
	case 'F':
		return str_fmt("%.*f", prec, f);
	case 'v':
	case 'g':
		return s->has_prec ? str_fmt("%.*g", prec, f) : shortest(f);
	case 'G': {
		char *t = s->has_prec ? str_fmt("%.*G", prec, f) : shortest(f);
		char *p = t ? strchr(t, 'e') : NULL;

		if (p)
			*p = 'E';
		return t;
	}
	case 'x':
	case 'X':
		return hex_float(f, s);
	case 'b':
		f = ldexp(frexp(f, &e), 53);
		return str_fmt("%.0fp%+d", f, f == 0 ? -1074 : e - 53);
	default:
		return NULL;
	}
}

static bool put_float(struct wr *w, const struct go_spec *s, const struct go_arg *a)
{
	bool neg = signbit(a->f);
	CLEANUP(freep) char *t = float_text(neg ? -a->f : a->f, s);

	if (t)
		pad_number(w, *s, span_of(neg ? "-" : s->plus ? "+" : s->space ? " " : ""), span_of(t), s->zero);
	return t;
}

/* ---- strings ---- */

static struct span first_runes(struct span s, size_t n)
{
	size_t at = 0;

	for (; n && at < s.n; n--) {
		size_t len = utf8_seq(span_skip(s, at));

		at += len ? len : 1;
	}
	return (struct span){ s.p, at };
}

static void put_hex(struct wr *w, const struct go_spec *s, struct span t)
{
	CLEANUP(wr_close) struct wr out = wr_open(w->max);
	const char *prefix = !s->sharp ? "" : s->verb == 'x' ? "0x" : "0X";

	if (s->has_prec && (size_t)s->prec < t.n)
		t.n = (size_t)s->prec;
	for (size_t i = 0; i < t.n && wr_ok(&out); i++) {
		if (i && s->space)
			wr_u8(&out, ' ');
		if (i == 0 || s->space)
			wr_str(&out, prefix);
		wr_fmt(&out, s->verb == 'x' ? "%02x" : "%02X", t.p[i]);
	}
	w->bad |= !wr_ok(&out);
	pad(w, s, wr_span(&out), s->zero);
}

static bool put_string(struct wr *w, const struct go_spec *s, struct span t)
{
	CLEANUP(wr_close) struct wr q = wr_open(w->max);

	switch (s->verb) {
	case 'x':
	case 'X':
		put_hex(w, s, t);
		return true;
	case 'v':
	case 's':
		pad(w, s, s->has_prec ? first_runes(t, (size_t)s->prec) : t, s->zero);
		return true;
	case 'q':
		t = s->has_prec ? first_runes(t, (size_t)s->prec) : t;
		if (s->sharp && utf8_ok(t) && !memchr(t.p, '`', t.n) && !memchr(t.p, '\n', t.n)) {
			wr_u8(&q, '`');
			wr_put(&q, t);
			wr_u8(&q, '`');
		} else {
			go_quote(&q, t, s->plus);
		}
		w->bad |= !wr_ok(&q);
		pad(w, s, wr_span(&q), s->zero);
		return true;
	default:
		return false;
	}
}

bool go_put(struct wr *w, const struct go_spec *s, const struct go_arg *a)
{
	switch (a->kind) {
	case GO_INT:
	case GO_BIG:
		return put_int(w, s, a);
	case GO_FLOAT:
		return put_float(w, s, a);
	case GO_STRING:
		break;
	}
	return put_string(w, s, a->text);
}
