/* What a certificate says that its key is for. */
#include "crypto/cert_priv.h"

bool cert_is_ca(const struct cert *c)
{
	return c->f.ca || c->f.bad_use;
}

bool cert_has_purpose(const struct cert *c, const char *purpose)
{
	uint8_t buf[DER_OID_MAX];
	struct span want;

	return der_oid(purpose, buf, &want) && cert_fields_for(&c->f, want);
}

bool cert_allows(const struct cert *c, enum cert_usage usage)
{
	static const uint16_t bits[] = { [CERT_SIGNATURE] = CERT_USE_SIGNATURE, [CERT_ENCIPHERMENT] = CERT_USE_ENCIPHERMENT,
		[CERT_AGREEMENT] = CERT_USE_AGREEMENT };

	return cert_fields_allow(&c->f, bits[usage]);
}
