#include "bi_help.h"

static void types(void)
{
	static const struct bi_row t[] = {
		{ "is_null", "[null]", "true" },
		{ "is_null", "[0]", "false" },
		{ "is_boolean", "[false]", "true" },
		{ "is_number", "[1.5]", "true" },
		{ "is_number", "[\"1\"]", "false" },
		{ "is_string", "[\"\"]", "true" },
		{ "is_array", "[[]]", "true" },
		{ "is_object", "[{}]", "true" },
		{ "is_object", "[[]]", "false" },
		{ "is_set", "[{\"$set\":[]}]", "true" },
		{ "is_set", "[[]]", "false" },
		{ "type_name", "[{\"$set\":[1]}]", "\"set\"" },
		{ "type_name", "[true]", "\"boolean\"" },
		{ "opa.runtime", "[]", "{}" },
		{ "trace", "[\"x\"]", "true" },
		{ "http.send", "[{\"method\":\"get\",\"url\":\"u\"}]", "fail: http.send: a policy has no network here" },
		{ "http.send", "[{\"method\":\"get\"}]", "type: http.send: operand 1 missing required request parameters(s)" },
		{ "trace", "[1]", "type: trace: operand 1 must be string but got number" },
	};

	BI_ALL(t);
}

static void aggregates(void)
{
	static const struct bi_row t[] = {
		{ "count", "[[1,1]]", "2" },
		{ "count", "[{\"a\":1}]", "1" },
		{ "count", "[\"a\xc3\xa4\"]", "2" },
		{ "count", "[{\"$set\":[1,1]}]", "1" },
		{ "count", "[5]", "type: count: operand 1 must be one of {array, object, set, string} but got number" },
		{ "count", "[null]", "type: count: operand 1 must be one of {array, object, set, string} but got null" },
		{ "sum", "[[]]", "0" },
		{ "sum", "[[1,2.5]]", "3.5" },
		{ "sum", "[[9223372036854775807,1]]", "9223372036854775808" },
		{ "sum", "[[1,\"a\"]]", "type: sum: operand 1 must be array of numbers but got array containing string" },
		{ "sum", "[\"a\"]", "type: sum: operand 1 must be one of {set, array} but got string" },
		{ "product", "[[]]", "1" },
		{ "product", "[{\"$set\":[2,3]}]", "6" },
		{ "product", "[{\"$set\":[2,null]}]",
		    "type: product: operand 1 must be set of numbers but got set containing null" },
		{ "max", "[[]]", "undefined" },
		{ "max", "[[3,\"a\",7]]", "\"a\"" },
		{ "min", "[[3,null,7]]", "null" },
		{ "min", "[{}]", "type: min: operand 1 must be one of {set, array} but got object" },
		{ "sort", "[[3,1,\"a\",null,2,1]]", "[null,1,1,2,3,\"a\"]" },
		{ "sort", "[[]]", "[]" },
		{ "sort", "[{\"$set\":[2,1]}]", "[1,2]" },
		{ "sort", "[{}]", "type: sort: operand 1 must be one of {set, array} but got object" },
		{ "any", "[[false,true]]", "true" },
		{ "any", "[[1]]", "false" },
		{ "all", "[[true,1]]", "false" },
		{ "all", "[[]]", "true" },
	};

	BI_ALL(t);
}

static void arrays(void)
{
	static const struct bi_row t[] = {
		{ "array.concat", "[[1],[2,3]]", "[1,2,3]" },
		{ "array.concat", "[[],[2]]", "[2]" },
		{ "array.concat", "[[1],[]]", "[1]" },
		{ "array.concat", "[[],{}]", "type: array.concat: operand 2 must be array but got object" },
		{ "array.reverse", "[[1,2,3]]", "[3,2,1]" },
		{ "array.slice", "[[1,2,3],1,9]", "[2,3]" },
		{ "array.slice", "[[1,2,3],-5,2]", "[1,2]" },
		{ "array.slice", "[[1,2,3],2,1]", "[]" },
		{ "array.slice", "[[1,2,3],0,99999999999999999999]", "[1,2,3]" },
		{ "array.slice", "[[1],0.5,1]",
		    "type: array.slice: operand 2 must be integer number but got floating-point number" },
		{ "array.flatten", "[[1,[2,[3]],[]]]", "[1,2,[3]]" },
		{ "array.flatten", "[42]", "type: array.flatten: operand 1 must be array but got number" },
	};

	BI_ALL(t);
}

