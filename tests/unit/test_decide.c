/* The decision check by check: a base case in which everything holds, and for each clause of each check the one
 * change that must make exactly that check fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cofferd/keep/decide.h"
#include "tests/t.h"

#define NOW INT64_C(1000000)

struct world {
	struct decide_in        in;
	struct fact_workload    workload[2];
	struct fact_approval    approval[2];
	struct fact_service     service[2];
	struct fact_revocation  revocation[2];
	struct man_container    container[2];
	struct json_doc        *platforms;
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

static void base_workload(struct world *w)
{
	struct fact_workload *f = &w->workload[0];
	struct manifest *m = &f->manifest;
	struct err e = { 0 };

	f->s = fact(ST_WORKLOAD, "acme", 1);
	memset(f->initdata, 0x11, 32);
	m->name = span_of("risk");
	(void)snprintf(m->provider, sizeof(m->provider), "acme");
	(void)snprintf(m->service_id, sizeof(m->service_id), "trust");
	memset(m->genesis, 0x99, 32);
	memset(m->digest, 0x22, 32);
	if (json_parse(span_of("[\"sample\"]"), 64, &w->platforms, &e) != COFFER_OK)
		abort();
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
	w->in.policy = (struct policy_answer){ .asked = true, .allows = true, .reason = "data.policy.allow is true" };
}

/* The provider's own asset. */
static void base_own(struct world *w)
{
	base(w);
	w->in.q.path = path("acme/a/b");
	asset_of(w, "acme");
	w->in.n_approvals = 0;
}

static void finish(struct world *w)
{
	json_free(w->platforms);
}

static bool allows(struct world *w)
{
	decide(&w->in, &w->d);
	finish(w);
	return w->d.allowed && w->d.reason == w->d.n;
}

/* Denied, for this reason, and of the built checks no other fails (but those named in `also`). */
static bool denies(struct world *w, const char *id, const char *also)
{
	bool only = true;

	decide(&w->in, &w->d);
	finish(w);
	for (size_t i = 0; i < w->d.n; i++)
		if (w->d.check[i].built && !w->d.check[i].holds && strcmp(w->d.check[i].id, id) != 0 && !strstr(also, w->d.check[i].id))
			only = false;
	return !w->d.allowed && w->d.reason < w->d.n && strcmp(w->d.check[w->d.reason].id, id) == 0 && only;
}

#define DENIES(change, id, also) do { base(&w); change; CHECK(denies(&w, id, also)); } while (0)
#define DENIES_OWN(change, id, also) do { base_own(&w); change; CHECK(denies(&w, id, also)); } while (0)

static struct world w; /* NOLINT: one test's at a time */

static void decide_base_cases_allow(void)
{
	base(&w);
	CHECK(allows(&w) && !w.d.stranger && w.d.approval == &w.approval[0] && w.d.service == &w.service[0]);
	base_own(&w);
	CHECK(allows(&w) && !w.d.approval && w.d.service == &w.service[0]);
	base(&w);
	w.in.q.scoped = w.in.q.signature_ok = w.in.q.counter_ok = false;
	CHECK(allows(&w)); /* every container is entitled for api */
}

static void trace_names_every_check_in_order(void)
{
	base(&w);
	CHECK(allows(&w) && w.d.n == 12);
	for (size_t i = 0; i < w.d.n; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "R%zu", i);
		CHECK(strcmp(w.d.check[i].id, id) == 0 && w.d.check[i].expected[0] && w.d.check[i].found[0] && w.d.check[i].who[0]);
		CHECK(w.d.check[i].built == (i == 1 || i == 3 || i == 6 || i == 7 || i == 9 || i == 10 || i == 11));
	}
}

static void r10_denies_what_the_owners_policy_does_not_allow(void)
{
	DENIES(w.in.policy.allows = false, "R10", "");
	CHECK(!decision_wants_policy(&w.in, &w.d)); /* it has been asked */
	CHECK(strcmp(w.d.check[10].command, "coffer asset policy kbs:///hospital/a/b POLICY.rego") == 0 &&
	      strcmp(w.d.check[10].who, "hospital") == 0 && w.d.check[10].sees == SEES_OWNER);
	DENIES_OWN(w.in.policy.allows = false, "R10", "");
	DENIES((w.in.policy.allows = false, w.in.policy.unavailable = true), "R10", "");
	CHECK(strcmp(w.d.check[10].who, "the service's operator") == 0 && !w.d.check[10].command[0]);
}

