/* The launch measurement of a SEV-SNP guest from what it is launched with: firmware, hashes of kernel, initrd and command line,
 * first state of each vCPU. What a report then calls "measurement".
 * Spec: AMD "SEV Secure Nested Paging Firmware ABI" (56860) 1.55, sections 8.16, 8.17, 8.18; APM volume 2, table B-4 (VMSA). The
 * order of the pages and the first register values are the VMM's: those of QEMU with KVM, and of two clouds. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define SNP_MEASUREMENT 48
#define SNP_VCPUS_MAX	1024

enum snp_vmm { SNP_QEMU, SNP_EC2, SNP_GCE };
bool snp_vmm_by_name(struct span name, enum snp_vmm *out) NODISCARD; /* "qemu" "ec2" "gce", upper case too */
/* CPUID Fn1 EAX of a QEMU vCPU type ("EPYC-v4", "EPYC-Milan", ...); false: not known here. */
bool snp_vcpu_by_name(struct span name, uint32_t *sig) NODISCARD;

/* "0x" and 1 to 16 hex digits. */
bool snp_features_read(struct span s, uint64_t *out) NODISCARD;

struct snp_launch {
	struct span firmware;
	bool direct; /* a kernel is given to the VMM; its hashes go into a page that the firmware keeps */
	struct span kernel, initrd;
	struct span cmdline; /* without NUL; must not hold one */
	size_t vcpus;	     /* 1 to SNP_VCPUS_MAX */
	uint32_t vcpu_sig;   /* qemu only; others do not pass it */
	uint64_t features;   /* SEV_FEATURES of the VMSA; bit 0, SNP, must be set */
	enum snp_vmm vmm;
};
/* COFFER_E_INPUT: firmware without what the launch needs (see sev_fw_read; a kernel needs the page for hashes, a second vCPU the
 * reset address). Computed with SHA-384 pages; a guest's policy, ID block and host data are not part of it. */
enum coffer_rc snp_measure(const struct snp_launch *l, uint8_t out[static SNP_MEASUREMENT], struct err *e) NODISCARD;
