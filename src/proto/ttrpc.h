/* ttrpc (containerd), unary calls only, over a stream socket.
 *
 * Frame: u32 big-endian length of the body, u32 big-endian stream, u8 type, u8 flags, body.
 * Body of a request: {1 service, 2 method, 3 payload, 4 timeout in ns, 5 metadata}; of a response:
 * {1 google.rpc.Status{1 code, 2 message, 3 details}, 2 payload}. github.com/containerd/ttrpc, PROTOCOL.md.
 *
 * Refused: bodies over 4 MiB, streaming frames, even client streams, unknown or repeated fields (metadata may repeat).
 * Spans borrow the frame's buffer.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define TTRPC_HEADER 10
#define TTRPC_BODY_MAX (4u << 20)
#define TTRPC_FRAME_MAX (TTRPC_HEADER + TTRPC_BODY_MAX)
#define TTRPC_NAME_MAX 128

enum ttrpc_type { TTRPC_REQUEST = 1, TTRPC_RESPONSE = 2 };

/* google.rpc.Code, the values in use. */
enum ttrpc_code {
	TTRPC_OK = 0, TTRPC_INVALID_ARGUMENT = 3, TTRPC_NOT_FOUND = 5, TTRPC_PERMISSION_DENIED = 7,
	TTRPC_INTERNAL = 13, TTRPC_UNAVAILABLE = 14,
};

struct ttrpc_head { uint32_t length, stream; uint8_t type, flags; };
struct ttrpc_request { struct span service, method, payload; uint64_t timeout_ns; };
struct ttrpc_response { uint32_t code; struct span message, payload; };

/* Pure parsers; *out is written only on COFFER_OK. */
enum coffer_rc ttrpc_head_read(struct span in, struct ttrpc_head *out, struct err *e) NODISCARD; /* exactly TTRPC_HEADER bytes */
enum coffer_rc ttrpc_request_read(struct span body, struct ttrpc_request *out, struct err *e) NODISCARD;
enum coffer_rc ttrpc_response_read(struct span body, struct ttrpc_response *out, struct err *e) NODISCARD;

/* Whole frames into w. */
void ttrpc_request_write(struct wr *w, uint32_t stream, const struct ttrpc_request *q);
void ttrpc_response_write(struct wr *w, uint32_t stream, const struct ttrpc_response *r);

/* One frame from fd within timeout_ms; buf is emptied first and then holds the body.
 * COFFER_E_UPSTREAM at a clean end ("peer closed"), a cut or a silent peer. */
enum coffer_rc ttrpc_recv(int fd, int64_t timeout_ms, struct ttrpc_head *head, struct wr *buf, struct err *e) NODISCARD;
/* The same without waiting: takes what has come of one frame, and nothing of the next. *in has it from one call to the next, header and all, and is
 * wr_open(TTRPC_FRAME_MAX) before the first. *whole: it is all there, and *body borrows it from in. */
enum coffer_rc ttrpc_collect(int fd, struct wr *in, struct ttrpc_head *head, struct span *body, bool *whole, struct err *e) NODISCARD;
enum coffer_rc ttrpc_send(int fd, int64_t timeout_ms, struct span frame, struct err *e) NODISCARD;

/* Our codes and theirs. Failures that are no refusal keep their class, not their history. */
enum ttrpc_code ttrpc_code_of(enum coffer_rc rc);
enum coffer_rc  ttrpc_rc_of(uint32_t code);
/* *e from a failed response: "<check>: <reason>" of a refusal is split again. Of the peer's text, what an err takes, as span_plain shows it; what is cut ends with ERR_CUT. Returns the code. */
enum coffer_rc  ttrpc_failure(const struct ttrpc_response *r, struct err *e);
