/* What is said of an image: a boot-image statement's draft, with the registers that its launches will have. */
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/image.h"
#include "cli/machine.h"
#include "evidence/measure_tpm.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define SHAPE_MAX 64

/* What the agent does as it is built; who has its shell does as he likes. Not egress: what a container connects to beside the service
 * and registries is kept from it by there being no network, and the agent's word is not needed. */
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

static enum coffer_rc direct(struct json_wr *j, const struct guest_image *g, struct err *e)
{
	for (size_t i = 0; i < g->recipe.n_memory; i++) {
		struct direct_boot b = { wr_span(&g->kernel), wr_span(&g->initrd), span_of(guest_cmdline(&g->recipe)), g->recipe.memory[i] };
		struct pcrs p = { .hash = HASH_SHA256 };
		char shape[SHAPE_MAX];

		TRY(tpm_measure_direct(&b, &p, e));
		(void)snprintf(shape, sizeof(shape), "qemu, %u MiB", b.memory);
		put_launch(j, "swtpm", shape, &p);
	}
	return COFFER_OK;
}

static enum coffer_rc unified(struct json_wr *j, const struct guest_image *g, struct err *e)
{
	static const struct { const char *platform, *shape; enum boot_from from; } starts[] = {
		{ "swtpm", "qemu, unified kernel image", BOOT_FROM_QEMU },
		{ "swtpm", "disk, unified kernel image", BOOT_FROM_DISK },
		{ "tpm", "disk, unified kernel image", BOOT_FROM_DISK },
	};

	for (size_t i = 0; g->uki.n > 0 && i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct pcrs p = { .hash = HASH_SHA256 };

		TRY(tpm_measure_uki(wr_span(&g->uki), starts[i].from, &p, e));
		put_launch(j, starts[i].platform, starts[i].shape, &p);
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

static void put_rebuild(struct json_wr *j, const struct guest_image *g)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);

	wr_fmt(&w, "coffer %s: coffer guest build%s%s --lock packages.lock", COFFER_VERSION, g->recipe.debug ? " --debug" : "",
	    g->recipe.uki ? " --uki" : "");
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

enum coffer_rc guest_draft(const struct guest_image *g, struct wr *out, struct err *e)
{
	struct json_wr j;

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
	TRY(direct(&j, g, e));
	TRY(unified(&j, g, e));
	jw_arr_end(&j);
	put_rebuild(&j, g);
	jw_name(&j, "artefacts");
	jw_arr(&j);
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
