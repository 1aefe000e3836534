/* The decision check by check: a base case in which everything holds, and for each clause of each check the one
 * change that must make exactly that check fail. */
#include "tests/unit/decide_fix.h"
#include "trust/thing.h"

static void decide_base_cases_allow(void)
{
	base(&w);
	CHECK(allows(&w) && !w.d.stranger && w.d.approval[0] == &w.approval[0] && w.d.service == &w.service[0]);
	base_own(&w);
	CHECK(allows(&w) && !w.d.n_approvals && w.d.service == &w.service[0]);
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
	}
}

static void r10_denies_what_the_owners_policy_does_not_allow(void)
{
	DENIES(w.in.policy.allows = false, "R10", "");
	CHECK(!decision_wants_policy(&w.in, &w.d)); /* it has been asked */
	CHECK(strcmp(w.d.check[10].command, "coffer asset policy kbs:///hospital/a/b POLICY.rego") == 0 &&
	      strcmp(w.d.check[10].who, "hospital") == 0 && w.d.check[10].sees == SEES_OWNER);
	DENIES((w.in.policy.allows = false, w.in.asset.body.policy = span_of("package policy")), "R10", "");
	CHECK(strcmp(w.d.check[10].command, "coffer asset policy kbs:///hospital/a/b") == 0); /* its own is shown; no word of replacing it */
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
	CHECK(w.d.n == 1 && !w.d.appraised && w.d.stranger);
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

static void r0_denies_a_service_that_the_owner_did_not_accept(void)
{
	DENIES(w.in.n_approvals = 0, "R0", "R3 R5 R9");
	CHECK(strcmp(w.d.check[0].found, "hospital has approved nothing for kbs:///hospital/a/b that lists a statement in force of this service") == 0 &&
	      strcmp(w.d.check[0].who, "hospital") == 0 && strncmp(w.d.check[0].command, "coffer approve 2222", 19) == 0 &&
	      w.d.check[0].sees == SEES_OWNER);
	DENIES(w.approval[0].body.asset[0] = path("hospital/a/c"), "R0", "R3 R5 R9");
	DENIES((void)snprintf(w.approval[0].s.issuer, PARTY_MAX, "acme"), "R0", "R3 R5 R9"); /* not the owner */
	DENIES(w.approval[0].s.superseded = true, "R0", "R3 R5 R9");
	DENIES(w.approval[0].s.expires = NOW, "R0", "R3 R5 R9");
	DENIES(w.approval[0].s.issued = NOW + 1, "R0", "R3 R5 R9");
	DENIES(w.approval[0].body.until = NOW, "R0", "R3 R5 R9");
	DENIES(w.approval[0].s.issuer_may = false, "R0", "R3 R5 R9");
	DENIES(w.approval[0].body.service[0][0] ^= 1, "R0", "R9");
	DENIES(w.in.n_services = 0, "R0", "R9");
	DENIES(w.service[0].s.superseded = true, "R0", "R9");
	DENIES(w.service[0].s.expires = NOW, "R0", "R9");
	DENIES(w.service[0].s.issued = NOW + 1, "R0", "R9");
	DENIES(w.service[0].s.issuer_may = false, "R0", "R9");
	/* By an approval for another platform the owner accepts the service all the same. */
	DENIES((void)snprintf(w.approval[0].body.platform[0], 32, "snp"), "R3", "R5 R9");
	CHECK(w.d.check[0].holds);
}

static void r0_of_the_providers_own_asset_wants_the_service_of_its_manifest(void)
{
	DENIES_OWN(w.in.n_services = 0, "R0", "R9");
	CHECK(strcmp(w.d.check[0].who, "acme") == 0 && strcmp(w.d.check[0].command, "coffer workload publish MANIFEST.json") == 0);
	DENIES_OWN((void)snprintf(w.service[0].id, PARTY_MAX, "another"), "R0", "R9");
	DENIES_OWN(w.service[0].s.issuer_may = false, "R0", "R9");
	/* An approval by its owner is no way round its manifest. */
	base_own(&w);
	w.approval[0].body.asset[0] = path("acme/a/b");
	w.approval[0].s = fact(ST_APPROVAL, "acme", 2);
	w.in.n_approvals = 1;
	(void)snprintf(w.workload[0].manifest.service_id, PARTY_MAX, "another");
	CHECK(denies(&w, "R0", "R9"));
}

static void r3_denies_a_platform_that_the_owner_did_not_name(void)
{
	DENIES((void)snprintf(w.approval[0].body.platform[0], 32, "snp"), "R3", "R5 R9");
	CHECK(strstr(w.d.check[3].found, "sample, which proves nothing and is not named"));
	DENIES((void)snprintf(w.approval[0].body.platform[0], 32, "sampl"), "R3", "R5 R9");
	DENIES((void)snprintf(w.approval[0].body.platform[0], 32, "sample2"), "R3", "R5 R9");
	DENIES_OWN((json_free(w.platforms), w.platforms = NULL, w.workload[0].manifest.platforms = NULL), "R3", "R5 R9");
	CHECK(!w.d.check[9].holds);
	/* Another workload's approval that names the platform is enough for R3, not for R9. */
	DENIES(memset(w.approval[0].body.workload, 0x33, 32), "R9", "");
}

static void r6_denies_init_data_that_is_absent_wrong_or_unknown(void)
{
	DENIES(w.in.a.has_register = false, "R6", "R7 R8 R9");
	CHECK(w.d.stranger);
	DENIES((memset(w.in.a.init_register, 0, 32), memset(w.in.a.initdata, 0, 32), memset(w.workload[0].initdata, 0, 32)), "R6",
	       "R7 R8 R9");
	DENIES(w.in.a.has_initdata = false, "R6", "R7 R8 R9");
	DENIES(w.in.a.initdata[31] ^= 1, "R6", "R7 R8 R9");
	DENIES(w.workload[0].initdata[0] ^= 1, "R6", "R7 R8 R9");
	DENIES(w.in.n_workloads = 0, "R6", "R7 R8 R9");
	DENIES((w.in.n_workloads = 0, w.in.q.scoped = false), "R6", "R7 R8 R9");
	DENIES(w.workload[0].manifest.genesis[0] ^= 1, "R6", "R7 R8 R9");
	DENIES((w.in.a.has_genesis = true, w.in.a.genesis[0] = 1), "R6", "R7 R8 R9");
	DENIES(w.workload[0].s.superseded = true, "R6", "R7 R8 R9");
	DENIES(w.workload[0].s.expires = NOW, "R6", "R7 R8 R9");
	DENIES(w.workload[0].s.issued = NOW + 1, "R6", "R7 R8 R9");
	DENIES(w.workload[0].s.issuer_may = false, "R6", "R7 R8 R9");
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
	DENIES(w.in.q.path = w.in.asset.body.path = path("hospital/a/z"), "R0", "R3 R5 R7 R9");
	CHECK(w.d.stranger); /* one that names others */
	base(&w);
	w.in.q.purpose = PURPOSE_VOLUME;
	CHECK(allows(&w));
}

static void r9_denies_without_an_approval_that_covers(void)
{
	DENIES(w.approval[0].body.workload[0] ^= 1, "R9", "");
	/* A service accepted by another approval only is not this one's. */
	base(&w);
	w.approval[1] = w.approval[0];
	memset(w.approval[1].body.workload, 0x33, 32);
	w.approval[0].body.service[0][0] ^= 1;
	w.in.n_approvals = 2;
	CHECK(denies(&w, "R9", ""));
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

/* What manifest_diff found, when the facts were read. */
static void other_workload(bool or_narrower, uint32_t within)
{
	base(&w);
	w.approval[0].body.workload[0] ^= 1;
	w.approval[0].body.or_narrower = or_narrower;
	w.approval[0].within = within;
}

static void r9_takes_what_is_narrower_where_the_approval_says_so(void)
{
	other_workload(false, 1);
	CHECK(denies(&w, "R9", ""));
	other_workload(true, 2); /* another one is */
	CHECK(denies(&w, "R9", ""));
	other_workload(true, 1);
	CHECK(allows(&w) && !strstr(w.d.check[9].found, "any code"));
	other_workload(true, 1);
	(void)snprintf(w.approval[0].body.images_by, PARTY_MAX, "imaker");
	CHECK(allows(&w) && strstr(w.d.check[9].found, "imaker may run any code on this data"));
}

static void void_word_is_revoked_and_says_why(void)
{
	DENIES(w.approval[0].s.voided = true, "R11", "R9");
	CHECK(strstr(w.d.check[9].found, "hospital's is void"));
	CHECK(strstr(w.d.check[11].found, "is void: a key that was compromised by then signed it"));
	DENIES(w.in.asset.s.voided = true, "R11", "");
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
	(void)snprintf(want + strlen(want), sizeof(want) - strlen(want), " --until 1970-01-12T13:46:50Z"); /* as the other workload's approval said */
	CHECK(strcmp(c->command, want) == 0);
	(void)snprintf(strstr(want, " --until"), 64, " --uses 3 --until 1970-01-12T13:46:50Z"); /* one run takes three: the manifest entitles to it thrice */
	DENIES((w.approval[0].body.has_uses = true, w.approval[0].body.uses = w.approval[0].used = 1), "R9", "");
	CHECK(strstr(c->found, "does not hold") && strcmp(c->command, want) == 0);
	base(&w); /* what was approved together is spent together */
	w.approval[0].body.has_uses = true;
	w.approval[0].body.uses = w.approval[0].used = 1;
	w.approval[0].body.asset[w.approval[0].body.n_assets] = w.approval[0].body.asset[0];
	(void)snprintf(w.approval[0].body.asset[w.approval[0].body.n_assets++].text, 64, "kbs:///hospital/a/c");
	CHECK(denies(&w, "R9", "") && strstr(c->command, " --asset kbs:///hospital/a/b --asset kbs:///hospital/a/c --platform sample --uses 3"));
	DENIES(w.in.has_asset = false, "R9", "");
	CHECK(strcmp(c->command, "coffer asset put kbs:///hospital/a/b") == 0);
}

static struct fact_assessment finding[2];

/* The owner's approval waits for the lab to find something. */
static void base_assessed(enum assessed about)
{
	base(&w);
	w.approval[0].body.n_assessed = 1;
	w.approval[0].body.assessed[0].about = about;
	(void)snprintf(w.approval[0].body.assessed[0].by, PARTY_MAX, "lab");
	for (uint8_t i = 0; i < 2; i++) {
		finding[i] = (struct fact_assessment){ .s = fact(ST_ASSESSMENT, "lab", (uint8_t)(0x60 + i)), .about = about, .passed = true };
		memset(finding[i].digest, about == ASSESSED_IMAGE ? 0x40 + i : 0x22, 32);
	}
	w.in.assessment = finding;
	w.in.n_assessments = about == ASSESSED_IMAGE ? 2 : 1;
}

/* Denied by R9, and the remedy is the finding that is waited for: never another approval, which would not wait. */
static bool waits_for(const char *command)
{
	bool no = denies(&w, "R9", "");
	const struct check *c = &w.d.check[9];

	return no && strstr(c->found, "wants an assessment") && strcmp(c->who, "lab, whose finding it waits for") == 0 && strncmp(c->command, command, strlen(command)) == 0 &&
	       strstr(c->command, " --finding FINDING --method TEXT");
}

static void r9_says_whose_assessment_it_waits_for(void)
{
	base_assessed(ASSESSED_WORKLOAD);
	CHECK(allows(&w));
	base_assessed(ASSESSED_WORKLOAD);
	w.in.n_assessments = 0;
	CHECK(waits_for("coffer assess 2222222222222222222222222222222222222222222222222222222222222222 --about workload"));
	base_assessed(ASSESSED_WORKLOAD);
	finding[0].passed = false;
	CHECK(waits_for("coffer assess 2222"));
	base_assessed(ASSESSED_WORKLOAD);
	finding[0].s.expires = NOW;
	CHECK(waits_for("coffer assess 2222"));
	base_assessed(ASSESSED_IMAGE);
	CHECK(allows(&w));
	base_assessed(ASSESSED_IMAGE);
	finding[1].passed = false; /* the second image's */
	CHECK(waits_for("coffer assess 4141414141414141414141414141414141414141414141414141414141414141 --about image"));
	base_assessed(ASSESSED_BOOT_IMAGE); /* there is none on sample */
	CHECK(denies(&w, "R9", "") && !w.d.check[9].command[0] && strstr(w.d.check[9].who, "where what is booted is measured"));
}

static void assessment_is_stopped_by_its_auditor_and_by_the_owner_for_its_own(void)
{
	base_assessed(ASSESSED_WORKLOAD);
	revoke(0x60, "lab");
	CHECK(waits_for("coffer assess"));
	base_assessed(ASSESSED_WORKLOAD);
	revoke(0x60, "hospital");
	CHECK(waits_for("coffer assess"));
	base_assessed(ASSESSED_WORKLOAD);
	revoke(0x60, "stranger");
	CHECK(allows(&w));
}

#define LIMITED "--assessed-by lab:workload --uses 3 --until 1970-01-12T13:46:50Z"

static void base_limited(void)
{
	base_assessed(ASSESSED_WORKLOAD);
	w.approval[0].body.has_uses = true;
	w.approval[0].body.uses = 5;
	w.approval[0].used = 2;
}
#define LIMITS(change, id, also, n) do { base_limited(); change; CHECK(denies(&w, id, also) && strstr(w.d.check[n].command, "coffer approve 2222") && \
	strstr(w.d.check[n].command, LIMITED)); } while (0)

