/* keep as its guests see it: what is released to whom, and every refusal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)

/* ---- the owner's policy ---- */

static enum coffer_rc get_greeting(struct kit *k)
{
	return kit_get(k, (struct kit_get){ .path = KIT_PATH, .container = "analyse", .purpose = "api" });
}

static void asset_without_a_policy_has_the_strict_one_and_sample_is_refused_by_r10(void)
{
	struct kit k = { 0 };

	kit_open_attested(&k);
	k.policy = NULL;
	CHECK(kit_put(&k, KIT_HOSPITAL, "next") == COFFER_OK);
	CHECK(DENIED(get_greeting(&k), k, "R10") && strstr(k.no.reason, "coffer asset policy"));
	kit_free(&k);
}

static void policy_that_does_not_allow_denies_whatever_else_it_says(void)
{
	static const char *const no[] = {
		"package policy\ndefault allow := false\n", "package policy\nallow := \"true\"\n", "package policy\nallow := 1\n",
		"package policy\nallow if input.nothing\n", "package other\nallow := true\n", "package policy\nallow if {\n",
		"package policy\nallow := true if true\nallow := false if true\n", "package policy\nallow if count(numbers.range(1, 100000000)) > 1\n",
		"package policy\nallow if data[\"resource-path\"][0] == \"acme\"\n",
	};
	struct kit k = { 0 };

	kit_open_attested(&k);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		k.policy = no[i];
		CHECK(kit_restate(&k, NULL) == COFFER_OK);
		CHECK(DENIED(get_greeting(&k), k, "R10"));
	}
	k.policy = "package policy\nallow if { data[\"resource-path\"] == [\"hospital\", \"note\", \"greeting\"]; data.plugin == \"resource\" }\n";
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	CHECK(get_greeting(&k) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
	kit_free(&k);
}

static void statement_alone_keeps_the_content_and_only_that_content(void)
{
	struct kit k = { 0 };
	uint8_t other[32] = { 1 };

	kit_open_attested(&k);
	CHECK(DENIED(kit_restate(&k, other), k, "digest"));
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	CHECK(get_greeting(&k) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
	kit_free(&k);
}

static void policy_is_not_asked_of_a_service_without_eval(void)
{
	struct kit k = { 0 };

	kit_open_attested(&k);
	closep(&k.keep.eval);
	k.keep.eval = -1;
	CHECK(DENIED(get_greeting(&k), k, "R10") && strstr(k.no.reason, "could not be evaluated"));
	kit_free(&k);
}

static void policy_judges_a_token_as_it_judges_the_session(void)
{
	struct kit k = { 0 };
	CLEANUP(wr_close) struct wr token = wr_open(KEEP_FRAME_MAX);

	kit_open_attested(&k);
	wr_put(&token, wr_span(&k.answer));
	k.policy = NULL;
	CHECK(kit_put(&k, KIT_HOSPITAL, "next") == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .path = KIT_PATH, .container = "analyse", .purpose = "api", .token = wr_span(&token) }), k, "R10"));
	k.policy = KIT_POLICY;
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ .path = KIT_PATH, .container = "analyse", .purpose = "api", .token = wr_span(&token) }) == COFFER_OK);
	kit_free(&k);
}

/* ---- release ---- */

static void resource_for_the_approved_workload_is_released_and_opens(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(kit_opens_to(&k, false, "good morning"));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK && kit_opens_to(&k, false, "mine"));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own", .plain = true }) == COFFER_OK && kit_opens_to(&k, true, "mine"));
}

static void reply_signature_binds_body_key_path_version_and_entry(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct keep_resource_rep rep;
	struct err e = { 0 };
	uint8_t d[32], thumb[32];

	kit_open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(keep_resource_rep_read(wr_span(&k.answer), &rep, &e) == COFFER_OK && rep.version == 1 && rep.seq == k.keep.journal.seq);
	CHECK(span_eq(SPAN(rep.entry), SPAN(k.keep.journal.hash)));
	sha256(rep.body, d);
	pubkey_thumbprint(privkey_public(k.tee), thumb);
	wr_put(&w, (struct span){ (const uint8_t *)"coffer reply v1", 16 });
	wr_put(&w, SPAN(d));
	wr_put(&w, SPAN(thumb));
	wr_blob32(&w, span_of(KIT_PATH));
	wr_be64(&w, rep.version);
	wr_be64(&w, rep.seq);
	wr_put(&w, SPAN(rep.entry));
	CHECK(key_verify(&k.reply, wr_span(&w), SPAN(rep.reply_sig)));
}

