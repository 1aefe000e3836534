/* QEMU's command line for a guest, as a list. Pure: it asks neither the host nor a file, so that it can be shown without starting anything
 * (coffer run --print) and tested for platforms that this machine has not. What of it is measured, and what is only the host's word, is in
 * docs/protocol/guest.md, Machine. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "os/vsock.h"

#define VM_QEMU	    "/usr/bin/qemu-system-x86_64"
#define VM_FIRMWARE "/usr/share/ovmf/OVMF.fd" /* of swtpm, where the image has none of its own: */
#define VM_FIRMWARE_NAME "firmware.fd"
#define VM_CPUS	    2
#define VM_CPUS_TCG 1
/* Physical addresses that a guest under KVM is shown at most: what the firmware finds is in PCR 0, and processors differ from 36 to 52 bits. Of so few it takes
 * none of them for more than the others, whoever made it, so that PCR 0 is one; they reach far beyond the memory and devices that a guest has. */
#define VM_KVM_BITS	   36u
#define VM_KVM_BITS_BEFORE 42u /* as it was: what drafts were made for that do not name the others */
#define VM_SNP_CPU  "EPYC-v4"
#define VM_FD_TPM   3 /* descriptors that QEMU gets: swtpm's control channel, */
#define VM_FD_PORT  4 /* the guest's channel: a socket, or an open /dev/vhost-vsock */
#define VM_LINE_MAX 72

enum vm_tee { VM_SWTPM, VM_SNP, VM_TDX };
const char *vm_tee_name(enum vm_tee t);

struct vm_opts {
	enum vm_tee tee;
	const char *image;    /* folder with vmlinuz, initrd.img and cmdline */
	const char *firmware; /* NULL: VM_FIRMWARE; of swtpm that of the image, if it has one */
	const char *cmdline;  /* what the image's file says */
	const char *dir;      /* of this run alone: the TPM's state, the agent's socket ("agent.sock") */
	const char *initdata; /* a file with the device */
	const char *scratch;  /* a file for what the guest writes; NULL: it has memory alone */
	const char *bindings; /* a file with their disk (proto/bindings_disk.h); NULL: none */
	uint8_t     digest[32]; /* SHA-256 of the initdata document; snp, tdx: the launch is bound to it */
	unsigned    c_bit;    /* snp: os/tee_host.h */
	uint32_t    memory;   /* MiB */
	const struct vsock_guest *vsock; /* the channel; NULL: a virtio-serial port */
	bool        kvm;      /* else emulated (TCG); snp and tdx have no else */
	unsigned    kvm_bits; /* that a guest under KVM is shown at most, on swtpm; 0: VM_KVM_BITS */
	const struct endpoint *endpoint;
	size_t      n_endpoints;
};

struct vm_line { char *argv[VM_LINE_MAX + 1]; size_t n; bool short_of; }; /* owned; ends with NULL */
void vm_line_clear(struct vm_line *l); /* CLEANUP-ready */
unsigned vm_kvm_bits(const struct vm_opts *o);
/* Paths may hold commas: where QEMU would end an option there, they are doubled. */
enum coffer_rc vm_line_make(const struct vm_opts *o, struct vm_line *out, struct err *e) NODISCARD;
/* For a shell: every argument that needs it in quotes. The caller frees; NULL: out of memory. */
char *vm_line_text(const struct vm_line *l) NODISCARD;
