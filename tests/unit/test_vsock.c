/* The channel by vsock, as far as a machine without it can show: whose connection counts, which number a guest gets, what a host without it is told.
 * With a host that has it: tests/nested. */
#include "tests/t.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "os/vsock.h"

/* ---- whose connection counts ---- */

static struct caller { struct sockaddr_vm peer; int far; } callers[8]; /* far: what is the caller's */
static size_t n_callers, n_taken;

/* In the place of accept(2). */
static int take(int listener, struct sockaddr_vm *peer)
{
	int pair[2];

	(void)listener;
	if (n_taken == n_callers || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		errno = EAGAIN;
		return -1;
	}
	*peer = callers[n_taken].peer;
	callers[n_taken++].far = pair[1];
	return pair[0];
}

static void calls(sa_family_t family, unsigned cid, unsigned port)
{
	callers[n_callers++] = (struct caller){ .peer = { .svm_family = family, .svm_cid = cid, .svm_port = port }, .far = -1 };
}

static bool hung_up(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

/* A listener that always has somebody. */
static enum coffer_rc answer(int64_t ms, int *out, struct err *e)
{
	int pair[2];
	enum coffer_rc rc;

	n_taken = 0;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 && write(pair[1], "x", 1) == 1);
	rc = vsock_accept(pair[0], take, clock_boot_ms() + ms, out, e);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return rc;
}

static void clear(void)
{
	for (size_t i = 0; i < n_callers; i++)
		closep(&callers[i].far);
	n_callers = n_taken = 0;
}

static void accept_drops_all_but_the_host_s_privileged_and_takes_that(void)
{
	CLEANUP(closep) int fd = -1;
	struct err e = { 0 };

	calls(AF_VSOCK, 3, 1000);	    /* another guest */
	calls(AF_VSOCK, VMADDR_CID_LOCAL, 1000); /* this one */
	calls(AF_VSOCK, VMADDR_CID_HYPERVISOR, 1000);
	calls(AF_VSOCK, VMADDR_CID_HOST, VSOCK_RESERVED); /* anybody on the host */
	calls(AF_UNIX, VMADDR_CID_HOST, 1000);
	calls(AF_VSOCK, VMADDR_CID_HOST, VSOCK_RESERVED - 1);
	calls(AF_VSOCK, VMADDR_CID_HOST, 1);
	CHECK(answer(60000, &fd, &e) == COFFER_OK && fd >= 0 && n_taken == 6);
	for (size_t i = 0; i < 5; i++)
		CHECK(hung_up(callers[i].far));
	CHECK(!hung_up(callers[5].far) && write(callers[5].far, "x", 1) == 1);
	clear();
}

/* However short the time was, and whether anybody was heard in it, which a busy machine decides: until one was. */
static void accept_gives_up_in_time(void)
{
	int fd = -7;
	struct err e = { 0 };

	calls(AF_VSOCK, 3, 1000);
	for (int64_t ms = 20; n_taken == 0 && ms < 60000; ms *= 4)
		CHECK(answer(ms, &fd, &e) == COFFER_E_UPSTREAM && fd == -7);
	CHECK(n_taken == 1 && hung_up(callers[0].far));
	CHECK(answer(-1, &fd, &e) == COFFER_E_UPSTREAM && fd == -7 && n_taken == 0);
	clear();
}

/* ---- the guest's number ---- */

static uint64_t asked[256];
static size_t n_asked, n_used; /* so many are taken */
static int other;	       /* an error that is none of that */

static int set(int device, uint64_t cid)
{
	CHECK(device == 42);
	asked[n_asked++ % 256] = cid;
	errno = other ? other : EADDRINUSE;
	return !other && n_asked > n_used ? 0 : -1;
}

static enum coffer_rc number(size_t used, int error, uint32_t *cid, struct err *e)
{
	n_asked = 0;
	n_used = used;
	other = error;
	return vsock_number(42, set, cid, e);
}

static void number_that_is_taken_makes_way_for_another(void)
{
	uint32_t cid = 0;
	struct err e = { 0 };

	CHECK(number(0, 0, &cid, &e) == COFFER_OK && n_asked == 1 && cid == asked[0]);
	CHECK(number(5, 0, &cid, &e) == COFFER_OK && n_asked == 6 && cid == asked[5]);
	for (size_t i = 0; i < 6; i++) {
		CHECK(asked[i] < UINT32_MAX && vsock_is_guest((uint32_t)asked[i]));
		for (size_t k = 0; k < i; k++)
			CHECK(asked[i] != asked[k]);
	}
}

static void number_is_refused_where_all_are_taken_or_none_is_given(void)
{
	uint32_t cid = 7;
	struct err e = { 0 };

	CHECK(number(SIZE_MAX, 0, &cid, &e) == COFFER_E_NOTFOUND && cid == 7 && n_asked > 10 && n_asked <= 64);
	CHECK(number(0, ENOTTY, &cid, &e) == COFFER_E_NOTFOUND && cid == 7 && n_asked == 1 && strstr(e.msg, strerror(ENOTTY)));
}

/* ---- machines that have none ---- */

