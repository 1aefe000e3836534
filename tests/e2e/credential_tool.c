/* A thin caller of tpm_credential.h and of the drivers for test_tpm_activate.py:
 *   credential_tool credential EKCERT ROOT AKPUBLIC SECRET OUT    the file that tpm2_activatecredential reads
 *   credential_tool appraise PLATFORM EVIDENCE NONCE SECRET AKPUBLIC   "<verdict> <what ak found>"
 * Exit code 0, or 1 with the reason on stderr. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/tpm_credential.h"
#include "evidence/tpm_ek.h"
#include "os/file.h"

#define FILE_MAX (1u << 20)

static enum coffer_rc read_ak(const char *path, struct tpm_public *ak, struct err *e)
{
	CLEANUP(wr_close) struct wr area = { 0 };

	TRY(file_read(path, FILE_MAX, &area, e));
	return tpm_public_parse(wr_span(&area), ak, e);
}

static enum coffer_rc read_ek(char **a, struct tpm_ek *ek, struct err *e)
{
	CLEANUP(wr_close) struct wr cert = { 0 }, root = { 0 };
	struct collateral col = { 0 };
	enum coffer_rc rc;

	TRY(file_read(a[0], FILE_MAX, &cert, e));
	TRY(file_read(a[1], FILE_MAX, &root, e));
	TRY(certs_read(wr_span(&root), &col.roots, e));
	rc = tpm_ek_check(wr_span(&cert), &col, -1, ek, e);
	certs_clear(&col.roots);
	return rc;
}

static enum coffer_rc credential(char **a, struct err *e)
{
	CLEANUP(tpm_ek_clear) struct tpm_ek ek = { 0 };
	CLEANUP(tpm_public_clear) struct tpm_public ak = { 0 };
	CLEANUP(wr_close) struct wr secret = { 0 }, out = wr_open(1024);
	struct tpm_credential c;
	uint8_t random[64];
	struct tpm_credential_in in = { .random = random };

	TRY(read_ek(a, &ek, e));
	TRY(read_ak(a[2], &ak, e));
	TRY(tpm_ak_check(&ak, e));
	TRY(file_read(a[3], FILE_MAX, &secret, e));
	random_bytes(random, sizeof(random));
	in.ek = ek.key;
	in.ak_name = (struct span){ ak.name, ak.name_n };
	in.secret = wr_span(&secret);
	TRY(tpm_credential_make(&in, &c, e));
	wr_be32(&out, 0xbadcc0de); /* the tools' file: magic and version in front */
	wr_be32(&out, 1);
	wr_put(&out, (struct span){ c.blob, c.blob_n });
	wr_put(&out, (struct span){ c.seed, c.seed_n });
	TRY(wr_done(&out, "credential", e));
	return file_write(a[4], wr_span(&out), 0600, e);
}

static enum coffer_rc appraise(char **a, struct err *e)
{
	CLEANUP(tpm_public_clear) struct tpm_public ak = { 0 };
	CLEANUP(wr_close) struct wr evidence = { 0 }, nonce = { 0 }, secret = { 0 };
	CLEANUP(ev_out_clear) struct ev_out out = { 0 };
	const struct tee_driver *d = tee_driver_find(span_of(a[0]));
	struct ev_in in = { .now = -1 };

	if (!d)
		return err_set(e, COFFER_E_NOTFOUND, "no platform %s", a[0]);
	TRY(file_read(a[1], FILE_MAX, &evidence, e));
	TRY(file_read(a[2], FILE_MAX, &nonce, e));
	TRY(file_read(a[3], FILE_MAX, &secret, e));
	TRY(read_ak(a[4], &ak, e));
	in.evidence = wr_span(&evidence);
	in.report_data = wr_span(&nonce);
	in.activation = (struct ev_activation){ wr_span(&secret), vkey_der(ak.key) };
	TRY(d->appraise(&in, &out, e));
	(void)printf("%s", verdict_name(out.verdict));
	for (size_t i = 0; i < out.n; i++)
		if (strcmp(out.check[i].id, "ak") == 0)
			(void)printf(" %s", out.check[i].found);
	(void)printf("\n");
	return COFFER_OK;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	enum coffer_rc rc;

	if (argc != 7)
		return 2;
	rc = strcmp(argv[1], "credential") == 0 ? credential(argv + 2, &e)
	     : strcmp(argv[1], "appraise") == 0 ? appraise(argv + 2, &e)
							     : err_set(&e, COFFER_E_INPUT, "usage");
	if (rc != COFFER_OK)
		(void)fprintf(stderr, "%s: %s\n", e.check, e.msg);
	return rc == COFFER_OK ? 0 : 1;
}
