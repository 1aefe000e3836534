#include "cli/evidence_case.h"

#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "os/file.h"

DEFINE_CLEANUP(DIR *, closedir)

/* ---- files ---- */

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void case_files_clear(struct case_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->f[i].owned);
		wr_close(&f->f[i].bytes);
	}
	*f = (struct case_files){ 0 };
}

struct wr *case_file(struct case_files *f, struct span name)
{
	for (size_t i = 0; i < f->n; i++)
		if (span_eq(f->f[i].name, name))
			return &f->f[i].bytes;
	return NULL;
}

static enum coffer_rc read_one(const char *path, struct span name, struct case_files *out, struct err *e)
{
	if (out->n == CASE_FILES_MAX)
		return err_set(e, COFFER_E_LIMIT, "too many files");
	TRY(file_read(path, EVIDENCE_FILE_MAX, &out->f[out->n].bytes, e));
	out->f[out->n++].name = name;
	return COFFER_OK;
}

static enum coffer_rc read_folder(const char *dir, struct case_files *out, struct err *e)
{
	CLEANUP(closedirp) DIR *d = opendir(dir);
	const struct dirent *entry;

	if (!d)
		return err_set(e, COFFER_E_NOTFOUND, "%s: cannot be opened", dir);
	while ((entry = readdir(d))) {
		CLEANUP(freep) char *path = str_fmt("%s/%s", dir, entry->d_name), *name = span_dup(span_of(entry->d_name));

		if (!path || !name)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		if (!file_exists(path) || is_folder(path))
			continue;
		TRY(read_one(path, span_of(name), out, e));
		out->f[out->n - 1].owned = MOVE(name);
	}
	return COFFER_OK;
}

enum coffer_rc case_files_read(const struct case_run *r, struct case_files *out, struct err *e)
{
	const struct json *files = json_get(r->c, "files");

	for (size_t i = 0; i < json_len(files); i++) {
		struct span rel = json_str(json_at(files, i));
		CLEANUP(freep) char *path = str_fmt("%s/%.*s", r->dir, (int)rel.n, (const char *)rel.p);

		if (!path)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		TRY(is_folder(path) ? read_folder(path, out, e) : read_one(path, json_name(files, i), out, e));
	}
	return COFFER_OK;
}

/* ---- appraisal ---- */

struct set { struct evidence_files col; struct ev_in in; struct wr report_data, init_data; };

static void set_clear(struct set *s)
{
	evidence_files_clear(&s->col);
	wr_close(&s->report_data);
	wr_close(&s->init_data);
}

/* The file that is the evidence itself; all others are collateral. */
static const char *const main_names[] = { "evidence", "report", "quote", "token" };

static bool is_main(struct span name)
{
	name.n = span_find(name, '.'); /* a folder's files have endings */
	for (size_t i = 0; i < sizeof(main_names) / sizeof(main_names[0]); i++)
		if (span_eq_str(name, main_names[i]))
			return true;
	return false;
}

struct wr *case_main(const struct case_run *r, struct case_files *f)
{
	for (size_t i = 0; i < f->n && !case_is_part(r, f, true); i++)
		if (is_main(f->f[i].name))
			return &f->f[i].bytes;
	return NULL;
}

static enum coffer_rc add_anchor(const struct case_run *r, struct span rel, struct set *s, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%.*s", r->dir, (int)rel.n, (const char *)rel.p);
	CLEANUP(freep) char *base = span_dup(rel);
	CLEANUP(freep) char *other = r->roots && base ? str_fmt("%s/%s", r->roots, basename(base)) : NULL;

	if (!path || !base)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (file_exists(path))
		return evidence_file_add(path, true, &s->col, e);
	if (other && file_exists(other))
		return evidence_file_add(other, true, &s->col, e);
	return COFFER_OK; /* the pinned ones */
}

static enum coffer_rc binding(const struct case_run *r, const char *name, struct wr *bytes, struct span *wanted, struct err *e)
{
	const struct json *v = json_get(r->c, name);

	if (!v)
		return COFFER_OK;
	*bytes = wr_open(64);
	if (!hex_read(json_str(v), bytes) || !wr_ok(bytes) || bytes->n == 0)
		return err_set(e, COFFER_E_INPUT, "\"%s\" is no hex of 1 to 64 bytes", name);
	*wanted = wr_span(bytes);
	return COFFER_OK;
}

static enum coffer_rc prepare(const struct case_run *r, struct case_files *files, struct set *s, struct err *e)
{
	const struct json *anchors = json_get(r->c, "anchors");
	struct span now = json_str(json_get(r->c, "now"));

