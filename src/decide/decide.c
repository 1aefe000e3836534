#include "decide/decide_int.h"

#include "base/secret.h"
#include "fmt/enc.h"

struct check *decide_put(struct decision *d, unsigned n, unsigned sees)
{
	static const char *const id[DECIDE_CHECKS_MAX] = { "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11" };
	struct check *c = &d->check[n];

	*c = (struct check){ .id = id[n], .sees = sees };
	return c;
}

/* ---- R0 ---- */

/* Some approval for the asset, whatever it is for: which one covers this workload is R9's question. */
static const struct fact_service *accepted_service(const struct decide_in *in)
{
	const struct fact_service *best = NULL;

	for (size_t i = 0; i < in->n_approvals; i++) {
		const struct fact_approval *a = &in->approval[i];
		const struct fact_service *s = decide_approves_asset(in, a) ? decide_listed_service(in, a) : NULL;

		if (s && !decide_revoked(in, &s->s))
			return s;
		best = best ? best : s;
	}
	return best;
}

/* By whose word it is the service, where that is not a founder's own. */
static void say_delegate(const struct fact_service *s, struct check *c)
{
	size_t at = strlen(c->found);

	if (s->s.of[0] && at < sizeof(c->found))
		(void)snprintf(c->found + at, sizeof(c->found) - at, ", by %s's delegate %s", s->s.of, s->s.issuer);
}

static void check_service(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 0, SEES_OWNER);
	bool own = decide_own(in, d->workload);
	const struct fact_service *s = own ? decide_named_service(in, d->workload) : d->service ? d->service : accepted_service(in);
	char id[HEX32_LEN];

	c->holds = s != NULL;
	SET(c->expected, "%s in force of %s that accepts this service for %s", own ? "a manifest" : "an approval", in->q.path.owner,
	    in->q.path.text);
	decide_mend(in, d, c);
	if (s) {
		hex32(s->s.id, id);
		SET(c->found, "its statement %.16s is %s", id, own ? "of the service that the manifest names" : "listed in one");
		say_delegate(s, c);
	} else if (own) {
		SET(c->found, "the manifest names service %s, of which this one has no statement in force", d->workload->manifest.service_id);
	} else {
		SET(c->found, "%s has approved nothing for %s that lists a statement in force of this service", in->q.path.owner,
		    in->q.path.text);
	}
}

/* ---- R1 ---- */

