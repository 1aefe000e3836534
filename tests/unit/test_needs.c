/* What evidence made here needs from vendors, key by key; and evidence cut anywhere needs nothing. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/needs.h"
#include "evidence/snp_report.h"
#include "fmt/enc.h"
#include "tests/dcapkit.h"
#include "tests/snpkit.h"
#include "tests/t.h"

#define X16  "c1c1c1c1c1c1c1c1"
#define X128 X16 X16 X16 X16 X16 X16 X16 X16

/* All keys, a space behind each; "!" where it is no evidence of the platform. */
static const char *needs_of(const char *platform, struct span evidence)
{
	static char text[NEEDS_MAX * VENDOR_KEY_MAX];
	struct needs n = { 0 };
	struct err e = { 0 };
	size_t at = 0;

	if (evidence_needs(span_of(platform), evidence, &n, &e) != COFFER_OK)
		return "!";
	text[0] = '\0';
	for (size_t i = 0; i < n.n; i++) {
		char key[VENDOR_KEY_MAX];

		vendor_item_key(&n.item[i], key);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s ", key);
	}
	return text;
}

static bool same(const char *platform, struct span evidence, const char *want)
{
	const char *got = needs_of(platform, evidence);

	if (strcmp(got, want) != 0)
		printf("# needs: %s\n", got);
	return strcmp(got, want) == 0;
}

#define BOTH(p, kek) "amd/" kek "/" p "/cert_chain amd/" kek "/" p "/crl "

static void snp_needs_the_vcek_of_its_chip_and_firmware(void)
{
	struct snpkit k;

	snpkit_open(&k, &snpkit_good);
	CHECK(same("snp", SPAN(k.report), "amd/vcek/milan/" X128 "/4-0-24-219 " BOTH("milan", "vcek")));
	k.report[0x189] = 0x11;
	CHECK(same("snp", SPAN(k.report), "amd/vcek/genoa/" X128 "/4-0-24-219 " BOTH("genoa", "vcek")));
	k.report[0x188] = 0x1a;
	memcpy(k.report + 0x180, (const uint8_t[]){ 1, 4, 2, 24, 0, 0, 0, 219 }, 8); /* Turin: FMC goes first */
	CHECK(same("snp", SPAN(k.report), "amd/vcek/turin/" X16 "/1-4-2-24-219 " BOTH("turin", "vcek")));
	snpkit_close(&k);
}

static void snp_that_nobody_can_help_needs_nothing(void)
{
	struct snpkit k;

	snpkit_open(&k, &snpkit_good);
	k.report[0x188] = 0x17; /* a processor that nobody here knows */
	CHECK(same("snp", SPAN(k.report), ""));
	k.report[0x188] = 0x19;
	memset(k.report + 0x1a0, 0, 64); /* masked */
	CHECK(same("snp", SPAN(k.report), ""));
	snpkit_put32(k.report + 0x48, 1u << 2); /* a VLEK signed: there is none to fetch, but its list */
	CHECK(same("snp", SPAN(k.report), BOTH("milan", "vlek")));
	snpkit_put32(k.report, 2);
	memset(k.report + 0x188, 0, 3); /* version 2 names no processor */
	CHECK(same("snp", SPAN(k.report), ""));
	snpkit_close(&k);
}

static void quote_needs_what_its_pck_names(void)
{
	static const struct {
		uint16_t version;
		bool td;
		const char *platform, *want;
	} kinds[] = { { 3, false, "sgx", "intel/sgx/tcb/00906ed50000 intel/pckcrl/platform intel/sgx/qe intel/rootcrl " },
		{ 4, true, "tdx", "intel/tdx/tcb/00906ed50000 intel/pckcrl/platform intel/tdx/qe intel/rootcrl " },
		{ 5, true, "tdx", "intel/tdx/tcb/00906ed50000 intel/pckcrl/platform intel/tdx/qe intel/rootcrl " } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct dcapkit k;

		dcapkit_open(&k, kinds[i].version, kinds[i].td);
		memcpy(k.fmspc, (const uint8_t[]){ 0, 0x90, 0x6e, 0xd5, 0, 0 }, 6);
		dcapkit_make(&k);
		CHECK(same(kinds[i].platform, wr_span(&k.quote), kinds[i].want));
		CHECK(same(kinds[i].td ? "sgx" : "tdx", wr_span(&k.quote), "!")); /* the other platform's */
		k.quote.p[k.certs_at + 40] ^= 0x80;				  /* certificates that cannot be read */
		CHECK(same(kinds[i].platform, wr_span(&k.quote), "!"));
		dcapkit_close(&k);
	}
}

static void cut_evidence_needs_nothing(void)
{
	struct dcapkit q;
	struct snpkit k;

	snpkit_open(&k, &snpkit_good);
	for (size_t n = 0; n < sizeof(k.report); n++)
		CHECK(same("snp", (struct span){ k.report, n }, "!"));
	snpkit_close(&k);
	dcapkit_open(&q, 4, true);
	dcapkit_make(&q);
	for (size_t n = 0; n < q.quote.n; n += 7)
		CHECK(same("tdx", (struct span){ q.quote.p, n }, "!"));
	dcapkit_close(&q);
}

static void platforms_without_a_vendor_need_nothing_and_unknown_ones_are_refused(void)
{
	struct needs n = { .n = 3 };
	struct err e = { 0 };

	CHECK(same("sample", span_of("{}"), "") && same("tpm", span_of("{}"), ""));
	CHECK(evidence_needs(span_of("abacus"), span_of("{}"), &n, &e) == COFFER_E_NOTFOUND && n.n == 3);
	CHECK(evidence_needs(span_of("snp"), span_of("{}"), &n, &e) == COFFER_E_INPUT && n.n == 3);
	CHECK(same("az-snp-vtpm", span_of("{}"), "!") && same("az-tdx-vtpm", span_of("{}"), "!"));
}

int main(void)
{
	static const struct t_case cases[] = { T(snp_needs_the_vcek_of_its_chip_and_firmware),
		T(snp_that_nobody_can_help_needs_nothing), T(quote_needs_what_its_pck_names), T(cut_evidence_needs_nothing),
		T(platforms_without_a_vendor_need_nothing_and_unknown_ones_are_refused) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
