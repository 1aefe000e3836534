/* A guest without a machine: namespaces of its own, and a relay to exactly the loopback endpoints its manifest names. */
#pragma once
#include <sys/types.h>

#include "base/err.h"
#include "base/rd.h"
#include "os/loopback.h"
#include "trust/statement.h" /* BINDINGS_MAX */

#define ENDPOINTS_MAX 16

struct guest_opts {
	const char *agent, *crun;             /* programs */
	const char *platform;                 /* --platform: "sample", or whose evidence this machine has */
	const char *initdata, *socket, *state; /* --initdata, --socket, --state */
	const char *hardware;                  /* --hardware; NULL: none */
	const char *binding[BINDINGS_MAX];     /* --binding */
	size_t      n_bindings;
	struct endpoint endpoint[ENDPOINTS_MAX];
	size_t      n_endpoints;
};
struct guest {
	pid_t guard; /* parent of the guest's process 1; ends with its code. QEMU where the guest is a VM */
	pid_t relay;
	pid_t tpm;   /* of a VM; else 0 */
	int   said;  /* the agent's standard output */
};

/* Adds it once; COFFER_E_LIMIT when there are too many. */
enum coffer_rc guest_endpoint(struct guest_opts *o, struct endpoint p, struct err *e) NODISCARD;

/* Needs root. The guest has new mount, pid, ipc, uts and network namespaces; in the latter only lo, and listeners on the
 * endpoints, bound before the agent starts. Everything dies with the caller. */
enum coffer_rc guest_start(const struct guest_opts *o, struct guest *out, struct err *e) NODISCARD;
void           guest_stop(struct guest *g); /* kills and waits; OK on one never started (pids 0) */

/* sandbox_net.c. In the host's network namespace: passes bytes between accepted connections and the same address here, until killed. */
_Noreturn void net_relay(const int *listener, const struct endpoint *p, size_t n);
