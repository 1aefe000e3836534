/* keep and the credential of a TPM: who gets one, what must be shown, and an eval that lies about both. tests/e2e/test_service_tpm.py asks
 * a TPM. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/amend.h"
#include "evidence/evidence.h"
#include "evidence/tpm_quote.h"
#include "proto/eval.h"
#include "tests/keepkit.h"
#include "tests/t.h"
#include "tests/tpmguest.h"

#define DENIED(call, k, words) ((call) == COFFER_E_DENIED && strcmp((k).no.check, "R2") == 0 && strstr((k).no.reason, words))

struct rig { struct kit k; struct tpmguest tpm; };

static void rig_open(struct rig *r, enum tee_kind tee)
{
	struct kit_hw hw = { .tee = tee, .vendor = "tpm", .root_name = "Maker", .make = tpmguest_evidence, .arg = &r->tpm, .challenged = tpmguest_challenged };

	tpmguest_open(&r->tpm);
	hw.root = wr_span(&r->tpm.root);
	hw.tpm = tpmguest_request(&r->tpm);
	kit_open_hw(&r->k, &hw);
	kit_deploy(&r->k);
}

static void rig_close(struct rig *r)
{
	kit_free(&r->k);
	tpmguest_close(&r->tpm);
}

static enum coffer_rc show(struct rig *r)
{
	return kit_attest(&r->k, (struct kit_evidence){ 0 });
}

static const struct session *session(struct rig *r)
{
	return session_get(r->k.keep.sessions, r->k.session, r->k.now);
}

/* The decision asks whether the asset goes by a genesis that names it. */
static bool led_to_the_named_root(struct rig *r)
{
	const struct genesis *g = r->k.keep.registry.parties.founded;

	return genesis_names_root(g, "swtpm", session(r)->a.root) && !genesis_names_root(g, "snp", session(r)->a.root); /* for its vendor alone */
}

static void tpm_that_opened_its_credential_is_genuine_without_a_certificate_of_its_ak(void)
{
	struct rig r;

	rig_open(&r, TEE_TPM);
	CHECK(kit_begin(&r.k) == COFFER_OK && r.tpm.shown.n == 32);
	CHECK(show(&r) == COFFER_OK && session(&r) && session(&r)->a.genuine && led_to_the_named_root(&r));
	CHECK(show(&r) == COFFER_E_DENIED); /* one evidence a session */
	r.k.hw.tpm = (struct keep_tpm){ 0 };
	CHECK(kit_begin(&r.k) == COFFER_OK && r.tpm.credential.n == 0);
	CHECK(DENIED(show(&r), r.k, "ak:"));
	r.tpm.with_ak_cert = true; /* the other way */
	CHECK(kit_begin(&r.k) == COFFER_OK && show(&r) == COFFER_OK && session(&r)->a.genuine && led_to_the_named_root(&r));
	rig_close(&r);
}

/* The host edits the initdata on its way into the guest, whose agent extends register 8 with what it got; or shows other than that. */
static void initdata_that_register_8_does_not_hold_is_refused(void)
{
	static const enum tee_kind kinds[] = { TEE_TPM, TEE_SWTPM };

	for (size_t i = 0; i < 2; i++) {
		struct rig r;

		rig_open(&r, kinds[i]);
		CHECK(kit_begin(&r.k) == COFFER_OK);
		CHECK(kit_attest(&r.k, (struct kit_evidence){ .unbound_initdata = true }) == COFFER_E_DENIED && strcmp(r.k.no.check, "R6") == 0);
		CHECK(kit_begin(&r.k) == COFFER_OK);
		CHECK(kit_attest(&r.k, (struct kit_evidence){ .no_register = true }) == COFFER_E_DENIED && strcmp(r.k.no.check, "R6") == 0);
		CHECK(kit_begin(&r.k) == COFFER_OK && show(&r) == COFFER_OK);
		rig_close(&r);
	}
}

