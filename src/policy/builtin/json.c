/* JSON as text, and parts of a document chosen by paths. */
#include <stdio.h>

#include "base/own.h"
#include "policy/builtin/operand.h"
#include "policy/value/valtext.h"

/* Text is paid for after it is made: until then string_max bounds it. */
static struct val marshal(struct call *c, const char *prefix, const char *indent)
{
	CLEANUP(wr_close) struct wr w = wr_open(c->h->string_max);

	if (prefix)
		wr_str(&w, prefix);
	val_put_json(&w, c->arg[0], prefix, indent);
	if (!wr_ok(&w)) {
		heap_over(c->h, REGO_LIMIT_OUTPUT);
		return VAL_UNDEF;
	}
	return bi_work(c, w.n) ? val_str(c->h, wr_span(&w)) : VAL_UNDEF;
}

static struct val json_marshal(struct call *c)
{
	return marshal(c, NULL, NULL);
}

struct layout {
	const char *prefix, *indent;
	bool implied, asked, pretty;
};

/* Text as a C string: val_put_json takes such. NUL ends it. */
static const char *c_text(struct call *c, struct val v)
{
	struct span s = val_span(v);
	char *p = s.n < c->h->string_max && bi_work(c, s.n) ? heap_alloc(c->h, s.n + 1) : NULL;

	if (p && s.n)
		memcpy(p, s.p, s.n);
	return p ? p : "";
}

static bool option(struct call *c, struct layout *l, struct val key, struct val v)
{
	struct span name = val_span(key);
	bool text = span_eq_str(name, "prefix") || span_eq_str(name, "indent");

	if (text && val_type(v) == VT_STRING) {
		*(name.p[0] == 'p' ? &l->prefix : &l->indent) = c_text(c, v);
		l->implied = true;
	} else if (span_eq_str(name, "pretty") && val_type(v) == VT_BOOL) {
		l->asked = true;
		l->pretty = val_true(v);
	} else if (text || span_eq_str(name, "pretty")) {
		(void)bi_operand(c, 1, "key \"%.6s\" failed cast to %s", (const char *)name.p, text ? "string" : "bool");
		return false;
	} else {
		(void)bi_operand(c, 1, "object contained unknown key");
		return false;
	}
	return true;
}

static struct val json_marshal_with_options(struct call *c)
{
	struct layout l = { "", "\t", false, false, false };

	if (!bi_is(c, 1, VT_OBJECT) || !heap_steps(c->h, val_len(c->arg[1])))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[1]); i++) {
		if (!option(c, &l, val_key(c->arg[1], i), val_at(c->arg[1], i)))
			return VAL_UNDEF;
	}
	return (l.asked ? l.pretty : l.implied) ? marshal(c, l.prefix, l.indent) : marshal(c, NULL, NULL);
}

static struct val parsed(struct call *c, struct span s, size_t *at, const char **why)
{
	return val_from_json(c->h, s, (struct json_limits){ c->h->string_max, VAL_DEPTH_MAX }, at, why);
}

static struct val json_unmarshal(struct call *c)
{
	const char *why = "malformed";
	size_t at = 0;
	struct span s;
	struct val v;

	if (!bi_str(c, 0, &s) || !bi_work(c, s.n))
		return VAL_UNDEF;
	v = parsed(c, s, &at, &why);
	return val_defined(v) ? v : bi_fail(c, "%s at byte %zu", why, at);
}

static struct val json_is_valid(struct call *c)
{
	const char *why;
	size_t at;
	struct span s = val_span(c->arg[0]);

	if (val_type(c->arg[0]) != VT_STRING)
		return val_bool(false);
	return bi_work(c, s.n) ? val_bool(val_defined(parsed(c, s, &at, &why))) : VAL_UNDEF;
}

/* Paths lo up to hi of a sorted set: they agree in their first `depth` keys. */
struct sheaf {
	struct val all;
	size_t lo, hi, depth;
};

/* The paths of s that go on with key: two binary searches. */
static struct sheaf sheaf_at(struct sheaf s, struct val key)
{
	struct sheaf r = { s.all, s.lo, s.hi, s.depth + 1 };

	for (int upper = 0; upper < 2; upper++) {
		size_t lo = upper ? r.lo : s.lo, hi = s.hi;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (val_cmp(val_at(val_at(s.all, mid), s.depth), key) < upper)
				lo = mid + 1;
			else
				hi = mid;
		}
		*(upper ? &r.hi : &r.lo) = lo;
	}
	return r;
}

/* The shortest path ends here: what is below is wholly meant. */
static bool sheaf_ends(struct sheaf s)
{
	return val_len(val_at(s.all, s.lo)) == s.depth;
}

static struct val index_key(struct heap *h, size_t i)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%zu", i);
	return val_text(h, text);
}

/* The parts of v that the paths lead to (keep), or v without them. Sets and objects go by key, arrays by index as text. Values
 * nest at most VAL_DEPTH_MAX deep. */
static struct val pruned(struct call *c, struct val v, struct sheaf s, bool keep)
{
	struct plist l = { .h = c->h };
	enum val_type t = val_type(v);
	struct val *item;

	if ((t != VT_ARRAY && t != VT_OBJECT && t != VT_SET) || !bi_order(c, val_len(v)))
		return v;
	for (size_t i = 0; i < val_len(v) && heap_ok(c->h); i++) {
		struct val key = t == VT_ARRAY ? index_key(c->h, i) : t == VT_SET ? val_at(v, i) : val_key(v, i);
		struct sheaf below = sheaf_at(s, key);

		if (below.lo == below.hi ? !keep : sheaf_ends(below) && keep)
			plist_add(&l, key, val_at(v, i));
		else if (below.lo < below.hi && !sheaf_ends(below))
			plist_add(&l, key, pruned(c, val_at(v, i), below, keep));
	}
	if (t == VT_OBJECT)
		return val_object(c->h, l.p, l.n, NULL);
	item = heap_array(c->h, l.n, sizeof(*item));
	for (size_t i = 0; item && i < l.n; i++)
		item[i] = l.p[i].v;
	return !item ? VAL_UNDEF : t == VT_ARRAY ? val_array(c->h, item, l.n) : val_set(c->h, item, l.n);
}

static struct val by_paths(struct call *c, bool keep)
{
	struct val paths;

	if (!bi_is(c, 0, VT_OBJECT) || !bi_paths(c, 1, &paths))
		return VAL_UNDEF;
	return pruned(c, c->arg[0], (struct sheaf){ paths, 0, val_len(paths), 0 }, keep);
}

static struct val json_filter(struct call *c)
{
	return by_paths(c, true);
}

static struct val json_remove(struct call *c)
{
	return by_paths(c, false);
}

const struct builtin bi_json[] = {
	{ .name = "json.marshal", .args = 1, .fn = json_marshal },
	{ .name = "json.marshal_with_options", .args = 2, .fn = json_marshal_with_options },
	{ .name = "json.unmarshal", .args = 1, .fn = json_unmarshal },
	{ .name = "json.is_valid", .args = 1, .fn = json_is_valid },
	{ .name = "json.filter", .args = 2, .fn = json_filter },
	{ .name = "json.remove", .args = 2, .fn = json_remove },
	{ 0 },
};
