#include "agent/agent.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "agent/puller.h"
#include "image/ref.h"
#include "os/file.h"

#define PROGRESS_MS 5000
#define MIB 1048576.0
#define LAYERS_MAX 128 /* as many as any registry's image has; keeps the mount options within a page */

struct path path_fmt(const char *fmt, ...)
{
	struct path p = { "" };
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p.s, sizeof(p.s), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(p.s))
		p.s[0] = 0;
	return p;
}

enum coffer_rc image_policy(const struct man_container *c, struct wr *out, struct err *e)
{
	char repo[REF_NAME_MAX + 1];
	struct ref ref;
	CLEANUP(wr_close) struct wr key = wr_open(65536);
	struct json_wr j = jw_open(out, false);

	if (!span_eq_str(c->method_type, "sigstoreSigned"))
		return err_deny(e, "policy", "this agent does not know the verification method \"%.*s\"",
		    (int)(c->method_type.n < 40 ? c->method_type.n : 40), (const char *)c->method_type.p);
	if (c->method_key.n == 0)
		return err_deny(e, "policy", "the manifest names no key for its image");
	TRY(ref_parse(c->image_reference, &ref, e));
	ref_name(&ref, repo);
	b64_write(&key, c->method_key);
	jw_obj(&j);
	jw_name(&j, "default");
	jw_arr(&j);
	jw_obj(&j);
	jw_m_text(&j, "type", "reject");
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_name(&j, "transports");
	jw_obj(&j);
	jw_name(&j, "docker");
	jw_obj(&j);
	jw_name(&j, repo);
	jw_arr(&j);
	jw_obj(&j);
	jw_m_text(&j, "type", "sigstoreSigned");
	jw_m_str(&j, "keyData", wr_span(&key));
	jw_name(&j, "signedIdentity");
	jw_obj(&j);
	jw_m_text(&j, "type", "exactRepository");
	jw_m_text(&j, "dockerRepository", repo);
	jw_obj_end(&j);
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
	TRY(wr_done(&key, "image key", e));
	return wr_done(out, "policy.json", e);
}

struct key_request { struct agent *a; const struct man_container *c; size_t i; };

static enum coffer_rc get_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	struct key_request *q = arg;
	CLEANUP(rcar_asset_clear) struct rcar_asset got = { 0 };
	struct asset_path path;

	if (asset_path_parse(span_of(kid), &path, e) != COFFER_OK)
		return err_deny(e, "decrypt", "the layer names no key path of ours: \"%.200s\"", kid);
	if (!manifest_entitles(q->c, &path, PURPOSE_IMAGE_KEY))
		return err_deny(e, "decrypt", "the manifest does not entitle container %.*s to %s as an image key",
		    (int)q->c->name.n, (const char *)q->c->name.p, path.text);
	TRY(agent_get(q->a, q->i, &path, PURPOSE_IMAGE_KEY, &got, e));
	*out = got.content;
	got.content = (struct secret){ 0 };
	return COFFER_OK;
}

/* A JWE names no key, so each image key of the container is looked at until one is a private key. */
static enum coffer_rc get_pem(void *arg, struct secret *out, struct err *e)
{
	struct key_request *q = arg;

	for (size_t k = 0; k < q->c->n_entitlements; k++) {
		const struct man_entitlement *m = &q->c->entitlement[k];
		CLEANUP(rcar_asset_clear) struct rcar_asset got = { 0 };

		if (m->purpose != PURPOSE_IMAGE_KEY)
			continue;
		TRY(agent_get(q->a, q->i, &m->asset, PURPOSE_IMAGE_KEY, &got, e));
		if (!span_starts((struct span){ got.content.p, got.content.n }, "-----BEGIN "))
			continue;
		*out = got.content;
		got.content = (struct secret){ 0 };
		return COFFER_OK;
	}
	return err_deny(e, "decrypt", "the layer's key is wrapped as a JWE, and no image key of container %.*s is a private key",
	    (int)q->c->name.n, (const char *)q->c->name.p);
}

