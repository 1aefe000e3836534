/* What cofferd-eval's child does: requests read to their last byte, and release policies judged. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "evidence/appraise.h"
#include "judge/default_policy.h"
#include "judge/policy.h"
#include "tests/t.h"
#include "trust/shipped.h"
#include "tzif_fix.h"

static const char data[] = "{\"plugin\":\"resource\",\"query\":{},\"resource-path\":[\"a\",\"b\",\"c\"]}";
static const char good[] = "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}}}";

static struct judged judge(const char *policy, const char *d, const char *input)
{
	struct eval_release_req q = { .now = 1700000000, .policy = span_of(policy), .data = span_of(d), .input = span_of(input) };
	struct zones none = { 0 };
	struct judged v;

	judge_release(&q, &none, &v);
	return v;
}

static bool says(struct judged v, enum eval_answer a, const char *words)
{
	return v.answer == a && strstr(v.reason, words);
}

static void request_survives_the_wire_and_every_truncation_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVAL_FRAME_MAX);
	struct eval_release_req q = { .now = -5, .policy = span_of("p"), .data = span_of("dd"), .input = span_of("iii") }, got;
	struct err e = { 0 };

	eval_release_req_write(&w, &q);
	CHECK(eval_release_req_read(wr_span(&w), &got, &e) == COFFER_OK && got.now == -5 && span_eq_str(got.policy, "p") &&
	      span_eq_str(got.data, "dd") && span_eq_str(got.input, "iii"));
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, w.p, n);
		CHECK(eval_release_req_read((struct span){ exact, n }, &got, &e) == COFFER_E_INPUT);
	}
	wr_u8(&w, 0);
	CHECK(eval_release_req_read(wr_span(&w), &got, &e) == COFFER_E_INPUT);
}

static void policy_longer_than_the_bound_is_refused_before_it_is_read(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVAL_FRAME_MAX + 64);
	CLEANUP(freep) char *big = calloc(1, EVAL_POLICY_MAX + 2);
	struct eval_release_req q = { .data = span_of("d") }, got;
	struct err e = { 0 };

	memset(big, '#', EVAL_POLICY_MAX + 1);
	q.policy = (struct span){ (const uint8_t *)big, EVAL_POLICY_MAX };
	eval_release_req_write(&w, &q);
	CHECK(eval_release_req_read(wr_span(&w), &got, &e) == COFFER_OK);
	w.n = 0;
	q.policy.n++;
	eval_release_req_write(&w, &q);
	CHECK(eval_release_req_read(wr_span(&w), &got, &e) == COFFER_E_INPUT);
}

static void strict_policy_holds_where_none_is_given(void)
{
	CHECK(judge("", data, good).answer == EVAL_ALLOWS);
	CHECK(says(judge("", data, "{\"submods\":{\"cpu0\":{\"ear.status\":\"none\"}}}"), EVAL_DENIES, "default.rego:"));
	CHECK(judge("", data, "{\"submods\":{\"cpu0\":{}}}").answer == EVAL_DENIES && judge("", data, "{\"submods\":{}}").answer == EVAL_DENIES &&
	      judge("", data, "{}").answer == EVAL_DENIES);
	CHECK(judge("", data, "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},\"gpu0\":{\"ear.status\":\"warning\"}}}").answer == EVAL_DENIES);
}

static void only_the_boolean_true_allows_and_all_else_says_what_it_was(void)
{
	CHECK(judge("package policy\nallow := true\n", data, good).answer == EVAL_ALLOWS);
	CHECK(says(judge("package policy\nallow := \"true\"\n", data, good), EVAL_DENIES, "no boolean"));
	CHECK(says(judge("package policy\nallow if input.x == 1\n", data, good), EVAL_UNDEFINED, "undefined"));
	CHECK(says(judge("package other\nallow := true\n", data, good), EVAL_UNDEFINED, "no rule"));
	CHECK(says(judge("package policy\nallow if {\n", data, good), EVAL_ERROR, "rego_parse_error: policy.rego:"));
	CHECK(says(judge("package policy\nallow := f(1)\n", data, good), EVAL_ERROR, "policy.rego:2:"));
	CHECK(says(judge("package policy\nallow := true\nallow := false\n", data, good), EVAL_ERROR, "eval_conflict_error"));
}

static void denial_names_path_found_and_wanted(void)
{
	struct judged v = judge("package policy\nallow if input.submods.cpu0[\"ear.status\"] == \"warning\"\n", data, good);

	CHECK(v.answer == EVAL_UNDEFINED && strstr(v.reason, "input.submods.cpu0[\"ear.status\"]") && strstr(v.reason, "\"affirming\"") &&
	      strstr(v.reason, "\"warning\""));
}

static void budgets_and_malformed_documents_deny(void)
{
	CHECK(says(judge("package policy\nallow if count(numbers.range(1, 100000000)) > 1\n", data, good), EVAL_BUDGET, "limit_"));
	CHECK(says(judge("package policy\nallow if { some a in numbers.range(1, 2000); some b in numbers.range(1, 2000); a * b == -1 }\n", data, good), EVAL_BUDGET,
	    "limit_steps"));
	CHECK(says(judge("package policy\nallow := true\n", "{", good), EVAL_ERROR, "data"));
	CHECK(says(judge("package policy\nallow := true\n", data, "{\"a\":}"), EVAL_ERROR, "input"));
	CHECK(judge("package policy\nallow := true\n", data, "").answer == EVAL_ERROR);
}

/* Values of shared halves are small to make and endless to compare; a long text takes its time at each comparison. */
static void comparing_takes_steps_wherever_it_happens(void)
{
	static const char *const body[] = {
		"v59 == w59", "equal(v59, w59)", "v59 < w59", "max([v59, w59]) == 1", "min({v59, w59}) == 1", "sort([v59, w59]) == 1", "v59 in [w59]",
		"object.subset([v59], [w59])", "object.subset({\"a\": v59}, {\"a\": w59})", "{1: y | some y in [v59, w59]} == 1", "{v59: 1}[w59] == 2",
		"json.patch({\"a\": v59}, [{\"op\": \"test\", \"path\": \"/a\", \"value\": w59}]) == 1", "count(p) == 7", "q == 7",
		"some x in numbers.range(1, 5000); a == b; x == 0", "some x in numbers.range(1, 5000); max([a, b]) == x",
		"some x in numbers.range(1, 5000); sort([a, b]) == x", "some x in numbers.range(1, 5000); {a: 1}[b] == x + 9",
		"some x in numbers.range(1, 5000); count({a, b, x}) == 9",
	};
	CLEANUP(wr_close) struct wr head = wr_open(8192);

	wr_str(&head, "package policy\nv0 := [1, 1]\nw0 := [1, 1]\ns0 := \"aaaaaaaaaaaaaaaa\"\n");
	for (int i = 1; i < 60; i++)
		wr_fmt(&head, "v%d := [v%d, v%d]\nw%d := [w%d, w%d]\n", i, i - 1, i - 1, i, i - 1, i - 1);
	for (int i = 1; i < 16; i++)
		wr_fmt(&head, "s%d := concat(\"\", [s%d, s%d])\n", i, i - 1, i - 1);
	wr_str(&head, "a := concat(\"\", [s14, s14])\nb := concat(\"\", [s14, s14])\np[v59] := 1\np[w59] := 1\nq[1].y := v59\nq[1].y := w59\n");
	for (size_t i = 0; i < sizeof(body) / sizeof(body[0]); i++) {
		CLEANUP(freep) char *policy = str_fmt("%.*sallow if { %s }\n", (int)head.n, (const char *)head.p, body[i]);

		CHECK(says(judge(policy, data, good), EVAL_BUDGET, "limit_steps"));
	}
}

