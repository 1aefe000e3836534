/* Upstream's api-server-rest, case by case: status, type and body of every route. */
#include "tests/conformance/vec.h"

#include <stdio.h>

#include "agent/rest.h"

struct seen { struct wr data; struct span path; char *kbs; enum rest_extend extend; };

static enum coffer_rc resource(void *arg, const char *path, struct wr *out, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	s->kbs = strdup(path);
	wr_str(out, "content");
	return COFFER_OK;
}

static enum coffer_rc token(void *arg, struct span type, struct wr *out, struct err *e)
{
	(void)arg;
	(void)e;
	wr_put(out, type);
	return COFFER_OK;
}

static enum coffer_rc evidence(void *arg, bool additional, struct span data, struct wr *out, struct err *e)
{
	(void)additional;
	(void)e;
	wr_put(&((struct seen *)arg)->data, data);
	wr_str(out, "{}");
	return COFFER_OK;
}

static enum coffer_rc extend(void *arg, struct span domain, struct span operation, struct span content, enum rest_extend *out, struct err *e)
{
	if (!span_eq_str(domain, "d") || !span_eq_str(operation, "o") || !span_eq_str(content, "c"))
		return err_set(e, COFFER_E_INPUT, "another event");
	*out = ((struct seen *)arg)->extend;
	return COFFER_OK;
}

static unsigned features(const struct json *c)
{
	struct span f = json_str(json_get(c, "features"));

	return span_eq_str(f, "resource") ? REST_RESOURCE : span_eq_str(f, "attestation") ? REST_ATTESTATION : REST_RESOURCE | REST_ATTESTATION;
}

/* "GET /path?query" and the body the case sends, as bytes on the wire, read by our own parser. */
static bool request(const struct json *c, struct wr *wire, struct http_in *q)
{
	struct span line = json_str(json_get(c, "request"));
	CLEANUP(wr_close) struct wr body = wr_open(4096);
	struct json_wr j = jw_open(&body, false);
	struct err e = { 0 };
	bool complete = false;

	if (json_get(c, "body_sent"))
		jw_value(&j, json_get(c, "body_sent"));
	wr_fmt(wire, "%.*s HTTP/1.1\r\nHost: 127.0.0.1:8006\r\nContent-Length: %zu\r\n\r\n", (int)line.n, (const char *)line.p, wr_span(&body).n);
	wr_put(wire, wr_span(&body));
	return http_in_read(wr_span(wire), &complete, q, &e) == COFFER_OK && complete;
}

static bool text_is(const struct json *c, const char *member, struct span got)
{
	return !json_get(c, member) || span_eq(json_str(json_get(c, member)), got);
}

static void check_json(const struct json *c, struct span body)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *has = json_get(c, "json_has"), *lacks = json_get(c, "json_lacks"), *equals = json_get(c, "json_equals");
	struct err e = { 0 };

	if (!has && !lacks && !equals)
		return;
	CHECK(json_parse(body, 65536, &doc, &e) == COFFER_OK);
	for (size_t i = 0; i < json_len(has); i++)
		CHECK(json_getn(json_root(doc), json_str(json_at(has, i))));
	for (size_t i = 0; i < json_len(lacks); i++)
		CHECK(!json_getn(json_root(doc), json_str(json_at(lacks, i))));
	for (size_t i = 0; i < json_len(equals); i++)
		CHECK(span_eq(json_str(json_getn(json_root(doc), json_name(equals, i))), json_str(json_at(equals, i))));
}

static void run(const struct json *c)
{
	struct seen s = { .data = wr_open(4096) };
	const struct rest_backend b = { .arg = &s, .resource = resource, .token = token, .evidence = evidence, .extend = extend };
	CLEANUP(wr_close) struct wr wire = wr_open(65536);
	struct http_out r = { 0 };
	struct http_in q;
	uint64_t status = 0;

	s.extend = span_eq_str(json_str(json_get(c, "aa_result")), "NOT_SUPPORTED") ? REST_NOT_SUPPORTED : REST_EXTENDED;
	CHECK(request(c, &wire, &q));
	if (t_failed)
		return;
	rest_route(&q, features(c), !json_get(c, "peer"), &b, &r);
	if (json_u64(json_get(c, "status"), &status))
		CHECK((uint64_t)r.status == status);
	CHECK(text_is(c, "body", wr_span(&r.body)));
	CHECK(text_is(c, "content_type", span_of(r.type ? r.type : "")));
	CHECK(text_is(c, "runtime_data", wr_span(&s.data)));
	CHECK(text_is(c, "cdh_resource_path", span_of(s.kbs ? s.kbs : "")));
	check_json(c, wr_span(&r.body));
	wr_close(&r.body);
	wr_close(&s.data);
	free(s.kbs);
}

int main(void)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(freep) char *probe = vec_path("asr/cases.json");
	const struct json *cases;
	int bad = 0;

	if (!probe || !file_exists(probe)) {
		printf("1..1\nok 1 asr # SKIP no shared vectors\n");
		return 0;
	}
	doc = vec_json("asr/cases.json");
	cases = json_get(json_root(doc), "cases");
	printf("1..%zu\n", json_len(cases) + 1);
	printf("%sok 1 cases_are_there\n", json_len(cases) > 10 ? "" : "not ");
	bad |= json_len(cases) <= 10;
	for (size_t i = 0; i < json_len(cases); i++) {
		struct span name = json_str(json_get(json_at(cases, i), "request"));

		t_failed = 0;
		run(json_at(cases, i));
		bad |= t_failed;
		printf("%sok %zu %.*s (%.*s)\n", t_failed ? "not " : "", i + 2, (int)name.n, (const char *)name.p,
		    (int)json_str(json_get(json_at(cases, i), "features")).n, (const char *)json_str(json_get(json_at(cases, i), "features")).p);
	}
	return bad;
}
