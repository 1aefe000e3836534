#include "os/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"

static void add(struct machine *m, const char *name, bool there, const char *fmt, ...) PRINTF(4, 5);

static void add(struct machine *m, const char *name, bool there, const char *fmt, ...)
{
	struct machine_fact *f = &m->fact[m->n];
	va_list ap;

	if (m->n == MACHINE_FACTS_MAX)
		return;
	f->name = name;
	f->there = there;
	va_start(ap, fmt);
	(void)vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
	for (char *p = f->what; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	m->n++;
}

static void kernel(struct machine *m)
{
	struct utsname u;

	if (uname(&u) == 0)
		add(m, "kernel", true, "%.16s %.64s %.16s", u.sysname, u.release, u.machine);
	else
		add(m, "kernel", false, "%s", strerror(errno));
}

static void path(struct machine *m, const char *name, const char *at)
{
	struct stat st;
	bool there = stat(at, &st) == 0;

	add(m, name, there, "%s%s%s", at, there ? "" : ": ", there ? "" : strerror(errno));
}

/* A device that a process of ours could open now. */
static void device(struct machine *m, const char *name, const char *at)
{
	CLEANUP(closep) int fd = open(at, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	add(m, name, fd >= 0, "%s%s%s", at, fd >= 0 ? "" : ": ", fd >= 0 ? "" : strerror(errno));
}

static void file_system(struct machine *m, const char *name)
{
	CLEANUP(closep) int fd = (int)syscall(SYS_fsopen, name, FSOPEN_CLOEXEC);

	add(m, name, fd >= 0, "%s", fd >= 0 ? "the kernel makes one" : strerror(errno));
}

static void namespaces(struct machine *m)
{
	static const char *const names[] = { "mnt", "pid", "net", "ipc", "uts" };
	char lacks[48] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char at[32];

		(void)snprintf(at, sizeof(at), "/proc/self/ns/%s", names[i]);
		if (access(at, F_OK) != 0)
			(void)snprintf(lacks + strlen(lacks), sizeof(lacks) - strlen(lacks), " %s", names[i]);
	}
	add(m, "namespaces", !lacks[0], "%s%s", lacks[0] ? "missing:" : "mnt pid net ipc uts", lacks);
}

static void vsock(struct machine *m)
{
	CLEANUP(closep) int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	add(m, "vsock", fd >= 0, "%s", fd >= 0 ? "a socket can be made" : strerror(errno));
}

static void seccomp(struct machine *m)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;
	bool there = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;

	add(m, "seccomp", there, "%s", there ? "kills processes" : strerror(errno));
}

static void landlock(struct machine *m)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi > 0)
		add(m, "landlock", true, "version %ld", abi);
	else
		add(m, "landlock", false, "%s", strerror(errno));
}

void machine_look(struct machine *out)
{
	*out = (struct machine){ 0 };
	kernel(out);
	add(out, "root", geteuid() == 0, "%s", geteuid() == 0 ? "this is root" : "this is not root: devices and configfs may be shut");
	path(out, "configfs-tsm", "/sys/kernel/config/tsm/report");
	path(out, "sev-guest", "/dev/sev-guest");
	path(out, "tdx-guest", "/dev/tdx_guest");
	path(out, "tdx-event-log", "/sys/firmware/acpi/tables/data/CCEL");
	device(out, "tpm", "/dev/tpmrm0");
	path(out, "tpm-event-log", "/sys/kernel/security/tpm0/binary_bios_measurements");
	device(out, "kvm", "/dev/kvm");
	vsock(out);
	device(out, "device-mapper", "/dev/mapper/control");
	file_system(out, "cgroup2");
	file_system(out, "overlay");
	namespaces(out);
	seccomp(out);
	landlock(out);
}
