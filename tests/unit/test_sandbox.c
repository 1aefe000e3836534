/* The sandbox is tested by trying to leave it: each probe must die by SIGSYS. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/sandbox.h"
#include "tests/t.h"

static char dir[] = "/tmp/coffer-test-sandbox.XXXXXX";
static int listener = -1;

enum door { COMPUTE, KEEP, NET, ATTEST, FORKER, FETCH, FETCHER, REPORTS, PULLER };
static int folder = -1; /* open, of dir */

static enum coffer_rc enter(enum door d, struct err *e)
{
	switch (d) {
	case COMPUTE: return sandbox_enter_compute(e);
	case KEEP:    return sandbox_enter_keep(dir, e);
	case NET:     return sandbox_enter_net(e);
	case ATTEST:  return sandbox_enter_attest(-1, e);
	case REPORTS: return sandbox_enter_attest(folder, e);
	case FORKER:  return sandbox_enter_forker(e);
	case FETCH:   return sandbox_enter_fetch(dir, -1, e);
	case PULLER:  return sandbox_enter_puller(dir, e);
	case FETCHER: return sandbox_enter_fetch(dir, -1, e) == COFFER_OK ? sandbox_enter_fetcher(e) : COFFER_E_SYSTEM;
	}
	return COFFER_E_BUG;
}

static int status_in(enum door d, void (*probe)(void))
{
	int st = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct err e = { 0 };

		if (enter(d, &e) != COFFER_OK)
			_exit(90);
		probe();
		_exit(0);
	}
	(void)waitpid(pid, &st, 0);
	return st;
}

static int status_of(void (*probe)(void))
{
	return status_in(COMPUTE, probe);
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

/* ---- keep and net ---- */

static void p_exec(void) { (void)execl("/bin/true", "true", (char *)NULL); }
static void p_ptrace(void) { (void)ptrace(PTRACE_TRACEME, 0, 0, 0); }
static void p_bind(void)
{
	const struct sockaddr_in a = { .sin_family = AF_INET };

	(void)bind(listener, (const struct sockaddr *)&a, sizeof(a));
}
static void p_connect(void)
{
	const struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };

	(void)connect(listener, (const struct sockaddr *)&a, sizeof(a));
}
static void p_kill(void) { (void)kill(getppid(), 0); }
static void p_prctl(void) { (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static void p_write_file(void) { (void)open("/tmp/coffer-test-none", O_WRONLY | O_CREAT | O_CLOEXEC, 0600); }
static void p_tmpfile(void) { (void)open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }

/* Exit 0 only when opening fails for want of the right to. */
static void p_read_is_denied(void)
{
	_exit(open("/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES);
}
static void p_elsewhere_is_denied(void)
{
	_exit(open("/tmp/coffer-test-none", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 || errno != EACCES);
}

static void p_file_in_dir(void)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/db", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || pwrite(fd, "x", 1, 0) != 1 || fdatasync(fd) != 0 || ftruncate(fd, 0) != 0 ||
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED || unlink(path) != 0)
		_exit(1);
}

static void p_setrlimit(void)
{
	const struct rlimit l = { 1, 1 };

	(void)setrlimit(RLIMIT_CORE, &l);
}

static void *nothing(void *p) { return p; }
static void p_thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, nothing, NULL) != 0 || pthread_join(t, NULL) != 0)
		_exit(1);
}
static void p_epoll_accept(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) != 0 || epoll_wait(ep, &ev, 1, 0) != 0 ||
	    accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) >= 0 || errno != EAGAIN)
		_exit(1);
}