/* Whoever follows it says no less than before. */
static void remedy_keeps_the_conditions_of_the_approval_before(void)
{
	LIMITS(w.approval[0].body.workload[0] ^= 1, "R9", "", 9);
	LIMITS((void)snprintf(w.approval[0].body.platform[0], 32, "snp"), "R3", "R5 R9", 3);
	LIMITS(w.approval[0].body.service[0][0] ^= 1, "R0", "R9", 0);
	LIMITS(revoke(2, "hospital"), "R11", "R9", 11);
	LIMITS((w.approval[0].body.service[0][0] ^= 1, w.in.n_assessments = 0), "R0", "R9", 0);
	base_limited(); /* used up, and it was for five */
	w.approval[0].used = 5;
	CHECK(denies(&w, "R9", "") && strstr(w.d.check[9].command, "--assessed-by lab:workload --uses 5 --until"));
	base_limited(); /* it has ended: how long the next one lasts is its issuer's to say */
	w.approval[0].body.until = NOW;
	CHECK(denies(&w, "R0", "R3 R5 R9") && strstr(w.d.check[9].command, "--assessed-by lab:workload --uses 3") && !strstr(w.d.check[9].command, "--until"));
	base_limited(); /* and where it does not fit, no command is cut short */
	w.approval[0].body.workload[0] ^= 1;
	w.approval[0].body.n_assessed = APPROVAL_ASSESSED_MAX;
	for (size_t i = 1; i < APPROVAL_ASSESSED_MAX; i++) {
		memset(w.approval[0].body.assessed[i].by, 'a' + (int)i, PARTY_MAX - 1);
		w.approval[0].body.assessed[i].about = ASSESSED_IMAGE;
	}
	CHECK(denies(&w, "R9", "") && strcmp(w.d.check[9].command, "coffer approvals") == 0);
}

