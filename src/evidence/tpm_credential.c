#include "evidence/tpm_credential.h"

#include <string.h>

#include "base/str.h"
#include "crypto/tpm_seed.h"

#define LABEL "IDENTITY"
#define NAME_N 34 /* SHA-256's */

enum coffer_rc tpm_ak_check(const struct tpm_public *ak, struct err *e)
{
	const uint32_t want = TPM_RESTRICTED | TPM_SIGN | TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN;

	if ((ak->attributes & want) != want || (ak->attributes & TPM_DECRYPT))
		return err_deny(e, "ak", "attributes %08x are not those of an attestation key", ak->attributes);
	if (ak->name_n != NAME_N)
		return err_deny(e, "ak", "the attestation key is not named with SHA-256");
	return COFFER_OK;
}

/* ---- locking ---- */

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static enum coffer_rc share_ec(const struct tpm_credential_in *in, struct tpm_credential *out, uint8_t seed[static 32], struct err *e)
{
	struct tpm_ec_seed s = { 0 };

	TRY(tpm_seed_ec(in->ek, LABEL, in->random, &s, e));
	memcpy(seed, s.seed, 32);
	explicit_bzero(s.seed, sizeof(s.seed));
	put16(out->seed, 2 + 32 + 2 + 32); /* TPMS_ECC_POINT */
	put16(out->seed + 2, 32);
	memcpy(out->seed + 4, s.ephemeral.x, 32);
	put16(out->seed + 36, 32);
	memcpy(out->seed + 38, s.ephemeral.y, 32);
	out->seed_n = 70;
	return COFFER_OK;
}

static enum coffer_rc share(const struct tpm_credential_in *in, struct tpm_credential *out, uint8_t seed[static 32], struct err *e)
{
	if (vkey_kind(in->ek) != VKEY_RSA)
		return share_ec(in, out, seed, e);
	TRY(tpm_seed_rsa(in->ek, LABEL, &(struct tpm_rsa_seed){ in->random, in->random + 32 }, out->seed + 2, e));
	memcpy(seed, in->random, 32);
	put16(out->seed, TPM_RSA_SEED);
	out->seed_n = 2 + TPM_RSA_SEED;
	return COFFER_OK;
}

/* TPM2B_DIGEST of the HMAC, then the secret's TPM2B_DIGEST encrypted. */
static enum coffer_rc lock(
    const struct tpm_credential_in *in, const uint8_t seed[static 32], struct tpm_credential *out, struct err *e)
{
	uint8_t key[32], plain[2 + TPM_CREDENTIAL_SECRET], inner[2 + TPM_CREDENTIAL_SECRET + NAME_N];
	size_t n = 2 + in->secret.n;
	enum coffer_rc rc;

	put16(plain, in->secret.n);
	memcpy(plain + 2, in->secret.p, in->secret.n);
	tpm_kdfa((struct span){ seed, 32 }, "STORAGE", (struct tpm_context){ .u = in->ak_name }, key, 16);
	rc = tpm_cfb(key, (struct span){ plain, n }, inner, e);
	explicit_bzero(plain, sizeof(plain));
	if (rc == COFFER_OK) {
		memcpy(inner + n, in->ak_name.p, NAME_N);
		tpm_kdfa((struct span){ seed, 32 }, "INTEGRITY", (struct tpm_context){ 0 }, key, 32);
		put16(out->blob, 2 + 32 + n);
		put16(out->blob + 2, 32);
		hmac_sha256(SPAN(key), (struct span){ inner, n + NAME_N }, out->blob + 4);
		memcpy(out->blob + 36, inner, n);
		out->blob_n = 36 + n;
	}
	explicit_bzero(key, sizeof(key));
	return rc;
}

enum coffer_rc tpm_credential_make(const struct tpm_credential_in *in, struct tpm_credential *out, struct err *e)
{
	struct tpm_credential c = { 0 };
	uint8_t seed[32];
	enum coffer_rc rc;

	if (in->secret.n == 0 || in->secret.n > TPM_CREDENTIAL_SECRET)
		return err_set(e, COFFER_E_INPUT, "TPM credential: a secret of %zu bytes", in->secret.n);
	if (in->ak_name.n != NAME_N || in->ak_name.p[0] != 0 || in->ak_name.p[1] != TPM_ALG_SHA256)
		return err_set(e, COFFER_E_INPUT, "TPM credential: the key's name is not one of SHA-256");
	TRY(share(in, &c, seed, e));
	rc = lock(in, seed, &c, e);
	explicit_bzero(seed, sizeof(seed));
	if (rc == COFFER_OK)
		*out = c;
	return rc;
}
