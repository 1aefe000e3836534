#include "trust/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "trust/form.h"

#define NAME_TEXT_MAX 128 /* with what appraises (evidence/refs.h): a name that it refuses would refuse all evidence */
#define VALUE_TEXT_MAX 4096
#define MEMBER "reference-values"

static bool scalar_ok(const struct json *v)
{
	int64_t n;
	bool b;

	switch (json_type(v)) {
	case JSON_STRING: return form_text_ok(json_str(v), VALUE_TEXT_MAX);
	case JSON_NUMBER: return json_i64(v, &n) && n <= (int64_t)FORM_NUMBER_MAX && n >= -(int64_t)FORM_NUMBER_MAX;
	case JSON_BOOL:   return json_bool(v, &b);
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT: break;
	}
	return false;
}

static bool scalar_same(const struct json *a, const struct json *b)
{
	bool x = false, y = false;

	if (json_type(a) != json_type(b))
		return false;
	switch (json_type(a)) {
	case JSON_STRING: return span_eq(json_str(a), json_str(b));
	case JSON_NUMBER: return span_eq(json_num(a), json_num(b));
	case JSON_BOOL:   return json_bool(a, &x) && json_bool(b, &y) && x == y;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT: break;
	}
	return false;
}

bool reference_same(const struct json *a, const struct json *b)
{
	if (json_type(a) != JSON_ARRAY || json_type(b) != JSON_ARRAY)
		return scalar_same(a, b);
	if (json_len(a) != json_len(b))
		return false;
	for (size_t i = 0; i < json_len(a); i++)
		if (!scalar_same(json_at(a, i), json_at(b, i)))
			return false;
	return true;
}

static struct span scalar_text(const struct json *v)
{
	bool b = false;

	if (json_type(v) == JSON_BOOL)
		return span_of(json_bool(v, &b) && b ? "true" : "false");
	return json_type(v) == JSON_STRING ? json_str(v) : json_num(v);
}

static int scalar_order(const void *a, const void *b)
{
	const struct json *x = *(const struct json *const *)a, *y = *(const struct json *const *)b;
	struct span s = scalar_text(x), t = scalar_text(y);
	size_t n = s.n < t.n ? s.n : t.n;
	int c = n ? memcmp(s.p, t.p, n) : 0; /* public: reference values */

	if (json_type(x) != json_type(y))
		return json_type(x) < json_type(y) ? -1 : 1;
	return c ? c : (s.n > t.n) - (s.n < t.n);
}

/* Sorted first: comparing each with each would make one statement cost a third of a second every time it is read. */
static bool value_ok(const struct json *v)
{
	const struct json *item[REFERENCE_LIST_MAX];
	size_t n = json_len(v);

	if (json_type(v) != JSON_ARRAY)
		return scalar_ok(v);
	if (n < 1 || n > REFERENCE_LIST_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		item[i] = json_at(v, i);
		if (!scalar_ok(item[i]))
			return false;
	}
	qsort(item, n, sizeof(const struct json *), scalar_order);
	for (size_t i = 1; i < n; i++)
		if (scalar_same(item[i], item[i - 1]))
			return false;
	return true;
}

static size_t count(const struct json *v)
{
	return json_type(v) == JSON_ARRAY ? json_len(v) : v != NULL;
}

/* Single values of all names. */
static size_t count_all(const struct json *o)
{
	size_t n = 0;

	for (size_t i = 0; i < json_len(o); i++)
		n += count(json_at(o, i));
	return n;
}

static bool name_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return s.n > 0 && s.n <= NAME_TEXT_MAX;
}

