/* Predicted registers, by the words of the header over images made here; a real boot is compared in tests/e2e/test_measure.py. */
#include "evidence/measure_tpm.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/evkit.h"
#include "crypto_util.h"
#include "tests/t.h"
#include "tests/unit/pe_fix.h"

#define MAGIC "#### LoaderInfo: systemd-stub 252.1 ####"

static void linux_image(struct wr *w)
{
	const struct pef_section s[] = { { ".setup", span_of("setup"), 0 }, { ".text", span_of("kernel"), 0 } };

	pef_make(w, s, 2);
	memcpy(w->p + 0x202, "HdrS", 4);
	w->p[0x206] = 15;
	w->p[0x207] = 2;
	w->p[0x236] = 0x3f;
}

static void ext(struct pcrs *p, size_t reg, struct span s)
{
	uint8_t d[HASH_MAX];

	hash_once(p->hash, s, d);
	evkit_extend(p->hash, p->v[reg], (struct span){ d, hash_len(p->hash) });
}

/* Authenticode of an image of pe_fix.h: all but the checksum and the certificates' entry. */
static void ext_image(struct pcrs *p, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 20);

	wr_put(&w, (struct span){ s.p, PEF_OPT + 64 });
	wr_put(&w, (struct span){ s.p + PEF_OPT + 68, PEF_DIRS + 32 - PEF_OPT - 68 });
	wr_put(&w, span_skip(s, PEF_DIRS + 40));
	ext(p, 4, wr_span(&w));
}

static void ext_boot(struct pcrs *p, struct span image)
{
	ext_image(p, image);
	ext(p, 4, span_of("Calling EFI Application from Boot Option"));
	ext(p, 4, (struct span){ (const uint8_t *)"\0\0\0\0", 4 });
}

static bool same(const struct pcrs *a, const struct pcrs *b, size_t reg)
{
	return memcmp(a->v[reg], b->v[reg], hash_len(a->hash)) == 0;
}

static enum coffer_rc direct(struct direct_boot b, struct pcrs *out)
{
	struct err e = { 0 };

	return tpm_measure_direct(&b, out, &e);
}

static void direct_boot_is_kernel_action_separator_options_initrd(void)
{
	CLEANUP(wr_close) struct wr k = wr_open(1u << 16);
	static const enum hash_alg banks[] = { HASH_SHA256, HASH_SHA384 };
	static const char options[] = "q\0 \0i\0n\0i\0t\0r\0d\0=\0i\0n\0i\0t\0r\0d\0\0\0";

	linux_image(&k);
	for (size_t i = 0; i < 2; i++) {
		struct pcrs got = { .hash = banks[i] }, want = { .hash = banks[i] };
		struct direct_boot b = { .kernel = wr_span(&k), .initrd = span_of("rd"), .cmdline = span_of("q") };

		ext_boot(&want, wr_span(&k));
		ext(&want, 9, (struct span){ (const uint8_t *)options, sizeof(options) - 1 });
		ext(&want, 9, span_of("rd"));
		CHECK(direct(b, &got) == COFFER_OK && got.known == (1u << 4 | 1u << 9) && same(&got, &want, 4) && same(&got, &want, 9));
	}
}

static void memory_and_the_initrds_size_are_in_the_header_that_is_measured(void)
{
	CLEANUP(wr_close) struct wr k = wr_open(1u << 16);
	struct direct_boot b = { .initrd = span_of("rd"), .cmdline = span_of("q"), .memory = 512 };
	struct pcrs got = { 0 }, want = { 0 }, other = { 0 };

	linux_image(&k);
	b.kernel = wr_span(&k);
	CHECK(direct(b, &got) == COFFER_OK);
	b.memory = 1024;
	CHECK(direct(b, &other) == COFFER_OK && !same(&got, &other, 4) && same(&got, &other, 9));
	b.memory = 512;
	b.initrd = span_of("rd2");
	CHECK(direct(b, &other) == COFFER_OK && !same(&got, &other, 4));
	k.p[0x210] = 0xb0;
	k.p[0x211] |= 0x80;
	pef_le(k.p + 0x224, 0xfe00, 2);
	pef_le(k.p + 0x228, 0x20000, 4);
	pef_le(k.p + 0x218, ((512u << 20) - 0x28000 - 1 - 2) & ~4095u, 4);
	pef_le(k.p + 0x21c, 2, 4);
	ext_boot(&want, wr_span(&k));
	CHECK(same(&got, &want, 4));
}

