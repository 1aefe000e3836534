#include "trust/tosign.h"

#include <stdlib.h>

#include "base/str.h"
#include "base/own.h"
#include "tests/t.h"

static struct privkey *fresh(enum key_kind kind)
{
	struct privkey *k = NULL;
	struct err e;

	CHECK(privkey_new(kind, &k, &e) == COFFER_OK);
	return k;
}

static void ask(enum to_sign_what what, const struct privkey *k, const char *payload, struct to_sign *t)
{
	*t = (struct to_sign){ .what = what };
	t->env.payload = wr_open(DSSE_PAYLOAD_MAX);
	wr_str(&t->env.payload, payload);
	pubkey_thumbprint(privkey_public(k), t->keyid);
}

static void there_and_back_gives_an_envelope_that_verifies(void)
{
	static const enum key_kind kinds[] = { KEY_ED25519, KEY_P256 };

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(privkey_freep) struct privkey *k = fresh(kinds[i]);
		CLEANUP(to_sign_clear) struct to_sign t = { 0 }, there = { 0 };
		CLEANUP(wr_close) struct wr file = wr_open(TO_SIGN_MAX), sig = wr_open(4096);
		struct detached made, d;
		struct err e;

		ask(TO_SIGN_STATEMENT, k, "{\"x\":1}", &t);
		CHECK(to_sign_write(&t, "a summary", &file, &e) == COFFER_OK);
		CHECK(to_sign_parse(wr_span(&file), &there, &e) == COFFER_OK);
		CHECK(there.what == TO_SIGN_STATEMENT && span_eq_str(wr_span(&there.env.payload), "{\"x\":1}"));
		CHECK(detached_make(&there, k, &made, &e) == COFFER_OK && detached_write(&made, &sig, &e) == COFFER_OK);
		CHECK(detached_parse(wr_span(&sig), &d, &e) == COFFER_OK);
		CHECK(!dsse_signed_by(&t.env, privkey_public(k)));
		CHECK(detached_add(&d, &t, privkey_public(k), &e) == COFFER_OK);
		CHECK(t.env.n_sigs == 1 && dsse_signed_by(&t.env, privkey_public(k)));
		CHECK(detached_add(&d, &t, privkey_public(k), &e) == COFFER_OK && t.env.n_sigs == 1);
	}
}

static bool denied(const struct detached *d, const struct to_sign *t, const struct privkey *k, const char *words)
{
	struct err e;

	return detached_check(d, t, privkey_public(k), &e) == COFFER_E_DENIED && strcmp(e.check, "signature") == 0 && strstr(e.msg, words);
}

static void signatures_of_anything_else_are_refused(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_ED25519), *other = fresh(KEY_ED25519);
	CLEANUP(to_sign_clear) struct to_sign t = { 0 }, u = { 0 }, image = { 0 };
	struct detached d, w;
	struct err e;

	ask(TO_SIGN_STATEMENT, k, "{\"x\":1}", &t);
	ask(TO_SIGN_STATEMENT, k, "{\"x\":2}", &u);
	ask(TO_SIGN_IMAGE, k, "{\"x\":1}", &image);
	CHECK(detached_make(&t, k, &d, &e) == COFFER_OK);
	CHECK(detached_check(&d, &t, privkey_public(k), &e) == COFFER_OK);
	CHECK(denied(&d, &u, k, "something else"));
	CHECK(denied(&d, &image, k, "something else")); /* the same payload, but not as a statement */
	CHECK(denied(&d, &t, other, "another key was asked"));
	CHECK(detached_make(&t, other, &w, &e) == COFFER_OK);
	CHECK(denied(&w, &t, k, "with another key"));
	memcpy(w.keyid, d.keyid, 32); /* says that it is of the right one */
	CHECK(denied(&w, &t, k, "does not verify"));
	d.sig[5] ^= 1;
	CHECK(denied(&d, &t, k, "does not verify"));
}

static void file_that_says_other_bytes_than_it_carries_is_refused(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(to_sign_clear) struct to_sign t = { 0 }, back = { 0 };
	CLEANUP(wr_close) struct wr file = wr_open(TO_SIGN_MAX);
	struct err e;
	char *at;

	ask(TO_SIGN_IMAGE, k, "{\"critical\":1}", &t);
	CHECK(to_sign_write(&t, "s", &file, &e) == COFFER_OK);
	at = memmem(file.p, file.n, "\"input\": \"", 10);
	CHECK(at != NULL);
	at[10] = at[10] == '0' ? '1' : '0';
	CHECK(to_sign_parse(wr_span(&file), &back, &e) == COFFER_E_DENIED && strcmp(e.check, "to-sign") == 0);
}

static void cut_files_are_refused(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_ED25519);
	CLEANUP(to_sign_clear) struct to_sign t = { 0 };
	CLEANUP(wr_close) struct wr file = wr_open(TO_SIGN_MAX), sig = wr_open(4096);
	struct detached d;
	struct err e;

	ask(TO_SIGN_STATEMENT, k, "{\"x\":1}", &t);
	CHECK(to_sign_write(&t, "s", &file, &e) == COFFER_OK && detached_make(&t, k, &d, &e) == COFFER_OK);
	CHECK(detached_write(&d, &sig, &e) == COFFER_OK);
	for (size_t n = 0; n + 1 < file.n; n++) { /* but for the last line end */
		CLEANUP(to_sign_clear) struct to_sign cut = { 0 };

		CHECK(to_sign_parse((struct span){ file.p, n }, &cut, &e) != COFFER_OK && cut.env.payload.p == NULL);
	}
	for (size_t n = 0; n + 1 < sig.n; n++)
		CHECK(detached_parse((struct span){ sig.p, n }, &d, &e) != COFFER_OK);
}

static void malformed_files_are_refused(void)
{
	static const char *const bad[] = {
		"{}", "[]", "{\"form\":\"coffer-to-sign-v2\"}",
		"{\"form\":\"coffer-to-sign-v1\",\"keyid\":\"x\",\"input\":\"00\",\"summary\":\"\",\"image-payload\":\"e30=\"}",
		"{\"form\":\"coffer-signature-v1\",\"keyid\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"input\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\",\"sig\":\"AAAA\"}",
		"{\"form\":\"coffer-to-sign-v1\",\"keyid\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"input\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\",\"summary\":\"\"}",
		"{\"form\":\"coffer-to-sign-v1\",\"keyid\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"input\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\",\"summary\":\"\",\"image-payload\":\"\"}",
		"{\"form\":\"coffer-to-sign-v1\",\"more\":1}",
	};
	struct to_sign t = { 0 };
	struct detached d;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(to_sign_parse(span_of(bad[i]), &t, &e) == COFFER_E_INPUT);
		CHECK(detached_parse(span_of(bad[i]), &d, &e) == COFFER_E_INPUT);
	}
}

int main(void)
{
	static const struct t_case c[] = {
		T(there_and_back_gives_an_envelope_that_verifies), T(signatures_of_anything_else_are_refused),
		T(file_that_says_other_bytes_than_it_carries_is_refused), T(cut_files_are_refused), T(malformed_files_are_refused),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