/* Nobody is asked about a request that another check denies; and "not asked" is never a yes. */
static void r10_is_asked_only_when_all_else_holds(void)
{
	DENIES(w.in.policy.asked = false, "R10", "");
	CHECK(decision_wants_policy(&w.in, &w.d));
	DENIES((w.in.policy.asked = false, w.approval[0].body.workload[0] ^= 1), "R9", "R10");
	CHECK(!decision_wants_policy(&w.in, &w.d));
	DENIES((w.in.policy.asked = false, w.in.a.attested = false), "R1", "");
	CHECK(!decision_wants_policy(&w.in, &w.d));
	base(&w);
	CHECK(allows(&w) && !decision_wants_policy(&w.in, &w.d));
}

static void r1_denies_what_is_not_fresh_and_looks_no_further(void)
{
	DENIES(w.in.a.attested = false, "R1", "");
	CHECK(w.d.n == 1 && !w.d.fresh && w.d.stranger);
	DENIES(w.in.now = w.in.a.expires, "R1", "");
	DENIES(w.in.a.found[47] ^= 1, "R1", "");
	DENIES(w.in.a.found[0] ^= 0x80, "R1", "");
	DENIES(w.in.a.found_n = 47, "R1", "");
	DENIES(w.in.a.expected_n = 0, "R1", "");
	DENIES((w.in.a.found_n = 64, w.in.a.found[63] = 1), "R1", "");
	DENIES(w.in.a.expected_n = w.in.a.found_n = 0, "R1", "");
	DENIES((w.in.a.found_n = 64, w.in.a.found[0] ^= 1), "R1", ""); /* padding does not heal */
	DENIES(w.in.q.signature_ok = false, "R1", "");
	DENIES(w.in.q.counter_ok = false, "R1", "");
	base(&w);
	w.in.a.found_n = 64; /* padded with zeros */
	CHECK(allows(&w));
}

static void r3_denies_a_platform_that_the_owner_did_not_name(void)
{
	DENIES(w.in.n_approvals = 0, "R3", "R9");
	DENIES((void)snprintf(w.approval[0].body.platform[0], 32, "snp"), "R3", "R9");
	DENIES(w.approval[0].body.asset[0] = path("hospital/a/c"), "R3", "R9");
	DENIES((void)snprintf(w.approval[0].s.issuer, PARTY_MAX, "acme"), "R3", "R9"); /* not the owner */
	DENIES(w.approval[0].s.superseded = true, "R3", "R9");
	DENIES(w.approval[0].s.expires = NOW, "R3", "R9");
	DENIES(w.approval[0].s.issued = NOW + 1, "R3", "R9");
	DENIES(w.approval[0].body.until = NOW, "R3", "R9");
	DENIES(w.approval[0].s.issuer_may = false, "R3", "R9");
	DENIES_OWN((json_free(w.platforms), w.platforms = NULL, w.workload[0].manifest.platforms = NULL), "R3", "R9");
	CHECK(!w.d.check[9].holds);
	/* Another workload's approval that names the platform is enough for R3, not for R9. */
	DENIES(memset(w.approval[0].body.workload, 0x33, 32), "R9", "");
}

static void r3_denies_every_platform_but_sample_even_when_named(void)
{
	DENIES((w.in.a.platform = "snp", (void)snprintf(w.approval[0].body.platform[0], 32, "snp")), "R3", "");
	for (size_t i = 0; i < w.d.n; i++)
		CHECK(w.d.check[i].built || !w.d.check[i].holds); /* what is not built denies there */
}

static void not_built_checks_hold_only_where_sample_is_named(void)
{
	base(&w);
	w.in.n_approvals = 0;
	decide(&w.in, &w.d);
	finish(&w);
	for (size_t i = 0; i < w.d.n; i++)
		CHECK(w.d.check[i].built || !w.d.check[i].holds);
}

static void r6_denies_init_data_that_is_absent_wrong_or_unknown(void)
{
	DENIES(w.in.a.has_register = false, "R6", "R7 R9");
	CHECK(w.d.stranger);
	DENIES((memset(w.in.a.init_register, 0, 32), memset(w.in.a.initdata, 0, 32), memset(w.workload[0].initdata, 0, 32)), "R6",
	       "R7 R9");
	DENIES(w.in.a.has_initdata = false, "R6", "R7 R9");
	DENIES(w.in.a.initdata[31] ^= 1, "R6", "R7 R9");
	DENIES(w.workload[0].initdata[0] ^= 1, "R6", "R7 R9");
	DENIES(w.in.n_workloads = 0, "R6", "R7 R9");
	DENIES((w.in.n_workloads = 0, w.in.q.scoped = false), "R6", "R7 R9");
	DENIES(w.workload[0].manifest.genesis[0] ^= 1, "R6", "R7 R9");
	DENIES((w.in.a.has_genesis = true, w.in.a.genesis[0] = 1), "R6", "R7 R9");
	DENIES(w.workload[0].s.superseded = true, "R6", "R7 R9");
	DENIES(w.workload[0].s.expires = NOW, "R6", "R7 R9");
	DENIES(w.workload[0].s.issued = NOW + 1, "R6", "R7 R9");
	DENIES(w.workload[0].s.issuer_may = false, "R6", "R7 R9");
	base(&w);
	w.in.a.has_genesis = true;
	memset(w.in.a.genesis, 0x99, 32);
	CHECK(allows(&w));
}

