/* A release is decided again from its receipt: the same verdict in the same words, whenever; and a service that was broken into cannot
 * make a receipt of a release that nothing allowed. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/token.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "replay/replay.h"
#include "tests/receiptkit.h"
#include "tests/rig.h"
#include "tests/t.h"
#include "trust/thing.h"

#define FILE_TEXT "{\"collateral\":\"of some vendor\"}"

static void sample_released(struct kit *k)
{
	kit_open(k);
	kit_deploy(k);
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(k, (struct kit_get){ 0 }) == COFFER_OK);
}

static void rig_released(struct rig *r)
{
	uint8_t id[32];

	rig_deploy_as(r, &(struct rig_how){ .references = RIG_REFERENCES, .boot = true, .vek = &snpkit_good, .file = span_of(FILE_TEXT) }, id);
	CHECK(rig_tcb(r, KIT_HOSPITAL, 20) == COFFER_OK && rig_attest(r) == COFFER_OK);
	CHECK(kit_get(&r->k, (struct kit_get){ 0 }) == COFFER_OK);
}

/* ---- what holds ---- */

static void release_on_sample_is_decided_again(void)
{
	CLEANUP(kit_free) struct kit k;

	sample_released(&k);
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK && receiptkit_replays(&k, KIT_ACME)); /* by the manifest */
	CHECK(kit_put(&k, KIT_HOSPITAL, "another") == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL)); /* the second of its session */
}

/* In the words that say so; and no release of it once its provider calls it older. */
static void release_of_an_image_at_its_minimum_is_decided_again(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t was[32];

	kit_open(&k);
	k.image_minimum = k.image_version = 3;
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	memcpy(was, k.release_id, 32);
	k.image_version = 2;
	CHECK(kit_release(&k, 2, 2, was) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k.no.check, "R8") == 0 && strstr(k.no.reason, "states security version 2"));
}

static void release_on_hardware_is_decided_again(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	struct rig r;
	struct err e;

	rig_released(&r);
	receiptkit_make(&r.k, KIT_HOSPITAL, &text);
	CHECK(out && receiptkit_replay(&r.k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK);
	if (out && e.rc == COFFER_OK) {
		CHECK(out->words && out->n == DECIDE_CHECKS_MAX && strcmp(out->platform, "snp") == 0 && out->attested == KIT_NOW);
		CHECK(strcmp(out->check[4].found, "it is, for 1 minimum statement") == 0 && strstr(out->check[5].found, "boot image guest"));
		CHECK(strcmp(out->check[10].found, "data.policy.allow is true") == 0);
	} else {
		printf("# %s %s\n", e.check, e.msg);
	}
	rig_close(&r);
}

/* What the token's policy saw is as old as the token. */
static void release_by_token_is_decided_again(void)
{
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX);
	struct rig r;
	uint8_t id[32];

	rig_deploy(&r, RIG_REFERENCES, true, id);
	r.k.policy = "package policy\nallow if input.iat + 60 == time.now_ns() / 1000000000\n";
	CHECK(kit_put(&r.k, KIT_HOSPITAL, "again") == COFFER_OK && rig_attest(&r) == COFFER_OK);
	wr_put(&token, wr_span(&r.k.answer));
	r.k.now += 60;
	CHECK(kit_get(&r.k, (struct kit_get){ .token = wr_span(&token) }) == COFFER_OK && receiptkit_replays(&r.k, KIT_HOSPITAL));
	CHECK(kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_E_DENIED); /* by the session the claims are new, and the policy says no */
	rig_close(&r);
}

/* A token outlives what the service has in memory: its session is gone, what it showed is in the store. */
static void token_whose_session_is_gone_finds_what_it_showed(void)
{
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX);
	CLEANUP(kit_free) struct kit k;
	struct kit_get own = { .path = "acme/note/own", .plain = true };

	kit_open(&k);
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	wr_put(&token, wr_span(&k.answer));
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK); /* stores it */
	session_drop(k.keep.sessions, session_get(k.keep.sessions, k.session, k.now));
	own.token = wr_span(&token);
	CHECK(kit_get(&k, own) == COFFER_OK && receiptkit_replays(&k, KIT_ACME));
}

