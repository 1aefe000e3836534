/* What an image is picked from, and the list of its packages: no package is opened here (tests/e2e/test_guest_build.py does). */
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/packages.h"
#include "cli/guest/tree.h"
#include "tests/t.h"
#include "tests/unit/elf_fix.h"

#define LIB "usr/lib/x86_64-linux-gnu/"
#define HEX "3d3fdbe91d4660c873e14b092c213fe81c1da6362daa236eb25d0171eb108744"

/* ---- the list ---- */

static enum coffer_rc parse(const char *text, struct guest_packages *out)
{
	struct err e = { 0 };

	return packages_parse(span_of(text), out, &e);
}

static void a_list_is_read_sorted_and_written_again(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct guest_packages p, again;
	CLEANUP(freep) char *path = NULL;
	struct err e = { 0 };

	CHECK(parse("# a comment\n\nlibc6 2.36-9+deb12u14 amd64 " HEX "\nbusybox 1:1.35~x all " HEX "\n", &p) == COFFER_OK && p.n == 2);
	CHECK(strcmp(p.p[0].name, "busybox") == 0 && strcmp(p.p[0].version, "1:1.35~x") == 0 && p.p[1].sha256[0] == 0x3d);
	packages_write(&p, &w);
	CHECK(packages_parse(wr_span(&w), &again, &e) == COFFER_OK && again.n == 2);
	CHECK(memcmp(&p.p, &again.p, 2 * sizeof(p.p[0])) == 0);
	path = package_path(&p.p[0], "/cache");
	CHECK(path && strcmp(path, "/cache/busybox_1%3a1.35~x_all.deb") == 0);
}

static void a_line_is_named_and_not_shown(void)
{
	struct guest_packages p;
	struct err e = { 0 };

	CHECK(packages_parse(span_of("# a comment\n\npassphrase of somebody\n"), &p, &e) == COFFER_E_INPUT);
	CHECK(strstr(e.msg, "line 3") && !strstr(e.msg, "somebody"));
}

static void other_lines_are_refused(void)
{
	static const char *const bad[] = { "", "# nothing\n", "libc6\n", "libc6 2 amd64\n", "libc6 2 amd64 00\n", "libc6 2 arm64 " HEX "\n",
		"libc6 2 amd64 " HEX " more\n", "libc6  2 amd64 " HEX "\n", "../x 2 amd64 " HEX "\n", "-x 2 amd64 " HEX "\n",
		"x ../2 amd64 " HEX "\n", "x -2 amd64 " HEX "\n", "Libc6 2 amd64 " HEX "\n", "x 2 amd64 " HEX "\nx 3 amd64 " HEX "\n" };
	struct guest_packages p = { .n = 99 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse(bad[i], &p) == COFFER_E_INPUT);
	CHECK(p.n == 99);
}

static void every_truncation_of_a_line_is_refused(void)
{
	static const char line[] = "libc6 2.36 amd64 " HEX;
	struct guest_packages p;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(line) - 1; i++)
		CHECK(packages_parse((struct span){ (const uint8_t *)line, i }, &p, &e) == COFFER_E_INPUT);
	CHECK(packages_parse(span_of(line), &p, &e) == COFFER_OK);
}

static void more_packages_than_a_list_holds_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct guest_packages p;
	struct err e = { 0 };

	for (int i = 0; i < GUEST_PACKAGES_MAX; i++)
		wr_fmt(&w, "p%d 1 all " HEX "\n", i);
	CHECK(packages_parse(wr_span(&w), &p, &e) == COFFER_OK && p.n == GUEST_PACKAGES_MAX);
	wr_str(&w, "q 1 all " HEX "\n");
	CHECK(packages_parse(wr_span(&w), &p, &e) == COFFER_E_LIMIT);
}

/* ---- what is linked into the agent ---- */

static enum coffer_rc linked(const char *text, struct guest_linked *out)
{
	struct err e = { 0 };

	return linked_parse(span_of(text), out, &e);
}

static void what_is_linked_in_is_read_with_its_packages(void)
{
	const struct guest_package *p[GUEST_LINKED_MAX];
	struct guest_linked l;

	CHECK(linked("Scrt1.o libc6-dev 2.36-9+deb12u14 amd64 " HEX "\nlibc_nonshared.a libc6-dev 2.36-9+deb12u14 amd64 " HEX
		     "\nlibcrypto.a libssl-dev 3.0.19-1~deb12u2 amd64 " HEX "\n", &l) == COFFER_OK && l.n == 3);
	CHECK(strcmp(l.f[1].file, "libc_nonshared.a") == 0 && strcmp(l.f[2].from.version, "3.0.19-1~deb12u2") == 0 && l.f[2].from.sha256[0] == 0x3d);
	CHECK(linked_packages(&l, p) == 2 && strcmp(p[0]->name, "libc6-dev") == 0 && p[1] == &l.f[2].from);
}

