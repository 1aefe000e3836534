#include "cofferd/keep/decide.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "fmt/enc.h"

#define SET(dst, ...) ((void)snprintf((dst), sizeof(dst), __VA_ARGS__))

/* ---- statements ---- */

/* All of "in force" but revocation, which R11 judges so that the reason can say so. */
static bool stands(const struct fact *f, int64_t now)
{
	return f->issued <= now && now < f->expires && !f->superseded && f->issuer_may;
}

/* The issuer revokes for all; an owner revokes another's workload for its own assets. (Approvals looked at here are the
 * owner's own.) */
static bool revoked(const struct decide_in *in, const struct fact *f)
{
	for (size_t i = 0; i < in->n_revocations; i++) {
		const struct fact_revocation *r = &in->revocation[i];
		bool own = strcmp(r->issuer, f->issuer) == 0;
		bool owner = f->kind == ST_WORKLOAD && strcmp(r->issuer, in->q.path.owner) == 0;

		if (span_eq(SPAN(r->target), SPAN(f->id)) && (own || owner))
			return true;
	}
	return false;
}

static const struct fact_workload *find_workload(const struct decide_in *in)
{
	const struct fact_workload *best = NULL;

	for (size_t i = 0; i < in->n_workloads; i++) {
		const struct fact_workload *w = &in->workload[i];

		if (!span_eq(SPAN(w->initdata), SPAN(in->a.init_register)) || !stands(&w->s, in->now) ||
		    !span_eq(SPAN(w->manifest.genesis), (struct span){ in->genesis, 32 }))
			continue;
		if (!revoked(in, &w->s))
			return w;
		best = best ? best : w;
	}
	return best;
}

static bool provider_owns(const struct decide_in *in, const struct fact_workload *w)
{
	return w && strcmp(w->manifest.provider, in->q.path.owner) == 0;
}

/* By the owner of the asked asset, naming it and this platform. */
static bool approval_names(const struct decide_in *in, const struct fact_approval *a)
{
	bool path = false, platform = false;

	for (size_t i = 0; i < a->body.n_assets; i++)
		path = path || strcmp(a->body.asset[i].text, in->q.path.text) == 0;
	for (size_t i = 0; i < a->body.n_platforms; i++)
		platform = platform || strcmp(a->body.platform[i], in->a.platform) == 0;
	return path && platform && strcmp(a->s.issuer, in->q.path.owner) == 0 && stands(&a->s, in->now) && in->now < a->body.until;
}

/* A statement of this service that stands and that the approval lists. Those revoked come last. */
static const struct fact_service *accepted_service(const struct decide_in *in, const struct fact_approval *a)
{
	const struct fact_service *best = NULL;

	for (size_t i = 0; i < in->n_services; i++) {
		const struct fact_service *s = &in->service[i];
		bool listed = false;

		for (size_t k = 0; k < a->body.n_services; k++)
			listed = listed || span_eq(SPAN(a->body.service[k]), SPAN(s->s.id));
		if (!listed || !stands(&s->s, in->now))
			continue;
		if (!revoked(in, &s->s))
			return s;
		best = best ? best : s;
	}
	return best;
}

/* The provider's own assets: its manifest names the service. */
static const struct fact_service *named_service(const struct decide_in *in, const struct fact_workload *w)
{
	const struct fact_service *best = NULL;

	for (size_t i = 0; i < in->n_services; i++) {
		const struct fact_service *s = &in->service[i];

		if (strcmp(s->id, w->manifest.service_id) != 0 || !stands(&s->s, in->now))
			continue;
		if (!revoked(in, &s->s))
			return s;
		best = best ? best : s;
	}
	return best;
}

static bool approval_covers(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w)
{
	return approval_names(in, a) && span_eq(SPAN(a->body.workload), SPAN(w->manifest.digest)) &&
	       accepted_service(in, a) && (!a->body.has_uses || a->used < a->body.uses);
}

static const struct fact_approval *find_approval(const struct decide_in *in, const struct fact_workload *w)
{
	const struct fact_approval *best = NULL;

	for (size_t i = 0; i < in->n_approvals; i++) {
		const struct fact_approval *a = &in->approval[i];

		if (!approval_covers(in, a, w))
			continue;
		if (!revoked(in, &a->s) && !revoked(in, &accepted_service(in, a)->s))
			return a;
		best = best ? best : a;
	}
	return best;
}

/* ---- checks ---- */

/* Check n stands at place n of the trace, whatever the order of asking. */
static struct check *put(struct decision *d, unsigned n, unsigned sees)
{
	static const char *const id[DECIDE_CHECKS_MAX] = { "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11" };
	struct check *c = &d->check[n];

