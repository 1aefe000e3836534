/* CCA tokens made and signed here, in both profiles: what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/cca_anchor.h"
#include "tests/ccakit.h"
#include "tests/t.h"

#define MAX (1u << 16)

struct rig {
	struct ccakit k;
	struct wr token;
	struct ev_out out;
};

static void rig_open(struct rig *r, bool second)
{
	*r = (struct rig){ 0 };
	ccakit_open(&r->k, second);
}

static void rig_close(struct rig *r)
{
	ccakit_close(&r->k);
	wr_close(&r->token);
	ev_out_clear(&r->out);
}

static enum verdict judge_bytes(struct rig *r, struct span evidence, struct span data, struct span init)
{
	struct ev_in in = { .evidence = evidence, .col = &r->k.col, .now = -1, .report_data = data, .init_data = init };
	struct err e = { 0 };

	ev_out_clear(&r->out);
	CHECK(tee_driver_find(span_of("cca"))->appraise(&in, &r->out, &e) == COFFER_OK);
	return r->out.verdict;
}

/* Of the claims as they are now. */
static enum verdict judge_bound(struct rig *r, struct span data, struct span init)
{
	wr_close(&r->token);
	r->token = wr_open(MAX);
	ccakit_token(&r->k, &r->token);
	return judge_bytes(r, wr_span(&r->token), data, init);
}

static enum verdict judge(struct rig *r)
{
	return judge_bound(r, (struct span){ 0 }, (struct span){ 0 });
}

static bool only(struct rig *r, enum verdict v, const char *id)
{
	return judge(r) == v && evkit_only(&r->out, v, id);
}

static void token_of_a_known_platform_is_valid_in_both_profiles(void)
{
	for (int second = 0; second < 2; second++) {
		struct json_doc *d = NULL;
		struct err e = { 0 };
		const struct json *realm, *platform;
		uint64_t life = 0;
		struct rig r;

		rig_open(&r, second);
		CHECK(judge(&r) == VERDICT_VALID);
		CHECK(json_parse(wr_span(&r.out.claims), MAX, &d, &e) == COFFER_OK);
		realm = json_get(json_root(d), "realm");
		platform = json_get(json_root(d), "platform");
		CHECK(span_starts(json_str(json_get(realm, "cca-realm-initial-measurement")), "Pj4+"));
		CHECK(json_len(json_get(realm, "cca-realm-extensible-measurements")) == 4);
		CHECK((json_get(realm, "cca-realm-profile") != NULL) == (second == 1));
		CHECK(json_u64(json_get(platform, "cca-platform-lifecycle"), &life) && life == 0x3003);
		CHECK(json_len(json_get(platform, "cca-platform-sw-components")) == 1);
		CHECK(span_starts(json_str(json_get(json_root(d), "report_data")), "d1d1") &&
		      span_starts(json_str(json_get(json_root(d), "init_data")), "1d1d"));
		json_free(d);
		rig_close(&r);
	}
}

/* Firmware of the second profile under the first tag, and the other way round. */
static void facts_are_those_of_the_realm_and_its_platform(void)
{
	const struct hw_facts *f;
	uint8_t rpv[64];
	struct rig r;

	rig_open(&r, true);
	memset(rpv, 0x5a, sizeof(rpv));
	cb_bytes(ccakit_set(&r.k.realm, 44235), SPAN(rpv));
	CHECK(judge(&r) == VERDICT_VALID);
	f = &r.out.facts;
	CHECK(strcmp(f->platform, "cca") == 0 && f->product[0] == '\0' && f->n_svns == 0 && f->n_regs == 1 + CCA_REMS);
	CHECK(facts_reg(f, "initial_measurement") && facts_reg(f, "rem_0") && facts_reg(f, "rem_3"));
	CHECK(f->chip_n == 33 && f->chip[0] == 1 && !f->debug && !f->migratable && f->smt);
	CHECK(r.out.report_data_n == 64 && r.out.init_register_n == 64 && span_eq(SPAN(r.out.init_register), SPAN(rpv)));
	cb_int(ccakit_set(&r.k.platform, 2395), 0x4000);
	CHECK(judge(&r) == VERDICT_INVALID && r.out.facts.debug);
	rig_close(&r);
}

