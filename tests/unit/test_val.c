#include "policy/value/val.h"

#include "rego_help.h"

static void val_types_are_told_apart(void)
{
	rh_open(1 << 20);
	CHECK(val_type(VAL_UNDEF) == VT_UNDEF && !val_defined(VAL_UNDEF) && !val_truthy(VAL_UNDEF));
	CHECK(val_type(val_null()) == VT_NULL && val_truthy(val_null()) && !val_true(val_null()));
	CHECK(val_type(val_bool(false)) == VT_BOOL && !val_truthy(val_bool(false)) && val_true(val_bool(true)));
	CHECK(val_type(J("1")) == VT_NUMBER && val_type(J("1.5")) == VT_NUMBER && val_type(J("\"\"")) == VT_STRING);
	CHECK(val_type(J("[]")) == VT_ARRAY && val_type(J("{}")) == VT_OBJECT && val_type(val_set(&rh, NULL, 0)) == VT_SET);
	CHECK(!val_true(val_int(&rh, 1)) && val_truthy(val_int(&rh, 0)));
	CHECK(!strcmp(val_type_name(val_bool(true)), "boolean") && !strcmp(val_type_name(VAL_UNDEF), "undefined"));
	rh_close();
}

static void val_cmp_orders_types_and_values(void)
{
	/* ascending; sets stand last and are made of arrays */
	static const char *const text[] = { "null", "false", "true", "-1e3", "-2", "0", "1", "1.5", "12345678901234567890",
	    "\"\"", "\"a\"",
		"\"aa\"", "\"b\"", "[]", "[1]", "[1,0]", "[2]", "{}", "{\"a\":1}", "{\"a\":1,\"b\":1}", "{\"a\":2}", "{\"b\":0}" };
	size_t n = sizeof(text) / sizeof(text[0]);

	rh_open(1 << 20);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int c = val_cmp(J(text[i]), J(text[j]));

			CHECK((c < 0) == (i < j) && (c == 0) == (i == j));
			CHECK(val_eq(J(text[i]), J(text[j])) == (i == j));
		}
	CHECK(val_cmp(J("{\"z\":1}"), val_set(&rh, NULL, 0)) < 0);
	rh_close();
}

static void val_equal_values_have_equal_hashes(void)
{
	static const char *const same[][2] = { { "1", "1.0" }, { "100", "1e2" }, { "0", "-0.0" }, { "[1,2.50]", "[1.0,25e-1]" },
		{ "{\"a\":1,\"b\":2}", "{\"b\":2e0,\"a\":1}" }, { "12345678901234567890123", "12345678901234567890123.0" } };

	rh_open(1 << 20);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		CHECK(val_eq(J(same[i][0]), J(same[i][1])) && val_cmp(J(same[i][0]), J(same[i][1])) == 0);
		CHECK(val_hash(J(same[i][0])) == val_hash(J(same[i][1])));
	}
	CHECK(val_hash(J("1")) != val_hash(J("-1")));
	rh_close();
}

static void val_set_sorts_and_drops_duplicates(void)
{
	struct val item[100], s;

	rh_open(1 << 20);
	for (size_t i = 0; i < 100; i++)
		item[i] = val_int(&rh, (int64_t)(i * 37 % 50));
	s = val_set(&rh, item, 100);
	CHECK(val_len(s) == 50);
	for (size_t i = 0; i < 50; i++)
		CHECK(val_eq(val_at(s, i), val_int(&rh, (int64_t)i)) && val_has(s, val_int(&rh, (int64_t)i)));
	CHECK(!val_has(s, val_int(&rh, 50)) && !val_has(s, VAL_UNDEF) && !val_has(val_null(), val_null()));
	CHECK(val_has(s, J("7.0")) && !val_defined(val_at(s, 50)) && !val_defined(val_key(s, 0)));
	rh_close();
}

static void val_object_finds_every_key_of_any_size(void)
{
	struct pair m[300];

	rh_open(1 << 24);
	for (size_t n = 0; n <= 300; n = n < 20 ? n + 1 : n * 2) {
		struct val o;

		for (size_t i = 0; i < n; i++)
			m[i] = (struct pair){ val_int(&rh, (int64_t)((i * 7919) % 1000)), val_int(&rh, (int64_t)i) };
		o = val_object(&rh, m, n, NULL);
		CHECK(val_len(o) == n);
		for (size_t i = 0; i < n; i++)
			CHECK(val_eq(val_get(o, m[i].k), m[i].v));
		for (size_t i = 1; i < n; i++)
			CHECK(val_cmp(val_key(o, i - 1), val_key(o, i)) < 0);
		CHECK(!val_defined(val_get(o, val_int(&rh, 1000))) && !val_defined(val_get(o, VAL_UNDEF)));
	}
	rh_close();
}

/* Keys that all want the same slot of the index. */
static void val_object_finds_crafted_collisions(void)
{
	struct pair m[60];
	struct val o, absent = VAL_UNDEF;
	size_t n = 0;

	rh_open(1 << 20);
	for (int64_t i = 0; !val_defined(absent); i++) {
		struct val k = val_int(&rh, i);

		if (val_hash(k) % 256)
			continue;
		if (n < 60)
			m[n++] = (struct pair){ k, k };
		else
			absent = k;
	}
	o = val_object(&rh, m, n, NULL);
	for (size_t i = 0; i < n; i++)
		CHECK(val_eq(val_get(o, m[i].k), m[i].k));
	CHECK(!val_defined(val_get(o, absent)));
	rh_close();
}

