/* PCR 0 of OVMF: registers of machines that booted Debian's, their logs, and firmware made here that is cut, malformed, or unknown. */
#include "evidence/measure_ovmf.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/measure_fw.h"
#include "fmt/enc.h"
#include "fmt/lzma.h"
#include "os/file.h"
#include "tests/t.h"
#include "tests/unit/ovmf_fix.h"

#define DEBIANS "/usr/share/ovmf/OVMF.fd"
#define SEPARATOR "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"
#define VERSION	  "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"

#define GUESSED	  "c25a45e8e23c9e009cac42afb4616535efdbad2952d60a818ad92c33638d3a48"

static struct err e;

/* ---- real ---- */

/* What swtpm's PCR 0 was after QEMU 7.2 started 2022.11-6+deb12u2 so: -m, -smp, -cpu max,phys-bits=,vendor=. */
static const struct { struct ovmf_shape shape; const char *pcr0; } booted[] = {
	{ { 512, 1, 40, OVMF_AMD }, "934e33f62488254af004d1451aca3b400e6b45062da33c091f5b78d1bba97c01" },
	{ { 64, 1, 40, OVMF_AMD }, "717f36785adda380306db86c8b5cf3bade420164368456f3fb35f14aad0c3775" },
	{ { 1025, 1, 40, OVMF_AMD }, "22ef459dbb2fc2b3f3e53defd0e2d8f217bb7a003b0b984c6f3f6069c4c65d45" },
	{ { 512, 2, 42, OVMF_AMD }, "3a8c58b5803e7fcf0310598c74a2caa1050b462abc297759080da93b48b0a73d" },
	{ { 2047, 2, 42, OVMF_AMD }, "328accfe8f65eb18f737dc6909c64afb91dad73ec29119d52760659eaa8414c1" },
	{ { 512, 2, 39, OVMF_INTEL }, "f2cdd1d0849f22cfac6bca25b3cb0cd6de8bd1fe27a23cd3b980ef96a357a7e4" },
	{ { 512, 2, 36, OVMF_AMD }, GUESSED },
	{ { 512, 2, 32, OVMF_AMD }, GUESSED },
	{ { 512, 2, 39, OVMF_AMD }, GUESSED },
	{ { 512, 2, 40, OVMF_INTEL }, GUESSED },
	{ { 512, 2, 40, OVMF_OTHER }, GUESSED }, /* HygonGenuine */
	{ { 1024, 2, 36, OVMF_INTEL }, "05ae8387f9be7a0afed748da71802c583b2a5307fa0c7477c836b4ecc19180b7" },
	{ { 2047, 2, 37, OVMF_AMD }, "fdf4ea4b6d2d236b01bf16e6ab925b8ec948dd4c6873fcd14c57636366099a39" },
	{ { 512, 2, 43, OVMF_AMD }, "e387209588d14914bd3d77b58985b9215b7110540a1716f6f137834b749ea3de" },
	{ { 512, 2, 44, OVMF_AMD }, "d1679565287ea3ce59fc551b2f3d30e87623b7641bb63ad57c91b51769de225d" },
	{ { 512, 2, 46, OVMF_INTEL }, "5aaafa02977d605fd48be4deb2af41f58994f3fe78e28e36622236eba7e49916" },
	{ { 512, 2, 48, OVMF_AMD }, "0e866535d20108597d94cf3c9443b85c420c2e36c7015f9cc14eb776e32e51a4" },
	{ { 512, 2, 52, OVMF_AMD }, "0e866535d20108597d94cf3c9443b85c420c2e36c7015f9cc14eb776e32e51a4" },
	{ { 512, 2, 40, OVMF_AMD }, "b44d5dc87c359b60c8df17ac97581dcac8aa81f40c6df06652ea2f27dea7c86a" }, /* 46 of Intel, without pages of 1 GiB */
};

