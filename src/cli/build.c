#include "cli/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/publish.h"
#include "cli/released_lent.h"
#include "crypto/jwk.h"
#include "fmt/enc.h"
#include "image/ref.h"

/* ---- the image's release ---- */

/* 0: the terms ask for none. */
static enum coffer_rc least_version(const struct json *image, uint64_t *out, struct err *e)
{
	*out = 0;
	return json_get(image, "minimum-version") ? json_need_u64(image, "minimum-version", "terms: images", out, e) : COFFER_OK;
}

static enum coffer_rc enough(const struct released *r, uint64_t least, bool *yes, struct err *e)
{
	uint64_t version = 0;

	*yes = false;
	if (released_body(r))
		TRY(json_need_u64(released_body(r), "version", "image-release", &version, e));
	*yes = released_body(r) && version >= least;
	return COFFER_OK;
}

/* By whom the provider lets verify its images, where its own word does not suffice. */
static enum coffer_rc find_lent(const struct build_env *b, const struct pod_container *c, const struct lent_ask *q, struct released *r, struct err *e)
{
	CLEANUP(released_clear) struct released by_another = { 0 };
	bool yes;

	TRY(enough(r, q->least, &yes, e));
	if (yes)
		return COFFER_OK;
	TRY(released_lent(&(struct asker){ b->h, b->key, b->conn }, q, &by_another, e));
	TRY(enough(&by_another, q->least, &yes, e));
	if (!released_body(&by_another) || (released_body(r) && !yes)) /* else what is told is of its own */
		return COFFER_OK;
	released_clear(r);
	*r = by_another;
	by_another = (struct released){ 0 };
	(void)fprintf(stderr, "container %.*s: its image is verified by %s for %s, by its delegation\n", (int)c->name.n, (const char *)c->name.p, r->by, q->provider);
	return COFFER_OK;
}

static enum coffer_rc find_release(const struct build_env *b, const struct pod_container *c, const struct json *image,
    struct ref *ref, struct released *r, struct err *e)
{
	struct span provider = json_str(json_get(image, "provider"));
	struct lent_ask lent = { .ref = ref };
	char name[REF_NAME_MAX + 1], of[PARTY_MAX];

	TRY(ref_parse(c->image, ref, e));
	if (!ref->has_digest)
		return err_set(e, COFFER_E_INPUT, "container %.*s: image %.*s is not by digest; what runs must not hang on a tag",
		    (int)c->name.n, (const char *)c->name.p, (int)c->image.n, (const char *)c->image.p);
	TRY(released_find(&(struct asker){ b->h, b->key, b->conn }, provider, ref, r, e));
	(void)snprintf(of, sizeof(of), "%.*s", (int)provider.n, (const char *)provider.p);
	lent.provider = of;
	TRY(least_version(image, &lent.least, e));
	TRY(find_lent(b, c, &lent, r, e));
	ref_name(ref, name);
	if (!released_body(r))
		return err_deny(e, "release", "neither %s nor whom it lets verify its images has released image %s of this digest; it does with 'coffer image release'", of, name);
	return COFFER_OK;
}

/* A workload that every service would refuse for its image (R8) is better not built. */
static enum coffer_rc new_enough(const struct pod_container *c, const struct json *image, const struct released *r, struct err *e)
{
	uint64_t least = 0, version = 0;
	bool yes;

	TRY(least_version(image, &least, e));
	TRY(enough(r, least, &yes, e));
	if (yes)
		return COFFER_OK;
	TRY(json_need_u64(released_body(r), "version", "image-release", &version, e));
	return err_deny(e, "release", "container %.*s: its image is released as security version %llu, and the terms ask for %llu or later; name a newer image, "
	    "or a lower \"minimum-version\"", (int)c->name.n, (const char *)c->name.p, (unsigned long long)version, (unsigned long long)least);
}

/* ---- lists of the terms ---- */

/* Items of a terms list that are about this container; i runs on. NULL at the end. */
static const struct json *next_for(const struct json *list, struct span container, size_t *i)
{
	while (*i < json_len(list)) {
		const struct json *v = json_at(list, (*i)++);

		if (span_eq(json_str(json_get(v, "container")), container))
			return v;
	}
	return NULL;
}

