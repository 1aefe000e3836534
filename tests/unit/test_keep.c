/* keep as its peer sees it: one deployment in memory, every message, and every refusal. */
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

static void open_deployed(struct kit *k)
{
	kit_open(k);
	kit_deploy(k);
}

static void open_attested(struct kit *k)
{
	open_deployed(k);
	CHECK(kit_begin(k) == COFFER_OK);
	CHECK(kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK);
}

/* ---- the owner's policy ---- */

static enum coffer_rc get_greeting(struct kit *k)
{
	return kit_get(k, (struct kit_get){ .path = KIT_PATH, .container = "analyse", .purpose = "api" });
}

static void asset_without_a_policy_has_the_strict_one_and_sample_is_refused_by_r10(void)
{
	struct kit k = { 0 };

	open_attested(&k);
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

	open_attested(&k);
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

	open_attested(&k);
	CHECK(DENIED(kit_restate(&k, other), k, "digest"));
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	CHECK(get_greeting(&k) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
	kit_free(&k);
}

static void policy_is_not_asked_of_a_service_without_eval(void)
{
	struct kit k = { 0 };

	open_attested(&k);
	closep(&k.keep.eval);
	k.keep.eval = -1;
	CHECK(DENIED(get_greeting(&k), k, "R10") && strstr(k.no.reason, "could not be evaluated"));
	kit_free(&k);
}

static void policy_judges_a_token_as_it_judges_the_session(void)
{
	struct kit k = { 0 };
	CLEANUP(wr_close) struct wr token = wr_open(KEEP_FRAME_MAX);

	open_attested(&k);
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

	open_attested(&k);
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

	open_attested(&k);
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

	open_deployed(&k);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "session"));
	CHECK(kit_begin(&k) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "session"));
}

static void resource_after_the_session_expired_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	open_attested(&k);
	k.now += SESSION_SECONDS - 1;
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	k.now += 1;
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "session"));
}

static void request_with_bad_signature_or_old_counter_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	open_attested(&k);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .bad_signature = true }), k, "R1"));
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .same_counter = true }), k, "R1"));
	CHECK(!k.no.has_decision);
}

static void request_signed_without_an_attested_request_key_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ .no_request_key = true }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R1"));
}

static void container_or_purpose_not_entitled_is_refused_by_r7(void)
{
	CLEANUP(kit_free) struct kit k;

	open_attested(&k);
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

	open_deployed(&k);
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

	open_deployed(&k);
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

	open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ .path = "hospital/note/absent" }) == COFFER_E_NOTFOUND);
	CHECK(kit_get(&k, (struct kit_get){ .path = "../etc/passwd" }) == COFFER_E_INPUT);
}

static void version_asked_is_the_one_in_force_or_nothing(void)
{
	CLEANUP(kit_free) struct kit k;

	open_attested(&k);
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

	open_attested(&k);
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

	open_attested(&k);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "R11"));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK);
}

static void workload_revoked_by_an_owner_is_void_for_its_assets_alone(void)
{
	CLEANUP(kit_free) struct kit k;

	open_attested(&k);
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

	open_attested(&k);
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

	open_attested(&k);
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

	open_attested(&k);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	k.now += 3 * 365 * INT64_C(86400);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) != COFFER_OK);
}

/* ---- attestation and tokens ---- */

static void attest_with_another_nonce_or_key_is_stale_and_ends_the_session(void)
{
	CLEANUP(kit_free) struct kit k;

	open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK);
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ .wrong_nonce = true }), k, "R1"));
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ 0 }), k, "session"));
	CHECK(kit_begin(&k) == COFFER_OK);
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ .wrong_key = true }), k, "R1"));
}

static void attest_twice_or_late_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	open_attested(&k);
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ 0 }), k, "session"));
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK); /* the first evidence still counts */
	CHECK(kit_begin(&k) == COFFER_OK);
	k.now += SESSION_SECONDS;
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ 0 }), k, "session"));
}

