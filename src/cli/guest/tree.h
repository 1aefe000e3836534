/* Files of packages in memory, and those of them that an image has.
 *
 * Paths are without the leading slash and merged as Debian merges them: what a package has below lib, lib64, bin and sbin is
 * below usr. Owners and times are forgotten. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define GUEST_FIRMWARE "usr/share/ovmf/OVMF.fd" /* as a package has it */

struct guest_file {
	char	 *path;	   /* owned */
	uint32_t  mode;	   /* with its type: a folder, a file, a link, a device */
	struct wr data;	   /* of a file; where a link leads */
	uint32_t  major, minor;
	size_t	  package; /* of the list; SIZE_MAX: of none */
};
struct guest_tree { /* sorted by path */
	struct guest_file *f;
	size_t		   n, room;
};
void tree_clear(struct guest_tree *t); /* CLEANUP-ready */

/* Takes file->data whatever happens; path is copied. COFFER_E_INPUT when the path is taken. */
enum coffer_rc tree_add(struct guest_tree *t, const char *path, struct guest_file *file, struct err *e) NODISCARD;
/* The entry of that path; NULL: none. Links are not followed. */
struct guest_file *tree_find(const struct guest_tree *t, struct span path);
/* All folders that lead to the entries. */
enum coffer_rc tree_folders(struct guest_tree *t, struct err *e) NODISCARD;

/* Reads a package's files of interest (programs, libraries, modules, the kernel, EFI stubs, firmware) into the tree. The archive is opened
 * by dpkg-deb, which runs nothing of it, and read by image/tar.h. package: its number in the list. */
enum coffer_rc tree_read_deb(struct guest_tree *t, const char *path, size_t package, struct err *e) NODISCARD;

/* Copies of entries of `from`, which an image is made of. */
struct guest_pick {
	const struct guest_tree *from;
	struct guest_tree	*to;
};
/* A program or library, every link that leads to it, and all libraries that it needs, by name from the one folder that the loader
 * searches. COFFER_E_NOTFOUND names what needs it and has not got it. */
enum coffer_rc pick_program(const struct guest_pick *p, const char *path, struct err *e) NODISCARD;
/* What an ELF file of nobody's package needs (the agent). */
enum coffer_rc pick_needed(const struct guest_pick *p, struct span elf, const char *name, struct err *e) NODISCARD;
/* Kernel modules by name, with those they depend on; order gets their paths, a line each, in the order they are to be loaded. */
enum coffer_rc pick_modules(const struct guest_pick *p, const char *const *names, struct wr *order, struct err *e) NODISCARD;
