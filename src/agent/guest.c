#include "agent/guest.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/scratch.h"
#include "base/own.h"
#include "base/str.h"
#include "os/file.h"

#define UNIFIED "/sys/fs/cgroup/unified"

static enum coffer_rc failed(const char *what, struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "guest: %s: %s", what, strerror(errno));
}

static enum coffer_rc mount_disk(const char *state, const char *disk, struct err *e)
{
	CLEANUP(freep) char *at = str_fmt("%s/disk", state);

	return at ? scratch_mount(disk, at, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

enum coffer_rc guest_prepare(const char *state, const char *disk, struct err *e)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		return failed("dumps", e);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return failed("reaper", e);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return failed("mount namespace", e);
	if (umount2(UNIFIED, MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
		return failed(UNIFIED, e);
	TRY(file_mkdirs(state, 0700, e));
	if (mount("tmpfs", state, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") != 0)
		return failed(state, e);
	if (disk)
		TRY(mount_disk(state, disk, e));
	return chdir("/") == 0 ? COFFER_OK : failed("/", e);
}
