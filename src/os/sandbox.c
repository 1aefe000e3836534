#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "port sandbox_enter_compute() before building the trust service here"
#endif

#define NOBODY 65534

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define RET(v) BPF_STMT(BPF_RET | BPF_K, (v))
#define ALLOW(nr)                                          \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1),   \
	RET(SECCOMP_RET_ALLOW)
/* Allow nr only when the bits `mask` of 32-bit argument i are all clear. */
#define ALLOW_IF_CLEAR(nr, i, mask)                                  \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 4),             \
	LOAD(args[i]),                                               \
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (mask), 1, 0),          \
	RET(SECCOMP_RET_ALLOW),                                      \
	RET(SECCOMP_RET_KILL_PROCESS)

static const struct sock_filter compute_only[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	RET(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	ALLOW(SYS_read),
	ALLOW(SYS_write),
	ALLOW(SYS_close),
	ALLOW(SYS_exit_group),
	ALLOW(SYS_exit),
	ALLOW(SYS_brk),
	ALLOW(SYS_munmap),
	ALLOW(SYS_madvise),
	ALLOW(SYS_futex),
	ALLOW(SYS_clock_gettime),
	ALLOW(SYS_getrandom),
	ALLOW(SYS_getpid), /* the crypto library asks whether it has been forked */
	ALLOW_IF_CLEAR(SYS_mmap, 2, PROT_EXEC),
	ALLOW_IF_CLEAR(SYS_mprotect, 2, PROT_EXEC),
	RET(SECCOMP_RET_KILL_PROCESS),
};

enum coffer_rc sandbox_drop_root(struct err *e)
{
	if (geteuid() != 0)
		return COFFER_OK;
	if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return err_set(e, COFFER_E_SYSTEM, "dropping root: %s", strerror(errno));
	return COFFER_OK;
}

enum coffer_rc sandbox_own_as_nobody(int dir, struct err *e)
{
	if (geteuid() == 0 && fchown(dir, NOBODY, NOBODY) != 0)
		return err_set(e, COFFER_E_SYSTEM, "giving away a folder: %s", strerror(errno));
	return COFFER_OK;
}

enum coffer_rc sandbox_own_at_as_nobody(int dir, const char *name, struct err *e)
{
	if (geteuid() == 0 && fchownat(dir, name, NOBODY, NOBODY, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set(e, COFFER_E_SYSTEM, "giving away %s: %s", name, strerror(errno));
	return COFFER_OK;
}

static int by_byte(const void *a, const void *b)
{
	return *(const uint8_t *)a - *(const uint8_t *)b;
}

/* The C library's qsort asks the kernel how much memory there is, once, at its first array of more than 1024 bytes: after the filter it would end whoever
 * sorts one. */
static void sort_once(void)
{
	uint8_t more[2048] = { 1 };

	qsort(more, sizeof(more), 1, by_byte);
}

enum coffer_rc sandbox_enter_compute(struct err *e)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit heap = { 256u << 20, 256u << 20 };
	const struct sock_fprog prog = {
		.len = sizeof(compute_only) / sizeof(compute_only[0]),
		.filter = (struct sock_filter *)compute_only,
	};

	sort_once();
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0 ||
	    setrlimit(RLIMIT_FSIZE, &none) != 0 ||
	    setrlimit(RLIMIT_NPROC, &none) != 0 ||
	    setrlimit(RLIMIT_DATA, &heap) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: %s", strerror(errno));
	return COFFER_OK;
}

/* ---- doors made with libseccomp and landlock ---- */

/* What every process needs to run at all. */
static const int common_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(close),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(shutdown),
	SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(munlock),
	SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
	SCMP_SYS(sigaltstack), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx),
	SCMP_SYS(lseek), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* SQLite with a write-ahead log: positioned I/O, locks, sync, shared memory file. */
static const int keep_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(fchmod), SCMP_SYS(fchown),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(fstatfs),
};

static const int net_calls[] = {
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(sendfile),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(select),
	SCMP_SYS(pselect6), SCMP_SYS(eventfd2), SCMP_SYS(pipe2), SCMP_SYS(access), SCMP_SYS(readlink),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_getaffinity),
};

/* Forking, and what a child calls on its way into the compute sandbox. */
static const int forker_calls[] = {
	SCMP_SYS(wait4), SCMP_SYS(kill), SCMP_SYS(pipe2), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(setrlimit), SCMP_SYS(prlimit64),
};

/* A cache of files, children, and what those call on their way into their own door. */
static const int fetch_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(getdents64), SCMP_SYS(fsync), SCMP_SYS(fchmod), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(fstatfs),
	SCMP_SYS(wait4), SCMP_SYS(kill), SCMP_SYS(pipe2), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(setrlimit), SCMP_SYS(prlimit64), SCMP_SYS(seccomp),
	SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_add_rule), SCMP_SYS(landlock_restrict_self),
};

