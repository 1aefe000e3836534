/* The report of Azure's paravisor (HCL): a hardware report, and the text whose digest the hardware report holds. That text names
 * the virtual TPM's attestation key. Bytes -> struct; no signature is looked at. Layout: 32 bytes of header, 1184 of hardware
 * report, 20 of header, the text, zeros. */
#pragma once
#include "crypto/vkey.h"
#include "fmt/json.h"

enum hcl_type { HCL_SNP = 2, HCL_TDX = 4 };

struct hcl {
	enum hcl_type type;
	struct span   hw_report;  /* SNP: 1184 bytes; TDX: the TDREPORT's 1024. Borrowed */
	struct span   text;       /* borrowed */
	uint8_t       digest[32]; /* SHA-256 of text */
	struct vkey  *ak;         /* owned: "HCLAkPub", RSA */
	uint8_t       user_data[64];
	bool          has_user_data;
	char          user_hex[129], vm_id[64];
};
/* COFFER_E_INPUT. hcl_clear when done. */
enum coffer_rc hcl_parse(struct span in, struct hcl *out, struct err *e) NODISCARD;
void hcl_clear(struct hcl *h); /* CLEANUP-ready */
/* That the hardware's report data is the text's digest with zeros behind. */
bool hcl_bound(const struct hcl *h, struct span hw_report_data);
