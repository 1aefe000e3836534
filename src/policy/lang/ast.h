/* The syntax tree of a module, in the policy's arena, immutable once parsed.
 *
 * Only form: names are not resolved, nothing is reordered (plan/ does both). Operators are calls by OPA's names, so that an
 * infix and a written call are the same thing: plus minus mul div rem and or equal neq lt lte gt gte, internal.member_2/3, eq (=),
 * assign (:=).
 * `-1` is a constant; a sign before anything else is refused. */
#pragma once
#include "policy/value/val.h"

/* Of a tree of terms and bodies, long chains of operators included: recursion over it is that deep at most. */
#define TERM_HEIGHT_MAX 256

struct loc { uint32_t file; uint32_t line, col; }; /* line and column from 1; column in code points, as OPA counts */

enum term_kind {
	TERM_CONST,       /* null, boolean, number, string: `value` */
	TERM_VAR,         /* `name`; `_` has wildcard set and is fresh at each place */
	TERM_REF,         /* head . arg ...: item[0] is the head, the others are the steps; `a.b` has a constant string step */
	TERM_ARRAY,       /* item[] */
	TERM_SET,         /* item[] */
	TERM_OBJECT,      /* item[2i] key, item[2i+1] value */
	TERM_ARRAY_COMP,  /* item[0] head, body */
	TERM_SET_COMP,    /* item[0] head, body */
	TERM_OBJECT_COMP, /* item[0] key, item[1] value, body */
	TERM_CALL,        /* item[0] is what is called (TERM_VAR or TERM_REF of constant steps), the others its arguments */
	TERM_TEMPLATE,    /* $"...": item[] are constant strings and expressions in turn */
};

struct term {
	enum term_kind kind;
	bool           wildcard; /* TERM_VAR `_` */
	bool           paren;    /* written in parentheses: (k, v in xs) */
	bool           infix;    /* a call written as an operator */
	uint16_t       height;   /* of the tree below, 1 for a leaf; at most TERM_HEIGHT_MAX */
	struct loc     at;
	struct val     value;    /* TERM_CONST */
	struct span    name;     /* TERM_VAR, and the dotted name of what TERM_CALL calls ("regex.match", "plus") */
	struct term  **item;
	size_t         n_items;
	struct body   *body;     /* comprehensions */
};

enum expr_kind {
	EXPR_TERM,    /* term: a call (also eq, assign) or any other term that must be truthy */
	EXPR_SOME,    /* some x, y: `item` are TERM_VARs */
	EXPR_SOME_IN, /* some [k,] v in xs: item = {v, xs} or {k, v, xs}; k and v are patterns */
	EXPR_EVERY,   /* every [k,] v in xs { body }: item = {v, xs} or {k, v, xs} */
};

struct with { struct term *target, *value; struct loc at; };

struct expr {
	enum expr_kind kind;
	bool           negated; /* not */
	struct loc     at;
	struct term   *term;    /* EXPR_TERM */
	struct term  **item;
	size_t         n_items;
	struct body   *body;    /* EXPR_EVERY */
	struct with   *with;
	size_t         n_with;
	struct span    text;    /* the statement as written: for explanations */
};

struct body { struct expr *expr; size_t n; uint16_t height; };

/* One definition: `ref(args) contains key := value if { body } else := ...`.
 * `default f(_) := v` has is_default. v0's p[x] { } is given as ref p, contains x; p[x] = y { } as ref p[x], value y. */
struct rule {
	struct loc    at;
	bool          is_default;
	struct term **ref;      /* ref[0] a TERM_VAR; the others steps (constants or terms) */
	size_t        n_ref;
	bool          is_func;
	struct term **arg;
	size_t        n_args;
	struct term  *contains; /* partial set: the item; else NULL */
	struct term  *value;    /* NULL: true */
	struct body  *body;     /* NULL: none written */
	struct rule  *els;      /* else branch: value and body only; as many as there are, so walk them in a loop */
	struct span   text;     /* head as written: for explanations */
};

/* path: TERM_REF, the var `data` or `input`, then constant strings. alias {NULL,0}: the last step names it. The names of a
 * module's imports differ. rego.v1 and future.keywords are not here: the parser has acted on them. */
struct import { struct loc at; struct term *path; struct span alias; };

struct module {
	uint32_t       file;
	bool           v0;      /* parsed as Rego v0 (and does not import rego.v1) */
	struct term   *package; /* TERM_REF whose head is the var `data`, then constant strings */
	struct import *import;
	size_t         n_imports;
	struct rule   *rule;
	size_t         n_rules;
};

/* Whether t is a value as it stands: constants, and arrays, sets and objects of such. */
bool term_ground(const struct term *t);
/* That value; VAL_UNDEF when t is not ground, gives one key two values, or a limit of the heap is hit. */
struct val term_value(struct heap *h, const struct term *t);
