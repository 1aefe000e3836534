#include "agent/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/crun.h"
#include "agent/fence.h"
#include "agent/guard.h"
#include "agent/guest.h"
#include "agent/serve.h"
#include "agent/slots.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

/* Every asset of the pod comes over this session, until it is renewed (lapse.c). */
static enum coffer_rc attest(struct agent *a, const struct attester *at, struct span initdata, struct err *e)
{
	a->where = (struct service_opts){ .url = a->man.service_url, .now = clock_now() };
	memcpy(a->where.genesis, a->man.genesis, sizeof(a->where.genesis));
	a->attester = *at;
	a->initdata = initdata;
	a->leases.attested = clock_boot_ms();
	if (service_open(&a->where, &a->service, e) != COFFER_OK)
		return err_wrap(e, "the trust service, %.*s", (int)a->where.url.n, (const char *)a->where.url.p);
	return rcar_attest(a->service, at, initdata, &a->rcar, e);
}

static void agent_init(struct agent *a)
{
	for (size_t i = 0; i < MAN_CONTAINERS_MAX; i++) {
		a->ctr[i].pidfd = -1;
		a->ctr[i].log[0].fd = a->ctr[i].log[1].fd = -1;
	}
	for (size_t v = 0; v < MAN_VOLUMES_MAX; v++)
		a->volume_fd[v] = -1;
	for (size_t k = 0; k < EXECS_MAX; k++)
		a->exec[k] = (struct exec_process){ .pidfd = -1, .log = { { .fd = -1 }, { .fd = -1 } } };
	a->groups = (struct cgroup){ .root = -1, .dir = -1 };
	a->crun_sealed = -1;
	a->b.man = &a->man;
}

static void agent_clear(struct agent *a)
{
	for (size_t i = 0; i < a->man.n_containers; i++)
		if (a->b.ctr[i].state != CTR_NEW && a->b.ctr[i].state != CTR_REMOVED)
			container_remove(a, i);
	cgroup_close(&a->groups);
	closep(&a->crun_sealed);
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

enum coffer_rc agent_run(const struct agent_start *s, struct manifest *man, struct err *e)
{
	CLEANUP(agent_freep) struct agent *a = calloc(1, sizeof(*a));
	CLEANUP(http_serve_closep) struct http_serve *rest = NULL;
	CLEANUP(closep) int listener = -1;
	struct attester at = s->at;

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	agent_init(a);
	manifest_move(man, &a->man);
	(void)snprintf(a->state, sizeof(a->state), "%s", s->state);
	(void)snprintf(a->store, sizeof(a->store), "%s%s", s->state, s->disk ? "/disk" : "");
	a->crun = s->crun;
	crun_seal(a);
	for (size_t i = 0; i < s->n_bindings; i++)
		TRY(slots_fill(a, s->binding[i], e));
	at.bindings = a->bindings;
	TRY(guest_prepare(a->state, s->disk, e));
	TRY(open_api(a, &rest, e));
	TRY(guard_open(e));
	TRY(attest(a, &at, s->initdata, e));
	TRY(serve_listen(s->socket, &listener, e));
	if (!s->ready())
		return err_set(e, COFFER_E_UPSTREAM, "whoever started the agent is gone");
	return serve_run(a, listener, rest, e);
}
