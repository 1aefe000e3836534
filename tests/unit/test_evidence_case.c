/* Cases of a manifest as "Judging" has them: what is expected is judged by the check it names and by the value that is wanted; what
 * nobody judges is named, and never passed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_case.h"
#include "tests/t.h"

#define INIT "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ZERO48 "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
static char dir[] = "/tmp/coffer-case-XXXXXX";

/* A trace of our own. */
struct trace { const char *check; bool holds; const char *values; };

static enum case_result expect(const char *text, const struct trace *t, struct case_run *r)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	struct err e = { 0 };

	if (json_parse(span_of(text), 4096, &doc, &e) != COFFER_OK)
		return (void)fprintf(stderr, "%s\n", e.msg), CASE_FAILED;
	*r = (struct case_run){ .c = json_root(doc) };
	if (t->check)
		(void)ev_need(&o, t->check, t->holds, VERDICT_INVALID, "so", "so");
	if (t->values) {
		o.values = wr_open(4096);
		wr_str(&o.values, t->values);
	}
	return case_expect(r, &o);
}

static void wanted_value_decides_not_the_name_alone(void)
{
	static const struct { const char *text; struct trace t; enum case_result res; } rows[] = {
		{ "{\"expect\":{\"all_checks\":true}}", { "x", true, NULL }, CASE_PASSED },
		{ "{\"expect\":{\"all_checks\":true}}", { "x", false, NULL }, CASE_FAILED },
		{ "{\"expect\":{\"all_checks\":false}}", { "x", true, NULL }, CASE_FAILED },
		{ "{\"expect\":{\"all_checks\":false}}", { "x", false, NULL }, CASE_PASSED },
		{ "{\"expect\":{\"all_checks\":\"valid\"}}", { "x", true, NULL }, CASE_PASSED },
		{ "{\"expect\":{\"all_checks\":\"invalid\"}}", { "x", true, NULL }, CASE_FAILED },
		{ "{\"expect\":{\"all_checks\":\"perhaps\"}}", { "x", true, NULL }, CASE_SKIPPED },
		{ "{\"expect\":{\"event_log_replay\":true}}", { "event_log", true, NULL }, CASE_PASSED },
		{ "{\"expect\":{\"event_log_replay\":false}}", { "event_log", true, NULL }, CASE_FAILED },
		{ "{\"expect\":{\"event_log_replay\":false}}", { "event_log", false, NULL }, CASE_PASSED },
		{ "{\"expect\":{\"event_log_replay\":\"PCR0-9 match\"}}", { "event_log", true, NULL }, CASE_PASSED },
		{ "{\"expect\":{\"event_log_replay\":\"PCR0-9 match\"}}", { "event_log", false, NULL }, CASE_FAILED },
		{ "{\"expect\":{\"rak_binding\":false}}", { "rak_binding", true, NULL }, CASE_FAILED },
		{ "{\"expect\":{\"rak_binding\":\"invalid: another key\"}}", { "rak_binding", true, NULL }, CASE_FAILED },
		{ "{\"expect\":{\"rak_binding\":\"invalid: another key\"}}", { "rak_binding", false, NULL }, CASE_PASSED },
		{ "{\"expect\":{\"rak_binding\":7}}", { "rak_binding", true, NULL }, CASE_FAILED },
		{ "{\"expect\":{\"rtmr3_zero\":true}}", { NULL, false, "{\"rtmr3\":\"" ZERO48 "\"}" }, CASE_PASSED },
		{ "{\"expect\":{\"rtmr3_zero\":false}}", { NULL, false, "{\"rtmr3\":\"" ZERO48 "\"}" }, CASE_FAILED },
		{ "{\"expect\":{\"rtmr3_zero\":true}}", { NULL, false, "{\"rtmr3\":\"" ZERO48 "01\"}" }, CASE_FAILED },
		{ "{\"expect\":{\"rtmr3_zero\":false}}", { NULL, false, "{\"rtmr3\":\"" ZERO48 "01\"}" }, CASE_PASSED },
		{ "{\"expect\":{\"rtmr3_zero\":true}}", { NULL, false, "{}" }, CASE_SKIPPED },
		{ "{\"expect\":{\"rtmr3_zero\":\"yes\"}}", { NULL, false, "{\"rtmr3\":\"" ZERO48 "\"}" }, CASE_SKIPPED },
	};
	struct case_run r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum case_result got = expect(rows[i].text, &rows[i].t, &r);

		if (got != rows[i].res)
			(void)fprintf(stderr, "%s: %d (%s)\n", rows[i].text, (int)got, r.why);
		CHECK(got == rows[i].res);
	}
}

