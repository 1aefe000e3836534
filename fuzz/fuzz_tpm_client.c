#include "evidence/tpm_client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The input is a TPM's answers: u16 little-endian length, that many bytes, and so on; then silence. */
static enum coffer_rc transact(void *arg, struct span command, struct wr *response, struct err *e)
{
	struct rd *r = arg;
	size_t n = rd_le16(r);
	struct span s = rd_span(r, n);

	(void)command;
	if (!rd_ok(r))
		return err_set(e, COFFER_E_UPSTREAM, "silence");
	*response = wr_open(TPM_RESPONSE_MAX);
	wr_put(response, s);
	return wr_done(response, "answer", e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct tpm_credential_of cred = { 1, 2, { p, n > 1 ? 1 : n }, { p, n > 1 ? 1 : n } };
	struct rd r = rd_open((struct span){ p, n });
	struct tpm_link l = { transact, &r };
	uint8_t pcrs[TPM_PCRS][32];
	struct tpm_quoted q = { 0 };
	struct wr out = { 0 };
	struct err e = { 0 };
	struct tpm_key key = { 0 };
	char maker[5] = "";
	bool has = false;

	switch (rd_u8(&r) % 8) {
	case 0:
		if (tpm_read_pcrs(&l, pcrs, &e) != COFFER_OK)
			break;
		break;
	case 1:
		if (tpm_maker(&l, maker, &e) == COFFER_OK && maker[4])
			abort();
		break;
	case 2:
		if (tpm_nv_read(&l, TPM_EK_CERT_RSA, 4096, &out, &e) == COFFER_OK && (out.n == 0 || out.n > 4096))
			abort();
		break;
	case 3:
		if (tpm_make_key(&l, TPM_MAKE_EK, &key, &e) == COFFER_OK && (key.pub_n == 0 || key.pub_n > sizeof(key.pub)))
			abort();
		break;
	case 4:
		if (tpm_quote(&l, 1, (struct span){ 0 }, &q, &e) == COFFER_OK && (q.message.n == 0 || q.signature.n == 0))
			abort();
		break;
	case 6:
		if (tpm_has(&l, 0x81000003, &has, &e) != COFFER_OK && has)
			abort();
		break;
	case 7:
		if (tpm_nv_read_owner(&l, 0x01400001, 4096, &out, &e) == COFFER_OK && (out.n == 0 || out.n > 4096))
			abort();
		break;
	default:
		if (tpm_activate(&l, &cred, &out, &e) == COFFER_OK && (out.n == 0 || out.n > 32))
			abort();
		break;
	}
	tpm_quoted_clear(&q);
	wr_close(&out);
	return 0;
}
