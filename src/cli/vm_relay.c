#include "cli/vm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"
#include "base/str.h"
#include "os/vsock.h"
#include "proto/mux.h"

#define PREFIX	 "coffer-agent: "
#define CONSOLE_LINE (ERR_MSG_MAX + 512) /* the longest refusal, and what a kernel says before it */
#define SHOWN_MAX	 (1u << 20) /* of a guest, in all: what it says fills somebody's disk */
#define REGISTERS_MAX 16
#define STREAM	 "agent" /* as the agent knows the boundary's API: agent/vm.h */

struct console {
	const struct vm_relay *r;
	char   line[CONSOLE_LINE];
	size_t n, shown, registers;
	bool   done; /* the launcher has heard what it waits for, and reads no more */
	bool   call; /* the guest listens, and has not been called yet */
	bool   called;
};

/* Where the endpoint is that a stream is named after, if the manifest has it. */
static int connect_endpoint(void *arg, struct span name)
{
	const struct vm_relay *r = arg;
	char text[ENDPOINT_TEXT];

	for (size_t i = 0; i < r->n_endpoints; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(r->endpoint[i].port),
			.sin_addr.s_addr = htonl(r->endpoint[i].ip) };
		CLEANUP(closep) int fd = -1;

		endpoint_text(r->endpoint[i], text);
		if (!span_eq_str(name, text))
			continue;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0 || (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 && errno != EINPROGRESS))
			return -1;
		return MOVE_FD(fd);
	}
	return -1;
}

static void show(struct console *c, const char *text)
{
	if (c->shown >= SHOWN_MAX)
		return;
	c->shown += strlen(text) + sizeof(PREFIX);
	(void)dprintf(STDERR_FILENO, PREFIX "%s\n", text);
	if (c->shown >= SHOWN_MAX)
		(void)dprintf(STDERR_FILENO, PREFIX "the console says more\n");
}

/* What the launcher waits for goes to it, what else the agent says (why it stopped a container) to whoever looks on. Firmware and kernel
 * say more, which nobody asked for. All of it is the guest's, and goes to terminals, the pod's record and JSON: printable ASCII alone. */
static void tell(struct console *c)
{
	const char *at = memmem(c->line, c->n, PREFIX, sizeof(PREFIX) - 1);
	struct span s = { (const uint8_t *)c->line, c->n };
	char text[CONSOLE_LINE + 1];
	bool end;

	c->n = 0;
	if (!at)
		return;
	s = span_skip(s, (size_t)(at - c->line) + sizeof(PREFIX) - 1);
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	span_plain(s, text, sizeof(text));
	end = span_eq_str(s, "ready") || span_starts(s, "failed ");
	if (!c->done && (end || (span_starts(s, "pcr") && c->registers++ < REGISTERS_MAX)))
		c->done = dprintf(c->r->said, "%s\n", text) < 0 || end;
	else if (span_eq_str(s, "listening"))
		c->call = !c->called;
	else if (!span_eq_str(s, "power off"))
		show(c, text);
}

/* False: the machine is gone. */
static bool listen_to(struct console *c)
{
	char buf[4096];
	ssize_t n = read(c->r->console, buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			tell(c);
		else if (c->n < sizeof(c->line))
			c->line[c->n++] = buf[i];
	}
	return true;
}

/* NULL: the guest cannot be reached, which its agent notices too, and says. */
static struct mux *begin(const struct vm_relay *r)
{
	const struct mux_side side = { .guest = false, .open = connect_endpoint, .arg = (void *)(uintptr_t)r };
	CLEANUP(mux_freep) struct mux *m = NULL;
	struct err e = { 0 };

	if (r->cid && vsock_call(r->port, r->cid, MUX_VSOCK_PORT, &e) != COFFER_OK) {
		(void)dprintf(STDERR_FILENO, "coffer run: channel: %s\n", e.msg);
		return NULL;
	}
	if (fcntl(r->port, F_SETFL, O_NONBLOCK) != 0 || mux_new(r->port, &side, false, &m, &e) != COFFER_OK || mux_listen(m, r->agent, STREAM, &e) != COFFER_OK)
		_exit(5);
	return MOVE(m);
}

/* Once: a guest that says it again is not called again. */
static struct mux *begin_when_called(struct console *c)
{
	if (!c->call)
		return NULL;
	c->call = false;
	c->called = true;
	return begin(c->r);
}

_Noreturn void vm_relay(const struct vm_relay *r)
{
	struct console c = { .r = r, .call = r->cid == 0 };
	struct pollfd p[MUX_POLL_MAX + 1];
	struct mux *m = NULL;
	struct err e = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		size_t n;

		if (!m)
			m = begin_when_called(&c);
		n = m ? mux_poll(m, p) : 0;

		p[n] = (struct pollfd){ .fd = r->console, .events = POLLIN };
		if (poll(p, n + 1, -1) < 0 && errno != EINTR)
			_exit(5);
		if (p[n].revents && !listen_to(&c))
			_exit(0);
		if (m && mux_step(m, p, n, &e) != COFFER_OK) {
			(void)shutdown(r->port, SHUT_RDWR); /* the guest powers off; its last words are on the console */
			mux_freep(&m);
		}
	}
}
