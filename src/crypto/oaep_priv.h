/* Inside crypto/ only: the one padding of RSA-OAEP, for oaep.c and for jwe_seal.c, which must not pull in PEM. */
#pragma once
#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

/* The context is initialised for encryption or decryption already. One hash for the label and the mask, as RFC 7518, 4.3. */
static inline bool oaep_padding(EVP_PKEY_CTX *ctx, bool sha1)
{
	const EVP_MD *md = sha1 ? EVP_sha1() : EVP_sha256();

	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
}
