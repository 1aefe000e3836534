#include "trust/dsse.h"

#include "tests/unit/trust_fix.h"

static void dsse_pae_is_the_published_example(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(256);

	dsse_pae("http://example.com/HelloWorld", span_of("hello world"), &w);
	CHECK(span_eq_str(wr_span(&w), "DSSEv1 29 http://example.com/HelloWorld 11 hello world"));
}

static char *text_of(const struct dsse *d)
{
	struct wr w = wr_open(DSSE_ENVELOPE_MAX);
	struct json_wr j = jw_open(&w, false);

	dsse_write(d, &j);
	return wr_take(&w, NULL);
}

static void dsse_round_trip_keeps_payload_and_signatures(void)
{
	CLEANUP(privkey_freep) struct privkey *a = fix_key(KEY_ED25519), *b = fix_key(KEY_P256), *c = fix_key(KEY_P256);
	CLEANUP(dsse_clear) struct dsse d = { 0 }, back = { 0 };
	CLEANUP(freep) char *text = NULL;
	uint8_t id[32], want[32];
	struct err e;

	CHECK(dsse_new(span_of("{\"a\":1}"), &d, &e) == COFFER_OK);
	CHECK(!dsse_signed_by(&d, privkey_public(a)));
	CHECK(dsse_sign(&d, a, &e) == COFFER_OK && dsse_sign(&d, b, &e) == COFFER_OK && d.n_sigs == 2);
	CHECK(dsse_sign(&d, a, &e) == COFFER_OK && d.n_sigs == 2);
	text = text_of(&d);
	CHECK(text && dsse_parse(span_of(text), &back, &e) == COFFER_OK);
	CHECK(span_eq_str(wr_span(&back.payload), "{\"a\":1}") && back.n_sigs == 2);
	CHECK(dsse_signed_by(&back, privkey_public(a)) && dsse_signed_by(&back, privkey_public(b)) && !dsse_signed_by(&back,
	    privkey_public(c)));
	dsse_id(&back, id);
	sha256(span_of("{\"a\":1}"), want);
	CHECK(span_eq(SPAN(id), SPAN(want)));
}

static void dsse_signed_by_refuses_a_changed_payload_or_signature(void)
{
	CLEANUP(privkey_freep) struct privkey *a = fix_key(KEY_P256), *b = fix_key(KEY_ED25519);
	CLEANUP(dsse_clear) struct dsse d = { 0 }, empty = { 0 };
	struct err e;

	CHECK(dsse_new(span_of("payload"), &d, &e) == COFFER_OK && dsse_sign(&d, a, &e) == COFFER_OK && dsse_sign(&d, b, &e) ==
	    COFFER_OK);
	d.payload.p[0] ^= 1;
	CHECK(!dsse_signed_by(&d, privkey_public(a)) && !dsse_signed_by(&d, privkey_public(b)));
	d.payload.p[0] ^= 1;
	d.sigs[0].sig[5] ^= 1;
	CHECK(!dsse_signed_by(&d, privkey_public(a)) && dsse_signed_by(&d, privkey_public(b)));
	d.sigs[1].keyid[0] ^= 1; /* another key's, by its name */
	CHECK(!dsse_signed_by(&d, privkey_public(b)));
	CHECK(!dsse_signed_by(&empty, privkey_public(a)));
}

/* The signature covers the type: the same bytes signed alone, or as another type, are not a statement. */
static void dsse_signed_by_refuses_a_bare_signature(void)
{
	CLEANUP(privkey_freep) struct privkey *a = fix_key(KEY_ED25519);
	CLEANUP(dsse_clear) struct dsse d = { 0 };
	CLEANUP(wr_close) struct wr pae = wr_open(256);
	struct err e;

	CHECK(dsse_new(span_of("payload"), &d, &e) == COFFER_OK && dsse_sign(&d, a, &e) == COFFER_OK);
	CHECK(key_sign(a, span_of("payload"), d.sigs[0].sig, &e) == COFFER_OK && !dsse_signed_by(&d, privkey_public(a)));
	dsse_pae("application/json", span_of("payload"), &pae);
	CHECK(key_sign(a, wr_span(&pae), d.sigs[0].sig, &e) == COFFER_OK && !dsse_signed_by(&d, privkey_public(a)));
}

static void dsse_sign_and_new_keep_the_limits(void)
{
	CLEANUP(dsse_clear) struct dsse d = { 0 };
	CLEANUP(freep) uint8_t *big = calloc(1, DSSE_PAYLOAD_MAX + 1);
	struct err e;

	CHECK(dsse_new((struct span){ big, 0 }, &d, &e) == COFFER_E_INPUT);
	CHECK(dsse_new((struct span){ big, DSSE_PAYLOAD_MAX + 1 }, &d, &e) == COFFER_E_LIMIT);
	CHECK(dsse_new((struct span){ big, DSSE_PAYLOAD_MAX }, &d, &e) == COFFER_OK);
	for (size_t i = 0; i < DSSE_SIGS_MAX; i++) {
		CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519);

		CHECK(dsse_sign(&d, k, &e) == COFFER_OK && dsse_signed_by(&d, privkey_public(k)));
	}
	CLEANUP(privkey_freep) struct privkey *more = fix_key(KEY_ED25519);
	CHECK(dsse_sign(&d, more, &e) == COFFER_E_LIMIT && d.n_sigs == DSSE_SIGS_MAX);
}

