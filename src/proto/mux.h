/* Streams over one byte stream: how a guest and its launcher talk through a virtio-serial port, which is one pipe, or one connection of vsock.
 *
 * Either side opens streams by a name that the other side looks up (docs/protocol/guest.md, Channel). Each stream has a window, so
 * that a slow one stops nobody else. What the other side may break is checked: a frame that does not fit closes the whole channel.
 * Nothing here is secret or authentic: whoever holds the channel reads and changes all of it, which is why what goes through it is TLS
 * or the boundary's API.
 */
#pragma once
#include <poll.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define MUX_VSOCK_PORT	1030 /* where a guest takes that connection */
#define MUX_NAME_MAX	64
#define MUX_STREAMS_MAX 64
#define MUX_LISTEN_MAX	16
#define MUX_PIECE	16384u
#define MUX_WINDOW	65536u
#define MUX_POLL_MAX	(1 + MUX_LISTEN_MAX + MUX_STREAMS_MAX)

struct mux_side {
	bool guest; /* its streams have odd numbers, the launcher's even ones */
	/* A descriptor that does not block, for a stream that the other side opens; -1: it is refused. */
	int (*open)(void *arg, struct span name);
	void *arg;
};
struct mux; /* opaque */

/* What each side says first. */
void mux_hello(struct wr *w);
/* port: does not block; borrowed. said: our own hello has been sent already. COFFER_E_SYSTEM. */
enum coffer_rc mux_new(int port, const struct mux_side *side, bool said, struct mux **out, struct err *e) NODISCARD;
void mux_free(struct mux *m); /* closes all streams; NULL is fine */
static inline void mux_freep(struct mux **m) { mux_free(*m); *m = NULL; }

/* Every connection that is accepted here becomes a stream of that name. The listener is borrowed. */
enum coffer_rc mux_listen(struct mux *m, int listener, const char *name, struct err *e) NODISCARD;
/* Opens a stream for a descriptor that does not block; takes it whatever happens. */
enum coffer_rc mux_connect(struct mux *m, int fd, const char *name, struct err *e) NODISCARD;

/* What to wait for: at most MUX_POLL_MAX entries; their number. */
size_t mux_poll(const struct mux *m, struct pollfd *p);
/* After poll(2) on them, none added or left out. COFFER_E_UPSTREAM: the other side is gone; COFFER_E_INPUT: it broke the protocol. */
enum coffer_rc mux_step(struct mux *m, const struct pollfd *p, size_t n, struct err *e) NODISCARD;
/* No stream is open and all is written. */
bool mux_idle(const struct mux *m);

/* Bytes that came from the other side, for mux_step and tests. */
enum coffer_rc mux_take(struct mux *m, struct span in, struct err *e) NODISCARD;
