/* A guest image: kernel, initial ramdisk and command line, and what is said about them.
 *
 * The bytes depend on the packages, the agent's file, and libzstd's version alone: not on folder, time, user or machine. What an
 * image holds is the recipe in image.c; a debug image has a shell besides, and says so inside what is measured. */
#pragma once
#include "cli/guest/packages.h"
#include "cli/guest/tree.h"
#include "crypto/hash.h"

#define GUEST_SHAPES_MAX 8
#define GUEST_DEBUG_MARK "etc/coffer/debug" /* in the image; the agent looks for it */
#define GUEST_MODULES	 "etc/coffer/modules"

struct guest_recipe {
	bool	 debug, uki;
	uint32_t memory[GUEST_SHAPES_MAX]; /* MiB of the VMs whose registers are predicted */
	size_t	 n_memory;
};
struct guest_image {
	struct guest_recipe   recipe;
	struct guest_packages packages;
	struct guest_tree     from, tree; /* all that was unpacked; what the ramdisk has */
	struct wr	      agent, kernel, initrd, uki; /* uki: empty when not wanted */
	size_t		      kernel_package;
};
void guest_image_clear(struct guest_image *g); /* CLEANUP-ready */

/* Names for packages_resolve, NULL at the end. */
const char *const *guest_package_names(const struct guest_recipe *r);
const char	  *guest_cmdline(const struct guest_recipe *r);
const char	  *guest_name(const struct guest_recipe *r); /* in statement and SBOM */

/* From packages in the folder and g->agent, recipe and packages filled in. COFFER_E_NOTFOUND: something the recipe names is in no
 * package. */
enum coffer_rc guest_image_make(struct guest_image *g, const char *folder, struct err *e) NODISCARD;

/* SPDX 2.3 as JSON: every package with its digest, every file of the ramdisk and whose it is. */
enum coffer_rc guest_sbom(const struct guest_image *g, struct wr *out, struct err *e) NODISCARD;
/* A draft for `coffer boot-image publish`, with predicted registers; checked as that checks it. */
enum coffer_rc guest_draft(const struct guest_image *g, struct wr *out, struct err *e) NODISCARD;
