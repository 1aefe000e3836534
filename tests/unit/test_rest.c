/* The local REST API: strict requests, and refusals that say which check. */
#include "tests/t.h"

#include <stdlib.h>
#include <string.h>

#include "agent/rest.h"
#include "base/str.h"

#define GET "GET /cdh/resource/a/b/c?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8006\r\n\r\n"
#define POST "POST /aa/aael HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"

static enum coffer_rc parse(const char *text, bool *complete, struct http_in *q)
{
	struct err e = { 0 };

	return http_in_read(span_of(text), complete, q, &e);
}

static void request_whole_is_read(void)
{
	struct http_in q;
	bool complete = false;

	CHECK(parse(GET, &complete, &q) == COFFER_OK && complete);
	CHECK(span_eq_str(q.method, "GET") && span_eq_str(q.path, "/cdh/resource/a/b/c") && span_eq_str(q.query, "x=1") && q.body.n == 0);
	CHECK(parse(POST, &complete, &q) == COFFER_OK && complete && span_eq_str(q.body, "abc"));
}

/* A prefix is no error: more may come. But it is never taken for a request. */
static void request_cut_anywhere_is_incomplete(void)
{
	static const char *const texts[] = { GET, POST };

	for (size_t t = 0; t < 2; t++)
		for (size_t n = 0; n < strlen(texts[t]); n++) {
			char *p = malloc(n ? n : 1);
			struct http_in q = { .body.n = 77 };
			struct err e = { 0 };
			bool complete = true;

			memcpy(p, texts[t], n);
			CHECK(http_in_read((struct span){ (uint8_t *)p, n }, &complete, &q, &e) == COFFER_OK && !complete && q.body.n == 77);
			free(p);
		}
}

static void request_of_odd_form_is_refused(void)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\nHost: h\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/2\r\n\r\n", "GET http://x/ HTTP/1.1\r\n\r\n",
		"GET /\x01 HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "\r\n\r\n", "GET /\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n", "GET / HTTP/1.1\r\nnocolon\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\x7f\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
		"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\na", "GET / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\na",
		"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nab",
	};
	struct http_in q;
	bool complete;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum coffer_rc rc = parse(bad[i], &complete, &q);

		CHECK(rc == COFFER_E_INPUT && !complete);
		if (rc != COFFER_E_INPUT)
			printf("# %zu\n", i);
	}
}

static void request_beyond_bounds_is_refused(void)
{
	char head[HTTP_IN_HEAD_MAX + 1];
	struct http_in q;
	struct err e = { 0 };
	bool complete;

	memset(head, 'a', sizeof(head));
	CHECK(http_in_read((struct span){ (uint8_t *)head, HTTP_IN_HEAD_MAX - 1 }, &complete, &q, &e) == COFFER_OK && !complete);
	CHECK(http_in_read((struct span){ (uint8_t *)head, HTTP_IN_HEAD_MAX }, &complete, &q, &e) == COFFER_E_LIMIT);
	CHECK(parse("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", &complete, &q) == COFFER_E_LIMIT);
	CHECK(parse("POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n", &complete, &q) == COFFER_OK && !complete);
}

static bool query(const char *q, const char *name, const char *want)
{
	struct wr w = wr_open(64);
	bool ok = rest_query(span_of(q), name, &w) && span_eq_str(wr_span(&w), want);

	wr_close(&w);
	return ok;
}

static void query_is_decoded_or_refused(void)
{
	CHECK(query("a=1&b=%41%2f+c", "b", "A/ c") && query("a=1", "a", "1") && query("a=", "a", "") && query("a", "a", ""));
	CHECK(!query("a=1", "b", "1") && !query("a=1&a=1", "a", "1") && !query("a=%4", "a", "") && !query("a=%", "a", "") &&
	    !query("a=%zz", "a", "") && !query("", "a", ""));
}

/* ---- routes over a backend that answers what the test wants ---- */
struct fake { enum coffer_rc rc; char path[64]; };

static enum coffer_rc fake_resource(void *arg, const char *path, struct wr *out, struct err *e)
{
	struct fake *f = arg;

	(void)snprintf(f->path, sizeof(f->path), "%s", path);
	if (f->rc == COFFER_E_DENIED)
		return err_deny(e, "R9", "not approved");
	if (f->rc != COFFER_OK)
		return err_set(e, f->rc, "the service is away");
	wr_str(out, "secret");
	return COFFER_OK;
}

static bool routed(struct fake *f, const char *path, int status, const char *body)
{
	const struct http_in q = { .method = span_of("GET"), .path = span_of(path) };
	const struct rest_backend b = { .arg = f, .resource = fake_resource };
	struct http_out r;
	bool ok;

	rest_route(&q, REST_RESOURCE, true, &b, &r);
	ok = r.status == status && span_eq_str(wr_span(&r.body), body);
	if (!ok)
		printf("# %s: %d %.*s\n", path, r.status, (int)wr_span(&r.body).n, (const char *)wr_span(&r.body).p);
	wr_close(&r.body);
	return ok;
}

static void resource_granted_denied_and_failed_are_told_apart(void)
{
	struct fake f = { .rc = COFFER_OK };

	CHECK(routed(&f, "/cdh/resource/a/b/c", 200, "secret") && strcmp(f.path, "kbs:///a/b/c") == 0);
	f.rc = COFFER_E_DENIED;
	CHECK(routed(&f, "/cdh/resource/a/b/c", 403, "R9: not approved"));
	f.rc = COFFER_E_UPSTREAM;
	CHECK(routed(&f, "/cdh/resource/a/b/c", 500, "the service is away"));
	f.rc = COFFER_E_INPUT;
	CHECK(routed(&f, "/cdh/resource/..", 400, "the service is away"));
}

/* With the feature on but no means, nothing is reached through NULL. */
static void attestation_is_off_for_containers(void)
{
	const struct http_in q = { .method = span_of("GET"), .path = span_of("/aa/evidence"), .query = span_of("runtime_data=x") };
	struct fake f = { .rc = COFFER_OK };
	const struct rest_backend b = { .arg = &f, .resource = fake_resource };
	struct http_out r;

	rest_route(&q, REST_RESOURCE | REST_ATTESTATION, true, &b, &r);
	CHECK(r.status == 404);
	wr_close(&r.body);
	rest_route(&q, REST_RESOURCE, true, &b, &r);
	CHECK(r.status == 404);
	wr_close(&r.body);
}

static void reply_is_framed(void)
{
	struct http_out r = { .status = 403, .body = wr_open(64) };
	struct wr w = wr_open(1024);

	wr_str(&r.body, "no");
	http_out_write(&r, &w);
	CHECK(span_eq_str(wr_span(&w), "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"));
	wr_close(&w);
	wr_close(&r.body);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(request_whole_is_read), T(request_cut_anywhere_is_incomplete), T(request_of_odd_form_is_refused),
		T(request_beyond_bounds_is_refused), T(query_is_decoded_or_refused), T(resource_granted_denied_and_failed_are_told_apart),
		T(attestation_is_off_for_containers), T(reply_is_framed),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