static void token_stands_for_the_evidence_until_it_expires(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *t = NULL;
	struct kit_get own = { .path = "acme/note/own", .plain = true };

	open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK);
	k.now += 100;
	CHECK(kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	t = span_dup(wr_span(&k.answer));
	own.token = span_of(t);
	k.now += 299; /* the session is gone, the token is not */
	CHECK(kit_get(&k, own) == COFFER_OK && kit_opens_to(&k, true, "mine"));
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .token = own.token }), k, "R1")); /* signed requests need the session's counter */
	k.now += 1;
	CHECK(DENIED(kit_get(&k, own), k, "token"));
}

static void token_changed_in_any_part_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *t = NULL;
	struct kit_get own = { .path = "acme/note/own", .plain = true };
	size_t n, bad = 0, tried = 0;

	open_attested(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	t = span_dup(wr_span(&k.answer));
	n = t ? strlen(t) : 0;
	for (size_t i = 0; i < n; i += 7) {
		char was = t[i];

		if (was == '.' || i + 3 > n || t[i + 1] == '.' || i + 2 == n) /* last characters of a part carry spare bits */
			continue;
		t[i] = was == 'A' ? 'B' : 'A';
		own.token = span_of(t);
		tried++;
		bad += kit_get(&k, own) == COFFER_OK;
		t[i] = was;
	}
	CHECK(tried > 50 && bad == 0);
}

/* What `net` says the payload is must be what was signed: else it could pair one token with the evidence of another. */
static void token_with_the_payload_of_another_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *t = NULL, *other = NULL;
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	struct kit_get own = { .path = "acme/note/own", .plain = true };
	struct err e = { 0 };

	open_attested(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	t = span_dup(wr_span(&k.answer));
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	other = span_dup(wr_span(&k.answer));
	CHECK(t && other && jws_split(span_of(other), 1u << 16, &p, &e) == COFFER_OK);
	own.token = span_of(t);
	own.payload = p.payload;
	CHECK(DENIED(kit_get(&k, own), k, "token"));
	own.token = span_of(other);
	CHECK(kit_get(&k, own) == COFFER_OK);
}

static void token_of_another_service_is_refused(void)
{
	CLEANUP(kit_free) struct kit a;
	CLEANUP(kit_free) struct kit b;
	CLEANUP(freep) char *t = NULL;

	open_attested(&a);
	CHECK(kit_begin(&a) == COFFER_OK && kit_attest(&a, (struct kit_evidence){ 0 }) == COFFER_OK);
	t = span_dup(wr_span(&a.answer));
	open_deployed(&b);
	CHECK(DENIED(kit_get(&b, (struct kit_get){ .path = "acme/note/own", .plain = true, .token = span_of(t) }), b, "token"));
}

/* ---- statements ---- */

static const char revoke_nothing[] =
    "{\"statement\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"reason\":\"x\"}";

static void statement_by_a_stranger_is_not_even_read(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	kit_open(&k);
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_STRANGER, .also = KIT_STRANGER,
	    .subject = "x", .body = revoke_nothing }, id), k, "signature"));
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_STRANGER, .also = KIT_ACME,
	    .subject = "x", .body = revoke_nothing }, id), k, "signature")); /* known countersignature, unknown issuer */
}

static void statement_twice_is_the_same_entry_and_a_rival_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32];
	uint64_t seq;

	kit_open(&k);
	CHECK(kit_service(&k) == COFFER_OK);
	seq = k.keep.journal.seq;
	memcpy(first, k.service_id, 32);
	CHECK(kit_service(&k) == COFFER_OK && k.keep.journal.seq == seq); /* Ed25519 and JCS: the same bytes */
	CHECK(kit_workload(&k) == COFFER_OK);
	CHECK(kit_approve(&k, "", 1, NULL) == COFFER_OK);
	memcpy(first, k.approval_id, 32);
	CHECK(DENIED(kit_approve(&k, ",\"uses\":1", 1, NULL), k, "serial"));
	CHECK(DENIED(kit_approve(&k, ",\"uses\":1", 3, first), k, "serial"));
	CHECK(DENIED(kit_approve(&k, ",\"uses\":1", 2, k.service_id), k, "serial")); /* not the previous one's id */
	CHECK(kit_approve(&k, ",\"uses\":1", 2, first) == COFFER_OK);
}

