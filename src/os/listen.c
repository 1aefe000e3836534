#include "os/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"
#include "base/str.h"

struct place { char host[56], port[8]; };

/* "127.0.0.1:8443" or "[::1]:8443" */
static bool split(const char *where, struct place *out)
{
	const char *colon = strrchr(where, ':');
	size_t n = colon ? (size_t)(colon - where) : 0;
	uint64_t port;

	if (!colon || n == 0 || colon[1] == '\0' || strlen(colon + 1) >= sizeof(out->port))
		return false;
	if (!span_u64(span_of(colon + 1), &port) || port > UINT16_MAX)
		return false;
	if (where[0] == '[') {
		if (where[n - 1] != ']')
			return false;
		where++;
		n -= 2;
	} else if (memchr(where, ':', n)) {
		return false; /* an IPv6 address without brackets: which colon is the port's? */
	}
	if (n == 0 || n >= sizeof(out->host))
		return false;
	memcpy(out->host, where, n);
	out->host[n] = '\0';
	(void)snprintf(out->port, sizeof(out->port), "%s", colon + 1);
	return true;
}

enum coffer_rc listen_on(const char *where, int *fd, struct err *e)
{
	const struct addrinfo hint = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	CLEANUP(closep) int s = -1;
	struct addrinfo *a = NULL;
	struct place p;
	int on = 1, rc;

	if (!split(where, &p) || getaddrinfo(p.host, p.port, &hint, &a) != 0)
		return err_set(e, COFFER_E_INPUT, "listen: \"%s\" is no literal address and port", where);
	s = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s >= 0)
		(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	rc = s < 0 || bind(s, a->ai_addr, a->ai_addrlen) != 0 || listen(s, 512) != 0 ? errno : 0;
	freeaddrinfo(a);
	if (rc == EADDRINUSE)
		return err_deny(e, "listen", "%s is in use by another program", where);
	if (rc != 0)
		return err_set(e, COFFER_E_SYSTEM, "listen on %s: %s", where, strerror(rc));
	*fd = MOVE_FD(s);
	return COFFER_OK;
}

enum coffer_rc listen_name(int fd, char *out, size_t n, struct err *e)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	struct place p;
	bool six;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&sa, len, p.host, sizeof(p.host), p.port, sizeof(p.port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return err_set(e, COFFER_E_SYSTEM, "the listening socket has no address");
	six = sa.ss_family == AF_INET6;
	(void)snprintf(out, n, "%s%s%s:%s", six ? "[" : "", p.host, six ? "]" : "", p.port);
	return COFFER_OK;
}
