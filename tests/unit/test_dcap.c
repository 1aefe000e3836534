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

/* What is there but out of date is stale, lists like documents: a year-old folder is not an empty one. */
static void lists_out_of_date_are_stale_and_not_missing(void)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	struct crl *kept;
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	k.lists_for = -1;
	CHECK(only(&k, VERDICT_STALE, "revocation_lists"));
	k.next = NOW - 1;
	dcapkit_make(&k);
	CHECK(judge(&k, &o) == VERDICT_STALE && evkit_fails(&o, "collateral_age"));
	k.next = NOW + 9;
	for (size_t gone = 0; gone < 2; gone++) { /* the root's, the CA's: then one is missing */
		dcapkit_make(&k);
		kept = k.col.crls.c[1 - gone];
		crl_free(k.col.crls.c[gone]);
		k.col.crls = (struct crl_list){ .c = { kept }, .n = 1 };
		CHECK(judge(&k, &o) == VERDICT_COLLATERAL && evkit_only(&o, VERDICT_COLLATERAL, "revocation_lists"));
	}
	dcapkit_close(&k);
}

static const char *found_of(const struct ev_out *o, const char *id)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->check[i].id, id) == 0)
			return o->check[i].found;
	return "(no such check)";
}

/* Signed again by another TCB signer, whose certificate has expired. */
static void signer_out_of_date_is_said_of_the_document_that_it_signed(void)
{
	static const char *const said[] = { "the TCB info's is not", "the QE identity's is not" };
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	EVP_PKEY *late = evkit_ec("P-256");
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(wr_close) struct wr der = wr_open(1u << 16), body = wr_open(1u << 16), doc = { 0 };
		struct evkit_cert c = { .cn = "Intel SGX TCB Signing", .issuer_cn = "Intel SGX Root CA", .key = late, .pathlen = -1,
			.serial = 81, .not_before = NOW - 5000, .not_after = NOW - 1 };
		EVP_PKEY *current = k.tcb;
		size_t head = i == 0 ? strlen("{\"tcbInfo\":") : strlen("{\"enclaveIdentity\":");

		dcapkit_make(&k);
		c.issuer_key = k.root;
		evkit_cert(&c, &der);
		evkit_add(&k.col.certs, &der);
		wr_put(&body, (struct span){ k.col.json[i].p + head, k.col.json[i].n - head - 144 });
		k.tcb = late;
		dcapkit_sign(&k, i == 0 ? "tcbInfo" : "enclaveIdentity", wr_span(&body), &doc);
		k.tcb = current;
		k.col.json[i] = wr_span(&doc);
		CHECK(judge(&k, &o) == VERDICT_STALE && evkit_only(&o, VERDICT_STALE, "collateral_signer"));
		CHECK(strcmp(found_of(&o, "collateral_signer"), said[i]) == 0);
	}
	EVP_PKEY_free(late);
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

static void quote_with_log(const struct dcapkit *k, const struct wr *log, struct wr *json)
{
	wr_close(json);
	*json = wr_open(1u << 17);
	wr_str(json, "{\"quote\":\"");
	b64_write(json, wr_span(&k->quote));
	wr_str(json, "\",\"cc_eventlog\":\"");
	b64_write(json, wr_span(log));
	wr_str(json, "\"}");
}

/* Every register: one that the log does not extend is zero. A log of no event, as one that was cut, holds for a TD that extended
 * nothing. */
static void log_beside_the_quote_must_replay_to_all_four_registers(void)
{
	static const uint16_t bank[] = { 0x000c };
	CLEANUP(wr_close) struct wr log = wr_open(4096), json = wr_open(1u << 17);
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	uint8_t d[HASH_MAX];
	struct dcapkit k;

	hash_once(HASH_SHA384, span_of("firmware"), d);
	dcapkit_open(&k, 4, true);
	evkit_log_head(&log, bank, 1);
	for (int full = 0; full < 2; full++) {
		if (full)
			evkit_log_event(&log, 1, 8, bank, 1, span_of("firmware"));
		for (size_t other = 0; other < 5; other++) { /* 4: none of them */
			memset(k.body + 328, 0, 4 * 48);
			if (full)
				evkit_extend(HASH_SHA384, k.body + 328, (struct span){ d, 48 });
			if (other < 4)
				k.body[328 + 48 * other + 47] ^= 1;
			dcapkit_make(&k);
			quote_with_log(&k, &log, &json);
			(void)judge_in(&k, (struct ev_in){ .evidence = wr_span(&json) }, &o);
			CHECK(other == 4 ? o.verdict == VERDICT_VALID : evkit_only(&o, VERDICT_INVALID, "ccel_replay"));
		}
	}
	dcapkit_close(&k);
}

