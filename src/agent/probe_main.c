/* coffer-probe: evidence of every platform that this machine has, over the report data given, as JSON on standard output. For `coffer selftest`. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/probe.h"
#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "os/tpm.h"

int main(int argc, char **argv)
{
	CLEANUP(wr_close) struct wr data = wr_open(TPM_NONCE_MAX), json = wr_open(PROBE_MAX);
	struct tsm_files files = { 0 };
	struct tsm_link link = tsm_files_link(&files, TSM_ROOT);
	struct probe p = { .tsm = &link, .tpm = -1, .ccel = ATTEST_TSM_CCEL, .log = PROBE_TPM_LOG };
	struct err e = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc != 2 || !hex_read(span_of(argv[1]), &data) || !wr_ok(&data) || data.n == 0) {
		(void)fputs("usage: coffer-probe HEX\nEvidence of every platform that this machine has, over these 1 to 48 bytes, as JSON.\n", stderr);
		return 2;
	}
	if (tpm_device_open(&p.tpm, &p.no_tpm) != COFFER_OK)
		p.tpm = -1;
	if (probe_write(&p, wr_span(&data), &json, &e) != COFFER_OK) {
		(void)fprintf(stderr, "coffer-probe: %s\n", e.msg);
		return 5;
	}
	return fwrite(json.p, 1, json.n, stdout) == json.n && fflush(stdout) == 0 ? 0 : 5;
}
