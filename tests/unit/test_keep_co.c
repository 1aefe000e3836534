/* Assets of which several parties decide together: who signs their statement, and whose approvals open them. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "replay/replay.h"
#include "tests/lendkit.h"
#include "tests/receiptkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)
#define BODY(version, n, of) "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":" version ",\"k\":" n ",\"of\":[" of "]," \
	"\"least-action\":\"stop\",\"policy\":{\"rego\":\"package policy\\nallow := true\"}}"
#define BOTH "\"hospital\",\"acme\""

static enum coffer_rc put(struct kit *k, const char *body, bool cosigned)
{
	enum coffer_rc rc;

	k->bend = (struct kit_bend){ .body = body, .cosigned = cosigned };
	rc = kit_put(k, KIT_HOSPITAL, "good morning");
	k->bend = (struct kit_bend){ 0 };
	return rc;
}

static void open_kit(struct kit *k)
{
	kit_open(k);
	CHECK(kit_service(k) == COFFER_OK && kit_release(k, 1, 1, NULL) == COFFER_OK && kit_release(k, 2, 1, NULL) == COFFER_OK &&
	      kit_workload(k) == COFFER_OK);
}

static enum coffer_rc approve_by_acme(struct kit *k, const char *service, const char *more, uint64_t serial, uint8_t id[static 32])
{
	char workload[HEX32_LEN], real[HEX32_LEN];
	CLEANUP(freep) char *body = NULL, *subject = NULL;
	uint8_t previous[32];

	memcpy(previous, id, 32);
	hex32(k->manifest, workload);
	hex32(k->service_id, real);
	subject = str_fmt(KIT_ASSET ",workload:%s", workload);
	body = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],"
	               "\"until\":\"2027-06-01T00:00:00Z\",\"shown\":\"%s\"%s}", workload, service ? service : real, workload, more);
	return kit_log(k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_ACME, .also = KIT_ACME, .subject = subject, .body = body,
	    .serial = serial, .previous = previous }, id);
}

static enum coffer_rc ask(struct kit *k)
{
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
	return kit_get(k, (struct kit_get){ 0 });
}

static void each_co_owner_signs_and_together_they_decide_who_is_next(void)
{
	CLEANUP(kit_free) struct kit k;

	open_kit(&k);
	CHECK(put(&k, BODY("1", "1", "\"acme\""), true) == COFFER_E_INPUT);
	CHECK(DENIED(put(&k, BODY("1", "2", BOTH), false), k, "signature"));
	CHECK(DENIED(put(&k, BODY("1", "1", BOTH), false), k, "signature"));
	CHECK(DENIED(put(&k, BODY("1", "1", "\"hospital\",\"nobody\""), true), k, "signature"));
	CHECK(put(&k, BODY("1", "2", BOTH), true) == COFFER_OK);
	/* Neither content nor who decides changes by the owner's word alone. */
	CHECK(DENIED(put(&k, BODY("2", "1", "\"hospital\""), false), k, "signature"));
	CHECK(put(&k, BODY("2", "1", BOTH), true) == COFFER_OK);
	/* One of two sufficed: then the owner's own. */
	CHECK(put(&k, BODY("3", "1", "\"hospital\""), false) == COFFER_OK);
}

static void release_wants_the_approvals_of_k_and_counts_each(void)
{
	static const char other[] = "1111111111111111111111111111111111111111111111111111111111111111";
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32] = { 0 };

	open_kit(&k);
	CHECK(DENIED(approve_by_acme(&k, NULL, "", 1, id), k, "kind")); /* no asset names it yet */
	CHECK(put(&k, BODY("1", "2", BOTH), true) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R9"));
	CHECK(approve_by_acme(&k, other, "", 1, id) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R9")); /* of another service */
	CHECK(approve_by_acme(&k, NULL, ",\"uses\":1", 2, id) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && kit_opens_to(&k, false, "good morning") && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(DENIED(ask(&k), k, "R9"));
	CHECK(approve_by_acme(&k, NULL, "", 3, id) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_ACME, id) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11"));
}

/* One who decides says much of other workloads: what another said of this one counts still. */
static void nobody_who_decides_crowds_out_the_others(void)
{
	CLEANUP(kit_free) struct kit k;
	char service[HEX32_LEN];
	uint8_t id[32] = { 0 };

	open_kit(&k);
	CHECK(put(&k, BODY("1", "1", BOTH), true) == COFFER_OK && approve_by_acme(&k, NULL, "", 1, id) == COFFER_OK && ask(&k) == COFFER_OK);
	hex32(k.service_id, service);
	for (unsigned i = 0; i < 64; i++) {
		CLEANUP(freep) char *subject = str_fmt(KIT_ASSET ",workload:%064x", i);
		CLEANUP(freep) char *body = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%064x\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],"
		    "\"until\":\"2027-06-01T00:00:00Z\",\"shown\":\"%s\"}", i, service, service);

		CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = subject, .body = body }, id) ==
		      COFFER_OK);
	}
	CHECK(ask(&k) == COFFER_OK);
}

