#include "os/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "port sandbox_enter_compute() before building the trust service here"
#endif

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
	ALLOW_IF_CLEAR(SYS_mmap, 2, PROT_EXEC),
	ALLOW_IF_CLEAR(SYS_mprotect, 2, PROT_EXEC),
	RET(SECCOMP_RET_KILL_PROCESS),
};

enum coffer_rc sandbox_enter_compute(struct err *e)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit heap = { 256u << 20, 256u << 20 };
	const struct sock_fprog prog = {
		.len = sizeof(compute_only) / sizeof(compute_only[0]),
		.filter = (struct sock_filter *)compute_only,
	};

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
