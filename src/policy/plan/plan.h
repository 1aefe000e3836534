/* Compiling, inside: from syntax trees to ops. One struct plan compiles one definition (or query) after another.
 *
 * term.c and stmt.c resolve names and turn expressions into statements (struct stmt), hoisting what may have several solutions
 * out of calls and literals into statements of its own; order.c picks the next statement whose inputs are bound and safety.c
 * says what is; emit.c and unify.c write it down as ops. Errors are sticky: after plan_fail everything answers NULL and
 * nothing is kept. */
#pragma once
#include "policy/plan/tree.h"
#include "policy/value/valtext.h"

#define PLAN_STEPS     (200u << 20) /* work of one compilation: bounds what is quadratic in hostile sources */
#define PLAN_DEPTH_MAX 300          /* of terms in terms: C recursion */

struct import_to { struct span alias; struct node *node; }; /* N_INPUT, N_REF or N_DOC */
struct unit { /* a module being compiled */
	const struct module *module;
	struct rego_rule    *pkg;
	struct import_to    *import;
	size_t               n_imports;
};

struct rego_policy {
	struct arena        *arena;
	struct heap          heap; /* not used once compiled */
	struct rego_options  opt;
	struct source       *src;
	size_t               n_src;
	struct unit         *unit;
	struct rego_rule    *root;
	struct val           data;
	uint32_t             n_ids;
};

struct var {
	struct span name;   /* empty: made by the compiler */
	bool        wildcard;
	bool        arg;    /* of a function: always bound */
	bool        bound;
	uint32_t    inbody; /* how many of the bodies being ordered mention it outside of closures */
};

enum seen { SEEN_USED, SEEN_DECLARED, SEEN_ASSIGNED, SEEN_ARG };
struct name { struct span text; uint32_t var; enum seen how; };
struct names { struct name *p; size_t n, cap; };
struct scope {
	struct scope *up;
	struct names  names;
	struct names  pending; /* declared somewhere in this body: hides globals in all of it */
};

enum stmt_kind { ST_TEST, ST_EQ, ST_IN, ST_EACH, ST_NOT, ST_EVERY, ST_PRINT };
struct stmt {
	enum stmt_kind kind;
	bool           done;
	struct node   *a, *b, *c; /* ST_IN, ST_EVERY: a domain, b key or NULL, c value; ST_EACH: a call, b pattern */
	struct block  *block;     /* ST_NOT, ST_EVERY */
	const struct withs *with;
	const struct expr  *src;
	struct loc     at;
};
struct block { struct stmt *p; size_t n, cap; };

struct ops {
	struct op *p;
	size_t     n, cap;
	int32_t    gen;            /* last generator written */
	const struct withs *open;  /* region of `with` being written */
	uint32_t   with_slot;
};

struct dep { struct dep *next; const struct node *node; };

struct plan {
	struct heap        *h;
	struct rego_policy *policy;
	const struct source *src;  /* sources that locs refer to */
	size_t              n_src;
	uint32_t            first_src; /* number of the first: queries come after the policy's own */
	struct rego_error  *e;
	bool                failed;

	const struct unit  *unit;  /* NULL in queries */
	struct rego_rule   *rule;  /* whose deps are noted; NULL in queries */
	struct var         *var;
	size_t              n_vars, cap_vars;
	struct names        implicit; /* names used without declaration: one variable each in the whole definition */
	struct scope       *scope;
	struct block       *block;
	const struct withs *with;
	const struct expr  *expr;
	struct loc          at;      /* of what is written without a statement: heads */
	unsigned            depth;

	struct ops         *ops;
	bool                dry;   /* only asking whether a statement could be written now */
	uint32_t           *trail; /* variables in the order they became bound */
	size_t              n_trail, cap_trail;
};

/* Sticky; returns false. Code and text of a heap limit win. */
bool plan_fail(struct plan *p, enum rego_code code, struct loc at, const char *fmt, ...) PRINTF(4, 5);
bool plan_ok(const struct plan *p);
/* Room for one more in a growing array of the compiler's. */
bool plan_grow(struct plan *p, void *array, size_t n, size_t *cap, size_t each) NODISCARD;
void plan_reset(struct plan *p); /* variables and scopes, before each definition */

