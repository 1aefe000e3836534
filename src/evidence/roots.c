/* The pinned keys as anchors. */
#include "base/own.h"
#include "evidence/driver.h"
#include "evidence/fixed.h"

static enum coffer_rc copy_certs(const struct cert_list *from, struct cert_list *to, struct err *e)
{
	for (size_t i = 0; i < from->n; i++)
		TRY(certs_read(cert_bytes(from->c[i]), to, e));
	return COFFER_OK;
}

enum coffer_rc ev_roots(const char *vendor, const struct collateral *col, struct anchors *out, struct err *e)
{
	for (size_t i = 0;; i++) {
		struct vkey *k = NULL;
		const char *cn;

		TRY(ev_pinned(vendor, i, &cn, &k, e));
		if (!cn)
			return col ? copy_certs(&col->roots, &out->certs, e) : COFFER_OK;
		TRY(anchors_add(out, cn, k, e));
	}
}