static void other_lists_of_what_is_linked_in_are_refused(void)
{
	static const char *const bad[] = { "", "\n", "# nothing\n", "x.a\n", "x.a libx 1 amd64\n", "x.a libx 1 amd64 00\n", "x.a libx 1 arm64 " HEX "\n",
		"x.a libx 1 amd64 " HEX " more\n", "a/x.a libx 1 amd64 " HEX "\n", "../x.a libx 1 amd64 " HEX "\n", ".a libx 1 amd64 " HEX "\n",
		"_x.a libx 1 amd64 " HEX "\n", "x.a Libx 1 amd64 " HEX "\n", "x\".a libx 1 amd64 " HEX "\n", " libx 1 amd64 " HEX "\n",
		"x.a libx 1 amd64 " HEX "\n\n", "b.a libx 1 amd64 " HEX "\na.a libx 1 amd64 " HEX "\n", "a.a libx 1 amd64 " HEX "\na.a liby 1 amd64 " HEX "\n",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa libx 1 amd64 " HEX "\n" };
	static const char whole[] = "libcrypto.a libssl-dev 3.0 amd64 " HEX;
	struct guest_linked l = { .n = 99 };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(linked(bad[i], &l) == COFFER_E_INPUT);
	for (size_t i = 0; i < sizeof(whole) - 1; i++)
		CHECK(linked_parse((struct span){ (const uint8_t *)whole, i }, &l, &e) == COFFER_E_INPUT);
	CHECK(l.n == 99 && linked(whole, &l) == COFFER_OK && l.n == 1);
}

static void more_files_linked_in_than_are_read_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct guest_linked l;
	struct err e = { 0 };

	for (int i = 0; i < GUEST_LINKED_MAX; i++)
		wr_fmt(&w, "x%02d.a libx 1 all " HEX "\n", i);
	CHECK(linked_parse(wr_span(&w), &l, &e) == COFFER_OK && l.n == GUEST_LINKED_MAX);
	wr_str(&w, "y.a liby 1 all " HEX "\n");
	CHECK(linked_parse(wr_span(&w), &l, &e) == COFFER_E_LIMIT);
}

/* ---- the tree ---- */

static void put(struct guest_tree *t, const char *path, uint32_t mode, struct wr *data)
{
	struct guest_file f = { .mode = mode, .data = *data };
	struct err e = { 0 };

	*data = (struct wr){ 0 };
	CHECK(tree_add(t, path, &f, &e) == COFFER_OK);
}

static void put_link(struct guest_tree *t, const char *path, const char *to)
{
	struct wr w = wr_open(256);

	wr_str(&w, to);
	put(t, path, S_IFLNK | 0777, &w);
}

static void put_program(struct guest_tree *t, const char *path, const char *const *needed)
{
	struct wr w = wr_open(8192);

	elff_program(&w, needed);
	put(t, path, S_IFREG | 0755, &w);
}

static void put_module(struct guest_tree *t, const char *name, const char *depends)
{
	CLEANUP(freep) char *path = str_fmt("usr/lib/modules/6.1/kernel/%s.ko", name);
	struct wr info = wr_open(256), w = wr_open(8192);

	wr_fmt(&info, "name=x%cdepends=%s%c", 0, depends, 0);
	elff_make(&w, (struct elff_section[]){ { ".modinfo", wr_span(&info) } }, 1);
	put(t, path, S_IFREG | 0644, &w);
	wr_close(&info);
}

static bool has(const struct guest_tree *t, const char *path)
{
	return tree_find(t, span_of(path)) != NULL;
}

static void a_program_brings_what_it_needs_and_no_more(void)
{
	CLEANUP(tree_clear) struct guest_tree from = { 0 }, to = { 0 };
	const struct guest_pick p = { &from, &to };
	struct err e = { 0 };

	put_program(&from, "usr/bin/run", (const char *const[]){ "libx.so.1", "libc.so.6", NULL });
	put_program(&from, LIB "libc.so.6", (const char *const[]){ NULL });
	put_link(&from, LIB "libx.so.1", "libx.so.1.2");
	put_program(&from, LIB "libx.so.1.2", (const char *const[]){ "liby.so.1", NULL });
	put_program(&from, LIB "liby.so.1", (const char *const[]){ "libx.so.1", NULL }); /* each other: asked for once */
	put_program(&from, LIB "libz.so.1", (const char *const[]){ NULL });
	CHECK(pick_program(&p, "usr/bin/run", &e) == COFFER_OK && to.n == 5);
	CHECK(has(&to, "usr/bin/run") && has(&to, LIB "libx.so.1") && has(&to, LIB "libx.so.1.2") && has(&to, LIB "liby.so.1"));
	CHECK(!has(&to, LIB "libz.so.1"));
	CHECK(tree_folders(&to, &e) == COFFER_OK && to.n == 9);
	CHECK(has(&to, "usr") && has(&to, "usr/bin") && has(&to, "usr/lib/x86_64-linux-gnu"));
}

