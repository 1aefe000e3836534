/* What auditors found of the workloads, images and boot images in question, as far as approvals want it. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"

static bool have(const struct facts *f, const char *by, enum assessed about, const uint8_t digest[static 32])
{
	for (size_t i = 0; i < f->n_assessments; i++)
		if (strcmp(f->assessment[i].s.issuer, by) == 0 && f->assessment[i].about == about &&
		    span_eq(SPAN(f->assessment[i].digest), (struct span){ digest, 32 }))
			return true;
	return false;
}

struct want { const char *by; enum assessed about; int64_t now; };

/* The newest of that auditor about that thing. */
static enum coffer_rc read_one(const struct registry *r, const struct want *w, const uint8_t digest[static 32], struct facts *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT " FACT_COLUMNS " FROM statement s WHERE" FACT_LIVES " AND s.kind=? AND s.issuer=? AND s.subject=?");
	CLEANUP(statement_clear) struct statement st = { 0 };
	CLEANUP(wr_close) struct wr name = wr_open((size_t)2 * ASSESSMENT_SUBJECT_MAX);
	char subject[ASSESSMENT_SUBJECT_MAX];
	struct fact_assessment *to = &out->assessment[out->n_assessments];
	struct assessment a;
	bool row = false;

	if (have(out, w->by, w->about, digest))
		return COFFER_OK;
	if (out->n_assessments == FACT_ASSESSMENTS_MAX)
		return COFFER_OK; /* one that is not read did not pass; others' approvals are not to suffer */
	assessment_subject(w->about, digest, subject);
	wr_blob32(&name, span_of(subject));
	TRY(wr_done(&name, "subject", e));
	q_i64(&q, w->now);
	q_i64(&q, ST_ASSESSMENT);
	q_text(&q, span_of(w->by));
	q_blob(&q, wr_span(&name));
	TRY(q_row(&q, &row, e));
	if (!row)
		return COFFER_OK;
	TRY(fact_read(r, &q, w->now, &to->s, e));
	TRY(statement_parse(q_col(&q, PAYLOAD_COLUMN), &st, e));
	TRY(assessment_read(&st, &a, e));
	to->about = a.about;
	to->passed = a.passed;
	memcpy(to->digest, a.digest, sizeof(to->digest));
	out->n_assessments++;
	return fact_revocations(r, &to->s, out, e);
}

static enum coffer_rc read_wanted(const struct registry *r, const struct want *w, struct facts *out, struct err *e)
{
	const struct manifest *m = &out->workload[0].manifest;

	for (size_t i = 0; w->about == ASSESSED_BOOT_IMAGE && i < out->n_boots; i++)
		TRY(read_one(r, w, out->boot[i].s.id, out, e));
	if (w->about == ASSESSED_WORKLOAD)
		TRY(read_one(r, w, m->digest, out, e));
	for (size_t i = 0; w->about == ASSESSED_IMAGE && i < m->n_containers; i++)
		TRY(read_one(r, w, m->container[i].image_digest, out, e));
	return COFFER_OK;
}

/* All workloads of one init-data have one manifest: the init-data holds it. */
enum coffer_rc facts_assessments(const struct registry *r, int64_t now, struct facts *out, struct err *e)
{
	for (size_t i = 0; out->n_workloads > 0 && i < out->n_approvals; i++) {
		const struct approval *a = &out->approval[i].body;

		for (size_t k = 0; k < a->n_assessed; k++)
			TRY(read_wanted(r, &(struct want){ a->assessed[k].by, a->assessed[k].about, now }, out, e));
	}
	return COFFER_OK;
}
