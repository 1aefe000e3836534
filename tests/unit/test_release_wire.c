/* The bytes of a signed asset request, of its reply and of its content. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "client/release.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "fmt/enc.h"
#include "proto/keep.h"
#include "tests/t.h"

static const uint8_t session[RELEASE_SESSION_LEN] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void ask_writes_the_documented_bytes(void)
{
	const struct release_ask a = { .path = span_of("p/t/n"), .version = 2, .counter = 3, .container = span_of("c"),
		.purpose = PURPOSE_API, .session = session };
	static const uint8_t want[] = "CRQ1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\1c\3api";
	static const uint8_t head[] = "coffer request v1\0\0\0\0\5p/t/n";
	CLEANUP(wr_close) struct wr req = { 0 }, sign = { 0 };
	struct err e = { 0 };
	struct span s;

	CHECK(release_ask_write(&a, &req, &sign, &e) == COFFER_OK);
	CHECK(span_eq(wr_span(&req), (struct span){ want, sizeof(want) - 1 }));
	s = wr_span(&sign);
	CHECK(s.n == sizeof(head) - 1 + sizeof(want) - 1 + sizeof(session));
	CHECK(span_eq((struct span){ s.p, sizeof(head) - 1 }, (struct span){ head, sizeof(head) - 1 }));
	CHECK(span_eq(span_skip(s, s.n - sizeof(session)), SPAN(session)));
}

static void ask_refuses_a_container_name_over_255_bytes(void)
{
	struct release_ask a = { .path = span_of("p/t/n"), .purpose = PURPOSE_API, .session = session };
	CLEANUP(wr_close) struct wr req = { 0 }, sign = { 0 };
	uint8_t name[256];
	struct err e = { 0 };

	memset(name, 'a', sizeof(name));
	a.container = SPAN(name);
	CHECK(release_ask_write(&a, &req, &sign, &e) == COFFER_E_INPUT);
	a.container.n = 255;
	CHECK(release_ask_write(&a, &req, &sign, &e) == COFFER_OK);
}

#define HASH64 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void entry_reads_three_parts(void)
{
	struct release_entry x = { 0 };
	struct err e = { 0 };

	CHECK(release_entry_parse(span_of("7." HASH64 ".12"), &x, &e) == COFFER_OK);
	CHECK(x.seq == 7 && x.version == 12 && x.entry[31] == 31);
}

static void entry_refuses_other_shapes(void)
{
	static const char *const bad[] = { "", ".", "..", "7", "7." HASH64, "7." HASH64 ".", "." HASH64 ".1", "x." HASH64 ".1",
		"7.00.1", "7." HASH64 "00.1", "7." HASH64 ".1.2", "7." HASH64 ".-1", "07." HASH64 ".1", "7." HASH64 ".1 " };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct release_entry x = { 0 };
		struct err e = { 0 };

		CHECK(release_entry_parse(span_of(bad[i]), &x, &e) == COFFER_E_DENIED && strcmp(e.check, "reply") == 0 &&
		      x.seq == 0);
	}
}

/* A reply as the service signs it. */
static void sign_reply(const struct privkey *k, const struct release_reply *r, struct wr *sig)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	uint8_t d[32], raw[SIG_LEN];
	struct err e = { 0 };

	sha256(r->body, d);
	wr_put(&w, (struct span){ (const uint8_t *)"coffer reply v1", 16 }); /* with its NUL */
	wr_put(&w, SPAN(d));
	wr_put(&w, SPAN(r->attested));
	wr_blob32(&w, r->path);
	wr_be64(&w, r->entry.version);
	wr_be64(&w, r->entry.seq);
	wr_put(&w, SPAN(r->entry.entry));
	CHECK(key_sign(k, wr_span(&w), raw, &e) == COFFER_OK);
	b64url_write(sig, SPAN(raw));
}

static void reply_check_accepts_exactly_what_was_signed(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL, *other = NULL;
	CLEANUP(wr_close) struct wr sig = wr_open(128);
	struct release_reply r = {.body = span_of("body"), .entry = {7, 2, {9}}, .path = span_of("p/t/n"), .attested = {1}}, x;
	struct err e = { 0 };

	CHECK(privkey_new(KEY_P256, &k, &e) == COFFER_OK && privkey_new(KEY_P256, &other, &e) == COFFER_OK);
	sign_reply(k, &r, &sig);
	r.signature = wr_span(&sig);
	CHECK(release_reply_check(&r, privkey_public(k), &e) == COFFER_OK);
	CHECK(release_reply_check(&r, privkey_public(other), &e) == COFFER_E_DENIED && strcmp(e.check, "reply") == 0);
	x = r, x.body = span_of("bodz");
	CHECK(release_reply_check(&x, privkey_public(k), &e) == COFFER_E_DENIED);
	x = r, x.path = span_of("p/t/m");
	CHECK(release_reply_check(&x, privkey_public(k), &e) == COFFER_E_DENIED);
	x = r, x.attested[0] = 2;
	CHECK(release_reply_check(&x, privkey_public(k), &e) == COFFER_E_DENIED);
	x = r, x.entry.version = 3;
	CHECK(release_reply_check(&x, privkey_public(k), &e) == COFFER_E_DENIED);
	x = r, x.entry.seq = 8;
	CHECK(release_reply_check(&x, privkey_public(k), &e) == COFFER_E_DENIED);
	x = r, x.entry.entry[31] = 1;
	CHECK(release_reply_check(&x, privkey_public(k), &e) == COFFER_E_DENIED);
	x = r, x.signature = (struct span){ 0 };
	CHECK(release_reply_check(&x, privkey_public(k), &e) == COFFER_E_DENIED);
}

