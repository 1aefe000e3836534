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
	CHECK(kit_revoke(&k, KIT_STRANGER, boot) == COFFER_OK); /* for its own assets: it is none of the two that are counted below */
	CHECK(kit_revoke(&k, KIT_ACME, boot) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_ACME, lent) == COFFER_OK);
	CHECK(registry_facts(&k.keep.registry, &q, k.now, &f, &e) == COFFER_OK && f->n_revocations == 2);
	s.serial = 2;
	s.previous = boot;
	CHECK(DENIED(kit_log(&k, &s, boot), k, "persona"));
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

/* The stranger lends on what it was lent to eight, and each of these to another, who all designate the service: acme's own choice of before keeps its place. */
static void who_lends_designation_on_pushes_out_nobody_the_founder_chose(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_without_approval(&k);
	CHECK(lend(&k, (struct lend){ DESIGNATES, .to = "hospital" }, id) == COFFER_OK);
	CHECK(kit_service_by(&k, KIT_HOSPITAL, 1, NULL) == COFFER_OK && kit_approve(&k, "", 1, NULL) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ DESIGNATES, .depth = 2 }, id) == COFFER_OK);
	for (int i = 0; i < FACT_SERVICES_OF_MAX; i++) {
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
		T(service_by_a_delegate_counts_while_the_delegation_holds), T(founder_revokes_what_its_delegate_designated), T(owner_stops_what_a_delegate_designated_for_its_own_assets_alone),
		T(designation_lent_on_is_within_depth_and_scope), T(who_lends_designation_on_pushes_out_nobody_the_founder_chose), T(client_follows_the_links_to_a_founder_and_nothing_else), T(links_of_other_powers_are_refused), T(image_that_a_delegate_verified_counts_while_the_delegation_holds),
		T(provider_revokes_what_its_delegate_verified), T(delegate_says_nothing_of_what_another_name_has),
		T(delegations_of_one_power_are_bounded), T(who_lends_on_pushes_out_nothing_of_others), T(link_that_stands_is_found_behind_renewals_of_another), T(pause_holds_until_it_is_lifted_or_ends),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