/* ---- each tightens alone ---- */

#define SHARED(version) BODY(version, "1", "\"hospital\",\"stranger\"")

/* Of the hospital and the stranger, of whom one approves: the hospital did. */
static void open_shared(struct kit *k)
{
	open_kit(k);
	CHECK(kit_introduce(k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	k->bend = (struct kit_bend){ .body = SHARED("1"), .shared = true };
	CHECK(kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_approve(k, "", 1, NULL) == COFFER_OK);
	k->bend = (struct kit_bend){ 0 };
	CHECK(ask(k) == COFFER_OK);
}

static enum coffer_rc pause_by(struct kit *k, enum kit_party who, const uint8_t target[static 32], uint8_t id[static 32])
{
	char hex[HEX32_LEN];
	CLEANUP(freep) char *body = NULL;

	hex32(target, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"a look\"}", hex);
	return kit_log(k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = who, .also = who, .subject = hex, .digest = target, .body = body,
	    .expires = k->now + 86400 }, id);
}

static void each_pauses_the_asset_and_lifts_its_own_pause(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t pause[32];

	open_shared(&k);
	CHECK(DENIED(pause_by(&k, KIT_ACME, k.asset_id, pause), k, "kind")); /* who decides nothing of it */
	CHECK(pause_by(&k, KIT_STRANGER, k.asset_id, pause) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "paused"));
	CHECK(DENIED(kit_revoke(&k, KIT_HOSPITAL, pause), k, "kind")); /* nobody lifts it for another */
	CHECK(kit_revoke(&k, KIT_STRANGER, pause) == COFFER_OK && ask(&k) == COFFER_OK);
}

static void each_revokes_the_asset_for_all(void)
{
	CLEANUP(kit_free) struct kit k;

	open_shared(&k);
	CHECK(DENIED(kit_revoke(&k, KIT_ACME, k.asset_id), k, "kind"));
	CHECK(kit_revoke(&k, KIT_STRANGER, k.asset_id) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	k.bend = (struct kit_bend){ .body = SHARED("2") };
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "good evening"), k, "signature")); /* the owner is not rid of it */
	k.bend.shared = true;
	CHECK(kit_put(&k, KIT_HOSPITAL, "good evening") == COFFER_OK);
	k.bend = (struct kit_bend){ 0 };
	CHECK(ask(&k) == COFFER_OK);
}

static void each_revokes_a_workload_for_it(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t pause[32];

	open_shared(&k);
	CHECK(pause_by(&k, KIT_STRANGER, k.workload_id, pause) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	CHECK(kit_revoke(&k, KIT_STRANGER, pause) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_STRANGER, k.workload_id) == COFFER_OK && DENIED(ask(&k), k, "R11"));
}

/* What the releases of it rest on, whoever said that. */
static void each_stops_the_service_and_anothers_approval_for_it(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t pause[32];

	open_shared(&k);
	CHECK(DENIED(pause_by(&k, KIT_ACME, k.approval_id, pause), k, "kind")); /* who decides of none of its assets */
	CHECK(pause_by(&k, KIT_STRANGER, k.approval_id, pause) == COFFER_OK && DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "paused by stranger"));
	CHECK(kit_revoke(&k, KIT_STRANGER, pause) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_STRANGER, k.approval_id) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	CHECK(kit_approve(&k, "", 2, k.approval_id) == COFFER_OK && ask(&k) == COFFER_OK); /* said anew */
	CHECK(pause_by(&k, KIT_STRANGER, k.service_id, pause) == COFFER_OK && DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "service statement"));
	CHECK(kit_revoke(&k, KIT_STRANGER, pause) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_STRANGER));
	CHECK(kit_revoke(&k, KIT_STRANGER, k.service_id) == COFFER_OK && DENIED(ask(&k), k, "R11"));
}

