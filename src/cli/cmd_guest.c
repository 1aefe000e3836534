/* coffer guest: the image of a measured VM, built so that anyone can build it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/image.h"
#include "cli/run_int.h"
#include "cli/verbs.h"
#include "os/file.h"

#define AGENT_MAX (64u << 20)

const struct opt_spec opts_guest_build[] = {
	{ "o", "DIR", "folder for the image; made if it is not there", false, true },
	{ "debug", NULL, "a shell on the console: another image, measured as such, for looking into it", false, false },
	{ "uki", NULL, "a unified kernel image too (systemd-stub)", false, false },
	{ "lock", "FILE", "build from exactly these packages (packages.lock of an image)", false, false },
	{ "cache", "DIR", "keep downloaded packages here (default: $XDG_CACHE_HOME/coffer, ~/.cache/coffer)", false, false },
	{ "packages", "DIR", "take packages from here and download none", false, false },
	{ "agent", "FILE", "the guest's first process (default: coffer-init as installed beside coffer)", false, false },
	{ "memory", "MIB", "of a VM whose registers to predict: 32 to 2047, at most 10 (default: 512, 1024, 2047)", true, false },
	{ NULL, NULL, NULL, false, false } };

static enum coffer_rc recipe(const struct cli *c, struct guest_recipe *r, struct err *e)
{
	static const uint32_t usual[] = { 512, 1024, 2047 };
	const char *text;

	r->debug = cli_flag(c, "debug");
	r->uki = cli_flag(c, "uki");
	for (size_t i = 0; (text = cli_opt_at(c, "memory", i)); i++) {
		uint64_t n;

		if (!span_u64(span_of(text), &n) || n < 32 || n > 2047 || r->n_memory == GUEST_SHAPES_MAX)
			return cli_bad(e, "--memory %s: at most %d times, 32 to 2047", text, GUEST_SHAPES_MAX);
		for (size_t k = 0; k < r->n_memory; k++)
			if (r->memory[k] == n)
				return cli_bad(e, "--memory %s: twice", text);
		r->memory[r->n_memory++] = (uint32_t)n;
	}
	if (r->n_memory > 0)
		return COFFER_OK;
	memcpy(r->memory, usual, sizeof(usual));
	r->n_memory = sizeof(usual) / sizeof(usual[0]);
	return COFFER_OK;
}

/* Where packages are, heap. */
static char *folder(const struct cli *c)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cli_opt(c, "packages") || cli_opt(c, "cache"))
		return str_fmt("%s", cli_opt(c, "packages") ? cli_opt(c, "packages") : cli_opt(c, "cache"));
	return base && base[0] == '/' ? str_fmt("%s/coffer", base) : str_fmt("%s/.cache/coffer", home && *home ? home : ".");
}

static const struct guest_package *of_name(const struct guest_packages *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->p[i].name, name) == 0)
			return &l->p[i];
	return NULL;
}

/* A new version of what is linked into the agent comes by building the agent again, which building an image does not. */
static void warn_linked(const struct guest_linked *l)
{
	const struct guest_package *p[GUEST_LINKED_MAX], *now;
	const char *names[GUEST_LINKED_MAX + 1];
	struct guest_packages found = { .n = 0 };
	struct err e = { 0 };
	size_t n = linked_packages(l, p);

	for (size_t i = 0; i < n; i++)
		names[i] = p[i]->name;
	names[n] = NULL;
	if (n > 0 && packages_resolve(names, &found, &e) != COFFER_OK)
		(void)fprintf(stderr, "warning: whether what is linked into the agent is of today is not known: %s\n", e.msg);
	for (size_t i = 0; i < n; i++)
		if ((now = of_name(&found, p[i]->name)) && strcmp(now->version, p[i]->version) != 0)
			(void)fprintf(stderr, "warning: the agent was built with %s %s, and apt has %s: where that is the newer, install it, build Coffer again ('make'), then the image\n",
			    p[i]->name, p[i]->version, now->version);
}

static enum coffer_rc today(struct guest_image *g, struct err *e)
{
	const char *names[GUEST_PACKAGES_MAX + 1];

	guest_package_names(&g->recipe, names);
	TRY(packages_resolve(names, &g->packages, e));
	warn_linked(&g->linked);
	return COFFER_OK;
}