static void tag_and_profile_are_independent(void)
{
	for (int second = 0; second < 2; second++) {
		struct rig r;

		rig_open(&r, second);
		r.k.second = !second;
		CHECK(judge(&r) == VERDICT_VALID);
		rig_close(&r);
	}
}

static void json_form_is_the_same_and_another_is_malformed(void)
{
	CLEANUP(wr_close) struct wr j = wr_open(1u << 20);
	struct rig r;

	rig_open(&r, false);
	CHECK(judge(&r) == VERDICT_VALID);
	wr_str(&j, "{\"token\":[");
	for (size_t i = 0; i < r.token.n; i++)
		wr_fmt(&j, "%s%u", i ? "," : "", r.token.p[i]);
	wr_str(&j, "]}");
	CHECK(judge_bytes(&r, wr_span(&j), (struct span){ 0 }, (struct span){ 0 }) == VERDICT_VALID);
	CHECK(tee_driver_find(span_of("cca"))->looks_like(wr_span(&j)) &&
	      tee_driver_find(span_of("cca"))->looks_like(wr_span(&r.token)));
	CHECK(judge_bytes(&r, span_of("{\"token\":[256]}"), (struct span){ 0 }, (struct span){ 0 }) == VERDICT_MALFORMED);
	CHECK(judge_bytes(&r, span_of("{\"token\":[],\"x\":1}"), (struct span){ 0 }, (struct span){ 0 }) == VERDICT_MALFORMED);
	CHECK(judge_bytes(&r, span_of("{}"), (struct span){ 0 }, (struct span){ 0 }) == VERDICT_MALFORMED);
	CHECK(judge_bytes(&r, (struct span){ 0 }, (struct span){ 0 }, (struct span){ 0 }) == VERDICT_MALFORMED);
	CHECK(!tee_driver_find(span_of("cca"))->looks_like(span_of("{}")));
	rig_close(&r);
}

/* ---- who vouches ---- */

static void platform_that_nobody_vouches_for_is_not_judged_good(void)
{
	struct rig r;

	rig_open(&r, false);
	r.k.col.n_json = 0;
	CHECK(only(&r, VERDICT_COLLATERAL, "trust_anchor"));
	r.k.col.json[0] = span_of("[{\"instance-id\":\"01\",\"pkey\":{}},7]");
	r.k.col.json[1] = span_of("{\"other\":1}");
	r.k.col.json[2] = span_of("[");
	r.k.col.n_json = 3;
	CHECK(only(&r, VERDICT_COLLATERAL, "trust_anchor"));
	rig_close(&r);
}

static void anchor_of_another_instance_or_implementation_is_not_this_ones(void)
{
	uint8_t id[33] = { 1, 1 }, impl[32] = { 0 };
	struct rig r;

	rig_open(&r, false);
	cb_bytes(ccakit_set(&r.k.platform, 256), SPAN(id));
	CHECK(only(&r, VERDICT_COLLATERAL, "trust_anchor"));
	rig_close(&r);
	rig_open(&r, false);
	cb_bytes(ccakit_set(&r.k.platform, 2396), SPAN(impl));
	CHECK(only(&r, VERDICT_COLLATERAL, "trust_anchor"));
	rig_close(&r);
}

static void platform_signature_by_another_key_is_refused(void)
{
	EVP_PKEY *other = evkit_ec("P-384");
	struct rig r;

	rig_open(&r, false);
	ccakit_anchor(&r.k, other);
	CHECK(only(&r, VERDICT_INVALID, "platform_signature"));
	EVP_PKEY_free(other);
	rig_close(&r);
}

static void second_anchor_of_the_same_platform_counts(void)
{
	EVP_PKEY *other = evkit_ec("P-384");
	struct rig r;
	struct wr store;

	rig_open(&r, false);
	store = r.k.store;
	r.k.store = (struct wr){ 0 };
	ccakit_anchor(&r.k, other);
	r.k.col.json[1] = wr_span(&store);
	r.k.col.n_json = 2;
	CHECK(judge(&r) == VERDICT_VALID);
	for (size_t i = 0; i <= CCA_ANCHORS_MAX; i++)
		r.k.col.json[i] = wr_span(&store);
	r.k.col.n_json = CCA_ANCHORS_MAX;
	CHECK(judge(&r) == VERDICT_VALID);
	r.k.col.n_json++;
	CHECK(only(&r, VERDICT_COLLATERAL, "trust_anchor"));
	wr_close(&store);
	EVP_PKEY_free(other);
	rig_close(&r);
}

