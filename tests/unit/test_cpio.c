/* Ramdisks: the bytes of a small one, and what is not written. The kernel's and cpio(1)'s reading is in tests/e2e. */
#include "fmt/cpio.h"

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

int main(void)
{
	static const struct t_case cases[] = {
		T(a_file_is_its_header_name_and_padded_bytes),
		T(order_and_folders_are_demanded),
		T(names_that_lead_elsewhere_are_refused),
		T(types_have_what_they_may_have),
		T(what_does_not_fit_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