/* What it says of others' assets counts nothing there. */
static void who_decides_nothing_of_it_is_not_heard(void)
{
	CLEANUP(kit_free) struct kit k;

	open_kit(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(kit_put(&k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_STRANGER, k.workload_id) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_STRANGER, k.service_id) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(DENIED(kit_revoke(&k, KIT_STRANGER, k.asset_id), k, "kind") && DENIED(kit_revoke(&k, KIT_STRANGER, k.approval_id), k, "kind"));
}

/* For its own assets and code: the release that the image's provider stands by is good for the others still, and so are their receipts. */
static void each_revokes_an_image_for_its_own(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t pause[32];

	open_shared(&k);
	CHECK(pause_by(&k, KIT_STRANGER, k.release_id, pause) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	CHECK(kit_revoke(&k, KIT_STRANGER, pause) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_STRANGER, k.release_id) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	CHECK(put(&k, BODY("2", "1", "\"hospital\""), false) == COFFER_OK); /* of which the stranger does not decide */
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.release_id) == COFFER_OK && DENIED(ask(&k), k, "R11"));
}

static enum coffer_rc decision_of(struct kit *k, enum kit_party who, const uint8_t id[static 16])
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_decision_req m = { 0 };
	CLEANUP(freep) char *path = NULL;
	struct wr w = wr_open(4096);
	char hex[33] = "";

	for (int i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", id[i]);
	path = str_fmt("/coffer/v0/decisions/%s", hex);
	memcpy(m.id, id, 16);
	kit_auth(k, who, "GET", path, &m.auth, &own);
	keep_decision_req_write(&w, &m);
	return kit_ask(k, KEEP_DECISION, &w);
}

static void each_reads_of_its_decisions(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[16];

	open_shared(&k);
	receiptkit_newest(&k, id);
	CHECK(decision_of(&k, KIT_STRANGER, id) == COFFER_OK && memmem(k.answer.p, k.answer.n, "\"R9\"", 4));
	CHECK(receiptkit_replays(&k, KIT_STRANGER));
	CHECK(put(&k, BODY("2", "1", "\"hospital\""), false) == COFFER_OK && ask(&k) == COFFER_OK); /* one of the two sufficed */
	receiptkit_newest(&k, id);
	CHECK(decision_of(&k, KIT_STRANGER, id) == COFFER_E_NOTFOUND && decision_of(&k, KIT_HOSPITAL, id) == COFFER_OK);
}

/* ---- a stolen key ---- */

/* A statement about what is kept, by the hospital and, where it is shared, with the stranger's key. */
static enum coffer_rc restate(struct kit *k, const char *body, bool shared)
{
	enum coffer_rc rc;

	k->bend = (struct kit_bend){ .body = body, .shared = shared };
	rc = kit_restate(k, NULL);
	k->bend = (struct kit_bend){ 0 };
	return rc;
}

/* The stranger's quorum says so of the one that it signs by. */
static bool stolen_from(struct kit *k, int64_t from)
{
	const struct privkey *const by[] = { k->recovery[KIT_STRANGER], NULL };
	uint8_t id[32];

	return kit_compromise_of(k, KIT_STRANGER, &(struct kit_stolen){ k->key[KIT_STRANGER], from, by, 0, NULL }, id) == COFFER_OK;
}

static enum coffer_rc revoke_by_quorum(struct kit *k, const uint8_t target[static 32])
{
	const struct privkey *const by[] = { k->recovery[KIT_STRANGER], NULL };
	CLEANUP(freep) char *body = NULL;
	char hex[HEX32_LEN];
	uint8_t id[32];

	hex32(target, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"stolen\"}", hex);
	return kit_log_by(k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = hex, .digest = target, .body = body }, by, id);
}