static void host_without_the_device_is_told_who_can_mend_it(void)
{
	struct vsock_guest g = VSOCK_GUEST_NONE;
	struct err e = { 0 };

	CHECK(vsock_guest_open("/nonexistent/vhost-vsock", &g, &e) == COFFER_E_NOTFOUND && strstr(e.msg, "/nonexistent/vhost-vsock") && strstr(e.msg, "operator loads the module vhost_vsock"));
	CHECK(vsock_guest_open("/dev/null", &g, &e) == COFFER_E_NOTFOUND && strstr(e.msg, "/dev/null: it takes no guest's number"));
	CHECK(g.device == -1 && g.sock == -1);
}

static void so_is_who_only_asks(void)
{
	uint32_t cid = 7;
	struct err e = { 0 };

	CHECK(vsock_guest_could("/nonexistent/vhost-vsock", &cid, &e) == COFFER_E_NOTFOUND && strstr(e.msg, "operator loads the module vhost_vsock"));
	CHECK(vsock_guest_could("/dev/null", &cid, &e) == COFFER_E_NOTFOUND && strstr(e.msg, "/dev/null: it takes no guest's number") && cid == 7);
}

static void machine_without_the_device_was_given_none(void)
{
	CHECK(!vsock_given("/nonexistent/vsock") && !vsock_given("/dev/null"));
	CHECK(!vsock_is_guest(VMADDR_CID_HYPERVISOR) && !vsock_is_guest(VMADDR_CID_LOCAL) && !vsock_is_guest(VMADDR_CID_HOST) && !vsock_is_guest(VMADDR_CID_ANY));
	CHECK(vsock_is_guest(3) && vsock_is_guest(VMADDR_CID_ANY - 1));
}

/* ---- the launcher's end ---- */

static unsigned port_of(int fd)
{
	struct sockaddr_vm at;
	socklen_t n = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &n) == 0 ? at.svm_port : 0;
}

/* 0: refused. */
static int as_nobody(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		struct err e = { 0 };
		int fd = -1;

		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(9);
		_exit(vsock_privileged(&fd, &e) == COFFER_E_NOTFOUND && strstr(e.msg, "root may have one") ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void launcher_calls_from_ports_that_are_not_everybody_s(void)
{
	CLEANUP(closep) int probe = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0), one = -1, two = -1;
	struct err e = { 0 };

	if (probe < 0 || geteuid() != 0) { /* this kernel has no such sockets, or we may not */
		CHECK(vsock_privileged(&one, &e) == COFFER_E_NOTFOUND && one == -1);
		return;
	}
	CHECK(vsock_privileged(&one, &e) == COFFER_OK && vsock_privileged(&two, &e) == COFFER_OK);
	CHECK(port_of(one) > 0 && port_of(one) < VSOCK_RESERVED && port_of(two) > 0 && port_of(two) < VSOCK_RESERVED && port_of(one) != port_of(two));
	CHECK(as_nobody() == 0);
}

/* ---- a guest that refuses, until its queue has room ---- */

static int refusals, refuses_with, n_calls;

/* In the place of connect(2). */
static int connect_one(int sock, const struct sockaddr_vm *to, int64_t ms)
{
	CHECK(sock == 42 && to->svm_cid == 5 && to->svm_port == 6 && ms > 0);
	if (n_calls++ >= refusals)
		return 0;
	errno = refuses_with;
	return -1;
}

static enum coffer_rc call(int n, int error, int64_t ms, struct err *e)
{
	const struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = 5, .svm_port = 6 };

	refusals = n;
	refuses_with = error;
	n_calls = 0;
	return vsock_call_by(42, connect_one, &to, clock_boot_ms() + ms, e);
}

static void guest_that_refuses_is_called_again(void)
{
	struct err e = { 0 };

	CHECK(call(0, 0, 0, &e) == COFFER_OK && n_calls == 1);
	CHECK(call(3, ECONNRESET, 600000, &e) == COFFER_OK && n_calls == 4);
	CHECK(call(INT_MAX, ECONNRESET, 200, &e) == COFFER_E_UPSTREAM && n_calls >= 1 && strstr(e.msg, "guest 5, port 6") && strstr(e.msg, strerror(ECONNRESET)));
	CHECK(call(1, ETIMEDOUT, 600000, &e) == COFFER_E_UPSTREAM && n_calls == 1 && strstr(e.msg, strerror(ETIMEDOUT)));
	CHECK(call(1, ENODEV, 600000, &e) == COFFER_E_UPSTREAM && n_calls == 1);
}

int main(void)
{
	static const struct t_case cases[] = { T(accept_drops_all_but_the_host_s_privileged_and_takes_that), T(accept_gives_up_in_time),
		T(number_that_is_taken_makes_way_for_another), T(number_is_refused_where_all_are_taken_or_none_is_given), T(host_without_the_device_is_told_who_can_mend_it), T(so_is_who_only_asks),
		T(machine_without_the_device_was_given_none), T(launcher_calls_from_ports_that_are_not_everybody_s),
		T(guest_that_refuses_is_called_again) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
