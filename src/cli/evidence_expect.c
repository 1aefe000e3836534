/* What a case expects, against the trace and the values of an appraisal. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_case.h"
#include "fmt/enc.h"

#define TEXT_MAX (4u << 20)

/* Names that manifests use for checks of ours. NEGATED: true says that it does NOT hold. HOLDS: the words are for people. A name
 * may stand for the check of one platform or another. */
enum sense { PLAIN, NEGATED, HOLDS };
static const struct { const char *name, *check; enum sense sense;
} checks[] = {
	{ "report_signature", "report_signature", PLAIN },
	{ "vek_chain", "vek_chain", PLAIN },
	{ "vek_hwid_equals_chip_id", "vek_hwid_equals_chip_id", PLAIN },
	{ "attestation_key_signature", "attestation_key_signature", PLAIN },
	{ "qe_report_binds_ak", "qe_report_binds_ak", PLAIN },
	{ "qe_report_signature_by_pck", "qe_report_signature_by_pck", PLAIN },
	{ "pck_chain", "pck_chain", PLAIN },
	{ "tcb_info_signature", "tcb_info_signature", PLAIN },
	{ "qe_identity_signature", "qe_identity_signature", PLAIN },
	{ "collateral_signatures", "collateral_signatures", PLAIN },
	{ "pck_revoked", "pck_revoked", NEGATED },
	{ "quote_signature", "quote_signature", PLAIN },
	{ "pcr_digest", "pcr_digest", PLAIN },
	{ "ccel_replay_matches_rtmr0_1_2", "ccel_replay", PLAIN },
	{ "quote_signatures", "quote_signature", PLAIN },
	{ "hw_report_signature", "report_signature", PLAIN },
	{ "hw_report_signature", "attestation_key_signature", PLAIN },
	{ "snp_signature", "report_signature", PLAIN },
	{ "hw_report_data_binds_var_data", "hw_report_data_binds_var_data", PLAIN },
	{ "var_data_hash", "hw_report_data_binds_var_data", PLAIN },
	{ "tpm_quote_signature_by_HCLAkPub", "quote_signature", PLAIN },
	{ "tpm_quote", "quote_signature", PLAIN }, { "aik_key_equals_HCLAkPub", "aik", PLAIN },
	{ "event_log_replay", "event_log", HOLDS },
	{ "ak_cert_key_equals_ak", "ak", PLAIN },
	{ "platform_signature", "platform_signature", PLAIN },
	{ "realm_signature", "realm_signature", PLAIN },
	{ "rak_binding", "rak_binding", HOLDS },
	{ "report_signature_by_pek", "report_signature", PLAIN },
	{ "pek_chain", "pek_chain", PLAIN },
	{ "signature", "report_signature", PLAIN },
	{ "all_signatures", "report_signature", PLAIN },
	{ "chain", "device_chain", PLAIN },
	{ "all_chains", "device_chain", PLAIN },
	{ "fwid_in_leaf", "fwid", PLAIN },
	{ "xmldsig", "rim_signature", PLAIN },
	{ "nonce", "report_data", HOLDS },
};
static const char *const not_judged[] = { "note", "stage", "rule", "reason", "kind", "upstream_trustee_verdict",
	"ak_cert_issuer", "vbios_rim" };

struct look { const struct ev_out *o; const struct json *values, *claims; };

static const struct ev_check *check_of(const struct ev_out *o, const char *id)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->check[i].id, id) == 0)
			return &o->check[i];
	return NULL;
}

static struct span first_word(struct span s)
{
	return (struct span){ s.p, span_find(s, ' ') };
}

/* "valid...", "match...", true hold; "invalid...", "no ...", false do not, "needs ..." for lack of collateral; other words are what
 * the check found. */
static bool check_agrees(const struct ev_check *c, const struct json *want, enum sense sense)
{
	struct span s = json_str(want);
	bool b;

	if (sense == HOLDS)
		return c->holds;
	if (json_bool(want, &b))
		return c->holds == (b != (sense == NEGATED));
	if (span_starts(s, "valid") || span_starts(s, "match"))
		return c->holds;
	if (span_starts(s, "invalid"))
		return !c->holds;
	if (span_starts(s, "needs"))
		return !c->holds && c->otherwise == VERDICT_COLLATERAL;
	return c->holds && span_eq_str(first_word(s), c->found);
}

static bool json_eq(const struct json *a, const struct json *b);

static bool object_eq(const struct json *want, const struct json *got)
{
	for (size_t i = 0; i < json_len(want); i++)
		if (!json_eq(json_at(want, i), json_getn(got, json_name(want, i))))
			return false;
	return json_type(got) == JSON_OBJECT;
}

static bool list_eq(const struct json *want, const struct json *got)
{
	for (size_t i = 0; i < json_len(want); i++)
		if (!json_eq(json_at(want, i), json_at(got, i)))
			return false;
	return json_type(got) == JSON_ARRAY && json_len(want) == json_len(got);
}

/* Bytes that are text may be written as text. */
static bool is_hex_of(struct span hex, struct span text)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);

	hex_write(&w, text);
	return text.n > 0 && wr_ok(&w) && span_eq(wr_span(&w), hex);
}

