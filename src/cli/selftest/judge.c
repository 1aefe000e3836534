#include "cli/selftest/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/confined.h"
#include "cli/evidence_job.h"
#include "evidence/rim.h"
#include "judge/evidence.h"

void selftest_judge_begin(void)
{
	evidence_warm();
}

/* ---- the appraisal ---- */

/* A TPM's are its claims. */
static enum coffer_rc put_pcrs(struct json_wr *j, const struct ev_out *o, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *claims;

	if (o->facts.n_regs > 0 || o->claims.n == 0)
		return COFFER_OK;
	TRY(json_parse(wr_span(&o->claims), BUNDLE_VERDICT_MAX, &doc, e));
	claims = json_root(doc);
	for (size_t i = 0; i < json_len(claims); i++)
		if (json_name(claims, i).n == 5 && span_starts(json_name(claims, i), "pcr")) {
			jw_namen(j, json_name(claims, i));
			jw_value(j, json_at(claims, i));
		}
	return COFFER_OK;
}

static enum coffer_rc put(const struct tee_driver *d, const struct ev_out *o, struct wr *text, struct err *e)
{
	struct json_wr j = jw_open(text, false);

	jw_obj(&j);
	TRY(evidence_put_verdict(&j, d, o, e));
	jw_name(&j, "registers");
	jw_obj(&j);
	for (size_t i = 0; i < o->facts.n_regs; i++)
		jw_m_hex(&j, o->facts.reg[i].name, (struct span){ o->facts.reg[i].v, o->facts.reg[i].n });
	TRY(put_pcrs(&j, o, e));
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(text, "verdict", e);
}

enum coffer_rc selftest_appraise(const struct bundle *b, const struct bundle_item *i, enum verdict *v, struct wr *text, struct err *e)
{
	const struct tee_driver *d = tee_driver_find(span_of(i->platform));
	CLEANUP(collateral_clear) struct collateral col = { .manifests = rim_manifest };
	struct ev_in in = { .evidence = wr_span(&i->evidence), .col = &col, .now = b->time, .report_data = wr_span(&i->report_data) };
	CLEANUP(ev_out_clear) struct ev_out out = { 0 };

	if (!d)
		return err_set(e, COFFER_E_INPUT, "platform %s is none that this version knows", i->platform);
	for (size_t k = 0; k < b->n_files; k++)
		TRY(collateral_add(wr_span(&b->file[k].bytes), b->file[k].root, &col, e));
	TRY(d->appraise(&in, &out, e));
	*v = out.verdict;
	return put(d, &out, text, e);
}

/* ---- apart ---- */

struct job { const struct bundle *b; const struct bundle_item *i; };

/* One letter for the verdict, then its text. */
static enum coffer_rc speak(void *arg, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(BUNDLE_VERDICT_MAX);
	const struct job *j = arg;
	enum verdict v;

	TRY(selftest_appraise(j->b, j->i, &v, &text, e));
	if (putchar('a' + (int)v) == EOF || fwrite(text.p, 1, text.n, stdout) != text.n)
		return err_set(e, COFFER_E_SYSTEM, "the verdict does not fit");
	return COFFER_OK;
}

/* One that was broken into by its evidence can say what it likes of that evidence, and nothing else. */
enum coffer_rc selftest_judge(const struct bundle *b, const struct bundle_item *i, enum verdict *v, struct wr *text, struct err *e)
{
	CLEANUP(wr_close) struct wr all = { 0 };
	struct job j = { b, i };

	TRY(confined_text(speak, &j, &all, e));
	if (all.n < 2 || all.p[0] < 'a' + VERDICT_VALID || all.p[0] > 'a' + VERDICT_COLLATERAL)
		return err_set(e, COFFER_E_SYSTEM, "the appraisal says no verdict");
	*v = (enum verdict)(all.p[0] - 'a');
	*text = wr_open(BUNDLE_VERDICT_MAX);
	wr_put(text, span_skip(wr_span(&all), 1));
	return wr_done(text, "verdict", e);
}
