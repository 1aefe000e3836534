#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/initdata.h"
#include "agent/vm.h"
#include "agent/vm_disk.h"
#include "base/own.h"
#include "base/str.h"

#define DISKS_MAX 64
#define MAGIC	  "initdata"

/* vda, sdb, vdaa: whole disks. */
static int is_disk(const struct dirent *d)
{
	const char *s = d->d_name;
	size_t n = strlen(s);

	if (n < 3 || n > 5 || (strncmp(s, "vd", 2) != 0 && strncmp(s, "sd", 2) != 0))
		return 0;
	return strspn(s + 2, "abcdefghijklmnopqrstuvwxyz") == n - 2;
}

/* virtio disks before others, the first before those behind it. */
static int by_place(const struct dirent **a, const struct dirent **b)
{
	const char *x = (*a)->d_name, *y = (*b)->d_name;
	size_t n = strlen(x), m = strlen(y);

	if (x[0] != y[0])
		return y[0] - x[0];
	return n != m ? (n > m) - (n < m) : strcmp(x, y);
}

/* False: not this one. Otherwise *rc says how it went. */
static bool try_disk(int dir, const char *name, struct wr *out, enum coffer_rc *rc, struct err *e)
{
	CLEANUP(closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[sizeof(MAGIC) - 1], what[32];

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) || memcmp(head, MAGIC, sizeof(head)) != 0) /* public: a mark */
		return false;
	(void)snprintf(what, sizeof(what), "initdata: %.8s", name);
	*rc = vm_disk_read(fd, what, INITDATA_DEVICE_MAX, out, e);
	return true;
}

enum coffer_rc vm_initdata_find(const char *dir, struct wr *device, struct err *e)
{
	enum coffer_rc rc = COFFER_E_DENIED;
	struct dirent **found = NULL;
	CLEANUP(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n = fd < 0 ? -1 : scandirat(fd, ".", &found, is_disk, by_place);
	bool have = false;

	if (n < 0)
		return err_set(e, COFFER_E_SYSTEM, "initdata: %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!have && i < DISKS_MAX)
			have = try_disk(fd, found[i]->d_name, device, &rc, e);
		free(found[i]);
	}
	free(found);
	if (!have)
		return err_deny(e, "initdata", "no disk of this machine holds initdata; whoever launches it gives it one");
	return rc;
}
