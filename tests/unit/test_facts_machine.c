/* What a decision reads of boot images and minima: whose, for which platform, and that none is left out in silence. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit.h"
#include "tests/keepkit.h"
#include "tests/lendkit.h"
#include "tests/t.h"

#define SNP_REG "{\"measurement\":\"%096d\"}"
#define LAUNCH(platform, regs) "{\"platform\":\"" platform "\",\"shape\":\"any\",\"registers\":" regs "}"

static bool put_boot(struct kit *k, enum kit_party who, int n, const char *launches, uint8_t id[static 32])
{
	CLEANUP(freep) char *name = str_fmt("guest-%d", n);
	CLEANUP(freep) char *body = str_fmt("{\"name\":\"guest\",\"enforces\":[\"manifest\",\"image-digests\"],\"launches\":[%s],"
	                                    "\"rebuild\":\"as written\"}", launches);

	return enter(k, &(struct kit_st){ .kind = ST_BOOT_IMAGE, .issuer = who, .also = who, .subject = name, .body = body }, id);
}

static bool put_tcb(struct kit *k, enum kit_party who, const char *platform, uint64_t serial, const uint8_t *previous,
    uint8_t id[static 32])
{
	CLEANUP(freep) char *body = str_fmt("{\"platform\":\"%s\",\"minimum\":[{\"product\":\"\",\"svns\":{}}],\"smt\":true,"
	                                    "\"migration\":false}", platform);

	return enter(k, &(struct kit_st){ .kind = ST_TCB, .issuer = who, .also = who, .subject = platform, .body = body, .serial = serial,
	    .previous = previous }, id);
}

static enum coffer_rc facts(struct kit *k, const char *platform, const struct facts **f)
{
	struct asset_path p;
	struct err e = { 0 };

	CHECK(asset_path_parse(span_of(KIT_PATH), &p, &e) == COFFER_OK);
	return registry_facts(&k->keep.registry,
	    &(struct facts_question){ .path = &p, .init_register = k->initdata_sha, .platform = platform }, k->now, f, &e);
}

static char *snp(int v)
{
	return str_fmt(LAUNCH("snp", SNP_REG), v);
}

static bool put_age(struct kit *k, enum kit_party who, const char *platform, const char *hours, uint64_t serial, const uint8_t *previous, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = str_fmt("{\"platform\":\"%s\",\"minimum\":[{\"product\":\"\",\"svns\":{}}]%s%s}", platform, hours[0] ? ",\"collateral-max-age\":" : "", hours);

	return enter(k, &(struct kit_st){ .kind = ST_TCB, .issuer = who, .also = who, .subject = platform, .body = body, .serial = serial, .previous = previous,
	    .expires = k->now + 100 }, id);
}

static uint32_t age(struct kit *k, const char *platform, int64_t now)
{
	struct err e = { 0 };
	uint32_t n = 1;

	CHECK(registry_collateral_age(&k->keep.registry, platform, now, &n, &e) == COFFER_OK);
	return n;
}

static void collateral_is_fetched_no_older_than_the_strictest_in_force_wants(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[4][32];

	kit_open(&k);
	CHECK(age(&k, "tdx", k.now) == 0);
	CHECK(put_age(&k, KIT_HOSPITAL, "tdx", "24", 1, NULL, id[0]) && age(&k, "tdx", k.now) == 24 * 3600 && age(&k, "sgx", k.now) == 0);
	CHECK(put_age(&k, KIT_ACME, "tdx", "6", 1, NULL, id[1]) && age(&k, "tdx", k.now) == 6 * 3600);
	CHECK(put_age(&k, KIT_ACME, "tdx", "", 2, id[1], id[2]) && age(&k, "tdx", k.now) == 24 * 3600); /* superseded */
	CHECK(age(&k, "tdx", k.now + 100) == 0); /* expired */
}

