/* Rego source to syntax tree: recursive descent, bounded in depth, tokens and bytes. Form only: nothing is resolved.
 * Grammar: OPA's policy reference (v1), and v0 where asked. */
#pragma once
#include "policy/lang/ast.h"

struct source_limits {
	size_t   bytes;   /* of one file */
	uint32_t lines;   /* of one file */
	uint32_t columns; /* bytes of one line */
	uint32_t nesting; /* of expressions and bodies */
	uint32_t nodes;   /* terms, expressions and rules of one file */
};
#define SOURCE_LIMITS_DEFAULT ((struct source_limits){ 1u << 20, 20000, 1024, 32, 1u << 20 }) /* regorus' numbers */
#define SOURCE_LIMITS_KATA    ((struct source_limits){ 16u << 20, 200000, 65536, 32, 8u << 20 })

struct rego_error { /* one fault, for people and for machines; never holds values of input or data */
	enum rego_code code;
	char           file[128];
	uint32_t       line, col; /* 0: no place */
	char           text[320];
};

struct source { const char *name; struct span text; };

/* `text` is borrowed by the tree: it must live as long as the heap. file_no goes into every loc. */
bool rego_parse_module(struct heap *h, const struct source *s, uint32_t file_no, bool v0, struct source_limits lim,
    struct module **out, struct rego_error *e) NODISCARD;
/* A query: a body as on the command line, `data.a.b = x; x > 1`. */
bool rego_parse_query(struct heap *h, const struct source *s, uint32_t file_no, bool v0, struct source_limits lim,
    struct body **out, struct rego_error *e) NODISCARD;
/* One ground term, for --input-term and test data. */
bool rego_parse_term(struct heap *h, const struct source *s, struct source_limits lim, struct term **out,
    struct rego_error *e) NODISCARD;

/* Fills e from a place in a source: a limit of the heap, if one was hit, overrides code and text. Returns false. */
bool rego_fail(struct rego_error *e, const struct heap *h, enum rego_code code, const struct source *s, struct loc at,
    const char *fmt, ...) PRINTF(6, 7);