static void sets_of_sets(void)
{
	CLEANUP(bi_heap_end) struct heap h = bi_heap();
	struct val a[2] = { val_set(&h, (struct val[]){ val_int(&h, 1), val_int(&h, 2) }, 2),
		val_set(&h, (struct val[]){ val_int(&h, 2) }, 1) };
	struct val both = val_set(&h, a, 2);
	struct call c = { .h = &h, .arg = &both, .n = 1 };

	CHECK(val_eq(builtin_call(builtin_find(span_of("union")), &c), a[0]));
	CHECK(val_eq(builtin_call(builtin_find(span_of("intersection")), &c), a[1]));
	CHECK(bi_says("set_diff", "[{\"$set\":[1,2]},{\"$set\":[2]}]", "[1]"));
	CHECK(bi_says("union", "[{\"$set\":[]}]", "[]"));
	CHECK(bi_says("intersection", "[{\"$set\":[]}]", "[]"));
	CHECK(bi_says("union", "[{\"$set\":[1]}]", "type: union: operand 1 must be set but got number"));
	CHECK(bi_says("intersection", "[[]]", "type: intersection: operand 1 must be set but got array"));
}

static void objects(void)
{
	static const struct bi_row t[] = {
		{ "object.get", "[{\"a\":1},\"a\",2]", "1" },
		{ "object.get", "[{\"a\":1},\"b\",2]", "2" },
		{ "object.get", "[{\"a\":null},\"a\",2]", "null" },
		{ "object.get", "[{\"a\":[{\"b\":7}]},[\"a\",0,\"b\"],2]", "7" },
		{ "object.get", "[{\"a\":1},[\"a\",\"b\"],2]", "2" },
		{ "object.get", "[{\"a\":1},[],2]", "{\"a\":1}" },
		{ "object.get", "[[],[],2]", "type: object.get: operand 1 must be object but got array" },
		{ "object.keys", "[{\"b\":1,\"a\":2}]", "[\"a\",\"b\"]" },
		{ "object.remove", "[{\"a\":1,\"b\":2},[\"a\"]]", "{\"b\":2}" },
		{ "object.remove", "[{\"a\":1},{\"a\":0}]", "{}" },
		{ "object.filter", "[{\"a\":1,\"b\":2},{\"$set\":[\"a\",\"z\"]}]", "{\"a\":1}" },
		{ "object.filter", "[{},\"a\"]",
		    "type: object.filter: operand 2 must be one of {object, set, array} but got string" },
		{ "object.union", "[{\"a\":{\"b\":1,\"c\":2}},{\"a\":{\"b\":3}}]", "{\"a\":{\"b\":3,\"c\":2}}" },
		{ "object.union", "[{\"a\":1},{\"a\":{}}]", "{\"a\":{}}" },
		{ "object.union", "[{\"a\":{\"b\":1}},{\"a\":{}}]", "{\"a\":{\"b\":1}}" },
		{ "object.union_n", "[[{\"a\":{\"b\":2}},{\"a\":4},{\"a\":{\"c\":3}}]]", "{\"a\":{\"c\":3}}" },
		{ "object.union_n", "[[]]", "{}" },
		{ "object.union_n", "[[{},1]]",
		    "type: object.union_n: operand 1 must be array of objects but got array containing number" },
		{ "object.subset", "[{\"a\":1,\"n\":{\"x\":[1,2,3]}},{\"n\":{\"x\":[2,3]}}]", "true" },
		{ "object.subset", "[{\"a\":1},{\"a\":2}]", "false" },
		{ "object.subset", "[[1,2,1,3],[1,3]]", "true" },
		{ "object.subset", "[[1,2,3],[1,3]]", "false" },
		{ "object.subset", "[[1,2],{\"$set\":[2]}]", "true" },
		{ "object.subset", "[{\"$set\":[2]},{\"$set\":[2,3]}]", "false" },
		{ "object.subset", "[1,2]",
		    "type: object.subset: both arguments object.subset must be of the same type or array and set" },
	};

	BI_ALL(t);
}