void decide_fresh(const struct decide_in *in, struct check *out)
{
	const struct appraisal *a = &in->a;
	struct check c = { .id = "R1", .sees = SEES_OWNER | SEES_PROVIDER };
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

/* ---- R6, R7 ---- */

static void check_workload(const struct decide_in *in, struct decision *d)
{
	static const uint8_t zero[32];
	struct check *c = decide_put(d, 6, SEES_OWNER | SEES_PROVIDER);
	const struct appraisal *a = &in->a;
	char reg[HEX32_LEN];

	hex32(a->init_register, reg);
	SET(c->expected, "init-data that hashes to its register and is the rendering of a logged workload in force");
	SET(c->who, "the workload's provider");
	SET(c->command, "%s", DECIDE_PUBLISH);
	if (!a->has_register || span_eq(SPAN(a->init_register), SPAN(zero)))
		SET(c->found, "no init-data register in the evidence");
	else if (!a->has_initdata)
		SET(c->found, "no init-data was offered");
	else if (!span_eq(SPAN(a->initdata), SPAN(a->init_register)))
		SET(c->found, "init-data bytes that do not hash to the register %s", reg);
	else if (a->has_genesis && !span_eq(SPAN(a->genesis), (struct span){ in->genesis, 32 }))
		SET(c->found, "a guest of another genesis");
	else if (!(d->workload = decide_workload(in)))
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

/* By its path, or by a slot that it fills. */
static bool is_entitled(const struct decide_in *in, const struct decision *d, const struct man_container *c, enum purpose purpose)
{
	return manifest_entitles(c, &in->q.path, purpose) || decide_slot(in, d->workload, c, purpose);
}

static bool all_entitled(const struct decide_in *in, const struct decision *d, enum purpose purpose)
{
	const struct manifest *m = &d->workload->manifest;

	for (size_t i = 0; i < m->n_containers; i++)
		if (!is_entitled(in, d, &m->container[i], purpose))
			return false;
	return m->n_containers > 0;
}

/* A container's name means something only where the agent keeps containers apart: else what one gets, all can read. */
static void check_entitled(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 7, SEES_PROVIDER);
	const struct manifest *m = d->workload ? &d->workload->manifest : NULL;
	const struct man_container *k = m && in->q.scoped ? manifest_container(m, in->q.container) : NULL;
	int name_n = (int)(in->q.container.n > 64 ? 64 : in->q.container.n);
	enum purpose purpose = in->q.scoped ? in->q.purpose : PURPOSE_API;

	SET(c->who, "%s", m ? m->provider : "the workload's provider");
	SET(c->command, "%s", DECIDE_PUBLISH);
	if (in->n_bindings < in->n_bound) {
		SET(c->expected, "every binding that the guest was started with is logged");
		SET(c->found, "%zu of %zu are", in->n_bindings, in->n_bound);
		SET(c->who, "whoever chose the bindings of this instance");
		SET(c->command, "coffer run POD.yaml --binding FILE");
		return;
	}
	if (in->q.scoped && decide_scopes(in, d)) {
		c->holds = k && is_entitled(in, d, k, purpose);
		SET(c->expected, "container %.*s is entitled to %s for %s", name_n, (const char *)in->q.container.p,
		    in->q.path.text, purpose_name(purpose));
	} else {
		c->holds = m && (k || !in->q.scoped) && all_entitled(in, d, purpose);
		SET(c->expected, "every container is entitled to %s for %s%s", in->q.path.text, purpose_name(purpose),
		    in->q.scoped ? ", since the guest's agent does not keep them apart" : "");
	}
	if (!c->holds && decide_bound(in, d->workload)) {
		SET(c->found, "a binding puts it into a slot that is not this container's for that, or that another binding fills too; or it has ended, or a newer one took its place");
		SET(c->who, "whoever chose the bindings of this instance");
		SET(c->command, "coffer run POD.yaml --binding FILE");
	} else {
		SET(c->found, "%s", c->holds ? "the manifest says so" : m ? "the manifest does not say so" : DECIDE_NO_WORKLOAD);
	}
}

/* ---- R9 ---- */

/* The asset itself: kept, its statement in force. */
static const char *asset_fault(const struct decide_in *in)
{
	const struct asset_body *b = &in->asset.body;

	if (!in->has_asset)
		return "no such asset is kept";
	if (!decide_stands(&in->asset.s, in->now))
		return "the asset's statement is not in force";
	if (in->q.version != 0 && in->q.version != b->version)
		return "another version of the asset is the one in force";
	return NULL;
}

/* The owner did approve this workload for this asset, but that approval does not hold here and now. */
static bool approved_otherwise(const struct decide_in *in, const struct fact_workload *w)
{
	for (size_t i = 0; i < in->n_approvals; i++) {
		const struct approval *b = &in->approval[i].body;

		for (size_t k = 0; k < b->n_assets; k++)
			if (strcmp(b->asset[k].text, in->q.path.text) == 0 && decide_for(in, &in->approval[i], w))
				return true;
	}
	return false;
}

static void by_manifest(const struct decide_in *in, struct decision *d, struct check *c)
{
	const struct json *list = d->workload->manifest.platforms;
	bool platform = false;

	for (size_t i = 0; i < json_len(list); i++)
		platform = platform || decide_accepts(&in->a, json_str(json_at(list, i)));
	d->service = decide_named_service(in, d->workload);
	c->holds = d->service && platform;
	SET(c->found, "%s", c->holds ? "the provider's own manifest" : "a manifest that names another service or not this platform");
}

/* Of the parties that the asset names: who is missing, with what each of the others allows. Who mends it is whom each waits for. */
static void say_missing(const struct decide_in *in, struct decision *d, struct check *c)
{
	const struct asset_body *b = &in->asset.body;
	char missing[sizeof(c->who)] = "", why[320] = "";
	size_t have = 0, at = 0, said = 0;

	for (size_t i = 0; i < b->n_of; i++) {
		bool consents = decide_consents(in, d->workload, b->of[i]);
		int n = consents || at >= sizeof(missing) ? 0 : snprintf(missing + at, sizeof(missing) - at, "%s%s", at ? ", " : "", b->of[i]);

		have += consents;
		at += n > 0 ? (size_t)n : 0;
		n = consents || said >= sizeof(why) ? 0 : snprintf(why + said, sizeof(why) - said, "%s%s (%s)", said ? ", " : "", b->of[i],
		    decide_missing(in, d->workload, b->of[i]));
		said += n > 0 ? (size_t)n : 0;
	}
	if (have >= b->k)
		SET(c->found, "%zu parties approved, but no %llu of them the same service and boot image", have, (unsigned long long)b->k);
	else
		SET(c->found, "%zu of the %llu approvals that %s wants; not by: %s", have, (unsigned long long)b->k, in->q.path.text, why);
	if (have < b->k)
		SET(c->who, "%s", missing);
	decide_wait(in, d, c);
}

/* Never left unsaid. */
static void say_any_code(const struct decision *d, struct check *c)
{
	size_t at = strlen(c->found);

	for (size_t i = 0; i < d->n_approvals; i++)
		if (d->approval[i]->body.images_by[0] && at < sizeof(c->found)) {
			(void)snprintf(c->found + at, sizeof(c->found) - at, "; %s may run any code on this data", d->approval[i]->body.images_by);
			at = strlen(c->found);
		}
}

static void say_approved(const struct decide_in *in, const struct decision *d, struct check *c)
{
	const struct fact *f = &d->approval[0]->s;

	if (in->asset.body.n_of > 1)
		SET(c->found, "approvals of %zu of the %zu parties that count", d->n_approvals, in->asset.body.n_of);
	else if (f->of[0])
		SET(c->found, "such an approval, by %s's delegate %s", in->q.path.owner, f->issuer);
	else
		SET(c->found, "such an approval");
	say_any_code(d, c);
}

/* Approvals that would do, were none of them revoked or paused: R11 is the reason then, and who mends that it says. */
static void say_revoked(const struct decide_in *in, const struct decision *d, struct check *c)
{
	size_t live = 0, at = 0;
	char gone[240] = "";

	for (size_t i = 0; i < d->n_approvals; i++) {
		const struct fact *f = &d->approval[i]->s;
		bool dead = decide_revoked(in, f);
		int n = !dead || at >= sizeof(gone) ? 0 : snprintf(gone + at, sizeof(gone) - at, "%s%s's is %s", at ? ", " : "", f->of[0] ? f->of : f->issuer, decide_state(in, f));

		live += !dead;
		at += n > 0 ? (size_t)n : 0;
	}
	SET(c->found, "%zu of the %llu approvals that %s wants in force; %s", live, (unsigned long long)in->asset.body.k, in->q.path.text, gone);
}

static bool all_in_force(const struct decide_in *in, const struct decision *d)
{
	for (size_t i = 0; i < d->n_approvals; i++)
		if (decide_revoked(in, &d->approval[i]->s))
			return false;
	return true;
}

static void by_approval(const struct decide_in *in, struct decision *d, struct check *c)
{
	struct decide_set set;
	char digest[HEX32_LEN];

	hex32(d->workload->manifest.digest, digest);
	if (decide_set(in, d->workload, &set)) {
		memcpy(d->approval, set.approval, sizeof(d->approval));
		d->n_approvals = set.n;
		d->service = set.service;
		d->boot = set.boot;
		c->holds = all_in_force(in, d);
		if (c->holds)
			say_approved(in, d, c);
		else
			say_revoked(in, d, c);
	} else if (in->asset.body.n_of > 1) {
		say_missing(in, d, c);
	} else if (approved_otherwise(in, d->workload)) {
		SET(c->found, "%s's approval of workload %.16s for %s does not hold on %s now: %s", in->q.path.owner, digest, in->q.path.text,
		    in->a.platform, decide_missing(in, d->workload, in->q.path.owner));
		decide_wait(in, d, c);
	} else {
		SET(c->found, "%s has not approved workload %.16s for %s on platform %s", in->q.path.owner, digest, in->q.path.text,
		    in->a.platform);
	}
}

static void check_approved(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 9, SEES_OWNER);
	const char *fault = asset_fault(in);
	char digest[HEX32_LEN] = "(unknown)";

	if (d->workload)
		hex32(d->workload->manifest.digest, digest);
	SET(c->expected, "approval in force by %s for workload %.16s on %s by this service", in->q.path.owner, digest, in->a.platform);
	decide_mend(in, d, c);
	if (fault) {
		SET(c->found, "%s", fault);
		SET(c->command, "coffer asset put %s", in->q.path.text);
	} else if (!d->workload) {
		SET(c->found, DECIDE_NO_WORKLOAD);
	} else if (decide_own(in, d->workload)) {
		by_manifest(in, d, c);
	} else {
		by_approval(in, d, c);
	}
}

