/* R9: approvals of k of n parties whose conditions have something in common. */
#include "decide/decide_int.h"

/* All that an approval says but for service and boot image. */
static bool covers(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w)
{
	return decide_approves_platform(in, a) && decide_for(in, a, w) && decide_meets(in, a, w) && decide_assessed(in, a, w) &&
	       (in->held || !a->body.has_uses || a->used < a->body.uses);
}

static bool lists(const struct fact_approval *a, const struct fact_service *s)
{
	for (size_t i = 0; i < a->body.n_services; i++)
		if (span_eq(SPAN(a->body.service[i]), SPAN(s->s.id)))
			return true;
	return false;
}

/* Whether platform, service and boot image are as it says. */
static bool at_place(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a)
{
	return decide_approves_platform(in, a) && decide_listed_service(in, a) && (decide_unmeasured(&in->a) || decide_boot(in, w, a));
}

static bool by(const struct fact_approval *a, const char *party)
{
	return strcmp(a->s.of[0] ? a->s.of : a->s.issuer, party) == 0;
}

/* It is what its party says of this workload on this machine, now: in force. Used up it may be, or wait for something. */
static bool stands(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a)
{
	return decide_for(in, a, w) && !a->s.superseded && in->now < a->s.expires && in->now < a->body.until && !decide_revoked(in, &a->s) && at_place(in, w, a);
}

static bool says_something(const struct decide_in *in, const struct fact_workload *w, const char *party)
{
	for (size_t i = 0; i < in->n_approvals; i++)
		if (by(&in->approval[i], party) && decide_names(in, &in->approval[i]) && stands(in, w, &in->approval[i]))
			return true;
	return false;
}

/* A party's first approval for this service and boot image that is not revoked. Else its first, if nothing else of it stands: who was overruled by the party's own
 * word is not what the release waits for. */
static const struct fact_approval *approval_of(const struct decide_in *in, const struct fact_workload *w,
    const struct decide_set *c, const char *party)
{
	const struct fact_approval *best = NULL;

	for (size_t i = 0; i < in->n_approvals; i++) {
		const struct fact_approval *a = &in->approval[i];

		if (!lists(a, c->service) || (c->boot && !decide_approves_boot(a, c->boot)) || !decide_approves_for(in, a, party) ||
		    !decide_assessed_boot(in, a, c->boot) || !covers(in, a, w))
			continue;
		if (!decide_revoked(in, &a->s))
			return a;
		best = best ? best : a;
	}
	return best && says_something(in, w, party) ? NULL : best;
}

/* k parties, those whose approval is revoked last. 0: not so many; 1: with something revoked; 2: nothing is. */
static unsigned fill(const struct decide_in *in, const struct fact_workload *w, struct decide_set *c)
{
	const struct asset_body *b = &in->asset.body;
	const struct fact_approval *one[ASSET_OWNERS_MAX];
	bool clean = !decide_revoked(in, &c->service->s) && !(c->boot && decide_revoked(in, &c->boot->s));

	for (size_t i = 0; i < b->n_of; i++)
		one[i] = approval_of(in, w, c, b->of[i]);
	for (unsigned revoked = 0; revoked < 2; revoked++)
		for (size_t i = 0; i < b->n_of && c->n < b->k; i++) {
			if (!one[i] || decide_revoked(in, &one[i]->s) != (revoked == 1))
				continue;
			c->approval[c->n++] = one[i];
			clean = clean && !revoked;
		}
	return c->n < b->k ? 0 : clean ? 2 : 1;
}

/* More for what is not revoked, then for one that keeps containers apart. */
static unsigned score(const struct decide_in *in, const struct fact_workload *w, struct decide_set *c)
{
	unsigned got = fill(in, w, c);

	return got ? 2 * got + (c->boot && c->boot->body.enforces & ENFORCES_SCOPING ? 1u : 0u) : 0;
}

bool decide_set(const struct decide_in *in, const struct fact_workload *w, struct decide_set *out)
{
	bool measured = !decide_unmeasured(&in->a);
	struct decide_set best = { 0 };
	unsigned best_score = 0;

	for (size_t s = 0; s < in->n_services; s++) {
		if (!decide_designated(in, &in->service[s]))
			continue;
		for (size_t b = 0; b < (measured ? in->n_boots : 1); b++) {
			struct decide_set c = { .service = &in->service[s], .boot = measured ? &in->boot[b] : NULL };
			unsigned n = measured && !decide_boots(in, w, c.boot) ? 0 : score(in, w, &c);

			if (n <= best_score)
				continue;
			best = c;
			best_score = n;
		}
	}
	if (best_score)
		*out = best;
	return best_score > 0;
}