static void nothing_left_to_judge_is_skipped_and_what_is_left_out_is_named(void)
{
	static const struct trace t = { "report_signature", true, NULL };
	struct case_run r;

	CHECK(expect("{\"expect\":{}}", &t, &r) == CASE_SKIPPED && strstr(r.why, "nothing"));
	CHECK(expect("{}", &t, &r) == CASE_SKIPPED && strstr(r.why, "nothing"));
	CHECK(expect("{\"expect\":{\"note\":\"x\",\"stage\":\"y\"}}", &t, &r) == CASE_SKIPPED && strstr(r.why, "nothing") && !r.left[0]);
	CHECK(expect("{\"expect\":{\"vbios_rim\":\"x\",\"ak_cert_issuer\":\"y\"}}", &t, &r) == CASE_SKIPPED);
	CHECK(strcmp(r.left, "vbios_rim, ak_cert_issuer") == 0);
	CHECK(expect("{\"expect\":{\"vbios_rim\":\"x\",\"report_signature\":\"valid\"}}", &t, &r) == CASE_PASSED && strcmp(r.left, "vbios_rim") == 0);
	CHECK(expect("{\"expect\":{\"new\":1,\"report_signature\":\"valid\"}}", &t, &r) == CASE_SKIPPED && strstr(r.why, ": new"));
	/* what differs is a failure, whatever else is not known */
	CHECK(expect("{\"expect\":{\"new\":1,\"report_signature\":\"invalid\"}}", &t, &r) == CASE_FAILED && strstr(r.why, "report_signature"));
}

/* ---- whole cases, of platform sample ---- */

static enum case_result run(const char *members, struct case_run *r)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(freep) char *text = str_fmt("{\"id\":\"one\",\"tee\":\"sample\",\"kind\":\"synthetic\",\"files\":{\"evidence\":\"evidence\"},%s}", members);
	struct err e = { 0 };
	enum case_result res;

	if (!text || json_parse(span_of(text), 4096, &doc, &e) != COFFER_OK)
		return (void)fprintf(stderr, "%s\n", e.msg), CASE_FAILED;
	*r = (struct case_run){ .dir = dir, .c = json_root(doc) };
	res = evidence_case(r);
	r->c = NULL;
	return res;
}

static void bindings_that_are_demanded_must_hold(void)
{
	struct case_run r;

	CHECK(run("\"expected_init_data\":\"" INIT "\",\"expect\":{}", &r) == CASE_PASSED);
	CHECK(run("\"expected_init_data\":\"ff" INIT "\",\"expect\":{\"all_checks\":false}", &r) == CASE_FAILED && strstr(r.why, "expected_init_data"));
	CHECK(run("\"expected_init_data\":\"ff\",\"expect\":{\"verdict\":\"reject: another\"}", &r) == CASE_PASSED);
	CHECK(run("\"expected_init_data\":\"" INIT "\",\"expect\":{\"verdict\":\"reject\"}", &r) == CASE_FAILED);
	CHECK(run("\"expected_report_data\":\"0102\",\"expect\":{}", &r) == CASE_PASSED);
	CHECK(run("\"expected_report_data\":\"0103\",\"expect\":{}", &r) == CASE_FAILED && strstr(r.why, "expected_report_data"));
	CHECK(run("\"expected_init_data\":\"xy\",\"expect\":{\"all_checks\":true}", &r) == CASE_SKIPPED && strstr(r.why, "expected_init_data"));
	CHECK(run("\"expected_init_data\":5,\"expect\":{\"all_checks\":true}", &r) == CASE_SKIPPED && strstr(r.why, "expected_init_data"));
	CHECK(run("\"expected_init_data\":\"" INIT INIT INIT "\",\"expect\":{\"all_checks\":true}", &r) == CASE_SKIPPED && strstr(r.why, "64 bytes"));
}