/* Certificates that were good for two hours then: no clock is asked, neither this machine's nor any other. */
static void years_later_expired_endorsements_give_the_same_verdict(void)
{
	CLEANUP(wr_close) struct wr before = { 0 }, after = { 0 };
	CLEANUP(freep) struct replay_out *one = calloc(1, sizeof(*one)), *two = calloc(1, sizeof(*two));
	struct snpkit_vek short_lived = snpkit_good;
	struct rig r;
	uint8_t id[32];
	struct err e;

	short_lived.from = KIT_NOW - 3600;
	short_lived.until = KIT_NOW + 3600;
	rig_deploy_as(&r, &(struct rig_how){ .references = RIG_REFERENCES, .boot = true, .vek = &short_lived }, id);
	CHECK(rig_attest(&r) == COFFER_OK && kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_make(&r.k, KIT_HOSPITAL, &before);
	r.k.now += INT64_C(86400) * 365 * 20;
	CHECK(rig_attest(&r) == COFFER_E_DENIED && strcmp(r.k.no.check, "R2") == 0); /* who attests now is refused */
	receiptkit_make(&r.k, KIT_HOSPITAL, &after);
	CHECK(one && two && receiptkit_replay(&r.k, wr_span(&before), (struct span){ 0 }, one, &e) == COFFER_OK && one->words);
	CHECK(one && two && receiptkit_replay(&r.k, wr_span(&after), (struct span){ 0 }, two, &e) == COFFER_OK && two->words);
	for (size_t i = 0; one && two && i < one->n; i++)
		CHECK(one->check[i].holds && strcmp(one->check[i].found, two->check[i].found) == 0);
	rig_close(&r);
}

/* The hospital approves another workload, the provider runs a narrower one. Statements: of that other, and the approval that was before; and what ran. */
struct narrower { uint8_t wide[32], before[32], manifest[32]; };

static void narrower_released(struct kit *k, struct narrower *out)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(freep) char *text = NULL, *other = NULL;
	static const char *const platforms = "\"platforms\":[\"sample\"";
	const char *at;
	struct err e;

	kit_open(k);
	kit_deploy(k);
	text = kit_manifest_text(k);
	at = strstr(text, platforms);
	other = str_fmt("%.*s,\"snp\"%s", (int)(at - text + (ptrdiff_t)strlen(platforms)), text, at + strlen(platforms));
	CHECK(manifest_parse(span_of(other), &m, &e) == COFFER_OK);
	CHECK(kit_log(k, &(struct kit_st){ .kind = ST_WORKLOAD, .subject = "risk", .digest = m.digest, .body = other }, out->wide) == COFFER_OK);
	memcpy(out->before, k->approval_id, 32);
	memcpy(out->manifest, k->manifest, 32);
	memcpy(k->manifest, m.digest, 32);
	CHECK(kit_approve(k, ",\"or-narrower\":true", 1, NULL) == COFFER_OK && kit_revoke(k, KIT_HOSPITAL, out->before) == COFFER_OK);
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK && kit_get(k, (struct kit_get){ 0 }) == COFFER_OK);
}

/* The receipt has the manifest of either. */
static void release_to_a_narrower_workload_is_decided_again(void)
{
	CLEANUP(kit_free) struct kit k;
	struct narrower n;

	narrower_released(&k, &n);
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_ACME, n.wide) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK); /* its manifest counts all the same */
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL));
}

/* "" where a receipt of the newest release holds; else the check. */
static const char *judge_newest(struct kit *k, struct err *e)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };

	receiptkit_make(k, KIT_HOSPITAL, &text);
	return receiptkit_replay(k, wr_span(&text), (struct span){ 0 }, out, e) == COFFER_OK ? "" : e->check;
}

/* Statements alone show which of two workloads is the wider one: what was approved is the narrow one, and what is said to have run the other. */
static void release_to_a_wider_workload_has_no_receipt_that_holds(void)
{
	static const uint8_t neither[32] = { 9 };
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *cut = NULL;
	uint8_t taken[32];
	char wide[HEX32_LEN];
	struct narrower n;
	struct err e = { 0 };

	narrower_released(&k, &n);
	memcpy(taken, k.approval_id, 32);
	memcpy(k.manifest, n.manifest, 32);
	CHECK(kit_approve(&k, ",\"or-narrower\":true", 2, n.before) == COFFER_OK);
	receiptkit_lie_bare(&k);
	CHECK(strcmp(judge_newest(&k, &e), "") == 0);
	receiptkit_lie_with(&k, k.workload_id, neither);
	receiptkit_lie_with(&k, n.wide, k.workload_id);
	receiptkit_lie_with(&k, neither, n.wide);
	receiptkit_lie_with(&k, taken, k.approval_id);
	CHECK(strcmp(judge_newest(&k, &e), "receipt-rights") == 0 && strstr(e.msg, "of this asset, workload"));
	receiptkit_lie_with(&k, k.approval_id, taken); /* of the one that is said to have run */
	CHECK(strcmp(judge_newest(&k, &e), "") == 0);
	receiptkit_lie_with(&k, n.wide, neither);
	receiptkit_lie_with(&k, k.workload_id, n.wide);
	receiptkit_lie_with(&k, neither, k.workload_id);
	CHECK(strcmp(judge_newest(&k, &e), "") == 0);
	hex32(n.wide, wide);
	cut = str_fmt("\"%s\"", wide);
	receiptkit_lie(&k, cut); /* and without the manifest that it names nothing is shown */
	CHECK(strcmp(judge_newest(&k, &e), "receipt-rights") == 0);
}

static void auditor(struct kit *k)
{
	CLEANUP(wr_close) struct wr text = wr_open(1u << 14);
	struct party p = { .id = "stranger", .personas = PERSONA_AUDITOR, .n_keys = 1 };
	struct json_wr j = jw_open(&text, false);
	uint8_t id[32];

	p.keys[0] = *privkey_public(k->key[KIT_STRANGER]);
	party_write(&p, &j);
	wr_u8(&text, 0);
	CHECK(kit_log(k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_ACME, .subject = "stranger",
	    .body = (const char *)text.p, .issuer_name = "stranger" }, id) == COFFER_OK);
}

static void assess(struct kit *k, enum assessed about, const uint8_t digest[static 32], uint8_t id[static 32])
{
	char subject[ASSESSMENT_SUBJECT_MAX], hex[HEX32_LEN];
	CLEANUP(freep) char *body = NULL;

	assessment_subject(about, digest, subject);
	hex32(digest, hex);
	body = str_fmt("{\"about\":\"%s\",\"digest\":\"%s\",\"finding\":\"passed\",\"method\":\"read it\"}", assessed_name(about),
	    hex);
	CHECK(kit_log(k, &(struct kit_st){ .kind = ST_ASSESSMENT, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = subject,
	    .body = body }, id) == COFFER_OK);
}

