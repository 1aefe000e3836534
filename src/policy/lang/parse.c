#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "policy/lang/parse_int.h"

bool rego_fail(
    struct rego_error *e, const struct heap *h, enum rego_code code, const struct source *s, struct loc at, const char *fmt, ...)
{
	va_list ap;

	*e = (struct rego_error){ .code = code, .line = at.line, .col = at.col };
	if (s)
		(void)snprintf(e->file, sizeof(e->file), "%s", s->name);
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (h && !heap_ok(h)) {
		e->code = h->over;
		(void)snprintf(e->text, sizeof(e->text), "a limit was reached (%s)", rego_code_name(h->over));
	}
	return false;
}

void p_fault(struct parser *p, struct loc at, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (p->failed)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->failed = true;
	p->final |= !heap_ok(p->h);
	(void)rego_fail(p->e, p->h, REGO_PARSE, p->src, at, "%s", text);
}

void p_limit(struct parser *p, enum rego_code c, struct loc at, const char *why)
{
	if (p->failed && p->final)
		return;
	p->failed = p->final = true;
	(void)rego_fail(p->e, NULL, c, p->src, at, "%s", why);
}

static const char *token_name(const struct parser *p, char buf[static 40])
{
	const struct token *t = &p->tok;

	switch (t->kind) {
	case TOK_END:
		return "eof";
	case TOK_IDENT:
		return p->kw ? (void)snprintf(buf, 40, "%.*s", (int)t->text.n, (const char *)t->text.p), buf : "identifier";
	case TOK_NUMBER:
		return "number";
	case TOK_STRING:
	case TOK_RAW:
		return "string";
	case TOK_TEMPLATE:
		return "template-string";
	case TOK_SYMBOL:
		(void)snprintf(buf, 40, "%.*s", (int)t->text.n, (const char *)t->text.p);
		return buf;
	case TOK_BAD:
		break;
	}
	return "illegal";
}

void p_unexpected(struct parser *p, const char *note)
{
	char buf[40];

	if (p->tok.kind == TOK_BAD && p->lex.over)
		p_limit(p, p->lex.over, p->tok.at, p->tok.why);
	else if (p->tok.kind == TOK_BAD)
		p_fault(p, p->tok.at, "%s", p->tok.why);
	else
		p_fault(p, p->tok.at, "unexpected %s %s%s%s", token_name(p, buf), p->kw ? "keyword" : "token", note ? ": " : "",
		    note ? note : "");
}

static const char *const keywords[] = {
	[KW_AS] = "as",
	[KW_DEFAULT] = "default",
	[KW_ELSE] = "else",
	[KW_FALSE] = "false",
	[KW_IMPORT] = "import",
	[KW_NOT] = "not",
	[KW_NULL] = "null",
	[KW_PACKAGE] = "package",
	[KW_SOME] = "some",
	[KW_TRUE] = "true",
	[KW_WITH] = "with",
	[KW_CONTAINS] = "contains",
	[KW_EVERY] = "every",
	[KW_IF] = "if",
	[KW_IN] = "in",
};

enum keyword p_word_keyword(struct span word)
{
	if (word.n >= 2 && word.n <= 8 && word.p[0] >= 'a' && word.p[0] <= 'w')
		for (enum keyword k = KW_AS; k <= KW_IN; k++)
			if ((uint8_t)keywords[k][0] == word.p[0] && span_eq_str(word, keywords[k]))
				return k;
	return KW_NONE;
}

enum keyword p_keyword_of(const struct parser *p, struct span word)
{
	enum keyword k = p_word_keyword(word);

	return k < KW_FIRST_FUTURE || (p->future >> k & 1) ? k : KW_NONE;
}

bool p_is_keyword(const struct parser *p, struct span word)
{
	enum keyword k = p_word_keyword(word);

	return k != KW_NONE && (k < KW_FIRST_FUTURE || !p->v0 || (p->future >> k & 1));
}

static void set_token(struct parser *p, struct token t)
{
	p->tok = t;
	p->kw = t.kind == TOK_IDENT ? p_keyword_of(p, t.text) : KW_NONE;
}

void p_next(struct parser *p)
{
	p->last_end = p->tok.end;
	set_token(p, lex_next(&p->lex));
}

