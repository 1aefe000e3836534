/* Sections added to a PE image: how a stub, a kernel and its ramdisk become a unified kernel image.
 * Spec: "PE Format" of Microsoft; systemd-stub(7) for what the sections mean. */
#pragma once
#include "fmt/pe.h"
#include "base/wr.h"

struct pe_new {
	const char *name; /* at most 8 characters */
	struct span data; /* not empty */
};
/* The image with n sections behind its last, in memory (on pages) and in the file, read-only; the checksum is 0, certificates are
 * left out. COFFER_E_INPUT: no image as pe_parse takes it, alignments that are no powers of two, no room left for the headers;
 * COFFER_E_LIMIT: beyond 4 GiB or out's limit. */
enum coffer_rc pe_append(struct span image, const struct pe_new *s, size_t n, struct wr *out, struct err *e) NODISCARD;