static void release_that_wanted_assessments_is_decided_again(void)
{
	static const uint8_t one[32] = { [31] = 1 }, other[32] = { [31] = 2 };
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], found[32];

	kit_open(&k);
	kit_deploy(&k);
	auditor(&k);
	memcpy(id, k.approval_id, 32);
	CHECK(kit_approve(&k, ",\"assessed-by\":[{\"party\":\"stranger\",\"about\":\"workload\"},"
	                      "{\"party\":\"stranger\",\"about\":\"image\"}]", 2, id) == COFFER_OK);
	assess(&k, ASSESSED_WORKLOAD, k.manifest, found);
	assess(&k, ASSESSED_IMAGE, one, found);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED);
	assess(&k, ASSESSED_IMAGE, other, found);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_ACME, found) == COFFER_OK); /* for its own assets: this is the hospital's */
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, found) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k.no.check, "R9") == 0 &&
	      strstr(k.no.reason, "wants an assessment"));
}

/* What boots is stated by whom the provider lent that power. */
static void release_to_a_boot_image_of_a_delegate_is_decided_again(void)
{
	static const char lend[] = "{\"of\":\"acme\",\"to\":\"stranger\",\"role\":\"boot-image\",\"depth\":0,"
	                           "\"until\":\"2027-06-01T00:00:00Z\"}";
	CLEANUP(freep) char *extra = NULL;
	struct rig r;
	uint8_t id[32], lent[32], old[32];
	char hex[HEX32_LEN];

	rig_deploy(&r, RIG_REFERENCES, true, id);
	CHECK(kit_introduce(&r.k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(kit_log(&r.k, &(struct kit_st){ .kind = ST_DELEGATION, .issuer = KIT_ACME, .also = KIT_ACME,
	    .subject = "stranger,of:acme,role:boot-image", .body = lend }, lent) == COFFER_OK);
	CHECK(rig_boot_by(&r, KIT_STRANGER, "", id) == COFFER_OK);
	hex32(id, hex);
	memcpy(old, r.k.approval_id, 32);
	extra = str_fmt(",\"boot-images\":[\"%s\"]", hex);
	CHECK(kit_approve(&r.k, extra, 2, old) == COFFER_OK && rig_attest(&r) == COFFER_OK);
	CHECK(kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&r.k, KIT_HOSPITAL));
	rig_close(&r);
}

/* ---- without evidence ---- */

/* A receipt of what was released, as it would be had its evidence been forgotten, holds by its statements; with one text replaced it is refused by that. */
static void bare_is_refused(struct kit *k, const char *from, const char *to, const char *check)
{
	struct err e = { 0 };
	const char *got;

	receiptkit_lie_bare(k);
	CHECK(strcmp(judge_newest(k, &e), "") == 0);
	if (e.check[0])
		printf("# %s: %s\n", e.check, e.msg);
	receiptkit_lie_text(k, from, to);
	got = judge_newest(k, &e);
	CHECK(strcmp(got, check) == 0);
	if (strcmp(got, check) != 0)
		printf("# %s: %s %s\n", from, got, e.msg);
}

static void by_statements_alone_what_was_decided_is_said(void)
{
	static const char *const ids[] = { "R0", "R7", "R8", "R9", "R11" };
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(kit_free) struct kit k;
	struct err e;

	sample_released(&k);
	receiptkit_lie_bare(&k);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(out && receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK);
	CHECK(out && !out->v.evidence && out->stated && out->n == sizeof(ids) / sizeof(ids[0]));
	for (size_t i = 0; out && i < out->n; i++)
		CHECK(out->check[i].holds && strcmp(out->check[i].id, ids[i]) == 0 && out->check[i].found[0]);
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK); /* by the manifest */
	receiptkit_lie_bare(&k);
	wr_close(&text);
	receiptkit_make(&k, KIT_ACME, &text);
	CHECK(out && receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK && out->stated);
}

static void by_statements_alone_what_measures_has_a_boot_image(void)
{
	CLEANUP(kit_free) struct kit k;

	sample_released(&k);
	bare_is_refused(&k, "\"platform\":\"sample\"", "\"platform\":\"snp\"", "R5");
}

static void by_statements_alone_what_was_wanted_is_assessed(void)
{
	static const uint8_t one[32] = { [31] = 1 }, other[32] = { [31] = 2 };
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *cut = NULL;
	uint8_t id[32], found[32];
	char hex[HEX32_LEN];

	kit_open(&k);
	kit_deploy(&k);
	auditor(&k);
	memcpy(id, k.approval_id, 32);
	CHECK(kit_approve(&k, ",\"assessed-by\":[{\"party\":\"stranger\",\"about\":\"image\"}]", 2, id) == COFFER_OK);
	assess(&k, ASSESSED_IMAGE, one, found);
	assess(&k, ASSESSED_IMAGE, other, found);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	hex32(found, hex);
	cut = str_fmt(",\"%s\"", hex);
	bare_is_refused(&k, cut, "", "R9");
}

