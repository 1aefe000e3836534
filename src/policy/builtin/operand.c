#include "policy/builtin/operand.h"

static const char *const type_name[] = { [VT_NULL] = "null",
	[VT_BOOL] = "boolean",
	[VT_NUMBER] = "number",
	[VT_STRING] = "string",
	[VT_ARRAY] = "array",
	[VT_OBJECT] = "object",
	[VT_SET] = "set" };

bool bi_is(struct call *c, size_t i, enum val_type t)
{
	if (val_type(c->arg[i]) != t)
		(void)bi_type(c, i, type_name[t]);
	return val_type(c->arg[i]) == t;
}

bool bi_items(struct call *c, size_t i)
{
	enum val_type t = val_type(c->arg[i]);

	if (t != VT_ARRAY && t != VT_SET)
		(void)bi_type(c, i, "one of {set, array}");
	return t == VT_ARRAY || t == VT_SET;
}

struct val bi_item(struct call *c, size_t i, struct val got, const char *want)
{
	const char *all = val_type_name(c->arg[i]);

	return bi_operand(c, i, "must be %s of %ss but got %s containing %s", all, want, all, val_type_name(got));
}

bool bi_order(struct call *c, size_t n)
{
	unsigned log = 1;

	while (n >> log)
		log++;
	return heap_steps(c->h, (uint64_t)n * log);
}

/* ~1 is a slash, ~0 a tilde; any other tilde stands for itself. */
static struct val path_key(struct heap *h, struct span s)
{
	uint8_t *p = heap_alloc(h, s.n);
	size_t n = 0;

	for (size_t i = 0; p && i < s.n; i++) {
		bool coded = s.p[i] == '~' && i + 1 < s.n && (s.p[i + 1] == '0' || s.p[i + 1] == '1');

		p[n++] = !coded ? s.p[i] : s.p[i + 1] == '1' ? '/' : '~';
		i += coded;
	}
	return p ? val_str_borrow(h, (struct span){ p, n }) : VAL_UNDEF;
}

struct val bi_path(struct heap *h, struct val v)
{
	struct vlist keys = { .h = h };
	struct span s = val_span(v);

	if (val_type(v) == VT_ARRAY)
		return v;
	if (val_type(v) != VT_STRING || !heap_steps(h, s.n / BI_BYTES_PER_STEP + 1))
		return VAL_UNDEF;
	if (s.n == 0)
		return val_array(h, NULL, 0);
	while (s.n && s.p[0] == '/')
		s = span_skip(s, 1);
	for (;;) {
		size_t n = span_find(s, '/');

		vlist_add(&keys, path_key(h, (struct span){ s.p, n }));
		if (n == s.n || !heap_steps(h, 1))
			break;
		s = span_skip(s, n + 1);
	}
	return val_array(h, keys.p, keys.n);
}

bool bi_paths(struct call *c, size_t i, struct val *out)
{
	struct vlist l = { .h = c->h };

	if (!bi_items(c, i))
		return false;
	for (size_t k = 0; k < val_len(c->arg[i]); k++) {
		struct val v = val_at(c->arg[i], k);

		if (val_type(v) != VT_STRING && val_type(v) != VT_ARRAY) {
			(void)bi_operand(c, i,
			    "must be one of {set, array} containing string paths or array of path segments but got %s",
			    val_type_name(v));
			return false;
		}
		v = bi_path(c->h, v);
		if (val_len(v))
			vlist_add(&l, v);
	}
	if (!bi_order(c, l.n))
		return false;
	*out = val_set(c->h, l.p, l.n);
	return true;
}
