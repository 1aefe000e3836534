#include "os/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/own.h"
#include "base/str.h"

#define BACKLOG 64

bool endpoint_of(struct span host, uint16_t port, struct endpoint *out)
{
	CLEANUP(freep) char *text = span_dup(host);
	struct in_addr a;

	if (!text || port == 0)
		return false;
	if (strcmp(text, "localhost") == 0)
		a.s_addr = htonl(INADDR_LOOPBACK);
	else if (inet_pton(AF_INET, text, &a) != 1 || ntohl(a.s_addr) >> 24 != 127)
		return false;
	*out = (struct endpoint){ ntohl(a.s_addr), port };
	return true;
}

void endpoint_text(struct endpoint p, char out[static ENDPOINT_TEXT])
{
	(void)snprintf(out, ENDPOINT_TEXT, "%u.%u.%u.%u:%u", p.ip >> 24, p.ip >> 16 & 255, p.ip >> 8 & 255, p.ip & 255, p.port);
}

enum coffer_rc net_lo_up(struct err *e)
{
	struct ifreq r = { .ifr_name = "lo" };
	CLEANUP(closep) int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0 || ioctl(s, SIOCGIFFLAGS, &r) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest network: %s", strerror(errno));
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP | IFF_RUNNING);
	if (ioctl(s, SIOCSIFFLAGS, &r) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest network: %s", strerror(errno));
	return COFFER_OK;
}

enum coffer_rc net_listen(struct endpoint p, int *fd, struct err *e)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(p.port), .sin_addr.s_addr = htonl(p.ip) };
	CLEANUP(closep) int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(s, BACKLOG) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest network: port %u: %s", p.port, strerror(errno));
	*fd = MOVE_FD(s);
	return COFFER_OK;
}
