#include "trust/output.h"

#include "crypto/jwe.h"
#include "crypto/jws.h"
#include "proto/keep.h"
#include "tests/unit/manifest_fix.h"

#define IAT 1780000000

/* Everything that may be wrong about a token and what it is in. */
struct token_part { const char *alg, *platform, *init_data, *genesis, *key, *state; struct privkey *signer; };

struct world {
	struct privkey *recipient, *request, *service;
	struct manifest m;
	char            init_data[HEX32_LEN];
};

static void world_clear(struct world *w)
{
	privkey_free(w->recipient);
	privkey_free(w->request);
	privkey_free(w->service);
	manifest_clear(&w->m);
}

static void world_init(struct world *w)
{
	CLEANUP(freep) char *text = NULL;
	CLEANUP(wr_close) struct wr initdata = wr_open(MAN_INITDATA_MAX);
	uint8_t d[32];
	struct err e;

	w->recipient = fix_key(KEY_P256);
	w->request = fix_key(KEY_P256);
	w->service = fix_key(KEY_P256);
	text = fix_manifest(privkey_public(w->recipient));
	if (manifest_parse(span_of(text), &w->m, &e) != COFFER_OK || manifest_render(&w->m, &initdata, &e) != COFFER_OK)
		abort();
	sha256(wr_span(&initdata), d);
	hex32(d, w->init_data);
}

static char *xy_text(const struct pubkey *k)
{
	struct wr w = wr_open(128);
	uint8_t xy[64];

	memcpy(xy, k->x, 32);
	memcpy(xy + 32, k->y, 32);
	b64url_write(&w, SPAN(xy));
	return wr_take(&w, NULL);
}

static char *token_of(const struct world *w, struct token_part t)
{
	CLEANUP(freep) char *xy = xy_text(privkey_public(w->request));
	CLEANUP(freep) char *head = str_fmt("{\"alg\":\"%s\",%s%s%s\"typ\":\"JWT\"}", t.alg ? t.alg : "ES256", t.state ? "\"coffer\":\"" : "",
	    t.state ? t.state : "", t.state ? "\"," : "");
	CLEANUP(freep) char *body =
	    str_fmt("{\"exp\":%d,\"iat\":%d,\"submods\":{\"cpu0\":{\"ear.status\":\"none\",\"ear.veraison.annotated-evidence\":{"
	    "\"init_data\":\"%s\",\"init_data_claims\":{},\"report_data\":\"00\",\"runtime_data_claims\":{\"nonce\":\"x\",\"tee-pubkey\":{"
	    "\"coffer-genesis\":\"%s\",\"coffer-request-key\":\"%s\",\"kty\":\"EC\"}},%s}}}}", IAT + 300, IAT,
	    t.init_data ? t.init_data : w->init_data, t.genesis ? t.genesis : FIX_LEDGER, t.key ? t.key : xy, t.platform ? t.platform :
	    "\"sample\":{}");
	struct wr out = wr_open(EAR_MAX);
	struct err e;

	if (jws_sign(t.signer ? t.signer : w->service, span_of(head), span_of(body), &out, &e) != COFFER_OK)
		abort();
	return wr_take(&out, NULL);
}

static enum coffer_rc seal(const struct world *w, const char *token, struct span data, struct wr *out, struct err *e)
{
	const struct output_in in = { .manifest = &w->m, .container = &w->m.container[0], .output = &w->m.container[0].output[0],
		.data = data, .token = token, .request_key = w->request };

	return output_seal(&in, out, e);
}

static enum coffer_rc open_as(const struct world *w, struct span jwe, const struct privkey *k, struct output *out, struct err *e)
{
	const struct output_want want = { .manifest = &w->m, .token_key = *privkey_public(w->service) };

	return output_open(jwe, k, &want, out, e);
}

