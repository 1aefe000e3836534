/* coffer evidence show, test, platforms: explaining evidence by hand, offline. */
#include <libgen.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_case.h"
#include "cli/confined.h"
#include "cli/evidence_job.h"
#include "cli/verbs.h"
#include "judge/evidence.h"
#include "os/file.h"

const struct opt_spec opts_evidence_show[] = {
	{ "collateral", "DIR", "certificates, revocation lists and vendor JSON; recognised by content", false, false },
	{ "roots", "DIR", "further root certificates, beside the pinned ones", false, false },
	{ NULL, NULL, NULL, false, false } };

/* ---- show ---- */

static const struct tee_driver *recognise(struct span evidence)
{
	const struct tee_driver *d;

	for (size_t i = 0; (d = tee_driver_at(i)); i++)
		if (d->looks_like(evidence))
			return d;
	return NULL;
}

static enum coffer_rc print_json(const struct evidence_job *b, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_OUT_MAX);
	struct json_wr j = jw_open(&w, true);

	jw_obj(&j);
	TRY(evidence_put_verdict(&j, b->driver, &b->out, e));
	TRY(evidence_put_object(&j, "values", wr_span(&b->out.values), e));
	jw_obj_end(&j);
	TRY(wr_done(&w, "verdict", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

struct show_job { const struct cli *c; struct evidence_job *b; };

/* In a child: who shows evidence was often sent it. */
static enum coffer_rc show(void *arg, struct err *e)
{
	const struct cli *c = ((struct show_job *)arg)->c;
	struct evidence_job *b = ((struct show_job *)arg)->b;

	b->driver = recognise(wr_span(&b->evidence));
	if (!b->driver)
		return err_set(e, COFFER_E_INPUT, "%s: evidence of no platform that this version knows", c->pos[0]);
	b->in.now = -1; /* explaining is not judging: dates are shown, not enforced */
	TRY(evidence_job_parse(b, e));
	TRY(b->driver->appraise(&b->in, &b->out, e));
	if (c->json)
		return print_json(b, e);
	evidence_print_verdict(b->driver, &b->out);
	evidence_print_members("values", wr_span(&b->out.values));
	return COFFER_OK;
}

enum coffer_rc cmd_evidence_show(struct cli *c, struct err *e)
{
	CLEANUP(freep) struct evidence_job *b = calloc(1, sizeof(*b));
	enum coffer_rc rc;

	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	rc = file_read_arg(c->pos[0], EVIDENCE_FILE_MAX, &b->evidence, e);
	rc = rc == COFFER_OK ? evidence_job_files(c, b, e) : rc;
	evidence_warm();
	rc = rc == COFFER_OK ? confined(show, &(struct show_job){ c, b }, e) : rc;
	evidence_job_clear(b);
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
		else if (r->left[0])
			(void)printf("%-8s %.*s: left out: %s\n", word[res], (int)id.n, (const char *)id.p, r->left);
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