	*c = (struct check){ .id = id[n], .built = true, .sees = sees };
	return c;
}

void decide_fresh(const struct decide_in *in, struct check *out)
{
	const struct appraisal *a = &in->a;
	struct check c = { .id = "R1", .built = true, .sees = SEES_OWNER | SEES_PROVIDER };
	struct span want = { a->expected, a->expected_n }, got = { a->found, a->found_n };
	bool bound = a->expected_n > 0 && a->found_n >= a->expected_n &&
	             ct_eq(want, (struct span){ a->found, a->expected_n });

	/* A platform with a longer field pads with zeros; anything else there was not put by us. */
	for (size_t i = a->expected_n; i < a->found_n; i++)
		bound = bound && got.p[i] == 0;
	SET(c.expected, "evidence that answers this session's nonce with this session's key, in time");
	SET(c.who, "the workload's guest, attesting again,");
	if (!a->attested)
		SET(c.found, "no evidence in this session");
	else if (in->now >= a->expires)
		SET(c.found, "the session or token has expired");
	else if (!bound)
		SET(c.found, "report data for another nonce or another key");
	else if (in->q.scoped && !in->q.signature_ok)
		SET(c.found, "a request that the attested request key did not sign");
	else if (in->q.scoped && !in->q.counter_ok)
		SET(c.found, "a request whose counter did not rise");
	else
		c.holds = true;
	if (c.holds)
		SET(c.found, "report data, key and time as expected");
	*out = c;
}

static void not_built(struct decision *d, unsigned n, bool sample_named)
{
	struct check *c = put(d, n, SEES_OWNER | SEES_PROVIDER);

	c->built = false;
	c->holds = sample_named;
	SET(c->expected, "this check");
	SET(c->found, "not built: stands only for the platform sample, where the owner named it");
	SET(c->who, "nobody in this version");
}

static bool platform_named(const struct decide_in *in, const struct fact_workload *w)
{
	if (provider_owns(in, w))
		return manifest_lists(w->manifest.platforms, span_of(in->a.platform));
	for (size_t i = 0; i < in->n_approvals; i++)
		if (approval_names(in, &in->approval[i]))
			return true;
	return false;
}

static const char publish[] = "coffer workload publish MANIFEST.json";

/* What the owner of the asset can do: approve; or, where it is the provider too, say so in its manifest. */
static void mend_by_approval(const struct decide_in *in, const struct decision *d, struct check *c)
{
	char digest[HEX32_LEN] = "WORKLOAD-DIGEST";

	SET(c->who, "%s", in->q.path.owner);
	if (d->workload)
		hex32(d->workload->manifest.digest, digest);
	if (provider_owns(in, d->workload))
		SET(c->command, "%s", publish);
	else
		SET(c->command, "coffer approve %s --asset %s --platform %s", digest, in->q.path.text, in->a.platform);
}

/* Only sample can be judged yet; every other platform is refused until its driver exists. */
static bool check_platform(const struct decide_in *in, struct decision *d)
{
	struct check *c = put(d, 3, SEES_OWNER);
	bool sample = strcmp(in->a.platform, "sample") == 0;

	c->holds = sample && platform_named(in, d->workload);
	SET(c->expected, "a platform that %s named for %s", in->q.path.owner, in->q.path.text);
	SET(c->found, "%s, %s", in->a.platform,
	    c->holds ? "which is named"
	    : sample ? "which proves nothing and is not named"
		     : "which this version cannot judge");
	mend_by_approval(in, d, c);
	return c->holds;
}

static void check_workload(const struct decide_in *in, struct decision *d)
{
	static const uint8_t zero[32];
	struct check *c = put(d, 6, SEES_OWNER | SEES_PROVIDER);
	const struct appraisal *a = &in->a;
	char reg[HEX32_LEN];

	hex32(a->init_register, reg);
	SET(c->expected, "init-data that hashes to its register and is the rendering of a logged workload in force");
	SET(c->who, "the workload's provider");
	SET(c->command, "%s", publish);
	if (!a->has_register || span_eq(SPAN(a->init_register), SPAN(zero)))
		SET(c->found, "no init-data register in the evidence");
	else if (!a->has_initdata)
		SET(c->found, "no init-data was offered");
	else if (!span_eq(SPAN(a->initdata), SPAN(a->init_register)))
		SET(c->found, "init-data bytes that do not hash to the register %s", reg);
	else if (a->has_genesis && !span_eq(SPAN(a->genesis), (struct span){ in->genesis, 32 }))
		SET(c->found, "a guest of another genesis");
	else if (!(d->workload = find_workload(in)))
		SET(c->found, "no workload in force renders to %s", reg);
	else
		c->holds = true;
	if (c->holds)
		SET(c->found, "workload %.*s of %s", (int)(d->workload->manifest.name.n > 64 ? 64 : d->workload->manifest.name.n),
		    (const char *)d->workload->manifest.name.p, d->workload->manifest.provider);
}