static void resource_without_session_or_evidence_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_deployed(&k);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "session"));
	CHECK(kit_begin(&k) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "session"));
}

static void resource_after_the_session_expired_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	k.now += SESSION_SECONDS - 1;
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	k.now += 1;
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "session"));
}

static void request_with_bad_signature_or_old_counter_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .bad_signature = true }), k, "R1"));
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .same_counter = true }), k, "R1"));
	CHECK(!k.no.has_decision);
}

static void request_signed_without_an_attested_request_key_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ .no_request_key = true }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R1"));
}

static void container_or_purpose_not_entitled_is_refused_by_r7(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .container = "logger" }), k, "R7"));
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .container = "nobody" }), k, "R7"));
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .purpose = "env" }), k, "R7"));
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .plain = true }), k, "R7")); /* logger is not entitled */
	CHECK(k.no.has_decision);
}

static void stranger_hears_the_same_of_absent_foreign_and_denied(void)
{
	CLEANUP(kit_free) struct kit k;
	static const char *const path[] = { KIT_PATH, "hospital/note/nothing", "nobody/note/nothing", "acme/note/own" };
	char reason[sizeof(k.no.reason)] = "";

	kit_open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ .other_initdata = true }) == COFFER_OK);
	for (size_t i = 0; i < 4; i++) {
		CHECK(DENIED(kit_get(&k, (struct kit_get){ .path = path[i] }), k, "policy"));
		CHECK(i == 0 || strcmp(reason, k.no.reason) == 0);
		CHECK(k.no.has_decision);
		memcpy(reason, k.no.reason, sizeof(reason));
	}
	/* Also to a known workload, of assets its manifest does not name. */
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .path = "hospital/note/nothing" }), k, "policy") && strcmp(reason, k.no.reason) == 0);
}

static void evidence_without_register_or_initdata_gets_nothing(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK && DENIED(kit_attest(&k, (struct kit_evidence){ .no_register = true }), k, "R6"));
	CHECK(kit_begin(&k) == COFFER_OK && DENIED(kit_attest(&k, (struct kit_evidence){ .unbound_initdata = true }), k, "R6"));
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ .no_register = true, .no_initdata = true }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "policy"));
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ .no_initdata = true }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "policy"));
}

static void absent_asset_of_an_entitled_container_is_not_found(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ .path = "hospital/note/absent" }) == COFFER_E_NOTFOUND);
	CHECK(kit_get(&k, (struct kit_get){ .path = "../etc/passwd" }) == COFFER_E_INPUT);
}

static void version_asked_is_the_one_in_force_or_nothing(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ .version = 1 }) == COFFER_OK);
	CHECK(kit_put(&k, KIT_HOSPITAL, "good evening") == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .version = 1 }), k, "R9"));
	CHECK(kit_get(&k, (struct kit_get){ .version = 2 }) == COFFER_OK && kit_opens_to(&k, false, "good evening"));
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && kit_opens_to(&k, false, "good evening"));
}

static void not_approved_is_refused_by_r0_and_used_up_by_r9(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32];

	kit_open(&k);
	CHECK(kit_service(&k) == COFFER_OK && kit_workload(&k) == COFFER_OK && kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK);
	CHECK(kit_release(&k, 1, 1, NULL) == COFFER_OK && kit_release(&k, 2, 1, NULL) == COFFER_OK);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R0")); /* the owner has accepted nothing, not even this service */
	CHECK(kit_approve(&k, ",\"uses\":2", 1, NULL) == COFFER_OK);
	memcpy(first, k.approval_id, 32);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R9"));
	CHECK(kit_approve(&k, ",\"uses\":1", 2, first) == COFFER_OK); /* supersedes, counts anew */
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R9"));
}

static void image_without_a_release_in_force_is_refused_by_r8(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32];

	kit_open(&k);
	CHECK(kit_service(&k) == COFFER_OK && kit_workload(&k) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK &&
	      kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK && kit_release(&k, 1, 1, NULL) == COFFER_OK);
	memcpy(first, k.release_id, 32);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R8") && strstr(k.no.reason, "acme has no release in force of image 0000000000000000"));
	CHECK(kit_release(&k, 2, 1, NULL) == COFFER_OK); /* facts kept from before do not hide it */
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_ACME, first) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R11") && strstr(k.no.reason, "image-release"));
	CHECK(kit_release(&k, 1, 2, first) == COFFER_OK); /* issued anew */
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
}

