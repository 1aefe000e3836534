#include "bi_help.h"
#include "policy/builtin/patch.h"

static void operations(void)
{
	static const struct {
		const char *doc, *ops, *want;
	} t[] = {
		{ "{}", "[]", "{}" },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":2}]", "{\"a\":1,\"b\":2}" },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":[]}]", "{\"a\":[]}" },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":7}]", "7" },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":\"/-\",\"value\":3}]", "[1,2,3]" },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":3}]", "[1,2,3]" },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":\"/3\",\"value\":3}]", NULL },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":\"/01\",\"value\":3}]", NULL },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":\"/1e0\",\"value\":3}]", NULL },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":[1.0],\"value\":3}]", NULL },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":[-1],\"value\":3}]", NULL },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":[1],\"value\":3}]", "[1,3,2]" },
		{ "[1,2]", "[{\"op\":\"remove\",\"path\":\"/0\"}]", "[2]" },
		{ "[1,2]", "[{\"op\":\"remove\",\"path\":\"/2\"}]", NULL },
		{ "[1,2]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", NULL },
		{ "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL },
		{ "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL },
		{ "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"},{\"op\":\"add\",\"path\":\"\",\"value\":1}]", "1" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"replace\",\"path\":\"/a/b\",\"value\":2}]", "{\"a\":{\"b\":2}}" },
		{ "{\"a\":{}}", "[{\"op\":\"replace\",\"path\":\"/a/b\",\"value\":2}]", NULL },
		{ "[1]", "[{\"op\":\"replace\",\"path\":\"\",\"value\":2}]", "2" },
		{ "{\"a\":{\"b\":1},\"c\":[]}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"/c/0\"}]",
		    "{\"a\":{},\"c\":[1]}" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/c\"}]", NULL },
		{ "{\"a\":[1]}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}]", "{\"a\":[1,[1]]}" },
		{ "{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/z\",\"path\":\"/y\"}]", NULL },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0}]", "{\"a\":1}" },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":2}]", NULL },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/b\",\"value\":null}]", NULL },
		{ "{\"a/b\":{\"~\":1}}", "[{\"op\":\"remove\",\"path\":\"/a~1b/~0\"}]", "{\"a/b\":{}}" },
		{ "{\"\":{\"\":1}}", "[{\"op\":\"remove\",\"path\":[\"\",\"\"]}]", "{\"\":{}}" },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", NULL },
		{ "{}", "[{\"op\":\"jump\",\"path\":\"/a\",\"value\":1}]", NULL },
		{ "{}", "[{\"op\":1,\"path\":\"/a\",\"value\":1}]", NULL },
		{ "{}", "[{\"path\":\"/a\",\"value\":1}]", NULL },
		{ "{}", "[{\"op\":\"add\",\"value\":1}]", NULL },
		{ "{}", "[{\"op\":\"add\",\"path\":1,\"value\":1}]", NULL },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL },
		{ "{}", "[{\"op\":\"move\",\"path\":\"/a\"}]", NULL },
		{ "{}", "[1]", NULL },
		{ "{}", "{}", NULL },
		{ "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"remove\",\"path\":\"/a\"}]", NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CLEANUP(bi_heap_end) struct heap h = bi_heap();
		struct val mark = val_int(&h, 4711), out = mark, doc = from_json(&h, t[i].doc);
		bool ok = rego_patch(&h, doc, from_json(&h, t[i].ops), &out);

		if (ok != (t[i].want != NULL) || !val_eq(out, t[i].want ? from_json(&h, t[i].want) : mark))
			printf("# %s %s\n", t[i].doc, t[i].ops);
		CHECK(ok == (t[i].want != NULL));
		CHECK(val_eq(out, t[i].want ? from_json(&h, t[i].want) : mark));
		CHECK(val_eq(doc, from_json(&h, t[i].doc)));
	}
}

static bool set_patch(struct heap *h, struct val doc, const char *op, struct val path, struct val value, struct val *out)
{
	struct pair m[3] = { { val_text(h, "op"), val_text(h, op) }, { val_text(h, "path"), path },
		{ val_text(h, "value"), value } };
	struct val one = val_object(h, m, val_defined(value) ? 3 : 2, NULL);

	return rego_patch(h, doc, val_array(h, &one, 1), out);
}

static void steps_into_sets_are_members(void)
{
	CLEANUP(bi_heap_end) struct heap h = bi_heap();
	struct val a = val_text(&h, "a"), b = val_text(&h, "b"), one = val_int(&h, 1), in = val_array(&h, &one, 1), out;
	struct val set = val_set(&h, &a, 1), nest = val_set(&h, &in, 1);
	struct val deep = val_array(&h, (struct val[]){ in, one }, 2);

	CHECK(set_patch(&h, set, "add", b, b, &out) && val_len(out) == 2 && val_has(out, b));
	CHECK(!set_patch(&h, set, "add", b, a, &out));
	CHECK(set_patch(&h, set, "remove", a, VAL_UNDEF, &out) && val_len(out) == 0);
	CHECK(!set_patch(&h, set, "remove", b, VAL_UNDEF, &out));
	CHECK(set_patch(&h, nest, "add", deep, val_int(&h, 2), &out) && val_len(val_at(out, 0)) == 2);
	CHECK(!set_patch(&h, nest, "replace", val_array(&h, (struct val[]){ in, val_int(&h, 0) }, 2), val_int(&h, 2), &out));
}

static void through_the_builtin(void)
{
	CHECK(bi_says("json.patch", "[{},[{\"op\":\"remove\",\"path\":\"/a\"}]]", "undefined"));
	CHECK(bi_says("json.patch", "[[1],[{\"op\":\"remove\",\"path\":\"0\"}]]", "[]"));
	CHECK(bi_says("json.patch", "[{},{}]", "type: json.patch: operand 2 must be array but got object"));
}

/* A path through more levels than a value may have leads nowhere, and a value put in too deep is a limit. */
static void depth_is_bounded(void)
{
	CLEANUP(bi_heap_end) struct heap h = bi_heap();
	struct val key[VAL_DEPTH_MAX + 1], v = val_array(&h, NULL, 0), out;

	for (size_t i = 0; i <= VAL_DEPTH_MAX; i++)
		key[i] = val_int(&h, 0);
	for (size_t i = 0; i < VAL_DEPTH_MAX / 2 + 100; i++)
		v = val_array(&h, &v, 1);
	CHECK(val_defined(v));
	CHECK(!set_patch(&h, v, "add", val_array(&h, key, VAL_DEPTH_MAX + 1), v, &out) && heap_ok(&h));
	CHECK(!set_patch(&h, v, "add", val_array(&h, key, VAL_DEPTH_MAX / 2), v, &out) && h.over == REGO_LIMIT_NESTING);
}

int main(void)
{
	static const struct t_case t[] = { T(operations), T(steps_into_sets_are_members), T(through_the_builtin),
		T(depth_is_bounded) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