/* A client of the network: names are resolved by the C library, which asks netlink for the machine's addresses. */
static const int client_calls[] = {
	SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(sendmmsg), SCMP_SYS(ioctl), SCMP_SYS(getdents64), SCMP_SYS(access), SCMP_SYS(readlink), SCMP_SYS(pread64),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
};

/* Unpacking. */
static const int unpack_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(linkat), SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(unlinkat),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(readlinkat), SCMP_SYS(unlink), SCMP_SYS(fchown), SCMP_SYS(fchownat), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(utimensat),
	SCMP_SYS(fsetxattr), SCMP_SYS(setxattr), SCMP_SYS(lsetxattr), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fsync), SCMP_SYS(pwrite64), SCMP_SYS(fstatfs), SCMP_SYS(dup), SCMP_SYS(chdir),
	SCMP_SYS(prlimit64), SCMP_SYS(sched_getaffinity),
};

#define FS_TRUNCATE (1ull << 14) /* LANDLOCK_ACCESS_FS_TRUNCATE, ABI 3: newer than the oldest headers we build with */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void ctx_free(scmp_filter_ctx c)
{
	seccomp_release(c);
}
DEFINE_CLEANUP(scmp_filter_ctx, ctx_free)

static bool allow(scmp_filter_ctx c, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seccomp_rule_add(c, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			return false;
	return true;
}

/* Memory may be got and protected, but never made executable. */
static bool allow_memory(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

	return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec) == 0 &&
	       seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec) == 0;
}

/* clone3 hides its flags behind a pointer; told that it does not exist, libc uses clone,
 * where "a thread and nothing else" can be demanded. */
static bool allow_threads(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
	const struct scmp_arg_cmp name = SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0);

	return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread) == 0 &&
	       seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
	       seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, name) == 0;
}

/* A process of its own: fork as libc does it, without sharing anything and without namespaces. */
static bool allow_fork(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp fork_flags = SCMP_A0(SCMP_CMP_EQ, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0);
	const int door[] = { PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP };

	for (size_t i = 0; i < COUNT(door); i++)
		if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)door[i], 0)) != 0)
			return false;
	return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, fork_flags) == 0 &&
	       seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool allow_open_for_reading(scmp_filter_ctx c)
{
	const unsigned writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
	const struct scmp_arg_cmp open_flags = SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY);
	const struct scmp_arg_cmp openat_flags = SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY);

	return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, open_flags) == 0 &&
	       seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, openat_flags) == 0;
}

static enum coffer_rc new_filter(scmp_filter_ctx *out, struct err *e)
{
	CLEANUP(ctx_freep) scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (!c || seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
	    !allow(c, common_calls, COUNT(common_calls)) || !allow_memory(c))
		return err_set(e, COFFER_E_SYSTEM, "sandbox: cannot build the system call filter");
	*out = MOVE(c);
	return COFFER_OK;
}

struct given { int fd; uint64_t rights; }; /* below an open folder, or on an open file */

#define LL_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LL_WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)

/* Every file right that the kernel knows is taken away; then what is given is given back. */
static enum coffer_rc restrict_files(const struct given *g, size_t n, struct err *e)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	CLEANUP(closep) int rules = -1;

	if (abi < 1)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: landlock is not available: %s", strerror(errno));
	if (abi >= 2)
		all.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all.handled_access_fs |= FS_TRUNCATE;
	rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules < 0)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: landlock: %s", strerror(errno));
	for (size_t i = 0; i < n; i++) {
		struct landlock_path_beneath_attr below = { .allowed_access = g[i].rights & all.handled_access_fs, .parent_fd = g[i].fd };

		if (abi >= 3 && (g[i].rights & LANDLOCK_ACCESS_FS_WRITE_FILE))
			below.allowed_access |= FS_TRUNCATE;
		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0)
			return err_set(e, COFFER_E_SYSTEM, "sandbox: landlock: %s", strerror(errno));
	}
	if (syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: landlock: %s", strerror(errno));
	return COFFER_OK;
}

/* dir NULL gives nothing back. */
static enum coffer_rc enter_landlock(const char *dir, struct err *e)
{
	CLEANUP(closep) int at = -1;
	struct given g = { -1, LL_READ | LL_WRITE };

	if (!dir)
		return restrict_files(NULL, 0, e);
	at = g.fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: %s: %s", dir, strerror(errno));
	return restrict_files(&g, 1, e);
}