static void anchor_that_is_no_point_of_its_curve_refuses_the_signature(void)
{
	struct rig r;
	size_t x;

	rig_open(&r, false);
	x = span_find(wr_span(&r.k.store), 'y'); /* in "pkey" first */
	for (x++; r.k.store.p[x] != 'y'; x++)
		;
	memset(r.k.store.p + x + 4, 'A', 64);
	CHECK(only(&r, VERDICT_INVALID, "platform_signature"));
	rig_close(&r);
}

static void lifecycle_other_than_secured_is_refused(void)
{
	static const struct {
		int64_t state;
		bool ok;
	} states[] = { { 0x3000, true }, { 0x30ff, true }, { 0, false }, { 0x1000, false }, { 0x2fff, false }, { 0x3100, false },
		{ 0x4000, false }, { 0x5000, false }, { 0x6000, false } };
	struct rig r;

	rig_open(&r, false);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		cb_int(ccakit_set(&r.k.platform, 2395), states[i].state);
		CHECK(states[i].ok ? judge(&r) == VERDICT_VALID : only(&r, VERDICT_INVALID, "platform_lifecycle"));
	}
	rig_close(&r);
}

/* ---- the realm ---- */

static void realm_signed_by_another_key_is_refused(void)
{
	for (int second = 0; second < 2; second++) {
		struct rig r;

		rig_open(&r, second);
		EVP_PKEY_free(r.k.rak);
		r.k.rak = evkit_ec("P-384");
		CHECK(only(&r, VERDICT_INVALID, "realm_signature"));
		rig_close(&r);
	}
}

static void realm_key_that_the_platform_does_not_vouch_for_is_refused(void)
{
	uint8_t digest[48] = { 0 };

	for (int second = 0; second < 2; second++) {
		struct rig r;

		rig_open(&r, second);
		cb_bytes(ccakit_set(&r.k.platform, 10), SPAN(digest));
		CHECK(only(&r, VERDICT_INVALID, "rak_binding"));
		ccakit_bind(&r.k);
		CHECK(judge(&r) == VERDICT_VALID);
		cb_text(ccakit_set(&r.k.realm, 44240), "sha-256"); /* another digest than the platform's */
		CHECK(only(&r, VERDICT_INVALID, "rak_binding"));
		rig_close(&r);
	}
}

static void realm_key_that_is_no_key_is_refused(void)
{
	uint8_t point[97] = { 4, 1 };
	struct rig r;

	rig_open(&r, false);
	cb_bytes(ccakit_set(&r.k.realm, 44237), SPAN(point));
	ccakit_bind(&r.k);
	CHECK(only(&r, VERDICT_INVALID, "realm_signature"));
	rig_close(&r);
	rig_open(&r, true);
	cb_bytes(ccakit_set(&r.k.realm, 44237), SPAN(point));
	ccakit_bind(&r.k);
	CHECK(only(&r, VERDICT_INVALID, "realm_signature"));
	rig_close(&r);
}

static void bindings_are_judged_with_zero_padding_only(void)
{
	uint8_t d[64], init[64];
	struct rig r;

	memset(d, 0xd1, 64);
	memset(init, 0x1d, 64);
	rig_open(&r, true);
	CHECK(judge_bound(&r, SPAN(d), SPAN(init)) == VERDICT_VALID);
	CHECK(judge_bound(&r, (struct span){ d, 48 }, SPAN(init)) == VERDICT_INVALID && evkit_fails(&r.out, "report_data"));
	CHECK(judge_bound(&r, SPAN(d), (struct span){ init, 32 }) == VERDICT_INVALID && evkit_fails(&r.out, "init_data"));
	d[63] ^= 1;
	CHECK(judge_bound(&r, SPAN(d), SPAN(init)) == VERDICT_INVALID && evkit_fails(&r.out, "report_data"));
	memset(init + 32, 0, 32);
	cb_bytes(ccakit_set(&r.k.realm, 44235), SPAN(init));
	CHECK(judge_bound(&r, (struct span){ 0 }, (struct span){ init, 32 }) == VERDICT_VALID);
	rig_close(&r);
}

