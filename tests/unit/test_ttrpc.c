#include "tests/t.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "proto/ttrpc.h"

static void frame_request_comes_back_as_it_was(void)
{
	struct ttrpc_request q = { span_of("grpc.AgentService"), span_of("StartContainer"), span_of("payload"), 5000000000ull }, r;
	struct wr w = wr_open(4096);
	struct ttrpc_head h;
	struct err e = { 0 };

	ttrpc_request_write(&w, 7, &q);
	CHECK(ttrpc_head_read((struct span){ w.p, TTRPC_HEADER }, &h, &e) == COFFER_OK && h.stream == 7 && h.type == TTRPC_REQUEST);
	CHECK(h.length == w.n - TTRPC_HEADER && h.flags == 0);
	CHECK(ttrpc_request_read(span_skip(wr_span(&w), TTRPC_HEADER), &r, &e) == COFFER_OK);
	CHECK(span_eq(r.service, q.service) && span_eq(r.method, q.method) && span_eq(r.payload, q.payload) && r.timeout_ns == q.timeout_ns);
	wr_close(&w);
}

static void frame_known_bytes_are_read(void)
{
	/* {service "s", method "m", metadata {k,v} twice}, as containerd's client writes it */
	static const uint8_t b[] = { 0x0a, 1, 's', 0x12, 1, 'm', 0x2a, 6, 0x0a, 1, 'k', 0x12, 1, 'v', 0x2a, 6, 0x0a, 1, 'k', 0x12, 1, 'v' };
	struct ttrpc_request r;
	struct err e = { 0 };

	CHECK(ttrpc_request_read(SPAN(b), &r, &e) == COFFER_OK && span_eq_str(r.service, "s") && span_eq_str(r.method, "m") && r.payload.n == 0);
}

static void head_out_of_bounds_is_refused(void)
{
	const uint8_t good[] = { 0, 0, 0, 5, 0, 0, 0, 1, 1, 0 };
	uint8_t h[TTRPC_HEADER];
	struct ttrpc_head out = { .type = 0xaa };
	struct err e = { 0 };

	CHECK(ttrpc_head_read(SPAN(good), &out, &e) == COFFER_OK);
	out.type = 0xaa;
	for (size_t n = 0; n < sizeof(good); n++)
		CHECK(ttrpc_head_read((struct span){ good, n }, &out, &e) == COFFER_E_INPUT);
#define BAD(at, v, rc) do { memcpy(h, good, sizeof(h)); h[at] = (v); CHECK(ttrpc_head_read(SPAN(h), &out, &e) == (rc)); } while (0)
	BAD(0, 1, COFFER_E_LIMIT);
	BAD(7, 2, COFFER_E_INPUT);
	BAD(8, 0, COFFER_E_INPUT);
	BAD(8, 3, COFFER_E_INPUT);
	BAD(9, 2, COFFER_E_INPUT);
	CHECK(out.type == 0xaa);
}

static void request_cut_anywhere_is_refused(void)
{
	struct wr w = wr_open(4096);
	struct ttrpc_request q = { span_of("service"), span_of("method"), span_of("payload"), 1u << 20 }, r;
	struct err e = { 0 };
	struct span body;
	size_t refused = 0;

	ttrpc_request_write(&w, 1, &q);
	body = span_skip(wr_span(&w), TTRPC_HEADER);
	for (size_t n = 0; n < body.n; n++) {
		uint8_t *p = malloc(n ? n : 1);
		struct ttrpc_request out = { .timeout_ns = 0xaa };

		memcpy(p, body.p, n);
		if (ttrpc_request_read((struct span){ p, n }, &out, &e) == COFFER_E_INPUT) {
			refused++;
			CHECK(out.timeout_ns == 0xaa);
		}
		free(p);
	}
	/* Two cuts fall between fields and leave a request without payload or deadline, which is a request. */
	CHECK(refused == body.n - 2);
	CHECK(ttrpc_request_read(body, &r, &e) == COFFER_OK);
	wr_close(&w);
}

