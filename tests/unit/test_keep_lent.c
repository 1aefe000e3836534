/* Delegations in keep: which are logged, what is then admitted by them, and what a release makes of them. */
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

/* The stranger's approval of the hospital's note. */
static enum coffer_rc approve(struct kit *k, uint64_t serial, const uint8_t *previous, uint8_t id[static 32])
{
	char workload[HEX32_LEN], service[HEX32_LEN];
	CLEANUP(freep) char *body = NULL, *subject = NULL;

	hex32(k->manifest, workload);
	hex32(k->service_id, service);
	subject = str_fmt(KIT_ASSET ",workload:%s", workload);
	body = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],"
	               "\"until\":\"2027-06-01T00:00:00Z\",\"shown\":\"%s\"}", workload, service, workload);
	return kit_log(k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = subject,
	    .body = body, .serial = serial, .previous = previous }, id);
}

/* All that a release needs but an approval, and the stranger is known. */
static void open_without_approval(struct kit *k)
{
	kit_open(k);
	k->policy = KIT_POLICY;
	CHECK(kit_service(k) == COFFER_OK && kit_release(k, 1, 1, NULL) == COFFER_OK && kit_release(k, 2, 1, NULL) == COFFER_OK &&
	      kit_workload(k) == COFFER_OK && kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK);
	CHECK(kit_introduce(k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
}

static enum coffer_rc ask(struct kit *k)
{
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
	return kit_get(k, (struct kit_get){ 0 });
}

/* A service that releases once more what it released, on the same statements, makes no receipt that holds: by its own map the link had ended. */
static bool lies(struct kit *k, const char *check)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	struct err e = { 0 };

	receiptkit_lie(k, NULL);
	receiptkit_make(k, KIT_HOSPITAL, &text);
	return receiptkit_replay(k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_E_DENIED && strcmp(e.check, check) == 0;
}

/* The same with no evidence kept, where statements alone show it: "" where that holds; else the check. */
static bool bare(struct kit *k, const char *check)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	struct err e = { 0 };

	receiptkit_lie_bare(k);
	receiptkit_make(k, KIT_HOSPITAL, &text);
	if (receiptkit_replay(k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK)
		return !out->v.evidence && !check[0];
	return strcmp(e.check, check) == 0;
}

static void delegation_of_what_the_issuer_has_not_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_without_approval(&k);
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_HOSPITAL }, id), k, "kind"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .role = "boot-image" }, id), k, "persona"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "nobody" }, id), k, "kind"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .until = "2026-11-04T00:00:00Z" }, id), k, "window"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .role = "attestation-service" }, id), k, "persona"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_STRANGER, .to = "hospital", .role = "attestation-service" }, id), k, "persona")); /* no founder */
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_ACME, .to = "hospital", .role = "attestation-service" }, id), k, "kind"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .role = "image-verification" }, id), k, "persona"));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "hospital" }, id) == COFFER_E_INPUT);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .role = "boot-image" }, id) == COFFER_OK);
}

static void delegation_lent_on_is_within_depth_scope_and_no_circle(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32], id[32];
	struct lend on = { .by = KIT_STRANGER, .of = KIT_HOSPITAL, .to = "acme" };

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, first) == COFFER_OK);
	CHECK(DENIED(lend(&k, on, id), k, "kind") && strstr(k.no.reason, "leaves 0 more"));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .depth = 2, .serial = 2, .previous = first }, id) == COFFER_OK);
	on.depth = 2;
	CHECK(DENIED(lend(&k, on, id), k, "kind") && strstr(k.no.reason, "leaves 2 more"));
	on.depth = 1;
	on.scope = "[\"kbs:///hospital/\"]";
	CHECK(DENIED(lend(&k, on, id), k, "kind") && strstr(k.no.reason, "has not delegated"));
	on.scope = "[\"kbs:///hospital/note/greeting\",\"kbs:///hospital/other/x\"]";
	CHECK(DENIED(lend(&k, on, id), k, "kind") && strstr(k.no.reason, "has not delegated"));
	on.scope = NULL;
	CHECK(lend(&k, on, id) == COFFER_OK);
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_HOSPITAL }, id), k, "kind") && strstr(k.no.reason, "circle"));
}

static void delegate_approves_until_the_delegation_is_revoked(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], again[32], approval[32], id[32];

	open_without_approval(&k);
	CHECK(DENIED(approve(&k, 1, NULL, approval), k, "kind"));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .scope = "[\"kbs:///hospital/other/\"]" }, id) == COFFER_OK);
	CHECK(DENIED(approve(&k, 1, NULL, approval), k, "kind"));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = 2, .previous = id }, lent) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R0"));
	CHECK(approve(&k, 1, NULL, approval) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && kit_opens_to(&k, false, "good morning") && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(DENIED(kit_revoke(&k, KIT_STRANGER, lent), k, "kind") && DENIED(kit_revoke(&k, KIT_ACME, lent), k, "kind"));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, lent) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "delegation"));
	CHECK(DENIED(approve(&k, 2, approval, id), k, "kind"));
	/* A new delegation does not bring back what the revoked one carried. */
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = 3, .previous = lent }, again) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11"));
	CHECK(approve(&k, 2, approval, id) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK);
}

static void delegation_holds_when_renewed_and_ends_with_its_time(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32], id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .until = "2026-11-05T00:00:00Z" }, first) == COFFER_OK);
	CHECK(approve(&k, 1, NULL, id) == COFFER_OK && ask(&k) == COFFER_OK && bare(&k, ""));
	k.now += 86400;
	CHECK(DENIED(ask(&k), k, "R0") && lies(&k, "receipt-rights"));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = 2, .previous = first }, id) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL)); /* by the link of then, and the link of now */
	/* Narrowed, it covers the note no more. */
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .scope = "[\"kbs:///hospital/other/\"]", .serial = 3,
	    .previous = id }, first) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R0") && lies(&k, "receipt-rights"));
}

