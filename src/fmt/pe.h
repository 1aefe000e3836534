/* PE/COFF images (UEFI applications, kernels with an EFI stub, unified kernel images): sections, and what Authenticode hashes.
 * Form only: no relocation, no import, no signature is looked at; nothing is run.
 * Spec: "PE Format" of Microsoft; "Windows Authenticode Portable Executable Signature Format", calculating the image hash; where
 * they leave room, as EDK2's firmware does it (it is what a measured boot is compared with). */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define PE_SECTIONS_MAX 96
#define PE_PARTS_MAX	(PE_SECTIONS_MAX + 4)

struct pe_section {
	char name[9];	 /* NUL-terminated */
	uint32_t size;	 /* bytes in memory */
	struct span raw; /* bytes in the file; may be padded beyond size, or fall short of it */
};
struct pe {					    /* borrows the file */
	struct pe_section section[PE_SECTIONS_MAX]; /* in the order of their headers */
	size_t n;
	struct span part[PE_PARTS_MAX]; /* their concatenation is what Authenticode hashes */
	size_t n_parts;
};

/* COFFER_E_INPUT: no image of PE32 or PE32+, something of it lies outside the file, or sections overlap one another or the
 * headers; COFFER_E_LIMIT: more than PE_SECTIONS_MAX sections. out is written only on success. */
enum coffer_rc pe_parse(struct span file, struct pe *out, struct err *e) NODISCARD;
/* The first section of that name; NULL: none. */
const struct pe_section *pe_section(const struct pe *p, const char *name);
/* What the loader places of a section, without padding. False when the file has fewer bytes than the memory will. */
bool pe_content(const struct pe_section *s, struct span *out) NODISCARD;
