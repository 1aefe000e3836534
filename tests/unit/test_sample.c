/* Sample evidence: form, every refusal, and there and back. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/sample.h"
#include "tests/t.h"

static const char good[] = "{\"svn\":\"1\",\"report_data\":\"AAECAw==\","
	"\"init_data\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}";

static enum coffer_rc parse(const char *text, struct sample_evidence *s)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e = { 0 };
	enum coffer_rc rc = json_parse(span_of(text), 4096, &doc, &e);

	if (rc == COFFER_OK)
		rc = sample_parse(json_root(doc), s, &e);
	s->svn = (struct span){ 0 }; /* it borrowed the document */
	return rc;
}

static void parse_reads_all_three_members(void)
{
	struct sample_evidence s = { 0 };

	CHECK(parse(good, &s) == COFFER_OK);
	CHECK(s.report_data_n == 4 && s.report_data[3] == 3);
	CHECK(s.has_register && s.init_register[31] == 31);
}

static void parse_accepts_what_upstream_sends(void)
{
	struct sample_evidence s = { 0 };

	CHECK(parse("{\"svn\":\"1\",\"report_data\":\"AAECAw==\"}", &s) == COFFER_OK && !s.has_register);
	CHECK(parse("{\"svn\":\"2\",\"report_data\":\"AAECAw==\",\"cc_eventlog\":null}", &s) == COFFER_OK);
	CHECK(parse("{\"svn\":\"2\",\"report_data\":\"AAECAw==\",\"cc_eventlog\":\"AA\"}", &s) == COFFER_OK);
}

static void parse_refuses_other_shapes_and_leaves_output(void)
{
	static const char *const bad[] = {
		"[]", "null", "{}", "{\"svn\":\"1\"}", "{\"report_data\":\"AAECAw==\"}",
		"{\"svn\":1,\"report_data\":\"AAECAw==\"}", "{\"svn\":\"\",\"report_data\":\"AAECAw==\"}",
		"{\"svn\":\"123456789012345678901234567890123\",\"report_data\":\"AAECAw==\"}",
		"{\"svn\":\"1\",\"report_data\":\"\"}", "{\"svn\":\"1\",\"report_data\":\"AAECAw\"}",
		"{\"svn\":\"1\",\"report_data\":7}", "{\"svn\":\"1\",\"report_data\":\"AAECAw==\",\"x\":1}",
		"{\"svn\":\"1\",\"report_data\":\"AAECAw==\",\"init_data\":null}",
		"{\"svn\":\"1\",\"report_data\":\"AAECAw==\",\"init_data\":\"00\"}",
		"{\"svn\":\"1\",\"report_data\":\"AAECAw==\",\"cc_eventlog\":1}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sample_evidence s = { 0 };

		CHECK(parse(bad[i], &s) == COFFER_E_INPUT);
		CHECK(s.report_data_n == 0 && !s.has_register);
	}
}

static void parse_takes_64_bytes_of_report_data_and_not_65(void)
{
	struct sample_evidence s = { 0 };
	char text[256];

	/* 64 and 65 zero bytes in base64 */
	(void)snprintf(text, sizeof(text), "{\"svn\":\"1\",\"report_data\":\"%.*sAA==\"}", 84,
		       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	CHECK(parse(text, &s) == COFFER_OK && s.report_data_n == 64);
	(void)snprintf(text, sizeof(text), "{\"svn\":\"1\",\"report_data\":\"%.*sAAA=\"}", 84,
		       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	CHECK(parse(text, &s) == COFFER_E_INPUT);
}

static void parse_refuses_every_prefix(void)
{
	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		CLEANUP(json_freep) struct json_doc *doc = NULL;
		struct err e = { 0 };

		if (!exact)
			abort();
		memcpy(exact, good, n);
		CHECK(json_parse((struct span){ exact, n }, 4096, &doc, &e) != COFFER_OK);
	}
}

static void write_is_read_back(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct sample_evidence s = { 0 };
	uint8_t data[48], reg[32];
	struct err e = { 0 };

	memset(data, 0xA5, sizeof(data));
	memset(reg, 0x5A, sizeof(reg));
	CHECK(sample_write(SPAN(data), reg, &w, &e) == COFFER_OK);
	CHECK(json_parse(wr_span(&w), 1024, &doc, &e) == COFFER_OK && sample_parse(json_root(doc), &s, &e) == COFFER_OK);
	CHECK(span_eq((struct span){ s.report_data, s.report_data_n }, SPAN(data)) && s.has_register);
	CHECK(span_eq(SPAN(s.init_register), SPAN(reg)) && span_eq_str(s.svn, "1"));
}

static void write_refuses_report_data_that_does_not_fit(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	uint8_t data[65] = { 0 };
	struct err e = { 0 };

	CHECK(sample_write(SPAN(data), NULL, &w, &e) == COFFER_E_LIMIT);
	CHECK(sample_write((struct span){ data, 0 }, NULL, &w, &e) == COFFER_E_LIMIT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(parse_reads_all_three_members), T(parse_accepts_what_upstream_sends),
		T(parse_refuses_other_shapes_and_leaves_output), T(parse_takes_64_bytes_of_report_data_and_not_65),
		T(parse_refuses_every_prefix), T(write_is_read_back), T(write_refuses_report_data_that_does_not_fit),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
