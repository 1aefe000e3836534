#include "agent/attest_tpm.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/tpm.h"

#define EXTENDS 4

static void say(size_t reg, uint8_t pcr[static TPM_PCRS][32])
{
	char hex[HEX32_LEN];

	hex32(pcr[reg], hex);
	(void)printf("coffer-agent: pcr%02zu %s\n", reg, hex);
	(void)fflush(stdout);
}

enum coffer_rc attest_tpm_open(struct attest_tpm *t, struct err *e)
{
	static const size_t launch[] = { 0, 2, 4, 9, 11 };
	uint8_t pcr[TPM_PCRS][32];
	int fd = -1;

	TRY(tpm_device_open(&fd, e));
	TRY(attest_tpm_begin(t, fd, e));
	TRY(tpm_read_pcrs(&t->link, pcr, e));
	for (size_t i = 0; i < sizeof(launch) / sizeof(launch[0]); i++)
		say(launch[i], pcr);
	return COFFER_OK;
}

/* Once. What was not answered in time may have been carried out all the same. */
static enum coffer_rc extend(const struct attest_tpm *t, const uint8_t digest[static 32], struct err *e)
{
	static const uint8_t untouched[32];
	uint8_t pcr[TPM_PCRS][32];
	enum coffer_rc rc = COFFER_OK;

	for (int i = 0; i < EXTENDS; i++) {
		rc = tpm_extend(&t->link, ATTEST_TPM_INIT, digest, e);
		if (rc != COFFER_E_UPSTREAM)
			return rc;
		TRY(tpm_read_pcrs(&t->link, pcr, e));
		if (!span_eq(SPAN(pcr[ATTEST_TPM_INIT]), SPAN(untouched)))
			return COFFER_OK;
	}
	return rc;
}

enum coffer_rc attest_tpm_init(const struct attest_tpm *t, struct span initdata, struct err *e)
{
	uint8_t digest[32], want[HASH_MAX], pcr[TPM_PCRS][32];
	size_t n = 0;

	sha256(initdata, digest);
	TRY(extend(t, digest, e));
	TRY(tpm_read_pcrs(&t->link, pcr, e));
	say(ATTEST_TPM_INIT, pcr);
	if (!tpm_init_pcr(TPM_ALG_SHA256, SPAN(digest), want, &n) || !span_eq(SPAN(pcr[ATTEST_TPM_INIT]), (struct span){ want, n }))
		return err_deny(e, "initdata", "register %d of the TPM held something else before", ATTEST_TPM_INIT);
	return COFFER_OK;
}