/* scope.c */
uint32_t     plan_var(struct plan *p, struct span name);
void         scope_push(struct plan *p, struct scope *s, const struct body *body);
void         scope_pop(struct plan *p);
uint32_t     scope_declare(struct plan *p, struct span name, enum seen how, struct loc at);
/* A name used in an expression: variable, input, data, rule or import. */
struct node *scope_resolve(struct plan *p, const struct term *var);
/* As what is called: N_DOC of a rule or import; NULL when the name is no rule's. */
struct node *scope_global(struct plan *p, struct span name);

/* term.c */
struct node *node_new(struct plan *p, enum node_kind kind, size_t n_items, struct loc at);
struct node *node_const(struct plan *p, struct val v, struct loc at);
struct node *node_var(struct plan *p, uint32_t var, struct loc at);
struct node *plan_term(struct plan *p, const struct term *t);    /* as a side of a statement */
struct node *plan_operand(struct plan *p, const struct term *t); /* inside another term: with several solutions, it is hoisted */
struct node *plan_ref_extend(struct plan *p, struct node *base, struct term *const *step, size_t n, struct loc at);
void         plan_note_dep(struct plan *p, const struct node *n); /* the rule being compiled looks at this N_DOC or N_FUNC */
/* call.c: *out is the extra last argument when there is one and out is not NULL. */
struct node *plan_call(struct plan *p, const struct term *t, const struct term **out);
bool         plan_function(struct plan *p, const struct term *callee, struct with_mod *as); /* fn, bi or host; false: none */
size_t       function_arity(const struct with_mod *f);

/* stmt.c */
void          stmt_add(struct plan *p, struct stmt s);
struct node  *plan_hoist(struct plan *p, struct node *n);
void          plan_expr(struct plan *p, const struct expr *e);
struct block *plan_body(struct plan *p, const struct body *b); /* statements of a body in a new block; NULL body: none */
void          plan_declare(struct plan *p, const struct term *pattern, enum seen how);
const struct withs *plan_withs(struct plan *p, const struct expr *e);

/* safety.c */
bool is_ref(const struct node *n);
bool ground(struct plan *p, const struct node *n);        /* all variables bound */
bool patternable(struct plan *p, const struct node *n);   /* could be matched against a value */
bool ref_ready(struct plan *p, const struct node *n);     /* a ref that can be enumerated */
bool block_ready(struct plan *p, const struct block *b, bool strict); /* closure over bound variables; strict: of `not` */
void plan_bind(struct plan *p, uint32_t var);
void bind_all(struct plan *p, const struct node *pattern);
void unbind_to(struct plan *p, size_t n_trail);
void count_vars(struct plan *p, const struct block *b, int by); /* var.inbody of what b mentions outside of closures */
bool unsafe(struct plan *p, const struct stmt *s);        /* reports the first unbound variable; returns false */
bool need_ground(struct plan *p, const struct node *n, struct loc at); /* for heads */

/* order.c */
bool plan_block(struct plan *p, struct block *b, struct ops *out);
bool stmt_write(struct plan *p, const struct stmt *s); /* emit.c: into p->ops; with p->dry only asks */

/* emit.c */
void               op_add(struct plan *p, struct op op);
bool               is_generator(enum op_kind k);
struct code       *ops_code(struct plan *p, const struct ops *o);
struct pat        *plan_pattern(struct plan *p, struct node *n);
bool               plan_closures(struct plan *p, struct node *n); /* compiles the comprehensions in it */
struct node       *write_ref(struct plan *p, struct node *ref);   /* generators for its unbound steps; what is left is ground */
/* unify.c */
bool write_unify(struct plan *p, struct node *a, struct node *b);

/* rules.c, def.c, graph.c */
size_t            rule_ground_prefix(const struct rule *r); /* steps of its head that are fixed */
bool rules_collect(struct plan *p); /* modules into the tree */
bool rules_check(struct plan *p);
bool plan_defs(struct plan *p);
bool graph_check(struct plan *p);   /* recursion */