static void json(void)
{
	static const struct bi_row t[] = {
		{ "json.marshal", "[{\"b\":[1,null],\"a\":\"x\"}]", "\"{\\\"a\\\":\\\"x\\\",\\\"b\\\":[1,null]}\"" },
		{ "json.marshal_with_options", "[[1],{\"indent\":\" \"}]", "\"[\\n 1\\n]\"" },
		{ "json.marshal_with_options", "[[1],{\"indent\":\" \",\"pretty\":false}]", "\"[1]\"" },
		{ "json.marshal_with_options", "[[],{\"indent\":1}]",
		    "type: json.marshal_with_options: operand 2 key \"indent\" failed cast to string" },
		{ "json.marshal_with_options", "[[],{\"x\":1}]",
		    "type: json.marshal_with_options: operand 2 object contained unknown key" },
		{ "json.unmarshal", "[\"[1,{}]\"]", "[1,{}]" },
		{ "json.unmarshal", "[1]", "type: json.unmarshal: operand 1 must be string but got number" },
		{ "json.is_valid", "[\"{\"]", "false" },
		{ "json.is_valid", "[\"[]\"]", "true" },
		{ "json.is_valid", "[[]]", "false" },
		{ "json.filter", "[{\"a\":{\"b\":1,\"c\":2},\"d\":[5,6]},[\"a/b\",\"d/1\",\"\"]]",
		    "{\"a\":{\"b\":1},\"d\":[6]}" },
		{ "json.filter", "[{\"a/b\":{\"~\":1},\"a\":2},[\"/a~1b/~0\"]]", "{\"a/b\":{\"~\":1}}" },
		{ "json.filter", "[{\"a\":{\"b\":1}},[\"a/b\",\"a\"]]", "{\"a\":{\"b\":1}}" },
		{ "json.filter", "[{\"a\":1},[\"a/b\"]]", "{\"a\":1}" },
		{ "json.remove", "[{\"a\":{\"b\":1,\"c\":2},\"d\":[5,6]},[[\"a\",\"b\"],\"d/0\"]]",
		    "{\"a\":{\"c\":2},\"d\":[6]}" },
		{ "json.remove", "[{\"a\":1},[1]]",
		    "type: json.remove: operand 2 must be one of {set, array} containing string paths "
		    "or array of path segments but got number" },
		{ "json.remove", "[1,[]]", "type: json.remove: operand 1 must be object but got number" },
	};

	CLEANUP(bi_heap_end) struct heap h = bi_heap();

	BI_ALL(t);
	CHECK(strncmp(bi_ask_in(&h, "json.unmarshal", "[\"[1,\"]"), "fail: json.unmarshal: ", 22) == 0);
}

