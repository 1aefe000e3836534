/* R8: every image of the pod is one that its named provider, or a delegate of its, released. */
#include <inttypes.h>

#include "decide/decide_int.h"
#include "fmt/enc.h"

/* By the provider that the manifest names for it, or by whom that one lets verify its images, under the name that the manifest has it by: a delegate's scope is of
 * names; of exactly this content. */
static bool releases(const struct decide_in *in, const struct fact_release *r, const struct man_container *c)
{
	return span_eq(SPAN(r->body.digest), SPAN(c->image_digest)) && decide_stands(&r->s, in->now) &&
	       decide_speaks(in, &r->s, c->image_provider) && (!r->s.of[0] || man_container_of(c, r->body.repository));
}

/* The first predicate type that the manifest requires and the release does not list; empty: none. */
static struct span lacks(const struct fact_release *r, const struct man_container *c)
{
	for (size_t i = 0; i < json_len(c->attestations); i++)
		if (!image_release_attests(&r->body, json_str(json_at(c->attestations, i))))
			return json_str(json_at(c->attestations, i));
	return (struct span){ 0 };
}

/* What the releases that there are fall short of, for who reads the refusal. */
struct wants {
	bool        any;  /* there is a release, whatever it offers */
	struct span lack; /* a predicate type that none lists; empty: none is missing */
	bool        low;  /* one states a security version below the least */
	uint64_t    best; /* the highest of those */
};

/* All that the manifest asks of its provider's release of this content. */
static bool suffices(const struct fact_release *r, const struct man_container *c, struct wants *w)
{
	struct span lack = lacks(r, c);

	w->any = true;
	if (!image_release_offers(&r->body, c->method_type, c->method_key))
		return false;
	if (lack.n > 0) {
		w->lack = lack;
		return false;
	}
	if (r->body.version < c->image_minimum) {
		w->low = true;
		w->best = r->body.version > w->best ? r->body.version : w->best;
		return false;
	}
	return true;
}

/* One that is not revoked first, nor of a key that is. */
static const struct fact_release *find_release(const struct decide_in *in, const struct manifest *m, const struct man_container *c, struct wants *w)
{
	const struct fact_release *best = NULL;

	for (size_t i = 0; i < in->n_releases; i++) {
		const struct fact_release *r = &in->release[i];

		if (!releases(in, r, c) || !suffices(r, c, w))
			continue;
		if (!decide_revoked(in, &r->s) && !decide_key_revoked(in, m, c, r))
			return r;
		best = best ? best : r;
	}
	return best;
}

/* The image is older than what was agreed on. To call the same content newer is for nobody: another image is named. */
static void explain_low(const struct manifest *of, const struct man_container *m, uint64_t best, struct check *c)
{
	char digest[HEX32_LEN];

	hex32(m->image_digest, digest);
	SET(c->expected, "image %.16s released by %s as security version %" PRIu64 " or later, as the manifest requires", digest, m->image_provider, m->image_minimum);
	SET(c->found, "%s's release of image %.16s states security version %" PRIu64 ", and the manifest wants %" PRIu64 " or later", m->image_provider, digest, best, m->image_minimum);
	SET(c->who, "%s, with a newer image of %.40s", of->provider, m->image_provider);
	SET(c->command, "coffer workload build POD.yaml --out DIR");
}

static void explain(const struct manifest *of, const struct man_container *m, const struct wants *w, struct check *c)
{
	char digest[HEX32_LEN];

	if (w->low) {
		explain_low(of, m, w->best, c);
		return;
	}
	hex32(m->image_digest, digest);
	SET(c->who, "%s", m->image_provider);
	decide_mend_release(m, NULL, c);
	if (w->lack.n > 0)
		SET(c->found, "%s's release of image %.16s lists no attestation of type %.*s, which the manifest requires", m->image_provider, digest,
		    (int)w->lack.n, (const char *)w->lack.p);
	else if (w->any)
		SET(c->found, "%s's release of image %.16s does not offer the method and key that the manifest requires", m->image_provider,
		    digest);
	else
		SET(c->found, "%s has no release in force of image %.16s", m->image_provider, digest);
}

/* Words of decisions that are on record stay as they are where no minimum is asked. */
static void found_all(const struct manifest *m, struct check *c)
{
	bool least = false;

	for (size_t i = 0; i < m->n_containers; i++)
		least = least || m->container[i].image_minimum > 0;
	if (least)
		SET(c->expected, "each image released by its named provider, with the verification and at the least security version that the manifest requires");
	SET(c->found, "a release for each of %zu container%s%s; what runs is checked by measured agent", m->n_containers,
	    m->n_containers == 1 ? "" : "s", least ? ", at its minimum" : "");
}

/* Who verified, where that is not the provider itself: each delegate once. */
static void say_delegates(const struct decision *d, struct check *c)
{
	const struct manifest *m = &d->workload->manifest;

	for (size_t i = 0; i < m->n_containers; i++) {
		const struct fact *f = &d->release[i]->s;
		size_t at = strlen(c->found);
		bool said = !f->of[0];

		for (size_t k = 0; k < i; k++)
			said = said || (strcmp(d->release[k]->s.issuer, f->issuer) == 0 && strcmp(d->release[k]->s.of, f->of) == 0);
		if (!said && at < sizeof(c->found))
			(void)snprintf(c->found + at, sizeof(c->found) - at, "; %s verified for %s, by its delegation", f->issuer, f->of);
	}
}

void decide_images(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 8, SEES_OWNER | SEES_PROVIDER);
	const struct manifest *m = d->workload ? &d->workload->manifest : NULL;

	SET(c->expected, "each image released by its named provider, with the verification that the manifest requires");
	SET(c->who, "%s", m ? m->provider : "the workload's provider");
	SET(c->found, DECIDE_NO_WORKLOAD);
	for (size_t i = 0; m && i < m->n_containers; i++) {
		struct wants w = { .any = false };

		d->release[i] = find_release(in, m, &m->container[i], &w);
		if (d->release[i])
			continue;
		explain(m, &m->container[i], &w, c);
		return;
	}
	c->holds = m && m->n_containers > 0;
	if (!c->holds)
		return;
	found_all(m, c);
	say_delegates(d, c);
}