static void output_round_trips(void)
{
	static const char *const datas[] = { "", "result\n" };
	CLEANUP(world_clear) struct world w = { 0 };
	CLEANUP(freep) char *token = NULL;
	struct err e;

	world_init(&w);
	token = token_of(&w, (struct token_part){ 0 });
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(wr_close) struct wr jwe = wr_open(OUTPUT_SEALED_MAX);
		CLEANUP(output_clear) struct output o = { 0 };

		CHECK(seal(&w, token, span_of(datas[i]), &jwe, &e) == COFFER_OK);
		CHECK(open_as(&w, wr_span(&jwe), w.recipient, &o, &e) == COFFER_OK);
		CHECK(span_eq_str(wr_span(&o.data), datas[i]) && o.ear.issued == IAT && strcmp(o.ear.platform, "sample") == 0);
		CHECK(o.container == &w.m.container[0] && o.output == &w.m.container[0].output[0]);
	}
}

static void output_round_trips_at_the_limit_and_refuses_beyond(void)
{
	CLEANUP(world_clear) struct world w = { 0 };
	CLEANUP(freep) char *token = NULL;
	CLEANUP(freep) uint8_t *big = calloc(1, OUTPUT_DATA_MAX + 1);
	CLEANUP(wr_close) struct wr jwe = wr_open(OUTPUT_SEALED_MAX), none = wr_open(OUTPUT_SEALED_MAX);
	CLEANUP(output_clear) struct output o = { 0 };
	struct err e;

	world_init(&w);
	token = token_of(&w, (struct token_part){ 0 });
	CHECK(seal(&w, token, (struct span){ big, OUTPUT_DATA_MAX + 1 }, &none, &e) == COFFER_E_DENIED && strcmp(e.check, "output") ==
	    0 && none.n == 0);
	CHECK(seal(&w, token, (struct span){ big, OUTPUT_DATA_MAX }, &jwe, &e) == COFFER_OK);
	CHECK(open_as(&w, wr_span(&jwe), w.recipient, &o, &e) == COFFER_OK && o.data.n == OUTPUT_DATA_MAX);
	w.m.container[0].output[0].max_bytes = 10;
	CHECK(seal(&w, token, (struct span){ big, 11 }, &none, &e) == COFFER_E_DENIED && strstr(e.msg, "manifest's 10"));
	CHECK(open_as(&w, wr_span(&jwe), w.recipient, &(struct output){ 0 }, &e) == COFFER_E_DENIED && strcmp(e.check, "output") == 0);
}

static void output_open_refuses_every_wrong_token(void)
{
	CLEANUP(world_clear) struct world w = { 0 };
	CLEANUP(privkey_freep) struct privkey *other = fix_key(KEY_P256), *ed = fix_key(KEY_ED25519);
	CLEANUP(freep) char *other_xy = xy_text(privkey_public(other));
	const struct { struct token_part t; const char *check, *says; } cases[] = {
		{ { .signer = other }, "token", "not signed by the service" }, { { .signer = ed }, "token", "not signed by the service" },
		{ { .alg = "none" }, "token", "ES256" }, { { .alg = "EdDSA" }, "token", "ES256" },
		{ { .init_data = FIX_DIGEST }, "token", "another workload" }, { { .init_data = "" }, "", "init_data" },
		{ { .genesis = FIX_DIGEST }, "token", "another genesis" }, { { .key = other_xy }, "signature", "not signed by the guest" },
		{ { .key = "AAAA" }, "", "coffer-request-key" }, { { .platform = "\"snp\":{}" }, "token", "does not accept" },
		{ { .platform = "\"snp\":{},\"sample\":{}" }, "", "one platform" }, { { .platform = "\"x\":1" }, "", "one platform" },
		{ { .platform = "\"A b\":{}" }, "", "one platform" },
	};
	struct err e;

	world_init(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(freep) char *token = token_of(&w, cases[i].t);
		CLEANUP(wr_close) struct wr jwe = wr_open(OUTPUT_SEALED_MAX);
		CLEANUP(output_clear) struct output o = { 0 };

		e = (struct err){ 0 };
		CHECK(seal(&w, token, span_of("x"), &jwe, &e) == COFFER_OK);
		CHECK(open_as(&w, wr_span(&jwe), w.recipient, &o, &e) != COFFER_OK && o.data.p == NULL);
		CHECK(strcmp(e.check, cases[i].check) == 0 && strstr(e.msg, cases[i].says));
	}
}

