/* One value out of many. */
#include "fmt/utf8.h"
#include "policy/builtin/operand.h"
#include "policy/value/num.h"

/* As Go counts: a byte that is no part of valid UTF-8 is a character of its own. */
static size_t characters(struct span s)
{
	size_t n = 0;

	for (; s.n; n++) {
		size_t len = utf8_seq(s);

		s = span_skip(s, len ? len : 1);
	}
	return n;
}

static struct val count(struct call *c)
{
	struct val v = c->arg[0];

	switch (val_type(v)) {
	case VT_ARRAY:
	case VT_OBJECT:
	case VT_SET:
		return val_int(c->h, (int64_t)val_len(v));
	case VT_STRING:
		return bi_work(c, val_span(v).n) ? val_int(c->h, (int64_t)characters(val_span(v))) : VAL_UNDEF;
	case VT_UNDEF:
	case VT_NULL:
	case VT_BOOL:
	case VT_NUMBER:
		break;
	}
	return bi_type(c, 0, "one of {array, object, set, string}");
}

static struct val total(struct call *c, enum num_op op, int64_t start)
{
	struct val v = val_int(c->h, start);

	if (!bi_items(c, 0) || !heap_steps(c->h, val_len(c->arg[0])))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[0]) && heap_ok(c->h); i++) {
		struct val x = val_at(c->arg[0], i);

		if (val_type(x) != VT_NUMBER)
			return bi_item(c, 0, x, "number");
		if (num_arith(c->h, op, v, x, &v) != NUM_OK)
			return bi_fail(c, "result out of range");
	}
	return v;
}

static struct val sum(struct call *c)
{
	return total(c, NUM_ADD, 0);
}

static struct val product(struct call *c)
{
	return total(c, NUM_MUL, 1);
}

/* The last among equals, as in OPA: 1.0 after 1 is the greatest, and the smallest too. */
static struct val extreme(struct call *c, int way)
{
	struct val best = VAL_UNDEF;

	if (!bi_items(c, 0) || !heap_steps(c->h, val_len(c->arg[0])))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[0]); i++) {
		struct val x = val_at(c->arg[0], i);

		if (!val_defined(best) || val_order(c->h, x, best) * way >= 0)
			best = x;
	}
	return best;
}

static struct val max(struct call *c)
{
	return extreme(c, 1);
}

static struct val min(struct call *c)
{
	return extreme(c, -1);
}

/* In order, every item kept: runs of doubling length are merged, so that the work is bounded whatever the order it comes in. */
static struct val *merged(struct heap *h, struct val *from, struct val *to, size_t n)
{
	for (size_t run = 1; run < n; run *= 2) {
		struct val *t;

		for (size_t lo = 0; lo < n; lo += 2 * run) {
			size_t mid = lo + run < n ? lo + run : n, hi = mid + run < n ? mid + run : n;

			for (size_t a = lo, b = mid, k = lo; k < hi; k++)
				to[k] = b == hi || (a < mid && val_order(h, from[a], from[b]) <= 0) ? from[a++] : from[b++];
		}
		t = from;
		from = to;
		to = t;
	}
	return from;
}

static struct val sort(struct call *c)
{
	size_t n = val_len(c->arg[0]);
	struct val *a, *b;

	if (!bi_items(c, 0) || !bi_order(c, n))
		return VAL_UNDEF;
	a = heap_array(c->h, n, sizeof(*a));
	b = heap_array(c->h, n, sizeof(*b));
	if (!a || !b)
		return VAL_UNDEF;
	for (size_t i = 0; i < n; i++)
		a[i] = val_at(c->arg[0], i);
	return val_array(c->h, val_type(c->arg[0]) == VT_SET ? a : merged(c->h, a, b, n), n);
}

/* Is there an item that is (or is not) true. */
static bool holds(const struct call *c, bool wanted)
{
	size_t i = 0;

	while (i < val_len(c->arg[0]) && val_true(val_at(c->arg[0], i)) != wanted)
		i++;
	return i < val_len(c->arg[0]);
}

static struct val any(struct call *c)
{
	return bi_items(c, 0) && heap_steps(c->h, val_len(c->arg[0])) ? val_bool(holds(c, true)) : VAL_UNDEF;
}

static struct val all(struct call *c)
{
	return bi_items(c, 0) && heap_steps(c->h, val_len(c->arg[0])) ? val_bool(!holds(c, false)) : VAL_UNDEF;
}

const struct builtin bi_aggregate[] = {
	{ .name = "count", .args = 1, .fn = count },
	{ .name = "sum", .args = 1, .fn = sum },
	{ .name = "product", .args = 1, .fn = product },
	{ .name = "max", .args = 1, .fn = max },
	{ .name = "min", .args = 1, .fn = min },
	{ .name = "sort", .args = 1, .fn = sort },
	{ .name = "any", .args = 1, .fn = any },
	{ .name = "all", .args = 1, .fn = all },
	{ 0 },
};
