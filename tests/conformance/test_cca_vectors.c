/* What the shared samples of CBOR say beside their manifest: claims sets alone, a trust anchor that is no key, a vendor's COSE
 * message signed by a chain, reference values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/cca_token.h"
#include "evidence/corim.h"
#include "evidence/evidence.h"
#include "os/file.h"
#include "tests/t.h"

#define MAX (1u << 20)

static struct wr sample(const char *name)
{
	CLEANUP(freep) char *path = str_fmt("%s/vectors/%s", getenv("COFFER_SHARED"), name);
	struct wr w = wr_open(MAX);
	struct err e = { 0 };

	CHECK(path && file_read(path, MAX, &w, &e) == COFFER_OK);
	return w;
}

static void claims_sets_are_read_and_unknown_keys_passed_over(void)
{
	static const struct {
		const char *name;
		bool ok;
	} realms[] = { { "cca/claims/realm-claims.cbor", true }, { "cca/claims/realm-claims-spurious-numeric-key.cbor", true },
		{ "cca/claims/realm-claims-spurious-text-key.cbor", true },
		{ "cca/claims/realm-claims-missing-challenge.cbor", false } };
	CLEANUP(wr_close) struct wr p = sample("cca/claims/platform-claims.cbor");
	struct cca_platform platform;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(realms) / sizeof(realms[0]); i++) {
		CLEANUP(wr_close) struct wr w = sample(realms[i].name);
		struct cca_realm r;

		CHECK(cca_realm_parse(wr_span(&w), &r, &e) == (realms[i].ok ? COFFER_OK : COFFER_E_INPUT));
	}
	CHECK(cca_platform_parse(wr_span(&p), &platform, &e) == COFFER_OK && platform.n_sw == 2 && platform.lifecycle == 0x3000);
}

static bool holds(const struct ev_out *o, const char *id)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->check[i].id, id) == 0)
			return o->check[i].holds;
	return false;
}

/* The anchor names the instance, its key is off the curve: nothing is signed by it. */
static void anchor_off_its_curve_signs_nothing(void)
{
	static const char *const stores[] = { "cca/token-02/ta-ok.json", "cca/token-02/ta-bad.json", "cca/token-01/ta.json" };
	static const enum verdict verdicts[] = { VERDICT_VALID, VERDICT_INVALID, VERDICT_COLLATERAL };
	CLEANUP(wr_close) struct wr token = sample("cca/token-02/token.cbor");

	for (size_t i = 0; i < 3; i++) {
		CLEANUP(wr_close) struct wr store = sample(stores[i]);
		CLEANUP(ev_out_clear) struct ev_out out = { 0 };
		struct collateral col = { .json = { wr_span(&store) }, .n_json = 1 };
		struct ev_in in = { .evidence = wr_span(&token), .col = &col, .now = -1 };
		struct err e = { 0 };

		CHECK(tee_driver_find(span_of("cca"))->appraise(&in, &out, &e) == COFFER_OK && out.verdict == verdicts[i]);
		CHECK(holds(&out, "trust_anchor") == (i < 2) && holds(&out, "platform_signature") == (i == 0));
		CHECK(holds(&out, "realm_signature") && holds(&out, "rak_binding"));
	}
}

/* PS384 by the first certificate of x5chain; the chain up to its own last one, which nobody here pins. */
static void vendors_endorsement_is_signed_by_its_chain(void)
{
	CLEANUP(wr_close) struct wr msg = sample("snp/milan-v3-caci-a/uvm_endorsement.cose");
	CLEANUP(certs_clear) struct cert_list chain = { 0 };
	CLEANUP(anchors_clear) struct anchors roots = { 0 };
	struct cert_rules rules = { .now = 1759253046 };
	struct cose_sign1 m;
	struct cbor feed;
	struct err e = { 0 };

	CHECK(cose_sign1_parse(wr_span(&msg), &m, &e) == COFFER_OK && m.alg == -38 && m.n_x5 == 3 && m.x5_protected);
	for (size_t i = 0; i < m.n_x5; i++)
		CHECK(certs_read(m.x5[i], &chain, &e) == COFFER_OK);
	CHECK(chain.n == 3 && cose_sign1_verify(&m, cert_key(chain.c[0])) && !cose_sign1_verify(&m, cert_key(chain.c[1])));
	CHECK(certs_read(m.x5[2], &roots.certs, &e) == COFFER_OK);
	CHECK(cert_chain(chain.c[0], &chain, &roots, &rules, NULL, &e) == COFFER_OK);
	CHECK(cbor_get_text(&m.protected, "feed", &feed) && span_eq_str(feed.body, "ContainerPlat-AMD-UVM"));
	msg.p[msg.n - 1] ^= 1;
	CHECK(!cose_sign1_verify(&m, cert_key(chain.c[0])));
}

static void three_digests_of_one_name_are_one_list(void)
{
	CLEANUP(wr_close) struct wr in = sample("rvps/unsigned-example-corim.cbor"), out = wr_open(MAX);
	struct json_wr j = jw_open(&out, false);
	struct json_doc *d = NULL;
	struct err e = { 0 };
	const struct json *list;

	CHECK(corim_reference_values(wr_span(&in), &j, &e) == COFFER_OK && json_parse(wr_span(&out), MAX, &d, &e) == COFFER_OK);
	list = json_get(json_root(d), "ACME/RoadRunner/31fb5abf-023e-4992-aa4e-95f9c1503bfa/digests");
	CHECK(json_len(json_root(d)) == 1 && json_len(list) == 3 && span_starts(json_str(json_at(list, 2)), "a3a5e715f0cc574a"));
	json_free(d);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(claims_sets_are_read_and_unknown_keys_passed_over),
		T(anchor_off_its_curve_signs_nothing),
		T(vendors_endorsement_is_signed_by_its_chain),
		T(three_digests_of_one_name_are_one_list),
	};
	CLEANUP(freep) char *path = getenv("COFFER_SHARED") ? str_fmt("%s/vectors/manifest.json", getenv("COFFER_SHARED")) : NULL;

	if (!path || !file_exists(path)) {
		printf("1..1\nok 1 cca vectors # SKIP no shared vectors\n");
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
