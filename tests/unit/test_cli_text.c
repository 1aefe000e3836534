/* The CLI's own readers and writers: the terms annotation, and YAML out. */
#include "base/own.h"
#include "base/str.h"
#include "cli/entry_text.h"
#include "cli/terms.h"
#include "cli/yaml_out.h"
#include "fmt/yaml.h"
#include "tests/t.h"

static enum coffer_rc terms_of(const char *text, struct err *e)
{
	CLEANUP(terms_clear) struct terms t = { 0 };

	return terms_parse(span_of(text), &t, e);
}

static void terms_parse_reads_every_part(void)
{
	CLEANUP(terms_clear) struct terms t = { 0 };
	struct err e = { 0 };

	CHECK(terms_parse(span_of("platforms: [sample]\nimages:\n  - {container: a, provider: p}\n"
	                          "entitlements:\n  - {container: a, asset: 'kbs:///o/t/n', purpose: api}\n"
	                          "outputs:\n  - {container: a, name: r, path: /o/r, to: u, max-bytes: 9}\n"
	                          "host: {logs: [a], signals: [9]}\nregistries: {plain-http: ['h:1']}\n"), &t, &e) == COFFER_OK);
	CHECK(json_len(t.platforms) == 1 && json_len(t.images) == 1 && json_len(t.entitlements) == 1 && json_len(t.outputs) == 1);
	CHECK(json_len(t.logs) == 1 && json_len(t.signals) == 1 && json_len(t.plain_http) == 1);
}

static void terms_parse_refuses_unknown_members_and_wrong_shapes(void)
{
	static const char *const bad[] = {
		"", "[]", "platforms: sample", "platforms: [1]", "platforms: [sample]\nextra: 1", "images: []",
		"platforms: [sample]\nimages: [{container: a, provider: p, x: 1}]", "platforms: [sample]\nhost: {exec: true}",
		"platforms: [sample]\nhost: {signals: [x]}", "platforms: [sample]\nhost: {logs: a}", "platforms: [sample]\nregistries: {insecure: []}",
		"platforms: [sample]\nplatforms: [sample]", "platforms: [sample]\noutputs: {a: b}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		CHECK(terms_of(bad[i], &e) == COFFER_E_INPUT);
		CHECK(e.msg[0]);
	}
}

/* What is written reads back as the same value: through YAML and JCS. */
static void round_trip(const char *json)
{
	CLEANUP(json_freep) struct json_doc *a = NULL, *b = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(1u << 20), ca = wr_open(1u << 20), cb = wr_open(1u << 20);
	struct err e = { 0 };

	CHECK(json_parse(span_of(json), 1u << 20, &a, &e) == COFFER_OK);
	yaml_write(&text, json_root(a));
	CHECK(yaml_parse(wr_span(&text), 1u << 20, &b, &e) == COFFER_OK);
	json_canon(json_root(a), &ca);
	json_canon(json_root(b), &cb);
	CHECK(wr_ok(&ca) && wr_ok(&cb) && span_eq(wr_span(&ca), wr_span(&cb)));
	if (!span_eq(wr_span(&ca), wr_span(&cb)))
		printf("# differs: %s\n", json);
}

static void yaml_write_reads_back_as_the_same_value(void)
{
	round_trip("{\"a\":1,\"b\":[1,2,{\"c\":[]}],\"d\":{},\"e\":\"x\"}");
	round_trip("{\"apiVersion\":\"v1\",\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":\"A\",\"value\":\"b: c # d\"}]}]}}");
	round_trip("{\"text\":\"line one\\nline two\\n\",\"odd\":\"line\\n\\nend\",\"lead\":\"  x\\ny\\n\",\"tab\":\"a\\tb\\nc\\n\"}");
	round_trip("{\"yes\":\"no\",\"null\":null,\"true\":true,\"on\":\"off\",\"1\":\"2\",\"\":\"\"}");
	round_trip("{\"n\":[[1,[2]],[{\"a\":{\"b\":[{\"c\":\"d\\n e\\n\"}]}}]]}");
	round_trip("{\"uni\":\"\\u00e9\\ud83d\\ude00\",\"ctl\":\"\\u0001\\u007f\",\"quote\":\"\\\"\\\\'\"}");
}

/* ---- entries of the ledger ---- */

#define ID "00112233445566778899aabbccddeeff"
#define AT "\"time\":\"2026-01-02T03:04:05Z\",\"type\":"

