/* What an approval that is about to be given does to those that are there: read before it is signed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/approve_replaces.h"
#include "fmt/enc.h"
#include "trust/approval_diff.h"

struct replaces { const struct approval *is; const struct draft *d; };

static void tell(void *arg, enum diff_way way, const char *where, const char *what)
{
	size_t *n = arg;

	(void)where;
	(*n)++;
	(void)fprintf(stderr, "  %-9s %s\n", diff_way_name(way), what);
}

/* Serials count per subject: the assets in their order, and the workload. */
static bool same_subjects(const struct draft *d, const struct statement *s)
{
	bool same = d->n_subjects == s->n_subjects;

	for (size_t i = 0; same && i < s->n_subjects; i++)
		same = span_eq(d->subject[i].name, s->subject[i].name);
	return same;
}

static bool meets(const struct approval *a, const struct approval *b)
{
	for (size_t i = 0; i < a->n_assets; i++)
		for (size_t k = 0; k < b->n_assets; k++)
			if (asset_path_eq(&a->asset[i], &b->asset[k]))
				return true;
	return false;
}

static void tell_one(const struct replaces *r, const struct statement *s, const struct approval *was)
{
	char id[HEX32_LEN], issued[CLOCK_TEXT_LEN];
	size_t n = 0;

	hex32(s->id, id);
	clock_text(s->issued, issued);
	if (same_subjects(r->d, s)) {
		(void)fprintf(stderr, "replaces your approval %s of %s, of the same workload and assets:\n", id, issued);
		approval_diff(was, r->is, tell, &n);
		if (n == 0)
			(void)fprintf(stderr, "  the same in every word\n");
		return;
	}
	(void)fprintf(stderr, "your approval %s of %s, of this workload too, stays in force beside this one ('coffer revoke %s' ends it):\n", id, issued, id);
	for (size_t i = 0; i < was->n_assets; i++)
		(void)fprintf(stderr, "  asset     %s\n", was->asset[i].text);
}

static enum coffer_rc take(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct approval *was = calloc(1, sizeof(*was));
	const struct replaces *r = arg;

	(void)env;
	if (!was)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(approval_read(s, was, e));
	if (span_eq(SPAN(was->workload), SPAN(r->is->workload)) && meets(was, r->is))
		tell_one(r, s, was);
	return COFFER_OK;
}

/* As it will be read once it is logged. */
static enum coffer_rc read_draft(const struct draft *d, struct approval *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct statement s = { .kind = ST_APPROVAL, .n_subjects = d->n_subjects };

	memcpy(s.subject, d->subject, sizeof(s.subject));
	TRY(json_parse(d->body, DSSE_PAYLOAD_MAX, &doc, e));
	s.body = json_root(doc);
	return approval_read(&s, out, e);
}

enum coffer_rc approve_replaces(const struct asker *me, const struct draft *d, struct err *e)
{
	CLEANUP(freep) struct approval *is = calloc(1, sizeof(*is));
	CLEANUP(wr_close) struct wr q = wr_open(64u << 10);
	CLEANUP(freep) char *query = NULL;
	struct replaces r = { .is = is, .d = d };

	if (!is)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(read_draft(d, is, e));
	wr_fmt(&q, "kind=approval&issuer=%s&subject=", me->h->party);
	query_encode(&q, d->subject[d->n_subjects - 1].name);
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return statements_query(NULL, me->h, me->key, me->conn, query, take, &r, e);
}