/* "CFT1" and the platform's number. */
#define STATE_TPM   "Q0ZUMQU"
#define STATE_SWTPM "Q0ZUMQY"
#define STATE_SNP   "Q0ZUMQI"

/* A TPM's register holds the digest behind zeros; which of the two kinds it was, the header says. */
static void ear_check_tells_a_tpm_from_an_emulated_one(void)
{
	CLEANUP(world_clear) struct world w = { 0 };
	uint8_t both[64] = { 0 }, reg[32];
	char extended[HEX32_LEN];
	struct ear_want want = { .init_data = { 0 } };
	struct err e;

	_Static_assert(EAR_STATE_TPM == TEE_TPM && EAR_STATE_SWTPM == TEE_SWTPM, "the service's own numbers");
	world_init(&w);
	memcpy(want.genesis, w.m.genesis, 32);
	CHECK(hex_fixed(span_of(w.init_data), want.init_data, 32));
	memcpy(both + 32, want.init_data, 32);
	sha256(SPAN(both), reg);
	hex32(reg, extended);
	{
		const struct { struct token_part t; enum coffer_rc rc; const char *platform; } cases[] = {
			{ { .platform = "\"tpm\":{}", .init_data = extended, .state = STATE_TPM }, COFFER_OK, "tpm" },
			{ { .platform = "\"tpm\":{}", .init_data = extended, .state = STATE_SWTPM }, COFFER_OK, "swtpm" },
			{ { .platform = "\"tpm\":{}", .init_data = extended, .state = STATE_SNP }, COFFER_E_INPUT, NULL },
			{ { .platform = "\"tpm\":{}", .init_data = extended, .state = "Q0ZUMQ" }, COFFER_E_INPUT, NULL },
			{ { .platform = "\"tpm\":{}", .init_data = extended, .state = "AAAAAAA" }, COFFER_E_INPUT, NULL },
			{ { .platform = "\"tpm\":{}", .init_data = extended }, COFFER_E_INPUT, NULL },
			{ { .platform = "\"tpm\":{}", .init_data = w.init_data, .state = STATE_TPM }, COFFER_E_DENIED, NULL },
			{ { .platform = "\"snp\":{}", .init_data = extended, .state = STATE_SNP }, COFFER_E_DENIED, NULL },
			{ { .platform = "\"az-snp-vtpm\":{}", .init_data = extended }, COFFER_OK, "az-snp-vtpm" },
		};

		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			CLEANUP(freep) char *token = token_of(&w, cases[i].t);
			struct ear out = { .issued = 7 };

			CHECK(ear_check(span_of(token), privkey_public(w.service), &want, &out, &e) == cases[i].rc);
			CHECK(cases[i].platform ? strcmp(out.platform, cases[i].platform) == 0 : out.issued == 7);
		}
	}
}

/* "CFT2", platform, genuine, then the key of the root. */
#define STATE_ROOT "Q0ZUMgIBd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"

/* Founders dropped it, or never named it: who has its key makes what evidence he likes. */
static void output_under_a_root_that_is_not_named_is_refused(void)
{
	static const struct genesis none = { .n_roots = 0 };
	CLEANUP(world_clear) struct world w = { 0 };
	uint8_t key[32];

	world_init(&w);
	memset(key, 0x77, sizeof(key));
	for (int named = 0; named < 2; named++) {
		const struct output_want want = { .manifest = &w.m, .token_key = *privkey_public(w.service), .genesis = named ? &none : NULL };
		CLEANUP(freep) char *token = token_of(&w, (struct token_part){ .state = STATE_ROOT });
		CLEANUP(wr_close) struct wr jwe = wr_open(OUTPUT_SEALED_MAX);
		struct ear_want expect = { .init_data = { 0 } };
		struct output o = { 0 };
		struct ear got = { .issued = 7 };
		struct err e = { 0 };

		memcpy(expect.genesis, w.m.genesis, 32);
		CHECK(hex_fixed(span_of(w.init_data), expect.init_data, 32));
		CHECK(ear_check(span_of(token), privkey_public(w.service), &expect, &got, &e) == COFFER_OK && span_eq(SPAN(got.root), SPAN(key)));
		CHECK(seal(&w, token, span_of("x"), &jwe, &e) == COFFER_OK);
		CHECK(output_open(wr_span(&jwe), w.recipient, &want, &o, &e) == COFFER_E_DENIED && strcmp(e.check, "token") == 0 && strstr(e.msg, "name no longer") && !o.data.p);
	}
}

