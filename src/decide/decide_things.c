/* R11: what is no statement and can be revoked all the same. */
#include "decide/decide_int.h"
#include "trust/thing.h"

#define TEXT_SHOWN 120 /* bytes of a thing in a sentence */

static bool counts(const struct decide_in *in, const struct manifest *m, const char *by)
{
	return decide_owns(in, by) || (m && strcmp(by, m->provider) == 0);
}

/* By whom; also: another whose word counts, "" nobody. */
static const char *revoked_by(const struct decide_in *in, const struct manifest *m, const struct thing *t, const char *also)
{
	for (size_t i = 0; i < in->n_things; i++) {
		const struct fact_revocation *r = &in->thing[i];

		if (span_eq(SPAN(r->target), SPAN(t->id)) && fact_bears(r, in->now) && (counts(in, m, r->issuer) || strcmp(r->issuer, also) == 0))
			return r->issuer;
	}
	return NULL;
}

const char *decide_key_revoked(const struct decide_in *in, const struct manifest *m, const struct man_container *c, const struct fact_release *rel)
{
	struct thing key;

	if (in->n_things == 0)
		return NULL;
	thing_image_key(c->method_key, &key);
	for (size_t i = 0; i < in->n_things; i++) {
		const struct fact_revocation *r = &in->thing[i];
		bool heard = counts(in, m, r->issuer) || strcmp(r->issuer, c->image_provider) == 0;

		if (heard && span_eq(SPAN(r->target), SPAN(key.id)) && fact_bears(r, in->now) && !(rel && rel->s.logged < r->since))
			return r->issuer;
	}
	return NULL;
}

static bool say(const struct thing *t, const char *by, struct check *c)
{
	if (!by)
		return true;
	c->holds = false;
	SET(c->found, "%.*s is revoked by %s", TEXT_SHOWN, t->text, by);
	SET(c->who, "%s", t->kind == THING_CHIP	       ? "whoever runs it, on another machine,"
			  : t->kind == THING_IMAGE ? "the workload's provider, with another image,"
			  : t->kind == THING_IMAGE_KEY ? "the image's provider, with another key, and the workload's with that,"
						   : "the workload's provider, with another boot image,");
	return false;
}

/* Of the release that the decision goes by. */
static bool key_holds(const struct decide_in *in, const struct decision *d, size_t i, struct check *c)
{
	const struct manifest *m = &d->workload->manifest;
	const char *by = decide_key_revoked(in, m, &m->container[i], d->release[i]);
	struct thing key;

	if (!by)
		return true;
	thing_image_key(m->container[i].method_key, &key);
	return say(&key, by, c);
}

bool decide_things(const struct decide_in *in, const struct decision *d, struct check *c)
{
	const struct manifest *m = d->workload ? &d->workload->manifest : NULL;
	struct thing machine[THINGS_MAX];
	size_t n = c->holds ? things_of(in->a.hw, machine) : 0;

	for (size_t i = 0; i < n; i++)
		if (!say(&machine[i], revoked_by(in, m, &machine[i], ""), c))
			return false;
	for (size_t i = 0; c->holds && m && i < m->n_containers; i++) {
		struct thing image;

		thing_image(m->container[i].image_digest, &image);
		if (!say(&image, revoked_by(in, m, &image, m->container[i].image_provider), c) || !key_holds(in, d, i, c))
			return false;
	}
	return c->holds;
}
