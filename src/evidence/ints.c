#include "evidence/ints.h"

#include "fmt/enc.h"

enum coffer_rc b64_need(const struct json *o, const char *name, const char *where, size_t max, struct wr *out, struct err *e)
{
	struct span s;

	*out = wr_open(max);
	TRY(json_need_str(o, name, where, &s, e));
	if (!b64_read(s, out) || !wr_ok(out) || out->n == 0)
		return err_set(e, COFFER_E_INPUT, "%s: member \"%s\" is not base64 of 1 to %zu bytes", where, name, max);
	return COFFER_OK;
}

bool ints_fixed(const struct json *v, uint8_t *out, size_t n)
{
	if (json_type(v) != JSON_ARRAY || json_len(v) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t b;

		if (!json_u64(json_at(v, i), &b) || b > 255)
			return false;
		out[i] = (uint8_t)b;
	}
	return true;
}

bool ints_read(const struct json *v, struct wr *w)
{
	if (json_type(v) != JSON_ARRAY)
		return false;
	for (size_t i = 0; i < json_len(v); i++) {
		uint64_t b;

		if (!json_u64(json_at(v, i), &b) || b > 255)
			return false;
		wr_u8(w, (uint8_t)b);
	}
	return wr_ok(w);
}
