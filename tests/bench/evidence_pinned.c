/* Instead of the vendors' keys, which nobody here can sign with: the root that the evidence of the row leads to, under every vendor's
 * table. So the verification goes the way that it goes with genuine evidence, to a pinned key. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "crypto/der.h"
#include "evidence/pinned.h"
#include "fmt/enc.h"
#include "tests/bench/evidence_made.h"

static char cn[128], rsa_n[2049], rsa_print[65], ec_n[2049], ec_print[65];

/* AMD pins nine keys: eight others under names of nobody, for their cost in a new process. */
#define AMD_OTHER(i) { "nobody-" #i, VKEY_RSA, rsa_n, rsa_print }
const struct pinned roots_amd[] = { { cn, VKEY_RSA, rsa_n, rsa_print }, AMD_OTHER(1), AMD_OTHER(2), AMD_OTHER(3), AMD_OTHER(4), AMD_OTHER(5),
	AMD_OTHER(6), AMD_OTHER(7), AMD_OTHER(8), { 0 } };
const struct pinned roots_google[] = { { "nobody", VKEY_RSA, rsa_n, rsa_print }, { cn, VKEY_RSA, rsa_n, rsa_print }, { 0 } };
const struct pinned roots_intel[] = { { cn, VKEY_P256, ec_n, ec_print }, { 0 } };
const struct pinned roots_hygon[] = { { cn, VKEY_SM2, ec_n, ec_print }, { 0 } };
const struct pinned roots_nvidia[] = { { cn, VKEY_P384, ec_n, ec_print }, { 0 } };
const struct pinned roots_nvidia_rim[] = { { cn, VKEY_P384, ec_n, ec_print }, { 0 } };

static bool hex(struct span s, char *out, size_t max)
{
	CLEANUP(wr_close) struct wr w = wr_open(max - 1);

	hex_write(&w, s);
	if (!wr_ok(&w))
		return false;
	memcpy(out, w.p, w.n);
	out[w.n] = '\0';
	return true;
}

/* What a table holds of a key: RSA's modulus, or the coordinates. */
static bool number_of(struct span spki, bool *rsa, struct span *out)
{
	struct span seq, alg, bits, pair;

	if (!der_next(&spki, 0x30, &seq) || !der_next(&seq, 0x30, &alg) || !der_next(&seq, 0x03, &bits) || bits.n < 2)
		return false;
	bits = span_skip(bits, 1);
	*rsa = bits.p[0] != 4;
	if (!*rsa) {
		*out = span_skip(bits, 1);
		return true;
	}
	if (!der_next(&bits, 0x30, &pair) || !der_next(&pair, 0x02, out))
		return false;
	if (out->p[0] == 0)
		*out = span_skip(*out, 1);
	return true;
}

static bool pin(struct span key)
{
	uint8_t digest[32];
	struct span number;
	bool rsa;

	if (!number_of(key, &rsa, &number))
		return false;
	sha256(key, digest);
	return hex(number, rsa ? rsa_n : ec_n, sizeof(rsa_n)) && hex(SPAN(digest), rsa ? rsa_print : ec_print, sizeof(rsa_print));
}

bool made_pin(const struct made *m)
{
	if (m->root_name.n >= sizeof(cn))
		return false;
	if (m->root_name.p)
		memcpy(cn, m->root_name.p, m->root_name.n);
	return (!m->root_key.p || pin(m->root_key)) && (!m->other_key.p || pin(m->other_key));
}
