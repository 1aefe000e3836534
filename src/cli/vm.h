/* A guest in a machine of its own: QEMU boots an image of `coffer guest build`, its TPM is swtpm, and what leads out of it is one
 * channel (src/proto/mux.h) to the endpoints that the manifest names. Emulated, TPM and all: whoever holds the host could forge it. */
#pragma once
#include "cli/sandbox.h"

struct vm_opts {
	const char *image;    /* folder with vmlinuz, initrd.img and cmdline */
	const char *dir;      /* of this run alone: the TPM's state, the agent's socket ("agent.sock") */
	const char *initdata; /* a file with the device */
	const char *scratch;  /* a file for what the guest writes; NULL: it has memory alone */
	const char *bindings; /* a file with their disk (proto/bindings_disk.h); NULL: none */
	uint32_t    memory;   /* MiB */
	bool        kvm;      /* else emulated (TCG) */
	const struct endpoint *endpoint;
	size_t      n_endpoints;
};
/* Everything dies with the caller, and by guest_stop. out->said gets what the agent says on its console, a line each, without the prefix:
 * docs/protocol/guest.md, Machine. COFFER_E_NOTFOUND: QEMU, swtpm, the firmware or a file of the image is not there. */
enum coffer_rc vm_start(const struct vm_opts *o, struct guest *out, struct err *e) NODISCARD;

/* vm_relay.c: the process between QEMU's console and port, the launcher and the world. Ends when the console does. */
struct vm_relay {
	int port, console;   /* QEMU's: the channel, standard output */
	int agent;           /* listens for the launcher */
	int said;            /* lines for the launcher, until the agent is ready or has failed */
	const struct endpoint *endpoint;
	size_t n_endpoints;
};
_Noreturn void vm_relay(const struct vm_relay *r);

/* vm_launch.c: registers that an image's draft predicts for a VM with so much memory. Empty text: it says nothing of that register. */
struct vm_predicted { char pcr04[65], pcr09[65]; };
enum coffer_rc vm_predict(const char *image, uint32_t memory, struct vm_predicted *out, struct err *e) NODISCARD;
