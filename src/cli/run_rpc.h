/* The launcher's side of the boundary: ttrpc calls to the agent that a signal, a deadline or the guest's end cuts short. */
#pragma once
#include <protobuf-c/protobuf-c.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define RPC_WATCH_MAX 3
#define RPC_GONE "the guest is gone" /* begins what is said when it is, and it has not said why itself */
#define RPC_INTERRUPTED "interrupted"
#define RPC_TIMEOUT "the time given by --timeout is over"

struct rpc {
	int      fd;     /* connected to the agent */
	int      signal; /* signalfd: readable = interrupted */
	int64_t  until;  /* monotonic ms; 0 = no deadline */
	const char *late; /* what is said at it; RPC_TIMEOUT unless set */
	uint32_t stream; /* last one used */
	int      watch[RPC_WATCH_MAX]; /* pidfds of what the guest is made of; -1: none */
	int64_t  gone;   /* monotonic ms when one of them had ended; 0: not yet */
};

enum coffer_rc rpc_connect(const char *path, struct rpc *r, struct err *e) NODISCARD; /* sets fd; the rest is the caller's */

void rpc_init(struct rpc *r); /* nothing open */
/* Waits until fd is readable. COFFER_E_UPSTREAM at the deadline, or when one of watch has ended and fd says nothing of it; COFFER_E_SYSTEM
 * on a signal. */
enum coffer_rc rpc_wait(struct rpc *r, int fd, struct err *e) NODISCARD;

/* Sends; the answer comes by rpc_next under *stream. */
enum coffer_rc rpc_send(struct rpc *r, const char *method, const ProtobufCMessage *q, uint32_t *stream, struct err *e) NODISCARD;
/* The next answer: its payload into out. A refusal is an error, with *stream set. */
enum coffer_rc rpc_next(struct rpc *r, uint32_t *stream, struct wr *out, struct err *e) NODISCARD;
/* Both; out NULL drops the payload. */
enum coffer_rc rpc_call(struct rpc *r, const char *method, const ProtobufCMessage *q, struct wr *out, struct err *e) NODISCARD;