static void cap_freep(cap_t *c)
{
	if (*c)
		(void)cap_free(*c);
}

/* All capabilities but those. */
static enum coffer_rc drop_powers_but(const cap_value_t *keep, int n, struct err *e)
{
	const struct rlimit none = { 0, 0 };
	CLEANUP(cap_freep) cap_t left = cap_init();

	/* Landlock and capabilities bind one thread only: a second one would stay free. */
	if (unshare(CLONE_THREAD) != 0)
		return err_set(e, COFFER_E_BUG, "sandbox: entered with threads running");
	if (!left || (n > 0 && (cap_set_flag(left, CAP_PERMITTED, n, keep, CAP_SET) != 0 || cap_set_flag(left, CAP_EFFECTIVE, n, keep, CAP_SET) != 0)) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || cap_set_proc(left) != 0)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: %s", strerror(errno));
	return COFFER_OK;
}

static enum coffer_rc drop_powers(struct err *e)
{
	return drop_powers_but(NULL, 0, e);
}

static enum coffer_rc load(scmp_filter_ctx c, struct err *e)
{
	int rc = seccomp_load(c);

	return rc == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "sandbox: seccomp: %s", strerror(-rc));
}

/* Secrets are locked memory; without capabilities only the limit allows that, so it is raised as far as it goes. */
static enum coffer_rc raise_lock_limit(struct err *e)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_MEMLOCK, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		if (setrlimit(RLIMIT_MEMLOCK, &l) == 0)
			return COFFER_OK;
	}
	return err_set(e, COFFER_E_SYSTEM, "sandbox: %s", strerror(errno));
}

enum coffer_rc sandbox_enter_keep(const char *state_dir, struct err *e)
{
	CLEANUP(ctx_freep) scmp_filter_ctx c = NULL;

	TRY(new_filter(&c, e));
	TRY(raise_lock_limit(e));
	if (!allow(c, keep_calls, COUNT(keep_calls)))
		return err_set(e, COFFER_E_SYSTEM, "sandbox: cannot build the system call filter");
	TRY(drop_powers(e));
	TRY(enter_landlock(state_dir, e));
	return load(c, e);
}

enum coffer_rc sandbox_enter_net(struct err *e)
{
	CLEANUP(ctx_freep) scmp_filter_ctx c = NULL;

	TRY(new_filter(&c, e));
	if (!allow(c, net_calls, COUNT(net_calls)) || !allow_threads(c) || !allow_open_for_reading(c))
		return err_set(e, COFFER_E_SYSTEM, "sandbox: cannot build the system call filter");
	TRY(drop_powers(e));
	TRY(enter_landlock(NULL, e));
	return load(c, e);
}

enum coffer_rc sandbox_enter_attest(int folder, struct err *e)
{
	const struct given g = { folder, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE };
	CLEANUP(ctx_freep) scmp_filter_ctx c = NULL;

	TRY(new_filter(&c, e));
	if (folder >= 0 && seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)folder, 0)) != 0)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: cannot build the system call filter");
	TRY(drop_powers(e));
	TRY(restrict_files(&g, folder >= 0 ? 1 : 0, e));
	return load(c, e);
}

enum coffer_rc sandbox_enter_forker(struct err *e)
{
	CLEANUP(ctx_freep) scmp_filter_ctx c = NULL;

	TRY(new_filter(&c, e));
	if (!allow(c, forker_calls, COUNT(forker_calls)) || !allow_fork(c))
		return err_set(e, COFFER_E_SYSTEM, "sandbox: cannot build the system call filter");
	TRY(drop_powers(e));
	TRY(enter_landlock(NULL, e));
	return load(c, e);
}

/* Internet and netlink; a local socket (a name service's) is answered as if it were not there. */
static bool allow_client(scmp_filter_ctx c)
{
	const scmp_datum_t kinds[] = { AF_INET, AF_INET6, AF_NETLINK };

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, kinds[i], 0)) != 0)
			return false;
	if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0)) != 0)
		return false;
	return seccomp_rule_add(c, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0)) == 0 &&
	       allow(c, client_calls, COUNT(client_calls));
}

/* What resolving a name and checking a certificate read, as far as this machine has it. */
static const char *const client_files[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/run/systemd/resolve", "/etc/ssl", "/usr/lib/ssl", "/etc/pki",
	"/usr/share/ca-certificates", "/usr/local/share/ca-certificates" };

static void close_given(struct given *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		closep(&g[i].fd);
}

