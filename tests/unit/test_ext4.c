/* New file systems: what is written, where, and that e2fsck (where it is installed) and the kernel (as root, with loop devices) take them. */
#include "fmt/ext4.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "os/spawn.h"
#include "tests/t.h"

#define MIB (1024ull * 1024)
#define E2FSCK "/usr/sbin/e2fsck"

struct disk { int fd; uint64_t next; size_t blocks, fail_at; bool wrong; };

static enum coffer_rc take(void *arg, uint64_t at, struct span block, struct err *e)
{
	struct disk *d = arg;

	d->wrong = d->wrong || block.n != EXT4_BLOCK || at % EXT4_BLOCK != 0 || at < d->next;
	d->next = at + block.n;
	if (++d->blocks == d->fail_at)
		return err_set(e, COFFER_E_UPSTREAM, "the disk is gone");
	if (d->fd >= 0 && pwrite(d->fd, block.p, block.n, (off_t)at) != (ssize_t)block.n)
		return err_set(e, COFFER_E_SYSTEM, "pwrite");
	return COFFER_OK;
}

static enum coffer_rc make(struct disk *d, uint64_t bytes, struct err *e)
{
	const struct ext4_out out = { take, d };
	struct ext4_new o = { .bytes = bytes, .time = 1700000000 };

	memset(o.uuid, 0xa5, sizeof(o.uuid));
	memset(o.hash_seed, 0x5a, sizeof(o.hash_seed));
	return ext4_format(&o, &out, e);
}

/* A sparse file with rubbish where the kernel could look: what was there before must not matter. */
static int file(char path[static 32], uint64_t bytes)
{
	uint8_t rubbish[65536];
	int fd;

	(void)strcpy(path, "/tmp/test-ext4-XXXXXX");
	fd = mkstemp(path);
	memset(rubbish, 0xff, sizeof(rubbish));
	CHECK(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
	for (uint64_t at = 0; at < 4 * MIB; at += sizeof(rubbish))
		CHECK(pwrite(fd, rubbish, sizeof(rubbish), (off_t)at) == (ssize_t)sizeof(rubbish));
	return fd;
}

static int run(const char *const *argv, char **text)
{
	static const int fds[3] = { -1, -1, -1 };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3 };
	struct err e = { 0 };
	int status = -1;

	return spawn_run(&s, 65536, text, &status, &e) == COFFER_OK ? status : -1;
}

static void checked(uint64_t bytes)
{
	char path[32];
	CLEANUP(closep) int fd = file(path, bytes);
	const char *argv[] = { E2FSCK, "-fn", path, NULL };
	CLEANUP(freep) char *text = NULL;
	struct disk d = { .fd = fd };
	struct err e = { 0 };
	int status;

	CHECK(make(&d, bytes, &e) == COFFER_OK && !d.wrong && d.next <= bytes);
	status = file_exists(E2FSCK) ? run(argv, &text) : 0;
	if (status != 0)
		(void)printf("# %llu bytes: %s\n", (unsigned long long)bytes, text ? text : "");
	CHECK(status == 0);
	(void)unlink(path);
}

static void e2fsck_finds_nothing_to_mend(void)
{
	static const uint64_t sizes[] = { EXT4_BYTES_MIN, EXT4_BYTES_MIN + 4095, 64 * MIB, 128 * MIB, 128 * MIB + 4096, 130 * MIB + 256 * 1024, 256 * MIB,
		16384 * MIB + 5 * MIB, 17408 * MIB };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		checked(sizes[i]);
}

static void a_large_disk_costs_a_few_blocks(void)
{
	struct disk d = { .fd = -1 };
	struct err e = { 0 };

	CHECK(make(&d, 4096 * MIB, &e) == COFFER_OK && d.blocks == 8 && !d.wrong);
	d = (struct disk){ .fd = -1 };
	CHECK(make(&d, EXT4_BYTES_MAX, &e) == COFFER_OK && d.blocks == 7 + 64 && !d.wrong);
}

static void too_small_and_too_large_is_refused_unwritten(void)
{
	static const uint64_t sizes[] = { 0, EXT4_BYTES_MIN - 1, EXT4_BYTES_MAX + 1, UINT64_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct disk d = { .fd = -1 };
		struct err e = { 0 };

		CHECK(make(&d, sizes[i], &e) == COFFER_E_LIMIT && d.blocks == 0);
	}
}

static void a_block_that_is_not_written_ends_it(void)
{
	for (size_t n = 1; n <= 8; n++) {
		struct disk d = { .fd = -1, .fail_at = n };
		struct err e = { 0 };

		CHECK(make(&d, 256 * MIB, &e) == COFFER_E_UPSTREAM && d.blocks == n);
	}
}

/* mount(8) finds a loop device; without the right to one there is nothing to see. */
static void the_kernel_mounts_it_and_keeps_files_on_it(void)
{
	char path[32];
	CLEANUP(closep) int fd = file(path, 300 * MIB);
	CLEANUP(freep) char *text = NULL;
	static const char script[] =
		"mount -o loop,noinit_itable \"$1\" \"$2\" 2>/dev/null || exit 77\n"
		"mkdir \"$2/d\" && for i in $(seq 2000); do echo $i >\"$2/d/$i\" || exit 1; done\n"
		"dd if=/dev/zero of=\"$2/big\" bs=1M count=150 2>/dev/null && ln -s big \"$2/l\" && umount \"$2\" &&\n"
		"mount -o loop,ro \"$1\" \"$2\" && [ \"$(cat \"$2\"/d/* | wc -l)\" = 2000 ] && [ \"$(stat -c %s \"$2/big\")\" = 157286400 ]; s=$?\n"
		"umount \"$2\"; [ $s = 0 ] && { [ ! -x " E2FSCK " ] || " E2FSCK " -fn \"$1\"; }\n";
	char at[] = "/tmp/test-ext4-XXXXXX";
	const char *argv[] = { "/bin/sh", "-c", script, "sh", path, at, NULL };
	struct disk d = { .fd = fd };
	struct err e = { 0 };
	int status;

	CHECK(mkdtemp(at) && make(&d, 300 * MIB, &e) == COFFER_OK);
	status = run(argv, &text);
	if (status != 0 && status != 77)
		(void)printf("# %s\n", text);
	CHECK(status == 0 || status == 77);
	(void)rmdir(at);
	(void)unlink(path);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(e2fsck_finds_nothing_to_mend),
		T(a_large_disk_costs_a_few_blocks),
		T(too_small_and_too_large_is_refused_unwritten),
		T(a_block_that_is_not_written_ends_it),
		T(the_kernel_mounts_it_and_keeps_files_on_it),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
