#include "tests/cosekit.h"

#include <stdlib.h>

#include <openssl/rsa.h>

#include "base/own.h"
#include "tests/evkit.h"

#define MAX (1u << 16)

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void sign_pss(EVP_PKEY *k, const char *md, struct span msg, struct wr *sig)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	uint8_t raw[1024];
	size_t n = sizeof(raw);

	must(c && EVP_DigestSignInit_ex(c, &pc, md, NULL, NULL, k, NULL) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) == 1 &&
	     EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST) == 1 && EVP_DigestSign(c, raw, &n, msg.p, msg.n) == 1);
	wr_put(sig, (struct span){ raw, n });
	EVP_MD_CTX_free(c);
}

static void signature(EVP_PKEY *k, const struct cosekit *how, struct span tbs, struct wr *sig)
{
	int64_t alg = how->alg;
	const char *md = alg == -7 || alg == -37 ? "SHA256" : alg == -35 || alg == -38 ? "SHA384" : "SHA512";
	size_t half = how->half ? how->half : alg == -7 ? 32 : alg == -35 ? 48 : 66;
	uint8_t rs[132];

	if (alg <= -37) {
		sign_pss(k, md, tbs, sig);
		return;
	}
	evkit_sign(k, md, tbs, rs, half);
	wr_put(sig, (struct span){ rs, 2 * half });
}

void cosekit_protected(int64_t alg, struct wr *out)
{
	cb_map(out, 1);
	cb_int(out, 1);
	cb_int(out, alg);
}

void cosekit_sign(EVP_PKEY *k, const struct cosekit *how, struct span payload, struct wr *out)
{
	CLEANUP(wr_close) struct wr tbs = wr_open(MAX), sig = wr_open(MAX);

	cb_arr(&tbs, 4);
	cb_text(&tbs, "Signature1");
	cb_bytes(&tbs, how->protected);
	cb_bytes(&tbs, (struct span){ 0 });
	cb_bytes(&tbs, payload);
	signature(k, how, wr_span(&tbs), &sig);
	if (!how->untagged)
		cb_tag(out, 18);
	cb_arr(out, 4);
	cb_bytes(out, how->protected);
	if (how->unprotected.n > 0)
		wr_put(out, how->unprotected);
	else
		cb_map(out, 0);
	cb_bytes(out, payload);
	cb_bytes(out, wr_span(&sig));
}
