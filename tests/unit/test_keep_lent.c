/* Delegations in keep: which are logged, what is then admitted by them, and what a release makes of them. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit.h"
#include "fmt/enc.h"
#include "tests/receiptkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)
#define WIDE "[\"kbs:///hospital/note/\"]"

static const char *const names[KIT_PARTIES] = { "acme", "hospital", "stranger" };

/* A delegation; zero: hospital's approval of its notes, to the stranger, for long, by whose power it is. */
struct lend {
	enum kit_party by, of;
	const char *to, *role, *scope, *until;
	unsigned    depth;
	uint64_t    serial;
	const uint8_t *previous;
};

static char *lend_body(const struct lend *l)
{
	const char *role = l->role ? l->role : "approval";
	bool scoped = strcmp(role, "approval") == 0;

	return str_fmt("{\"of\":\"%s\",\"to\":\"%s\",\"role\":\"%s\"%s%s,\"depth\":%u,\"until\":\"%s\"}", names[l->of],
	    l->to ? l->to : "stranger", role, scoped ? ",\"scope\":" : "", scoped ? l->scope ? l->scope : WIDE : "", l->depth,
	    l->until ? l->until : "2027-06-01T00:00:00Z");
}

static enum coffer_rc lend(struct kit *k, struct lend l, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = lend_body(&l);
	CLEANUP(freep) char *subject = str_fmt("%s,of:%s,role:%s", l.to ? l.to : "stranger", names[l.of], l.role ? l.role : "approval");

	return kit_log(k, &(struct kit_st){ .kind = ST_DELEGATION, .issuer = l.by, .also = l.by, .subject = subject, .body = body,
	    .serial = l.serial, .previous = l.previous }, id);
}

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

static void delegation_of_what_the_issuer_has_not_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_without_approval(&k);
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_HOSPITAL }, id), k, "kind"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .role = "boot-image" }, id), k, "persona"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .to = "nobody" }, id), k, "kind"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .until = "2026-11-04T00:00:00Z" }, id), k, "window"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .role = "attestation-service" }, id), k, "kind"));
	CHECK(DENIED(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .role = "image-verification" }, id), k, "kind"));
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
	CHECK(approve(&k, 1, NULL, id) == COFFER_OK && ask(&k) == COFFER_OK);
	k.now += 86400;
	CHECK(DENIED(ask(&k), k, "R0"));
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .serial = 2, .previous = first }, id) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL)); /* by the link of then, and the link of now */
	/* Narrowed, it covers the note no more. */
	CHECK(lend(&k, (struct lend){ .by = KIT_HOSPITAL, .of = KIT_HOSPITAL, .scope = "[\"kbs:///hospital/other/\"]", .serial = 3,
	    .previous = id }, first) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R0"));
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
	CHECK(DENIED(kit_revoke(&k, KIT_STRANGER, boot), k, "kind"));
	CHECK(kit_revoke(&k, KIT_ACME, boot) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_ACME, lent) == COFFER_OK);
	CHECK(registry_facts(&k.keep.registry, &q, k.now, &f, &e) == COFFER_OK && f->n_revocations == 2);
	s.serial = 2;
	s.previous = boot;
	CHECK(DENIED(kit_log(&k, &s, boot), k, "persona"));
}

/* As it is, past admission: to parties that are not known. */
static bool put(struct kit *k, int n)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(tx_end) struct tx tx = { 0 };
	CLEANUP(freep) char *to = str_fmt("p%d", n);
	CLEANUP(freep) char *body = lend_body(&(struct lend){ .of = KIT_HOSPITAL, .to = to });
	CLEANUP(freep) char *subject = str_fmt("%s,of:hospital,role:approval", to);
	struct logged l;
	struct err e = { 0 };
	uint8_t id[32];

	kit_statement(k, &(struct kit_st){ .kind = ST_DELEGATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = subject,
	    .body = body }, &env, id);
	return statement_parse(wr_span(&env.payload), &s, &e) == COFFER_OK && tx_begin(&k->keep.journal, &tx, &e) == COFFER_OK &&
	       admit_log(&k->keep, &s, &env, &l, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK;
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

static enum coffer_rc hold(struct kit *k, enum kit_party who, const uint8_t target[static 32], int64_t life, uint8_t id[static 32])
{
	char hex[HEX32_LEN];
	CLEANUP(freep) char *body = NULL;

	hex32(target, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"looking\"}", hex);
	return kit_log(k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = who, .also = who, .subject = hex, .digest = target, .body = body,
	    .issued = k->now, .expires = k->now + life }, id);
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
		CHECK(lend(&k, (struct lend){ .by = KIT_ACME, .of = KIT_HOSPITAL, .serial = i, .previous = i > 1 ? last : NULL }, last) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK);
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
	CHECK(hold(&k, KIT_HOSPITAL, lent, 3600, id) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, "paused"));
	k.now += 3600;
	CHECK(ask(&k) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(delegation_of_what_the_issuer_has_not_is_refused), T(delegation_lent_on_is_within_depth_scope_and_no_circle),
		T(delegate_approves_until_the_delegation_is_revoked), T(delegation_holds_when_renewed_and_ends_with_its_time),
		T(owner_revokes_what_its_delegate_approved_and_nobody_else_does), T(boot_image_of_a_delegate_is_the_providers),
		T(delegations_of_one_power_are_bounded), T(who_lends_on_pushes_out_nothing_of_others), T(pause_holds_until_it_is_lifted_or_ends),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
