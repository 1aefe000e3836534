/* What an Azure machine has beside its TPM, by keys made on the spot, for tests from outside. AK.pem: the TPM's attestation key, which the paravisor's report names.
 * DIR/hcl: that report; DIR/answer: the metadata service's (VCEK, or with `td` the TD's quote); DIR/roots, DIR/collateral: what an appraisal at 1800000000 takes.
 * Usage: az_maker DIR AK.pem [td] */
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "tests/azkit.h"

static enum coffer_rc write_below(const char *dir, const char *name, struct span s, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);

	return path ? file_write(path, s, 0644, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static enum coffer_rc folder(const char *dir, const char *name, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);

	return path ? file_mkdirs(path, 0755, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static void answer(const struct azkit *k, struct wr *w)
{
	CLEANUP(wr_close) struct wr b64 = wr_open(1u << 16);
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	if (k->td) {
		b64url_write(&b64, wr_span(&k->q.quote));
		jw_m_str(&j, "quote", wr_span(&b64));
	} else {
		wr_str(&b64, "-----BEGIN CERTIFICATE-----\n");
		b64_write(&b64, cert_bytes(k->k.col.certs.c[0]));
		wr_str(&b64, "\n-----END CERTIFICATE-----\n");
		jw_m_str(&j, "vcekCert", wr_span(&b64));
		jw_m_text(&j, "certificateChain", "");
	}
	jw_obj_end(&j);
}

static enum coffer_rc write_td(const struct dcapkit *q, const char *dir, struct err *e)
{
	TRY(write_below(dir, "roots/root.der", cert_bytes(q->col.roots.c[0]), e));
	TRY(write_below(dir, "collateral/tcb.json", wr_span(&q->tcb_info), e));
	TRY(write_below(dir, "collateral/qe.json", wr_span(&q->qe_identity), e));
	TRY(write_below(dir, "collateral/root.crl", wr_span(&q->list[0]), e));
	TRY(write_below(dir, "collateral/ca.crl", wr_span(&q->list[1]), e));
	for (size_t i = 0; i < q->col.certs.n; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "collateral/%zu.der", i);
		TRY(write_below(dir, name, cert_bytes(q->col.certs.c[i]), e));
	}
	return COFFER_OK;
}

static enum coffer_rc make(struct azkit *k, const char *dir, struct err *e)
{
	CLEANUP(wr_close) struct wr json = wr_open(1u << 17);

	azkit_bind(k);
	azkit_hcl(k);
	answer(k, &json);
	TRY(wr_done(&json, "answer", e));
	TRY(folder(dir, "roots", e));
	TRY(folder(dir, "collateral", e));
	TRY(write_below(dir, "hcl", wr_span(&k->hcl), e));
	TRY(write_below(dir, "answer", wr_span(&json), e));
	if (k->td)
		return write_td(&k->q, dir, e);
	TRY(write_below(dir, "collateral/vcek.der", cert_bytes(k->k.col.certs.c[0]), e));
	return write_below(dir, "roots/ask.der", cert_bytes(k->k.col.roots.c[0]), e);
}

int main(int argc, char **argv)
{
	FILE *f = argc == 3 || argc == 4 ? fopen(argv[2], "r") : NULL;
	struct azkit k;
	struct err e = { 0 };
	enum coffer_rc rc;

	if (!f)
		return 2;
	azkit_open(&k, argc == 4 && strcmp(argv[3], "td") == 0);
	k.named = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	(void)fclose(f);
	if (!k.named)
		return 2;
	rc = make(&k, argv[1], &e);
	azkit_close(&k);
	if (rc != COFFER_OK)
		(void)fprintf(stderr, "az_maker: %s\n", e.msg);
	return rc == COFFER_OK ? 0 : 5;
}
