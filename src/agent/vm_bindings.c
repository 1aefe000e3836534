#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/vm.h"
#include "agent/vm_disk.h"
#include "base/own.h"

enum coffer_rc vm_bindings_read(const char *sys, const char *dev, struct wr *disk, struct bindings_disk *out, struct err *e)
{
	char name[VM_DISK_NAME], path[256];
	CLEANUP(closep) int fd = -1;
	enum coffer_rc rc = vm_disk_find(sys, BINDINGS_DISK_SERIAL, name, e);

	*out = (struct bindings_disk){ .n = 0 };
	if (rc == COFFER_E_NOTFOUND)
		return COFFER_OK;
	TRY(rc);
	(void)snprintf(path, sizeof(path), "%s/%s", dev, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, COFFER_E_SYSTEM, "bindings: %s: %s", path, strerror(errno));
	TRY(vm_disk_read(fd, "bindings", BINDINGS_DISK_MAX, disk, e));
	return bindings_disk_read(wr_span(disk), out, e);
}
