#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/init.h"
#include "agent/initdata.h"
#include "agent/platform.h"
#include "agent/puller.h"
#include "agent/start.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/start.h"
#include "evidence/az_write.h"
#include "evidence/sample.h"
#include "os/file.h"
#include "proto/ttrpc.h"
#include "trust/dsse.h"

struct args { const char *platform, *initdata, *socket, *state, *crun, *hardware, *binding[BINDINGS_MAX]; size_t n_bindings; };

static const char usage[] =
	"usage: coffer-agent --platform NAME --initdata FILE --socket PATH --state DIR --crun PATH [--hardware FILE] [--binding FILE]...\n"
	"Runs the containers of one pod inside a guest (docs/protocol/guest.md).\n"
	"NAME: auto (this machine's own evidence: snp or tdx of its kernel, else az-snp-vtpm or az-tdx-vtpm of a paravisor's TPM, else its TPM),\n"
	"or one of these names (tpm: a TPM alone): the same, and it has to be that one; sample: none.\n"
	"FILE of --hardware: of az-snp-vtpm the VCEK, of az-tdx-vtpm the TD's quote, which the cloud's metadata service is asked for otherwise.\n"
	"On standard output: \"ready\" once the socket answers, or \"failed CODE TEXT\".\n";

static bool args_read(int argc, char **argv, struct args *a)
{
	const struct { const char *name; const char **to; } known[] = {
		{ "--platform", &a->platform }, { "--initdata", &a->initdata }, { "--socket", &a->socket },
		{ "--state", &a->state }, { "--crun", &a->crun }, { "--hardware", &a->hardware },
	};
	const size_t n_known = sizeof(known) / sizeof(known[0]);

	for (int i = 1; i + 1 < argc; i += 2) {
		size_t k = 0;

		if (strcmp(argv[i], "--binding") == 0 && a->n_bindings < BINDINGS_MAX) {
			a->binding[a->n_bindings++] = argv[i + 1];
			continue;
		}
		while (k < n_known && strcmp(argv[i], known[k].name) != 0)
			k++;
		if (k == n_known || *known[k].to)
			return false;
		*known[k].to = argv[i + 1];
	}
	return argc == 11 + 2 * ((int)a->n_bindings + (a->hardware != NULL)) && a->platform && a->initdata && a->socket && a->state && a->crun && a->state[0] == '/' && strlen(a->state) <= STATE_DIR_MAX;
}

static enum coffer_rc sample_evidence(void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json,
    struct err *e)
{
	(void)arg;
	return sample_write(report_data, init_register, json, e);
}

static bool known(const char *name)
{
	static const char *const names[] = { "auto", "snp", "tdx", "az-snp-vtpm", "az-tdx-vtpm", "tpm" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* And that the machine was started with this initdata, where there is a machine. */
static enum coffer_rc evidence_by(const char *name, struct platform *p, struct span initdata, struct attester *out, struct err *e)
{
	if (strcmp(name, "sample") == 0) {
		(void)fprintf(stderr,
		    "coffer-agent: PLATFORM SAMPLE: PROTECTS NOTHING. Whoever holds this host reads all that is in the guest.\n");
		*out = (struct attester){ .tee = "sample", .evidence = sample_evidence };
		return COFFER_OK;
	}
	if (!known(name))
		return err_set(e, COFFER_E_INPUT, "platform \"%s\" is not built into this agent", name);
	TRY(platform_open(p, name, e));
	*out = platform_attester(p);
	(void)fprintf(stderr, "coffer-agent: platform %s%s%s\n", out->tee, p->why[0] ? "; " : "", p->why);
	return platform_init(p, initdata, e);
}

static bool ready(void)
{
	(void)puts("ready");
	return fflush(stdout) == 0;
}

struct bindings { struct wr text[BINDINGS_MAX]; struct span envelope[BINDINGS_MAX]; };

static void bindings_clear(struct bindings *b)
{
	for (size_t i = 0; i < BINDINGS_MAX; i++)
		wr_close(&b->text[i]);
}

static enum coffer_rc bindings_load(const struct args *arg, struct bindings *b, struct err *e)
{
	for (size_t i = 0; i < arg->n_bindings; i++) {
		b->text[i] = wr_open(DSSE_ENVELOPE_MAX);
		TRY(file_read(arg->binding[i], DSSE_ENVELOPE_MAX, &b->text[i], e));
		b->envelope[i] = wr_span(&b->text[i]);
	}
	return COFFER_OK;
}

static enum coffer_rc run(const struct args *arg, struct err *e)
{
	CLEANUP(bindings_clear) struct bindings b = { 0 };
	CLEANUP(wr_close) struct wr device = wr_open(INITDATA_DEVICE_MAX), initdata = wr_open(MAN_INITDATA_MAX), hardware = { 0 };
	CLEANUP(manifest_clear) struct manifest man = { 0 };
	CLEANUP(platform_close) struct platform p = PLATFORM_NONE;
	struct agent_start s = { .socket = arg->socket, .state = arg->state, .crun = arg->crun, .ready = ready,
		.binding = b.envelope, .n_bindings = arg->n_bindings };

	TRY(bindings_load(arg, &b, e));
	if (arg->hardware)
		TRY(file_read(arg->hardware, AZ_QUOTE_MAX, &hardware, e));
	p.hardware = wr_span(&hardware);
	TRY(file_read(arg->initdata, INITDATA_DEVICE_MAX, &device, e));
	TRY(initdata_device_read(wr_span(&device), &initdata, e));
	s.initdata = wr_span(&initdata);
	TRY(evidence_by(arg->platform, &p, s.initdata, &s.at, e));
	TRY(manifest_from_initdata(s.initdata, &man, e));
	return agent_run(&s, &man, e);
}

int main(int argc, char **argv)
{
	struct args a = { 0 };
	struct err e = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	crypto_start();
	if (getpid() == 1 && file_exists(INIT_MODULES)) /* whatever the command line gave it */
		init_main();
	if (argc == 2 && strcmp(argv[1], PULLER_ARG) == 0)
		return puller_main();
	if (!args_read(argc, argv, &a)) {
		(void)fputs(usage, stderr);
		return 2;
	}
	if (run(&a, &e) == COFFER_OK)
		return 0;
	(void)printf("failed %d %s%s%s\n", (int)ttrpc_code_of(e.rc), e.check, e.check[0] ? ": " : "", e.msg);
	return fflush(stdout) == 0 && e.rc == COFFER_E_DENIED ? 1 : 5;
}