static enum coffer_rc begin_with(struct tpmguest *tpm, struct span root, const char *name, struct span chain)
{
	struct rig r = { .tpm = *tpm };
	struct kit_hw hw = { .tee = TEE_TPM, .vendor = "tpm", .root_name = name, .root = root, .make = tpmguest_evidence, .arg = &r.tpm,
		.challenged = tpmguest_challenged };
	enum coffer_rc rc;

	hw.tpm = tpmguest_request(&r.tpm);
	hw.tpm.n_chain = chain.n > 0;
	hw.tpm.chain[0] = chain;
	kit_open_hw(&r.k, &hw);
	kit_deploy(&r.k);
	rc = kit_begin(&r.k);
	if (rc == COFFER_OK)
		rc = show(&r);
	CHECK(rc != COFFER_OK || session(&r)->a.genuine);
	kit_free(&r.k);
	*tpm = r.tpm;
	return rc;
}

/* A founder may name the maker's own CA, or who is above it when the guest brings the maker's. */
static void certificates_between_a_named_root_and_the_tpm_are_walked_alike_by_both(void)
{
	struct tpmguest tpm;

	tpmguest_open_below(&tpm);
	CHECK(begin_with(&tpm, wr_span(&tpm.root), "Maker", (struct span){ 0 }) == COFFER_OK);
	CHECK(begin_with(&tpm, wr_span(&tpm.top), "Top", wr_span(&tpm.root)) == COFFER_OK);
	CHECK(begin_with(&tpm, wr_span(&tpm.top), "Top", (struct span){ 0 }) == COFFER_E_DENIED);
	tpmguest_close(&tpm);
}

static void credential_once_asked_for_is_the_only_way(void)
{
	static const enum tee_kind tees[] = { TEE_TPM, TEE_SWTPM };

	for (size_t i = 0; i < 2; i++) {
		struct rig r;

		rig_open(&r, tees[i]);
		r.tpm.with_ak_cert = true;
		CHECK(kit_begin(&r.k) == COFFER_OK && show(&r) == COFFER_OK && session(&r)->a.genuine == (tees[i] == TEE_TPM));
		CHECK(kit_begin(&r.k) == COFFER_OK);
		r.tpm.shown.p[31] ^= 1;
		CHECK(DENIED(show(&r), r.k, "what was shown") && !session(&r));
		CHECK(kit_begin(&r.k) == COFFER_OK);
		r.tpm.shown.n = 31;
		CHECK(DENIED(show(&r), r.k, "what was shown") && !session(&r));
		CHECK(kit_begin(&r.k) == COFFER_OK);
		r.tpm.shown.n = 0;
		CHECK(DENIED(show(&r), r.k, "no secret") && !session(&r));
		CHECK(kit_begin(&r.k) == COFFER_OK);
		tpmguest_ak(&r.tpm); /* the quote is by another */
		CHECK(DENIED(show(&r), r.k, "another key") && !session(&r));
		rig_close(&r);
	}
}

static void secret_of_another_session_is_not_this_one_s(void)
{
	CLEANUP(wr_close) struct wr old = wr_open(64);
	struct rig r;

	rig_open(&r, TEE_TPM);
	CHECK(kit_begin(&r.k) == COFFER_OK);
	wr_put(&old, wr_span(&r.tpm.shown));
	CHECK(kit_begin(&r.k) == COFFER_OK && old.n == 32 && !span_eq(wr_span(&old), wr_span(&r.tpm.shown)));
	r.tpm.shown.n = 0;
	wr_put(&r.tpm.shown, wr_span(&old));
	CHECK(DENIED(show(&r), r.k, "what was shown") && !session(&r));
	rig_close(&r);
}