	for (size_t i = 0; i < files->n; i++) {
		if (is_main(files->f[i].name))
			s->in.evidence = wr_span(&files->f[i].bytes);
		else
			TRY(collateral_add(wr_span(&files->f[i].bytes), false, &s->col.col, e));
	}
	for (size_t i = 0; i < json_len(anchors); i++)
		TRY(add_anchor(r, json_str(json_at(anchors, i)), s, e));
	s->in.col = &s->col.col;
	s->in.now = -1;
	if (now.n > 0 && !clock_parse(now, &s->in.now))
		return err_set(e, COFFER_E_INPUT, "\"now\" is no time");
	TRY(binding(r, "expected_report_data", &s->report_data, &s->in.report_data, e));
	return binding(r, "expected_init_data", &s->init_data, &s->in.init_data, e);
}

enum coffer_rc case_appraise(const struct case_run *r, struct case_files *files, struct ev_out *out, struct err *e)
{
	const struct tee_driver *d = tee_driver_find(json_str(json_get(r->c, "tee")));
	CLEANUP(freep) struct set *s = calloc(1, sizeof(*s));
	enum coffer_rc rc;

	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	rc = prepare(r, files, s, e);
	if (rc == COFFER_OK)
		rc = d && s->in.evidence.n > 0 && !case_is_part(r, files, true) ? d->appraise(&s->in, out, e)
										: case_part(r, files, &s->in, out, e);
	set_clear(s);
	return rc;
}

/* ---- mutations ---- */

bool case_refused(const struct ev_out *before, const struct ev_out *after)
{
	if (after->verdict == VERDICT_MALFORMED)
		return before->verdict != VERDICT_MALFORMED;
	for (size_t i = 0; i < after->n; i++) {
		if (after->check[i].holds)
			continue;
		for (size_t k = 0; k < before->n; k++)
			if (strcmp(before->check[k].id, after->check[i].id) == 0 && before->check[k].holds)
				return true;
	}
	return false;
}

static enum case_result skip(struct case_run *r, const char *why)
{
	(void)snprintf(r->why, sizeof(r->why), "%.200s", why);
	return CASE_SKIPPED;
}

static enum case_result one_mutation(struct case_run *r, const struct json *entry, const struct ev_out *before)
{
	CLEANUP(case_files_clear) struct case_files f = { 0 };
	CLEANUP(ev_out_clear) struct ev_out after = { 0 };
	struct err e = { 0 };

	if (case_files_read(r, &f, &e) != COFFER_OK || case_mutate(&f, entry, &e) != COFFER_OK ||
	    case_appraise(r, &f, &after, &e) != COFFER_OK)
		return skip(r, e.msg);
	if (case_refused(before, &after))
		return CASE_PASSED;
	(void)snprintf(r->why, sizeof(r->why), "a change was not noticed (%.*s of %.*s)", (int)json_str(json_get(entry, "op")).n,
	    (const char *)json_str(json_get(entry, "op")).p, (int)json_str(json_get(entry, "file")).n,
	    (const char *)json_str(json_get(entry, "file")).p);
	return CASE_FAILED;
}

static enum case_result mutated(struct case_run *r, const struct ev_out *before)
{
	const struct json *list = json_get(r->c, "mutate");
	enum case_result res = json_type(list) == JSON_ARRAY ? case_expect_refusal(r) : skip(r, "\"mutate\" is no list of changes");

	if (res != CASE_PASSED)
		return res;
	for (size_t i = 0; i < json_len(list); i++) {
		enum case_result one = one_mutation(r, json_at(list, i), before);

		if (one != CASE_PASSED)
			return one;
	}
	return CASE_PASSED;
}

/* No changes at all: the case is about what is there. */
static bool changes(const struct json *mutate)
{
	return mutate && (json_type(mutate) != JSON_ARRAY || json_len(mutate) > 0);
}

enum case_result evidence_case(struct case_run *r)
{
	CLEANUP(case_files_clear) struct case_files f = { 0 };
	CLEANUP(ev_out_clear) struct ev_out out = { 0 };
	struct err e = { 0 };
	enum case_result res;

	r->left[0] = '\0';
	if (case_files_read(r, &f, &e) != COFFER_OK || case_appraise(r, &f, &out, &e) != COFFER_OK) {
		(void)skip(r, e.msg);
		return e.rc == COFFER_E_DENIED ? CASE_FAILED : CASE_SKIPPED;
	}
	res = changes(json_get(r->c, "mutate")) ? mutated(r, &out) : case_expect(r, &out);
	return res == CASE_PASSED ? case_members(r) : res;
}
