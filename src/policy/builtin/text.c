#include "policy/builtin/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fmt/utf8.h"

bool bi_work(struct call *c, size_t n)
{
	return heap_steps(c->h, n / BI_BYTES_PER_STEP);
}

bool bi_str(struct call *c, size_t i, struct span *out)
{
	if (val_type(c->arg[i]) != VT_STRING) {
		(void)bi_type(c, i, "string");
		return false;
	}
	*out = val_span(c->arg[i]);
	return bi_work(c, out->n);
}

bool bi_int(struct call *c, size_t i, int64_t *out)
{
	if (val_type(c->arg[i]) != VT_NUMBER)
		(void)bi_type(c, i, "number");
	else if (!val_int64(c->arg[i], out))
		(void)bi_operand(c, i, "must be integer number but got floating-point number");
	return c->code == REGO_OK;
}

struct val bi_operand(struct call *c, size_t i, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (c->code != REGO_OK)
		return VAL_UNDEF;
	c->code = REGO_EVAL_TYPE;
	n = (size_t)snprintf(c->text, sizeof(c->text), "%s: operand %zu ", c->self->name, i + 1);
	va_start(ap, fmt);
	if (n < sizeof(c->text))
		(void)vsnprintf(c->text + n, sizeof(c->text) - n, fmt, ap);
	va_end(ap);
	return VAL_UNDEF;
}

bool bi_strs(struct call *c, size_t i, bool or_string, struct span **out, size_t *n)
{
	struct val v = c->arg[i];
	enum val_type t = val_type(v);

	if (t != VT_ARRAY && t != VT_SET && !(or_string && t == VT_STRING)) {
		(void)bi_type(c, i, or_string ? "one of {string, set, array}" : "one of {set, array}");
		return false;
	}
	*n = t == VT_STRING ? 1 : val_len(v);
	*out = heap_steps(c->h, *n) ? heap_array(c->h, *n, sizeof(**out)) : NULL;
	for (size_t k = 0; *out && k < *n; k++) {
		struct val x = t == VT_STRING ? v : val_at(v, k);

		if (val_type(x) != VT_STRING) {
			const char *name = val_type_name(v);

			(void)bi_operand(c, i, "must be %s of strings but got %s containing %s", name, name, val_type_name(x));
			return false;
		}
		(*out)[k] = val_span(x);
	}
	return *out != NULL;
}

uint8_t *bi_room(struct call *c, size_t n)
{
	if (n > c->h->string_max)
		heap_over(c->h, REGO_LIMIT_OUTPUT);
	return bi_work(c, n) ? heap_alloc(c->h, n) : NULL;
}

static bool text_grow(struct text *t, size_t more)
{
	size_t max = t->c->h->string_max, cap = t->cap ? t->cap * 2 : 64;
	uint8_t *p;

	if (more > max - t->n) {
		heap_over(t->c->h, REGO_LIMIT_OUTPUT);
		return false;
	}
	cap = cap > max ? max : cap;
	cap = cap < t->n + more ? t->n + more : cap;
	p = bi_work(t->c, cap) ? heap_alloc(t->c->h, cap) : NULL;
	if (!p)
		return false;
	if (t->n)
		memcpy(p, t->p, t->n);
	t->p = p;
	t->cap = cap;
	return true;
}

void text_put(struct text *t, struct span s)
{
	if (!heap_ok(t->c->h) || s.n == 0 || (s.n > t->cap - t->n && !text_grow(t, s.n)))
		return;
	memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
}

void text_str(struct text *t, const char *s)
{
	text_put(t, span_of(s));
}

void text_rune(struct text *t, uint32_t rune)
{
	uint8_t b[4];

	text_put(t, (struct span){ b, utf8_put(rune, b) });
}

struct val text_val(struct text *t)
{
	return heap_ok(t->c->h) ? val_str_borrow(t->c->h, (struct span){ t->p, t->n }) : VAL_UNDEF;
}
