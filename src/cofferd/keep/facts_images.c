/* The releases of the images that a workload names. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"

static enum coffer_rc add(const struct registry *r, struct q *q, int64_t now, struct facts *out, struct err *e)
{
	struct fact_release *v = &out->release[out->n_releases];

	if (out->n_releases == FACT_RELEASES_MAX)
		return err_set(e, COFFER_E_LIMIT, "registry: more than %d image-release statements bear on one request",
		    FACT_RELEASES_MAX);
	out->n_releases++; /* from here on facts_free clears it */
	TRY(fact_read(r, q, now, &v->s, e));
	TRY(statement_parse(q_col(q, PAYLOAD_COLUMN), &v->st, e));
	TRY(image_release_read(&v->st, &v->body, e));
	return fact_revocations(r, &v->s, out, e);
}

/* A release's subject ends with the digest (registry_subject). */
static enum coffer_rc read_releases(const struct registry *r, const struct man_container *c, int64_t now, struct facts *out,
    struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT " FACT_COLUMNS " FROM statement s WHERE" FACT_LIVES
	                                               " AND s.kind=? AND s.issuer=? AND substr(s.subject, -32)=?");

	q_i64(&q, now);
	q_i64(&q, ST_IMAGE_RELEASE);
	q_text(&q, span_of(c->image_provider));
	q_blob(&q, SPAN(c->image_digest));
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(add(r, &q, now, out, e));
	}
}

/* Containers of one image ask once. */
static bool asked(const struct manifest *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(m->container[i].image_provider, m->container[n].image_provider) == 0 &&
		    span_eq(SPAN(m->container[i].image_digest), SPAN(m->container[n].image_digest)))
			return true;
	return false;
}

/* All workloads of one init-data have one manifest: the init-data holds it. */
enum coffer_rc facts_images(const struct registry *r, int64_t now, struct facts *out, struct err *e)
{
	const struct manifest *m = &out->workload[0].manifest;
	struct fact_release *less;

	if (out->n_workloads == 0 || !m->container)
		return COFFER_OK;
	out->release = calloc(FACT_RELEASES_MAX, sizeof(*out->release));
	if (!out->release)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	for (size_t i = 0; i < m->n_containers; i++)
		if (!asked(m, i))
			TRY(read_releases(r, &m->container[i], now, out, e));
	less = realloc(out->release, (out->n_releases + 1) * sizeof(*less));
	out->release = less ? less : out->release;
	return COFFER_OK;
}
