/* PCRs of a measured boot of a VM, predicted from what it boots: PCR 4 (which EFI programs), PCR 9 (command line and initrd as
 * the kernel's EFI stub reads them), PCR 11 (sections of a unified kernel image), PCR 2 and 3 (that nothing else ran). The firmware's other registers are
 * replayed from an event log that somebody recorded.
 * Spec: TCG "PC Client Platform Firmware Profile" 1.06, sections 3.3.4, 10.4; the kernel's EFI stub (6.1); systemd-stub(7). Shown
 * right for QEMU 7.2, EDK2 2022.11, Linux 6.1 and systemd-stub 252. */
#pragma once
#include "crypto/hash.h"
#include "evidence/eventlog.h"
#include "evidence/measure_boot.h"

struct pcrs {
	enum hash_alg hash;              /* of the bank */
	uint32_t      known;             /* bit i: v[i] is predicted */
	uint8_t       v[TPM_PCRS][HASH_MAX];
};

/* PCR 4 and 9. out->hash chooses the bank; other registers of out stay. COFFER_E_INPUT: as boot_digests_direct. */
enum coffer_rc tpm_measure_direct(const struct direct_boot *b, struct pcrs *out, struct err *e) NODISCARD;

/* Who starts an EFI program decides what PCR 4 holds first: QEMU's -kernel is loaded before the firmware announces a boot, a boot
 * option (a file on a disk) after. */
enum boot_from { BOOT_FROM_QEMU, BOOT_FROM_DISK };
/* PCR 4, 9 and 11 of a unified kernel image that is started without a boot loader. COFFER_E_INPUT: not one made with
 * systemd-stub 252, the only version whose measurements were compared; without .linux, .initrd or .cmdline; a .cmdline that is
 * not printable ASCII. */
enum coffer_rc tpm_measure_uki(struct span uki, enum boot_from from, struct pcrs *out, struct err *e) NODISCARD;

/* PCR 2 and 3 of a machine whose EDK2 firmware runs no code but its own before what it boots, neither of a card (option ROM) nor of an option to load a
 * driver: of each a separator. Whoever starts the machine chooses whether there is such code; that it ran is all that these registers say. */
void tpm_measure_no_drivers(struct pcrs *out);

#define MEASURE_LOGGED (1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 7)
/* PCR 0 to 3 and 7, from an event log with that bank. Those that the log does not extend are not known afterwards. */
enum coffer_rc tpm_measure_log(struct span log, struct pcrs *out, struct err *e) NODISCARD;
