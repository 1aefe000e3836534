/* The pinned keys as anchors. */
#include "base/own.h"
#include "evidence/driver.h"
#include "evidence/fixed.h"

enum coffer_rc ev_roots(const char *vendor, const struct collateral *col, struct anchors *out, struct err *e)
{
	for (size_t i = 0;; i++) {
		const struct vkey *k = NULL;
		const char *cn;

		TRY(ev_pinned(vendor, i, &cn, &k, e));
		if (!cn)
			return col ? certs_share(&col->roots, &out->certs, e) : COFFER_OK;
		TRY(anchors_borrow(out, cn, k, e));
	}
}