/* What it names in `uses` the map shows; that an approval for so many uses is named there, statements do. */
static void by_statements_alone_uses_are_counted(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *uses = NULL;
	uint8_t id[32];
	char hex[HEX32_LEN];
	struct err e = { 0 };

	kit_open(&k);
	kit_deploy(&k);
	memcpy(id, k.approval_id, 32);
	CHECK(kit_approve(&k, ",\"uses\":1", 2, id) == COFFER_OK);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	hex32(k.approval_id, hex);
	uses = str_fmt("\"uses\":{\"%s\":1}", hex);
	receiptkit_lie_text(&k, uses, "\"uses\":{}");
	receiptkit_lie_bare(&k);
	CHECK(strcmp(judge_newest(&k, &e), "receipt-map") == 0 && strstr(e.msg, "does not say how often"));
}

/* Measured or not, what was booted has a statement by the workload's provider that the approval names. */
static void by_statements_alone_a_boot_image_is_one_that_was_approved(void)
{
	CLEANUP(freep) char *cut = NULL;
	char hex[HEX32_LEN];
	struct rig r;
	uint8_t id[32];

	rig_deploy(&r, RIG_REFERENCES, true, id);
	CHECK(rig_tcb(&r, KIT_HOSPITAL, 20) == COFFER_OK && rig_attest(&r) == COFFER_OK && kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_OK);
	hex32(id, hex);
	cut = str_fmt(",\"%s\"", hex);
	bare_is_refused(&r.k, cut, "", "R5");
	rig_close(&r);
}

static void by_statements_alone_a_minimum_that_was_revoked_stands_in_the_way(void)
{
	struct keep_logged_rep tcb;
	struct rig r;
	uint8_t id[32];
	struct err e = { 0 };

	rig_deploy(&r, RIG_REFERENCES, true, id);
	CHECK(rig_tcb(&r, KIT_HOSPITAL, 20) == COFFER_OK && keep_logged_rep_read(wr_span(&r.k.answer), &tcb, &e) == COFFER_OK);
	CHECK(rig_attest(&r) == COFFER_OK && kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_lie_bare(&r.k);
	CHECK(strcmp(judge_newest(&r.k, &e), "") == 0 && kit_revoke(&r.k, KIT_HOSPITAL, tcb.id) == COFFER_OK);
	CHECK(kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(r.k.no.check, "R11") == 0);
	receiptkit_lie_bare(&r.k);
	CHECK(strcmp(judge_newest(&r.k, &e), "R11") == 0);
	rig_close(&r);
}

/* ---- collateral ---- */

/* A receipt with that file in place of those it has, n times. */
static void with_files(const struct wr *text, const char *file, unsigned n, struct wr *out)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr b64 = wr_open(4096);
	struct err e = { 0 };
	struct json_wr j;

	*out = wr_open(RECEIPT_MAX);
	j = jw_open(out, false);
	CHECK(json_parse((struct span){ text->p, text->n - 1 }, RECEIPT_MAX, &doc, &e) == COFFER_OK);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		const struct json *v = json_at(json_root(doc), i);

		jw_namen(&j, json_name(json_root(doc), i));
		if (!span_eq_str(json_name(json_root(doc), i), "evidence")) {
			jw_value(&j, v);
			continue;
		}
		jw_obj(&j);
		jw_name(&j, "document");
		jw_value(&j, json_get(v, "document"));
		jw_name(&j, "files");
		jw_arr(&j);
		b64url_write(&b64, span_of(file));
		for (unsigned f = 0; f < n; f++)
			jw_str(&j, wr_span(&b64));
		jw_arr_end(&j);
		jw_obj_end(&j);
	}
	jw_obj_end(&j);
	wr_u8(out, '\n');
}

static void collateral_that_is_missing_is_asked_for_by_its_digest(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 }, bare = { 0 }, other = { 0 };
	const struct span none = { 0 };
	char hex[HEX32_LEN];
	uint8_t digest[32];
	struct rig r;
	struct err e;

	if (!out)
		abort();
	rig_released(&r);
	receiptkit_make(&r.k, KIT_HOSPITAL, &text);
	with_files(&text, "", 0, &bare);
	with_files(&text, "{}", 1, &other);
	sha256(span_of(FILE_TEXT), digest);
	hex32(digest, hex);
	CHECK(receiptkit_replay(&r.k, wr_span(&bare), none, out, &e) == COFFER_E_NOTFOUND && strstr(e.msg, hex));
	CHECK(receiptkit_replay(&r.k, wr_span(&bare), span_of("{}"), out, &e) == COFFER_E_NOTFOUND);
	CHECK(receiptkit_replay(&r.k, wr_span(&bare), span_of(FILE_TEXT), out, &e) == COFFER_OK && out->words);
	CHECK(receiptkit_replay(&r.k, wr_span(&other), span_of(FILE_TEXT), out, &e) == COFFER_E_DENIED);
	CHECK(strcmp(e.check, "receipt-evidence") == 0);
	rig_close(&r);
}

/* Whoever decides nothing again either: what is in a receipt is checked by itself. */
static enum coffer_rc verified(const struct rig *r, const struct wr *text, struct err *e)
{
	CLEANUP(receipt_clear) struct receipt rc = { 0 };
	struct receipt_view v = { 0 };

	TRY(receipt_read(wr_span(text), &rc, e));
	return receipt_verify(&rc, r->k.genesis_id, &v, e);
}

