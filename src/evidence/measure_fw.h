/* What OVMF firmware says of itself to whoever launches it: the table of GUIDs below its reset vector, the memory that SEV-SNP
 * and TDX prepare for it. Bytes in, structs out; no hash. Firmware ends at 4 GiB.
 * Spec: OvmfPkg ResetVector and OvmfSevMetadata of EDK2; Intel "TDX Virtual Firmware Design Guide" (344991), section 11. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define FW_MAX		(64u << 20)
#define FW_PAGE		4096u
#define FW_SECTIONS_MAX 64
#define FW_PREPARED_MAX (1ull << 30) /* bytes of memory that all sections together may ask for */

/* Data of the entry with this GUID (as stored) in the table; false: no such table or entry, or a malformed table. */
bool fw_entry(struct span fw, const uint8_t guid[static 16], struct span *out) NODISCARD;

enum sev_section_type { SEV_MEM = 1, SEV_SECRETS = 2, SEV_CPUID = 3, SEV_SVSM_CAA = 4, SEV_KERNEL_HASHES = 0x10 };
struct sev_section {
	uint64_t gpa;
	uint32_t size;
	enum sev_section_type type;
};
struct sev_fw {
	struct sev_section section[FW_SECTIONS_MAX]; /* pages, whole; in the order of the metadata */
	size_t n;
	bool has_ap, has_hashes;
	uint32_t ap_eip;    /* where further vCPUs start */
	uint32_t hashes_at; /* address of the table of kernel hashes */
};
/* COFFER_E_INPUT: no SEV metadata, a section of a type that is not known (its measurement would not be either), sections that are
 * no whole pages; firmware that is no whole pages. COFFER_E_LIMIT. */
enum coffer_rc sev_fw_read(struct span fw, struct sev_fw *out, struct err *e) NODISCARD;

enum tdvf_type { TDVF_BFV, TDVF_CFV, TDVF_TD_HOB, TDVF_TEMP_MEM, TDVF_PERM_MEM, TDVF_PAYLOAD, TDVF_PAYLOAD_PARAM };
#define TDVF_EXTEND 1u /* its content goes into MRTD */
#define TDVF_AUG    2u /* added later, by the guest: no page of the launch */
struct tdvf_section {
	enum tdvf_type type;
	uint32_t attributes;
	uint64_t gpa, size; /* whole pages */
	struct span data;   /* of the file; shorter than size: zeros behind. Empty: memory without content */
};
struct tdvf {
	struct tdvf_section section[FW_SECTIONS_MAX];
	size_t n;
};
/* As above. COFFER_E_NOTFOUND: no TDVF metadata. */
enum coffer_rc tdvf_read(struct span fw, struct tdvf *out, struct err *e) NODISCARD;
