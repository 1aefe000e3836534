/* Disks by their serial, in folders that stand for /sys/block and /dev; what is used of a scratch disk; the disk of bindings. */
#include "agent/vm_disk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/scratch.h"
#include "agent/vm.h"
#include "base/own.h"
#include "base/str.h"
#include "image/tree.h"
#include "os/file.h"
#include "tests/t.h"

#define MIB (1ull << 20)

struct sys { char path[64]; };

static void sys_new(struct sys *s)
{
	(void)snprintf(s->path, sizeof(s->path), "/tmp/test-disk-XXXXXX");
	CHECK(mkdtemp(s->path) != NULL);
}

static void sys_end(struct sys *s)
{
	struct err e = { 0 };

	CHECK(tree_remove(AT_FDCWD, s->path, &e) == COFFER_OK);
}

static void put(const struct sys *s, const char *name, const char *file, struct span content)
{
	CLEANUP(freep) char *dir = str_fmt("%s/%s", s->path, name), *path = str_fmt("%s/%s%s", s->path, name, file);
	struct err e = { 0 };

	CHECK(!file[0] || mkdir(dir, 0700) == 0);
	CHECK(file_write(path, content, 0600, &e) == COFFER_OK);
}

static enum coffer_rc find(struct sys *s, char name[static VM_DISK_NAME], struct err *e)
{
	enum coffer_rc rc = vm_disk_find(s->path, "coffer-scratch", name, e);

	sys_end(s);
	return rc;
}

static void a_disk_is_found_by_its_whole_serial(void)
{
	char name[VM_DISK_NAME] = "";
	struct err e = { 0 };
	struct sys s;

	sys_new(&s);
	put(&s, "vda", "/serial", span_of("coffer-scratc"));
	put(&s, "vdb", "/serial", span_of("coffer-scratch2"));
	put(&s, "vdc", "/serial", span_of("coffer-scratch\n"));
	put(&s, "vdd", "/serial", span_of(""));
	put(&s, "vde", "/size", span_of("coffer-scratch"));
	put(&s, "sda", "/serial", span_of("coffer-scratch")); /* no virtio disk */
	put(&s, "vdf", "/serial", span_of("coffer-scratch-and-more-than-fits"));
	CHECK(find(&s, name, &e) == COFFER_OK && strcmp(name, "vdc") == 0);
}

static void no_such_disk_is_told_apart_from_two(void)
{
	char name[VM_DISK_NAME] = "";
	struct err e = { 0 };
	struct sys s;

	sys_new(&s);
	CHECK(find(&s, name, &e) == COFFER_E_NOTFOUND);
	sys_new(&s);
	put(&s, "vda", "/serial", span_of("coffer-scratch"));
	put(&s, "vdb", "/serial", span_of("coffer-scratch"));
	CHECK(find(&s, name, &e) == COFFER_E_DENIED && strcmp(e.check, "disk") == 0);
	CHECK(vm_disk_find("/nonexistent", "coffer-scratch", name, &e) == COFFER_E_SYSTEM);
}

static void a_disk_is_read_whole_or_not_at_all(void)
{
	CLEANUP(wr_close) struct wr out = { 0 }, more = { 0 };
	CLEANUP(closep) int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC), dir = open("/", O_RDONLY | O_CLOEXEC);
	struct err e = { 0 };

	CHECK(vm_disk_read(fd, "zeros", 5000, &out, &e) == COFFER_E_LIMIT && strstr(e.msg, "zeros"));
	CHECK(vm_disk_read(dir, "a folder", 5000, &more, &e) == COFFER_E_SYSTEM);
}

static void sizes_of_a_scratch_disk(void)
{
	static const struct { uint64_t said, use; } good[] = {
		{ SCRATCH_MIN, SCRATCH_MIN }, { SCRATCH_MIN + 4095, SCRATCH_MIN }, { 300 * MIB + 512, 300 * MIB }, { SCRATCH_MAX, SCRATCH_MAX },
		{ SCRATCH_MAX + 4096, SCRATCH_MAX }, { UINT64_MAX, SCRATCH_MAX },
	};
	static const uint64_t bad[] = { 0, 512, SCRATCH_MIN - 1 };
	struct err e = { 0 };
	uint64_t use = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(scratch_size(bad[i], &use, &e) == COFFER_E_DENIED && strcmp(e.check, "disk") == 0 && use == 7);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(scratch_size(good[i].said, &use, &e) == COFFER_OK && use == good[i].use);
}

/* ---- bindings ---- */

static void write_three(struct wr *w, struct bindings_disk *b)
{
	struct err e = { 0 };

	*b = (struct bindings_disk){ .envelope = { span_of("{\"one\":1}"), span_of("2"), span_of("third") }, .n = 3 };
	*w = wr_open(BINDINGS_DISK_MAX);
	CHECK(bindings_disk_write(b, w, &e) == COFFER_OK && w->n == 512);
}

static void bindings_come_back_as_they_were_written(void)
{
	CLEANUP(wr_close) struct wr w = { 0 }, none = wr_open(BINDINGS_DISK_MAX);
	struct bindings_disk b, got = { .n = 0 };
	struct err e = { 0 };

	write_three(&w, &b);
	CHECK(bindings_disk_read(wr_span(&w), &got, &e) == COFFER_OK && got.n == 3);
	for (size_t i = 0; i < 3; i++)
		CHECK(span_eq(got.envelope[i], b.envelope[i]));
	CHECK(bindings_disk_write(&(struct bindings_disk){ .n = 0 }, &none, &e) == COFFER_OK);
	CHECK(bindings_disk_read(wr_span(&none), &got, &e) == COFFER_OK && got.n == 0);
}