static void direct_boots_are_refused_when(void)
{
	CLEANUP(wr_close) struct wr k = wr_open(1u << 16);
	CLEANUP(freep) uint8_t *big = calloc(1, 33u << 20);
	CLEANUP(freep) char *words = calloc(1, MEASURE_CMDLINE_MAX + 2);
	struct direct_boot good = { .initrd = span_of("rd"), .cmdline = span_of("q"), .memory = 32 }, b;
	struct pcrs p = { .known = 77 };

	linux_image(&k);
	good.kernel = wr_span(&k);
	for (uint32_t i = 0; i < 2; i++) {
		b = good;
		b.memory = i ? 31 : 2048;
		CHECK(direct(b, &p) == COFFER_E_INPUT);
	}
	b = good;
	b.initrd = (struct span){ big, 33u << 20 };
	CHECK(direct(b, &p) == COFFER_E_INPUT);
	b = good;
	b.initrd = b.cmdline = span_of("");
	CHECK(direct(b, &p) == COFFER_E_INPUT);
	b = good;
	b.cmdline = span_of("a\tb");
	CHECK(direct(b, &p) == COFFER_E_INPUT);
	memset(words, 'a', MEASURE_CMDLINE_MAX + 1);
	b.cmdline = span_of(words);
	CHECK(direct(b, &p) == COFFER_E_INPUT);
	b.cmdline.n--;
	CHECK(direct(b, &(struct pcrs){ 0 }) == COFFER_OK);
	b = good;
	b.kernel.n = 0x237;
	CHECK(direct(b, &p) == COFFER_E_INPUT);
	b.memory = 0;
	CHECK(direct(b, &p) == COFFER_E_INPUT); /* cut short, it is no PE image either */
	for (size_t i = 0; i < 3; i++) {
		static const struct { size_t at; uint8_t v; } bad[] = { { 0x202, 'h' }, { 0x206, 11 }, { 0x236, 1 } };
		uint8_t was = k.p[bad[i].at];

		k.p[bad[i].at] = bad[i].v;
		CHECK(direct(good, &p) == COFFER_E_INPUT);
		k.p[bad[i].at] = was;
	}
	CHECK(p.known == 77);
	CHECK(direct(good, &(struct pcrs){ 0 }) == COFFER_OK);
}

/* ---- unified kernel images ---- */

static void uki_of(struct wr *w, const struct pef_section *s, size_t n)
{
	w->n = 0;
	pef_make(w, s, n);
}

static enum coffer_rc uki(const struct wr *w, struct pcrs *out)
{
	struct err e = { 0 };

	return tpm_measure_uki(wr_span(w), BOOT_FROM_QEMU, out, &e);
}

static void unified_kernel_images_are_measured_whole_and_by_section(void)
{
	CLEANUP(wr_close) struct wr k = wr_open(1u << 16), w = wr_open(1u << 16);
	static const char *const order[] = { ".linux", ".osrel", ".cmdline", ".initrd" };
	struct pcrs got = { 0 }, want = { 0 };
	struct err e = { 0 };

	linux_image(&k);
	const struct pef_section s[] = { { ".sdmagic", span_of(MAGIC), 0 }, { ".osrel", span_of("ID=x"), 0 }, { ".cmdline", span_of("q"), 0 },
		{ ".initrd", span_of("rd"), 0 }, { ".linux", wr_span(&k), 0 }, { ".uname", span_of("6.1"), 0 } };
	const struct span data[] = { wr_span(&k), span_of("ID=x"), span_of("q"), span_of("rd") };

	uki_of(&w, s, 6);
	ext_boot(&want, wr_span(&w));
	ext_image(&want, wr_span(&k));
	ext(&want, 9, (struct span){ (const uint8_t *)"q\0\0\0", 4 });
	ext(&want, 9, span_of("rd"));
	for (size_t i = 0; i < 4; i++) {
		ext(&want, 11, (struct span){ (const uint8_t *)order[i], strlen(order[i]) + 1 });
		ext(&want, 11, data[i]);
	}
	CHECK(uki(&w, &got) == COFFER_OK && got.known == (1u << 4 | 1u << 9 | 1u << 11));
	CHECK(same(&got, &want, 4) && same(&got, &want, 9) && same(&got, &want, 11));
	memset(want.v[4], 0, HASH_MAX); /* from a disk the firmware announces the boot first */
	ext(&want, 4, span_of("Calling EFI Application from Boot Option"));
	ext(&want, 4, (struct span){ (const uint8_t *)"\0\0\0\0", 4 });
	ext_image(&want, wr_span(&w));
	ext_image(&want, wr_span(&k));
	CHECK(tpm_measure_uki(wr_span(&w), BOOT_FROM_DISK, &got, &e) == COFFER_OK && same(&got, &want, 4) && same(&got, &want, 11));
}

