#include "agent/init.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/vm.h"
#include "os/file.h"
#include "os/spawn.h"
#include "proto/ttrpc.h"

/* One line on the console: the launcher reads the same of a guest without a machine. */
static void tell(const struct err *e)
{
	(void)printf("coffer-agent: failed %d %s%s%s\n", (int)ttrpc_code_of(e->rc), e->check, e->check[0] ? ": " : "", e->msg);
	(void)fflush(stdout);
}

static _Noreturn void power_off(void)
{
	(void)printf("coffer-agent: power off\n");
	(void)fflush(stdout);
	sync();
	(void)reboot(RB_POWER_OFF);
	_exit(1); /* the first process ends: the kernel panics, and the machine with it */
}

/* Awaits every orphan of the machine until that child ends. */
static int await(pid_t child)
{
	for (;;) {
		int status = 0;
		pid_t pid = wait(&status);

		if (pid == child || (pid < 0 && errno == ECHILD))
			return status;
	}
}

/* In an image for debugging alone: its shell, before the end. */
static void look_around(void)
{
	static const char *const argv[] = { "/usr/bin/busybox", "sh", NULL };
	static const int fds[3] = { 0, 1, 2 };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3 };
	struct err e = { 0 };
	pid_t pid = -1;

	if (!file_exists(INIT_DEBUG))
		return;
	(void)printf("coffer-agent: THIS IMAGE IS FOR DEBUGGING: a shell is on this console\n");
	(void)fflush(stdout);
	if (spawn_start(&s, &pid, &e) == COFFER_OK)
		(void)await(pid);
}

static _Noreturn void agent(void)
{
	struct err e = { 0 };

	if (vm_run(&e) == COFFER_OK)
		_exit(0);
	tell(&e);
	_exit(1);
}

_Noreturn void init_main(void)
{
	struct err e = { 0 };
	pid_t pid;
	int status;

	if (init_machine(&e) != COFFER_OK) {
		tell(&e);
		power_off();
	}
	pid = fork();
	if (pid == 0)
		agent();
	if (pid < 0) {
		(void)printf("coffer-agent: fork: %s\n", strerror(errno));
		power_off();
	}
	status = await(pid);
	if (WIFSIGNALED(status))
		(void)printf("coffer-agent: ended by signal %d\n", WTERMSIG(status));
	look_around();
	power_off();
}
