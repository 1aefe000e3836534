#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"
#include "tests/unit/keep_decode.h"

#define S(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static const struct keep_party_auth auth = { .signing_input = S("h.p"), .payload = S("{}"), .sig = { 1 }, .kid = { 2 },
	.method = S("POST"), .path = S("/kbs/v0/resource/a/b/c"), .body_sha256 = { 3 } };

static struct dsse envelope(void)
{
	struct dsse d = { 0 };

	d.payload = wr_open(64);
	wr_str(&d.payload, "payload");
	d.n_sigs = 2;
	memset(d.sigs[0].keyid, 7, 32);
	memset(d.sigs[1].sig, 8, SIG_LEN);
	return d;
}

/* decode what was encoded: same bytes again; no prefix, no longer text is taken. */
static void check_message(struct wr *w, keep_decode_fn decode)
{
	CLEANUP(wr_close) struct wr again = wr_open(KEEP_FRAME_MAX);
	struct err e;

	CHECK(wr_ok(w) && w->n > 0);
	CHECK(decode(wr_span(w), &again, &e) == COFFER_OK && wr_ok(&again) && span_eq(wr_span(w), wr_span(&again)));
	for (size_t n = 0; n < w->n; n++) {
		CLEANUP(freep) uint8_t *p = malloc(n ? n : 1);
		CLEANUP(wr_close) struct wr none = wr_open(64);

		memcpy(p, w->p, n);
		CHECK(decode((struct span){ p, n }, &none, &e) == COFFER_E_INPUT && none.n == 0);
	}
	wr_u8(w, 0);
	CHECK(decode(wr_span(w), &again, &e) == COFFER_E_INPUT);
	wr_close(w);
	*w = wr_open(KEEP_FRAME_MAX);
}

static void every_message_round_trips_and_refuses_prefixes_and_more(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_put_req put = { .path = S("a/b/c"), .has_content = true, .epk = { .kind = KEY_P256, .x = { 1 }, .y = { 2 } }, .aad = S("aad"),
		.encrypted_key = S("key"), .ciphertext = S("ct"), .iv = { 4 }, .tag = { 5 } };
	struct keep_statement_req st = { 0 };
	const struct keep_attest_req attest = { .session = { 1 }, .hash = 1, .member = { { S("alg"), S("x") }, { S("coffer-genesis"),
	    S("") } },
		.n_members = 2, .additional = S(""), .nonce = S("n"), .evidence = S("{}"), .file = { S("f") }, .n_files = 1, .initdata =
		    S("toml") };

	keep_auth_req_write(&w, &(struct keep_auth_req){ .tee = TEE_SAMPLE });
	check_message(&w, decode_auth_req);
	keep_auth_req_write(&w, &(struct keep_auth_req){ .tee = TEE_TPM, .tpm = { S("ek"), S("ak"), { S("maker"), S("root") }, 2 } });
	check_message(&w, decode_auth_req);
	keep_auth_rep_write(&w, &(struct keep_auth_rep){ .session = { 1 }, .nonce = { 2 } });
	check_message(&w, decode_auth_rep);
	keep_auth_rep_write(&w, &(struct keep_auth_rep){ .session = { 1 }, .nonce = { 2 }, .credential = S("c"), .secret = S("s") });
	check_message(&w, decode_auth_rep);
	keep_attest_req_write(&w, &attest);
	check_message(&w, decode_attest_req);
	keep_resource_req_write(&w, &(struct keep_resource_req){ .by_token = true, .token_signing_input = S("h.p"), .token_payload =
	    S("p"),
	    .token_sig = { 3 }, .path = S("a/b/c") });
	check_message(&w, decode_resource_req);
	keep_resource_req_write(&w, &(struct keep_resource_req){ .session = { 5 }, .path = S("a/b/c"), .has_request = true, .request =
	    S("CRQ1"), .request_sig = { 3 } });
	check_message(&w, decode_resource_req);
	keep_resource_rep_write(&w, &(struct keep_resource_rep){ .body = S("{}"), .reply_sig = { 1 }, .seq = UINT64_MAX, .version = 1,
	    .entry = { 2 } });
	check_message(&w, decode_resource_rep);
	keep_resource_rep_write(&w, &(struct keep_resource_rep){ .held = true, .ticket = { 7 } });
	check_message(&w, decode_resource_rep);
	keep_round_rep_write(&w, &(struct keep_round_rep){ .n = 3, .size = UINT64_MAX, .missing = 5 });
	check_message(&w, decode_round_rep);
	keep_witness_req_write(&w, &(struct keep_witness_req){ .witness = 2, .told = true, .size = 9 });
	check_message(&w, decode_witness_req);
	keep_cosign_req_write(&w, &(struct keep_cosign_req){ .witness = 1, .lines = S("line") });
	check_message(&w, decode_cosign_req);
	put.auth = auth;
	put.statement = envelope();
	keep_put_req_write(&w, &put);
	dsse_clear(&put.statement);
	check_message(&w, decode_put_req);
	keep_delete_req_write(&w, &(struct keep_delete_req){ .auth = auth, .path = S("a/b/c") });
	check_message(&w, decode_delete_req);
	st.statement = envelope();
	keep_statement_req_write(&w, &st);
	dsse_clear(&st.statement);
	check_message(&w, decode_statement_req);
	keep_logged_rep_write(&w, &(struct keep_logged_rep){ { 1 }, 2, { 3 } });
	check_message(&w, decode_logged_rep);
	keep_query_req_write(&w, &(struct keep_query_req){ .has_auth = true, .auth = auth, .kind = ST_ASSET, .issuer = S("a"),
	    .subject = S("s"),
	    .has_id = true, .id = { 4 }, .all = true });
	check_message(&w, decode_query_req);
	keep_query_req_write(&w, &(struct keep_query_req){ .kind = 0 });
	check_message(&w, decode_query_req);
	keep_assets_req_write(&w, &(struct keep_assets_req){ auth, S("kbs:///a/b/c") });
	check_message(&w, decode_assets_req);
	keep_decision_req_write(&w, &(struct keep_decision_req){ auth, true, { 1 }, 9 });
	check_message(&w, decode_decision_req);
	keep_journal_req_write(&w, &(struct keep_journal_req){ auth, 77 });
	check_message(&w, decode_journal_req);
	keep_refusal_write(&w, &(struct keep_refusal){ .check = "R9", .reason = "no approval", .has_decision = true, .decision = {
	    1 } });
	check_message(&w, decode_refusal);
	keep_refusal_write(&w, &(struct keep_refusal){ .reason = "" });
	check_message(&w, decode_refusal);
}