static void key_or_certificate_that_may_not_gets_no_session(void)
{
	struct tpmguest other;
	struct rig r;
	size_t before;

	rig_open(&r, TEE_TPM);
	tpmguest_open(&other);
	before = sessions_count(r.k.keep.sessions);
	r.k.hw.tpm.ek_cert = wr_span(&other.ek_cert);
	CHECK(DENIED(kit_begin(&r.k), r.k, "chain"));
	r.k.hw.tpm.ek_cert = wr_span(&r.tpm.ak_cert);
	CHECK(DENIED(kit_begin(&r.k), r.k, "endorsement key"));
	r.k.hw.tpm.ek_cert = span_of("no certificate");
	CHECK(DENIED(kit_begin(&r.k), r.k, "could not be judged"));
	r.k.hw.tpm.ek_cert = wr_span(&r.tpm.ek_cert);
	r.k.hw.tpm.ak_public = span_of("no public area");
	CHECK(kit_begin(&r.k) == COFFER_E_INPUT);
	r.tpm.attributes &= ~TPM_RESTRICTED; /* it would sign any quote that somebody makes up */
	tpmguest_ak(&r.tpm);
	r.k.hw.tpm.ak_public = wr_span(&r.tpm.ak_public);
	CHECK(kit_begin(&r.k) == COFFER_E_DENIED && strcmp(r.k.no.check, "ak") == 0);
	CHECK(sessions_count(r.k.keep.sessions) == before);
	tpmguest_close(&other);
	rig_close(&r);
}

/* ---- an eval that was broken into ---- */

static struct tpmguest *own, *foreign; /* NOLINT: whom the next liar vouches for; `foreign` asks */
static bool with_root;               /* NOLINT */

static void lie_to(struct rig *r, kit_liar *lie)
{
	closep(&r->k.keep.eval);
	r->k.keep.eval = kit_eval_lying(lie);
}

static void say(uint8_t *tag, struct wr *body, const struct eval_ek_rep *r)
{
	wr_close(body);
	*body = wr_open(EVAL_REPLY_MAX);
	eval_ek_rep_write(body, r);
	*tag = VERDICT_VALID;
}

static void vouches_for_the_foreign_ek(uint8_t *tag, struct wr *body)
{
	const struct eval_ek_rep r = { .path = { wr_span(&foreign->ek_cert), wr_span(with_root ? &own->root : &foreign->root) }, .n_path = 2 };

	say(tag, body, &r);
}

static void names_no_path(uint8_t *tag, struct wr *body)
{
	say(tag, body, &(struct eval_ek_rep){ 0 });
}

static void names_the_path_of_another(uint8_t *tag, struct wr *body)
{
	say(tag, body, &(struct eval_ek_rep){ .path = { wr_span(&own->ek_cert), wr_span(&own->root) }, .n_path = 2 });
}

static void names_a_key_for_another_use(uint8_t *tag, struct wr *body)
{
	say(tag, body, &(struct eval_ek_rep){ .path = { wr_span(&own->ak_cert), wr_span(&own->root) }, .n_path = 2 });
}

static void says_garbage(uint8_t *tag, struct wr *body)
{
	wr_close(body);
	*body = wr_open(16);
	wr_str(body, "garbage");
	*tag = VERDICT_VALID;
}

static void foreign_ek_that_eval_vouches_for_gets_no_credential(void)
{
	static const struct { kit_liar *lie; const char *words; bool root; } lies[] = { { vouches_for_the_foreign_ek, "trusted root", false },
		{ vouches_for_the_foreign_ek, "signature", true }, { names_no_path, "another EK", false }, { names_the_path_of_another, "another EK", false } };
	struct tpmguest other;
	struct rig r;

	rig_open(&r, TEE_TPM);
	tpmguest_open(&other);
	own = &r.tpm;
	foreign = &other;
	r.k.hw.tpm.ek_cert = wr_span(&other.ek_cert);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		with_root = lies[i].root;
		lie_to(&r, lies[i].lie);
		CHECK(DENIED(kit_begin(&r.k), r.k, lies[i].words));
	}
	r.k.hw.tpm.ek_cert = wr_span(&r.tpm.ak_cert);
	lie_to(&r, names_a_key_for_another_use);
	CHECK(DENIED(kit_begin(&r.k), r.k, "not for an endorsement key"));
	lie_to(&r, says_garbage);
	CHECK(kit_begin(&r.k) == COFFER_E_INPUT);
	CHECK(sessions_count(r.k.keep.sessions) == 0);
	tpmguest_close(&other);
	rig_close(&r);
}

