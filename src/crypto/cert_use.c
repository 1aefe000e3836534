/* What a certificate says that its key is for. */
#include <openssl/objects.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_priv.h"

DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free)

bool cert_is_ca(const struct cert *c)
{
	return c->f.ca || c->f.bad_use;
}

/* ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF OID */
bool cert_has_purpose(const struct cert *c, const char *purpose)
{
	static const uint8_t ext_key_usage[] = { 0x55, 0x1d, 0x25 };
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *want = OBJ_txt2obj(purpose, 1);
	struct span value, list, id;
	bool found = false;

	if (!want || !der_cert_ext(&c->f.d, SPAN(ext_key_usage), &value) || !der_next(&value, 0x30, &list) || value.n != 0)
		return false;
	while (list.n > 0) {
		if (!der_next(&list, 0x06, &id))
			return false;
		found = found || span_eq(id, (struct span){ OBJ_get0_data(want), OBJ_length(want) });
	}
	return found;
}

bool cert_allows(const struct cert *c, enum cert_usage usage)
{
	static const uint16_t bits[] = { [CERT_SIGNATURE] = 1u << 0, [CERT_ENCIPHERMENT] = 1u << 2, [CERT_AGREEMENT] = 1u << 4 };

	return !c->f.bad_use && (!c->f.has_usage || (c->f.usage & bits[usage]));
}