static void every_byte_of_the_token_counts(void)
{
	struct rig r;

	rig_open(&r, true);
	CHECK(judge(&r) == VERDICT_VALID);
	for (size_t i = 0; i < r.token.n; i++) {
		r.token.p[i] ^= 1;
		CHECK(judge_bytes(&r, wr_span(&r.token), (struct span){ 0 }, (struct span){ 0 }) != VERDICT_VALID);
		r.token.p[i] ^= 1;
	}
	rig_close(&r);
}

static void every_cut_is_malformed(void)
{
	struct rig r;

	rig_open(&r, false);
	CHECK(judge(&r) == VERDICT_VALID);
	for (size_t n = 0; n < r.token.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		struct cca_token t = { .platform = { .lifecycle = 77 } };
		struct err e = { 0 };

		memcpy(exact, r.token.p, n);
		CHECK(cca_token_parse((struct span){ exact, n }, &t, &e) == COFFER_E_INPUT && t.platform.lifecycle == 77);
		free(exact);
	}
	rig_close(&r);
}

/* ---- forms ---- */

/* A claim gone, of another type, or longer: malformed each. */
static void claim_is_needed(bool realm, int64_t key)
{
	for (int how = 0; how < 3; how++) {
		struct rig r;
		struct ccakit_claims *c;

		rig_open(&r, false);
		c = realm ? &r.k.realm : &r.k.platform;
		if (how == 0)
			ccakit_drop(c, key);
		else if (how == 1)
			cb_arr(ccakit_set(c, key), 0);
		else
			cb_bytes(ccakit_set(c, key), span_of("31 bytes: no claim is as long  "));
		CHECK((how == 2 && key == 2401) || judge(&r) == VERDICT_MALFORMED);
		rig_close(&r);
	}
}

static void every_claim_must_be_there_with_its_type_and_length(void)
{
	static const int64_t platform[] = { 265, 10, 2396, 256, 2401, 2395, 2402, 2399 };
	static const int64_t realm[] = { 10, 44235, 44238, 44239, 44236, 44237, 44240 };

	for (size_t i = 0; i < sizeof(platform) / sizeof(platform[0]); i++)
		claim_is_needed(false, platform[i]);
	for (size_t i = 0; i < sizeof(realm) / sizeof(realm[0]); i++)
		claim_is_needed(true, realm[i]);
}

static void optional_and_unknown_claims_change_nothing(void)
{
	struct rig r;

	rig_open(&r, false);
	ccakit_drop(&r.k.platform, 2400);
	cb_text(ccakit_set(&r.k.platform, 99999), "unknown");
	cb_text(ccakit_set(&r.k.realm, -5), "unknown");
	CHECK(judge(&r) == VERDICT_VALID);
	cb_int(ccakit_set(&r.k.platform, 2400), 1); /* but a known one has its type */
	CHECK(judge(&r) == VERDICT_MALFORMED);
	cb_text(ccakit_set(&r.k.platform, 2400), "a\nb"); /* and text is for people */
	CHECK(judge(&r) == VERDICT_MALFORMED);
	cb_text(ccakit_set(&r.k.platform, 2400), "");
	CHECK(judge(&r) == VERDICT_MALFORMED);
	wr_u8(ccakit_set(&r.k.platform, 2400), 0x61);
	wr_u8(&r.k.platform.c[r.k.platform.n - 1].value, 0);
	CHECK(judge(&r) == VERDICT_MALFORMED);
	rig_close(&r);
}

static void profiles_algorithms_and_ids_that_are_not_known_are_malformed(void)
{
	static const struct {
		bool realm;
		int64_t key;
		const char *text;
	} other[] = { { false, 265, "http://arm.com/CCA-SSD/2.0.0" }, { true, 265, "tag:arm.com,2023:realm#2.0.0" },
		{ false, 2402, "sha-1" }, { true, 44236, "md5" }, { true, 44240, "shake256" } };
	uint8_t id[33] = { 2 }, point[97] = { 2 };
	struct rig r;

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		rig_open(&r, false);
		cb_text(ccakit_set(other[i].realm ? &r.k.realm : &r.k.platform, other[i].key), other[i].text);
		CHECK(judge(&r) == VERDICT_MALFORMED);
		rig_close(&r);
	}
	rig_open(&r, false);
	cb_bytes(ccakit_set(&r.k.platform, 256), SPAN(id));
	CHECK(judge(&r) == VERDICT_MALFORMED);
	rig_close(&r);
	rig_open(&r, false);
	cb_bytes(ccakit_set(&r.k.realm, 44237), SPAN(point));
	CHECK(judge(&r) == VERDICT_MALFORMED);
	rig_close(&r);
	rig_open(&r, false);
	cb_int(ccakit_set(&r.k.platform, 2395), 0x13003);
	CHECK(judge(&r) == VERDICT_MALFORMED);
	rig_close(&r);
}