/* Of the boot images that it accepts and evidence matches, one that was examined as it wants. */
static bool boots_assessed(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a)
{
	if (decide_unmeasured(&in->a))
		return decide_assessed_boot(in, a, NULL);
	for (size_t i = 0; i < in->n_boots; i++)
		if (decide_approves_boot(a, &in->boot[i]) && decide_boots(in, w, &in->boot[i]) && decide_assessed_boot(in, a, &in->boot[i]))
			return true;
	return false;
}

bool decide_consents(const struct decide_in *in, const struct fact_workload *w, const char *party)
{
	for (size_t i = 0; i < in->n_approvals; i++) {
		const struct fact_approval *a = &in->approval[i];

		if (decide_approves_for(in, a, party) && !decide_revoked(in, &a->s) && covers(in, a, w) && decide_listed_service(in, a) &&
		    (decide_unmeasured(&in->a) || decide_boot(in, w, a)) && boots_assessed(in, w, a))
			return true;
	}
	return false;
}

/* What one approval lacks, the nearest miss highest. */
enum miss { MISS_NONE, MISS_WORKLOAD, MISS_SUPERSEDED, MISS_ENDED, MISS_USED, MISS_PLACE, MISS_ASSESSED, MISS_SLOT, MISS_PAUSED, MISS_REVOKED };

static enum miss miss_of(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a)
{
	if (!decide_for(in, a, w))
		return MISS_WORKLOAD;
	if (a->s.superseded)
		return MISS_SUPERSEDED;
	if (in->now >= a->s.expires || in->now >= a->body.until)
		return MISS_ENDED;
	if (a->body.has_uses && a->used >= a->body.uses)
		return MISS_USED;
	if (!decide_meets(in, a, w))
		return MISS_SLOT;
	if (!at_place(in, w, a))
		return decide_assessed(in, a, w) ? MISS_PLACE : MISS_ASSESSED;
	if (!decide_assessed(in, a, w) || !boots_assessed(in, w, a))
		return MISS_ASSESSED;
	if (decide_revoked(in, &a->s))
		return strcmp(decide_state(in, &a->s), "paused") == 0 ? MISS_PAUSED : MISS_REVOKED;
	return MISS_PLACE;
}

/* What stands comes before what does not, whatever either lacks. *how: MISS_NONE without one. */
static const struct fact_approval *nearest(const struct decide_in *in, const struct fact_workload *w, const char *party, enum miss *how)
{
	const struct fact_approval *best = NULL;
	bool best_stands = false;

	*how = MISS_NONE;
	for (size_t i = 0; i < in->n_approvals; i++) {
		const struct fact_approval *a = &in->approval[i];
		bool names = by(a, party) && decide_names(in, a), standing = names && stands(in, w, a);
		enum miss m = names ? miss_of(in, w, a) : MISS_NONE;

		if (!names || standing < best_stands || (standing == best_stands && m <= *how))
			continue;
		*how = m;
		best = a;
		best_stands = standing;
	}
	return best;
}

const struct fact_approval *decide_nearest(const struct decide_in *in, const struct fact_workload *w, const char *party)
{
	enum miss how;

	return nearest(in, w, party, &how);
}

bool decide_replaced_by_new(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a)
{
	return !a->s.of[0] && by(a, in->q.path.owner) && decide_names(in, a) && decide_for(in, a, w) && !a->s.superseded && in->now < a->s.expires && in->now < a->body.until &&
	       !decide_revoked(in, &a->s);
}

bool decide_waits(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a)
{
	return miss_of(in, w, a) == MISS_ASSESSED && at_place(in, w, a);
}

const char *decide_missing(const struct decide_in *in, const struct fact_workload *w, const char *party)
{
	static const char *const words[] = { "has not approved it", "approved another workload", "superseded its approval", "its approval has ended",
		"its approval is used up", "its approval is for another platform, service or boot image",
		"its approval wants an assessment that is not in force, or did not pass",
		"its approval does not name the slot, or what of another owner's fills another", "its approval is paused", "its approval is revoked" };
	enum miss how;

	(void)nearest(in, w, party, &how);
	return words[how];
}
