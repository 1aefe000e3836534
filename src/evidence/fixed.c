#include "evidence/fixed.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed_int.h"

static const struct {
	const char *platform;
	enum coffer_rc (*read)(const struct fixed_in *, struct fixed_out *, struct err *);
} readers[] = {
	{ "snp", fixed_snp }, { "tdx", fixed_tdx }, { "sgx", fixed_sgx }, { "tpm", fixed_tpm }, { "swtpm", fixed_tpm },
	{ "az-snp-vtpm", fixed_az }, { "az-tdx-vtpm", fixed_az },
};

bool fixed_platform(const char *platform)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (strcmp(readers[i].platform, platform) == 0)
			return true;
	return false;
}

enum coffer_rc fixed_read(const struct fixed_in *in, struct fixed_out *out, struct err *e)
{
	*out = (struct fixed_out){ 0 };
	if (in->n_path > FIXED_PATH_MAX || in->n_roots > FIXED_ROOTS_MAX)
		return err_set(e, COFFER_E_INPUT, "evidence: a path of %zu certificates", in->n_path);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (strcmp(readers[i].platform, in->platform) != 0)
			continue;
		(void)snprintf(out->facts.platform, sizeof(out->facts.platform), "%s", in->platform);
		return readers[i].read(in, out, e);
	}
	return err_deny(e, "R2", "evidence of %.15s has no fixed layout", in->platform);
}

/* ---- paths ---- */

/* The one that the last certificate of the path is, byte for byte, or that signed it. A certificate that only has a root's key is
 * not that root: what it says of itself nobody vouches for. */
static const struct fixed_root *root_of(const struct fixed_in *in, const struct der_cert *last)
{
	for (size_t i = 0; i < in->n_roots; i++)
		if (in->root[i].cert.n > 0 && span_eq(in->path[in->n_path - 1], in->root[i].cert))
			return &in->root[i];
	for (size_t i = 0; i < in->n_roots; i++)
		if (der_cert_signed_by(last, in->root[i].key))
			return &in->root[i];
	return NULL;
}

/* `below`: certificates between this issuer and the leaf. */
static enum coffer_rc signed_by_next(const struct cert_fields *c, const struct cert_fields *issuer, size_t below, struct err *e)
{
	CLEANUP(vkey_freep) struct vkey *k = NULL;

	if (!cert_fields_issuer(issuer, below) || !span_eq(c->issuer, issuer->subject))
		return err_deny(e, "R2", "a certificate on the path is signed by one that is no CA's, or not its issuer's");
	TRY(der_key(issuer->d.spki, &k, e));
	if (!der_cert_signed_by(&c->d, k))
		return err_deny(e, "R2", "a signature on the path of certificates is wrong");
	return COFFER_OK;
}

enum coffer_rc fixed_path(const struct fixed_in *in, struct fixed_leaf *out, struct err *e)
{
	struct cert_fields c[FIXED_PATH_MAX];

	if (in->n_path == 0)
		return err_deny(e, "R2", "no certificate of the signing key");
	for (size_t i = 0; i < in->n_path; i++) {
		if (cert_parse(in->path[i], &c[i], e) != COFFER_OK)
			return err_deny(e, "R2", "a certificate on the path is malformed");
		if (i > 0)
			TRY(signed_by_next(&c[i - 1], &c[i], i - 1, e));
	}
	out->root = root_of(in, &c[in->n_path - 1].d);
	if (!out->root)
		return err_deny(e, "R2", "the path of certificates does not end at a trusted root");
	out->cert = c[0];
	return der_key(c[0].d.spki, &out->key, e);
}

enum coffer_rc fixed_full(bool room, struct err *e)
{
	return room ? COFFER_OK : err_set(e, COFFER_E_LIMIT, "evidence: more facts than there is room for");
}
