#include "agent/rest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"
#include "base/str.h"

static enum coffer_rc listen_at(uint32_t address, int *out, struct err *e)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(REST_PORT), .sin_addr.s_addr = htonl(address) };
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, HTTP_SERVE_CONNS_MAX) != 0)
		return err_set(e, COFFER_E_SYSTEM, "REST API: %s:%d: %s", inet_ntoa(at.sin_addr), REST_PORT, strerror(errno));
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

enum coffer_rc rest_open(const uint32_t *address, size_t n, const struct http_serve_how *how, struct http_serve **out, struct err *e)
{
	int fd[HTTP_SERVE_LISTENERS_MAX];
	enum coffer_rc rc = COFFER_OK;
	size_t got = 0;

	if (n == 0 || n > HTTP_SERVE_LISTENERS_MAX)
		return err_set(e, COFFER_E_BUG, "REST API: %zu callers", n);
	while (got < n && rc == COFFER_OK) {
		rc = listen_at(address[got], &fd[got], e);
		got += rc == COFFER_OK;
	}
	if (rc == COFFER_OK)
		rc = http_serve_new(fd, n, how, out, e);
	for (size_t i = 0; rc != COFFER_OK && i < got; i++)
		closep(&fd[i]);
	return rc;
}
