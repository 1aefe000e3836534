#include "crypto/jwe.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/jwe_priv.h"

/* One round is enough: the output is as long as the hash. OtherInfo is AlgorithmID,
 * PartyUInfo, PartyVInfo (each with its u32 length) and SuppPubInfo, the key length in bits. */
void jwe_kek(const uint8_t z[static 32], uint8_t kek[static 32])
{
	uint8_t m[4 + 32 + 4 + sizeof(JWE_EC_ALG) - 1 + 4 + 4 + 4] = { 0, 0, 0, 1 };

	memcpy(m + 4, z, 32);
	m[39] = sizeof(JWE_EC_ALG) - 1;
	memcpy(m + 40, JWE_EC_ALG, sizeof(JWE_EC_ALG) - 1);
	m[sizeof(m) - 2] = 1; /* 256 */
	sha256(SPAN(m), kek);
	explicit_bzero(m, sizeof(m));
}

enum coffer_rc jwe_content(const uint8_t cek[static 32], const uint8_t iv[static 12], struct span aad, struct span ciphertext,
    const uint8_t tag[static 16], struct secret *plain, struct err *e)
{
	CLEANUP(secret_free) struct secret s = { 0 };

	if (ciphertext.n > 0)
		TRY(secret_new(ciphertext.n, &s, e));
	TRY(gcm_open(cek, iv, aad, ciphertext, tag, s.p, e));
	*plain = s;
	s = (struct secret){ 0 };
	return COFFER_OK;
}

enum coffer_rc jwe_open_raw(const struct privkey *k, const struct pubkey *epk, struct span encrypted_key,
    const uint8_t iv[static 12],
    struct span aad, struct span ciphertext, const uint8_t tag[static 16], struct secret *plain, struct err *e)
{
	uint8_t z[32], kek[32], cek[32];
	enum coffer_rc rc;

	if (encrypted_key.n != sizeof(cek) + 8)
		return err_set(e, COFFER_E_INPUT, "JWE: the encrypted key is %zu bytes, not 40", encrypted_key.n);
	TRY(key_ecdh(k, epk, z, e));
	jwe_kek(z, kek);
	rc = kw_unwrap(kek, encrypted_key, cek, e);
	if (rc == COFFER_OK)
		rc = jwe_content(cek, iv, aad, ciphertext, tag, plain, e);
	explicit_bzero(z, sizeof(z));
	explicit_bzero(kek, sizeof(kek));
	explicit_bzero(cek, sizeof(cek));
	return rc;
}
