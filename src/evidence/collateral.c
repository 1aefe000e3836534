#include "evidence/evidence.h"

#include "base/own.h"

void collateral_clear(struct collateral *c)
{
	certs_clear(&c->certs);
	certs_clear(&c->roots);
	crls_clear(&c->crls);
	*c = (struct collateral){ 0 };
}

enum coffer_rc collateral_add(struct span s, bool roots, struct collateral *c, struct err *e)
{
	CLEANUP(certs_clear) struct cert_list l = { 0 };
	struct err ignore = { 0 };
	struct crl *crl = NULL;

	if (certs_read(s, &l, &ignore) == COFFER_OK)
		return certs_join(&l, roots ? &c->roots : &c->certs, e); /* documents of one vendor come with the same issuers */
	if (ignore.rc == COFFER_E_LIMIT)
		return err_set(e, COFFER_E_LIMIT, "%s", ignore.msg);
	if (crl_read(s, &crl, &ignore) == COFFER_OK) {
		if (c->crls.n == sizeof(c->crls.c) / sizeof(c->crls.c[0])) {
			crl_free(crl);
			return err_set(e, COFFER_E_LIMIT, "too many revocation lists");
		}
		c->crls.c[c->crls.n++] = crl;
		return COFFER_OK;
	}
	if (s.n > 0 && (s.p[0] == '{' || s.p[0] == '[') && c->n_json < EV_FILES_MAX) {
		c->json_root[c->n_json] = roots;
		c->json[c->n_json++] = s;
	} else if (c->n_other < EV_FILES_MAX)
		c->other[c->n_other++] = s;
	else
		return err_set(e, COFFER_E_LIMIT, "too many files");
	return COFFER_OK;
}
