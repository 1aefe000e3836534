/* Rego policies: load, compile, evaluate. The one header that users of the engine include.
 *
 * A compiled policy is immutable and may be shared between threads. An evaluation has a context of its own, allocates in its arena only, and
 * is deterministic: same policy, data, input, host answers and limits give the same outcome, steps and text everywhere. The four outcomes
 * are kept apart; whoever decides by a policy treats all but the value it wants as no. Not checked here: who wrote a policy. */
#pragma once
#include "base/wr.h"
#include "policy/lang/parse.h"

enum rego_outcome { REGO_OUT_VALUE, REGO_OUT_UNDEFINED, REGO_OUT_NO_SUCH_RULE, REGO_OUT_ERROR };
const char *rego_outcome_name(enum rego_outcome o); /* "value" "undefined" "no-such-rule" "error" */

/* A function that the host adds: called with one evaluation's arguments; answers like a builtin. `state` is per evaluation. */
struct rego_host_fn {
	const char *name;
	uint8_t     args;
	struct val (*fn)(void *state, struct heap *h, const struct val *arg, size_t n, enum rego_code *code, const char **why);
};

struct rego_options {
	bool                       v0;
	bool                       strict;    /* builtin errors stop the evaluation instead of making their expression undefined */
	struct source_limits       source;
	size_t                     memory_max; /* bytes of the compiled policy */
	const struct rego_host_fn *host_fn;    /* n_host_fns of them; must outlive the policy */
	size_t                     n_host_fns;
};
struct rego_options rego_options_default(void);

struct rego_policy;
/* Parses, resolves, orders, checks; nothing is evaluated. Sources are copied. On false *e says why and nothing is kept. `data_json`
 * (may be empty) is a base document fixed with the policy. */
bool rego_compile(const struct source *src, size_t n, struct span data_json, const struct rego_options *o, struct rego_policy **out,
    struct rego_error *e) NODISCARD;
void rego_policy_free(struct rego_policy *p); /* NULL is fine */
static inline void rego_policy_freep(struct rego_policy **p) { rego_policy_free(*p); *p = NULL; }

struct rego_limits {
	uint64_t steps;       /* statements, iterations, builtin work */
	size_t   memory;      /* bytes of the evaluation's arena */
	uint32_t calls;       /* depth of rules and functions */
	size_t   string_max;  /* bytes of one string made by a builtin */
	size_t   output_max;  /* bytes of prints */
};
#define REGO_LIMITS_DEFAULT ((struct rego_limits){ 10u << 20, 64u << 20, 400, 8u << 20, 1u << 20 })

/* One evaluation after another in the same memory. Not shared between threads. */
struct rego_eval;
struct rego_eval *rego_eval_new(const struct rego_policy *p, struct rego_limits lim) NODISCARD; /* NULL without memory */
void rego_eval_free(struct rego_eval *v);
static inline void rego_eval_freep(struct rego_eval **v) { rego_eval_free(*v); *v = NULL; }

/* Forgets everything of the evaluation before (its values die; time, zones, host state, prints, explanation are to be given again) and
 * starts the budget anew. */
void         rego_eval_begin(struct rego_eval *v);
/* For one question after another about the same input: what is there now (input, data, and what they were made of) is kept by
 * rego_eval_again, which else does what rego_eval_begin does, and leaves the budget that is left now. So each question has the very outcome, steps
 * and memory that it has after a beginning of its own with the same input. Without a rego_eval_keep since the beginning it is rego_eval_begin. */
void         rego_eval_keep(struct rego_eval *v);
void         rego_eval_again(struct rego_eval *v);
struct heap *rego_eval_heap(struct rego_eval *v); /* to make input and data in */
void rego_eval_input(struct rego_eval *v, struct val input);  /* VAL_UNDEF: no input */
void rego_eval_data(struct rego_eval *v, struct val data);    /* merged over the policy's own base document */
void rego_eval_host(struct rego_eval *v, void *state);        /* for host functions */
void rego_eval_time(struct rego_eval *v, int64_t now_ns);     /* without it time.now_ns is an error */
/* Time zone files by name, for time.date and the like; without it only UTC is known. What it owes: rego_zone_fn in builtin/builtin.h. */
void rego_eval_zones(struct rego_eval *v, bool (*zone)(void *state, struct span name, struct span *tzif), void *state);
void rego_eval_prints(struct rego_eval *v, struct wr *to);    /* NULL (default): print builds no strings */

/* The explanation of a denial: why the rule asked for is not what was wanted. Off unless asked for. Values below the paths marked
 * secret (for example "input.key", "data.secrets") are left out: "(secret)". */
struct rego_explain_line {
	struct loc  at;
	const char *file;
	struct span rule, statement; /* as written */
	struct span path;            /* "input.submods.cpu0[\"ear.status\"]"; empty where the statement looks at none */
	struct span found, wanted;   /* Rego notation; found "undefined" where it is */
};
void   rego_eval_explain(struct rego_eval *v, const char *const *secret, size_t n_secret);
size_t rego_explain_len(const struct rego_eval *v);
const struct rego_explain_line *rego_explain_at(const struct rego_eval *v, size_t i);

/* The value of a rule or document: path "data.policy.allow". NO_SUCH_RULE when neither a rule nor base data has that path. A policy
 * evaluated many times should be asked through a handle: rego_rule_find once, then rego_eval_at. */
enum rego_outcome rego_eval_rule(struct rego_eval *v, const char *path, struct val *out, struct rego_error *e) NODISCARD;
struct rego_rule;
const struct rego_rule *rego_rule_find(const struct rego_policy *p, const char *path); /* NULL: no such rule */
enum rego_outcome rego_eval_at(struct rego_eval *v, const struct rego_rule *r, struct val *out, struct rego_error *e) NODISCARD;

/* A query as text. Results: an array of {"expressions": [...], "bindings": {...}} in *out (a Rego value); UNDEFINED when there is none. */
enum rego_outcome rego_eval_query(struct rego_eval *v, struct span query, struct val *out, struct rego_error *e) NODISCARD;

uint64_t rego_eval_steps(const struct rego_eval *v);  /* used so far */
size_t   rego_eval_memory(const struct rego_eval *v);