static void statement_of_another_ledger_or_time_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];
	struct kit_st s = { .kind = ST_REVOCATION, .subject = "0000000000000000000000000000000000000000000000000000000000000000",
		.digest = (const uint8_t[32]){ 0 }, .body = revoke_nothing };

	kit_open(&k);
	s.other_ledger = true;
	CHECK(DENIED(kit_log(&k, &s, id), k, "ledger"));
	s.other_ledger = false;
	s.issued = k.now + 1000;
	CHECK(DENIED(kit_log(&k, &s, id), k, "window"));
	s.issued = k.now - 1000;
	s.expires = k.now - 1;
	CHECK(DENIED(kit_log(&k, &s, id), k, "window"));
	s.expires = 0;
	CHECK(kit_log(&k, &s, id) == COFFER_E_NOTFOUND); /* only now is its target missed */
}

static void persona_and_kind_are_demanded(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];
	struct service s = { .id = "evil" };
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	CLEANUP(freep) char *body = NULL;
	struct json_wr j = jw_open(&w, false);

	open_deployed(&k);
	s.receive = s.reply = s.token = s.ledger_key = *privkey_public(k.tee);
	service_write(&s, &j);
	body = wr_take(&w, NULL);
	CHECK(DENIED(kit_log(&k, &(struct kit_st){.kind = ST_SERVICE, .subject = "evil", .body = body}, id), k,
		     "kind")); /* not our keys */
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_SERVICE, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "evil",
	    .body = body }, id), k, "persona"));
	CHECK(DENIED(kit_revoke(&k, KIT_HOSPITAL, k.service_id), k, "kind")); /* only its issuer may */
	CHECK(DENIED(kit_revoke(&k, KIT_ACME, k.genesis_id), k, "kind"));
}

static void party_is_admitted_by_itself_and_an_introducer_together(void)
{
	CLEANUP(kit_free) struct kit k;

	open_deployed(&k);
	CHECK(DENIED(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_STRANGER), k, "signature")); /* nobody known */
	CHECK(DENIED(kit_introduce(&k, KIT_STRANGER, KIT_ACME, KIT_ACME), k, "signature"));         /* not itself */
	CHECK(DENIED(kit_put(&k, KIT_STRANGER, "x"), k, "token"));
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(kit_put(&k, KIT_STRANGER, "x") == COFFER_OK); /* power over its own name, at once */
	CHECK(k.keep.registry.n == 3);
}

static void party_known_is_not_replaced_without_its_key(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *old;

	open_deployed(&k);
	CHECK(DENIED(kit_introduce(&k, KIT_HOSPITAL, KIT_HOSPITAL, KIT_HOSPITAL), k, "signature")); /* alone: waits for the hold */
	old = k.key[KIT_HOSPITAL];
	k.key[KIT_HOSPITAL] = k.key[KIT_STRANGER]; /* acme tries to put another key in the hospital's place */
	CHECK(DENIED(kit_introduce(&k, KIT_HOSPITAL, KIT_HOSPITAL, KIT_ACME), k, "signature"));
	k.key[KIT_HOSPITAL] = old;
	CHECK(kit_introduce(&k, KIT_HOSPITAL, KIT_HOSPITAL, KIT_ACME) == COFFER_OK);
}

static void put_by_another_party_or_with_other_content_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	open_deployed(&k);
	CHECK(DENIED(kit_put(&k, KIT_STRANGER, "x"), k, "token"));
	k.asset_serial = 5;
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "serial"));
}