/* ---- R10 ---- */

/* A shipped policy that this decision rests on and that is another than the genesis names, as the asset goes by it; SHIPPED_N: none. The claims come of
 * those for attestation whoever's release policy then reads them. */
static size_t shipped_fault(const struct decide_in *in)
{
	bool own = in->asset.body.policy.n > 0;
	size_t i = own ? SHIPPED_RELEASE + 1 : SHIPPED_RELEASE;

	while (in->has_asset && in->view && in->shipped && i < SHIPPED_N && shipped_same(&in->view->policies, in->shipped, i))
		i++;
	return in->has_asset && in->view && in->shipped ? i : SHIPPED_N;
}

static void say_shipped(const struct decide_in *in, size_t i, struct check *c)
{
	char named[HEX32_LEN], here[HEX32_LEN];

	hex32(in->view->policies.sha256[i], named);
	hex32(in->shipped->sha256[i], here);
	c->holds = false;
	SET(c->expected, "the shipped policy \"%s\" is the one that the genesis names, as %s goes by it: %s", shipped_name(i), in->q.path.text, named);
	SET(c->found, "the one that ships with this version is %s, which counts for the asset once an amendment names it and the asset goes by that", here);
	SET(c->who, "the service's operator, with a version that ships it, or %s", in->q.path.owner);
	SET(c->command, "coffer asset policy %s --as-amended", in->q.path.text);
}

