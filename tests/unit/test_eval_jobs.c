/* The real, sandboxed cofferd-eval with several questions under way: each answer has its question's number, and comes when it is ready. argv[1] is
 * the program. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "os/ipc.h"
#include "os/spawn.h"
#include "proto/eval.h"
#include "tests/t.h"

#define QUICK "package policy\nallow := true\n"
/* Until its steps are used up. */
#define SLOW "package policy\nallow if { n := numbers.range(1, 20000); some a in n; some b in n; some c in n; a + b + c == -1 }\n"

static const char *program;
static int keep_end, parent_end;
static pid_t pid;

static void start(void)
{
	const char *const argv[] = { program, NULL };
	struct err e = { 0 };
	int sv[2], ctl[2];
	char ready = 0;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ctl) == 0);
	const int fds[] = { -1, -1, 2, sv[1], ctl[1] };
	const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 5, .die_with_parent = true };

	CHECK(spawn_start(&s, &pid, &e) == COFFER_OK);
	(void)close(sv[1]), (void)close(ctl[1]);
	keep_end = sv[0];
	parent_end = ctl[0];
	CHECK(read(parent_end, &ready, 1) == 1 && ready == 'R');
}

static int stop(void)
{
	struct err e = { 0 };
	int status = -1;

	(void)close(keep_end), (void)close(parent_end);
	CHECK(spawn_wait(pid, &status, &e) == COFFER_OK);
	return status;
}

static bool ask(uint32_t id, const char *policy)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVAL_FRAME_MAX);
	const struct eval_release_req q = { .now = 1793750400, .policy = span_of(policy), .data = span_of("{}"), .input = span_of("{}") };
	struct err e = { 0 };

	eval_release_req_write(&w, &q);
	return ipc_send_id(keep_end, (struct ipc_head){ EVAL_RELEASE, id }, wr_span(&w), &e) == COFFER_OK;
}

static bool answer(struct ipc_head *h)
{
	CLEANUP(wr_close) struct wr said = { 0 };
	struct err e = { 0 };

	return ipc_recv_id(keep_end, EVAL_REPLY_MAX, h, &said, &e) == COFFER_OK;
}

static void quick_answer_does_not_wait_for_a_slow_one(void)
{
	struct ipc_head h = { 0 };

	start();
	CHECK(ask(7, SLOW) && ask(8, QUICK));
	CHECK(answer(&h) && h.id == 8 && h.tag == EVAL_ALLOWS);
	CHECK(answer(&h) && h.id == 7 && h.tag == EVAL_BUDGET);
	CHECK(stop() == 0);
}

static void as_many_as_may_be_under_way_are_answered_by_their_numbers(void)
{
	start();
	for (uint32_t round = 0; round < 20; round++) {
		unsigned seen = 0;

		for (uint32_t i = 0; i < EVAL_JOBS_MAX; i++)
			CHECK(ask(UINT32_MAX - i, i % 2 ? QUICK : "package policy\nallow := false\n"));
		for (uint32_t i = 0; i < EVAL_JOBS_MAX; i++) {
			struct ipc_head h = { 0 };

			CHECK(answer(&h));
			seen |= 1u << (UINT32_MAX - h.id);
			CHECK(h.tag == ((UINT32_MAX - h.id) % 2 ? EVAL_ALLOWS : EVAL_DENIES));
		}
		CHECK(seen == (1u << EVAL_JOBS_MAX) - 1);
	}
	CHECK(stop() == 0);
}

static void one_more_than_may_be_ends_it(void)
{
	struct ipc_head h = { 0 };

	start();
	for (uint32_t i = 0; i < EVAL_JOBS_MAX + 1; i++)
		(void)ask(i, SLOW);
	while (answer(&h))
		;
	CHECK(stop() == 1);
}

static void end_of_keep_ends_it_with_questions_under_way(void)
{
	start();
	CHECK(ask(1, SLOW));
	CHECK(stop() == 0);
}

int main(int argc, char **argv)
{
	static const struct t_case cases[] = {
		T(quick_answer_does_not_wait_for_a_slow_one), T(as_many_as_may_be_under_way_are_answered_by_their_numbers),
		T(one_more_than_may_be_ends_it), T(end_of_keep_ends_it_with_questions_under_way),
	};

	program = argc > 1 ? argv[1] : "cofferd-eval";
	(void)signal(SIGPIPE, SIG_IGN);
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
