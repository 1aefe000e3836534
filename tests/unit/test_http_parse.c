#include "net/http_parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "net/http.h"
#include "tests/t.h"

static enum coffer_rc head(const char *text, struct http_head *h)
{
	struct err e;

	return http_head_parse(span_of(text), h, &e);
}

static void http_head_parse_reads_what_matters(void)
{
	struct http_head h;

	CHECK(head("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", &h) == COFFER_OK);
	CHECK(h.status == 200 && h.has_length && h.length == 12 && !h.chunked && !h.close);
	CHECK(head("HTTP/1.1 404 \r\ntransfer-ENCODING:chunked\r\nConnection: foo, Close\r\n\r\n", &h) == COFFER_OK);
	CHECK(h.status == 404 && h.chunked && !h.has_length && h.close);
	CHECK(head("HTTP/1.1 204\r\n\r\n", &h) == COFFER_OK && h.status == 204);
	CHECK(head("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", &h) == COFFER_OK && h.close);
	CHECK(head("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n", &h) == COFFER_OK && h.length == 7);
	CHECK(head("HTTP/1.1 200 OK\r\nX: \r\nY:\ta b\t\r\n\r\n", &h) == COFFER_OK);
}

static void http_head_parse_ambiguous_forms_are_refused(void)
{
	static const char *const bad[] = {
		"", "\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 600 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 O\001K\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 1\n\n", "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\tfolded\r\n\r\n",
		"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nnocolon\r\n\r\n", "HTTP/1.1 200 OK\r\nA(: b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: \177\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 01\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nmore",
	};
	struct http_head h = { .status = 77 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(head(bad[i], &h) == COFFER_E_UPSTREAM);
		CHECK(h.status == 77);
	}
}

static void http_head_parse_every_prefix_is_refused(void)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n";
	struct http_head h;
	struct err e;

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, text, n);
		CHECK(http_head_end((struct span){ exact, n }) == 0);
		CHECK(http_head_parse((struct span){ exact, n }, &h, &e) == COFFER_E_UPSTREAM);
		free(exact);
	}
	CHECK(http_head_end(span_of("HTTP/1.1 200 OK\r\n\r\nbody\r\n\r\n")) == 19);
}

static void http_head_body_needs_a_known_end(void)
{
	struct http_head h = { .status = 200 };
	struct err e;
	bool body;

	CHECK(http_head_body(&h, false, &body, &e) == COFFER_E_UPSTREAM);
	CHECK(http_head_body(&h, true, &body, &e) == COFFER_OK && !body);
	h = (struct http_head){ .status = 200, .has_length = true, .length = 5 };
	CHECK(http_head_body(&h, false, &body, &e) == COFFER_OK && body);
	CHECK(http_head_body(&h, true, &body, &e) == COFFER_OK && !body);
	h.status = 304;
	CHECK(http_head_body(&h, false, &body, &e) == COFFER_OK && !body);
	h.status = 204;
	CHECK(http_head_body(&h, false, &body, &e) == COFFER_OK && !body);
}

static void http_head_find_is_blind_to_case_and_gives_the_first(void)
{
	struct span b = span_of("HTTP/1.1 200 OK\r\nLocation: /a\r\nX-Y:  two words \r\nlocation: /b\r\n\r\n");

	CHECK(span_eq_str(http_head_find(b, "LOCATION"), "/a"));
	CHECK(span_eq_str(http_head_find(b, "x-y"), "two words"));
	CHECK(http_head_find(b, "x").p == NULL && http_head_find(b, "x-y-").p == NULL && http_head_find(b, "HTTP/1.1 200 OK").p == NULL);
}

/* Feeds in pieces of `step`; true when the body ended well and nothing is left. */
static bool chunks(const char *text, size_t step, struct wr *body)
{
	struct http_chunks c = { 0 };
	struct span all = span_of(text);
	struct err e;

	wr_close(body);
	while (all.n > 0 && c.at != CHUNK_DONE) {
		struct span in = { all.p, step < all.n ? step : all.n }, piece;
		size_t before = in.n;

		if (http_chunks_next(&c, &in, &piece, &e) != COFFER_OK)
			return false;
		wr_put(body, piece);
		all = span_skip(all, before - in.n);
	}
	return c.at == CHUNK_DONE && all.n == 0;
}

static void http_chunks_next_any_pieces_give_the_body(void)
{
	static const char text[] = "5\r\nhello\r\n00000b\r\n, wide\r\nwo!\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n"
				   "Trailer: a value that is longer than any line buffer\r\n\r\n";
	CLEANUP(wr_close) struct wr body = wr_open(1024);

	for (size_t step = 1; step <= sizeof(text); step++) {
		CHECK(chunks(text, step, &body));
		CHECK(span_eq_str(wr_span(&body), "hello, wide\r\nwo!abcdefghijklmnopqrstuvwxyz"));
	}
}

