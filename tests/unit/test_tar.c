#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "image/tar.h"
#include "tests/t.h"
#include "tests/tarmake.h"

struct seen {
	size_t n, closed, bytes;
	char path[TAR_NAME_MAX + 1], link[TAR_NAME_MAX + 1];
	char data[64];
	struct tar_entry last; /* its spans are dead */
	char xname[64], xvalue[64];
	size_t fail_at; /* entry number that the sink refuses; 0 = none */
};

static void text(char *dst, size_t cap, struct span s)
{
	size_t n = s.n < cap - 1 ? s.n : cap - 1;

	if (n)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
}

static enum coffer_rc on_entry(void *arg, const struct tar_entry *t, struct err *e)
{
	struct seen *s = arg;

	if (++s->n == s->fail_at)
		return err_deny(e, "unpack", "refused by the sink");
	text(s->path, sizeof(s->path), t->path);
	text(s->link, sizeof(s->link), t->link);
	s->last = *t;
	if (t->n_xattrs) {
		text(s->xname, sizeof(s->xname), t->xattrs[0].name);
		text(s->xvalue, sizeof(s->xvalue), t->xattrs[0].value);
	}
	return COFFER_OK;
}

static enum coffer_rc on_data(void *arg, struct span piece, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	for (size_t i = 0; i < piece.n && s->bytes + i < sizeof(s->data) - 1; i++)
		s->data[s->bytes + i] = (char)piece.p[i];
	s->bytes += piece.n;
	return COFFER_OK;
}

static enum coffer_rc on_close(void *arg, struct err *e)
{
	(void)e;
	((struct seen *)arg)->closed++;
	return COFFER_OK;
}

/* Fed in pieces of `step` bytes, each in an exact-size buffer so that reading beyond shows. */
static enum coffer_rc feed(struct span in, size_t step, struct seen *s, struct err *e)
{
	CLEANUP(tar_freep) struct tar *t = NULL;
	struct tar_sink sink = { on_entry, on_data, on_close, s };

	TRY(tar_open(&sink, &t, e));
	for (size_t at = 0; at < in.n; at += step) {
		size_t n = in.n - at < step ? in.n - at : step;
		CLEANUP(freep) uint8_t *copy = malloc(n);

		memcpy(copy, in.p + at, n);
		TRY(tar_add(t, (struct span){ copy, n }, e));
	}
	return tar_end(t, e);
}

static enum coffer_rc feed_wr(struct wr *w, struct seen *s)
{
	struct err e = { 0 };

	*s = (struct seen){ .fail_at = s->fail_at };
	return feed(wr_span(w), SIZE_MAX / 2, s, &e);
}

static void tar_plain_entry_is_read_whole_and_byte_by_byte(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct err e = { 0 };

	TM(&w, .type = '0', .name = "etc/motd", .data = "hello", .mode = 04755, .uid = 10, .gid = 11, .mtime = 20000);
	tm_end(&w);
	for (size_t step = 1; step < 1400; step += 97) {
		struct seen s = { 0 };

		CHECK(feed(wr_span(&w), step, &s, &e) == COFFER_OK);
		CHECK(s.n == 1 && s.closed == 1 && strcmp(s.path, "etc/motd") == 0 && strcmp(s.data, "hello") == 0);
		CHECK(s.last.mode == 04755 && s.last.uid == 10 && s.last.gid == 11 && s.last.mtime == 20000 && s.last.size == 5);
		CHECK(s.last.type == TAR_FILE);
	}
}

static bool ends_behind_an_entry(size_t n)
{
	/* nothing; the file's data, padded or not; the folder; zero blocks */
	return n == 0 || (n >= 1541 && n <= 2048) || n == 2560 || n >= 3072;
}

static void tar_every_prefix_within_an_entry_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct err e = { 0 };

	tm_pax(&w, 'x', "path", "long/name");
	TM(&w, .type = '0', .name = "x", .data = "hello");
	TM(&w, .type = '5', .name = "d/");
	tm_end(&w);
	for (size_t n = 0; n <= w.n; n++) {
		struct seen s = { 0 };

		CHECK(feed((struct span){ w.p, n }, 4096, &s, &e) == (ends_behind_an_entry(n) ? COFFER_OK : COFFER_E_INPUT));
	}
}