/* Releases of one image in many repositories: some would hide others. */
static void more_releases_than_can_be_judged_are_refused_not_cut(void)
{
	CLEANUP(kit_free) struct kit k;
	enum coffer_rc rc = COFFER_OK;

	kit_open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	for (int i = 2; i <= FACT_RELEASES_MAX; i++) { /* with those of the deployment, one more than there may be */
		char repository[32], body[256];
		uint8_t digest[32] = { [31] = 1 }, id[32];

		CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
		(void)snprintf(repository, sizeof(repository), "mirror%d.example/app", i);
		(void)snprintf(body, sizeof(body), "{\"repository\":\"%s\",\"version\":1,\"methods\":[{\"type\":\"sigstoreSigned\","
		               "\"key\":\"-----BEGIN PUBLIC KEY-----\\nAAAA\\n\"}],\"keys\":[]}", repository);
		rc = kit_log(&k, &(struct kit_st){ .kind = ST_IMAGE_RELEASE, .subject = repository, .digest = digest, .body = body }, id);
		CHECK(rc == COFFER_OK);
	}
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT);
}

static void revoked_approval_and_workload_are_refused_by_r11(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R11"));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK);
}

static void workload_revoked_by_an_owner_is_void_for_its_assets_alone(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.workload_id) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R11"));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_ACME, k.workload_id) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }), k, "R11"));
}

/* What was read for one release is used again for the next only while nothing it came from has changed. */
static void facts_of_a_release_are_read_anew_after_every_change(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32];

	kit_open_attested(&k);
	memcpy(first, k.approval_id, 32);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(kit_approve(&k, ",\"uses\":1", 2, first) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R9"));
	memcpy(first, k.approval_id, 32);
	CHECK(kit_approve(&k, "", 3, first) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R11"));
}

static void facts_of_more_questions_than_are_kept_stay_right(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	for (int i = 0; i < 2 * FACTS_KEPT_MAX; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "hospital/none/x%d", i);
		CHECK(kit_get(&k, (struct kit_get){ .path = path }) != COFFER_OK);
		CHECK(kit_get(&k, (struct kit_get){ .path = i % 2 ? NULL : "acme/note/own" }) == COFFER_OK);
	}
	CHECK(kit_revoke(&k, KIT_ACME, k.workload_id) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }), k, "R11"));
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R11"));
}

static void decision_time_counts_though_facts_are_kept(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	k.now += 3 * 365 * INT64_C(86400);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) != COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(asset_without_a_policy_has_the_strict_one_and_sample_is_refused_by_r10),
		T(policy_that_does_not_allow_denies_whatever_else_it_says),
		T(statement_alone_keeps_the_content_and_only_that_content), T(policy_is_not_asked_of_a_service_without_eval),
		T(policy_judges_a_token_as_it_judges_the_session), T(resource_for_the_approved_workload_is_released_and_opens),
		T(reply_signature_binds_body_key_path_version_and_entry), T(resource_without_session_or_evidence_is_refused),
		T(resource_after_the_session_expired_is_refused), T(request_with_bad_signature_or_old_counter_is_refused),
		T(request_signed_without_an_attested_request_key_is_refused),
		T(container_or_purpose_not_entitled_is_refused_by_r7), T(stranger_hears_the_same_of_absent_foreign_and_denied),
		T(evidence_without_register_or_initdata_gets_nothing), T(absent_asset_of_an_entitled_container_is_not_found),
		T(version_asked_is_the_one_in_force_or_nothing), T(not_approved_is_refused_by_r0_and_used_up_by_r9),
		T(image_without_a_release_in_force_is_refused_by_r8), T(more_releases_than_can_be_judged_are_refused_not_cut),
		T(revoked_approval_and_workload_are_refused_by_r11),
		T(workload_revoked_by_an_owner_is_void_for_its_assets_alone),
		T(facts_of_a_release_are_read_anew_after_every_change), T(facts_of_more_questions_than_are_kept_stay_right),
		T(decision_time_counts_though_facts_are_kept),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
