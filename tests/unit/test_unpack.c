/* Runs as root in a folder of its own; skipped without the rights that unpacking needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/own.h"
#include "image/tree.h"
#include "image/unpack.h"
#include "tests/t.h"
#include "tests/tarmake.h"

struct box {
	char path[64];
	int fd;
	struct unpack_budget budget;
	struct wr w;
	struct err e;
	bool opaque;
};

static void box_clear(struct box *b)
{
	struct err e = { 0 };

	if (b->fd >= 0 && tree_empty(b->fd, &e) != COFFER_OK)
		printf("# %s\n", e.msg);
	closep(&b->fd);
	(void)rmdir(b->path);
	wr_close(&b->w);
}

static struct box box_new(void)
{
	struct box b = { .path = "/tmp/coffer-unpack-XXXXXX", .budget = { .bytes = 1 << 20, .entries = 1000 }, .w = wr_open(1 << 22), .fd = -1 };

	if (mkdtemp(b.path))
		b.fd = open(b.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return b;
}

static enum coffer_rc run(struct box *b)
{
	CLEANUP(unpack_freep) struct unpack *u = NULL;

	tm_end(&b->w);
	TRY(unpack_open(b->fd, &b->budget, &u, &b->e));
	TRY(unpack_add(u, wr_span(&b->w), &b->e));
	TRY(unpack_end(u, &b->e));
	b->opaque = unpack_root_opaque(u);
	return COFFER_OK;
}

static struct stat at(const struct box *b, const char *name)
{
	struct stat st = { 0 };

	if (fstatat(b->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		st.st_mode = 0;
	return st;
}

static bool absent(const struct box *b, const char *name)
{
	struct stat st;

	return fstatat(b->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

static bool is_whiteout(struct stat st)
{
	return S_ISCHR(st.st_mode) && st.st_rdev == 0 && (st.st_mode & 07777) == 0;
}

static bool is_opaque(const struct box *b, const char *name)
{
	CLEANUP(closep) int fd = openat(b->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char v[4];

	return fd >= 0 && fgetxattr(fd, "trusted.overlay.opaque", v, sizeof(v)) == 1 && v[0] == 'y';
}

#define BOX(b) CLEANUP(box_clear) struct box b = box_new()

static void unpack_sets_owner_mode_and_time(void)
{
	BOX(b);

	TM(&b.w, .type = '5', .name = "bin/", .mode = 02755, .uid = 3, .gid = 4, .mtime = 1000);
	TM(&b.w, .type = '0', .name = "bin/su", .data = "x", .mode = 04755, .uid = 10, .gid = 20, .mtime = 2000);
	TM(&b.w, .type = '2', .name = "bin/ln", .link = "/anywhere", .uid = 5, .gid = 6, .mtime = 3000);
	TM(&b.w, .type = '5', .name = "./", .mode = 0711, .mtime = 4000);
	CHECK(run(&b) == COFFER_OK);
	CHECK(at(&b, "bin").st_mode == (S_IFDIR | 02755) && at(&b, "bin").st_uid == 3 && at(&b, "bin").st_gid == 4);
	CHECK(at(&b, "bin").st_mtim.tv_sec == 1000);
	CHECK(at(&b, "bin/su").st_mode == (S_IFREG | 04755) && at(&b, "bin/su").st_uid == 10 && at(&b, "bin/su").st_gid == 20);
	CHECK(at(&b, "bin/su").st_mtim.tv_sec == 2000 && at(&b, "bin/su").st_size == 1);
	CHECK(S_ISLNK(at(&b, "bin/ln").st_mode) && at(&b, "bin/ln").st_uid == 5 && at(&b, "bin/ln").st_mtim.tv_sec == 3000);
	CHECK((at(&b, ".").st_mode & 07777) == 0711 && at(&b, ".").st_mtim.tv_sec == 4000);
}

static void unpack_never_writes_through_a_link(void)
{
	static const char *const links[] = { "/tmp", "..", ".", "real", "/proc/self/root" };

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		BOX(b);

		TM(&b.w, .type = '5', .name = "real/");
		TM(&b.w, .type = '2', .name = "out", .link = links[i]);
		TM(&b.w, .type = '0', .name = "out/coffer-escaped", .data = "pwned");
		CHECK(run(&b) == COFFER_E_DENIED && strcmp(b.e.check, "unpack") == 0);
		CHECK(access("/tmp/coffer-escaped", F_OK) != 0 && absent(&b, "real/coffer-escaped") && absent(&b, "coffer-escaped"));
	}
}

static void unpack_replaces_a_link_instead_of_following_it(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = "target", .data = "keep");
	TM(&b.w, .type = '2', .name = "f", .link = "target");
	TM(&b.w, .type = '0', .name = "f", .data = "new");
	CHECK(run(&b) == COFFER_OK && S_ISREG(at(&b, "f").st_mode) && at(&b, "target").st_size == 4);
}

static void unpack_folder_time_does_not_follow_a_link(void)
{
	BOX(b);

	TM(&b.w, .type = '5', .name = "victim/", .mtime = 5);
	TM(&b.w, .type = '5', .name = "d/sub/", .mtime = 7);
	TM(&b.w, .type = '2', .name = "d", .link = "victim"); /* replaces d and all in it */
	CHECK(run(&b) == COFFER_OK && S_ISLNK(at(&b, "d").st_mode) && at(&b, "victim").st_mtim.tv_sec == 5);
}