/* ---- about what was shown ---- */

static struct span claimed; /* NOLINT: what the next liar says was activated */

static void claims_a_secret(uint8_t *tag, struct wr *body)
{
	struct wr w = wr_open(EVAL_REPLY_MAX);
	struct eval_evidence_rep r;
	struct err e = { 0 };

	if (*tag != VERDICT_VALID || eval_evidence_rep_read(wr_span(body), &r, &e) != COFFER_OK)
		return; /* the certificate: honest */
	r.activated = claimed;
	eval_evidence_rep_write(&w, &r);
	wr_close(body);
	*body = w;
}

/* The guest's TPM cannot open it, say, for the EK is another machine's; the quote is good. */
static void secret_that_eval_makes_up_is_refused(void)
{
	static const uint8_t zero[64], ones[] = { 255, 255, 255, 255 };
	const struct span lies[] = { { zero, 32 }, { zero, 64 }, { zero, 1 }, { NULL, 0 }, SPAN(ones) };
	struct rig r;

	rig_open(&r, TEE_TPM);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		claimed = lies[i];
		lie_to(&r, claims_a_secret);
		CHECK(kit_begin(&r.k) == COFFER_OK);
		CHECK(DENIED(show(&r), r.k, "what was shown") && !session(&r));
	}
	rig_close(&r);
}

static struct eval_evidence_rep kept; /* NOLINT: of an honest appraisal, in the liar's memory */
static struct wr kept_body;           /* NOLINT */

/* Valid answers as they are, the first once more for everything that is not: with another session's secret and quote. */
static void repeats_the_first(uint8_t *tag, struct wr *body)
{
	struct err e = { 0 };

	if (eval_evidence_rep_read(wr_span(body), &kept, &e) != COFFER_OK)
		return;
	if (*tag == VERDICT_VALID && kept_body.n == 0) {
		kept_body = wr_open(EVAL_REPLY_MAX);
		wr_put(&kept_body, wr_span(body));
		return;
	}
	wr_close(body);
	*body = wr_open(EVAL_REPLY_MAX);
	wr_put(body, wr_span(&kept_body));
	*tag = VERDICT_VALID;
}

static void answer_of_an_honest_session_does_not_serve_another(void)
{
	struct rig r;

	rig_open(&r, TEE_TPM);
	lie_to(&r, repeats_the_first);
	CHECK(kit_begin(&r.k) == COFFER_OK && show(&r) == COFFER_OK);
	CHECK(kit_begin(&r.k) == COFFER_OK);
	r.tpm.shown.n = 0;
	CHECK(DENIED(show(&r), r.k, "what was shown") && !session(&r));
	r.k.hw.tpm = (struct keep_tpm){ 0 }; /* without a credential nothing is vouched for */
	CHECK(kit_begin(&r.k) == COFFER_OK);
	CHECK(DENIED(show(&r), r.k, "no certificate") && !session(&r));
	rig_close(&r);
}

/* ---- a real TPM that opened its credential, and a quote by a key outside of it ---- */

static struct rig *now_of;      /* NOLINT */
static struct ev_out forged;    /* NOLINT: an honest appraisal of that quote, where nobody is asked for */

static void vouches_for_the_quote(uint8_t *tag, struct wr *body)
{
	struct eval_evidence_rep r = { .report = wr_span(&forged.parts.report), .signature = wr_span(&forged.parts.signature),
		.key = wr_span(&forged.parts.key), .registers = wr_span(&forged.parts.registers), .activated = wr_span(&forged.parts.activated),
		.submods = span_of("{\"cpu0\":{}}") };

	wr_close(body);
	*body = wr_open(EVAL_REPLY_MAX);
	eval_evidence_rep_write(body, &r);
	*tag = VERDICT_VALID;
}

