/* Revocations of the chip, the measurements, the images and their keys of one request. Not kept between requests, as other facts are: each machine asks
 * for its own. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"
#include "cofferd/keep/asking.h"
#include "trust/thing.h"

#define PARTIES_TEXT_MAX 4096

struct reading { const struct registry *r; struct asking *q; struct span parties; };

static enum coffer_rc any(const struct registry *r, bool *yes, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT 1 FROM revoked_thing LIMIT 1");

	return q_row(&q, yes, e);
}

/* Whose word may count: who decides of the asset, the workload's provider, and those of its images. Which of them it is the decision's question. */
static void put_parties(const struct decide_in *in, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_arr(&j);
	jw_text(&j, in->q.path.owner);
	for (size_t i = 0; in->has_asset && i < in->asset.body.n_of; i++)
		jw_text(&j, in->asset.body.of[i]);
	for (size_t i = 0; in->n_workloads > 0 && i < in->workload[0].manifest.n_containers; i++)
		jw_text(&j, in->workload[0].manifest.container[i].image_provider);
	if (in->n_workloads > 0)
		jw_text(&j, in->workload[0].manifest.provider);
	jw_arr_end(&j);
}

/* One of each party; of several of one key the earliest counts, and one that names no time before all. */
static enum coffer_rc add(struct asking *q, const struct fact_revocation *v, struct err *e)
{
	for (size_t i = 0; i < q->in.n_things; i++) {
		struct fact_revocation *had = &q->thing[i];

		if (strcmp(had->issuer, v->issuer) == 0 && span_eq(SPAN(had->target), SPAN(v->target))) {
			had->since = v->since < had->since ? v->since : had->since;
			return COFFER_OK;
		}
	}
	if (q->in.n_things == ASKING_THINGS_MAX)
		return err_set(e, COFFER_E_LIMIT, "registry: more than %d revocations of a machine, its images and their keys bear on one request", ASKING_THINGS_MAX);
	q->thing[q->in.n_things++] = *v;
	return COFFER_OK;
}

static enum coffer_rc read_since(struct span payload, int64_t *since, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct revocation v;

	TRY(statement_parse(payload, &s, e));
	TRY(revocation_read(&s, &v, e));
	*since = v.from;
	return COFFER_OK;
}

static enum coffer_rc read_thing(const struct reading *r, const struct thing *t, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->r->store, "SELECT v.issuer, s.payload FROM revoked_thing v JOIN statement s ON s.id=v.statement"
	    " WHERE v.thing=?1 AND v.issuer IN (SELECT value FROM json_each(?2))"
	    " AND NOT EXISTS(SELECT 1 FROM revoked l WHERE l.target=v.statement AND l.issuer=v.issuer)");

	q_blob(&q, SPAN(t->id));
	q_text(&q, r->parties);
	for (;;) {
		struct fact_revocation v = { .from = 0 };
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		memcpy(v.target, t->id, sizeof(v.target));
		if (!q_col_name(&q, 0, v.issuer, sizeof(v.issuer)))
			return err_set(e, COFFER_E_BUG, "registry: malformed row");
		TRY(read_since(q_col(&q, 1), &v.since, e));
		TRY(add(r->q, &v, e));
	}
}

static enum coffer_rc read_container(const struct reading *r, const struct man_container *c, struct err *e)
{
	struct thing t;

	thing_image(c->image_digest, &t);
	TRY(read_thing(r, &t, e));
	thing_image_key(c->method_key, &t);
	return read_thing(r, &t, e);
}

enum coffer_rc facts_things(const struct registry *r, struct asking *q, struct err *e)
{
	CLEANUP(wr_close) struct wr parties = wr_open(PARTIES_TEXT_MAX);
	struct thing machine[THINGS_MAX];
	size_t n = things_of(q->in.a.hw, machine);
	struct reading reading = { .r = r, .q = q };
	bool some = false;

	q->in.thing = q->thing;
	q->in.n_things = 0;
	TRY(any(r, &some, e));
	if (!some)
		return COFFER_OK;
	put_parties(&q->in, &parties);
	TRY(wr_done(&parties, "parties", e));
	reading.parties = wr_span(&parties);
	for (size_t i = 0; i < n; i++)
		TRY(read_thing(&reading, &machine[i], e));
	for (size_t i = 0; q->in.n_workloads > 0 && i < q->in.workload[0].manifest.n_containers; i++)
		TRY(read_container(&reading, &q->in.workload[0].manifest.container[i], e));
	return COFFER_OK;
}
