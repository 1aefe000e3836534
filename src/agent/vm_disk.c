#include "agent/vm_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

#define SERIAL_MAX 20 /* of virtio */

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* An attribute that is not there is nobody's serial. */
static bool has_serial(int sys, const char *disk, const char *serial)
{
	char path[VM_DISK_NAME + sizeof("/serial")], text[SERIAL_MAX + 2];
	CLEANUP(closep) int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/serial", disk);
	fd = openat(sys, path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	if (n > 0 && text[n - 1] == '\n')
		n--;
	return n > 0 && span_eq_str((struct span){ (const uint8_t *)text, (size_t)n }, serial);
}

enum coffer_rc vm_disk_find(const char *sys, const char *serial, char name[static VM_DISK_NAME], struct err *e)
{
	CLEANUP(closedirp) DIR *d = opendir(sys);
	size_t n = 0;

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", sys, strerror(errno));
	for (struct dirent *f = readdir(d); f; f = readdir(d)) {
		if (strncmp(f->d_name, "vd", 2) != 0 || strlen(f->d_name) >= VM_DISK_NAME || !has_serial(dirfd(d), f->d_name, serial))
			continue;
		if (n++ == 0)
			(void)snprintf(name, VM_DISK_NAME, "%s", f->d_name);
	}
	if (n == 0)
		return err_set(e, COFFER_E_NOTFOUND, "no disk of this machine is called %s", serial);
	return n == 1 ? COFFER_OK : err_deny(e, "disk", "%zu disks of this machine are called %s; whoever launches it gives it one", n, serial);
}

enum coffer_rc vm_disk_read(int fd, const char *what, size_t max, struct wr *out, struct err *e)
{
	uint8_t buf[4096];

	*out = wr_open(max + sizeof(buf));
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, COFFER_E_SYSTEM, "%s: %s", what, strerror(errno));
		if (n == 0)
			return wr_done(out, what, e);
		wr_put(out, (struct span){ buf, (size_t)n });
		if (out->n > max)
			return err_set(e, COFFER_E_LIMIT, "%s is larger than %zu bytes", what, max);
	}
}