#define BOTH_OF_THEM BODY("1", "2", "\"hospital\",\"stranger\"")
#define ALONE BODY("1", "1", "\"hospital\"")

/* Two have to approve, and one did. */
static void open_both(struct kit *k)
{
	open_kit(k);
	CHECK(kit_introduce(k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	k->bend = (struct kit_bend){ .body = BOTH_OF_THEM, .shared = true };
	CHECK(kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_approve(k, "", 1, NULL) == COFFER_OK);
	k->bend = (struct kit_bend){ 0 };
	CHECK(DENIED(ask(k), (*k), "R9"));
	k->now += 3600;
}

/* Nor what came after it by those alone whom it named. */
static void who_drops_another_by_its_stolen_key_drops_nobody(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t with_it[32];

	open_both(&k);
	CHECK(DENIED(restate(&k, ALONE, false), k, "signature") && restate(&k, ALONE, true) == COFFER_OK && ask(&k) == COFFER_OK);
	memcpy(with_it, k.asset_id, sizeof(with_it));
	CHECK(DENIED(kit_revoke(&k, KIT_STRANGER, with_it), k, "kind")); /* whom it agreed to have dropped, as far as is known */
	CHECK(restate(&k, ALONE, false) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(stolen_from(&k, k.now - 60) && DENIED(ask(&k), k, "R11"));
	CHECK(DENIED(restate(&k, ALONE, false), k, "signature"));
	CHECK(revoke_by_quorum(&k, with_it) == COFFER_OK);
}

/* What it signed before counts on, and so does what followed that. */
static void key_stolen_later_voids_nothing_of_before(void)
{
	CLEANUP(kit_free) struct kit k;

	open_both(&k);
	CHECK(restate(&k, ALONE, true) == COFFER_OK);
	k.now += 3600;
	CHECK(restate(&k, ALONE, false) == COFFER_OK);
	CHECK(stolen_from(&k, k.now - 60) && ask(&k) == COFFER_OK && restate(&k, ALONE, false) == COFFER_OK && ask(&k) == COFFER_OK);
}

/* Another key of the stranger's, by its quorum. */
static bool rotated(struct kit *k)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT id FROM statement WHERE kind=2 AND issuer='stranger'");
	struct kit_st s = { .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = "stranger", .serial = 2 };
	const struct privkey *by[] = { k->recovery[KIT_STRANGER], NULL, NULL };
	CLEANUP(freep) char *body = NULL;
	uint8_t first[32], id[32];
	struct err e = { 0 };
	bool row = false;

	privkey_freep(&k->key[KIT_STRANGER]);
	if (q_row(&q, &row, &e) != COFFER_OK || !row || !q_col_fixed(&q, 0, first, sizeof(first)) || privkey_new(KEY_ED25519, &k->key[KIT_STRANGER], &e) != COFFER_OK)
		abort();
	by[1] = k->key[KIT_STRANGER];
	s.body = body = kit_party_body(k, KIT_STRANGER);
	s.previous = first;
	return kit_log_by(k, &s, by, id) == COFFER_OK;
}

/* The statement by which it is kept is void, and nobody is dropped from the content by a stolen key still. */
static void who_decided_of_what_is_kept_is_asked_though_that_is_void(void)
{
	CLEANUP(kit_free) struct kit k;

	open_kit(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK && kit_put(&k, KIT_HOSPITAL, "good morning") == COFFER_OK &&
	      kit_approve(&k, "", 1, NULL) == COFFER_OK);
	k.bend = (struct kit_bend){ .body = BODY("2", "2", "\"hospital\",\"stranger\""), .shared = true };
	CHECK(kit_put(&k, KIT_HOSPITAL, "good evening") == COFFER_OK);
	k.bend = (struct kit_bend){ 0 };
	CHECK(stolen_from(&k, k.now - 60) && rotated(&k));
	k.now += 3600;
	CHECK(DENIED(restate(&k, BODY("2", "1", "\"hospital\""), false), k, "signature"));
	CHECK(restate(&k, BODY("2", "1", "\"hospital\""), true) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(stolen_from(&k, k.now - 60) && DENIED(ask(&k), k, "R11"));
}

/* ---- each holds back alone ---- */

static void who_revoked_the_asset_is_not_dropped_by_the_others(void)
{
	CLEANUP(kit_free) struct kit k;

	open_shared(&k);
	CHECK(kit_revoke(&k, KIT_STRANGER, k.asset_id) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	CHECK(DENIED(restate(&k, ALONE, false), k, "signature") && strstr(k.no.reason, "stranger decides") && strstr(k.no.reason, "its statement"));
	CHECK(DENIED(put(&k, BODY("2", "1", "\"hospital\""), false), k, "signature"));
	CHECK(restate(&k, ALONE, true) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL)); /* it agreed */
}

static void who_revoked_a_workload_is_not_dropped_by_the_others(void)
{
	CLEANUP(kit_free) struct kit k;

	open_shared(&k);
	CHECK(kit_revoke(&k, KIT_STRANGER, k.workload_id) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	CHECK(DENIED(restate(&k, ALONE, false), k, "signature") && strstr(k.no.reason, "a workload"));
	CHECK(restate(&k, ALONE, true) == COFFER_OK && ask(&k) == COFFER_OK);
}

static void who_paused_it_is_not_dropped_as_long_as_that_lasts(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t pause[32];

	open_shared(&k);
	CHECK(pause_by(&k, KIT_STRANGER, k.release_id, pause) == COFFER_OK); /* an image, as often before: who is dropped goes with that */
	CHECK(pause_by(&k, KIT_STRANGER, k.asset_id, pause) == COFFER_OK && DENIED(restate(&k, ALONE, false), k, "signature"));
	k.now += 86400;
	CHECK(pause_by(&k, KIT_STRANGER, k.workload_id, pause) == COFFER_OK && DENIED(restate(&k, ALONE, false), k, "signature"));
	CHECK(kit_revoke(&k, KIT_STRANGER, pause) == COFFER_OK && restate(&k, ALONE, false) == COFFER_OK && ask(&k) == COFFER_OK);
}

/* ---- what a receipt shows of it ---- */

/* The newest decision's is refused by that check. */
static bool receipt_refused(struct kit *k, const char *check)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc;

	receiptkit_make(k, KIT_HOSPITAL, &text);
	rc = receiptkit_replay(k, wr_span(&text), (struct span){ 0 }, out, &e);
	if (rc != COFFER_E_DENIED || strcmp(e.check, check) != 0)
		printf("# %d %s: %s\n", (int)rc, e.check, e.msg);
	return rc == COFFER_E_DENIED && strcmp(e.check, check) == 0;
}

/* A service that was broken into releases by what keep calls void. */
static void receipt_by_a_co_owners_stolen_key_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	open_shared(&k);
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(stolen_from(&k, k.now - 60) && DENIED(ask(&k), k, "R11"));
	receiptkit_lie(&k, NULL);
	CHECK(receipt_refused(&k, "receipt-force"));
	receiptkit_lie_bare(&k);
	CHECK(receipt_refused(&k, "receipt-force"));
}

/* ... and who was dropped so is not among those whom it names. */
static void receipt_after_another_was_dropped_by_its_stolen_key_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	open_both(&k);
	CHECK(restate(&k, ALONE, true) == COFFER_OK && restate(&k, ALONE, false) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(stolen_from(&k, k.now - 60) && DENIED(ask(&k), k, "R11"));
	receiptkit_lie(&k, NULL);
	CHECK(receipt_refused(&k, "receipt-force"));
}

/* Past admission, as by a service that takes it. */
static void enter_alone(struct kit *k)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "UPDATE asset SET statement=?");
	struct err e = { 0 };
	uint8_t was[32];

	memcpy(was, k->asset_id, sizeof(was));
	CHECK(enter(k, &(struct kit_st){ .kind = ST_ASSET, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = KIT_ASSET, .digest = k->asset_digest, .body = ALONE,
	    .serial = ++k->asset_serial, .previous = was }, k->asset_id));
	q_blob(&q, SPAN(k->asset_id));
	CHECK(q_run(&q, &e) == COFFER_OK);
}

