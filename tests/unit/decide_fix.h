/* A base case of the release decision in which everything holds, to change one thing of. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "decide/decide.h"
#include "tests/t.h"

#define NOW INT64_C(1000000)

struct world {
	struct decide_in        in;
	struct fact_workload    workload[2];
	struct fact_approval    approval[2];
	struct fact_service     service[2];
	struct fact_boot        boot[2];
	struct boot_launch      launch[2];
	struct fact_tcb         tcb[3];
	struct fact_release     release[2];
	struct fact_revocation  revocation[4];
	struct hw_facts         hw;
	struct man_container    container[2];
	struct json_doc        *platforms, *methods;
	uint8_t                 genesis[32];
	struct decision         d;
};

static struct asset_path path(const char *text)
{
	struct asset_path p;
	struct err e = { 0 };

	if (asset_path_parse(span_of(text), &p, &e) != COFFER_OK)
		abort();
	return p;
}

static struct fact fact(enum statement_kind k, const char *issuer, uint8_t id)
{
	struct fact f = { .kind = k, .issued = NOW - 10, .expires = NOW + 10, .issuer_may = true };

	memset(f.id, id, 32);
	(void)snprintf(f.issuer, sizeof(f.issuer), "%s", issuer);
	return f;
}

static void entitle(struct man_container *c, const char *asset, enum purpose p)
{
	c->entitlement[c->n_entitlements++] = (struct man_entitlement){ .asset = path(asset), .purpose = p };
}

static struct json_doc *json(const char *text)
{
	struct json_doc *doc = NULL;
	struct err e = { 0 };

	if (json_parse(span_of(text), 256, &doc, &e) != COFFER_OK)
		abort();
	return doc;
}

/* Two images, of two providers. */
static void base_images(struct world *w)
{
	static const char *const maker[2] = { "imaker", "lmaker" };

	w->methods = json("[{\"type\":\"other\",\"key\":\"K\"},{\"type\":\"sigstoreSigned\",\"key\":\"K\"}]");
	for (uint8_t i = 0; i < 2; i++) {
		struct man_container *c = &w->container[i];
		struct fact_release *r = &w->release[i];

		memset(c->image_digest, 0x40 + i, 32);
		c->image_reference = span_of("registry.example/app@sha256:40");
		(void)snprintf(c->image_provider, PARTY_MAX, "%s", maker[i]);
		c->method_type = span_of("sigstoreSigned");
		c->method_key = span_of("K");
		r->s = fact(ST_IMAGE_RELEASE, maker[i], (uint8_t)(0x50 + i));
		memset(r->body.digest, 0x40 + i, 32);
		r->body.methods = json_root(w->methods);
		r->body.version = 1;
	}
	w->in.release = w->release;
	w->in.n_releases = 2;
}

static void base_workload(struct world *w)
{
	struct fact_workload *f = &w->workload[0];
	struct manifest *m = &f->manifest;

	f->s = fact(ST_WORKLOAD, "acme", 1);
	memset(f->initdata, 0x11, 32);
	m->name = span_of("risk");
	(void)snprintf(m->provider, sizeof(m->provider), "acme");
	(void)snprintf(m->service_id, sizeof(m->service_id), "trust");
	memset(m->genesis, 0x99, 32);
	memset(m->digest, 0x22, 32);
	w->platforms = json("[\"sample\"]");
	m->platforms = json_root(w->platforms);
	m->container = w->container;
	m->n_containers = 2;
	w->container[0].name = span_of("analyse");
	w->container[1].name = span_of("logger");
	entitle(&w->container[0], "hospital/a/b", PURPOSE_API);
	entitle(&w->container[0], "hospital/a/b", PURPOSE_VOLUME);
	entitle(&w->container[0], "acme/a/b", PURPOSE_API);
	entitle(&w->container[1], "hospital/a/b", PURPOSE_API);
}

