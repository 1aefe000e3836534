/* Readers for closed schemas: one sentence for each way a member can be wrong. */
#include "fmt/json.h"

#include "base/str.h"

#define SHOWN_MAX 64

static enum coffer_rc wrong(const char *where, const char *name, const char *what, struct err *e)
{
	return err_set(e, COFFER_E_INPUT, "%s: member \"%s\" %s", where, name, what);
}

/* Member of an object, whatever its type. */
static enum coffer_rc need(const struct json *o, const char *name, const char *where, const struct json **out, struct err *e)
{
	const struct json *v;

	if (json_type(o) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "%s: not an object", where);
	v = json_get(o, name);
	if (!v)
		return wrong(where, name, "is missing", e);
	*out = v;
	return COFFER_OK;
}

enum coffer_rc json_need_str(const struct json *o, const char *name, const char *where, struct span *out, struct err *e)
{
	const struct json *v = NULL;

	TRY(need(o, name, where, &v, e));
	if (json_type(v) != JSON_STRING)
		return wrong(where, name, "is not a string", e);
	*out = json_str(v);
	return COFFER_OK;
}

enum coffer_rc json_need_u64(const struct json *o, const char *name, const char *where, uint64_t *out, struct err *e)
{
	const struct json *v = NULL;

	TRY(need(o, name, where, &v, e));
	if (!json_u64(v, out))
		return wrong(where, name, "is not a whole number from 0 to 2^64-1", e);
	return COFFER_OK;
}

enum coffer_rc json_need_obj(const struct json *o, const char *name, const char *where, const struct json **out, struct err *e)
{
	const struct json *v = NULL;

	TRY(need(o, name, where, &v, e));
	if (json_type(v) != JSON_OBJECT)
		return wrong(where, name, "is not an object", e);
	*out = v;
	return COFFER_OK;
}

enum coffer_rc json_need_arr(const struct json *o, const char *name, const char *where, const struct json **out, struct err *e)
{
	const struct json *v = NULL;

	TRY(need(o, name, where, &v, e));
	if (json_type(v) != JSON_ARRAY)
		return wrong(where, name, "is not an array", e);
	*out = v;
	return COFFER_OK;
}

/* A name from hostile bytes goes to an operator's terminal: printable ASCII only. */
static void shown(struct span name, char out[static SHOWN_MAX + 1])
{
	size_t n = name.n < SHOWN_MAX ? name.n : SHOWN_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(name.p[i] >= 0x20 && name.p[i] < 0x7F ? name.p[i] : '?');
	out[n] = 0;
}

static bool listed(struct span name, const char *const *names)
{
	for (; *names; names++)
		if (span_eq_str(name, *names))
			return true;
	return false;
}

enum coffer_rc json_closed(const struct json *o, const char *const *names, const char *where, struct err *e)
{
	char text[SHOWN_MAX + 1];

	if (json_type(o) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "%s: not an object", where);
	for (size_t i = 0; i < json_len(o); i++) {
		if (listed(json_name(o, i), names))
			continue;
		shown(json_name(o, i), text);
		return wrong(where, text, "is not known here", e);
	}
	return COFFER_OK;
}