static void walk_and_graph(void)
{
	static const struct bi_row t[] = {
		{ "walk", "[{\"a\":[7]}]", "[[[],{\"a\":[7]}],[[\"a\"],[7]],[[\"a\",0],7]]" },
		{ "walk", "[1]", "[[[],1]]" },
		{ "graph.reachable", "[{\"a\":[\"b\"],\"b\":[\"a\",\"x\"],\"c\":[]},[\"a\"]]", "[\"a\",\"b\"]" },
		{ "graph.reachable", "[{},[\"a\"]]", "[]" },
		{ "graph.reachable", "[{},\"a\"]",
		    "type: graph.reachable: operand 2 must be one of {set, array} but got string" },
		{ "graph.reachable_paths", "[{\"a\":[\"b\",\"c\"],\"b\":[\"c\"],\"c\":[]},[\"a\"]]",
		    "[[\"a\",\"b\",\"c\"],[\"a\",\"c\"]]" },
		{ "graph.reachable_paths", "[{\"a\":[\"b\"],\"b\":[\"a\"]},[\"a\"]]", "[[\"a\",\"b\"]]" },
		{ "graph.reachable_paths", "[{\"a\":[\"b\"],\"b\":[\"nowhere\"]},[\"a\"]]", "[[\"a\",\"b\"]]" },
		{ "graph.reachable_paths", "[{\"a\":null},[\"a\",\"z\"]]", "[[\"a\"]]" },
		{ "graph.reachable_paths", "[1,[]]", "type: graph.reachable_paths: operand 1 must be object but got number" },
	};

	BI_ALL(t);
}

static void names_differ_and_are_found(void)
{
	const struct builtin *b;

	for (size_t i = 0; (b = builtin_at(i)); i++)
		CHECK(builtin_find(span_of(b->name)) == b);
	CHECK(!builtin_find(span_of("count ")) && !builtin_find(span_of("coun")) && !builtin_find(span_of("")));
}

/* With steps for less than the work, or memory for less than the result, the limit is what is answered. */
static void work_is_bounded(void)
{
	static const struct bi_row t[] = {
		{ "sort", "[[3,1,2,5,4,9,8,7,6]]", "limit_steps" },
		{ "sum", "[[3,1,2,5,4,9,8,7,6]]", "limit_steps" },
		{ "array.concat", "[[3,1,2,5,4],[9,8,7,6]]", "limit_steps" },
		{ "walk", "[[3,1,2,5,4,9,8,7,6]]", "limit_steps" },
		{ "object.subset", "[[1,1,1,1,1,1,1,2],[1,1,2]]", "limit_steps" },
		{ "json.filter", "[{\"a\":1,\"b\":2,\"c\":3},[\"a\",\"b\",\"c\",\"d\"]]", "limit_steps" },
		{ "json.patch", "[[1,2,3,4,5,6,7],[{\"op\":\"add\",\"path\":\"/0\",\"value\":1}]]", "limit_steps" },
		{ "graph.reachable_paths", "[{\"a\":[\"b\",\"c\"],\"b\":[\"c\"],\"c\":[]},[\"a\"]]", "limit_steps" },
		{ "graph.reachable", "[{\"a\":[\"b\",\"c\"],\"b\":[\"c\"],\"c\":[]},[\"a\"]]", "limit_steps" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CLEANUP(bi_heap_end) struct heap h = bi_heap();

		h.steps = 6;
		CHECK(strcmp(bi_ask_in(&h, t[i].name, t[i].args), t[i].want) == 0);
	}
}

/* n levels of [x, x] share their halves: small to make, endless to write out. */
static void text_and_walks_of_shared_values_are_bounded(void)
{
	static const char *const name[] = { "json.marshal", "walk" };

	for (int k = 0; k < 2; k++) {
		CLEANUP(bi_heap_end) struct heap h = bi_heap();
		struct val v = val_int(&h, 1);
		struct call c = { .h = &h, .arg = &v, .n = 1 };

		for (int i = 0; i < 60; i++)
			v = val_array(&h, (struct val[]){ v, v }, 2);
		CHECK(!val_defined(builtin_call(builtin_find(span_of(name[k])), &c)));
		CHECK(h.over == (k ? REGO_LIMIT_STEPS : REGO_LIMIT_OUTPUT) || h.over == REGO_LIMIT_MEMORY);
	}
}

int main(void)
{
	static const struct t_case t[] = { T(types), T(aggregates), T(arrays), T(sets_of_sets), T(objects), T(json),
		T(walk_and_graph), T(names_differ_and_are_found), T(work_is_bounded),
		T(text_and_walks_of_shared_values_are_bounded) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