/* acme lent on by a link that the hospital renewed since, once or often: what the stranger approves then rests on the link of then, too. */
static void what_was_lent_on_by_a_link_that_was_renewed_counts_on(void)
{
	for (unsigned renewals = 1; renewals < 4; renewals++) {
		CLEANUP(kit_free) struct kit k;
		uint8_t lent[3][32], approval[32];

		open_without_approval(&k);
		CHECK(lend_renewed(&k, &(struct lend_renewed){ { .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, KIT_ACME, "stranger", renewals }, lent));
		CHECK(approve(&k, 1, NULL, approval) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
		CHECK(kit_revoke(&k, KIT_HOSPITAL, lent[0]) == COFFER_OK); /* with it goes what was lent on by it */
		CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "delegation"));
	}
}

static void owner_revokes_what_its_delegate_approved_and_nobody_else_does(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t approval[32], id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == COFFER_OK);
	CHECK(approve(&k, 1, NULL, approval) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(DENIED(kit_revoke(&k, KIT_ACME, approval), k, "kind"));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, approval) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11"));
}

static void boot_image_of_a_delegate_is_the_providers(void)
{
	static const char body[] = "{\"name\":\"guest\",\"enforces\":[],\"launches\":[{\"platform\":\"sgx\",\"shape\":\"any\",\"registers\":"
	                           "{\"mr_enclave\":\"2222222222222222222222222222222222222222222222222222222222222222\"}}],\"rebuild\":\"make\"}";
	CLEANUP(kit_free) struct kit k;
	const struct facts *f = NULL;
	struct asset_path p;
	struct err e = { 0 };
	uint8_t lent[32], boot[32];
	struct kit_st s = { .kind = ST_BOOT_IMAGE, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "kernel",
		.digest = (const uint8_t[32]){ 1 }, .body = body };
	struct facts_question q = { .path = &p, .platform = "sgx" };

	open_without_approval(&k);
	CHECK(asset_path_parse(span_of(KIT_PATH), &p, &e) == COFFER_OK);
	q.init_register = k.initdata_sha;
	CHECK(DENIED(kit_log(&k, &s, boot), k, "persona"));
	CHECK(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .to = "hospital", .role = "boot-image" }, lent) == COFFER_OK);
	CHECK(registry_facts(&k.keep.registry, &q, k.now, &f, &e) == COFFER_OK && f->n_boots == 0 && f->n_delegations == 1);
	CHECK(kit_log(&k, &s, boot) == COFFER_OK);
	CHECK(registry_facts(&k.keep.registry, &q, k.now, &f, &e) == COFFER_OK && f->n_boots == 1 && strcmp(f->boot[0].s.of, "acme") == 0 &&
	      f->boot[0].s.issuer_may && f->boot[0].s.seq > f->delegation[0].s.seq && f->boot[0].s.logged == k.now);
	CHECK(kit_revoke(&k, KIT_STRANGER, boot) == COFFER_OK); /* for its own assets: it is none of the two that are counted below */
	CHECK(kit_revoke(&k, KIT_ACME, boot) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_ACME, lent) == COFFER_OK);
	CHECK(registry_facts(&k.keep.registry, &q, k.now, &f, &e) == COFFER_OK && f->n_revocations == 2);
	s.serial = 2;
	s.previous = boot;
	CHECK(DENIED(kit_log(&k, &s, boot), k, "persona"));
}

static unsigned boots_by(struct kit *k, const char *by)
{
	const struct facts *f = NULL;
	struct asset_path p;
	struct err e = { 0 };
	unsigned n = 0;

	CHECK(asset_path_parse(span_of(KIT_PATH), &p, &e) == COFFER_OK);
	CHECK(registry_facts(&k->keep.registry, &(struct facts_question){ .path = &p, .platform = "sgx", .init_register = k->initdata_sha }, k->now, &f, &e) == COFFER_OK);
	for (size_t i = 0; f && i < f->n_boots; i++)
		n += strcmp(f->boot[i].s.issuer, by) == 0 && k->now < f->boot[i].s.expires;
	return n;
}

#define BOOTS .of = KIT_ACME, .role = "boot-image"

/* acme lets the hospital, and then p0, which lends on to others, who lend on, all with as many boot images as one may have: the hospital's are read, and the newest
 * of whom it lets, and acme's own. */
static void who_lends_boot_images_on_hides_nobody_the_provider_let(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_without_approval(&k);
	CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, BOOTS, .to = "hospital", .depth = 1 }));
	CHECK(enter_lent(&k, (struct lend){ .by = KIT_HOSPITAL, BOOTS, .to = "stranger" }));
	CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, BOOTS, .to = "p0", .depth = 2 }));
	for (unsigned n = 0; n < FACT_DELEGATED_MAX + 1; n++)
		CHECK(enter_boot(&k, "hospital", n, id) && enter_boot(&k, "stranger", n, id) && enter_boot(&k, "p0", n, id) && enter_boot(&k, "acme", n, id));
	for (int i = 1; i < 15; i++) {
		CLEANUP(freep) char *by = str_fmt("p%d", i), *to = str_fmt("q%d", i);

		CHECK(enter_lent(&k, (struct lend){ .by_name = "p0", BOOTS, .to = by, .depth = 1 }) && enter_lent(&k, (struct lend){ .by_name = by, BOOTS, .to = to }));
		for (unsigned n = 0; n < FACT_DELEGATED_MAX; n++)
			CHECK(enter_boot(&k, by, n, id) && enter_boot(&k, to, n, id));
	}
	CHECK(boots_by(&k, "hospital") == FACT_DELEGATED_MAX && boots_by(&k, "p0") == FACT_DELEGATED_MAX && boots_by(&k, "stranger") >= 1 &&
	      boots_by(&k, "acme") == FACT_DELEGATED_MAX + 1);
}

