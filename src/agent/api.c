#include "agent/serve.h"

#include "agent/proc.h"
#include "base/own.h"
#include "base/str.h"

struct api_call { struct agent *a; const struct rest_peer *peer; };

/* Whose container it is that holds the other end. */
static enum coffer_rc caller(const struct api_call *c, size_t *out, struct err *e)
{
	const struct proc_peer p = { .local_ip = c->peer->ip, .remote_ip = 0x7f000001, .local_port = c->peer->port, .remote_port = REST_PORT };
	ino_t pidns = 0;

	TRY(proc_holder(&p, &pidns, e));
	for (size_t i = 0; i < c->a->man.n_containers; i++)
		if (c->a->b.ctr[i].state == CTR_RUNNING && c->a->ctr[i].pidns == pidns) {
			*out = i;
			return COFFER_OK;
		}
	return err_deny(e, "gate", "the caller is in no container of this guest");
}

static enum coffer_rc api_resource(void *arg, const char *path, struct wr *out, struct err *e)
{
	struct api_call *c = arg;
	CLEANUP(rcar_asset_clear) struct rcar_asset got = { 0 };
	const struct man_container *m;
	struct asset_path asset;
	size_t i = 0;

	TRY(asset_path_parse(span_of(path), &asset, e));
	TRY(caller(c, &i, e));
	m = &c->a->man.container[i];
	if (!manifest_entitles(m, &asset, PURPOSE_API))
		return err_deny(e, "gate", "the manifest does not entitle container %.*s to %s for api", (int)m->name.n,
		    (const char *)m->name.p, asset.text);
	TRY(rcar_get(c->a->rcar, &asset, 0, m->name, PURPOSE_API, &got, e));
	wr_put(out, (struct span){ got.content.p, got.content.n });
	return wr_done(out, "resource", e);
}

enum coffer_rc api_serve(void *arg, const struct rest_peer *peer, const struct rest_request *q, struct rest_reply *out, struct err *e)
{
	struct api_call c = { arg, peer };
	const struct rest_backend b = { .arg = &c, .resource = api_resource };

	(void)e;
	rest_route(q, REST_RESOURCE, true, &b, out);
	return COFFER_OK;
}
