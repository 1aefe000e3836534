/* Writes SNP evidence of a milan machine, by keys made on the spot, for tests from outside: DIR/evidence.json, DIR/roots/ask.der.
 * Firmware: bootloader 4, tee 0, snp 24, microcode 219; measurement 3e..3e; chip c1..c1. Usage: snp_maker DIR */
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "tests/snpkit.h"

static enum coffer_rc write_below(const char *dir, const char *name, struct span s, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);

	return path ? file_write(path, s, 0644, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static enum coffer_rc make(const struct snpkit *k, const char *dir, struct err *e)
{
	CLEANUP(wr_close) struct wr json = wr_open(1u << 16);
	CLEANUP(freep) char *roots = str_fmt("%s/roots", dir);

	if (!roots)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	snpkit_json(k, SIZE_MAX, NULL, &json);
	TRY(wr_done(&json, "evidence", e));
	TRY(file_mkdirs(roots, 0755, e));
	TRY(write_below(roots, "ask.der", cert_bytes(k->col.roots.c[0]), e));
	return write_below(dir, "evidence.json", wr_span(&json), e);
}

int main(int argc, char **argv)
{
	struct snpkit k;
	struct err e = { 0 };
	enum coffer_rc rc;

	if (argc != 2)
		return 2;
	snpkit_open(&k, &snpkit_good);
	rc = make(&k, argv[1], &e);
	snpkit_close(&k);
	if (rc != COFFER_OK)
		(void)fprintf(stderr, "snp_maker: %s\n", e.msg);
	return rc == COFFER_OK ? 0 : 5;
}
