/* Evaluation, inside. run() is the machine that executes a body's ops (machine.c); term.c works out expressions; rule.c the
 * values of rules, each once per context; doc.c walks the documents that rules and base data make together; with.c makes
 * contexts.
 *
 * heap.over is the one stop sign: limits, conflicts and strict builtin errors all set it, everything then winds up with
 * VAL_UNDEF or false, and the outcome is an error whatever else was found. */
#pragma once
#include "policy/builtin/builtin.h"
#include "policy/plan/compile.h"

/* C recursion: what nests in sources and calls. One unit is some 400 bytes of stack under AddressSanitizer, half of that without
 * (test_rego_limits). */
#define EVAL_DEPTH_MAX 8000

struct cached { struct val v; uint32_t id; bool known; };
struct mask { /* what `with` replaced: a node, or something inside of a rule's value */
	const struct mask *next;
	const struct rego_rule *at;
	const struct val *rest; /* steps below the rule */
	size_t n_rest;
};
struct mock { /* a function replaced by `with` */
	const struct mock *next;
	const struct with_mod *mod;
	struct val value;
};

/* What a `with` changes; rules have one value in each context. */
struct ctx {
	struct val input, base;
	const struct mask *masks;
	const struct mock *mocks;
	struct ctx    *unmocked; /* the same without mocks, once needed */
	struct cached *cache;
	size_t         n_cached, cap; /* cap 0: an array by id; otherwise a hash */
};

struct chunk { struct chunk *prev, *next; size_t n, cap; struct val v[]; };

struct entry { /* of a rule with variable head: a value or set member at the end of a path of keys */
	struct val *key;
	size_t      n;
	struct val  value;
	enum { ENTRY_VALUE, ENTRY_MEMBER, ENTRY_OBJECT, ENTRY_SET } kind;
};

/* Where the solutions of a body go. */
struct sink {
	struct val   value;  /* OP_RETURN; VAL_UNDEF: none yet */
	struct vlist list;   /* OP_ADD */
	struct plist pairs;  /* OP_PUT */
	struct entry *entry; /* OP_PATH */
	size_t        n_entry, cap_entry;
	const struct rego_rule *rule; /* NULL: a comprehension */
};

/* A place in the documents: below node t with the base document beside it, or (t NULL) a value. */
struct place {
	const struct rego_rule *t;
	struct val base;
	bool       stored; /* base is of the base document, where numbers name members too */
};

struct explain; /* explain.c */

struct rego_eval {
	struct heap   h;
	const struct rego_policy *policy;
	struct rego_limits lim;
	struct ctx   *ctx;
	struct host   host;
	void         *host_state;
	struct wr    *prints;
	size_t        printed;
	struct chunk *chunk;
	size_t        chunk_bytes;
	uint32_t      calls, depth;
	const struct op *op; /* being executed: where errors are */
	char          fault[200];
	struct explain *explain;
	struct { bool is; struct arena_mark mark; struct heap h; struct ctx *ctx; struct val input, base; } kept; /* rego_eval_keep */
};

/* Records an error of the policy's (conflict, builtin); returns VAL_UNDEF. */
struct val eval_fail(struct rego_eval *v, enum rego_code code, const char *fmt, ...) PRINTF(3, 4);
bool       eval_enter(struct rego_eval *v, uint32_t depth); /* false past EVAL_DEPTH_MAX; pair with v->depth -= depth */

/* frame.c: a stack of values, popped in reverse order. NULL past the memory limit. */
struct val *frame_push(struct rego_eval *v, size_t n);
void        frame_pop(struct rego_eval *v, const struct val *f);
void        frame_free(struct rego_eval *v);

/* machine.c: true when the body ended in OP_STOP, or in an OP_RETURN or the like that needs no other solution. */
bool run(struct rego_eval *v, const struct code *c, struct val *f, struct sink *out);
bool match(struct rego_eval *v, const struct pat *p, struct val x, struct val *f);

/* equal.c: with the steps that long values take */
bool equal(struct rego_eval *v, struct val a, struct val b);
int  compare(struct rego_eval *v, struct val a, struct val b);
/* Before a look-up: what is found was compared as a whole. False when the steps ran out. */
bool key_toll(struct rego_eval *v, struct val key);

/* term.c */
struct val term(struct rego_eval *v, const struct node *n, struct val *f);
static inline struct val value_of(struct rego_eval *v, const struct node *n, struct val *f)
{
	return n->kind == N_VAR ? f[n->slot] : n->kind == N_CONST ? n->value : term(v, n, f);
}
/* call.c */
struct val call(struct rego_eval *v, const struct node *n, struct val *f);

/* doc.c */
struct val   document(struct rego_eval *v, const struct node *n, struct val *f);
bool         place_of(struct rego_eval *v, const struct node *n, struct val *f, struct place *out); /* false: undefined */
bool         place_step(struct rego_eval *v, struct place *p, struct val key);
struct val   place_read(struct rego_eval *v, struct place p);
struct val   place_keys(struct rego_eval *v, struct place p); /* array of the names below; VAL_UNDEF for a value */
struct val   base_at(struct rego_eval *v, const struct rego_rule *t);
bool         is_masked(const struct ctx *c, const struct rego_rule *t);

/* rule.c, object.c */
struct val rule_value(struct rego_eval *v, const struct rego_rule *t);
struct val function_value(struct rego_eval *v, const struct rego_rule *t, const struct val *arg);
bool       run_def(struct rego_eval *v, const struct def *d, const struct val *arg, struct sink *out);
struct val object_value(struct rego_eval *v, const struct rego_rule *t);
void       entry_add(struct rego_eval *v, struct sink *out, struct entry e);

/* with.c */
struct ctx *ctx_new(struct rego_eval *v, const struct ctx *like);
struct ctx *ctx_with(struct rego_eval *v, const struct withs *w, struct val *f); /* NULL: a value is undefined, or an error */
struct ctx *ctx_unmocked(struct rego_eval *v, struct ctx *c);
bool        cache_get(const struct rego_eval *v, const struct ctx *c, uint32_t id, struct val *out);
void        cache_put(struct rego_eval *v, struct ctx *c, uint32_t id, struct val x);
struct val  put_at(struct rego_eval *v, struct val doc, const struct val *path, size_t n, struct val x);
struct val  merge(struct rego_eval *v, struct val under, struct val over); /* objects deep; else over */

/* print.c */
void print(struct rego_eval *v, const struct node *args, struct val *f);

/* explain.c */
void explain_failed(struct rego_eval *v, const struct op *op, struct val *f);
void explain_begin(struct rego_eval *v, const struct def *d);
void explain_end(struct rego_eval *v, const struct def *d, bool found);
