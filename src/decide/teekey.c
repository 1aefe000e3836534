#include "decide/teekey.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"

void members_clear(struct member_set *m)
{
	free(m->member);
	*m = (struct member_set){ 0 };
}

/* Byte order; for ASCII it is also the order of RFC 8785. */
static bool sorted(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0; /* public: member names */

	return c < 0 || (c == 0 && a.n < b.n);
}

static bool name_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return s.n > 0 && s.n <= KEEP_MEMBER_NAME_MAX;
}

static enum coffer_rc check_members(const struct keep_member *m, size_t n, size_t *total, struct err *e)
{
	if (n == 0 || n > KEEP_MEMBERS_MAX)
		return err_set(e, COFFER_E_INPUT, "tee-pubkey: %zu members", n);
	*total = 0;
	for (size_t i = 0; i < n; i++) {
		if (!name_ok(m[i].name) || (i > 0 && !sorted(m[i - 1].name, m[i].name)))
			return err_set(e, COFFER_E_INPUT, "tee-pubkey: member names are not plain, sorted and unique");
		if (m[i].value.n > KEEP_MEMBER_VALUE_MAX)
			return err_set(e, COFFER_E_LIMIT, "tee-pubkey: a member is longer than %d bytes", KEEP_MEMBER_VALUE_MAX);
		*total += m[i].name.n + m[i].value.n;
	}
	if (*total > MEMBER_BYTES_MAX)
		return err_set(e, COFFER_E_LIMIT, "tee-pubkey: longer than %d bytes", MEMBER_BYTES_MAX);
	return COFFER_OK;
}

static struct span keep_bytes(uint8_t **at, struct span s)
{
	struct span out = { *at, s.n };

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return out;
}

enum coffer_rc members_copy(const struct keep_member *m, size_t n, struct member_set *out, struct err *e)
{
	struct member_set set = { .n = n };
	size_t total = 0;
	uint8_t *at;

	TRY(check_members(m, n, &total, e));
	set.member = malloc(n * sizeof(struct keep_member) + total);
	if (!set.member)
		return err_set(e, COFFER_E_SYSTEM, "tee-pubkey: out of memory");
	at = (uint8_t *)(set.member + n);
	for (size_t i = 0; i < n; i++) {
		set.member[i].name = keep_bytes(&at, m[i].name);
		set.member[i].value = keep_bytes(&at, m[i].value);
	}
	*out = set;
	return COFFER_OK;
}

struct span members_get(const struct member_set *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (span_eq_str(m->member[i].name, name))
			return m->member[i].value;
	return (struct span){ 0 };
}

/* Base64url of at most max bytes without leading zero, as RFC 7518 section 6.3.1 wants. */
static bool big_number(struct span text, uint8_t *dst, size_t max, size_t *n)
{
	CLEANUP(wr_close) struct wr w = wr_open(max);

	if (!b64url_read(text, &w) || !wr_ok(&w) || w.n == 0 || w.p[0] == 0)
		return false;
	memcpy(dst, w.p, w.n);
	*n = w.n;
	return true;
}

static enum coffer_rc read_rsa(const struct member_set *m, struct tee_key *k, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct span n = members_get(m, "n"), exp = members_get(m, "e");

	k->rsa = true;
	if (!span_eq_str(members_get(m, "alg"), "RSA-OAEP-256"))
		return err_set(e, COFFER_E_INPUT, "tee-pubkey: alg of an RSA key must be RSA-OAEP-256");
	if (!big_number(n, k->n, sizeof(k->n), &k->n_len) || !big_number(exp, k->e, sizeof(k->e), &k->e_len) ||
	    k->n_len < 256 || !(k->n[k->n_len - 1] & 1) || !(k->e[k->e_len - 1] & 1))
		return err_set(e, COFFER_E_INPUT, "tee-pubkey: RSA key must have 2048 to 4096 bits");
	wr_str(&w, "{\"e\":\"");
	wr_put(&w, exp);
	wr_str(&w, "\",\"kty\":\"RSA\",\"n\":\"");
	wr_put(&w, n);
	wr_str(&w, "\"}");
	TRY(wr_done(&w, "tee-pubkey", e));
	sha256(wr_span(&w), k->thumb);
	return COFFER_OK;
}

enum coffer_rc tee_key_read(const struct member_set *m, struct tee_key *out, struct err *e)
{
	struct tee_key k = { .ec.kind = KEY_P256 };
	struct span kty = members_get(m, "kty");

	if (span_eq_str(kty, "RSA")) {
		TRY(read_rsa(m, &k, e));
		*out = k;
		return COFFER_OK;
	}
	if (!span_eq_str(kty, "EC") || !span_eq_str(members_get(m, "crv"), "P-256") ||
	    !span_eq_str(members_get(m, "alg"), "ECDH-ES+A256KW"))
		return err_set(e, COFFER_E_INPUT, "tee-pubkey: want EC P-256 with ECDH-ES+A256KW, or RSA with RSA-OAEP-256");
	if (!b64url_fixed(members_get(m, "x"), k.ec.x, 32) || !b64url_fixed(members_get(m, "y"), k.ec.y, 32))
		return err_set(e, COFFER_E_INPUT, "tee-pubkey: malformed coordinates");
	pubkey_thumbprint(&k.ec, k.thumb);
	*out = k;
	return COFFER_OK;
}

enum coffer_rc request_key_read(const struct member_set *m, bool *has, struct pubkey *out, struct err *e)
{
	struct span v = members_get(m, "coffer-request-key");
	struct pubkey k = { .kind = KEY_P256 };
	uint8_t xy[64];

	*has = v.n > 0;
	if (!*has)
		return COFFER_OK;
	if (!b64url_fixed(v, xy, sizeof(xy)))
		return err_set(e, COFFER_E_INPUT, "tee-pubkey: coffer-request-key is not 64 bytes of base64url");
	memcpy(k.x, xy, 32);
	memcpy(k.y, xy + 32, 32);
	*out = k;
	return COFFER_OK;
}

enum coffer_rc member_genesis(const struct member_set *m, bool *has, uint8_t out[static 32], struct err *e)
{
	struct span v = members_get(m, "coffer-genesis");

	*has = v.n > 0;
	if (*has && !hex_fixed(v, out, 32))
		return err_set(e, COFFER_E_INPUT, "tee-pubkey: coffer-genesis is not 32 bytes of hex");
	return COFFER_OK;
}

enum coffer_rc member_bindings(const struct member_set *m, uint8_t out[][32], size_t *n, struct err *e)
{
	struct span v = members_get(m, "coffer-bindings");

	*n = 0;
	while (v.n > 0) {
		size_t comma = span_find(v, ',');

		if (*n == BINDINGS_MAX || comma + 1 == v.n || !hex_fixed((struct span){ v.p, comma }, out[*n], 32))
			return err_set(e, COFFER_E_INPUT, "tee-pubkey: coffer-bindings is not 1 to %d statements' ids", BINDINGS_MAX);
		for (size_t i = 0; i < *n; i++)
			if (span_eq((struct span){ out[i], 32 }, (struct span){ out[*n], 32 }))
				return err_set(e, COFFER_E_INPUT, "tee-pubkey: coffer-bindings names one twice");
		(*n)++;
		v = span_skip(v, comma < v.n ? comma + 1 : v.n);
	}
	return COFFER_OK;
}