static void party_token_is_good_once(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_assets_req m = { 0 };
	struct wr w = wr_open(1u << 16), again = wr_open(1u << 16), late = wr_open(1u << 16);

	open_deployed(&k);
	kit_auth(&k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &m.auth, &own);
	keep_assets_req_write(&w, &m);
	keep_assets_req_write(&again, &m);
	CHECK(kit_ask(&k, KEEP_ASSETS, &w) == COFFER_OK);
	CHECK(span_eq_str(wr_span(&k.answer), "{\"assets\":[{\"issued\":\"2026-11-04T00:00:00Z\",\"path\":\"" KIT_ASSET
	                                      "\",\"type\":\"data\",\"version\":1}]}"));
	CHECK(DENIED(kit_ask(&k, KEEP_ASSETS, &again), k, "token"));
	wr_close(&own);
	kit_auth(&k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &m.auth, &own);
	keep_assets_req_write(&late, &m);
	k.now += 300;
	CHECK(DENIED(kit_ask(&k, KEEP_ASSETS, &late), k, "token"));
}

static void party_token_for_other_request_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	open_deployed(&k);
	for (int i = 0; i < 5; i++) {
		CLEANUP(wr_close) struct wr own = { 0 }, rest = { 0 };
		struct keep_assets_req m = { 0 };
		struct keep_party_auth other;
		struct wr w = wr_open(1u << 16);

		kit_auth(&k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &m.auth, &own);
		kit_auth(&k, KIT_HOSPITAL, "GET", "/coffer/v0/assets", &other, &rest);
		if (i == 0)
			m.auth.method = span_of("POST");
		else if (i == 1)
			m.auth.path = span_of("/coffer/v0/journal");
		else if (i == 2)
			m.auth.body_sha256[0] = 1;
		else if (i == 3)
			m.auth.sig[5] ^= 1;
		else
			m.auth.payload = other.payload; /* a good one, but not what was signed */
		keep_assets_req_write(&w, &m);
		CHECK(DENIED(kit_ask(&k, KEEP_ASSETS, &w), k, "token"));
	}
}

static void delete_takes_the_content_and_only_the_owner_may(void)
{
	CLEANUP(kit_free) struct kit k;

	open_attested(&k);
	for (int who = KIT_ACME; who <= KIT_HOSPITAL; who++) {
		CLEANUP(wr_close) struct wr own = { 0 };
		struct keep_delete_req m = { .path = span_of(KIT_PATH) };
		struct wr w = wr_open(1u << 16);

		kit_auth(&k, (enum kit_party)who, "DELETE", "/kbs/v0/resource/" KIT_PATH, &m.auth, &own);
		keep_delete_req_write(&w, &m);
		if (who == KIT_ACME)
			CHECK(DENIED(kit_ask(&k, KEEP_DELETE, &w), k, "owner"));
		else
			CHECK(kit_ask(&k, KEEP_DELETE, &w) == COFFER_OK);
	}
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_NOTFOUND);
	CHECK(kit_put(&k, KIT_HOSPITAL, "again") == COFFER_OK); /* the next version */
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && kit_opens_to(&k, false, "again"));
}

/* ---- reading ---- */

static enum coffer_rc ask_decision(struct kit *k, enum kit_party who, const uint8_t id[static 16])
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_decision_req m = { 0 };
	struct wr w = wr_open(1u << 16);

	memcpy(m.id, id, 16);
	kit_auth(k, who, "GET", "/coffer/v0/decisions/x", &m.auth, &own);
	keep_decision_req_write(&w, &m);
	return kit_ask(k, KEEP_DECISION, &w);
}