static void r7_denies_container_and_purpose_that_the_manifest_does_not_name(void)
{
	DENIES(w.in.q.container = span_of("other"), "R7", "");
	DENIES(w.in.q.purpose = PURPOSE_ENV, "R7", "");
	DENIES((w.in.q.container = span_of("logger"), w.in.q.purpose = PURPOSE_VOLUME), "R7", "");
	CHECK(!w.d.stranger);
	DENIES((w.in.q.scoped = false, w.container[1].n_entitlements = 0), "R7", ""); /* one container is not entitled */
	DENIES((w.in.q.scoped = false, w.container[0].entitlement[0].purpose = PURPOSE_FILE), "R7", ""); /* nor for another purpose */
	DENIES((w.container[0].n_entitlements = 0, w.container[1].n_entitlements = 0), "R7", "");
	CHECK(w.d.stranger); /* a workload that does not name the asset at all */
	base(&w);
	w.in.q.purpose = PURPOSE_VOLUME;
	CHECK(allows(&w));
}

static void r9_denies_without_an_approval_that_covers(void)
{
	DENIES(w.approval[0].body.workload[0] ^= 1, "R9", "");
	DENIES(w.approval[0].body.service[0][0] ^= 1, "R9", "");
	DENIES(w.in.n_services = 0, "R9", "");
	DENIES(w.service[0].s.superseded = true, "R9", "");
	DENIES(w.service[0].s.expires = NOW, "R9", "");
	DENIES((w.approval[0].body.has_uses = true, w.approval[0].body.uses = 5, w.approval[0].used = 5), "R9", "");
	base(&w);
	w.approval[0].body.has_uses = true;
	w.approval[0].body.uses = 5;
	w.approval[0].used = 4;
	CHECK(allows(&w));
	CHECK(strstr(w.d.check[9].expected, "2222"));
	base(&w);
	w.approval[0].body.asset[1] = path("hospital/x/y");
	(void)snprintf(w.approval[0].body.platform[1], 32, "snp");
	memset(w.approval[0].body.service[1], 8, 32);
	w.approval[0].body.n_assets = w.approval[0].body.n_platforms = w.approval[0].body.n_services = 2;
	CHECK(allows(&w)); /* several of each: any place in the list counts */
	/* Platform named by one approval and workload by another do not add up. */
	base(&w);
	w.approval[1] = w.approval[0];
	memset(w.approval[0].body.workload, 0x33, 32);
	(void)snprintf(w.approval[1].body.platform[0], 32, "snp");
	w.in.n_approvals = 2;
	CHECK(denies(&w, "R9", ""));
}

static void r9_says_what_is_missing_and_the_command_that_mends_it(void)
{
	const struct check *c = &w.d.check[9];
	char want[256];

	DENIES(w.approval[0].body.workload[0] ^= 1, "R9", "");
	CHECK(strcmp(c->found, "hospital has not approved workload 2222222222222222 for kbs:///hospital/a/b on platform sample") == 0);
	CHECK(strcmp(c->who, "hospital") == 0);
	(void)snprintf(want, sizeof(want), "coffer approve %064d --asset kbs:///hospital/a/b --platform sample", 0);
	memset(want + strlen("coffer approve "), '2', 64);
	CHECK(strcmp(c->command, want) == 0);
	DENIES((w.approval[0].body.has_uses = true, w.approval[0].body.uses = w.approval[0].used = 1), "R9", "");
	CHECK(strstr(c->found, "does not hold") && strcmp(c->command, want) == 0);
	DENIES(w.in.has_asset = false, "R9", "");
	CHECK(strcmp(c->command, "coffer asset put kbs:///hospital/a/b") == 0);
	DENIES_OWN(w.in.n_services = 0, "R9", "");
	CHECK(strcmp(c->who, "acme") == 0 && strcmp(c->command, "coffer workload publish MANIFEST.json") == 0);
}

