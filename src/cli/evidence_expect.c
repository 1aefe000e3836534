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
/* Words for people, by design; and what is known and judged by nobody here, which is told. */
static const char *const not_judged[] = { "note", "stage", "rule", "reason", "kind", "upstream_trustee_verdict", NULL };
static const char *const left_out[] = { "ak_cert_issuer", "vbios_rim", NULL };
/* Members of a case. */
static const char *const case_judged[] = { "id", "tee", "kind", "files", "anchors", "now", "mutate", "expect", "values", "trustee_claims",
	"expected_report_data", "expected_init_data", "note", NULL };
static const char *const case_left_out[] = { "pck", "qe", "raw", "vek_validity", NULL };

struct look {
	struct case_run   *r;
	const struct ev_out *o;
	const struct json *values, *claims;
	enum case_result   res; /* the worst so far: a failure, then a skip; the first of them gave r->why */
	size_t             judged;
};

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

	if (json_bool(want, &b))
		return c->holds == (b != (sense == NEGATED));
	if (span_starts(s, "valid") || span_starts(s, "match"))
		return c->holds;
	if (span_starts(s, "invalid"))
		return !c->holds;
	if (span_starts(s, "needs"))
		return !c->holds && c->otherwise == VERDICT_COLLATERAL;
	if (sense == HOLDS)
		return c->holds && s.n > 0;
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

static bool listed(const char *const *list, struct span name)
{
	for (; *list; list++)
		if (span_eq_str(name, *list))
			return true;
	return false;
}

/* Named once, as far as there is room. */
static void leave_out(struct case_run *r, struct span name)
{
	size_t n = strlen(r->left);

	(void)snprintf(r->left + n, sizeof(r->left) - n, "%s%.*s", n > 0 ? ", " : "", (int)name.n, (const char *)name.p);
}

static void tell(struct look *l, enum case_result res, struct span name)
{
	if (res == CASE_PASSED)
		l->judged++;
	if (res == CASE_PASSED || l->res == CASE_FAILED || l->res == res)
		return;
	l->res = res;
	(void)snprintf(l->r->why, sizeof(l->r->why), "%s: %.*s", res == CASE_SKIPPED ? "an expectation that is not known" : "differs", (int)name.n,
	    (const char *)name.p);
}

static enum case_result verdict_agrees(const struct look *l, struct span want)
{
	if (span_starts(want, "reject"))
		return l->o->verdict != VERDICT_VALID ? CASE_PASSED : CASE_FAILED;
	if (span_starts(want, "computed"))
		return l->o->verdict == VERDICT_VALID && l->o->n > 0 ? CASE_PASSED : CASE_FAILED;
	return CASE_SKIPPED;
}

/* Every digit; a register that was not read is none. */
static enum case_result zero_agrees(struct span hex, const struct json *want)
{
	bool wanted, zero = true;

	if (hex.n == 0 || !json_bool(want, &wanted))
		return CASE_SKIPPED;
	for (size_t i = 0; i < hex.n; i++)
		zero = zero && hex.p[i] == '0';
	return zero == wanted ? CASE_PASSED : CASE_FAILED;
}

static enum case_result all_agrees(const struct look *l, const struct json *want)
{
	bool wanted = span_starts(json_str(want), "valid");

	if (!json_bool(want, &wanted) && !wanted && !span_starts(json_str(want), "invalid"))
		return CASE_SKIPPED;
	return (l->o->verdict == VERDICT_VALID) == wanted ? CASE_PASSED : CASE_FAILED;
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
		return zero_agrees(json_str(json_get(l->values, "rtmr3")), want);
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