struct mark p_mark(const struct parser *p)
{
	return (struct mark){ p->lex, p->tok, p->kw, p->last_end, p->depth, p->list.n };
}

bool p_back(struct parser *p, struct mark m)
{
	if (p->final)
		return false;
	p->lex = m.lex;
	p->tok = m.tok;
	p->kw = m.kw;
	p->last_end = m.last_end;
	p->depth = m.depth;
	p->list.n = m.list;
	p->failed = false;
	return true;
}

bool p_is(const struct parser *p, int sym)
{
	return p->tok.kind == TOK_SYMBOL && p->tok.sym == sym;
}

bool p_take(struct parser *p, int sym)
{
	if (!p_is(p, sym))
		return false;
	p_next(p);
	return true;
}

bool p_is_ident(const struct parser *p)
{
	return p->tok.kind == TOK_IDENT && p->kw == KW_NONE;
}

bool p_keyword_ref(struct parser *p)
{
	struct lexer ahead = p->lex;
	struct token t;

	if (p->kw == KW_NONE)
		return false;
	t = lex_next(&ahead);
	if (t.space || t.kind != TOK_SYMBOL || (t.sym != '.' && t.sym != '['))
		return false;
	p->kw = KW_NONE;
	return true;
}

bool p_enter(struct parser *p)
{
	p->depth++;
	if (p->depth <= p->lex.lim.nesting)
		return true;
	p_limit(p, REGO_LIMIT_NESTING, p->tok.at, "nested too deeply");
	return false;
}

bool p_at_word(struct parser *p, enum keyword k)
{
	bool bracket = p->lex.r.n > 0 && p->lex.r.p[0] == '[';

	if (p->kw != k)
		return false;
	return (bracket && !p->tok.newline) || !p_keyword_ref(p);
}

void p_leave(struct parser *p)
{
	p->depth--;
}

struct span p_written(const struct parser *p, struct token from)
{
	size_t start = from.end - from.text.n;

	return (struct span){ p->src->text.p + start, p->last_end - start };
}

static bool parser_open(struct parser *p, struct heap *h, const struct source *s, uint32_t file_no, bool v0,
    struct source_limits lim, struct rego_error *e)
{
	*p = (struct parser){ .h = h, .src = s, .e = e, .lex = lex_open(s->text, file_no, lim), .v0 = v0 };
	*e = (struct rego_error){ 0 };
	if (!v0)
		p->future = KW_ALL_FUTURE;
	set_token(p, lex_next(&p->lex));
	if (p->tok.kind == TOK_BAD)
		p_unexpected(p, NULL);
	return !p->failed;
}

/* A module or query is whole, or nothing: also a limit of the heap that no one has looked at yet. */
static bool parser_close(struct parser *p)
{
	free(p->list.p);
	p->list = (struct scratch){ 0 };
	if (!p->failed && !heap_ok(p->h))
		p_fault(p, p->tok.at, "out of memory");
	return !p->failed;
}

bool rego_parse_module(struct heap *h, const struct source *s, uint32_t file_no, bool v0, struct source_limits lim,
    struct module **out, struct rego_error *e)
{
	struct module *m = NULL;
	struct parser p;

	if (parser_open(&p, h, s, file_no, v0, lim, e))
		m = parse_module(&p);
	if (!parser_close(&p))
		return false;
	*out = m;
	return true;
}

bool rego_parse_query(struct heap *h, const struct source *s, uint32_t file_no, bool v0, struct source_limits lim,
    struct body **out, struct rego_error *e)
{
	struct body *b = NULL;
	struct parser p;

	if (parser_open(&p, h, s, file_no, v0, lim, e))
		b = parse_body(&p, 0);
	if (!parser_close(&p))
		return false;
	*out = b;
	return true;
}

bool rego_parse_term(struct heap *h, const struct source *s, struct source_limits lim, struct term **out, struct rego_error *e)
{
	struct term *t = NULL;
	struct parser p;

	if (parser_open(&p, h, s, 0, false, lim, e))
		t = parse_infix(&p);
	if (t && p.tok.kind != TOK_END)
		p_unexpected(&p, "one term was expected");
	if (t && !p.failed && !term_ground(t))
		p_fault(&p, t->at, "a value was expected: no variables, references or calls");
	if (!parser_close(&p))
		return false;
	*out = t;
	return true;
}
