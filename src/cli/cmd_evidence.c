/* coffer evidence: judging and explaining evidence by hand, offline. */
#include <libgen.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_case.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/file.h"

#define OUT_MAX (4u << 20)

const struct opt_spec opts_evidence_appraise[] = {
	{ "platform", "NAME", "snp, ... : 'coffer evidence platforms' lists them", false, true },
	{ "evidence", "FILE", "upstream's JSON or the raw report; '-' is standard input", false, true },
	{ "collateral", "DIR", "certificates, revocation lists and vendor JSON; recognised by content", false, false },
	{ "roots", "DIR", "further root certificates, beside the pinned ones", false, false },
	{ "report-data", "HEX", "what the evidence must be bound to", false, false },
	{ "init-data", "FILE", "init-data whose digest the platform's register must hold", false, false },
	{ "time", "TIME", "judge validity at this time, as 2027-01-31T00:00:00Z (default: now)", false, false },
	{ NULL, NULL, NULL, false, false } };
const struct opt_spec opts_evidence_show[] = {
	{ "collateral", "DIR", "certificates, revocation lists and vendor JSON; recognised by content", false, false },
	{ "roots", "DIR", "further root certificates, beside the pinned ones", false, false },
	{ NULL, NULL, NULL, false, false } };

struct job {
	const struct tee_driver *driver;
	struct wr                evidence, report_data;
	struct evidence_files    files;
	uint8_t                  init[HASH_MAX];
	struct ev_in             in;
	struct ev_out            out;
};

static void job_clear(struct job *j)
{
	wr_close(&j->evidence);
	wr_close(&j->report_data);
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

static const struct ev_check *deciding(const struct ev_out *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->check[i].holds && o->check[i].otherwise == o->verdict)
			return &o->check[i];
	return NULL;
}

