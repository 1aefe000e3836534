#include "agent/vm.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/attest_tpm.h"
#include "agent/initdata.h"
#include "agent/scratch.h"
#include "agent/start.h"
#include "agent/vm_disk.h"
#include "base/own.h"
#include "proto/ttrpc.h"

#define SOCKET "/run/coffer-agent.sock"
#define STATE  "/run/coffer"
#define CRUN   "/usr/bin/crun"

struct vm {
	struct attest_tpm   tpm;
	struct wr	    initdata;
	struct manifest	    man;
	struct wr	    disk; /* what bindings are borrowed from */
	struct bindings_disk bindings;
	struct vm_listeners listeners;
	struct scratch	    scratch;
	int		    port;
};

static void vm_clear(struct vm *v)
{
	attest_tpm_close(&v->tpm);
	wr_close(&v->initdata);
	wr_close(&v->disk);
	manifest_clear(&v->man);
	vm_listeners_clear(&v->listeners);
	scratch_clear(&v->scratch);
	closep(&v->port);
}

static bool ready(void)
{
	(void)puts("coffer-agent: ready");
	return fflush(stdout) == 0;
}

/* The document is hashed into the register before anything of it is read. */
static enum coffer_rc measure(struct vm *v, struct err *e)
{
	CLEANUP(wr_close) struct wr device = { 0 };

	TRY(attest_tpm_open(&v->tpm, e));
	TRY(vm_initdata_find("/dev", &device, e));
	TRY(initdata_device_read(wr_span(&device), &v->initdata, e));
	TRY(attest_tpm_init(&v->tpm, wr_span(&v->initdata), e));
	return manifest_from_initdata(wr_span(&v->initdata), &v->man, e);
}

/* Said on the console, for whoever starts machines. */
static enum coffer_rc scratch(struct vm *v, struct err *e)
{
	TRY(scratch_open(&v->scratch, e));
	if (v->scratch.bytes > 0)
		(void)printf("coffer-agent: scratch disk: %llu MiB, encrypted\n", (unsigned long long)(v->scratch.bytes >> 20));
	else
		(void)printf("coffer-agent: no scratch disk: all is in memory\n");
	return COFFER_OK;
}

static _Noreturn void agent(struct vm *v)
{
	struct agent_start s = { .at = attest_tpm_attester(&v->tpm), .initdata = wr_span(&v->initdata), .socket = SOCKET, .state = STATE, .crun = CRUN,
		.binding = v->bindings.envelope, .n_bindings = v->bindings.n, .disk = v->scratch.bytes > 0 ? v->scratch.device : NULL, .ready = ready };
	struct err e = { 0 };

	closep(&v->port);
	v->port = -1;
	vm_listeners_clear(&v->listeners);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && agent_run(&s, &v->man, &e) == COFFER_OK)
		_exit(0);
	(void)printf("coffer-agent: failed %d %s%s%s\n", (int)ttrpc_code_of(e.rc), e.check, e.check[0] ? ": " : "", e.msg);
	(void)fflush(stdout);
	_exit(1);
}

/* The channel in this process, the agent in another, so that neither waits for the other. */
static enum coffer_rc serve(struct vm *v, struct err *e)
{
	CLEANUP(closep) int pidfd = -1;
	struct vm_channel c = { .port = v->port, .listeners = &v->listeners, .socket = SOCKET };
	pid_t pid = fork();

	if (pid == 0)
		agent(v);
	pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: %s", strerror(errno));
	attest_tpm_close(&v->tpm);
	c.agent = pidfd;
	return vm_pass(&c, e);
}

enum coffer_rc vm_run(struct err *e)
{
	CLEANUP(vm_clear) struct vm v = { .tpm = { .fd = -1 }, .initdata = wr_open(MAN_INITDATA_MAX), .scratch.tags.fd = -1, .port = -1 };

	TRY(measure(&v, e));
	TRY(vm_bindings_read(VM_SYS_BLOCK, "/dev", &v.disk, &v.bindings, e));
	TRY(scratch(&v, e));
	TRY(vm_listen(&v.man, &v.listeners, e));
	TRY(vm_port_open(&v.port, e));
	return serve(&v, e);
}
