/* The machine that a pod gets: what it is, whether this host can start it, its files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/run_int.h"
#include "fmt/enc.h"
#include "os/kvm.h"
#include "os/tee_host.h"

#define MEMORY_USUAL 1024
#define MEMORY_MIN   32
#define MEMORY_MAX   2047 /* of which registers are predicted: evidence/measure_boot.h */

static const char *const of_a_vm[] = { "memory", "accel", "scratch", "tee", "firmware", "print" };
static const char *const firmware[] = { [VM_SWTPM] = VM_FIRMWARE, [VM_SNP] = "/usr/share/ovmf/OVMF.amdsev.fd", [VM_TDX] = "/usr/share/ovmf/OVMF.inteltdx.fd" };

/* *named false: auto. */
static enum coffer_rc read_tee(const struct run *r, enum vm_tee *out, bool *named, struct err *e)
{
	const char *name = cli_opt(r->cli, "tee");

	*out = VM_SWTPM;
	*named = !name || strcmp(name, "auto") != 0;
	if (!name || !*named)
		return COFFER_OK;
	for (enum vm_tee t = VM_SWTPM; t <= VM_TDX; t++)
		if (strcmp(name, vm_tee_name(t)) == 0) {
			*out = t;
			return COFFER_OK;
		}
	return cli_bad(e, "--tee %s: swtpm, snp, tdx or auto", name);
}

/* The best that the host has; that it has none is said, since what is left protects nothing. */
static enum vm_tee what_the_host_has(void)
{
	struct err why[VM_TDX + 1] = { { .rc = COFFER_OK } };

	for (enum vm_tee t = VM_SNP; t <= VM_TDX; t++)
		if (vm_can(t, &why[t]) == COFFER_OK)
			return t;
	run_say("this host starts no guests of snp (%s), none of tdx (%s)", why[VM_SNP].msg, why[VM_TDX].msg);
	return VM_SWTPM;
}

static enum coffer_rc read_accel(struct run *r, struct err *e)
{
	const char *accel = cli_opt(r->cli, "accel");

	if (accel && strcmp(accel, "tcg") != 0 && strcmp(accel, "auto") != 0 && strcmp(accel, "kvm") != 0)
		return cli_bad(e, "--accel %s: kvm, tcg or auto", accel);
	if (accel && strcmp(accel, "tcg") == 0 && r->machine.tee != VM_SWTPM)
		return cli_bad(e, "--accel tcg: %s is of the processor, and cannot be emulated", vm_tee_name(r->machine.tee));
	r->machine.kvm = r->machine.tee != VM_SWTPM || (accel && strcmp(accel, "kvm") == 0);
	return COFFER_OK;
}

static enum coffer_rc read_firmware(struct run *r, struct err *e)
{
	const char *path = cli_opt(r->cli, "firmware");

	if (path && r->machine.tee == VM_SWTPM)
		return cli_bad(e, "--firmware is of snp and tdx: swtpm boots " VM_FIRMWARE);
	r->machine.firmware = path ? path : firmware[r->machine.tee];
	return COFFER_OK;
}

enum coffer_rc run_vm_options(struct run *r, struct err *e)
{
	const char *mib = cli_opt(r->cli, "memory");
	uint64_t n = MEMORY_USUAL;
	bool named;

	for (size_t i = 0; i < sizeof(of_a_vm) / sizeof(of_a_vm[0]); i++)
		if (!cli_opt(r->cli, "image") && (cli_opt(r->cli, of_a_vm[i]) || cli_flag(r->cli, of_a_vm[i])))
			return cli_bad(e, "--%s is of a measured VM: it needs --image", of_a_vm[i]);
	TRY(run_scratch_size(r->cli, &r->disk, e));
	r->vm = cli_opt(r->cli, "image") != NULL;
	if (!r->vm)
		return COFFER_OK;
	if (mib && (!span_u64(span_of(mib), &n) || n < MEMORY_MIN || n > MEMORY_MAX))
		return cli_bad(e, "--memory %s: %d to %d MiB", mib, MEMORY_MIN, MEMORY_MAX);
	r->machine = (struct vm_opts){ .image = cli_opt(r->cli, "image"), .memory = (uint32_t)n, .c_bit = tee_host_c_bit() };
	TRY(read_tee(r, &r->machine.tee, &named, e));
	if (!named)
		r->machine.tee = what_the_host_has();
	TRY(read_accel(r, e));
	TRY(read_firmware(r, e));
	return run_initdata_digest(r, r->machine.digest, e);
}

