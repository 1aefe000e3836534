/* Two sides of a channel, and one that breaks its rules. */
#include "proto/mux.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"

/* ---- two sides ---- */

struct end { /* what a side's streams lead to: the far end of a socket pair for each that is opened by name */
	struct mux *m;
	int port, far[8];
	size_t n;
};
struct pair { struct end guest, host; };

/* Every name but "no" leads somewhere. */
static int open_end(void *arg, struct span name)
{
	struct end *x = arg;
	int two[2];

	if (span_eq_str(name, "no") || x->n == 8 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, two) != 0)
		return -1;
	x->far[x->n++] = two[1];
	return two[0];
}

static void begin(struct pair *p)
{
	struct mux_side guest = { true, open_end, &p->guest }, host = { false, open_end, &p->host };
	struct err e = { 0 };
	int two[2];

	memset(p, 0, sizeof(*p));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, two) == 0);
	p->guest.port = two[0];
	p->host.port = two[1];
	CHECK(mux_new(two[0], &guest, false, &p->guest.m, &e) == COFFER_OK && mux_new(two[1], &host, false, &p->host.m, &e) == COFFER_OK);
}

static void finish(struct pair *p)
{
	struct end *ends[2] = { &p->guest, &p->host };

	for (size_t i = 0; i < 2; i++) {
		mux_free(ends[i]->m);
		(void)close(ends[i]->port);
		for (size_t k = 0; k < ends[i]->n; k++)
			if (ends[i]->far[k] >= 0)
				(void)close(ends[i]->far[k]);
	}
}

static enum coffer_rc step(struct mux *m, int wait)
{
	struct pollfd p[MUX_POLL_MAX];
	struct err e = { 0 };
	size_t n = mux_poll(m, p);

	(void)poll(p, n, wait);
	return mux_step(m, p, n, &e);
}

/* Both sides until neither has anything to do. */
static void settle(struct pair *p)
{
	for (int i = 0; i < 64; i++)
		CHECK(step(p->guest.m, 0) == COFFER_OK && step(p->host.m, 0) == COFFER_OK);
}

/* A stream of the guest's: our end of it. */
static int connect_guest(struct pair *p, const char *name)
{
	struct err e = { 0 };
	int two[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, two) == 0);
	CHECK(mux_connect(p->guest.m, two[0], name, &e) == COFFER_OK);
	return two[1];
}

static bool holds(int fd, const char *text)
{
	char buf[256];
	ssize_t n = read(fd, buf, sizeof(buf));

	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static void bytes_and_ends_go_both_ways(void)
{
	struct pair p;
	char c;
	int a;

	begin(&p);
	a = connect_guest(&p, "127.0.0.1:8443");
	CHECK(write(a, "question", 8) == 8);
	settle(&p);
	CHECK(p.host.n == 1 && holds(p.host.far[0], "question"));
	CHECK(shutdown(a, SHUT_WR) == 0 && write(p.host.far[0], "answer", 6) == 6);
	settle(&p);
	CHECK(holds(a, "answer") && read(p.host.far[0], &c, 1) == 0 && !mux_idle(p.guest.m));
	CHECK(close(p.host.far[0]) == 0);
	p.host.far[0] = -1;
	settle(&p);
	CHECK(read(a, &c, 1) == 0 && mux_idle(p.guest.m) && mux_idle(p.host.m));
	(void)close(a);
	finish(&p);
}

static void what_the_other_side_refuses_ends(void)
{
	struct pair p;
	char c;
	int a;

	begin(&p);
	a = connect_guest(&p, "no");
	settle(&p);
	CHECK(p.host.n == 0 && read(a, &c, 1) == 0 && mux_idle(p.guest.m) && mux_idle(p.host.m));
	(void)close(a);
	finish(&p);
}

/* One whose reader sleeps is stopped at its window; the others go on, and so does it when the reader wakes. */
static void a_stream_that_nobody_reads_stops_no_other(void)
{
	static uint8_t much[1u << 20];
	struct pair p;
	size_t sent = 0, got = 0;
	int slow, quick;

	begin(&p);
	slow = connect_guest(&p, "slow");
	quick = connect_guest(&p, "quick");
	for (int i = 0; i < 64 && sent < sizeof(much); i++) {
		ssize_t n = write(slow, much, sizeof(much) - sent);

		sent += n > 0 ? (size_t)n : 0;
		settle(&p);
	}
	CHECK(sent < sizeof(much));
	CHECK(write(quick, "quick", 5) == 5);
	settle(&p);
	CHECK(holds(p.host.far[1], "quick"));
	for (int i = 0; i < 4096 && got < sizeof(much); i++) {
		ssize_t n = read(p.host.far[0], much, sizeof(much));

		got += n > 0 ? (size_t)n : 0;
		n = sent < sizeof(much) ? write(slow, much, sizeof(much) - sent) : 0;
		sent += n > 0 ? (size_t)n : 0;
		CHECK(step(p.guest.m, 0) == COFFER_OK && step(p.host.m, 0) == COFFER_OK);
	}
	CHECK(got == sizeof(much));
	(void)close(slow);
	(void)close(quick);
	finish(&p);
}

static void whoever_connects_to_a_listener_gets_a_stream(void)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);
	struct err e = { 0 };
	struct pair p;
	int listener, a;

	begin(&p);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(listen(listener, 4) == 0 && getsockname(listener, (struct sockaddr *)&at, &n) == 0);
	CHECK(mux_listen(p.guest.m, listener, "there", &e) == COFFER_OK && mux_listen(p.guest.m, listener, "", &e) == COFFER_E_LIMIT);
	a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(a, (struct sockaddr *)&at, n) == 0 && write(a, "hi", 2) == 2);
	CHECK(step(p.guest.m, 1000) == COFFER_OK);
	settle(&p);
	CHECK(p.host.n == 1 && holds(p.host.far[0], "hi"));
	(void)close(a);
	(void)close(listener);
	finish(&p);
}

