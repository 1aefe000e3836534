/* Zone files found by name: one by one, or all at once. */
#include "os/zones.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/file.h"
#include "tests/t.h"
#include "tzif_fix.h"

/* 64 letters */
#define LONG "Abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"

static char dir[] = "/tmp/coffer-test-zones.XXXXXX";

static void put(const char *name, struct span content)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	CLEANUP(closep) int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;

	CHECK(fd >= 0 && write(fd, content.p, content.n) == (ssize_t)content.n);
}

static int away(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void folder(const char *name)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	struct err e = { 0 };

	CHECK(path && file_mkdirs(path, 0755, &e) == COFFER_OK);
}

static void link_to(const char *target, const char *name)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);

	CHECK(path && symlink(target, path) == 0);
}

static void fill(void)
{
	struct made_zone m = MADE_NORTH;
	CLEANUP(wr_close) struct wr w = made_file(&m);
	CLEANUP(wr_close) struct wr big = wr_open(1 << 20);

	CHECK(mkdtemp(dir) != NULL);
	folder("Made/Deep/Deeper");
	folder("posix");
	folder("right");
	folder("1/2/3/4/5");
	put("North", wr_span(&w));
	put("Made/South", span_of("TZif south"));
	put("Made/Deep/Deeper/Place", span_of("TZif place"));
	put("posix/North", wr_span(&w));
	put("right/North", wr_span(&w));
	put("1/2/3/4/5/Far", wr_span(&w));
	put("zone.tab", span_of("# no time zone"));
	wr_str(&big, "TZif");
	while (big.n < 65537)
		wr_u8(&big, 0);
	put("Big", wr_span(&big));
	put("Largest", (struct span){ big.p, 65536 });
	link_to("Made/South", "Linked");
	link_to("../../North", "Made/Deep/Up");
	CLEANUP(freep) char *absolute = str_fmt("%s/North", dir), *round = str_fmt("../%s/North", strrchr(dir, '/') + 1);
	link_to("/etc/passwd", "Out");
	link_to(absolute, "Absolute");
	link_to(round, "Round");
	put(LONG, wr_span(&w));
	put(LONG "g", wr_span(&w));
	link_to("../../../../../../etc/passwd", "Made/Out");
	link_to("Made", "Folder");
	link_to("Loop", "Loop");
}

static bool found(struct zones *z, const char *name, const char *start)
{
	struct span f = { 0 };

	return zones_find(z, span_of(name), &f) && span_starts(f, start);
}

/* The same answers either way, but for folders too deep to be walked. */
static void answers(struct zones *z)
{
	static const char *const no[] = { "", "zone.tab", "Big", "Out", "Made/Out", "Folder", "Loop", LONG "g", "Absolute",
		"Round", "Made", "Made/", "posix/North", "right/North", "../etc/passwd", "/etc/passwd", "North/", "north", "Nort",
		"Northern", "Made/Deep/../../../etc/passwd" };
	struct span f = { 0 };

	for (int again = 0; again < 2; again++) {
		CHECK(found(z, "North", "TZif2") && found(z, "Made/South", "TZif south") &&
		      found(z, "Made/Deep/Deeper/Place", "TZif place"));
		CHECK(found(z, "Linked", "TZif south") && found(z, "Made/Deep/Up", "TZif2") && found(z, "Largest", "TZif") &&
		      found(z, LONG, "TZif2"));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (zones_find(z, span_of(no[i]), &f))
			CHECK(no[i] == NULL);
	CHECK(!zones_find(z, (struct span){ (const uint8_t *)"North\0x", 7 }, &f) && f.n == 0);
}

static void files_are_read_as_they_are_asked_for(void)
{
	CLEANUP(zones_close) struct zones z = zones_open(dir);
	struct span a, b;

	CHECK(z.n == 0);
	answers(&z);
	CHECK(z.n == 7 && zones_find(&z, span_of("North"), &a) && zones_find(&z, span_of("North"), &b) && a.p == b.p && z.n == 7);
}

static void loaded_zones_need_no_file_any_more(void)
{
	CLEANUP(zones_close) struct zones z = zones_open(dir);
	struct err e = { 0 };
	struct span f;

	CHECK(zones_load(&z, &e) == COFFER_OK && z.n == 7);
	for (size_t i = 1; i < z.n; i++)
		CHECK(strcmp(z.file[i - 1].name, z.file[i].name) < 0);
	put("Later", span_of("TZif later"));
	CHECK(!zones_find(&z, span_of("Later"), &f) && !zones_find(&z, span_of("1/2/3/4/5/Far"), &f));
	answers(&z);
	CLEANUP(zones_close) struct zones y = zones_open(dir);
	CHECK(found(&y, "Later", "TZif later"));
}

static void folder_that_is_not_there_holds_none(void)
{
	CLEANUP(zones_close) struct zones z = zones_open("/nonexistent/zones");
	struct err e = { 0 };
	struct span f;

	CHECK(!zones_find(&z, span_of("North"), &f) && zones_load(&z, &e) == COFFER_OK && z.n == 0);
	CHECK(!zones_find(&z, span_of("North"), &f));
}

static void too_many_zones_are_none(void)
{
	CLEANUP(zones_close) struct zones z = zones_open(dir);
	struct err e = { 0 };
	char name[32];

	folder("Many");
	for (int i = 0; i < 1024 - 8; i++) { /* 7, and Later */
		(void)snprintf(name, sizeof(name), "Many/%d", i);
		put(name, span_of("TZif"));
	}
	CHECK(zones_load(&z, &e) == COFFER_OK && z.n == 1024);
	put("Many/over", span_of("TZif"));
	CLEANUP(zones_close) struct zones y = zones_open(dir);
	CHECK(zones_load(&y, &e) == COFFER_E_LIMIT && y.n == 0 && !found(&y, "North", "TZif"));
}

static void too_many_bytes_are_none(void)
{
	CLEANUP(freep) char *many = str_fmt("%s/Many", dir);
	CLEANUP(zones_close) struct zones z = zones_open(dir);
	CLEANUP(wr_close) struct wr big = wr_open(65536);
	struct err e = { 0 };
	char name[32];

	folder("Heavy");
	wr_str(&big, "TZif");
	while (big.n < 65536)
		wr_u8(&big, 0);
	for (int i = 0; i < 128; i++) {
		(void)snprintf(name, sizeof(name), "Heavy/%d", i);
		put(name, wr_span(&big));
	}
	CHECK(many && nftw(many, away, 16, FTW_DEPTH | FTW_PHYS) == 0);
	CHECK(zones_load(&z, &e) == COFFER_E_LIMIT && strstr(e.msg, "bytes") && z.n == 0);
}

int main(void)
{
	static const struct t_case c[] = {
		T(fill),
		T(files_are_read_as_they_are_asked_for),
		T(loaded_zones_need_no_file_any_more),
		T(folder_that_is_not_there_holds_none),
		T(too_many_zones_are_none),
		T(too_many_bytes_are_none),
	};
	int bad = t_main(c, sizeof(c) / sizeof(c[0]));

	(void)nftw(dir, away, 16, FTW_DEPTH | FTW_PHYS);
	return bad;
}