static const uint8_t plain[] = "CRP1\0\0\0\2{}0123456789abcdef0123456789abcdefthe content";

static void content_is_split(void)
{
	struct release_content c = { 0 };
	struct err e = { 0 };

	CHECK(release_content_parse((struct span){ plain, sizeof(plain) - 1 }, &c, &e) == COFFER_OK);
	CHECK(span_eq_str(c.envelope, "{}") && span_eq_str(c.content, "the content") && c.salted.n == c.content.n + 32);
}

static void content_refuses_every_prefix_without_salt(void)
{
	for (size_t n = 0; n < 4 + 4 + 2 + 32; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct release_content c = { 0 };
		struct err e = { 0 };

		if (!exact)
			abort();
		memcpy(exact, plain, n);
		CHECK(release_content_parse((struct span){ exact, n }, &c, &e) == COFFER_E_DENIED && !c.salted.p);
	}
}

static void content_refuses_another_magic(void)
{
	uint8_t b[sizeof(plain)];
	struct release_content c = { 0 };
	struct err e = { 0 };

	memcpy(b, plain, sizeof(b));
	b[3] = '2';
	CHECK(release_content_parse((struct span){ b, sizeof(b) - 1 }, &c, &e) == COFFER_E_DENIED);
}

/* As rcar_get opens it: the longest envelope, salt and the largest asset in one JWE. */
static void content_of_the_largest_asset_opens(void)
{
	const size_t asset = KEEP_ASSET_MAX;
	CLEANUP(wr_close) struct wr text = wr_open(4u << 20), jwe = wr_open(4u << 20);
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(jwe_parts_clear) struct jwe_parts parts = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(secret_free) struct secret opened = { 0 };
	CLEANUP(freep) uint8_t *bytes = malloc(asset + 32);
	struct release_content c = { 0 };
	struct err e = { 0 };

	if (!bytes)
		abort();
	memset(bytes, 0xA5, asset + 32);
	wr_str(&text, "CRP1");
	wr_blob32(&text, (struct span){ bytes, DSSE_ENVELOPE_MAX });
	wr_put(&text, (struct span){ bytes, asset + 32 });
	CHECK(privkey_new(KEY_P256, &k, &e) == COFFER_OK && jwe_seal(privkey_public(k), wr_span(&text), NULL, &jwe, &e) == COFFER_OK);
	CHECK(json_parse(wr_span(&jwe), 4u << 20, &doc, &e) == COFFER_OK && jwe_parse(json_root(doc), &parts, &e) == COFFER_OK);
	CHECK(jwe_open(k, &parts, &opened, &e) == COFFER_OK && opened.n == text.n);
	CHECK(release_content_parse((struct span){ opened.p, opened.n }, &c, &e) == COFFER_OK);
	CHECK(c.envelope.n == DSSE_ENVELOPE_MAX && span_eq(c.content, (struct span){ bytes, asset }));
}

static void session_is_read_from_the_cookie(void)
{
	uint8_t got[RELEASE_SESSION_LEN];

	CHECK(release_session(span_of("kbs-session-id=000102030405060708090a0b0c0d0e0f; Max-Age=300; Secure"), got));
	CHECK(span_eq(SPAN(got), SPAN(session)));
	CHECK(release_session(span_of("kbs-session-id=000102030405060708090a0b0c0d0e0f"), got));
	CHECK(!release_session(span_of("kbs-session-id=000102030405060708090a0b0c0d0e; x"), got));
	CHECK(!release_session(span_of("kbs-session-id=000102030405060708090a0b0c0d0e0f00"), got));
	CHECK(!release_session(span_of("session=000102030405060708090a0b0c0d0e0f"), got));
	CHECK(!release_session((struct span){ 0 }, got));
}

int main(void)
{
	static const struct t_case cases[] = {
	    T(ask_writes_the_documented_bytes),
	    T(ask_refuses_a_container_name_over_255_bytes),
	    T(entry_reads_three_parts),
	    T(entry_refuses_other_shapes),
	    T(reply_check_accepts_exactly_what_was_signed),
	    T(content_is_split),
	    T(content_refuses_every_prefix_without_salt),
	    T(content_refuses_another_magic),
	    T(content_of_the_largest_asset_opens),
	    T(session_is_read_from_the_cookie),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
