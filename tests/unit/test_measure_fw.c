/* Firmware tables and what is measured of them: every refusal, every cut, and that each input counts. Known digests of real
 * firmware are in tests/conformance (snp-launch-digest) and tests/e2e/test_measure.py. */
#include "evidence/measure_fw.h"

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "evidence/measure_snp.h"
#include "evidence/measure_tdx.h"
#include "tests/t.h"
#include "tests/unit/fw_fix.h"

static struct fix fx;

static enum coffer_rc sev(struct span s, struct sev_fw *out)
{
	struct err e = { 0 };

	return sev_fw_read(s, out, &e);
}

static enum coffer_rc tdx(struct span s, struct tdvf *out)
{
	struct err e = { 0 };

	return tdvf_read(s, out, &e);
}

static void tables_are_read_as_they_were_made(void)
{
	struct sev_fw s;
	struct tdvf t;
	struct span data;

	fix_make(&fx, true);
	CHECK(sev(fix_span(&fx), &s) == COFFER_OK && s.n == 4 && s.has_ap && s.ap_eip == 0x80b004 && s.has_hashes && s.hashes_at == 0x810c00);
	CHECK(s.section[0].type == SEV_MEM && s.section[0].gpa == 0x800000 && s.section[0].size == 0x2000);
	CHECK(tdx(fix_span(&fx), &t) == COFFER_OK && t.n == 4 && t.section[0].data.n == 0xf00 && t.section[2].data.n == 0);
	CHECK(fw_entry(fix_span(&fx), fix_guid_reset, &data) && data.n == 4);
	CHECK(!fw_entry(fix_span(&fx), fix_guid_footer, &data));
	fix_make(&fx, false);
	CHECK(sev(fix_span(&fx), &s) == COFFER_OK && s.n == 3 && !s.has_hashes);
}

/* Everything is found from the end: cut at the front the metadata is lost, cut at the end the table is. */
static void truncation_refuses(void)
{
	fix_make(&fx, true);
	for (size_t n = 0; n < FIX_SIZE; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct sev_fw s = { .n = 77 };
		struct tdvf t = { .n = 77 };

		memcpy(exact, fx.b, n);
		CHECK(sev((struct span){ exact, n }, &s) != COFFER_OK && s.n == 77);
		CHECK(tdx((struct span){ exact, n }, &t) != COFFER_OK && t.n == 77);
		memcpy(exact, fx.b + FIX_SIZE - n, n);
		CHECK(sev((struct span){ exact, n }, &s) != COFFER_OK && s.n == 77);
		CHECK(tdx((struct span){ exact, n }, &t) == COFFER_OK ? n >= FIX_SIZE - FIX_TDVF + 16 && t.n == 4 : t.n == 77);
		if (t.n == 4)
			break; /* the metadata is whole from here on, but section 0 would be another place */
	}
}

static void sev_metadata_is_refused_when(void)
{
	static const struct { size_t at; uint8_t v; } bad[] = {
		{ FIX_SEV, 'X' },                /* signature */
		{ FIX_SEV + 4, 8 },              /* length shorter than its sections */
		{ FIX_SEV + 12, 0 },             /* no section */
		{ FIX_SEV + 13, 1 },             /* more sections than there may be */
		{ FIX_SEV + 16, 1 },             /* address not of a page */
		{ FIX_SEV + 20, 1 },             /* size not of pages */
		{ FIX_SEV + 23, 0x7f },          /* more memory than one may ask for */
		{ FIX_SEV + 36, 9 },             /* unknown type, of one page */
		{ FIX_SEV + 36, 0 },             /* unknown type */
		{ FIX_SEV + 16 + 12 + 5, 0x20 }, /* secrets of two pages */
	};
	struct sev_fw s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fix_make(&fx, true);
		fx.b[bad[i].at] = bad[i].v;
		CHECK(sev(fix_span(&fx), &s) == COFFER_E_INPUT);
	}
	fix_make(&fx, true);
	CHECK(sev((struct span){ fx.b + 1, FIX_SIZE - 1 }, &s) == COFFER_E_INPUT); /* no whole pages */
	for (uint32_t i = 0; i < 5; i++)
		fix_sev_section(&fx, i, 0x40000000, 0x30000000, SEV_MEM);
	CHECK(sev(fix_span(&fx), &s) == COFFER_E_LIMIT);
}

