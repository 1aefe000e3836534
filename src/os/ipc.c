#include "os/ipc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/str.h"

/* A socket gets MSG_NOSIGNAL, so that a dead peer is an error and not a SIGPIPE; anything
 * else (a pipe in a test) falls back to writev. */
static ssize_t put_some(int fd, const struct iovec *iov, size_t n)
{
	const struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = n };
	ssize_t put = sendmsg(fd, &m, MSG_NOSIGNAL);

	if (put < 0 && errno == ENOTSOCK)
		put = writev(fd, iov, (int)n);
	return put;
}

/* Blocking for the caller even when the descriptor itself is not. */
static bool wait_for(int fd, short what)
{
	struct pollfd p = { .fd = fd, .events = what };
	int n;

	do
		n = poll(&p, 1, -1);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static void put_be32(uint8_t *at, size_t v)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * (3 - i)));
}

/* head: its length, the tag, and what of the body is ours. */
static enum coffer_rc send_frame(int fd, struct span head, struct span body, struct err *e)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)head.p, head.n }, { (void *)(uintptr_t)body.p, body.n } };
	size_t left = head.n + body.n;
	struct iovec *at = iov;

	while (left > 0) {
		ssize_t put = put_some(fd, at, (size_t)(iov + 2 - at));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN && wait_for(fd, POLLOUT))
			continue;
		if (put < 0)
			return err_set(e, COFFER_E_UPSTREAM, "ipc: send: %s", strerror(errno));
		left -= (size_t)put;
		if (at == iov && (size_t)put >= at->iov_len) {
			put -= (ssize_t)at->iov_len;
			at++;
		}
		if (put > 0) { /* an empty body has no bytes to move over, and may be NULL */
			at->iov_base = (uint8_t *)at->iov_base + put;
			at->iov_len -= (size_t)put;
		}
	}
	return COFFER_OK;
}

enum coffer_rc ipc_send(int fd, uint8_t tag, struct span body, struct err *e)
{
	uint8_t head[5];

	if (body.n >= UINT32_MAX)
		return err_set(e, COFFER_E_LIMIT, "ipc: message of %zu bytes", body.n);
	put_be32(head, body.n + 1);
	head[4] = tag;
	return send_frame(fd, SPAN(head), body, e);
}

enum coffer_rc ipc_send_id(int fd, struct ipc_head h, struct span body, struct err *e)
{
	uint8_t head[5 + IPC_ID];

	if (body.n >= UINT32_MAX - IPC_ID)
		return err_set(e, COFFER_E_LIMIT, "ipc: message of %zu bytes", body.n);
	put_be32(head, body.n + IPC_ID + 1);
	head[4] = h.tag;
	put_be32(head + 5, h.id);
	return send_frame(fd, SPAN(head), body, e);
}

/* Reads exactly n bytes unless the stream ends or fails first; *got says how many came. */
static enum coffer_rc get(int fd, uint8_t *p, size_t n, size_t *got, struct err *e)
{
	*got = 0;
	while (*got < n) {
		ssize_t r = read(fd, p + *got, n - *got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN && wait_for(fd, POLLIN))
			continue;
		if (r < 0 && errno != ECONNRESET)
			return err_set(e, COFFER_E_UPSTREAM, "ipc: receive: %s", strerror(errno));
		if (r <= 0)
			break;
		*got += (size_t)r;
	}
	return COFFER_OK;
}

/* head: its length, the tag, and head_n - 5 bytes of the body; the rest of it goes to buf. */
static enum coffer_rc recv_frame(int fd, size_t max, uint8_t *head, size_t head_n, struct wr *buf, struct err *e)
{
	uint8_t piece[16384];
	size_t n, got;

	wr_close(buf);
	*buf = wr_open(max);
	TRY(get(fd, head, head_n, &got, e));
	if (got == 0)
		return err_set(e, COFFER_E_UPSTREAM, "peer closed");
	n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	if (got < head_n || n < head_n - 4)
		return err_set(e, COFFER_E_INPUT, "ipc: torn frame");
	n -= head_n - 4;
	if (n > max)
		return err_set(e, COFFER_E_LIMIT, "ipc: message of %zu bytes, at most %zu", n, max);
	while (n > 0) {
		size_t want = n < sizeof(piece) ? n : sizeof(piece);
		enum coffer_rc rc = get(fd, piece, want, &got, e);

		wr_put(buf, (struct span){ piece, got });
		explicit_bzero(piece, got);
		if (rc != COFFER_OK)
			return rc;
		if (got < want)
			return err_set(e, COFFER_E_INPUT, "ipc: torn frame");
		n -= got;
	}
	return wr_done(buf, "ipc: message", e);
}

enum coffer_rc ipc_recv(int fd, size_t max, uint8_t *tag, struct wr *buf, struct err *e)
{
	uint8_t head[5];

	TRY(recv_frame(fd, max, head, sizeof(head), buf, e));
	*tag = head[4];
	return COFFER_OK;
}

/* A frame too short for a number may wait for bytes of the next one; then it is refused all the same. */
enum coffer_rc ipc_recv_id(int fd, size_t max, struct ipc_head *h, struct wr *buf, struct err *e)
{
	uint8_t head[5 + IPC_ID];

	TRY(recv_frame(fd, max, head, sizeof(head), buf, e));
	h->tag = head[4];
	h->id = (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
	return COFFER_OK;
}

bool ipc_wait(int fd, int watch)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = watch, .events = POLLIN } };
	int n;

	do
		n = poll(p, 2, -1);
	while (n < 0 && errno == EINTR);
	return n > 0 && p[1].revents == 0 && (p[0].revents & POLLIN);
}
