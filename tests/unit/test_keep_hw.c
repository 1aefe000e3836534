/* keep with evidence of hardware: made on the spot, rooted in the genesis; and an eval that lies. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/references.h"
#include "cofferd/keep/token.h"
#include "decide/shown.h"
#include "evidence/evidence.h"
#include "fmt/enc.h"
#include "proto/eval.h"
#include "tests/ccakit.h"
#include "tests/rig.h"
#include "tests/t.h"

#define DENIED(call, k, id) ((call) == COFFER_E_DENIED && strcmp((k).no.check, id) == 0)

static void rig_open(struct rig *r)
{
	struct kit_hw hw = { .tee = TEE_SNP, .vendor = "amd", .root_name = "SEV-Milan", .make = rig_make, .arg = &r->snp };

	snpkit_open(&r->snp, &snpkit_good);
	hw.root = cert_bytes(r->snp.col.roots.c[0]);
	kit_open_hw(&r->k, &hw);
	kit_deploy(&r->k);
}

static const struct session *session(struct rig *r)
{
	return session_get(r->k.keep.sessions, r->k.session, r->k.now);
}

static void hardware_is_read_by_keep_itself(void)
{
	struct rig r;
	struct span facts, claims;
	struct hw_facts f;
	struct err e = { 0 };

	rig_open(&r);
	CHECK(rig_attest(&r) == COFFER_OK && session(&r) && session(&r)->a.genuine);
	CHECK(session_read_note(session(&r), &facts, &claims) && facts_read(facts, &f, &e) == COFFER_OK);
	CHECK(strcmp(f.platform, "snp") == 0 && strcmp(f.product, "milan") == 0 && facts_reg(&f, "measurement") && f.chip_n == 64);
	CHECK(span_eq(SPAN(session(&r)->a.init_register), SPAN(r.k.initdata_sha)));
	rig_close(&r);
}

static void root_that_the_genesis_does_not_name_is_refused(void)
{
	struct rig r;
	struct snpkit other;

	rig_open(&r);
	snpkit_open(&other, &snpkit_good); /* the same names, other keys */
	r.k.hw.arg = &other;
	CHECK(DENIED(rig_attest(&r), r.k, "R2"));
	snpkit_close(&other);
	rig_close(&r);
}

static void evidence_of_another_platform_is_malformed(void)
{
	struct rig r;

	rig_open(&r);
	r.k.hw.tee = TEE_TDX;
	CHECK(rig_attest(&r) == COFFER_E_INPUT);
	r.k.hw.tee = TEE_SNP;
	CHECK(rig_attest(&r) == COFFER_OK);
	rig_close(&r);
}

static void no_eval_no_attestation(void)
{
	struct rig r;
	int fd;

	rig_open(&r);
	fd = r.k.keep.eval;
	r.k.keep.eval = -1;
	CHECK(rig_attest(&r) == COFFER_E_UPSTREAM);
	r.k.keep.eval = fd;
	rig_close(&r);
}

/* ---- a release on hardware, whole ---- */

static enum coffer_rc get(struct rig *r)
{
	return kit_get(&r->k, (struct kit_get){ 0 });
}

static void guest_that_boots_what_was_approved_gets_the_secret(void)
{
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX);
	struct rig r;
	uint8_t id[32];

	rig_deploy(&r, RIG_REFERENCES, true, id);
	CHECK(rig_attest(&r) == COFFER_OK);
	wr_put(&token, wr_span(&r.k.answer));
	CHECK(get(&r) == COFFER_OK && kit_opens_to(&r.k, false, "good morning"));
	CHECK(kit_get(&r.k, (struct kit_get){ .plain = true, .token = wr_span(&token) }) == COFFER_E_DENIED); /* not every container may */
	CHECK(rig_tcb(&r, KIT_HOSPITAL, 24) == COFFER_OK && get(&r) == COFFER_OK); /* the least is just met */
	rig_close(&r);
}