static void registers_are_those_of_machines_that_booted(void)
{
	CLEANUP(ovmf_clear) struct ovmf o = { 0 };
	CLEANUP(wr_close) struct wr fw = { 0 };
	uint8_t got[HASH_MAX], want[32];

	if (file_read(DEBIANS, FW_MAX, &fw, &e) != COFFER_OK) {
		printf("# SKIP no %s\n", DEBIANS);
		return;
	}
	CHECK(ovmf_open(wr_span(&fw), &o, &e) == COFFER_OK);
	if (ovmf_pcr0(&o, &booted[0].shape, HASH_SHA256, got, &e) == COFFER_E_NOTFOUND) {
		printf("# SKIP %s is of another build\n", DEBIANS);
		return;
	}
	for (size_t i = 0; i < sizeof(booted) / sizeof(booted[0]); i++)
		CHECK(ovmf_pcr0(&o, &booted[i].shape, HASH_SHA256, got, &e) == COFFER_OK && hex_fixed(span_of(booted[i].pcr0), want, 32) && memcmp(got, want, 32) == 0);
	ovmf_drivers(&o, HASH_SHA256, got);
	CHECK(hex_fixed(span_of("614b0bfb88626b36415706a5143619938a38542e732587e2fa05c481f2843d4d"), want, 32) && memcmp(got, want, 32) == 0);
	CHECK(ovmf_pcr0(&o, &booted[0].shape, HASH_SHA384, got, &e) == COFFER_OK);
}

static void shapes_that_are_not_known_are_refused(void)
{
	static const struct ovmf_shape odd[] = { { 31, 1, 40, OVMF_AMD }, { 2048, 1, 40, OVMF_AMD }, { 512, 0, 40, OVMF_AMD }, { 512, 65, 40, OVMF_AMD }, { 512, 1, 31, OVMF_AMD }, { 512, 1, 53, OVMF_AMD } };
	CLEANUP(ovmfix_close) struct ovmfix f = { .volumes = 2 };
	CLEANUP(ovmf_clear) struct ovmf o = { 0 };
	uint8_t got[HASH_MAX] = { 7 };

	ovmfix_make(&f);
	CHECK(ovmf_open(wr_span(&f.fw), &o, &e) == COFFER_OK);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		CHECK(ovmf_pcr0(&o, &odd[i], HASH_SHA256, got, &e) == COFFER_E_INPUT && got[0] == 7);
	CHECK(ovmf_pcr0(&o, &booted[0].shape, HASH_SHA256, got, &e) == COFFER_E_NOTFOUND && got[0] == 7);
}

/* ---- made ---- */

static void both_volumes_are_found(void)
{
	CLEANUP(ovmfix_close) struct ovmfix f = { .volumes = 2 };
	CLEANUP(ovmf_clear) struct ovmf o = { 0 };
	CLEANUP(wr_close) struct wr again = wr_open(1u << 16);
	uint8_t got[HASH_MAX], want[HASH_MAX];

	ovmfix_make(&f);
	CHECK(ovmf_open(wr_span(&f.fw), &o, &e) == COFFER_OK);
	CHECK(span_eq(span_skip(o.pei, OVMFIX_HEAD), span_of("the first phase")));
	ovmfix_volume(&again, span_of("the drivers, of which there are more"));
	CHECK(span_eq(o.dxe, wr_span(&again)));
	ovmf_drivers(&o, HASH_SHA384, got);
	hash_once(HASH_SHA384, wr_span(&again), want);
	CHECK(memcmp(got, want, 48) == 0);
}

static bool opens(struct span s)
{
	struct ovmf o = { .pei.n = 77 };
	bool good = ovmf_open(s, &o, &e) == COFFER_OK;

	if (good)
		ovmf_clear(&o);
	else
		CHECK(o.pei.n == 77 && !o.plain.p);
	return good;
}

/* To the last byte of what the stream needs; behind it is padding that nobody reads. */
static void every_cut_refuses(void)
{
	CLEANUP(ovmfix_close) struct ovmfix f = { .volumes = 2 };

	ovmfix_make(&f);
	for (size_t n = 0; n < f.fw.n; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, f.fw.p, n);
		CHECK(!opens((struct span){ exact, n }));
	}
	CHECK(opens(wr_span(&f.fw)));
}

