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

/* Where several questions may be under way: before the body comes a u32 big-endian number, which the answer repeats. */
#define IPC_ID 4
struct ipc_head { uint8_t tag; uint32_t id; };
enum coffer_rc ipc_send_id(int fd, struct ipc_head h, struct span body, struct err *e) NODISCARD;
/* As ipc_recv. COFFER_E_INPUT also for a frame without a number. Whose it is, is the caller's question. */
enum coffer_rc ipc_recv_id(int fd, size_t max, struct ipc_head *h, struct wr *buf, struct err *e) NODISCARD;
