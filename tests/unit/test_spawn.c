#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "os/ipc.h"
#include "os/spawn.h"
#include "tests/t.h"

static const int three[] = { -1, -1, 2 };

/* ---- spawn ---- */

static void run_collects_both_streams_and_the_exit_code(void)
{
	static const char *const argv[] = { "/bin/sh", "-c", "echo out; echo err >&2; exit 7", NULL };
	const struct spawn s = { .argv = argv, .fds = three, .n_fds = 3 };
	CLEANUP(freep) char *text = NULL;
	struct err e = { 0 };
	int st = 0;

	CHECK(spawn_run(&s, 100, &text, &st, &e) == COFFER_OK);
	CHECK(st == 7 && text && strcmp(text, "out\nerr\n") == 0);
}

static void run_drops_output_beyond_max_without_blocking(void)
{
	static const char *const argv[] = { "/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x", NULL };
	const struct spawn s = { .argv = argv, .fds = three, .n_fds = 3 };
	CLEANUP(freep) char *text = NULL;
	struct err e = { 0 };
	int st = 1;

	CHECK(spawn_run(&s, 10, &text, &st, &e) == COFFER_OK);
	CHECK(st == 0 && text && strcmp(text, "xxxxxxxxxx") == 0);
}

static void start_of_an_absent_program_is_an_error_here(void)
{
	static const char *const argv[] = { "/no/such/program", NULL };
	const struct spawn s = { .argv = argv, .fds = three, .n_fds = 3 };
	struct err e = { 0 };
	pid_t pid = 0;

	CHECK(spawn_start(&s, &pid, &e) == COFFER_E_NOTFOUND && pid == 0);
}

/* What crun asks of the file that it is run from (is_self_cloned): a sealed copy in memory, or it makes one. */
static void program_from_memory_runs_and_nobody_can_change_it(void)
{
	static const char *const argv[] = { "a name", "-c", "echo $0; ls /proc/self/fd | wc -w; readlink /proc/$$/exe; :", NULL };
	int fd = -1;
	struct spawn s = { .argv = argv, .fds = three, .n_fds = 3, .program = &fd };
	CLEANUP(closep) int stray = open("/dev/null", O_RDONLY); /* NOLINT: without O_CLOEXEC on purpose */
	CLEANUP(freep) char *text = NULL;
	struct err e = { 0 };
	int st = 1;

	CHECK(stray >= 0 && dup2(stray, 18) == 18); /* between the two that the child keeps for itself */
	CHECK(spawn_sealed("/bin/bash", &fd, &e) == COFFER_OK);
	CHECK(fcntl(fd, F_GET_SEALS) == (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) && pwrite(fd, "x", 1, 0) < 0 && ftruncate(fd, 0) < 0);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(spawn_run(&s, 1000, &text, &st, &e) == COFFER_OK && st == 0);
	CHECK(text && strcmp(text, "a name\n4\n/memfd:program (deleted)\n") == 0); /* 3, and that of ls itself */
	closep(&fd);
	(void)close(18);
}

static void what_cannot_run_from_memory_is_refused(void)
{
	char script[] = "/tmp/coffer-script-XXXXXX";
	int fd = mkstemp(script), out = -1;
	struct err e = { 0 };

	CHECK(fd >= 0 && write(fd, "#!/bin/sh\n", 10) == 10);
	CHECK(spawn_sealed(script, &out, &e) == COFFER_E_INPUT && out == -1);
	CHECK(ftruncate(fd, 0) == 0 && spawn_sealed(script, &out, &e) == COFFER_E_INPUT && out == -1);
	CHECK(spawn_sealed("/no/such/program", &out, &e) == COFFER_E_SYSTEM && out == -1);
	(void)unlink(script);
	closep(&fd);
}