static void val_object_tells_conflicts_and_keeps_the_last(void)
{
	struct pair m[] = { { val_null(), val_bool(true) }, { val_null(), val_bool(true) }, { val_null(), val_bool(false) } };
	bool conflict = true;

	rh_open(1 << 20);
	CHECK(val_len(val_object(&rh, m, 2, &conflict)) == 1 && !conflict);
	CHECK(rego_is(val_object(&rh, m, 3, &conflict), "{null: false}") && conflict);
	CHECK(rego_is(val_object(&rh, m, 3, NULL), "{null: false}"));
	rh_close();
}

static void val_constructors_refuse_undefined_parts(void)
{
	struct val item[] = { val_null(), VAL_UNDEF };
	struct pair k = { VAL_UNDEF, val_null() }, v = { val_null(), VAL_UNDEF };

	rh_open(1 << 20);
	CHECK(!val_defined(val_array(&rh, item, 2)) && val_defined(val_array(&rh, item, 1)));
	CHECK(!val_defined(val_set(&rh, item, 2)));
	CHECK(!val_defined(val_object(&rh, &k, 1, NULL)) && !val_defined(val_object(&rh, &v, 1, NULL)));
	CHECK(heap_ok(&rh));
	rh_close();
}

static void val_nesting_limit_holds(void)
{
	struct val v, inner;

	rh_open(1 << 20);
	v = inner = val_array(&rh, NULL, 0);
	for (int i = 1; i < VAL_DEPTH_MAX; i++)
		v = val_array(&rh, &v, 1);
	CHECK(val_defined(v) && heap_ok(&rh) && val_defined(inner));
	CHECK(!val_defined(val_array(&rh, &v, 1)) && rh.over == REGO_LIMIT_NESTING);
	CHECK(!val_defined(val_array(&rh, NULL, 0))); /* sticky */
	rh_close();
}

static void val_memory_limit_is_sticky(void)
{
	struct vlist l = { .h = &rh };

	rh_open(4096);
	for (int i = 0; i < 10000; i++)
		vlist_add(&l, val_null());
	CHECK(rh.over == REGO_LIMIT_MEMORY && l.n < 10000);
	CHECK(!val_defined(val_text(&rh, "x")) && !val_defined(val_int(&rh, INT64_MAX)) && !val_defined(J("1.5")));
	rh_close();
}

static void val_order_of_shared_trees_takes_steps(void)
{
	struct val v, w, item[2];

	rh_open(1 << 20);
	v = val_array(&rh, NULL, 0);
	w = val_array(&rh, (struct val[]){ val_null() }, 1);
	for (int i = 0; i < 40; i++) { /* 2^40 values along all paths */
		v = val_array(&rh, (struct val[]){ v, v }, 2);
		w = val_array(&rh, (struct val[]){ w, w }, 2);
	}
	item[0] = v;
	item[1] = w;
	CHECK(val_defined(v) && val_defined(w));
	CHECK(!val_defined(val_set(&rh, item, 2)) && rh.over == REGO_LIMIT_STEPS);
	rh_close();
}

static void val_ref_steps_into_each_type(void)
{
	rh_open(1 << 20);
	CHECK(rego_is(val_ref(J("[5,6]"), J("1")), "6") && rego_is(val_ref(J("{\"a\":7}"), J("\"a\"")), "7"));
	CHECK(!val_defined(val_ref(J("[5,6]"), J("2"))) && !val_defined(val_ref(J("[5,6]"), J("-1"))));
	CHECK(!val_defined(val_ref(J("[5,6]"), J("\"0\""))) && !val_defined(val_ref(J("\"abc\""), J("0"))));
	CHECK(rego_is(val_ref(val_set(&rh, (struct val[]){ J("3") }, 1), J("3")), "3"));
	CHECK(rego_is(val_gets(J("{\"a\":7}"), "a"), "7") && !val_defined(val_gets(J("{}"), "a")));
	rh_close();
}

static void val_copy_outlives_its_arena(void)
{
	const char *text = "{\"a\": [1, \"xyz\", 1.50], \"b\": 123456789012345678901, \"c\": {}}";
	struct heap to = { .arena = arena_new(1 << 20), .steps = 1000 }, none = { .arena = arena_new(16), .steps = 1000 };
	struct val v, copy;

	rh_open(1 << 20);
	v = J(text);
	copy = val_copy(&to, v);
	CHECK(val_eq(v, copy) && val_hash(v) == val_hash(copy));
	CHECK(!val_defined(val_copy(&none, v)) && none.over == REGO_LIMIT_MEMORY);
	rh_close();
	CHECK(rego_is(copy, text));
	arena_free(to.arena);
	arena_free(none.arena);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(val_types_are_told_apart), T(val_cmp_orders_types_and_values), T(val_equal_values_have_equal_hashes),
		T(val_set_sorts_and_drops_duplicates), T(val_object_finds_every_key_of_any_size), T(val_object_finds_crafted_collisions),
		T(val_object_tells_conflicts_and_keeps_the_last), T(val_constructors_refuse_undefined_parts),
		    T(val_nesting_limit_holds),
		T(val_memory_limit_is_sticky), T(val_order_of_shared_trees_takes_steps), T(val_ref_steps_into_each_type),
		T(val_copy_outlives_its_arena),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
