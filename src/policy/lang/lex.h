/* Rego tokens. Newlines matter to the parser, so each token says whether one came before it; which words are keywords depends on
 * version and imports, so here they are identifiers.
 *
 * The text is vetted once when it is opened: limits, UTF-8, no NUL, no byte-order mark but at its start. What is wrong anywhere
 * makes every token TOK_BAD. A lexer is a plain value: a copy of it is a place to come back to. */
#pragma once
#include "policy/lang/parse.h"

enum token_kind {
	TOK_END, TOK_IDENT, TOK_NUMBER, TOK_STRING, TOK_RAW, TOK_TEMPLATE, TOK_SYMBOL, TOK_BAD,
};

/* Symbols: one character is its own code. */
#define SYM2(a, b) ((a) << 8 | (b))
#define SYM_ASSIGN SYM2(':', '=')
#define SYM_EQ     SYM2('=', '=')
#define SYM_NEQ    SYM2('!', '=')
#define SYM_LTE    SYM2('<', '=')
#define SYM_GTE    SYM2('>', '=')

struct token {
	enum token_kind kind;
	struct loc      at;
	struct span     text;      /* as written, quotes included */
	size_t          end;       /* offset in the source behind its last byte */
	int             sym;       /* TOK_SYMBOL */
	struct span     inner;     /* TOK_STRING, TOK_RAW, TOK_TEMPLATE: what is between the quotes, escapes and all */
	bool            raw;       /* TOK_TEMPLATE: between backquotes */
	bool            open;      /* TOK_TEMPLATE: an expression follows, then '}', then lex_template() */
	bool            newline;   /* a line break stands between this and the token before */
	bool            space;     /* white space or a comment stands before it */
	const char     *why;       /* TOK_BAD: static sentence */
};

struct lexer {
	struct rd   r;
	uint32_t    file, line, col;
	struct source_limits lim;
	enum rego_code over; /* REGO_LIMIT_SOURCE when a limit was hit: the token is TOK_BAD */
	const char *bad;     /* what vetting found wrong, and where */
	struct loc  bad_at;
};

struct lexer lex_open(struct span text, uint32_t file, struct source_limits lim);
struct token lex_next(struct lexer *l);
/* The next part of a template string, right behind the '}' that ended an expression of it. */
struct token lex_template(struct lexer *l, bool raw);
/* The value of a TOK_STRING, TOK_RAW or part of a TOK_TEMPLATE (escapes as JSON, lone surrogates become U+FFFD); false when an
 * escape is malformed. What has no escapes is borrowed from the source. */
bool lex_string(struct heap *h, struct token t, struct val *out) NODISCARD;
