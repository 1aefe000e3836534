/* Ramdisks: the bytes of a small one, and what is not written. The kernel's and cpio(1)'s reading is in tests/e2e. */
#include "fmt/cpio.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"

static enum coffer_rc one(struct cpio_entry c)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct err e = { 0 };

	return cpio_write(&c, 1, &w, &e);
}

static enum coffer_rc two(const char *a, uint32_t mode, const char *b)
{
	const struct cpio_entry c[] = { { .path = span_of(a), .mode = mode }, { .path = span_of(b), .mode = S_IFREG | 0644 } };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct err e = { 0 };

	return cpio_write(c, 2, &w, &e);
}

static void a_file_is_its_header_name_and_padded_bytes(void)
{
	static const char want[] =
		"070701" "00000001" "000081A4" "00000000" "00000000" "00000001" "00000000"
		"00000005" "00000000" "00000000" "00000000" "00000000" "00000002" "00000000" "a\0hello\0\0\0"
		"070701" "00000000" "00000000" "00000000" "00000000" "00000001" "00000000"
		"00000000" "00000000" "00000000" "00000000" "00000000" "0000000B" "00000000" "TRAILER!!!\0\0\0";
	const struct cpio_entry c = { .path = span_of("a"), .mode = S_IFREG | 0644, .data = span_of("hello") };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct err e = { 0 };

	CHECK(cpio_write(&c, 1, &w, &e) == COFFER_OK && span_eq(wr_span(&w), SPAN(want)));
}

static void order_and_folders_are_demanded(void)
{
	CHECK(two("a", S_IFREG | 0644, "b") == COFFER_OK);
	CHECK(two("b", S_IFREG | 0644, "a") == COFFER_E_INPUT);
	CHECK(two("a", S_IFREG | 0644, "a") == COFFER_E_INPUT);
	CHECK(two("a", S_IFDIR | 0755, "a/b") == COFFER_OK);
	CHECK(two("a", S_IFREG | 0644, "a/b") == COFFER_E_INPUT);
	CHECK(two("a", S_IFDIR | 0755, "b/c") == COFFER_E_INPUT);
	CHECK(two("a", S_IFDIR | 0755, "a-b") == COFFER_OK);
}

static void names_that_lead_elsewhere_are_refused(void)
{
	static const char *const bad[] = { "", "/a", "a/", "..", "../a", "./a", ".", "TRAILER!!!" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(one((struct cpio_entry){ .path = span_of(bad[i]), .mode = S_IFREG | 0644 }) == COFFER_E_INPUT);
	CHECK(one((struct cpio_entry){ .path = SPAN("a"), .mode = S_IFREG | 0644 }) == COFFER_E_INPUT); /* a NUL in it */
	CHECK(one((struct cpio_entry){ .path = span_of("..a"), .mode = S_IFREG | 0644 }) == COFFER_OK);
}

static void types_have_what_they_may_have(void)
{
	struct span a = span_of("a"), data = span_of("x");

	CHECK(one((struct cpio_entry){ a, S_IFLNK | 0777, data, 0, 0 }) == COFFER_OK);
	CHECK(one((struct cpio_entry){ a, S_IFLNK | 0777, { 0 }, 0, 0 }) == COFFER_E_INPUT);
	CHECK(one((struct cpio_entry){ a, S_IFDIR | 0755, data, 0, 0 }) == COFFER_E_INPUT);
	CHECK(one((struct cpio_entry){ a, S_IFREG | 0644, data, 5, 1 }) == COFFER_E_INPUT);
	CHECK(one((struct cpio_entry){ a, S_IFCHR | 0600, { 0 }, 5, 1 }) == COFFER_OK);
	CHECK(one((struct cpio_entry){ a, S_IFCHR | 0600, data, 5, 1 }) == COFFER_E_INPUT);
	CHECK(one((struct cpio_entry){ a, S_IFBLK | 0600, { 0 }, 8, 1 }) == COFFER_E_INPUT);
	CHECK(one((struct cpio_entry){ a, 0644, { 0 }, 0, 0 }) == COFFER_E_INPUT);
}

static void what_does_not_fit_is_refused(void)
{
	const struct cpio_entry c = { .path = span_of("a"), .mode = S_IFREG | 0644, .data = span_of("hello") };
	CLEANUP(wr_close) struct wr w = wr_open(200);
	struct err e = { 0 };

	CHECK(cpio_write(&c, 1, &w, &e) == COFFER_E_LIMIT);
}

/* Two files, "a" with 5 bytes and "bb" with none. */
static void make_two(struct wr *w)
{
	const struct cpio_entry c[] = { { .path = span_of("a"), .mode = S_IFREG | 0644, .data = span_of("hello") }, { .path = span_of("bb"), .mode = S_IFREG | 0644 } };
	struct err e = { 0 };

	*w = wr_open(4096);
	CHECK(cpio_write(c, 2, w, &e) == COFFER_OK);
}

static void entries_are_found_by_their_paths(void)
{
	CLEANUP(wr_close) struct wr w = { 0 };
	struct span out = { .n = 77 };
	struct err e = { 0 };

	make_two(&w);
	CHECK(cpio_find(wr_span(&w), "b", &out, &e) == COFFER_E_NOTFOUND && cpio_find(wr_span(&w), "", &out, &e) == COFFER_E_NOTFOUND && out.n == 77);
	CHECK(cpio_find(wr_span(&w), "a", &out, &e) == COFFER_OK && span_eq_str(out, "hello"));
	CHECK(cpio_find(wr_span(&w), "bb", &out, &e) == COFFER_OK && out.n == 0);
}

/* Of an archive that is cut behind it an entry is still found, and nothing else; exact-size copies, so that reading beyond is seen. */
static void every_cut_finds_what_is_whole_and_refuses_the_rest(void)
{
	CLEANUP(wr_close) struct wr w = { 0 };
	struct err e = { 0 };
	size_t whole = 112 + 8; /* header and name, content, both padded */

	make_two(&w);
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct span out = { .n = 77 };

		memcpy(exact, w.p, n);
		CHECK(cpio_find((struct span){ exact, n }, "a", &out, &e) == (n < whole ? COFFER_E_INPUT : COFFER_OK) && (n >= whole || out.n == 77));
		CHECK(cpio_find((struct span){ exact, n }, "c", &out, &e) == COFFER_E_INPUT);
	}
}

