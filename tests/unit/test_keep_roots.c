/* Vendor roots by amendment of the genesis: which evidence then leads to one, for which assets that counts, and what founders cannot name. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/session.h"
#include "cofferd/keep/token.h"
#include "decide/roots.h"
#include "fmt/enc.h"
#include "tests/receiptkit.h"
#include "tests/rig.h"
#include "tests/t.h"
#include "trust/parties.h"

#define DENIED(call, k, id) ((call) == COFFER_E_DENIED && strcmp((k).no.check, id) == 0)
#define ORIGIN "kit.example/log"
#define NO_WITNESSES "\"cosignatures\":0,\"witnesses\":[]"

static char *root_text(const char *vendor, const char *name, struct span der)
{
	CLEANUP(wr_close) struct wr b64 = wr_open(1u << 14);

	b64_write(&b64, der);
	return str_fmt("{\"certificate\":\"%.*s\",\"name\":\"%s\",\"vendor\":\"%s\"}", (int)b64.n, (const char *)b64.p, name, vendor);
}

static char *root_of(const struct snpkit *s)
{
	return root_text("amd", "SEV-Milan", cert_bytes(s->col.roots.c[0]));
}

struct amendment { const char *roots; uint64_t serial; const uint8_t *previous; bool one_founder; };

static enum coffer_rc amend(struct kit *k, const struct amendment *a, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = a->roots ? str_fmt("{" NO_WITNESSES ",\"vendor-roots\":[%s]}", a->roots) : str_fmt("{" NO_WITNESSES "}");

	return kit_log_by(k, &(struct kit_st){ .kind = ST_AMENDMENT, .issuer = KIT_ACME, .also = KIT_HOSPITAL, .issuer_name = "genesis", .subject = ORIGIN, .body = body,
	    .serial = a->serial, .previous = a->previous }, (const struct privkey *[]){ k->key[KIT_ACME], a->one_founder ? NULL : k->key[KIT_HOSPITAL], NULL }, id);
}

/* A guest on a machine of that maker's, its evidence taken. */
static enum coffer_rc guest(struct rig *r, struct snpkit *maker)
{
	r->k.hw.arg = maker;
	r->k.hw.file = cert_bytes(maker->col.certs.c[0]);
	return rig_attest(r);
}

static enum coffer_rc get(struct rig *r)
{
	return kit_get(&r->k, (struct kit_get){ 0 });
}

static void go_by(struct rig *r, const uint8_t id[static 32])
{
	char hex[HEX32_LEN];

	hex32(id, hex);
	r->k.amendment = hex;
	CHECK(kit_restate(&r->k, NULL) == COFFER_OK);
	r->k.amendment = NULL;
}

/* A new generation of hardware. */
static void root_that_is_added_counts_where_the_owner_goes_by_it(void)
{
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX), later = wr_open(TOKEN_MAX);
	CLEANUP(freep) char *first = NULL, *second = NULL, *both = NULL;
	struct snpkit other;
	struct rig r;
	uint8_t boot[32], id[32];
	struct err e = { 0 };

	rig_deploy(&r, RIG_REFERENCES, true, boot);
	snpkit_open(&other, &snpkit_good);
	first = root_of(&r.snp);
	second = root_of(&other);
	both = str_fmt("%s,%s", first, second);
	CHECK(DENIED(guest(&r, &other), r.k, "R2"));
	CHECK(amend(&r.k, &(struct amendment){ .roots = both }, id) == COFFER_OK);
	CHECK(guest(&r, &other) == COFFER_OK);
	wr_put(&token, wr_span(&r.k.answer));
	CHECK(DENIED(get(&r), r.k, "R2") && strstr(r.k.no.reason, "does not name as " KIT_ASSET " goes by it"));
	CHECK(DENIED(kit_get(&r.k, (struct kit_get){ .token = wr_span(&token) }), r.k, "R2"));
	CHECK(guest(&r, &r.snp) == COFFER_OK && get(&r) == COFFER_OK && receiptkit_replays(&r.k, KIT_HOSPITAL)); /* what is there is untouched */
	go_by(&r, id);
	CHECK(get(&r) == COFFER_OK && receiptkit_replays(&r.k, KIT_HOSPITAL)); /* the first is named still */
	CHECK(guest(&r, &other) == COFFER_OK);
	wr_put(&later, wr_span(&r.k.answer));
	CHECK(get(&r) == COFFER_OK && kit_opens_to(&r.k, false, "good morning") && receiptkit_replays(&r.k, KIT_HOSPITAL));
	CHECK(kit_get(&r.k, (struct kit_get){ .token = wr_span(&later) }) == COFFER_OK && receiptkit_replays(&r.k, KIT_HOSPITAL));
	CHECK(keep_forget(&r.k.keep, &e) == COFFER_OK && guest(&r, &other) == COFFER_OK && get(&r) == COFFER_OK); /* as after a restart */
	snpkit_close(&other);
	rig_close(&r);
}