static void tar_kinds_are_told_apart(void)
{
	static const struct { char flag; enum tar_type type; } kinds[] = {
		{ '0', TAR_FILE }, { 0, TAR_FILE }, { '7', TAR_FILE }, { '1', TAR_HARDLINK }, { '2', TAR_SYMLINK },
		{ '3', TAR_CHAR }, { '4', TAR_BLOCK }, { '5', TAR_DIR }, { '6', TAR_FIFO },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
		struct seen s = { 0 };

		TM(&w, .type = kinds[i].flag, .name = "n", .link = "target", .major = 7, .minor = 9);
		tm_end(&w);
		CHECK(feed_wr(&w, &s) == COFFER_OK && s.n == 1 && s.last.type == kinds[i].type);
		CHECK((strcmp(s.link, "target") == 0) == (kinds[i].flag == '1' || kinds[i].flag == '2'));
		if (kinds[i].flag == '3')
			CHECK(s.last.major == 7 && s.last.minor == 9);
	}
}

static void tar_unknown_and_sparse_kinds_are_refused(void)
{
	for (const char *c = "SVMDXAz89"; *c; c++) {
		CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
		struct seen s = { 0 };

		TM(&w, .type = *c, .name = "n");
		tm_end(&w);
		CHECK(feed_wr(&w, &s) == COFFER_E_INPUT && s.n == 0);
	}
}

static void tar_size_of_a_link_means_no_data(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };

	TM(&w, .type = '1', .name = "l", .link = "t", .size = 700);
	TM(&w, .type = '0', .name = "f", .data = "x");
	tm_end(&w);
	CHECK(feed_wr(&w, &s) == COFFER_OK && s.n == 2 && strcmp(s.path, "f") == 0);
}

static void tar_old_folder_is_one_but_not_with_data(void)
{
	CLEANUP(wr_close) struct wr good = wr_open(1 << 20), bad = wr_open(1 << 20);
	struct seen s = { 0 };

	TM(&good, .type = '0', .name = "d/");
	tm_end(&good);
	CHECK(feed_wr(&good, &s) == COFFER_OK && s.last.type == TAR_DIR);
	TM(&bad, .type = '0', .name = "d/", .data = "x");
	tm_end(&bad);
	CHECK(feed_wr(&bad, &s) == COFFER_E_INPUT);
}

static void tar_pax_records_override_once(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };
	struct err e = { 0 };

	tm_pax(&w, 'x', "path", "a/very/long/name");
	tm_pax(&w, 'x', "mtime", "-1.25");
	TM(&w, .type = '0', .name = "short", .data = "x");
	tm_end(&w);
	/* the second header replaces the first */
	CHECK(feed(wr_span(&w), 100, &s, &e) == COFFER_OK && strcmp(s.path, "short") == 0);
	CHECK(s.last.mtime == -2 && s.last.mtime_ns == 750000000);
}

static void tar_pax_each_record_is_read(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };
	static const char rec[] = "13 path=p/q\n\n" "18 linkpath=x/y/z\n" "14 uid=100000\n" "14 gid=200000\n" "23 mtime=42.5000000019\n"
	    "13 comment=x\n" "32 SCHILY.xattr.user.demo=a=\nb\n\n";

	TM(&w, .type = 'x', .name = "pax", .data = rec);
	TM(&w, .type = '2', .name = "s", .link = "t");
	TM(&w, .type = '0', .name = "next");
	tm_end(&w);
	s.fail_at = 2;
	CHECK(feed_wr(&w, &s) == COFFER_E_DENIED);
	CHECK(strcmp(s.path, "p/q\n") == 0 && strcmp(s.link, "x/y/z") == 0 && s.last.uid == 100000 && s.last.gid == 200000);
	CHECK(s.last.mtime == 42 && s.last.mtime_ns == 500000001 && s.last.n_xattrs == 1);
	CHECK(strcmp(s.xname, "user.demo") == 0 && strcmp(s.xvalue, "a=\nb\n") == 0);
	s.fail_at = 0;
	CHECK(feed_wr(&w, &s) == COFFER_OK && strcmp(s.path, "next") == 0 && s.last.n_xattrs == 0 && s.last.uid == 0);
}

static void tar_pax_size_overrides_the_header(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };

	tm_pax(&w, 'x', "size", "5");
	tm_header(&w, &(struct tm_entry){ .type = '0', .name = "f" });
	wr_str(&w, "hello");
	tm_pad(&w);
	tm_end(&w);
	CHECK(feed_wr(&w, &s) == COFFER_OK && s.bytes == 5 && strcmp(s.data, "hello") == 0);
}

