/* What the launcher keeps of a pod, and how it knows a process again. */
#include "tests/t.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/pods/record.h"

static struct pod_record sample(void)
{
	struct pod_record r = { .pod = "risk", .workload = "ab", .platform = "swtpm", .channel = "vsock", .boot = "b", .created = 1700000000, .keep = true, .state = POD_DEAD, .code = 5,
		.reason = "killed", .n_processes = 1, .n_parts = 1 };

	r.process[0] = (struct pod_process){ .role = "qemu", .p = { 77, UINT64_MAX } };
	r.part[0] = (struct pod_part){ .name = "analyse", .logs = true, .ended = true, .lapsed = true, .exit = 137 };
	return r;
}

static void record_comes_back_as_written(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(POD_RECORD_MAX);
	struct pod_record r = sample(), back;
	struct err e = { 0 };

	CHECK(pod_record_write(&r, &w, &e) == COFFER_OK && pod_record_read(wr_span(&w), &back, &e) == COFFER_OK);
	CHECK(strcmp(back.pod, "risk") == 0 && strcmp(back.channel, "vsock") == 0 && back.created == r.created && back.keep && back.state == POD_DEAD && back.code == 5 && strcmp(back.reason, "killed") == 0);
	CHECK(back.n_processes == 1 && back.process[0].p.pid == 77 && back.process[0].p.start == UINT64_MAX && strcmp(back.process[0].role, "qemu") == 0);
	CHECK(back.n_parts == 1 && back.part[0].logs && back.part[0].ended && back.part[0].lapsed && back.part[0].exit == 137);
}

/* Its pod may run while the programs are replaced. */
static void record_of_an_earlier_launcher_has_no_channel(void)
{
	static const char member[] = "\"channel\": \"vsock\",";
	CLEANUP(wr_close) struct wr w = wr_open(POD_RECORD_MAX);
	CLEANUP(freep) char *text = NULL, *old = NULL;
	struct pod_record r = sample(), back;
	struct err e = { 0 };
	char *at;

	CHECK(pod_record_write(&r, &w, &e) == COFFER_OK);
	text = span_dup(wr_span(&w));
	at = strstr(text, member);
	old = at ? str_fmt("%.*s%s", (int)(at - text), text, at + strlen(member)) : NULL;
	CHECK(old && pod_record_read(span_of(old), &back, &e) == COFFER_OK && back.channel[0] == 0 && strcmp(back.platform, "swtpm") == 0);
}

static void reason_of_a_guest_cannot_break_the_record(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(POD_RECORD_MAX);
	struct pod_record r = sample(), back;
	struct err e = { 0 };

	(void)snprintf(r.reason, sizeof(r.reason), "a\x1b[2J\xff\"\n");
	CHECK(pod_record_write(&r, &w, &e) == COFFER_OK && pod_record_read(wr_span(&w), &back, &e) == COFFER_OK);
	CHECK(strcmp(back.reason, "a?[2J?\"?") == 0);
}

static void record_refuses_every_prefix_and_other_members(void)
{
	static const struct { const char *from, *to; } edits[] = { { "\"version\": 1", "\"version\": 2" }, { "\"pid\": 77", "\"pid\": 1" }, { "\"pid\": 77", "\"pid\": 0" },
		{ "\"pid\": 77", "\"pid\": 4294967295" }, { "\"risk\"", "\"../x\"" }, { "\"analyse\"", "\"/etc\"" }, { "\"dead\"", "\"alive\"" }, { "\"keep\": true", "\"keep\": 1" },
		{ "\"code\": 5", "\"code\": 256" }, { "2023-", "x023-" }, { "\"role\": \"qemu\"", "\"role\": \"a-name-of-more-than-15\"" }, { "\"logs\": true", "\"logs\": true, \"x\": 1" },
		{ "\"boot\": \"b\",", "" }, { "\"vsock\"", "\"a-name-of-more-than-15\"" }, { "\"vsock\"", "1" } };
	CLEANUP(wr_close) struct wr w = wr_open(POD_RECORD_MAX);
	CLEANUP(freep) char *text = NULL;
	struct pod_record r = sample(), out = { .code = 99 };
	struct err e = { 0 };

	CHECK(pod_record_write(&r, &w, &e) == COFFER_OK);
	text = span_dup(wr_span(&w));
	for (size_t n = 0; n < wr_span(&w).n; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, wr_span(&w).p, n);
		CHECK(pod_record_read((struct span){ exact, n }, &out, &e) != COFFER_OK && out.code == 99);
	}
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *at = strstr(text, edits[i].from);
		CLEANUP(freep) char *bad = at ? str_fmt("%.*s%s%s", (int)(at - text), text, edits[i].to, at + strlen(edits[i].from)) : NULL;

		CHECK(bad && pod_record_read(span_of(bad), &out, &e) == COFFER_E_INPUT && out.code == 99);
	}
}