static void check_policy(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 10, SEES_OWNER);
	bool own = in->asset.body.policy.n > 0;

	c->holds = in->policy.asked && in->policy.allows;
	SET(c->expected, "%s's release policy for %s (%s) allows it", in->q.path.owner, in->q.path.text,
	    own ? "its own" : "the strict one that ships");
	SET(c->found, "%s", in->policy.asked ? in->policy.reason : DECIDE_NOT_ASKED "another check fails");
	if (shipped_fault(in) < SHIPPED_N) {
		say_shipped(in, shipped_fault(in), c);
		return;
	}
	if (in->policy.unavailable) {
		SET(c->who, "the service's operator");
		return;
	}
	SET(c->who, "%s", in->q.path.owner);
	if (own) /* it is the owner's condition: shown, not replaced */
		SET(c->command, "coffer asset policy %s", in->q.path.text);
	else
		SET(c->command, "coffer asset policy %s POLICY.rego", in->q.path.text);
}

bool decision_wants_policy(const struct decide_in *in, const struct decision *d)
{
	return !d->allowed && !in->policy.asked && d->n == DECIDE_CHECKS_MAX && d->reason == 10 && shipped_fault(in) == SHIPPED_N;
}

/* The reason is the first failing check in that order. Where approvals were found and are only revoked or paused, that is the reason (R11) and not R9. */
static void conclude(struct decision *d, const unsigned *order, size_t n)
{
	d->allowed = true;
	d->reason = d->n;
	for (size_t i = 0; i < n; i++) {
		size_t at = order[i];

		if (at == 9 && d->n_approvals > 0 && !d->check[11].holds)
			continue;
		if (d->allowed && !d->check[at].holds) {
			d->allowed = false;
			d->reason = at;
		}
	}
}

static void judge(const struct decide_in *in, struct decision *d)
{
	struct check first[2] = { d->check[0], d->check[1] };

	d->n = DECIDE_CHECKS_MAX;
	d->check[1] = first[0];
	d->check[2] = first[1];
	check_workload(in, d); /* first: whose assets these are depends on it */
	check_approved(in, d);
	check_service(in, d);  /* the one it was approved for, where it was */
	decide_root(in, d);
	decide_age(in, d);
	decide_platform(in, d);
	decide_firmware(in, d);
	decide_booted(in, d);  /* which boot image it is depends on the approval */
	check_entitled(in, d); /* what a container's name is worth depends on the boot image */
	decide_images(in, d);
	check_policy(in, d);
	decide_r11(in, d);
	d->absent = !in->has_asset;
	d->stranger = !d->workload || !(names_asset(&d->workload->manifest, &in->q.path) || decide_bound(in, d->workload));
}

/* R0 to R11 in turn, but R6 before those that depend on whose workload it is, and last R10, which is asked only when all else holds. */
void decide(const struct decide_in *in, struct decision *out)
{
	static const unsigned order[DECIDE_CHECKS_MAX] = { 1, 2, 6, 0, 3, 4, 5, 7, 8, 9, 11, 10 }, fresh[] = { 0, 1 };
	struct decision d = { .stranger = true, .n = 1 };

	decide_fresh(in, &d.check[0]);
	if (d.check[0].holds) {
		d.n = 2;
		decide_genuine(in, &d.check[1]);
		d.appraised = d.check[1].holds;
	}
	if (d.appraised)
		judge(in, &d);
	conclude(&d, d.appraised ? order : fresh, d.n);
	*out = d;
}

void decide_stated(const struct decide_in *in, struct decision *out)
{
	static const unsigned order[] = { 6, 0, 5, 7, 8, 9, 11 };
	struct decision d = { .check = { { .id = "R1" }, { .id = "R2" } } };

	judge(in, &d);
	conclude(&d, order, sizeof(order) / sizeof(order[0]));
	*out = d;
}
