#include "tests/lendkit.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit.h"

static const char *const names[KIT_PARTIES] = { "acme", "hospital", "stranger" };

char *lend_body(const struct lend *l)
{
	const char *role = l->role ? l->role : "approval";
	bool scoped = strcmp(role, "approval") == 0 || l->scope;

	return str_fmt("{\"of\":\"%s\",\"to\":\"%s\",\"role\":\"%s\"%s%s,\"depth\":%u,\"until\":\"%s\"}", names[l->of],
	    l->to ? l->to : "stranger", role, scoped ? ",\"scope\":" : "", scoped ? l->scope ? l->scope : "[\"kbs:///hospital/note/\"]" : "", l->depth,
	    l->until ? l->until : "2027-06-01T00:00:00Z");
}

static char *lend_subject(const struct lend *l)
{
	return str_fmt("%s,of:%s,role:%s", l->to ? l->to : "stranger", names[l->of], l->role ? l->role : "approval");
}

static struct kit_st lend_st(const struct lend *l, const char *subject, const char *body)
{
	return (struct kit_st){ .kind = ST_DELEGATION, .issuer = l->by, .also = l->by, .subject = subject, .body = body, .serial = l->serial,
		.previous = l->previous, .issuer_name = l->by_name, .expires = l->expires };
}

enum coffer_rc lend(struct kit *k, struct lend l, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = lend_body(&l), *subject = lend_subject(&l);
	struct kit_st s = lend_st(&l, subject, body);

	return kit_log(k, &s, id);
}

bool lend_renewed(struct kit *k, const struct lend_renewed *r, uint8_t id[static 3][32])
{
	struct lend l = r->l, on = r->l;
	bool ok;

	l.to = names[r->via];
	l.depth = 1;
	on.by = r->via;
	on.to = r->to;
	ok = lend(k, l, id[0]) == COFFER_OK && lend(k, on, id[1]) == COFFER_OK;
	memcpy(id[2], id[0], sizeof(id[2]));
	for (l.serial = 2; ok && l.serial < 2 + r->renewals; l.serial++) {
		uint8_t previous[32];

		memcpy(previous, id[2], sizeof(previous));
		l.previous = previous;
		ok = lend(k, l, id[2]) == COFFER_OK;
	}
	return ok;
}

bool enter(struct kit *k, const struct kit_st *st, uint8_t id[static 32])
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct logged l;
	struct err e = { 0 };

	kit_statement(k, st, &env, id);
	return statement_parse(wr_span(&env.payload), &s, &e) == COFFER_OK && tx_begin(&k->keep.journal, &tx, &e) == COFFER_OK &&
	       admit_log(&k->keep, &s, &env, &l, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK;
}

bool enter_lent_as(struct kit *k, struct lend l, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = lend_body(&l), *subject = lend_subject(&l);
	struct kit_st s = lend_st(&l, subject, body);

	return enter(k, &s, id);
}

bool enter_lent(struct kit *k, struct lend l)
{
	uint8_t id[32];

	return enter_lent_as(k, l, id);
}

bool enter_release(struct kit *k, struct release_of r)
{
	CLEANUP(freep) char *body = kit_release_body(r.repository, r.version);
	uint8_t digest[32] = { [31] = r.image }, id[32];

	return enter(k, &(struct kit_st){ .kind = ST_IMAGE_RELEASE, .subject = r.repository, .digest = digest, .body = body, .issuer_name = r.by,
	    .expires = r.expires }, id);
}

bool enter_service(struct kit *k, const char *by)
{
	CLEANUP(freep) char *body = kit_service_body(k);
	uint8_t id[32];

	return enter(k, &(struct kit_st){ .kind = ST_SERVICE, .subject = "trust", .body = body, .issuer_name = by }, id);
}

static bool boot(struct kit *k, const char *by, unsigned n, int64_t expires, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = str_fmt("{\"name\":\"guest\",\"enforces\":[],\"launches\":[{\"platform\":\"sgx\",\"shape\":\"any\",\"registers\":"
	                                    "{\"mr_enclave\":\"%064u\"}}],\"rebuild\":\"make\"}", n);
	const uint8_t digest[32] = { [31] = (uint8_t)n };

	return enter(k, &(struct kit_st){ .kind = ST_BOOT_IMAGE, .subject = "kernel", .digest = digest, .body = body, .issuer_name = by, .expires = expires }, id);
}

bool enter_boot(struct kit *k, const char *by, unsigned n, uint8_t id[static 32])
{
	return boot(k, by, n, 0, id);
}

bool enter_boot_until(struct kit *k, const char *by, unsigned n, int64_t expires)
{
	uint8_t id[32];

	return boot(k, by, n, expires, id);
}
