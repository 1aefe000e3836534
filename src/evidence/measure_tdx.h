/* MRTD of a TD from its firmware: what the TDX module hashes while a VMM builds the TD. A quote calls it "mr_td".
 * Spec: Intel "TDX Module Base Architecture" (348549), TD measurement; TDH.MEM.PAGE.ADD and TDH.MR.EXTEND; the sections are
 * those of measure_fw.h. The order is that of QEMU with KVM: section by section, page by page, each page extended as soon as it
 * is added.
 * RTMRs are not predicted: RTMR 0 holds the VMM's tables of the machine, RTMR 1 and 2 what was booted. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define TDX_MEASUREMENT 48

/* COFFER_E_NOTFOUND: firmware without TDVF metadata; COFFER_E_INPUT, COFFER_E_LIMIT as tdvf_read. */
enum coffer_rc tdx_measure(struct span firmware, uint8_t mr_td[static TDX_MEASUREMENT], struct err *e) NODISCARD;