static void decision_is_shown_to_each_party_in_its_part(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *text = NULL;
	uint8_t id[16];

	open_attested(&k);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .container = "logger" }), k, "R7"));
	memcpy(id, k.no.decision, 16);
	CHECK(ask_decision(&k, KIT_ACME, id) == COFFER_OK);
	text = span_dup(wr_span(&k.answer));
	CHECK(text && strstr(text, "\"reason\":\"R7\"") && strstr(text, "\"check\":\"R7\"") && !strstr(text, "\"check\":\"R9\""));
	free(text);
	CHECK(ask_decision(&k, KIT_HOSPITAL, id) == COFFER_OK);
	text = span_dup(wr_span(&k.answer));
	CHECK(text && strstr(text, "\"check\":\"R9\"") && !strstr(text, "\"check\":\"R7\""));
	id[0] ^= 1;
	CHECK(ask_decision(&k, KIT_HOSPITAL, id) == COFFER_E_NOTFOUND);
	id[0] ^= 1;
	CHECK(ask_decision(&k, KIT_STRANGER, id) != COFFER_OK);
}

static size_t listed(struct kit *k, enum kit_party who, const char *words)
{
	CLEANUP(wr_close) struct wr own = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct keep_decision_req m = { .list = true };
	struct wr w = wr_open(1u << 16);
	size_t n = 0;

	kit_auth(k, who, "GET", "/coffer/v0/decisions", &m.auth, &own);
	keep_decision_req_write(&w, &m);
	if (kit_ask(k, KEEP_DECISION, &w) != COFFER_OK)
		return SIZE_MAX;
	text = span_dup(wr_span(&k->answer));
	for (const char *at = text; at && (at = strstr(at, words)) != NULL; at++)
		n++;
	return n;
}

static void decisions_are_listed_to_those_they_concern(void)
{
	CLEANUP(kit_free) struct kit k;

	open_attested(&k);
	CHECK(listed(&k, KIT_HOSPITAL, "\"decision\"") == 0);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .container = "logger" }), k, "R7"));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK);
	CHECK(listed(&k, KIT_HOSPITAL, "\"decision\"") == 2 && listed(&k, KIT_HOSPITAL, "denied") == 1);
	CHECK(listed(&k, KIT_HOSPITAL, "{\"asset\":\"" KIT_ASSET "\",\"decision\"") == 2);
	CHECK(listed(&k, KIT_ACME, "\"decision\"") == 3);
	CHECK(listed(&k, KIT_STRANGER, "") == SIZE_MAX && kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(listed(&k, KIT_STRANGER, "\"decision\"") == 0);
}

static uint32_t query(struct kit *k, struct keep_query_req m)
{
	struct wr w = wr_open(1u << 16);
	struct rd r;

	keep_query_req_write(&w, &m);
	if (kit_ask(k, KEEP_QUERY, &w) != COFFER_OK)
		return UINT32_MAX;
	r = rd_open(wr_span(&k->answer));
	return rd_be32(&r);
}

static void query_gives_what_is_in_force_and_needs_a_token_for_the_rest(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_query_req m = { .has_auth = true, .kind = ST_APPROVAL };

	open_deployed(&k);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_GENESIS }) == 1);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_SERVICE }) == 1);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_SERVICE, .subject = span_of("tru") }) == 0);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_SERVICE, .subject = span_of("trust"), .issuer = span_of("acme") }) == 1);
	CHECK(query(&k, (struct keep_query_req){ .kind = ST_APPROVAL }) == UINT32_MAX && strcmp(k.no.check, "token") == 0);
	CHECK(query(&k, (struct keep_query_req){ 0 }) == UINT32_MAX);
	kit_auth(&k, KIT_ACME, "GET", "/x", &m.auth, &own);
	CHECK(query(&k, m) == 1);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	wr_close(&own);
	kit_auth(&k, KIT_ACME, "GET", "/x", &m.auth, &own);
	CHECK(query(&k, m) == 0);
	wr_close(&own);
	kit_auth(&k, KIT_ACME, "GET", "/x", &m.auth, &own);
	m.all = true;
	CHECK(query(&k, m) == 1);
}