static void token_stands_for_the_hardware_that_it_was_made_of(void)
{
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX);
	struct rig r;
	uint8_t id[32];

	rig_deploy(&r, RIG_REFERENCES, true, id);
	CHECK(rig_attest(&r) == COFFER_OK);
	wr_put(&token, wr_span(&r.k.answer));
	CHECK(kit_get(&r.k, (struct kit_get){ .token = wr_span(&token) }) == COFFER_OK);
	CHECK(kit_revoke(&r.k, KIT_ACME, id) == COFFER_OK);
	CHECK(DENIED(kit_get(&r.k, (struct kit_get){ .token = wr_span(&token) }), r.k, "R11"));
	rig_close(&r);
}

static struct wr references(struct rig *r, const uint8_t *initdata, int64_t now)
{
	struct wr w = wr_open(EVAL_DOC_MAX);
	struct err e = { 0 };

	CHECK(registry_references(&r->k.keep.registry, initdata, now, &w, &e) == COFFER_OK);
	return w;
}

/* What was read in this very second counts for nothing else than the question that it answered. */
static void reference_values_that_were_read_go_with_the_statement(void)
{
	static const uint8_t other[32] = { 1 };
	struct rig r;
	uint8_t id[32];

	rig_deploy(&r, RIG_REFERENCES, true, id);
	{
		CLEANUP(wr_close) struct wr first = references(&r, r.k.initdata_sha, r.k.now), again = references(&r, r.k.initdata_sha, r.k.now);
		CLEANUP(wr_close) struct wr foreign = references(&r, other, r.k.now), late = references(&r, r.k.initdata_sha, r.k.now + 10 * 366 * INT64_C(86400));

		CHECK(first.n > 2 && span_eq(wr_span(&first), wr_span(&again)));
		CHECK(span_eq_str(wr_span(&foreign), "{}") && span_eq_str(wr_span(&late), "{}"));
	}
	CHECK(kit_revoke(&r.k, KIT_ACME, id) == COFFER_OK);
	{
		CLEANUP(wr_close) struct wr after = references(&r, r.k.initdata_sha, r.k.now);

		CHECK(span_eq_str(wr_span(&after), "{}"));
	}
	rig_close(&r);
}

static void each_demand_on_hardware_is_refused_by_its_name(void)
{
	struct rig r;
	uint8_t id[32];

	rig_deploy(&r, "", true, id); /* nobody gave reference values: genuine, but not affirming */
	CHECK(rig_attest(&r) == COFFER_OK && DENIED(get(&r), r.k, "R10") && strstr(r.k.no.reason, "ear.status"));
	rig_close(&r);

	rig_deploy(&r, RIG_REFERENCES, false, id);
	CHECK(rig_attest(&r) == COFFER_OK && DENIED(get(&r), r.k, "R5"));
	rig_close(&r);

	rig_deploy(&r, RIG_REFERENCES, true, id);
	r.snp.report[0x90] ^= 1; /* another launch, well signed */
	CHECK(rig_attest(&r) == COFFER_OK && DENIED(get(&r), r.k, "R5"));
	r.snp.report[0x90] ^= 1;
	r.snp.report[0x0a] |= 8; /* debug */
	CHECK(rig_attest(&r) == COFFER_OK && DENIED(get(&r), r.k, "R3"));
	r.snp.report[0x0a] &= (uint8_t)~8;
	CHECK(rig_attest(&r) == COFFER_OK && get(&r) == COFFER_OK);
	CHECK(rig_tcb(&r, KIT_ACME, 25) == COFFER_OK && DENIED(get(&r), r.k, "R4"));
	rig_close(&r);
}

/* ---- an eval that was broken into: whatever it changes in a valid answer, or makes of an invalid one ---- */

struct said { struct eval_evidence_rep r; struct wr report, facts, submods; };

static void resend(uint8_t *tag, struct wr *body, const struct eval_evidence_rep *r)
{
	struct wr w = wr_open(EVAL_REPLY_MAX);

	eval_evidence_rep_write(&w, r);
	wr_close(body);
	*body = w;
	*tag = VERDICT_VALID;
}