static void attest_keeps_every_member(void)
{
	const struct keep_attest_req m = { .hash = 2, .member = { { S("a"), S("1") }, { S("b"), S("2") } }, .n_members = 2,
	    .evidence = S("r") };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct keep_attest_req got;
	struct err e;

	keep_attest_req_write(&w, &m);
	CHECK(keep_attest_req_read(wr_span(&w), &got, &e) == COFFER_OK && got.hash == 2 && got.n_members == 2 && got.n_files == 0);
	CHECK(span_eq_str(got.member[1].name, "b") && span_eq_str(got.member[1].value, "2") && span_eq_str(got.evidence, "r") &&
	    got.initdata.n == 0);
}

static enum coffer_rc read_attest(const struct keep_attest_req *m)
{
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_attest_req got;
	struct err e;

	keep_attest_req_write(&w, m);
	return wr_ok(&w) ? keep_attest_req_read(wr_span(&w), &got, &e) : COFFER_E_BUG;
}

static void attest_refuses_what_is_out_of_range(void)
{
	static uint8_t big[(2u << 20) + 1];
	struct keep_attest_req m = { .member = { { S("a"), S("1") }, { S("b"), S("2") } }, .n_members = 2 };

	CHECK(read_attest(&m) == COFFER_OK);
	m.hash = 3;
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.hash = 0;
	m.member[1].name = m.member[0].name; /* twice */
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.member[1].name = (struct span)S("A"); /* not sorted */
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.member[1].name = (struct span)S("");
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.member[1].name = (struct span)S("c\xc3\xa9");
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.member[1].name = (struct span)S("ab"); /* a prefix comes first */
	CHECK(read_attest(&m) == COFFER_OK);
	m.member[1].value = (struct span){ big, KEEP_MEMBER_VALUE_MAX + 1 };
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.member[1].value = (struct span){ big, KEEP_MEMBER_VALUE_MAX };
	CHECK(read_attest(&m) == COFFER_OK);
	m.nonce = (struct span){ big, 129 };
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.nonce.n = 128;
	m.file[0] = (struct span){ big, KEEP_FILE_MAX + 1 };
	m.n_files = 1;
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.file[0].n = KEEP_FILE_MAX;
	CHECK(read_attest(&m) == COFFER_OK);
	m.n_files = KEEP_FILES_MAX + 1;
	CHECK(read_attest(&m) == COFFER_E_BUG); /* the writer fails */
	m.n_files = 0;
	m.evidence = (struct span){ big, KEEP_EVIDENCE_MAX + 1 };
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.evidence.n = 2;
	m.initdata = (struct span){ big, (1u << 20) + 1 };
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.initdata.n = 1u << 20;
	CHECK(read_attest(&m) == COFFER_OK);
	m.additional = (struct span){ big, sizeof(big) };
	CHECK(read_attest(&m) == COFFER_E_INPUT);
	m.additional.n = 0;
	m.n_members = KEEP_MEMBERS_MAX + 1;
	CHECK(read_attest(&m) == COFFER_E_BUG); /* the writer fails */
}

