#include "cli/vm_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "fmt/enc.h"
#include "proto/bindings_disk.h"

#define PORT_DEVICE "virtserialport,chardev=c,name=org.coffer.agent.0" /* agent/vm.h */
#define SCRATCH	    "coffer-scratch"					/* serial of the disk: agent/scratch.h */
#define READ_ONLY   "readonly=on"
#define WRITABLE    "cache=unsafe,werror=report,rerror=report" /* it ends with the machine; what cannot be written is the guest's to hear */
#define SNP_POLICY  "0x30000" /* AMD 56860, 4.3: SMT allowed, bit 17 which must be one; no debugging, no migration */
#define MRCONFIGID  48
#define TEXT_MAX    (64u << 10)

/* Emulated, `rep stosb` goes byte by byte: without "erms" the guest clears and copies memory by words. And a second processor costs more than
 * it brings: who waits for a lock or an interrupt of the other spins at full cost. */
#define TCG_CPU "max,-erms"
#define KVM_CPU "host,host-phys-bits=on,host-phys-bits-limit=%u"

void vm_line_clear(struct vm_line *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->argv[i]);
	*l = (struct vm_line){ .n = 0 };
}

const char *vm_tee_name(enum vm_tee t)
{
	static const char *const names[] = { [VM_SWTPM] = "swtpm", [VM_SNP] = "snp", [VM_TDX] = "tdx" };

	return names[t];
}

unsigned vm_kvm_bits(const struct vm_opts *o)
{
	return o->kvm_bits ? o->kvm_bits : VM_KVM_BITS;
}

/* Takes the text; what is lacking is seen at the end. */
static void put(struct vm_line *l, char *text)
{
	if (text && l->n < VM_LINE_MAX) {
		l->argv[l->n++] = text;
		return;
	}
	free(text);
	l->short_of = true;
}

static void put_all(struct vm_line *l, const char *const *text)
{
	for (; *text; text++)
		put(l, str_fmt("%s", *text));
}

static void put_pair(struct vm_line *l, const char *option, char *value)
{
	put(l, str_fmt("%s", option));
	put(l, value);
}

/* As the value of a QEMU option, where a comma ends one and two are a comma. */
static char *escaped(const char *path)
{
	size_t n = strlen(path), at = 0;
	char *out = malloc(2 * n + 1);

	for (size_t i = 0; out && i < n; i++) {
		if (path[i] == ',')
			out[at++] = ',';
		out[at++] = path[i];
	}
	if (out)
		out[at] = 0;
	return out;
}

static char *base64(struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(128);

	b64_write(&w, s);
	return wr_ok(&w) ? span_dup(wr_span(&w)) : NULL;
}

/* ---- the machine, by platform: QEMU 7.2; 9.1 for snp; 10.1 for tdx ---- */

static void put_swtpm(const struct vm_opts *o, struct vm_line *l)
{
	const char *const args[] = { "-M", "q35", "-accel", o->kvm ? "kvm" : "tcg,thread=multi", NULL };

	put_all(l, args);
	put_pair(l, "-cpu", o->kvm ? str_fmt(KVM_CPU, vm_kvm_bits(o)) : str_fmt(TCG_CPU));
}

/* Memory that a TEE's guest has is private, but for what it shares; both lie in one backend. */
static void put_memory(const struct vm_opts *o, struct vm_line *l)
{
	put_pair(l, "-object", str_fmt("memory-backend-memfd,id=ram,size=%uM,share=on,prealloc=off", o->memory));
}

static void put_snp(const struct vm_opts *o, struct vm_line *l)
{
	CLEANUP(freep) char *host_data = base64(SPAN(o->digest));
	static const char *const args[] = { "-M", "q35,confidential-guest-support=tee,memory-backend=ram,kernel-irqchip=split,vmport=off", "-accel", "kvm",
		"-cpu", VM_SNP_CPU, NULL };

	put_all(l, args);
	put_memory(o, l);
	put_pair(l, "-object", host_data ? str_fmt("sev-snp-guest,id=tee,cbitpos=%u,reduced-phys-bits=1,policy=" SNP_POLICY ",kernel-hashes=on,host-data=%s",
	    o->c_bit, host_data) : NULL);
}

/* Where the quote comes from is the host's Quote Generation Service, at its usual port. */
static void put_tdx(const struct vm_opts *o, struct vm_line *l)
{
	uint8_t id[MRCONFIGID] = { 0 };
	CLEANUP(freep) char *config = NULL;
	static const char *const args[] = { "-M", "q35,confidential-guest-support=tee,memory-backend=ram,kernel-irqchip=split,vmport=off,hpet=off", "-accel", "kvm",
		"-cpu", "host,pmu=off", NULL };

	memcpy(id, o->digest, sizeof(o->digest));
	config = base64(SPAN(id));
	put_all(l, args);
	put_memory(o, l);
	put_pair(l, "-object", config ? str_fmt("{\"qom-type\":\"tdx-guest\",\"id\":\"tee\",\"mrconfigid\":\"%s\",\"quote-generation-socket\":"
	    "{\"type\":\"vsock\",\"cid\":\"2\",\"port\":\"4050\"}}", config) : NULL);
}