static void child_sees_only_what_it_was_given(void)
{
	static const char *const argv[] = {
	    "/bin/sh", "-c", "env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | tr '\\n' ' '; ls /proc/self/fd | wc -w", NULL};
	const struct spawn s = { .argv = argv, .fds = three, .n_fds = 3, .cwd = "/" };
	CLEANUP(closep) int stray = open("/dev/null", O_RDONLY); /* NOLINT: without O_CLOEXEC on purpose */
	CLEANUP(freep) char *text = NULL;
	struct err e = { 0 };
	int st = 1;

	CHECK(stray >= 0 && setenv("COFFER_SECRET", "x", 1) == 0);
	CHECK(spawn_run(&s, 1000, &text, &st, &e) == COFFER_OK);
	/* 0 1 2 and the one that ls holds on the folder */
	CHECK(text && strcmp(text, "PATH=/usr/sbin:/usr/bin:/sbin:/bin 4\n") == 0);
}

static void fds_are_placed_even_when_they_cross(void)
{
	static const char *const argv[] = { "/bin/sh", "-c", "printf three >&3; printf four >&4", NULL };
	const struct spawn base = { .argv = argv, .n_fds = 5 };
	struct spawn s = base;
	struct err e = { 0 };
	int a[2], b[2], st = 1;
	char got[8] = { 0 };
	pid_t pid;

	CHECK(pipe2(a, O_CLOEXEC) == 0 && pipe2(b, O_CLOEXEC) == 0);
	CHECK(dup2(a[1], 14) == 14 && dup2(b[1], 13) == 13);
	s.fds = (const int[]){ -1, -1, 2, 14, 13 };
	CHECK(spawn_start(&s, &pid, &e) == COFFER_OK && spawn_wait(pid, &st, &e) == COFFER_OK && st == 0);
	CHECK(read(a[0], got, sizeof(got)) == 5 && memcmp(got, "three", 5) == 0 /* public: test */);
	CHECK(read(b[0], got, sizeof(got)) == 4 && memcmp(got, "four", 4) == 0 /* public: test */);
	for (int i = 0; i < 2; i++)
		(void)close(a[i]), (void)close(b[i]);
	(void)close(13), (void)close(14);
}

static void wait_reports_a_signal_as_128_and_its_number(void)
{
	static const char *const argv[] = { "/bin/sh", "-c", "kill -9 $$", NULL };
	const struct spawn s = { .argv = argv, .fds = three, .n_fds = 3, .die_with_parent = true };
	struct err e = { 0 };
	pid_t pid;
	int st = 0;

	CHECK(spawn_start(&s, &pid, &e) == COFFER_OK && spawn_wait(pid, &st, &e) == COFFER_OK && st == 137);
}

static void wait_for_a_time_kills_what_takes_longer_and_nothing_else(void)
{
	static const char *const brief[] = { "/bin/sh", "-c", "exit 3", NULL }, *const stopped[] = { "/bin/sh", "-c", "kill -STOP $$", NULL };
	struct err e = { 0 };
	bool out = true;
	int status = -1;
	pid_t pid = -1;

	CHECK(spawn_start(&(struct spawn){ .argv = brief, .fds = three, .n_fds = 3 }, &pid, &e) == COFFER_OK);
	CHECK(spawn_wait_for(pid, 60000, &status, &out, &e) == COFFER_OK && !out && status == 3);
	CHECK(spawn_start(&(struct spawn){ .argv = stopped, .fds = three, .n_fds = 3 }, &pid, &e) == COFFER_OK);
	CHECK(spawn_wait_for(pid, 100, &status, &out, &e) == COFFER_OK && out && status == 128 + SIGKILL && waitpid(pid, NULL, WNOHANG) < 0);
}

static void start_with_too_few_descriptors_is_our_bug(void)
{
	static const char *const argv[] = { "/bin/true", NULL };
	const struct spawn s = { .argv = argv, .fds = three, .n_fds = 2 };
	struct err e = { 0 };
	pid_t pid;

	CHECK(spawn_start(&s, &pid, &e) == COFFER_E_BUG);
}

/* ---- ipc ---- */

struct pair { int a, b; };

static struct pair pair(void)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) != 0)
		abort();
	return (struct pair){ s[0], s[1] };
}