static void tdvf_metadata_is_refused_when(void)
{
	static const struct { size_t at; uint8_t v; } bad[] = {
		{ FIX_TDVF - 16, 0 },       /* GUID */
		{ FIX_TDVF, 'X' },          /* signature */
		{ FIX_TDVF + 4, 8 },        /* length */
		{ FIX_TDVF + 8, 2 },        /* version */
		{ FIX_TDVF + 12, 0 },       /* no section */
		{ FIX_TDVF + 16 + 3, 1 },   /* data behind the file */
		{ FIX_TDVF + 48 + 5, 0x11 }, /* data longer than the memory */
		{ FIX_TDVF + 16 + 8, 1 },   /* address */
		{ FIX_TDVF + 16 + 16, 1 },  /* size */
		{ FIX_TDVF + 16 + 24, 5 },  /* payload */
		{ FIX_TDVF + 16 + 24, 7 },  /* unknown type */
		{ FIX_TDVF + 16 + 28, 4 },  /* unknown attribute */
	};
	struct tdvf t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fix_make(&fx, true);
		fx.b[bad[i].at] = bad[i].v;
		CHECK(tdx(fix_span(&fx), &t) == COFFER_E_INPUT);
	}
	fix_make(&fx, true);
	for (size_t i = 0; i < 3; i++)
		fix_tdvf_section(&fx, i, (struct fix_tdvf){ 0, 0, 0x100000000, 0x30000000, TDVF_TEMP_MEM, 0 });
	CHECK(tdx(fix_span(&fx), &t) == COFFER_E_LIMIT);
	fix_make(&fx, true);
	fx.b[FIX_SIZE - 40] ^= 1; /* the footer's GUID: no table */
	CHECK(tdx(fix_span(&fx), &t) == COFFER_E_NOTFOUND);
}

/* ---- measuring ---- */

static struct snp_launch launch(void)
{
	return (struct snp_launch){ .firmware = fix_span(&fx), .vcpus = 2, .vcpu_sig = 0x800f12, .features = 1, .cmdline = span_of("quiet"),
		.kernel = span_of("kernel"), .initrd = span_of("initrd"), .direct = true };
}

static enum coffer_rc snp(struct snp_launch l, uint8_t out[SNP_MEASUREMENT])
{
	struct err e = { 0 };

	return snp_measure(&l, out, &e);
}

static void every_input_of_a_launch_counts(void)
{
	uint8_t d[12][SNP_MEASUREMENT];
	struct snp_launch l[12];

	fix_make(&fx, true);
	for (size_t i = 0; i < 12; i++)
		l[i] = launch();
	l[1].vcpus = 3;
	l[2].vcpu_sig++;
	l[3].features = 0x21;
	l[4].cmdline = span_of("quiet ");
	l[5].kernel = span_of("Kernel");
	l[6].initrd = span_of("");
	l[7].direct = false;
	l[8].vmm = SNP_EC2;
	l[9].vmm = SNP_GCE;
	l[10].vcpus = 1;
	for (size_t i = 0; i < 11; i++)
		CHECK(snp(l[i], d[i]) == COFFER_OK);
	fx.b[0x900] ^= 1; /* firmware */
	CHECK(snp(l[11], d[11]) == COFFER_OK);
	for (size_t i = 0; i < 12; i++)
		for (size_t k = 0; k < i; k++)
			CHECK(memcmp(d[i], d[k], SNP_MEASUREMENT) != 0);
}

static void launches_are_refused_when(void)
{
	uint8_t out[SNP_MEASUREMENT] = { 7 };
	struct snp_launch l;

	fix_make(&fx, true);
	l = launch();
	l.vcpus = 0;
	CHECK(snp(l, out) == COFFER_E_INPUT);
	l.vcpus = SNP_VCPUS_MAX + 1;
	CHECK(snp(l, out) == COFFER_E_INPUT);
	l.vcpus = SNP_VCPUS_MAX;
	CHECK(snp(l, (uint8_t[SNP_MEASUREMENT]){ 0 }) == COFFER_OK);
	l = launch();
	l.features = 0x20; /* not SNP */
	CHECK(snp(l, out) == COFFER_E_INPUT);
	l = launch();
	l.cmdline = (struct span){ (const uint8_t *)"a\0b", 3 };
	CHECK(snp(l, out) == COFFER_E_INPUT);
	fx.b[fx.top + 1] = 0x1c; /* the hash table is not in the page for it any more */
	CHECK(snp(launch(), out) == COFFER_E_INPUT);
	fix_make(&fx, false);
	CHECK(snp(launch(), out) == COFFER_E_INPUT); /* no page for kernel hashes */
	l = launch();
	l.direct = false;
	CHECK(snp(l, (uint8_t[SNP_MEASUREMENT]){ 0 }) == COFFER_OK);
	fx.b[fx.top + 6] ^= 1; /* no reset address, no second vCPU */
	CHECK(snp(l, out) == COFFER_E_INPUT);
	CHECK(out[0] == 7); /* untouched by every refusal */
}

