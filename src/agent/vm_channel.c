#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/endpoints.h"
#include "agent/vm.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "proto/mux.h"

#define LAST_WORD 5000 /* ms for what the agent said last to reach the launcher */

/* ---- endpoints ---- */

void vm_listeners_clear(struct vm_listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		closep(&l->fd[i]);
	l->n = 0;
}

enum coffer_rc vm_listen(const struct manifest *man, struct vm_listeners *out, struct err *e)
{
	struct endpoints all;

	TRY(endpoints_of(man, &all, e));
	for (; out->n < all.n; out->n++) {
		TRY(net_listen(all.at[out->n], &out->fd[out->n], e));
		endpoint_text(all.at[out->n], out->name[out->n]);
	}
	return COFFER_OK;
}

/* ---- passing bytes ---- */

/* The launcher may reach the boundary's API, and nothing else in here. */
static int open_stream(void *arg, struct span name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", (const char *)arg);
	if (!span_eq_str(name, VM_STREAM) || fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return -1;
	return MOVE_FD(fd);
}

static enum coffer_rc pass(struct mux *m, int agent, struct err *e)
{
	struct pollfd p[MUX_POLL_MAX + 1];
	int64_t until = INT64_MAX;

	for (;;) {
		size_t n = mux_poll(m, p);
		bool over = until != INT64_MAX;
		int64_t left = until - clock_boot_ms();

		if (over && (mux_idle(m) || left <= 0))
			return COFFER_OK;
		p[n] = (struct pollfd){ .fd = over ? -1 : agent, .events = POLLIN };
		if (poll(p, n + 1, over ? (int)left : -1) < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "channel: %s", strerror(errno));
		TRY(mux_step(m, p, n, e));
		if (p[n].revents)
			until = clock_boot_ms() + LAST_WORD;
	}
}

enum coffer_rc vm_pass(const struct vm_channel *c, struct err *e)
{
	const struct mux_side side = { .guest = true, .open = open_stream, .arg = (void *)(uintptr_t)c->socket };
	CLEANUP(mux_freep) struct mux *m = NULL;

	TRY(mux_new(c->port, &side, true, &m, e));
	for (size_t i = 0; i < c->listeners->n; i++)
		TRY(mux_listen(m, c->listeners->fd[i], c->listeners->name[i], e));
	return pass(m, c->agent, e);
}
