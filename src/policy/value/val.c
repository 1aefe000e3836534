#include "policy/value/node.h"

enum val_type val_type(struct val v)
{
	static const uint8_t type[16] = { VT_UNDEF, VT_NUMBER, VT_BOOL, VT_NUMBER, VT_STRING, VT_ARRAY, VT_OBJECT, VT_SET };

	return v.w == WORD_NULL ? VT_NULL : (enum val_type)type[tag_of(v)];
}

const char *val_type_name(struct val v)
{
	static const char *const name[] = {
		[VT_UNDEF] = "undefined", [VT_NULL] = "null", [VT_BOOL] = "boolean", [VT_NUMBER] = "number",
		[VT_STRING] = "string", [VT_ARRAY] = "array", [VT_OBJECT] = "object", [VT_SET] = "set",
	};

	return name[val_type(v)];
}

bool val_true(struct val v)
{
	return v.w == WORD_TRUE;
}

bool val_truthy(struct val v)
{
	return v.w != 0 && v.w != WORD_FALSE;
}

struct val val_null(void)
{
	return (struct val){ WORD_NULL };
}

struct val val_bool(bool b)
{
	return (struct val){ b ? WORD_TRUE : WORD_FALSE };
}

/* ---- strings ---- */

/* Eight bytes a step, by multiplication. Not keyed: whoever crafts collisions makes lookups no slower than a binary search. */
static uint32_t hash_bytes(struct span s)
{
	uint64_t x = s.n * UINT64_C(0x9e3779b97f4a7c15), part;

	for (; s.n >= 8; s = span_skip(s, 8)) {
		memcpy(&part, s.p, 8);
		x = (x ^ part) * UINT64_C(0xff51afd7ed558ccd);
		x ^= x >> 32;
	}
	part = 0;
	if (s.n)
		memcpy(&part, s.p, s.n);
	return mix64(x ^ part);
}

static const struct str_node empty_string __attribute__((aligned(16))) = { .p = (const uint8_t *)"" };

static struct val str_new(struct heap *h, struct span s, bool copy)
{
	struct str_node *o;

	if (!heap_ok(h))
		return VAL_UNDEF;
	if (s.n == 0)
		return val_node(&empty_string, TAG_STR);
	if (s.n >= UINT32_MAX - sizeof(*o)) {
		heap_over(h, REGO_LIMIT_MEMORY);
		return VAL_UNDEF;
	}
	o = heap_alloc(h, sizeof(*o) + (copy ? s.n : 0));
	if (!o)
		return VAL_UNDEF;
	o->n = (uint32_t)s.n;
	o->p = s.p;
	if (copy)
		o->p = memcpy(o + 1, s.p, s.n);
	o->hash = hash_bytes(s);
	return val_node(o, TAG_STR);
}

struct val val_str(struct heap *h, struct span s)
{
	return str_new(h, s, true);
}

struct val val_str_borrow(struct heap *h, struct span s)
{
	return str_new(h, s, false);
}

struct val val_text(struct heap *h, const char *s)
{
	return str_new(h, span_of(s), true);
}

struct span val_span(struct val v)
{
	if (tag_of(v) != TAG_STR)
		return (struct span){ 0 };
	return (struct span){ str_node(v)->p, str_node(v)->n };
}

/* ---- looking into containers ---- */

size_t val_len(struct val v)
{
	return is_tree(v) ? tree_node(v)->n : 0;
}

struct val val_at(struct val v, size_t i)
{
	if (i >= val_len(v))
		return VAL_UNDEF;
	if (tag_of(v) == TAG_OBJECT)
		return object_node(v)->m[i].v;
	return tag_of(v) == TAG_SET ? set_node(v)->item[i] : array_node(v)->item[i];
}

struct val val_key(struct val v, size_t i)
{
	return tag_of(v) == TAG_OBJECT && i < val_len(v) ? object_node(v)->m[i].k : VAL_UNDEF;
}

/* Members of an object lie a pair apart, those of a set a value: `step` values. */
struct members {
	const struct val *first;
	size_t            step;
	uint32_t          n;
	struct index      ix;
};

static struct members members_of(struct val v)
{
	if (tag_of(v) == TAG_SET)
		return (struct members){ set_node(v)->item, 1, tree_node(v)->n, set_node(v)->ix };
	return (struct members){ &object_node(v)->m[0].k, 2, tree_node(v)->n, object_node(v)->ix };
}

static size_t find_sorted(const struct members *m, struct val key)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = val_cmp(m->first[mid * m->step], key);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return SIZE_MAX;
}

static size_t find_hashed(const struct members *m, struct val key)
{
	uint32_t at = val_hash(key);

	for (int i = 0; i < INDEX_PROBES; i++, at++) {
		uint32_t pos = m->ix.slot[at & m->ix.mask];

		if (!pos)
			return SIZE_MAX;
		if (val_eq(m->first[(pos - 1) * m->step], key))
			return pos - 1;
	}
	return find_sorted(m, key);
}

/* The position of the key among the members, SIZE_MAX when it is not there. */
static size_t find(struct val v, struct val key)
{
	struct members m = members_of(v);

	if (m.ix.slot)
		return find_hashed(&m, key);
	for (size_t i = 0; i < m.n; i++)
		if (val_eq(m.first[i * m.step], key))
			return i;
	return SIZE_MAX;
}

struct val val_get(struct val obj, struct val key)
{
	size_t i = tag_of(obj) == TAG_OBJECT && val_defined(key) ? find(obj, key) : SIZE_MAX;

	return i == SIZE_MAX ? VAL_UNDEF : object_node(obj)->m[i].v;
}

struct val val_gets(struct val obj, const char *key)
{
	struct span s = span_of(key);
	struct str_node o __attribute__((aligned(16))) = { (uint32_t)s.n, hash_bytes(s), s.p };

	return val_get(obj, val_node(&o, TAG_STR));
}

bool val_has(struct val set, struct val x)
{
	return tag_of(set) == TAG_SET && val_defined(x) && find(set, x) != SIZE_MAX;
}

struct val val_ref(struct val x, struct val key)
{
	int64_t i;

	switch (tag_of(x)) {
	case TAG_OBJECT:
		return val_get(x, key);
	case TAG_ARRAY:
		return val_int64(key, &i) && i >= 0 ? val_at(x, (size_t)i) : VAL_UNDEF;
	case TAG_SET:
		return val_has(x, key) ? key : VAL_UNDEF;
	case TAG_UNDEF:
	case TAG_INT:
	case TAG_WORD:
	case TAG_NUM:
	case TAG_STR:
		break;
	}
	return VAL_UNDEF;
}