static void status_and_journal_tell_the_head(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_journal_req m = { .from = 2 };
	struct wr none = wr_open(1), w = wr_open(1u << 16);
	char hex[HEX32_LEN];
	CLEANUP(freep) char *status = NULL, *journal = NULL;

	open_deployed(&k);
	hex32(k.keep.journal.hash, hex);
	CHECK(kit_ask(&k, KEEP_STATUS, &none) == COFFER_OK);
	status = span_dup(wr_span(&k.answer));
	CHECK(status && strstr(status, hex) && strstr(status, "\"seq\":7"));
	kit_auth(&k, KIT_ACME, "GET", "/coffer/v0/journal", &m.auth, &own);
	keep_journal_req_write(&w, &m);
	CHECK(kit_ask(&k, KEEP_JOURNAL, &w) == COFFER_OK);
	journal = span_dup(wr_span(&k.answer));
	CHECK(journal && strstr(journal, hex) && strstr(journal, "\"seq\":2}") && !strstr(journal, "\"seq\":1}") &&
	      strstr(journal, "\"signature\""));
}

/* ---- bounds ---- */

static void unknown_oversize_and_cut_messages_are_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	static const uint8_t types[] = { 0, KEEP_OPENINGS + 1, 200 };

	kit_open(&k);
	for (size_t i = 0; i < sizeof(types); i++) {
		struct wr w = wr_open(8);

		CHECK(kit_ask(&k, (enum keep_type)types[i], &w) == COFFER_E_INPUT);
	}
	for (int t = KEEP_AUTH; t <= KEEP_JOURNAL; t++) {
		struct wr w = wr_open(64), big = wr_open(64);

		CHECK(kit_ask(&k, (enum keep_type)t, &w) == COFFER_E_INPUT); /* empty */
		for (int i = 0; i < 17; i++)
			wr_u8(&big, 0xff);
		CHECK(kit_ask(&k, (enum keep_type)t, &big) != COFFER_OK);
	}
}

static void sessions_are_bounded_and_those_without_evidence_go_first(void)
{
	struct sessions *t = NULL;
	struct err e = { 0 };
	uint8_t id[4][16];

	CHECK(sessions_new(3, &t, &e) == COFFER_OK);
	for (int i = 0; i < 3; i++)
		memcpy(id[i], session_add(t, TEE_SAMPLE, 100 + i)->id, 16);
	session_attested(t, session_get(t, id[0], 103));
	memcpy(id[3], session_add(t, TEE_SAMPLE, 103)->id, 16);
	CHECK(sessions_count(t) == 3);
	CHECK(session_get(t, id[0], 104) && !session_get(t, id[1], 104) && session_get(t, id[2], 104) && session_get(t, id[3], 104));
	session_attested(t, session_get(t, id[2], 104));
	session_attested(t, session_get(t, id[3], 104));
	CHECK(session_add(t, TEE_SAMPLE, 105) && !session_get(t, id[0], 105) && session_get(t, id[2], 105));
	CHECK(!session_get(t, id[2], 102 + SESSION_SECONDS) && session_get(t, id[3], 102 + SESSION_SECONDS));
	CHECK(!session_get(t, id[3], 103 + SESSION_SECONDS));
	sessions_free(t);
}

/* As with more than a full table of guests in five minutes: two that come at once must not end each other. */
static void full_table_of_attested_sessions_leaves_a_quarter_to_those_who_come(void)
{
	struct sessions *t = NULL;
	struct err e = { 0 };
	uint8_t id[16][16];

	CHECK(sessions_new(8, &t, &e) == COFFER_OK);
	for (int i = 0; i < 8; i++) {
		memcpy(id[i], session_add(t, TEE_SAMPLE, 100)->id, 16);
		session_attested(t, session_get(t, id[i], 100));
	}
	for (int i = 8; i < 16; i++)
		memcpy(id[i], session_add(t, TEE_SAMPLE, 101)->id, 16);
	CHECK(sessions_count(t) == 8);
	for (int i = 0; i < 16; i++) /* three make room, then the strangers one another */
		CHECK((session_get(t, id[i], 102) != NULL) == ((i >= 3 && i < 8) || i >= 13));
	sessions_free(t);
}

