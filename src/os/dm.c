#include "os/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/own.h"
#include "base/str.h"

#define CONTROL "/dev/mapper/control"

/* What goes to the kernel and comes back, in one piece. */
struct call {
	struct dm_ioctl	      head;
	struct dm_target_spec target;
	char		      params[DM_PARAMS_MAX];
};
_Static_assert(sizeof(struct dm_ioctl) % 8 == 0, "the target follows without a gap");

static struct call call_of(const char *name)
{
	struct call c = { .head = { .version = { 4, 0, 0 }, .data_size = sizeof(c), .data_start = sizeof(c.head) } };

	(void)snprintf(c.head.name, sizeof(c.head.name), "%s", name);
	return c;
}

static enum coffer_rc control(int *fd, struct err *e)
{
	*fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	return *fd >= 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "device-mapper: %s: %s", CONTROL, strerror(errno));
}

static enum coffer_rc ask(int fd, unsigned long request, const char *what, struct call *c, struct err *e)
{
	if (ioctl(fd, request, c) == 0)
		return COFFER_OK;
	return err_set(e, COFFER_E_SYSTEM, "device-mapper: %s %.64s: %s", what, c->head.name, strerror(errno));
}

static enum coffer_rc load(int fd, const struct dm_device *d, struct err *e)
{
	struct call c = call_of(d->name);

	c.head.target_count = 1;
	c.target.length = d->sectors;
	c.target.next = sizeof(c.target) + sizeof(c.params);
	(void)snprintf(c.target.target_type, sizeof(c.target.target_type), "%s", d->type);
	(void)snprintf(c.params, sizeof(c.params), "%s", d->params);
	return ask(fd, DM_TABLE_LOAD, "table of", &c, e);
}

/* Suspending without the flag to suspend is resuming. */
static enum coffer_rc resume(int fd, const char *name, struct dm_made *out, struct err *e)
{
	struct call c = call_of(name);
	uint64_t dev;

	TRY(ask(fd, DM_DEV_SUSPEND, "start of", &c, e));
	dev = c.head.dev;
	*out = (struct dm_made){ .major = (uint32_t)(dev >> 8 & 0xfff), .minor = (uint32_t)((dev & 0xff) | (dev >> 12 & 0xfff00)) };
	return COFFER_OK;
}

enum coffer_rc dm_make(const struct dm_device *d, struct dm_made *out, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	struct call c = call_of(d->name);
	struct err unused = { 0 };
	enum coffer_rc rc;

	if (strlen(d->name) >= DM_NAME_MAX || strlen(d->type) >= DM_MAX_TYPE_NAME || strlen(d->params) >= DM_PARAMS_MAX)
		return err_set(e, COFFER_E_LIMIT, "device-mapper: name or parameters of %.64s are too long", d->name);
	TRY(control(&fd, e));
	TRY(ask(fd, DM_DEV_CREATE, "new", &c, e));
	rc = load(fd, d, e);
	if (rc == COFFER_OK)
		rc = resume(fd, d->name, out, e);
	if (rc != COFFER_OK) {
		c = call_of(d->name);
		(void)ask(fd, DM_DEV_REMOVE, "end of", &c, &unused);
	}
	return rc;
}

enum coffer_rc dm_remove(const char *name, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	struct call c = call_of(name);

	TRY(control(&fd, e));
	return ask(fd, DM_DEV_REMOVE, "end of", &c, e);
}