static void unified_kernel_images_are_refused_when(void)
{
	CLEANUP(wr_close) struct wr k = wr_open(1u << 16), w = wr_open(1u << 16);
	struct pcrs p = { .known = 77 };

	linux_image(&k);
	const struct pef_section good[] = { { ".sdmagic", span_of(MAGIC), 0 }, { ".cmdline", span_of("q"), 0 }, { ".initrd", span_of("rd"), 0 },
		{ ".linux", wr_span(&k), 0 } };
	struct pef_section s[4];

	for (size_t i = 0; i < 4; i++) { /* one of them under another name */
		memcpy(s, good, sizeof(s));
		s[i].name = ".other";
		uki_of(&w, s, 4);
		CHECK(uki(&w, &p) == COFFER_E_INPUT);
		memcpy(s, good, sizeof(s)); /* or longer in memory than in the file */
		s[i].size = (uint32_t)s[i].data.n + 1;
		uki_of(&w, s, 4);
		CHECK(uki(&w, &p) == COFFER_E_INPUT);
	}
	memcpy(s, good, sizeof(s));
	s[0].data = span_of("#### LoaderInfo: systemd-stub 2520 ####");
	uki_of(&w, s, 4);
	CHECK(uki(&w, &p) == COFFER_E_INPUT);
	memcpy(s, good, sizeof(s));
	s[1].data = span_of("q\n");
	uki_of(&w, s, 4);
	CHECK(uki(&w, &p) == COFFER_E_INPUT);
	memcpy(s, good, sizeof(s));
	s[3].data = span_of("no image");
	uki_of(&w, s, 4);
	CHECK(uki(&w, &p) == COFFER_E_INPUT && p.known == 77);
	uki_of(&w, good, 4);
	CHECK(uki(&w, &(struct pcrs){ 0 }) == COFFER_OK);
}

/* ---- logs ---- */

static void a_log_gives_the_firmwares_registers_alone(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	static const uint16_t alg[] = { TPM_ALG_SHA256 };
	struct pcrs p = { .hash = HASH_SHA256, .known = 1u << 2 | 1u << 4 }, want = { .hash = HASH_SHA256 };
	struct err e = { 0 };

	memset(p.v[4], 9, HASH_MAX);
	evkit_log_head(&w, alg, 1);
	evkit_log_event(&w, 0, 8, alg, 1, span_of("firmware"));
	evkit_log_event(&w, 7, 8, alg, 1, span_of("secure boot"));
	evkit_log_event(&w, 4, 5, alg, 1, span_of("loader"));
	ext(&want, 0, span_of("firmware"));
	ext(&want, 7, span_of("secure boot"));
	CHECK(tpm_measure_log(wr_span(&w), &p, &e) == COFFER_OK && p.known == (1u << 0 | 1u << 4 | 1u << 7));
	CHECK(same(&p, &want, 0) && same(&p, &want, 7) && p.v[4][0] == 9);
	p.hash = HASH_SHA384; /* a bank that the log has not */
	CHECK(tpm_measure_log(wr_span(&w), &p, &e) == COFFER_E_INPUT && p.known == (1u << 0 | 1u << 4 | 1u << 7));
}

/* SHA-256 of 32 zeros and of the digest of four: what every log of such a machine gives. */
static void no_drivers_are_a_separator_each(void)
{
	struct pcrs p = { .hash = HASH_SHA256, .known = 1u << 4 };
	uint8_t want[32];

	hex("3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969", want, sizeof(want));
	tpm_measure_no_drivers(&p);
	CHECK(p.known == (1u << 2 | 1u << 3 | 1u << 4) && memcmp(p.v[2], want, 32) == 0 && memcmp(p.v[3], want, 32) == 0);
}

int main(void)
{
	static const struct t_case cases[] = { T(direct_boot_is_kernel_action_separator_options_initrd),
		T(memory_and_the_initrds_size_are_in_the_header_that_is_measured), T(direct_boots_are_refused_when),
		T(unified_kernel_images_are_measured_whole_and_by_section), T(unified_kernel_images_are_refused_when),
		T(a_log_gives_the_firmwares_registers_alone), T(no_drivers_are_a_separator_each) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