/* Of whom the provider does not let any more each has one place. */
static void former_delegates_hide_no_boot_images(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], link[32];

	open_without_approval(&k);
	CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, BOOTS, .to = "hospital" }));
	for (unsigned n = 0; n < FACT_DELEGATED_MAX; n++)
		CHECK(enter_boot(&k, "hospital", n, id));
	for (int i = 0; i < 30; i++) {
		CLEANUP(freep) char *to = str_fmt("p%d", i);

		CHECK(enter_lent_as(&k, (struct lend){ .by = KIT_ACME, BOOTS, .to = to, .until = i % 2 ? "2026-11-05T00:00:00Z" : NULL }, link));
		for (unsigned n = 0; n < FACT_DELEGATED_MAX; n++)
			CHECK(enter_boot(&k, to, n, id));
		if (i % 2 == 0)
			CHECK(kit_revoke(&k, KIT_ACME, link) == COFFER_OK);
	}
	k.now += 86400;
	CHECK(boots_by(&k, "hospital") == FACT_DELEGATED_MAX && boots_by(&k, "p0") >= 1 && boots_by(&k, "p1") >= 1);
}

/* Of many, each of whom has many, the newest are read of each. */
static void each_delegate_has_a_place_for_its_newest_boot_image(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_without_approval(&k);
	CHECK(enter_lent(&k, (struct lend){ .by = KIT_HOSPITAL, BOOTS, .to = "stranger" }) && enter_boot(&k, "stranger", 1, id));
	for (int i = 0; i < 31; i++) {
		CLEANUP(freep) char *to = str_fmt("p%d", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, BOOTS, .to = to }));
		for (unsigned n = 0; n < FACT_DELEGATED_MAX; n++)
			CHECK(enter_boot(&k, to, n, id));
	}
	CHECK(boots_by(&k, "stranger") == 1 && boots_by(&k, "p0") >= 1 && boots_by(&k, "p30") >= 1);
}

/* What expires leaves its place at once, though nothing is logged: a boot image to the next older one, a delegate to others. */
static void place_of_what_ended_is_anothers(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_without_approval(&k);
	CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, BOOTS, .to = "hospital" }));
	for (unsigned n = 0; n < FACT_DELEGATED_MAX; n++)
		CHECK(enter_boot(&k, "hospital", n, id));
	CHECK(enter_boot_until(&k, "hospital", FACT_DELEGATED_MAX, k.now + 60) && boots_by(&k, "hospital") == FACT_DELEGATED_MAX);
	k.now += 60;
	CHECK(boots_by(&k, "hospital") == FACT_DELEGATED_MAX);
	for (int i = 0; i < 30; i++) {
		CLEANUP(freep) char *to = str_fmt("p%d", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, BOOTS, .to = to, .until = i % 2 ? NULL : "2026-11-05T00:00:00Z", .expires = k.now + 86400 * 7 }));
		for (unsigned n = 0; n < FACT_DELEGATED_MAX; n++)
			CHECK(enter_boot(&k, to, n, id));
	}
	CHECK(boots_by(&k, "hospital") == 2);
	k.now += 86400;
	CHECK(boots_by(&k, "hospital") == 3); /* of 16 */
	k.now += 86400 * 7;
	CHECK(boots_by(&k, "hospital") == FACT_DELEGATED_MAX);
}

/* So do approvals, of which the newest that name the workload are read. */
static void place_of_an_approval_that_expired_is_anothers(void)
{
	CLEANUP(kit_free) struct kit k;
	char workload[HEX32_LEN], service[HEX32_LEN];
	uint8_t id[32];

	kit_open(&k);
	kit_deploy(&k);
	hex32(k.manifest, workload);
	hex32(k.service_id, service);
	for (int i = 0; i < FACT_APPROVALS_MAX; i++) {
		CLEANUP(freep) char *subject = str_fmt(KIT_ASSET ",kbs:///hospital/note/n%d,workload:%s", i, workload);
		CLEANUP(freep) char *body = str_fmt("{\"assets\":[\"" KIT_ASSET "\",\"kbs:///hospital/note/n%d\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],"
		    "\"services\":[\"%s\"],\"until\":\"2027-06-01T00:00:00Z\",\"shown\":\"%s\"}", i, workload, service, workload);

		CHECK(enter(&k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = subject, .body = body, .expires = k.now + 60 }, id));
	}
	CHECK(ask(&k) == COFFER_OK);
	k.now += 60;
	CHECK(ask(&k) == COFFER_OK);
}

/* And services, of which the founder's newest are read. */
static void place_of_a_service_that_expired_is_anothers(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	kit_open(&k);
	kit_deploy(&k);
	for (int i = 0; i < FACT_SERVICES_OF_MAX; i++) {
		CLEANUP(freep) char *body = kit_service_body(&k), *name = str_fmt("trust%d", i);
		char *at = strstr(body, "\"trust\"");
		CLEANUP(freep) char *other = at ? str_fmt("%.*s\"%s%s", (int)(at - body), body, name, at + 6) : NULL;

		CHECK(other && enter(&k, &(struct kit_st){ .kind = ST_SERVICE, .subject = name, .body = other, .expires = k.now + 60 }, id));
	}
	CHECK(DENIED(ask(&k), k, "R0"));
	k.now += 60;
	CHECK(ask(&k) == COFFER_OK);
}

static enum coffer_rc hold(struct kit *k, enum kit_party who, const uint8_t target[static 32], int64_t life, uint8_t id[static 32])
{
	char hex[HEX32_LEN];
	CLEANUP(freep) char *body = NULL;

	hex32(target, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"looking\"}", hex);
	return kit_log(k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = who, .also = who, .subject = hex, .digest = target, .body = body,
	    .issued = k->now, .expires = k->now + life }, id);
}

/* ---- services ---- */

static enum coffer_rc designate(struct kit *k, uint64_t serial, const uint8_t *previous)
{
	return kit_service_by(k, KIT_STRANGER, serial, previous);
}

