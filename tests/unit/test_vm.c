/* Which disk is the initdata's, in folders that stand for /dev. */
#include "agent/vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/initdata.h"
#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "tests/t.h"

struct dev { char path[64]; char *made[8]; size_t n; };

static void dev_new(struct dev *d)
{
	memset(d, 0, sizeof(*d));
	(void)snprintf(d->path, sizeof(d->path), "/tmp/test-vm-XXXXXX");
	CHECK(mkdtemp(d->path) != NULL);
}

static void disk(struct dev *d, const char *name, const char *head, size_t n)
{
	CLEANUP(freep) uint8_t *bytes = calloc(1, n + 1);
	struct err e = { 0 };

	memcpy(bytes, head, strlen(head) < n ? strlen(head) : n);
	d->made[d->n] = str_fmt("%s/%s", d->path, name);
	CHECK(file_write(d->made[d->n++], (struct span){ bytes, n }, 0600, &e) == COFFER_OK);
}

static void dev_end(struct dev *d)
{
	for (size_t i = 0; i < d->n; i++) {
		(void)unlink(d->made[i]);
		free(d->made[i]);
	}
	(void)rmdir(d->path);
}

static enum coffer_rc find(struct dev *d, struct wr *out, struct err *e)
{
	enum coffer_rc rc = vm_initdata_find(d->path, out, e);

	dev_end(d);
	return rc;
}

static void the_first_disk_that_begins_as_one_is_taken(void)
{
	CLEANUP(wr_close) struct wr out = { 0 };
	struct err e = { 0 };
	struct dev d;

	dev_new(&d);
	disk(&d, "sda", "initdata S", 512);
	disk(&d, "vdaa", "initdata 27", 512);
	disk(&d, "vdb", "initdata B", 512);
	disk(&d, "vda", "something else", 512);
	CHECK(find(&d, &out, &e) == COFFER_OK && out.n == 512 && memcmp(out.p, "initdata B", 10) == 0);
}

static void what_is_no_whole_disk_is_passed_over(void)
{
	static const char *const names[] = { "vda1", "vd", "hda", "loop0", "vdaaaa", "vdA" };
	CLEANUP(wr_close) struct wr out = { 0 };
	struct err e = { 0 };
	struct dev d;

	dev_new(&d);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		disk(&d, names[i], "initdata", 512);
	disk(&d, "vdc", "initdat", 7); /* shorter than its mark */
	CHECK(find(&d, &out, &e) == COFFER_E_DENIED && strcmp(e.check, "initdata") == 0);
}

static void a_machine_without_disks_is_refused(void)
{
	CLEANUP(wr_close) struct wr out = { 0 };
	struct err e = { 0 };
	struct dev d;

	dev_new(&d);
	CHECK(find(&d, &out, &e) == COFFER_E_DENIED && strcmp(e.check, "initdata") == 0);
	CHECK(vm_initdata_find("/nonexistent", &out, &e) == COFFER_E_SYSTEM);
}

/* The first one is meant, so that a larger one does not make way for the next. */
static void a_disk_that_is_too_large_is_refused(void)
{
	struct err e = { 0 };
	struct dev d;

	for (size_t more = 0; more < 2; more++) {
		CLEANUP(wr_close) struct wr out = { 0 };

		dev_new(&d);
		disk(&d, "vda", "initdata", INITDATA_DEVICE_MAX + more);
		disk(&d, "vdb", "initdata", 512);
		CHECK(find(&d, &out, &e) == (more ? COFFER_E_LIMIT : COFFER_OK));
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(the_first_disk_that_begins_as_one_is_taken),
		T(what_is_no_whole_disk_is_passed_over),
		T(a_machine_without_disks_is_refused),
		T(a_disk_that_is_too_large_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