static void binding_that_no_check_judges_is_skipped_and_named(void)
{
	static const struct trace t = { "report_signature", true, NULL };
	struct case_run r;

	CHECK(expect("{\"expected_init_data\":\"00\",\"expect\":{\"report_signature\":\"valid\"}}", &t, &r) == CASE_SKIPPED && strstr(r.why, "expected_init_data"));
}

static void changes_must_be_some_and_be_noticed(void)
{
	static const char change[] = "\"mutate\":[{\"file\":\"evidence\",\"op\":\"replace\",\"from\":\"000102\",\"to\":\"ff0102\"}]";
	char text[512];
	struct case_run r;

	CHECK(run("\"mutate\":[],\"expect\":{\"verdict\":\"reject\"}", &r) == CASE_FAILED && strstr(r.why, "verdict"));
	CHECK(run("\"mutate\":{},\"expect\":{\"verdict\":\"reject\"}", &r) == CASE_SKIPPED && strstr(r.why, "mutate"));
	(void)snprintf(text, sizeof(text), "%s,\"expect\":{\"verdict\":\"reject\"}", change);
	CHECK(run(text, &r) == CASE_FAILED && strstr(r.why, "not noticed")); /* nobody wants the register to hold anything */
	(void)snprintf(text, sizeof(text), "%s,\"expected_init_data\":\"" INIT "\",\"expect\":{\"verdict\":\"reject each\",\"stage\":\"init-data\"}", change);
	CHECK(run(text, &r) == CASE_PASSED);
	(void)snprintf(text, sizeof(text), "%s,\"expected_init_data\":\"" INIT "\",\"expect\":{\"verdict\":\"accept\"}", change);
	CHECK(run(text, &r) == CASE_SKIPPED && strstr(r.why, "verdict"));
	(void)snprintf(text, sizeof(text), "%s,\"expected_init_data\":\"" INIT "\",\"values\":{\"svn\":\"1\"},\"expect\":{\"verdict\":\"reject\"}", change);
	CHECK(run(text, &r) == CASE_SKIPPED && strstr(r.why, "values"));
}

static void members_that_are_not_known_are_named(void)
{
	struct case_run r;

	CHECK(run("\"expect\":{\"all_checks\":true}", &r) == CASE_PASSED && !r.left[0]);
	CHECK(run("\"expect\":{\"all_checks\":true},\"expected_rtmr\":\"00\"", &r) == CASE_SKIPPED && strstr(r.why, "expected_rtmr"));
	CHECK(run("\"expect\":{\"all_checks\":true},\"pck\":{},\"raw\":{}", &r) == CASE_PASSED && strcmp(r.left, "pck, raw") == 0);
	CHECK(run("\"expect\":{\"all_checks\":false},\"expected_rtmr\":\"00\"", &r) == CASE_FAILED); /* it differs, whatever else it wants */
}

static bool put_evidence(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	(void)fputs("{\"svn\":\"1\",\"report_data\":\"AQI=\",\"init_data\":\"" INIT "\"}", f);
	return fclose(f) == 0;
}

int main(void)
{
	static const struct t_case cases[] = {
		T(wanted_value_decides_not_the_name_alone),
		T(nothing_left_to_judge_is_skipped_and_what_is_left_out_is_named),
		T(bindings_that_are_demanded_must_hold),
		T(binding_that_no_check_judges_is_skipped_and_named),
		T(changes_must_be_some_and_be_noticed),
		T(members_that_are_not_known_are_named),
	};
	CLEANUP(freep) char *path = mkdtemp(dir) ? str_fmt("%s/evidence", dir) : NULL;
	int bad;

	if (!path || !put_evidence(path))
		return 1;
	bad = t_main(cases, sizeof(cases) / sizeof(cases[0]));
	(void)unlink(path);
	(void)rmdir(dir);
	return bad;
}
