#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "os/vsock.h"

#define BACKLOG 8

bool vsock_is_guest(uint32_t cid)
{
	return cid > VMADDR_CID_HOST && cid != VMADDR_CID_ANY;
}

bool vsock_given(const char *device)
{
	CLEANUP(closep) int fd = open(device, O_RDONLY | O_CLOEXEC);
	uint32_t cid = VMADDR_CID_ANY;

	return fd >= 0 && ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) == 0 && vsock_is_guest(cid);
}

enum coffer_rc vsock_listen(uint32_t port, int *listener, struct err *e)
{
	const struct sockaddr_vm at = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port };
	CLEANUP(closep) int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, BACKLOG) != 0)
		return err_set(e, COFFER_E_SYSTEM, "vsock, port %u: %s", port, strerror(errno));
	*listener = MOVE_FD(fd);
	return COFFER_OK;
}

int vsock_take_one(int listener, struct sockaddr_vm *peer)
{
	socklen_t n = sizeof(*peer);

	memset(peer, 0, sizeof(*peer));
	return accept4(listener, (struct sockaddr *)peer, &n, SOCK_CLOEXEC);
}

/* Another guest, or this one, has another number; whoever may use the host's sockets without ruling the host gets no port like this. */
static bool is_launcher(const struct sockaddr_vm *peer)
{
	return peer->svm_family == AF_VSOCK && peer->svm_cid == VMADDR_CID_HOST && peer->svm_port < VSOCK_RESERVED;
}

enum coffer_rc vsock_accept(int listener, vsock_take *take, int64_t until, int *out, struct err *e)
{
	for (;;) {
		struct pollfd p = { .fd = listener, .events = POLLIN };
		CLEANUP(closep) int fd = -1;
		int64_t left = until - clock_boot_ms();
		struct sockaddr_vm peer;
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n == 0)
			return err_set(e, COFFER_E_UPSTREAM, "channel: the launcher has not called by vsock");
		if (n < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "channel: %s", strerror(errno));
		fd = n > 0 ? take(listener, &peer) : -1;
		if (fd < 0 || !is_launcher(&peer))
			continue;
		*out = MOVE_FD(fd);
		return COFFER_OK;
	}
}
