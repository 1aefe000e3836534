/* Streams between a machine and its host that are no network: AF_VSOCK. Addresses are the kernels' word: in a guest a peer's number is what the host's kernel says
 * it is, so it keeps mistakes and the host's own users apart and nobody from the host. What is said over a stream is neither secret nor authentic.
 * Source: Linux, include/uapi/linux/vm_sockets.h, net/vmw_vsock/af_vsock.c, drivers/vhost/vsock.c; virtio 1.2, 5.10. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>
#include <linux/vm_sockets.h>

#include "base/err.h"

#define VSOCK_VHOST    "/dev/vhost-vsock" /* of a host */
#define VSOCK_DEVICE   "/dev/vsock"	  /* of whoever has the sockets */
#define VSOCK_RESERVED 1024u		  /* ports below are given to privileged processes alone (af_vsock.c, LAST_RESERVED_PORT) */

/* ---- a host, and a guest that it is about to start (vsock_host.c) ---- */

struct vsock_guest {
	int	 device; /* an open /dev/vhost-vsock that has the number; -1 */
	int	 sock;	 /* from which the guest will be called; -1 */
	uint32_t cid;	 /* the guest's number */
};
#define VSOCK_GUEST_NONE { .device = -1, .sock = -1 }
void vsock_guest_close(struct vsock_guest *g); /* CLEANUP-ready */

/* Found out by doing it: a number of no other guest is taken, and a socket is bound to a reserved port. Both are held until they are closed. device: VSOCK_VHOST.
 * COFFER_E_NOTFOUND: this host, or this user of it, cannot; says why and who can mend it. Not tried: whether QEMU and the guest can. */
enum coffer_rc vsock_guest_open(const char *device, struct vsock_guest *out, struct err *e) NODISCARD;
/* Whether that would be done, as far as it can be seen without taking a number: the port is let go at once. *cid: one that a guest may have, taken or not. */
enum coffer_rc vsock_guest_could(const char *device, uint32_t *cid, struct err *e) NODISCARD;
/* The part of it that finds a number: random ones, another where one is taken. set: as VHOST_VSOCK_SET_GUEST_CID, 0 or -1 with errno. */
enum coffer_rc vsock_number(int device, int (*set)(int device, uint64_t cid), uint32_t *cid, struct err *e) NODISCARD;
/* The part that makes the socket. COFFER_E_NOTFOUND: no such sockets here, or not for this user. */
enum coffer_rc vsock_privileged(int *sock, struct err *e) NODISCARD;
/* Calls; waits for 20 s at most, and calls again while the guest refuses: other users of the host may have filled its queue, which it empties. COFFER_E_UPSTREAM: nobody answers,
 * or listens. */
enum coffer_rc vsock_call(int sock, uint32_t cid, uint32_t port, struct err *e) NODISCARD;
/* The part of it that calls again. connect_one: vsock_connect_one, or a test's: as connect(2), within ms. until: CLOCK_BOOTTIME, ms. */
typedef int vsock_connect(int sock, const struct sockaddr_vm *to, int64_t ms);
vsock_connect vsock_connect_one;
enum coffer_rc vsock_call_by(int sock, vsock_connect *connect_one, const struct sockaddr_vm *to, int64_t until, struct err *e) NODISCARD;

/* ---- a guest (vsock_guest.c) ---- */

/* Whether this machine was given a device for them: it has a number that is a guest's. device: VSOCK_DEVICE. */
bool vsock_given(const char *device);
bool vsock_is_guest(uint32_t cid); /* a machine without the device is "any", a host is 2 */
enum coffer_rc vsock_listen(uint32_t port, int *listener, struct err *e) NODISCARD;
/* The first connection that comes from the host, and there from a privileged process; others are dropped unread. until: CLOCK_BOOTTIME, ms. take: vsock_take_one, or a
 * test's: as accept(2) with the peer's address. The descriptor blocks. COFFER_E_UPSTREAM: none came in time. */
typedef int vsock_take(int listener, struct sockaddr_vm *peer);
vsock_take vsock_take_one;
enum coffer_rc vsock_accept(int listener, vsock_take *take, int64_t until, int *out, struct err *e) NODISCARD;