static void who_is_gone_is_noticed(void)
{
	struct pair p;

	begin(&p);
	settle(&p);
	(void)close(p.host.port);
	p.host.port = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK(step(p.guest.m, 1000) == COFFER_E_UPSTREAM);
	finish(&p);
}

static void more_streams_than_there_are_wait_or_are_refused(void)
{
	struct pair p;
	struct err e = { 0 };
	int fd;

	begin(&p);
	for (int i = 0; i < MUX_STREAMS_MAX; i++) {
		fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
		CHECK(mux_connect(p.guest.m, fd, "x", &e) == COFFER_OK);
	}
	fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	CHECK(mux_connect(p.guest.m, fd, "x", &e) == COFFER_E_LIMIT && fcntl(fd, F_GETFD) == -1);
	finish(&p);
}

/* ---- frames of the test's own ---- */

#define OPEN  1
#define DATA  2
#define END   3
#define RESET 4
#define CREDIT 5

static void frame(struct wr *w, uint8_t type, uint32_t id, struct span s)
{
	wr_u8(w, type);
	wr_u8(w, 0);
	wr_be16(w, (uint16_t)s.n);
	wr_be32(w, id);
	wr_put(w, s);
}

struct peer { struct pair p; struct wr w; };

static void peer_begin(struct peer *x, bool greet)
{
	begin(&x->p);
	x->w = wr_open(1u << 20);
	if (greet)
		mux_hello(&x->w);
}

/* To the guest; ends the case. */
static enum coffer_rc told(struct peer *x)
{
	struct err e = { 0 };
	enum coffer_rc rc = mux_take(x->p.guest.m, wr_span(&x->w), &e);

	wr_close(&x->w);
	finish(&x->p);
	return rc;
}

static enum coffer_rc say(uint8_t type, uint32_t id, struct span s)
{
	struct peer x;

	peer_begin(&x, true);
	frame(&x.w, OPEN, 2, span_of("x"));
	frame(&x.w, type, id, s);
	return told(&x);
}

static void the_first_words_are_the_version(void)
{
	struct peer x;

	peer_begin(&x, true);
	CHECK(told(&x) == COFFER_OK);
	peer_begin(&x, false);
	frame(&x.w, OPEN, 2, span_of("x"));
	CHECK(told(&x) == COFFER_E_INPUT);
	peer_begin(&x, false);
	frame(&x.w, 0, 0, span_of("coffer-mux 2"));
	CHECK(told(&x) == COFFER_E_INPUT);
	CHECK(say(0, 0, span_of("coffer-mux 1")) == COFFER_E_INPUT); /* twice */
}