enum coffer_rc reference_check(const struct json *o, const char *where, struct err *e)
{
	if (json_type(o) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "%s: reference values are not an object", where);
	if (json_len(o) < 1 || json_len(o) > REFERENCE_NAMES_MAX)
		return err_set(e, COFFER_E_INPUT, "%s: %zu reference values, want 1 to %d", where, json_len(o), REFERENCE_NAMES_MAX);
	if (count_all(o) > REFERENCE_TOTAL_MAX)
		return err_set(e, COFFER_E_INPUT, "%s: more than %d reference values of all names together", where, REFERENCE_TOTAL_MAX);
	for (size_t i = 0; i < json_len(o); i++) {
		if (!name_ok(json_name(o, i)))
			return err_set(e, COFFER_E_INPUT, "%s: the name of a reference value is not 1 to %d printable characters without blanks",
			    where, NAME_TEXT_MAX);
		if (!value_ok(json_at(o, i)))
			return err_set(e, COFFER_E_INPUT,
			    "%s: reference value %zu is no string, integer or boolean, and no list of different ones", where, i + 1);
	}
	return COFFER_OK;
}

enum coffer_rc reference_member(const struct json *body, const char *where, const struct json **out, struct err *e)
{
	const struct json *v = NULL;

	if (json_get(body, MEMBER)) {
		TRY(json_need_obj(body, MEMBER, where, &v, e));
		TRY(reference_check(v, where, e));
	}
	*out = v;
	return COFFER_OK;
}

/* ---- merging ---- */

/* What one statement adds at that time; NULL: nothing. */
static const struct json *values_of(const struct statement *s, int64_t now)
{
	if ((s->kind != ST_BOOT_IMAGE && s->kind != ST_TCB) || s->issued > now || s->expires <= now)
		return NULL;
	return json_get(s->body, MEMBER);
}

struct merge { const struct statement *const *list; size_t n; int64_t now; struct json_wr *j; };

/* The k-th single value of a name in one statement's values: a value that is no list is a list of one. */
static const struct json *nth(const struct json *v, size_t k)
{
	if (json_type(v) == JSON_ARRAY)
		return json_at(v, k);
	return k == 0 ? v : NULL;
}

static bool given_before(const struct merge *m, struct span name, size_t upto, const struct json *item)
{
	for (size_t i = 0; i < upto; i++) {
		const struct json *v = json_getn(values_of(m->list[i], m->now), name);

		for (size_t k = 0; k < count(v); k++)
			if (!item || scalar_same(nth(v, k), item))
				return true;
	}
	return false;
}

static size_t givers(const struct merge *m, struct span name)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += json_getn(values_of(m->list[i], m->now), name) != NULL;
	return n;
}

static void put_name(const struct merge *m, struct span name, const struct json *first)
{
	jw_namen(m->j, name);
	if (givers(m, name) == 1) {
		jw_value(m->j, first);
		return;
	}
	jw_arr(m->j);
	for (size_t i = 0; i < m->n; i++) {
		const struct json *v = json_getn(values_of(m->list[i], m->now), name);

		for (size_t k = 0; k < count(v); k++)
			if (!given_before(m, name, i, nth(v, k)))
				jw_value(m->j, nth(v, k));
	}
	jw_arr_end(m->j);
}

static size_t total(const struct merge *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += count_all(values_of(m->list[i], m->now));
	return n;
}

enum coffer_rc reference_values(const struct statement *const *list, size_t n, int64_t now, struct wr *out, struct err *e)
{
	struct json_wr j = jw_open(out, false);
	const struct merge m = { list, n, now, &j };

	if (total(&m) > REFERENCE_TOTAL_MAX)
		return err_set(e, COFFER_E_LIMIT, "reference values: the statements in force give more than %d together", REFERENCE_TOTAL_MAX);
	jw_obj(&j);
	for (size_t i = 0; i < n; i++) {
		const struct json *v = values_of(list[i], now);

		if (v)
			TRY(reference_check(v, statement_kind_name(list[i]->kind), e));
		for (size_t k = 0; k < json_len(v); k++)
			if (!given_before(&m, json_name(v, k), i, NULL))
				put_name(&m, json_name(v, k), json_at(v, k));
	}
	jw_obj_end(&j);
	return wr_done(out, "reference values", e);
}
