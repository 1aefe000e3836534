/* What a manifest changes in a case's files: a byte, a text, the order of things; also inside members of JSON, decoded and
 * encoded again. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_case.h"
#include "fmt/enc.h"

#define TEXT_MAX (8u << 20)

static enum coffer_rc unknown(struct err *e, const char *what, struct span s)
{
	return err_set(e, COFFER_E_NOTFOUND, "%s \"%.*s\" is not known", what, (int)s.n, (const char *)s.p);
}

static bool number(const struct json *entry, const char *name, uint64_t *out)
{
	return json_u64(json_get(entry, name), out);
}

/* ---- bytes ---- */

static enum coffer_rc change_bytes(struct wr *w, const struct json *entry, struct err *e)
{
	struct span op = json_str(json_get(entry, "op"));
	uint64_t at = 0, v = 0;

	if (!number(entry, "offset", &at) || !number(entry, "value", &v) || at >= w->n)
		return err_set(e, COFFER_E_NOTFOUND, "the change has no offset inside the file, or no value");
	if (span_eq_str(op, "xor"))
		w->p[at] ^= (uint8_t)v;
	else if (span_eq_str(op, "add"))
		w->p[at] = (uint8_t)(w->p[at] + v);
	else if (span_eq_str(op, "set"))
		w->p[at] = (uint8_t)v;
	else if ((span_eq_str(op, "set16") && at + 2 <= w->n) || (span_eq_str(op, "set32") && at + 4 <= w->n))
		for (size_t i = 0; i < (span_eq_str(op, "set16") ? 2u : 4u); i++)
			w->p[at + i] = (uint8_t)(v >> (8 * i));
	else
		return unknown(e, "operation", op);
	return COFFER_OK;
}

/* First place only would be one change of many: every one is replaced. */
static enum coffer_rc replace_text(struct wr *w, const struct json *entry, struct err *e)
{
	CLEANUP(wr_close) struct wr out = wr_open(TEXT_MAX);
	struct span from = json_str(json_get(entry, "from")), to = json_str(json_get(entry, "to")), s = wr_span(w);
	bool any = false;

	if (from.n == 0)
		return err_set(e, COFFER_E_NOTFOUND, "the replacement names no text");
	while (s.n > 0) {
		bool here = s.n >= from.n && span_eq((struct span){ s.p, from.n }, from);

		wr_put(&out, here ? to : (struct span){ s.p, 1 });
		s = span_skip(s, here ? from.n : 1);
		any = any || here;
	}
	if (!any)
		return err_set(e, COFFER_E_NOTFOUND, "the text to replace is not there");
	wr_close(w);
	*w = out;
	out = (struct wr){ 0 };
	return COFFER_OK;
}

/* ---- members of JSON ---- */

/* A step of "name.a.b[i]": a member or an item. */
static const struct json *walk(const struct json *v, struct span *path)
{
	struct span s = *path;
	uint64_t i = 0;
	size_t n = 0;

	if (s.n > 0 && s.p[0] == '[') {
		n = span_find(s, ']');
		if (n == s.n || !span_u64((struct span){ s.p + 1, n - 1 }, &i))
			return NULL;
		*path = span_skip(s, n + 1);
		return json_at(v, (size_t)i);
	}
	s = s.n > 0 && s.p[0] == '.' ? span_skip(s, 1) : s;
	while (n < s.n && s.p[n] != '.' && s.p[n] != '[')
		n++;
	*path = span_skip(s, n);
	return json_getn(v, (struct span){ s.p, n });
}

static const struct json *find(const struct json *root, struct span path)
{
	const struct json *v = root;

	while (v && path.n > 0)
		v = walk(v, &path);
	return v;
}

/* The text again with one string in place of another value: both are found by identity, so that the rest stays as it was. */
struct rewrite { const struct json *what[2]; struct span with[2]; };

