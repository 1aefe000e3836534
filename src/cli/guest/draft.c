/* What is said of an image: a boot-image statement's draft, with the registers that its launches will have. */
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/image.h"
#include "cli/machine.h"
#include "cli/vm.h"
#include "evidence/measure_ovmf.h"
#include "evidence/measure_tpm.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define SHAPE_MAX 64

/* What the agent does as it is built; who has its shell does as he likes. Not egress: a manifest has no member that limits it, what
 * a container connects to beyond the guest is kept from it by there being no network, and for that the agent's word is not needed. */
static const char *const enforced[] = { "manifest", "image-digests", "container-scoping", "leases" };

static void put_launch(struct json_wr *j, const char *platform, const char *shape, const struct pcrs *p)
{
	char name[8];

	jw_obj(j);
	jw_m_text(j, "platform", platform);
	jw_m_text(j, "shape", shape);
	jw_name(j, "registers");
	jw_obj(j);
	for (size_t i = 0; i < TPM_PCRS; i++) {
		CLEANUP(wr_close) struct wr hex = wr_open((size_t)2 * HASH_MAX);

		if (!(p->known >> i & 1))
			continue;
		(void)snprintf(name, sizeof(name), "pcr%02zu", i);
		hex_write(&hex, (struct span){ p->v[i], hash_len(p->hash) });
		jw_m_str(j, name, wr_span(&hex));
	}
	jw_obj_end(j);
	jw_obj_end(j);
}

/* ---- PCR 0 ---- */

struct firmware { struct ovmf fw; bool unknown; };

static void firmware_clear(struct firmware *f)
{
	ovmf_clear(&f->fw);
}

/* Whether this build's is computed does not depend on the shape. */
static enum coffer_rc firmware_open(const struct guest_image *g, struct firmware *f, struct err *e)
{
	static const struct ovmf_shape any = { 512, 1, OVMF_BITS_EMULATED, OVMF_AMD };
	uint8_t v[HASH_MAX];
	enum coffer_rc rc;

	TRY(ovmf_open(wr_span(&g->firmware), &f->fw, e));
	rc = ovmf_pcr0(&f->fw, &any, HASH_SHA256, v, e);
	f->unknown = rc == COFFER_E_NOTFOUND;
	return f->unknown ? COFFER_OK : rc;
}

/* bits 0: emulated. What this firmware measures of others' code is known where the firmware is. */
static enum coffer_rc add_firmware(const struct firmware *f, uint32_t memory, unsigned bits, struct pcrs *p, struct err *e)
{
	const struct ovmf_shape shape = { memory, bits ? VM_CPUS : VM_CPUS_TCG, bits ? bits : OVMF_BITS_EMULATED, OVMF_AMD };

	if (f->unknown)
		return COFFER_OK;
	TRY(ovmf_pcr0(&f->fw, &shape, p->hash, p->v[0], e));
	p->known |= 1;
	tpm_measure_no_drivers(p);
	return COFFER_OK;
}

/* One launch for each PCR 0 that a machine of this memory may have. */
static enum coffer_rc put_shapes(struct json_wr *j, const struct firmware *f, uint32_t memory, const struct pcrs *boot, struct err *e)
{
	static const unsigned bits[] = { 0, VM_KVM_BITS };
	char shape[VM_SHAPE_MAX];

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		struct pcrs p = *boot;

		if (i > 0 && f->unknown)
			break; /* nothing tells them apart */
		TRY(add_firmware(f, memory, bits[i], &p, e));
		vm_shape_measured(memory, bits[i], shape);
		put_launch(j, "swtpm", shape, &p);
	}
	return COFFER_OK;
}

static enum coffer_rc direct(struct json_wr *j, const struct guest_image *g, const struct firmware *f, struct err *e)
{
	for (size_t i = 0; i < g->recipe.n_memory; i++) {
		struct direct_boot b = { wr_span(&g->kernel), wr_span(&g->initrd), span_of(guest_cmdline(&g->recipe)), g->recipe.memory[i] };
		struct pcrs p = { .hash = HASH_SHA256 };

		TRY(tpm_measure_direct(&b, &p, e));
		TRY(put_shapes(j, f, b.memory, &p, e));
	}
	return COFFER_OK;
}

/* Given to QEMU it measures the same whatever the memory, but its firmware does not. */
static enum coffer_rc unified_here(struct json_wr *j, const struct guest_image *g, const struct firmware *f, struct err *e)
{
	struct pcrs boot = { .hash = HASH_SHA256 };
	char shape[SHAPE_MAX];