static enum coffer_rc known_containers(const struct pod *p, const struct json *list, const char *what, struct err *e)
{
	for (size_t i = 0; i < json_len(list); i++) {
		struct span name = json_str(json_get(json_at(list, i), "container"));
		bool known = false;

		for (size_t k = 0; k < p->n_containers; k++)
			known = known || span_eq(p->container[k].name, name);
		if (!known)
			return err_set(e, COFFER_E_INPUT,
			    "terms: an item of \"%s\" is about container \"%.*s\", which the pod does not have", what,
			    (int)name.n, (const char *)name.p);
	}
	return COFFER_OK;
}

/* The entitlement of purpose volume that says what opens a sealed volume; NULL: none does. */
static const struct json *volume_key(const struct terms *t, struct span volume)
{
	for (size_t i = 0; i < json_len(t->entitlements); i++) {
		const struct json *v = json_at(t->entitlements, i);

		if (span_eq_str(json_str(json_get(v, "purpose")), "volume") && span_eq(json_str(json_get(v, "volume")), volume))
			return v;
	}
	return NULL;
}

static void asset_or_slot(struct json_wr *j, const struct json *v)
{
	const char *name = json_get(v, "slot") ? "slot" : "asset";

	jw_m_str(j, name, json_str(json_get(v, name)));
	if (json_get(v, "slot") && json_get(v, "asset"))
		jw_m_str(j, "asset", json_str(json_get(v, "asset"))); /* refused when it is read */
}

static void copy_list(struct json_wr *j, const char *name, const struct json *list)
{
	jw_name(j, name);
	if (list) {
		jw_value(j, list);
		return;
	}
	jw_arr(j);
	jw_arr_end(j);
}

/* ---- one container ---- */

static void image_part(struct json_wr *j, const struct ref *ref, const struct json *image, const struct released *r)
{
	const struct json *method = json_at(json_get(released_body(r), "methods"), 0);
	char text[REF_TEXT_MAX];
	struct ref bare = *ref;

	bare.tag[0] = 0; /* a tag beside the digest decides nothing */
	ref_text(&bare, text);
	jw_name(j, "image");
	jw_obj(j);
	jw_m_text(j, "reference", text);
	jw_m_str(j, "provider", json_str(json_get(image, "provider")));
	if (json_get(image, "attestations")) {
		jw_name(j, "attestations");
		jw_value(j, json_get(image, "attestations"));
	}
	if (json_get(image, "minimum-version")) {
		jw_name(j, "minimum-version");
		jw_value(j, json_get(image, "minimum-version")); /* as written; manifest_parse judges it */
	}
	jw_name(j, "method");
	jw_value(j, method);
	jw_obj_end(j);
}

