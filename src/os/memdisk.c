#include "os/memdisk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/own.h"

#define CONTROL "/dev/loop-control"
#define BLOCK	4096u
#define TRIES	8 /* somebody else may take the same free device */

static enum coffer_rc failed(const char *what, struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "memory disk: %s: %s", what, strerror(errno));
}

/* A free device, bound to the file. */
static enum coffer_rc bind_free(int control, int file, int *out, struct err *e)
{
	const struct loop_config how = { .fd = (uint32_t)file, .block_size = BLOCK, .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };

	for (int i = 0; i < TRIES; i++) {
		CLEANUP(closep) int fd = -1;
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		char path[32];

		if (n < 0)
			return failed(CONTROL, e);
		(void)snprintf(path, sizeof(path), "/dev/loop%d", n);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return failed(path, e);
		if (ioctl(fd, LOOP_CONFIGURE, &how) == 0) {
			*out = MOVE_FD(fd);
			return COFFER_OK;
		}
		if (errno != EBUSY)
			return failed(path, e);
	}
	return failed("no free loop device", e);
}

enum coffer_rc memdisk_open(uint64_t bytes, struct memdisk *out, struct err *e)
{
	CLEANUP(closep) int file = memfd_create("disk", MFD_CLOEXEC);
	CLEANUP(closep) int control = open(CONTROL, O_RDWR | O_CLOEXEC);
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (file < 0 || ftruncate(file, (off_t)(bytes / BLOCK * BLOCK)) != 0)
		return failed("memory", e);
	if (control < 0)
		return failed(CONTROL, e);
	TRY(bind_free(control, file, &fd, e));
	if (fstat(fd, &st) != 0)
		return failed("device", e);
	*out = (struct memdisk){ .major = major(st.st_rdev), .minor = minor(st.st_rdev) };
	out->fd = MOVE_FD(fd);
	return COFFER_OK;
}
