/* Rego tokens. Newlines matter to the parser, so each token says whether one came before it. */
#pragma once
#include "policy/lang/parse.h"

enum token_kind {
	TOK_END, TOK_IDENT, TOK_NUMBER, TOK_STRING, TOK_RAW, TOK_TEMPLATE, TOK_SYMBOL, TOK_BAD,
};

struct token {
	enum token_kind kind;
	struct loc      at;
	struct span     text;      /* as written, quotes included */
	bool            newline;   /* a line break stands between this and the token before */
	bool            space;     /* white space or a comment stands before it */
	const char     *why;       /* TOK_BAD: static sentence */
};

struct lexer {
	struct rd   r;
	uint32_t    file, line, col;
	struct source_limits lim;
	enum rego_code over; /* REGO_LIMIT_SOURCE when a limit was hit: the token is TOK_BAD */
};

struct lexer lex_open(struct span text, uint32_t file, struct source_limits lim);
struct token lex_next(struct lexer *l);
/* The value of a TOK_STRING or TOK_RAW (escapes as JSON); false when an escape is malformed. */
bool lex_string(struct heap *h, struct token t, struct val *out) NODISCARD;