/* Its key leaked. */
static void root_that_is_dropped_ends_where_the_owner_goes_by_that(void)
{
	CLEANUP(freep) char *again = NULL;
	struct rig r;
	uint8_t boot[32], id[32], next[32];

	rig_deploy(&r, RIG_REFERENCES, true, boot);
	CHECK(amend(&r.k, &(struct amendment){ .roots = "" }, id) == COFFER_OK);
	CHECK(guest(&r, &r.snp) == COFFER_OK && get(&r) == COFFER_OK); /* as founded */
	go_by(&r, id);
	CHECK(DENIED(get(&r), r.k, "R2"));
	CHECK(guest(&r, &r.snp) == COFFER_OK && DENIED(get(&r), r.k, "R2"));
	again = root_of(&r.snp);
	CHECK(amend(&r.k, &(struct amendment){ .roots = again, .serial = 2, .previous = id }, next) == COFFER_OK && DENIED(get(&r), r.k, "R2"));
	go_by(&r, next);
	CHECK(get(&r) == COFFER_OK && receiptkit_replays(&r.k, KIT_HOSPITAL));
	rig_close(&r);
}

/* What is not named stays as the amendment before left it. */
static void amendment_of_witnesses_alone_leaves_the_roots(void)
{
	struct rig r;
	uint8_t boot[32], id[32], next[32];

	rig_deploy(&r, RIG_REFERENCES, true, boot);
	CHECK(amend(&r.k, &(struct amendment){ .roots = NULL }, id) == COFFER_OK);
	go_by(&r, id);
	CHECK(guest(&r, &r.snp) == COFFER_OK && get(&r) == COFFER_OK);
	CHECK(amend(&r.k, &(struct amendment){ .roots = "", .serial = 2, .previous = id }, next) == COFFER_OK);
	CHECK(amend(&r.k, &(struct amendment){ .serial = 3, .previous = next }, id) == COFFER_OK && parties_genesis(&r.k.keep.registry.parties)->n_roots == 0);
	go_by(&r, id);
	CHECK(DENIED(get(&r), r.k, "R2"));
	rig_close(&r);
}

