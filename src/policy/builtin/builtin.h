/* Builtin functions: pure functions of their arguments, found by name when a policy is compiled.
 *
 * Arguments are always defined (an undefined operand makes the call undefined before it gets here). A builtin answers its value; or
 * VAL_UNDEF after bi_type/bi_fail recorded why (non-strict evaluation then treats the call as undefined, strict evaluation stops); or
 * VAL_UNDEF alone where OPA's builtin is undefined without error. Heap limits are sticky and need no handling. Work in proportion to sizes takes steps
 * first: heap_steps(c->h, n). Families, a file each: compare arith aggregate array set object string sprintf bits number
 * json patch encode regex glob time semver net types walk. */
#pragma once
#include "policy/value/val.h"

/* The TZif file of a zone, false when there is none of that name. The name has the form that tzif_name_ok() wants. The file is parsed as
 * hostile, and must stay as it is while the evaluation lasts; a name has the same answer for as long. */
typedef bool (*rego_zone_fn)(void *state, struct span name, struct span *tzif);

struct host { /* what is constant within one evaluation */
	int64_t     now_ns;     /* time.now_ns: the caller's time, never the machine's */
	uint64_t    seed;       /* rand.intn, uuid.rfc4122: derived from the evaluation's inputs */
	bool        has_now;    /* false: time.now_ns is an error */
	struct regex_cache *regex; /* compiled patterns of this evaluation; regex/cache.h */
	rego_zone_fn zone;      /* time zone files by name, for zone_state; NULL: no named zone is known */
	void        *zone_state;
};

struct call {
	struct heap      *h;
	const struct host *host;
	const struct val *arg;
	size_t            n;
	enum rego_code    code;      /* REGO_OK, REGO_EVAL_TYPE, REGO_BUILTIN: what bi_type / bi_fail recorded */
	char              text[200]; /* OPA's wording: "count: operand 1 must be one of {array, object, set, string} but got number" */
	const struct builtin *self;
};

struct builtin {
	const char *name;
	uint8_t     args;                      /* exactly this many; BI_VARIADIC: any number (only print-like host functions) */
	struct val (*fn)(struct call *c);
	bool        relation;                  /* `walk`: answers an array of results, each of which is one solution */
	bool        void_call;                 /* has no output of its own (none but print) */
	bool        volatile_;                 /* depends on struct host: cached once per evaluation */
};

/* Every family exports one table, ended by a NULL name; builtin.c lists the families. NULL when there is none of that name. */
const struct builtin *builtin_find(struct span name);
/* All of them in turn, for `--help` and docs: NULL past the end. */
const struct builtin *builtin_at(size_t i);

/* Operand i (from 0) is not of a type named in `want`, e.g. "number" or "one of {array, set}". Returns VAL_UNDEF. */
struct val bi_type(struct call *c, size_t i, const char *want);
/* The values are of the right types but wrong: REGO_BUILTIN. The text must not hold values of input or data. Returns VAL_UNDEF. */
struct val bi_fail(struct call *c, const char *fmt, ...) PRINTF(2, 3);

/* Calls b with n arguments (already checked against b->args). */
struct val builtin_call(const struct builtin *b, struct call *c);

extern const struct builtin bi_arith[], bi_compare[], bi_aggregate[], bi_array[], bi_set[], bi_object[], bi_string[], bi_sprintf[], bi_bits[],
    bi_number[], bi_json[], bi_patch[], bi_encode[], bi_regex[], bi_glob[], bi_time[], bi_semver[], bi_net[], bi_types[], bi_walk[],
    bi_units[], bi_uuid[], bi_graph[], bi_misc[];