/* The owner, with a service that takes its word alone: what was said then, and what followed that, has no receipt that holds. */
static void receipt_shows_that_who_decided_before_agreed(void)
{
	CLEANUP(kit_free) struct kit k;

	open_both(&k);
	enter_alone(&k);
	CHECK(ask(&k) == COFFER_OK && receipt_refused(&k, "receipt-signature"));
	enter_alone(&k);
	CHECK(ask(&k) == COFFER_OK && receipt_refused(&k, "receipt-signature"));
}

/* Its word of before that was void when it was said again is nobody's to ask for. */
static void receipt_holds_where_a_void_statement_was_made_good(void)
{
	CLEANUP(kit_free) struct kit k;

	open_both(&k);
	CHECK(restate(&k, ALONE, true) == COFFER_OK && stolen_from(&k, k.now - 60) && rotated(&k));
	k.now += 3600;
	CHECK(restate(&k, BOTH_OF_THEM, true) == COFFER_OK && restate(&k, ALONE, true) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* Of as many as a receipt has; what it cannot show it says. */
static void receipt_says_from_which_statement_on_it_shows_who_agreed(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(kit_free) struct kit k;
	struct err e = { 0 };

	open_shared(&k);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK && out->v.decided_from == 1);
	while (k.asset_serial < 66)
		CHECK(restate(&k, SHARED("1"), true) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK);
	wr_close(&text);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK && out->v.decided_from == 2);
}

