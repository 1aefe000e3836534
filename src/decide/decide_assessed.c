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

bool decide_unassessed(const struct decide_in *in, const struct wants_assessed *of, const struct fact_workload *w, const struct fact_boot *b, uint8_t digest[static 32])
{
	const uint8_t *lacks = NULL;

	memset(digest, 0, 32);
	if (of->about == ASSESSED_BOOT_IMAGE && !b)
		return true;
	if (of->about != ASSESSED_IMAGE)
		lacks = of->about == ASSESSED_WORKLOAD ? w->manifest.digest : b->s.id;
	for (size_t i = 0; of->about == ASSESSED_IMAGE && !lacks && i < w->manifest.n_containers; i++)
		lacks = passed(in, of, w->manifest.container[i].image_digest) ? NULL : w->manifest.container[i].image_digest;
	if (!lacks || passed(in, of, lacks))
		return false;
	memcpy(digest, lacks, 32);
	return true;
}
