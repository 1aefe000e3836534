/* Initial ramdisks: cpio archives in the "newc" form. The bytes of those that are written depend on names, modes and contents alone: inodes are
 * counted, owner, group and time are 0.
 * Spec: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define CPIO_NAME_MAX 4095

struct cpio_entry {
	struct span path;  /* relative, without "." and ".." */
	uint32_t    mode;  /* type and rights: S_IFREG, S_IFDIR, S_IFLNK or S_IFCHR */
	struct span data;  /* of a file; where a link leads; else empty */
	uint32_t    major, minor; /* of a device */
};
/* Entries sorted by the bytes of their paths, none twice, each in a folder that stands before it. COFFER_E_INPUT where they are
 * not that, or an entry has another type or a content it may not have; COFFER_E_LIMIT beyond out's limit or 4 GiB of one file. */
enum coffer_rc cpio_write(const struct cpio_entry *entry, size_t n, struct wr *out, struct err *e) NODISCARD;

/* The content of the first entry of that path, borrowed; what is behind it is not read, so that an archive's beginning may do. Names are compared as they stand.
 * COFFER_E_NOTFOUND: the archive ends without one; COFFER_E_INPUT: malformed before it, or cut. */
enum coffer_rc cpio_find(struct span archive, const char *path, struct span *out, struct err *e) NODISCARD;
