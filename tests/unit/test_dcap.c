/* SGX and TDX quotes made and signed here, with collateral of the same maker: what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/dcap_pck.h"
#include "evidence/dcap_quote.h"
#include "evidence/dcap_tcb.h"
#include "fmt/enc.h"
#include "tests/dcapkit.h"
#include "tests/t.h"

#define NOW DCAPKIT_NOW

static const struct {
	uint16_t version;
	bool td;
} kinds[] = { { 3, false }, { 4, false }, { 4, true }, { 5, false }, { 5, true } };
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static enum verdict judge_in(const struct dcapkit *k, struct ev_in in, struct ev_out *o)
{
	struct err e = { 0 };

	if (!in.evidence.p)
		in.evidence = wr_span(&k->quote);
	in.col = &k->col;
	in.now = in.now ? in.now : NOW;
	ev_out_clear(o);
	CHECK(tee_driver_find(span_of(k->td ? "tdx" : "sgx"))->appraise(&in, o, &e) == COFFER_OK);
	return o->verdict;
}

static enum verdict judge(const struct dcapkit *k, struct ev_out *o)
{
	return judge_in(k, (struct ev_in){ 0 }, o);
}

/* Makes it and wants exactly one check to fail. */
static bool only(struct dcapkit *k, enum verdict v, const char *id)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };

	dcapkit_make(k);
	(void)judge(k, &o);
	return evkit_only(&o, v, id);
}

static bool refused(struct dcapkit *k, enum verdict v, const char *id)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };

	dcapkit_make(k);
	return judge(k, &o) == v && evkit_fails(&o, id);
}

static bool status_is(struct dcapkit *k, const char *want)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };

	dcapkit_make(k);
	return judge(k, &o) == VERDICT_VALID && json_parse(wr_span(&o.claims), 1u << 18, &d, &e) == COFFER_OK &&
	       span_eq_str(json_str(json_get(json_root(d), "tcb_status")), want);
}

static void every_kind_of_quote_is_valid_with_its_collateral(void)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		struct dcapkit k;

		dcapkit_open(&k, kinds[i].version, kinds[i].td);
		CHECK(status_is(&k, "UpToDate"));
		dcapkit_close(&k);
	}
}

static void td_1_0_body_in_version_5_is_read_too(void)
{
	struct dcapkit k;

	dcapkit_open(&k, 5, true);
	k.body_type = 2;
	k.body_n = 584;
	CHECK(status_is(&k, "UpToDate"));
	k.body_n = 648; /* not that type's size */
	CHECK(refused(&k, VERDICT_MALFORMED, "form"));
	dcapkit_close(&k);
}

static void status_of_the_platform_is_the_level_it_reaches(void)
{
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.status = "SWHardeningNeeded";
	CHECK(status_is(&k, "SWHardeningNeeded"));
	k.status = "UpToDate";
	k.comp[15] = 4;
	CHECK(status_is(&k, "OutOfDate"));
	k.comp[15] = 2;
	CHECK(only(&k, VERDICT_INVALID, "platform_tcb") || refused(&k, VERDICT_INVALID, "platform_tcb"));
	k.comp[15] = 5;
	k.pce_svn = 10;
	CHECK(status_is(&k, "OutOfDate"));
	k.pce_svn = 11;
	k.body[15] = 4; /* a component of the TD's own */
	CHECK(status_is(&k, "OutOfDate"));
	k.body[15] = 5;
	k.status = "Revoked";
	CHECK(refused(&k, VERDICT_INVALID, "platform_tcb"));
	k.status = "Splendid"; /* not a word of Intel's */
	CHECK(refused(&k, VERDICT_INVALID, "platform_tcb"));
	dcapkit_close(&k);
}