static void entry_text_says_what_happened_to_whom_and_the_outcome(void)
{
	static const struct { const char *record, *line; } is[] = {
		{ "{\"data\":{\"id\":\"" ID "\",\"issuer\":\"acme\",\"kind\":\"workload\"}," AT "\"statement\"}", "workload statement of acme logged: " ID },
		{ "{\"data\":{\"id\":\"" ID "\",\"issuer\":\"genesis\",\"kind\":\"genesis\"}," AT "\"genesis\"}", "founded by the genesis " ID },
		{ "{\"data\":{\"asset\":\"kbs:///h/d/one\",\"by\":\"session\",\"container\":\"c\",\"decision\":\"" ID "\",\"platform\":\"snp\",\"rests\":[],\"version\":3,\"workload\":\"77\"}," AT
		  "\"release\"}", "released kbs:///h/d/one version 3 to a guest on snp of workload 77, container c; decision " ID },
		{ "{\"data\":{\"asset\":\"kbs:///h/d/one\",\"check\":\"R9\",\"container\":\"c\",\"decision\":\"" ID "\",\"workload\":\"77\"}," AT "\"denial\"}",
		  "denied kbs:///h/d/one by R9 to a guest of workload 77, container c; decision " ID },
		{ "{\"data\":{\"asset\":\"kbs:///h/d/one\",\"check\":\"R7\",\"decision\":\"" ID "\"}," AT "\"denial\"}", "denied kbs:///h/d/one by R7; decision " ID },
		{ "{\"data\":{\"by\":\"mallory\",\"check\":\"serial\",\"id\":\"" ID "\"}," AT "\"refusal\"}", "refused a statement of mallory by serial: " ID },
		{ "{\"data\":{\"asset\":\"kbs:///h/d/one\",\"salt\":\"" ID "\"}," AT "\"delete\"}", "deleted kbs:///h/d/one" },
		{ "{\"data\":{\"lost\":4}," AT "\"restored\"}", "the operator accepted a loss: entries lost 4" },
		{ "{\"data\":{\"evidence\":\"" ID "\",\"pruned\":2}," AT "\"pruned\"}", "the operator removed kept evidence: releases 2" },
		{ "{\"data\":{\"id\":7}," AT "\"something-new\"}", "something-new" },
	};

	for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(ENTRY_TEXT_MAX);
		CLEANUP(freep) char *want = str_fmt("12  2026-01-02T03:04:05Z  %s\n", is[i].line);
		struct err e = { 0 };

		CHECK(entry_text(12, span_of(is[i].record), &w, &e) == COFFER_OK);
		CHECK(want && span_eq_str(wr_span(&w), want));
	}
}

/* A service may write what it likes there: it stays one line, and no terminal obeys it. */
static void entry_text_is_one_line_of_printable_ascii_or_refused(void)
{
	static const char *const shown[] = {
		"{\"data\":{\"asset\":\"a\\n13  2026\\u001b[2J\\u009b\",\"check\":\"\\u202e\\u007f\"},\"time\":\"\\n\",\"type\":\"denial\"}",
		"{\"data\":{},\"time\":\"\",\"type\":\"\\n\\u001b\"}",
	}, *const refused[] = { "", "[]", "{}", "{\"data\":[],\"time\":\"\",\"type\":\"denial\"}", "{\"data\":{},\"time\":1,\"type\":\"denial\"}", "{\"data\":{},\"time\":\"\"}" };

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(ENTRY_TEXT_MAX);
		struct err e = { 0 };

		CHECK(entry_text(1, span_of(shown[i]), &w, &e) == COFFER_OK && w.n > 0 && w.p[w.n - 1] == '\n');
		for (size_t k = 0; k + 1 < w.n; k++)
			CHECK(w.p[k] >= 0x20 && w.p[k] < 0x7f);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(ENTRY_TEXT_MAX);
		struct err e = { 0 };

		CHECK(entry_text(1, span_of(refused[i]), &w, &e) == COFFER_E_INPUT);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(terms_parse_reads_every_part),
		T(terms_parse_refuses_unknown_members_and_wrong_shapes),
		T(yaml_write_reads_back_as_the_same_value),
		T(entry_text_says_what_happened_to_whom_and_the_outcome),
		T(entry_text_is_one_line_of_printable_ascii_or_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
