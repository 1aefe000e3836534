/* Digests of what a firmware and a kernel measure of a boot without a boot loader: the image as Authenticode hashes it, the load
 * options, the initial ramdisk. Which registers they go to is for measure_tpm.h and measure_tdx.h.
 * Spec: TCG "PC Client Platform Firmware Profile" 1.06, section 10.4; the kernel's EFI stub. QEMU's header: Documentation/arch/x86/
 * boot.rst, "The Real-Mode Kernel Header"; shown right for QEMU 7.2 by a boot in the tests. */
#pragma once
#include "crypto/hash.h"
#include "fmt/pe.h"

#define MEASURE_CMDLINE_MAX 4096

struct direct_boot { /* QEMU -kernel, -initrd, -append */
	struct span kernel, initrd; /* initrd empty: none */
	struct span cmdline;        /* printable ASCII */
	/* MiB that the VM has. QEMU 7.2 writes the initrd's size and place into the kernel's header before the firmware measures
	 * it; 0: the kernel is measured as it is. 32 to 2047. */
	uint32_t memory;
};

struct boot_digests { uint8_t image[HASH_MAX], options[HASH_MAX], initrd[HASH_MAX]; bool has_initrd; };

/* COFFER_E_INPUT: the kernel is no PE image, or (where memory is given) no Linux of boot protocol 2.12 or later; no command line and no
 * initrd; an initrd that does not fit; a command line that is not printable ASCII or too long. */
enum coffer_rc boot_digests_direct(const struct direct_boot *b, enum hash_alg h, struct boot_digests *out, struct err *e) NODISCARD;

/* Of an image that the firmware loads. */
void boot_digest_image(const struct pe *image, enum hash_alg h, uint8_t out[static HASH_MAX]);
/* Of load options: cmdline and suffix in UTF-16, with the NUL. COFFER_E_INPUT: as above. */
enum coffer_rc boot_digest_options(
    struct span cmdline, const char *suffix, enum hash_alg h, uint8_t out[static HASH_MAX], struct err *e) NODISCARD;
