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
	return json_bytes(v, out, n);
}

bool ints_read(const struct json *v, struct wr *w)
{
	size_t n = json_len(v);
	uint8_t *to = json_type(v) == JSON_ARRAY ? wr_room(w, n) : NULL;

	return to && json_bytes(v, to, n);
}