/* Somebody approved for the owner, by a delegation that was revoked, and the owner did with a condition that is not met: that is what the release waits for. */
static void base_overruled(void)
{
	base_limited();
	w.in.n_assessments = 0;
	w.approval[1] = w.approval[0];
	w.approval[1].s = fact(ST_APPROVAL, "hospital", 0x23);
	w.approval[1].body.n_assessed = 0;
	w.approval[1].body.has_uses = false;
	w.in.n_approvals = 2;
	revoke(0x23, "hospital");
}

static void what_stands_is_the_reason_and_not_what_was_revoked(void)
{
	base_overruled();
	CHECK(denies(&w, "R9", "") && strstr(w.d.check[9].found, "its approval wants an assessment") && w.d.check[11].holds && strstr(w.d.check[9].command, "coffer assess 2222"));
	base_overruled();
	w.in.n_assessments = 1;
	w.approval[0].used = 5;
	CHECK(denies(&w, "R9", "") && strstr(w.d.check[9].found, "its approval is used up") && strstr(w.d.check[9].command, "--assessed-by lab:workload --uses 5 --until"));
	base_overruled(); /* what says nothing of this machine does not overrule */
	(void)snprintf(w.approval[0].body.platform[0], 32, "snp");
	CHECK(denies(&w, "R11", "R9") && strstr(w.d.check[11].found, "2323232323232323 is revoked") && strstr(w.d.check[11].command, "--assessed-by lab:workload"));
}