/* Which packages: those of a list, or what apt would take today. */
static enum coffer_rc choose(const struct cli *c, const char *dir, struct guest_image *g, struct err *e)
{
	CLEANUP(freep) char *beside = str_fmt("%s/packages.lock", dir);
	const char *path = cli_opt(c, "lock") ? cli_opt(c, "lock") : cli_opt(c, "packages") ? beside : NULL;
	CLEANUP(wr_close) struct wr text = { 0 };

	if (!beside)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!path)
		return today(g, e);
	TRY(file_read(path, GUEST_LOCK_MAX, &text, e));
	if (packages_parse(wr_span(&text), &g->packages, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

static enum coffer_rc load(const struct cli *c, struct guest_image *g, struct err *e)
{
	char path[RUN_PATH_MAX];
	const char *agent = cli_opt(c, "agent");
	CLEANUP(freep) char *dir = folder(c);
	struct guest_folder f = { dir, cli_opt(c, "packages") != NULL };

	if (!dir)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!agent) {
		TRY(run_beside("coffer-init", path, e));
		agent = path;
	}
	TRY(file_read(agent, AGENT_MAX, &g->agent, e));
	if (guest_agent(g, e) != COFFER_OK)
		return err_wrap(e, "%s", agent);
	TRY(choose(c, dir, g, e));
	TRY(packages_fetch(&g->packages, &f, e));
	return guest_image_make(g, dir, e);
}

static enum coffer_rc save(const char *dir, const char *name, struct span content, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return file_write(path, content, 0644, e);
}

/* What R5 compares with evidence is what launches name: without it a machine with any other firmware matches. */
static void warn_firmware(const char *dir)
{
	(void)fprintf(stderr, "warning: PCR 0 of this ovmf is not computed by this version of coffer, so the draft names no firmware, and guests that booted with another are not told apart: add"
	    " \"pcr00\" to its launches (boot it, and: coffer measure tpm --firmware %s/" VM_FIRMWARE_NAME " --event-log FILE ...), or build with --lock from a list with an ovmf that is known\n", dir);
}

static enum coffer_rc write_all(const struct cli *c, const struct guest_image *g, struct err *e)
{
	CLEANUP(wr_close) struct wr sbom = { 0 }, draft = { 0 }, lock = wr_open(GUEST_LOCK_MAX);
	const char *dir = cli_opt(c, "o");
	bool unknown = false;

	TRY(guest_sbom(g, &sbom, e));
	TRY(guest_draft(g, &draft, &unknown, e));
	packages_write(&g->packages, &lock);
	TRY(wr_done(&lock, "package list", e));
	TRY(file_mkdirs(dir, 0755, e));
	if (unknown)
		warn_firmware(dir);
	TRY(save(dir, VM_FIRMWARE_NAME, wr_span(&g->firmware), e));
	TRY(save(dir, "vmlinuz", wr_span(&g->kernel), e));
	TRY(save(dir, "initrd.img", wr_span(&g->initrd), e));
	TRY(save(dir, "cmdline", span_of(guest_cmdline(&g->recipe)), e));
	if (g->uki.n > 0)
		TRY(save(dir, "uki.efi", wr_span(&g->uki), e));
	TRY(save(dir, "packages.lock", wr_span(&lock), e));
	TRY(save(dir, "sbom.spdx.json", wr_span(&sbom), e));
	TRY(save(dir, "boot-image.json", wr_span(&draft), e));
	if (c->json)
		(void)printf("%.*s", (int)draft.n, (const char *)draft.p);
	else
		(void)printf("%s: kernel %zu bytes, ramdisk %zu bytes, %zu packages%s\n", dir, g->kernel.n, g->initrd.n, g->packages.n,
		    g->recipe.debug ? "; FOR DEBUGGING: a shell is on its console" : "");
	return COFFER_OK;
}

enum coffer_rc cmd_guest_build(struct cli *c, struct err *e)
{
	CLEANUP(guest_image_clear) struct guest_image g = { 0 };

	TRY(recipe(c, &g.recipe, e));
	if (cli_opt(c, "packages") && cli_opt(c, "cache"))
		return cli_bad(e, "--packages or --cache, not both");
	TRY(load(c, &g, e));
	return write_all(c, &g, e);
}
