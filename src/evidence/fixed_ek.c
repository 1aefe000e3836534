/* A certificate of an endorsement key read again: the same rules as tpm_ek.c, without an X.509 library. */
#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed_int.h"

static const uint8_t key_usage[] = { 0x55, 0x1d, 0x0f }, ext_key_usage[] = { 0x55, 0x1d, 0x25 };
static const uint8_t for_ek[] = { 0x67, 0x81, 0x05, 0x08, 0x01 }; /* 2.23.133.8.1 */

#define ENCIPHERMENT 0x20 /* bit 2 of KeyUsage, from the left (RFC 5280, 4.2.1.3) */
#define AGREEMENT 0x08    /* bit 4 */

/* ExtKeyUsageSyntax ::= SEQUENCE OF OID */
static bool is_for_ek(const struct der_cert *c)
{
	struct span value, list, oid;
	bool found = false;

	if (!der_cert_ext(c, SPAN(ext_key_usage), &value) || !der_next(&value, 0x30, &list) || value.n != 0)
		return false;
	while (list.n > 0) {
		if (!der_next(&list, 0x06, &oid))
			return false;
		found = found || span_eq(oid, SPAN(for_ek));
	}
	return found;
}

/* An extension that is absent allows everything; one that is malformed, or there twice, nothing. */
static bool allows(const struct der_cert *c, uint8_t bit)
{
	struct span value, bits;

	if (!der_cert_ext(c, SPAN(key_usage), &value))
		return der_cert_lacks(c, SPAN(key_usage));
	return der_next(&value, 0x03, &bits) && value.n == 0 && bits.n >= 2 && (bits.p[1] & bit);
}

static enum coffer_rc check_use(const struct fixed_leaf *leaf, struct err *e)
{
	enum vkey_kind kind = vkey_kind(leaf->key);

	if (der_cert_is_ca(&leaf->cert) || !is_for_ek(&leaf->cert))
		return err_deny(e, "R2", "the certificate is not for an endorsement key");
	if (kind != VKEY_RSA && kind != VKEY_P256)
		return err_deny(e, "R2", "the endorsement key is of no default template");
	if (!allows(&leaf->cert, kind == VKEY_RSA ? ENCIPHERMENT : AGREEMENT))
		return err_deny(e, "R2", "the certificate does not let its key open what is sealed to it");
	return COFFER_OK;
}

enum coffer_rc fixed_ek(const struct fixed_in *in, struct vkey **ek, struct err *e)
{
	struct fixed_leaf leaf = { 0 };
	enum coffer_rc rc;

	if (in->n_path > FIXED_PATH_MAX || in->n_roots > FIXED_ROOTS_MAX)
		return err_set(e, COFFER_E_INPUT, "EK certificate: a path of %zu certificates", in->n_path);
	TRY(fixed_path(in, &leaf, e));
	rc = check_use(&leaf, e);
	if (rc == COFFER_OK)
		*ek = leaf.key;
	else
		vkey_free(leaf.key);
	return rc;
}
