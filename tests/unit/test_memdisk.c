/* What a scratch disk is put together from, as far as this kernel has it: what a kernel has not is refused, and the rest skipped by name. The
 * whole is tried in a VM (tests/e2e/test_guest_store.py). */
#include "os/memdisk.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "os/dm.h"
#include "os/file.h"
#include "os/keyring.h"
#include "tests/t.h"

#define CONTROL "/dev/mapper/control"

static void a_disk_in_memory_is_blank_and_keeps_what_is_written(void)
{
	struct memdisk d = { .fd = -1 };
	uint64_t bytes = 0;
	char got[4096];
	struct err e = { 0 };

	if (access("/dev/loop-control", R_OK | W_OK) != 0) {
		CHECK(memdisk_open(1u << 20, &d, &e) == COFFER_E_SYSTEM && d.fd == -1);
		return;
	}
	CHECK(memdisk_open((1u << 20) + 4095, &d, &e) == COFFER_OK && d.fd >= 0 && d.major == 7);
	CHECK(ioctl(d.fd, BLKGETSIZE64, &bytes) == 0 && bytes == 1u << 20);
	CHECK(pread(d.fd, got, sizeof(got), 0) == (ssize_t)sizeof(got) && got[0] == 0 && memcmp(got, got + 1, sizeof(got) - 1) == 0); /* public: zeros */
	CHECK(pwrite(d.fd, "kept", 4, 512) == 4 && fsync(d.fd) == 0 && pread(d.fd, got, 4, 512) == 4 && memcmp(got, "kept", 4) == 0); /* public */
	closep(&d.fd);
}

static void a_key_is_in_the_keyring_until_it_is_revoked_and_not_to_be_read(void)
{
	CLEANUP(secret_free) struct secret key = { 0 };
	struct err e = { 0 };
	int32_t id = 0;
	char got[32];

	CHECK(secret_new(32, &key, &e) == COFFER_OK);
	if (keyring_add("coffer:test", &key, &id, &e) != COFFER_OK) {
		CHECK(errno == ENOSYS || errno == EPERM); /* a kernel or a container without keyrings */
		return;
	}
	CHECK(syscall(SYS_request_key, "logon", "coffer:test", NULL, 0) == id);
	CHECK(syscall(SYS_keyctl, KEYCTL_READ, id, got, sizeof(got), 0) < 0);
	CHECK(keyring_revoke(id, &e) == COFFER_OK);
	CHECK(syscall(SYS_request_key, "logon", "coffer:test", NULL, 0) < 0);
	CHECK(keyring_revoke(id, &e) == COFFER_E_SYSTEM);
	CHECK(keyring_add("noprefix", &key, &id, &e) == COFFER_E_SYSTEM);
}

static void without_a_device_mapper_no_device_is_made(void)
{
	struct dm_device d = { .name = "coffer-test", .type = "zero", .params = "", .sectors = 8 };
	struct dm_made made = { 77, 77 };
	struct err e = { 0 };

	if (file_exists(CONTROL))
		return;
	CHECK(dm_make(&d, &made, &e) == COFFER_E_SYSTEM && made.major == 77 && strstr(e.msg, CONTROL));
	CHECK(dm_remove("coffer-test", &e) == COFFER_E_SYSTEM);
}

static void names_and_parameters_that_would_be_cut_are_refused(void)
{
	char name[DM_NAME_MAX + 1], params[DM_PARAMS_MAX + 1];
	struct dm_made made;
	struct err e = { 0 };

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	memset(params, 'p', sizeof(params) - 1);
	params[sizeof(params) - 1] = 0;
	CHECK(dm_make(&(struct dm_device){ .name = name, .type = "zero", .params = "" }, &made, &e) == COFFER_E_LIMIT);
	CHECK(dm_make(&(struct dm_device){ .name = "n", .type = "sixteen-letters!", .params = "" }, &made, &e) == COFFER_E_LIMIT);
	CHECK(dm_make(&(struct dm_device){ .name = "n", .type = "zero", .params = params }, &made, &e) == COFFER_E_LIMIT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(a_disk_in_memory_is_blank_and_keeps_what_is_written), T(a_key_is_in_the_keyring_until_it_is_revoked_and_not_to_be_read),
		T(without_a_device_mapper_no_device_is_made), T(names_and_parameters_that_would_be_cut_are_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
