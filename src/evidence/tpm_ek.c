#include "evidence/tpm_ek.h"

#include "base/own.h"

void tpm_ek_clear(struct tpm_ek *k)
{
	vkey_free(k->key);
	for (size_t i = 0; i < EV_PATH_MAX; i++)
		wr_close(&k->path[i]);
	*k = (struct tpm_ek){ 0 };
}

static enum coffer_rc copy_path(const struct cert_path *path, struct tpm_ek *out, struct err *e)
{
	if (path->n > EV_PATH_MAX)
		return err_set(e, COFFER_E_LIMIT, "EK certificate: %zu certificates to a root, at most %d", path->n, EV_PATH_MAX);
	for (size_t i = 0; i < path->n; i++) {
		ev_part(&out->path[i], cert_bytes(path->c[i]));
		TRY(wr_done(&out->path[i], "EK certificate", e));
	}
	out->n_path = path->n;
	return COFFER_OK;
}

/* The chain first: what a certificate says of itself counts only when somebody trusted wrote it. */
static enum coffer_rc check_chain(const struct cert *c, const struct collateral *col, int64_t now, struct tpm_ek *out, struct err *e)
{
	CLEANUP(anchors_clear) struct anchors roots = { 0 };
	static const struct cert_list none;
	struct cert_rules rules = { .now = now, .crls = col ? &col->crls : NULL };
	struct cert_path path = { 0 };

	TRY(ev_roots("tpm", col, &roots, e));
	TRY(cert_chain(c, col ? &col->certs : &none, &roots, &rules, &path, e));
	return copy_path(&path, out, e);
}

static enum coffer_rc check_use(const struct cert *c, struct vkey **key, struct err *e)
{
	const struct vkey *k = cert_key(c);

	if (cert_is_ca(c) || !cert_has_purpose(c, TPM_EK_PURPOSE))
		return err_deny(e, "ek", "the certificate is not for an endorsement key");
	if (!k || (vkey_kind(k) != VKEY_RSA && vkey_kind(k) != VKEY_P256))
		return err_deny(e, "ek", "the certificate's key is of no default template");
	if (!cert_allows(c, vkey_kind(k) == VKEY_RSA ? CERT_ENCIPHERMENT : CERT_AGREEMENT))
		return err_deny(e, "ek", "the certificate does not let its key open what is sealed to it");
	return vkey_spki(vkey_der(k), key, e);
}

enum coffer_rc tpm_ek_check(struct span der, const struct collateral *col, int64_t now, struct tpm_ek *out, struct err *e)
{
	CLEANUP(tpm_ek_clear) struct tpm_ek ek = { 0 };
	CLEANUP(cert_freep) struct cert *c = NULL;

	TRY(cert_der(der, &c, e));
	TRY(check_chain(c, col, now, &ek, e));
	TRY(check_use(c, &ek.key, e));
	*out = ek;
	ek = (struct tpm_ek){ 0 };
	return COFFER_OK;
}
