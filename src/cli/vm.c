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
#include "proto/bindings_disk.h"

#define QEMU	    "/usr/bin/qemu-system-x86_64"
#define SWTPM	    "/usr/bin/swtpm"
#define SWTPM_SETUP "/usr/bin/swtpm_setup"
#define FIRMWARE    "/usr/share/ovmf/OVMF.fd"
#define CMDLINE_MAX 4096
#define DISKS_MAX   3
#define ARGS_MAX    (56 + 4 * DISKS_MAX)
#define PORT	    "org.coffer.agent.0" /* agent/vm.h */
#define PORT_DEVICE "virtserialport,chardev=c,name=" PORT
#define SCRATCH	    "coffer-scratch"	 /* serial of the disk: agent/scratch.h */

/* Emulated, `rep stosb` goes byte by byte: without "erms" the guest clears and copies memory by words. And a second processor costs more than
 * it brings: who waits for a lock or an interrupt of the other spins at full cost. */
#define TCG_CPU "max,-erms"

struct vm { /* while it is being made */
	const struct vm_opts *o;
	int tpm[2], port[2];  /* QEMU's end first */
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

static enum coffer_rc present(const char *const *paths, struct err *e)
{
	for (; *paths; paths++)
		if (!file_exists(*paths))
			return err_set(e, COFFER_E_NOTFOUND, "%s is not there: a measured VM needs the packages qemu-system-x86, ovmf, swtpm and swtpm-tools",
			    *paths);
	return COFFER_OK;
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

#define READ_ONLY "readonly=on"
#define WRITABLE  "cache=unsafe,werror=report,rerror=report" /* it ends with the machine; what cannot be written is the guest's to hear */

struct drives { const char *argv[4 * DISKS_MAX + 1]; char *own[2 * DISKS_MAX]; size_t n; };

static void drives_clear(struct drives *d)
{
	for (size_t i = 0; i < 2 * d->n; i++)
		free(d->own[i]);
}

/* file NULL: no such disk. */
static enum coffer_rc add_drive(struct drives *d, const char *file, const char *how, const char *serial, struct err *e)
{
	size_t i = d->n;

	if (!file)
		return COFFER_OK;
	d->own[2 * i] = str_fmt("if=none,id=d%zu,file=%s,format=raw,%s", i, file, how);
	d->own[2 * i + 1] = str_fmt("virtio-blk-pci,drive=d%zu,serial=%s", i, serial);
	d->n++;
	if (!d->own[2 * i] || !d->own[2 * i + 1])
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	d->argv[4 * i] = "-drive";
	d->argv[4 * i + 1] = d->own[2 * i];
	d->argv[4 * i + 2] = "-device";
	d->argv[4 * i + 3] = d->own[2 * i + 1];
	return COFFER_OK;
}

static enum coffer_rc add_drives(const struct vm_opts *o, struct drives *d, struct err *e)
{
	TRY(add_drive(d, o->initdata, READ_ONLY, "coffer-initdata", e));
	TRY(add_drive(d, o->bindings, READ_ONLY, BINDINGS_DISK_SERIAL, e));
	return add_drive(d, o->scratch, WRITABLE, SCRATCH, e);
}

static enum coffer_rc start_qemu(struct vm *v, struct err *e)
{
	CLEANUP(freep) char *kernel = str_fmt("%s/vmlinuz", v->o->image), *initrd = str_fmt("%s/initrd.img", v->o->image),
	    *path = str_fmt("%s/cmdline", v->o->image), *cmdline = NULL, *memory = str_fmt("%u", v->o->memory);
	CLEANUP(drives_clear) struct drives drives = { .n = 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	/* The shape is part of what the firmware measures: docs/evidence.md, Measuring. */
	const char *argv[ARGS_MAX] = { QEMU, "-M", "q35", "-accel", v->o->kvm ? "kvm" : "tcg,thread=multi", "-cpu", v->o->kvm ? "host" : TCG_CPU, "-smp", v->o->kvm ? "2" : "1", "-m", memory, "-display", "none", "-nodefaults",
		"-no-user-config", "-no-reboot", "-serial", "stdio", "-bios", FIRMWARE, "-chardev", "socket,id=t,fd=3", "-tpmdev",
		"emulator,id=tpm0,chardev=t", "-device", "tpm-crb,tpmdev=tpm0", "-kernel", kernel, "-initrd", initrd, "-append", NULL, "-device",
		"virtio-serial-pci", "-chardev", "socket,id=c,fd=4", "-device", PORT_DEVICE, "-device", "virtio-rng-pci",
		NULL };
	int fds[5] = { -1, v->console[1], STDERR_FILENO, v->tpm[0], v->port[0] };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 5, .die_with_parent = true };
	size_t n = 0;

	if (!kernel || !initrd || !path || !memory)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_read(path, CMDLINE_MAX, &text, e));
	cmdline = span_dup(wr_span(&text));
	if (!cmdline)
		return err_set(e, COFFER_E_INPUT, "%s: no command line", path);
	TRY(add_drives(v->o, &drives, e));
	for (; argv[n]; n++)
		if (strcmp(argv[n], "-append") == 0)
			argv[n + 1] = cmdline;
	memcpy(argv + n, drives.argv, sizeof(drives.argv));
	return spawn_start(&s, &v->g.guard, e);
}

/* ---- the relay ---- */

static enum coffer_rc start_relay(struct vm *v, struct err *e)
{
	struct vm_relay r = { .endpoint = v->o->endpoint, .n_endpoints = v->o->n_endpoints };
	int *const to[] = { &r.port, &r.console, &r.agent, &r.said };
	const int from[] = { v->port[1], v->console[0], v->agent, v->said[1] };
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
	if (close_range(3, 199, 0) != 0 || fcntl(r.port, F_SETFL, O_NONBLOCK) != 0)
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
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, v->tpm) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, v->port) != 0 ||
	    pipe2(v->console, O_CLOEXEC) != 0 || pipe2(v->said, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: %s", strerror(errno));
	return COFFER_OK;
}

enum coffer_rc vm_start(const struct vm_opts *o, struct guest *out, struct err *e)
{
	static const char *const needed[] = { QEMU, SWTPM, SWTPM_SETUP, FIRMWARE, NULL };
	CLEANUP(vm_clear) struct vm v = { .o = o, .tpm = { -1, -1 }, .port = { -1, -1 }, .console = { -1, -1 }, .said = { -1, -1 }, .agent = -1,
		.g = { .said = -1 } };

	TRY(present(needed, e));
	TRY(open_pairs(&v, e));
	TRY(listen_agent(&v, e));
	TRY(start_tpm(&v, e));
	TRY(start_qemu(&v, e));
	TRY(start_relay(&v, e));
	v.g.said = MOVE_FD(v.said[0]);
	*out = v.g;
	v.g = (struct guest){ .said = -1 };
	return COFFER_OK;
}
