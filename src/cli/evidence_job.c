#include "cli/evidence_job.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/rim.h"
#include "os/file.h"

void evidence_job_clear(struct evidence_job *j)
{
	wr_close(&j->evidence);
	wr_close(&j->report_data);
	wr_close(&j->init_toml);
	evidence_files_clear(&j->files);
	ev_out_clear(&j->out);
}

/* ---- saying ---- */

static void put_check(struct json_wr *j, const struct ev_check *c)
{
	jw_obj(j);
	jw_m_text(j, "check", c->id);
	jw_m_text(j, "expected", c->expected);
	jw_m_text(j, "found", c->found);
	jw_m_bool(j, "holds", c->holds);
	jw_obj_end(j);
}

const struct ev_check *evidence_deciding(const struct ev_out *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->check[i].holds && o->check[i].otherwise == o->verdict)
			return &o->check[i];
	return NULL;
}

static void put_reason(struct json_wr *j, const struct ev_out *o)
{
	const struct ev_check *c = o->verdict == VERDICT_VALID ? NULL : evidence_deciding(o);

	jw_name(j, "reason");
	if (!c) {
		jw_null(j);
		return;
	}
	jw_obj(j);
	jw_m_text(j, "check", c->id);
	jw_m_text(j, "field", c->id);
	jw_m_text(j, "expected", c->expected);
	jw_m_text(j, "found", c->found);
	jw_obj_end(j);
}

enum coffer_rc evidence_put_object(struct json_wr *j, const char *name, struct span text, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	jw_name(j, name);
	if (text.n == 0) {
		jw_obj(j);
		jw_obj_end(j);
		return COFFER_OK;
	}
	TRY(json_parse(text, EVIDENCE_OUT_MAX, &doc, e));
	jw_value(j, json_root(doc));
	return COFFER_OK;
}

static void put_primary(struct json_wr *j, const struct ev_out *o)
{
	jw_name(j, "primary");
	jw_obj(j);
	jw_m_text(j, "verdict", verdict_name(o->verdict));
	put_reason(j, o);
	jw_obj_end(j);
}

static enum coffer_rc put_trace(struct json_wr *j, const struct ev_out *o, struct err *e)
{
	jw_name(j, "checks");
	jw_arr(j);
	for (size_t i = 0; i < o->n; i++)
		put_check(j, &o->check[i]);
	jw_arr_end(j);
	return evidence_put_object(j, "claims", wr_span(&o->claims), e);
}

static void put_head(struct json_wr *j, const struct tee_driver *d, const struct ev_out *o)
{
	jw_m_text(j, "platform", d->name);
	jw_m_text(j, "verdict", verdict_name(o->verdict));
	put_reason(j, o);
}

enum coffer_rc evidence_put_verdict(struct json_wr *j, const struct tee_driver *d, const struct ev_out *o, struct err *e)
{
	put_head(j, d, o);
	return put_trace(j, o, e);
}

enum coffer_rc evidence_put_verdict_of(struct json_wr *j, const struct tee_driver *d, const struct ev_out *o, const struct ev_out *decides,
    struct err *e)
{
	put_head(j, d, decides);
	put_primary(j, o);
	return put_trace(j, o, e);
}

void evidence_print_members(const char *title, struct span text)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err ignore = { 0 };

	if (text.n == 0 || json_parse(text, EVIDENCE_OUT_MAX, &doc, &ignore) != COFFER_OK || json_len(json_root(doc)) == 0)
		return;
	(void)printf("%s\n", title);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_OUT_MAX);
		struct json_wr j = jw_open(&w, false);
		struct span name = json_name(json_root(doc), i);

		jw_value(&j, json_at(json_root(doc), i));
		(void)printf("  %-28.*s %.*s\n", (int)name.n, (const char *)name.p, (int)w.n, (const char *)w.p);
	}
}

void evidence_print_verdict(const struct tee_driver *d, const struct ev_out *o)
{
	(void)printf("%s: %s\n", d->name, verdict_name(o->verdict));
	for (size_t i = 0; i < o->n; i++) {
		const struct ev_check *c = &o->check[i];

		if (c->holds)
			(void)printf("  holds  %-26s %s\n", c->id, c->found);
		else
			(void)printf("  %s  %-26s expected %s, found %s\n", c->otherwise == VERDICT_VALID ? "note " : "FAILS", c->id, c->expected, c->found);
	}
	evidence_print_members("claims", wr_span(&o->claims));
}

static enum coffer_rc as_usage(const char *option, enum coffer_rc rc, struct err *e)
{
	return rc == COFFER_E_NOTFOUND || rc == COFFER_E_DENIED || rc == COFFER_E_INPUT ? cli_bad(e, "--%s %s", option, e->msg) : rc;
}

enum coffer_rc evidence_file_arg(const char *option, const char *path, size_t max, struct wr *out, struct err *e)
{
	return as_usage(option, file_read_arg(path, max, out, e), e);
}

static enum coffer_rc load_folder(const struct cli *c, const char *option, bool roots, struct evidence_job *b, struct err *e)
{
	const char *dir = cli_opt(c, option);

	return dir ? as_usage(option, evidence_files_load(dir, roots, &b->files, e), e) : COFFER_OK;
}

enum coffer_rc evidence_job_files(const struct cli *c, struct evidence_job *b, struct err *e)
{
	TRY(load_folder(c, "collateral", false, b, e));
	return load_folder(c, "roots", true, b, e);
}

enum coffer_rc evidence_job_parse(struct evidence_job *b, struct err *e)
{
	TRY(evidence_files_parse(&b->files, e));
	b->files.col.manifests = rim_manifest;
	b->in.col = &b->files.col;
	b->in.evidence = wr_span(&b->evidence);
	return COFFER_OK;
}

enum coffer_rc evidence_end(const struct ev_out *o, struct err *e)
{
	const struct ev_check *c = evidence_deciding(o);

	switch (o->verdict) {
	case VERDICT_VALID:
		return COFFER_OK;
	case VERDICT_INVALID:
	case VERDICT_STALE:
		return err_deny(e, c ? c->id : "evidence", "%s: expected %s, found %s", verdict_name(o->verdict), c ? c->expected : "",
		    c ? c->found : "");
	case VERDICT_MALFORMED:
		return err_set(e, COFFER_E_INPUT, "malformed: %s", c ? c->found : "");
	case VERDICT_COLLATERAL:
		return err_set(e, COFFER_E_UPSTREAM, "collateral unavailable: %s; give it with --collateral DIR", c ? c->expected : "");
	}
	return COFFER_E_BUG;
}
