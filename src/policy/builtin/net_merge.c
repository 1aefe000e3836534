/* net.cidr_merge: addresses and blocks as the smallest set of blocks. Each is a range from its first address to its last; ranges
 * that overlap or touch become one; what has grown that way is cut into blocks again. */
#include <stdio.h>
#include <stdlib.h>

#include "policy/builtin/addr.h"
#include "policy/builtin/net_int.h"

struct range {
	struct addr first, last;
	struct addr written; /* how a range that did not grow is written: an address alone keeps all its bits, as in OPA */
	unsigned    bits;    /* length of the prefix written behind it */
	bool        grown;
};

static int cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)); /* public: addresses, to sort */
}

static int by_last(const void *x, const void *y)
{
	const struct range *a = x, *b = y;
	int d = cmp(&a->last, &b->last);

	return d ? d : cmp(&a->first, &b->first);
}

/* An IPv4 address without a prefix stands for the network of its class (RFC 791 section 2.3), whatever one may think of that
 * today. */
static unsigned class_bits(struct addr a)
{
	return a.b[12] < 0x80 ? 8 : a.b[12] < 0xC0 ? 16 : 24;
}

static bool read_range(struct call *c, struct val v, struct range *r)
{
	struct span s = val_span(v);
	struct cidr block = { 0 };

	*r = (struct range){ 0 };
	if (val_type(v) != VT_STRING) {
		(void)bi_fail(c, "element must be string");
	} else if (addr_parse(s, &r->written)) {
		if (!r->written.v4)
			(void)bi_fail(c, "IPv6 invalid: needs prefix length");
		block = cidr_of(r->written, class_bits(r->written));
	} else if (cidr_parse(s, &block)) {
		r->written = block.base;
	} else {
		(void)bi_fail(c, "invalid CIDR address: %.*s", s.n < 64 ? (int)s.n : 64, (const char *)s.p);
	}
	if (c->code != REGO_OK)
		return false;
	r->first = block.base;
	r->last = cidr_last(&block);
	r->bits = block.bits;
	return true;
}

/* Whether b, which ends no earlier than a, begins in a or right behind it. */
static bool touches(const struct range *a, const struct range *b)
{
	struct addr behind = a->last;

	return cmp(&b->first, &a->last) <= 0 || (addr_next(&behind) && a->last.v4 == b->first.v4 && cmp(&behind, &b->first) == 0);
}

/* From the end, as the last of several may swallow all of them. */
static size_t merge(struct range *r, size_t n)
{
	size_t to = n;

	for (size_t i = n; i-- > 0;) {
		if (to < n && touches(&r[i], &r[to])) {
			if (cmp(&r[i].first, &r[to].first) < 0)
				r[to].first = r[i].first;
			r[to].grown = true;
		} else {
			r[--to] = r[i];
		}
	}
	return to;
}

static void add_block(struct vlist *out, struct addr a, unsigned bits)
{
	char text[ADDR_TEXT + 4];
	size_t n = addr_text(a, text);

	n += (size_t)snprintf(text + n, sizeof(text) - n, "/%u", bits);
	vlist_add(out, val_str(out->h, (struct span){ (const uint8_t *)text, n }));
}

/* The largest blocks that fit, one behind the other. */
static void cut(struct vlist *out, struct addr at, struct addr last)
{
	struct addr end;

	do {
		unsigned bits = 0;
		struct cidr block = cidr_of(at, bits);

		for (end = cidr_last(&block); cmp(&block.base, &at) != 0 || cmp(&end, &last) > 0; end = cidr_last(&block))
			block = cidr_of(at, ++bits);
		add_block(out, at, bits);
		at = end;
	} while (heap_steps(out->h, 1) && cmp(&end, &last) < 0 && addr_next(&at));
}

struct val bi_net_cidr_merge(struct call *c)
{
	struct vlist out = { .h = c->h };
	struct val v = c->arg[0];
	size_t n = val_len(v);
	struct range *r;

	if (val_type(v) != VT_ARRAY && val_type(v) != VT_SET)
		return bi_fail(c, "operand must be an array");
	r = heap_steps(c->h, 4 * (uint64_t)n) ? heap_array(c->h, n, sizeof(*r)) : NULL;
	for (size_t i = 0; r && i < n; i++)
		if (!read_range(c, val_at(v, i), &r[i]))
			return VAL_UNDEF;
	if (!r)
		return VAL_UNDEF;
	qsort(r, n, sizeof(*r), by_last);
	for (size_t i = merge(r, n); i < n; i++) {
		if (r[i].grown)
			cut(&out, r[i].first, r[i].last);
		else
			add_block(&out, r[i].written, r[i].bits);
	}
	return val_set(c->h, out.p, out.n);
}