static void boot_images_are_those_of_the_provider_for_the_platform(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *one = NULL, *two = NULL, *both = NULL;
	const struct facts *f = NULL;
	uint8_t id[4][32];

	kit_open(&k);
	kit_deploy(&k);
	one = snp(1);
	two = snp(2);
	both = str_fmt("%s," LAUNCH("sgx", "{\"mr_enclave\":\"%064d\"}"), two, 3);
	CHECK(facts(&k, "snp", &f) == COFFER_OK && f->n_boots == 0 && f->n_tcbs == 0 && f->n_releases == 2);
	CHECK(put_boot(&k, KIT_ACME, 1, one, id[0]) && put_boot(&k, KIT_HOSPITAL, 2, one, id[1]) && put_boot(&k, KIT_ACME, 3, both, id[2]));
	CHECK(facts(&k, "snp", &f) == COFFER_OK && f->n_boots == 2 && f->boot[1].body.launch[0].reg[0].v[47] == 1);
	CHECK(memcmp(f->boot[0].s.id, id[2], 32) == 0 && f->boot[0].body.n_launches == 1 && f->boot[0].s.issuer_may &&
	      strcmp(f->boot[0].body.launch[0].platform, "snp") == 0 && f->boot[0].body.rebuild.n == 0);
	CHECK(facts(&k, "sgx", &f) == COFFER_OK && f->n_boots == 1 && memcmp(f->boot[0].s.id, id[2], 32) == 0);
	CHECK(facts(&k, "sample", &f) == COFFER_OK && f->n_boots == 0);
	CHECK(facts(&k, "snp", &f) == COFFER_OK && f->n_boots == 2); /* what another platform was told is kept apart */
	k.now += 2 * 365 * INT64_C(86400);
	CHECK(facts(&k, "tdx", &f) == COFFER_OK && f->n_boots == 0);
}

static void minima_are_those_of_owner_and_provider_for_the_platform(void)
{
	CLEANUP(kit_free) struct kit k;
	const struct facts *f = NULL;
	uint8_t first[32], id[32];

	kit_open(&k);
	kit_deploy(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(put_tcb(&k, KIT_HOSPITAL, "snp", 1, NULL, first) && put_tcb(&k, KIT_STRANGER, "snp", 1, NULL, id) &&
	      put_tcb(&k, KIT_HOSPITAL, "tdx", 1, NULL, id));
	CHECK(facts(&k, "snp", &f) == COFFER_OK && f->n_tcbs == 1 && memcmp(f->tcb[0].s.id, first, 32) == 0);
	CHECK(put_tcb(&k, KIT_ACME, "snp", 1, NULL, id));
	CHECK(facts(&k, "snp", &f) == COFFER_OK && f->n_tcbs == 2 && strcmp(f->tcb[0].body.platform, "snp") == 0);
	CHECK(put_tcb(&k, KIT_HOSPITAL, "snp", 2, first, id)); /* in place of the first */
	CHECK(facts(&k, "snp", &f) == COFFER_OK && f->n_tcbs == 2);
	for (size_t i = 0; i < f->n_tcbs; i++)
		CHECK(memcmp(f->tcb[i].s.id, first, 32) != 0);
	CHECK(f->n_revocations == 0 && kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK);
	CHECK(facts(&k, "snp", &f) == COFFER_OK && f->n_tcbs == 2 && f->n_revocations == 1 && strcmp(f->revocation[0].issuer, "hospital") == 0);
}

static void more_boot_images_than_can_be_judged_are_refused_not_cut(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *one = NULL;
	const struct facts *f = NULL;
	uint8_t id[32];

	kit_open(&k);
	kit_deploy(&k);
	one = snp(1);
	for (int i = 0; i < FACT_BOOTS_MAX; i++)
		CHECK(put_boot(&k, KIT_ACME, i, one, id));
	CHECK(facts(&k, "snp", &f) == COFFER_OK && f->n_boots == FACT_BOOTS_MAX);
	CHECK(put_boot(&k, KIT_ACME, FACT_BOOTS_MAX, one, id));
	CHECK(facts(&k, "snp", &f) == COFFER_E_LIMIT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(collateral_is_fetched_no_older_than_the_strictest_in_force_wants), T(boot_images_are_those_of_the_provider_for_the_platform), T(minima_are_those_of_owner_and_provider_for_the_platform),
		T(more_boot_images_than_can_be_judged_are_refused_not_cut),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
