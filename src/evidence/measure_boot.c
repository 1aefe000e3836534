#include "evidence/measure_boot.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"

void boot_digest_image(const struct pe *image, enum hash_alg h, uint8_t out[static HASH_MAX])
{
	struct hash_stream *s = hash_open(h);

	for (size_t i = 0; i < image->n_parts; i++)
		hash_add(s, image->part[i]);
	hash_end(s, out);
}

static bool printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

enum coffer_rc boot_digest_options(struct span cmdline, const char *suffix, enum hash_alg h, uint8_t out[static HASH_MAX], struct err *e)
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
	hash_once(h, wr_span(&w), out);
	return COFFER_OK;
}

/* ---- QEMU's changes to a Linux setup header ---- */

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

enum coffer_rc boot_digests_direct(const struct direct_boot *b, enum hash_alg h, struct boot_digests *out, struct err *e)
{
	CLEANUP(freep) uint8_t *copy = malloc(b->kernel.n ? b->kernel.n : 1);
	CLEANUP(freep) struct pe *image = calloc(1, sizeof(*image));
	struct boot_digests d = { .has_initrd = b->initrd.n > 0 };

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
	boot_digest_image(image, h, d.image);
	TRY(boot_digest_options(b->cmdline, d.has_initrd ? " initrd=initrd" : "", h, d.options, e));
	if (d.has_initrd)
		hash_once(h, b->initrd, d.initrd);
	*out = d;
	return COFFER_OK;
}