static void ear_check_refuses_a_changed_token(void)
{
	CLEANUP(world_clear) struct world w = { 0 };
	CLEANUP(freep) char *token = NULL;
	struct ear_want want = { .init_data = { 0 } };
	struct ear out = { .issued = 7 };
	size_t n;
	struct err e;

	world_init(&w);
	token = token_of(&w, (struct token_part){ 0 });
	n = strlen(token);
	memcpy(want.genesis, w.m.genesis, 32);
	CHECK(hex_fixed(span_of(w.init_data), want.init_data, 32));
	for (size_t i = 0; i < n; i++) {
		char was = token[i];

		token[i] = was == 'A' ? 'B' : 'A';
		CHECK(ear_check(span_of(token), privkey_public(w.service), &want, &out, &e) != COFFER_OK && out.issued == 7);
		token[i] = was;
	}
	for (size_t i = 0; i < n; i++) {
		CLEANUP(freep) uint8_t *p = fix_exact((struct span){ (const uint8_t *)token, i });

		CHECK(ear_check((struct span){ p, i }, privkey_public(w.service), &want, &out, &e) != COFFER_OK);
	}
	CHECK(ear_check(span_of(token), privkey_public(w.service), &want, &out, &e) == COFFER_OK && out.issued == IAT);
	CHECK(pubkey_eq(&out.request_key, privkey_public(w.request)));
}

static void output_open_refuses_another_recipient_or_a_changed_seal(void)
{
	CLEANUP(world_clear) struct world w = { 0 };
	CLEANUP(privkey_freep) struct privkey *other = fix_key(KEY_P256);
	CLEANUP(freep) char *token = NULL;
	CLEANUP(wr_close) struct wr jwe = wr_open(OUTPUT_SEALED_MAX), elsewhere = wr_open(OUTPUT_SEALED_MAX);
	CLEANUP(output_clear) struct output o = { 0 };
	struct output_in in;
	struct man_output to_other;
	struct err e;

	world_init(&w);
	token = token_of(&w, (struct token_part){ 0 });
	CHECK(seal(&w, token, span_of("x"), &jwe, &e) == COFFER_OK);
	CHECK(open_as(&w, wr_span(&jwe), other, &o, &e) == COFFER_E_DENIED && strcmp(e.check, "seal") == 0);
	to_other = w.m.container[0].output[0];
	to_other.key = *privkey_public(other);
	in = (struct output_in){ &w.m, &w.m.container[0], &to_other, span_of("x"), token, w.request };
	CHECK(output_seal(&in, &elsewhere, &e) == COFFER_OK);
	CHECK(open_as(&w, wr_span(&elsewhere), other, &o, &e) == COFFER_E_DENIED && strstr(e.msg, "another key"));
	for (size_t n = 0; n < jwe.n; n += 7)
		CHECK(open_as(&w, (struct span){ jwe.p, n }, w.recipient, &o, &e) != COFFER_OK);
}

static void output_seal_refuses_a_request_key_of_another_kind(void)
{
	CLEANUP(world_clear) struct world w = { 0 };
	CLEANUP(wr_close) struct wr jwe = wr_open(OUTPUT_SEALED_MAX);
	struct err e;

	world_init(&w);
	privkey_free(w.request);
	w.request = fix_key(KEY_ED25519);
	CHECK(seal(&w, "t", span_of("x"), &jwe, &e) == COFFER_E_BUG && jwe.n == 0);
}