static void numbers_are_the_opener_s_and_rise(void)
{
	CHECK(say(OPEN, 4, span_of("y")) == COFFER_OK);
	CHECK(say(OPEN, 1, span_of("y")) == COFFER_E_INPUT);
	CHECK(say(OPEN, 2, span_of("y")) == COFFER_E_INPUT);
	CHECK(say(OPEN, 0, span_of("y")) == COFFER_E_INPUT);
	CHECK(say(OPEN, 4, span_of("")) == COFFER_E_INPUT);
	CHECK(say(OPEN, 4, span_of("a b")) == COFFER_E_INPUT);
	CHECK(say(DATA, 4, span_of("y")) == COFFER_E_INPUT); /* nobody opened it */
	CHECK(say(DATA, 1, span_of("y")) == COFFER_E_INPUT);
	CHECK(say(6, 2, (struct span){ 0 }) == COFFER_E_INPUT);
}

static void windows_and_ends_are_kept(void)
{
	static uint8_t piece[MUX_PIECE + 1];
	struct peer x;
	int i;

	CHECK(say(CREDIT, 2, (struct span){ (const uint8_t *)"\0\0\0\1", 4 }) == COFFER_E_INPUT); /* none was used */
	CHECK(say(CREDIT, 2, (struct span){ (const uint8_t *)"\0\0\0", 3 }) == COFFER_E_INPUT);
	CHECK(say(END, 2, span_of("x")) == COFFER_E_INPUT);
	CHECK(say(DATA, 2, SPAN(piece)) == COFFER_E_INPUT); /* longer than a frame */
	for (i = 0; i < 2; i++) {
		peer_begin(&x, true);
		frame(&x.w, OPEN, 2, span_of("x"));
		frame(&x.w, END, 2, (struct span){ 0 });
		frame(&x.w, i ? END : DATA, 2, i ? (struct span){ 0 } : span_of("x"));
		CHECK(told(&x) == COFFER_E_INPUT);
	}
	peer_begin(&x, true); /* what was reset is known, and what still comes for it is not heard */
	frame(&x.w, OPEN, 2, span_of("no"));
	frame(&x.w, DATA, 2, span_of("x"));
	frame(&x.w, RESET, 2, (struct span){ 0 });
	CHECK(told(&x) == COFFER_OK);
}

/* More than the window: the guest's own socket takes some, so that it is more by far. */
static void who_sends_more_than_the_window_is_cut_off(void)
{
	static uint8_t piece[MUX_PIECE];
	struct peer x;

	peer_begin(&x, true);
	frame(&x.w, OPEN, 2, span_of("x"));
	for (int i = 0; i < 40; i++)
		frame(&x.w, DATA, 2, SPAN(piece));
	CHECK(told(&x) == COFFER_E_INPUT);
}

static void frames_may_come_in_any_pieces(void)
{
	struct peer x;
	struct err e = { 0 };

	peer_begin(&x, true);
	frame(&x.w, OPEN, 2, span_of("x"));
	frame(&x.w, DATA, 2, span_of("hello"));
	for (size_t i = 0; i < x.w.n; i++)
		CHECK(mux_take(x.p.guest.m, (struct span){ x.w.p + i, 1 }, &e) == COFFER_OK && x.p.guest.n == (i >= 20 + 8));
	CHECK(holds(x.p.guest.far[0], "hello"));
	wr_close(&x.w);
	finish(&x.p);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(bytes_and_ends_go_both_ways),
		T(what_the_other_side_refuses_ends),
		T(a_stream_that_nobody_reads_stops_no_other),
		T(whoever_connects_to_a_listener_gets_a_stream),
		T(who_is_gone_is_noticed),
		T(more_streams_than_there_are_wait_or_are_refused),
		T(the_first_words_are_the_version),
		T(numbers_are_the_opener_s_and_rise),
		T(windows_and_ends_are_kept),
		T(who_sends_more_than_the_window_is_cut_off),
		T(frames_may_come_in_any_pieces),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
