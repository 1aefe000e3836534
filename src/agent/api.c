#include "agent/serve.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"

struct api_call { struct agent *a; size_t caller; };

/* To whoever launched, who is else left with a container that ended without a word. Once for each entitlement of the manifest's, so that a container that asks again and
 * again fills nobody's disk; the path is the manifest's or a binding's, and the reason is the service's, cleaned. */
static void tell(const struct api_call *c, const struct asset_path *asset, const struct err *e)
{
	const struct man_container *m = &c->a->man.container[c->caller];
	char why[sizeof(e->msg)];

	if (e->rc != COFFER_E_DENIED && e->rc != COFFER_E_NOTFOUND) /* a service that was not reached refused nothing */
		return;
	for (size_t i = 0; i < m->n_entitlements; i++) {
		bool *said = &c->a->refused_said[c->caller][i];

		if (m->entitlement[i].purpose != PURPOSE_API || !asset_path_eq(&m->entitlement[i].asset, asset) || *said)
			continue;
		*said = true;
		span_plain(span_of(e->msg), why, sizeof(why));
		(void)fprintf(stderr, "coffer-agent: refused: container %.*s: %s: %s%s%s\n", (int)m->name.n, (const char *)m->name.p, asset->text, e->check,
		    e->check[0] ? ": " : "", why);
	}
}

static enum coffer_rc serve(struct api_call *c, const struct asset_path *asset, struct wr *out, struct err *e)
{
	CLEANUP(rcar_asset_clear) struct rcar_asset got = { 0 };
	const struct man_container *m = &c->a->man.container[c->caller];

	if (c->a->b.ctr[c->caller].state != CTR_RUNNING) /* its connection may outlive it, in other hands */
		return err_deny(e, "gate", "container %.*s does not run", (int)m->name.n, (const char *)m->name.p);
	if (!manifest_entitles(m, asset, PURPOSE_API))
		return err_deny(e, "gate", "the manifest does not entitle container %.*s to %s for api", (int)m->name.n,
		    (const char *)m->name.p, asset->text);
	if (agent_get(c->a, c->caller, asset, PURPOSE_API, &got, e) != COFFER_OK) {
		tell(c, asset, e);
		return e->rc;
	}
	wr_put(out, (struct span){ got.content.p, got.content.n });
	return wr_done(out, "resource", e);
}

static enum coffer_rc api_resource(void *arg, const char *path, struct wr *out, struct err *e)
{
	struct asset_path asset;

	TRY(asset_path_parse(span_of(path), &asset, e));
	return serve(arg, &asset, out, e);
}

/* What fills a slot, for who does not know what path that has here. */
static enum coffer_rc api_slot(void *arg, struct span name, struct wr *out, struct err *e)
{
	struct api_call *c = arg;
	const struct man_container *m = &c->a->man.container[c->caller];

	for (size_t i = 0; i < m->n_entitlements; i++)
		if (span_eq(m->entitlement[i].slot, name) && m->entitlement[i].purpose == PURPOSE_API && m->entitlement[i].asset.text[0])
			return serve(c, &m->entitlement[i].asset, out, e);
	return err_deny(e, "gate", "container %.*s has no slot of that name for api, or nothing fills it", (int)m->name.n, (const char *)m->name.p);
}

enum coffer_rc api_serve(void *arg, size_t caller, const struct http_in *q, struct http_out *out, struct err *e)
{
	struct api_call c = { arg, caller };
	const struct rest_backend b = { .arg = &c, .resource = api_resource, .slot = api_slot };

	(void)e;
	rest_route(q, REST_RESOURCE, true, &b, out);
	return COFFER_OK;
}
