/* A guest that remembers the ledger while its service changes: for each address on standard input it attests anew (sample evidence), gets
 * the asset and asks whether it may keep it, with what it saw of the ledger so far. Prints "held SIZE", or "check: reason". */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "client/rcar.h"
#include "evidence/sample.h"
#include "fmt/enc.h"
#include "os/file.h"

struct probe {
	uint8_t           genesis[32];
	struct wr         initdata;
	struct asset_path path;
	struct span       container;
	enum purpose      purpose;
	struct fresh_seen seen;
};

static enum coffer_rc evidence(void *arg, struct span report_data, const uint8_t reg[static 32], struct wr *json, struct err *e)
{
	(void)arg;
	return sample_write(report_data, reg, json, e);
}

static enum coffer_rc ask(struct probe *p, struct span url, struct err *e)
{
	static const struct attester sample = { .tee = "sample", .evidence = evidence };
	CLEANUP(service_closep) struct service_conn *c = NULL;
	CLEANUP(rcar_freep) struct rcar *r = NULL;
	CLEANUP(rcar_asset_clear) struct rcar_asset a = { 0 };
	struct service_opts o = { .url = url, .now = clock_now(), .timeout_ms = 10000 };
	struct fresh_ask q = { .n = 1 };
	struct fresh_answer said;

	memcpy(o.genesis, p->genesis, 32);
	TRY(service_open(&o, &c, e));
	TRY(rcar_attest(c, &sample, wr_span(&p->initdata), &r, e));
	TRY(rcar_get(r, &p->path, 0, p->container, p->purpose, &a, e));
	q.item[0] = (struct fresh_item){ .path = span_of(asset_path_tail(&p->path)), .container = p->container, .purpose = p->purpose };
	memcpy(q.item[0].statement, a.statement, 32);
	TRY(rcar_fresh(r, &q, &p->seen, &said, e));
	(void)printf("held %llu\n", (unsigned long long)said.size);
	return COFFER_OK;
}

int main(int argc, char **argv)
{
	struct probe p = { .initdata = wr_open(MAN_INITDATA_MAX) };
	struct err e = { 0 };
	char line[256];

	if (argc != 6 || !hex_fixed(span_of(argv[1]), p.genesis, 32) || !purpose_by_name(span_of(argv[5]), &p.purpose) ||
	    file_read(argv[2], MAN_INITDATA_MAX, &p.initdata, &e) != COFFER_OK || asset_path_parse(span_of(argv[3]), &p.path, &e) != COFFER_OK)
		return 2; /* GENESIS INITDATA PATH CONTAINER PURPOSE */
	p.container = span_of(argv[4]);
	while (fgets(line, sizeof(line), stdin)) {
		e = (struct err){ 0 };
		line[strcspn(line, "\n")] = '\0';
		if (ask(&p, span_of(line), &e) != COFFER_OK)
			(void)printf("%s: %s\n", e.check, e.msg);
		(void)fflush(stdout);
	}
	wr_close(&p.initdata);
	return 0;
}