static void attest_refuses_too_many_members(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_attest_req got;
	struct err e;
	uint8_t head[KEEP_SESSION_LEN + 1] = { 0 };

	wr_put(&w, SPAN(head));
	wr_u8(&w, KEEP_MEMBERS_MAX + 1);
	for (int i = 0; i <= KEEP_MEMBERS_MAX; i++) {
		char name = (char)('a' + i);

		wr_blob32(&w, (struct span){ (const uint8_t *)&name, 1 });
		wr_blob32(&w, (struct span)S("v"));
	}
	for (int i = 0; i < 17; i++)
		wr_u8(&w, 0);
	CHECK(keep_attest_req_read(wr_span(&w), &got, &e) == COFFER_E_INPUT);
}

static void booleans_other_than_0_and_1_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096), q = wr_open(4096), f = wr_open(4096);
	struct keep_resource_req r;
	struct keep_query_req k;
	struct keep_refusal ref;
	struct err e;

	keep_resource_req_write(&w, &(struct keep_resource_req){ .path = S("a") });
	w.p[0] = 2;
	CHECK(keep_resource_req_read(wr_span(&w), &r, &e) == COFFER_E_INPUT);
	keep_query_req_write(&q, &(struct keep_query_req){ .all = true });
	q.p[q.n - 9] = 0xFF;
	CHECK(keep_query_req_read(wr_span(&q), &k, &e) == COFFER_E_INPUT);
	keep_refusal_write(&f, &(struct keep_refusal){ .reason = "x" });
	f.p[f.n - 1] = 3;
	CHECK(keep_refusal_read(wr_span(&f), &ref, &e) == COFFER_E_INPUT);
}

/* Both or neither, of a TPM alone, and within bounds. */
static void half_a_credential_is_refused(void)
{
	static uint8_t big[KEEP_EK_MAX + 1];
	const struct keep_auth_req bad[] = { { TEE_TPM, { .ek_cert = S("ek") } }, { TEE_TPM, { .ak_public = S("ak") } },
		{ TEE_TPM, { .chain = { S("maker") }, .n_chain = 1 } }, { TEE_SNP, { .ek_cert = S("ek"), .ak_public = S("ak") } },
		{ TEE_TPM, { .ek_cert = { big, KEEP_EK_MAX + 1 }, .ak_public = S("ak") } },
		{ TEE_TPM, { .ek_cert = S("ek"), .ak_public = { big, KEEP_AK_MAX + 1 } } },
		{ TEE_TPM, { .ek_cert = S("ek"), .ak_public = S("ak"), .chain = { { big, KEEP_EK_MAX + 1 } }, .n_chain = 1 } } };
	const struct keep_auth_rep half[] = { { .credential = S("c") }, { .secret = S("s") } };
	const struct keep_auth_req most = { TEE_SWTPM, { .ek_cert = { big, KEEP_EK_MAX }, .ak_public = { big, KEEP_AK_MAX },
	    .chain = { { big, KEEP_EK_MAX }, S("2"), S("3"), S("4") }, .n_chain = KEEP_EK_CHAIN_MAX } };
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_FRAME_MAX), more = wr_open(KEEP_FRAME_MAX);
	struct keep_auth_req a;
	struct keep_auth_rep r;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w.n = 0;
		keep_auth_req_write(&w, &bad[i]);
		CHECK(wr_ok(&w) && keep_auth_req_read(wr_span(&w), &a, &e) == COFFER_E_INPUT);
	}
	for (size_t i = 0; i < 2; i++) {
		w.n = 0;
		keep_auth_rep_write(&w, &half[i]);
		CHECK(wr_ok(&w) && keep_auth_rep_read(wr_span(&w), &r, &e) == COFFER_E_INPUT);
	}
	w.n = 0;
	keep_auth_req_write(&w, &most);
	CHECK(keep_auth_req_read(wr_span(&w), &a, &e) == COFFER_OK && a.tpm.n_chain == KEEP_EK_CHAIN_MAX);
	keep_auth_req_write(&more, &(struct keep_auth_req){ TEE_TPM, { .ek_cert = S("ek"), .ak_public = S("ak"), .n_chain = KEEP_EK_CHAIN_MAX + 1 } });
	CHECK(!wr_ok(&more));
}

