#include "evidence/refs.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

#define FRACTION_MAX 9 /* digits */

struct ref { struct span name; const struct json *value; int64_t expires; bool has_expiry; };
struct refs { struct json_doc *doc; size_t n; struct ref ref[]; };

const char *ref_state_name(enum ref_state s)
{
	static const char *const name[] = { "absent", "expired", "here" };

	return name[s];
}

void refs_free(struct refs *r)
{
	if (!r)
		return;
	json_free(r->doc);
	free(r);
}

size_t refs_len(const struct refs *r)
{
	return r ? r->n : 0;
}

static bool scalar(const struct json *v)
{
	return json_type(v) == JSON_STRING || json_type(v) == JSON_NUMBER || json_type(v) == JSON_BOOL;
}

static enum coffer_rc value_ok(const struct json *v, struct span name, struct err *e)
{
	if (scalar(v))
		return COFFER_OK;
	if (json_type(v) != JSON_ARRAY)
		return err_set(e, COFFER_E_INPUT, "reference value %.*s: neither a text, number or boolean nor a list of them", (int)name.n,
		    (const char *)name.p);
	if (json_len(v) > REFS_VALUES_MAX)
		return err_set(e, COFFER_E_LIMIT, "reference value %.*s: more than %d", (int)name.n, (const char *)name.p, REFS_VALUES_MAX);
	for (size_t i = 0; i < json_len(v); i++)
		if (!scalar(json_at(v, i)))
			return err_set(e, COFFER_E_INPUT, "reference value %.*s: item %zu is no text, number or boolean", (int)name.n,
			    (const char *)name.p, i);
	return COFFER_OK;
}

static bool name_ok(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 0x21 || name.p[i] > 0x7e)
			return false;
	return name.n > 0 && name.n <= REFS_NAME_MAX;
}

static enum coffer_rc add(struct refs *r, struct ref ref, struct err *e)
{
	if (!name_ok(ref.name))
		return err_set(e, COFFER_E_INPUT, "reference values: a name is 1 to %d printable characters without blanks", REFS_NAME_MAX);
	TRY(value_ok(ref.value, ref.name, e));
	r->ref[r->n++] = ref;
	return COFFER_OK;
}

/* RFC 3339 in UTC, with or without a fraction of the second, which is cut: a value dies a moment too early, never too late. */
static bool expiry_read(struct span s, int64_t *out)
{
	char text[CLOCK_TEXT_LEN] = { 0 };
	size_t n = CLOCK_TEXT_LEN - 1, digits = 0;

	if (s.n == n)
		return clock_parse(s, out);
	if (s.n < n + 2 || s.p[n - 1] != '.' || s.p[s.n - 1] != 'Z')
		return false;
	for (size_t i = n; i < s.n - 1; i++, digits++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	memcpy(text, s.p, n - 1);
	text[n - 1] = 'Z';
	return digits <= FRACTION_MAX && clock_parse((struct span){ (const uint8_t *)text, n }, out);
}

static enum coffer_rc add_stored(struct refs *r, const struct json *v, struct err *e)
{
	static const char *const names[] = { "version", "name", "expiration", "value", NULL };
	struct ref ref = { .value = json_get(v, "value") };
	const struct json *exp = json_get(v, "expiration");
	struct span version;

	TRY(json_closed(v, names, "reference value", e));
	TRY(json_need_str(v, "version", "reference value", &version, e));
	TRY(json_need_str(v, "name", "reference value", &ref.name, e));
	if (!ref.value)
		return err_set(e, COFFER_E_INPUT, "reference value: member \"value\" is missing");
	ref.has_expiry = exp && json_type(exp) != JSON_NULL;
	if (ref.has_expiry && !expiry_read(json_str(exp), &ref.expires))
		return err_set(e, COFFER_E_INPUT, "reference value: \"expiration\" is no time like 2027-01-31T00:00:00Z");
	TRY(add(r, ref, e));
	return COFFER_OK;
}

static int by_name(const void *a, const void *b)
{
	struct span x = ((const struct ref *)a)->name, y = ((const struct ref *)b)->name;
	size_t n = x.n < y.n ? x.n : y.n;
	int c = n ? memcmp(x.p, y.p, n) : 0; /* public: names */

	return c ? c : (x.n > y.n) - (x.n < y.n);
}

static enum coffer_rc fill(struct refs *r, const struct json *v, struct err *e)
{
	for (size_t i = 0; i < json_len(v); i++) {
		if (json_type(v) == JSON_ARRAY)
			TRY(add_stored(r, json_at(v, i), e));
		else
			TRY(add(r, (struct ref){ .name = json_name(v, i), .value = json_at(v, i) }, e));
	}
	qsort(r->ref, r->n, sizeof(r->ref[0]), by_name);
	for (size_t i = 1; i < r->n; i++)
		if (span_eq(r->ref[i].name, r->ref[i - 1].name))
			return err_set(e, COFFER_E_INPUT, "reference value %.*s is given twice", (int)r->ref[i].name.n,
			    (const char *)r->ref[i].name.p);
	return COFFER_OK;
}

enum coffer_rc refs_parse(struct span text, struct refs **out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(refs_freep) struct refs *r = NULL;
	const struct json *v;

	if (json_parse(text, REFS_TEXT_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "reference values");
	v = json_root(doc);
	if (json_type(v) != JSON_OBJECT && json_type(v) != JSON_ARRAY)
		return err_set(e, COFFER_E_INPUT, "reference values: neither an object of names nor a list as RVPS keeps it");
	if (json_len(v) > REFS_MAX)
		return err_set(e, COFFER_E_LIMIT, "reference values: more than %d names", REFS_MAX);
	r = calloc(1, sizeof(*r) + json_len(v) * sizeof(r->ref[0]));
	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(fill(r, v, e));
	r->doc = MOVE(doc);
	*out = MOVE(r);
	return COFFER_OK;
}

enum ref_state refs_find(const struct refs *r, struct span name, int64_t now, const struct json **value)
{
	const struct ref want = { .name = name }, *found;

	*value = NULL;
	found = r && r->n > 0 ? bsearch(&want, r->ref, r->n, sizeof(want), by_name) : NULL;
	if (!found)
		return REF_ABSENT;
	if (found->has_expiry && now >= 0 && now >= found->expires)
		return REF_EXPIRED;
	*value = found->value;
	return REF_HERE;
}
