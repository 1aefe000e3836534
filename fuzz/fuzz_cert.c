#include <stdlib.h>

#include "base/own.h"
#include "crypto/cert.h"
#include "evidence/dcap_pck.h"
#include "evidence/snp_vek.h"
#include "tests/certagree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void use(const struct cert_list *l, const struct cert *c)
{
	struct anchors none = { 0 };
	struct cert_rules rules = { .now = 1800000000 };
	struct snp_vek vek;
	struct pck pck;
	struct err e = { 0 };
	char cn[64];

	(void)!cert_subject_cn(c, cn, sizeof(cn));
	(void)!cert_issuer_cn(c, cn, sizeof(cn));
	(void)!snp_vek_read(c, &vek, &e);
	(void)!pck_read(c, &pck, &e);
	if (cert_bytes(c).n == 0 || cert_serial(c).n > 64 || cert_chain(c, l, &none, &rules, NULL, &e) == COFFER_OK)
		abort(); /* nothing is trusted, so nothing leads to it */
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(certs_clear) struct cert_list l = { 0 };
	struct crl *crl = NULL;
	struct err e = { 0 };

	if (!cert_agrees((struct span){ p, n }, false))
		abort(); /* more is read than OpenSSL reads, or something else */
	(void)!certs_read((struct span){ p, n }, &l, &e);
	for (size_t i = 0; i < l.n; i++)
		use(&l, l.c[i]);
	if (crl_read((struct span){ p, n }, &crl, &e) == COFFER_OK) {
		for (size_t i = 0; i < l.n; i++)
			(void)!crl_signed_by(crl, l.c[i]);
		(void)!crl_lists(crl, (struct span){ p, n < 8 ? n : 8 });
	}
	crl_free(crl);
	return 0;
}
