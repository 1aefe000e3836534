/* The inside of a JSON document, for the files of fmt/ that make or write one.
 *
 * All nodes, names and indexes of a document live in its arena and die with it.
 * A string or number node points at its text in the arena; a container at an array
 * of its children. Objects of more than JSON_SCAN members carry a sorted index, so
 * that hostile texts cost O(n log n) whatever their names are: no hash to flood.
 */
#pragma once
#include "fmt/json.h"

#define JSON_SCAN 8

struct json_member {
	const uint8_t *p;   /* name */
	uint32_t       n;
	uint32_t       tag; /* json_tag of the name: most comparisons end here */
	struct json   *v;
};

struct json {
	enum json_type type;
	uint32_t       n;   /* bytes, items or members; for a boolean its value */
	uint32_t       cap; /* builder only: room in items or members */
	uint32_t       mark; /* for the reader that builds the document; no meaning afterwards */
	union {
		const uint8_t      *text;
		struct json       **items;
		struct json_member *members;
	};
	const uint32_t *index; /* object of more than JSON_SCAN members: positions in order of member_cmp */
};

struct json_chunk {
	struct json_chunk *next;
	size_t             used, cap; /* bytes of data */
	uint8_t            data[];
};

struct json_doc {
	struct json_chunk *chunk; /* newest first */
	struct json       *root;
};

/* An empty document with room for `room` bytes; NULL when out of memory. */
struct json_doc *json_doc_new(size_t room);
void            *json_alloc_chunk(struct json_doc *d, size_t n); /* json_alloc when the newest chunk is full */

/* 8-aligned, not cleared; NULL when out of memory. Inline: one call a value. */
static inline void *json_alloc(struct json_doc *d, size_t n)
{
	struct json_chunk *c = d->chunk;
	void *out = c->data + c->used;

	if (n > c->cap - c->used || c->cap - c->used - n < 8)
		return json_alloc_chunk(d, n);
	c->used += (n + 7) & ~(size_t)7;
	return out;
}

static inline struct json *json_node(struct json_doc *d, enum json_type t)
{
	struct json *v = json_alloc(d, sizeof(*v));

	if (v)
		*v = (struct json){ .type = t };
	return v;
}

/* Tells most names apart without reading them: ends, middle and length. */
static inline uint32_t json_tag(struct span s)
{
	if (s.n == 0)
		return 0;
	return (uint32_t)s.p[0] << 24 | (uint32_t)s.p[s.n - 1] << 16 | (uint32_t)s.p[s.n / 2] << 8 | (uint8_t)s.n;
}

/* Order of an index: by tag, length, bytes. Not an order for people. */
int json_member_cmp(const struct json_member *a, const struct json_member *b);

typedef int (*json_cmp)(const struct json_member *a, const struct json_member *b);

/* Sorts positions 0..n-1 of m by cmp into a half of room[2n], which is returned. */
uint32_t *json_sort(const struct json_member *m, uint32_t n, uint32_t *room, json_cmp cmp);

/* Makes o's index where it needs one; NULL, or what is wrong ("duplicate ..."). */
const char *json_seal(struct json_doc *d, struct json *o);

extern const char json_oom[], json_dup[]; /* the two answers of json_seal */
