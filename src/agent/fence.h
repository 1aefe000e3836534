/* Which container a connection to the local REST API comes from, decided by the kernel when the connection is made; and that none is made to where the agent's own
 * connections lead.
 *
 * All containers of a pod share one network, as in Kubernetes. Container i has a listener of its own at fence_address(i), and
 * its processes are in a group of their own (os/cgroup.h), with three kinds of programs of ours attached to it:
 * - connect: 127.0.0.1 or 0.0.0.0 (or ::1, ::, or the two mapped) port REST_PORT becomes the container's own listener; an endpoint of the agent's (the service, registries:
 *   agent/endpoints.h) is refused, and port and 0.0.0.0 of one too;
 * - packets, in and out: those from or to any other address of FENCE_NET are dropped, raw sockets' included; and IPv4 ones with
 *   options, which could say in a source route that they go there; and those of TCP to an endpoint of the agent's, however they were made;
 * - devices: none opens but what a runtime gives every container (null, zero, full, random, urandom, tty, ptmx, pseudo-terminals), whoever made
 *   the node and whatever mount it lies on: not the machine's TPM, its disks, its channel.
 * A socket belongs to the group that made it, whoever holds it later, and no container can leave its group or enter another
 * (it has no cgroup file system, and seccomp denies mounts, clone3 and bpf). So who asks is the listener, and handing a
 * descriptor on hands on nothing but what its maker asked for.
 *
 * Not fenced: a container with CAP_NET_ADMIN, which rules the shared network; spec_write refuses it where another container
 * of the pod could lose by it.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "os/loopback.h"

#define FENCE_NET 0x7f500600u  /* 127.80.6.0, host byte order */
#define FENCE_MASK 0xffffff00u
#define FENCE_CONTAINERS_MAX 254
#define FENCE_CLOSED_MAX 16

static inline uint32_t fence_address(size_t container) { return FENCE_NET + 1 + (uint32_t)container; }

/* own: the container's listener; port: the REST API's; closed: the agent's endpoints, borrowed. */
struct fence { uint32_t own; uint16_t port; const struct endpoint *closed; size_t n_closed; };

/* Attaches the programs to a group's folder (a descriptor), for as long as the group lives. COFFER_E_LIMIT: more than FENCE_CLOSED_MAX are closed.
 * COFFER_E_SYSTEM; then nothing may be started in the group. */
enum coffer_rc fence_attach(int group, const struct fence *f, struct err *e) NODISCARD;
/* Starts a process in the group that tries what the fence is for: kernels before 5.15 forget a
 * socket's group once v1's net_cls or net_prio is in use. COFFER_E_SYSTEM when the fence does not hold. */
enum coffer_rc fence_check(int group, const struct fence *f, struct err *e) NODISCARD;
