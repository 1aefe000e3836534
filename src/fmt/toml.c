/* TOML 1.0 structure: headers, dotted keys, arrays, inline tables. Which table may
 * still be opened or extended is kept in the mark of its node. */
#include "fmt/toml.h"

#include "base/own.h"
#include "fmt/json_int.h"
#include "fmt/toml_int.h"
#include "fmt/utf8.h"

enum mark {
	MARK_NONE,     /* plain value or array */
	MARK_IMPLICIT, /* came to be as parent in a header; its own header may follow */
	MARK_HEADER,   /* defined by [header] or as element of [[header]] */
	MARK_DOTTED,   /* defined by a dotted key */
	MARK_INLINE,   /* { ... }: complete */
	MARK_TABLES,   /* array made by [[header]] */
};

static struct json *value(struct toml *t);

static struct json *fail_null(struct toml *t, const char *why)
{
	(void)toml_fail(t, why);
	return NULL;
}

static bool set(struct toml *t, struct json *table, struct span name, struct json *v)
{
	if (!v)
		return false;
	if (jb_member(table, name))
		return toml_fail(t, "key is already defined");
	return jb_set(t->b, table, name, v) || toml_fail_memory(t);
}

static struct json *new_table(struct toml *t, struct json *parent, struct span name, enum mark mark)
{
	struct json *v = jb_obj(t->b);

	if (!v) {
		(void)toml_fail_memory(t);
		return NULL;
	}
	v->mark = mark;
	return set(t, parent, name, v) ? v : NULL;
}

/* ---- one step along a dotted name ---- */

typedef struct json *(*step_fn)(struct toml *t, struct json *table, struct span name);

/* Dotted keys define tables; they cannot add to one that a header or { } defined. */
static struct json *step_key(struct toml *t, struct json *table, struct span name)
{
	struct json *v = jb_member(table, name);

	if (!v)
		return new_table(t, table, name, MARK_DOTTED);
	if (v->type != JSON_OBJECT || (v->mark != MARK_DOTTED && v->mark != MARK_IMPLICIT))
		return fail_null(t, "a dotted key cannot extend what is already defined");
	v->mark = MARK_DOTTED;
	return v;
}

static struct json *step_header(struct toml *t, struct json *table, struct span name)
{
	struct json *v = jb_member(table, name);

	if (!v)
		return new_table(t, table, name, MARK_IMPLICIT);
	if (v->type == JSON_ARRAY && v->mark == MARK_TABLES)
		return jb_last(v);
	if (v->type != JSON_OBJECT || v->mark == MARK_INLINE)
		return fail_null(t, "a header cannot extend this value");
	return v;
}

/* Reads a dotted name, walks all its parts but the last from `table` on, leaves the
 * last in `last` and returns the table it belongs to. */
static struct json *walk(struct toml *t, struct json *table, step_fn step, struct wr *last)
{
	for (;;) {
		if (!toml_key(t, last))
			return NULL;
		toml_blank(t);
		if (toml_peek(t) != '.')
			return table;
		t->pos++;
		toml_blank(t);
		table = step(t, table, wr_span(last));
		if (!table)
			return NULL;
		wr_close(last);
	}
}

/* ---- values ---- */

static bool key_value(struct toml *t, struct json *table)
{
	CLEANUP(wr_close) struct wr name = wr_open(t->in.n);

	table = walk(t, table, step_key, &name);
	if (!table)
		return false;
	if (toml_peek(t) != '=')
		return toml_fail(t, "expected '=' after a key");
	if (jb_member(table, wr_span(&name)))
		return toml_fail(t, "key is already defined");
	t->pos++;
	toml_blank(t);
	return set(t, table, wr_span(&name), value(t));
}

static bool comment(struct toml *t)
{
	if (toml_peek(t) != '#')
		return true;
	while (!toml_end(t) && toml_peek(t) != '\n') {
		if (toml_peek(t) == '\r' && t->in.n - t->pos > 1 && t->in.p[t->pos + 1] == '\n')
			break;
		if (toml_control(toml_peek(t)))
			return toml_fail(t, "control character in a comment");
		t->pos++;
	}
	return true;
}

/* Space, comments and line ends, as between the items of an array. */
static bool gap(struct toml *t)
{
	do {
		toml_blank(t);
		if (!comment(t))
			return false;
	} while (toml_newline(t));
	return true;
}

static bool deeper(struct toml *t)
{
	if (t->depth == JSON_DEPTH_MAX) {
		(void)toml_fail(t, "nested too deep");
		t->rc = COFFER_E_LIMIT;
		return false;
	}
	t->depth++;
	t->pos++;
	return true;
}

static bool array_item(struct toml *t, struct json *arr)
{
	struct json *v = value(t);

	return v && (jb_push(t->b, arr, v) || toml_fail_memory(t)) && gap(t);
}

static struct json *array(struct toml *t)
{
	struct json *arr = jb_arr(t->b);