static void file_that_the_evidence_does_not_name_is_no_part_of_a_receipt(void)
{
	CLEANUP(wr_close) struct wr text = { 0 }, one = { 0 }, twice = { 0 }, other = { 0 }, bare = { 0 };
	struct rig r;
	struct err e = { 0 };

	rig_released(&r);
	receiptkit_make(&r.k, KIT_HOSPITAL, &text);
	with_files(&text, "", 0, &bare);
	with_files(&text, FILE_TEXT, 1, &one);
	with_files(&text, FILE_TEXT, 2, &twice);
	with_files(&text, "{}", 1, &other);
	CHECK(verified(&r, &bare, &e) == COFFER_OK && verified(&r, &one, &e) == COFFER_OK);
	CHECK(verified(&r, &other, &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-evidence") == 0 && strstr(e.msg, "appraised with, or out of order"));
	CHECK(verified(&r, &twice, &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-evidence") == 0);
	rig_close(&r);
}

/* ---- bytes ---- */

static void every_altered_byte_of_evidence_is_found(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	size_t at = 0, end, denied = 0;
	struct rig r;
	struct err e;

	if (!out)
		abort();
	rig_released(&r);
	receiptkit_make(&r.k, KIT_HOSPITAL, &text);
	wr_u8(&text, 0);
	text.n--;
	CHECK(strstr((const char *)text.p, ",\"evidence\":{\"document\"") && strstr((const char *)text.p, "\"form\":\"coffer-receipt-v1\""));
	at = (size_t)(strstr((const char *)text.p, ",\"evidence\":{\"document\"") - (const char *)text.p);
	end = (size_t)(strstr((const char *)text.p, "\"form\":\"coffer-receipt-v1\"") - (const char *)text.p);
	for (size_t i = at; i < end; i += i < at + 300 || i + 300 > end ? 1 : 5) {
		enum coffer_rc rc;

		text.p[i] ^= (uint8_t)(1u << i % 7);
		rc = receiptkit_replay(&r.k, wr_span(&text), (struct span){ 0 }, out, &e);
		text.p[i] ^= (uint8_t)(1u << i % 7);
		if (rc != COFFER_E_INPUT && rc != COFFER_E_LIMIT &&
		    !(rc == COFFER_E_DENIED && strcmp(e.check, "receipt-evidence") == 0)) {
			printf("# byte %zu: rc %d %s\n", i, (int)rc, e.msg);
			CHECK(rc == COFFER_E_DENIED);
			break;
		}
		denied += rc == COFFER_E_DENIED;
	}
	CHECK(denied > 100);
	CHECK(receiptkit_replay(&r.k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK);
	rig_close(&r);
}

/* ---- a service that was broken into ---- */

/* Text with the member's value replaced; NULL: as it is. Values here are strings and numbers. */
static char *bent(const char *text, const char *member, const char *value)
{
	CLEANUP(freep) char *key = str_fmt("\"%s\":", member ? member : "");
	const char *at = member ? strstr(text, key) : NULL, *end;

	if (!member)
		return str_fmt("%s", text);
	if (!at)
		abort();
	at += strlen(key);
	end = *at == '[' ? strchr(at, ']') + 1 : *at == '"' ? strchr(at + 1, '"') + 1 : at + strcspn(at, ",}");
	return str_fmt("%.*s%s%s", (int)(at - text), text, value, end);
}

struct bend { const char *doc, *doc_value, *record, *record_value; };

static char *column(struct kit *k, bool document)
{
	CLEANUP(q_close) struct q q = document ? q_open(k->keep.store, "SELECT document FROM shown ORDER BY rowid DESC LIMIT 1")
					       : q_open(k->keep.store, "SELECT data FROM entry WHERE type='release' ORDER BY seq DESC LIMIT 1");
	struct err e = { 0 };
	bool row = false;

	CHECK(q_row(&q, &row, &e) == COFFER_OK && row);
	return span_dup(q_col(&q, 0));
}

static void store_shown(struct kit *k, const char *doc, uint8_t digest[static 32])
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "INSERT INTO shown(digest, session, document) VALUES(?,?,?)");
	CLEANUP(q_close) struct q files = q_open(k->keep.store,
	    "INSERT INTO shown_file SELECT ?1, place, file FROM shown_file WHERE shown<>?1 GROUP BY place");
	uint8_t session[16];
	struct err e = { 0 };

	sha256(span_of(doc), digest);
	random_bytes(session, sizeof(session));
	q_blob(&q, (struct span){ digest, 32 });
	q_blob(&q, SPAN(session));
	q_blob(&q, span_of(doc));
	CHECK(q_run(&q, &e) == COFFER_OK);
	q_blob(&files, (struct span){ digest, 32 });
	CHECK(q_run(&files, &e) == COFFER_OK);
}

/* Enters a release as the newest was, but for what is bent. */
static void lie(struct kit *k, const struct bend *b)
{
	CLEANUP(freep) char *doc = column(k, true), *record = column(k, false), *doc2 = bent(doc, b->doc, b->doc_value);
	CLEANUP(freep) char *record2 = bent(record, b->record, b->record_value), *with = NULL, *whole = NULL, *quoted = NULL, *named = NULL;
	CLEANUP(q_close) struct q row = q_open(k->keep.store, "INSERT INTO decision VALUES(?,?,'hospital',x'7b7d','acme',x'7b7d')");
	CLEANUP(wr_close) struct wr hex = wr_open(64);
	CLEANUP(tx_end) struct tx tx = { 0 };
	uint8_t id[16], digest[32];
	char hex_digest[HEX32_LEN];
	struct err e = { 0 };

	CHECK(tx_begin(&k->keep.journal, &tx, &e) == COFFER_OK);
	if (b->doc)
		store_shown(k, doc2, digest);
	else
		sha256(span_of(doc2), digest);
	hex32(digest, hex_digest);
	random_bytes(id, sizeof(id));
	hex_write(&hex, SPAN(id));
	quoted = str_fmt("\"%.*s\"", (int)hex.n, (const char *)hex.p);
	named = str_fmt("\"%s\"", hex_digest);
	with = bent(record2, "evidence", named);
	whole = bent(with, "decision", quoted);
	CHECK(journal_append(&k->keep.journal, "release", span_of(whole), k->now, &e) == COFFER_OK);
	q_blob(&row, SPAN(id));
	q_i64(&row, (int64_t)k->keep.journal.seq);
	CHECK(q_run(&row, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK);
}

/* What is read of the newest receipt: "" where it holds. */
static const char *judged(struct kit *k, struct err *e)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	enum coffer_rc rc;

	receiptkit_make(k, KIT_HOSPITAL, &text);
	rc = receiptkit_replay(k, wr_span(&text), (struct span){ 0 }, out, e);
	return rc == COFFER_OK ? "" : rc == COFFER_E_DENIED ? e->check : rc == COFFER_E_INPUT ? "malformed" : "?";
}

/* As the guest would ask with its 77th request; and for its other container. */
#define OTHER_COUNTER "\"Q1JRMQAAAAAAAAAAAAAAAAAAAE0HYW5hbHlzZQNhcGk\""
#define OTHER_CONTAINER "\"Q1JRMQAAAAAAAAAAAAAAAAAAAAEGbG9nZ2VyA2FwaQ\""
#define ZEROS "\"0000000000000000000000000000000000000000000000000000000000000000\""

static void release_that_the_evidence_does_not_allow_has_no_receipt_that_holds(void)
{
	static const struct { struct bend b; const char *check; } lies[] = {
		{ { "service", "\"cc\"", NULL, NULL }, "" }, /* as a true one: what is bent below is what counts */
		{ { "build", "\"0.0.9\"", "trace", ZEROS }, "" }, /* by another version: the verdict counts */
		{ { "nonce", ZEROS, NULL, NULL }, "R1" },
		{ { "hash", "2", NULL, NULL }, "R1" },
		{ { "hash", "9", NULL, NULL }, "malformed" },
		{ { "kty", "\"RSA\"", NULL, NULL }, "malformed" },
		{ { "coffer-genesis", ZEROS, NULL, NULL }, "R1" },
		{ { "additional", "\"e30\"", NULL, NULL }, "R1" },
		{ { NULL, NULL, "key", ZEROS }, "R1" },
		{ { "time", "1893456000", NULL, NULL }, "R1" },
		{ { "expires", "1793750400", NULL, NULL }, "R1" },
		{ { "expires", "1893456000", NULL, NULL }, "R1" }, /* old evidence, taken for long */
		{ { "evidence", "\"e30\"", NULL, NULL }, "malformed" },
		{ { "platform", "\"tdx\"", NULL, NULL }, "malformed" },
		{ { "initdata", ZEROS, NULL, NULL }, "R6" },
		{ { "initdata", "\"\"", NULL, NULL }, "R6" },
		{ { "references", "\"e30\"", NULL, NULL }, "R10" },
		{ { "initdata", "\"eA\"", NULL, NULL }, "malformed" },
		{ { "claims", ZEROS, NULL, NULL }, "receipt-replay" },
		{ { NULL, NULL, "trace", ZEROS }, "receipt-replay" },
		{ { NULL, NULL, "by", "\"token\"" }, "receipt-replay" },
		{ { NULL, NULL, "beside", "[]" }, "receipt-rests" }, /* the hospital has a minimum, as the map shows */
		{ { NULL, NULL, "things", "[]" }, "receipt-rests" },
		{ { NULL, NULL, "platform", "\"tpm\"" }, "receipt-said" }, /* of another platform nothing is shown */
		{ { NULL, NULL, "purpose", "\"image-key\"" }, "receipt-rights" },
		{ { NULL, NULL, "container", "\"logger\"" }, "receipt-rights" },
		{ { NULL, NULL, "request", "\"\"" }, "malformed" },
		{ { NULL, NULL, "request", OTHER_COUNTER }, "R1" }, /* not what was signed */
		{ { NULL, NULL, "request", OTHER_CONTAINER }, "R1" },
		{ { NULL, NULL, "signature", "\"AAAA\"" }, "R1" },
		{ { "session", "\"00000000000000000000000000000000\"", NULL, NULL }, "R1" },
	};
	struct rig r;
	struct err e;

	rig_released(&r);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const char *check;

		if (!lies[i].b.doc) /* the newest document is a bent one: a true one again */
			CHECK(rig_attest(&r) == COFFER_OK && kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_OK);
		lie(&r.k, &lies[i].b);
		check = judged(&r.k, &e);
		CHECK(strcmp(check, lies[i].check) == 0);
		if (strcmp(check, lies[i].check) != 0)
			printf("# %zu: %s for %s: %s\n", i, check, lies[i].check, e.msg);
		CHECK(rig_attest(&r) == COFFER_OK && kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_OK);
	}
	rig_close(&r);
}

/* Statements that came after the decision which they would have turned; the entry says that it rested on them. */
static void release_below_a_minimum_or_against_the_policy_has_none_either(void)
{
	CLEANUP(freep) char *beside = NULL, *rests = NULL, *record = NULL, *asset = NULL;
	char minimum[HEX32_LEN], old[HEX32_LEN], put[HEX32_LEN];
	struct rig r;
	struct err e;

	rig_released(&r);
	hex32(r.k.asset_id, old);
	CHECK(rig_tcb(&r, KIT_ACME, 200) == COFFER_OK); /* no such firmware */
	{
		CLEANUP(q_close) struct q q = q_open(r.k.keep.store, "SELECT id FROM statement WHERE kind=10 ORDER BY seq DESC LIMIT 1");
		uint8_t id[32];
		bool row = false;

		CHECK(q_row(&q, &row, &e) == COFFER_OK && row && q_col_fixed(&q, 0, id, 32));
		hex32(id, minimum);
	}
	record = column(&r.k, false);
	asset = strstr(record, "\"beside\":[");
	beside = str_fmt("%.*s,\"%s\"]", (int)(strchr(asset, ']') - asset - 9), asset + 9, minimum);
	asset = NULL;
	freep(&record);
	record = NULL;
	lie(&r.k, &(struct bend){ .record = "beside", .record_value = beside });
	CHECK(strcmp(judged(&r.k, &e), "R4") == 0);
	r.k.policy = "package policy\nallow := false\n";
	CHECK(kit_restate(&r.k, NULL) == COFFER_OK);
	hex32(r.k.asset_id, put);
	record = column(&r.k, false);
	CHECK(strstr(record, old));
	asset = strstr(record, "\"rests\":[");
	rests = str_fmt("[\"%s\"%.*s", put, (int)(strchr(asset, ']') + 1 - asset - 75), asset + 75);
	asset = NULL;
	lie(&r.k, &(struct bend){ .record = "rests", .record_value = rests });
	CHECK(strcmp(judged(&r.k, &e), "R4") == 0); /* still with that minimum */
	{
		CLEANUP(freep) char *again = column(&r.k, false);

		CHECK(strstr(again, minimum));
	}
	lie(&r.k, &(struct bend){ .record = "beside", .record_value = "[]" });
	CHECK(strcmp(judged(&r.k, &e), "receipt-rests") == 0); /* neither minimum is left out */
	rig_close(&r);
}

static void release_against_the_policy_has_none_either(void)
{
	CLEANUP(freep) char *record = NULL, *rests = NULL;
	char old[HEX32_LEN], put[HEX32_LEN];
	const char *at;
	struct rig r;
	struct err e;

	rig_released(&r);
	hex32(r.k.asset_id, old);
	r.k.policy = "package policy\nallow := false\n";
	CHECK(kit_restate(&r.k, NULL) == COFFER_OK);
	hex32(r.k.asset_id, put);
	record = column(&r.k, false);
	at = strstr(record, "\"rests\":[");
	CHECK(at && strstr(at, old));
	rests = at ? str_fmt("[\"%s\"%.*s", put, (int)(strchr(at, ']') + 1 - at - 75), at + 75) : NULL;
	lie(&r.k, &(struct bend){ .record = "rests", .record_value = rests });
	CHECK(strcmp(judged(&r.k, &e), "R10") == 0);
	rig_close(&r);
}

/* The machine of the newest session. */
static size_t machine_of(struct rig *r, struct thing out[static THINGS_MAX])
{
	const struct session *s = session_get(r->k.keep.sessions, r->k.session, r->k.now);
	struct span facts = { 0 }, claims = { 0 };
	struct hw_facts hw;
	struct err e = { 0 };

	CHECK(s && session_read_note(s, &facts, &claims) && facts_read(facts, &hw, &e) == COFFER_OK);
	return things_of(&hw, out);
}

/* By the owner and by the provider; a stranger's word is nothing. A service that releases all the same has no receipt of it, nor by naming no machine. */
static void chip_and_measurement_are_revoked_by_themselves(void)
{
	for (size_t i = 0; i < 4; i++) {
		struct thing machine[THINGS_MAX];
		uint8_t id[32];
		struct rig r;
		struct err e;

		rig_released(&r);
		CHECK(machine_of(&r, machine) == 2 && machine[0].kind == THING_CHIP && strncmp(machine[0].text, "chip:snp:", 9) == 0);
		CHECK(strcmp(machine[1].text, "measurement:snp:measurement:" RIG_MEASURED) == 0);
		CHECK(kit_introduce(&r.k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
		CHECK(kit_revoke_thing(&r.k, KIT_STRANGER, machine[i % 2].text, id) == COFFER_OK);
		CHECK(kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&r.k, KIT_HOSPITAL));
		CHECK(kit_revoke_thing(&r.k, i < 2 ? KIT_HOSPITAL : KIT_ACME, machine[i % 2].text, id) == COFFER_OK);
		CHECK(kit_get(&r.k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(r.k.no.check, "R11") == 0);
		CHECK(strstr(r.k.no.reason, i % 2 ? "measurement:snp:" : "chip:snp:") && strstr(r.k.no.reason, i < 2 ? "revoked by hospital" : "revoked by acme"));
		lie(&r.k, &(struct bend){ 0 });
		CHECK(strcmp(judged(&r.k, &e), "receipt-force") == 0);
		lie(&r.k, &(struct bend){ .record = "things", .record_value = "[]" });
		CHECK(strcmp(judged(&r.k, &e), "receipt-rests") == 0);
		rig_close(&r);
	}
}

/* What was looked at beside may have ended or been replaced; what a release rests on may not, wherever its record puts it. */
static void approval_that_has_ended_does_not_count_as_looked_at(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL, *subject = NULL, *record = NULL;
	char workload[HEX32_LEN], service[HEX32_LEN], old[HEX32_LEN], brief[HEX32_LEN];
	const char *at;
	uint8_t id[32];
	struct err e;

	sample_released(&k);
	hex32(k.approval_id, old);
	hex32(k.manifest, workload);
	hex32(k.service_id, service);
	subject = str_fmt(KIT_ASSET ",workload:%s", workload);
	body = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],"
		       "\"until\":\"2026-11-04T00:01:00Z\",\"shown\":\"%s\"}", workload, service, workload);
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = subject,
	    .body = body, .expires = KIT_NOW + 60 }, id) == COFFER_OK);
	hex32(id, brief);
	record = column(&k, false);
	at = strstr(record, "\"rests\":[");
	CHECK(at && strstr(at, old));
	for (unsigned ended = 0; at && ended < 2; ended++) {
		CLEANUP(freep) char *list = str_fmt("%.*s", (int)(strchr(at, ']') + 1 - at - 8), at + 8);
		CLEANUP(freep) char *more = str_fmt("[\"%s\"]", brief);

		lie(&k, &(struct bend){ .record = "rests", .record_value = list });
		lie(&k, &(struct bend){ .record = "beside", .record_value = more });
		(void)judged(&k, &e);
		CHECK(strcmp(e.check, ended ? "receipt-force" : "") == 0);
		if (e.check[0] && !ended)
			printf("# %s %s\n", e.check, e.msg);
		k.now += 61;
	}
}