static void other_contents_refuse(void)
{
	CLEANUP(ovmfix_close) struct ovmfix f = { .volumes = 1 };

	ovmfix_make(&f);
	CHECK(!opens(wr_span(&f.fw)));
	f.volumes = 3;
	ovmfix_make(&f);
	CHECK(!opens(wr_span(&f.fw)));
	f.volumes = 2;
	ovmfix_make(&f);
	CHECK(opens(wr_span(&f.fw)));
	f.fw.p[OVMFIX_AT + 16] ^= 1; /* a volume of another format */
	CHECK(!opens(wr_span(&f.fw)));
	ovmfix_make(&f);
	f.fw.p[OVMFIX_AT + 48] = 70; /* a header of no whole words */
	CHECK(!opens(wr_span(&f.fw)));
	ovmfix_make(&f);
	f.fw.p[f.section + 4] ^= 1; /* compressed by something else */
	CHECK(!opens(wr_span(&f.fw)));
	ovmfix_make(&f);
	f.fw.p[f.section + 24 + 13] = 0xff; /* a stream begins with 0 */
	CHECK(!opens(wr_span(&f.fw)));
}

#define PAGE 4096u
#define FILE_LEN 24u

/* The last file reaches over the next page's header, where the walk goes on. */
static void page_of_files(struct wr *w, size_t pages_left)
{
	size_t at = w->n, files = (PAGE - OVMFIX_HEAD) / FILE_LEN, last;

	ovmfix_volume(w, (struct span){ 0 });
	for (unsigned i = 0; i < 8; i++)
		w->p[at + 32 + i] = (uint8_t)((uint64_t)pages_left * PAGE >> 8 * i);
	for (size_t i = 1; i < files; i++)
		ovmfix_file(w, 0xf0, (struct span){ 0 });
	last = w->n;
	ovmfix_file(w, 0xf0, (struct span){ 0 });
	ovmfix_fill(w, at + PAGE, 0xff);
	w->p[last + 20] = (uint8_t)(at + PAGE + OVMFIX_HEAD - last);
}

/* At each page a volume begins that reaches over all that follow, of the smallest files; behind them is a good one, which none of these holds. */
static enum coffer_rc open_behind(size_t pages)
{
	CLEANUP(ovmfix_close) struct ovmfix f = { .volumes = 2 };
	CLEANUP(ovmf_clear) struct ovmf o = { 0 };
	CLEANUP(wr_close) struct wr fw = wr_open(1u << 20);

	ovmfix_make(&f);
	for (size_t i = 0; i < pages; i++)
		page_of_files(&fw, pages - i);
	CHECK(fw.n == pages * PAGE);
	wr_put(&fw, span_skip(wr_span(&f.fw), OVMFIX_AT));
	return ovmf_open(wr_span(&fw), &o, &e);
}

static void files_are_walked_over_so_often_and_no_more(void)
{
	CHECK(open_behind(20) == COFFER_OK);
	CHECK(open_behind(40) == COFFER_E_LIMIT && strstr(e.msg, "files"));
}

static void lengths_of_streams_are_bounded(void)
{
	CLEANUP(ovmfix_close) struct ovmfix f = { .volumes = 2 };
	CLEANUP(wr_close) struct wr out = { 0 };
	struct span s;

	ovmfix_make(&f);
	s = span_skip(wr_span(&f.fw), f.section + 24);
	CHECK(lzma_alone(s, f.plain.n - 1, &out, &e) == COFFER_E_LIMIT && !out.p);
	CHECK(lzma_alone(s, f.plain.n, &out, &e) == COFFER_OK && span_eq(wr_span(&out), wr_span(&f.plain)));
	wr_close(&out);
	out = (struct wr){ 0 };
	memset(f.fw.p + f.section + 24 + 5, 0xff, 8);
	CHECK(lzma_alone(s, SIZE_MAX, &out, &e) == COFFER_E_INPUT && !out.p);
	memset(f.fw.p + f.section + 24 + 5, 0, 8);
	CHECK(lzma_alone(s, SIZE_MAX, &out, &e) == COFFER_E_INPUT && !out.p);
	f.fw.p[f.section + 24 + 5] = 0xff; /* more than there is */
	f.fw.p[f.section + 24 + 6] = 0xff;
	CHECK(lzma_alone(s, SIZE_MAX, &out, &e) == COFFER_E_INPUT && !out.p);
}