static void status_of_the_module_and_the_enclave_count(void)
{
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.body[0] = 3; /* module version: older level */
	CHECK(status_is(&k, "OutOfDate"));
	k.body[0] = 1; /* below every level */
	CHECK(refused(&k, VERDICT_INVALID, "tdx_module"));
	k.body[0] = 4;
	k.body[1] = 9; /* a module that the TCB info does not know */
	CHECK(refused(&k, VERDICT_INVALID, "tdx_module"));
	k.body[1] = 1;
	k.body[64] = 1; /* its signer is not Intel */
	CHECK(refused(&k, VERDICT_INVALID, "tdx_module"));
	k.body[64] = 0;
	k.body[112] = 1; /* its attributes say debug or the like */
	CHECK(refused(&k, VERDICT_INVALID, "tdx_module"));
	k.body[112] = 0;
	k.qe_svn = 5; /* the quoting enclave is older than any level */
	CHECK(refused(&k, VERDICT_INVALID, "qe_tcb"));
	dcapkit_close(&k);
}

static void module_of_version_0_is_judged_by_the_platforms_levels(void)
{
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.body[0] = k.body[1] = 5;
	k.body[1] = 0;
	CHECK(refused(&k, VERDICT_INVALID, "platform_tcb")); /* component 1 is 0 */
	k.body[64] = 1;
	CHECK(refused(&k, VERDICT_INVALID, "tdx_module"));
	dcapkit_close(&k);
}

static void enclave_that_is_not_the_quoting_enclave_is_refused(void)
{
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.qe_signer = 0xdd;
	CHECK(refused(&k, VERDICT_INVALID, "qe_identity"));
	k.qe_signer = 0xdc;
	k.qe[256] = 1;
	CHECK(refused(&k, VERDICT_INVALID, "qe_identity"));
	k.qe[256] = 2;
	k.qe[48] = 0x13; /* debug */
	CHECK(refused(&k, VERDICT_INVALID, "qe_identity"));
	k.qe[48] = 0x15; /* a bit that the mask leaves out */
	CHECK(status_is(&k, "UpToDate"));
	k.qe[48] = 0x11;
	k.qe[16] = 1; /* misc select */
	CHECK(refused(&k, VERDICT_INVALID, "qe_identity"));
	dcapkit_close(&k);
}

static void collateral_of_another_platform_or_kind_is_refused(void)
{
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.tcb_fmspc = "B0C06F000001";
	CHECK(refused(&k, VERDICT_INVALID, "fmspc"));
	k.tcb_fmspc = "short";
	CHECK(refused(&k, VERDICT_INVALID, "platform_tcb"));
	dcapkit_close(&k);
	dcapkit_open(&k, 4, true);
	dcapkit_make(&k);
	for (size_t i = 0; i < 2; i++) { /* documents for SGX, signed by the same key */
		CLEANUP(wr_close) struct wr body = wr_open(1u << 16), doc = { 0 };
		CLEANUP(ev_out_clear) struct ev_out o = { 0 };
		struct span s = wr_span(i == 0 ? &k.tcb_info : &k.qe_identity), was = k.col.json[i];
		size_t head = i == 0 ? strlen("{\"tcbInfo\":{\"id\":\"TDX\"") : strlen("{\"enclaveIdentity\":{\"id\":\"TD_QE\"");

		wr_str(&body, i == 0 ? "{\"id\":\"SGX\"" : "{\"id\":\"QE\"");
		wr_put(&body, (struct span){ s.p + head, s.n - head - 144 });
		dcapkit_sign(&k, i == 0 ? "tcbInfo" : "enclaveIdentity", wr_span(&body), &doc);
		k.col.json[i] = wr_span(&doc);
		CHECK(judge(&k, &o) == VERDICT_INVALID && evkit_fails(&o, i == 0 ? "platform_tcb" : "qe_identity"));
		k.col.json[i] = was;
	}
	dcapkit_close(&k);
}

static void collateral_missing_expired_or_early_is_said(void)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.next = NOW - 1;
	CHECK(only(&k, VERDICT_STALE, "collateral_age"));
	k.next = NOW + 9;
	k.issued = NOW + 1;
	CHECK(only(&k, VERDICT_STALE, "collateral_age"));
	k.issued = NOW - 9;
	k.pck_until = NOW - 1;
	CHECK(refused(&k, VERDICT_STALE, "pck_chain"));
	k.pck_until = NOW + 9;
	dcapkit_make(&k);
	k.col.n_json = 1;
	CHECK(judge(&k, &o) == VERDICT_COLLATERAL && evkit_only(&o, VERDICT_COLLATERAL, "collateral"));
	k.col.n_json = 0;
	CHECK(judge(&k, &o) == VERDICT_COLLATERAL);
	k.signer_until = NOW - 1;
	CHECK(only(&k, VERDICT_STALE, "collateral_signer"));
	k.signer_until = NOW + 9;
	k.no_lists = true;
	CHECK(only(&k, VERDICT_COLLATERAL, "revocation_lists"));
	dcapkit_close(&k);
}

