/* R9: what an approval wants examined by somebody else first. */
#include "decide/decide_int.h"

static bool passed(const struct decide_in *in, const struct wants_assessed *w, const uint8_t digest[static 32])
{
	for (size_t i = 0; i < in->n_assessments; i++) {
		const struct fact_assessment *a = &in->assessment[i];

		if (a->about == w->about && strcmp(a->s.issuer, w->by) == 0 && span_eq(SPAN(a->digest), (struct span){ digest, 32 }))
			return a->passed && decide_stands(&a->s, in->now) && !decide_revoked(in, &a->s);
	}
	return false;
}

static bool images_passed(const struct decide_in *in, const struct wants_assessed *w, const struct manifest *m)
{
	bool all = m->n_containers > 0;

	for (size_t i = 0; all && i < m->n_containers; i++)
		all = passed(in, w, m->container[i].image_digest);
	return all;
}

bool decide_assessed(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w)
{
	bool all = true;

	for (size_t i = 0; all && i < a->body.n_assessed; i++) {
		const struct wants_assessed *x = &a->body.assessed[i];

		all = x->about == ASSESSED_BOOT_IMAGE || (x->about == ASSESSED_WORKLOAD ? passed(in, x, w->manifest.digest) : images_passed(in, x, &w->manifest));
	}
	return all;
}

/* Where no boot image is measured none was examined. */
bool decide_assessed_boot(const struct decide_in *in, const struct fact_approval *a, const struct fact_boot *b)
{
	bool all = true;

	for (size_t i = 0; all && i < a->body.n_assessed; i++)
		all = a->body.assessed[i].about != ASSESSED_BOOT_IMAGE || (b && passed(in, &a->body.assessed[i], b->s.id));
	return all;
}
