/* What the agent does in a measured VM before it is as anywhere else: measures its initdata before it reads it, finds the channel to
 * its launcher, and stands where the endpoints are that the manifest names. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "os/loopback.h"
#include "proto/bindings_disk.h"
#include "proto/mux.h"
#include "trust/manifest.h"

#define VM_PORT	  "org.coffer.agent.0" /* name of the virtio-serial port; vsock: MUX_VSOCK_PORT */
#define VM_STREAM "agent"	       /* the launcher's streams: the boundary's API */

/* Until the sandbox is over, or the launcher is gone. COFFER_E_DENIED (check "initdata"): no device has one, or the register cannot
 * have been this boot's first. */
enum coffer_rc vm_run(struct err *e) NODISCARD;

/* vm_initdata.c: the first disk below dir (/dev: vda, vdb, ..., sda, ...) that begins as one (Kata's form, agent/initdata.h), whole.
 * COFFER_E_DENIED (check "initdata"): none; COFFER_E_LIMIT: larger than INITDATA_DEVICE_MAX. */
enum coffer_rc vm_initdata_find(const char *dir, struct wr *device, struct err *e) NODISCARD;

/* vm_bindings.c: what the disk called BINDINGS_DISK_SERIAL holds (proto/bindings_disk.h), borrowed from *disk; none without such a disk.
 * sys, dev: where the kernel lists disks and where they are. COFFER_E_INPUT, COFFER_E_LIMIT; COFFER_E_DENIED (check "disk"): there are two. */
enum coffer_rc vm_bindings_read(const char *sys, const char *dev, struct wr *disk, struct bindings_disk *out, struct err *e) NODISCARD;

/* vm_port.c: the way to the launcher, once the launcher is there: a connection of vsock where this machine has a device for it, else the virtio-serial port. Both
 * are the host's to give. COFFER_E_NOTFOUND, COFFER_E_UPSTREAM. */
enum coffer_rc vm_port_open(int *port, struct err *e) NODISCARD;
/* On every loopback endpoint that the manifest names (the service, registries) a socket that stands for it. */
struct vm_listeners { int fd[MUX_LISTEN_MAX]; char name[MUX_LISTEN_MAX][ENDPOINT_TEXT]; size_t n; };
enum coffer_rc vm_listen(const struct manifest *man, struct vm_listeners *out, struct err *e) NODISCARD;
void vm_listeners_clear(struct vm_listeners *l); /* CLEANUP-ready */
/* Passes bytes between the launcher, who connects them to what they are named after, and the agent's socket, until the agent has
 * ended and all is said. COFFER_E_UPSTREAM: the launcher is gone; COFFER_E_INPUT: it broke the channel's rules. */
struct vm_channel { int port, agent; const struct vm_listeners *listeners; const char *socket; }; /* agent: a pidfd */
enum coffer_rc vm_pass(const struct vm_channel *c, struct err *e) NODISCARD;
