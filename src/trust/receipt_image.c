/* Whether a release of an image in a receipt is one that a container of the manifest asks for: R8, as far as statements tell. */
#include <string.h>

#include "base/str.h"
#include "trust/receipt_int.h"

/* What the manifest requires of a release of this content, whoever made it. */
static bool suffices(const struct image_release *r, const struct man_container *c)
{
	bool all = span_eq(SPAN(r->digest), SPAN(c->image_digest)) && r->version >= c->image_minimum && image_release_offers(r, c->method_type, c->method_key);

	for (size_t i = 0; all && i < json_len(c->attestations); i++)
		all = image_release_attests(r, json_str(json_at(c->attestations, i)));
	return all;
}

enum coffer_rc receipt_releases(const struct receipt_release *q, const struct man_container *c, bool *yes, struct err *e)
{
	const char *provider = c->image_provider;
	struct receipt_lent lent = { q->r, q->parties, q->s, q->leaf, ROLE_VERIFICATION, { 0 }, q->time };
	struct image_release body;

	*yes = false;
	if (q->s->kind != ST_IMAGE_RELEASE)
		return COFFER_OK;
	TRY(image_release_read(q->s, &body, e));
	if (!suffices(&body, c))
		return COFFER_OK;
	*yes = strcmp(q->s->issuer, provider) == 0;
	if (*yes || !man_container_of(c, body.repository))
		return COFFER_OK;
	lent.what = body.repository;
	return receipt_lent(&lent, &provider, 1, yes, e);
}