/* The links that clients are told of the stranger's statement; -1: it designates nothing. */
static int told(struct kit *k)
{
	struct designation d;
	struct wr w = wr_open(32);
	struct err e = { 0 };
	enum coffer_rc rc;

	CHECK(registry_designation(&k->keep.registry, k->service_id, k->now, &d, &e) == COFFER_OK);
	wr_put(&w, SPAN(k->service_id));
	rc = kit_ask(k, KEEP_LENT, &w);
	CHECK((rc == COFFER_OK) == d.yes && (d.yes || rc == COFFER_E_NOTFOUND));
	return d.yes ? (int)d.n : -1;
}

#define DESIGNATES .by = KIT_ACME, .of = KIT_ACME, .role = "attestation-service"

/* The hospital lists the statement of whom acme, a founder, lets designate the service. */
static void service_by_a_delegate_counts_while_the_delegation_holds(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], first[32], id[32];

	open_without_approval(&k);
	CHECK(told(&k) == 0); /* acme's own */
	CHECK(DENIED(designate(&k, 1, NULL), k, "persona"));
	CHECK(lend(&k, (struct lend){ DESIGNATES, .scope = "[\"other\"]" }, first) == COFFER_OK);
	CHECK(DENIED(designate(&k, 1, NULL), k, "persona")); /* beyond its scope */
	CHECK(lend(&k, (struct lend){ DESIGNATES, .scope = "[\"trust\"]", .serial = 2, .previous = first }, lent) == COFFER_OK);
	CHECK(designate(&k, 1, NULL) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	memcpy(first, k.service_id, sizeof(first));
	CHECK(ask(&k) == COFFER_OK && kit_opens_to(&k, false, "good morning") && receiptkit_replays(&k, KIT_HOSPITAL) && told(&k) == 1);
	CHECK(lend(&k, (struct lend){ DESIGNATES, .scope = "[\"other\"]", .serial = 3, .previous = lent }, id) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R0") && told(&k) == -1 && lies(&k, "receipt-signature")); /* narrowed */
	CHECK(lend(&k, (struct lend){ DESIGNATES, .serial = 4, .previous = id }, lent) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL) && told(&k) == 2); /* by the link of then, and that of now */
	CHECK(kit_revoke(&k, KIT_ACME, lent) == COFFER_OK && told(&k) == -1);
	CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "delegation") && DENIED(designate(&k, 2, first), k, "persona"));
}

static void founder_revokes_what_its_delegate_designated(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ DESIGNATES }, lent) == COFFER_OK && designate(&k, 1, NULL) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK);
	CHECK(hold(&k, KIT_ACME, k.service_id, 3600, id) == COFFER_OK && DENIED(ask(&k), k, "R11") && told(&k) == 1); /* who lifts it finds the service */
	k.now += 3600;
	CHECK(ask(&k) == COFFER_OK && kit_revoke(&k, KIT_ACME, k.service_id) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11") && told(&k) == -1 && lies(&k, "receipt-force"));
}

static void owner_stops_what_a_delegate_designated_for_its_own_assets_alone(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ DESIGNATES }, lent) == COFFER_OK && designate(&k, 1, NULL) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && kit_revoke(&k, KIT_HOSPITAL, k.service_id) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11") && told(&k) == 1);
}

/* acme lets the hospital, and that the stranger: no further, and for no more than it was given. */
static void designation_lent_on_is_within_depth_and_scope(void)
{
	CLEANUP(kit_free) struct kit k;
	struct lend on = { .by = KIT_HOSPITAL, .of = KIT_ACME, .role = "attestation-service" };
	uint8_t lent[32], id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ DESIGNATES, .to = "hospital", .scope = "[\"trust\"]" }, lent) == COFFER_OK);
	CHECK(DENIED(lend(&k, on, id), k, "kind")); /* all of them: of one service it has the power */
	on.scope = "[\"trust\"]";
	CHECK(DENIED(lend(&k, on, id), k, "kind") && strstr(k.no.reason, "leaves 0 more"));
	CHECK(lend(&k, (struct lend){ DESIGNATES, .to = "hospital", .scope = "[\"trust\"]", .depth = 1, .serial = 2, .previous = lent }, id) == COFFER_OK);
	CHECK(lend(&k, on, lent) == COFFER_OK && designate(&k, 1, NULL) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL) && told(&k) == 2);
	CHECK(kit_revoke(&k, KIT_ACME, id) == COFFER_OK && DENIED(ask(&k), k, "R11") && told(&k) == -1);
}

static bool client_follows(struct kit *k);

/* The hospital lent on by a link that acme renewed since: clients are shown that one too. */
static void designation_lent_on_by_a_link_that_was_renewed_counts_on(void)
{
	for (unsigned renewals = 1; renewals < 4; renewals++) {
		CLEANUP(kit_free) struct kit k;
		uint8_t lent[3][32];

		open_without_approval(&k);
		CHECK(lend_renewed(&k, &(struct lend_renewed){ { DESIGNATES, .scope = "[\"trust\"]" }, KIT_HOSPITAL, "stranger", renewals }, lent));
		CHECK(designate(&k, 1, NULL) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
		CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
		CHECK(told(&k) == 3 && client_follows(&k));
		CHECK(kit_revoke(&k, KIT_ACME, lent[0]) == COFFER_OK && DENIED(ask(&k), k, "R11") && told(&k) == -1);
	}
}

/* The stranger lends on what it was lent to eight, and each of these to another, who all designate the service: acme's own choice of before keeps its place. */
static void who_lends_designation_on_pushes_out_nobody_the_founder_chose(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ DESIGNATES, .to = "hospital" }, id) == COFFER_OK);
	CHECK(kit_service_by(&k, KIT_HOSPITAL, 1, NULL) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ DESIGNATES, .depth = 2 }, id) == COFFER_OK);
	for (int i = 0; i < FACT_SERVICES_LENT_MAX; i++) {
		CLEANUP(freep) char *by = str_fmt("q%d", i), *to = str_fmt("r%d", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_ACME, .role = "attestation-service", .to = by, .depth = 1 }));
		CHECK(enter_lent(&k, (struct lend){ .by_name = by, .of = KIT_ACME, .role = "attestation-service", .to = to }));
		CHECK(enter_service(&k, to));
	}
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* ---- as a client follows it ---- */

