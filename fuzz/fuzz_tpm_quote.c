/* The first byte chooses the structure; '{' is the evidence itself. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "evidence/evidence.h"
#include "evidence/fixed.h"
#include "evidence/tpm_credential.h"
#include "evidence/tpm_ek.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void attest(struct span s)
{
	static const uint8_t value[HASH_MAX];
	struct tpm_attest a = { .n_sel = 77 };
	struct tpm_bank bank = { 0 };
	uint8_t digest[HASH_MAX];
	enum hash_alg h;
	struct err e;

	if (tpm_attest_parse(s, &a, &e) != COFFER_OK) {
		if (a.n_sel != 77)
			abort();
		return;
	}
	if (a.n_sel == 0 || a.n_sel > TPM_SELECTIONS_MAX || a.sel[0].pcrs >> TPM_PCRS)
		abort();
	bank.alg = a.sel[0].alg;
	for (size_t i = 0; tpm_hash(bank.alg, &h) && i < TPM_PCRS; i++)
		bank.value[i] = (struct span){ value, hash_len(h) };
	(void)!tpm_pcr_digest(&a, &bank, 1, HASH_SHA256, digest);
}

static void signature(struct span s)
{
	struct tpm_sig sig = { 0 };
	struct err e;

	if (tpm_sig_parse(s, &sig, &e) != COFFER_OK ? sig.a.p != NULL : sig.a.p == NULL && sig.a.n > 0)
		abort();
}

/* The key stands for an EK as well: what is asked here is only that sizes are kept. */
static void credential(const struct tpm_public *pub)
{
	static const uint8_t random[64] = { 1 };
	struct tpm_credential_in in = { pub->key, { pub->name, pub->name_n }, { random, 32 }, random };
	struct tpm_credential c = { 0 };
	struct err e;

	if (tpm_credential_make(&in, &c, &e) == COFFER_OK ? c.blob_n != 70 || c.seed_n > sizeof(c.seed) : c.blob_n != 0)
		abort();
}

static void public_area(struct span s)
{
	struct tpm_public pub = { 0 };
	struct err e;

	if (tpm_public_parse(s, &pub, &e) == COFFER_OK ? !pub.key || pub.name_n < 2 : pub.key != NULL)
		abort();
	if (pub.key && tpm_ak_check(&pub, &e) == COFFER_OK)
		credential(&pub);
	tpm_public_clear(&pub);
}

static void ek(struct span s)
{
	struct fixed_in f = { .path = { s }, .n_path = 1 };
	struct tpm_ek k = { 0 };
	struct vkey *again = NULL;
	struct err e;

	if (tpm_ek_check(s, NULL, -1, &k, &e) == COFFER_OK || k.key || fixed_ek(&f, &again, NULL, &e) == COFFER_OK || again)
		abort(); /* nobody vouches for it */
}

static void evidence(struct span s)
{
	struct ev_in in = { .evidence = s, .now = -1 };
	struct ev_out out = { 0 };
	struct err e = { 0 };

	if (tee_driver_find(span_of("tpm"))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
		abort(); /* nobody vouches for the key */
	ev_out_clear(&out);
	if (tee_driver_find(span_of("swtpm"))->appraise(&in, &out, &e) != COFFER_OK)
		abort();
	ev_out_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span rest = { p + 1, n - 1 };

	if (n == 0)
		return 0;
	switch (p[0]) {
	case 'a': attest(rest); break;
	case 's': signature(rest); break;
	case 'p': public_area(rest); break;
	case 'c': ek(rest); break;
	case '{': evidence((struct span){ p, n }); break;
	default: break;
	}
	return 0;
}