/* Of many that one new approval would replace, no condition is lost: what one approval cannot say no command says. */
static bool remedy_of(size_t n, const char *command)
{
	static struct fact_approval many[2 * ASSET_OWNERS_MAX];

	base_limited();
	for (size_t i = 0; i < n; i++) {
		many[i] = w.approval[0];
		many[i].s = fact(ST_APPROVAL, "hospital", (uint8_t)(0x70 + i));
		many[i].used = 5;
		many[i].body.n_assessed = n == 2 ? 1 : APPROVAL_ASSESSED_MAX;
		for (size_t k = 0; k < many[i].body.n_assessed; k++) {
			many[i].body.assessed[k].about = ASSESSED_WORKLOAD;
			(void)snprintf(many[i].body.assessed[k].by, PARTY_MAX, "lab-%zu-%zu", i, k);
		}
	}
	w.in.approval = many;
	w.in.n_approvals = n;
	return denies(&w, "R9", "") && strstr(w.d.check[9].command, command);
}

static void remedy_has_the_conditions_of_all_that_it_replaces(void)
{
	CHECK(remedy_of(2, "--assessed-by lab-0-0:workload --assessed-by lab-1-0:workload "));
	CHECK(remedy_of(2 * ASSET_OWNERS_MAX, "coffer approvals"));
}

