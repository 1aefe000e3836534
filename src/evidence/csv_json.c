/* Upstream's decoded certificates, packed again: what was signed are bytes, so bytes are what is judged. */
#include <string.h>

#include "base/str.h"
#include "evidence/csv_report.h"
#include "evidence/ints.h"

struct field { const char *path; size_t n; bool bytes; }; /* else a number of n bytes */

static const struct field ca_fields[] = { { "body.preamble.ver", 4, false }, { "body.preamble.data.kid", 16, true },
	{ "body.preamble.data.sid", 16, true }, { "body.preamble.data.usage", 4, false }, { "body.preamble.data.reserved", 24, true },
	{ "body.pubkey.g", 4, false }, { "body.pubkey.x", 72, true }, { "body.pubkey.y", 72, true }, { "body.uid_size", 2, false },
	{ "body.user_id", 254, true }, { "body.reserved", 108, true }, { "signature.r", 72, true }, { "signature.s", 72, true },
	{ "_reserved", 112, true } };

static const struct field cert_fields[] = { { "body.ver", 4, false }, { "body.data.firmware.major", 1, false },
	{ "body.data.firmware.minor", 1, false }, { "body.data.reserved1", 2, false }, { "body.data.pubkey.usage", 4, false },
	{ "body.data.pubkey.algo", 4, false }, { "body.data.pubkey.key.g", 4, false }, { "body.data.pubkey.key.x", 72, true },
	{ "body.data.pubkey.key.y", 72, true }, { "body.data.uid_size", 2, false }, { "body.data.user_id", 254, true },
	{ "body.data.sid", 16, true }, { "body.data.reserved2", 608, true } };

static const struct field slot_fields[] = { { "usage", 4, false }, { "algo", 4, false }, { "signature.r", 72, true },
	{ "signature.s", 72, true }, { "_reserved", 368, true } };

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct json *at(const struct json *v, const char *path)
{
	struct span rest = span_of(path);

	while (v && rest.n > 0) {
		size_t n = span_find(rest, '.');

		v = json_getn(v, (struct span){ rest.p, n });
		rest = span_skip(rest, n + 1);
	}
	return v;
}

static bool put(const struct json *v, const struct field *f, struct wr *w)
{
	uint8_t b[608] = { 0 };
	uint64_t n = 0;

	if (f->bytes ? !ints_fixed(v, b, f->n) : !json_u64(v, &n) || n >> (8 * f->n) != 0)
		return false;
	for (size_t i = 0; !f->bytes && i < f->n; i++)
		b[i] = (uint8_t)(n >> (8 * i));
	wr_put(w, (struct span){ b, f->n });
	return true;
}

static enum coffer_rc pack(const struct json *v, const struct field *f, size_t n, struct wr *w, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (!put(at(v, f[i].path), &f[i], w))
			return err_set(e, COFFER_E_INPUT, "csv certificate: member %s is not %zu bytes", f[i].path, f[i].n);
	return COFFER_OK;
}

enum coffer_rc csv_ca_pack(const struct json *v, struct wr *w, struct err *e)
{
	return pack(v, ca_fields, N(ca_fields), w, e);
}

enum coffer_rc csv_cert_pack(const struct json *v, struct wr *w, struct err *e)
{
	const struct json *sigs = json_get(v, "sigs");

	if (json_type(sigs) != JSON_ARRAY || json_len(sigs) != 2)
		return err_set(e, COFFER_E_INPUT, "csv certificate: sigs are not a list of two");
	TRY(pack(v, cert_fields, N(cert_fields), w, e));
	TRY(pack(json_at(sigs, 0), slot_fields, N(slot_fields), w, e));
	return pack(json_at(sigs, 1), slot_fields, N(slot_fields), w, e);
}
