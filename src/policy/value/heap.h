/* What an evaluation may use up: memory and steps, each with its own way to say no.
 *
 * Everything that builds values or works in proportion to its input takes a struct heap. Running over is sticky: `over` keeps the
 * first limit that was hit, constructors then answer VAL_UNDEF, and the evaluator, which looks after every statement and before it hands
 * out any result, turns it into an error. So code between two looks may go on with VAL_UNDEF, but no decision can rest on it.
 * Steps, not time: the same inputs take the same steps on every machine. */
#pragma once
#include "base/arena.h"

enum rego_code { /* names in rego_code_name(): what `coffer policy` and the tests compare */
	REGO_OK = 0,
	/* found when loading */
	REGO_PARSE,         /* "rego_parse_error" */
	REGO_COMPILE,       /* "rego_compile_error": unknown function, arity, redeclared, ... */
	REGO_UNSAFE,        /* "rego_unsafe_var_error" */
	REGO_RECURSION,     /* "rego_recursion_error": rules that need themselves */
	REGO_TYPE,          /* "rego_type_error" */
	/* found when evaluating */
	REGO_CONFLICT,      /* "eval_conflict_error" */
	REGO_EVAL_TYPE,     /* "eval_type_error": strict mode: a builtin got an operand of a wrong type */
	REGO_BUILTIN,       /* "eval_builtin_error": strict mode: a builtin failed on its values */
	REGO_WITH_MERGE,    /* "eval_with_merge_error" */
	REGO_INTERNAL,      /* "eval_internal_error" */
	REGO_CANCELLED,     /* "eval_cancel_error": the caller's deadline */
	/* budgets: one code each */
	REGO_LIMIT_SOURCE,  /* "limit_source": bytes, lines, columns, tokens of source */
	REGO_LIMIT_NESTING, /* "limit_nesting": of source or of values */
	REGO_LIMIT_STEPS,   /* "limit_steps" */
	REGO_LIMIT_MEMORY,  /* "limit_memory" */
	REGO_LIMIT_CALLS,   /* "limit_calls": depth of calls and rules */
	REGO_LIMIT_OUTPUT,  /* "limit_output": result, print and single strings */
	REGO_LIMIT_REGEX,   /* "limit_regex": size of a compiled pattern */
	REGO_SYSTEM,        /* "system": out of memory on our side */
};
const char *rego_code_name(enum rego_code c);

struct heap {
	struct arena  *arena;
	uint64_t       steps;      /* left */
	size_t         string_max; /* bytes of one string that a builtin may make */
	enum rego_code over;       /* first limit hit; REGO_OK while within */
};

/* Takes n steps; false (and over = REGO_LIMIT_STEPS) when they are not there. Take them BEFORE the work. */
bool heap_steps(struct heap *h, uint64_t n);
/* Records a limit unless one is recorded already. */
void heap_over(struct heap *h, enum rego_code c);
/* Zeroed memory from the arena; NULL and over = REGO_LIMIT_MEMORY when there is none. */
void *heap_alloc(struct heap *h, size_t n) NODISCARD;
void *heap_array(struct heap *h, size_t n, size_t each) NODISCARD;
static inline bool heap_ok(const struct heap *h) { return h->over == REGO_OK; }