/* One byte of the report in another place. */
static void changes_report(uint8_t *tag, struct wr *body, size_t at)
{
	struct eval_evidence_rep r;
	struct err e = { 0 };
	uint8_t report[SNP_REPORT_LEN];

	if (*tag != VERDICT_VALID || eval_evidence_rep_read(wr_span(body), &r, &e) != COFFER_OK || r.report.n != sizeof(report))
		return;
	memcpy(report, r.report.p, sizeof(report));
	report[at] ^= 1;
	r.report = SPAN(report);
	resend(tag, body, &r);
}

static void lies_about_measurement(uint8_t *tag, struct wr *body) { changes_report(tag, body, 0x90); }
static void lies_about_report_data(uint8_t *tag, struct wr *body) { changes_report(tag, body, 0x50); }
static void lies_about_register(uint8_t *tag, struct wr *body) { changes_report(tag, body, 0xc0); }
static void lies_about_debug(uint8_t *tag, struct wr *body) { changes_report(tag, body, 0x0a); }
static void lies_about_firmware(uint8_t *tag, struct wr *body) { changes_report(tag, body, 0x1e6); }

/* Facts of its own choice beside the report: keep must not look at them. */
static void lies_in_facts(uint8_t *tag, struct wr *body)
{
	CLEANUP(wr_close) struct wr w = wr_open(FACTS_PACKED_MAX);
	struct hw_facts f = { .platform = "snp", .product = "genoa" };
	struct eval_evidence_rep r;
	struct err e = { 0 };

	if (*tag != VERDICT_VALID || eval_evidence_rep_read(wr_span(body), &r, &e) != COFFER_OK)
		return;
	(void)!facts_add_reg(&f, "measurement", SPAN(f.chip));
	facts_write(&w, &f);
	r.facts = wr_span(&w);
	resend(tag, body, &r);
}

/* Says valid to whatever it is. */
static void says_valid(uint8_t *tag, struct wr *body)
{
	struct eval_evidence_rep r = { .submods = span_of("{\"cpu0\":{\"ear.status\":\"affirming\"}}") };

	if (*tag > VERDICT_COLLATERAL)
		return;
	resend(tag, body, &r);
}

static void closes_the_claims(uint8_t *tag, struct wr *body)
{
	struct eval_evidence_rep r;
	struct err e = { 0 };

	if (*tag != VERDICT_VALID || eval_evidence_rep_read(wr_span(body), &r, &e) != COFFER_OK)
		return;
	r.submods = span_of("{}},\"exp\":99999999999,\"x\":{\"y\":{}");
	resend(tag, body, &r);
}

static void sends_garbage(uint8_t *tag, struct wr *body)
{
	wr_close(body);
	*body = wr_open(16);
	wr_str(body, "garbage");
	*tag = VERDICT_VALID;
}

static void lie_to(struct rig *r, kit_liar *lie)
{
	CLEANUP(closep) int honest = r->k.keep.eval;

	(void)honest;
	r->k.keep.eval = kit_eval_lying(lie);
}

static void lying_eval_is_not_a_release(void)
{
	static kit_liar *const lies[] = { lies_about_measurement, lies_about_report_data, lies_about_register, lies_about_debug,
		lies_about_firmware, closes_the_claims, says_valid };
	struct rig r;

	rig_open(&r);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		enum coffer_rc rc;

		lie_to(&r, lies[i]);
		rc = rig_attest(&r);
		CHECK(rc == COFFER_E_DENIED || rc == COFFER_E_INPUT);
		CHECK(!session(&r)); /* and the session is over */
	}
	lie_to(&r, sends_garbage);
	CHECK(rig_attest(&r) == COFFER_E_INPUT);
	rig_close(&r);
}

static void facts_that_eval_invents_are_not_looked_at(void)
{
	struct span facts, claims;
	struct hw_facts f;
	struct rig r;
	struct err e = { 0 };

	rig_open(&r);
	lie_to(&r, lies_in_facts);
	CHECK(rig_attest(&r) == COFFER_OK);
	CHECK(session_read_note(session(&r), &facts, &claims) && facts_read(facts, &f, &e) == COFFER_OK);
	CHECK(strcmp(f.product, "milan") == 0 && facts_reg(&f, "measurement")->v[0] == 0x3e);
	rig_close(&r);
}

static struct snpkit *forged; /* NOLINT: what the next liar vouches for */

