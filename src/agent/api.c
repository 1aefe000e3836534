#include "agent/serve.h"

#include "base/own.h"
#include "base/str.h"

struct api_call { struct agent *a; size_t caller; };

static enum coffer_rc api_resource(void *arg, const char *path, struct wr *out, struct err *e)
{
	struct api_call *c = arg;
	CLEANUP(rcar_asset_clear) struct rcar_asset got = { 0 };
	const struct man_container *m;
	struct asset_path asset;

	TRY(asset_path_parse(span_of(path), &asset, e));
	m = &c->a->man.container[c->caller];
	if (c->a->b.ctr[c->caller].state != CTR_RUNNING) /* its connection may outlive it, in other hands */
		return err_deny(e, "gate", "container %.*s does not run", (int)m->name.n, (const char *)m->name.p);
	if (!manifest_entitles(m, &asset, PURPOSE_API))
		return err_deny(e, "gate", "the manifest does not entitle container %.*s to %s for api", (int)m->name.n,
		    (const char *)m->name.p, asset.text);
	TRY(agent_get(c->a, c->caller, &asset, PURPOSE_API, &got, e));
	wr_put(out, (struct span){ got.content.p, got.content.n });
	return wr_done(out, "resource", e);
}

enum coffer_rc api_serve(void *arg, size_t caller, const struct http_in *q, struct http_out *out, struct err *e)
{
	struct api_call c = { arg, caller };
	const struct rest_backend b = { .arg = &c, .resource = api_resource };

	(void)e;
	rest_route(q, REST_RESOURCE, true, &b, out);
	return COFFER_OK;
}