static void denials_to_strangers_are_written_up_to_a_bound_a_minute(void)
{
	CLEANUP(kit_free) struct kit k;
	uint64_t before;

	open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ .no_initdata = true }) == COFFER_OK);
	before = k.keep.journal.seq;
	for (int i = 0; i < KEEP_DENIALS_PER_MINUTE + 50; i++)
		CHECK(DENIED(kit_get(&k, (struct kit_get){ 0 }), k, "policy"));
	CHECK(k.keep.journal.seq <= before + KEEP_DENIALS_PER_MINUTE + 1); /* and one summary */
	CHECK(!k.no.has_decision);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(asset_without_a_policy_has_the_strict_one_and_sample_is_refused_by_r10), T(policy_that_does_not_allow_denies_whatever_else_it_says),
		T(statement_alone_keeps_the_content_and_only_that_content), T(policy_is_not_asked_of_a_service_without_eval),
		T(policy_judges_a_token_as_it_judges_the_session), T(resource_for_the_approved_workload_is_released_and_opens), T(reply_signature_binds_body_key_path_version_and_entry),
		T(resource_without_session_or_evidence_is_refused), T(resource_after_the_session_expired_is_refused),
		T(request_with_bad_signature_or_old_counter_is_refused), T(request_signed_without_an_attested_request_key_is_refused),
		T(container_or_purpose_not_entitled_is_refused_by_r7), T(stranger_hears_the_same_of_absent_foreign_and_denied),
		T(evidence_without_register_or_initdata_gets_nothing), T(absent_asset_of_an_entitled_container_is_not_found),
		T(version_asked_is_the_one_in_force_or_nothing), T(not_approved_is_refused_by_r0_and_used_up_by_r9),
		T(image_without_a_release_in_force_is_refused_by_r8), T(more_releases_than_can_be_judged_are_refused_not_cut),
		T(revoked_approval_and_workload_are_refused_by_r11), T(workload_revoked_by_an_owner_is_void_for_its_assets_alone),
		T(facts_of_a_release_are_read_anew_after_every_change), T(facts_of_more_questions_than_are_kept_stay_right),
		T(decision_time_counts_though_facts_are_kept),
		T(attest_with_another_nonce_or_key_is_stale_and_ends_the_session), T(attest_twice_or_late_is_refused),
		T(token_stands_for_the_evidence_until_it_expires), T(token_changed_in_any_part_is_refused),
		T(token_with_the_payload_of_another_is_refused), T(token_of_another_service_is_refused), T(statement_by_a_stranger_is_not_even_read),
		T(statement_twice_is_the_same_entry_and_a_rival_is_refused), T(statement_of_another_ledger_or_time_is_refused),
		T(persona_and_kind_are_demanded),
		T(party_is_admitted_by_itself_and_an_introducer_together), T(party_known_is_not_replaced_without_its_key), T(put_by_another_party_or_with_other_content_is_refused), T(party_token_is_good_once),
		T(party_token_for_other_request_is_refused), T(delete_takes_the_content_and_only_the_owner_may),
		T(decision_is_shown_to_each_party_in_its_part), T(decisions_are_listed_to_those_they_concern), T(query_gives_what_is_in_force_and_needs_a_token_for_the_rest),
		T(status_and_journal_tell_the_head), T(unknown_oversize_and_cut_messages_are_refused),
		T(sessions_are_bounded_and_those_without_evidence_go_first),
		T(full_table_of_attested_sessions_leaves_a_quarter_to_those_who_come), T(denials_to_strangers_are_written_up_to_a_bound_a_minute),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