/* Another inside: opened, edited, sealed again by someone who knows the recipient's key but not the guest's. */
static enum coffer_rc reseal(const struct world *w, const struct fix_edit *d, const char *cty, struct err *e)
{
	CLEANUP(freep) char *token = token_of(w, (struct token_part){ 0 }), *text = NULL, *bad = NULL;
	CLEANUP(wr_close) struct wr jwe = wr_open(OUTPUT_SEALED_MAX), again = wr_open(OUTPUT_SEALED_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret plain = { 0 };
	CLEANUP(output_clear) struct output o = { 0 };

	TRY(seal(w, token, span_of("data"), &jwe, e));
	TRY(json_parse(wr_span(&jwe), OUTPUT_SEALED_MAX, &doc, e));
	TRY(jwe_parse(json_root(doc), &p, e));
	TRY(jwe_open(w->recipient, &p, &plain, e));
	text = str_fmt("%.*s", (int)plain.n, (const char *)plain.p);
	bad = fix_edit(text, d->from, d->to);
	CHECK(bad != NULL);
	TRY(jwe_seal(privkey_public(w->recipient), span_of(bad), cty, &again, e));
	return open_as(w, wr_span(&again), w->recipient, &o, e);
}

static void output_open_refuses_every_changed_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"container\":\"analyse\"", "\"container\":\"other\"", "no such output" }, { "\"name\":\"result\"", "\"name\":\"other\"",
		    "no such output" },
		{ "\"data\":\"ZGF0YQ==\"", "\"data\":\"ZGF0YR==\"", "base64" }, { "\"data\":\"ZGF0YQ==\"", "\"data\":\"ZGF0Yg==\"",
		    "not signed by the guest" },
		{ "\"genesis\":\"11", "\"genesis\":\"21", "another genesis" }, { "\"workload\":\"", "\"workload\":\"0", "workload" },
		{ "\"signature\":\"", "\"signature\":\"A", "signature" }, { "\"token\":\"", "\"token\":\"x.", "token" }, { "\"name\":",
		    "\"x\":1,\"name\":", "not known" },
		{ "\"container\":\"analyse\",", "", "container" },
	};
	const struct fix_edit same = { "\"name\"", "\"name\"", "" };
	CLEANUP(world_clear) struct world w = { 0 };
	struct err e;

	world_init(&w);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		CHECK(fix_refused(reseal(&w, &edits[i], "\"cty\":\"coffer-output+json\"", &e), &e, &edits[i]));
	CHECK(reseal(&w, &same, "\"cty\":\"coffer-output+json\"", &e) == COFFER_OK);
	CHECK(reseal(&w, &same, "\"cty\":\"other\"", &e) == COFFER_E_INPUT && strstr(e.msg, "no named output"));
	CHECK(reseal(&w, &same, NULL, &e) == COFFER_E_INPUT && strstr(e.msg, "cty"));
}

static void output_open_refuses_another_workload(void)
{
	CLEANUP(world_clear) struct world w = { 0 };
	CLEANUP(freep) char *token = NULL, *text = NULL, *changed = NULL;
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(wr_close) struct wr jwe = wr_open(OUTPUT_SEALED_MAX);
	CLEANUP(output_clear) struct output o = { 0 };
	struct output_want want;
	struct err e;

	world_init(&w);
	token = token_of(&w, (struct token_part){ 0 });
	text = fix_manifest(privkey_public(w.recipient));
	changed = fix_edit(text, "\"uid\":1000", "\"uid\":1001");
	CHECK(manifest_parse(span_of(changed), &m, &e) == COFFER_OK && seal(&w, token, span_of("x"), &jwe, &e) == COFFER_OK);
	want.manifest = &m;
	want.token_key = *privkey_public(w.service);
	CHECK(output_open(wr_span(&jwe), w.recipient, &want, &o, &e) == COFFER_E_DENIED && strcmp(e.check, "output") == 0);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(output_round_trips), T(output_round_trips_at_the_limit_and_refuses_beyond), T(output_open_refuses_every_wrong_token),
		T(ear_check_tells_a_tpm_from_an_emulated_one),
		T(output_under_a_root_that_is_not_named_is_refused), T(ear_check_refuses_a_changed_token), T(output_open_refuses_another_recipient_or_a_changed_seal),
		T(output_seal_refuses_a_request_key_of_another_kind), T(output_open_refuses_every_changed_member),
		T(output_open_refuses_another_workload),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