static void text_of_strangers_is_printable(void)
{
	struct judged v = judge("package policy\nallow if input.x == \"\\u001b[2J\"\n", data, "{\"x\":\"\\u001b]0;\"}");

	for (const char *c = v.reason; *c; c++)
		CHECK(*c >= 0x20 && *c < 0x7f);
}

static void time_is_the_services_and_data_is_upstreams(void)
{
	CHECK(judge("package policy\nallow if time.now_ns() == 1700000000000000000\n", data, good).answer == EVAL_ALLOWS);
	CHECK(judge("package policy\nallow if { data.plugin == \"resource\"; data[\"resource-path\"] == [\"a\", \"b\", \"c\"]; data.query == {} }\n", data, good).answer == EVAL_ALLOWS);
}

static void named_zones_are_those_that_were_loaded(void)
{
	struct made_zone m = MADE_NORTH;
	CLEANUP(wr_close) struct wr w = made_file(&m);
	struct zones_file file = { .name = (char[]){ "North" }, .p = (char *)w.p, .n = w.n };
	struct zones one = { .file = &file, .n = 1 }, none = { 0 };
	struct eval_release_req q = { .policy = span_of("package policy\nallow if time.clock([time.now_ns(), \"North\"])[0] == 3\n"), .now = 1774746000,
		.data = span_of(data), .input = span_of(good) };
	struct judged v;

	judge_release(&q, &one, &v);
	CHECK(v.answer == EVAL_ALLOWS);
	q.now--;
	judge_release(&q, &one, &v);
	CHECK(v.answer == EVAL_UNDEFINED);
	q.now++;
	judge_release(&q, &none, &v);
	CHECK(v.answer == EVAL_UNDEFINED);
}

/* What a genesis names are the very bytes that judge. */
static void digests_of_shipped_policies_are_of_what_is_built_in(void)
{
	static const char *const device[] = { [SHIPPED_CPU] = "cpu", [SHIPPED_GPU] = "gpu", [SHIPPED_SWITCH] = "switch", [SHIPPED_PPCIE] = "ppcie" };
	struct appraise_policy p;
	uint8_t digest[32];

	sha256((struct span){ default_policy, default_policy_n }, digest);
	CHECK(shipped_here.has[SHIPPED_RELEASE] && memcmp(digest, shipped_here.sha256[SHIPPED_RELEASE], 32) == 0);
	for (size_t i = SHIPPED_CPU; i < SHIPPED_N; i++) {
		CHECK(appraise_default(device[i], &p));
		sha256(p.text, digest);
		CHECK(shipped_here.has[i] && memcmp(digest, shipped_here.sha256[i], 32) == 0);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(digests_of_shipped_policies_are_of_what_is_built_in),
		T(request_survives_the_wire_and_every_truncation_is_refused), T(policy_longer_than_the_bound_is_refused_before_it_is_read),
		T(strict_policy_holds_where_none_is_given), T(only_the_boolean_true_allows_and_all_else_says_what_it_was), T(denial_names_path_found_and_wanted),
		T(budgets_and_malformed_documents_deny), T(comparing_takes_steps_wherever_it_happens),
		T(text_of_strangers_is_printable), T(time_is_the_services_and_data_is_upstreams), T(named_zones_are_those_that_were_loaded),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