/* `coffer approve` would refuse it. */
static void no_remedy_names_a_platform_that_the_workload_is_not_made_for(void)
{
	struct json_doc *other = json("[\"snp\"]");

	DENIES((w.in.n_approvals = 0, w.workload[0].manifest.platforms = json_root(other)), "R0", "R3 R5 R9");
	CHECK(w.d.check[9].command[0] == '\0' && strstr(w.d.check[9].who, "whoever runs it, on a platform that its manifest names (not sample)"));
	json_free(other);
}

static void r11s_remedy_for_a_release_says_its_keys_again(void)
{
	struct json_doc *keys = json("[\"kbs:///lmaker/image-key/app\"]");

	DENIES((w.release[1].body.keys = json_root(keys), revoke(0x51, "lmaker")), "R11", "");
	CHECK(strcmp(w.d.check[11].command, "coffer image release registry.example/app@sha256:40 --key kbs:///lmaker/image-key/app --replace") == 0);
	json_free(keys);
}

static void release_remedy(const char *types, const char *command)
{
	struct json_doc *doc = json(types);

	DENIES(w.container[1].attestations = json_root(doc), "R8", "");
	CHECK(strcmp(w.d.check[8].command, command) == 0);
	json_free(doc);
}

/* Whoever wrote the manifest chose the words; whoever pastes the command runs a shell. */
static void r8s_remedy_names_what_the_manifest_requires(void)
{
	release_remedy("[\"https://slsa.dev/provenance/v1\"]", "coffer image release registry.example/app@sha256:40 --attestation https://slsa.dev/provenance/v1=FILE");
	release_remedy("[\"a:$(id)\",\"b:;id\"]", "coffer image release registry.example/app@sha256:40 --attestation 'a:$(id)'=FILE --attestation 'b:;id'=FILE");
	release_remedy("[\"a:';id;'\"]", "coffer image release REFERENCE --attestation TYPE=FILE");
	release_remedy("[\"-a:b\"]", "coffer image release REFERENCE --attestation TYPE=FILE");
}

static void r9_denies_an_asset_that_is_absent_or_not_in_force(void)
{
	DENIES(w.in.has_asset = false, "R9", "");
	CHECK(w.d.absent);
	DENIES(w.in.asset.s.superseded = true, "R9", "");
	DENIES(w.in.asset.s.expires = NOW, "R9", "");
	DENIES(w.in.q.version = 2, "R9", "");
	DENIES(w.in.asset.body.k = 2, "R9", "");
	DENIES((void)snprintf(w.in.asset.body.of[0], PARTY_MAX, "acme"), "R0", "R3 R5 R9");
	base(&w);
	w.in.q.version = 3;
	CHECK(allows(&w));
}

static void r11_denies_what_rests_on_something_revoked(void)
{
	DENIES(revoke(1, "acme"), "R11", "");     /* workload, by its issuer */
	CHECK(strcmp(w.d.check[11].who, "acme") == 0 && strcmp(w.d.check[11].command, "coffer workload publish MANIFEST.json") == 0);
	DENIES(revoke(1, "hospital"), "R11", ""); /* workload, by the owner of this asset */
	DENIES(revoke(2, "hospital"), "R11", "R9"); /* approval */
	DENIES(revoke(3, "acme"), "R11", "");     /* service */
	CHECK(strstr(w.d.check[11].found, "the service statement 0303030303030303 is revoked by acme") && !strstr(w.d.check[11].found, "for its own"));
	DENIES(revoke(3, "hospital"), "R11", ""); /* service, by the owner of this asset */
	CHECK(strstr(w.d.check[11].found, "is revoked by hospital, for its own") && strcmp(w.d.check[11].who, "acme") == 0 && w.d.check[0].holds);
	DENIES(revoke(4, "hospital"), "R11", ""); /* asset */
	CHECK(strcmp(w.d.check[11].who, "hospital") == 0 && strncmp(w.d.check[11].command, "coffer asset put kbs:///hospital/", 33) == 0);
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
	revoke(3, "stranger");
	CHECK(allows(&w));
	base(&w);
	revoke(4, "acme");
	CHECK(allows(&w));
	base_own(&w);
	revoke(3, "hospital"); /* nor over the service that acme's own go by */
	CHECK(allows(&w));
}

static struct fact_revocation of_thing;

static void revoke_thing(const struct thing *t, const char *issuer)
{
	of_thing = (struct fact_revocation){ .from = 0 };
	memcpy(of_thing.target, t->id, 32);
	(void)snprintf(of_thing.issuer, sizeof(of_thing.issuer), "%s", issuer);
	w.in.thing = &of_thing;
	w.in.n_things = 1;
}

