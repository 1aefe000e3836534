/* PCR 0 of a VM that QEMU starts with OVMF (-bios), predicted from the firmware's file and the machine's shape: nothing is booted.
 *
 * The firmware measures itself: its version (empty in Debian's), the volume of its first phase (PEI), that of its drivers (DXE), a separator. Both
 * volumes are compressed in the file. That of the drivers is measured as it is unpacked, so that its digest is the firmware's own, whatever the
 * machine; that of the first phase after that phase has run in it and has left there what it found of the machine: one structure, whose
 * place is known for the builds listed in measure_ovmf.c.
 * It is the firmware's own word: one that measures something else than itself gives the same value. What differs is every honest one.
 * Spec: UEFI PI 1.7, volume 3, 3.2 (volumes, files, sections); EDK2 stable202211: OvmfPkg PlatformPei and PlatformInfoHob, SecurityPkg Tcg2Pei. Shown
 * right by boots in the tests: QEMU 7.2, q35, OVMF 2022.11-6+deb12u2. */
#pragma once
#include "crypto/hash.h"
#include "base/wr.h"

#define OVMF_PLAIN_MAX (32u << 20) /* bytes of what is unpacked */

struct ovmf {
	struct wr   plain;    /* owned */
	struct span pei, dxe; /* of plain */
};
void ovmf_clear(struct ovmf *o); /* CLEANUP-ready */
/* COFFER_E_INPUT: no firmware volume with the two in it, or a malformed one; COFFER_E_LIMIT. */
enum coffer_rc ovmf_open(struct span firmware, struct ovmf *out, struct err *e) NODISCARD;

/* What Tcg2Pei measures of the drivers. */
void ovmf_drivers(const struct ovmf *o, enum hash_alg h, uint8_t out[static HASH_MAX]);

#define OVMF_CPUS_MAX	   64
#define OVMF_BITS_MIN	   32
#define OVMF_BITS_MAX	   52
#define OVMF_BITS_EMULATED 40 /* of QEMU's own processor, which says that it is AMD's */
#define OVMF_BITS_GUESSED  36
enum ovmf_maker { OVMF_AMD, OVMF_INTEL, OVMF_OTHER }; /* of the processor, as CPUID has it */
struct ovmf_shape {
	uint32_t memory;       /* MiB, 32 to 2047 */
	uint32_t cpus;         /* 1 to OVMF_CPUS_MAX */
	unsigned address_bits; /* of physical addresses, as CPUID has them: OVMF_BITS_MIN to OVMF_BITS_MAX */
	enum ovmf_maker maker;
};
/* What the firmware takes the width for. It knows that QEMU says 40 of processors that have less, so that it believes 41 and more of every maker, up to 47, 39 of
 * Intel and 40 of AMD; else it goes by the memory, which here makes OVMF_BITS_GUESSED. For processors with pages of 1 GiB: without, more than 40 is 40. */
unsigned ovmf_width(const struct ovmf_shape *s);
/* COFFER_E_NOTFOUND: a build whose structure is not known here; COFFER_E_INPUT: a shape beyond these. */
enum coffer_rc ovmf_pcr0(const struct ovmf *o, const struct ovmf_shape *s, enum hash_alg h, uint8_t out[static HASH_MAX], struct err *e) NODISCARD;

/* That a recorded event log is of this firmware, as far as a file can tell: PCR 0 is the drivers' volume and one other, in that order. What the
 * other is stays the word of who recorded it. COFFER_E_DENIED with check "firmware"; COFFER_E_INPUT: no log. */
enum coffer_rc ovmf_logged(const struct ovmf *o, struct span log, enum hash_alg h, struct err *e) NODISCARD;