static void vouches_for_a_forgery(uint8_t *tag, struct wr *body)
{
	struct eval_evidence_rep r = { .report = SPAN(forged->report), .path = { cert_bytes(forged->col.certs.c[0]) }, .n_path = 1,
		.submods = span_of("{\"cpu0\":{}}") };

	resend(tag, body, &r);
}

/* Signed well, by a key that no vendor signed. */
static void forged_report_that_eval_vouches_for_is_refused(void)
{
	struct snpkit other;
	struct rig r;

	rig_open(&r);
	snpkit_open(&other, &snpkit_good);
	r.k.hw.arg = &other;
	forged = &other;
	lie_to(&r, vouches_for_a_forgery);
	CHECK(DENIED(rig_attest(&r), r.k, "R2") && strstr(r.k.no.reason, "trusted root"));
	CHECK(!session(&r));
	snpkit_close(&other);
	rig_close(&r);
}

/* ---- below a paravisor ---- */

/* Facts as an honest child would tell them, and nothing that shows it: a broken child says the same every time it is asked. */
static void tells_facts_of_azure(uint8_t *tag, struct wr *body)
{
	CLEANUP(wr_close) struct wr w = wr_open(FACTS_PACKED_MAX);
	static const uint8_t value[48] = { 1 };
	struct hw_facts f = { .platform = "az-snp-vtpm", .product = "milan" };
	struct eval_evidence_rep r = { .submods = span_of("{\"cpu0\":{\"ear.status\":\"affirming\"}}"), .report_data = SPAN(value),
		.init_register = { value, 32 } };

	(void)!facts_add_reg(&f, "measurement", SPAN(value));
	facts_write(&w, &f);
	r.facts = wr_span(&w);
	resend(tag, body, &r);
}

static void words_about_a_paravisor_are_not_believed(void)
{
	struct rig r;

	rig_open(&r);
	r.k.hw.tee = TEE_AZ_SNP;
	lie_to(&r, tells_facts_of_azure);
	CHECK(rig_attest(&r) != COFFER_OK && strcmp(r.k.no.check, "R1") != 0 && strstr(r.k.no.reason, "hcl"));
	rig_close(&r);
}

/* ---- where no layout is fixed, two must agree ---- */

static void says_another_thing_each_time(uint8_t *tag, struct wr *body)
{
	CLEANUP(wr_close) struct wr w = wr_open(FACTS_PACKED_MAX);
	static uint8_t n;
	struct hw_facts f = { .platform = "cca" };
	struct eval_evidence_rep r = { .submods = span_of("{}"), .report_data = { &n, 1 } };

	n++;
	facts_write(&w, &f);
	r.facts = wr_span(&w);
	resend(tag, body, &r);
}

static void two_appraisals_that_differ_are_refused(void)
{
	struct rig r;

	rig_open(&r);
	r.k.hw.tee = TEE_CCA;
	lie_to(&r, says_another_thing_each_time);
	CHECK(DENIED(rig_attest(&r), r.k, "R2") && strstr(r.k.no.reason, "differ"));
	rig_close(&r);
}

/* A realm of this session, signed: challenge and personalization value set. */
static void make_cca(void *arg, struct span report_data, const uint8_t *reg, struct wr *json)
{
	CLEANUP(wr_close) struct wr token = wr_open(1u << 16);
	struct ccakit *c = arg;
	uint8_t challenge[64] = { 0 }, rpv[64] = { 0 };

	memcpy(challenge, report_data.p, report_data.n);
	if (reg)
		memcpy(rpv, reg, 32);
	cb_bytes(ccakit_set(&c->realm, 10), SPAN(challenge));
	cb_bytes(ccakit_set(&c->realm, 44235), SPAN(rpv));
	ccakit_token(c, &token);
	wr_str(json, "{\"token\":[");
	for (size_t i = 0; i < token.n; i++)
		wr_fmt(json, "%s%u", i ? "," : "", (unsigned)token.p[i]);
	wr_str(json, "]}");
}

