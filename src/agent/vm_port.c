#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/vm.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "os/vsock.h"
#include "proto/mux.h"

#define PORTS	  "/sys/class/virtio-ports"
#define PORT_WAIT 20000 /* ms for the port to appear, and for the launcher to open it, or to call */

/* ---- virtio-serial ---- */

static bool has_name(const char *port)
{
	CLEANUP(freep) char *path = str_fmt(PORTS "/%s/name", port);
	CLEANUP(wr_close) struct wr name = { 0 };
	struct err ignore = { 0 };

	return path && file_read(path, 4096, &name, &ignore) == COFFER_OK && span_eq_str(wr_span(&name), VM_PORT "\n");
}

/* False: there is none yet. */
static bool find_port(char out[static 64])
{
	struct dirent **found = NULL;
	int n = scandir(PORTS, &found, NULL, alphasort);
	bool have = false;

	for (int i = 0; i < n; i++) {
		if (!have && found[i]->d_name[0] != '.' && has_name(found[i]->d_name))
			have = snprintf(out, 64, "/dev/%s", found[i]->d_name) < 64;
		free(found[i]);
	}
	free(found);
	return have;
}

/* The kernel tells of devices that come, so that nobody asks again and again. */
static int listen_events(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	CLEANUP(closep) int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return -1;
	return MOVE_FD(fd);
}

static bool wait_event(int fd, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left = until - clock_boot_ms();
	char ignore[4096];

	if (left <= 0 || poll(&p, 1, (int)left) <= 0)
		return false;
	while (recv(fd, ignore, sizeof(ignore), 0) > 0)
		;
	return true;
}

static enum coffer_rc open_serial(int *out, struct err *e)
{
	CLEANUP(closep) int events = listen_events();
	int64_t until = clock_boot_ms() + PORT_WAIT;
	char path[64];

	while (!find_port(path))
		if (events < 0 || !wait_event(events, until))
			return err_set(e, COFFER_E_NOTFOUND, "this machine has no port " VM_PORT "; whoever launches it gives it one");
	*out = open(path, O_RDWR | O_CLOEXEC);
	return *out >= 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
}

/* ---- vsock ---- */

/* The launcher hears on the console when it can call, so that it need not try again and again. Nothing listens any more once it has. */
static enum coffer_rc open_vsock(int *out, struct err *e)
{
	CLEANUP(closep) int listener = -1;

	TRY(vsock_listen(MUX_VSOCK_PORT, &listener, e));
	(void)puts("coffer-agent: listening");
	(void)fflush(stdout);
	return vsock_accept(listener, vsock_take_one, clock_boot_ms() + PORT_WAIT, out, e);
}

/* ---- either ---- */

/* A write to the port waits until the launcher has opened its end, and says hello with the same. */
static enum coffer_rc greet(int fd, struct err *e)
{
	CLEANUP(wr_close) struct wr hello = wr_open(64);
	struct span s;

	mux_hello(&hello);
	(void)alarm(PORT_WAIT / 1000);
	for (s = wr_span(&hello); s.n > 0;) {
		ssize_t n = write(fd, s.p, s.n);

		if (n <= 0 && errno != EINTR)
			return err_set(e, COFFER_E_UPSTREAM, "channel: %s", strerror(errno));
		s = span_skip(s, n > 0 ? (size_t)n : 0);
	}
	(void)alarm(0);
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "channel: %s", strerror(errno));
}

enum coffer_rc vm_port_open(int *port, struct err *e)
{
	CLEANUP(closep) int fd = -1;

	TRY(vsock_given(VSOCK_DEVICE) ? open_vsock(&fd, e) : open_serial(&fd, e));
	TRY(greet(fd, e));
	*port = MOVE_FD(fd);
	return COFFER_OK;
}