static void links_by_absolute_path_are_followed_as_folders_are_merged(void)
{
	CLEANUP(tree_clear) struct guest_tree from = { 0 }, to = { 0 };
	const struct guest_pick p = { &from, &to };
	struct err e = { 0 };

	put_link(&from, "usr/lib64/ld.so", "/lib/x86_64-linux-gnu/ld.so");
	put_program(&from, LIB "ld.so", (const char *const[]){ NULL });
	CHECK(pick_program(&p, "usr/lib64/ld.so", &e) == COFFER_OK && to.n == 2);
}

static void what_is_missing_is_named_with_who_needs_it(void)
{
	CLEANUP(tree_clear) struct guest_tree from = { 0 }, to = { 0 };
	const struct guest_pick p = { &from, &to };
	struct err e = { 0 };

	put_program(&from, "usr/bin/run", (const char *const[]){ "libx.so.1", NULL });
	CHECK(pick_program(&p, "usr/bin/run", &e) == COFFER_E_NOTFOUND && strstr(e.msg, "usr/bin/run") && strstr(e.msg, "libx.so.1"));
	CHECK(pick_program(&p, "usr/bin/absent", &e) == COFFER_E_NOTFOUND);
	put_link(&from, "usr/bin/a", "b");
	put_link(&from, "usr/bin/b", "a");
	CHECK(pick_program(&p, "usr/bin/a", &e) == COFFER_E_INPUT);
	put_program(&from, "usr/bin/climb", (const char *const[]){ "../../../x", NULL });
	CHECK(pick_program(&p, "usr/bin/climb", &e) == COFFER_E_INPUT);
}

static void modules_come_after_those_they_depend_on(void)
{
	CLEANUP(tree_clear) struct guest_tree from = { 0 }, to = { 0 };
	CLEANUP(wr_close) struct wr order = wr_open(4096);
	const struct guest_pick p = { &from, &to };
	struct err e = { 0 };

	put_module(&from, "virtio", "");
	put_module(&from, "virtio_ring", "virtio");
	put_module(&from, "virtio-rng", "virtio_ring,virtio");
	put_module(&from, "other", "");
	CHECK(pick_modules(&p, (const char *const[]){ "virtio_rng", "virtio", NULL }, &order, &e) == COFFER_OK && to.n == 3);
	CHECK(span_eq_str(wr_span(&order), "/usr/lib/modules/6.1/kernel/virtio.ko\n/usr/lib/modules/6.1/kernel/virtio_ring.ko\n"
	                                   "/usr/lib/modules/6.1/kernel/virtio-rng.ko\n"));
}

static void modules_that_are_missing_or_go_in_circles_are_refused(void)
{
	CLEANUP(tree_clear) struct guest_tree from = { 0 }, to = { 0 };
	CLEANUP(wr_close) struct wr order = wr_open(4096);
	const struct guest_pick p = { &from, &to };
	struct err e = { 0 };

	put_module(&from, "a", "b");
	put_module(&from, "b", "a");
	put_module(&from, "c", "absent");
	CHECK(pick_modules(&p, (const char *const[]){ "a", NULL }, &order, &e) == COFFER_E_LIMIT);
	CHECK(pick_modules(&p, (const char *const[]){ "c", NULL }, &order, &e) == COFFER_E_NOTFOUND && strstr(e.msg, "absent"));
}

static void a_path_is_taken_once(void)
{
	CLEANUP(tree_clear) struct guest_tree t = { 0 };
	struct guest_file f = { .mode = S_IFREG };
	struct err e = { 0 };

	CHECK(tree_add(&t, "b", &f, &e) == COFFER_OK && tree_add(&t, "a", &f, &e) == COFFER_OK);
	CHECK(tree_add(&t, "b", &f, &e) == COFFER_E_INPUT && t.n == 2 && strcmp(t.f[0].path, "a") == 0);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(a_list_is_read_sorted_and_written_again),
		T(a_line_is_named_and_not_shown),
		T(other_lines_are_refused),
		T(every_truncation_of_a_line_is_refused),
		T(more_packages_than_a_list_holds_are_refused),
		T(what_is_linked_in_is_read_with_its_packages),
		T(other_lists_of_what_is_linked_in_are_refused),
		T(more_files_linked_in_than_are_read_are_refused),
		T(a_program_brings_what_it_needs_and_no_more),
		T(links_by_absolute_path_are_followed_as_folders_are_merged),
		T(what_is_missing_is_named_with_who_needs_it),
		T(modules_come_after_those_they_depend_on),
		T(modules_that_are_missing_or_go_in_circles_are_refused),
		T(a_path_is_taken_once),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