/* A service whose founders named these anchors. */
static void open_realm(struct kit *k, struct ccakit *c, struct span anchors)
{
	struct kit_hw hw = { .tee = TEE_CCA, .platform = "cca", .vendor = "arm", .root_name = "lab", .root = anchors, .make = make_cca, .arg = c };

	kit_open_hw(k, &hw);
	kit_deploy(k);
}

static enum coffer_rc realm_attests(struct kit *k)
{
	enum coffer_rc rc = kit_begin(k);

	return rc == COFFER_OK ? kit_attest(k, (struct kit_evidence){ 0 }) : rc;
}

static void realm_is_taken_where_two_appraisals_agree_and_the_genesis_names_its_platform(void)
{
	const struct session *s;
	struct span facts, claims;
	struct appraisal a;
	struct hw_facts f;
	struct err e = { 0 };
	struct ccakit c;
	struct kit k;

	ccakit_open(&c, true);
	open_realm(&k, &c, wr_span(&c.store));
	CHECK(realm_attests(&k) == COFFER_OK);
	s = session_get(k.keep.sessions, k.session, k.now);
	CHECK(s != NULL);
	session_appraisal(s, &a);
	CHECK(a.genuine && strcmp(a.platform, "cca") == 0 && strcmp(a.why, "two appraisals agree") == 0);
	CHECK(session_read_note(s, &facts, &claims) && facts_read(facts, &f, &e) == COFFER_OK);
	CHECK(strcmp(f.platform, "cca") == 0 && facts_reg(&f, "initial_measurement") && f.chip_n == 33 && !f.debug);
	CHECK(s->a.has_register && span_eq(SPAN(s->a.init_register), SPAN(k.initdata_sha)));
	kit_free(&k);
	ccakit_close(&c);
}

/* A net that was broken into brings anchors of its own as collateral: nobody signed for those. */
static void anchors_that_come_as_files_are_no_anchors(void)
{
	struct ccakit c, theirs;
	struct kit k;
	struct rig r;

	ccakit_open(&c, true);
	ccakit_open(&theirs, true);
	rig_open(&r); /* its genesis names none */
	r.k.hw.tee = TEE_CCA;
	r.k.hw.make = make_cca;
	r.k.hw.arg = &theirs;
	CHECK(DENIED(rig_attest(&r), r.k, "R2") && strstr(r.k.no.reason, "collateral unavailable: trust_anchor"));
	r.k.hw.file = wr_span(&theirs.store);
	CHECK(DENIED(rig_attest(&r), r.k, "R2") && strstr(r.k.no.reason, "collateral unavailable: trust_anchor"));
	rig_close(&r);
	open_realm(&k, &theirs, wr_span(&c.store)); /* the same ids, another key */
	k.hw.file = wr_span(&theirs.store);
	CHECK(DENIED(realm_attests(&k), k, "R2") && strstr(k.no.reason, "platform_signature"));
	kit_free(&k);
	ccakit_close(&theirs);
	ccakit_close(&c);
}

/* ---- collateral ---- */

static void wants_collateral(uint8_t *tag, struct wr *body)
{
	struct eval_evidence_rep r = { .check = span_of("vek"), .needs = span_of("amd/vcek/x") };

	resend(tag, body, &r);
	*tag = VERDICT_COLLATERAL;
}

static void collateral_is_asked_for_once_and_then_refused(void)
{
	struct rig r;

	rig_open(&r);
	lie_to(&r, wants_collateral);
	CHECK(rig_attest(&r) == COFFER_OK && span_eq_str(wr_span(&r.k.answer), "amd/vcek/x"));
	CHECK(session(&r) && !session(&r)->a.attested);
	CHECK(DENIED(kit_attest(&r.k, (struct kit_evidence){ 0 }), r.k, "R2") && strstr(r.k.no.reason, "collateral unavailable"));
	CHECK(!session(&r));
	rig_close(&r);
}

static void collateral_that_is_wanting_is_named_once(void)
{
	const struct eval_evidence_rep r = { .check = span_of("collateral"), .expected = span_of("TCB info"), .found = span_of("none") };
	const struct eval_evidence_rep other = { .check = span_of("vek"), .expected = span_of("a VCEK"), .found = span_of("none") };
	struct err e = { 0 };

	CHECK(shown_refused(VERDICT_COLLATERAL, &r, &e) == COFFER_E_DENIED && strncmp(e.msg, "collateral unavailable: expected TCB info, found none;", 54) == 0);
	CHECK(shown_refused(VERDICT_COLLATERAL, &other, &e) == COFFER_E_DENIED && strncmp(e.msg, "collateral unavailable: vek: expected a VCEK,", 44) == 0);
}