struct client { struct parties p; char *links; struct dsse service; const struct genesis *g; };

static void client_clear(struct client *c)
{
	parties_clear(&c->p);
	free(c->links);
	dsse_clear(&c->service);
}

static void client_open(struct kit *k, struct client *c)
{
	struct parties_page at = { 0 };
	struct wr from = wr_open(16), id = wr_open(32);
	struct err e = { 0 };

	c->g = k->keep.registry.genesis;
	wr_be64(&from, 0);
	wr_put(&id, SPAN(k->service_id));
	if (parties_open(c->g, &c->p, &e) != COFFER_OK || kit_ask(k, KEEP_PARTIES, &from) != COFFER_OK ||
	    parties_read(&c->p, k->genesis_id, wr_span(&k->answer), &at, &e) != COFFER_OK || kit_ask(k, KEEP_LENT, &id) != COFFER_OK ||
	    registry_envelope(&k->keep.registry, k->service_id, &c->service, &e) != COFFER_OK)
		abort();
	c->links = str_fmt("%.*s", (int)k->answer.n, (const char *)k->answer.p);
}

/* Exactly that many bytes: a read beyond them is seen. */
static enum coffer_rc follow(const struct client *c, const char *links, size_t n, int64_t now, struct err *e)
{
	CLEANUP(freep) struct designation_links *l = calloc(1, sizeof(*l));
	CLEANUP(freep) char *exact = n ? malloc(n) : NULL;
	struct service out;

	if (!l || (n && !exact))
		abort();
	if (n)
		memcpy(exact, links, n);
	TRY(designation_read((struct span){ (const uint8_t *)exact, n }, c->g, &c->p, l, e));
	return chain_service_lent(&c->service, c->g, &c->p, l, now, &out, e);
}

static bool client_follows(struct kit *k)
{
	CLEANUP(client_clear) struct client c = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc;

	client_open(k, &c);
	rc = follow(&c, c.links, strlen(c.links), k->now, &e);
	if (rc != COFFER_OK)
		printf("# %s %s\n", e.check, e.msg);
	return rc == COFFER_OK;
}

static bool refuses(const struct client *c, const char *links, int64_t now, const char *why)
{
	struct err e = { 0 };

	return follow(c, links, strlen(links), now, &e) == COFFER_E_DENIED && strcmp(e.check, "service") == 0 && strstr(e.msg, why);
}

/* The text with the first `from` in it as `to`. */
static char *with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!at)
		abort();
	return str_fmt("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void client_follows_the_links_to_a_founder_and_nothing_else(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(client_clear) struct client c = { 0 };
	uint8_t lent[32], id[32];
	struct service out;
	struct err e = { 0 };

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ DESIGNATES, .to = "hospital", .depth = 1 }, lent) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_ACME, .role = "attestation-service", .scope = "[\"trust\"]", .until = "2026-12-01T00:00:00Z" }, id) == COFFER_OK);
	CHECK(designate(&k, 1, NULL) == COFFER_OK);
	client_open(&k, &c);
	CHECK(chain_service_by(&c.service, c.g, &c.p, k.now, &out, &e) == COFFER_E_DENIED); /* no founder's own */
	CHECK(follow(&c, c.links, strlen(c.links), k.now, &e) == COFFER_OK);
	CHECK(refuses(&c, "{\"statements\":[]}", k.now, "none lets it"));
	CHECK(refuses(&c, c.links, k.now + 60 * 86400, "none lets it")); /* the second link has ended */
	for (size_t n = 0; n < strlen(c.links); n++)
		CHECK(follow(&c, c.links, n, k.now, &e) == COFFER_E_DENIED);
	{
		const char *second = strstr(strstr(c.links, "\"time\":\"") + 1, "\"time\":\"");
		CLEANUP(freep) char *tail = with(second, "2026-11", "2027-07"), *late = str_fmt("%.*s%s", (int)(second - c.links), c.links, tail);
		CLEANUP(freep) char *twice = with(c.links, "\"seq\":", "\"seq\":9");
		CLEANUP(freep) char *more = with(c.links, "{\"seq\"", "{\"x\":1,\"seq\""), *forged = with(c.links, "\"sig\":\"", "\"sig\":\"AAAA");

		CHECK(refuses(&c, late, k.now, "none lets it")); /* lent on when it had ended */
		CHECK(refuses(&c, twice, k.now, "seq") && refuses(&c, more, k.now, "x") && refuses(&c, forged, k.now, ""));
	}
	/* Whose word it is lost the persona; the issuer is gone; it was another's key. */
	c.p.life[0].body.personas = PERSONA_IMAGE;
	CHECK(refuses(&c, c.links, k.now, "none lets it"));
	c.p.life[0].body.personas = PERSONA_WORKLOAD;
	CHECK(follow(&c, c.links, strlen(c.links), k.now, &e) == COFFER_OK);
	c.p.life[1].body.keys[0] = c.p.life[0].body.keys[0]; /* its key now is another: what it signed with the old one stands */
	CHECK(follow(&c, c.links, strlen(c.links), k.now, &e) == COFFER_OK);
	c.p.life[1].past[0] = c.p.life[0].past[0];
	CHECK(refuses(&c, c.links, k.now, "not signed by a key that hospital had"));
}

