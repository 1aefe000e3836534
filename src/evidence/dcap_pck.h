/* The SGX extension of a PCK certificate: which platform it is and what its firmware was when the key was made.
 * Spec: Intel "SGX PCK Certificate and Certificate Revocation List Profile" 1.5. */
#pragma once
#include "crypto/cert.h"

struct pck {
	uint8_t  ppid[16], cpu_svn[16], fmspc[6], pce_id[2];
	uint8_t  comp[16];          /* SGX TCB components */
	uint16_t pce_svn;
	uint8_t  sgx_type;          /* 0 Standard, 1 Scalable, 2 Scalable with Integrity */
	bool     has_instance;      /* Platform CA only */
	uint8_t  instance_id[16];
	bool     has_config, dynamic_platform, cached_keys, smt_enabled;
};
/* COFFER_E_INPUT when the extension or a member that each has is missing, twice there or malformed. */
enum coffer_rc pck_read(const struct cert *c, struct pck *out, struct err *e) NODISCARD;