static void base_approval(struct world *w)
{
	struct fact_approval *a = &w->approval[0];

	a->s = fact(ST_APPROVAL, "hospital", 2);
	a->body.asset[0] = path("hospital/a/b");
	a->body.n_assets = a->body.n_platforms = a->body.n_services = 1;
	(void)snprintf(a->body.platform[0], sizeof(a->body.platform[0]), "sample");
	memset(a->body.workload, 0x22, 32);
	memset(a->body.service[0], 3, 32);
	a->body.until = NOW + 10;
}

static void asset_of(struct world *w, const char *owner)
{
	w->in.has_asset = true;
	w->in.asset.s = fact(ST_ASSET, owner, 4);
	w->in.asset.body = (struct asset_body){ .path = w->in.q.path, .version = 3, .k = 1, .n_of = 1 };
	(void)snprintf(w->in.asset.body.of[0], PARTY_MAX, "%s", owner);
}

/* The owner's asset, asked for by the agent of an approved workload. */
static void base(struct world *w)
{
	memset(w, 0, sizeof(*w));
	base_workload(w);
	base_approval(w);
	w->service[0].s = fact(ST_SERVICE, "acme", 3);
	(void)snprintf(w->service[0].id, PARTY_MAX, "trust");
	memset(w->genesis, 0x99, 32);
	w->in = (struct decide_in){.now = NOW,
				   .genesis = w->genesis,
				   .workload = w->workload,
				   .n_workloads = 1,
				   .approval = w->approval,
				   .n_approvals = 1,
				   .service = w->service,
				   .n_services = 1,
				   .revocation = w->revocation};
	w->in.a = (struct appraisal){ .platform = "sample", .attested = true, .expires = NOW + 1, .expected_n = 48, .found_n = 48,
		.has_register = true, .has_initdata = true };
	memset(w->in.a.expected, 7, 48);
	memset(w->in.a.found, 7, 48);
	memset(w->in.a.init_register, 0x11, 32);
	memset(w->in.a.initdata, 0x11, 32);
	w->in.q = (struct request){ .path = path("hospital/a/b"), .scoped = true, .signature_ok = true, .counter_ok = true,
		.container = span_of("analyse"), .purpose = PURPOSE_API };
	asset_of(w, "hospital");
	base_images(w);
	w->in.policy = (struct policy_answer){ .asked = true, .allows = true, .reason = "data.policy.allow is true" };
}

/* The provider's own asset. */
static inline void base_own(struct world *w)
{
	base(w);
	w->in.q.path = path("acme/a/b");
	asset_of(w, "acme");
	w->in.n_approvals = 0;
}

static void finish(struct world *w)
{
	json_free(w->platforms);
	json_free(w->methods);
}

static bool allows(struct world *w)
{
	decide(&w->in, &w->d);
	finish(w);
	return w->d.allowed && w->d.reason == w->d.n;
}

/* Denied, for this reason, and no other check fails (but those named in `also`). */
static bool denies(struct world *w, const char *id, const char *also)
{
	bool only = true;

	decide(&w->in, &w->d);
	finish(w);
	for (size_t i = 0; i < w->d.n; i++)
		if (!w->d.check[i].holds && strcmp(w->d.check[i].id, id) != 0 && !strstr(also, w->d.check[i].id))
			only = false;
	return !w->d.allowed && w->d.reason < w->d.n && strcmp(w->d.check[w->d.reason].id, id) == 0 && only;
}

#define DENIES(change, id, also) do { base(&w); change; CHECK(denies(&w, id, also)); } while (0)
#define DENIES_OWN(change, id, also) do { base_own(&w); change; CHECK(denies(&w, id, also)); } while (0)

static struct world w; /* NOLINT: one test's at a time */

static void revoke(uint8_t id, const char *issuer)
{
	memset(w.revocation[w.in.n_revocations].target, id, 32);
	(void)snprintf(w.revocation[w.in.n_revocations++].issuer, PARTY_MAX, "%s", issuer);
}
