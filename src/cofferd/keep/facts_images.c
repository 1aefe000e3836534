/* The releases of the images that a workload names. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"

static enum coffer_rc add(const struct registry *r, struct q *q, const char *provider, int64_t now, struct facts *out, struct err *e)
{
	struct fact_release *v = &out->release[out->n_releases];

	if (out->n_releases == FACT_RELEASES_MAX)
		return err_set(e, COFFER_E_LIMIT, "registry: more than %d image-release statements bear on one request",
		    FACT_RELEASES_MAX);
	out->n_releases++; /* from here on facts_free clears it */
	TRY(fact_read(r, q, now, &v->s, e));
	fact_for(r, &v->s, provider, now);
	TRY(statement_parse(q_col(q, PAYLOAD_COLUMN), &v->st, e));
	TRY(image_release_read(&v->st, &v->body, e));
	return fact_revocations(r, &v->s, out, e);
}

/* A release's subject ends with the digest (registry_subject). */
static struct q by_digest(const struct registry *r, const struct man_container *c, int64_t now)
{
	struct q q = q_open(r->store, "SELECT " FACT_COLUMNS " FROM statement s INDEXED BY statement_digest WHERE" FACT_LIVES " AND s.kind=4 AND s.issuer=? AND substr(s.subject, -32)=?");

	_Static_assert(ST_IMAGE_RELEASE == 4, "the number above, by which its index is found");
	q_i64(&q, now);
	q_text(&q, span_of(c->image_provider));
	q_blob(&q, SPAN(c->image_digest));
	return q;
}

static enum coffer_rc read_releases(const struct registry *r, const struct man_container *c, int64_t now, struct facts *out,
    struct err *e)
{
	CLEANUP(q_close) struct q q = by_digest(r, c, now);

	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(add(r, &q, c->image_provider, now, out, e));
	}
}

/* ---- by delegates ---- */

/* Of that image under the name that the manifest has it by, since of delegates no other counts (decide_images.c): at most one is in force. */
static enum coffer_rc read_delegated(const struct registry *r, const struct man_container *c, const char *delegate, size_t most, struct facts *out,
    struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(r->store, "SELECT " FACT_COLUMNS " FROM statement s WHERE" FACT_LIVES " AND s.kind=? AND s.issuer=? AND s.subject=?");
	CLEANUP(wr_close) struct wr subject = wr_open(ST_SUBJECT_NAME_MAX + 64);
	bool row = false;

	wr_blob32(&subject, man_container_name(c));
	wr_blob32(&subject, SPAN(c->image_digest));
	if (out->n_releases >= most || !wr_ok(&subject)) /* no release has so long a name */
		return COFFER_OK;
	q_i64(&q, out->now);
	q_i64(&q, ST_IMAGE_RELEASE);
	q_text(&q, span_of(delegate));
	q_blob(&q, wr_span(&subject));
	TRY(q_row(&q, &row, e));
	return row ? add(r, &q, c->image_provider, out->now, out, e) : COFFER_OK;
}

static bool of_provider(const struct fact_delegation *d, const char *provider)
{
	return d->body.role == ROLE_VERIFICATION && strcmp(d->body.of, provider) == 0;
}

/* Once a provider, whatever images it has here. */
static enum coffer_rc need_links(const struct registry *r, const char *provider, int64_t now, struct facts *out, struct err *e)
{
	for (size_t i = 0; i < out->n_delegations; i++)
		if (of_provider(&out->delegation[i], provider))
			return COFFER_OK;
	return fact_links(r, &(struct links_question){ provider, ROLE_VERIFICATION, now }, out, e);
}

/* Each delegate once, whatever chains lead to it, in the order of its links: nobody who lends on hides whom the provider lets itself. most: places, those that are taken among them. */
static enum coffer_rc read_delegates(const struct registry *r, const struct man_container *c, size_t most, struct facts *out, struct err *e)
{
	TRY(need_links(r, c->image_provider, out->now, out, e));
	for (size_t i = 0; i < out->n_delegations; i++) {
		const char *to = out->delegation[i].body.to;
		bool seen = !of_provider(&out->delegation[i], c->image_provider);

		for (size_t k = 0; k < i; k++)
			seen = seen || (of_provider(&out->delegation[k], c->image_provider) && strcmp(out->delegation[k].body.to, to) == 0);
		if (!seen)
			TRY(read_delegated(r, c, to, most, out, e));
	}
	return COFFER_OK;
}

/* Containers of one image ask once; of delegates, whose names count, those that have it by one name. */
static bool asked(const struct manifest *m, size_t n, bool named)
{
	const struct man_container *c = &m->container[n];

	for (size_t i = 0; i < n; i++)
		if (strcmp(m->container[i].image_provider, c->image_provider) == 0 && span_eq(SPAN(m->container[i].image_digest), SPAN(c->image_digest)) &&
		    (!named || man_container_of(&m->container[i], man_container_name(c))))
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
		if (!asked(m, i, false))
			TRY(read_releases(r, &m->container[i], now, out, e));
	for (size_t i = 0; i < m->n_containers; i++) /* after all of the providers' own: these are not left out for want of room */
		if (!asked(m, i, true)) /* an equal part of what is left for each: one provider's delegates take none of another's */
			TRY(read_delegates(r, &m->container[i], out->n_releases + (FACT_RELEASES_MAX - out->n_releases) / (m->n_containers - i), out, e));
	less = realloc(out->release, (out->n_releases + 1) * sizeof(*less));
	out->release = less ? less : out->release;
	return COFFER_OK;
}