/* Exactly as long as it is, so that a sanitizer sees a byte beyond. */
static enum coffer_rc read_copy(struct span s, size_t n, struct bindings_disk *out)
{
	CLEANUP(freep) uint8_t *copy = malloc(n ? n : 1);
	struct err e = { 0 };

	memcpy(copy, s.p, n);
	return bindings_disk_read((struct span){ copy, n }, out, &e);
}

static void every_cut_of_a_disk_of_bindings_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = { 0 };
	struct bindings_disk b, got = { .n = 77 };

	write_three(&w, &b);
	for (size_t n = 0; n < w.n; n++)
		CHECK(read_copy(wr_span(&w), n, &got) == COFFER_E_INPUT && got.n == 77);
}

static void odd_disks_of_bindings_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = { 0 }, five = wr_open(BINDINGS_DISK_MAX), block = wr_open(BINDINGS_DISK_MAX);
	struct bindings_disk b, got = { .n = 77 };
	struct err e = { 0 };

	write_three(&w, &b);
	for (size_t i = 8 + 4 * 4 + 9 + 1 + 5; i < w.n; i++) { /* the padding */
		w.p[i] = 1;
		CHECK(bindings_disk_read(wr_span(&w), &got, &e) == COFFER_E_INPUT && got.n == 77);
		w.p[i] = 0;
	}
	w.p[0] = 'B';
	CHECK(bindings_disk_read(wr_span(&w), &got, &e) == COFFER_E_INPUT);
	w.p[0] = 'b';
	wr_put(&block, wr_span(&w));
	for (size_t i = 0; i < 512; i++)
		wr_u8(&block, 0);
	CHECK(bindings_disk_read(wr_span(&block), &got, &e) == COFFER_E_INPUT); /* a whole block too many */
	wr_str(&five, "bindings");
	for (size_t i = 0; i < BINDINGS_MAX + 1; i++) {
		wr_le32(&five, 1);
		wr_u8(&five, 'x');
	}
	while (five.n < 512)
		wr_u8(&five, 0);
	CHECK(bindings_disk_read(wr_span(&five), &got, &e) == COFFER_E_INPUT && got.n == 77);
}

static void bindings_of_no_bytes_or_too_many_are_not_written(void)
{
	CLEANUP(freep) uint8_t *big = calloc(1, DSSE_ENVELOPE_MAX + 1);
	CLEANUP(wr_close) struct wr w = wr_open(BINDINGS_DISK_MAX), most = wr_open(BINDINGS_DISK_MAX);
	struct bindings_disk b = { .envelope = { { big, DSSE_ENVELOPE_MAX + 1 } }, .n = 1 }, got;
	struct err e = { 0 };

	CHECK(bindings_disk_write(&b, &w, &e) == COFFER_E_LIMIT);
	b.envelope[0].n = 0;
	CHECK(bindings_disk_write(&b, &w, &e) == COFFER_E_LIMIT);
	for (b.n = 0; b.n < BINDINGS_MAX; b.n++)
		b.envelope[b.n] = (struct span){ big, DSSE_ENVELOPE_MAX };
	CHECK(bindings_disk_write(&b, &most, &e) == COFFER_OK && most.n <= BINDINGS_DISK_MAX);
	CHECK(bindings_disk_read(wr_span(&most), &got, &e) == COFFER_OK && got.n == BINDINGS_MAX);
}

static void a_machine_may_have_no_bindings_and_not_two_disks_of_them(void)
{
	CLEANUP(wr_close) struct wr none = { 0 }, disk = { 0 }, twice = { 0 }, w = { 0 };
	struct bindings_disk b, got = { .n = 77 };
	struct err e = { 0 };
	struct sys sys, dev;

	write_three(&w, &b);
	sys_new(&sys);
	sys_new(&dev);
	CHECK(vm_bindings_read(sys.path, dev.path, &none, &got, &e) == COFFER_OK && got.n == 0);
	put(&sys, "vdb", "/serial", span_of(BINDINGS_DISK_SERIAL));
	CHECK(vm_bindings_read(sys.path, dev.path, &none, &got, &e) == COFFER_E_SYSTEM); /* it is not in /dev */
	put(&dev, "vdb", "", wr_span(&w));
	CHECK(vm_bindings_read(sys.path, dev.path, &disk, &got, &e) == COFFER_OK && got.n == 3 && span_eq_str(got.envelope[2], "third"));
	put(&sys, "vdc", "/serial", span_of(BINDINGS_DISK_SERIAL));
	CHECK(vm_bindings_read(sys.path, dev.path, &twice, &got, &e) == COFFER_E_DENIED && strcmp(e.check, "disk") == 0);
	sys_end(&sys);
	sys_end(&dev);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(a_disk_is_found_by_its_whole_serial), T(no_such_disk_is_told_apart_from_two), T(a_disk_is_read_whole_or_not_at_all),
		T(sizes_of_a_scratch_disk), T(bindings_come_back_as_they_were_written), T(every_cut_of_a_disk_of_bindings_is_refused),
		T(odd_disks_of_bindings_are_refused), T(bindings_of_no_bytes_or_too_many_are_not_written),
		T(a_machine_may_have_no_bindings_and_not_two_disks_of_them),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
