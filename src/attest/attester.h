/* Who makes evidence on this machine, as a guest's client and the trust service ask it. */
#pragma once
#include "proto/rcar_tpm.h"

/* Makes evidence JSON for a report data value. */
struct attester {
	const char *tee; /* "sample" */
	const char *bindings; /* ids of the binding statements of this instance, with commas between; "" or NULL: none */
	enum coffer_rc (*evidence)(
	    void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json, struct err *e);
	void *arg;
	/* Of a TPM (docs/protocol/service.md, Credential of a TPM); NULL: nothing is asked for. What its endorsement key and its
	 * attestation key are; and what the service locked to both, so that the evidence made next shows what was in it. */
	enum coffer_rc (*ask)(void *arg, struct rcar_tpm *out, struct err *e);
	enum coffer_rc (*open)(void *arg, const struct rcar_tpm_answer *a, struct err *e);
};