/* What lends another power, or another party's, is no link. */
static void links_of_other_powers_are_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(client_clear) struct client c = { 0 };
	uint8_t lent[32], other[32];
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct json_wr j = jw_open(&w, false);
	struct err e = { 0 };

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ DESIGNATES }, lent) == COFFER_OK && designate(&k, 1, NULL) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .role = "boot-image" }, other) == COFFER_OK);
	client_open(&k, &c);
	CHECK(follow(&c, c.links, strlen(c.links), k.now, &e) == COFFER_OK);
	CHECK(registry_envelope(&k.keep.registry, other, &env, &e) == COFFER_OK);
	wr_str(&w, "{\"statements\":[{\"seq\":2,\"statement\":");
	dsse_write(&env, &j);
	wr_str(&w, ",\"time\":\"2026-11-04T12:00:00Z\"}]}");
	wr_u8(&w, 0);
	CHECK(refuses(&c, (const char *)w.p, k.now, "lets nobody designate"));
}

/* ---- images ---- */

#define VERIFIES .by = KIT_ACME, .of = KIT_ACME, .role = "image-verification", .to = "hospital"

/* Image 2, which acme does not release itself. */
static enum coffer_rc verify_as(struct kit *k, const char *repository, uint64_t serial, const uint8_t *previous, uint8_t id[static 32])
{
	return kit_release_by(k, &(struct kit_released){ KIT_HOSPITAL, repository, 2, 1, serial, previous }, id);
}

static enum coffer_rc verify(struct kit *k, uint64_t serial, const uint8_t *previous, uint8_t id[static 32])
{
	return verify_as(k, "registry.example/app", serial, previous, id);
}

static void image_that_a_delegate_verified_counts_while_the_delegation_holds(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32], lent[32], release[32], id[32];

	kit_open(&k);
	k.policy = KIT_POLICY;
	CHECK(kit_service(&k) == COFFER_OK && kit_release(&k, 1, 1, NULL) == COFFER_OK && kit_workload(&k) == COFFER_OK &&
	      kit_put(&k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R8") && DENIED(verify(&k, 1, NULL, release), k, "persona"));
	CHECK(lend(&k, (struct lend){ VERIFIES, .scope = "[\"registry.example/apps/\"]" }, first) == COFFER_OK);
	CHECK(DENIED(verify(&k, 1, NULL, release), k, "persona")); /* beyond its scope */
	CHECK(lend(&k, (struct lend){ VERIFIES, .scope = "[\"registry.example/\"]", .serial = 2, .previous = first }, lent) == COFFER_OK);
	CHECK(verify(&k, 1, NULL, release) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(lend(&k, (struct lend){ VERIFIES, .scope = "[\"registry.example/apps/\"]", .serial = 3, .previous = lent }, first) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R8") && lies(&k, "receipt-rights")); /* narrowed */
	CHECK(lend(&k, (struct lend){ VERIFIES, .serial = 4, .previous = first }, lent) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_ACME, lent) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "delegation") && DENIED(verify(&k, 2, release, id), k, "persona"));
}

/* The stranger lent on by a link that acme renewed since. */
static void verification_lent_on_by_a_link_that_was_renewed_counts_on(void)
{
	for (unsigned renewals = 1; renewals < 4; renewals++) {
		CLEANUP(kit_free) struct kit k;
		uint8_t lent[3][32], release[32];

		kit_open(&k);
		k.policy = KIT_POLICY;
		CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
		CHECK(kit_service(&k) == COFFER_OK && kit_release(&k, 1, 1, NULL) == COFFER_OK && kit_workload(&k) == COFFER_OK &&
		      kit_put(&k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
		CHECK(lend_renewed(&k, &(struct lend_renewed){ { VERIFIES }, KIT_STRANGER, "hospital", renewals }, lent));
		CHECK(verify(&k, 1, NULL, release) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
		CHECK(kit_revoke(&k, KIT_ACME, lent[0]) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	}
}

/* What was let for tools says nothing of the app, by whatever name it calls the app's content. */
static void delegate_says_nothing_of_what_another_name_has(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], release[32], id[32];

	kit_open(&k);
	k.policy = KIT_POLICY;
	CHECK(kit_service(&k) == COFFER_OK && kit_release(&k, 1, 1, NULL) == COFFER_OK && kit_workload(&k) == COFFER_OK &&
	      kit_put(&k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ VERIFIES }, lent) == COFFER_OK && verify(&k, 1, NULL, release) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ VERIFIES, .scope = "[\"registry.example/tool\"]", .serial = 2, .previous = lent }, id) == COFFER_OK);
	CHECK(verify_as(&k, "registry.example/tool", 1, NULL, release) == COFFER_OK && DENIED(ask(&k), k, "R8") && lies(&k, "receipt-rights"));
}

static void provider_revokes_what_its_delegate_verified(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], release[32];

	kit_open(&k);
	k.policy = KIT_POLICY;
	CHECK(kit_service(&k) == COFFER_OK && kit_release(&k, 1, 1, NULL) == COFFER_OK && kit_workload(&k) == COFFER_OK &&
	      kit_put(&k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ VERIFIES }, lent) == COFFER_OK && verify(&k, 1, NULL, release) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_ACME, release) == COFFER_OK && DENIED(ask(&k), k, "R11") && kit_release(&k, 2, 1, NULL) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK); /* its own */
}

static bool put(struct kit *k, int n)
{
	CLEANUP(freep) char *to = str_fmt("p%d", n);

	return enter_lent(k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = to });
}

static void delegations_of_one_power_are_bounded(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32], id[32];

	open_without_approval(&k);
	for (int i = 0; i < 31; i++)
		CHECK(put(&k, i));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, first) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme" }, id) == COFFER_E_LIMIT);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = 2, .previous = first }, id) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme" }, id) == COFFER_OK);
}

