/* A TPM's quote read again: quote, AK, and who vouches for the AK. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed_int.h"
#include "evidence/tpm_quote.h"

#define INIT_PCR 8

static bool selected_by(const struct tpm_attest *a, size_t pcr)
{
	return a->sel[0].pcrs >> pcr & 1;
}

static enum coffer_rc check_registers(const struct tpm_attest *a, const struct tpm_sig *sig, struct span registers, struct err *e)
{
	struct tpm_bank bank = { .alg = a->sel[0].alg };
	size_t each = registers.n / TPM_PCRS;
	uint8_t digest[HASH_MAX];

	if (each == 0 || registers.n % TPM_PCRS != 0 || each > HASH_MAX || a->n_sel != 1)
		return err_deny(e, "R2", "not one bank of %d registers", TPM_PCRS);
	for (size_t i = 0; i < TPM_PCRS; i++)
		bank.value[i] = (struct span){ registers.p + i * each, each };
	if (!tpm_pcr_digest(a, &bank, 1, sig->hash, digest) || !span_eq(a->pcr_digest, (struct span){ digest, hash_len(sig->hash) }))
		return err_deny(e, "R2", "the registers are not the quoted ones");
	return COFFER_OK;
}

/* "swtpm" has nobody to vouch, and says so by its name. */
static enum coffer_rc check_key(const struct fixed_in *in, const struct vkey *ak, struct fixed_out *out, struct err *e)
{
	struct fixed_leaf leaf = { 0 };
	bool same;

	if (in->key_vouched || strcmp(in->platform, "swtpm") == 0)
		return COFFER_OK;
	TRY(fixed_path(in, &leaf, e));
	same = vkey_eq(leaf.key, ak);
	out->root = leaf.root;
	vkey_free(leaf.key);
	return same ? COFFER_OK : err_deny(e, "R2", "the certificate is for another attestation key");
}

bool fixed_pcr_facts(uint32_t selected, const uint8_t *value, size_t n, struct hw_facts *f)
{
	for (size_t i = 0; i < TPM_PCRS; i++) {
		char name[] = "pcr00";

		name[3] = (char)('0' + i / 10);
		name[4] = (char)('0' + i % 10);
		if ((selected >> i & 1) && !facts_add_reg(f, name, (struct span){ value + i * n, n }))
			return false;
	}
	return true;
}

static enum coffer_rc fill(const struct tpm_attest *a, struct span registers, struct fixed_out *out, struct err *e)
{
	size_t each = registers.n / TPM_PCRS;

	if (a->extra_data.n == 0 || a->extra_data.n > sizeof(out->report_data))
		return err_deny(e, "R2", "a quote over a nonce of %zu bytes", a->extra_data.n);
	memcpy(out->report_data, a->extra_data.p, a->extra_data.n);
	out->report_data_n = a->extra_data.n;
	if (selected_by(a, INIT_PCR)) {
		memcpy(out->init_register, registers.p + INIT_PCR * each, each);
		out->init_register_n = each;
	}
	return fixed_full(fixed_pcr_facts(a->sel[0].pcrs, registers.p, each, &out->facts) &&
	                      facts_add_svn(&out->facts, "firmware", a->firmware, a->firmware), e);
}

enum coffer_rc fixed_tpm(const struct fixed_in *in, struct fixed_out *out, struct err *e)
{
	CLEANUP(vkey_freep) struct vkey *ak = NULL;
	struct tpm_attest a;
	struct tpm_sig sig;

	TRY(tpm_attest_parse(in->report, &a, e));
	TRY(tpm_sig_parse(in->signature, &sig, e));
	TRY(der_key(in->key, &ak, e));
	if (!tpm_sig_verify(ak, &sig, in->report))
		return err_deny(e, "R2", "the quote's signature is not by the attestation key");
	TRY(check_key(in, ak, out, e));
	TRY(check_registers(&a, &sig, in->registers, e));
	return fill(&a, in->registers, out, e);
}