	if (!arr) {
		(void)toml_fail_memory(t);
		return NULL;
	}
	if (!deeper(t) || !gap(t))
		return NULL;
	while (toml_peek(t) != ']') {
		if (!array_item(t, arr))
			return NULL;
		if (toml_peek(t) == ']')
			break;
		if (toml_peek(t) != ',')
			return fail_null(t, "expected ',' or ']' in an array");
		t->pos++;
		if (!gap(t))
			return NULL;
	}
	t->pos++;
	t->depth--;
	return arr;
}

/* TOML 1.0: on one line, no comma before the closing brace. */
static struct json *inline_table(struct toml *t)
{
	struct json *table = jb_obj(t->b);

	if (!table) {
		(void)toml_fail_memory(t);
		return NULL;
	}
	table->mark = MARK_INLINE;
	if (!deeper(t))
		return NULL;
	toml_blank(t);
	while (toml_peek(t) != '}') {
		if (!key_value(t, table))
			return NULL;
		toml_blank(t);
		if (toml_peek(t) == '}')
			break;
		if (toml_peek(t) != ',')
			return fail_null(t, "expected ',' or '}' in an inline table");
		t->pos++;
		toml_blank(t);
		if (toml_peek(t) == '}')
			return fail_null(t, "comma before the end of an inline table");
	}
	t->pos++;
	t->depth--;
	return table;
}

static struct json *value(struct toml *t)
{
	switch (toml_peek(t)) {
	case '"':
	case '\'':
		return toml_string(t);
	case '[':
		return array(t);
	case '{':
		return inline_table(t);
	default:
		return toml_plain(t);
	}
}

/* ---- lines ---- */

static struct json *open_table(struct toml *t, struct json *parent, struct span name)
{
	struct json *v = jb_member(parent, name);

	if (!v)
		return new_table(t, parent, name, MARK_HEADER);
	if (v->type != JSON_OBJECT || v->mark != MARK_IMPLICIT)
		return fail_null(t, "table is already defined");
	v->mark = MARK_HEADER;
	return v;
}

static struct json *open_element(struct toml *t, struct json *parent, struct span name)
{
	struct json *list = jb_member(parent, name);
	struct json *v = jb_obj(t->b);

	if (list && (list->type != JSON_ARRAY || list->mark != MARK_TABLES))
		return fail_null(t, "already defined, and not as an array of tables");
	if (!list) {
		list = jb_arr(t->b);
		if (list)
			list->mark = MARK_TABLES;
		if (list && !set(t, parent, name, list))
			return NULL;
	}
	if (!v || !list || !jb_push(t->b, list, v)) {
		(void)toml_fail_memory(t);
		return NULL;
	}
	v->mark = MARK_HEADER;
	return v;
}

static bool header(struct toml *t)
{
	CLEANUP(wr_close) struct wr name = wr_open(t->in.n);
	bool element = t->in.n - t->pos > 1 && t->in.p[t->pos + 1] == '[';
	struct json *parent;

	t->pos += element ? 2 : 1;
	toml_blank(t);
	parent = walk(t, t->root, step_header, &name);
	if (!parent)
		return false;
	for (int i = element ? 2 : 1; i > 0; i--, t->pos++)
		if (toml_peek(t) != ']')
			return toml_fail(t, "expected ']' after the name of a table");
	t->here = element ? open_element(t, parent, wr_span(&name)) : open_table(t, parent, wr_span(&name));
	return t->here != NULL;
}

static bool line(struct toml *t)
{
	toml_blank(t);
	if (toml_peek(t) == '[') {
		if (!header(t))
			return false;
	} else if (!toml_end(t) && toml_peek(t) != '#' && toml_peek(t) != '\n' && toml_peek(t) != '\r') {
		if (!key_value(t, t->here))
			return false;
	}
	toml_blank(t);
	if (!comment(t))
		return false;
	return toml_newline(t) || toml_end(t) || toml_fail(t, "expected the end of the line");
}

static bool text(struct toml *t)
{
	if (!utf8_ok(t->in)) {
		while (!toml_end(t)) { /* find the place */
			size_t k = utf8_seq((struct span){ t->in.p + t->pos, t->in.n - t->pos });

			if (k == 0)
				break;
			if (!toml_newline(t))
				t->pos += k;
		}
		return toml_fail(t, "invalid UTF-8");
	}
	t->here = t->root = jb_obj(t->b);
	if (!t->root)
		return toml_fail_memory(t);
	t->root->mark = MARK_HEADER;
	while (!toml_end(t))
		if (!line(t))
			return false;
	return true;
}

enum coffer_rc toml_parse(struct span in, size_t max_bytes, struct json_doc **out, struct err *e)
{
	struct toml t = { .in = in, .line = 1 };

	if (in.n > max_bytes || in.n > UINT32_MAX / 2)
		return err_set(e, COFFER_E_LIMIT, "TOML: %zu bytes, at most %zu are read", in.n, max_bytes);
	t.b = jb_new();
	if (!t.b)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!text(&t)) {
		jb_free(t.b);
		return err_set(e, t.rc, "line %zu, column %zu: %s", t.line, t.pos - t.bol + 1, t.why);
	}
	return jb_finish(t.b, t.root, out, e);
}
