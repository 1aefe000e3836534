#include "fmt/yaml.h"

#include "fmt_help.h"
#include "tests/t.h"

static bool same(const char *text, const char *want)
{
	return reads_as(yaml_parse, text, want);
}

static bool bad(const char *text, const char *part)
{
	return refused_str(yaml_parse, text, part);
}

static void yaml_kubernetes_pod_is_read(void)
{
	CHECK(same("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web # c\n  labels: {app: web, tier: \"1\"}\nspec:\n  containers:\n"
		   "  - name: c\n    image: reg.io:5000/a@sha256:00\n    args: [\"-c\", 'x: y']\n    ports:\n    - containerPort: 80\n"
		   "    script: |\n      a\n      b\n  hostNetwork: false\n",
		   "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"labels\":{\"app\":\"web\",\"tier\":\"1\"}},"
		   "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"reg.io:5000/a@sha256:00\",\"args\":[\"-c\",\"x: y\"],"
		   "\"ports\":[{\"containerPort\":80}],\"script\":\"a\\nb\\n\"}],\"hostNetwork\":false}}"));
	CHECK(same("---\na: 1\n...\n", "{\"a\":1}") && same("%YAML 1.2\n---\n[]\n", "[]"));
}

static void yaml_plain_scalars_follow_the_core_schema(void)
{
	CHECK(same("[~, null, Null, NULL, true, True, TRUE, false, False, FALSE]",
		"[null,null,null,null,true,true,true,false,false,false]"));
	CHECK(same("a:\nb: ''", "{\"a\":null,\"b\":\"\"}") && same("[0, -0, +5, -7, 0o17, 0xFf]", "[0,-0,5,-7,15,255]"));
	CHECK(same("[yes, no, on, off, y, tRUE, nULL]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"tRUE\",\"nULL\"]"));
	CHECK(same("['1', \"true\", 'null', \"\\u00e9\\x41\"]", "[\"1\",\"true\",\"null\",\"\xc3\xa9" "A\"]"));
	CHECK(same("[1.2.3, 1Gi, 500m, 0x, 0o8, 0xg, -0x1, 1_0, e3, ., 10:20, 2001-01-01, .infx, 12e]",
		   "[\"1.2.3\",\"1Gi\",\"500m\",\"0x\",\"0o8\",\"0xg\",\"-0x1\",\"1_0\",\"e3\",\".\",\"10:20\",\"2001-01-01\",\".infx\",\"12e\"]"));
	CHECK(same("0xffffffffffffffff", "18446744073709551615") && bad("0x10000000000000000", "beyond 64 bits"));
}

static void yaml_floats_and_leading_zeros_are_refused(void)
{
	static const char *const f[] = { "1.5", "-1.5", "1.", ".5", "1e3", "1E-3", "+1.e+3", ".inf", "-.Inf", "+.INF", ".nan",
		".NaN" };

	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		CHECK(bad(f[i], "floating point"));
	CHECK(bad("mode: 0644", "line 1, column 7: integer with a leading zero") && bad("-01", "leading zero") && bad("00",
		"leading zero"));
}

static void yaml_anchors_tags_and_merges_are_refused(void)
{
	CHECK(bad("a: &x 1\nb: *x", "anchors") && bad("a: &x {}", "anchors") && bad("&x [1]", "anchors") && bad("[*x]",
		"aliases"));
	CHECK(bad("{*x : 1}", "aliases") && bad("a: !!str 1", "tags") && bad("!x {}", "tags") && bad("[!!binary aGk=]",
		"tags") && bad("! a", "tags"));
	CHECK(bad("<<: {a: 1}", "merge keys") && same("\"<<\": 1", "{\"<<\":1}") && bad("%TAG ! tag:x,2000:\n---\na", "tags"));
}

static void yaml_keys_must_be_unique_strings(void)
{
	CHECK(bad("a: 1\nb: 2\na: 3", "line 3, column 1: duplicate key") && bad("{a: 1, 'a': 2}", "duplicate key"));
	CHECK(bad("1: x", "key must be a string") && bad("true: x", "key must be a string") && bad("~: x",
		"key must be a string"));
	CHECK(bad("? [a]\n: 1", "key must be a string") && bad("? {a: 1}\n: 1", "key must be a string") && bad(": x", "line 1"));
	CHECK(same("'1': x\n\"true\": y", "{\"1\":\"x\",\"true\":\"y\"}"));
}

static void yaml_exactly_one_document(void)
{
	CHECK(bad("", "no document") && bad("# c\n", "no document") && bad("a: 1\n---\nb: 2", "more than one document"));
	CHECK(bad("--- a\n--- b\n", "more than one document") && same("---\n", "null"));
}

static void yaml_malformed_texts_are_refused(void)
{
	CHECK(bad("a: [1", "line") && bad("a: {b", "line") && bad("a: 'x", "line") && bad("\ta: 1", "line") && bad("a: b: c",
		"line"));
	CHECK(bad("a: \"\\ud800\"", "line") && bad("a: \"\\q\"", "line") && bad("a: \x01", "line") && bad("a: '\xff'", "line"));
	CHECK(bad("a: \"\\0\"", "U+0000") && bad("\"a\\0\": 1", "U+0000") && bad("- a\nb: 1", "line"));
	CHECK(bad("\xff\xfe" "a\0", "line")); /* UTF-16 is not guessed */
}

static void yaml_limits_hold(void)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };
	char t[256] = { 0 };

	CHECK(yaml_parse(span_of("a: 12"), 4, &d, &e) == COFFER_E_LIMIT && !d);
	memset(t, '[', JSON_DEPTH_MAX);
	memset(t + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	CHECK(yaml_parse(span_of(t), 1000, &d, &e) == COFFER_OK);
	memset(t, '[', JSON_DEPTH_MAX + 1);
	memset(t + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	CHECK(refused(yaml_parse, span_of(t), COFFER_E_LIMIT, "too deep"));
}

static void yaml_every_prefix_of_a_flow_text_is_refused(void)
{
	static const char text[] = "{\"a\": [1, 'x', \"\\u00e9\"], b: {c: true}}";
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		CHECK(refused(yaml_parse, (struct span){ (const uint8_t *)text, n }, COFFER_E_INPUT, "line "));
	CHECK(parse_exact(yaml_parse, span_of(text), &d, &e) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(yaml_kubernetes_pod_is_read), T(yaml_plain_scalars_follow_the_core_schema),
			T(yaml_floats_and_leading_zeros_are_refused),
		T(yaml_anchors_tags_and_merges_are_refused), T(yaml_keys_must_be_unique_strings), T(yaml_exactly_one_document),
		T(yaml_malformed_texts_are_refused), T(yaml_limits_hold), T(yaml_every_prefix_of_a_flow_text_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