static void recv_gives_back_what_send_sent(void)
{
	struct pair p = pair();
	CLEANUP(wr_close) struct wr w = { 0 };
	struct err e = { 0 };
	uint8_t tag = 0;

	CHECK(ipc_send(p.a, 9, span_of("hello"), &e) == COFFER_OK && ipc_send(p.a, 10, span_of(""), &e) == COFFER_OK);
	CHECK(ipc_recv(p.b, 5, &tag, &w, &e) == COFFER_OK && tag == 9 && span_eq_str(wr_span(&w), "hello"));
	CHECK(ipc_recv(p.b, 0, &tag, &w, &e) == COFFER_OK && tag == 10 && wr_span(&w).n == 0);
	(void)close(p.a);
	CHECK(ipc_recv(p.b, 5, &tag, &w, &e) == COFFER_E_UPSTREAM && strcmp(e.msg, "peer closed") == 0);
	(void)close(p.b);
}

static void recv_of_a_large_frame_is_whole(void)
{
	struct pair p = pair();
	size_t n = 3u << 20;
	CLEANUP(freep) uint8_t *big = malloc(n);
	CLEANUP(wr_close) struct wr w = { 0 };
	struct err e = { 0 };
	uint8_t tag = 0;
	pid_t pid;

	if (!big)
		abort();
	for (size_t i = 0; i < n; i++)
		big[i] = (uint8_t)(i * 7);
	pid = fork();
	if (pid == 0)
		_exit(ipc_send(p.a, 1, (struct span){ big, n }, &e) != COFFER_OK);
	CHECK(ipc_recv(p.b, n, &tag, &w, &e) == COFFER_OK && span_eq(wr_span(&w), (struct span){ big, n }));
	(void)close(p.a), (void)close(p.b);
}

static void recv_refuses_every_torn_frame(void)
{
	static const uint8_t frame[] = { 0, 0, 0, 6, 9, 'h', 'e', 'l', 'l', 'o' };

	for (size_t n = 1; n < sizeof(frame); n++) {
		struct pair p = pair();
		CLEANUP(wr_close) struct wr w = { 0 };
		struct err e = { 0 };
		uint8_t tag = 0xAA;

		CHECK(write(p.a, frame, n) == (ssize_t)n && close(p.a) == 0);
		CHECK(ipc_recv(p.b, 100, &tag, &w, &e) == COFFER_E_INPUT);
		(void)close(p.b);
	}
}

static void recv_refuses_zero_length_and_oversize(void)
{
	static const uint8_t zero[] = { 0, 0, 0, 0, 9 }, big[] = { 0xff, 0xff, 0xff, 0xff, 9 }, six[] = { 0, 0, 0, 7, 9 };
	const struct { struct span s; enum coffer_rc rc; } c[] = {
		{ SPAN(zero), COFFER_E_INPUT }, { SPAN(big), COFFER_E_LIMIT }, { SPAN(six), COFFER_E_LIMIT },
	};

	for (size_t i = 0; i < 3; i++) {
		struct pair p = pair();
		CLEANUP(wr_close) struct wr w = { 0 };
		struct err e = { 0 };
		uint8_t tag;

		CHECK(write(p.a, c[i].s.p, c[i].s.n) == (ssize_t)c[i].s.n);
		CHECK(ipc_recv(p.b, 5, &tag, &w, &e) == c[i].rc);
		(void)close(p.a), (void)close(p.b);
	}
}

static void send_to_a_closed_peer_is_an_error_not_a_signal(void)
{
	struct pair p = pair();
	struct err e = { 0 };

	(void)close(p.b);
	CHECK(ipc_send(p.a, 1, span_of("x"), &e) == COFFER_E_UPSTREAM);
	(void)close(p.a);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(run_collects_both_streams_and_the_exit_code), T(run_drops_output_beyond_max_without_blocking),
		T(start_of_an_absent_program_is_an_error_here), T(program_from_memory_runs_and_nobody_can_change_it), T(what_cannot_run_from_memory_is_refused), T(child_sees_only_what_it_was_given),
		T(fds_are_placed_even_when_they_cross), T(wait_reports_a_signal_as_128_and_its_number),
		T(wait_for_a_time_kills_what_takes_longer_and_nothing_else), T(start_with_too_few_descriptors_is_our_bug),
		T(recv_gives_back_what_send_sent), T(recv_of_a_large_frame_is_whole), T(recv_refuses_every_torn_frame),
		T(recv_refuses_zero_length_and_oversize), T(send_to_a_closed_peer_is_an_error_not_a_signal),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