static void tar_pax_malformed_is_refused(void)
{
	static const char *const bad[] = {
		"x", "12 path=abc", "11 path=abc", "99 path=abc\n", "3 \n", "012 path=abc\n", "12 pathxabc\n\n", "8 =abcd\n",
		"11 uid=-1\n\n", "18 uid=4294967295\n", "11 size=-5\n", "12 size=1x2\n", "12 mtime=a\n", "14 mtime=1.x\n", "22 GNU.sparse.major=1\n",
		"18 SCHILY.xattr.=\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
		struct seen s = { 0 };

		TM(&w, .type = 'x', .name = "pax", .data = bad[i]);
		TM(&w, .type = '0', .name = "f");
		tm_end(&w);
		if (feed_wr(&w, &s) != COFFER_E_INPUT) {
			printf("# case %zu\n", i);
			CHECK(0);
		}
	}
}

static void tar_pax_nul_in_a_name_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };

	tm_header(&w, &(struct tm_entry){ .type = 'x', .name = "pax", .size = 12 });
	wr_put(&w, (struct span){ (const uint8_t *)"12 path=a\0b\n", 12 });
	tm_pad(&w);
	TM(&w, .type = '0', .name = "f");
	tm_end(&w);
	CHECK(feed_wr(&w, &s) == COFFER_E_INPUT && s.n == 0);
}

static void tar_global_header_may_only_comment(void)
{
	CLEANUP(wr_close) struct wr good = wr_open(1 << 20), bad = wr_open(1 << 20);
	struct seen s = { 0 };

	tm_pax(&good, 'g', "comment", "made by a tool");
	TM(&good, .type = '0', .name = "f");
	tm_end(&good);
	CHECK(feed_wr(&good, &s) == COFFER_OK && s.n == 1);
	tm_pax(&bad, 'g', "path", "elsewhere");
	TM(&bad, .type = '0', .name = "f");
	tm_end(&bad);
	CHECK(feed_wr(&bad, &s) == COFFER_E_INPUT && s.n == 0);
}

static void tar_gnu_long_names_are_read(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };
	char name[301];

	memset(name, 'n', 300);
	name[300] = '\0';
	tm_header(&w, &(struct tm_entry){ .type = 'L', .name = "././@LongLink", .size = 301 });
	wr_put(&w, SPAN(name));
	tm_pad(&w);
	TM(&w, .type = 'K', .name = "././@LongLink", .data = "the/target");
	TM(&w, .type = '2', .name = "nnn", .link = "cut");
	TM(&w, .type = '2', .name = "s", .link = "t");
	tm_end(&w);
	s.fail_at = 2;
	CHECK(feed_wr(&w, &s) == COFFER_E_DENIED);
	CHECK(strcmp(s.path, name) == 0 && strcmp(s.link, "the/target") == 0);
}

static void tar_ustar_prefix_is_joined(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };

	tm_header(&w, &(struct tm_entry){ .type = '0', .name = "file" });
	memcpy(w.p + 345, "some/prefix", 11);
	tm_sum(w.p);
	tm_end(&w);
	CHECK(feed_wr(&w, &s) == COFFER_OK && strcmp(s.path, "some/prefix/file") == 0);
	memcpy(w.p + 257, "ustar  ", 8); /* GNU's magic: no prefix there */
	tm_sum(w.p);
	CHECK(feed_wr(&w, &s) == COFFER_OK && strcmp(s.path, "file") == 0);
}

static void tar_base256_numbers_are_read_and_bounded(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };
	static const uint8_t uid[8] = { 0x80, 0, 0, 0, 0, 1, 0x86, 0xa0 };
	static const uint8_t huge[12] = { 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t minus[12] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe };

	tm_header(&w, &(struct tm_entry){ .type = '0', .name = "f" });
	tm_end(&w);
	memcpy(w.p + 108, uid, 8);
	memcpy(w.p + 136, minus, 12);
	tm_sum(w.p);
	CHECK(feed_wr(&w, &s) == COFFER_OK && s.last.uid == 100000 && s.last.mtime == -2);
	memcpy(w.p + 124, huge, 12); /* negative once it is 64 bits wide */
	tm_sum(w.p);
	CHECK(feed_wr(&w, &s) == COFFER_E_INPUT);
	memcpy(w.p + 124, minus, 12);
	tm_sum(w.p);
	CHECK(feed_wr(&w, &s) == COFFER_E_INPUT);
}

static void tar_each_flipped_header_byte_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };

	TM(&w, .type = '0', .name = "f");
	tm_end(&w);
	for (size_t i = 0; i < 512; i++) {
		w.p[i] ^= 1;
		if (i != 154 && i != 155) /* behind the digits of the checksum */
			CHECK(feed_wr(&w, &s) == COFFER_E_INPUT);
		w.p[i] ^= 1;
	}
}