/* The last use that an approval allows, and one more that a service says was the last. */
static void uses_are_counted_by_the_map(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	const char *at;
	uint8_t old[32];
	char hex[HEX32_LEN];
	struct err e;

	kit_open(&k);
	kit_deploy(&k);
	memcpy(old, k.approval_id, 32);
	CHECK(kit_approve(&k, ",\"uses\":2", 2, old) == COFFER_OK);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	for (unsigned i = 0; i < 2; i++)
		CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	hex32(k.approval_id, hex);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	wr_u8(&text, 0);
	text.n--;
	at = strstr((const char *)text.p, "\"uses\":{\"before\"");
	CHECK(at && strstr(at, "\"before-salt\"") && strchr(at, '}'));
	for (size_t i = at ? (size_t)(at - (const char *)text.p) : text.n; i < text.n && text.p[i] != '}'; i++) {
		enum coffer_rc rc;

		text.p[i] ^= 2;
		rc = receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e);
		CHECK(rc == COFFER_E_INPUT || (rc == COFFER_E_DENIED && strcmp(e.check, "receipt-map") == 0));
		text.p[i] ^= 2;
	}
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED);
	lie(&k, &(struct bend){ .record = hex, .record_value = "1" }); /* the map has 2 */
	CHECK(strcmp(judged(&k, &e), "receipt-map") == 0);
	lie(&k, &(struct bend){ .record = hex, .record_value = "2" });
	CHECK(strcmp(judged(&k, &e), "receipt-map") == 0); /* as the map, but this release did not count it up */
	lie(&k, &(struct bend){ .record = "uses", .record_value = "{\"none\":1" }); /* it says nothing of this one */
	CHECK(strcmp(judged(&k, &e), "receipt-map") == 0);
}

