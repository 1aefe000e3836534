#include "os/vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/own.h"

#define TRIES	  64
#define FIRST_CID 3u /* below are the hypervisor's, this machine's own and the host's */
#define CALL_MS	  20000
#define AGAIN_MS  50

void vsock_guest_close(struct vsock_guest *g)
{
	closep(&g->device);
	closep(&g->sock);
	*g = (struct vsock_guest)VSOCK_GUEST_NONE;
}

static bool draw(uint32_t *out)
{
	return getrandom(out, sizeof(*out), 0) == (ssize_t)sizeof(*out);
}

enum coffer_rc vsock_number(int device, int (*set)(int device, uint64_t cid), uint32_t *cid, struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t n;

		if (!draw(&n))
			return err_set(e, COFFER_E_SYSTEM, "getrandom: %s", strerror(errno));
		if (n < FIRST_CID || n == VMADDR_CID_ANY)
			continue;
		if (set(device, n) == 0) {
			*cid = n;
			return COFFER_OK;
		}
		if (errno != EADDRINUSE)
			return err_set(e, COFFER_E_NOTFOUND, "it takes no guest's number: %s", strerror(errno));
	}
	return err_set(e, COFFER_E_NOTFOUND, "each of %d numbers for the guest is taken", TRIES);
}

static int set_cid(int device, uint64_t cid)
{
	return ioctl(device, VHOST_VSOCK_SET_GUEST_CID, &cid);
}

/* The kernel looks for a free port only among those that everyone may have. */
enum coffer_rc vsock_privileged(int *sock, struct err *e)
{
	CLEANUP(closep) int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_vm at = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	uint32_t begin;

	if (fd < 0)
		return err_set(e, COFFER_E_NOTFOUND, "no socket of vsock: %s; this host's operator loads the module vsock", strerror(errno));
	if (!draw(&begin))
		return err_set(e, COFFER_E_SYSTEM, "getrandom: %s", strerror(errno));
	for (uint32_t i = 0; i < VSOCK_RESERVED - 1; i++) {
		at.svm_port = 1 + (begin % (VSOCK_RESERVED - 1) + i) % (VSOCK_RESERVED - 1);
		if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0) {
			*sock = MOVE_FD(fd);
			return COFFER_OK;
		}
		if (errno != EADDRINUSE)
			return err_set(e, COFFER_E_NOTFOUND, "no port below %u of vsock: %s; root may have one", VSOCK_RESERVED, strerror(errno));
	}
	return err_set(e, COFFER_E_NOTFOUND, "every port below %u of vsock is taken", VSOCK_RESERVED);
}

static enum coffer_rc open_device(const char *device, int *fd, struct err *e)
{
	*fd = open(device, O_RDWR | O_CLOEXEC);
	if (*fd >= 0)
		return COFFER_OK;
	return err_set(e, COFFER_E_NOTFOUND, "%s: %s; this host's operator %s", device, strerror(errno),
	    errno == ENOENT ? "loads the module vhost_vsock" : "lets this user open it");
}

enum coffer_rc vsock_guest_could(const char *device, uint32_t *cid, struct err *e)
{
	CLEANUP(vsock_guest_close) struct vsock_guest g = VSOCK_GUEST_NONE;
	uint64_t features;

	TRY(open_device(device, &g.device, e));
	if (ioctl(g.device, VHOST_GET_FEATURES, &features) != 0)
		return err_set(e, COFFER_E_NOTFOUND, "%s: it takes no guest's number: %s", device, strerror(errno));
	TRY(vsock_privileged(&g.sock, e));
	*cid = FIRST_CID;
	return COFFER_OK;
}

enum coffer_rc vsock_guest_open(const char *device, struct vsock_guest *out, struct err *e)
{
	CLEANUP(vsock_guest_close) struct vsock_guest g = VSOCK_GUEST_NONE;

	TRY(open_device(device, &g.device, e));
	if (vsock_number(g.device, set_cid, &g.cid, e) != COFFER_OK)
		return err_wrap(e, "%s", device);
	TRY(vsock_privileged(&g.sock, e));
	*out = g;
	g = (struct vsock_guest)VSOCK_GUEST_NONE;
	return COFFER_OK;
}

int vsock_connect_one(int sock, const struct sockaddr_vm *to, int64_t ms)
{
	const struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	int before;
	socklen_t n = sizeof(before);

	/* A kernel may keep what the last call failed of until it is asked for, and fail the next one with it. */
	if (setsockopt(sock, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &limit, sizeof(limit)) != 0 || getsockopt(sock, SOL_SOCKET, SO_ERROR, &before, &n) != 0)
		return -1;
	return connect(sock, (const struct sockaddr *)to, sizeof(*to));
}

enum coffer_rc vsock_call_by(int sock, vsock_connect *connect_one, const struct sockaddr_vm *to, int64_t until, struct err *e)
{
	for (;;) {
		int64_t left = until - clock_boot_ms();

		if (connect_one(sock, to, left > 1 ? left : 1) == 0)
			return COFFER_OK;
		if (errno != ECONNRESET || clock_boot_ms() + AGAIN_MS >= until)
			return err_set(e, COFFER_E_UPSTREAM, "vsock, guest %u, port %u: %s", to->svm_cid, to->svm_port, strerror(errno));
		(void)poll(NULL, 0, AGAIN_MS);
	}
}

enum coffer_rc vsock_call(int sock, uint32_t cid, uint32_t port, struct err *e)
{
	const struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };

	return vsock_call_by(sock, vsock_connect_one, &to, clock_boot_ms() + CALL_MS, e);
}
