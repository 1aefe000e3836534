/* A party token that is signed on another machine: what whoever signs is told is what it says, and what it must not say is not signed. */
#include "trust/reqtoken.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "client/service.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "tests/t.h"
#include "trust/tosign.h"

#define NOW INT64_C(1793750400)

static struct privkey *fresh(void)
{
	struct privkey *k = NULL;
	struct err e;

	CHECK(privkey_new(KEY_P256, &k, &e) == COFFER_OK);
	return k;
}

static void make(const struct privkey *k, const char *method, struct wr *out)
{
	static const uint8_t tls[32] = { 7 };
	const struct token_for f = { privkey_public(k), "hospital", method, "/kbs/v0/resource/hospital/note/x", tls };
	struct err e;

	*out = wr_open(REQTOKEN_MAX);
	CHECK(party_token_input(&f, NOW, out, &e) == COFFER_OK);
}

static void there_and_back(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(), *other = fresh();
	CLEANUP(wr_close) struct wr text = { 0 }, file = wr_open(TO_SIGN_MAX);
	CLEANUP(to_sign_clear) struct to_sign t = { .what = TO_SIGN_TOKEN }, there = { 0 };
	struct reqtoken said = { .iat = 7 };
	struct detached d;
	struct err e;

	make(k, "DELETE", &text);
	t.env.payload = wr_open(REQTOKEN_MAX);
	wr_put(&t.env.payload, wr_span(&text));
	pubkey_thumbprint(privkey_public(k), t.keyid);
	CHECK(to_sign_write(&t, "x", &file, &e) == COFFER_OK && to_sign_parse(wr_span(&file), &there, &e) == COFFER_OK && there.what == TO_SIGN_TOKEN);
	CHECK(reqtoken_read(wr_span(&there.env.payload), there.keyid, &said, &e) == COFFER_OK);
	CHECK(strcmp(said.iss, "hospital") == 0 && strcmp(said.method, "DELETE") == 0 && strcmp(said.path, "/kbs/v0/resource/hospital/note/x") == 0);
	CHECK(said.iat == (uint64_t)NOW && said.exp == (uint64_t)NOW + REQTOKEN_SECONDS && said.tls[0] == 7);
	CHECK(detached_make(&there, k, &d, &e) == COFFER_OK && detached_check(&d, &t, privkey_public(k), &e) == COFFER_OK);
	CHECK(key_verify(privkey_public(k), wr_span(&text), SPAN(d.sig))); /* as the service asks */
	CHECK(detached_make(&there, other, &d, &e) == COFFER_OK && detached_check(&d, &t, privkey_public(k), &e) == COFFER_E_DENIED);
	pubkey_thumbprint(privkey_public(other), there.keyid);
	CHECK(reqtoken_read(wr_span(&there.env.payload), there.keyid, &said, &e) == COFFER_E_INPUT); /* another key's header */
}

static void every_cut_is_refused(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh();
	CLEANUP(wr_close) struct wr text = { 0 };
	struct reqtoken said = { .iat = 7 };
	uint8_t kid[32];
	struct err e;

	make(k, "GET", &text);
	pubkey_thumbprint(privkey_public(k), kid);
	CHECK(reqtoken_read(wr_span(&text), kid, &said, &e) == COFFER_OK);
	said.iat = 7;
	for (size_t n = 0; n < text.n; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		if (!cut)
			abort();
		memcpy(cut, text.p, n);
		CHECK(reqtoken_read((struct span){ cut, n }, kid, &said, &e) != COFFER_OK && said.iat == 7);
		free(cut);
	}
}

/* The payload with one thing changed. */
static enum coffer_rc changed(const struct privkey *k, const char *was, const char *is, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 }, plain = wr_open(REQTOKEN_MAX), again = wr_open(REQTOKEN_MAX);
	CLEANUP(freep) char *json = NULL, *bent = NULL;
	struct reqtoken said;
	uint8_t kid[32];
	size_t dot;
	const char *at;

	make(k, "GET", &text);
	dot = span_find(wr_span(&text), '.');
	CHECK(b64url_read(span_skip(wr_span(&text), dot + 1), &plain));
	json = span_dup(wr_span(&plain));
	at = json ? strstr(json, was) : NULL;
	if (!at)
		abort();
	bent = str_fmt("%.*s%s%s", (int)(at - json), json, is, at + strlen(was));
	wr_put(&again, (struct span){ text.p, dot + 1 });
	b64url_write(&again, span_of(bent));
	pubkey_thumbprint(privkey_public(k), kid);
	return reqtoken_read(wr_span(&again), kid, &said, e);
}

static void what_must_not_be_signed_is_refused(void)
{
	static const struct { const char *was, *is; enum coffer_rc rc; } edits[] = {
		{ "\"GET\"", "\"GET\"", COFFER_OK }, { "\"GET\"", "\"POST\"", COFFER_E_DENIED }, { "\"body\":\"e3", "\"body\":\"f3", COFFER_E_DENIED },
		{ ",\"tls\":\"0700000000000000000000000000000000000000000000000000000000000000\"", "", COFFER_E_DENIED }, { "\"tls\":\"07", "\"tls\":\"7", COFFER_E_INPUT },
		{ "\"exp\":1793754000", "\"exp\":1793754001", COFFER_E_DENIED }, { "\"exp\":1793754000", "\"exp\":1793750400", COFFER_E_DENIED },
		{ "\"exp\":1793754000", "\"exp\":1", COFFER_E_DENIED }, { "\"path\":\"/", "\"path\":\"", COFFER_E_INPUT }, { "/note/", "/note \\u001b/", COFFER_E_INPUT },
		{ "\"iss\":\"hospital\"", "\"iss\":\"Hospital\"", COFFER_E_INPUT }, { "\"iss\":", "\"more\":1,\"iss\":", COFFER_E_INPUT }, { "\"jti\":\"", "\"jti\":\"0", COFFER_E_INPUT },
	};
	CLEANUP(privkey_freep) struct privkey *k = fresh();

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		struct err e = { 0 };

		CHECK(changed(k, edits[i].was, edits[i].is, &e) == edits[i].rc);
		if (e.rc != edits[i].rc)
			printf("# %zu: %s\n", i, e.msg);
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(there_and_back), T(every_cut_is_refused), T(what_must_not_be_signed_is_refused) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
