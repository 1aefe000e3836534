/* How a value lies in its word and in memory. Only for the files of this folder.
 *
 * The lower four bits of a word are its tag; nodes are aligned to 16, so that a pointer leaves them free:
 *   0 undefined (the whole word)   1 small integer, 60 bits above the tag   2 null, false, true
 *   3 number node   4 string   5 array   6 object   7 set
 * Every node starts with how many parts it has and its hash. */
#pragma once
#include "policy/value/val.h"

enum tag { TAG_UNDEF, TAG_INT, TAG_WORD, TAG_NUM, TAG_STR, TAG_ARRAY, TAG_OBJECT, TAG_SET };

#define TAG_BITS  4
#define SMALL_MAX ((INT64_C(1) << 59) - 1)
#define SMALL_MIN (-(INT64_C(1) << 59))

#define WORD_NULL  (0u << TAG_BITS | TAG_WORD)
#define WORD_FALSE (1u << TAG_BITS | TAG_WORD)
#define WORD_TRUE  (2u << TAG_BITS | TAG_WORD)

/* A number that is no small integer, in decimal: 0.DDDD * 10^exp, digits without zeros at either end (n = 0: zero). Integers in
 * plain notation (whole) have no other text than their digits; others keep the literal they were written with. */
struct num_node {
	uint32_t       n, hash;
	int32_t        exp;
	bool           neg, whole;
	const uint8_t *digit; /* '0'..'9' */
	struct span    text;  /* unless whole */
};

struct str_node {
	uint32_t       n, hash;
	const uint8_t *p; /* behind the node, or borrowed */
};

/* What arrays, objects and sets begin with. */
struct tree {
	uint32_t n, hash;
	uint32_t depth;  /* 1 + that of the deepest part; scalars have 0 */
	uint32_t weight; /* 1 + weight_of its parts: what is in it, counted along every path; saturates */
};

struct array_node {
	struct tree t;
	struct val  item[];
};

/* Positions + 1 by hash, 0 where free; open addressing. NULL for few members. A member that finds INDEX_PROBES slots taken is
 * left out, and a look-up that saw as many goes on by binary search: crafted collisions cost no more than that. */
#define INDEX_PROBES 16
struct index {
	const uint32_t *slot;
	uint32_t        mask;
};

struct object_node {
	struct tree  t;
	struct index ix;
	struct pair  m[];
};

struct set_node {
	struct tree  t;
	struct index ix;
	struct val   item[];
};

static inline enum tag tag_of(struct val v) { return (enum tag)(v.w & 15); }
static inline const void *node_of(struct val v) { return (const void *)(uintptr_t)(v.w & ~UINT64_C(15)); }
static inline struct val val_node(const void *p, enum tag t) { return (struct val){ (uint64_t)(uintptr_t)p | t }; }
static inline bool is_tree(struct val v) { return tag_of(v) >= TAG_ARRAY; }
static inline int64_t small_of(struct val v) { return (int64_t)v.w >> TAG_BITS; }
static inline struct val small_val(int64_t i) { return (struct val){ (uint64_t)i << TAG_BITS | TAG_INT }; }

static inline const struct num_node    *num_node(struct val v) { return node_of(v); }
static inline const struct str_node    *str_node(struct val v) { return node_of(v); }
static inline const struct tree        *tree_node(struct val v) { return node_of(v); }
static inline const struct array_node  *array_node(struct val v) { return node_of(v); }
static inline const struct object_node *object_node(struct val v) { return node_of(v); }
static inline const struct set_node    *set_node(struct val v) { return node_of(v); }

/* What comparing v may cost: values, and 16 bytes of a string as much as one. */
static inline uint32_t weight_of(struct val v)
{
	if (tag_of(v) == TAG_STR)
		return 1 + str_node(v)->n / 16;
	return is_tree(v) ? tree_node(v)->weight : 1;
}

static inline uint32_t mix64(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 29;
	x *= UINT64_C(0xa0761d6478bd642f);
	return (uint32_t)(x >> 32);
}

/* Sorts n elements of `step` values each (at most 2) by their first value; stable. One pass if they are in order; room comes
 * from the heap. */
bool val_sort(struct heap *h, struct val *p, size_t n, size_t step) NODISCARD;

/* An object of n members given as key, value, key, value. */
struct val val_object_flat(struct heap *h, const struct val *kv, size_t n);

/* A number in decimal, whatever its form; buf holds the digits of a small integer. */
struct dec {
	const uint8_t *digit;
	uint32_t       n;
	int32_t        exp;
	bool           neg;
};
struct dec num_dec(struct val v, uint8_t buf[static 20]);

/* The value 0.DIGITS * 10^exp as an integer in plain notation (whole) or as a number with the text given (copied); digits may
 * have zeros at either end. A whole one must have no digit behind the point. */
struct num_form {
	struct dec  d;
	bool        whole;
	struct span text;
};
struct val num_make(struct heap *h, struct num_form f);
struct val num_copy(struct heap *h, struct val v); /* of a number node */
