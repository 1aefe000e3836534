/* A certificate of an endorsement key read again: the same rules as tpm_ek.c, without an X.509 library. */
#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed_int.h"

static const uint8_t for_ek[] = { 0x67, 0x81, 0x05, 0x08, 0x01 }; /* 2.23.133.8.1 */

static enum coffer_rc check_use(const struct fixed_leaf *leaf, struct err *e)
{
	enum vkey_kind kind = vkey_kind(leaf->key);

	if (leaf->cert.ca || leaf->cert.bad_use || !cert_fields_for(&leaf->cert, SPAN(for_ek)))
		return err_deny(e, "R2", "the certificate is not for an endorsement key");
	if (kind != VKEY_RSA && kind != VKEY_P256)
		return err_deny(e, "R2", "the endorsement key is of no default template");
	if (!cert_fields_allow(&leaf->cert, kind == VKEY_RSA ? CERT_USE_ENCIPHERMENT : CERT_USE_AGREEMENT))
		return err_deny(e, "R2", "the certificate does not let its key open what is sealed to it");
	return COFFER_OK;
}

enum coffer_rc fixed_ek(const struct fixed_in *in, struct vkey **ek, const struct fixed_root **root, struct err *e)
{
	struct fixed_leaf leaf = { 0 };
	enum coffer_rc rc;

	if (in->n_path > FIXED_PATH_MAX || in->n_roots > FIXED_ROOTS_MAX)
		return err_set(e, COFFER_E_INPUT, "EK certificate: a path of %zu certificates", in->n_path);
	TRY(fixed_path(in, &leaf, e));
	rc = check_use(&leaf, e);
	if (root)
		*root = leaf.root;
	if (rc == COFFER_OK)
		*ek = leaf.key;
	else
		vkey_free(leaf.key);
	return rc;
}