/* Without the asset statement that is the which-th in it, from 0. */
static enum coffer_rc judge_without(struct kit *k, const struct wr *text, size_t which, struct receipt_view *v, struct err *e)
{
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct receipt_statement out;
	enum coffer_rc rc;
	size_t i = 0, n = 0;

	CHECK(receipt_read(wr_span(text), &r, e) == COFFER_OK);
	for (; i < r.n; i++) {
		CLEANUP(statement_clear) struct statement s = { 0 };

		CHECK(statement_parse(wr_span(&r.statement[i].env.payload), &s, e) == COFFER_OK);
		if (s.kind == ST_ASSET && n++ == which)
			break;
	}
	CHECK(i < r.n);
	out = r.statement[i];
	memmove(&r.statement[i], &r.statement[i + 1], (r.n - i - 1) * sizeof(out));
	r.n--;
	rc = receipt_verify(&r, k->genesis_id, v, e);
	r.statement[r.n++] = out; /* to be freed */
	return rc;
}

static void statements_of_who_decided_have_no_gap(void)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(kit_free) struct kit k;
	struct receipt_view v;
	struct err e = { 0 };

	open_shared(&k);
	CHECK(restate(&k, SHARED("1"), true) == COFFER_OK && restate(&k, SHARED("1"), true) == COFFER_OK && ask(&k) == COFFER_OK);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(judge_without(&k, &text, 0, &v, &e) == COFFER_OK && v.decided_from == 2);
	CHECK(judge_without(&k, &text, 1, &v, &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-rests") == 0 && strstr(e.msg, "does not follow"));
	CHECK(judge_without(&k, &text, 2, &v, &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-rests") == 0);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(each_co_owner_signs_and_together_they_decide_who_is_next), T(release_wants_the_approvals_of_k_and_counts_each),
		T(nobody_who_decides_crowds_out_the_others), T(each_pauses_the_asset_and_lifts_its_own_pause), T(each_revokes_the_asset_for_all),
		T(each_revokes_a_workload_for_it), T(each_stops_the_service_and_anothers_approval_for_it), T(who_decides_nothing_of_it_is_not_heard), T(each_revokes_an_image_for_its_own), T(each_reads_of_its_decisions),
		T(who_drops_another_by_its_stolen_key_drops_nobody), T(key_stolen_later_voids_nothing_of_before),
		T(who_decided_of_what_is_kept_is_asked_though_that_is_void),
		T(who_revoked_the_asset_is_not_dropped_by_the_others), T(who_revoked_a_workload_is_not_dropped_by_the_others), T(who_paused_it_is_not_dropped_as_long_as_that_lasts),
		T(receipt_by_a_co_owners_stolen_key_is_refused), T(receipt_after_another_was_dropped_by_its_stolen_key_is_refused),
		T(receipt_shows_that_who_decided_before_agreed), T(receipt_holds_where_a_void_statement_was_made_good),
		T(receipt_says_from_which_statement_on_it_shows_who_agreed), T(statements_of_who_decided_have_no_gap),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
