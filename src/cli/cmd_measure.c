/* coffer measure: what a launch will measure as, without launching it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/launch_out.h"
#include "cli/verbs.h"
#include "evidence/facts.h"
#include "evidence/measure_fw.h"
#include "evidence/measure_ovmf.h"
#include "evidence/measure_snp.h"
#include "evidence/measure_tdx.h"
#include "evidence/measure_tpm.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "os/file.h"

#define BOOT_FILE_MAX (1u << 30)
#define SHAPE_MAX 64

#define OPT_SHAPE { "shape", "TEXT", "the VM in words, at most 63 bytes, for --json (default: from the options)", false, false }
#define OPT_INITRD { "initrd", "FILE", "initial ramdisk", false, false }
#define OPT_CMDLINE { "cmdline", "TEXT", "kernel command line", false, false }
#define OPT_MEMORY { "memory", "MIB", "of the VM, where QEMU writes the initrd's place into the kernel's header (7.2 does)", false, false }
#define OPT_CMDLINE_FILE { "cmdline-file", "FILE", "its bytes, without a last newline", false, false }

const struct opt_spec opts_measure_snp[] = {
	{ "firmware", "FILE", "OVMF made for SEV-SNP (OVMF.fd of AmdSev for a kernel)", false, true },
	{ "kernel", "FILE", "kernel given to the VMM; absent: the firmware boots from a disk", false, false },
	OPT_INITRD, OPT_CMDLINE, OPT_CMDLINE_FILE,
	{ "vcpus", "N", "number of vCPUs", false, true },
	{ "vcpu-type", "TYPE", "QEMU's: EPYC, EPYC-v1 ... EPYC-v4, EPYC-Rome, EPYC-Milan, EPYC-Genoa, EPYC-Turin", false, false },
	{ "guest-features", "HEX", "SEV_FEATURES, as 0x1 (default)", false, false },
	{ "vmm", "NAME", "qemu (default), ec2 or gce", false, false }, OPT_SHAPE,
	{ NULL, NULL, NULL, false, false } };
const struct opt_spec opts_measure_tdx[] = {
	{ "firmware", "FILE", "OVMF or another TDVF", false, true },
	{ "kernel", "FILE", "kernel given to QEMU: RTMR 1 and 2 are computed", false, false },
	OPT_INITRD, OPT_CMDLINE, OPT_CMDLINE_FILE, OPT_MEMORY,
	{ "event-log", "FILE", "a recorded CCEL log: RTMR 0 to 2 are replayed from it, but for those computed", false, false }, OPT_SHAPE,
	{ NULL, NULL, NULL, false, false } };
const struct opt_spec opts_measure_tpm[] = {
	{ "uki", "FILE", "unified kernel image, given as QEMU's kernel", false, false },
	{ "disk", NULL, "the unified kernel image is a file on a disk that the firmware boots", false, false },
	{ "kernel", "FILE", "kernel given to QEMU", false, false },
	OPT_INITRD, OPT_CMDLINE, OPT_CMDLINE_FILE,
	OPT_MEMORY,
	{ "firmware", "FILE", "OVMF that QEMU starts (-bios): PCR 0 is computed for --memory; an event log has to be of it", false, false },
	{ "vcpus", "N", "of the VM, for PCR 0 (default: 1)", false, false },
	{ "address-bits", "N", "of its processor's physical addresses, for PCR 0: 32 to 52 (default: 40, as QEMU emulates)", false, false },
	{ "cpu-maker", "NAME", "of its processor, for 39 and 40 of them: amd, intel or other", false, false },
	{ "bank", "NAME", "sha256 (default) or sha384", false, false },
	{ "event-log", "FILE", "a recorded log: PCR 0 to 3 and 7 are replayed from it, but for those computed", false, false }, OPT_SHAPE,
	{ NULL, NULL, NULL, false, false } };

struct boot { /* what was given as files */
	struct wr firmware, kernel, initrd, cmdline, log;
};

static void boot_clear(struct boot *b)
{
	wr_close(&b->firmware);
	wr_close(&b->kernel);
	wr_close(&b->initrd);
	wr_close(&b->cmdline);
	wr_close(&b->log);
}

/* ---- saying ---- */