#define KEYID "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SIG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define GOOD "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"aGk=\",\"signatures\":[{\"keyid\":\"" KEYID "\",\"sig\":\"" SIG "\"}]}"

static void dsse_parse_refuses_every_wrong_form(void)
{
	static const struct fix_edit edits[] = {
		{ "application/vnd", "application/x", "payloadType" },
		{ "\"payloadType\":\"application/vnd.in-toto+json\",", "", "payloadType" },
		{ "\"payload\":\"aGk=\",", "", "payload" },
		{ "aGk=", "aGk", "base64" }, { "aGk=", "", "empty" }, { "aGk=", "aG k", "base64" }, { "aGk=", "aGl=", "base64" },
		{ "\"payload\":", "\"x\":1,\"payload\":", "not known" },
		{ "\"sig\":", "\"cert\":\"\",\"sig\":", "not known" },
		{ "\"keyid\":\"" KEYID "\",", "", "keyid" },
		{ ",\"sig\":\"" SIG "\"", "", "sig" },
		{ KEYID, "AAAA", "thumbprint" }, { KEYID, KEYID "=", "thumbprint" },
		{ SIG, "AAAA", "64 bytes" },
		{ "[{", "{\"x\":[{", "" },
		{ "\"}]}", "\"},{\"keyid\":\"" KEYID "\",\"sig\":\"" SIG "\"}]}", "one keyid" },
		{ ",\"signatures\":[{\"keyid\":\"" KEYID "\",\"sig\":\"" SIG "\"}]", "", "signatures" },
		{ "{\"payloadType", "[{\"payloadType", "" },
	};
	CLEANUP(dsse_clear) struct dsse d = { 0 };
	struct err e;

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		CLEANUP(freep) char *text = fix_edit(GOOD, edits[i].from, edits[i].to);

		CHECK(text && fix_refused(dsse_parse(span_of(text), &d, &e), &e, &edits[i]));
		CHECK(d.payload.p == NULL && d.n_sigs == 0);
	}
	CHECK(dsse_parse(span_of(GOOD), &d, &e) == COFFER_OK && d.n_sigs == 1);
}

static void dsse_parse_refuses_too_many_signatures(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(DSSE_ENVELOPE_MAX);
	CLEANUP(dsse_clear) struct dsse d = { 0 };
	struct err e;

	wr_str(&w, "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"aGk=\",\"signatures\":[");
	for (int i = 0; i <= DSSE_SIGS_MAX; i++)
		wr_fmt(&w, "%s{\"keyid\":\"%cAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"sig\":\"" SIG "\"}", i ? "," : "", 'A' + i);
	wr_str(&w, "]}");
	CHECK(wr_ok(&w) && dsse_parse(wr_span(&w), &d, &e) == COFFER_E_LIMIT);
}

static void dsse_parse_refuses_a_payload_over_the_limit(void)
{
	CLEANUP(freep) uint8_t *big = calloc(1, DSSE_PAYLOAD_MAX + 1);
	CLEANUP(wr_close) struct wr w = wr_open(DSSE_ENVELOPE_MAX);
	CLEANUP(dsse_clear) struct dsse d = { 0 };
	struct err e;

	wr_str(&w, "{\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[],\"payload\":\"");
	b64_write(&w, (struct span){ big, DSSE_PAYLOAD_MAX + 1 });
	wr_str(&w, "\"}");
	CHECK(wr_ok(&w) && dsse_parse(wr_span(&w), &d, &e) != COFFER_OK);
}

static void dsse_parse_refuses_every_prefix(void)
{
	for (size_t n = 0; n < sizeof(GOOD) - 1; n++) {
		CLEANUP(freep) uint8_t *p = fix_exact((struct span){ (const uint8_t *)GOOD, n });
		CLEANUP(dsse_clear) struct dsse d = { 0 };
		struct err e;

		CHECK(dsse_parse((struct span){ p, n }, &d, &e) != COFFER_OK);
	}
}

static void new_takes_a_payload_up_to_its_bound(void)
{
	CLEANUP(freep) uint8_t *big = calloc(1, DSSE_PAYLOAD_MAX + 1);
	CLEANUP(dsse_clear) struct dsse d = { 0 };
	struct err e;

	if (!big)
		abort();
	CHECK(dsse_new((struct span){ big, DSSE_PAYLOAD_MAX + 1 }, &d, &e) == COFFER_E_LIMIT && !d.payload.p);
	CHECK(dsse_new((struct span){ big, DSSE_PAYLOAD_MAX }, &d, &e) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(dsse_pae_is_the_published_example), T(dsse_round_trip_keeps_payload_and_signatures),
		T(dsse_signed_by_refuses_a_changed_payload_or_signature), T(dsse_signed_by_refuses_a_bare_signature),
		T(dsse_sign_and_new_keep_the_limits), T(dsse_parse_refuses_every_wrong_form), T(dsse_parse_refuses_too_many_signatures),
		T(dsse_parse_refuses_a_payload_over_the_limit), T(dsse_parse_refuses_every_prefix), T(new_takes_a_payload_up_to_its_bound),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