static void request_of_odd_form_is_refused(void)
{
	static const uint8_t twice[] = { 0x0a, 1, 's', 0x0a, 1, 's', 0x12, 1, 'm' };
	static const uint8_t unknown[] = { 0x0a, 1, 's', 0x12, 1, 'm', 0x32, 0 };
	static const uint8_t zero[] = { 0x0a, 1, 's', 0x12, 1, 'm', 0x02, 0 };
	static const uint8_t wire[] = { 0x0a, 1, 's', 0x12, 1, 'm', 0x18, 1 };
	static const uint8_t longint[] = { 0x0a, 1, 's', 0x12, 1, 'm', 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
	static const uint8_t nameless[] = { 0x12, 1, 'm' };
	struct ttrpc_request r;
	struct err e = { 0 };

	CHECK(ttrpc_request_read(SPAN(twice), &r, &e) == COFFER_E_INPUT);
	CHECK(ttrpc_request_read(SPAN(unknown), &r, &e) == COFFER_E_INPUT);
	CHECK(ttrpc_request_read(SPAN(zero), &r, &e) == COFFER_E_INPUT);
	CHECK(ttrpc_request_read(SPAN(wire), &r, &e) == COFFER_E_INPUT);
	CHECK(ttrpc_request_read(SPAN(longint), &r, &e) == COFFER_E_INPUT);
	CHECK(ttrpc_request_read(SPAN(nameless), &r, &e) == COFFER_E_INPUT);
}

static void failure_keeps_check_and_reason(void)
{
	struct ttrpc_response v = { TTRPC_PERMISSION_DENIED, span_of("gate: no"), { NULL, 0 } }, r;
	struct wr w = wr_open(4096);
	struct err e = { 0 };

	ttrpc_response_write(&w, 3, &v);
	CHECK(ttrpc_response_read(span_skip(wr_span(&w), TTRPC_HEADER), &r, &e) == COFFER_OK && r.code == 7);
	CHECK(ttrpc_failure(&r, &e) == COFFER_E_DENIED && strcmp(e.check, "gate") == 0 && strcmp(e.msg, "no") == 0);
	r = (struct ttrpc_response){ .code = TTRPC_UNAVAILABLE, .message = span_of("a: b") };
	CHECK(ttrpc_failure(&r, &e) == COFFER_E_UPSTREAM && strcmp(e.msg, "a: b") == 0);
	r = (struct ttrpc_response){ .code = TTRPC_PERMISSION_DENIED, .message = span_of("no colon") };
	CHECK(ttrpc_failure(&r, &e) == COFFER_E_DENIED);
	wr_close(&w);
}

/* What fails goes to terminals and into JSON, which takes UTF-8 alone, and may be cut in the middle of a character. */
static void failure_shows_printable_bytes_alone(void)
{
	static const char hostile[] = "a\033te: n\033[2J\xff\xc2\x9b\n o\x7f";
	struct ttrpc_response r = { .code = TTRPC_PERMISSION_DENIED, .message = span_of(hostile) };
	char text[3000];
	struct err e = { 0 };

	CHECK(ttrpc_failure(&r, &e) == COFFER_E_DENIED && strcmp(e.check, "a?te") == 0 && strcmp(e.msg, "n?[2J???? o?") == 0);
	r.code = TTRPC_UNAVAILABLE;
	CHECK(ttrpc_failure(&r, &e) == COFFER_E_UPSTREAM && strcmp(e.msg, "a?te: n?[2J???? o?") == 0);
	memset(text, 'x', sizeof(text));
	memcpy(text + 399, "\xc3\xa4", 2);
	r.message = (struct span){ (const uint8_t *)text, 400 };
	CHECK(ttrpc_failure(&r, &e) == COFFER_E_UPSTREAM && strlen(e.msg) == 400 && e.msg[399] == '?');
	r.message.n = sizeof(e.msg) - 1; /* whole */
	CHECK(ttrpc_failure(&r, &e) == COFFER_E_UPSTREAM && strlen(e.msg) == r.message.n && !strstr(e.msg, ERR_CUT));
	r.message = SPAN(text);
	CHECK(ttrpc_failure(&r, &e) == COFFER_E_UPSTREAM && strlen(e.msg) == sizeof(e.msg) - 1 &&
	      strcmp(e.msg + strlen(e.msg) - strlen("xx" ERR_CUT), "xx" ERR_CUT) == 0);
}

static void codes_map_both_ways(void)
{
	static const enum coffer_rc back[] = { COFFER_OK, COFFER_E_INPUT, COFFER_E_DENIED, COFFER_E_NOTFOUND, COFFER_E_UPSTREAM, COFFER_E_SYSTEM };

	for (size_t i = 0; i < sizeof(back) / sizeof(back[0]); i++)
		CHECK(ttrpc_rc_of(ttrpc_code_of(back[i])) == back[i]);
	CHECK(ttrpc_code_of(COFFER_E_LIMIT) == TTRPC_INVALID_ARGUMENT && ttrpc_code_of(COFFER_E_BUG) == TTRPC_INTERNAL);
}

static void recv_of_a_cut_or_silent_stream_is_an_error(void)
{
	static const uint8_t cut[] = { 0, 0, 0, 5, 0, 0, 0, 1, 1, 0, 'a' };
	struct wr buf = { 0 };
	struct ttrpc_head h;
	struct err e = { 0 };
	int p[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
	CHECK(ttrpc_recv(p[0], 20, &h, &buf, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "silent"));
	CHECK(ttrpc_send(p[1], 100, SPAN(cut), &e) == COFFER_OK && shutdown(p[1], SHUT_WR) == 0);
	CHECK(ttrpc_recv(p[0], 1000, &h, &buf, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "cut inside a body"));
	CHECK(ttrpc_recv(p[0], 1000, &h, &buf, &e) == COFFER_E_UPSTREAM && strcmp(e.msg, "peer closed") == 0);
	(void)close(p[0]);
	(void)close(p[1]);
	wr_close(&buf);
}

/* Two frames and the beginning of a third, byte by byte: each is given once, whole, and takes nothing of the next. */
static void collect_takes_frames_as_they_come(void)
{
	static const uint8_t bytes[] = { 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 'a', 'b', 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0 };
	struct wr in = wr_open(TTRPC_FRAME_MAX);
	struct ttrpc_head h = { 0 };
	struct span body;
	struct err e = { 0 };
	size_t n = 0;
	bool whole;
	int p[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
	CHECK(ttrpc_collect(p[0], &in, &h, &body, &whole, &e) == COFFER_OK && !whole);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		CHECK(ttrpc_send(p[1], 100, (struct span){ bytes + i, 1 }, &e) == COFFER_OK);
		CHECK(ttrpc_collect(p[0], &in, &h, &body, &whole, &e) == COFFER_OK && whole == (i == 11 || i == 21));
		if (!whole)
			continue;
		CHECK(n++ == 0 ? h.stream == 1 && span_eq_str(body, "ab") : h.stream == 3 && body.n == 0);
		wr_close(&in);
		in = wr_open(TTRPC_FRAME_MAX);
	}
	CHECK(n == 2 && in.n == 2 && shutdown(p[1], SHUT_WR) == 0);
	CHECK(ttrpc_collect(p[0], &in, &h, &body, &whole, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "cut inside a frame") && !whole);
	wr_close(&in);
	CHECK(ttrpc_collect(p[0], &in, &h, &body, &whole, &e) == COFFER_E_UPSTREAM && strcmp(e.msg, "peer closed") == 0);
	(void)close(p[0]);
	(void)close(p[1]);
}

static void collect_takes_a_whole_frame_at_once_and_leaves_the_next(void)
{
	static const uint8_t two[] = { 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 'a', 0, 0, 0, 1, 0, 0, 0, 3, 1, 0, 'b' };
	static const uint8_t large[] = { 0, 0x40, 0, 1, 0, 0, 0, 1, 1, 0 };
	struct wr in = wr_open(TTRPC_FRAME_MAX), next = wr_open(TTRPC_FRAME_MAX), over = wr_open(TTRPC_FRAME_MAX);
	struct ttrpc_head h;
	struct span body;
	struct err e = { 0 };
	bool whole;
	int p[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0 && ttrpc_send(p[1], 100, SPAN(two), &e) == COFFER_OK);
	CHECK(ttrpc_collect(p[0], &in, &h, &body, &whole, &e) == COFFER_OK && whole && h.stream == 1 && span_eq_str(body, "a"));
	CHECK(ttrpc_collect(p[0], &next, &h, &body, &whole, &e) == COFFER_OK && whole && h.stream == 3 && span_eq_str(body, "b"));
	CHECK(ttrpc_send(p[1], 100, SPAN(large), &e) == COFFER_OK);
	CHECK(ttrpc_collect(p[0], &over, &h, &body, &whole, &e) == COFFER_E_LIMIT && !whole);
	wr_close(&in);
	wr_close(&next);
	wr_close(&over);
	(void)close(p[0]);
	(void)close(p[1]);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(frame_request_comes_back_as_it_was), T(frame_known_bytes_are_read), T(head_out_of_bounds_is_refused),
		T(request_cut_anywhere_is_refused), T(request_of_odd_form_is_refused), T(failure_keeps_check_and_reason), T(failure_shows_printable_bytes_alone),
		T(codes_map_both_ways), T(recv_of_a_cut_or_silent_stream_is_an_error),
		T(collect_takes_frames_as_they_come), T(collect_takes_a_whole_frame_at_once_and_leaves_the_next),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
