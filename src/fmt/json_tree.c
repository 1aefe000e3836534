/* Arena, member index and getters of a JSON document. */
#include "fmt/json_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define CHUNK_MAX ((size_t)1 << 20)

const char json_oom[] = "out of memory";
const char json_dup[] = "duplicate member name";

static struct json_chunk *chunk_new(size_t cap)
{
	_Static_assert(offsetof(struct json_chunk, data) % 8 == 0, "nodes are 8-aligned");
	struct json_chunk *c = cap < SIZE_MAX / 2 ? malloc(sizeof(*c) + cap) : NULL;

	if (!c)
		return NULL;
	c->next = NULL;
	c->used = 0;
	c->cap = cap;
	return c;
}

struct json_doc *json_doc_new(size_t room)
{
	struct json_doc *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->chunk = chunk_new(room);
	if (!d->chunk) {
		free(d);
		return NULL;
	}
	return d;
}

void json_free(struct json_doc *d)
{
	if (!d)
		return;
	while (d->chunk) {
		struct json_chunk *c = d->chunk;

		d->chunk = c->next;
		explicit_bzero(c->data, c->used);
		free(c);
	}
	free(d);
}

/* Chunks double up to CHUNK_MAX, so small documents stay small. */
void *json_alloc_chunk(struct json_doc *d, size_t n)
{
	size_t cap = d->chunk->cap < CHUNK_MAX / 2 ? d->chunk->cap * 2 : CHUNK_MAX;
	struct json_chunk *c;

	if (n > SIZE_MAX / 4)
		return NULL;
	n = (n + 7) & ~(size_t)7;
	c = chunk_new(n > cap ? n : cap);
	if (!c)
		return NULL;
	c->next = d->chunk;
	c->used = n;
	d->chunk = c;
	return c->data;
}

int json_member_cmp(const struct json_member *a, const struct json_member *b)
{
	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return a->n ? memcmp(a->p, b->p, a->n) : 0; /* public: member names */
}

static void merge(const struct json_member *m, const uint32_t *in, uint32_t *out, const size_t at[static 3], json_cmp cmp)
{
	size_t i = at[0], j = at[1];

	for (size_t k = at[0]; k < at[2]; k++) {
		bool left = j >= at[2] || (i < at[1] && cmp(&m[in[i]], &m[in[j]]) <= 0);

		out[k] = left ? in[i++] : in[j++];
	}
}

/* Bottom-up merge sort: no worst case to aim at, no recursion, no allocation. */
uint32_t *json_sort(const struct json_member *m, uint32_t n, uint32_t *room, json_cmp cmp)
{
	uint32_t *in = room, *out = room + n;

	for (uint32_t i = 0; i < n; i++)
		in[i] = i;
	for (size_t w = 1; w < n; w *= 2) {
		uint32_t *was = in;

		for (size_t i = 0; i < n; i += 2 * w) {
			size_t mid = i + w < n ? i + w : n;

			merge(m, in, out, (size_t[]){ i, mid, mid + w < n ? mid + w : n }, cmp);
		}
		in = out;
		out = was;
	}
	return in;
}

static const char *seal_small(const struct json *o)
{
	for (uint32_t i = 1; i < o->n; i++)
		for (uint32_t j = 0; j < i; j++)
			if (o->members[i].tag == o->members[j].tag && json_member_cmp(&o->members[i], &o->members[j]) == 0)
				return json_dup;
	return NULL;
}

const char *json_seal(struct json_doc *d, struct json *o)
{
	uint32_t *room;

	o->index = NULL;
	if (o->n <= JSON_SCAN)
		return seal_small(o);
	room = json_alloc(d, 2 * sizeof(*room) * (size_t)o->n);
	if (!room)
		return json_oom;
	room = json_sort(o->members, o->n, room, json_member_cmp);
	for (uint32_t i = 1; i < o->n; i++)
		if (json_member_cmp(&o->members[room[i - 1]], &o->members[room[i]]) == 0)
			return json_dup;
	o->index = room;
	return NULL;
}

/* ---- getters ---- */

const struct json *json_root(const struct json_doc *d)
{
	return d ? d->root : NULL;
}

enum json_type json_type(const struct json *v)
{
	return v ? v->type : JSON_NULL;
}

const char *json_type_name(const struct json *v)
{
	switch (json_type(v)) {
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return "boolean";
	case JSON_NUMBER:
		return "number";
	case JSON_STRING:
		return "string";
	case JSON_ARRAY:
		return "array";
	case JSON_OBJECT:
		return "object";
	}
	return "value";
}

struct span json_str(const struct json *v)
{
	return v && v->type == JSON_STRING ? (struct span){ v->text, v->n } : (struct span){ 0 };
}

struct span json_num(const struct json *v)
{
	return v && v->type == JSON_NUMBER ? (struct span){ v->text, v->n } : (struct span){ 0 };
}

bool json_bool(const struct json *v, bool *out)
{
	if (!v || v->type != JSON_BOOL)
		return false;
	*out = v->n != 0;
	return true;
}

bool json_u64(const struct json *v, uint64_t *out)
{
	return span_u64(json_num(v), out);
}

bool json_i64(const struct json *v, int64_t *out)
{
	struct span s = json_num(v);
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t u;

	if (!span_u64(minus ? span_skip(s, 1) : s, &u) || u > (uint64_t)INT64_MAX + minus)
		return false;
	if (!minus)
		*out = (int64_t)u;
	else
		*out = u == 0 ? 0 : -(int64_t)(u - 1) - 1;
	return true;
}

static bool byte(const struct json *v, uint8_t *out)
{
	unsigned b = 0;

	if (v->type != JSON_NUMBER || v->n > 3 || (v->n > 1 && v->text[0] == '0'))
		return false;
	for (uint32_t i = 0; i < v->n; i++) {
		if (v->text[i] < '0' || v->text[i] > '9')
			return false;
		b = 10 * b + (unsigned)(v->text[i] - '0');
	}
	*out = (uint8_t)b;
	return b <= 255;
}

bool json_bytes(const struct json *v, uint8_t *out, size_t n)
{
	if (!v || v->type != JSON_ARRAY || v->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!byte(v->items[i], &out[i]))
			return false;
	return true;
}

size_t json_len(const struct json *v)
{
	return v && (v->type == JSON_ARRAY || v->type == JSON_OBJECT) ? v->n : 0;
}

const struct json *json_at(const struct json *v, size_t i)
{
	if (i >= json_len(v))
		return NULL;
	return v->type == JSON_ARRAY ? v->items[i] : v->members[i].v;
}

struct span json_name(const struct json *v, size_t i)
{
	if (!v || v->type != JSON_OBJECT || i >= v->n)
		return (struct span){ 0 };
	return (struct span){ v->members[i].p, v->members[i].n };
}

const struct json *json_get(const struct json *v, const char *name)
{
	return json_getn(v, span_of(name));
}

const struct json *json_getn(const struct json *v, struct span name)
{
	struct json_member key = { .p = name.p, .n = (uint32_t)name.n };
	uint32_t lo = 0, hi;

	if (!v || v->type != JSON_OBJECT || name.n > UINT32_MAX)
		return NULL;
	key.tag = json_tag(name);
	if (!v->index) {
		for (uint32_t i = 0; i < v->n; i++)
			if (v->members[i].tag == key.tag && json_member_cmp(&v->members[i], &key) == 0)
				return v->members[i].v;
		return NULL;
	}
	for (hi = v->n; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct json_member *m = &v->members[v->index[mid]];
		int c = json_member_cmp(&key, m);

		if (c == 0)
			return m->v;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
