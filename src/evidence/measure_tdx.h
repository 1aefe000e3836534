/* MRTD of a TD from its firmware: what the TDX module hashes while a VMM builds the TD. A quote calls it "mr_td".
 * Spec: Intel "TDX Module Base Architecture" (348549), TD measurement; TDH.MEM.PAGE.ADD and TDH.MR.EXTEND; the sections are
 * those of measure_fw.h. The order is that of QEMU with KVM: section by section, page by page, each page extended as soon as it
 * is added.
 * RTMR 1 and 2 of a TD that QEMU gives its kernel: which EFI program was started, and what the kernel's stub then read. RTMR 0 is not
 * predicted: it holds the VMM's tables of the machine, the firmware's variables and its boot options.
 * Spec: UEFI 2.10, 38.4.1 (PCRs as RTMRs); the order is that of OVMF with a kernel of 6.9 or later (earlier ones measure to a TPM
 * alone), as a recorded CCEL log has it. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "evidence/measure_boot.h"

#define TDX_MEASUREMENT 48

/* COFFER_E_NOTFOUND: firmware without TDVF metadata; COFFER_E_INPUT, COFFER_E_LIMIT as tdvf_read. */
enum coffer_rc tdx_measure(struct span firmware, uint8_t mr_td[static TDX_MEASUREMENT], struct err *e) NODISCARD;

/* From digests of SHA-384 (boot_digests_direct). Of a boot that left boot services at the first attempt. */
void tdx_measure_direct(const struct boot_digests *d, uint8_t rtmr_1[static TDX_MEASUREMENT], uint8_t rtmr_2[static TDX_MEASUREMENT]);
