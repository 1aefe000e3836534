/* A TD that makes quotes, by keys made on the spot, for tests from outside. DIR/roots, DIR/collateral: what an appraisal in this hour takes, issued two hours ago; then to each line of
 * 128 hex digits on standard input, the report data, the quote in hex. mr_td is 3e..3e; rtmr_1 and rtmr_2 are zero; module svn 4, tcb02..tcb15 5.
 * A line "debug", "plain": what follows is of a TD that can be debugged, or not. Usage: tdx_maker DIR */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "tests/dcapkit.h"

#define HEADER 48	     /* of a quote of version 4 */
#define DATA   (HEADER + 520)
#define SIGNED (HEADER + 584)
#define SIG    (SIGNED + 4)

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

static enum coffer_rc write_files(const struct dcapkit *k, const char *dir, struct err *e)
{
	TRY(folder(dir, "roots", e));
	TRY(folder(dir, "collateral", e));
	TRY(write_below(dir, "roots/root.der", cert_bytes(k->col.roots.c[0]), e));
	TRY(write_below(dir, "collateral/signer.der", cert_bytes(k->col.certs.c[0]), e));
	TRY(write_below(dir, "collateral/tcb.json", wr_span(&k->tcb_info), e));
	TRY(write_below(dir, "collateral/qe.json", wr_span(&k->qe_identity), e));
	TRY(write_below(dir, "collateral/root.crl", wr_span(&k->list[0]), e));
	return write_below(dir, "collateral/ca.crl", wr_span(&k->list[1]), e);
}

/* The same quote with other data in it, signed again: certificates and documents stay those that were written. */
static void answer(struct dcapkit *k, const uint8_t data[static 64], bool debug)
{
	CLEANUP(wr_close) struct wr hex = wr_open(1u << 16);
	uint8_t *q = k->quote.p, rs[64];

	memcpy(q + DATA, data, 64);
	q[HEADER + 120] = debug; /* td_attributes, bit 0 */
	evkit_sign(k->ak, "SHA256", (struct span){ q, SIGNED }, rs, 32);
	memcpy(q + SIG, rs, sizeof(rs));
	hex_write(&hex, wr_span(&k->quote));
	(void)printf("%.*s\n", (int)hex.n, (const char *)hex.p);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[256];
	struct dcapkit k;
	struct err e = { 0 };
	bool debug = false;

	if (argc != 2)
		return 2;
	dcapkit_open(&k, 4, true);
	k.now = (int64_t)time(NULL);
	k.issued = k.now - 7200;
	k.lists_for = 3600;
	k.next = k.pck_until = k.signer_until = k.now + 3600;
	dcapkit_make(&k);
	if (write_files(&k, argv[1], &e) != COFFER_OK)
		(void)fprintf(stderr, "tdx_maker: %s\n", e.msg);
	while (e.rc == COFFER_OK && fgets(line, sizeof(line), stdin)) {
		struct span s = { (const uint8_t *)line, strcspn(line, "\n") };
		uint8_t data[64];

		if (span_eq_str(s, "debug") || span_eq_str(s, "plain"))
			debug = span_eq_str(s, "debug");
		else if (hex_fixed(s, data, sizeof(data)))
			answer(&k, data, debug);
	}
	dcapkit_close(&k);
	return e.rc == COFFER_OK ? 0 : 5;
}
