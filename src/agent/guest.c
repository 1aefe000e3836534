#include "agent/guest.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

#define UNIFIED "/sys/fs/cgroup/unified"

static enum coffer_rc failed(const char *what, struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "guest: %s: %s", what, strerror(errno));
}

enum coffer_rc guest_prepare(const char *state, struct err *e)
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
	return chdir("/") == 0 ? COFFER_OK : failed("/", e);
}
