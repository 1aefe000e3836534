#include "agent/serve.h"

#include "base/own.h"
#include "base/str.h"

struct api_call { struct agent *a; size_t caller; };

static enum coffer_rc serve(struct api_call *c, const struct asset_path *asset, struct wr *out, struct err *e)
{
	CLEANUP(rcar_asset_clear) struct rcar_asset got = { 0 };
	const struct man_container *m = &c->a->man.container[c->caller];

	if (c->a->b.ctr[c->caller].state != CTR_RUNNING) /* its connection may outlive it, in other hands */
		return err_deny(e, "gate", "container %.*s does not run", (int)m->name.n, (const char *)m->name.p);
	if (!manifest_entitles(m, asset, PURPOSE_API))
		return err_deny(e, "gate", "the manifest does not entitle container %.*s to %s for api", (int)m->name.n,
		    (const char *)m->name.p, asset->text);
	TRY(agent_get(c->a, c->caller, asset, PURPOSE_API, &got, e));
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