static void a_hash_table_must_fit_its_page(void)
{
	uint8_t out[SNP_MEASUREMENT];

	fix_make(&fx, true);
	fix_le(fx.b + fx.top, 0x810000 + FW_PAGE - 176, 4);
	CHECK(snp(launch(), out) == COFFER_OK);
	fix_le(fx.b + fx.top, 0x810000 + FW_PAGE - 175, 4);
	CHECK(snp(launch(), out) == COFFER_E_INPUT);
	fix_le(fx.b + fx.top, 0x80f000, 4);
	CHECK(snp(launch(), out) == COFFER_E_INPUT);
}

static void names_of_vcpus_vmms_and_features(void)
{
	static const char *const no[] = { "", "EPYC-v0", "EPYC-v5", "EPYC-v", "EPYC-v44", "epyc", "EPYC-Milan-v3", "EPYC-IBPB-v1", "EPY" };
	uint64_t v = 0;
	uint32_t sig = 0;
	enum snp_vmm vmm;

	CHECK(snp_vcpu_by_name(span_of("EPYC-v4"), &sig) && sig == 0x800f12);
	CHECK(snp_vcpu_by_name(span_of("EPYC-Rome-v2"), &sig) && sig == 0x830f10);
	CHECK(snp_vcpu_by_name(span_of("EPYC-Milan"), &sig) && sig == 0xa00f11);
	CHECK(snp_vcpu_by_name(span_of("EPYC-Genoa-v1"), &sig) && sig == 0xa10f10);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(!snp_vcpu_by_name(span_of(no[i]), &sig));
	CHECK(snp_vmm_by_name(span_of("gce"), &vmm) && vmm == SNP_GCE && !snp_vmm_by_name(span_of("xen"), &vmm));
	CHECK(snp_features_read(span_of("0x2F"), &v) && v == 0x2f && snp_features_read(span_of("0xffffffffffffffff"), &v));
	CHECK(!snp_features_read(span_of("0x"), &v) && !snp_features_read(span_of("21"), &v) && !snp_features_read(span_of("0xg"), &v));
	CHECK(!snp_features_read(span_of("0x11111111111111111"), &v));
}

/* By the specification's words, for two pages: one extended, one only added; memory that comes later is no part. */
static void mr_td_is_the_digest_of_adds_and_extends(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	uint8_t head[128], want[HASH_MAX], got[TDX_MEASUREMENT], other[TDX_MEASUREMENT], page[FW_PAGE] = { 0 };
	static const uint64_t gpa[] = { 0xfffff000, 0xffffe000, 0x809000, 0x80a000 };
	struct err e = { 0 };

	fix_make(&fx, true);
	memcpy(page, fx.b + 0x1000, 0xf00);
	for (size_t i = 0; i < 4; i++) {
		memset(head, 0, sizeof(head));
		memcpy(head, "MEM.PAGE.ADD", 12);
		fix_le(head + 16, gpa[i], 8);
		wr_put(&w, SPAN(head));
		for (size_t at = 0; i == 0 && at < FW_PAGE; at += 256) {
			memset(head, 0, sizeof(head));
			memcpy(head, "MR.EXTEND", 9);
			fix_le(head + 16, gpa[0] + at, 8);
			wr_put(&w, SPAN(head));
			wr_put(&w, (struct span){ page + at, 256 });
		}
	}
	hash_once(HASH_SHA384, wr_span(&w), want);
	CHECK(tdx_measure(fix_span(&fx), got, &e) == COFFER_OK && memcmp(got, want, TDX_MEASUREMENT) == 0);
	fx.b[0x900] ^= 1; /* content that is not extended */
	CHECK(tdx_measure(fix_span(&fx), other, &e) == COFFER_OK && memcmp(got, other, TDX_MEASUREMENT) == 0);
	fx.b[0x1800] ^= 1;
	CHECK(tdx_measure(fix_span(&fx), other, &e) == COFFER_OK && memcmp(got, other, TDX_MEASUREMENT) != 0);
	fx.b[FIX_TDVF] = 0;
	CHECK(tdx_measure(fix_span(&fx), got, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(tables_are_read_as_they_were_made), T(truncation_refuses), T(sev_metadata_is_refused_when),
		T(tdvf_metadata_is_refused_when), T(every_input_of_a_launch_counts), T(launches_are_refused_when),
		T(a_hash_table_must_fit_its_page), T(names_of_vcpus_vmms_and_features), T(mr_td_is_the_digest_of_adds_and_extends) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