static void put(struct json_wr *j, const struct json *v, const struct rewrite *r) /* NOLINT(misc-no-recursion): JSON_DEPTH_MAX */
{
	for (size_t i = 0; i < 2; i++) {
		if (v == r->what[i] && r->what[i]) {
			jw_str(j, r->with[i]);
			return;
		}
	}
	if (json_type(v) != JSON_OBJECT && json_type(v) != JSON_ARRAY) {
		jw_value(j, v);
		return;
	}
	if (json_type(v) == JSON_OBJECT)
		jw_obj(j);
	else
		jw_arr(j);
	for (size_t i = 0; i < json_len(v); i++) {
		if (json_type(v) == JSON_OBJECT)
			jw_namen(j, json_name(v, i));
		put(j, json_at(v, i), r);
	}
	if (json_type(v) == JSON_OBJECT)
		jw_obj_end(j);
	else
		jw_arr_end(j);
}

static enum coffer_rc write_again(struct wr *w, const struct json *root, const struct rewrite *r, struct err *e)
{
	CLEANUP(wr_close) struct wr out = wr_open(TEXT_MAX);
	struct json_wr j = jw_open(&out, false);

	put(&j, root, r);
	TRY(wr_done(&out, "changed evidence", e));
	wr_close(w);
	*w = out;
	out = (struct wr){ 0 };
	return COFFER_OK;
}

/* hex, base64 or base64url, whichever it is; the same form back. */
static enum coffer_rc change_string(struct span text, const struct json *entry, struct wr *again, struct err *e)
{
	CLEANUP(wr_close) struct wr raw = wr_open(TEXT_MAX);
	enum { HEX, B64, B64URL } form = HEX;

	if (span_eq_str(json_str(json_get(entry, "op")), "replace")) {
		wr_put(again, text);
		return replace_text(again, entry, e);
	}
	if (!hex_read(text, &raw) || !wr_ok(&raw)) {
		wr_close(&raw);
		raw = wr_open(TEXT_MAX);
		form = B64;
		if (!b64_read(text, &raw) || !wr_ok(&raw)) {
			wr_close(&raw);
			raw = wr_open(TEXT_MAX);
			form = B64URL;
			if (!b64url_read(text, &raw) || !wr_ok(&raw))
				return err_set(e, COFFER_E_NOTFOUND, "the member is neither hex nor base64");
		}
	}
	TRY(change_bytes(&raw, entry, e));
	if (form == HEX)
		hex_write(again, wr_span(&raw));
	else if (form == B64)
		b64_write(again, wr_span(&raw));
	else
		b64url_write(again, wr_span(&raw));
	return wr_done(again, "changed member", e);
}

static enum coffer_rc change_member(struct wr *w, struct span path, const struct json *entry, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr again = wr_open(TEXT_MAX);
	struct span op = json_str(json_get(entry, "op"));
	struct rewrite r = { 0 };
	const struct json *v;
	uint64_t a = 0, b = 0;

	TRY(json_parse(wr_span(w), TEXT_MAX, &doc, e));
	v = find(json_root(doc), path);
	if (span_eq_str(op, "swap") && number(entry, "a", &a) && number(entry, "b", &b)) {
		r.what[0] = json_at(v, (size_t)a);
		r.what[1] = json_at(v, (size_t)b);
		r.with[0] = json_str(r.what[1]);
		r.with[1] = json_str(r.what[0]);
	} else {
		TRY(change_string(json_str(v), entry, &again, e));
		r.what[0] = v;
		r.with[0] = wr_span(&again);
	}
	if (!r.what[0] || r.with[0].n == 0)
		return err_set(e, COFFER_E_NOTFOUND, "there is no such member");
	return write_again(w, json_root(doc), &r, e);
}

enum coffer_rc case_mutate(struct case_files *f, const struct json *entry, struct err *e)
{
	struct span name = json_str(json_get(entry, "file")), op = json_str(json_get(entry, "op")), head = name;
	struct wr *w;

	head.n = 0;
	while (head.n < name.n && name.p[head.n] != '.' && name.p[head.n] != '[')
		head.n++;
	w = case_file(f, head);
	if (!w && (w = case_file(f, span_of("evidence")))) /* a member of the only file */
		return change_member(w, name, entry, e);
	if (!w)
		return unknown(e, "file", name);
	if (head.n < name.n)
		return change_member(w, span_skip(name, head.n), entry, e);
	return span_eq_str(op, "replace") ? replace_text(w, entry, e) : change_bytes(w, entry, e);
}