/* ---- what it has ---- */

/* The shape is part of what the firmware measures: docs/evidence.md, Measuring. */
static void put_shape(const struct vm_opts *o, struct vm_line *l)
{
	static const char *const args[] = { "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio", NULL };

	put_pair(l, "-smp", str_fmt("%d", o->kvm || o->tee != VM_SWTPM ? VM_CPUS : VM_CPUS_TCG));
	put_pair(l, "-m", str_fmt("%u", o->memory));
	put_all(l, args);
	put_pair(l, "-bios", str_fmt("%s", o->firmware ? o->firmware : VM_FIRMWARE)); /* these paths QEMU takes as they are */
	if (o->tee == VM_SWTPM) {
		put_pair(l, "-chardev", str_fmt("socket,id=t,fd=%d", VM_FD_TPM));
		put_pair(l, "-tpmdev", str_fmt("emulator,id=tpm0,chardev=t"));
		put_pair(l, "-device", str_fmt("tpm-crb,tpmdev=tpm0"));
	}
	put_pair(l, "-kernel", str_fmt("%s/vmlinuz", o->image));
	put_pair(l, "-initrd", str_fmt("%s/initrd.img", o->image));
	put_pair(l, "-append", str_fmt("%s", o->cmdline));
}

/* The guest takes vsock where it has it, so it gets one of the two. */
static void put_channel(const struct vm_opts *o, struct vm_line *l)
{
	if (o->vsock) {
		put_pair(l, "-device", str_fmt("vhost-vsock-pci,guest-cid=%u,vhostfd=%d", o->vsock->cid, VM_FD_PORT));
	} else {
		put_pair(l, "-device", str_fmt("virtio-serial-pci"));
		put_pair(l, "-chardev", str_fmt("socket,id=c,fd=%d", VM_FD_PORT));
		put_pair(l, "-device", str_fmt(PORT_DEVICE));
	}
	put_pair(l, "-device", str_fmt("virtio-rng-pci"));
}

struct disk { const char *file, *how, *serial; }; /* file NULL: there is none */

static void put_disks(const struct vm_opts *o, struct vm_line *l)
{
	const struct disk disks[] = { { o->initdata, READ_ONLY, "coffer-initdata" }, { o->bindings, READ_ONLY, BINDINGS_DISK_SERIAL }, { o->scratch, WRITABLE, SCRATCH } };

	for (size_t i = 0, n = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		CLEANUP(freep) char *file = disks[i].file ? escaped(disks[i].file) : NULL;

		if (!disks[i].file)
			continue;
		put_pair(l, "-drive", file ? str_fmt("if=none,id=d%zu,file=%s,format=raw,%s", n, file, disks[i].how) : NULL);
		put_pair(l, "-device", str_fmt("virtio-blk-pci,drive=d%zu,serial=%s", n, disks[i].serial));
		n++;
	}
}

enum coffer_rc vm_line_make(const struct vm_opts *o, struct vm_line *out, struct err *e)
{
	static void (*const machine[])(const struct vm_opts *, struct vm_line *) = { [VM_SWTPM] = put_swtpm, [VM_SNP] = put_snp, [VM_TDX] = put_tdx };
	CLEANUP(vm_line_clear) struct vm_line l = { .n = 0 };

	put(&l, str_fmt(VM_QEMU));
	machine[o->tee](o, &l);
	put_shape(o, &l);
	put_channel(o, &l);
	put_disks(o, &l);
	if (l.short_of)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	*out = l;
	l = (struct vm_line){ .n = 0 };
	return COFFER_OK;
}

/* ---- to be read ---- */

static bool plain(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+")] == 0;
}

static void quoted(struct wr *w, const char *s)
{
	wr_u8(w, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			wr_str(w, "'\\'");
		wr_u8(w, (uint8_t)*s);
	}
	wr_u8(w, '\'');
}

char *vm_line_text(const struct vm_line *l)
{
	CLEANUP(wr_close) struct wr w = wr_open(TEXT_MAX);

	for (size_t i = 0; i < l->n; i++) {
		if (i > 0)
			wr_u8(&w, ' ');
		if (plain(l->argv[i]))
			wr_str(&w, l->argv[i]);
		else
			quoted(&w, l->argv[i]);
	}
	return wr_ok(&w) ? span_dup(wr_span(&w)) : NULL;
}
