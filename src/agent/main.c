#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/fence.h"
#include "agent/guard.h"
#include "agent/guest.h"
#include "agent/initdata.h"
#include "agent/serve.h"
#include "agent/slots.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "evidence/sample.h"
#include "os/file.h"
#include "proto/ttrpc.h"

struct args { const char *platform, *initdata, *socket, *state, *crun, *binding[BINDINGS_MAX]; size_t n_bindings; };

static const char usage[] =
	"usage: coffer-agent --platform sample --initdata FILE --socket PATH --state DIR --crun PATH [--binding FILE]...\n"
	"Runs the containers of one pod inside a guest (docs/protocol/guest.md).\n"
	"On standard output: \"ready\" once the socket answers, or \"failed CODE TEXT\".\n";

static bool args_read(int argc, char **argv, struct args *a)
{
	const struct { const char *name; const char **to; } known[] = {
		{ "--platform", &a->platform }, { "--initdata", &a->initdata }, { "--socket", &a->socket },
		{ "--state", &a->state }, { "--crun", &a->crun },
	};

	for (int i = 1; i + 1 < argc; i += 2) {
		size_t k = 0;

		if (strcmp(argv[i], "--binding") == 0 && a->n_bindings < BINDINGS_MAX) {
			a->binding[a->n_bindings++] = argv[i + 1];
			continue;
		}
		while (k < 5 && strcmp(argv[i], known[k].name) != 0)
			k++;
		if (k == 5 || *known[k].to)
			return false;
		*known[k].to = argv[i + 1];
	}
	return argc == 11 + 2 * (int)a->n_bindings && a->crun && a->state[0] == '/' && strlen(a->state) <= STATE_DIR_MAX;
}

static enum coffer_rc sample_evidence(void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json,
    struct err *e)
{
	(void)arg;
	return sample_write(report_data, init_register, json, e);
}

static enum coffer_rc platform(const char *name, struct attester *out, struct err *e)
{
	if (strcmp(name, "sample") != 0)
		return err_set(e, COFFER_E_INPUT, "platform \"%s\" is not built into this agent", name);
	(void)fprintf(stderr, "coffer-agent: PLATFORM SAMPLE: PROTECTS NOTHING. Whoever holds this host reads all that is in the guest.\n");
	*out = (struct attester){ .tee = "sample", .evidence = sample_evidence };
	return COFFER_OK;
}

/* Every asset of the pod comes over this session, until it is renewed (lapse.c). */
static enum coffer_rc attest(struct agent *a, const struct attester *at, struct span initdata, struct err *e)
{
	a->where = (struct service_opts){ .url = a->man.service_url, .now = clock_now() };
	memcpy(a->where.genesis, a->man.genesis, sizeof(a->where.genesis));
	a->attester = *at;
	a->initdata = initdata;
	a->leases.attested = clock_boot_ms();
	TRY(service_open(&a->where, &a->service, e));
	return rcar_attest(a->service, at, initdata, &a->rcar, e);
}

static void agent_init(struct agent *a)
{
	for (size_t i = 0; i < MAN_CONTAINERS_MAX; i++) {
		a->ctr[i].pidfd = -1;
		a->ctr[i].log[0].fd = a->ctr[i].log[1].fd = -1;
	}
	a->groups = (struct cgroup){ .root = -1, .dir = -1 };
	a->b.man = &a->man;
}

static void agent_clear(struct agent *a)
{
	for (size_t i = 0; i < a->man.n_containers; i++)
		if (a->b.ctr[i].state != CTR_NEW && a->b.ctr[i].state != CTR_REMOVED)
			container_remove(a, i);
	cgroup_close(&a->groups);
	rcar_freep(&a->rcar);
	service_closep(&a->service);
	manifest_clear(&a->man);
}

static void agent_freep(struct agent **a)
{
	if (*a)
		agent_clear(*a);
	free(*a);
}

/* Before any container: nobody is there yet to take an address. */
static enum coffer_rc open_api(struct agent *a, struct http_serve **out, struct err *e)
{
	uint32_t address[MAN_CONTAINERS_MAX];

	_Static_assert(MAN_CONTAINERS_MAX <= HTTP_SERVE_LISTENERS_MAX && MAN_CONTAINERS_MAX <= FENCE_CONTAINERS_MAX, "one listener each");
	for (size_t i = 0; i < a->man.n_containers; i++)
		address[i] = fence_address(i);
	TRY(cgroup_open(CGROUP_GUEST, &a->groups, e));
	return rest_open(address, a->man.n_containers, &(struct http_serve_how){ api_serve, a }, out, e);
}

static enum coffer_rc run(const struct args *arg, struct err *e)
{
	CLEANUP(agent_freep) struct agent *a = calloc(1, sizeof(*a));
	CLEANUP(wr_close) struct wr device = wr_open(INITDATA_DEVICE_MAX), initdata = wr_open(MAN_INITDATA_MAX);
	CLEANUP(http_serve_closep) struct http_serve *rest = NULL;
	CLEANUP(closep) int listener = -1;
	struct attester at;

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	agent_init(a);
	TRY(platform(arg->platform, &at, e));
	(void)snprintf(a->state, sizeof(a->state), "%s", arg->state);
	a->crun = arg->crun;
	TRY(file_read(arg->initdata, INITDATA_DEVICE_MAX, &device, e));
	TRY(initdata_device_read(wr_span(&device), &initdata, e));
	TRY(manifest_from_initdata(wr_span(&initdata), &a->man, e));
	for (size_t i = 0; i < arg->n_bindings; i++)
		TRY(slots_fill(a, arg->binding[i], e));
	at.bindings = a->bindings;
	TRY(guest_prepare(a->state, e));
	TRY(open_api(a, &rest, e));
	TRY(guard_open(e));
	TRY(attest(a, &at, wr_span(&initdata), e));
	TRY(serve_listen(arg->socket, &listener, e));
	(void)puts("ready");
	if (fflush(stdout) != 0)
		return err_set(e, COFFER_E_UPSTREAM, "whoever started the agent is gone");
	return serve_run(a, listener, rest, e);
}

int main(int argc, char **argv)
{
	struct args a = { 0 };
	struct err e = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	if (!args_read(argc, argv, &a)) {
		(void)fputs(usage, stderr);
		return 2;
	}
	if (run(&a, &e) == COFFER_OK)
		return 0;
	(void)printf("failed %d %s%s%s\n", (int)ttrpc_code_of(e.rc), e.check, e.check[0] ? ": " : "", e.msg);
	return fflush(stdout) == 0 && e.rc == COFFER_E_DENIED ? 1 : 5;
}