	if (span_eq_str(name, "all_checks"))
		return all_agrees(l, want);
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

static void expectations(struct look *l, const struct json *wants)
{
	for (size_t i = 0; i < json_len(wants); i++) {
		struct span name = json_name(wants, i);

		if (listed(left_out, name))
			leave_out(l->r, name);
		else if (!listed(not_judged, name))
			tell(l, one(l, name, json_at(wants, i)), name);
	}
}

static void values(struct look *l, const struct json *wants, const struct json *in)
{
	for (size_t i = 0; i < json_len(wants); i++) {
		struct span name = json_name(wants, i);
		const struct json *got = json_getn(in, name);

		tell(l, !got ? CASE_SKIPPED : json_eq(json_at(wants, i), got) ? CASE_PASSED : CASE_FAILED, name);
	}
}

/* The checks that judge a binding, whatever platform. None in the trace: what was judged is bound to nothing. */
static enum case_result bound(const struct ev_out *o, const char *const *ids)
{
	enum case_result res = CASE_SKIPPED;

	for (; *ids; ids++) {
		const struct ev_check *c = check_of(o, *ids);

		if (c && !c->holds)
			return CASE_FAILED;
		res = c ? CASE_PASSED : res;
	}
	return res;
}

/* A binding that is demanded must hold, but where the case expects a refusal, or says itself how its nonce is. */
static void bindings(struct look *l)
{
	static const char *const data[] = { "report_data", "user_data", NULL }, *const init[] = { "init_data_quoted", "init_data", NULL };
	const struct json *expect = json_get(l->r->c, "expect");

	if (span_starts(json_str(json_get(expect, "verdict")), "reject"))
		return;
	if (json_get(l->r->c, "expected_report_data") && !json_get(expect, "nonce"))
		tell(l, bound(l->o, data), span_of("expected_report_data"));
	if (json_get(l->r->c, "expected_init_data"))
		tell(l, bound(l->o, init), span_of("expected_init_data"));
}

enum case_result case_expect(struct case_run *r, const struct ev_out *o)
{
	CLEANUP(json_freep) struct json_doc *read = NULL, *claims = NULL;
	struct look l = { .r = r, .o = o, .res = CASE_PASSED };
	struct err e = { 0 };

	if (o->values.n > 0 && json_parse(wr_span(&o->values), TEXT_MAX, &read, &e) == COFFER_OK)
		l.values = json_root(read);
	if (o->claims.n > 0 && json_parse(wr_span(&o->claims), TEXT_MAX, &claims, &e) == COFFER_OK)
		l.claims = json_root(claims);
	expectations(&l, json_get(r->c, "expect"));
	values(&l, json_get(r->c, "values"), l.values);
	values(&l, json_get(r->c, "trustee_claims"), l.claims);
	bindings(&l);
	if (l.res == CASE_PASSED && l.judged == 0) {
		(void)snprintf(r->why, sizeof(r->why), "nothing is left to judge");
		return CASE_SKIPPED;
	}
	return l.res;
}

enum case_result case_expect_refusal(struct case_run *r)
{
	static const char *const others[] = { "values", "trustee_claims", NULL };
	const struct json *wants = json_get(r->c, "expect");
	struct look l = { .r = r, .res = CASE_PASSED };

	for (size_t i = 0; i < json_len(wants); i++) {
		struct span name = json_name(wants, i);
		bool refusal = span_eq_str(name, "verdict") && span_starts(json_str(json_at(wants, i)), "reject");

		if (listed(left_out, name))
			leave_out(r, name);
		else if (!refusal && !listed(not_judged, name))
			tell(&l, CASE_SKIPPED, name);
	}
	for (const char *const *o = others; *o; o++)
		if (json_get(r->c, *o))
			tell(&l, CASE_SKIPPED, span_of(*o));
	return l.res;
}

enum case_result case_members(struct case_run *r)
{
	for (size_t i = 0; i < json_len(r->c); i++) {
		struct span name = json_name(r->c, i);

		if (listed(case_left_out, name))
			leave_out(r, name);
		else if (!listed(case_judged, name)) {
			(void)snprintf(r->why, sizeof(r->why), "a member that is not known: %.*s", (int)name.n, (const char *)name.p);
			return CASE_SKIPPED;
		}
	}
	return CASE_PASSED;
}
