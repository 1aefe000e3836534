/* guest/unpack of the shared vectors: each archive through the layer pipeline, as root, in a folder of its own. */
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
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "image/layer.h"
#include "image/tree.h"
#include "os/file.h"
#include "tests/t.h"

struct box {
	char path[64];
	int fd;
	struct wr stored;
	struct err e;
};

static void box_clear(struct box *b)
{
	struct err e = { 0 };

	if (b->fd >= 0 && tree_empty(b->fd, &e) != COFFER_OK)
		printf("# %s\n", e.msg);
	closep(&b->fd);
	(void)rmdir(b->path);
	wr_close(&b->stored);
}

static char *shared(const char *name)
{
	return str_fmt("%s/vectors/guest/unpack/%s", getenv("COFFER_SHARED"), name);
}

static bool load(const char *name, struct wr *w)
{
	CLEANUP(freep) char *path = shared(name);
	struct err e = { 0 };

	return path && file_read(path, w->max, w, &e) == COFFER_OK;
}

static enum coffer_rc source(void *arg, layer_sink sink, void *sink_arg, struct err *e)
{
	return sink(sink_arg, wr_span(arg), e);
}

static struct box box_new(void)
{
	struct box b = { .path = "/tmp/coffer-vec-XXXXXX", .fd = -1, .stored = wr_open(1 << 20) };

	if (mkdtemp(b.path))
		b.fd = open(b.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return b;
}

static enum coffer_rc unpack(struct box *b, enum inflate_kind k, struct span diff_id)
{
	struct unpack_budget budget = { 1 << 20, 1000, true };
	uint8_t want[32];
	bool opaque;
	struct layer_job j = { .dir_fd = b->fd, .compression = k, .diff_id = want, .budget = &budget, .source = source, .source_arg = &b->stored };

