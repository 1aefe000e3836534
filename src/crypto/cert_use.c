/* What a certificate says that its key is for. */
#include <openssl/objects.h>

#include "base/own.h"
#include "crypto/cert_priv.h"

DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free)

bool cert_is_ca(const struct cert *c)
{
	return c->f.ca || c->f.bad_use;
}

bool cert_has_purpose(const struct cert *c, const char *purpose)
{
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *want = OBJ_txt2obj(purpose, 1);

	return want && cert_fields_for(&c->f, (struct span){ OBJ_get0_data(want), OBJ_length(want) });
}

bool cert_allows(const struct cert *c, enum cert_usage usage)
{
	static const uint16_t bits[] = { [CERT_SIGNATURE] = CERT_USE_SIGNATURE, [CERT_ENCIPHERMENT] = CERT_USE_ENCIPHERMENT,
		[CERT_AGREEMENT] = CERT_USE_AGREEMENT };

	return cert_fields_allow(&c->f, bits[usage]);
}
