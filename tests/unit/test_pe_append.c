/* Sections added to images made here; a real stub's boot is in tests/e2e. */
#include "fmt/pe_append.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"
#include "tests/unit/pe_fix.h"

static const struct pe_new added[] = {
	{ ".one", { (const uint8_t *)"first", 5 } },
	{ ".two", { (const uint8_t *)"second!", 7 } },
};

static void make(struct wr *w)
{
	const struct pef_section s[] = { { ".text", span_of("code code"), 0 } };

	pef_make(w, s, 1);
	pef_le(w->p + PEF_OPT + 32, 0x200, 4);  /* alignment in memory */
	pef_le(w->p + PEF_OPT + 36, 0x200, 4);  /* in the file */
	pef_le(w->p + PEF_OPT + 56, 0x1600, 4); /* size in memory */
}

static uint32_t le32(const struct wr *w, size_t at)
{
	struct rd r = rd_open(span_skip(wr_span(w), at));

	return rd_le32(&r);
}

static void sections_stand_behind_all_others(void)
{
	CLEANUP(wr_close) struct wr in = wr_open(1u << 16), out = wr_open(1u << 16);
	struct err e = { 0 };
	struct span s;
	static struct pe p;

	make(&in);
	CHECK(pe_append(wr_span(&in), added, 2, &out, &e) == COFFER_OK);
	CHECK(pe_parse(wr_span(&out), &p, &e) == COFFER_OK && p.n == 3);
	CHECK(pe_section(&p, ".text") && pe_content(pe_section(&p, ".text"), &s) && span_eq_str(s, "code code"));
	CHECK(pe_section(&p, ".one") && pe_content(pe_section(&p, ".one"), &s) && span_eq_str(s, "first"));
	CHECK(pe_section(&p, ".two") && pe_content(pe_section(&p, ".two"), &s) && span_eq_str(s, "second!"));
	CHECK(le32(&out, PEF_SECTIONS + 40 + 12) == 0x2000 && le32(&out, PEF_SECTIONS + 80 + 12) == 0x3000);
	CHECK(le32(&out, PEF_OPT + 56) == 0x3200 && le32(&out, PEF_OPT + 64) == 0 && out.n % 0x200 == 0);
	CHECK(le32(&out, PEF_SECTIONS + 40 + 36) == 0x40000040);
}

static void certificates_are_left_out(void)
{
	CLEANUP(wr_close) struct wr in = wr_open(1u << 16), out = wr_open(1u << 16);
	struct err e = { 0 };
	static struct pe p;
	size_t end;

	make(&in);
	end = in.n;
	wr_str(&in, "certificate!");
	pef_le(in.p + PEF_DIRS + 32, end, 4);
	pef_le(in.p + PEF_DIRS + 36, 12, 4);
	CHECK(pe_append(wr_span(&in), added, 1, &out, &e) == COFFER_OK);
	CHECK(le32(&out, PEF_DIRS + 32) == 0 && le32(&out, PEF_DIRS + 36) == 0);
	CHECK(pe_parse(wr_span(&out), &p, &e) == COFFER_OK && !memmem(out.p, out.n, "certificate!", 12));
}

static enum coffer_rc with(size_t at, uint64_t v, size_t n)
{
	CLEANUP(wr_close) struct wr in = wr_open(1u << 16), out = wr_open(1u << 16);
	struct err e = { 0 };

	make(&in);
	pef_le(in.p + at, v, n);
	return pe_append(wr_span(&in), added, 2, &out, &e);
}

static void what_has_no_room_or_no_alignment_is_refused(void)
{
	CHECK(with(PEF_OPT + 32, 0, 4) == COFFER_E_INPUT);
	CHECK(with(PEF_OPT + 32, 0x300, 4) == COFFER_E_INPUT);
	CHECK(with(PEF_OPT + 36, 3, 4) == COFFER_E_INPUT);
	CHECK(with(PEF_OPT + 60, PEF_SECTIONS + 80, 4) == COFFER_E_INPUT); /* headers: room for one more */
	CHECK(with(PEF_OPT + 60, PEF_SECTIONS + 120, 4) == COFFER_OK);
	CHECK(with(PEF_OPT + 56, 0xfffff000, 4) == COFFER_E_LIMIT);
	CHECK(with(0, 0, 2) == COFFER_E_INPUT);
}

static void sections_without_content_or_with_long_names_are_refused(void)
{
	const struct pe_new empty = { ".one", { 0 } }, longer = { ".ninechar", span_of("x") };
	CLEANUP(wr_close) struct wr in = wr_open(1u << 16), out = wr_open(1u << 16);
	struct err e = { 0 };

	make(&in);
	CHECK(pe_append(wr_span(&in), &empty, 1, &out, &e) == COFFER_E_INPUT);
	wr_close(&out);
	out = wr_open(1u << 16);
	CHECK(pe_append(wr_span(&in), &longer, 1, &out, &e) == COFFER_E_INPUT);
}

static void every_truncation_is_refused_or_still_an_image(void)
{
	CLEANUP(wr_close) struct wr in = wr_open(1u << 16);
	static struct pe p;
	struct err e = { 0 };

	make(&in);
	for (size_t i = 0; i < in.n; i++) {
		CLEANUP(wr_close) struct wr out = wr_open(1u << 16);
		uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, in.p, i);
		CHECK(pe_append((struct span){ cut, i }, added, 2, &out, &e) == COFFER_E_INPUT || pe_parse(wr_span(&out), &p, &e) == COFFER_OK);
		free(cut);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(sections_stand_behind_all_others),
		T(certificates_are_left_out),
		T(what_has_no_room_or_no_alignment_is_refused),
		T(sections_without_content_or_with_long_names_are_refused),
		T(every_truncation_is_refused_or_still_an_image),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
