#include "cli/run_rpc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "proto/pb.h"
#include "proto/ttrpc.h"

#define FRAME_MS 30000
#define LAST_WORD_MS 2000 /* what the guest said before a part of it ended */

void rpc_init(struct rpc *r)
{
	*r = (struct rpc){ .fd = -1, .signal = -1, .late = RPC_TIMEOUT };
	for (size_t i = 0; i < RPC_WATCH_MAX; i++)
		r->watch[i] = -1;
}

enum coffer_rc rpc_connect(const char *path, struct rpc *r, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(e, COFFER_E_INPUT, "%s: too long for a socket", path);
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return err_set(e, COFFER_E_UPSTREAM, RPC_GONE ": %s", strerror(errno));
	r->fd = MOVE_FD(fd);
	return COFFER_OK;
}

/* How long to wait at most. Once a part has ended what is left of the time for last words, however much the guest still says. */
static int64_t patience(const struct rpc *r)
{
	int64_t now = clock_monotonic_ms(), left = r->until ? r->until - now : 60000;

	if (r->gone && r->gone + LAST_WORD_MS - now < left)
		left = r->gone + LAST_WORD_MS - now;
	return left < 0 ? 0 : left < 60000 ? left : 60000;
}

enum coffer_rc rpc_wait(struct rpc *r, int fd, struct err *e)
{
	struct pollfd p[2 + RPC_WATCH_MAX] = { { .fd = fd, .events = POLLIN }, { .fd = r->signal, .events = POLLIN } };

	for (size_t i = 0; i < RPC_WATCH_MAX; i++)
		p[2 + i] = (struct pollfd){ .fd = r->watch[i], .events = POLLIN };
	for (;;) {
		int n = poll(p, r->gone ? 2 : 2 + RPC_WATCH_MAX, (int)patience(r));
		int64_t now = clock_monotonic_ms();

		if (n < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
		if (n > 0 && p[1].revents)
			return err_set(e, COFFER_E_SYSTEM, RPC_INTERRUPTED);
		if (r->gone && now >= r->gone + LAST_WORD_MS)
			return err_set(e, COFFER_E_UPSTREAM, RPC_GONE);
		for (size_t i = 0; n > 0 && !r->gone && i < RPC_WATCH_MAX; i++)
			r->gone = p[2 + i].revents ? now : 0;
		if (n > 0 && p[0].revents)
			return COFFER_OK;
		if (r->until && now >= r->until)
			return err_set(e, COFFER_E_UPSTREAM, "%s", r->late);
	}
}

enum coffer_rc rpc_send(struct rpc *r, const char *method, const ProtobufCMessage *q, uint32_t *stream, struct err *e)
{
	CLEANUP(wr_close) struct wr payload = wr_open(TTRPC_BODY_MAX), frame = wr_open(TTRPC_BODY_MAX + TTRPC_HEADER);
	bool health = strcmp(method, "Check") == 0 || strcmp(method, "Version") == 0;
	struct ttrpc_request v = { .service = span_of(health ? "grpc.Health" : "grpc.AgentService"), .method = span_of(method) };

	pb_pack(q, &payload);
	TRY(wr_done(&payload, method, e));
	v.payload = wr_span(&payload);
	r->stream = r->stream ? r->stream + 2 : 1;
	ttrpc_request_write(&frame, r->stream, &v);
	TRY(wr_done(&frame, method, e));
	*stream = r->stream;
	return ttrpc_send(r->fd, FRAME_MS, wr_span(&frame), e) == COFFER_OK ? COFFER_OK : err_wrap(e, RPC_GONE);
}

enum coffer_rc rpc_next(struct rpc *r, uint32_t *stream, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr body = { 0 };
	struct ttrpc_head h;
	struct ttrpc_response v;

	TRY(rpc_wait(r, r->fd, e));
	if (ttrpc_recv(r->fd, FRAME_MS, &h, &body, e) != COFFER_OK)
		return err_wrap(e, RPC_GONE);
	*stream = h.stream;
	if (h.type != TTRPC_RESPONSE)
		return err_set(e, COFFER_E_INPUT, "the guest's agent: not an answer");
	TRY(ttrpc_response_read(wr_span(&body), &v, e));
	if (v.code != TTRPC_OK)
		return ttrpc_failure(&v, e);
	if (out) {
		wr_close(out);
		*out = wr_open(TTRPC_BODY_MAX);
		wr_put(out, v.payload);
		return wr_done(out, "answer", e);
	}
	return COFFER_OK;
}

enum coffer_rc rpc_call(struct rpc *r, const char *method, const ProtobufCMessage *q, struct wr *out, struct err *e)
{
	uint32_t sent = 0, got = 0;

	TRY(rpc_send(r, method, q, &sent, e));
	TRY(rpc_next(r, &got, out, e));
	return got == sent ? COFFER_OK : err_set(e, COFFER_E_INPUT, "the guest's agent answers another call");
}
