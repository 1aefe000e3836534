/* The client library against a running service: attests with sample evidence, asks for one asset, prints its
 * version and content. Exit 0 granted, 1 refused ("check: reason" on standard output). With two arguments: ask_twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "client/rcar.h"
#include "evidence/sample.h"
#include "fmt/enc.h"
#include "os/file.h"

static enum coffer_rc evidence(void *arg, struct span report_data, const uint8_t reg[static 32], struct wr *json, struct err *e)
{
	(void)arg;
	return sample_write(report_data, reg, json, e);
}

static enum coffer_rc run(char **argv, struct err *e)
{
	static const struct attester sample = { .tee = "sample", .evidence = evidence };
	CLEANUP(service_closep) struct service_conn *c = NULL;
	CLEANUP(rcar_freep) struct rcar *r = NULL;
	CLEANUP(rcar_asset_clear) struct rcar_asset a = { 0 };
	CLEANUP(wr_close) struct wr initdata = wr_open(MAN_INITDATA_MAX);
	struct service_opts o = { .url = span_of(argv[1]), .now = clock_now(), .timeout_ms = 10000 };
	struct asset_path path;
	enum purpose purpose;

	if (!hex_fixed(span_of(argv[2]), o.genesis, 32) || !purpose_by_name(span_of(argv[6]), &purpose))
		return err_set(e, COFFER_E_INPUT, "usage");
	TRY(file_read(argv[3], MAN_INITDATA_MAX, &initdata, e));
	TRY(asset_path_parse(span_of(argv[4]), &path, e));
	TRY(service_open(&o, &c, e));
	TRY(rcar_attest(c, &sample, wr_span(&initdata), &r, e));
	TRY(rcar_get(r, &path, strtoull(argv[7], NULL, 10), span_of(argv[5]), purpose, &a, e));
	(void)printf("%llu %.*s\n", (unsigned long long)a.version, (int)a.content.n, (const char *)a.content.p);
	return COFFER_OK;
}

/* URL GENESIS: a connection that is there already asks for the parties, twice, once a line was read. */
static int ask_twice(char **argv)
{
	CLEANUP(service_closep) struct service_conn *c = NULL;
	struct service_opts o = { .url = span_of(argv[1]), .now = clock_now(), .timeout_ms = 10000 };
	struct err e = { 0 };
	char line[16];

	if (!hex_fixed(span_of(argv[2]), o.genesis, 32) || service_open(&o, &c, &e) != COFFER_OK || printf("open\n") < 0 || fflush(stdout) != 0 ||
	    !fgets(line, sizeof(line), stdin))
		return 2;
	for (int i = 0; i < 2; i++) {
		const struct parties *all = NULL;

		e = (struct err){ 0 };
		(void)printf("%s\n", service_parties(c, &all, &e) == COFFER_OK ? "given" : e.check);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	if (argc == 3)
		return ask_twice(argv);
	if (argc != 8)
		return 2; /* URL GENESIS INITDATA PATH CONTAINER PURPOSE VERSION */
	if (run(argv, &e) == COFFER_OK)
		return 0;
	(void)printf("%s: %s\n", e.check, e.msg);
	return 1;
}
