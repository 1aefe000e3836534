/* A guest image: firmware, kernel, initial ramdisk and command line, and what is said about them.
 *
 * The bytes depend on the packages, the agent's file, and libzstd's version alone: not on folder, time, user or machine. What an
 * image holds is the recipe in image.c; a debug image has a shell besides, and says so inside what is measured. */
#pragma once
#include "cli/guest/packages.h"
#include "cli/guest/tree.h"
#include "crypto/hash.h"

#define GUEST_SHAPES_MAX 10 /* two launches each, one of a unified kernel image, and two of that from a disk: a statement has 32 */
#define GUEST_DEBUG_MARK "etc/coffer/debug" /* in the image; the agent looks for it */
#define GUEST_MODULES	 "etc/coffer/modules"

struct guest_recipe {
	bool	 debug, uki;
	bool	 openssl; /* the agent asks for OpenSSL's libraries (guest_agent) */
	uint32_t memory[GUEST_SHAPES_MAX]; /* MiB of the VMs whose registers are predicted */
	size_t	 n_memory;
};
struct guest_image {
	struct guest_recipe   recipe;
	struct guest_packages packages;
	struct guest_linked   linked; /* into the agent; none: its build left no list */
	struct guest_tree     from, tree; /* all that was unpacked; what the ramdisk has */
	struct wr	      agent, kernel, initrd, uki, firmware; /* uki: empty when not wanted */
	size_t		      kernel_package, firmware_package;
};
void guest_image_clear(struct guest_image *g); /* CLEANUP-ready */

/* What g->agent asks for and has linked in. COFFER_E_INPUT: no ELF file, or its list is not one. */
enum coffer_rc guest_agent(struct guest_image *g, struct err *e) NODISCARD;

/* Names for packages_resolve, NULL at the end. */
void guest_package_names(const struct guest_recipe *r, const char *out[static GUEST_PACKAGES_MAX + 1]);
const char	  *guest_cmdline(const struct guest_recipe *r);
const char	  *guest_name(const struct guest_recipe *r); /* in statement and SBOM */

/* From packages in the folder and g->agent, recipe and packages filled in, guest_agent called. COFFER_E_NOTFOUND: something the recipe names is in no
 * package. */
enum coffer_rc guest_image_make(struct guest_image *g, const char *folder, struct err *e) NODISCARD;

/* SPDX 2.3 as JSON: every package with its digest, every file of the ramdisk and whose it is, what is linked into the agent. */
enum coffer_rc guest_sbom(const struct guest_image *g, struct wr *out, struct err *e) NODISCARD;
/* A draft for `coffer boot-image publish`, with predicted registers; checked as that checks it. *unknown: PCR 0 of this firmware is not computed
 * here, and the draft says nothing of it. */
enum coffer_rc guest_draft(const struct guest_image *g, struct wr *out, bool *unknown, struct err *e) NODISCARD;