static void signatures_of_collateral_are_intels_tcb_signers(void)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.signer_cn = "Intel SGX PCK Processor CA"; /* led to the root, but not for this */
	CHECK(refused(&k, VERDICT_INVALID, "tcb_info_signature"));
	k.signer_cn = "Intel SGX TCB Signing";
	dcapkit_make(&k);
	for (size_t i = 0; i < 2; i++) {
		struct wr *w = i == 0 ? &k.tcb_info : &k.qe_identity;
		uint8_t *date = memmem(w->p, w->n, "2026-03-13", 10), *sig, was;

		date[9] = '4';
		CHECK(
		    judge(&k, &o) == VERDICT_INVALID && evkit_fails(&o, i == 0 ? "tcb_info_signature" : "qe_identity_signature"));
		CHECK(evkit_fails(&o, "collateral_signatures"));
		date[9] = '3';
		sig = &w->p[w->n - 3]; /* of the signature itself */
		was = *sig;
		*sig = was == '0' ? '1' : '0';
		CHECK(
		    judge(&k, &o) == VERDICT_INVALID && evkit_fails(&o, i == 0 ? "tcb_info_signature" : "qe_identity_signature"));
		*sig = was;
	}
	CHECK(judge(&k, &o) == VERDICT_VALID);
	dcapkit_close(&k);
}

static void pck_revoked_untrusted_or_not_the_signer_is_refused(void)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	EVP_PKEY *other = evkit_ec("P-256");
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.revoked = 70;
	CHECK(refused(&k, VERDICT_INVALID, "pck_chain") && refused(&k, VERDICT_INVALID, "pck_revoked"));
	k.revoked = 9999;
	dcapkit_make(&k);
	certs_clear(&k.col.roots); /* Intel's real root did not sign any of it */
	CHECK(judge(&k, &o) == VERDICT_INVALID && evkit_fails(&o, "pck_chain"));
	k.qe_signed_by = other; /* certifies one key, signs with another */
	CHECK(only(&k, VERDICT_INVALID, "qe_report_signature_by_pck"));
	EVP_PKEY_free(other);
	dcapkit_close(&k);
}

static void enclave_must_bind_the_attestation_key(void)
{
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.qe_unbound = true;
	CHECK(only(&k, VERDICT_INVALID, "qe_report_binds_ak"));
	dcapkit_close(&k);
}

static void each_member_of_the_sgx_extension_is_needed_once(void)
{
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	for (unsigned i = 1; i <= 5 + 18; i++) {
		unsigned which = i <= 5 ? i : 0x200 + i - 5;

		k.skip = which;
		CHECK(only(&k, VERDICT_COLLATERAL, "pck")); /* no PCK certificate at all */
		k.skip = 0;
		k.twice = which;
		CHECK(only(&k, VERDICT_COLLATERAL, "pck"));
		k.twice = 0;
	}
	dcapkit_close(&k);
}

static void bindings_are_report_data_and_config_id(void)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	uint8_t data[64], init[48];

	memset(data, 0xd1, sizeof(data));
	memset(init, 0x1d, sizeof(init));
	for (size_t i = 0; i < N_KINDS; i++) {
		struct dcapkit k;

		dcapkit_open(&k, kinds[i].version, kinds[i].td);
		if (!k.td)
			memset(k.body + 192 + 48, 0, 16);
		dcapkit_make(&k);
		CHECK(judge_in(&k, (struct ev_in){ .report_data = SPAN(data), .init_data = SPAN(init) }, &o) == VERDICT_VALID);
		CHECK(judge_in(&k, (struct ev_in){ .report_data = { data, 48 } }, &o) == VERDICT_INVALID &&
		      evkit_only(&o, VERDICT_INVALID, "report_data"));
		CHECK(judge_in(&k, (struct ev_in){ .init_data = { init, 32 } }, &o) == VERDICT_INVALID &&
		      evkit_only(&o, VERDICT_INVALID, "init_data"));
		dcapkit_close(&k);
	}
}