static void unpack_climbing_name_is_denied(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = "../coffer-escaped", .data = "x");
	CHECK(run(&b) == COFFER_E_DENIED && strcmp(b.e.check, "unpack") == 0 && access("/tmp/coffer-escaped", F_OK) != 0);
}

static void unpack_whiteouts_become_devices(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = "a/.wh.gone");
	TM(&b.w, .type = '0', .name = ".wh..wh.aufs", .data = "bookkeeping");
	CHECK(run(&b) == COFFER_OK && is_whiteout(at(&b, "a/gone")) && absent(&b, "a/.wh.gone") && absent(&b, ".wh..wh.aufs"));
	CHECK(!b.opaque);
}

static void unpack_whiteout_spares_what_the_layer_brings(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = "f", .data = "x");
	TM(&b.w, .type = '0', .name = ".wh.f");
	TM(&b.w, .type = '0', .name = "d/x", .data = "x");
	TM(&b.w, .type = '0', .name = ".wh.d");
	TM(&b.w, .type = '0', .name = ".wh.g");
	TM(&b.w, .type = '0', .name = "g", .data = "x");
	TM(&b.w, .type = '0', .name = ".wh.h");
	TM(&b.w, .type = '5', .name = "h/");
	TM(&b.w, .type = '0', .name = ".wh.i");
	TM(&b.w, .type = '0', .name = "i/deep/x", .data = "x");
	CHECK(run(&b) == COFFER_OK);
	CHECK(S_ISREG(at(&b, "f").st_mode) && S_ISREG(at(&b, "g").st_mode) && S_ISREG(at(&b, "d/x").st_mode));
	/* the lower folder of that name is gone, not merged */
	CHECK(is_opaque(&b, "d") && is_opaque(&b, "h") && is_opaque(&b, "i") && !is_opaque(&b, "i/deep"));
}

static void unpack_opaque_may_come_before_its_folder(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = "p/d/.wh..wh..opq");
	TM(&b.w, .type = '5', .name = "p/d/", .mode = 0700, .mtime = 9);
	TM(&b.w, .type = '0', .name = "p/d/new", .data = "x");
	CHECK(run(&b) == COFFER_OK && is_opaque(&b, "p/d") && !is_opaque(&b, "p"));
	CHECK((at(&b, "p/d").st_mode & 07777) == 0700 && at(&b, "p/d").st_mtim.tv_sec == 9 && !b.opaque);
}

static void unpack_opaque_root_is_told(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = ".wh..wh..opq");
	CHECK(run(&b) == COFFER_OK && b.opaque);
}

static void unpack_hard_links_stay_inside(void)
{
	static const char *const bad[] = { "../../etc/passwd", "/etc/../../passwd", "nowhere", "d", "lnk/f", "gone", "/" };
	BOX(good);

	TM(&good.w, .type = '0', .name = "d/f", .data = "x", .mode = 04711);
	TM(&good.w, .type = '1', .name = "e/g", .link = "/d/f");
	TM(&good.w, .type = '1', .name = "e/g", .link = "d/f"); /* again: replaced */
	CHECK(run(&good) == COFFER_OK && at(&good, "e/g").st_ino == at(&good, "d/f").st_ino && at(&good, "e/g").st_nlink == 2);
	CHECK((at(&good, "e/g").st_mode & 07777) == 04711);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		BOX(b);

		TM(&b.w, .type = '0', .name = "d/f", .data = "x");
		TM(&b.w, .type = '2', .name = "lnk", .link = "d");
		TM(&b.w, .type = '0', .name = ".wh.gone");
		TM(&b.w, .type = '1', .name = "h", .link = bad[i]);
		CHECK(run(&b) == COFFER_E_DENIED && strcmp(b.e.check, "unpack") == 0 && absent(&b, "h"));
	}
}