static enum verdict judge_with_log(struct dcapkit *k, const struct wr *log, struct ev_out *o)
{
	CLEANUP(wr_close) struct wr json = wr_open(1u << 20);

	wr_str(&json, "{\"quote\":\"");
	b64_write(&json, wr_span(&k->quote));
	wr_str(&json, "\",\"cc_eventlog\":\"");
	b64_write(&json, wr_span(log));
	wr_str(&json, "\"}");
	return judge_in(k, (struct ev_in){ .evidence = wr_span(&json) }, o);
}

/* A log that replays is a claim; one that does not, or none, is not; one too long for claims leaves good evidence good. */
static void log_that_replays_is_a_claim_unless_it_is_too_long(void)
{
	static const uint16_t bank[] = { 0x000c };
	static const size_t size[] = { 8, 100u << 10, 200u << 10 };
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	CLEANUP(freep) uint8_t *data = calloc(1, 200u << 10);
	struct dcapkit k;

	CHECK(data != NULL);
	dcapkit_open(&k, 4, true);
	for (size_t i = 0; i < 6; i++) {
		CLEANUP(wr_close) struct wr log = wr_open(1u << 20);
		CLEANUP(json_freep) struct json_doc *d = NULL;
		struct span of = { data, size[i / 2] };
		uint8_t digest[HASH_MAX];
		struct err e = { 0 };
		bool right = i % 2;
		const struct json *list;

		evkit_log_head(&log, bank, 1);
		evkit_log_event(&log, 0, 5, bank, 1, span_of("MRTD is not extended"));
		evkit_log_event(&log, 1, 8, bank, 1, of);
		hash_once(HASH_SHA384, of, digest);
		memset(k.body + 328, 0, 48);
		if (right)
			evkit_extend(HASH_SHA384, k.body + 328, (struct span){ digest, 48 });
		dcapkit_make(&k);
		CHECK(judge_with_log(&k, &log, &o) == (right ? VERDICT_VALID : VERDICT_INVALID));
		CHECK(json_parse(wr_span(&o.claims), 1u << 20, &d, &e) == COFFER_OK && json_get(json_root(d), "quote"));
		list = json_get(json_root(d), "uefi_event_logs");
		CHECK(right && i < 4 ? json_len(list) == 1 : !list);
		CHECK(!list || span_eq_str(json_str(json_get(json_at(list, 0), "type_name")), "EV_S_CRTM_VERSION"));
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

/* Both documents, in both orders, beside the other two. */
static bool same_status(struct dcapkit *k, const struct wr *info, const struct wr *identity, const char *want)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	bool ok = true;

	k->col.n_json = 4;
	for (int last = 0; last < 2; last++) {
		CLEANUP(json_freep) struct json_doc *d = NULL;
		struct err e = { 0 };

		k->col.json[last ? 2 : 0] = wr_span(&k->tcb_info);
		k->col.json[last ? 3 : 1] = wr_span(&k->qe_identity);
		k->col.json[last ? 0 : 2] = wr_span(info);
		k->col.json[last ? 1 : 3] = wr_span(identity);
		ok = judge(k, &o) == VERDICT_VALID && json_parse(wr_span(&o.claims), 1u << 18, &d, &e) == COFFER_OK &&
		     span_eq_str(json_str(json_get(json_root(d), "tcb_status")), want) && ok;
	}
	return ok;
}

static void keep_documents(const struct dcapkit *k, struct wr *info, struct wr *identity)
{
	wr_close(info);
	wr_close(identity);
	*info = wr_open(1u << 16);
	*identity = wr_open(1u << 16);
	wr_put(info, wr_span(&k->tcb_info));
	wr_put(identity, wr_span(&k->qe_identity));
}

/* A folder may hold those of many machines and years: what is in them decides, not their names. */
static void of_several_documents_the_newest_for_this_platform_is_taken(void)
{
	CLEANUP(wr_close) struct wr info = { 0 }, identity = { 0 };
	struct dcapkit k;
	uint8_t *at;

	dcapkit_open(&k, 4, true);
	k.tcb_fmspc = "B0C06F000001"; /* of another platform, and newer */
	k.issued = NOW - 1;
	k.qe_svn = 9;
	dcapkit_make(&k);
	keep_documents(&k, &info, &identity);
	k.tcb_fmspc = "B0C06F000000";
	k.issued = NOW - 9;
	k.qe_svn = 4;
	dcapkit_make(&k);
	CHECK(same_status(&k, &info, &k.qe_identity, "UpToDate"));
	CHECK(!same_status(&k, &info, &identity, "UpToDate")); /* that identity is newer, and for this enclave */
	k.td = false; /* for SGX, newer */
	k.status = "Revoked";
	k.issued = NOW - 1;
	dcapkit_make(&k);
	keep_documents(&k, &info, &identity);
	k.td = true;
	k.status = "UpToDate";
	k.issued = NOW - 9;
	dcapkit_make(&k);
	CHECK(same_status(&k, &info, &identity, "UpToDate"));
	k.issued = NOW - 10; /* of this platform: the newer of the two */
	k.status = "Revoked";
	k.qe_svn = 9;
	dcapkit_make(&k);
	keep_documents(&k, &info, &identity);
	k.issued = NOW - 9;
	k.status = "SWHardeningNeeded";
	k.qe_svn = 4;
	dcapkit_make(&k);
	CHECK(same_status(&k, &info, &identity, "SWHardeningNeeded"));
	k.issued = NOW + 1; /* not yet in force at this time */
	k.status = "Revoked";
	k.qe_svn = 9;
	dcapkit_make(&k);
	keep_documents(&k, &info, &identity);
	k.issued = NOW - 9;
	k.status = "UpToDate";
	k.qe_svn = 4;
	dcapkit_make(&k);
	CHECK(same_status(&k, &info, &identity, "UpToDate"));
	k.status = "OutOfDate"; /* issued together: the later evaluation */
	dcapkit_make(&k);
	at = memmem(k.tcb_info.p, k.tcb_info.n, "DataNumber\":17", 14);
	at[13] = '8';
	info.n = 0;
	wr_put(&info, (struct span){ k.tcb_info.p + 11, k.tcb_info.n - 11 - 144 });
	dcapkit_sign(&k, "tcbInfo", wr_span(&info), &identity);
	k.status = "UpToDate";
	dcapkit_make(&k);
	CHECK(same_status(&k, &identity, &k.qe_identity, "OutOfDate"));
	dcapkit_close(&k);
}

static void of_several_pck_certificates_the_one_that_signed_is_taken(void)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	struct dcapkit k, other;
	struct err e = { 0 };

	dcapkit_open(&k, 4, true);
	dcapkit_open(&other, 4, true);
	other.fmspc[5] = 1;
	k.no_chain = true;
	dcapkit_make(&k);
	dcapkit_make(&other);
	CHECK(judge(&k, &o) == VERDICT_COLLATERAL && evkit_fails(&o, "pck"));
	CHECK(certs_read(span_skip(wr_span(&other.quote), other.certs_at), &k.col.certs, &e) == COFFER_OK);
	CHECK(judge(&k, &o) == VERDICT_INVALID && evkit_fails(&o, "qe_report_signature_by_pck"));
	CHECK(certs_read(span_skip(wr_span(&k.quote), k.certs_at), &k.col.certs, &e) == COFFER_OK);
	CHECK(judge(&k, &o) == VERDICT_VALID);
	dcapkit_close(&other);
	dcapkit_close(&k);
}