/* Up to the certificates every byte is signed, compared or a length: the quote itself is refused, whatever collateral there is.
 * The chain's own bytes are test_cert's. */
static void every_byte_of_a_quote_counts(void)
{
	for (size_t i = 0; i < N_KINDS; i += 4) {
		CLEANUP(ev_out_clear) struct ev_out o = { 0 };
		struct dcapkit k;

		dcapkit_open(&k, kinds[i].version, kinds[i].td);
		k.no_lists = true;
		dcapkit_make(&k);
		k.col.n_json = 0;
		for (size_t at = 0; at < k.certs_at; at++) {
			k.quote.p[at] ^= 1;
			if (judge(&k, &o) == VERDICT_COLLATERAL &&
			    !evkit_fails(&o, "pck")) { /* the chain's kind: then there is no PCK */
				printf("# version %u byte %zu\n", k.version, at);
				CHECK(false);
			}
			k.quote.p[at] ^= 1;
		}
		CHECK(judge(&k, &o) == VERDICT_COLLATERAL);
		dcapkit_close(&k);
	}
}

static void every_truncation_is_malformed_and_trailing_bytes_are_told(void)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };
	uint64_t trailing = 0;
	struct dcapkit k;

	for (size_t i = 0; i < N_KINDS; i++) {
		dcapkit_open(&k, kinds[i].version, kinds[i].td);
		dcapkit_make(&k);
		for (size_t n = 0; n < k.quote.n; n++) {
			CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
			struct dcap_quote q = { .version = 77 };

			memcpy(exact, k.quote.p, n);
			CHECK(dcap_quote_parse((struct span){ exact, n }, &q, &e) == COFFER_E_INPUT && q.version == 77);
		}
		dcapkit_close(&k);
	}
	dcapkit_open(&k, 4, true);
	k.trailing = 3;
	dcapkit_make(&k);
	CHECK(judge(&k, &o) == VERDICT_VALID && json_parse(wr_span(&o.values), 1u << 18, &d, &e) == COFFER_OK);
	CHECK(json_u64(json_get(json_root(d), "trailing"), &trailing) && trailing == 3);
	dcapkit_close(&k);
}

static void log_beside_the_quote_must_replay(void)
{
	static const uint16_t bank[] = { 0x000c };
	CLEANUP(wr_close) struct wr log = wr_open(4096), json = wr_open(1u << 17);
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	uint8_t d[HASH_MAX];
	struct dcapkit k;

	evkit_log_head(&log, bank, 1);
	evkit_log_event(&log, 1, 8, bank, 1, span_of("firmware"));
	dcapkit_open(&k, 4, true);
	for (int right = 0; right < 2; right++) {
		hash_once(HASH_SHA384, span_of("firmware"), d);
		memset(k.body + 328, 0, 48);
		if (right)
			evkit_extend(HASH_SHA384, k.body + 328, (struct span){ d, 48 });
		dcapkit_make(&k);
		wr_close(&json);
		json = wr_open(1u << 17);
		wr_str(&json, "{\"quote\":\"");
		b64_write(&json, wr_span(&k.quote));
		wr_str(&json, "\",\"cc_eventlog\":\"");
		b64_write(&json, wr_span(&log));
		wr_str(&json, "\"}");
		(void)judge_in(&k, (struct ev_in){ .evidence = wr_span(&json) }, &o);
		CHECK(right ? o.verdict == VERDICT_VALID : evkit_only(&o, VERDICT_INVALID, "ccel_replay"));
	}
	dcapkit_close(&k);
}