static void make_and_lie(void *arg, struct span report_data, const uint8_t *init_register, struct wr *json)
{
	struct ev_in in = { .now = -1 };
	struct err e = { 0 };

	tpmguest_evidence(arg, report_data, init_register, json);
	in.evidence = wr_span(json);
	ev_out_clear(&forged);
	CHECK(tee_driver_find(span_of("swtpm"))->appraise(&in, &forged, &e) == COFFER_OK && forged.verdict == VERDICT_VALID);
	lie_to(now_of, vouches_for_the_quote);
}

static void quote_by_another_key_that_eval_vouches_for_is_refused(void)
{
	static const enum tee_kind tees[] = { TEE_TPM, TEE_SWTPM };

	for (size_t i = 0; i < 2; i++) {
		struct rig r;

		rig_open(&r, tees[i]);
		now_of = &r;
		r.k.hw.make = make_and_lie;
		CHECK(kit_begin(&r.k) == COFFER_OK && show(&r) == COFFER_OK); /* told truly, this way serves */
		lie_to(&r, NULL);
		CHECK(kit_begin(&r.k) == COFFER_OK && r.tpm.shown.n == 32);
		tpmguest_ak(&r.tpm);
		CHECK(DENIED(show(&r), r.k, "another key than") && !session(&r));
		ev_out_clear(&forged);
		rig_close(&r);
	}
}

static void no_eval_no_credential(void)
{
	struct rig r;

	rig_open(&r, TEE_TPM);
	closep(&r.k.keep.eval);
	r.k.keep.eval = -1;
	CHECK(kit_begin(&r.k) == COFFER_E_UPSTREAM && sessions_count(r.k.keep.sessions) == 0);
	rig_close(&r);
}

/* ---- the table ---- */

static void secrets_are_a_session_s_own_and_gone_with_it(void)
{
	static const uint8_t zero[32], ak[SESSION_AK_MAX + 1] = { 1 };
	struct sessions *t = NULL;
	struct session *a, *b;
	struct span one, two, got;
	struct err e = { 0 };

	CHECK(sessions_new(2, &t, &e) == COFFER_OK);
	a = session_add(t, TEE_TPM, 100);
	b = session_add(t, TEE_TPM, 100);
	CHECK(!session_secret(t, a, &got) && session_credential(t, a, (struct span){ ak, SESSION_AK_MAX }, &one, &e) == COFFER_OK);
	CHECK(session_credential(t, b, (struct span){ ak, 90 }, &two, &e) == COFFER_OK && one.n == 32 && two.n == 32);
	CHECK(!span_eq(one, two) && !span_eq(one, SPAN(zero)) && session_secret(t, a, &got) && span_eq(got, one));
	session_drop(t, a);
	CHECK(span_eq(one, SPAN(zero)) && !span_eq(two, SPAN(zero)));
	a = session_add(t, TEE_TPM, 101);
	CHECK(!session_secret(t, a, &got) && a->ak.n == 0);
	CHECK(session_credential(t, a, SPAN(ak), &one, &e) == COFFER_E_LIMIT);
	sessions_free(t);
}

int main(void)
{
	static const struct t_case cases[] = { T(tpm_that_opened_its_credential_is_genuine_without_a_certificate_of_its_ak),
		T(credential_once_asked_for_is_the_only_way), T(certificates_between_a_named_root_and_the_tpm_are_walked_alike_by_both), T(secret_of_another_session_is_not_this_one_s),
		T(key_or_certificate_that_may_not_gets_no_session), T(foreign_ek_that_eval_vouches_for_gets_no_credential),
		T(secret_that_eval_makes_up_is_refused), T(answer_of_an_honest_session_does_not_serve_another), T(quote_by_another_key_that_eval_vouches_for_is_refused),
		T(no_eval_no_credential), T(initdata_that_register_8_does_not_hold_is_refused),
		T(secrets_are_a_session_s_own_and_gone_with_it) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