static enum coffer_rc with_byte(size_t at, uint8_t v)
{
	CLEANUP(wr_close) struct wr w = { 0 };
	struct span out;
	struct err e = { 0 };

	make_two(&w);
	w.p[at] = v;
	return cpio_find(wr_span(&w), "bb", &out, &e);
}

static void malformed_headers_are_refused(void)
{
	CHECK(with_byte(5, '1') == COFFER_OK && with_byte(14, '7') == COFFER_OK); /* the magic as it is; another mode */
	CHECK(with_byte(5, '2') == COFFER_E_INPUT);		      /* another form */
	CHECK(with_byte(14, 'g') == COFFER_E_INPUT);		      /* no number */
	CHECK(with_byte(54, 'F') == COFFER_E_INPUT);		      /* content of 4 GiB */
	CHECK(with_byte(101, '1') == COFFER_E_INPUT);		      /* a name without its NUL: it ends behind its first byte */
	CHECK(with_byte(101, '0') == COFFER_E_INPUT);		      /* of none */
	CHECK(with_byte(94, '1') == COFFER_E_INPUT);		      /* of 268 million */
	CHECK(with_byte(110, 0) == COFFER_E_INPUT);		      /* a NUL in it */
}

/* An archive of one empty file whose name has n bytes, its NUL counted. */
static enum coffer_rc with_name(size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	CLEANUP(freep) char *name = calloc(1, n);
	struct span out;
	struct err e = { 0 };

	memset(name, 'a', n - 1);
	wr_fmt(&w, "070701%088d%08X%08d", 0, (unsigned)n, 0);
	wr_put(&w, (struct span){ (const uint8_t *)name, n });
	wr_put(&w, (struct span){ (const uint8_t *)"\0\0\0", -w.n & 3 });
	CHECK(wr_ok(&w));
	return cpio_find(wr_span(&w), name, &out, &e);
}

static void names_have_a_least_and_a_greatest_length(void)
{
	CHECK(with_name(1) == COFFER_E_INPUT && with_name(2) == COFFER_OK);
	CHECK(with_name(CPIO_NAME_MAX + 1) == COFFER_OK && with_name(CPIO_NAME_MAX + 2) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(a_file_is_its_header_name_and_padded_bytes),
		T(order_and_folders_are_demanded),
		T(names_that_lead_elsewhere_are_refused),
		T(types_have_what_they_may_have),
		T(what_does_not_fit_is_refused),
		T(entries_are_found_by_their_paths),
		T(every_cut_finds_what_is_whole_and_refuses_the_rest),
		T(malformed_headers_are_refused),
		T(names_have_a_least_and_a_greatest_length),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
