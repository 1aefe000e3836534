/* Assets of which several parties decide together: who signs their statement, and whose approvals open them. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
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

int main(void)
{
	static const struct t_case cases[] = {
		T(each_co_owner_signs_and_together_they_decide_who_is_next), T(release_wants_the_approvals_of_k_and_counts_each),
		T(nobody_who_decides_crowds_out_the_others),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