/* As they come beside each document of a folder. */
static void issuers_that_are_there_already_take_no_place(void)
{
	struct dcapkit k;
	struct err e = { 0 };

	dcapkit_open(&k, 4, true);
	dcapkit_make(&k);
	for (size_t i = 0; i < 20; i++)
		CHECK(collateral_add(span_skip(wr_span(&k.quote), k.certs_at), false, &k.col, &e) == COFFER_OK && k.col.certs.n == 4);
	dcapkit_close(&k);
}

static void put_list(struct json_wr *j, const char *name, const struct wr *der)
{
	CLEANUP(wr_close) struct wr hex = wr_open(1u << 16);

	hex_write(&hex, wr_span(der));
	jw_m_str(j, name, wr_span(&hex));
}

static void add_list(struct dcapkit *k, long serial, struct wr *der)
{
	struct err e = { 0 };

	wr_close(der);
	*der = wr_open(8192);
	evkit_crl("Intel SGX Root CA", k->root, &serial, 1, NOW - 10, NOW + 10, der);
	CHECK(crl_read(wr_span(der), &k->col.crls.c[k->col.crls.n++], &e) == COFFER_OK);
}

/* Files and those in one object with the documents: each is heard of each certificate, the signer of documents too. */
static void every_list_at_hand_counts(void)
{
	CLEANUP(wr_close) struct wr all = wr_open(1u << 17), der = { 0 };
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	struct json_wr j = jw_open(&all, false);
	struct dcapkit k;

	dcapkit_open(&k, 4, true);
	dcapkit_make(&k);
	add_list(&k, 80, &der); /* the TCB signer's */
	CHECK(judge(&k, &o) == VERDICT_INVALID && evkit_fails(&o, "collateral_signatures") && !evkit_fails(&o, "pck_chain"));
	dcapkit_make(&k);
	jw_obj(&j);
	for (size_t i = 0; i < 2; i++) {
		struct span s = wr_span(i == 0 ? &k.tcb_info : &k.qe_identity);
		size_t head = i == 0 ? strlen("{\"tcbInfo\":") : strlen("{\"enclaveIdentity\":");

		jw_m_str(&j, i == 0 ? "tcb_info" : "qe_identity", (struct span){ s.p + head, s.n - head - 144 });
		jw_m_str(&j, i == 0 ? "tcb_info_signature" : "qe_identity_signature", (struct span){ s.p + s.n - 130, 128 });
	}
	put_list(&j, "root_ca_crl", &k.list[0]);
	jw_obj_end(&j);
	k.col.json[0] = wr_span(&all);
	k.col.n_json = 1;
	while (k.col.crls.n < 15)
		add_list(&k, 9999, &der);
	CHECK(judge(&k, &o) == VERDICT_VALID);
	add_list(&k, 60, &der); /* the 17th: it would revoke the CA, and is not passed over */
	CHECK(judge(&k, &o) == VERDICT_COLLATERAL && evkit_only(&o, VERDICT_COLLATERAL, "collateral"));
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
		T(lists_out_of_date_are_stale_and_not_missing),
		T(signer_out_of_date_is_said_of_the_document_that_it_signed),
		T(signatures_of_collateral_are_intels_tcb_signers),
		T(pck_revoked_untrusted_or_not_the_signer_is_refused),
		T(enclave_must_bind_the_attestation_key),
		T(each_member_of_the_sgx_extension_is_needed_once),
		T(bindings_are_report_data_and_config_id),
		T(every_byte_of_a_quote_counts),
		T(every_truncation_is_malformed_and_trailing_bytes_are_told),
		T(log_beside_the_quote_must_replay_to_all_four_registers), T(log_that_replays_is_a_claim_unless_it_is_too_long), T(quote_of_the_other_kind_or_json_of_another_form_is_malformed),
		T(collateral_in_one_object_is_the_same),
		T(of_several_documents_the_newest_for_this_platform_is_taken),
		T(of_several_pck_certificates_the_one_that_signed_is_taken),
		T(issuers_that_are_there_already_take_no_place),
		T(every_list_at_hand_counts),
		T(document_without_its_form_is_no_collateral),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
