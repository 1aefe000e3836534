#include <stdlib.h>
#include <string.h>

#include "image/cryptjwe.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t key[32] = { 1 };
	const struct secret kek = { .p = key, .n = 32 };
	struct crypt_packets list = { 0 };
	struct crypt_packet one = { 0 };
	struct crypt_private priv = { 0 };
	struct crypt_pubopts pub;
	struct span s = { p, n };
	struct err e;

	(void)!crypt_pubopts_parse(s, &pub, &e);
	if (crypt_packets_parse(s, &list, &e) == COFFER_OK && (list.n == 0 || list.n > CRYPT_PACKETS_MAX))
		abort();
	if (crypt_packet_parse(s, &one, &e) == COFFER_OK) {
		if (!one.kid || one.kid[0] == '\0' || strlen(one.kid) > CRYPT_KID_MAX)
			abort();
		if (crypt_packet_open(&one, &kek, &priv, &e) == COFFER_OK && priv.key.n != 32)
			abort();
		crypt_private_clear(&priv);
	}
	if (crypt_private_parse(s, &priv, &e) == COFFER_OK && priv.key.n != 32)
		abort();
	crypt_private_clear(&priv);
	if (cryptjwe_open(s, (struct span){ key, 1 }, (struct span){ NULL, 0 }, &priv, &e) == COFFER_OK)
		abort(); /* with no key at all */
	crypt_packet_clear(&one);
	crypt_packets_clear(&list);
	return 0;
}
