/* net.cidr_*: blocks of addresses. Names are never looked up. */
#include "policy/builtin/addr.h"
#include "policy/builtin/net_int.h"

#define SHOWN 64 /* bytes of an operand that a message shows */

static struct val no_cidr(struct call *c, struct span s)
{
	return bi_fail(c, "invalid CIDR address: %.*s", s.n < SHOWN ? (int)s.n : SHOWN, (const char *)s.p);
}

static bool block(struct call *c, size_t i, struct cidr *out)
{
	struct span s;

	if (!bi_str(c, i, &s))
		return false;
	if (!cidr_parse(s, out))
		(void)no_cidr(c, s);
	return c->code == REGO_OK;
}

static bool holds(const struct cidr *a, const struct cidr *b)
{
	return addr_in(b->base, a) && addr_in(cidr_last(b), a);
}

/* Whether block a holds what s names, an address or a block; false in *ok when it is neither. */
static bool holds_text(struct call *c, const struct cidr *a, struct span s, bool *ok)
{
	struct addr one;
	struct cidr b;

	*ok = heap_steps(c->h, 1);
	if (addr_parse(s, &one))
		return addr_in(one, a);
	if (cidr_parse(s, &b))
		return holds(a, &b);
	*ok = false;
	(void)bi_fail(c, "not a valid textual representation of an IP address or CIDR: %.*s", s.n < SHOWN ? (int)s.n : SHOWN,
	    (const char *)s.p);
	return false;
}

static struct val contains(struct call *c)
{
	struct cidr a;
	struct span s;
	bool ok, in;

	if (!block(c, 0, &a) || !bi_str(c, 1, &s))
		return VAL_UNDEF;
	in = holds_text(c, &a, s, &ok);
	return ok ? val_bool(in) : VAL_UNDEF;
}

static struct val intersects(struct call *c)
{
	struct cidr a, b;

	if (!block(c, 0, &a) || !block(c, 1, &b))
		return VAL_UNDEF;
	return val_bool(addr_in(b.base, &a) || addr_in(a.base, &b));
}

static struct val is_valid(struct call *c)
{
	struct cidr a;

	return val_bool(val_type(c->arg[0]) == VT_STRING && cidr_parse(val_span(c->arg[0]), &a));
}

/* Every address of a block. As many steps as there are addresses, asked for before the first is made. */
static struct val expand(struct call *c)
{
	struct vlist all = { .h = c->h };
	struct addr a, last;
	struct cidr block_;
	unsigned host;
	char text[ADDR_TEXT];

	if (!block(c, 0, &block_))
		return VAL_UNDEF;
	host = (block_.base.v4 ? 32 : 128) - block_.bits;
	if (!heap_steps(c->h, host < 63 ? (uint64_t)2 << host : UINT64_MAX))
		return VAL_UNDEF;
	a = block_.base;
	last = cidr_last(&block_);
	for (;;) {
		size_t n = addr_text(a, text);

		vlist_add(&all, val_str(c->h, (struct span){ (const uint8_t *)text, n }));
		if (!heap_ok(c->h) || memcmp(a.b, last.b, sizeof(a.b)) == 0 || !addr_next(&a)) /* public: addresses */
			return val_set(c->h, all.p, all.n);
	}
}

/* An operand of cidr_contains_matches: one text, or a collection of texts or of arrays that begin with one. What stands for a
 * text in the answer is its index, its key, or the item itself. */
static size_t items(struct val v)
{
	return val_type(v) == VT_STRING ? 1 : val_len(v);
}

static struct val item_index(struct call *c, struct val v, size_t i)
{
	switch (val_type(v)) {
	case VT_ARRAY:
		return val_int(c->h, (int64_t)i);
	case VT_OBJECT:
		return val_key(v, i);
	case VT_SET:
		return val_at(v, i);
	case VT_STRING:
	case VT_UNDEF:
	case VT_NULL:
	case VT_BOOL:
	case VT_NUMBER:
		break;
	}
	return v;
}

static bool item(struct call *c, size_t arg, size_t i, struct span *out)
{
	struct val v = c->arg[arg];

	if (val_type(v) != VT_STRING) {
		v = val_at(v, i);
		if (val_type(v) == VT_ARRAY && val_len(v))
			v = val_at(v, 0);
		else if (val_type(v) != VT_STRING) {
			(void)bi_fail(c, "operand %zu: element must be string or non-empty array", arg + 1);
			return false;
		}
	}
	*out = val_span(v);
	if (val_type(v) != VT_STRING)
		(void)bi_operand(c, 0, "must be string but got %s", val_type_name(v));
	return c->code == REGO_OK;
}

static bool match_block(struct call *c, size_t i, struct vlist *found)
{
	struct cidr a;
	struct span s;

	for (size_t k = 0; k < items(c->arg[1]); k++) {
		bool ok, in;

		if (!item(c, 0, i, &s))
			return false;
		if (!cidr_parse(s, &a)) {
			(void)no_cidr(c, s);
			return false;
		}
		if (!item(c, 1, k, &s))
			return false;
		in = holds_text(c, &a, s, &ok);
		if (!ok)
			return false;
		if (in) {
			struct val both[2] = { item_index(c, c->arg[0], i), item_index(c, c->arg[1], k) };

			vlist_add(found, val_array(c->h, both, 2));
		}
	}
	return true;
}

static struct val contains_matches(struct call *c)
{
	struct vlist found = { .h = c->h };

	for (size_t i = 0; i < items(c->arg[0]); i++)
		if (!match_block(c, i, &found))
			return VAL_UNDEF;
	return val_set(c->h, found.p, found.n);
}

const struct builtin bi_net[] = {
	{ .name = "net.cidr_contains", .args = 2, .fn = contains },
	{ .name = "net.cidr_contains_matches", .args = 2, .fn = contains_matches },
	{ .name = "net.cidr_expand", .args = 1, .fn = expand },
	{ .name = "net.cidr_intersects", .args = 2, .fn = intersects },
	{ .name = "net.cidr_is_valid", .args = 1, .fn = is_valid },
	{ .name = "net.cidr_merge", .args = 1, .fn = bi_net_cidr_merge },
	{ .name = "net.cidr_overlap", .args = 2, .fn = contains },
	{ .name = NULL },
};
