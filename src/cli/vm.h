/* A guest in a machine of its own: QEMU boots an image of `coffer guest build`, and what leads out of it is one channel (src/proto/mux.h) to the
 * endpoints that the manifest names. On platform swtpm it is emulated, TPM and all: whoever holds the host could forge it. */
#pragma once
#include "cli/sandbox.h"
#include "cli/vm_line.h"
#include "evidence/facts.h"
#include "fmt/json.h"

/* Everything dies with the caller, and by guest_stop. out->said gets what the agent says on its console, a line each, without the prefix:
 * docs/protocol/guest.md, Machine. o->vsock is borrowed: its owner closes it afterwards, or nobody learns of QEMU's end by it. COFFER_E_NOTFOUND: QEMU, the firmware, or swtpm where it is needed, is not there. */
enum coffer_rc vm_start(const struct vm_opts *o, struct guest *out, struct err *e) NODISCARD;

/* vm_relay.c: the process between QEMU's console and port, the launcher and the world. Ends when the console does. */
struct vm_relay {
	int port, console;   /* QEMU's: the channel, standard output. With vsock the port has yet to call the guest */
	uint32_t cid;        /* the guest's number for that; 0: no vsock */
	int agent;           /* listens for the launcher */
	int said;            /* lines for the launcher, until the agent is ready or has failed; printable ASCII */
	const struct endpoint *endpoint;
	size_t n_endpoints;
};
_Noreturn void vm_relay(const struct vm_relay *r);

/* Whether this host can start guests of that TEE, QEMU included. COFFER_E_NOTFOUND says what is missing, why, and who can mend it. */
enum coffer_rc vm_can(enum vm_tee t, struct err *e) NODISCARD;

/* vm_launch.c: the image's command line. The caller frees. */
enum coffer_rc vm_cmdline(const char *image, char **out, struct err *e) NODISCARD;
/* What the launch measures as, from the same files: "measurement" of snp; "mr_td", "rtmr_1" and "rtmr_2" of tdx; "pcr04", "pcr09" of swtpm,
 * and "pcr00", "pcr02", "pcr03" with firmware whose PCR 0 is computed (evidence/measure_ovmf.h), but for VM_KVM_BITS_BEFORE. */
enum coffer_rc vm_measure(const struct vm_opts *o, struct hw_facts *out, struct err *e) NODISCARD;
/* In words, as `coffer measure` says it of that launch. */
#define VM_SHAPE_MAX 64
void vm_shape(const struct vm_opts *o, char out[static VM_SHAPE_MAX]);

/* vm_image.c: its ramdisk says which modules it loads, and that of vsock is not among them: a guest that is given vsock alone would find no channel. False where it does not say. */
bool vm_image_before_vsock(const char *image);

/* Registers that an image's draft predicts for a VM with so much memory, emulated or not. Empty text: it says nothing of that register. shapes: those of VMs that it says something of,
 * as "512 MiB, 1024 MiB". */
#define VM_FIRMWARES_MAX 4 /* values of PCR 0: with VM_KVM_BITS_BEFORE it differs with the processor */
struct vm_predicted { char pcr00[VM_FIRMWARES_MAX][65], pcr02[65], pcr04[65], pcr09[65], shapes[160]; size_t n_pcr00; unsigned kvm_bits; /* for vm_opts */ };
enum coffer_rc vm_predict(const struct vm_opts *o, struct vm_predicted *out, struct err *e) NODISCARD;

/* vm_shape.c, pure. How a draft names such a shape; bits: of addresses, where it runs under KVM, else 0. */
void vm_shape_measured(uint32_t memory, unsigned bits, char out[static VM_SHAPE_MAX]);
/* For kvm_bits of such a machine: VM_KVM_BITS, or VM_KVM_BITS_BEFORE where a draft's launches name that and not the other. */
unsigned vm_shape_bits(const struct json *launches, uint32_t memory);
/* Whether a launch of a draft ("shape", "registers") is of machines as o says, by its memory and by KVM. */
bool vm_shape_is(const struct json *launch, const struct vm_opts *o);
#define VM_SHAPE_QEMU "qemu, " /* what it begins with, emulated */
