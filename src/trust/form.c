#include "trust/form.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "crypto/jwk.h"
#include "fmt/enc.h"

#define TEXT_MAX 512

static enum coffer_rc wrong(const char *where, const char *name, const char *what, struct err *e)
{
	return err_set(e, COFFER_E_INPUT, "%s: member \"%s\" %s", where, name, what);
}

bool form_hex32(struct span s, uint8_t out[static 32])
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'F')
			return false;
	return hex_fixed(s, out, 32);
}

void form_put_hex32(struct json_wr *j, const char *name, const uint8_t d[static 32])
{
	char text[HEX32_LEN];

	hex32(d, text);
	jw_m_text(j, name, text);
}

bool form_text_ok(struct span s, size_t max)
{
	if (s.n == 0 || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7F)
			return false;
	return true;
}

bool form_ascii_ok(struct span s, size_t max)
{
	if (s.n == 0 || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7E)
			return false;
	return true;
}

enum coffer_rc form_digest(const struct json *o, const char *name, const char *where, uint8_t out[static 32], struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, where, &s, e));
	if (!form_hex32(s, out))
		return wrong(where, name, "is not a digest (64 lower-case hex digits)", e);
	return COFFER_OK;
}

enum coffer_rc form_party(const struct json *o, const char *name, const char *where, char out[static PARTY_MAX], struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, where, &s, e));
	if (!party_ok(s))
		return wrong(where, name, "is not an id ([a-z0-9][a-z0-9-]{0,62})", e);
	memset(out, 0, PARTY_MAX);
	memcpy(out, s.p, s.n);
	return COFFER_OK;
}

enum coffer_rc form_time(const struct json *o, const char *name, const char *where, int64_t *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, where, &s, e));
	if (!clock_parse(s, out))
		return wrong(where, name, "is not a time (YYYY-MM-DDTHH:MM:SSZ)", e);
	return COFFER_OK;
}

enum coffer_rc form_text(const struct json *o, const char *name, const char *where, struct span *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, where, &s, e));
	if (!form_text_ok(s, TEXT_MAX))
		return wrong(where, name, "is empty, longer than 512 bytes, or holds control characters", e);
	*out = s;
	return COFFER_OK;
}

enum coffer_rc form_key(const struct json *o, const char *name, const char *where, struct pubkey *out, struct err *e)
{
	const struct json *v = NULL;
	struct pubkey k = { 0 };

	TRY(json_need_obj(o, name, where, &v, e));
	TRY(jwk_read(v, where, &k, e));
	*out = k;
	return COFFER_OK;
}

enum coffer_rc form_p256(const struct json *o, const char *name, const char *where, struct pubkey *out, struct err *e)
{
	struct pubkey k = { 0 };

	TRY(form_key(o, name, where, &k, e));
	if (k.kind != KEY_P256)
		return wrong(where, name, "is not a P-256 key", e);
	*out = k;
	return COFFER_OK;
}

enum coffer_rc form_asset(struct span s, const char *where, struct asset_path *out, struct err *e)
{
	struct asset_path p;

	if (asset_path_parse(s, &p, e) != COFFER_OK)
		return err_wrap(e, "%s", where);
	if (!span_eq_str(s, p.text))
		return err_set(e, COFFER_E_INPUT, "%s: an asset path is written kbs:///<party>/<type>/<tag> here", where);
	*out = p;
	return COFFER_OK;
}

enum coffer_rc form_number(const struct json *o, const char *name, const char *where, struct form_range r, uint64_t *out,
    struct err *e)
{
	uint64_t v;

	TRY(json_need_u64(o, name, where, &v, e));
	if (v < r.min || v > r.max)
		return err_set(
		    e, COFFER_E_INPUT, "%s: member \"%s\" is not from %" PRIu64 " to %" PRIu64, where, name, r.min, r.max);
	*out = v;
	return COFFER_OK;
}

enum coffer_rc form_list(const struct json *o, const char *name, const char *where, struct form_range r,
    const struct json **out, struct err *e)
{
	const struct json *v = NULL;

	TRY(json_need_arr(o, name, where, &v, e));
	if (json_len(v) < r.min || json_len(v) > r.max)
		return err_set(e, COFFER_E_INPUT, "%s: member \"%s\" has %zu items, want %" PRIu64 " to %" PRIu64, where, name,
		    json_len(v), r.min, r.max);
	*out = v;
	return COFFER_OK;
}

enum coffer_rc form_unique(const struct json *list, const char *name, const char *where, struct err *e)
{
	for (size_t i = 0; i < json_len(list); i++) {
		struct span s = json_str(json_at(list, i));

		if (json_type(json_at(list, i)) != JSON_STRING)
			return wrong(where, name, "holds something that is not a string", e);
		for (size_t k = 0; k < i; k++)
			if (span_eq(s, json_str(json_at(list, k))))
				return wrong(where, name, "holds the same entry twice", e);
	}
	return COFFER_OK;
}

bool form_method_ok(struct span type, struct span key)
{
	bool ok = span_eq_str(type, "sigstoreSigned") && key.n <= FORM_PEM_MAX && span_starts(key, "-----BEGIN PUBLIC KEY-----\n");

	for (size_t i = 0; ok && i < key.n; i++) /* people are shown it */
		ok = key.p[i] == '\n' || (key.p[i] >= 0x20 && key.p[i] <= 0x7e);
	return ok;
}

bool form_platform_ok(struct span s)
{
	static const char debug[] = "+debug";

	if (span_ends(s, debug))
		s.n -= sizeof(debug) - 1;
	return party_ok(s);
}

bool form_predicate_ok(struct span s)
{
	return form_ascii_ok(s, 255) && span_find(s, ':') > 0 && span_find(s, ':') < s.n && span_find(s, '"') == s.n;
}
