/* What the tests of src/trust/ledger share: keys made on the spot, copies of exact size. */
#pragma once
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "tests/t.h"
#include "trust/ledger/note.h"

static inline struct privkey *lfix_key(void)
{
	struct privkey *k = NULL;
	struct err e;

	if (privkey_new(KEY_ED25519, &k, &e) != COFFER_OK)
		abort();
	return k;
}

static inline struct note_key lfix_named(const char *name, enum note_alg alg, const struct privkey *k)
{
	struct note_key n = { 0 };
	struct err e;

	if (note_key_new(span_of(name), alg, privkey_public(k), &n, &e) != COFFER_OK)
		abort();
	return n;
}

/* The span in a heap block of exactly its size, so that ASan sees a read beyond it. */
static inline uint8_t *lfix_exact(struct span s)
{
	uint8_t *p = malloc(s.n ? s.n : 1);

	if (!p)
		abort();
	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}
