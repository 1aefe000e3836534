/* Certificates of endorsement keys (EK), as whoever has an X.509 library judges them: `eval` and tests. `keep` reads what this found
 * once more, without one (fixed_ek of fixed.h).
 * Spec: TCG "EK Credential Profile for TPM Family 2.0", 3.2. */
#pragma once
#include "evidence/evidence.h"

#define TPM_EK_PURPOSE "2.23.133.8.1" /* tcg-kp-EKCertificate */

struct tpm_ek {
	struct vkey *key;               /* of a default template: RSA, or P-256 */
	struct wr    path[EV_PATH_MAX]; /* DER, the EK's certificate first; a root that was brought is its end */
	size_t       n_path;
};
void tpm_ek_clear(struct tpm_ek *k); /* CLEANUP-ready */

/* An EK certificate (DER) that leads to the collateral's roots or a pinned one: no CA, for endorsement, and for encryption or
 * agreement where it says so. Revoked only by lists at hand: most vendors keep none. COFFER_E_INPUT for bytes; COFFER_E_DENIED with
 * check "chain", "validity", "revoked" or "ek"; COFFER_E_LIMIT for a longer path. */
enum coffer_rc tpm_ek_check(struct span der, const struct collateral *col, int64_t now, struct tpm_ek *out, struct err *e) NODISCARD;
