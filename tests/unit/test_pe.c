/* PE images made here: which bytes Authenticode hashes, and every way to be malformed. */
#include "fmt/pe.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"
#include "tests/unit/pe_fix.h"

static struct pe out;

static enum coffer_rc parse(struct span s)
{
	struct err e = { 0 };

	return pe_parse(s, &out, &e);
}

static void make(struct wr *w)
{
	const struct pef_section s[] = { { ".text", span_of("code code"), 7 }, { ".data", span_of("data"), 100 }, { ".bss", { NULL, 0 }, 64 } };

	pef_make(w, s, 3);
}

static struct span joined(struct wr *w)
{
	for (size_t i = 0; i < out.n_parts; i++)
		wr_put(w, out.part[i]);
	return wr_span(w);
}

/* All but the checksum, the entry of the certificates and the certificates. */
static void hashed_are_all_bytes_but_checksum_and_certificates(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16), want = wr_open(1u << 16), got = wr_open(1u << 16);

	make(&w);
	wr_str(&w, "behind");
	wr_str(&w, "certificate!");
	pef_le(w.p + PEF_DIRS + 32, 0x1234, 4);
	pef_le(w.p + PEF_DIRS + 36, 12, 4);
	wr_put(&want, (struct span){ w.p, PEF_OPT + 64 });
	wr_put(&want, (struct span){ w.p + PEF_OPT + 68, PEF_DIRS + 32 - PEF_OPT - 68 });
	wr_put(&want, (struct span){ w.p + PEF_DIRS + 40, w.n - 12 - PEF_DIRS - 40 });
	CHECK(parse(wr_span(&w)) == COFFER_OK && span_eq(joined(&got), wr_span(&want)));
}

static void sections_are_hashed_by_their_place(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);

	make(&w);
	CHECK(parse(wr_span(&w)) == COFFER_OK && out.n == 3 && span_eq_str(span_of(out.section[0].name), ".bss"));
	CHECK(span_eq_str(out.part[out.n_parts - 2], "code code") && span_eq_str(out.part[out.n_parts - 1], "data"));
}

static void images_without_directories_have_no_certificates(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16), got = wr_open(1u << 16);

	make(&w);
	pef_le(w.p + PEF_DIRS - 4, 4, 4);
	pef_le(w.p + PEF_DIRS + 36, 5, 4); /* no entry, whatever is there */
	CHECK(parse(wr_span(&w)) == COFFER_OK && joined(&got).n == w.n - 4);
	pef_le(w.p + PEF_OPT, 0x10b, 2); /* PE32: its directories begin 16 bytes earlier */
	pef_le(w.p + PEF_DIRS - 20, 16, 4);
	got.n = 0;
	CHECK(parse(wr_span(&w)) == COFFER_OK && joined(&got).n == w.n - 12);
}

static void content_is_what_memory_holds(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct span s;

	make(&w);
	CHECK(parse(wr_span(&w)) == COFFER_OK);
	CHECK(pe_content(pe_section(&out, ".text"), &s) && span_eq_str(s, "code co"));
	CHECK(!pe_content(pe_section(&out, ".data"), &s) && !pe_content(pe_section(&out, ".bss"), &s));
	CHECK(pe_section(&out, ".tex") == NULL && pe_section(&out, ".text2") == NULL);
}

static void images_are_refused_when(void)
{
	static const struct { size_t at; uint32_t v; size_t n; } bad[] = {
		{ 0, 'X', 1 },                       /* MZ */
		{ 0x3c, 0xfffffff0, 4 },             /* header outside */
		{ PEF_PE, 'X', 1 },                  /* PE */
		{ PEF_PE + 20, 100, 2 },             /* optional header too small for its directories */
		{ PEF_OPT, 0x107, 2 },               /* neither PE32 nor PE32+ */
		{ PEF_DIRS - 4, 17, 4 },             /* more directories than the header holds */
		{ PEF_OPT + 60, 0x10000, 4 },        /* headers longer than the file */
		{ PEF_OPT + 60, 0x100, 4 },          /* headers shorter than the sections' */
		{ PEF_SECTIONS + 40 + 20, 0x300, 4 }, /* .data in the headers */
		{ PEF_SECTIONS + 40 + 20, 0x407, 4 }, /* .data over .text */
		{ PEF_SECTIONS + 40 + 20, 0x40a, 4 }, /* .data behind the end, by a byte */
		{ PEF_SECTIONS + 40 + 16, 0xffffffff, 4 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(1u << 16);

		make(&w);
		pef_le(w.p + bad[i].at, bad[i].v, bad[i].n);
		CHECK(parse(wr_span(&w)) == COFFER_E_INPUT);
	}
}

static void sections_have_a_limit(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);

	make(&w);
	pef_le(w.p + PEF_PE + 6, PE_SECTIONS_MAX + 1, 2);
	CHECK(parse(wr_span(&w)) == COFFER_E_LIMIT);
	pef_le(w.p + PEF_PE + 6, PE_SECTIONS_MAX, 2);
	CHECK(parse(wr_span(&w)) == COFFER_E_INPUT); /* the headers have no room for so many */
}

static void truncation_refuses(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);

	make(&w);
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, w.p, n);
		out.n = 77;
		CHECK(parse((struct span){ exact, n }) == COFFER_E_INPUT && out.n == 77);
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(hashed_are_all_bytes_but_checksum_and_certificates), T(sections_are_hashed_by_their_place),
		T(images_without_directories_have_no_certificates), T(content_is_what_memory_holds), T(images_are_refused_when),
		T(sections_have_a_limit), T(truncation_refuses) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