/* Whether any container of the manifest names the asset at all. */
static bool names_asset(const struct manifest *m, const struct asset_path *p)
{
	for (size_t i = 0; i < m->n_containers; i++)
		for (size_t k = 0; k < m->container[i].n_entitlements; k++)
			if (strcmp(m->container[i].entitlement[k].asset.text, p->text) == 0)
				return true;
	return false;
}

static bool all_entitled(const struct manifest *m, const struct asset_path *p)
{
	for (size_t i = 0; i < m->n_containers; i++)
		if (!manifest_entitles(&m->container[i], p, PURPOSE_API))
			return false;
	return m->n_containers > 0;
}

static void check_entitled(const struct decide_in *in, struct decision *d)
{
	struct check *c = put(d, 7, SEES_PROVIDER);
	const struct manifest *m = d->workload ? &d->workload->manifest : NULL;
	int name_n = (int)(in->q.container.n > 64 ? 64 : in->q.container.n);

	SET(c->who, "%s", m ? m->provider : "the workload's provider");
	SET(c->command, "%s", publish);
	if (in->q.scoped) {
		const struct man_container *k = m ? manifest_container(m, in->q.container) : NULL;

		c->holds = k && manifest_entitles(k, &in->q.path, in->q.purpose);
		SET(c->expected, "container %.*s is entitled to %s for %s", name_n, (const char *)in->q.container.p,
		    in->q.path.text, purpose_name(in->q.purpose));
	} else {
		c->holds = m && all_entitled(m, &in->q.path);
		SET(c->expected, "every container is entitled to %s for api", in->q.path.text);
	}
	SET(c->found, "%s", c->holds ? "the manifest says so" : m ? "the manifest does not say so" : "no workload");
}

/* The asset itself: kept, its statement in force, one owner who decides alone. */
static const char *asset_fault(const struct decide_in *in)
{
	const struct asset_body *b = &in->asset.body;

	if (!in->has_asset)
		return "no such asset is kept";
	if (!stands(&in->asset.s, in->now))
		return "the asset's statement is not in force";
	if (in->q.version != 0 && in->q.version != b->version)
		return "another version of the asset is the one in force";
	if (b->k != 1 || b->n_of != 1 || strcmp(b->of[0], in->q.path.owner) != 0)
		return "the asset wants approvals by several parties, which is not built";
	return NULL;
}

/* The owner did approve this workload for this asset, but that approval does not hold here and now. */
static bool approved_otherwise(const struct decide_in *in, const struct fact_workload *w)
{
	for (size_t i = 0; i < in->n_approvals; i++) {
		const struct approval *b = &in->approval[i].body;

		for (size_t k = 0; k < b->n_assets; k++)
			if (strcmp(b->asset[k].text, in->q.path.text) == 0 && span_eq(SPAN(b->workload), SPAN(w->manifest.digest)))
				return true;
	}
	return false;
}

static void by_manifest(const struct decide_in *in, struct decision *d, struct check *c)
{
	d->service = named_service(in, d->workload);
	c->holds = d->service && manifest_lists(d->workload->manifest.platforms, span_of(in->a.platform));
	SET(c->found, "%s", c->holds ? "the provider's own manifest" : "a manifest that names another service or not this platform");
}

static void by_approval(const struct decide_in *in, struct decision *d, struct check *c)
{
	char digest[HEX32_LEN];

	d->approval = find_approval(in, d->workload);
	d->service = d->approval ? accepted_service(in, d->approval) : NULL;
	c->holds = d->approval != NULL;
	hex32(d->workload->manifest.digest, digest);
	if (c->holds)
		SET(c->found, "such an approval");
	else if (approved_otherwise(in, d->workload))
		SET(c->found, "%s's approval of workload %.16s for %s does not hold on platform %s now (time, uses, service)",
		    in->q.path.owner, digest, in->q.path.text, in->a.platform);
	else
		SET(c->found, "%s has not approved workload %.16s for %s on platform %s", in->q.path.owner, digest, in->q.path.text,
		    in->a.platform);
}

static void check_approved(const struct decide_in *in, struct decision *d)
{
	struct check *c = put(d, 9, SEES_OWNER);
	const char *fault = asset_fault(in);
	char digest[HEX32_LEN] = "(unknown)";

	if (d->workload)
		hex32(d->workload->manifest.digest, digest);
	SET(c->expected, "approval in force by %s for workload %.16s on %s by this service", in->q.path.owner, digest, in->a.platform);
	mend_by_approval(in, d, c);
	if (fault) {
		SET(c->found, "%s", fault);
		SET(c->command, "coffer asset put %s", in->q.path.text);
	} else if (!d->workload) {
		SET(c->found, "no workload");
	} else if (provider_owns(in, d->workload)) {
		by_manifest(in, d, c);
	} else {
		by_approval(in, d, c);
	}
}

