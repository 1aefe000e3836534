#include "cli/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "os/spawn.h"
#include "os/tee_host.h"

#define SWTPM	    "/usr/bin/swtpm"
#define SWTPM_SETUP "/usr/bin/swtpm_setup"

struct vm { /* while it is being made */
	const struct vm_opts *o;
	int tpm[2], port[2];  /* QEMU's end first; with vsock there is no port */
	int console[2], said[2]; /* reader first */
	int agent;
	struct guest g;
};

static void vm_clear(struct vm *v)
{
	int *const pairs[] = { v->tpm, v->port, v->console, v->said };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		closep(&pairs[i][0]);
		closep(&pairs[i][1]);
	}
	closep(&v->agent);
	guest_stop(&v->g);
}

static enum coffer_rc there(const char *path, const char *words, struct err *e)
{
	return file_exists(path) ? COFFER_OK : err_set(e, COFFER_E_NOTFOUND, "%s is not there: %s", path, words);
}

static enum coffer_rc present(const struct vm_opts *o, struct err *e)
{
	static const char *const words = "a measured VM needs the packages qemu-system-x86, ovmf, swtpm and swtpm-tools";
	const char *const needed[] = { VM_QEMU, SWTPM, SWTPM_SETUP, o->firmware ? o->firmware : VM_FIRMWARE };

	if (o->tee != VM_SWTPM)
		return there(VM_QEMU, "a VM needs the package qemu-system-x86", e);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		TRY(there(needed[i], words, e));
	return COFFER_OK;
}

/* ---- whether the host can ---- */

/* QEMU lists the objects that it makes, one a line. */
static enum coffer_rc qemu_knows(const char *object, const char *since, struct err *e)
{
	const char *argv[] = { VM_QEMU, "-object", "help", NULL };
	static const int fds[3] = { -1, -1, -1 };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .die_with_parent = true };
	CLEANUP(freep) char *text = NULL, *line = str_fmt("  %s\n", object);
	int status = 0;

	if (!line)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(there(VM_QEMU, "a VM needs the package qemu-system-x86", e));
	TRY(spawn_run(&s, 65536, &text, &status, e));
	if (status == 0 && strstr(text, line))
		return COFFER_OK;
	return err_set(e, COFFER_E_NOTFOUND, VM_QEMU " has no object %s, which came with QEMU %s; its operator needs a newer package", object, since);
}

enum coffer_rc vm_can(enum vm_tee t, struct err *e)
{
	char why[ERR_MSG_MAX];

	if (t == VM_SWTPM)
		return COFFER_OK;
	if (!tee_host_offers(t == VM_SNP ? TEE_HOST_SNP : TEE_HOST_TDX, "", why, sizeof(why)))
		return err_set(e, COFFER_E_NOTFOUND, "%s", why);
	return t == VM_SNP ? qemu_knows("sev-snp-guest", "9.1", e) : qemu_knows("tdx-guest", "10.1", e);
}

/* ---- the TPM: a new one for each run, without a maker's certificate ---- */

static enum coffer_rc make_tpm(const char *state, struct err *e)
{
	const char *argv[] = { SWTPM_SETUP, "--tpm2", "--tpmstate", state, "--pcr-banks", "sha256", NULL };
	static const int fds[3] = { -1, -1, -1 };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .die_with_parent = true };
	CLEANUP(freep) char *text = NULL;
	int status = 0;

	if (mkdir(state, 0700) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", state, strerror(errno));
	TRY(spawn_run(&s, 65536, &text, &status, e));
	return status == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "swtpm_setup: %.300s", text);
}

static enum coffer_rc start_tpm(struct vm *v, struct err *e)
{
	CLEANUP(freep) char *state = str_fmt("%s/tpm", v->o->dir), *where = str_fmt("dir=%s/tpm", v->o->dir);
	const char *argv[] = { SWTPM, "socket", "--tpm2", "--tpmstate", where, "--ctrl", "type=unixio,clientfd=3", "--terminate", NULL };
	int fds[4] = { -1, -1, -1, v->tpm[1] };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 4, .die_with_parent = true };

	if (!state || !where)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(make_tpm(state, e));
	return spawn_start(&s, &v->g.tpm, e);
}

/* ---- the machine ---- */

static enum coffer_rc start_qemu(struct vm *v, struct err *e)
{
	CLEANUP(vm_line_clear) struct vm_line line = { .n = 0 };
	int fds[5] = { -1, v->console[1], STDERR_FILENO, v->o->tee == VM_SWTPM ? v->tpm[0] : -1, v->o->vsock ? v->o->vsock->device : v->port[0] };
	struct spawn s = { .fds = fds, .n_fds = 5, .die_with_parent = true };

	_Static_assert(VM_FD_TPM == 3 && VM_FD_PORT == 4, "as the line says");
	TRY(vm_line_make(v->o, &line, e));
	s.argv = (const char *const *)line.argv;
	return spawn_start(&s, &v->g.guard, e);
}

/* ---- the relay ---- */

static enum coffer_rc start_relay(struct vm *v, struct err *e)
{
	struct vm_relay r = { .cid = v->o->vsock ? v->o->vsock->cid : 0, .endpoint = v->o->endpoint, .n_endpoints = v->o->n_endpoints };
	int *const to[] = { &r.port, &r.console, &r.agent, &r.said };
	const int from[] = { v->o->vsock ? v->o->vsock->sock : v->port[1], v->console[0], v->agent, v->said[1] };
	pid_t parent = getpid();

	v->g.relay = fork();
	if (v->g.relay < 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: %s", strerror(errno));
	if (v->g.relay > 0)
		return COFFER_OK;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent || setsid() < 0)
		_exit(5);
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		*to[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 200);
		if (*to[i] < 200)
			_exit(5);
	}
	if (close_range(3, 199, 0) != 0)
		_exit(5);
	vm_relay(&r);
}

static enum coffer_rc listen_agent(struct vm *v, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/agent.sock", v->o->dir) >= (int)sizeof(at.sun_path))
		return err_set(e, COFFER_E_SYSTEM, "%s: too long for a socket", v->o->dir);
	v->agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (v->agent < 0 || bind(v->agent, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(v->agent, 4) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", at.sun_path, strerror(errno));
	return COFFER_OK;
}

static enum coffer_rc open_pairs(struct vm *v, struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, v->tpm) != 0 ||
	    (!v->o->vsock && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, v->port) != 0) || pipe2(v->console, O_CLOEXEC) != 0 || pipe2(v->said, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: %s", strerror(errno));
	return COFFER_OK;
}

enum coffer_rc vm_start(const struct vm_opts *o, struct guest *out, struct err *e)
{
	CLEANUP(vm_clear) struct vm v = { .o = o, .tpm = { -1, -1 }, .port = { -1, -1 }, .console = { -1, -1 }, .said = { -1, -1 }, .agent = -1,
		.g = { .said = -1 } };

	TRY(present(o, e));
	TRY(open_pairs(&v, e));
	TRY(listen_agent(&v, e));
	if (o->tee == VM_SWTPM)
		TRY(start_tpm(&v, e));
	TRY(start_qemu(&v, e));
	TRY(start_relay(&v, e));
	v.g.said = MOVE_FD(v.said[0]);
	*out = v.g;
	v.g = (struct guest){ .said = -1 };
	return COFFER_OK;
}
