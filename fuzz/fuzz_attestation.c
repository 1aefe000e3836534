#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "proto/rcar_tpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 };
	CLEANUP(rcar_request_clear) struct rcar_request r = { 0 };
	CLEANUP(rcar_tpm_clear) struct rcar_tpm t = { 0 };
	CLEANUP(rcar_tpm_answer_clear) struct rcar_tpm_answer answer = { 0 };
	struct rcar_challenge c;
	uint8_t digest[HASH_MAX];
	struct err e = { 0 };

	if (rcar_attestation_parse((struct span){ p, n }, &a, &e) == COFFER_OK) {
		const struct rcar_binding b = {
		    .member = a.member, .n_members = a.n_members, .nonce = a.nonce, .additional = a.additional};

		if (a.n_members == 0 || a.n_members > KEEP_MEMBERS_MAX || !a.primary || a.initdata.n > RCAR_INITDATA_MAX)
			abort();
		if (rcar_report_data(&b, HASH_SHA384, digest, &e) != COFFER_OK)
			abort(); /* what was parsed has a canonical form */
	} else if (a.doc) {
		abort(); /* output untouched on failure */
	}
	if (rcar_request_parse((struct span){ p, n }, &r, &e) != COFFER_OK && r.doc)
		abort();
	if (rcar_tpm_read(r.extra, TEE_TPM, &t, &e) == COFFER_OK &&
	    ((t.ek_cert.n > 0) != (t.ak_public.n > 0) || t.n_chain > KEEP_EK_CHAIN_MAX))
		abort();
	if (rcar_challenge_parse((struct span){ p, n }, &c, &e) == COFFER_OK && strlen(c.nonce) != RCAR_NONCE_TEXT)
		abort();
	if (rcar_tpm_answer_read((struct span){ p, n }, &answer, &e) == COFFER_OK &&
	    (answer.credential.n == 0 || answer.secret.n == 0 || answer.secret.n > RCAR_CREDENTIAL_MAX))
		abort();
	return 0;
}