/* What acme lent on goes with the link by which it had it, and leaves its room: not where that link only ended or is paused, since both may come back. */
static void what_rests_on_a_revoked_link_takes_no_room(void)
{
	for (int how = 0; how < 3; how++) {
		CLEANUP(kit_free) struct kit k;
		uint8_t lent[32], id[32];

		open_without_approval(&k);
		CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme", .depth = 1, .until = how == 1 ? "2026-11-05T00:00:00Z" : NULL }, lent) == COFFER_OK);
		for (int i = 0; i < 32; i++) {
			CLEANUP(freep) char *to = str_fmt("p%d", i);

			CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, .of = KIT_HOSPITAL, .to = to }));
		}
		CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == COFFER_E_LIMIT);
		if (how == 0)
			CHECK(kit_revoke(&k, KIT_HOSPITAL, lent) == COFFER_OK);
		else if (how == 1)
			k.now += 86400;
		else
			CHECK(kit_pause(&k, KIT_HOSPITAL, lent, id) == COFFER_OK);
		CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == (how == 0 ? COFFER_OK : COFFER_E_LIMIT));
	}
}

/* Nor does a pause of a link itself make room. */
static void paused_delegation_keeps_its_room(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], id[32];

	open_without_approval(&k);
	for (int i = 0; i < 31; i++)
		CHECK(put(&k, i));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, lent) == COFFER_OK && kit_pause(&k, KIT_HOSPITAL, lent, id) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme" }, id) == COFFER_E_LIMIT);
}

/* Others lent on what they had by links that were revoked since: what acme lent on keeps its place. */
static void what_rests_on_a_revoked_link_hides_none(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t approval[32], id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme", .depth = 1 }, id) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_HOSPITAL }, id) == COFFER_OK && approve(&k, 1, NULL, approval) == COFFER_OK && ask(&k) == COFFER_OK);
	for (int i = 0; i < FACT_LINKS_MAX; i++) {
		CLEANUP(freep) char *by = str_fmt("q%d", i), *to = str_fmt("r%d", i), *next = str_fmt("s%d", i);

		CHECK(enter_lent_as(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = by, .depth = 2 }, id));
		CHECK(enter_lent(&k, (struct lend){ .by_name = by, .of = KIT_HOSPITAL, .to = to, .depth = 1 }) && enter_lent(&k, (struct lend){ .by_name = to, .of = KIT_HOSPITAL, .to = next }));
		CHECK(kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK);
	}
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* acme, to whom the power was lent too, renews what it lent on and on: what the stranger approved by a link that ended before counts still. */
static void who_lends_on_pushes_out_nothing_of_others(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32], id[32], approval[32], last[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, first) == COFFER_OK && approve(&k, 1, NULL, approval) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = 2, .previous = first }, id) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme", .depth = 1 }, id) == COFFER_OK);
	for (unsigned i = 1; i < 80; i++)
		CHECK(enter_lent_as(&k, (struct lend){ .by = KIT_ACME, .of = KIT_HOSPITAL, .serial = i, .previous = i > 1 ? last : NULL }, last));
	CHECK(ask(&k) == COFFER_OK);
}

/* Whoever follows a power's links looks at all that was lent on: of each who does so there is a number. The lender itself has none, nor has what takes back. */
static void who_lends_on_has_so_many_words_and_one_a_day(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t own[32], other[32], last[32], id[32];
	struct lend on = { .by = KIT_ACME, .of = KIT_HOSPITAL, .previous = NULL };

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme", .depth = 1 }, own) == COFFER_OK);
	for (on.serial = 1; on.serial <= 64; on.serial++, on.previous = last)
		CHECK(lend(&k, on, last) == COFFER_OK);
	CHECK(lend(&k, on, id) == COFFER_E_LIMIT && strstr(k.no.reason, "acme lent on 64 times what hospital lent it (approval)") && strstr(k.no.reason, "next is taken at 2026-11-05T"));
	CHECK(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .role = "boot-image" }, id) == COFFER_OK);
	for (unsigned i = 2; i < 70; i++) {
		memcpy(other, own, sizeof(other));
		CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme", .depth = 1, .serial = i, .previous = other }, own) == COFFER_OK);
	}
	CHECK(lend(&k, on, id) == COFFER_E_LIMIT);
	k.now += 86400;
	CHECK(lend(&k, on, id) == COFFER_OK);
	on.previous = id;
	on.serial++;
	CHECK(lend(&k, on, last) == COFFER_E_LIMIT && kit_revoke(&k, KIT_ACME, id) == COFFER_OK);
}

/* Puppets of whom each lends on what acme lent to it: to three others, until tomorrow or in a statement that expires then; or again and again to one. */
enum puppets { ENDS, EXPIRES, RENEWS };

static void puppets(struct kit *k, int n, enum puppets how)
{
	for (int i = 0; i < n; i++) {
		CLEANUP(freep) char *by = str_fmt("q%d", i);
		uint8_t id[32] = { 0 }, was[32];

		for (unsigned j = 0; j < 3; j++) {
			CLEANUP(freep) char *to = str_fmt("r%d-%u", i, how == RENEWS ? 0 : j);

			memcpy(was, id, sizeof(was));
			CHECK(enter_lent_as(k, (struct lend){ .by_name = by, .of = KIT_HOSPITAL, .to = to, .serial = how == RENEWS ? j + 1 : 1,
			    .previous = how == RENEWS && j > 0 ? was : NULL, .until = how == ENDS ? "2026-11-05T00:00:00Z" : NULL,
			    .expires = how == EXPIRES ? k->now + 86400 : 0 }, id));
		}
	}
}

