#include "evidence/measure_tpm.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "fmt/pe.h"

static void extend(struct pcrs *p, size_t reg, const uint8_t *digest)
{
	size_t n = hash_len(p->hash);
	uint8_t both[2 * HASH_MAX];

	memcpy(both, p->v[reg], n);
	memcpy(both + n, digest, n);
	hash_once(p->hash, (struct span){ both, 2 * n }, p->v[reg]);
}

static void extend_bytes(struct pcrs *p, size_t reg, struct span s)
{
	uint8_t digest[HASH_MAX];

	hash_once(p->hash, s, digest);
	extend(p, reg, digest);
}

static void start(struct pcrs *p, size_t reg)
{
	memset(p->v[reg], 0, HASH_MAX);
	p->known |= 1u << reg;
}

/* ---- PCR 4 ---- */

static void extend_image(struct pcrs *p, const struct pe *image)
{
	struct hash_stream *h = hash_open(p->hash);
	uint8_t digest[HASH_MAX];

	for (size_t i = 0; i < image->n_parts; i++)
		hash_add(h, image->part[i]);
	hash_end(h, digest);
	extend(p, 4, digest);
}

static void extend_boot(struct pcrs *p, const struct pe *image, enum boot_from from)
{
	static const uint8_t separator[4] = { 0 };

	start(p, 4);
	if (from == BOOT_FROM_QEMU)
		extend_image(p, image);
	extend_bytes(p, 4, span_of("Calling EFI Application from Boot Option"));
	extend_bytes(p, 4, SPAN(separator));
	if (from == BOOT_FROM_DISK)
		extend_image(p, image);
}

/* ---- PCR 9 ---- */

static bool printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* Load options: UTF-16, little-endian, with the NUL; then the initrd. */
static enum coffer_rc extend_options(struct pcrs *p, struct span cmdline, const char *suffix, struct span initrd, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)2 * (MEASURE_CMDLINE_MAX + 64));
	struct span part[3] = { cmdline, span_of(suffix), { (const uint8_t *)"", 1 } };

	if (cmdline.n > MEASURE_CMDLINE_MAX || !printable(cmdline))
		return err_set(
		    e, COFFER_E_INPUT, "command line: not printable ASCII of at most %d characters", MEASURE_CMDLINE_MAX);
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < part[k].n; i++) {
			wr_u8(&w, part[k].p[i]);
			wr_u8(&w, 0);
		}
	TRY(wr_done(&w, "load options", e));
	start(p, 9);
	extend_bytes(p, 9, wr_span(&w));
	if (initrd.n > 0)
		extend_bytes(p, 9, initrd);
	return COFFER_OK;
}

/* ---- QEMU's changes to a Linux setup header (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header") ---- */

#define HEADER_END 0x238u
#define ACPI_DATA  0x28000u /* what a q35 keeps below the top of memory for its tables */