/* What overlayfs shows as nothing. */
static bool whited_out(const struct box *b, const char *name)
{
	struct stat s = at(b, name);

	return S_ISCHR(s.st_mode) && s.st_rdev == 0 && (s.st_mode & 07777) == 0;
}

static void unpack_devices_are_left_out_and_no_false_whiteout_is_made(void)
{
	BOX(b);
	BOX(bad);
	BOX(asked);

	TM(&b.w, .type = '0', .name = "tpm0", .data = "x");
	TM(&b.w, .type = '3', .name = "tpm0", .major = 10, .minor = 224, .mode = 0666, .uid = 7);
	TM(&b.w, .type = '3', .name = "dev/null", .major = 1, .minor = 3, .mode = 0666);
	TM(&b.w, .type = '4', .name = "blk", .major = 254, .minor = 0, .mode = 0666);
	TM(&b.w, .type = '4', .name = "again", .major = 254, .minor = 0);
	TM(&b.w, .type = '0', .name = "again", .data = "x");
	TM(&b.w, .type = '6', .name = "fifo", .mode = 0640);
	CHECK(run(&b) == COFFER_OK);
	CHECK(whited_out(&b, "tpm0") && whited_out(&b, "dev/null") && whited_out(&b, "blk"));
	CHECK(S_ISREG(at(&b, "again").st_mode) && at(&b, "fifo").st_mode == (S_IFIFO | 0640));
	TM(&bad.w, .type = '3', .name = "trick");
	CHECK(run(&bad) == COFFER_E_DENIED && absent(&bad, "trick"));
	asked.budget.devices = true;
	TM(&asked.w, .type = '3', .name = "null", .major = 1, .minor = 3, .mode = 0666, .uid = 7);
	TM(&asked.w, .type = '4', .name = "blk", .major = 7, .minor = 0);
	CHECK(run(&asked) == COFFER_OK && S_ISCHR(at(&asked, "null").st_mode) && at(&asked, "null").st_rdev == makedev(1, 3));
	CHECK((at(&asked, "null").st_mode & 07777) == 0666 && at(&asked, "null").st_uid == 7 && S_ISBLK(at(&asked, "blk").st_mode));
}

static void unpack_attributes_follow_the_rule(void)
{
	static const char cap[] = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
	static const char *const bad[] = { "SCHILY.xattr.trusted.overlay.redirect", "SCHILY.xattr.trusted.x", "SCHILY.xattr.system.posix_acl_access" };
	BOX(b);
	char v[32];
	CLEANUP(closep) int fd = -1;

	/* a capability set holds NUL bytes, so its record is put together here */
	tm_header(&b.w, &(struct tm_entry){ .type = 'x', .name = "pax", .size = 57 });
	wr_str(&b.w, "57 SCHILY.xattr.security.capability=");
	wr_put(&b.w, (struct span){ (const uint8_t *)cap, 20 });
	wr_str(&b.w, "\n");
	tm_pad(&b.w);
	TM(&b.w, .type = '0', .name = "ping", .data = "x", .uid = 1);
	tm_pax(&b.w, 'x', "SCHILY.xattr.security.selinux", "label");
	TM(&b.w, .type = '0', .name = "lab", .data = "x");
	CHECK(run(&b) == COFFER_OK);
	fd = openat(b.fd, "ping", O_RDONLY | O_CLOEXEC);
	CHECK(fgetxattr(fd, "security.capability", v, sizeof(v)) == 20 && memcmp(v, cap, 20) == 0); /* public: test */

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		BOX(x);

		tm_pax(&x.w, 'x', bad[i], "y");
		TM(&x.w, .type = '0', .name = "f");
		CHECK(run(&x) == COFFER_E_DENIED && strcmp(x.e.check, "unpack") == 0 && absent(&x, "f"));
	}
}

static void unpack_replaces_a_folder_by_a_file_and_back(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = "d/sub/x", .data = "x");
	TM(&b.w, .type = '0', .name = "d", .data = "file");
	CHECK(run(&b) == COFFER_OK && S_ISREG(at(&b, "d").st_mode));
	{
		BOX(c);

		TM(&c.w, .type = '0', .name = "d", .data = "file");
		TM(&c.w, .type = '5', .name = "d/");
		TM(&c.w, .type = '0', .name = "d/x", .data = "x");
		CHECK(run(&c) == COFFER_OK && is_opaque(&c, "d") && S_ISREG(at(&c, "d/x").st_mode));
	}
}