/* What its delegate's delegates lend takes no place of a link of the owner's: neither of one that stands, nor of one of before that was renewed. */
static void who_lends_on_hides_no_link_of_the_owner(void)
{
	for (int i = 0; i < 6; i++) {
		CLEANUP(kit_free) struct kit k;
		uint8_t id[32], was[32], approval[32];
		enum puppets how = (enum puppets)(i / 2);

		open_without_approval(&k);
		CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == COFFER_OK && approve(&k, 1, NULL, approval) == COFFER_OK);
		for (unsigned n = 2; i % 2 == 1 && n < 5; n++) {
			memcpy(was, id, sizeof(was));
			CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = n, .previous = was }, id) == COFFER_OK);
		}
		CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme", .depth = 2 }, id) == COFFER_OK && ask(&k) == COFFER_OK);
		puppets(&k, how == RENEWS ? 30 : 32, how);
		k.now += 86400;
		CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	}
}

/* The owner lent to many for a day, over the years: the link of before that it renewed is read all the same. */
static void links_that_ended_hide_none_that_was_renewed(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32], id[32], approval[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, first) == COFFER_OK && approve(&k, 1, NULL, approval) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = 2, .previous = first }, id) == COFFER_OK && ask(&k) == COFFER_OK);
	for (int i = 0; i < FACT_LINKS_MAX + 8; i++) {
		CLEANUP(freep) char *to = str_fmt("p%d", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = to, .until = "2026-11-05T00:00:00Z" }));
	}
	k.now += 86400;
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* Nor one that the owner itself renews for years. */
static void link_renewed_for_years_hides_none_of_another(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[32], id[32], was[32], approval[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, first) == COFFER_OK && approve(&k, 1, NULL, approval) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = 2, .previous = first }, id) == COFFER_OK && ask(&k) == COFFER_OK);
	for (unsigned n = 1; n < FACT_LINKS_MAX + 8; n++) {
		memcpy(was, id, sizeof(was));
		CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme", .serial = n, .previous = n > 1 ? was : NULL }, id) == COFFER_OK);
	}
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* As many as may stand, all of them revoked, and as many anew: what was revoked has no place before what stands. */
static void links_that_were_revoked_hide_none(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t approval[32], id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == COFFER_OK && approve(&k, 1, NULL, approval) == COFFER_OK);
	for (int i = 0; i < FACT_LINKS_MAX + 8; i++) {
		CLEANUP(freep) char *to = str_fmt("p%d", i);

		CHECK(enter_lent_as(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = to }, id) && kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK);
	}
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* Nor does an owner push out one delegate by renewing another's power. */
static void link_that_stands_is_found_behind_renewals_of_another(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], approval[32], last[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, id) == COFFER_OK && approve(&k, 1, NULL, approval) == COFFER_OK);
	for (unsigned i = 1; i <= FACT_LINKS_MAX + 1; i++)
		CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "acme", .serial = i, .previous = i > 1 ? last : NULL }, last) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK && ask(&k) == COFFER_E_DENIED);
}

static void pause_holds_until_it_is_lifted_or_ends(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t approval[32], lent[32], id[32], other[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL }, lent) == COFFER_OK);
	CHECK(approve(&k, 1, NULL, approval) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(DENIED(hold(&k, KIT_ACME, approval, 60, id), k, "kind"));
	CHECK(hold(&k, KIT_STRANGER, approval, PAUSE_SECONDS_MAX + 1, id) == COFFER_E_INPUT);
	CHECK(hold(&k, KIT_HOSPITAL, k.workload_id, PAUSE_SECONDS_MAX, id) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "paused"));
	CHECK(DENIED(hold(&k, KIT_HOSPITAL, id, 60, other), k, "kind"));
	CHECK(DENIED(kit_revoke(&k, KIT_ACME, id), k, "kind")); /* not another's pause */
	CHECK(kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK);
	CHECK(bare(&k, "") && hold(&k, KIT_HOSPITAL, lent, 3600, id) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "paused") && bare(&k, "R11"));
	k.now += 3600;
	CHECK(ask(&k) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(delegation_of_what_the_issuer_has_not_is_refused), T(delegation_lent_on_is_within_depth_scope_and_no_circle),
		T(delegate_approves_until_the_delegation_is_revoked), T(delegation_holds_when_renewed_and_ends_with_its_time),
		T(what_was_lent_on_by_a_link_that_was_renewed_counts_on), T(designation_lent_on_by_a_link_that_was_renewed_counts_on), T(verification_lent_on_by_a_link_that_was_renewed_counts_on),
		T(owner_revokes_what_its_delegate_approved_and_nobody_else_does), T(boot_image_of_a_delegate_is_the_providers),
		T(who_lends_boot_images_on_hides_nobody_the_provider_let), T(former_delegates_hide_no_boot_images), T(each_delegate_has_a_place_for_its_newest_boot_image),
		T(place_of_what_ended_is_anothers), T(place_of_an_approval_that_expired_is_anothers), T(place_of_a_service_that_expired_is_anothers),
		T(service_by_a_delegate_counts_while_the_delegation_holds), T(founder_revokes_what_its_delegate_designated), T(owner_stops_what_a_delegate_designated_for_its_own_assets_alone),
		T(designation_lent_on_is_within_depth_and_scope), T(who_lends_designation_on_pushes_out_nobody_the_founder_chose), T(client_follows_the_links_to_a_founder_and_nothing_else), T(links_of_other_powers_are_refused), T(image_that_a_delegate_verified_counts_while_the_delegation_holds),
		T(provider_revokes_what_its_delegate_verified), T(delegate_says_nothing_of_what_another_name_has),
		T(delegations_of_one_power_are_bounded), T(what_rests_on_a_revoked_link_takes_no_room), T(paused_delegation_keeps_its_room),
		T(what_rests_on_a_revoked_link_hides_none), T(who_lends_on_pushes_out_nothing_of_others), T(who_lends_on_has_so_many_words_and_one_a_day), T(who_lends_on_hides_no_link_of_the_owner), T(links_that_ended_hide_none_that_was_renewed), T(link_renewed_for_years_hides_none_of_another), T(links_that_were_revoked_hide_none),
		T(pause_holds_until_it_is_lifted_or_ends),
		T(link_that_stands_is_found_behind_renewals_of_another),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
