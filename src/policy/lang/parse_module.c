/* Modules: package, imports, and what imports turn on. */
#include "base/str.h"
#include "policy/lang/parse_int.h"

#define IMPORTS_MAX 1024 /* of a module: each is compared with all before it */

struct imported {
	struct import i;
	struct span name;
	struct imported *next;
};

/* Names with dots and constant brackets; keywords are names here. The items are the first name as a var, then strings. */
static struct term *path(struct parser *p)
{
	size_t from = p->list.n;
	struct term *t;

	if (p->tok.kind != TOK_IDENT)
		return p_unexpected(p, "expected path"), NULL;
	t = parse_name(p);
	t = t ? parse_suffixes(p, t) : NULL;
	if (!t)
		return NULL;
	if (t->kind == TERM_VAR) {
		p_add(p, t);
		return p_term_list(p, TERM_REF, t->at, from);
	}
	if (t->kind != TERM_REF || t->item[0]->kind != TERM_VAR)
		return p_fault(p, t->at, "expected path"), NULL;
	for (size_t i = 1; i < t->n_items; i++)
		if (t->item[i]->kind != TERM_CONST || val_type(t->item[i]->value) != VT_STRING)
			return p_fault(p, t->item[i]->at, "unexpected term: expecting string"), NULL;
	return t;
}

static struct term *parse_package(struct parser *p)
{
	size_t from = p->list.n;
	struct term *t, *data;
	struct loc at;

	if (p->kw != KW_PACKAGE || p_keyword_ref(p))
		return p_fault(p, p->tok.at, p->tok.kind == TOK_END ? "empty module" : "package expected"), NULL;
	p_next(p);
	t = path(p);
	if (!t)
		return NULL;
	at = t->at;
	data = p_term_new(p, TERM_VAR, at);
	if (!data)
		return NULL;
	data->name = span_of("data");
	t->item[0] = p_const_str(p, at, t->item[0]->name);
	if (!t->item[0])
		return NULL;
	p_add(p, data);
	for (size_t i = 0; i < t->n_items; i++)
		p_add(p, t->item[i]);
	return p_term_list(p, TERM_REF, at, from);
}

static struct span step(const struct term *t, size_t i)
{
	if (i >= t->n_items)
		return (struct span){ 0 };
	return i == 0 ? t->item[0]->name : val_span(t->item[i]->value);
}

static void reread_keyword(struct parser *p)
{
	if (p->tok.kind == TOK_IDENT)
		p->kw = p_keyword_of(p, p->tok.text);
}

/* A second import of the same name, but v0 has always let future.keywords pass. */
static bool twice(struct parser *p, const struct import *i, unsigned bit, bool may)
{
	if ((p->imported >> bit & 1) && !may) {
		p_fault(p, i->path->at, "import must not shadow an import before it");
		return true;
	}
	p->imported |= 1u << bit;
	return false;
}

/* import rego.v1: nothing new in a v1 module. */
static bool import_v1(struct parser *p, const struct import *i, struct module *m)
{
	const char *both = "the `rego.v1` import implies `future.keywords`, these are therefore mutually exclusive";

	if (i->path->n_items != 2 || !span_eq_str(step(i->path, 1), "v1"))
		return p_fault(p, i->path->at, "invalid import, must be `rego.v1`"), false;
	if (twice(p, i, KW_NONE, false))
		return false;
	if (!m->v0)
		return true;
	if (i->alias.n > 0)
		return p_fault(p, i->path->at, "`rego` imports cannot be aliased"), false;
	if (p->future)
		return p_fault(p, i->path->at, "%s", both), false;
	if (p->v0_only)
		return p_fault(p, p->v0_only_at, "%s", p->v0_only), false;
	m->v0 = p->v0 = false;
	p->future = KW_ALL_FUTURE;
	reread_keyword(p);
	return true;
}

static bool import_future(struct parser *p, const struct import *i, bool was_v0)
{
	enum keyword k;

	if (!span_eq_str(step(i->path, 1), "keywords"))
		return p_fault(p, i->path->at, "invalid import, must be `future.keywords`"), false;
	if (i->alias.n > 0)
		return p_fault(p, i->path->at, "`future` imports cannot be aliased"), false;
	k = i->path->n_items == 3 ? p_word_keyword(step(i->path, 2)) : KW_NONE;
	if (i->path->n_items > 2 && k < KW_FIRST_FUTURE)
		return p_fault(p, i->path->at, "unexpected keyword, must be one of [contains every if in]"), false;
	if (twice(p, i, k == KW_NONE ? KW_ALL : (unsigned)k, was_v0))
		return false;
	if (was_v0 && !p->v0)
		return p_fault(p, i->path->at,
			   "the `rego.v1` import implies `future.keywords`, these are therefore mutually exclusive"),
		       false;
	p->future |= k == KW_NONE ? KW_ALL_FUTURE : 1u << k;
	if (k == KW_EVERY)
		p->future |= 1u << KW_IN;
	reread_keyword(p);
	return true;
}

