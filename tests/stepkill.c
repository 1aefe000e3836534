#include "tests/stepkill.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80)

static bool is_step(unsigned long long nr)
{
	switch (nr) {
	case SYS_write: case SYS_writev: case SYS_pwrite64: case SYS_pwritev: case SYS_sendto: case SYS_sendmsg:
	case SYS_fsync: case SYS_fdatasync: case SYS_ftruncate: case SYS_fallocate: case SYS_unlinkat: case SYS_renameat2:
#ifdef SYS_unlink
	case SYS_unlink: case SYS_rename:
#endif
		return true;
	default:
		return false;
	}
}

static bool at_step(pid_t victim)
{
	struct __ptrace_syscall_info info = { 0 };

	return ptrace(PTRACE_GET_SYSCALL_INFO, victim, (void *)sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY && is_step(info.entry.nr);
}

/* 0: killed at the step; 1: it ended before; 2: cannot trace. */
static int trace(pid_t victim, unsigned step, int ready)
{
	bool told = false;
	int st = 0;

	if (ptrace(PTRACE_SEIZE, victim, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) != 0 ||
	    ptrace(PTRACE_INTERRUPT, victim, NULL, NULL) != 0)
		return 2;
	while (waitpid(victim, &st, 0) == victim && WIFSTOPPED(st)) {
		bool ours = WSTOPSIG(st) == SYSCALL_STOP || st >> 16 == PTRACE_EVENT_STOP;

		if (WSTOPSIG(st) == SYSCALL_STOP && at_step(victim) && step-- == 0)
			return kill(victim, SIGKILL) == 0 ? 0 : 2;
		if (ptrace(PTRACE_SYSCALL, victim, NULL, (void *)(long)(ours ? 0 : WSTOPSIG(st))) != 0)
			return 2;
		if (!told && write(ready, "R", 1) != 1)
			return 2;
		told = true;
	}
	return 1;
}

pid_t stepkill_start(pid_t victim, unsigned step)
{
	int ready[2];
	char word = 0;
	pid_t pid;

	if (pipe(ready) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)close_range(3, (unsigned)ready[1] - 1, 0); /* the victim waits for the end of some of them */
		(void)close_range((unsigned)ready[1] + 1, ~0u, 0);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(trace(victim, step, ready[1]));
	}
	(void)close(ready[1]);
	if (pid > 0 && read(ready[0], &word, 1) != 1) {
		(void)waitpid(pid, NULL, 0);
		pid = -1;
	}
	(void)close(ready[0]);
	return pid;
}

bool stepkill_end(pid_t tracer)
{
	int st = 0;

	return waitpid(tracer, &st, 0) == tracer && WIFEXITED(st) && WEXITSTATUS(st) == 0;
}