/* The command that issues anew what was revoked; by its issuer. */
static void mend_revoked(const struct decide_in *in, const struct decision *d, const struct fact *f, struct check *c)
{
	SET(c->who, "%s", f->issuer);
	switch (f->kind) {
	case ST_WORKLOAD:
		SET(c->command, "%s", publish);
		break;
	case ST_APPROVAL:
		mend_by_approval(in, d, c);
		break;
	case ST_ASSET:
		SET(c->command, "coffer asset put %s", in->q.path.text);
		break;
	case ST_SERVICE:
		SET(c->command, "coffer service sign DESCRIPTOR.json");
		break;
	case ST_GENESIS:
	case ST_PARTY:
	case ST_IMAGE_RELEASE:
	case ST_REVOCATION:
	case ST_BOOT_IMAGE:
	case ST_TCB:
		break;
	}
}

static void check_revoked(const struct decide_in *in, struct decision *d)
{
	struct check *c = put(d, 11, SEES_OWNER | SEES_PROVIDER);
	const struct {
		const char        *what;
		const struct fact *f;
	} rests[] = {
		{ "workload", d->workload ? &d->workload->s : NULL }, { "approval", d->approval ? &d->approval->s : NULL },
		{ "asset", in->has_asset ? &in->asset.s : NULL },     { "service", d->service ? &d->service->s : NULL },
	};

	c->holds = true;
	SET(c->expected, "nothing this rests on is revoked");
	SET(c->found, "nothing");
	SET(c->who, "whoever issued what is revoked");
	for (size_t i = 0; i < 4; i++) {
		char id[HEX32_LEN];

		if (!rests[i].f || !revoked(in, rests[i].f))
			continue;
		hex32(rests[i].f->id, id);
		c->holds = false;
		SET(c->found, "the %s statement %.16s is revoked", rests[i].what, id);
		mend_revoked(in, d, rests[i].f, c);
		return;
	}
}

static void check_policy(const struct decide_in *in, struct decision *d)
{
	struct check *c = put(d, 10, SEES_OWNER);
	bool own = in->asset.body.policy.n > 0;

	c->holds = in->policy.asked && in->policy.allows;
	SET(c->expected, "%s's release policy for %s (%s) allows it", in->q.path.owner, in->q.path.text,
	    own ? "its own" : "the strict one that ships");
	SET(c->found, "%s", in->policy.asked ? in->policy.reason : "not asked: another check fails");
	if (in->policy.unavailable) {
		SET(c->who, "the service's operator");
		return;
	}
	SET(c->who, "%s", in->q.path.owner);
	SET(c->command, "coffer asset policy %s POLICY.rego", in->q.path.text);
}

bool decision_wants_policy(const struct decide_in *in, const struct decision *d)
{
	return !d->allowed && !in->policy.asked && d->n == DECIDE_CHECKS_MAX && d->reason == 10;
}

/* The reason is the first failing check that is built: "not built" tells nobody what to mend. */
static void conclude(struct decision *d)
{
	static const unsigned order[DECIDE_CHECKS_MAX] = { 1, 3, 6, 7, 9, 11, 0, 2, 4, 5, 8, 10 };

	d->allowed = true;
	d->reason = d->n;
	for (size_t i = 0; i < d->n; i++) {
		size_t at = d->n == DECIDE_CHECKS_MAX ? order[i] : i;

		if (d->allowed && !d->check[at].holds) {
			d->allowed = false;
			d->reason = at;
		}
	}
}

void decide(const struct decide_in *in, struct decision *out)
{
	static const unsigned later[] = { 0, 2, 4, 5, 8 };
	struct decision d = { .stranger = true, .n = 1 };
	bool named;

	decide_fresh(in, &d.check[0]);
	d.fresh = d.check[0].holds;
	if (d.fresh) {
		d.n = DECIDE_CHECKS_MAX;
		d.check[1] = d.check[0];
		check_workload(in, &d); /* before R3: whose assets these are depends on it */
		named = check_platform(in, &d);
		for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
			not_built(&d, later[i], named);
		check_entitled(in, &d);
		check_approved(in, &d);
		check_policy(in, &d);
		check_revoked(in, &d);
		d.absent = !in->has_asset;
		d.stranger = !d.workload || !names_asset(&d.workload->manifest, &in->q.path);
	}
	conclude(&d);
	*out = d;
}
