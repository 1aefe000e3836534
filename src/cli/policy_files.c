#include "cli/policy_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "policy/value/valtext.h"

enum coffer_rc paths_add(struct paths *l, const char *path, struct err *e)
{
	if (l->n == POLICY_FILES_MAX)
		return err_set(e, COFFER_E_LIMIT, "%s: more than %d files", path, POLICY_FILES_MAX);
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		char **p = reallocarray(l->p, cap, sizeof(*p));

		if (!p)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		l->p = p;
		l->cap = cap;
	}
	l->p[l->n] = strdup(path);
	if (!l->p[l->n])
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	l->n++;
	return COFFER_OK;
}

void paths_clear(struct paths *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->p[i]);
	free(l->p);
	*l = (struct paths){ 0 };
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a folder, sorted; what starts with a dot is passed over. */
static enum coffer_rc names_in(const char *path, struct paths *l, struct err *e)
{
	enum coffer_rc rc = COFFER_OK;
	struct dirent *d;
	DIR *dir = opendir(path);

	if (!dir)
		return err_set(e, COFFER_E_INPUT, "%s: cannot be read", path);
	while (rc == COFFER_OK && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			rc = paths_add(l, d->d_name, e);
	(void)closedir(dir);
	if (l->n > 0)
		qsort(l->p, l->n, sizeof(*l->p), by_name);
	return rc;
}

static enum coffer_rc below(struct paths *l, const char *path, const char *suffix, unsigned depth, struct err *e)
{
	CLEANUP(paths_clear) struct paths names = { 0 };
	struct stat st;

	if (stat(path, &st) != 0)
		return err_set(e, depth > 0 ? COFFER_E_INPUT : COFFER_E_NOTFOUND, "%s: there is no such file or folder", path);
	if (!S_ISDIR(st.st_mode))
		return depth == 0 || span_ends(span_of(path), suffix) ? paths_add(l, path, e) : COFFER_OK;
	if (depth == POLICY_DEPTH_MAX)
		return err_set(e, COFFER_E_LIMIT, "%s: folders are nested too deeply", path);
	TRY(names_in(path, &names, e));
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(freep) char *sub = str_fmt("%s%s%s", path, span_ends(span_of(path), "/") ? "" : "/", names.p[i]);

		if (!sub)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		TRY(below(l, sub, suffix, depth + 1, e));
	}
	return COFFER_OK;
}

enum coffer_rc paths_below(struct paths *l, const char *path, const char *suffix, struct err *e)
{
	size_t before = l->n;

	TRY(below(l, path, suffix, 0, e));
	return l->n > before ? COFFER_OK : err_set(e, COFFER_E_NOTFOUND, "%s: no file in it ends in %s", path, suffix);
}

enum coffer_rc sources_read(const struct paths *l, struct sources *out, struct err *e)
{
	out->s = calloc(l->n + 1, sizeof(*out->s));
	out->text = calloc(l->n + 1, sizeof(*out->text));
	if (!out->s || !out->text)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < l->n; i++) {
		TRY(file_read(l->p[i], POLICY_FILE_MAX, &out->text[i], e));
		out->s[i] = (struct source){ l->p[i], wr_span(&out->text[i]) };
		out->n++;
	}
	return COFFER_OK;
}

void sources_clear(struct sources *s)
{
	for (size_t i = 0; s->text && i < s->n; i++)
		wr_close(&s->text[i]);
	free(s->s);
	free(s->text);
	*s = (struct sources){ 0 };
}

enum coffer_rc policy_json(struct heap *h, const char *path, struct val *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	const char *why = "too large";
	size_t at = 0;

	TRY(file_read_arg(path, POLICY_FILE_MAX, &text, e));
	*out = val_from_json(h, wr_span(&text), (struct json_limits){ POLICY_FILE_MAX, VAL_DEPTH_MAX }, &at, &why);
	if (val_defined(*out))
		return COFFER_OK;
	return err_set(e, COFFER_E_INPUT, "%s: byte %zu: %s", path, at, why);
}

static struct val reference_value(
    void *state, struct heap *h, const struct val *arg, size_t n, enum rego_code *code, const char **why)
{
	const struct val *table = state;
	struct val v = table && n == 1 ? val_get(*table, arg[0]) : VAL_UNDEF;

	(void)h;
	(void)code;
	(void)why;
	return val_defined(v) ? v : val_null();
}

struct rego_options policy_options(bool v0, bool strict)
{
	static const struct rego_host_fn fn = { "query_reference_value", 1, reference_value };
	struct rego_options o = rego_options_default();

	o.v0 = v0;
	o.strict = strict;
	o.source = SOURCE_LIMITS_KATA;
	o.host_fn = &fn;
	o.n_host_fns = 1;
	return o;
}