static enum coffer_rc add_client_files(struct given *g, size_t *n, struct err *e)
{
	for (size_t i = 0; i < COUNT(client_files); i++) {
		int fd = open(client_files[i], O_PATH | O_CLOEXEC);
		struct stat st;

		if (fd < 0)
			continue;
		g[*n] = (struct given){ fd, LANDLOCK_ACCESS_FS_READ_FILE };
		(*n)++;
		if (fstat(fd, &st) != 0)
			return err_set(e, COFFER_E_SYSTEM, "sandbox: %s: %s", client_files[i], strerror(errno));
		if (S_ISDIR(st.st_mode))
			g[*n - 1].rights = LL_READ;
	}
	return COFFER_OK;
}

enum coffer_rc sandbox_enter_fetch(const char *cache_dir, int offline_fd, struct err *e)
{
	CLEANUP(ctx_freep) scmp_filter_ctx c = NULL;
	struct given g[COUNT(client_files) + 2] = { { open(cache_dir, O_PATH | O_DIRECTORY | O_CLOEXEC), LL_READ | LL_WRITE } };
	enum coffer_rc rc;
	size_t n = 1;

	if (g[0].fd < 0)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: %s: %s", cache_dir, strerror(errno));
	rc = add_client_files(g, &n, e);
	if (rc == COFFER_OK && offline_fd >= 0)
		g[n] = (struct given){ offline_fd, LL_READ };
	if (rc == COFFER_OK)
		rc = new_filter(&c, e);
	if (rc == COFFER_OK && (!allow(c, fetch_calls, COUNT(fetch_calls)) || !allow_fork(c) || !allow_client(c)))
		rc = err_set(e, COFFER_E_SYSTEM, "sandbox: cannot build the system call filter");
	if (rc == COFFER_OK)
		rc = drop_powers(e);
	if (rc == COFFER_OK)
		rc = restrict_files(g, offline_fd >= 0 ? n + 1 : n, e);
	close_given(g, n);
	return rc == COFFER_OK ? load(c, e) : rc;
}

enum coffer_rc sandbox_enter_fetcher(struct err *e)
{
	CLEANUP(ctx_freep) scmp_filter_ctx c = NULL;
	const struct rlimit none = { 0, 0 };
	struct given g[COUNT(client_files)];
	size_t n = 0;
	enum coffer_rc rc = new_filter(&c, e);

	if (rc == COFFER_OK && (!allow_client(c) || !allow_open_for_reading(c)))
		rc = err_set(e, COFFER_E_SYSTEM, "sandbox: cannot build the system call filter");
	if (rc == COFFER_OK && (setrlimit(RLIMIT_FSIZE, &none) != 0 || setrlimit(RLIMIT_NPROC, &none) != 0))
		rc = err_set(e, COFFER_E_SYSTEM, "sandbox: %s", strerror(errno));
	if (rc == COFFER_OK)
		rc = add_client_files(g, &n, e);
	if (rc == COFFER_OK)
		rc = restrict_files(g, n, e);
	close_given(g, n);
	return rc == COFFER_OK ? load(c, e) : rc;
}

#define LL_UNPACK (LL_READ | LL_WRITE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_REFER)

/* Of nodes pipes, and the device 0/0, which is no device: an overlay's sign that a name is gone. */
static bool allow_nodes(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp fifo[] = { SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO) };
	const struct scmp_arg_cmp whiteout[] = { SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFCHR), SCMP_A3(SCMP_CMP_EQ, 0, 0) };

	return seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(mknodat), COUNT(fifo), fifo) == 0 &&
	       seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(mknodat), COUNT(whiteout), whiteout) == 0;
}

enum coffer_rc sandbox_enter_puller(const char *dir, struct err *e)
{
	static const cap_value_t keep[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP, CAP_SYS_ADMIN };
	CLEANUP(ctx_freep) scmp_filter_ctx c = NULL;
	struct given g[COUNT(client_files) + 1] = { { open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), LL_UNPACK } };
	enum coffer_rc rc;
	size_t n = 1;

	if (g[0].fd < 0)
		return err_set(e, COFFER_E_SYSTEM, "sandbox: %s: %s", dir, strerror(errno));
	rc = add_client_files(g, &n, e);
	if (rc == COFFER_OK)
		rc = raise_lock_limit(e);
	if (rc == COFFER_OK)
		rc = new_filter(&c, e);
	if (rc == COFFER_OK && (!allow(c, unpack_calls, COUNT(unpack_calls)) || !allow_nodes(c) || !allow_threads(c) || !allow_client(c)))
		rc = err_set(e, COFFER_E_SYSTEM, "sandbox: cannot build the system call filter");
	if (rc == COFFER_OK)
		rc = drop_powers_but(keep, (int)COUNT(keep), e);
	if (rc == COFFER_OK)
		rc = restrict_files(g, n, e);
	close_given(g, n);
	return rc == COFFER_OK ? load(c, e) : rc;
}