/* By who decides of the asset and by the provider; of an image by whoever the manifest names for it too, and of none other. */
static void r11_hears_of_things_those_whose_they_are(void)
{
	struct thing image, other;
	uint8_t digest[32];

	memset(digest, 0x40, sizeof(digest)); /* of container 0 */
	thing_image(digest, &image);
	memset(digest, 0x5a, sizeof(digest));
	thing_image(digest, &other);
	DENIES(revoke_thing(&image, "hospital"), "R11", "");
	CHECK(strstr(w.d.check[11].found, image.text) && strstr(w.d.check[11].found, "revoked by hospital"));
	DENIES(revoke_thing(&image, "acme"), "R11", "");
	DENIES((revoke_thing(&image, "maker"), (void)snprintf(w.container[0].image_provider, PARTY_MAX, "maker"),
	    (void)snprintf(w.release[0].s.issuer, PARTY_MAX, "maker")), "R11", "");
	base(&w);
	revoke_thing(&image, "stranger");
	CHECK(allows(&w));
	base(&w);
	revoke_thing(&other, "hospital");
	CHECK(allows(&w));
	base_own(&w);
	revoke_thing(&image, "hospital"); /* of acme's own asset it has no say */
	CHECK(allows(&w));
}

/* A root that the genesis does not name as the asset goes by it; pinned ones, and what nobody vouches for, are none of its business. */
static void r2_denies_a_root_that_the_asset_does_not_go_by(void)
{
	static struct genesis none;

	DENIES(w.in.a.root[0] = 1, "R2", "");
	CHECK(strstr(w.d.check[2].found, "0100000000000000") && strcmp(w.d.check[2].command, "coffer asset policy kbs:///hospital/a/b --as-amended") == 0);
	DENIES((w.in.a.root[31] = 1, w.in.view = &none), "R2", "");
	base(&w);
	w.in.view = &none;
	CHECK(allows(&w));
}

/* As of an image; and what was released before the time that is named stands, for that party's word. */
static void r11_hears_of_keys_that_images_are_signed_with(void)
{
	struct thing key, other;

	thing_image_key(span_of("K"), &key);
	thing_image_key(span_of("L"), &other);
	DENIES(revoke_thing(&key, "hospital"), "R11", "");
	CHECK(strstr(w.d.check[11].found, key.text) && strstr(w.d.check[11].found, "revoked by hospital") && strstr(w.d.check[11].who, "with another key"));
	DENIES(revoke_thing(&key, "acme"), "R11", "");
	DENIES(revoke_thing(&key, "lmaker"), "R11", ""); /* of container 1 */
	for (int i = 0; i < 3; i++) {
		base(&w);
		revoke_thing(i == 2 ? &other : &key, i == 0 ? "stranger" : "hospital");
		if (i == 1)
			w.container[0].method_key = w.container[1].method_key = span_of("M");
		CHECK(i == 1 ? denies(&w, "R8", "") : allows(&w));
	}
	base_own(&w);
	revoke_thing(&key, "hospital");
	CHECK(allows(&w));
	for (int late = 0; late < 3; late++) { /* container 1's release was logged before, then, or after */
		base(&w);
		revoke_thing(&key, "hospital");
		of_thing.since = NOW - 5;
		w.release[0].s.logged = NOW - 8;
		w.release[1].s.logged = NOW - 6 + late;
		CHECK(late ? denies(&w, "R11", "") : allows(&w));
	}
}

/* Of two releases of one image the one that stands. */
static void r8_prefers_a_release_of_before_the_key_was_compromised(void)
{
	struct thing key;

	base(&w);
	thing_image_key(span_of("K"), &key);
	revoke_thing(&key, "hospital");
	of_thing.since = NOW - 5;
	w.release[0].s.logged = NOW - 1;
	w.release[1].s.logged = NOW - 8;
	w.container[1].image_provider[0] = 'i'; /* both are imaker's, of one content */
	memset(w.container[1].image_digest, 0x40, 32);
	memset(w.release[1].body.digest, 0x40, 32);
	(void)snprintf(w.release[1].s.issuer, PARTY_MAX, "imaker");
	CHECK(allows(&w) && w.d.release[0] == &w.release[1] && w.d.release[1] == &w.release[1]);
}