static void both_kill_what_leads_out(void)
{
	void (*const probes[])(void) = { p_socket, p_fork, p_wx, p_exec, p_ptrace, p_bind, p_connect, p_kill, p_prctl,
		p_setrlimit };

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		CHECK(died_by_sigsys(status_in(KEEP, probes[i])));
		CHECK(died_by_sigsys(status_in(NET, probes[i])));
	}
}
static void both_allow_compute_and_heap(void)
{
	CHECK(exited_zero(status_in(KEEP, p_rw)) && exited_zero(status_in(NET, p_rw)));
}
static void keep_allows_files_below_its_folder_only(void)
{
	CHECK(exited_zero(status_in(KEEP, p_file_in_dir)));
	CHECK(exited_zero(status_in(KEEP, p_read_is_denied)));
	CHECK(exited_zero(status_in(KEEP, p_elsewhere_is_denied)));
}
static void keep_kills_threads(void) { CHECK(died_by_sigsys(status_in(KEEP, p_thread))); }
static void keep_without_its_folder_does_not_enter(void)
{
	struct err e = { 0 };
	int st = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(sandbox_enter_keep("/no/such/folder", &e) == COFFER_E_SYSTEM ? 0 : 1);
	(void)waitpid(pid, &st, 0);
	CHECK(exited_zero(st));
}
static void net_allows_accept_epoll_threads(void)
{
	CHECK(exited_zero(status_in(NET, p_epoll_accept)));
	CHECK(exited_zero(status_in(NET, p_thread)));
}
static void net_kills_open_for_writing_and_denies_reading(void)
{
	CHECK(died_by_sigsys(status_in(NET, p_write_file)));
	CHECK(died_by_sigsys(status_in(NET, p_tmpfile)));
	CHECK(exited_zero(status_in(NET, p_read_is_denied)));
}

static void p_waits(void)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	if (poll(&p, 1, 0) != 0)
		_exit(1);
}
static void attest_uses_what_it_holds_and_nothing_else(void)
{
	void (*const probes[])(void) = { p_socket, p_fork, p_wx, p_exec, p_ptrace, p_bind, p_connect, p_kill, p_prctl, p_setrlimit, p_thread, p_write_file, p_open };

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		CHECK(died_by_sigsys(status_in(ATTEST, probes[i])));
	CHECK(exited_zero(status_in(ATTEST, p_rw)) && exited_zero(status_in(ATTEST, p_waits)));
}

/* A request for reports: its files are read and written, and none is made, renamed or reached from there. */
static void p_files_of_a_request(void)
{
	char c = 0;
	int in = openat(folder, "inblob", O_WRONLY | O_CLOEXEC | O_NOFOLLOW), out = openat(folder, "inblob", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	_exit(in < 0 || out < 0 || write(in, "x", 1) != 1 || read(out, &c, 1) != 1 || c != 'x');
}
static void p_beside_a_request(void)
{
	const char *const names[] = { "/etc/hostname", "../coffer-test-none", "/" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (openat(folder, names[i], O_RDONLY | O_CLOEXEC) >= 0 || (errno != EACCES && errno != ENOENT))
			_exit(1);
	_exit(openat(folder, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 || errno != EACCES);
}
static void p_openat_elsewhere(void) { (void)openat(AT_FDCWD, "/etc/hostname", O_RDONLY | O_CLOEXEC); }
static void p_unlink_there(void) { (void)unlinkat(folder, "inblob", 0); }
static void p_mkdir_there(void) { (void)mkdirat(folder, "d", 0700); }
static void attest_with_a_request_opens_its_files_alone(void)
{
	void (*const probes[])(void) = { p_socket, p_fork, p_wx, p_exec, p_ptrace, p_bind, p_connect, p_kill, p_prctl, p_setrlimit, p_thread, p_openat_elsewhere,
		p_unlink_there, p_mkdir_there };
	int fd;

	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(folder, "inblob", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(folder >= 0 && fd >= 0);
	CHECK(exited_zero(status_in(REPORTS, p_files_of_a_request)) && exited_zero(status_in(REPORTS, p_beside_a_request)));
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		CHECK(died_by_sigsys(status_in(REPORTS, probes[i])));
	CHECK(unlinkat(folder, "inblob", 0) == 0);
	(void)close(fd);
	(void)close(folder);
}

static void forker_kills_what_leads_out(void)
{
	void (*const probes[])(void) = { p_socket, p_wx, p_exec, p_ptrace, p_bind, p_connect, p_thread, p_write_file, p_open };

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		CHECK(died_by_sigsys(status_in(FORKER, probes[i])));
}

static void p_fork_and_wait(void)
{
	int st = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	if (pid < 0 || waitpid(pid, &st, 0) != pid || !WIFEXITED(st) || WEXITSTATUS(st) != 7)
		_exit(1);
}

static void (*inner)(void);
static void p_child_computes(void)
{
	int st = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct err e = { 0 };

		if (sandbox_enter_compute(&e) != COFFER_OK)
			_exit(91);
		inner();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &st, 0) != pid || !WIFSIGNALED(st) || WTERMSIG(st) != SIGSYS)
		_exit(1);
}

/* The child's sandbox is the compute one: what the forker may do, the child may not. */
static void forker_forks_children_that_only_compute(void)
{
	void (*const probes[])(void) = { p_fork, p_kill, p_prctl, p_setrlimit, p_open, p_socket };

	CHECK(exited_zero(status_in(FORKER, p_fork_and_wait)));
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		inner = probes[i];
		CHECK(exited_zero(status_in(FORKER, p_child_computes)));
	}
}

static void p_local_socket(void)
{
	_exit(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 || errno != EACCES);
}
static void p_packet_socket(void) { (void)socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); }
static void p_remove(void) { (void)unlink("x"); }
static void p_listen(void) { (void)listen(listener, 1); }
static void p_client(void)
{
	const struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)connect(fd, (const struct sockaddr *)&a, sizeof(a));
	_exit(fd < 0);
}
static void p_cache_is_denied(void)
{
	_exit(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0 || errno != EACCES);
}

