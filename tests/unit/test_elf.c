/* ELF files made here: what is read of them, and every way to be cut. */
#include "fmt/elf.h"

#include <stdlib.h>

#include "base/own.h"
#include "tests/t.h"
#include "tests/unit/elf_fix.h"

#define INFO "license=GPL\0depends=virtio,virtio_ring\0name=x\0empty=\0"

static void make(struct wr *w)
{
	static const char *const needed[] = { "libc.so.6", "libx.so.1", NULL };

	elff_program(w, needed);
}

static void needed_libraries_are_read_in_order(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct elf_needed n;
	struct err e = { 0 };

	make(&w);
	CHECK(elf_needed(wr_span(&w), &n, &e) == COFFER_OK && n.n == 2);
	CHECK(span_eq_str(n.name[0], "libc.so.6") && span_eq_str(n.name[1], "libx.so.1"));
}

static void entries_behind_the_end_of_the_dynamic_section_do_not_count(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192), dynamic = wr_open(256);
	struct elf_needed n;
	struct err e = { 0 };

	wr_le64(&dynamic, 0);
	wr_le64(&dynamic, 0);
	wr_le64(&dynamic, 1);
	wr_le64(&dynamic, 0);
	elff_make(&w, (struct elff_section[]){ { ".dynstr", SPAN("a") }, { ".dynamic", wr_span(&dynamic) } }, 2);
	CHECK(elf_needed(wr_span(&w), &n, &e) == COFFER_OK && n.n == 0);
}

static void files_without_a_dynamic_section_need_nothing(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct elf_needed n;
	struct err e = { 0 };

	elff_make(&w, (struct elff_section[]){ { ".text", span_of("x") } }, 1);
	CHECK(elf_needed(wr_span(&w), &n, &e) == COFFER_OK && n.n == 0);
}

static void module_values_are_found_by_their_whole_key(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct err e = { 0 };
	struct span s;

	elff_make(&w, (struct elff_section[]){ { ".modinfo", { (const uint8_t *)INFO, sizeof(INFO) - 1 } } }, 1);
	CHECK(elf_modinfo(wr_span(&w), "depends", &s, &e) == COFFER_OK && span_eq_str(s, "virtio,virtio_ring"));
	CHECK(elf_modinfo(wr_span(&w), "depend", &s, &e) == COFFER_OK && s.n == 0);
	CHECK(elf_modinfo(wr_span(&w), "empty", &s, &e) == COFFER_OK && s.n == 0);
	CHECK(elf_modinfo(wr_span(&w), "vermagic", &s, &e) == COFFER_OK && s.n == 0);
}

static void module_information_without_its_last_nul_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct err e = { 0 };
	struct span s;

	elff_make(&w, (struct elff_section[]){ { ".modinfo", span_of("depends=x") } }, 1);
	CHECK(elf_modinfo(wr_span(&w), "depends", &s, &e) == COFFER_E_INPUT);
}

/* The table stands at the end, so that no cut file has it whole. */
static void every_truncation_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct elf_needed n = { .n = 77 };
	struct err e = { 0 };

	make(&w);
	for (size_t i = 0; i < w.n; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, w.p, i);
		CHECK(elf_needed((struct span){ cut, i }, &n, &e) == COFFER_E_INPUT);
		free(cut);
	}
	CHECK(n.n == 77);
}

static enum coffer_rc with(size_t at, uint64_t v, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct elf_needed needed;
	struct err e = { 0 };

	make(&w);
	elff_le(w.p + at, v, n);
	return elf_needed(wr_span(&w), &needed, &e);
}

static size_t table_at(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);

	make(&w);
	return w.n - (size_t)3 * 64;
}

static void what_points_outside_is_refused(void)
{
	size_t t = table_at();

	CHECK(with(0, 0x7f, 1) == COFFER_OK);
	CHECK(with(0, 0x7e, 1) == COFFER_E_INPUT);  /* magic */
	CHECK(with(4, 1, 1) == COFFER_E_INPUT);     /* 32 bits */
	CHECK(with(5, 2, 1) == COFFER_E_INPUT);     /* big-endian */
	CHECK(with(40, UINT64_MAX, 8) == COFFER_E_INPUT);
	CHECK(with(40, t + 1, 8) == COFFER_E_INPUT);
	CHECK(with(58, 63, 2) == COFFER_E_INPUT);
	CHECK(with(60, 0, 2) == COFFER_E_INPUT);
	CHECK(with(60, 4, 2) == COFFER_E_INPUT);
	CHECK(with(60, ELF_SECTIONS_MAX + 1, 2) == COFFER_E_LIMIT);
	CHECK(with(62, 3, 2) == COFFER_E_INPUT);    /* names beyond the table */
	CHECK(with(t, 0xffff, 4) == COFFER_E_INPUT); /* a name */
	CHECK(with(t + 24, UINT64_MAX - 1, 8) == COFFER_E_INPUT);
	CHECK(with(t + 32, UINT64_MAX - 1, 8) == COFFER_E_INPUT);
	CHECK(with(64 + 21 + 8, 500, 8) == COFFER_E_INPUT); /* a needed name: behind header, 21 bytes of names, and its tag */
}

static void too_many_needed_libraries_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16), dynamic = wr_open(1u << 14);
	struct elf_needed n;
	struct err e = { 0 };

	for (size_t i = 0; i <= ELF_NEEDED_MAX; i++) {
		wr_le64(&dynamic, 1);
		wr_le64(&dynamic, 0);
	}
	elff_make(&w, (struct elff_section[]){ { ".dynstr", SPAN("a") }, { ".dynamic", wr_span(&dynamic) } }, 2);
	CHECK(elf_needed(wr_span(&w), &n, &e) == COFFER_E_LIMIT);
	dynamic.n -= 16;
	wr_close(&w);
	w = wr_open(1u << 16);
	elff_make(&w, (struct elff_section[]){ { ".dynstr", SPAN("a") }, { ".dynamic", wr_span(&dynamic) } }, 2);
	CHECK(elf_needed(wr_span(&w), &n, &e) == COFFER_OK && n.n == ELF_NEEDED_MAX);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(needed_libraries_are_read_in_order),
		T(entries_behind_the_end_of_the_dynamic_section_do_not_count),
		T(files_without_a_dynamic_section_need_nothing),
		T(module_values_are_found_by_their_whole_key),
		T(module_information_without_its_last_nul_is_refused),
		T(every_truncation_is_refused),
		T(what_points_outside_is_refused),
		T(too_many_needed_libraries_are_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