/* KVM where it runs a machine, by trying: that the device is there says little. */
static enum coffer_rc choose_accel(struct run *r, struct err *e)
{
	const char *accel = cli_opt(r->cli, "accel");
	char why[100];

	if (accel && strcmp(accel, "tcg") == 0)
		return COFFER_OK;
	r->machine.kvm = kvm_works(why, sizeof(why));
	if (!r->machine.kvm && accel && strcmp(accel, "kvm") == 0)
		return err_set(e, COFFER_E_NOTFOUND, "KVM of this host cannot be used: %s; --accel tcg emulates the machine", why);
	if (!r->machine.kvm)
		run_say("KVM of this host cannot be used (%s): the machine is emulated, which is slow", why);
	return COFFER_OK;
}

enum coffer_rc run_vm_host(struct run *r, struct err *e)
{
	const struct vm_opts *o = &r->machine;
	struct err why = { .rc = COFFER_OK };

	if (!r->vm)
		return COFFER_OK;
	if (o->tee == VM_SWTPM)
		return choose_accel(r, e);
	if (vm_can(o->tee, &why) != COFFER_OK)
		return err_set(e, why.rc, "this host starts no guests of %s: %s. What would be started: --print. Without protection: --tee swtpm", vm_tee_name(o->tee), why.msg);
	return COFFER_OK;
}

/* ---- its start ---- */

void run_vm_paths_clear(struct run_vm_paths *p)
{
	free(p->cmdline);
}

enum coffer_rc run_vm_paths(struct run *r, bool bindings, struct run_vm_paths *p, struct err *e)
{
	(void)snprintf(p->initdata, sizeof(p->initdata), "%.480s/initdata.img", r->place.path);
	(void)snprintf(p->scratch, sizeof(p->scratch), "%.480s/scratch.img", r->place.path);
	(void)snprintf(p->bindings, sizeof(p->bindings), "%.480s/bindings.img", r->place.path);
	TRY(vm_cmdline(r->machine.image, &p->cmdline, e));
	r->machine.dir = r->place.path;
	r->machine.cmdline = p->cmdline;
	r->machine.initdata = p->initdata;
	r->machine.scratch = r->disk > 0 ? p->scratch : NULL;
	r->machine.bindings = bindings ? p->bindings : NULL;
	return COFFER_OK;
}

static void announce(const struct vm_opts *o, const struct hw_facts *f)
{
	if (o->tee == VM_SWTPM) {
		run_say("platform: swtpm (QEMU %s, emulated: the host could forge it)", o->kvm ? "KVM, its TPM" : "TCG");
		return;
	}
	run_say("platform: %s", vm_tee_name(o->tee));
	for (size_t i = 0; i < f->n_regs; i++) {
		char hex[2 * sizeof(f->reg[i].v) + 1];

		hex_text((struct span){ f->reg[i].v, f->reg[i].n }, hex);
		run_say("register %s: %s by what is launched", f->reg[i].name, hex);
	}
}

static enum coffer_rc make_files(const struct run *r, const struct guest_opts *g, struct err *e)
{
	if (r->machine.scratch)
		TRY(run_scratch_file(r->machine.scratch, r->disk, e));
	return r->machine.bindings ? run_bindings_file(r->machine.bindings, g, e) : COFFER_OK;
}

/* Snapshot of what the launch is: nothing has been started that could change it. */
static enum coffer_rc foresee(struct run *r, struct hw_facts *f, struct err *e)
{
	if (r->machine.tee == VM_SWTPM)
		return vm_predict(r->machine.image, r->machine.memory, &r->predicted, e);
	return vm_measure(&r->machine, f, e);
}

enum coffer_rc run_vm(struct run *r, const struct guest_opts *g, struct err *e)
{
	CLEANUP(run_vm_paths_clear) struct run_vm_paths p = { .cmdline = NULL };
	struct hw_facts f = { .n_regs = 0 };

	TRY(run_vm_paths(r, g->n_bindings > 0, &p, e));
	r->machine.endpoint = g->endpoint;
	r->machine.n_endpoints = g->n_endpoints;
	TRY(make_files(r, g, e));
	TRY(foresee(r, &f, e));
	announce(&r->machine, &f);
	return vm_start(&r->machine, &r->guest, e);
}