static void decide_prefers_what_is_not_revoked(void)
{
	base(&w);
	w.approval[1] = w.approval[0];
	memset(w.approval[1].s.id, 9, 32);
	w.in.n_approvals = 2;
	revoke(2, "hospital");
	CHECK(allows(&w) && w.d.approval[0] == &w.approval[1]);
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
	CHECK(allows(&w) && w.d.approval[0] == &w.approval[1]);
	base_own(&w);
	w.service[1] = w.service[0];
	memset(w.service[1].s.id, 9, 32);
	w.in.n_services = 2;
	revoke(3, "acme");
	CHECK(allows(&w) && w.d.service == &w.service[1]);
}

static void r11_heeds_a_pause_for_its_time(void)
{
	DENIES((revoke(2, "hospital"), w.revocation[0].from = NOW, w.revocation[0].until = NOW + 1), "R11", "R9");
	CHECK(strstr(w.d.check[9].found, "hospital's is paused"));
	CHECK(strstr(w.d.check[11].found, "is paused by hospital") && strcmp(w.d.check[11].who, "hospital, who paused it") == 0 && strncmp(w.d.check[11].command, "coffer resume 0202", 18) == 0);
	DENIES((revoke(1, "hospital"), w.revocation[0].until = NOW + 1), "R11", ""); /* another's workload, for its own assets */
	DENIES((revoke(3, "hospital"), w.revocation[0].until = NOW + 1), "R11", "");
	CHECK(w.d.check[11].paused && strcmp(w.d.check[11].who, "hospital, who paused it") == 0);
	DENIES((revoke(2, "hospital"), revoke(2, "hospital"), w.revocation[0].until = NOW + 1), "R11", "R9");
	CHECK(strstr(w.d.check[11].found, "is revoked") && !w.d.check[11].paused);
	DENIES((revoke(3, "hospital"), w.revocation[0].until = NOW + 1, revoke(3, "stranger")), "R11", ""); /* who is not heard makes no pause a revocation */
	CHECK(w.d.check[11].paused);
	base(&w);
	revoke(2, "hospital");
	w.revocation[0].until = NOW;
	CHECK(allows(&w));
	base(&w);
	revoke(2, "acme");
	w.revocation[0].until = NOW + 1;
	CHECK(allows(&w));
	base(&w);
	revoke(2, "hospital");
	w.revocation[0].from = NOW + 1;
	w.revocation[0].until = NOW + 2;
	CHECK(allows(&w));
}

/* Two of hospital, clinic and ward decide; the first two approved. */
static void base_co(void)
{
	base(&w);
	w.in.asset.body.k = 2;
	w.in.asset.body.n_of = 3;
	(void)snprintf(w.in.asset.body.of[1], PARTY_MAX, "clinic");
	(void)snprintf(w.in.asset.body.of[2], PARTY_MAX, "ward");
	w.approval[1] = w.approval[0];
	w.approval[1].s = fact(ST_APPROVAL, "clinic", 9);
	w.in.n_approvals = 2;
}
#define DENIES_CO(change, id, also) do { base_co(); change; CHECK(denies(&w, id, also)); } while (0)

static void r9_wants_k_different_parties_that_agree(void)
{
	base_co();
	CHECK(allows(&w) && w.d.n_approvals == 2 && w.d.approval[0] == &w.approval[0] && w.d.approval[1] == &w.approval[1]);
	DENIES_CO(w.in.n_approvals = 1, "R9", "");
	CHECK(strstr(w.d.check[9].found, "not by: clinic (has not approved it), ward (") && strcmp(w.d.check[9].who, "clinic, ward") == 0);
	DENIES_CO((void)snprintf(w.approval[1].s.issuer, PARTY_MAX, "hospital"), "R9", ""); /* twice the same */
	DENIES_CO((void)snprintf(w.approval[1].s.issuer, PARTY_MAX, "other"), "R9", "");
	DENIES_CO((void)snprintf(w.approval[1].body.platform[0], 32, "snp"), "R9", "");
	DENIES_CO(w.approval[1].body.until = NOW, "R9", "");
	DENIES_CO(w.approval[1].body.workload[0] ^= 1, "R9", "");
	DENIES_CO((w.approval[1].body.has_uses = true, w.approval[1].body.uses = w.approval[1].used = 1), "R9", "");
	DENIES_CO(w.in.asset.body.k = 3, "R9", "");
	DENIES_CO(revoke(9, "clinic"), "R11", "R9");
	CHECK(strcmp(w.d.check[9].found, "1 of the 2 approvals that kbs:///hospital/a/b wants in force; clinic's is revoked") == 0 && !w.d.check[9].holds);
	CHECK(strcmp(w.d.check[11].who, "clinic") == 0);
	DENIES_CO((revoke(9, "clinic"), revoke(2, "hospital"), w.revocation[1].until = NOW + 1), "R11", "R9");
	CHECK(strstr(w.d.check[9].found, "0 of the 2 approvals") && strstr(w.d.check[9].found, "hospital's is paused, clinic's is revoked"));
	DENIES_CO((revoke(9, "clinic"), w.in.asset.body.k = 3), "R9", ""); /* one is missing: which of the others is revoked is said too */
	CHECK(strstr(w.d.check[9].found, "1 of the 3 approvals") && strstr(w.d.check[9].found, "clinic (its approval is revoked), ward (has not approved it)"));
	DENIES_CO(revoke(9, "ward"), "R11", "R9"); /* each who decides stops another's approval, for this asset */
	CHECK(strstr(w.d.check[11].found, "is revoked by ward, for its own"));
	DENIES_CO(revoke(3, "ward"), "R11", "");
	base_co();
	revoke(9, "stranger");
	CHECK(allows(&w));
	base_co();
	w.in.asset.body.k = 1;
	revoke(2, "hospital");
	CHECK(allows(&w) && w.d.n_approvals == 1 && w.d.approval[0] == &w.approval[1]);
	/* Each accepts a service, but not the same one. */
	base_co();
	w.service[1] = w.service[0];
	memset(w.service[1].s.id, 8, 32);
	w.in.n_services = 2;
	memset(w.approval[1].body.service[0], 8, 32);
	CHECK(denies(&w, "R9", "") && strstr(w.d.check[9].found, "the same service"));
}