static void r9_denies_an_asset_that_is_absent_or_not_in_force(void)
{
	DENIES(w.in.has_asset = false, "R9", "");
	CHECK(w.d.absent);
	DENIES(w.in.asset.s.superseded = true, "R9", "");
	DENIES(w.in.asset.s.expires = NOW, "R9", "");
	DENIES(w.in.q.version = 2, "R9", "");
	DENIES(w.in.asset.body.k = 2, "R9", "");
	DENIES(w.in.asset.body.n_of = 2, "R9", "");
	DENIES((void)snprintf(w.in.asset.body.of[0], PARTY_MAX, "acme"), "R9", "");
	base(&w);
	w.in.q.version = 3;
	CHECK(allows(&w));
}

static void r9_of_the_providers_own_asset_wants_its_service(void)
{
	DENIES_OWN(w.in.n_services = 0, "R9", "");
	DENIES_OWN((void)snprintf(w.service[0].id, PARTY_MAX, "another"), "R9", "");
	DENIES_OWN(w.service[0].s.issuer_may = false, "R9", "");
}

static void revoke(uint8_t id, const char *issuer)
{
	memset(w.revocation[w.in.n_revocations].target, id, 32);
	(void)snprintf(w.revocation[w.in.n_revocations++].issuer, PARTY_MAX, "%s", issuer);
}

static void r11_denies_what_rests_on_something_revoked(void)
{
	DENIES(revoke(1, "acme"), "R11", "");     /* workload, by its issuer */
	DENIES(revoke(1, "hospital"), "R11", ""); /* workload, by the owner of this asset */
	DENIES(revoke(2, "hospital"), "R11", ""); /* approval */
	DENIES(revoke(3, "acme"), "R11", "");     /* service */
	DENIES(revoke(4, "hospital"), "R11", ""); /* asset */
	DENIES_OWN(revoke(1, "acme"), "R11", "");
	DENIES_OWN(revoke(3, "acme"), "R11", "");
	CHECK(!w.d.stranger);
}

static void r11_ignores_revocations_by_those_not_concerned(void)
{
	base_own(&w);
	revoke(1, "hospital"); /* the hospital has no say over acme's own asset */
	CHECK(allows(&w));
	base(&w);
	revoke(2, "acme");
	revoke(3, "hospital");
	CHECK(allows(&w));
	base(&w);
	revoke(4, "acme");
	CHECK(allows(&w));
}

static void decide_prefers_what_is_not_revoked(void)
{
	base(&w);
	w.approval[1] = w.approval[0];
	memset(w.approval[1].s.id, 9, 32);
	w.in.n_approvals = 2;
	revoke(2, "hospital");
	CHECK(allows(&w) && w.d.approval == &w.approval[1]);
	base(&w);
	w.workload[1] = w.workload[0];
	memset(w.workload[1].s.id, 9, 32);
	w.in.n_workloads = 2;
	revoke(1, "acme");
	CHECK(allows(&w) && w.d.workload == &w.workload[1]);
	base(&w);
	w.service[1] = w.service[0];
	memset(w.service[1].s.id, 9, 32);
	w.approval[0].body.n_services = 2;
	memset(w.approval[0].body.service[1], 9, 32);
	w.in.n_services = 2;
	revoke(3, "acme");
	CHECK(allows(&w) && w.d.service == &w.service[1]);
	/* An approval by way of a revoked service gives way to one that is not. */
	base(&w);
	w.service[1] = w.service[0];
	memset(w.service[1].s.id, 9, 32);
	w.in.n_services = w.in.n_approvals = 2;
	w.approval[1] = w.approval[0];
	memset(w.approval[1].body.service[0], 9, 32);
	revoke(3, "acme");
	CHECK(allows(&w) && w.d.approval == &w.approval[1]);
	base_own(&w);
	w.service[1] = w.service[0];
	memset(w.service[1].s.id, 9, 32);
	w.in.n_services = 2;
	revoke(3, "acme");
	CHECK(allows(&w) && w.d.service == &w.service[1]);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(decide_base_cases_allow), T(trace_names_every_check_in_order), T(r10_denies_what_the_owners_policy_does_not_allow), T(r10_is_asked_only_when_all_else_holds),
		T(r1_denies_what_is_not_fresh_and_looks_no_further),
		T(r3_denies_a_platform_that_the_owner_did_not_name), T(r3_denies_every_platform_but_sample_even_when_named),
		T(not_built_checks_hold_only_where_sample_is_named), T(r6_denies_init_data_that_is_absent_wrong_or_unknown),
		T(r7_denies_container_and_purpose_that_the_manifest_does_not_name), T(r9_denies_without_an_approval_that_covers),
		T(r9_says_what_is_missing_and_the_command_that_mends_it), T(r9_denies_an_asset_that_is_absent_or_not_in_force),
		T(r9_of_the_providers_own_asset_wants_its_service),
		T(r11_denies_what_rests_on_something_revoked), T(r11_ignores_revocations_by_those_not_concerned),
		T(decide_prefers_what_is_not_revoked),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