static void other_ranges_are_kept(void)
{
	static uint8_t big[KEEP_ASSET_MAX + 1];
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_put_req put = { .has_content = true, .epk = { .kind = KEY_P256 }, .ciphertext = { big, KEEP_ASSET_MAX + 1 } }, got;
	struct keep_statement_req st = { 0 };
	struct keep_auth_req a;
	struct keep_query_req q;
	struct err e;

	CHECK(keep_auth_req_read((struct span)S("\x40"), &a, &e) == COFFER_E_INPUT && keep_auth_req_read((struct span)S("\0"), &a,
	    &e) == COFFER_E_INPUT);
	keep_query_req_write(&w, &(struct keep_query_req){ .kind = ST_LAST + 1 });
	CHECK(keep_query_req_read(wr_span(&w), &q, &e) == COFFER_E_INPUT);
	w.n = 0;
	put.statement = envelope();
	keep_put_req_write(&w, &put);
	CHECK(wr_ok(&w) && keep_put_req_read(wr_span(&w), &got, &e) == COFFER_E_INPUT);
	w.n = 0;
	put.ciphertext.n = KEEP_ASSET_MAX;
	keep_put_req_write(&w, &put);
	CHECK(keep_put_req_read(wr_span(&w), &got, &e) == COFFER_OK);
	dsse_clear(&got.statement);
	put.epk.kind = KEY_ED25519;
	keep_put_req_write(&w, &put);
	CHECK(!wr_ok(&w));
	dsse_clear(&put.statement);
	wr_close(&w);
	w = wr_open(4096);
	keep_statement_req_write(&w, &st); /* no payload */
	CHECK(wr_ok(&w) && keep_statement_req_read(wr_span(&w), &st, &e) == COFFER_E_INPUT && st.statement.payload.p == NULL);
	st.statement.n_sigs = DSSE_SIGS_MAX + 1;
	keep_statement_req_write(&w, &st);
	CHECK(!wr_ok(&w));
}

static void statement_refuses_too_many_signatures(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_statement_req st = { 0 };
	const uint8_t one[32 + SIG_LEN] = { 0 };
	struct err e;

	wr_blob32(&w, (struct span)S("payload"));
	wr_u8(&w, DSSE_SIGS_MAX + 1);
	for (int i = 0; i <= DSSE_SIGS_MAX; i++)
		wr_put(&w, SPAN(one));
	CHECK(keep_statement_req_read(wr_span(&w), &st, &e) == COFFER_E_INPUT);
}

static void refusals_with_too_long_or_cut_texts_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096), z = wr_open(4096);
	struct keep_refusal r;
	struct err e;

	wr_blob32(&w, (struct span)S("012345678901234567890123")); /* 24: no room for the NUL */
	wr_blob32(&w, (struct span)S(""));
	wr_u8(&w, 0);
	CHECK(keep_refusal_read(wr_span(&w), &r, &e) == COFFER_E_INPUT);
	wr_blob32(&z, (struct span)S("R\0009"));
	wr_blob32(&z, (struct span)S(""));
	wr_u8(&z, 0);
	CHECK(keep_refusal_read(wr_span(&z), &r, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(every_message_round_trips_and_refuses_prefixes_and_more), T(attest_keeps_every_member),
		    T(attest_refuses_what_is_out_of_range),
		T(attest_refuses_too_many_members), T(booleans_other_than_0_and_1_are_refused), T(half_a_credential_is_refused), T(other_ranges_are_kept),
		T(statement_refuses_too_many_signatures), T(refusals_with_too_long_or_cut_texts_are_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