static void fetch_has_its_cache_and_children_and_no_more(void)
{
	void (*const probes[])(void) = { p_wx, p_exec, p_ptrace, p_thread, p_listen, p_packet_socket };

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		CHECK(died_by_sigsys(status_in(FETCH, probes[i])));
	CHECK(exited_zero(status_in(FETCH, p_fork_and_wait)));
	CHECK(exited_zero(status_in(FETCH, p_read_is_denied)));
	CHECK(exited_zero(status_in(FETCH, p_elsewhere_is_denied)));
}
static void fetcher_has_the_network_and_not_the_cache(void)
{
	void (*const probes[])(void) = { p_wx, p_exec, p_ptrace, p_thread, p_fork, p_kill, p_prctl, p_setrlimit, p_listen, p_packet_socket,
		p_write_file, p_tmpfile, p_remove };

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		CHECK(died_by_sigsys(status_in(FETCHER, probes[i])));
	CHECK(exited_zero(status_in(FETCHER, p_client)));
	CHECK(exited_zero(status_in(FETCHER, p_local_socket)));
	CHECK(exited_zero(status_in(FETCHER, p_read_is_denied)));
	CHECK(exited_zero(status_in(FETCHER, p_cache_is_denied)));
}

/* All that a layer may hold, and two things that it does not: a device, and a file elsewhere. */
static void p_unpacks(void)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), sub, fd;

	if (mkdirat(at, "a", 0755) != 0 || (sub = openat(at, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || (fd = openat(sub, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0)
		_exit(1);
	if (fchown(fd, 7, 7) != 0 || fchmod(fd, 04755) != 0 || fsetxattr(sub, "trusted.overlay.opaque", "y", 1, 0) != 0 || futimens(fd, NULL) != 0 || ftruncate(fd, 9) != 0)
		_exit(2);
	if (linkat(sub, "f", at, "l", 0) != 0 || symlinkat("f", at, "s") != 0 || mknodat(at, "p", S_IFIFO | 0600, 0) != 0 || mknodat(at, "w", S_IFCHR, 0) != 0 || renameat(sub, "f", at, "g") != 0)
		_exit(3);
	if (unlinkat(at, "l", 0) != 0 || unlinkat(at, "s", 0) != 0 || unlinkat(at, "p", 0) != 0 || unlinkat(at, "w", 0) != 0 || unlinkat(at, "g", 0) != 0 || unlinkat(at, "a", AT_REMOVEDIR) != 0)
		_exit(4);
}
static void p_char_device(void) { (void)mknod("null", S_IFCHR | 0600, makedev(1, 3)); }
static void p_device_at(void) { (void)mknodat(AT_FDCWD, "null", S_IFCHR | 0600, makedev(1, 3)); }
static void p_block_device(void) { (void)mknodat(AT_FDCWD, "disk", S_IFBLK | 0600, makedev(0, 0)); }
static void p_mount(void) { (void)mount("none", dir, "tmpfs", 0, NULL); }
static void p_unshare(void) { (void)unshare(CLONE_NEWNS); }
static void p_read_other(void) { (void)process_vm_readv(getppid(), NULL, 0, NULL, 0, 0); }
static void p_memory_is_denied(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", getppid());
	_exit(open(path, O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES);
}

static void puller_unpacks_below_its_folder_and_has_the_network(void)
{
	void (*const probes[])(void) = { p_wx, p_exec, p_ptrace, p_fork, p_kill, p_prctl, p_listen, p_packet_socket, p_char_device, p_device_at, p_block_device, p_mount, p_unshare, p_read_other };

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		CHECK(died_by_sigsys(status_in(PULLER, probes[i])));
	CHECK(exited_zero(status_in(PULLER, p_unpacks)));
	CHECK(exited_zero(status_in(PULLER, p_client)));
	CHECK(exited_zero(status_in(PULLER, p_thread)));
	CHECK(exited_zero(status_in(PULLER, p_read_is_denied)) && exited_zero(status_in(PULLER, p_elsewhere_is_denied)) && exited_zero(status_in(PULLER, p_memory_is_denied)));
}

static void *wait_long(void *p)
{
	(void)pause();
	return p;
}
static void all_refuse_with_a_second_thread(void)
{
	for (int d = KEEP; d <= FORKER; d++) {
		int st = 0;
		pid_t pid = fork();

		if (pid == 0) {
			struct err e = { 0 };
			pthread_t t;

			if (pthread_create(&t, NULL, wait_long, NULL) != 0)
				_exit(2);
			_exit(enter((enum door)d, &e) == COFFER_E_BUG ? 0 : 1);
		}
		(void)waitpid(pid, &st, 0);
		CHECK(exited_zero(st));
	}
}

/* Seen from outside: not dumpable means that /proc/PID/mem belongs to root; limits and bits from /proc. */
static void all_drop_core_dump_privileges_and_capabilities(void)
{
	for (int d = KEEP; d <= FORKER; d++) {
		int go[2], ready[2], st;
		struct err e = { 0 };
		char line[256], path[64];
		unsigned seen = 0;
		pid_t pid;
		char c;

		CHECK(pipe2(go, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0);
		pid = fork();
		if (pid == 0) {
			if (enter((enum door)d, &e) != COFFER_OK || write(ready[1], "x", 1) != 1)
				_exit(1);
			_exit(read(go[0], &c, 1) != 1);
		}
		CHECK(read(ready[0], &c, 1) == 1);
		(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
		FILE *f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			seen |= strcmp(line, "NoNewPrivs:\t1\n") == 0 ? 1u : strcmp(line, "Seccomp:\t2\n") == 0 ? 2u :
			    strcmp(line, "CapEff:\t0000000000000000\n") == 0 ? 4u :
			    strcmp(line, "CapPrm:\t0000000000000000\n") == 0 ? 8u : 0;
		if (f)
			(void)fclose(f);
		CHECK(seen == 15);
		(void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
		f = fopen(path, "re");
		seen = 0;
		while (f && fgets(line, sizeof(line), f))
			seen |= strncmp(line, "Max core file size        0                    0 ", 48) == 0;
		if (f)
			(void)fclose(f);
		CHECK(seen == 1);
		CHECK(write(go[1], "x", 1) == 1 && waitpid(pid, &st, 0) == pid && exited_zero(st));
		for (int i = 0; i < 2; i++)
			(void)close(go[i]), (void)close(ready[i]);
	}
}

static int listen_somewhere(void)
{
	const struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 1) != 0)
		return -1;
	return fd;
}

int main(void)
{
	static const struct t_case cases[] = {
		T(enter_allows_compute_and_heap), T(enter_kills_open), T(enter_kills_socket),
		T(enter_kills_fork), T(enter_kills_executable_mapping),
		T(both_kill_what_leads_out), T(both_allow_compute_and_heap), T(keep_allows_files_below_its_folder_only),
		T(keep_kills_threads), T(keep_without_its_folder_does_not_enter), T(net_allows_accept_epoll_threads),
		T(net_kills_open_for_writing_and_denies_reading), T(all_refuse_with_a_second_thread),
		T(attest_uses_what_it_holds_and_nothing_else), T(attest_with_a_request_opens_its_files_alone), T(forker_kills_what_leads_out), T(forker_forks_children_that_only_compute),
		T(fetch_has_its_cache_and_children_and_no_more), T(fetcher_has_the_network_and_not_the_cache), T(puller_unpacks_below_its_folder_and_has_the_network),
		T(all_drop_core_dump_privileges_and_capabilities),
	};
	int bad;

	listener = listen_somewhere();
	if (!mkdtemp(dir) || listener < 0)
		return 99;
	bad = t_main(cases, sizeof(cases) / sizeof(cases[0]));
	(void)rmdir(dir);
	return bad;
}
