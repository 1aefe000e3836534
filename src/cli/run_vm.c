/* The machine that a pod gets: what it is, whether this host can start it, its files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/run_int.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "os/kvm.h"
#include "os/tee_host.h"

#define MEMORY_USUAL 1024
#define MEMORY_MIN   32
#define MEMORY_MAX   2047 /* of which registers are predicted: evidence/measure_boot.h */

static const char *const of_a_vm[] = { "memory", "accel", "scratch", "tee", "firmware", "print", "channel" };
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

/* The best that the host has, and nothing else: who asked to be protected is not given what protects nothing. */
static enum coffer_rc what_the_host_has(enum vm_tee *out, struct err *e)
{
	struct err why[VM_TDX + 1] = { { .rc = COFFER_OK } };

	for (enum vm_tee t = VM_SNP; t <= VM_TDX; t++)
		if (vm_can(t, &why[t]) == COFFER_OK) {
			*out = t;
			return COFFER_OK;
		}
	return err_set(e, COFFER_E_NOTFOUND, "--tee auto: this host has neither snp nor tdx, and swtpm, which protects nothing, is taken by its name alone (--tee swtpm). "
	    "snp: %s. tdx: %s", why[VM_SNP].msg, why[VM_TDX].msg);
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
		return cli_bad(e, "--firmware is of snp and tdx: swtpm boots " VM_FIRMWARE_NAME " of the image, or " VM_FIRMWARE " where it has none");
	r->machine.firmware = path ? path : firmware[r->machine.tee]; /* of swtpm the image may have its own: run_vm_paths */
	return COFFER_OK;
}

/* Looked for when it is needed: what a host lacks for a TEE is said before. */
enum coffer_rc run_vm_firmware(const struct run *r, struct err *e)
{
	const char *path = r->machine.firmware;

	if (cli_opt(r->cli, "firmware") || r->machine.tee == VM_SWTPM || file_exists(path))
		return COFFER_OK;
	return err_set(e, COFFER_E_NOTFOUND, "%s is not there (Debian 12's package ovmf has none for %s): say with --firmware FILE which OVMF, built for it, the machine boots", path,
	    vm_tee_name(r->machine.tee));
}

static enum coffer_rc read_channel(const struct run *r, struct err *e)
{
	const char *how = cli_opt(r->cli, "channel");

	if (how && strcmp(how, "auto") != 0 && strcmp(how, "vsock") != 0 && strcmp(how, "virtio-serial") != 0)
		return cli_bad(e, "--channel %s: vsock, virtio-serial or auto", how);
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
		TRY(what_the_host_has(&r->machine.tee, e));
	TRY(read_accel(r, e));
	TRY(read_channel(r, e));
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

/* vsock where this host gives it, by trying, as with KVM, and the guest takes it. */
static enum coffer_rc try_vsock(const struct run *r, bool hold, struct vsock_guest *g, struct err *e)
{
	TRY(hold ? vsock_guest_open(VSOCK_VHOST, g, e) : vsock_guest_could(VSOCK_VHOST, &g->cid, e));
	if (!vm_image_before_vsock(r->machine.image))
		return COFFER_OK;
	vsock_guest_close(g);
	return err_set(e, COFFER_E_NOTFOUND, "%s is an image from before it, whose guest would find no channel; its provider builds it again ('coffer guest build')",
	    r->machine.image);
}

enum coffer_rc run_vm_channel(struct run *r, bool hold, struct vsock_guest *g, struct err *e)
{
	const char *how = cli_opt(r->cli, "channel");
	struct err why = { .rc = COFFER_OK };

	if (how && strcmp(how, "virtio-serial") == 0) {
		run_say("channel: virtio-serial");
	} else if (try_vsock(r, hold, g, &why) == COFFER_OK) {
		r->machine.vsock = g;
		run_say(hold ? "channel: vsock, the guest is number %u" : "channel: vsock; %u stands for the guest's number, which is drawn when it is started", g->cid);
	} else if (how && strcmp(how, "vsock") == 0) {
		return err_set(e, why.rc, "vsock cannot be used here: %s; --channel virtio-serial does without", why.msg);
	} else {
		run_say("channel: virtio-serial (no vsock: %s)", why.msg);
	}
	(void)snprintf(r->rec.channel, sizeof(r->rec.channel), "%s", r->machine.vsock ? "vsock" : "virtio-serial");
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
	(void)snprintf(p->firmware, sizeof(p->firmware), "%.480s/" VM_FIRMWARE_NAME, r->machine.image);
	if (r->machine.tee == VM_SWTPM && file_exists(p->firmware))
		r->machine.firmware = p->firmware;
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

/* What an image's draft says of this machine, and what it has to be shown for that. */
static enum coffer_rc by_draft(struct run *r, struct err *e)
{
	TRY(vm_predict(&r->machine, &r->predicted, e));
	r->machine.kvm_bits = r->predicted.kvm_bits;
	if (r->machine.kvm && r->machine.kvm_bits == VM_KVM_BITS_BEFORE)
		run_say("the image's draft is from before guests were the same on every host's processor (addresses of %u bits): its PCR 0 is right on most; "
		    "'coffer guest build' makes one that is right on all", VM_KVM_BITS_BEFORE);
	return COFFER_OK;
}

enum coffer_rc run_vm_draft(struct run *r, struct err *e)
{
	CLEANUP(freep) char *draft = str_fmt("%s/boot-image.json", r->machine.image);

	if (!draft)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return r->machine.tee == VM_SWTPM && file_exists(draft) ? by_draft(r, e) : COFFER_OK;
}

/* Snapshot of what the launch is: nothing has been started that could change it. */
static enum coffer_rc foresee(struct run *r, struct hw_facts *f, struct err *e)
{
	if (r->machine.tee != VM_SWTPM) {
		TRY(run_vm_firmware(r, e));
		return vm_measure(&r->machine, f, e);
	}
	TRY(by_draft(r, e));
	if (!r->predicted.pcr04[0] && !r->predicted.pcr09[0])
		run_say("the image's draft says nothing of machines of %u MiB (but of %s): where no boot-image statement does, R5 refuses what it boots. --memory takes another size; "
		    "'coffer guest build --memory %u' makes a draft that has it", r->machine.memory, r->predicted.shapes[0] ? r->predicted.shapes : "none", r->machine.memory);
	return COFFER_OK;
}

static enum coffer_rc start(struct run *r, const struct guest_opts *g, struct vsock_guest *channel, struct err *e)
{
	CLEANUP(run_vm_paths_clear) struct run_vm_paths p = { .cmdline = NULL };
	struct hw_facts f = { .n_regs = 0 };

	TRY(run_vm_paths(r, g->n_bindings > 0, &p, e));
	TRY(run_vm_channel(r, true, channel, e));
	r->machine.endpoint = g->endpoint;
	r->machine.n_endpoints = g->n_endpoints;
	TRY(make_files(r, g, e));
	TRY(foresee(r, &f, e));
	announce(&r->machine, &f);
	return vm_start(&r->machine, &r->guest, e);
}

/* Of the channel QEMU and the relay have what they need when it is started; who kept it open here would not see its end. */
enum coffer_rc run_vm(struct run *r, const struct guest_opts *g, struct err *e)
{
	CLEANUP(vsock_guest_close) struct vsock_guest channel = VSOCK_GUEST_NONE;
	enum coffer_rc rc = start(r, g, &channel, e);

	r->machine.vsock = NULL;
	return rc;
}
