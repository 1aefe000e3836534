#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/vm.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "image/ref.h"
#include "net/http.h"
#include "proto/mux.h"

#define LAST_WORD 5000 /* ms for what the agent said last to reach the launcher */

/* ---- endpoints ---- */

static enum coffer_rc add(struct vm_listeners *l, struct span host, uint16_t port, struct err *e)
{
	struct endpoint p;
	char name[ENDPOINT_TEXT];

	if (!endpoint_of(host, port, &p))
		return COFFER_OK; /* out of reach; whoever needs it will say so */
	endpoint_text(p, name);
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->name[i], name) == 0)
			return COFFER_OK;
	if (l->n == MUX_LISTEN_MAX)
		return err_set(e, COFFER_E_LIMIT, "the manifest names more than %d endpoints", MUX_LISTEN_MAX);
	TRY(net_listen(p, &l->fd[l->n], e));
	memcpy(l->name[l->n++], name, sizeof(name));
	return COFFER_OK;
}

static enum coffer_rc add_url(struct vm_listeners *l, const char *url, struct err *e)
{
	struct http_url u;

	TRY(http_url_parse(span_of(url), &u, e));
	return add(l, span_of(u.host), u.port, e);
}

static enum coffer_rc add_registry(struct vm_listeners *l, const struct manifest *man, struct span reference, struct err *e)
{
	CLEANUP(freep) char *url = NULL;
	struct ref ref;

	TRY(ref_parse(reference, &ref, e));
	url = str_fmt("%s://%s/", manifest_lists(man->plain_http, span_of(ref.host)) ? "http" : "https", ref_registry_host(&ref));
	return url ? add_url(l, url, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

void vm_listeners_clear(struct vm_listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		closep(&l->fd[i]);
	l->n = 0;
}

enum coffer_rc vm_listen(const struct manifest *man, struct vm_listeners *out, struct err *e)
{
	CLEANUP(freep) char *service = span_dup(man->service_url);

	if (!service)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(add_url(out, service, e));
	for (size_t i = 0; i < man->n_containers; i++)
		TRY(add_registry(out, man, man->container[i].image_reference, e));
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
