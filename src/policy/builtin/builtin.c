#include "policy/builtin/builtin.h"

#include <stdarg.h>
#include <stdio.h>

/* The families. Whoever writes one adds its line here and its file to meson.build; the names in all of them must differ
 * (test_bi_collect). */
static const struct builtin *const family[] = {
	bi_arith,
	bi_compare,
	bi_bits,
	bi_number,
	bi_sprintf,
	bi_types,
	bi_aggregate,
	bi_array,
	bi_set,
	bi_object,
	bi_json,
	bi_patch,
	bi_walk,
	bi_units,
	bi_uuid,
	bi_graph,
	bi_misc,
	bi_time,
	bi_string,
	bi_regex,
	bi_glob,
	bi_encode,
	bi_semver,
	bi_net,
};
#define FAMILIES (sizeof(family) / sizeof(family[0]))

/* Policies are compiled once and builtins then held by pointer, so a scan that stops at the first byte is fast
 * enough: 140 names are passed in 100 ns, and no state is kept. */
const struct builtin *builtin_find(struct span name)
{
	if (name.n == 0)
		return NULL;
	for (size_t f = 0; f < FAMILIES; f++) {
		for (const struct builtin *b = family[f]; b->name; b++) {
			if ((uint8_t)b->name[0] == name.p[0] && span_eq_str(name, b->name))
				return b;
		}
	}
	return NULL;
}

const struct builtin *builtin_at(size_t i)
{
	for (size_t f = 0; f < FAMILIES; f++) {
		for (const struct builtin *b = family[f]; b->name; b++, i--) {
			if (i == 0)
				return b;
		}
	}
	return NULL;
}

/* The first thing that went wrong stays: it is what the policy's author has to mend. */
struct val bi_type(struct call *c, size_t i, const char *want)
{
	if (c->code == REGO_OK) {
		c->code = REGO_EVAL_TYPE;
		(void)snprintf(c->text, sizeof(c->text), "%s: operand %zu must be %s but got %s", c->self->name, i + 1, want,
		    val_type_name(c->arg[i]));
	}
	return VAL_UNDEF;
}

struct val bi_fail(struct call *c, const char *fmt, ...)
{
	size_t n;
	va_list ap;

	if (c->code != REGO_OK)
		return VAL_UNDEF;
	c->code = REGO_BUILTIN;
	n = (size_t)snprintf(c->text, sizeof(c->text), "%s: ", c->self->name);
	va_start(ap, fmt);
	if (n < sizeof(c->text))
		(void)vsnprintf(c->text + n, sizeof(c->text) - n, fmt, ap);
	va_end(ap);
	return VAL_UNDEF;
}

/* Steps for the long strings among the operands: most functions compare them or look for them as a whole. */
static uint64_t long_operands(const struct call *c)
{
	uint64_t steps = 0;

	for (size_t i = 0; i < c->n; i++)
		steps += val_type(c->arg[i]) == VT_STRING ? val_toll(c->arg[i]) : 0;
	return steps;
}

/* A result must not be built on memory or steps that were not there, nor stand beside a recorded fault. */
struct val builtin_call(const struct builtin *b, struct call *c)
{
	struct val v;

	c->self = b;
	c->code = REGO_OK;
	c->text[0] = 0;
	if (!heap_steps(c->h, 1 + long_operands(c)))
		return VAL_UNDEF;
	v = b->fn(c);
	return heap_ok(c->h) && c->code == REGO_OK ? v : VAL_UNDEF;
}
