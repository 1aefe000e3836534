/* What a compiled policy consists of: bodies as flat lists of operations over the slots of one frame.
 *
 * A body is a list of ops. An op tests, binds slots, or is a generator (OP_SCAN, OP_DOC, OP_EACH) with several solutions. When
 * an op fails, the machine goes back to the generator before it, which binds its next solution: `back`, fixed when compiling.
 * So a body needs no C recursion, however long it is; only what nests in the source (not, every, comprehensions) and calls
 * nest in C. Which slot is bound where is fixed too, by ordering (order.c): a slot is written before it is read, and nothing
 * is ever unbound. */
#pragma once
#include "policy/builtin/builtin.h"
#include "policy/policy.h"

#define NO_SLOT UINT32_MAX

struct rego_rule; /* a node of the tree of rules: tree.h */
struct code;
struct block;

enum node_kind {
	N_CONST,    /* value */
	N_VAR,      /* slot */
	N_INPUT,
	N_REF,      /* item[0] and then steps */
	N_DOC,      /* document below `doc`: item[] are steps. slot: the pair of slots that holds the place instead of `doc` */
	N_ARRAY, N_SET,
	N_OBJECT,   /* item[2i] key, item[2i+1] value */
	N_COMP,     /* code, `comp` says what it collects */
	N_CALL,     /* bi(item[]...) */
	N_FUNC,     /* doc(item[]...) */
	N_HOST,     /* host(item[]...) */
	N_COMPARE,  /* cmp on item[0], item[1]: a call of a comparison that the evaluator knows itself */
	N_MEMBER,   /* item[0] in item[1]; or key item[0], value item[1] in item[2] */
	N_TEMPLATE, /* item[] joined as text */
};

enum compare { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };
enum comp_kind { COMP_ARRAY, COMP_SET, COMP_OBJECT };

struct node {
	enum node_kind kind;
	uint32_t       slot;
	struct val     value;
	struct node  **item;
	size_t         n;
	const struct rego_rule    *doc;
	const struct builtin      *bi;
	const struct rego_host_fn *host;
	enum compare   cmp;
	enum comp_kind comp;
	struct block      *block; /* N_COMP until it is planned */
	const struct code *code;
	bool           many; /* N_COMP: an argument of print, to be printed once for each of its values */
	struct loc     at;
};

/* A pattern takes a value apart: on the way it binds, compares and checks shapes. */
enum pat_kind { PAT_BIND, PAT_SAME, PAT_ARRAY, PAT_OBJECT };
struct pat {
	enum pat_kind kind;
	uint32_t      slot;  /* PAT_BIND */
	struct node  *node;  /* PAT_SAME: what the value must equal */
	struct node **key;   /* PAT_OBJECT */
	struct pat  **item;
	size_t        n;
};

/* Statements replaced by `with`. */
enum with_kind { WITH_INPUT, WITH_DATA, WITH_FUNC };
struct with_mod {
	enum with_kind kind;
	struct val    *path;  /* steps below input or data */
	size_t         n_path;
	const struct rego_rule    *mask; /* WITH_DATA: the node at that path, or the rule it goes into; NULL: no rule is concerned */
	size_t         n_rest;           /* last steps of the path, below that rule */
	const struct rego_rule    *fn;   /* WITH_FUNC: what is replaced: one of fn, bi, host */
	const struct builtin      *bi;
	const struct rego_host_fn *host;
	const struct rego_rule    *to_fn; /* by a function ... */
	const struct builtin      *to_bi;
	struct node   *value;            /* ... or by a value */
};
struct withs { struct with_mod *mod; size_t n; };

enum op_kind {
	OP_TEST,    /* a is truthy */
	OP_BIND,    /* slot := a */
	OP_EQ,      /* a equals b */
	OP_MATCH,   /* a fits val */
	OP_SCAN,    /* each member of a: key fits `key`, value fits `val`; slot, slot+1 are its own */
	OP_DOC,     /* each child of the document a: name fits `key`, its place goes to slot+2, slot+3; slot, slot+1 are its own */
	OP_EACH,    /* each item of the array a fits val; slot, slot+1 are its own */
	OP_NOT,     /* code has no solution */
	OP_EVERY,   /* for each member of a (key, val bound), code has a solution */
	OP_WITH,    /* from here on under `with`; slot keeps the context */
	OP_WITHOUT, /* from here on as at the start of the body */
	OP_PRINT,   /* items of a */
	/* ends of bodies */
	OP_STOP,    /* a solution is enough */
	OP_RETURN,  /* the rule's value is a; `last`: no need to look for another solution */
	OP_ADD,     /* a to an array or set */
	OP_PUT,     /* a: b to an object */
	OP_PATH,    /* items of a are keys, b the value (`member`: a member of a set) of a rule with a variable head */
};

struct op {
	enum op_kind kind;
	bool         last, member;
	int32_t      back;      /* the generator before; -1: none, no more solutions */
	uint32_t     slot;
	uint32_t     with_slot; /* generators: the context to run under again; NO_SLOT: that of the body's start */
	struct node *a, *b;
	struct pat  *key, *val;
	const struct code  *code;
	const struct withs *with;
	const struct expr  *src; /* statement it comes from; NULL for heads */
	struct loc          at;
};

struct code { const struct op *op; size_t n; };
