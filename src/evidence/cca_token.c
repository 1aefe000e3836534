#include "evidence/cca_token.h"

#include "base/str.h"

#define TAG_COLLECTION 399 /* of the first drafts and of the RMM specification */
#define TAG_CMW	       907 /* a collection of conceptual message wrappers */
#define FORMAT_CWT     263 /* CoAP content format application/eat+cwt */
enum { COLL_PLATFORM = 44234, COLL_REALM = 44241 };

#define PLATFORM_1 "http://arm.com/CCA-SSD/1.0.0"
#define PLATFORM_2 "tag:arm.com,2023:cca_platform#1.0.0"
#define REALM_2	   "tag:arm.com,2023:realm#1.0.0"
#define RAK_POINT  97

bool cca_hash(struct span name, enum hash_alg *out)
{
	static const struct {
		const char *name;
		enum hash_alg h;
	} known[] = { { "sha-256", HASH_SHA256 }, { "sha-384", HASH_SHA384 }, { "sha-512", HASH_SHA512 } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (span_eq_str(name, known[i].name)) {
			*out = known[i].h;
			return true;
		}
	}
	return false;
}

/* ---- claims of one type each ---- */

enum form { FORM_TEXT, FORM_HASH, FORM_BYTES, FORM_DIGEST, FORM_32, FORM_33, FORM_64 };

struct claim {
	int64_t key;
	const char *name;
	enum form form;
	bool optional;
	size_t offset;
};

/* Text goes to claims as it is: no control characters, for JSON and for people. */
static bool is_text(const struct cbor *v)
{
	for (size_t i = 0; i < v->body.n; i++)
		if (v->body.p[i] < 0x20 || v->body.p[i] == 0x7f)
			return false;
	return v->type == CBOR_TEXT && v->body.n > 0;
}

/* The form of what a claim says; lengths are exact. */
static bool fits(enum form f, const struct cbor *v)
{
	enum hash_alg h;
	size_t n = v->body.n;

	if (f == FORM_TEXT || f == FORM_HASH)
		return is_text(v) && (f == FORM_TEXT || cca_hash(v->body, &h));
	if (v->type != CBOR_BYTES)
		return false;
	switch (f) {
	case FORM_DIGEST:
		return n == 32 || n == 48 || n == 64;
	case FORM_32:
		return n == 32;
	case FORM_33:
		return n == 33;
	case FORM_64:
		return n == 64;
	case FORM_BYTES:
	case FORM_TEXT:
	case FORM_HASH:
		return n > 0;
	}
	return false;
}

static enum coffer_rc read_claims(const struct cbor *map, const struct claim *c, size_t n, void *out, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct span *field = (struct span *)(void *)((uint8_t *)out + c[i].offset);
		struct cbor v;

		if (!cbor_get(map, c[i].key, &v)) {
			if (!c[i].optional)
				return err_set(e, COFFER_E_INPUT, "cca: claim %s is missing", c[i].name);
			continue;
		}
		if (!fits(c[i].form, &v))
			return err_set(e, COFFER_E_INPUT, "cca: claim %s has another type or length", c[i].name);
		*field = v.body;
	}
	return COFFER_OK;
}

static enum coffer_rc open_claims(struct span claims, const char *whose, struct cbor *map, struct err *e)
{
	TRY(cbor_open(claims, CCA_TOKEN_MAX, map, e));
	return map->type == CBOR_MAP ? COFFER_OK : err_set(e, COFFER_E_INPUT, "cca: the %s token's claims are no map", whose);
}

/* ---- the platform ---- */

#define AT(type, field) offsetof(struct type, field)
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct claim sw_claims[] = {
	{ 1, "component type", FORM_TEXT, true, AT(cca_sw, type) },
	{ 2, "measurement value", FORM_DIGEST, false, AT(cca_sw, value) },
	{ 4, "version", FORM_TEXT, true, AT(cca_sw, version) },
	{ 5, "signer id", FORM_DIGEST, false, AT(cca_sw, signer) },
	{ 6, "component's hash algorithm", FORM_HASH, true, AT(cca_sw, hash_alg) },
};

