/* R8: every image of the pod is one that its named provider released. */
#include "decide/decide_int.h"
#include "fmt/enc.h"

/* By the provider that the manifest names for it, of exactly this content. */
static bool releases(const struct decide_in *in, const struct fact_release *r, const struct man_container *c)
{
	return strcmp(r->s.issuer, c->image_provider) == 0 && span_eq(SPAN(r->body.digest), SPAN(c->image_digest)) &&
	       decide_stands(&r->s, in->now);
}

static bool offers(const struct fact_release *r, const struct man_container *c)
{
	for (size_t i = 0; i < json_len(r->body.methods); i++) {
		const struct json *m = json_at(r->body.methods, i);

		if (span_eq(json_str(json_get(m, "type")), c->method_type) && span_eq(json_str(json_get(m, "key")), c->method_key))
			return true;
	}
	return false;
}

/* The first predicate type that the manifest requires and the release does not list; empty: none. */
static struct span lacks(const struct fact_release *r, const struct man_container *c)
{
	for (size_t i = 0; i < json_len(c->attestations); i++)
		if (!image_release_attests(&r->body, json_str(json_at(c->attestations, i))))
			return json_str(json_at(c->attestations, i));
	return (struct span){ 0 };
}

/* One that is not revoked first. *any: there is a release, whatever it offers. A manifest has no member for a least version, so
 * each will do: the digest says which content it is. */
static const struct fact_release *find_release(const struct decide_in *in, const struct man_container *c, bool *any, struct span *lack)
{
	const struct fact_release *best = NULL;

	for (size_t i = 0; i < in->n_releases; i++) {
		const struct fact_release *r = &in->release[i];

		if (!releases(in, r, c))
			continue;
		*any = true;
		if (!offers(r, c))
			continue;
		if (lacks(r, c).n > 0) {
			*lack = lacks(r, c);
			continue;
		}
		if (!decide_revoked(in, &r->s))
			return r;
		best = best ? best : r;
	}
	return best;
}

static void explain(const struct man_container *m, bool any, struct span lack, struct check *c)
{
	char digest[HEX32_LEN];

	hex32(m->image_digest, digest);
	SET(c->who, "%s", m->image_provider);
	SET(c->command, "coffer image release %.*s", (int)(m->image_reference.n > 400 ? 400 : m->image_reference.n),
	    (const char *)m->image_reference.p);
	if (lack.n > 0)
		SET(c->found, "%s's release of image %.16s lists no attestation of type %.*s, which the manifest requires", m->image_provider, digest,
		    (int)lack.n, (const char *)lack.p);
	else if (any)
		SET(c->found, "%s's release of image %.16s does not offer the method and key that the manifest requires", m->image_provider,
		    digest);
	else
		SET(c->found, "%s has no release in force of image %.16s", m->image_provider, digest);
}

void decide_images(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 8, SEES_OWNER | SEES_PROVIDER);
	const struct manifest *m = d->workload ? &d->workload->manifest : NULL;

	SET(c->expected, "each image released by its named provider, with the verification that the manifest requires");
	SET(c->who, "%s", m ? m->provider : "the workload's provider");
	SET(c->found, "no workload");
	for (size_t i = 0; m && i < m->n_containers; i++) {
		struct span lack = { 0 };
		bool any = false;

		d->release[i] = find_release(in, &m->container[i], &any, &lack);
		if (d->release[i])
			continue;
		explain(&m->container[i], any, lack, c);
		return;
	}
	c->holds = m && m->n_containers > 0;
	if (c->holds)
		SET(c->found, "a release for each of %zu container%s; what runs is checked by measured agent", m->n_containers,
		    m->n_containers == 1 ? "" : "s");
}