/* Its provider's manifest speaks for the provider alone: of an asset that it holds with others it is no approval. */
static void r9_of_the_providers_own_asset_wants_the_others_too(void)
{
	base_own(&w);
	w.in.asset.body.k = w.in.asset.body.n_of = 2;
	(void)snprintf(w.in.asset.body.of[1], PARTY_MAX, "hospital");
	CHECK(denies(&w, "R0", "R9 R3 R5") && !w.d.check[9].holds);
	base_own(&w);
	w.in.asset.body.n_of = 2; /* either of them suffices */
	CHECK(allows(&w));
	base_co();
	w.in.q.path = w.approval[0].body.asset[0] = w.approval[1].body.asset[0] = path("acme/a/b");
	asset_of(&w, "acme");
	w.in.asset.body.k = w.in.asset.body.n_of = 2;
	(void)snprintf(w.in.asset.body.of[1], PARTY_MAX, "clinic");
	(void)snprintf(w.approval[0].s.issuer, PARTY_MAX, "acme");
	CHECK(allows(&w) && w.d.n_approvals == 2);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(decide_base_cases_allow), T(trace_names_every_check_in_order), T(r10_denies_what_the_owners_policy_does_not_allow), T(r10_is_asked_only_when_all_else_holds),
		T(r1_denies_what_is_not_fresh_and_looks_no_further),
		T(r0_denies_a_service_that_the_owner_did_not_accept), T(r0_of_the_providers_own_asset_wants_the_service_of_its_manifest),
		T(r3_denies_a_platform_that_the_owner_did_not_name),
		 T(r6_denies_init_data_that_is_absent_wrong_or_unknown),
		T(r7_denies_container_and_purpose_that_the_manifest_does_not_name), T(r9_denies_without_an_approval_that_covers),
		T(r11_heeds_a_pause_for_its_time), T(r9_wants_k_different_parties_that_agree), T(r9_of_the_providers_own_asset_wants_the_others_too),
		T(r9_takes_what_is_narrower_where_the_approval_says_so), T(void_word_is_revoked_and_says_why), T(r9_says_what_is_missing_and_the_command_that_mends_it), T(r9_says_whose_assessment_it_waits_for),
		T(assessment_is_stopped_by_its_auditor_and_by_the_owner_for_its_own), T(remedy_keeps_the_conditions_of_the_approval_before),
		T(what_stands_is_the_reason_and_not_what_was_revoked), T(remedy_has_the_conditions_of_all_that_it_replaces),
		T(no_remedy_names_a_platform_that_the_workload_is_not_made_for), T(r11s_remedy_for_a_release_says_its_keys_again), T(r8s_remedy_names_what_the_manifest_requires), T(r9_denies_an_asset_that_is_absent_or_not_in_force),
		T(r11_denies_what_rests_on_something_revoked), T(r11_ignores_revocations_by_those_not_concerned), T(r11_hears_of_things_those_whose_they_are),
		T(r2_denies_a_root_that_the_asset_does_not_go_by), T(r11_hears_of_keys_that_images_are_signed_with), T(r8_prefers_a_release_of_before_the_key_was_compromised),
		T(decide_prefers_what_is_not_revoked),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