static void tar_bytes_behind_the_end_are_refused_zeros_not(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };

	TM(&w, .type = '0', .name = "f");
	tm_end(&w);
	tm_end(&w);
	CHECK(feed_wr(&w, &s) == COFFER_OK);
	TM(&w, .type = '0', .name = "g");
	tm_end(&w);
	CHECK(feed_wr(&w, &s) == COFFER_E_INPUT && s.n == 1);
}

static void tar_limits_hold(void)
{
	CLEANUP(wr_close) struct wr ext = wr_open(1 << 20), run = wr_open(1 << 20), name = wr_open(1 << 20);
	struct seen s = { 0 };
	static char big[TAR_NAME_MAX + 2];

	TM(&ext, .type = 'x', .name = "pax", .size = TAR_EXT_MAX + 1);
	CHECK(feed_wr(&ext, &s) == COFFER_E_LIMIT);
	for (int i = 0; i <= TAR_EXT_RUN; i++)
		tm_pax(&run, 'x', "comment", "x");
	CHECK(feed_wr(&run, &s) == COFFER_E_LIMIT);
	memset(big, 'n', TAR_NAME_MAX + 1);
	tm_pax(&name, 'x', "path", big);
	TM(&name, .type = '0', .name = "f");
	CHECK(feed_wr(&name, &s) == COFFER_E_LIMIT && s.n == 0);
	name.n = 0;
	big[TAR_NAME_MAX] = '\0';
	tm_pax(&name, 'x', "path", big);
	TM(&name, .type = '0', .name = "f");
	tm_end(&name);
	CHECK(feed_wr(&name, &s) == COFFER_OK && strlen(s.path) == TAR_NAME_MAX);
}

static void tar_too_many_attributes_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20), rec = wr_open(1 << 16);
	struct seen s = { 0 };

	for (int i = 0; i <= TAR_XATTRS; i++)
		wr_fmt(&rec, "27 SCHILY.xattr.user.%03d=x\n", i);
	wr_u8(&rec, 0);
	TM(&w, .type = 'x', .name = "pax", .data = (const char *)rec.p);
	TM(&w, .type = '0', .name = "f");
	tm_end(&w);
	CHECK(feed_wr(&w, &s) == COFFER_E_LIMIT && s.n == 0);
}

static void tar_names_must_be_there(void)
{
	CLEANUP(wr_close) struct wr a = wr_open(1 << 20), b = wr_open(1 << 20);
	struct seen s = { 0 };

	TM(&a, .type = '0', .name = "");
	CHECK(feed_wr(&a, &s) == COFFER_E_INPUT);
	TM(&b, .type = '2', .name = "s", .link = "");
	CHECK(feed_wr(&b, &s) == COFFER_E_INPUT);
}

static void tar_no_owner_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { 0 };
	static const uint8_t all[8] = { 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

	tm_header(&w, &(struct tm_entry){ .type = '0', .name = "f" });
	memcpy(w.p + 108, all, 8);
	tm_sum(w.p);
	tm_end(&w);
	CHECK(feed_wr(&w, &s) == COFFER_E_INPUT);
}

static void tar_is_dead_after_an_error(void)
{
	CLEANUP(tar_freep) struct tar *t = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct seen s = { .fail_at = 1 };
	struct tar_sink sink = { on_entry, on_data, on_close, &s };
	struct err e = { 0 };

	TM(&w, .type = '0', .name = "f");
	CHECK(tar_open(&sink, &t, &e) == COFFER_OK);
	CHECK(tar_add(t, wr_span(&w), &e) == COFFER_E_DENIED && strcmp(e.check, "unpack") == 0);
	CHECK(tar_add(t, wr_span(&w), &e) == COFFER_E_INPUT && s.n == 1);
	CHECK(tar_end(t, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(tar_plain_entry_is_read_whole_and_byte_by_byte), T(tar_every_prefix_within_an_entry_is_refused), T(tar_kinds_are_told_apart),
		T(tar_unknown_and_sparse_kinds_are_refused), T(tar_size_of_a_link_means_no_data), T(tar_old_folder_is_one_but_not_with_data),
		T(tar_pax_records_override_once), T(tar_pax_each_record_is_read), T(tar_pax_size_overrides_the_header),
		T(tar_pax_malformed_is_refused), T(tar_pax_nul_in_a_name_is_refused), T(tar_global_header_may_only_comment),
		T(tar_gnu_long_names_are_read), T(tar_ustar_prefix_is_joined), T(tar_base256_numbers_are_read_and_bounded),
		T(tar_each_flipped_header_byte_is_refused), T(tar_bytes_behind_the_end_are_refused_zeros_not), T(tar_limits_hold),
		T(tar_too_many_attributes_are_refused), T(tar_names_must_be_there), T(tar_no_owner_is_refused), T(tar_is_dead_after_an_error),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