static const struct claim platform_claims[] = {
	{ 265, "platform profile", FORM_TEXT, false, AT(cca_platform, profile) },
	{ 10, "platform challenge", FORM_DIGEST, false, AT(cca_platform, challenge) },
	{ 2396, "implementation id", FORM_32, false, AT(cca_platform, implementation_id) },
	{ 256, "instance id", FORM_33, false, AT(cca_platform, instance_id) },
	{ 2401, "platform config", FORM_BYTES, false, AT(cca_platform, config) },
	{ 2402, "platform hash algorithm", FORM_HASH, false, AT(cca_platform, hash_alg) },
	{ 2400, "verification service", FORM_TEXT, true, AT(cca_platform, service) },
};

static enum coffer_rc read_sw(const struct cbor *map, struct cca_platform *p, struct err *e)
{
	struct cbor list, one;
	struct cbor_iter it;

	if (!cbor_get(map, 2399, &list) || list.type != CBOR_ARRAY || list.u == 0)
		return err_set(e, COFFER_E_INPUT, "cca: software components are no list of at least one");
	if (list.u > CCA_SW_MAX)
		return err_set(e, COFFER_E_LIMIT, "cca: more than %d software components", CCA_SW_MAX);
	it = cbor_items(&list);
	while (cbor_next(&it, &one)) {
		if (one.type != CBOR_MAP)
			return err_set(e, COFFER_E_INPUT, "cca: a software component is no map");
		TRY(read_claims(&one, sw_claims, COUNT(sw_claims), &p->sw[p->n_sw++], e));
	}
	return COFFER_OK;
}

enum coffer_rc cca_platform_parse(struct span claims, struct cca_platform *out, struct err *e)
{
	struct cca_platform p = { 0 };
	struct cbor map, v;

	TRY(open_claims(claims, "platform", &map, e));
	TRY(read_claims(&map, platform_claims, COUNT(platform_claims), &p, e));
	if (!span_eq_str(p.profile, PLATFORM_1) && !span_eq_str(p.profile, PLATFORM_2))
		return err_set(e, COFFER_E_INPUT, "cca: a platform profile that is not known here");
	if (p.instance_id.p[0] != 1) /* a UEID of type RAND */
		return err_set(e, COFFER_E_INPUT, "cca: the instance id is of another type");
	if (!cbor_get(&map, 2395, &v) || v.type != CBOR_UINT || v.u > UINT16_MAX)
		return err_set(e, COFFER_E_INPUT, "cca: the lifecycle is no number of 16 bits");
	p.lifecycle = (uint16_t)v.u;
	TRY(read_sw(&map, &p, e));
	*out = p;
	return COFFER_OK;
}

/* ---- the realm ---- */

static const struct claim realm_claims[] = {
	{ 265, "realm profile", FORM_TEXT, true, AT(cca_realm, profile) },
	{ 10, "realm challenge", FORM_64, false, AT(cca_realm, challenge) },
	{ 44235, "realm personalization value", FORM_64, false, AT(cca_realm, rpv) },
	{ 44238, "realm initial measurement", FORM_DIGEST, false, AT(cca_realm, rim) },
	{ 44236, "realm hash algorithm", FORM_HASH, false, AT(cca_realm, hash_alg) },
	{ 44237, "realm public key", FORM_BYTES, false, AT(cca_realm, rak) },
	{ 44240, "realm public key's hash algorithm", FORM_HASH, false, AT(cca_realm, rak_hash_alg) },
};

static enum coffer_rc read_rem(const struct cbor *map, struct cca_realm *r, struct err *e)
{
	struct cbor list, v;

