#include "evidence/measure_tpm.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

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

static const uint8_t separator[4] = { 0 };

/* ---- PCR 2 and 3 ---- */

void tpm_measure_no_drivers(struct pcrs *out)
{
	for (size_t reg = 2; reg <= 3; reg++) {
		start(out, reg);
		extend_bytes(out, reg, SPAN(separator));
	}
}

/* ---- PCR 4 and 9 ---- */

static void extend_boot(struct pcrs *p, const uint8_t *image, enum boot_from from)
{
	start(p, 4);
	if (from == BOOT_FROM_QEMU)
		extend(p, 4, image);
	extend_bytes(p, 4, span_of("Calling EFI Application from Boot Option"));
	extend_bytes(p, 4, SPAN(separator));
	if (from == BOOT_FROM_DISK)
		extend(p, 4, image);
}

/* By the kernel's EFI stub: load options, then the initrd. */
static void extend_options(struct pcrs *p, const struct boot_digests *d)
{
	start(p, 9);
	extend(p, 9, d->options);
	if (d->has_initrd)
		extend(p, 9, d->initrd);
}

enum coffer_rc tpm_measure_direct(const struct direct_boot *b, struct pcrs *out, struct err *e)
{
	struct boot_digests d;

	TRY(boot_digests_direct(b, out->hash, &d, e));
	extend_boot(out, d.image, BOOT_FROM_QEMU);
	extend_options(out, &d);
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
	struct boot_digests d = { 0 };
	uint8_t of_kernel[HASH_MAX];
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
	boot_digest_image(&image[0], p.hash, d.image);
	boot_digest_image(&image[1], p.hash, of_kernel);
	TRY(boot_digest_options(cmdline, "", p.hash, d.options, e));
	d.has_initrd = initrd.n > 0;
	if (d.has_initrd)
		hash_once(p.hash, initrd, d.initrd);
	extend_boot(&p, d.image, from);
	extend(&p, 4, of_kernel);
	extend_options(&p, &d);
	TRY(extend_sections(&p, image, e));
	*out = p;
	return COFFER_OK;
}

/* ---- the firmware's own ---- */

enum coffer_rc tpm_measure_log(struct span log, struct pcrs *out, struct err *e)
{
	CLEANUP(freep) struct eventlog_replay *r = calloc(1, sizeof(*r));
	uint16_t alg = out->hash == HASH_SHA384 ? TPM_ALG_SHA384 : out->hash == HASH_SHA512 ? TPM_ALG_SHA512 : TPM_ALG_SHA256;

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(eventlog_replay(log, alg, r, e));
	out->known = (out->known & ~MEASURE_LOGGED) | (r->extended & MEASURE_LOGGED);
	for (size_t i = 0; i < TPM_PCRS; i++)
		if (r->extended & MEASURE_LOGGED & 1u << i)
			memcpy(out->v[i], r->reg[i], HASH_MAX);
	return COFFER_OK;
}