/* On the console, at most every few seconds: that it goes on, and how far it is. Who holds the host carries these bytes and knows their number; it is told that of
 * the signed manifest's sizes, and has nothing to ask. */
struct pulling { struct span container; int64_t told; };

static void tell_progress(void *arg, const struct image_progress *p)
{
	struct pulling *t = arg;
	int64_t now = clock_monotonic_ms();

	if (t->told && now - t->told < PROGRESS_MS)
		return;
	t->told = now;
	(void)fprintf(stderr, "coffer-agent: image: container %.*s: layer %zu of %zu, %.1f of %.1f MiB\n", (int)t->container.n, (const char *)t->container.p, p->layer, p->n_layers,
	    (double)p->bytes / MIB, (double)p->total / MIB);
}

static enum coffer_rc pull(struct agent *a, size_t i, const char *dir, size_t *layers, struct err *e)
{
	const struct man_container *c = &a->man.container[i];
	struct key_request q = { a, c, i };
	struct pulling told = { .container = c->name };
	CLEANUP(wr_close) struct wr policy = wr_open(1u << 20);
	CLEANUP(freep) char *reference = span_dup(c->image_reference);
	struct image_pull p = {
		.reference = reference, .plain_http = a->man.plain_http, .get_key = get_key, .get_pem = get_pem, .key_arg = &q, .dir = dir,
		.progress = tell_progress, .progress_arg = &told,
	};

	if (!reference)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(image_policy(c, &policy, e));
	memcpy(p.digest, c->image_digest, sizeof(p.digest));
	p.policy = wr_span(&policy);
	return puller_run(&p, layers, e);
}

/* Names relative to the layers' folder: mount options are one page and images have many layers. */
static enum coffer_rc overlay(const char *layers_dir, const char *root, size_t n, struct err *e)
{
	CLEANUP(wr_close) struct wr opt = wr_open(4000);
	CLEANUP(freep) char *text = NULL;
	int rc;

	wr_str(&opt, "lowerdir=");
	for (size_t i = n; i > 0; i--)
		wr_fmt(&opt, "%zu%s", i - 1, i > 1 ? ":" : "");
	wr_str(&opt, ",upperdir=../upper,workdir=../work");
	text = wr_take(&opt, NULL);
	if (!text)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (chdir(layers_dir) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", layers_dir, strerror(errno));
	rc = mount("overlay", root, "overlay", MS_NODEV | MS_NOSUID, text);
	if (rc != 0)
		(void)err_set(e, COFFER_E_SYSTEM, "overlay of %zu layers: %s", n, strerror(errno));
	if (chdir("/") != 0 && rc == 0)
		return err_set(e, COFFER_E_SYSTEM, "/: %s", strerror(errno));
	return rc == 0 ? COFFER_OK : COFFER_E_SYSTEM;
}

enum coffer_rc image_mount(struct agent *a, size_t i, struct err *e)
{
	static const char *const dirs[] = { "layers", "upper", "work" };
	struct path layers = path_fmt("%s/c%zu/layers", a->store, i), root = path_fmt("%s/c%zu/rootfs", a->state, i);
	size_t n = 0;

	for (size_t k = 0; k < sizeof(dirs) / sizeof(dirs[0]); k++)
		TRY(file_mkdirs(path_fmt("%s/c%zu/%s", a->store, i, dirs[k]).s, 0755, e));
	TRY(file_mkdirs(root.s, 0755, e));
	TRY(pull(a, i, layers.s, &n, e));
	if (n == 0 || n > LAYERS_MAX)
		return err_deny(e, "unpack", "an image of %zu layers", n);
	TRY(overlay(layers.s, root.s, n, e));
	a->ctr[i].mounted = true;
	return COFFER_OK;
}

void image_unmount(struct agent *a, size_t i)
{
	if (a->ctr[i].mounted)
		(void)umount2(path_fmt("%s/c%zu/rootfs", a->state, i).s, MNT_DETACH);
	a->ctr[i].mounted = false;
}
