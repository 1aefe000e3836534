/* Inside the parser: one token of look-ahead, a scratch stack for lists, and places to come back to.
 *
 * Functions answer NULL or false after a fault; the first fault is kept, so callers only pass the failure on. Where two readings
 * are possible (a comprehension or an operator |) the parser marks a place, tries one, and comes back: p_back() forgets the fault,
 * but never one of a limit, and nodes made stay counted, so that trying cannot cost more than the limits allow. */
#pragma once
#include "policy/lang/lex.h"

enum keyword { /* of the current token; KW_NONE for identifiers */
	KW_NONE, KW_AS, KW_DEFAULT, KW_ELSE, KW_FALSE, KW_IMPORT, KW_NOT, KW_NULL, KW_PACKAGE, KW_SOME, KW_TRUE, KW_WITH,
	KW_CONTAINS, KW_EVERY, KW_IF, KW_IN, /* v1, or imported from future.keywords */
};
#define KW_ALL          31 /* not a keyword: all of them */
#define KW_FIRST_FUTURE KW_CONTAINS
#define KW_ALL_FUTURE   (1u << KW_CONTAINS | 1u << KW_EVERY | 1u << KW_IF | 1u << KW_IN)

#define TERM_SIZE sizeof(void *) /* of an item of a term's list */

struct scratch { uint8_t *p; size_t n, cap; }; /* heap of C: lists grow here, then move to the arena in one piece */

struct parser {
	struct heap         *h;
	const struct source *src;
	struct rego_error   *e;
	struct lexer         lex;
	struct token         tok;      /* not yet taken */
	enum keyword         kw;       /* of tok */
	size_t               last_end; /* offset behind the token taken last */
	bool                 v0;
	unsigned             future;   /* bit KW_x: that future keyword is on */
	unsigned             imported; /* bit KW_x: future.keywords.x; KW_NONE: rego.v1; KW_ALL: future.keywords */
	const char          *v0_only;  /* first thing that only v0 allows, and where */
	struct loc           v0_only_at;
	bool                 failed;   /* *e is set */
	bool                 final;    /* by a limit: no other reading is tried */
	uint32_t             depth, nodes;
	struct scratch       list;
};

struct mark { struct lexer lex; struct token tok; enum keyword kw; size_t last_end; uint32_t depth; size_t list; };

/* parse.c */
void        p_next(struct parser *p);
struct mark p_mark(const struct parser *p);
bool        p_back(struct parser *p, struct mark m); /* false when the fault is final */
bool        p_is(const struct parser *p, int sym);
bool        p_take(struct parser *p, int sym); /* takes it if it is there */
bool        p_is_ident(const struct parser *p);    /* identifier that is no keyword */
/* A keyword that starts a reference (not.x, if["y"]) is a name there; says so and makes it one. */
bool        p_keyword_ref(struct parser *p);
/* Keyword k, where one may stand: in.x is a name instead, and so is in[x] at the start of a line. */
bool        p_at_word(struct parser *p, enum keyword k);
enum keyword p_word_keyword(struct span word);                         /* in any version */
enum keyword p_keyword_of(const struct parser *p, struct span word);
bool        p_is_keyword(const struct parser *p, struct span word); /* in this version, imported or not */
void        p_fault(struct parser *p, struct loc at, const char *fmt, ...) PRINTF(3, 4);
void        p_unexpected(struct parser *p, const char *note); /* "unexpected X token[: note]" at the current token */
void        p_limit(struct parser *p, enum rego_code c, struct loc at, const char *why);
bool        p_enter(struct parser *p); /* one level of nesting; p_leave() when done, also after a fault */
void        p_leave(struct parser *p);
struct span p_written(const struct parser *p, struct token from); /* source text from there to the last token taken */

/* node.c */
bool  p_node(struct parser *p); /* counts one against the limit */
struct term *p_term_new(struct parser *p, enum term_kind k, struct loc at);
struct term *p_term_done(struct parser *p, struct term *t); /* sets height, checks it */
bool  p_body_done(struct parser *p, struct body *b);        /* the same */
struct body *p_body_of(struct parser *p, const struct expr *x); /* one statement */
void  p_list_push(struct parser *p, const void *item, size_t n);
void  p_add(struct parser *p, struct term *item);
void *p_list_take(struct parser *p, size_t from, size_t each, size_t *n); /* what was pushed since, as an arena array */
struct term *p_term_list(struct parser *p, enum term_kind k, struct loc at, size_t from); /* term with those items */
struct term *p_call2(struct parser *p, const char *op, struct loc at, struct term *a, struct term *b); /* a + b as plus(a, b) */
struct term *p_const_str(struct parser *p, struct loc at, struct span s);

/* parse_term.c */
struct term *parse_term(struct parser *p);
struct term *parse_suffixes(struct parser *p, struct term *head); /* .a [b] (c) */
struct term *parse_name(struct parser *p);                       /* the current token as TERM_VAR */
/* parse_template.c */
struct term *parse_template(struct parser *p);
/* parse_expr.c */
struct term *parse_infix(struct parser *p);                        /* an expression without = and := */
/* In a list, where `k, v in xs` needs parentheses; lhs may be read already. */
struct term *parse_infix_item(struct parser *p, struct term *lhs);
bool parse_literal(struct parser *p, struct expr *out);
struct body *parse_body(struct parser *p, int end); /* behind the opening bracket; takes the closing one */
/* parse_rule.c */
bool parse_rules(struct parser *p); /* pushes struct rule: one for each chained body */
/* parse_module.c */
struct module *parse_module(struct parser *p);
