/* A decision's trace in one form, so that two of them can be told apart by a digest; and what it looked at beside what it rests on. */
#include "decide/decide_int.h"

#include "base/own.h"
#include "base/wr.h"
#include "crypto/hash.h"

/* ---- words ---- */

static void put_check(const struct check *c, struct wr *w)
{
	wr_blob32(w, span_of(c->id));
	wr_u8(w, c->holds);
	wr_blob32(w, span_of(c->expected));
	wr_blob32(w, span_of(c->found));
}

enum coffer_rc decision_digest(const struct decision *d, uint8_t out[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(sizeof(struct check) * DECIDE_CHECKS_MAX);

	wr_str(&w, "coffer trace v1");
	wr_u8(&w, 0);
	for (size_t i = 0; i < d->n; i++)
		put_check(&d->check[i], &w);
	TRY(wr_done(&w, "trace", e));
	sha256(wr_span(&w), out);
	return COFFER_OK;
}

/* ---- what else was looked at ---- */

static void add(struct beside *b, const uint8_t id[static 32])
{
	for (size_t i = 0; i < b->n; i++)
		if (span_eq(SPAN(b->id[i]), (struct span){ id, 32 }))
			return;
	b->more = b->more || b->n == DECIDE_BESIDE_MAX;
	if (b->n < DECIDE_BESIDE_MAX)
		memcpy(b->id[b->n++], id, 32);
}

static void add_links(const struct decide_in *in, const struct fact *f, struct beside *out)
{
	struct chain c[2];

	if (!f->of[0] || !decide_chains(in, f, false, c))
		return;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < c[k].all; i++)
			add(out, c[k].link[i]->s.id);
}

static bool of_this(const struct decision *d, const struct fact_assessment *a)
{
	const struct manifest *m = &d->workload->manifest;
	bool yes = a->about == ASSESSED_WORKLOAD && span_eq(SPAN(a->digest), SPAN(m->digest));

	yes = yes || (a->about == ASSESSED_BOOT_IMAGE && d->boot && span_eq(SPAN(a->digest), SPAN(d->boot->s.id)));
	for (size_t i = 0; a->about == ASSESSED_IMAGE && i < m->n_containers; i++)
		yes = yes || span_eq(SPAN(a->digest), SPAN(m->container[i].image_digest));
	return yes;
}

static void add_assessments(const struct decide_in *in, const struct decision *d, const struct approval *a, struct beside *out)
{
	for (size_t i = 0; i < a->n_assessed; i++)
		for (size_t k = 0; k < in->n_assessments; k++)
			if (in->assessment[k].about == a->assessed[i].about && strcmp(in->assessment[k].s.issuer, a->assessed[i].by) == 0 &&
			    of_this(d, &in->assessment[k]))
				add(out, in->assessment[k].s.id);
}

void decision_beside(const struct decide_in *in, const struct decision *d, struct beside *out)
{
	*out = (struct beside){ .n = 0 };
	if (!d->workload)
		return;
	for (size_t i = 0; i < in->n_tcbs; i++)
		if (decide_tcb_applies(in, d->workload, &in->tcb[i]))
			add(out, in->tcb[i].s.id);
	if (d->boot)
		add_links(in, &d->boot->s, out);
	if (d->service)
		add_links(in, &d->service->s, out);
	for (size_t i = 0; i < d->workload->manifest.n_containers; i++)
		if (d->release[i])
			add_links(in, &d->release[i]->s, out);
	for (size_t i = 0; i < d->n_approvals; i++) {
		const struct fact_approval *a = d->approval[i];

		add_links(in, &a->s, out);
		add_assessments(in, d, &a->body, out);
		if (a->has_wider && !span_eq(SPAN(a->body.workload), SPAN(d->workload->manifest.digest)))
			add(out, a->wider);
	}
	for (size_t i = 0; i < in->n_bindings; i++) /* the others it rests on */
		if (!decide_binds(in, d->workload, &in->binding[i]))
			add(out, in->binding[i].s.id);
}