static void quote_of_the_other_kind_or_json_of_another_form_is_malformed(void)
{
	static const char *const bad[] = { "{}", "{\"quote\":\"\"}", "{\"quote\":\"!\"}", "{\"quote\":7}", "[]", "" };
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };

	for (int td = 0; td < 2; td++) {
		CLEANUP(wr_close) struct wr json = wr_open(1u << 16);
		struct dcapkit k;

		dcapkit_open(&k, 4, td);
		dcapkit_make(&k);
		k.td = !td;
		CHECK(judge(&k, &o) == VERDICT_MALFORMED);
		k.td = td;
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(judge_in(&k, (struct ev_in){ .evidence = span_of(bad[i]) }, &o) == VERDICT_MALFORMED);
		wr_str(&json, "{\"quote\":\"");
		b64_write(&json, wr_span(&k.quote));
		wr_str(&json, "\"}");
		CHECK(judge_in(&k, (struct ev_in){ .evidence = wr_span(&json) }, &o) == VERDICT_VALID);
		json.n--;
		wr_str(&json, ",\"surprise\":1}");
		CHECK(judge_in(&k, (struct ev_in){ .evidence = wr_span(&json) }, &o) == VERDICT_MALFORMED);
		dcapkit_close(&k);
	}
}

/* Libraries keep all of it in one object. */
static void collateral_in_one_object_is_the_same(void)
{
	CLEANUP(wr_close) struct wr all = wr_open(1u << 17);
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	struct json_wr j = jw_open(&all, false);
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	dcapkit_make(&k);
	jw_obj(&j);
	for (size_t i = 0; i < 2; i++) {
		struct span s = wr_span(i == 0 ? &k.tcb_info : &k.qe_identity);
		size_t head = i == 0 ? strlen("{\"tcbInfo\":") : strlen("{\"enclaveIdentity\":");

		jw_m_str(&j, i == 0 ? "tcb_info" : "qe_identity", (struct span){ s.p + head, s.n - head - 144 });
		jw_m_str(&j, i == 0 ? "tcb_info_signature" : "qe_identity_signature", (struct span){ s.p + s.n - 130, 128 });
	}
	jw_obj_end(&j);
	k.col.json[0] = wr_span(&all);
	k.col.n_json = 1;
	CHECK(judge(&k, &o) == VERDICT_VALID);
	k.col.json[0].n--; /* no JSON any more: passed over as somebody else's */
	CHECK(judge(&k, &o) == VERDICT_COLLATERAL);
	dcapkit_close(&k);
}

static void document_without_its_form_is_no_collateral(void)
{
	CLEANUP(wr_close) struct wr doc = { 0 };
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	static const char *const bodies[] = { "{}", "[]", "{\"issueDate\":\"yesterday\",\"nextUpdate\":\"2030-01-01T00:00:00Z\"}",
		"nonsense", "{\"issueDate\":\"2026-01-01T00:00:00Z\",\"nextUpdate\":\"2030-01-01T00:00:00Z\"}" };
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	dcapkit_make(&k);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		dcapkit_sign(&k, "tcbInfo", span_of(bodies[i]), &doc);
		k.col.json[0] = wr_span(&doc);
		CHECK(judge(&k, &o) != VERDICT_VALID);
	}
	dcapkit_close(&k);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(every_kind_of_quote_is_valid_with_its_collateral),
		T(td_1_0_body_in_version_5_is_read_too),
		T(status_of_the_platform_is_the_level_it_reaches),
		T(status_of_the_module_and_the_enclave_count),
		T(module_of_version_0_is_judged_by_the_platforms_levels),
		T(enclave_that_is_not_the_quoting_enclave_is_refused),
		T(collateral_of_another_platform_or_kind_is_refused),
		T(collateral_missing_expired_or_early_is_said),
		T(signatures_of_collateral_are_intels_tcb_signers),
		T(pck_revoked_untrusted_or_not_the_signer_is_refused),
		T(enclave_must_bind_the_attestation_key),
		T(each_member_of_the_sgx_extension_is_needed_once),
		T(bindings_are_report_data_and_config_id),
		T(every_byte_of_a_quote_counts),
		T(every_truncation_is_malformed_and_trailing_bytes_are_told),
		T(log_beside_the_quote_must_replay), T(quote_of_the_other_kind_or_json_of_another_form_is_malformed),
		T(collateral_in_one_object_is_the_same),
		T(document_without_its_form_is_no_collateral),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
