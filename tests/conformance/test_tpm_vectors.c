/* A real EK certificate: no subject but a critical alternative name of TPM attributes, no revocation list, no end of validity. */
#include "evidence/tpm_credential.h"
#include "evidence/tpm_ek.h"
#include "vec.h"

static void read_roots(const char *name, struct collateral *col)
{
	CLEANUP(wr_close) struct wr pem = { 0 };
	struct err e = { 0 };

	CHECK(vec_read(name, &pem) && certs_read(wr_span(&pem), &col->roots, &e) == COFFER_OK);
}

static void swtpm_ek_certificate_leads_to_its_maker(void)
{
	CLEANUP(wr_close) struct wr der = { 0 }, area = { 0 };
	CLEANUP(tpm_public_clear) struct tpm_public pub = { 0 };
	CLEANUP(tpm_ek_clear) struct tpm_ek ek = { 0 };
	struct collateral col = { 0 };
	struct err e = { 0 };
	int64_t from = 0, to = 0;

	CHECK(vec_read("../tpm-swtpm/ekcert.der", &der) && vec_read("../tpm-swtpm/ek.pub", &area));
	CHECK(tpm_ek_check(wr_span(&der), &col, -1, &ek, &e) == COFFER_E_DENIED && strcmp(e.check, "chain") == 0 && !ek.key);
	read_roots("../tpm-swtpm/issuercert.pem", &col);
	cert_dates(col.roots.c[0], &from, &to);
	CHECK(tpm_ek_check(wr_span(&der), &col, from - 1, &ek, &e) == COFFER_E_DENIED && strcmp(e.check, "validity") == 0 && !ek.key);
	CHECK(tpm_ek_check(wr_span(&der), &col, -1, &ek, &e) == COFFER_OK);
	/* The file is TPM2B_PUBLIC: the TPM has the key that the certificate names; it is no AK. */
	CHECK(tpm_public_parse(span_skip(wr_span(&area), 2), &pub, &e) == COFFER_OK && vkey_eq(ek.key, pub.key));
	CHECK(tpm_ak_check(&pub, &e) == COFFER_E_DENIED);
	certs_clear(&col.roots);
}

static void certificate_of_another_purpose_is_no_ek_s(void)
{
	CLEANUP(wr_close) struct wr der = { 0 };
	struct collateral col = { 0 };
	struct tpm_ek ek = { 0 };
	struct err e = { 0 };

	CHECK(vec_read("../tpm-swtpm/issuercert.pem", &der));
	read_roots("../tpm-swtpm/swtpm-localca-rootca-cert.pem", &col);
	read_roots("../tpm-swtpm/issuercert.pem", &col);
	CHECK(col.roots.n == 2);
	CHECK(tpm_ek_check(cert_bytes(col.roots.c[1]), &col, -1, &ek, &e) == COFFER_E_DENIED && strcmp(e.check, "ek") == 0);
	certs_clear(&col.roots);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(swtpm_ek_certificate_leads_to_its_maker),
		T(certificate_of_another_purpose_is_no_ek_s),
	};

	return vec_main("../tpm-swtpm/ekcert.der", cases, sizeof(cases) / sizeof(cases[0]));
}