/* What was released before evidence was kept, and what a flood made the service forget. */
static void release_without_evidence_has_a_receipt_of_what_it_rests_on(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(kit_free) struct kit k;
	struct session *s;
	struct err e;

	kit_open(&k);
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	s = session_get(k.keep.sessions, k.session, k.now);
	CHECK(s && s->shown && s->showing.n > 0 && sessions_showings(k.keep.sessions) == s->showing.n);
	s->shown = false;
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(out && receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK && !out->v.evidence && out->stated);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(release_on_sample_is_decided_again), T(release_of_an_image_at_its_minimum_is_decided_again), T(release_on_hardware_is_decided_again), T(release_by_token_is_decided_again),
		T(token_whose_session_is_gone_finds_what_it_showed),
		T(release_to_a_narrower_workload_is_decided_again), T(release_to_a_wider_workload_has_no_receipt_that_holds),
		T(by_statements_alone_what_was_decided_is_said), T(by_statements_alone_what_measures_has_a_boot_image),
		T(by_statements_alone_what_was_wanted_is_assessed), T(by_statements_alone_uses_are_counted),
		T(by_statements_alone_a_boot_image_is_one_that_was_approved), T(by_statements_alone_a_minimum_that_was_revoked_stands_in_the_way),
		T(release_that_wanted_assessments_is_decided_again), T(file_that_the_evidence_does_not_name_is_no_part_of_a_receipt),
		T(release_to_a_boot_image_of_a_delegate_is_decided_again),
		T(years_later_expired_endorsements_give_the_same_verdict),
		T(collateral_that_is_missing_is_asked_for_by_its_digest),
		T(every_altered_byte_of_evidence_is_found),
		T(release_that_the_evidence_does_not_allow_has_no_receipt_that_holds),
		T(release_below_a_minimum_or_against_the_policy_has_none_either), T(release_against_the_policy_has_none_either),
		T(chip_and_measurement_are_revoked_by_themselves),
		T(approval_that_has_ended_does_not_count_as_looked_at), T(uses_are_counted_by_the_map),
		T(release_without_evidence_has_a_receipt_of_what_it_rests_on),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