static void put_reason(struct json_wr *j, const struct ev_out *o)
{
	const struct ev_check *c = o->verdict == VERDICT_VALID ? NULL : deciding(o);

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

static enum coffer_rc put_object(struct json_wr *j, const char *name, struct span text, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	jw_name(j, name);
	if (text.n == 0) {
		jw_obj(j);
		jw_obj_end(j);
		return COFFER_OK;
	}
	TRY(json_parse(text, OUT_MAX, &doc, e));
	jw_value(j, json_root(doc));
	return COFFER_OK;
}

static enum coffer_rc print_json(const struct job *b, bool values, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(OUT_MAX);
	struct json_wr j = jw_open(&w, true);

	jw_obj(&j);
	jw_m_text(&j, "platform", b->driver->name);
	jw_m_text(&j, "verdict", verdict_name(b->out.verdict));
	put_reason(&j, &b->out);
	jw_name(&j, "checks");
	jw_arr(&j);
	for (size_t i = 0; i < b->out.n; i++)
		put_check(&j, &b->out.check[i]);
	jw_arr_end(&j);
	TRY(put_object(&j, "claims", wr_span(&b->out.claims), e));
	if (values)
		TRY(put_object(&j, "values", wr_span(&b->out.values), e));
	jw_obj_end(&j);
	TRY(wr_done(&w, "verdict", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

static void print_members(const char *title, struct span text)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err ignore = { 0 };

	if (text.n == 0 || json_parse(text, OUT_MAX, &doc, &ignore) != COFFER_OK || json_len(json_root(doc)) == 0)
		return;
	(void)printf("%s\n", title);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(OUT_MAX);
		struct json_wr j = jw_open(&w, false);
		struct span name = json_name(json_root(doc), i);

		jw_value(&j, json_at(json_root(doc), i));
		(void)printf("  %-28.*s %.*s\n", (int)name.n, (const char *)name.p, (int)w.n, (const char *)w.p);
	}
}

static void print_text(const struct job *b)
{
	(void)printf("%s: %s\n", b->driver->name, verdict_name(b->out.verdict));
	for (size_t i = 0; i < b->out.n; i++) {
		const struct ev_check *c = &b->out.check[i];

		if (c->holds)
			(void)printf("  holds  %-26s %s\n", c->id, c->found);
		else
			(void)printf("  %s  %-26s expected %s, found %s\n", c->otherwise == VERDICT_VALID ? "note " : "FAILS", c->id, c->expected, c->found);
	}
	print_members("claims", wr_span(&b->out.claims));
}

/* ---- appraise ---- */

static enum coffer_rc init_digest(const char *path, struct job *b, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(file_read_arg(path, 1u << 20, &text, e));
	sha256(wr_span(&text), b->init);
	b->in.init_data = (struct span){ b->init, 32 };
	return COFFER_OK;
}

static enum coffer_rc bindings(const struct cli *c, struct job *b, struct err *e)
{
	const char *hex = cli_opt(c, "report-data"), *init = cli_opt(c, "init-data"), *time = cli_opt(c, "time");

	b->in.now = clock_now();
	if (time && !clock_parse(span_of(time), &b->in.now))
		return err_set(e, COFFER_E_INPUT, "--time %s: not a time like 2027-01-31T00:00:00Z", time);
	b->report_data = wr_open(64);
	if (hex && (!hex_read(span_of(hex), &b->report_data) || !wr_ok(&b->report_data) || b->report_data.n == 0))
		return err_set(e, COFFER_E_INPUT, "--report-data: not hex of 1 to 64 bytes");
	if (hex)
		b->in.report_data = wr_span(&b->report_data);
	return init ? init_digest(init, b, e) : COFFER_OK;
}

static enum coffer_rc load_files(const struct cli *c, struct job *b, struct err *e)
{
	if (cli_opt(c, "collateral"))
		TRY(evidence_files_read(cli_opt(c, "collateral"), false, &b->files, e));
	if (cli_opt(c, "roots"))
		TRY(evidence_files_read(cli_opt(c, "roots"), true, &b->files, e));
	b->in.col = &b->files.col;
	b->in.evidence = wr_span(&b->evidence);
	return COFFER_OK;
}

/* The verdict as the program's end: its reason is printed already. */
static enum coffer_rc end_by(const struct ev_out *o, struct err *e)
{
	const struct ev_check *c = deciding(o);

	switch (o->verdict) {
	case VERDICT_VALID:
		return COFFER_OK;
	case VERDICT_INVALID:
	case VERDICT_STALE:
		return err_deny(e, c ? c->id : "evidence", "%s: expected %s, found %s", verdict_name(o->verdict), c ? c->expected : "", c ? c->found : "");
	case VERDICT_MALFORMED:
		return err_set(e, COFFER_E_INPUT, "malformed: %s", c ? c->found : "");
	case VERDICT_COLLATERAL:
		return err_set(e, COFFER_E_UPSTREAM, "collateral unavailable: %s; give it with --collateral DIR", c ? c->expected : "");
	}
	return COFFER_E_BUG;
}

enum coffer_rc cmd_evidence_appraise(struct cli *c, struct err *e)
{
	CLEANUP(freep) struct job *b = calloc(1, sizeof(*b));
	enum coffer_rc rc;

	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	b->driver = tee_driver_find(span_of(cli_opt(c, "platform")));
	if (!b->driver)
		return err_set(e, COFFER_E_INPUT, "--platform %s: there is no such platform; 'coffer evidence platforms' lists them", cli_opt(c, "platform"));
	rc = file_read_arg(cli_opt(c, "evidence"), EVIDENCE_FILE_MAX, &b->evidence, e);
	rc = rc == COFFER_OK ? bindings(c, b, e) : rc;
	rc = rc == COFFER_OK ? load_files(c, b, e) : rc;
	rc = rc == COFFER_OK ? b->driver->appraise(&b->in, &b->out, e) : rc;
	if (rc == COFFER_OK && c->json)
		rc = print_json(b, false, e);
	else if (rc == COFFER_OK)
		print_text(b);
	rc = rc == COFFER_OK ? end_by(&b->out, e) : rc;
	job_clear(b);
	return rc;
}

/* ---- show ---- */

static const struct tee_driver *recognise(struct span evidence)
{
	const struct tee_driver *d;

	for (size_t i = 0; (d = tee_driver_at(i)); i++)
		if (d->looks_like(evidence))
			return d;
	return NULL;
}

static enum coffer_rc show(struct cli *c, struct job *b, struct err *e)
{
	TRY(file_read_arg(c->pos[0], EVIDENCE_FILE_MAX, &b->evidence, e));
	b->driver = recognise(wr_span(&b->evidence));
	if (!b->driver)
		return err_set(e, COFFER_E_INPUT, "%s: evidence of no platform that this version knows", c->pos[0]);
	b->in.now = -1; /* explaining is not judging: dates are shown, not enforced */
	TRY(load_files(c, b, e));
	TRY(b->driver->appraise(&b->in, &b->out, e));
	if (c->json)
		return print_json(b, true, e);
	print_text(b);
	print_members("values", wr_span(&b->out.values));
	return COFFER_OK;
}

enum coffer_rc cmd_evidence_show(struct cli *c, struct err *e)
{
	CLEANUP(freep) struct job *b = calloc(1, sizeof(*b));
	enum coffer_rc rc;

	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	rc = show(c, b, e);
	job_clear(b);
	return rc;
}

/* ---- test ---- */

const struct opt_spec opts_evidence_test[] = {
	{ "roots", "DIR", "where anchors are sought that the manifest's own folder lacks", false, false },
	{ NULL, NULL, NULL, false, false } };

static enum coffer_rc run_manifest(struct case_run *r, const struct json *list, size_t tally[static 3])
{
	static const char *const word[] = { "ok", "FAILED", "skipped" };

	for (size_t i = 0; i < json_len(list); i++) {
		struct span id = json_str(json_get(json_at(list, i), "id"));
		enum case_result res;

		r->c = json_at(list, i);
		r->why[0] = '\0';
		res = evidence_case(r);
		tally[res]++;
		if (res != CASE_PASSED)
			(void)printf("%-8s %.*s: %s\n", word[res], (int)id.n, (const char *)id.p, r->why);
	}
	return COFFER_OK;
}

enum coffer_rc cmd_evidence_test(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(freep) char *copy = span_dup(span_of(c->pos[0]));
	struct case_run r = { .roots = cli_opt(c, "roots") };
	size_t tally[3] = { 0 };

	if (!copy)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_read_arg(c->pos[0], EVIDENCE_FILE_MAX, &text, e));
	if (json_parse(wr_span(&text), EVIDENCE_FILE_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "%s", c->pos[0]);
	if (json_type(json_root(doc)) != JSON_ARRAY)
		return err_set(e, COFFER_E_INPUT, "%s: a manifest is a list of cases", c->pos[0]);
	r.dir = dirname(copy);
	TRY(run_manifest(&r, json_root(doc), tally));
	(void)printf("%zu passed, %zu failed, %zu skipped\n", tally[CASE_PASSED], tally[CASE_FAILED], tally[CASE_SKIPPED]);
	return tally[CASE_FAILED] == 0 ? COFFER_OK : err_deny(e, "evidence", "%zu cases failed", tally[CASE_FAILED]);
}

enum coffer_rc cmd_evidence_platforms(struct cli *c, struct err *e)
{
	const struct tee_driver *d;

	(void)e;
	if (c->json)
		(void)printf("[");
	for (size_t i = 0; (d = tee_driver_at(i)); i++)
		(void)printf(c->json ? "%s{\"platform\":\"%s\",\"class\":\"%s\"}" : "%s%-14s %s\n", c->json && i > 0 ? "," : "", d->name, d->device_class);
	if (c->json)
		(void)printf("]\n");
	return COFFER_OK;
}
