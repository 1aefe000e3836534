#include <stdlib.h>
#include <string.h>

#include "policy/builtin/builtin.h"
#include "policy/regex/cache.h"
#include "policy/value/valtext.h"

#define STRING_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct builtin *const family[] = { bi_string, bi_regex, bi_glob, bi_encode, bi_semver, bi_net };

static const struct builtin *named(struct span name)
{
	for (size_t f = 0; f < sizeof(family) / sizeof(family[0]); f++)
		for (const struct builtin *b = family[f]; b->name; b++)
			if (span_eq_str(name, b->name))
				return b;
	return NULL;
}

static struct span line(struct span *s)
{
	struct span l = { s->p, span_find(*s, '\n') };

	*s = span_skip(*s, l.n + 1);
	return l;
}

/* A line is JSON; what is none is a text as it stands, UTF-8 or not. */
static struct val operand(struct heap *h, struct span s)
{
	const char *why;
	size_t at;
	struct val v = val_from_json(h, s, (struct json_limits){ 1 << 16, 16 }, &at, &why);

	return val_defined(v) ? v : val_str(h, s);
}

/* Either a value or a reason, never both, and no text beyond the limit. */
static void check(struct call *c, struct val v, bool strings_in_limit)
{
	if ((!heap_ok(c->h) || c->code != REGO_OK) && val_defined(v))
		abort();
	if (heap_ok(c->h) && c->code == REGO_OK && !val_defined(v))
		abort();
	if (c->code != REGO_OK && !c->text[0])
		abort();
	if (strings_in_limit && val_span(v).n > STRING_MAX)
		abort();
}

/* The first line names a builtin, the others are its operands. It answers the same when asked again. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = { p, n };
	const struct builtin *b = named(line(&s));
	struct heap h = { .arena = arena_new(16 << 20), .steps = n % 16 ? 1 << 18 : 32, .string_max = STRING_MAX };
	struct host host = { .regex = regex_cache_new(&h) };
	struct val arg[4], v, again;
	struct call c = { .h = &h, .host = &host, .arg = arg, .n = b ? b->args : 0 };

	for (size_t i = 0; i < c.n; i++)
		arg[i] = operand(&h, line(&s));
	if (b && heap_ok(&h)) {
		v = builtin_call(b, &c);
		check(&c, v, n <= STRING_MAX);
		again = heap_ok(&h) ? builtin_call(b, &c) : v;
		if (heap_ok(&h) && val_defined(v) != val_defined(again))
			abort();
		if (heap_ok(&h) && val_defined(v) && !val_eq(v, again))
			abort();
	}
	arena_free(h.arena);
	return 0;
}
