#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/init.h"
#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "os/loopback.h"

#define MODULES_MAX (64u << 10)

static enum coffer_rc failed(const char *what, struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "guest: %s: %s", what, strerror(errno));
}

static enum coffer_rc mount_all(struct err *e)
{
	static const struct { const char *type, *at, *options; unsigned long flags; } mounts[] = {
		{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID | MS_NOEXEC },
		{ "devpts", "/dev/pts", "mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC },
		{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "securityfs", "/sys/kernel/security", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV },
		{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		const char *at = mounts[i].at;

		if (mkdir(at, 0755) != 0 && errno != EEXIST && errno != EPERM)
			return failed(at, e);
		if (mount(mounts[i].type, at, mounts[i].type, mounts[i].flags, mounts[i].options) != 0)
			return failed(at, e);
	}
	return COFFER_OK;
}

/* Where reports of the processor are asked for (os/tsm.h). A kernel without it has none to ask for. */
static enum coffer_rc mount_config(struct err *e)
{
	static const char at[] = "/sys/kernel/config";

	if (mount("configfs", at, "configfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 && errno != ENODEV && errno != ENOENT)
		return failed(at, e);
	return COFFER_OK;
}

/* pivot_root(2), by which a runtime gives a container its root, refuses to leave a root that is mounted on nothing, as the initial
 * ramdisk is. A bind mount of it over itself is mounted on something, and costs neither a copy nor its memory twice. */
static enum coffer_rc make_root(struct err *e)
{
	if (mount("/", "/", NULL, MS_BIND, NULL) != 0 || chdir("/..") != 0)
		return failed("root", e);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 && errno != EINVAL)
		return failed("root", e);
	if (chroot(".") != 0 || chdir("/") != 0)
		return failed("root", e);
	return COFFER_OK;
}

static enum coffer_rc load(const char *path, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
		return failed(path, e);
	return COFFER_OK;
}

static enum coffer_rc load_all(struct err *e)
{
	CLEANUP(wr_close) struct wr list = { 0 };
	struct span s;

	TRY(file_read(INIT_MODULES, MODULES_MAX, &list, e));
	s = wr_span(&list);
	while (s.n > 0) {
		struct span line = { s.p, span_find(s, '\n') };
		CLEANUP(freep) char *path = span_dup(line);

		s = span_skip(s, line.n + 1);
		if (!path || path[0] != '/')
			return err_set(e, COFFER_E_INPUT, "guest: " INIT_MODULES " has a line that is no path");
		TRY(load(path, e));
	}
	return COFFER_OK;
}

enum coffer_rc init_machine(struct err *e)
{
	(void)umask(022);
	TRY(make_root(e));
	TRY(mount_all(e));
	TRY(net_lo_up(e));
	TRY(load_all(e));
	return mount_config(e);
}
