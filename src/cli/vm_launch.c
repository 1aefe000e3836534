/* What launches of an image measure as: from its files, and by what its draft says. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/machine.h"
#include "cli/vm.h"
#include "evidence/measure_fw.h"
#include "evidence/measure_ovmf.h"
#include "evidence/measure_snp.h"
#include "evidence/measure_tdx.h"
#include "evidence/measure_tpm.h"
#include "os/file.h"

#define CMDLINE_MAX   4096
#define BOOT_FILE_MAX (1u << 30)
#define FEATURES      1u/* of SEV: SNP alone, as QEMU starts it */

struct files { struct wr firmware, kernel, initrd; };

static void files_clear(struct files *f)
{
	wr_close(&f->firmware);
	wr_close(&f->kernel);
	wr_close(&f->initrd);
}

enum coffer_rc vm_cmdline(const char *image, char **out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/cmdline", image);
	CLEANUP(wr_close) struct wr text = { 0 };
	struct span s;

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_read(path, CMDLINE_MAX, &text, e));
	s = wr_span(&text);
	*out = span_dup(s);
	return *out ? COFFER_OK : err_set(e, COFFER_E_INPUT, "%s: no command line", path);
}

static enum coffer_rc read_part(const char *image, const char *name, struct wr *out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", image, name);

	return path ? file_read(path, BOOT_FILE_MAX, out, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static enum coffer_rc add(struct hw_facts *f, const char *name, struct span v, struct err *e)
{
	return facts_add_reg(f, name, v) ? COFFER_OK : err_set(e, COFFER_E_BUG, "too many registers");
}

static enum coffer_rc measure_snp(const struct vm_opts *o, const struct files *b, struct hw_facts *f, struct err *e)
{
	struct snp_launch l = { .firmware = wr_span(&b->firmware), .direct = true, .kernel = wr_span(&b->kernel), .initrd = wr_span(&b->initrd),
		.cmdline = span_of(o->cmdline), .vcpus = VM_CPUS, .features = FEATURES, .vmm = SNP_QEMU };
	uint8_t digest[SNP_MEASUREMENT];

	if (!snp_vcpu_by_name(span_of(VM_SNP_CPU), &l.vcpu_sig))
		return err_set(e, COFFER_E_BUG, "vCPU " VM_SNP_CPU " is not known");
	TRY(snp_measure(&l, digest, e));
	return add(f, "measurement", SPAN(digest), e);
}

/* The kernel as it is: QEMU from 10.0 on shows firmware from 2025 on the file that it was given. */
static enum coffer_rc measure_tdx(const struct vm_opts *o, const struct files *b, struct hw_facts *f, struct err *e)
{
	const struct direct_boot boot = { .kernel = wr_span(&b->kernel), .initrd = wr_span(&b->initrd), .cmdline = span_of(o->cmdline) };
	uint8_t mr_td[TDX_MEASUREMENT], rtmr[2][TDX_MEASUREMENT];
	struct boot_digests d;

	TRY(tdx_measure(wr_span(&b->firmware), mr_td, e));
	TRY(boot_digests_direct(&boot, HASH_SHA384, &d, e));
	tdx_measure_direct(&d, rtmr[0], rtmr[1]);
	TRY(add(f, "mr_td", SPAN(mr_td), e));
	TRY(add(f, "rtmr_1", SPAN(rtmr[0]), e));
	return add(f, "rtmr_2", SPAN(rtmr[1]), e);
}

/* With more addresses under KVM than VM_KVM_BITS, PCR 0 is by the processor, which nothing is asked of here. */
static enum coffer_rc measure_firmware(const struct vm_opts *o, struct span firmware, struct hw_facts *f, struct err *e)
{
	const struct ovmf_shape shape = { o->memory, o->kvm ? VM_CPUS : VM_CPUS_TCG, o->kvm ? vm_kvm_bits(o) : OVMF_BITS_EMULATED, OVMF_AMD };
	CLEANUP(ovmf_clear) struct ovmf fw = { .plain = { 0 } };
	struct pcrs none = { .hash = HASH_SHA256 };
	uint8_t v[HASH_MAX];
	struct err why;

	if ((o->kvm && vm_kvm_bits(o) != VM_KVM_BITS) || ovmf_open(firmware, &fw, &why) != COFFER_OK || ovmf_pcr0(&fw, &shape, HASH_SHA256, v, &why) != COFFER_OK)
		return COFFER_OK; /* nothing is said of it */
	tpm_measure_no_drivers(&none);
	TRY(add(f, "pcr00", (struct span){ v, 32 }, e));
	TRY(add(f, "pcr02", (struct span){ none.v[2], 32 }, e));
	return add(f, "pcr03", (struct span){ none.v[3], 32 }, e);
}

static enum coffer_rc measure_tpm(const struct vm_opts *o, const struct files *b, struct hw_facts *f, struct err *e)
{
	const struct direct_boot boot = { .kernel = wr_span(&b->kernel), .initrd = wr_span(&b->initrd), .cmdline = span_of(o->cmdline), .memory = o->memory };
	struct pcrs p = { .hash = HASH_SHA256 };

	TRY(tpm_measure_direct(&boot, &p, e));
	TRY(measure_firmware(o, wr_span(&b->firmware), f, e));
	TRY(add(f, "pcr04", (struct span){ p.v[4], 32 }, e));
	return add(f, "pcr09", (struct span){ p.v[9], 32 }, e);
}

enum coffer_rc vm_measure(const struct vm_opts *o, struct hw_facts *out, struct err *e)
{
	static enum coffer_rc (*const how[])(const struct vm_opts *, const struct files *, struct hw_facts *, struct err *) = {
		[VM_SWTPM] = measure_tpm, [VM_SNP] = measure_snp, [VM_TDX] = measure_tdx };
	CLEANUP(files_clear) struct files b = { .firmware = { 0 } };

	*out = (struct hw_facts){ .n_regs = 0 };
	(void)snprintf(out->platform, sizeof(out->platform), "%s", vm_tee_name(o->tee));
	if (o->tee != VM_SWTPM || file_exists(o->firmware))
		TRY(file_read(o->firmware, FW_MAX, &b.firmware, e));
	TRY(read_part(o->image, "vmlinuz", &b.kernel, e));
	TRY(read_part(o->image, "initrd.img", &b.initrd, e));
	return how[o->tee](o, &b, out, e);
}

void vm_shape(const struct vm_opts *o, char out[static VM_SHAPE_MAX])
{
	if (o->tee == VM_SNP)
		(void)snprintf(out, VM_SHAPE_MAX, "%d vCPU " VM_SNP_CPU ", qemu, features 0x%x", VM_CPUS, FEATURES);
	else if (o->tee == VM_TDX)
		(void)snprintf(out, VM_SHAPE_MAX, "qemu");
	else
		vm_shape_measured(o->memory, o->kvm ? vm_kvm_bits(o) : 0, out);
}

static void take(const struct json *regs, const char *name, char out[static 65])
{
	struct span s = json_str(json_get(regs, name));

	if (s.n == 64)
		memcpy(out, s.p, 64);
}

/* "qemu, 512 MiB": from the comma on. Of what nobody checked, printable letters alone. */
static void note_shape(struct span shape, struct vm_predicted *p)
{
	size_t at = strlen(p->shapes), n = sizeof(VM_SHAPE_QEMU) - 1;

	if (!span_starts(shape, VM_SHAPE_QEMU) || !span_ends(shape, " MiB") || at + shape.n >= sizeof(p->shapes))
		return;
	for (size_t i = n; i < shape.n; i++)
		if (shape.p[i] < 0x20 || shape.p[i] >= 0x7f)
			return;
	(void)snprintf(p->shapes + at, sizeof(p->shapes) - at, "%s%.*s", at ? ", " : "", (int)(shape.n - n), (const char *)shape.p + n);
}

enum coffer_rc vm_predict(const struct vm_opts *o, struct vm_predicted *out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/boot-image.json", o->image);
	CLEANUP(machine_file_clear) struct machine_file m = { .kind = ST_BOOT_IMAGE };
	struct vm_predicted p = { .n_pcr00 = 0 };
	const struct json *launches;

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(machine_read(path, &m, e));
	launches = json_get(json_root(m.body), "launches");
	p.kvm_bits = vm_shape_bits(launches, o->memory);
	for (size_t i = 0; i < json_len(launches); i++) {
		const struct json *l = json_at(launches, i), *regs = json_get(l, "registers");

		note_shape(json_str(json_get(l, "shape")), &p);
		if (!vm_shape_is(l, o))
			continue;
		take(regs, "pcr02", p.pcr02);
		take(regs, "pcr04", p.pcr04);
		take(regs, "pcr09", p.pcr09);
		if (p.n_pcr00 < VM_FIRMWARES_MAX && json_get(regs, "pcr00"))
			take(regs, "pcr00", p.pcr00[p.n_pcr00++]);
	}
	*out = p;
	return COFFER_OK;
}