static enum coffer_rc print_json(const struct hw_facts *f, const char *shape, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct json_wr j = jw_open(&w, true);

	launch_json(&j, f, shape);
	TRY(wr_done(&w, "launch", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

/* logged: bit i: register i is as good as whoever recorded the log. */
static enum coffer_rc say(const struct cli *c, const struct hw_facts *f, uint32_t logged, const char *shape, struct err *e)
{
	_Static_assert(FACT_REGS_MAX <= 32, "a bit a register");
	const char *given = cli_opt(c, "shape");

	if (given && (strlen(given) >= SHAPE_MAX || !*given))
		return cli_bad(e, "--shape: 1 to %d bytes", SHAPE_MAX - 1);
	for (size_t i = 0; i < f->n_regs && c->json; i++)
		if (logged >> i & 1)
			(void)fprintf(stderr, "note: %s rests on the event log\n", f->reg[i].name);
	if (c->json)
		return print_json(f, given ? given : shape, e);
	for (size_t i = 0; i < f->n_regs; i++) {
		CLEANUP(wr_close) struct wr hex = wr_open(2 * sizeof(f->reg[i].v));

		hex_write(&hex, (struct span){ f->reg[i].v, f->reg[i].n });
		(void)printf("%s %.*s%s\n", f->reg[i].name, (int)hex.n, (const char *)hex.p, logged >> i & 1 ? " by the event log" : "");
	}
	return COFFER_OK;
}

static enum coffer_rc add(struct hw_facts *f, const char *name, const uint8_t *v, size_t n, struct err *e)
{
	return facts_add_reg(f, name, (struct span){ v, n }) ? COFFER_OK : err_set(e, COFFER_E_BUG, "too many registers");
}

/* ---- reading ---- */

static enum coffer_rc read_opt(const struct cli *c, const char *name, size_t max, struct wr *out, struct err *e)
{
	const char *path = cli_opt(c, name);

	return path ? file_read(path, max, out, e) : COFFER_OK;
}

static enum coffer_rc read_cmdline(const struct cli *c, struct wr *out, struct err *e)
{
	const char *text = cli_opt(c, "cmdline");

	if (text && cli_opt(c, "cmdline-file"))
		return cli_bad(e, "--cmdline or --cmdline-file, not both");
	if (!text) {
		TRY(read_opt(c, "cmdline-file", 1u << 16, out, e));
		if (out->n > 0 && out->p[out->n - 1] == '\n')
			out->n--;
		return COFFER_OK;
	}
	*out = wr_open(1u << 16);
	wr_str(out, text);
	return wr_done(out, "command line", e);
}

static enum coffer_rc read_boot(const struct cli *c, struct boot *b, struct err *e)
{
	bool kernel = cli_opt(c, "kernel") != NULL;

	if (!kernel && (cli_opt(c, "initrd") || cli_opt(c, "cmdline") || cli_opt(c, "cmdline-file")))
		return cli_bad(e, "--initrd and --cmdline need --kernel");
	TRY(read_opt(c, "firmware", FW_MAX, &b->firmware, e));
	TRY(read_opt(c, "kernel", BOOT_FILE_MAX, &b->kernel, e));
	TRY(read_opt(c, "initrd", BOOT_FILE_MAX, &b->initrd, e));
	TRY(read_cmdline(c, &b->cmdline, e));
	return read_opt(c, "event-log", EVENTLOG_MAX, &b->log, e);
}

/* ---- snp ---- */

static enum coffer_rc snp_options(const struct cli *c, struct snp_launch *l, struct err *e)
{
	const char *type = cli_opt(c, "vcpu-type"), *features = cli_opt(c, "guest-features"), *vmm = cli_opt(c, "vmm");
	uint64_t vcpus;

	l->features = 1;
	if (!span_u64(span_of(cli_opt(c, "vcpus")), &vcpus) || vcpus < 1 || vcpus > SNP_VCPUS_MAX)
		return cli_bad(e, "--vcpus: 1 to %d", SNP_VCPUS_MAX);
	if (features && !snp_features_read(span_of(features), &l->features))
		return cli_bad(e, "--guest-features %s: not hex as 0x1", features);
	if (vmm && !snp_vmm_by_name(span_of(vmm), &l->vmm))
		return cli_bad(e, "--vmm %s: qemu, ec2 or gce", vmm);
	if (type && !snp_vcpu_by_name(span_of(type), &l->vcpu_sig))
		return cli_bad(e, "--vcpu-type %s: not known", type);
	if (!type && l->vmm == SNP_QEMU)
		return cli_bad(e, "--vcpu-type: needed, since QEMU gives the CPU's signature to the guest");
	l->vcpus = vcpus;
	return COFFER_OK;
}

static void snp_shape(const struct cli *c, const struct snp_launch *l, char *out)
{
	const char *type = cli_opt(c, "vcpu-type"), *vmm = cli_opt(c, "vmm");

	(void)snprintf(out, SHAPE_MAX, "%zu vCPU%s%.16s, %.4s, features 0x%llx", l->vcpus, type ? " " : "", type ? type : "",
	    vmm ? vmm : "qemu", (unsigned long long)l->features);
}

static enum coffer_rc measure_snp(const struct cli *c, struct boot *b, struct err *e)
{
	struct snp_launch l = { 0 };
	struct hw_facts f = { .platform = "snp" };
	uint8_t digest[SNP_MEASUREMENT];
	char shape[SHAPE_MAX];

	TRY(snp_options(c, &l, e));
	TRY(read_boot(c, b, e));
	l.firmware = wr_span(&b->firmware);
	l.direct = cli_opt(c, "kernel") != NULL;
	l.kernel = wr_span(&b->kernel);
	l.initrd = wr_span(&b->initrd);
	l.cmdline = wr_span(&b->cmdline);
	TRY(snp_measure(&l, digest, e));
	TRY(add(&f, "measurement", digest, sizeof(digest), e));
	snp_shape(c, &l, shape);
	return say(c, &f, 0, shape, e);
}

enum coffer_rc cmd_measure_snp(struct cli *c, struct err *e)
{
	CLEANUP(boot_clear) struct boot b = { 0 };

	return measure_snp(c, &b, e);
}

/* ---- tdx ---- */

static enum coffer_rc read_memory(const struct cli *c, uint32_t *out, struct err *e)
{
	const char *mib = cli_opt(c, "memory");
	uint64_t n = 0;

	if (mib && (!span_u64(span_of(mib), &n) || n < 1 || n > UINT32_MAX))
		return cli_bad(e, "--memory %s: MiB", mib);
	*out = (uint32_t)n;
	return COFFER_OK;
}

static struct direct_boot direct(const struct boot *b, uint32_t memory)
{
	return (struct direct_boot){ .kernel = wr_span(&b->kernel), .initrd = wr_span(&b->initrd), .cmdline = wr_span(&b->cmdline),
		.memory = memory };
}

struct rtmrs { uint8_t v[3][TDX_MEASUREMENT]; bool known[3], logged[3]; };

static enum coffer_rc replay_rtmrs(struct span log, struct rtmrs *out, struct err *e)
{
	CLEANUP(freep) struct eventlog_replay *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(eventlog_replay(log, TPM_ALG_SHA384, r, e));
	for (size_t i = 0; i < 3; i++) {
		out->known[i] = out->logged[i] = r->extended >> (i + 1) & 1;
		memcpy(out->v[i], r->reg[i + 1], TDX_MEASUREMENT);
	}
	return COFFER_OK;
}

/* What is computed takes the place of what the log says; where they differ, the log is of another boot, and that is said. */
static enum coffer_rc compute_rtmrs(const struct direct_boot *b, struct rtmrs *r, struct err *e)
{
	uint8_t v[2][TDX_MEASUREMENT];
	struct boot_digests d;

	TRY(boot_digests_direct(b, HASH_SHA384, &d, e));
	tdx_measure_direct(&d, v[0], v[1]);
	for (size_t i = 1; i < 3; i++) {
		if (r->known[i] && memcmp(r->v[i], v[i - 1], TDX_MEASUREMENT) != 0) /* public: measurements */
			(void)fprintf(stderr, "note: rtmr_%zu of the event log is another: it was recorded of another boot\n", i);
		memcpy(r->v[i], v[i - 1], TDX_MEASUREMENT);
		r->known[i] = true;
		r->logged[i] = false;
	}
	return COFFER_OK;
}

static enum coffer_rc measure_tdx(const struct cli *c, struct boot *b, uint32_t memory, struct err *e)
{
	struct hw_facts f = { .platform = "tdx" };
	struct rtmrs r = { 0 };
	struct direct_boot boot;
	uint8_t digest[TDX_MEASUREMENT];
	char name[8], shape[SHAPE_MAX] = "qemu";
	uint32_t logged = 0;

	TRY(read_boot(c, b, e));
	TRY(tdx_measure(wr_span(&b->firmware), digest, e));
	TRY(add(&f, "mr_td", digest, sizeof(digest), e));
	if (cli_opt(c, "event-log"))
		TRY(replay_rtmrs(wr_span(&b->log), &r, e));
	boot = direct(b, memory);
	if (cli_opt(c, "kernel"))
		TRY(compute_rtmrs(&boot, &r, e));
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "rtmr_%zu", i);
		logged |= r.logged[i] ? 1u << f.n_regs : 0;
		if (r.known[i])
			TRY(add(&f, name, r.v[i], sizeof(r.v[i]), e));
	}
	if (memory > 0)
		(void)snprintf(shape, sizeof(shape), "qemu, %u MiB", memory);
	return say(c, &f, logged, shape, e);
}

enum coffer_rc cmd_measure_tdx(struct cli *c, struct err *e)
{
	CLEANUP(boot_clear) struct boot b = { 0 };
	uint32_t memory = 0;

	TRY(read_memory(c, &memory, e));
	if (memory > 0 && !cli_opt(c, "kernel"))
		return cli_bad(e, "--memory needs --kernel");
	return measure_tdx(c, &b, memory, e);
}

/* ---- tpm ---- */

struct tpm_options {
	struct ovmf_shape shape;  /* memory 0: not said */
	uint32_t logged;	  /* bit i: PCR i rests on the event log */
};

/* What the firmware makes of 39 and 40 bits is by who made the processor: nothing is assumed of that. */
static enum coffer_rc processor_options(const struct cli *c, struct ovmf_shape *s, struct err *e)
{
	static const char *const makers[] = { [OVMF_AMD] = "amd", [OVMF_INTEL] = "intel", [OVMF_OTHER] = "other" };
	const char *bits = cli_opt(c, "address-bits"), *maker = cli_opt(c, "cpu-maker");
	uint64_t width = OVMF_BITS_EMULATED;
	size_t i = OVMF_AMD;

	if (bits && (!span_u64(span_of(bits), &width) || width < OVMF_BITS_MIN || width > OVMF_BITS_MAX))
		return cli_bad(e, "--address-bits %s: %d to %d", bits, OVMF_BITS_MIN, OVMF_BITS_MAX);
	if (maker && !bits)
		return cli_bad(e, "--cpu-maker needs --address-bits");
	if (!maker && bits && (width == 39 || width == 40))
		return cli_bad(e, "--address-bits %s: what the firmware makes of it is by who made the processor: --cpu-maker amd, intel or other", bits);
	while (maker && i <= OVMF_OTHER && strcmp(makers[i], maker) != 0)
		i++;
	if (i > OVMF_OTHER)
		return cli_bad(e, "--cpu-maker %s: amd, intel or other", maker);
	s->address_bits = (unsigned)width;
	s->maker = (enum ovmf_maker)i;
	return COFFER_OK;
}

/* Of a VM, for what its firmware measures. */
static enum coffer_rc machine_options(const struct cli *c, struct ovmf_shape *s, struct err *e)
{
	const char *cpus = cli_opt(c, "vcpus");
	uint64_t n = 1;

	if (!cli_opt(c, "firmware") && (cpus || cli_opt(c, "address-bits") || cli_opt(c, "cpu-maker")))
		return cli_bad(e, "--vcpus, --address-bits and --cpu-maker need --firmware: they are in PCR 0 alone");
	if (cpus && (!span_u64(span_of(cpus), &n) || n < 1 || n > OVMF_CPUS_MAX))
		return cli_bad(e, "--vcpus %s: 1 to %d", cpus, OVMF_CPUS_MAX);
	TRY(processor_options(c, s, e));
	s->cpus = (uint32_t)n;
	TRY(read_memory(c, &s->memory, e));
	if (s->memory > 0 && !cli_opt(c, "kernel") && !cli_opt(c, "firmware"))
		return cli_bad(e, "--memory needs --kernel or --firmware: QEMU leaves a unified kernel image as it is");
	if (cli_opt(c, "firmware") && s->memory == 0 && !cli_opt(c, "event-log"))
		return cli_bad(e, "--firmware needs --memory, by which PCR 0 differs, or an event log");
	return COFFER_OK;
}

static enum coffer_rc tpm_options(const struct cli *c, struct pcrs *p, struct tpm_options *o, struct err *e)
{
	const char *bank = cli_opt(c, "bank");

	p->hash = HASH_SHA256;
	if (bank && (!hash_by_name(span_of(bank), &p->hash) || p->hash == HASH_SHA512))
		return cli_bad(e, "--bank %s: sha256 or sha384", bank);
	if (!cli_opt(c, "uki") == !cli_opt(c, "kernel"))
		return cli_bad(e, "either --uki or --kernel");
	if (cli_flag(c, "disk") && !cli_opt(c, "uki"))
		return cli_bad(e, "--disk needs --uki");
	return machine_options(c, &o->shape, e);
}

/* PCR 2 and 3 of a machine without option ROMs, as ours are; a log of one with some is of another. */
static void no_drivers(struct pcrs *p, struct tpm_options *o)
{
	struct pcrs none = { .hash = p->hash };

	tpm_measure_no_drivers(&none);
	for (size_t i = 2; i <= 3; i++) {
		if ((o->logged >> i & 1) && memcmp(p->v[i], none.v[i], hash_len(p->hash)) != 0) /* public: measurements */
			(void)fprintf(stderr, "note: pcr%02zu of the event log is another: that machine ran option ROMs or drivers that are not its firmware's\n", i);
		memcpy(p->v[i], none.v[i], sizeof(none.v[i]));
	}
	p->known |= none.known;
	o->logged &= ~none.known;
}

/* PCR 0 of the firmware given; what a log says of it, of a build whose first phase is not known. */
static enum coffer_rc firmware(const struct boot *b, struct pcrs *p, struct tpm_options *o, struct err *e)
{
	CLEANUP(ovmf_clear) struct ovmf fw = { .plain = { 0 } };
	uint8_t v[HASH_MAX] = { 0 };
	enum coffer_rc rc;

	TRY(ovmf_open(wr_span(&b->firmware), &fw, e));
	if (b->log.n > 0)
		TRY(ovmf_logged(&fw, wr_span(&b->log), p->hash, e));
	if (o->shape.memory == 0)
		return COFFER_OK;
	rc = ovmf_pcr0(&fw, &o->shape, p->hash, v, e);
	if (rc == COFFER_E_NOTFOUND && (o->logged & 1))
		return COFFER_OK;
	if (rc != COFFER_OK)
		return rc;
	if ((o->logged & 1) && memcmp(p->v[0], v, hash_len(p->hash)) != 0) /* public: measurements */
		(void)fprintf(stderr, "note: pcr00 of the event log is another: it was recorded on a machine of another shape\n");
	memcpy(p->v[0], v, sizeof(v));
	p->known |= 1;
	o->logged &= ~1u;
	no_drivers(p, o);
	return COFFER_OK;
}

static enum coffer_rc predict(const struct cli *c, struct boot *b, struct tpm_options *o, struct pcrs *p, struct err *e)
{
	struct direct_boot d;

	TRY(read_boot(c, b, e));
	if (cli_opt(c, "event-log")) {
		TRY(tpm_measure_log(wr_span(&b->log), p, e));
		o->logged = p->known;
	}
	if (cli_opt(c, "firmware"))
		TRY(firmware(b, p, o, e));
	if (cli_opt(c, "uki")) {
		TRY(read_opt(c, "uki", BOOT_FILE_MAX, &b->kernel, e));
		return tpm_measure_uki(wr_span(&b->kernel), cli_flag(c, "disk") ? BOOT_FROM_DISK : BOOT_FROM_QEMU, p, e);
	}
	d = direct(b, o->shape.memory);
	return tpm_measure_direct(&d, p, e);
}

enum coffer_rc cmd_measure_tpm(struct cli *c, struct err *e)
{
	CLEANUP(boot_clear) struct boot b = { 0 };
	struct hw_facts f = { .platform = "tpm" };
	struct tpm_options o = { .logged = 0 };
	struct pcrs p = { 0 };
	uint32_t logged = 0;
	char name[8], shape[SHAPE_MAX] = "qemu";

	TRY(tpm_options(c, &p, &o, e));
	TRY(predict(c, &b, &o, &p, e));
	for (size_t i = 0; i < TPM_PCRS; i++) {
		if (!(p.known >> i & 1))
			continue;
		(void)snprintf(name, sizeof(name), "pcr%02zu", i);
		logged |= o.logged >> i & 1 ? 1u << f.n_regs : 0;
		TRY(add(&f, name, p.v[i], hash_len(p.hash), e));
	}
	if (o.shape.memory > 0)
		(void)snprintf(shape, sizeof(shape), "qemu, %u MiB", o.shape.memory);
	return say(c, &f, logged, shape, e);
}