/* The manifest has the kernel's names, Kubernetes those without their prefix. */
static enum coffer_rc capabilities(struct json_wr *j, const struct pod_container *c, struct err *e)
{
	jw_name(j, "capabilities");
	jw_arr(j);
	for (size_t i = 0; i < json_len(c->capabilities); i++) {
		CLEANUP(freep) char *text = pod_capability(c, i);

		if (!text)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		jw_text(j, text);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

static enum coffer_rc process_part(struct json_wr *j, const struct pod_container *c, struct err *e)
{
	jw_name(j, "args");
	jw_arr(j);
	for (size_t i = 0; i < pod_n_args(c); i++)
		jw_str(j, pod_arg(c, i));
	jw_arr_end(j);
	jw_m_str(j, "cwd", c->cwd);
	jw_name(j, "env");
	jw_arr(j);
	for (size_t i = 0; i < json_len(c->env); i++) {
		CLEANUP(freep) char *text = pod_env(c, i);

		if (!text)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		jw_text(j, text);
	}
	jw_arr_end(j);
	jw_name(j, "user");
	jw_obj(j);
	jw_m_u64(j, "uid", c->uid);
	jw_m_u64(j, "gid", c->gid);
	copy_list(j, "groups", c->groups);
	jw_obj_end(j);
	TRY(capabilities(j, c, e));
	jw_m_bool(j, "read-only-root", c->read_only_root);
	return COFFER_OK;
}

static void mounts_part(struct json_wr *j, const struct pod_container *c)
{
	jw_name(j, "mounts");
	jw_arr(j);
	for (size_t i = 0; i < c->n_mounts; i++) {
		jw_obj(j);
		jw_m_str(j, "destination", c->mount[i].path);
		jw_m_str(j, "volume", c->mount[i].volume);
		jw_m_bool(j, "read-only", c->mount[i].read_only);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static bool listed(const struct terms *t, struct span container, struct span asset)
{
	const struct json *v;

	for (size_t i = 0; (v = next_for(t->entitlements, container, &i)) != NULL;)
		if (span_eq(json_str(json_get(v, "asset")), asset) && span_eq_str(json_str(json_get(v, "purpose")), "image-key"))
			return true;
	return false;
}

static void entitlements_part(struct json_wr *j, const struct terms *t, struct span container, const struct released *r)
{
	const struct json *keys = json_get(released_body(r), "keys"), *v;

	jw_name(j, "entitlements");
	jw_arr(j);
	for (size_t i = 0; i < json_len(keys); i++) {
		if (listed(t, container, json_str(json_at(keys, i))))
			continue;
		jw_obj(j);
		jw_m_str(j, "asset", json_str(json_at(keys, i)));
		jw_m_text(j, "purpose", "image-key");
		jw_obj_end(j);
	}
	for (size_t i = 0; (v = next_for(t->entitlements, container, &i)) != NULL;) {
		jw_obj(j);
		asset_or_slot(j, v);
		jw_m_str(j, "purpose", json_str(json_get(v, "purpose")));
		if (json_get(v, "volume"))
			jw_m_str(j, "volume", json_str(json_get(v, "volume")));
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static enum coffer_rc one_output(const struct build_env *b, struct json_wr *j, const struct json *v, struct err *e)
{
	CLEANUP(freep) char *id = NULL;
	struct span name, path, to;
	struct party who;
	uint64_t max = 0;

	TRY(json_need_str(v, "name", "output", &name, e));
	TRY(json_need_str(v, "path", "output", &path, e));
	TRY(json_need_str(v, "to", "output", &to, e));
	TRY(json_need_u64(v, "max-bytes", "output", &max, e));
	id = span_dup(to);
	if (!id || !party_ok(to))
		return err_set(e, COFFER_E_INPUT, "output %.*s: \"to\" is not a party id", (int)name.n, (const char *)name.p);
	TRY(service_party(b->conn, id, &who, e));
	if (!who.has_encryption)
		return err_set(
		    e, COFFER_E_INPUT, "output %.*s: party %s has no encryption key", (int)name.n, (const char *)name.p, id);
	jw_obj(j);
	jw_m_str(j, "name", name);
	jw_m_str(j, "path", path);
	jw_m_str(j, "to", to);
	jw_name(j, "key");
	jwk_write(j, &who.encryption);
	jw_m_u64(j, "max-bytes", max);
	jw_obj_end(j);
	return COFFER_OK;
}

/* As written; manifest_parse judges it. */
static enum coffer_rc lapse_part(struct json_wr *j, const struct json *v, struct err *e)
{
	static const char *const number[] = { "check", "grace", "term" };
	struct span action;
	uint64_t n;

	TRY(json_need_str(v, "action", "on-lapse", &action, e));
	jw_name(j, "on-lapse");
	jw_obj(j);
	jw_m_str(j, "action", action);
	for (size_t i = 0; i < 3; i++) {
		TRY(json_need_u64(v, number[i], "on-lapse", &n, e));
		jw_m_u64(j, number[i], n);
	}
	jw_obj_end(j);
	return COFFER_OK;
}

static enum coffer_rc container_part(
    const struct build_env *b, struct json_wr *j, const struct pod *p, const struct terms *t, size_t k, struct err *e)
{
	CLEANUP(released_clear) struct released r = { 0 };
	const struct pod_container *c = &p->container[k];
	const struct json *image, *role, *v;
	struct span provider;
	struct ref ref;
	size_t i = 0;

	image = next_for(t->images, c->name, &i);
	provider = json_str(json_get(image, "provider"));
	if (!party_ok(provider))
		return err_set(e, COFFER_E_INPUT, "terms: \"images\" names no provider for container %.*s", (int)c->name.n,
		    (const char *)c->name.p);
	TRY(find_release(b, c, image, &ref, &r, e));
	TRY(new_enough(c, image, &r, e));
	i = 0;
	role = next_for(t->roles, c->name, &i);
	jw_obj(j);
	jw_m_str(j, "name", c->name);
	jw_m_str(j, "role", role ? json_str(json_get(role, "role")) : span_of("business"));
	image_part(j, &ref, image, &r);
	TRY(process_part(j, c, e));
	mounts_part(j, c);
	entitlements_part(j, t, c->name, &r);
	jw_name(j, "outputs");
	jw_arr(j);
	for (i = 0; (v = next_for(t->outputs, c->name, &i)) != NULL;)
		TRY(one_output(b, j, v, e));
	jw_arr_end(j);
	i = 0;
	v = next_for(t->on_lapse, c->name, &i);
	if (v)
		TRY(lapse_part(j, v, e));
	jw_obj_end(j);
	return COFFER_OK;
}

/* ---- the pod ---- */

static enum coffer_rc volumes_part(struct json_wr *j, const struct pod *p, const struct terms *t, struct err *e)
{
	jw_name(j, "volumes");
	jw_arr(j);
	for (size_t i = 0; i < p->n_volumes; i++) {
		const struct json *key = volume_key(t, p->volume[i].name);

		if (p->volume[i].is_file && !key)
			return err_set(e, COFFER_E_INPUT,
			    "volume %.*s is a file of the host, and no entitlement of purpose volume says which key opens it",
			    (int)p->volume[i].name.n, (const char *)p->volume[i].name.p);
		jw_obj(j);
		jw_m_str(j, "name", p->volume[i].name);
		jw_m_text(j, "kind", p->volume[i].is_file ? "sealed" : "empty");
		if (p->volume[i].is_file)
			asset_or_slot(j, key);
		jw_obj_end(j);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

static bool slot_before(const struct terms *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(json_str(json_get(json_at(t->entitlements, i), "slot")), json_str(json_get(json_at(t->entitlements, n), "slot"))))
			return true;
	return false;
}

/* Each that an entitlement names, once; of the type that its purpose is. */
static void slots_part(struct json_wr *j, const struct terms *t)
{
	bool any = false;

	for (size_t i = 0; i < json_len(t->entitlements); i++) {
		const struct json *v = json_at(t->entitlements, i);

		if (!json_get(v, "slot") || slot_before(t, i))
			continue;
		if (!any) {
			jw_name(j, "slots");
			jw_arr(j);
		}
		any = true;
		jw_obj(j);
		jw_m_str(j, "name", json_str(json_get(v, "slot")));
		jw_m_str(j, "type", json_str(json_get(v, "purpose")));
		jw_obj_end(j);
	}
	if (any)
		jw_arr_end(j);
}

static void tail_part(struct json_wr *j, const struct terms *t)
{
	jw_name(j, "host");
	jw_obj(j);
	copy_list(j, "logs", t->logs);
	copy_list(j, "signals", t->signals);
	if (json_len(t->exec) > 0)
		copy_list(j, "exec", t->exec);
	jw_obj_end(j);
	jw_name(j, "registries");
	jw_obj(j);
	copy_list(j, "plain-http", t->plain_http);
	jw_obj_end(j);
}

enum coffer_rc build_manifest(
    const struct build_env *b, const struct pod *p, const struct terms *t, struct wr *out, struct err *e)
{
	struct json_wr j = jw_open(out, false);
	char genesis[HEX32_LEN];

	TRY(known_containers(p, t->images, "images", e));
	TRY(known_containers(p, t->roles, "roles", e));
	TRY(known_containers(p, t->entitlements, "entitlements", e));
	TRY(known_containers(p, t->outputs, "outputs", e));
	TRY(known_containers(p, t->on_lapse, "on-lapse", e));
	TRY(known_containers(p, t->exec, "exec", e));
	hex32(b->h->genesis, genesis);
	jw_obj(&j);
	jw_m_u64(&j, "version", 1);
	jw_m_str(&j, "name", p->name);
	jw_m_text(&j, "provider", b->h->party);
	jw_m_text(&j, "genesis", genesis);
	jw_name(&j, "service");
	jw_obj(&j);
	jw_m_text(&j, "id", service_keys(b->conn)->id);
	jw_m_text(&j, "url", b->h->service);
	jw_obj_end(&j);
	copy_list(&j, "platforms", t->platforms);
	jw_name(&j, "containers");
	jw_arr(&j);
	for (size_t i = 0; i < p->n_containers; i++)
		TRY(container_part(b, &j, p, t, i, e));
	jw_arr_end(&j);
	TRY(volumes_part(&j, p, t, e));
	slots_part(&j, t);
	tail_part(&j, t);
	jw_obj_end(&j);
	return wr_done(out, "manifest", e);
}