static void put32(uint8_t *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static enum coffer_rc patch(uint8_t *k, size_t n, const struct direct_boot *b, struct err *e)
{
	uint64_t top = ((uint64_t)b->memory << 20) - ACPI_DATA - 1;

	if (b->memory < 32 || b->memory > 2047)
		return err_set(
		    e, COFFER_E_INPUT, "memory: 32 to 2047 MiB; where QEMU puts an initrd otherwise is not known here");
	if (n < HEADER_END || !span_starts((struct span){ k + 0x202, 4 }, "HdrS") || k[0x207] < 2 ||
	    (k[0x207] == 2 && k[0x206] < 12) || !(k[0x236] & 2))
		return err_set(e, COFFER_E_INPUT, "kernel: not Linux with boot protocol 2.12 or later");
	if (b->initrd.n > top)
		return err_set(e, COFFER_E_INPUT, "initrd: does not fit into %u MiB", b->memory);
	k[0x210] = 0xb0;  /* type_of_loader */
	k[0x211] |= 0x80; /* loadflags: heap_end_ptr holds */
	k[0x224] = 0x00;  /* heap_end_ptr */
	k[0x225] = 0xfe;
	put32(k + 0x228, 0x20000); /* cmd_line_ptr */
	if (b->initrd.n > 0) {
		put32(k + 0x218, (uint32_t)((top - b->initrd.n) & ~4095ull));
		put32(k + 0x21c, (uint32_t)b->initrd.n);
	}
	return COFFER_OK;
}

enum coffer_rc tpm_measure_direct(const struct direct_boot *b, struct pcrs *out, struct err *e)
{
	CLEANUP(freep) uint8_t *copy = malloc(b->kernel.n ? b->kernel.n : 1);
	CLEANUP(freep) struct pe *image = calloc(1, sizeof(*image));
	struct pcrs p = *out;

	if (!copy || !image)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (b->cmdline.n == 0 && b->initrd.n == 0)
		return err_set(
		    e, COFFER_E_INPUT, "neither command line nor initrd: what the kernel then measures is not known here");
	if (b->kernel.n > 0)
		memcpy(copy, b->kernel.p, b->kernel.n);
	if (b->memory > 0)
		TRY(patch(copy, b->kernel.n, b, e));
	if (pe_parse((struct span){ copy, b->kernel.n }, image, e) != COFFER_OK)
		return err_wrap(e, "kernel");
	extend_boot(&p, image, BOOT_FROM_QEMU);
	TRY(extend_options(&p, b->cmdline, b->initrd.n > 0 ? " initrd=initrd" : "", b->initrd, e));
	*out = p;
	return COFFER_OK;
}

/* ---- unified kernel images ---- */

#define STUB "#### LoaderInfo: systemd-stub "

static enum coffer_rc content(const struct pe *p, const char *name, struct span *out, struct err *e)
{
	const struct pe_section *s = pe_section(p, name);

	if (!s)
		return err_set(e, COFFER_E_INPUT, "unified kernel image: no section %s", name);
	if (!pe_content(s, out))
		return err_set(e, COFFER_E_INPUT, "unified kernel image: section %s has fewer bytes than it is long", name);
	return COFFER_OK;
}

/* Which sections are measured, and in which order, depends on the version. */
static enum coffer_rc check_stub(const struct pe *image, struct err *e)
{
	struct span s;

	TRY(content(image, ".sdmagic", &s, e));
	if (!span_starts(s, STUB "252 ") && !span_starts(s, STUB "252."))
		return err_set(
		    e, COFFER_E_INPUT, "unified kernel image: not of systemd-stub 252; what others measure is not known here");
	return COFFER_OK;
}

static enum coffer_rc extend_sections(struct pcrs *p, const struct pe *image, struct err *e)
{
	static const char *const measured[] = { ".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".pcrpkey" };
	struct span s;

	start(p, 11);
	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
		if (!pe_section(image, measured[i]))
			continue;
		TRY(content(image, measured[i], &s, e));
		if (s.n == 0)
			continue;
		extend_bytes(p, 11, (struct span){ (const uint8_t *)measured[i], strlen(measured[i]) + 1 });
		extend_bytes(p, 11, s);
	}
	return COFFER_OK;
}

enum coffer_rc tpm_measure_uki(struct span uki, enum boot_from from, struct pcrs *out, struct err *e)
{
	CLEANUP(freep) struct pe *image = calloc(2, sizeof(*image));
	struct span kernel, initrd, cmdline;
	struct pcrs p = *out;

	if (!image)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (pe_parse(uki, &image[0], e) != COFFER_OK)
		return err_wrap(e, "unified kernel image");
	TRY(check_stub(image, e));
	TRY(content(image, ".linux", &kernel, e));
	TRY(content(image, ".initrd", &initrd, e));
	TRY(content(image, ".cmdline", &cmdline, e));
	if (pe_parse(kernel, &image[1], e) != COFFER_OK)
		return err_wrap(e, "unified kernel image: .linux");
	extend_boot(&p, &image[0], from);
	extend_image(&p, &image[1]);
	TRY(extend_options(&p, cmdline, "", initrd, e));
	TRY(extend_sections(&p, image, e));
	*out = p;
	return COFFER_OK;
}

/* ---- the firmware's own ---- */

enum coffer_rc tpm_measure_log(struct span log, struct pcrs *out, struct err *e)
{
	static const uint32_t firmware = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 7;
	CLEANUP(freep) struct eventlog_replay *r = calloc(1, sizeof(*r));
	uint16_t alg = out->hash == HASH_SHA384 ? TPM_ALG_SHA384 : out->hash == HASH_SHA512 ? TPM_ALG_SHA512 : TPM_ALG_SHA256;

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(eventlog_replay(log, alg, r, e));
	out->known = (out->known & ~firmware) | (r->extended & firmware);
	for (size_t i = 0; i < TPM_PCRS; i++)
		if (r->extended & firmware & 1u << i)
			memcpy(out->v[i], r->reg[i], HASH_MAX);
	return COFFER_OK;
}
