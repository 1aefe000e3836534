#include "evidence/ints.h"

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