/* ---- logs ---- */

static void log_event(struct wr *w, uint32_t reg, uint32_t type, const uint8_t *digest)
{
	wr_le32(w, reg);
	wr_le32(w, type);
	wr_le32(w, 1);
	wr_u8(w, 0x0b);
	wr_u8(w, 0);
	wr_put(w, (struct span){ digest, 32 });
	wr_le32(w, 0);
}

/* The blobs of PCR 0 between a version and a separator; n of them. */
static void make_log(struct wr *w, const uint8_t *const *blob, size_t n)
{
	static const uint8_t zero[20] = { 0 };
	uint8_t digest[32];

	*w = wr_open(1u << 16);
	wr_le32(w, 0);
	wr_le32(w, 3);
	wr_put(w, SPAN(zero));
	wr_le32(w, 16 + 8 + 4 + 4 + 1);
	wr_put(w, (struct span){ (const uint8_t *)"Spec ID Event03", 16 });
	wr_le64(w, 0);
	wr_le32(w, 1);
	wr_le32(w, 0x0b | 32u << 16);
	wr_u8(w, 0);
	CHECK(hex_fixed(span_of(VERSION), digest, 32));
	log_event(w, 0, 8, digest);
	for (size_t i = 0; i < n; i++)
		log_event(w, 0, 0x80000008, blob[i]);
	CHECK(hex_fixed(span_of(SEPARATOR), digest, 32));
	log_event(w, 0, 4, digest);
	CHECK(wr_ok(w));
}

static enum coffer_rc logged(const struct ovmf *o, const uint8_t *const *blob, size_t n)
{
	CLEANUP(wr_close) struct wr log = { 0 };

	make_log(&log, blob, n);
	return ovmf_logged(o, wr_span(&log), HASH_SHA256, &e);
}

static void a_log_of_other_firmware_is_refused(void)
{
	CLEANUP(ovmfix_close) struct ovmfix f = { .volumes = 2 };
	CLEANUP(ovmf_clear) struct ovmf o = { 0 };
	uint8_t drivers[HASH_MAX];
	static const uint8_t pei[32] = { 1 }, other[32] = { 2 };

	ovmfix_make(&f);
	CHECK(ovmf_open(wr_span(&f.fw), &o, &e) == COFFER_OK);
	ovmf_drivers(&o, HASH_SHA256, drivers);
	CHECK(logged(&o, (const uint8_t *const[]){ pei, drivers }, 2) == COFFER_OK);
	CHECK(logged(&o, (const uint8_t *const[]){ pei, other }, 2) == COFFER_E_DENIED && strcmp(e.check, "firmware") == 0);
	CHECK(logged(&o, (const uint8_t *const[]){ drivers, other }, 2) == COFFER_E_DENIED);
	CHECK(logged(&o, (const uint8_t *const[]){ drivers }, 1) == COFFER_E_DENIED);
	CHECK(logged(&o, (const uint8_t *const[]){ pei, other, drivers }, 3) == COFFER_E_DENIED);
	CHECK(logged(&o, NULL, 0) == COFFER_E_DENIED);
	CHECK(ovmf_logged(&o, span_of("no log"), HASH_SHA256, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = { T(registers_are_those_of_machines_that_booted), T(shapes_that_are_not_known_are_refused), T(both_volumes_are_found),
		T(every_cut_refuses), T(other_contents_refuse), T(files_are_walked_over_so_often_and_no_more), T(lengths_of_streams_are_bounded), T(a_log_of_other_firmware_is_refused) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
