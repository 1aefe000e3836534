/* When two values are equal, and which comes first. Recursion ends by VAL_DEPTH_MAX. */
#include "policy/value/node.h"
#include "policy/value/num.h"

uint32_t val_hash(struct val v)
{
	switch (tag_of(v)) {
	case TAG_UNDEF:
		return 0;
	case TAG_WORD:
		return mix64(v.w);
	case TAG_INT:
	case TAG_NUM:
		return num_hash(v);
	case TAG_STR:
		return str_node(v)->hash;
	case TAG_ARRAY:
	case TAG_OBJECT:
	case TAG_SET:
		return tree_node(v)->hash;
	}
	return 0;
}

static bool all_eq(const struct val *a, const struct val *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!val_eq(a[i], b[i]))
			return false;
	return true;
}

static bool str_eq(const struct str_node *a, const struct str_node *b)
{
	return a->hash == b->hash && a->n == b->n && (a->p == b->p || memcmp(a->p, b->p, a->n) == 0); /* public: policy values */
}

static bool tree_eq(struct val a, struct val b)
{
	size_t n = tree_node(a)->n;

	if (n != tree_node(b)->n || tree_node(a)->hash != tree_node(b)->hash)
		return false;
	if (tag_of(a) == TAG_OBJECT)
		return all_eq(&object_node(a)->m[0].k, &object_node(b)->m[0].k, 2 * n);
	return tag_of(a) == TAG_SET ? all_eq(set_node(a)->item, set_node(b)->item, n)
				    : all_eq(array_node(a)->item, array_node(b)->item, n);
}

bool val_eq(struct val a, struct val b)
{
	if (a.w == b.w)
		return true;
	if (tag_of(a) != tag_of(b)) /* only a number has two forms */
		return tag_of(a) + tag_of(b) == TAG_INT + TAG_NUM && val_type(a) == val_type(b) && num_cmp(a, b) == 0;
	if (tag_of(a) <= TAG_WORD)
		return false;
	if (tag_of(a) == TAG_NUM)
		return num_cmp(a, b) == 0;
	return tag_of(a) == TAG_STR ? str_eq(str_node(a), str_node(b)) : tree_eq(a, b);
}

uint64_t val_toll(struct val v)
{
	return weight_of(v) / 2;
}

bool val_same(struct heap *h, struct val a, struct val b)
{
	if (a.w == b.w)
		return true;
	if (val_len(a) != val_len(b) || val_hash(a) != val_hash(b))
		return val_eq(a, b);
	return heap_steps(h, val_toll(a)) && val_eq(a, b);
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int str_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0; /* public: policy values */

	return c ? c : order(a.n, b.n);
}

/* Objects too: key, value, key, value. */
static int tree_cmp(struct val a, struct val b)
{
	size_t n = val_len(a) < val_len(b) ? val_len(a) : val_len(b);
	bool object = tag_of(a) == TAG_OBJECT;

	for (size_t i = 0; i < n; i++) {
		int c = object ? val_cmp(val_key(a, i), val_key(b, i)) : 0;

		if (!c)
			c = val_cmp(val_at(a, i), val_at(b, i));
		if (c)
			return c;
	}
	return order(val_len(a), val_len(b));
}

int val_cmp(struct val a, struct val b)
{
	enum val_type type = val_type(a);
	int c;

	if (a.w == b.w)
		return 0;
	c = order(type, val_type(b));
	if (c)
		return c;
	switch (type) {
	case VT_UNDEF:
	case VT_NULL:
	case VT_BOOL:
		return order(a.w, b.w);
	case VT_NUMBER:
		return num_cmp(a, b);
	case VT_STRING:
		return str_cmp(val_span(a), val_span(b));
	case VT_ARRAY:
	case VT_OBJECT:
	case VT_SET:
		break;
	}
	return tree_cmp(a, b);
}

int val_order(struct heap *h, struct val a, struct val b)
{
	uint64_t x = val_toll(a), y = val_toll(b);

	return a.w == b.w || !heap_steps(h, x < y ? x : y) ? 0 : val_cmp(a, b);
}
