/* Rego values: immutable, in an arena, passed by value as one word.
 *
 * A word is: 0 = undefined; small integers, null and booleans in the word itself; everything else a pointer to a node that never
 * changes after it is made. Nodes may point into older arenas (policy, data) but never into younger ones. No reference counts: the arena goes,
 * all its values go. Reading is thread-safe; hashes of nodes are computed when they are made.
 * Order is OPA's: null < bool < number < string < array < object < set; numbers by exact value (1 == 1.0); strings by bytes;
 * arrays item by item, then length; objects by sorted keys, then values, as OPA compares them; sets by sorted items. */
#pragma once
#include "base/str.h"
#include "policy/value/heap.h"

#define VAL_DEPTH_MAX 512 /* nesting of a value; deeper ones are not made (REGO_LIMIT_NESTING) */

struct val { uint64_t w; };
#define VAL_UNDEF ((struct val){ 0 })

enum val_type { VT_UNDEF, VT_NULL, VT_BOOL, VT_NUMBER, VT_STRING, VT_ARRAY, VT_OBJECT, VT_SET };

static inline bool val_defined(struct val v) { return v.w != 0; }
enum val_type val_type(struct val v);
const char   *val_type_name(struct val v); /* "null" "boolean" "number" "string" "array" "object" "set"; "undefined" */
bool          val_true(struct val v);      /* the boolean true, nothing else */
bool          val_truthy(struct val v);    /* neither undefined nor the boolean false */

/* Total and exact. Comparing takes no steps: callers that compare in loops take them. */
int      val_cmp(struct val a, struct val b);
bool     val_eq(struct val a, struct val b);
/* The same for the steps it takes: values made from shared parts are small to keep and endless to compare. 0 and false when the
 * steps ran out. Values of a policy are compared by these, or paid for before. */
int      val_order(struct heap *h, struct val a, struct val b);
bool     val_same(struct heap *h, struct val a, struct val b);
/* The steps that comparing v as a whole takes: to be paid before a look-up. */
uint64_t val_toll(struct val v);
uint32_t val_hash(struct val v); /* equal values, equal hashes */

struct val val_null(void);
struct val val_bool(bool b);

/* Numbers: num.h has the arithmetic. */
struct val val_int(struct heap *h, int64_t i);
bool       val_int64(struct val v, int64_t *out) NODISCARD; /* a number with an integral value that fits (1.0 does) */

/* Strings are bytes, UTF-8 where they come from JSON or Rego; invalid sequences can come from base64.decode. */
struct val  val_str(struct heap *h, struct span s);        /* copies */
struct val  val_str_borrow(struct heap *h, struct span s); /* s must outlive the value */
struct val  val_text(struct heap *h, const char *s);
struct span val_span(struct val v);                        /* {NULL,0} if no string */

/* Arrays, objects (members sorted by key), sets (items sorted). All getters accept any value and answer 0 or VAL_UNDEF. */
struct pair { struct val k, v; };
size_t     val_len(struct val v);                     /* items, members; 0 for others (strings: see utf8 in builtins) */
struct val val_at(struct val v, size_t i);            /* item of an array or set, VALUE of an object's i-th member */
struct val val_key(struct val v, size_t i);           /* key of an object's i-th member; VAL_UNDEF otherwise */
struct val val_get(struct val obj, struct val key);   /* value under the key; VAL_UNDEF when absent or no object */
struct val val_gets(struct val obj, const char *key);
bool       val_has(struct val set, struct val x);     /* membership in a set */
/* What Rego's ref step x[key] means: array by integral index, object by key, set by member (answers the member). */
struct val val_ref(struct val x, struct val key);

/* Constructors copy the handles given. Duplicate keys with unequal values: *conflict is set where the pointer is given, and the
 * last one wins where it is not. An undefined item anywhere gives VAL_UNDEF. */
struct val val_array(struct heap *h, const struct val *item, size_t n);
struct val val_set(struct heap *h, const struct val *item, size_t n);
struct val val_object(struct heap *h, const struct pair *m, size_t n, bool *conflict);

/* Growing lists for comprehensions, partial rules and builtins. Sticky like heap. */
struct vlist { struct heap *h; struct val *p; size_t n, cap; };
struct plist { struct heap *h; struct pair *p; size_t n, cap; };
void vlist_add(struct vlist *l, struct val v);
void plist_add(struct plist *l, struct val k, struct val v);

/* Deep copy into another heap, for values that must outlive their arena (pstate). */
struct val val_copy(struct heap *to, struct val v);