/* The value, then a remark: "26d7c75d (...)", "0x45 => ...". */
static bool is_with_remark(struct span want, struct span got)
{
	struct span rest = span_skip(want, got.n);

	return got.n > 0 && span_eq(first_word(want), got) && (span_starts(rest, " (") || span_starts(rest, " => "));
}

/* Members that are wanted must be there and equal; there may be more. */
static bool json_eq(const struct json *want, const struct json *got) /* NOLINT(misc-no-recursion): JSON_DEPTH_MAX */
{
	CLEANUP(wr_close) struct wr a = wr_open(TEXT_MAX), b = wr_open(TEXT_MAX);
	struct json_wr ja = jw_open(&a, false), jb = jw_open(&b, false);

	if (!got)
		return false;
	if (json_type(want) == JSON_OBJECT)
		return object_eq(want, got);
	if (json_type(want) == JSON_ARRAY)
		return list_eq(want, got);
	jw_value(&ja, want);
	jw_value(&jb, got);
	return span_eq(wr_span(&a), wr_span(&b)) || is_hex_of(json_str(got), json_str(want)) ||
	       is_with_remark(json_str(want), json_str(got));
}

static bool listed(const char *const *list, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq_str(name, list[i]))
			return true;
	return false;
}

static enum case_result verdict_agrees(const struct look *l, struct span want)
{
	if (span_starts(want, "reject"))
		return l->o->verdict != VERDICT_VALID ? CASE_PASSED : CASE_FAILED;
	if (span_starts(want, "computed"))
		return l->o->verdict == VERDICT_VALID && l->o->n > 0 ? CASE_PASSED : CASE_FAILED;
	return CASE_SKIPPED;
}

/* A value of the parser, by the same name; words only up to the first blank. */
static enum case_result value_agrees(const struct look *l, struct span name, const struct json *want)
{
	const struct json *got = json_getn(l->values, name);
	struct span s = json_str(want);

	if (span_eq_str(name, "advisories"))
		got = json_get(l->claims, "advisory_ids");
	if (span_eq_str(name, "platform_tcb") && span_starts(s, "no matching")) {
		const struct ev_check *c = check_of(l->o, "platform_tcb");

		return c && !c->holds ? CASE_PASSED : CASE_FAILED;
	}
	if (span_eq_str(name, "rtmr3_zero"))
		return span_starts(json_str(json_get(l->values, "rtmr3")), "000000") ? CASE_PASSED : CASE_FAILED;
	if (!got)
		return CASE_SKIPPED;
	if (json_type(want) == JSON_STRING)
		return span_eq(first_word(s), first_word(json_str(got))) ? CASE_PASSED : CASE_FAILED;
	return json_eq(want, got) ? CASE_PASSED : CASE_FAILED;
}

static enum case_result one(const struct look *l, struct span name, const struct json *want)
{
	const struct ev_check *c;
	bool known = false;

	if (listed(not_judged, sizeof(not_judged) / sizeof(not_judged[0]), name))
		return CASE_PASSED;
	if (span_eq_str(name, "all_checks"))
		return l->o->verdict == VERDICT_VALID ? CASE_PASSED : CASE_FAILED;
	if (span_eq_str(name, "verdict"))
		return verdict_agrees(l, json_str(want));
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (!span_eq_str(name, checks[i].name))
			continue;
		known = true;
		c = check_of(l->o, checks[i].check);
		if (c)
			return check_agrees(c, want, checks[i].sense) ? CASE_PASSED : CASE_FAILED;
	}
	if (known)
		return CASE_FAILED;
	return value_agrees(l, name, want);
}

static enum case_result members(const struct look *l, const struct json *wants, const struct json *in, char *why, size_t n)
{
	for (size_t i = 0; i < json_len(wants); i++) {
		struct span name = json_name(wants, i);
		enum case_result r = in ? (json_eq(json_at(wants, i), json_getn(in, name)) ? CASE_PASSED
					      : json_getn(in, name)			   ? CASE_FAILED
											   : CASE_SKIPPED)
					: one(l, name, json_at(wants, i));

		if (r == CASE_PASSED)
			continue;
		(void)snprintf(why, n, "%s: %.*s", r == CASE_SKIPPED ? "an expectation that is not known" : "differs",
		    (int)name.n, (const char *)name.p);
		return r;
	}
	return CASE_PASSED;
}

enum case_result case_expect(struct case_run *r, const struct ev_out *o)
{
	CLEANUP(json_freep) struct json_doc *values = NULL, *claims = NULL;
	struct look l = { .o = o };
	struct err e = { 0 };
	enum case_result res;

	if (o->values.n > 0 && json_parse(wr_span(&o->values), TEXT_MAX, &values, &e) == COFFER_OK)
		l.values = json_root(values);
	if (o->claims.n > 0 && json_parse(wr_span(&o->claims), TEXT_MAX, &claims, &e) == COFFER_OK)
		l.claims = json_root(claims);
	res = members(&l, json_get(r->c, "expect"), NULL, r->why, sizeof(r->why));
	if (res == CASE_PASSED && json_get(r->c, "values"))
		res = members(&l, json_get(r->c, "values"), l.values, r->why, sizeof(r->why));
	if (res == CASE_PASSED && json_get(r->c, "trustee_claims"))
		res = members(&l, json_get(r->c, "trustee_claims"), l.claims, r->why, sizeof(r->why));
	return res;
}