#define STAT " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "

static void stat_is_read_behind_the_last_bracket(void)
{
	static const char good[] = "77 (a) S 9) R" STAT "4711 20\n";
	uint64_t start = 5;
	bool ended = true;
	struct err e = { 0 };

	CHECK(process_stat(span_of(good), &start, &ended, &e) == COFFER_OK && start == 4711 && !ended);
	CHECK(process_stat(span_of("7 (a) Z" STAT "1 "), &start, &ended, &e) == COFFER_OK && ended);
	start = 5;
	for (size_t n = 0; n < sizeof("77 (a) S 9) R" STAT) - 1; n++) {
		CLEANUP(freep) char *exact = malloc(n ? n : 1);

		memcpy(exact, good, n);
		CHECK(process_stat((struct span){ (const uint8_t *)exact, n }, &start, &ended, &e) == COFFER_E_INPUT && start == 5);
	}
	CHECK(process_stat(span_of("7 (a) R" STAT "x "), &start, &ended, &e) == COFFER_E_INPUT);
}

static void process_of_another_start_is_not_ours(void)
{
	struct process p = { 0, 0 };
	struct err e = { 0 };
	int fd = -1;

	CHECK(process_of(getpid(), &p, &e) == COFFER_OK && p.start > 0);
	CHECK(process_open(&p, &fd, &e) == COFFER_OK && fd >= 0);
	closep(&fd);
	p.start++;
	fd = -1;
	CHECK(process_open(&p, &fd, &e) == COFFER_E_NOTFOUND && fd == -1 && process_end(&p, 9, 100, &e) == COFFER_OK); /* and we live on */
	p.pid = 0;
	CHECK(process_open(&p, &fd, &e) == COFFER_E_NOTFOUND && fd == -1);
}

/* In a process of its own, as somebody who may not signal p; hidden: and does not see it in /proc either. 77: this cannot be had here. */
static int as_another(const struct process *p, bool hidden, enum coffer_rc *rc, char *msg)
{
	int pair[2], status = 0;
	struct err e = { 0 };
	pid_t pid;

	CHECK(pipe(pair) == 0);
	pid = fork();
	if (pid == 0) {
		if ((hidden && (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("proc", "/proc", "proc", 0, "hidepid=2") != 0)) ||
		    setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
			_exit(77);
		(void)!process_end(p, SIGTERM, 100, &e);
		_exit(write(pair[1], &e, sizeof(e)) == (ssize_t)sizeof(e) ? 0 : 1);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	if (WEXITSTATUS(status) == 0) {
		CHECK(read(pair[0], &e, sizeof(e)) == (ssize_t)sizeof(e));
		*rc = e.rc;
		(void)snprintf(msg, sizeof(e.msg), "%s", e.msg);
	}
	(void)close(pair[0]);
	(void)close(pair[1]);
	return WEXITSTATUS(status);
}

static void process_that_may_not_be_signalled_is_not_said_to_be_gone(void)
{
	char msg[sizeof(((struct err *)0)->msg)] = "";
	enum coffer_rc rc = COFFER_OK;
	struct process p = { 0, 0 };
	struct err e = { 0 };
	pid_t sleeper = fork();

	if (sleeper == 0) {
		(void)pause();
		_exit(0);
	}
	CHECK(sleeper > 0 && process_of(sleeper, &p, &e) == COFFER_OK);
	for (int hidden = 0; hidden < 2; hidden++) {
		if (as_another(&p, hidden, &rc, msg) != 0) {
			printf("# not as another user%s: that takes root\n", hidden ? " who sees no other's processes" : "");
			continue;
		}
		CHECK(rc == COFFER_E_SYSTEM && strstr(msg, hidden ? "is there, but not for this user to see" : "lives on, for this user may send it no signal") && strstr(msg, "root"));
		CHECK(kill(sleeper, 0) == 0);
	}
	CHECK(process_end(&p, SIGKILL, 10000, &e) == COFFER_OK && waitpid(sleeper, NULL, 0) == sleeper && process_end(&p, SIGKILL, 0, &e) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(record_comes_back_as_written), T(record_of_an_earlier_launcher_has_no_channel), T(reason_of_a_guest_cannot_break_the_record), T(record_refuses_every_prefix_and_other_members),
		T(stat_is_read_behind_the_last_bracket), T(process_of_another_start_is_not_ours), T(process_that_may_not_be_signalled_is_not_said_to_be_gone),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