static void roots_that_nobody_could_use_are_refused(void)
{
	CLEANUP(freep) char *good = NULL, *unknown = NULL, *cut = NULL, *many = NULL;
	struct rig r;
	uint8_t boot[32], id[32];
	struct span der;

	rig_deploy(&r, RIG_REFERENCES, true, boot);
	der = cert_bytes(r.snp.col.roots.c[0]);
	good = root_of(&r.snp);
	unknown = root_text("hygon", "x", der);
	cut = root_text("amd", "x", (struct span){ der.p, der.n - 1 });
	many = str_fmt("%s,%s,%s,%s,%s,%s,%s,%s,%s", good, good, good, good, good, good, good, good, good);
	CHECK(DENIED(amend(&r.k, &(struct amendment){ .roots = good, .one_founder = true }, id), r.k, "signature"));
	CHECK(DENIED(amend(&r.k, &(struct amendment){ .roots = unknown }, id), r.k, "amendment"));
	CHECK(DENIED(amend(&r.k, &(struct amendment){ .roots = cut }, id), r.k, "amendment") && strstr(r.k.no.reason, "cannot be read"));
	CHECK(amend(&r.k, &(struct amendment){ .roots = many }, id) == COFFER_E_INPUT);
	CHECK(DENIED(amend(&r.k, &(struct amendment){ .roots = "{\"anchors\":[{\"implementation-id\":\"1111111111111111111111111111111111111111111111111111111111111111\","
	    "\"instance-id\":\"222222222222222222222222222222222222222222222222222222222222222222\",\"pkey\":{\"crv\":\"P-256\",\"kty\":\"EC\","
	    "\"x\":\"RyYjaqnB3N77ZC7oxG-pRvx7fnW3BBuF9hDF9HXZmvs\",\"y\":\"HTbyV3hxcySBwX7LX_UcD8Zj0rRAV6OBpWBUxp0K31w\"}}],\"name\":\"x\",\"vendor\":\"arm\"}" }, id),
	    r.k, "amendment") && strstr(r.k.no.reason, "anchors"));
	CHECK(r.k.keep.registry.parties.n_amended == 0 && amend(&r.k, &(struct amendment){ .roots = good }, id) == COFFER_OK);
	rig_close(&r);
}

/* Nine different ones, one after another: the ninth finds no place, and what is there goes on. */
static void no_more_are_named_than_there_is_room_for(void)
{
	struct rig r;
	uint8_t boot[32], id[2][32];
	unsigned n = 0;

	rig_deploy(&r, RIG_REFERENCES, true, boot);
	for (enum coffer_rc rc = COFFER_OK; rc == COFFER_OK && n < 12; n++) {
		CLEANUP(freep) char *one = NULL;
		struct snpkit other;

		snpkit_open(&other, &snpkit_good);
		one = root_of(&other);
		rc = amend(&r.k, &(struct amendment){ .roots = one, .serial = n + 1, .previous = n ? id[(n + 1) % 2] : NULL }, id[n % 2]);
		CHECK(rc == COFFER_OK || (rc == COFFER_E_LIMIT && n == GENESIS_ROOTS_MAX - 1));
		snpkit_close(&other);
	}
	CHECK(n == GENESIS_ROOTS_MAX && r.k.keep.registry.parties.n_amended == GENESIS_ROOTS_MAX - 1 && guest(&r, &r.snp) == COFFER_OK && get(&r) == COFFER_OK);
	rig_close(&r);
}

/* A group that failed is undone, and an amendment with it that the service had learned of. */
static void what_is_forgotten_is_trusted_no_longer(void)
{
	static struct genesis other;
	struct vendor_roots *roots = NULL;
	struct snpkit maker;
	struct span der;
	struct rig r;
	uint8_t boot[32];
	struct err e = { 0 };

	rig_deploy(&r, RIG_REFERENCES, true, boot);
	snpkit_open(&maker, &snpkit_good);
	der = cert_bytes(maker.col.roots.c[0]);
	other = (struct genesis){ .n_roots = 1, .root[0] = { .vendor = "amd", .name = "SEV-Milan", .der_n = der.n } };
	memcpy(other.root[0].der, der.p, der.n);
	CHECK(vendor_roots_open(&other, &roots, &e) == COFFER_OK);
	vendor_roots_close(r.k.keep.roots);
	r.k.keep.roots = roots;
	CHECK(guest(&r, &maker) == COFFER_OK);
	CHECK(keep_forget(&r.k.keep, &e) == COFFER_OK && DENIED(guest(&r, &maker), r.k, "R2") && guest(&r, &r.snp) == COFFER_OK);
	snpkit_close(&maker);
	rig_close(&r);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(root_that_is_added_counts_where_the_owner_goes_by_it), T(root_that_is_dropped_ends_where_the_owner_goes_by_that), T(amendment_of_witnesses_alone_leaves_the_roots),
		T(roots_that_nobody_could_use_are_refused), T(no_more_are_named_than_there_is_room_for), T(what_is_forgotten_is_trusted_no_longer),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