static void put_component(struct wr *w, size_t value, size_t signer)
{
	uint8_t v[64] = { 0 };

	cb_map(w, 2);
	cb_int(w, 2);
	cb_bytes(w, (struct span){ v, value });
	cb_int(w, 5);
	cb_bytes(w, (struct span){ v, signer });
}

static void components_are_bounded_and_have_their_lengths(void)
{
	static const struct {
		size_t n, value, signer;
		bool ok;
	} lists[] = { { 0, 32, 32, false }, { CCA_SW_MAX, 48, 64, true }, { CCA_SW_MAX + 1, 32, 32, false }, { 1, 31, 32, false },
		{ 1, 32, 20, false } };
	struct rig r;

	rig_open(&r, false);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct wr *w = ccakit_set(&r.k.platform, 2399);

		cb_arr(w, lists[i].n);
		for (size_t k = 0; k < lists[i].n; k++)
			put_component(w, lists[i].value, lists[i].signer);
		CHECK(judge(&r) == (lists[i].ok ? VERDICT_VALID : VERDICT_MALFORMED));
	}
	cb_arr(ccakit_set(&r.k.platform, 2399), 1);
	cb_int(&r.k.platform.c[r.k.platform.n - 1].value, 1); /* no map */
	CHECK(judge(&r) == VERDICT_MALFORMED);
	rig_close(&r);
}

static void collections_of_other_shapes_are_malformed(void)
{
	struct rig r;

	for (int how = 0; how < 7; how++) {
		CLEANUP(wr_close) struct wr w = wr_open(MAX);
		bool second = how == 4 || how == 5;

		rig_open(&r, second);
		CHECK(judge(&r) == VERDICT_VALID);
		wr_put(&w, wr_span(&r.token)); /* d9 018f a2 19 acca ..., or d9 038b a2 19 acca 82 19 0107 ... */
		switch (how) {
		case 0:
			w.p[2] = 0x90;
			break; /* tag 400 */
		case 1:
			w.p[1] = 0x03;
			w.p[2] = 0x8b;
			break; /* 907 with bare tokens */
		case 2:
			w.p[6] = 0xcc;
			break; /* another member */
		case 3:
			w.p[3] = 0xa1;
			break;
		case 4:
			w.p[1] = 0x01;
			w.p[2] = 0x8f;
			break; /* 399 with pairs */
		case 5:
			w.p[10] = 0x08;
			break; /* another content format */
		default:
			w.p[3] = 0xa3;
			cb_int(&w, 1);
			cb_int(&w, 1);
			break; /* a third member */
		}
		CHECK(judge_bytes(&r, wr_span(&w), (struct span){ 0 }, (struct span){ 0 }) == VERDICT_MALFORMED);
		rig_close(&r);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(token_of_a_known_platform_is_valid_in_both_profiles),
		T(facts_are_those_of_the_realm_and_its_platform), T(tag_and_profile_are_independent),
		T(json_form_is_the_same_and_another_is_malformed),
		T(platform_that_nobody_vouches_for_is_not_judged_good),
		T(anchor_of_another_instance_or_implementation_is_not_this_ones),
		T(platform_signature_by_another_key_is_refused),
		T(second_anchor_of_the_same_platform_counts),
		T(anchor_that_is_no_point_of_its_curve_refuses_the_signature),
		T(lifecycle_other_than_secured_is_refused),
		T(realm_signed_by_another_key_is_refused),
		T(realm_key_that_the_platform_does_not_vouch_for_is_refused),
		T(realm_key_that_is_no_key_is_refused),
		T(bindings_are_judged_with_zero_padding_only),
		T(every_byte_of_the_token_counts),
		T(every_cut_is_malformed),
		T(every_claim_must_be_there_with_its_type_and_length),
		T(optional_and_unknown_claims_change_nothing),
		T(profiles_algorithms_and_ids_that_are_not_known_are_malformed),
		T(components_are_bounded_and_have_their_lengths),
		T(collections_of_other_shapes_are_malformed),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