static void unpack_file_as_folder_is_denied(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = "f", .data = "x");
	TM(&b.w, .type = '0', .name = "f/x", .data = "x");
	CHECK(run(&b) == COFFER_E_DENIED && S_ISREG(at(&b, "f").st_mode));
}

static void unpack_root_that_is_no_folder_is_denied(void)
{
	BOX(b);

	TM(&b.w, .type = '2', .name = "./", .link = "/tmp");
	CHECK(run(&b) == COFFER_E_DENIED);
}

static void unpack_budgets_hold_at_n_and_n_plus_1(void)
{
	for (uint64_t entries = 3; entries <= 4; entries++) {
		BOX(b);

		b.budget.entries = entries; /* the implied folders d and d/e, then two files */
		TM(&b.w, .type = '0', .name = "d/e/f");
		TM(&b.w, .type = '0', .name = "g");
		CHECK(run(&b) == (entries == 4 ? COFFER_OK : COFFER_E_LIMIT));
	}
	for (uint64_t bytes = 5; bytes <= 6; bytes++) {
		BOX(b);

		b.budget.bytes = bytes; /* name and contents */
		TM(&b.w, .type = '0', .name = "f", .data = "12345");
		CHECK(run(&b) == (bytes == 6 ? COFFER_OK : COFFER_E_LIMIT));
		CHECK(bytes == 6 || absent(&b, "f"));
	}
}

static void unpack_claimed_size_is_refused_before_the_data(void)
{
	BOX(b);

	TM(&b.w, .type = '0', .name = "f", .size = 1ull << 32);
	CHECK(run(&b) == COFFER_E_LIMIT && absent(&b, "f"));
}

static void unpack_umask_does_not_matter(void)
{
	BOX(b);
	mode_t old = umask(0077);

	TM(&b.w, .type = '0', .name = "implied/f", .data = "x", .mode = 0666);
	TM(&b.w, .type = '5', .name = "d/", .mode = 0777);
	CHECK(run(&b) == COFFER_OK);
	(void)umask(old);
	CHECK((at(&b, "implied").st_mode & 07777) == 0755 && (at(&b, "implied/f").st_mode & 07777) == 0666 && (at(&b, "d").st_mode & 07777) == 0777);
}

static void unpack_cut_archive_is_refused(void)
{
	CLEANUP(unpack_freep) struct unpack *u = NULL;
	BOX(b);

	TM(&b.w, .type = '0', .name = "f", .data = "hello");
	CHECK(unpack_open(b.fd, &b.budget, &u, &b.e) == COFFER_OK);
	CHECK(unpack_add(u, (struct span){ b.w.p, 515 }, &b.e) == COFFER_OK && unpack_end(u, &b.e) == COFFER_E_INPUT);
}

static void unpack_folders_of_a_depth_first_walk_are_found_again(void)
{
	BOX(b);
	char name[16];

	for (int i = 0; i < 200; i++) { /* siblings whose names share prefixes */
		(void)snprintf(name, sizeof(name), "d/%d/f", i % 20 * (i % 3 ? 1 : 11));
		TM(&b.w, .type = '0', .name = name, .data = "x");
	}
	TM(&b.w, .type = '0', .name = "d2/f", .data = "x");
	TM(&b.w, .type = '0', .name = "d/f", .data = "x");
	CHECK(run(&b) == COFFER_OK && S_ISREG(at(&b, "d/1/f").st_mode) && S_ISREG(at(&b, "d/11/f").st_mode) && S_ISREG(at(&b, "d2/f").st_mode));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(unpack_sets_owner_mode_and_time), T(unpack_never_writes_through_a_link), T(unpack_replaces_a_link_instead_of_following_it),
		T(unpack_folder_time_does_not_follow_a_link), T(unpack_climbing_name_is_denied), T(unpack_whiteouts_become_devices),
		T(unpack_whiteout_spares_what_the_layer_brings), T(unpack_opaque_may_come_before_its_folder), T(unpack_opaque_root_is_told),
		T(unpack_hard_links_stay_inside), T(unpack_devices_are_left_out_and_no_false_whiteout_is_made), T(unpack_attributes_follow_the_rule),
		T(unpack_replaces_a_folder_by_a_file_and_back), T(unpack_file_as_folder_is_denied), T(unpack_root_that_is_no_folder_is_denied),
		T(unpack_budgets_hold_at_n_and_n_plus_1), T(unpack_claimed_size_is_refused_before_the_data), T(unpack_umask_does_not_matter),
		T(unpack_cut_archive_is_refused), T(unpack_folders_of_a_depth_first_walk_are_found_again),
	};

	if (geteuid() != 0) {
		printf("1..0 # SKIP unpacking needs root\n");
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
