#include "trust/genesis_root.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/vkey.h"
#include "fmt/enc.h"
#include "trust/form.h"

static const char where[] = "genesis: vendor root";
static const char where_anchor[] = "genesis: anchor";

/* ---- anchors of CCA platforms (the vendor "arm") ---- */

static bool is_hex_of(const struct json *o, const char *name, size_t n)
{
	uint8_t id[33];

	return n <= sizeof(id) && hex_fixed(json_str(json_get(o, name)), id, n);
}

/* RFC 7518 section 6.2.1, and nothing beside it. */
static bool is_key(const struct json *k, struct err *e)
{
	static const char *const names[] = { "crv", "kty", "x", "y", NULL };
	static const struct { const char *crv; enum vkey_kind kind; size_t half; } curves[] = { { "P-256", VKEY_P256, 32 }, { "P-384", VKEY_P384, 48 },
		{ "P-521", VKEY_P521, 66 } };
	CLEANUP(vkey_freep) struct vkey *key = NULL;
	uint8_t xy[132];

	if (!k || json_closed(k, names, where_anchor, e) != COFFER_OK || !span_eq_str(json_str(json_get(k, "kty")), "EC"))
		return false;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		size_t half = curves[i].half;

		if (span_eq_str(json_str(json_get(k, "crv")), curves[i].crv))
			return b64url_fixed(json_str(json_get(k, "x")), xy, half) && b64url_fixed(json_str(json_get(k, "y")), xy + half, half) &&
			       vkey_ec(curves[i].kind, (struct span){ xy, 2 * half }, &key, e) == COFFER_OK;
	}
	return false;
}

static enum coffer_rc read_anchor(const struct json *v, struct err *e)
{
	static const char *const names[] = { "implementation-id", "instance-id", "pkey", NULL };
	struct err ignore = { 0 };

	TRY(json_closed(v, names, where_anchor, e));
	if (!is_hex_of(v, "implementation-id", 32) || !is_hex_of(v, "instance-id", 33))
		return err_set(e, COFFER_E_INPUT, "%s: \"implementation-id\" is 32 bytes of hex, \"instance-id\" 33", where_anchor);
	if (!is_key(json_get(v, "pkey"), &ignore))
		return err_set(e, COFFER_E_INPUT, "%s: \"pkey\" is no JWK of a point of P-256, P-384 or P-521", where_anchor);
	return COFFER_OK;
}

static enum coffer_rc read_anchors(const struct json *v, struct wr *out, struct err *e)
{
	const struct json *list = NULL;
	struct json_wr j = jw_open(out, false);

	TRY(form_list(v, "anchors", where, (struct form_range){ 1, GENESIS_ANCHORS_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++)
		TRY(read_anchor(json_at(list, i), e));
	jw_value(&j, list);
	return wr_ok(out) ? COFFER_OK : err_set(e, COFFER_E_INPUT, "%s: its anchors are more than %d bytes", where, GENESIS_ROOT_DER_MAX);
}

/* ---- certificates ---- */

static enum coffer_rc read_certificate(const struct json *v, struct wr *out, struct err *e)
{
	struct span text;

	TRY(json_need_str(v, "certificate", where, &text, e));
	if (!b64_read(text, out) || !wr_ok(out) || out->n == 0)
		return err_set(e, COFFER_E_INPUT, "genesis: a vendor root's certificate is not base64 of at most %d bytes", GENESIS_ROOT_DER_MAX);
	return COFFER_OK;
}

enum coffer_rc genesis_root_read(const struct json *v, struct genesis_root *out, struct err *e)
{
	static const char *const of_arm[] = { "anchors", "name", "vendor", NULL }, *const of_others[] = { "certificate", "name", "vendor", NULL };
	CLEANUP(wr_close) struct wr der = wr_open(GENESIS_ROOT_DER_MAX);
	struct span vendor, name;
	bool arm;

	TRY(json_need_str(v, "vendor", where, &vendor, e));
	arm = span_eq_str(vendor, "arm");
	TRY(json_closed(v, arm ? of_arm : of_others, where, e));
	TRY(form_text(v, "name", where, &name, e));
	if (!party_ok(vendor) || vendor.n >= sizeof(out->vendor) || name.n >= sizeof(out->name))
		return err_set(e, COFFER_E_INPUT, "genesis: a vendor root's vendor or name is too long or malformed");
	TRY(arm ? read_anchors(v, &der, e) : read_certificate(v, &der, e));
	memcpy(out->vendor, vendor.p, vendor.n);
	memcpy(out->name, name.p, name.n);
	memcpy(out->der, der.p, der.n);
	out->der_n = der.n;
	out->anchors = arm;
	return COFFER_OK;
}

enum coffer_rc genesis_roots_read(const struct json *body, struct form_range n, struct genesis *g, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(body, "vendor-roots", "genesis", n, &list, e));
	for (size_t i = 0; i < json_len(list); i++)
		TRY(genesis_root_read(json_at(list, i), &g->root[g->n_roots++], e));
	return COFFER_OK;
}
