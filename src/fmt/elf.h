/* ELF files of the guest image (programs, libraries, kernel modules): sections by name, and what a program asks its loader for.
 * Form only, as far as it is read: nothing is relocated or run. 64 bit, little-endian.
 * Spec: System V ABI, chapters 4 (section headers) and 5 (dynamic section). */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define ELF_SECTIONS_MAX 4096
#define ELF_NEEDED_MAX	 64

/* The first section of that name; borrowed. Empty where the file has none. COFFER_E_INPUT: no ELF file, or its section table or
 * that section lies outside the file; COFFER_E_LIMIT: more than ELF_SECTIONS_MAX sections. */
enum coffer_rc elf_section(struct span file, const char *name, struct span *out, struct err *e) NODISCARD;

struct elf_needed {
	struct span name[ELF_NEEDED_MAX]; /* DT_NEEDED, in order; borrowed */
	size_t	    n;
};
/* COFFER_E_INPUT as above, or a name outside its string table; COFFER_E_LIMIT. *out is written on success alone. */
enum coffer_rc elf_needed(struct span file, struct elf_needed *out, struct err *e) NODISCARD;

/* A kernel module's value of a key ("depends"); empty where it has none. COFFER_E_INPUT as above. */
enum coffer_rc elf_modinfo(struct span file, const char *key, struct span *out, struct err *e) NODISCARD;