	if (!hex_fixed(span_skip(diff_id, 7), want, 32))
		return err_set(&b->e, COFFER_E_INPUT, "vector without diff_id");
	return layer_unpack(&j, &opaque, &b->e);
}

static bool want_u(const struct json *v, const char *name, uint64_t have)
{
	uint64_t want;

	return !json_u64(json_get(v, name), &want) || want == have;
}

static bool device_is(const struct json *v, dev_t have)
{
	uint64_t major_of, minor_of;

	return json_u64(json_at(v, 0), &major_of) && json_u64(json_at(v, 1), &minor_of) && major(have) == major_of && minor(have) == minor_of;
}

static bool mode_is(const struct json *v, mode_t mode)
{
	CLEANUP(freep) char *text = span_dup(json_str(v));

	return !v || (text && strtoul(text, NULL, 8) == (mode & 07777));
}

static bool content_is(int dir, const char *path, const struct json *v)
{
	CLEANUP(closep) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char buf[256];
	ssize_t n = fd >= 0 ? read(fd, buf, sizeof(buf)) : -1;

	return n >= 0 && span_eq((struct span){ (uint8_t *)buf, (size_t)n }, json_str(v));
}

static bool link_is(int dir, const char *path, const struct json *v)
{
	char buf[256];
	ssize_t n = readlinkat(dir, path, buf, sizeof(buf));

	return n >= 0 && span_eq((struct span){ (uint8_t *)buf, (size_t)n }, json_str(v));
}

static bool xattr_is(int dir, const char *path, const struct json *v)
{
	CLEANUP(closep) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	CLEANUP(freep) char *name = span_dup(json_name(v, 0));
	char buf[256];
	ssize_t n = fd >= 0 && name ? fgetxattr(fd, name, buf, sizeof(buf)) : -1;

	return n >= 0 && span_eq((struct span){ (uint8_t *)buf, (size_t)n }, json_str(json_at(v, 0)));
}

static bool same_inode(int dir, ino_t ino, const struct json *v)
{
	CLEANUP(freep) char *other = span_dup(json_str(v));
	struct stat st;

	return other && fstatat(dir, other, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == ino;
}

static bool path_fits(int dir, const char *path, const struct json *v)
{
	struct stat st;

	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return json_get(v, "absent") != NULL;
	if (json_get(v, "absent") || !want_u(v, "uid", st.st_uid) || !want_u(v, "gid", st.st_gid) || !want_u(v, "mtime", (uint64_t)st.st_mtim.tv_sec))
		return false;
	if (!mode_is(json_get(v, "mode"), st.st_mode) || (json_get(v, "fifo") && !S_ISFIFO(st.st_mode)))
		return false;
	if (json_get(v, "char_device") && !(S_ISCHR(st.st_mode) && device_is(json_get(v, "char_device"), st.st_rdev)))
		return false;
	if (json_get(v, "block_device") && !(S_ISBLK(st.st_mode) && device_is(json_get(v, "block_device"), st.st_rdev)))
		return false;
	if ((json_get(v, "content") && !content_is(dir, path, json_get(v, "content"))) ||
	    (json_get(v, "symlink") && !link_is(dir, path, json_get(v, "symlink"))))
		return false;
	if (json_get(v, "xattr") && !xattr_is(dir, path, json_get(v, "xattr")))
		return false;
	return !json_get(v, "same_inode_as") || same_inode(dir, st.st_ino, json_get(v, "same_inode_as"));
}

static bool paths_fit(const struct box *b, const struct json *paths)
{
	CLEANUP(closep) int root = openat(b->fd, "0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = root >= 0;

	for (size_t i = 0; i < json_len(paths); i++) {
		CLEANUP(freep) char *path = span_dup(json_name(paths, i));

		if (!path || !path_fits(root, path, json_at(paths, i))) {
			printf("# %s is not as expected\n", path);
			ok = false;
		}
	}
	return ok;
}

/* Archives that leave the root, which this reader refuses (the vectors allow that). */
static bool must_fail(const char *name)
{
	return strcmp(name, "hardlink-escape.tar") == 0 || strcmp(name, "symlink-then-write.tar") == 0 || strcmp(name, "dotdot-entry.tar") == 0;
}

static bool run_one(const char *name, const struct json *v)
{
	CLEANUP(box_clear) struct box b = box_new();
	enum coffer_rc rc;

	if (!load(name, &b.stored))
		return false;
	rc = unpack(&b, INFLATE_NONE, json_str(json_get(v, "diff_id")));
	if (must_fail(name))
		return rc == COFFER_E_DENIED && strcmp(b.e.check, "unpack") == 0 && faccessat(b.fd, "0", F_OK, 0) != 0 &&
		    access("/tmp/coco-vector-escape", F_OK) != 0 && access("/tmp/evil", F_OK) != 0;
	if (rc != COFFER_OK)
		printf("# %s\n", b.e.msg);
	return rc == COFFER_OK && paths_fit(&b, json_get(v, "paths"));
}

static void compressed_forms_give_the_same_tree(void)
{
	static const struct { const char *name; enum inflate_kind kind; } forms[] = {
		{ "compressed/hello.tar", INFLATE_NONE }, { "compressed/hello.tar.gz", INFLATE_GZIP },
		{ "compressed/hello-multimember.tar.gz", INFLATE_GZIP }, { "compressed/hello.tar.zst", INFLATE_ZSTD },
	};
	CLEANUP(wr_close) struct wr text = wr_open(1 << 16);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e = { 0 };

	CHECK(load("compressed/expected.json", &text) && json_parse(wr_span(&text), 1 << 16, &doc, &e) == COFFER_OK);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		CLEANUP(box_clear) struct box b = box_new();

		CHECK(load(forms[i].name, &b.stored));
		CHECK(unpack(&b, forms[i].kind, json_str(json_get(json_root(doc), "diff_id"))) == COFFER_OK);
	}
}

static void every_archive_unpacks_as_expected(void)
{
	CLEANUP(wr_close) struct wr text = wr_open(1 << 16);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e = { 0 };

	CHECK(load("expected.json", &text) && json_parse(wr_span(&text), 1 << 16, &doc, &e) == COFFER_OK);
	CHECK(json_len(json_root(doc)) >= 12);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		CLEANUP(freep) char *name = span_dup(json_name(json_root(doc), i));
		bool ok = name && run_one(name, json_at(json_root(doc), i));

		printf("# %s %s\n", ok ? "fits" : "FAILS", name);
		CHECK(ok);
	}
}

/* The long name and the attribute are told in words only. */
static void long_name_and_attribute_arrive(void)
{
	CLEANUP(wr_close) struct wr text = wr_open(1 << 16);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(box_clear) struct box b = box_new();
	CLEANUP(closep) int fd = -1;
	struct err e = { 0 };
	char v[16], long_name[512] = "0/";
	ssize_t n;

	CHECK(load("expected.json", &text) && json_parse(wr_span(&text), 1 << 16, &doc, &e) == COFFER_OK && load("pax-long-and-xattr.tar", &b.stored));
	CHECK(unpack(&b, INFLATE_NONE, json_str(json_get(json_get(json_root(doc), "pax-long-and-xattr.tar"), "diff_id"))) == COFFER_OK);
	for (size_t i = 0; i < 40; i++)
		memcpy(long_name + 2 + 2 * i, "a/", 3);
	CHECK(faccessat(b.fd, long_name, F_OK, 0) == 0);
	fd = openat(b.fd, "0/cap", O_RDONLY | O_CLOEXEC);
	n = fgetxattr(fd, "user.demo", v, sizeof(v));
	CHECK((n == 5 && memcmp(v, "value", 5) == 0) || (n < 0 && errno == EOPNOTSUPP)); /* public: test */
}

int main(void)
{
	static const struct t_case cases[] = {
		T(every_archive_unpacks_as_expected), T(compressed_forms_give_the_same_tree), T(long_name_and_attribute_arrive),
	};
	CLEANUP(freep) char *dir = getenv("COFFER_SHARED") ? shared("expected.json") : NULL;

	if (!dir || access(dir, R_OK) != 0 || geteuid() != 0) {
		printf("1..%zu\n", sizeof(cases) / sizeof(cases[0]));
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			printf("ok %zu %s # SKIP %s\n", i + 1, cases[i].name, geteuid() != 0 ? "unpacking needs root" : "no shared vectors");
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
