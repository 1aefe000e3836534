/* The credential of a session: how a TPM's endorsement key (EK) vouches for the key (AK) that will quote.
 *
 * Before the challenge: eval judges the EK certificate and names a path; keep follows that path itself up to its own roots, reads the
 * AK's public area itself, and locks a secret, drawn for this session alone, to both (evidence/tpm_credential.h).
 * With the evidence: the quote must be by that very AK, and what the guest shows must be that secret.
 *
 * Why eval may carry the shown bytes although it may lie: keep tells it neither the secret nor what the secret is locked with, and the
 * credential went to the guest, not to eval. So eval has the secret only if the guest sent it, and then the guest's TPM opened the
 * credential, which it does for an AK of that name beside that EK alone. An eval that lies can withhold the bytes, which refuses, or
 * guess 32 random ones, once. The secret of another session is other bytes, even for the same AK. An eval that remembers an honest
 * guest's secret gains nothing without a quote by that AK, which keep verifies over this session's nonce.
 * A lie about the EK certificate is caught by fixed_ek: a path that does not end at a root of ours makes no credential.
 * What eval decides alone can only refuse: dates and revocation of the EK's path. */
#pragma once
#include "cofferd/keep/keep.h"
#include "evidence/tpm_credential.h"
#include "proto/eval.h"

struct credential_keys { struct vkey *ek, *ak; uint8_t ak_name[34], root[32]; }; /* root: whose EK it is, as in struct appraisal */
void credential_clear(struct credential_keys *c); /* CLEANUP-ready */

/* The AK of the request is one that may be vouched for, and its EK leads to a root: COFFER_OK and both, for credential_clear.
 * COFFER_E_DENIED with check "R2", or "ak" for a key that may sign anything; COFFER_E_INPUT for a malformed AK; COFFER_E_UPSTREAM when
 * eval cannot be asked. */
enum coffer_rc credential_judge(struct keep *k, const struct keep_auth_req *m, struct credential_keys *out, struct err *e) NODISCARD;

/* Draws the session's secret, keeps it with the AK, and makes what the guest's TPM opens. Fails once in 2^32 for random bytes that make
 * no key; the requester asks again. */
enum coffer_rc credential_lock(struct keep *k, struct session *s, const struct credential_keys *c, struct tpm_credential *out,
			       struct err *e) NODISCARD;

/* *vouched: this session's AK made the quote, and its secret was shown; false for a session without a credential. With one,
 * COFFER_E_DENIED (check "R2") for another key or secret: a certificate in the evidence does not replace it. */
enum coffer_rc credential_check(const struct keep *k, const struct session *s, const struct eval_evidence_rep *r, bool *vouched,
				struct err *e) NODISCARD;
