#include "evidence/cca_anchor.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define STORE_MAX (8u << 20)

void cca_anchors_clear(struct cca_anchors *a)
{
	for (size_t i = 0; i < a->n; i++)
		vkey_free(a->key[i]);
	*a = (struct cca_anchors){ 0 };
}

static bool is_hex(const struct json *v, struct span want)
{
	uint8_t id[33];

	return want.n <= sizeof(id) && hex_fixed(json_str(v), id, want.n) && span_eq((struct span){ id, want.n }, want);
}

/* RFC 7518 section 6.2.1. */
static bool read_jwk(const struct json *k, struct vkey **out)
{
	static const struct {
		const char *crv;
		enum vkey_kind kind;
		size_t half;
	} known[] = { { "P-256", VKEY_P256, 32 }, { "P-384", VKEY_P384, 48 }, { "P-521", VKEY_P521, 66 } };
	struct err ignore = { 0 };
	uint8_t xy[132];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t half = known[i].half;

		if (span_eq_str(json_str(json_get(k, "kty")), "EC") && span_eq_str(json_str(json_get(k, "crv")), known[i].crv))
			return b64url_fixed(json_str(json_get(k, "x")), xy, half) &&
			       b64url_fixed(json_str(json_get(k, "y")), xy + half, half) &&
			       vkey_ec(known[i].kind, (struct span){ xy, 2 * half }, out, &ignore) == COFFER_OK;
	}
	return false;
}

static enum coffer_rc add_entry(const struct json *entry, const struct cca_platform *p, struct cca_anchors *out, struct err *e)
{
	struct vkey *k = NULL;

	if (!is_hex(json_get(entry, "instance-id"), p->instance_id) ||
	    !is_hex(json_get(entry, "implementation-id"), p->implementation_id))
		return COFFER_OK;
	if (out->named == CCA_ANCHORS_MAX)
		return err_set(e, COFFER_E_LIMIT, "cca: more than %d trust anchors for one platform", CCA_ANCHORS_MAX);
	out->named++;
	if (read_jwk(json_get(entry, "pkey"), &k))
		out->key[out->n++] = k;
	return COFFER_OK;
}

enum coffer_rc cca_anchors_find(
    const struct collateral *col, const struct cca_platform *p, struct cca_anchors *out, struct err *e)
{
	for (size_t f = 0; col && f < col->n_json; f++) {
		CLEANUP(json_freep) struct json_doc *doc = NULL;
		const struct json *list;
		struct err ignore = { 0 };

		if (col->anchors_by_roots && !col->json_root[f])
			continue;
		if (json_parse(col->json[f], STORE_MAX, &doc, &ignore) != COFFER_OK)
			continue;
		list = json_root(doc);
		for (size_t i = 0; json_type(list) == JSON_ARRAY && i < json_len(list); i++)
			TRY(add_entry(json_at(list, i), p, out, e));
	}
	return COFFER_OK;
}