	TRY(tpm_measure_uki(wr_span(&g->uki), BOOT_FROM_QEMU, &boot, e));
	for (size_t i = 0; i < (f->unknown ? 1 : g->recipe.n_memory); i++) {
		struct pcrs p = boot;

		TRY(add_firmware(f, g->recipe.memory[i], 0, &p, e));
		(void)snprintf(shape, sizeof(shape), "qemu, unified kernel image");
		if (!f->unknown)
			(void)snprintf(shape, sizeof(shape), "qemu, %u MiB, unified kernel image", g->recipe.memory[i]);
		put_launch(j, "swtpm", shape, &p);
	}
	return COFFER_OK;
}

/* From a disk another machine's firmware starts it, of which nothing is known here: whoever has such machines adds its pcr00. */
static enum coffer_rc unified(struct json_wr *j, const struct guest_image *g, const struct firmware *f, struct err *e)
{
	static const char *const platforms[] = { "swtpm", "tpm" };

	if (g->uki.n == 0)
		return COFFER_OK;
	TRY(unified_here(j, g, f, e));
	for (size_t i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++) {
		struct pcrs p = { .hash = HASH_SHA256 };

		TRY(tpm_measure_uki(wr_span(&g->uki), BOOT_FROM_DISK, &p, e));
		put_launch(j, platforms[i], "disk, unified kernel image", &p);
	}
	return COFFER_OK;
}

static void put_artefact(struct json_wr *j, const char *name, struct span content)
{
	char hex[HEX32_LEN];
	uint8_t digest[32];

	if (content.n == 0)
		return;
	sha256(content, digest);
	hex32(digest, hex);
	jw_obj(j);
	jw_m_text(j, "name", name);
	jw_m_text(j, "sha256", hex);
	jw_obj_end(j);
}

/* What has to be there when the agent is built. */
static void put_linked(struct wr *w, const struct guest_linked *l)
{
	const struct guest_package *p[GUEST_LINKED_MAX];
	size_t n = linked_packages(l, p);

	for (size_t i = 0; i < n; i++)
		wr_fmt(w, "%s %s %s", i == 0 ? ", built with" : ",", p[i]->name, p[i]->version);
}

static void put_rebuild(struct json_wr *j, const struct guest_image *g)
{
	CLEANUP(wr_close) struct wr w = wr_open(16384);

	wr_fmt(&w, "coffer %s", COFFER_VERSION);
	put_linked(&w, &g->linked);
	wr_fmt(&w, ": coffer guest build%s%s --lock packages.lock", g->recipe.debug ? " --debug" : "", g->recipe.uki ? " --uki" : "");
	for (size_t i = 0; i < g->recipe.n_memory; i++)
		wr_fmt(&w, " --memory %u", g->recipe.memory[i]);
	wr_str(&w, " -o DIR");
	jw_m_str(j, "rebuild", wr_span(&w));
}

/* As `boot-image publish` will read it: a draft that it would refuse is not handed out. */
static enum coffer_rc check(struct span text, struct err *e)
{
	CLEANUP(machine_file_clear) struct machine_file m = { .kind = ST_BOOT_IMAGE };

	return machine_parse(text, &m, e);
}

enum coffer_rc guest_draft(const struct guest_image *g, struct wr *out, bool *unknown, struct err *e)
{
	CLEANUP(firmware_clear) struct firmware f = { .unknown = false };
	struct json_wr j;

	TRY(firmware_open(g, &f, e));
	*unknown = f.unknown;
	*out = wr_open(MACHINE_FILE_MAX);
	j = jw_open(out, true);
	jw_obj(&j);
	jw_m_text(&j, "name", guest_name(&g->recipe));
	jw_name(&j, "enforces");
	jw_arr(&j);
	for (size_t i = 0; !g->recipe.debug && i < sizeof(enforced) / sizeof(enforced[0]); i++)
		jw_text(&j, enforced[i]);
	jw_arr_end(&j);
	jw_name(&j, "launches");
	jw_arr(&j);
	TRY(direct(&j, g, &f, e));
	TRY(unified(&j, g, &f, e));
	jw_arr_end(&j);
	put_rebuild(&j, g);
	jw_name(&j, "artefacts");
	jw_arr(&j);
	put_artefact(&j, VM_FIRMWARE_NAME, wr_span(&g->firmware));
	put_artefact(&j, "vmlinuz", wr_span(&g->kernel));
	put_artefact(&j, "initrd.img", wr_span(&g->initrd));
	put_artefact(&j, "cmdline", span_of(guest_cmdline(&g->recipe)));
	put_artefact(&j, "uki.efi", wr_span(&g->uki));
	jw_arr_end(&j);
	jw_obj_end(&j);
	wr_str(out, "\n");
	TRY(wr_done(out, "boot-image", e));
	return check(wr_span(out), e);
}
