#include "fmt/json_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/json_int.h"
#include "fmt/utf8.h"

struct json_build {
	struct json_doc *d;
	const char      *why; /* first failure; sticky */
};

DEFINE_CLEANUP(struct json_build *, jb_free)

struct json_build *jb_new(void)
{
	CLEANUP(jb_freep) struct json_build *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->d = json_doc_new(4096);
	return b->d ? MOVE(b) : NULL;
}

void jb_free(struct json_build *b)
{
	if (!b)
		return;
	json_free(b->d);
	free(b);
}

static bool fail(struct json_build *b, const char *why)
{
	if (!b->why)
		b->why = why;
	return false;
}

static struct json *node(struct json_build *b, enum json_type t)
{
	struct json *v = json_node(b->d, t);

	if (!v)
		(void)fail(b, json_oom);
	return v;
}

static const uint8_t *copy(struct json_build *b, struct span s)
{
	uint8_t *p = s.n <= UINT32_MAX ? json_alloc(b->d, s.n + 1) : NULL;

	if (!p)
		(void)fail(b, json_oom);
	else if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

static struct json *text(struct json_build *b, enum json_type t, struct span s)
{
	struct json *v = node(b, t);

	if (!v)
		return NULL;
	v->text = copy(b, s);
	v->n = (uint32_t)s.n;
	return v->text ? v : NULL;
}

struct json *jb_null(struct json_build *b)
{
	return node(b, JSON_NULL);
}

struct json *jb_bool(struct json_build *b, bool v)
{
	struct json *out = node(b, JSON_BOOL);

	if (out)
		out->n = v;
	return out;
}

struct json *jb_num(struct json_build *b, struct span literal)
{
	return text(b, JSON_NUMBER, literal);
}

static bool text_ok(struct json_build *b, struct span s)
{
	if (!utf8_ok(s) || span_find(s, 0) != s.n)
		return fail(b, "invalid UTF-8 or U+0000 in a string");
	return true;
}

struct json *jb_str(struct json_build *b, struct span utf8)
{
	return text_ok(b, utf8) ? text(b, JSON_STRING, utf8) : NULL;
}

struct json *jb_arr(struct json_build *b)
{
	return node(b, JSON_ARRAY);
}

struct json *jb_obj(struct json_build *b)
{
	return node(b, JSON_OBJECT);
}

/* Room for one more element of `each` bytes. The old block stays in the arena;
 * doubling keeps that waste below the size of the final one. */
static void *room(struct json_build *b, struct json *v, void *old, size_t each)
{
	uint32_t cap = v->cap ? v->cap * 2 : 8;
	void *p = NULL;

	if (v->n < v->cap)
		return old;
	if (v->cap < UINT32_MAX / 4)
		p = json_alloc(b->d, cap * each);
	if (!p) {
		(void)fail(b, json_oom);
		return NULL;
	}
	if (v->n)
		memcpy(p, old, v->n * each);
	v->cap = cap;
	return p;
}

bool jb_push(struct json_build *b, struct json *arr, struct json *item)
{
	struct json **items;

	if (!arr || !item || arr->type != JSON_ARRAY)
		return fail(b, "misuse of an array");
	items = room(b, arr, arr->items, sizeof(struct json *));
	if (!items)
		return false;
	arr->items = items;
	arr->items[arr->n++] = item;
	return true;
}

/* ---- growing objects ----
 * While an object grows, its index is a row of sorted runs whose lengths are the
 * binary digits of n, longest first. Adding a member merges runs of equal length,
 * as a binary counter carries: O(log n) a member, and no hash to flood. `index`
 * has room for 2 * cap positions; the second half is scratch. */

static struct json_member *run_find(const struct json *o, uint32_t from, uint32_t n, const struct json_member *key)
{
	uint32_t lo = from, hi = from + n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct json_member *m = &o->members[o->index[mid]];
		int c = json_member_cmp(key, m);

		if (c == 0)
			return m;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static struct json_member *find(const struct json *o, struct span name)
{
	struct json_member key = { .p = name.p, .n = (uint32_t)name.n, .tag = json_tag(name) };
	struct json_member *hit = NULL;
	uint32_t at = 0;

	for (uint32_t bit = UINT32_C(1) << 31; bit && !hit; bit >>= 1) {
		if (!(o->n & bit))
			continue;
		hit = run_find(o, at, bit, &key);
		at += bit;
	}
	return hit;
}

/* Merges the runs [at, mid) and [mid, end) of index through scratch. */
static void run_merge(const struct json *o, uint32_t *index, const uint32_t at[static 3])
{
	uint32_t *scratch = index + o->cap;
	uint32_t i = at[0], j = at[1];

	for (uint32_t k = at[0]; k < at[2]; k++) {
		bool left = j >= at[2] || (i < at[1] && json_member_cmp(&o->members[index[i]], &o->members[index[j]]) < 0);

		scratch[k] = left ? index[i++] : index[j++];
	}
	memcpy(index + at[0], scratch + at[0], (at[2] - at[0]) * sizeof(*index));
}

static uint32_t *index_room(struct json_build *b, struct json *o, uint32_t old_cap)
{
	uint32_t *index;

	if (o->cap == old_cap)
		return (uint32_t *)(uintptr_t)o->index;
	index = json_alloc(b->d, 2 * (size_t)o->cap * sizeof(*index));
	if (!index)
		(void)fail(b, json_oom);
	else if (o->n)
		memcpy(index, o->index, o->n * sizeof(*index));
	return index;
}

static bool append(struct json_build *b, struct json *o, struct json_member m)
{
	uint32_t old_cap = o->cap;
	struct json_member *members = room(b, o, o->members, sizeof(m));
	uint32_t *index = members ? index_room(b, o, old_cap) : NULL;

	if (!members || !index)
		return false;
	o->members = members;
	o->index = index;
	members[o->n] = m;
	index[o->n] = o->n;
	o->n++;
	for (uint32_t half = 1; !(o->n & half); half *= 2)
		run_merge(o, index, (uint32_t[]){ o->n - 2 * half, o->n - half, o->n });
	return true;
}

bool jb_set(struct json_build *b, struct json *obj, struct span name, struct json *v)
{
	struct json_member m = { .n = (uint32_t)name.n, .v = v };

	if (!obj || !v || obj->type != JSON_OBJECT)
		return fail(b, "misuse of an object");
	if (!text_ok(b, name))
		return false;
	if (find(obj, name))
		return fail(b, json_dup);
	m.p = copy(b, name);
	m.tag = json_tag(name);
	return m.p && append(b, obj, m);
}

struct json *jb_member(struct json *obj, struct span name)
{
	struct json_member *m = obj && obj->type == JSON_OBJECT ? find(obj, name) : NULL;

	return m ? m->v : NULL;
}

struct json *jb_last(struct json *arr)
{
	return arr && arr->type == JSON_ARRAY && arr->n ? arr->items[arr->n - 1] : NULL;
}

static const char too_deep[] = "nested too deep";

/* Gives every object the index that the getters expect, and checks the depth. */
static const char *seal(struct json_doc *d, struct json *v, unsigned depth)
{
	const char *why = NULL;

	if (v->type != JSON_ARRAY && v->type != JSON_OBJECT)
		return NULL;
	if (depth == JSON_DEPTH_MAX)
		return too_deep;
	if (v->type == JSON_OBJECT)
		why = json_seal(d, v);
	for (uint32_t i = 0; i < v->n && !why; i++)
		why = seal(d, v->type == JSON_ARRAY ? v->items[i] : v->members[i].v, depth + 1);
	return why;
}

enum coffer_rc jb_finish(struct json_build *b, struct json *root, struct json_doc **out, struct err *e)
{
	CLEANUP(jb_freep) struct json_build *own = b;

	if (!b || (!root && !b->why))
		return err_set(e, COFFER_E_SYSTEM, "%s", json_oom);
	if (!b->why)
		b->why = seal(b->d, root, 0);
	if (b->why == json_oom)
		return err_set(e, COFFER_E_SYSTEM, "%s", json_oom);
	if (b->why)
		return err_set(e, b->why == too_deep ? COFFER_E_LIMIT : COFFER_E_INPUT, "%s", b->why);
	b->d->root = root;
	*out = MOVE(own->d);
	return COFFER_OK;
}