	if (!cbor_get(map, 44239, &list) || list.type != CBOR_ARRAY || list.u != CCA_REMS)
		return err_set(e, COFFER_E_INPUT, "cca: extensible measurements are no list of %d", CCA_REMS);
	for (size_t i = 0; i < CCA_REMS; i++) {
		if (!cbor_at(&list, i, &v) || !fits(FORM_DIGEST, &v))
			return err_set(e, COFFER_E_INPUT, "cca: extensible measurement %zu has another type or length", i);
		r->rem[i] = v.body;
	}
	return COFFER_OK;
}

enum coffer_rc cca_realm_parse(struct span claims, struct cca_realm *out, struct err *e)
{
	struct cca_realm r = { 0 };
	struct cbor map;

	TRY(open_claims(claims, "realm", &map, e));
	TRY(read_claims(&map, realm_claims, COUNT(realm_claims), &r, e));
	if (r.profile.n > 0 && !span_eq_str(r.profile, REALM_2))
		return err_set(e, COFFER_E_INPUT, "cca: a realm profile that is not known here");
	if (r.profile.n == 0 && (r.rak.n != RAK_POINT || r.rak.p[0] != 4))
		return err_set(e, COFFER_E_INPUT, "cca: the realm public key is no uncompressed P-384 point");
	TRY(read_rem(&map, &r, e));
	*out = r;
	return COFFER_OK;
}

enum coffer_rc cca_realm_key(const struct cca_realm *r, struct vkey **out, struct err *e)
{
	if (r->profile.n == 0)
		return vkey_ec(VKEY_P384, span_skip(r->rak, 1), out, e);
	return cose_key_read(r->rak, out, e);
}

/* ---- the collection ---- */

/* One of the two messages, bare or in a pair with its content format. */
static enum coffer_rc member(const struct cbor *map, bool paired, int64_t key, struct span *out, struct err *e)
{
	struct cbor v, format, bytes;
	int64_t n;

	if (!cbor_get(map, key, &v))
		return err_set(e, COFFER_E_INPUT, "cca: the collection has no member %lld", (long long)key);
	if (paired) {
		if (v.type != CBOR_ARRAY || v.u != 2 || !cbor_at(&v, 0, &format) || !cbor_at(&v, 1, &bytes) ||
		    !cbor_int(&format, &n) || n != FORMAT_CWT)
			return err_set(e, COFFER_E_INPUT, "cca: member %lld is no pair of format %d and a token", (long long)key,
			    FORMAT_CWT);
		v = bytes;
	}
	if (v.type != CBOR_BYTES)
		return err_set(e, COFFER_E_INPUT, "cca: member %lld is no byte string", (long long)key);
	*out = v.body;
	return COFFER_OK;
}

enum coffer_rc cca_token_parse(struct span in, struct cca_token *out, struct err *e)
{
	struct cca_token t = { 0 };
	struct span platform = { 0 }, realm = { 0 };
	struct cbor whole, map;
	bool paired;

	TRY(cbor_open(in, CCA_TOKEN_MAX, &whole, e));
	paired = whole.type == CBOR_TAG && whole.u == TAG_CMW;
	if (!cbor_untag(&whole, paired ? TAG_CMW : TAG_COLLECTION, &map) || map.type != CBOR_MAP || map.u != 2)
		return err_set(e, COFFER_E_INPUT, "cca: no collection of two under tag %d or %d", TAG_COLLECTION, TAG_CMW);
	TRY(member(&map, paired, COLL_PLATFORM, &platform, e));
	TRY(member(&map, paired, COLL_REALM, &realm, e));
	TRY(cose_sign1_parse(platform, &t.platform_msg, e));
	TRY(cose_sign1_parse(realm, &t.realm_msg, e));
	TRY(cca_platform_parse(t.platform_msg.payload, &t.platform, e));
	TRY(cca_realm_parse(t.realm_msg.payload, &t.realm, e));
	*out = t;
	return COFFER_OK;
}
