#include "cli/pods/watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/own.h"

enum coffer_rc watch_open(const char *path, struct watch *out, struct err *e)
{
	CLEANUP(closep) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF) < 0)
		return err_set(e, errno == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	out->fd = MOVE_FD(fd);
	return COFFER_OK;
}

void watch_clear(struct watch *w)
{
	char ignore[4096];

	while (w->fd >= 0 && read(w->fd, ignore, sizeof(ignore)) > 0)
		;
}

void watch_close(struct watch *w)
{
	closep(&w->fd);
	w->fd = -1;
}