/* The path of a document, and the name it gets; a keyword needs an alias. */
static bool import_document(struct parser *p, const struct import *i, struct span *name)
{
	struct span root = step(i->path, 0);

	if (!span_eq_str(root, "data") && !span_eq_str(root, "input")) {
		p_fault(p, i->path->at, "unexpected import path, must begin with one of: {data, future, input, rego}, got: %.*s",
		    (int)(root.n > 64 ? 64 : root.n), (const char *)root.p);
		return false;
	}
	*name = i->alias.n > 0 ? i->alias : step(i->path, i->path->n_items - 1);
	if (i->alias.n == 0 && p_is_keyword(p, *name))
		return p_fault(p, i->path->at, "unexpected import path, must not end with a keyword"), false;
	return true;
}

static bool import_path(struct parser *p, struct import *i)
{
	i->at = p->tok.at;
	p_next(p);
	i->path = path(p);
	if (!i->path || !p_at_word(p, KW_AS))
		return i->path != NULL;
	p_next(p);
	if (!p_is_ident(p) || span_eq_str(p->tok.text, "_"))
		return p_unexpected(p, "expected var"), false;
	i->alias = p->tok.text;
	p_next(p);
	return true;
}

static bool add_import(struct parser *p, const struct import *i, struct span name, struct module *m, struct imported **last)
{
	struct imported *x;

	for (x = *last; x; x = x->next)
		if (span_eq(x->name, name))
			return p_fault(p, i->at, "import must not shadow an import before it"), false;
	if (m->n_imports == IMPORTS_MAX)
		return p_limit(p, REGO_LIMIT_SOURCE, i->at, "file has too many imports"), false;
	x = p_node(p) ? heap_alloc(p->h, sizeof(*x)) : NULL;
	if (!x)
		return p_fault(p, i->at, "out of memory"), false;
	*x = (struct imported){ *i, name, *last };
	*last = x;
	m->n_imports++;
	return true;
}

static bool parse_import(struct parser *p, struct module *m, bool was_v0, struct imported **last)
{
	struct import i = { 0 };
	struct span name;

	if (!import_path(p, &i))
		return false;
	if (span_eq_str(step(i.path, 0), "rego"))
		return import_v1(p, &i, m);
	if (span_eq_str(step(i.path, 0), "future"))
		return import_future(p, &i, was_v0);
	return import_document(p, &i, &name) && add_import(p, &i, name, m, last);
}

static bool keep_imports(struct parser *p, struct module *m, const struct imported *last)
{
	m->import = heap_array(p->h, m->n_imports, sizeof(*m->import));
	if (!m->import)
		return p_fault(p, p->tok.at, "out of memory"), false;
	for (size_t i = m->n_imports; last && i-- > 0; last = last->next)
		m->import[i] = last->i;
	return true;
}

static bool statement(struct parser *p, struct module *m, bool was_v0, struct imported **last)
{
	if (!p_keyword_ref(p)) {
		if (p->kw == KW_IMPORT)
			return parse_import(p, m, was_v0, last);
		if (p->kw == KW_PACKAGE)
			return p_fault(p, p->tok.at, "unexpected package"), false;
	}
	return parse_rules(p);
}

struct module *parse_module(struct parser *p)
{
	struct module *m = heap_alloc(p->h, sizeof(*m));
	struct imported *last = NULL;
	bool was_v0 = p->v0;
	size_t from;

	if (!m)
		return p_fault(p, p->tok.at, "out of memory"), NULL;
	m->file = p->lex.file;
	m->v0 = p->v0;
	m->package = parse_package(p);
	from = p->list.n;
	while (m->package && !p->failed && p->tok.kind != TOK_END)
		if (!statement(p, m, was_v0, &last))
			return NULL;
	if (!m->package || !keep_imports(p, m, last))
		return NULL;
	m->rule = p_list_take(p, from, sizeof(*m->rule), &m->n_rules);
	return m->rule ? m : NULL;
}
