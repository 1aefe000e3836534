/* Frames over a stream socket between processes of one program. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

/* u32 big-endian length of (tag || body), u8 tag, body. Blocking; whole frame or error. */
enum coffer_rc ipc_send(int fd, uint8_t tag, struct span body, struct err *e) NODISCARD;

/* Until there is a frame to read on fd (true), or either peer has gone (false): fd's, or that of `watch`, whose end is the order to stop. */
bool ipc_wait(int fd, int watch) NODISCARD;

/* buf is emptied first. COFFER_E_UPSTREAM at a clean end of stream (msg "peer closed"),
 * COFFER_E_LIMIT above max, COFFER_E_INPUT for a torn frame. */
enum coffer_rc ipc_recv(int fd, size_t max, uint8_t *tag, struct wr *buf, struct err *e) NODISCARD;
