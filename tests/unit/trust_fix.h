/* What the tests of src/trust share: text replacement on good documents, so that each refusal is one line, and keys made
 * on the spot. */
#pragma once
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "fmt/enc.h"
#include "tests/t.h"
#include "trust/dsse.h"
#include "trust/statement.h"

struct fix_edit { const char *from, *to, *says; }; /* says: part of the message that must come */

/* base with the first `from` replaced; the caller frees. NULL when `from` is not there: then the test is wrong. */
static inline char *fix_edit(const char *base, const char *from, const char *to)
{
	const char *at = strstr(base, from);

	return at ? str_fmt("%.*s%s%s", (int)(at - base), base, to, at + strlen(from)) : NULL;
}

/* One check of an edit: rc other than OK with the expected words. */
static inline bool fix_refused(enum coffer_rc rc, const struct err *e, const struct fix_edit *d)
{
	if (rc != COFFER_OK && strstr(e->msg, d->says))
		return true;
	printf("# edit '%s' -> '%s': rc %d, message '%s', wanted '%s'\n", d->from, d->to, (int)rc, rc ? e->msg : "", d->says);
	return false;
}

/* The span in a heap block of exactly its size, so that ASan sees a read beyond it. */
static inline uint8_t *fix_exact(struct span s)
{
	uint8_t *p = malloc(s.n ? s.n : 1);

	if (p && s.n)
		memcpy(p, s.p, s.n);
	return p;
}

static inline struct privkey *fix_key(enum key_kind kind)
{
	struct privkey *k = NULL;
	struct err e;

	if (privkey_new(kind, &k, &e) != COFFER_OK)
		abort();
	return k;
}

static inline char *fix_jwk(const struct pubkey *k)
{
	struct wr w = wr_open(1024);
	struct json_wr j = jw_open(&w, false);

	jwk_write(&j, k);
	return wr_take(&w, NULL);
}

static inline void fix_sha256_hex(const char *s, char out[static HEX32_LEN])
{
	uint8_t d[32];

	sha256(span_of(s), d);
	hex32(d, out);
}

/* A payload text around a body. `subjects` is the inside of the array. */
static inline char *fix_payload(const char *kind, const char *subjects, const char *head, const char *body)
{
	return str_fmt("{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"body\":%s,\"expires\":\"2027-01-01T00:00:00Z\","
	    "\"issued\":\"2026-01-01T00:00:00Z\",%s,\"serial\":1},\"predicateType\":\"urn:coffer:statement:%s:v1\",\"subject\":[%s]}",
	    body, head, kind, subjects);
}

/* {"name","digest"} of a name. */
static inline char *fix_subject(const char *name)
{
	char h[HEX32_LEN];

	fix_sha256_hex(name, h);
	return str_fmt("{\"digest\":{\"sha256\":\"%s\"},\"name\":\"%s\"}", h, name);
}

#define FIX_LEDGER "1111111111111111111111111111111111111111111111111111111111111111"
#define FIX_HEAD(issuer) "\"issuer\":\"" issuer "\",\"ledger\":\"" FIX_LEDGER "\""
#define FIX_NOW INT64_C(1780000000) /* 2026-05-28 */