/* ---- sizes ---- */

/* TOML with one more file of n bytes; its digest is what the register holds. */
static void grow_initdata(struct kit *k, size_t n)
{
	CLEANUP(wr_close) struct wr was = k->initdata;

	k->initdata = wr_open(was.n + n + 64);
	wr_put(&k->initdata, wr_span(&was));
	wr_str(&k->initdata, "\nmore = '");
	for (size_t i = 0; i < n; i++)
		wr_u8(&k->initdata, 'x');
	wr_str(&k->initdata, "'\n");
	sha256(wr_span(&k->initdata), k->initdata_sha);
}

/* A token with all of it fits, up to where only the digest is shown; both ways of a request take that token. */
static void large_initdata_is_attested(void)
{
	static const size_t sizes[] = { 20u << 10, 46u << 10, 120u << 10, 900u << 10 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX);
		struct span facts, claims;
		struct rig r;

		rig_open(&r);
		grow_initdata(&r.k, sizes[i]);
		CHECK(rig_attest(&r) == COFFER_OK && session(&r) && session_read_note(session(&r), &facts, &claims));
		CHECK((claims.n > sizes[i]) == (sizes[i] < 48u << 10));
		wr_put(&token, wr_span(&r.k.answer));
		CHECK(DENIED(kit_get(&r.k, (struct kit_get){ .plain = true, .token = wr_span(&token) }), r.k, "policy")); /* not "token" */
		rig_close(&r);
	}
}

/* ---- notes ---- */

static void notes_are_bounded_and_the_oldest_are_forgotten(void)
{
	struct sessions *t = NULL;
	struct err e = { 0 };
	struct span facts, claims;
	CLEANUP(freep) uint8_t *big = calloc(1, 100000);
	uint8_t first[16], last[16];
	size_t n = NOTES_BYTES_MAX / 100000 + 5;

	CHECK(big && sessions_new(1000, &t, &e) == COFFER_OK);
	for (size_t i = 0; i < n; i++) {
		struct session *s = session_add(t, TEE_SNP, 100);

		session_attested(t, s);
		CHECK(session_note(t, s, (struct span){ big, 10 }, (struct span){ big, 100000 - 14 }, &e) == COFFER_OK);
		memcpy(i == 0 ? first : last, s->id, 16);
		CHECK(sessions_notes(t) <= NOTES_BYTES_MAX);
	}
	CHECK(session_get(t, first, 101) && !session_read_note(session_get(t, first, 101), &facts, &claims));
	CHECK(session_read_note(session_get(t, last, 101), &facts, &claims) && facts.n == 10 && claims.n == 100000 - 14);
	sessions_free(t);
}

int main(void)
{
	static const struct t_case cases[] = { T(hardware_is_read_by_keep_itself), T(root_that_the_genesis_does_not_name_is_refused),
		T(evidence_of_another_platform_is_malformed), T(no_eval_no_attestation),
		T(guest_that_boots_what_was_approved_gets_the_secret), T(token_stands_for_the_hardware_that_it_was_made_of), T(reference_values_that_were_read_go_with_the_statement),
		T(each_demand_on_hardware_is_refused_by_its_name), T(lying_eval_is_not_a_release),
		T(facts_that_eval_invents_are_not_looked_at), T(forged_report_that_eval_vouches_for_is_refused),
		T(words_about_a_paravisor_are_not_believed), T(large_initdata_is_attested), T(two_appraisals_that_differ_are_refused), T(collateral_is_asked_for_once_and_then_refused), T(collateral_that_is_wanting_is_named_once),
		T(realm_is_taken_where_two_appraisals_agree_and_the_genesis_names_its_platform), T(anchors_that_come_as_files_are_no_anchors),
		T(notes_are_bounded_and_the_oldest_are_forgotten) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
