/* The sandbox is tested by trying to leave it: each probe must die by SIGSYS. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/sandbox.h"
#include "tests/t.h"

static int status_of(void (*probe)(void))
{
	int st = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct err e = { 0 };

		if (sandbox_enter_compute(&e) != COFFER_OK)
			_exit(90);
		probe();
		_exit(0);
	}
	(void)waitpid(pid, &st, 0);
	return st;
}

static void p_nothing(void) { }
static void p_open(void) { (void)open("/etc/hostname", O_RDONLY | O_CLOEXEC); }
static void p_socket(void) { (void)socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
static void p_fork(void) { if (fork() == 0) _exit(0); }
static void p_wx(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void p_rw(void)
{
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		_exit(1);
}

static int died_by_sigsys(int st)
{
	return WIFSIGNALED(st) && WTERMSIG(st) == SIGSYS;
}

static int exited_zero(int st)
{
	return WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

static void enter_allows_compute_and_heap(void)
{
	CHECK(exited_zero(status_of(p_nothing)));
	CHECK(exited_zero(status_of(p_rw)));
}
static void enter_kills_open(void) { CHECK(died_by_sigsys(status_of(p_open))); }
static void enter_kills_socket(void) { CHECK(died_by_sigsys(status_of(p_socket))); }
static void enter_kills_fork(void) { CHECK(died_by_sigsys(status_of(p_fork))); }
static void enter_kills_executable_mapping(void) { CHECK(died_by_sigsys(status_of(p_wx))); }

int main(void)
{
	static const struct t_case cases[] = {
		T(enter_allows_compute_and_heap), T(enter_kills_open), T(enter_kills_socket),
		T(enter_kills_fork), T(enter_kills_executable_mapping),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