static void http_chunks_next_malformed_framing_is_refused(void)
{
	static const char *const bad[] = {
		"\r\n", "x\r\n", "5;ext=1\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
		    "5\nhello\r\n0\r\n\r\n",
		"5\rxhello\r\n0\r\n\r\n", "4\r\nhello\r\n0\r\n\r\n", "6\r\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
		"1234567890abcdef\r\n", "ffffffffffffffffffffffff\r\n", "-1\r\n", "0x5\r\nhello\r\n", "0\r\nA: b\n\r\n", "0\r\nA: \001\r\n\r\n",
		"0\r\n\r\n\r\n", "0\r\nA\rB\r\n\r\n",
	};
	CLEANUP(wr_close) struct wr body = wr_open(1024);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(!chunks(bad[i], 1, &body));
		CHECK(!chunks(bad[i], 1000, &body));
	}
}

static void http_chunks_next_every_prefix_is_unfinished(void)
{
	static const char text[] = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
	CLEANUP(wr_close) struct wr body = wr_open(1024);

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *cut = strndup(text, n);

		CHECK(!chunks(cut, 3, &body));
		free(cut);
	}
}

static void http_chunks_next_endless_trailer_is_refused(void)
{
	struct http_chunks c = { 0 };
	struct span in = span_of("0\r\n"), piece;
	struct err e;
	enum coffer_rc rc = http_chunks_next(&c, &in, &piece, &e);
	size_t lines = 0;

	for (; rc == COFFER_OK && lines < 100000; lines++) {
		in = span_of("X: y\r\n");
		rc = http_chunks_next(&c, &in, &piece, &e);
	}
	CHECK(rc == COFFER_E_UPSTREAM && lines <= HTTP_HEAD_MAX / 6 + 1);
}

static void http_url_parse_reads_parts(void)
{
	static const struct {
		const char *url, *host, *path;
		uint16_t port;
		bool tls;
	} t[] = {
		{ "http://a", "a", "/", 80, false },
		{ "https://registry.example:8443/v2/x?y=z&q=%20", "registry.example", "/v2/x?y=z&q=%20", 8443, true },
		{ "https://127.0.0.1/", "127.0.0.1", "/", 443, true },
		{ "http://[::1]:5000/v2/", "::1", "/v2/", 5000, false },
		{ "http://[::1]", "::1", "/", 80, false },
	};
	struct http_url u;
	struct err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK(http_url_parse(span_of(t[i].url), &u, &e) == COFFER_OK);
		CHECK(strcmp(u.host, t[i].host) == 0 && strcmp(u.path, t[i].path) == 0 && u.port == t[i].port && u.tls == t[i].tls);
	}
}

static void http_url_parse_other_forms_are_refused(void)
{
	static const char *const bad[] = {
		"", "http", "http://", "http:///x", "ftp://a/", "HTTP://a/", "//a/", "http://u@a/", "http://u:p@a/", "http://a:/",
		    "http://a:0/",
		"http://a:65536/", "http://a:+1/", "http://a:80x/", "http://a/#f", "http://a/b c", "http://a/\r\n", "http://a\r\n/",
		    "http://a?x",
		"http://[::1/", "http://[]/", "http://[127.0.0.1]/", "http://[::1]x/", "http://[::1%25eth0]/", "http://a\\b/", "http://a/\\",
		"http://-a/", "http://.a/", "http://a%41/", "http://\303\244/", "http://a/\177",
	};
	struct http_url u = { .port = 77 };
	char longer[1200];
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(http_url_parse(span_of(bad[i]), &u, &e) == COFFER_E_INPUT);
		CHECK(u.port == 77);
	}
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "http://", 7);
	CHECK(http_url_parse((struct span){ (uint8_t *)longer, 7 + 255 }, &u, &e) == COFFER_OK);
	CHECK(http_url_parse((struct span){ (uint8_t *)longer, 7 + 256 }, &u, &e) == COFFER_E_INPUT);
	longer[8] = '/';
	CHECK(http_url_parse((struct span){ (uint8_t *)longer, 8 + 1023 }, &u, &e) == COFFER_OK);
	CHECK(http_url_parse((struct span){ (uint8_t *)longer, 8 + 1024 }, &u, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case c[] = {
		T(http_head_parse_reads_what_matters), T(http_head_parse_ambiguous_forms_are_refused),
		T(http_head_parse_every_prefix_is_refused), T(http_head_body_needs_a_known_end),
		T(http_head_find_is_blind_to_case_and_gives_the_first), T(http_chunks_next_any_pieces_give_the_body),
		T(http_chunks_next_malformed_framing_is_refused), T(http_chunks_next_every_prefix_is_unfinished),
		T(http_chunks_next_endless_trailer_is_refused), T(http_url_parse_reads_parts), T(http_url_parse_other_forms_are_refused),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
