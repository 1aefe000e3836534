/* What a certificate says that its key is for. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/own.h"
#include "crypto/cert_priv.h"

DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free)
DEFINE_CLEANUP(EXTENDED_KEY_USAGE *, EXTENDED_KEY_USAGE_free)

bool cert_is_ca(const struct cert *c)
{
	return X509_get_extension_flags(c->x) & EXFLAG_CA;
}

bool cert_has_purpose(const struct cert *c, const char *purpose)
{
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *want = OBJ_txt2obj(purpose, 1);
	CLEANUP(EXTENDED_KEY_USAGE_freep) EXTENDED_KEY_USAGE *list = X509_get_ext_d2i(c->x, NID_ext_key_usage, NULL, NULL);
	bool found = false;

	for (int i = 0; want && list && i < sk_ASN1_OBJECT_num(list); i++)
		found = found || OBJ_cmp(sk_ASN1_OBJECT_value(list, i), want) == 0;
	ERR_clear_error();
	return found;
}

bool cert_allows(const struct cert *c, enum cert_usage usage)
{
	static const uint32_t bits[] = { [CERT_SIGNATURE] = KU_DIGITAL_SIGNATURE, [CERT_ENCIPHERMENT] = KU_KEY_ENCIPHERMENT,
		[CERT_AGREEMENT] = KU_KEY_AGREEMENT };
	uint32_t flags = X509_get_extension_flags(c->x), has = X509_get_key_usage(c->x);

	ERR_clear_error();
	return !(flags & EXFLAG_INVALID) && (!(flags & EXFLAG_KUSAGE) || (has & bits[usage]));
}
