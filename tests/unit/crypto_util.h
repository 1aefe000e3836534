/* Known answers are written as hex or base64url in the crypto tests. */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/key.h"
#include "fmt/enc.h"
#include "fmt/json.h"

/* Decodes into dst (n bytes exactly) or ends the program: the test itself is wrong. */
static inline void hex(const char *s, uint8_t *dst, size_t n)
{
	if (!hex_fixed(span_of(s), dst, n))
		abort();
}

static inline void b64u(const char *s, uint8_t *dst, size_t n)
{
	if (!b64url_fixed(span_of(s), dst, n))
		abort();
}

static inline bool is_hex(struct span got, const char *want)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 20);

	hex_write(&w, got);
	return span_eq_str(wr_span(&w), want);
}

static inline struct json_doc *parsed(struct span text)
{
	struct json_doc *doc = NULL;
	struct err e;

	if (json_parse(text, 1u << 20, &doc, &e) != COFFER_OK)
		abort();
	return doc;
}

static inline struct privkey *p256_of(const char *d)
{
	struct privkey *k = NULL;
	uint8_t raw[32];
	struct err e;

	b64u(d, raw, 32);
	if (privkey_from_raw(KEY_P256, SPAN(raw), &k, &e) != COFFER_OK)
		abort();
	return k;
}

static inline struct privkey *fresh(enum key_kind kind)
{
	struct privkey *k = NULL;
	struct err e;

	if (privkey_new(kind, &k, &e) != COFFER_OK)
		abort();
	return k;
}
