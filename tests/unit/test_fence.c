/* Process groups and the fence around them, on this machine's kernel: root is needed. */
#include "tests/t.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/fence.h"
#include "base/own.h"
#include "base/str.h"
#include "os/cgroup.h"
#include "os/spawn.h"

#define PREFIX "coffer-t-" /* no agent's */
#define PORT 8006

static bool there(const struct cgroup *g, const char *name)
{
	struct stat st;

	return fstatat(g->root, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void dead_owners_are_swept_and_living_ones_spared(void)
{
	struct cgroup living, dead, next;
	struct err e = { 0 };
	int in_living = -1, in_dead = -1;

	CHECK(cgroup_open(PREFIX, &living, &e) == COFFER_OK && cgroup_make(&living, "c0", &in_living, &e) == COFFER_OK);
	CHECK(cgroup_open(PREFIX, &dead, &e) == COFFER_OK && cgroup_make(&dead, "c0", &in_dead, &e) == COFFER_OK);
	CHECK(strcmp(living.name, dead.name) != 0 && cgroup_make(&dead, "c0", &in_dead, &e) == COFFER_E_SYSTEM);
	(void)close(in_living);
	(void)close(in_dead);
	(void)close(dead.dir); /* as the kernel does for a killed one */
	CHECK(cgroup_open(PREFIX, &next, &e) == COFFER_OK);
	CHECK(there(&next, living.name) && !there(&next, dead.name) && there(&living, next.name));
	(void)close(dead.root);
	cgroup_close(&living);
	CHECK(!there(&next, living.name) && living.root == -1 && living.dir == -1);
	cgroup_close(&next);
	cgroup_close(&next);
}

struct group { struct cgroup all; int dir; };

static bool group_new(struct group *g)
{
	struct err e = { 0 };

	return cgroup_open(PREFIX, &g->all, &e) == COFFER_OK && cgroup_make(&g->all, "c7", &g->dir, &e) == COFFER_OK;
}

static void group_end(struct group *g)
{
	(void)close(g->dir);
	cgroup_remove(&g->all, "c7");
	cgroup_close(&g->all);
}

static void program_starts_in_its_group(void)
{
	static const char *const argv[] = { "/bin/cat", "/proc/self/cgroup", NULL };
	const int fds[3] = { -1, -1, -1 };
	struct group g;
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .cgroup = &g.dir };
	struct err e = { 0 };
	char *text = NULL, *want;
	int status = 1;

	CHECK(group_new(&g));
	want = str_fmt("/%s/c7\n", g.all.name);
	CHECK(spawn_run(&s, 65536, &text, &status, &e) == COFFER_OK && status == 0 && want && text && strstr(text, want));
	free(want);
	free(text);
	group_end(&g);
}

static void group_that_cannot_be_entered_starts_nothing(void)
{
	static const char *const argv[] = { "/bin/true", NULL };
	const int fds[3] = { -1, -1, -1 };
	struct err e = { 0 };
	int group = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .cgroup = &group };
	pid_t pid = -1;

	CHECK(spawn_start(&s, &pid, &e) != COFFER_OK && pid == -1);
	(void)close(group);
}

static struct fence fence(uint32_t own, uint16_t port)
{
	return (struct fence){ .own = own, .port = port };
}

static enum coffer_rc held(int group, struct fence f)
{
	struct err e = { 0 };

	return fence_check(group, &f, &e);
}

static void fence_holds_only_where_it_is(void)
{
	const struct endpoint service = { INADDR_LOOPBACK, 8443 };
	struct fence f = fence(fence_address(6), PORT);
	struct err e = { 0 };
	struct group g;

	CHECK(group_new(&g));
	CHECK(held(g.dir, f) == COFFER_E_SYSTEM);
	CHECK(fence_attach(g.dir, &f, &e) == COFFER_OK);
	CHECK(held(g.dir, f) == COFFER_OK);
	CHECK(held(g.dir, fence(fence_address(5), PORT)) == COFFER_E_SYSTEM); /* another's */
	CHECK(held(g.dir, fence(fence_address(6), PORT + 1)) == COFFER_E_SYSTEM);
	f.closed = &service;
	f.n_closed = 1;
	CHECK(held(g.dir, f) == COFFER_E_SYSTEM);
	group_end(&g);
}

/* ---- the agent's endpoints ---- */

static struct sockaddr_in at4(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip) };
}

static int listen_at(uint32_t ip, uint16_t *port)
{
	struct sockaddr_in at = at4(ip, *port);
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 8) != 0 || getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	*port = ntohs(at.sin_port);
	return fd;
}

struct way { const char *name; int (*try)(uint32_t ip, uint16_t port); int want; }; /* 0: it went; else errno */

static int said(int rc)
{
	return rc < 0 ? errno : 0;
}

static int by_stream(int protocol, uint32_t ip, uint16_t port)
{
	struct sockaddr_in to = at4(ip, port);
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return EPERM; /* no such protocol here */
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return 0;
	return errno == EINPROGRESS ? 0 : errno;
}

static int by_tcp(uint32_t ip, uint16_t port)
{
	return by_stream(0, ip, port);
}

static int by_mptcp(uint32_t ip, uint16_t port)
{
	return by_stream(262, ip, port);
}

static int by_zero(uint32_t ip, uint16_t port)
{
	(void)ip;
	return by_stream(0, 0, port);
}

static int by_mapped(uint32_t ip, uint16_t port)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr.s6_addr = { [10] = 0xff, 0xff, (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip } };
	CLEANUP(closep) int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return EPERM; /* no IPv6 here */
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS ? 0 : errno;
}

static int by_mapped_zero(uint32_t ip, uint16_t port)
{
	(void)ip;
	return by_mapped(0, port);
}

static int by_fast_open(uint32_t ip, uint16_t port)
{
	struct sockaddr_in to = at4(ip, port);
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ssize_t n = sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to));

	return n < 0 && errno != EINPROGRESS ? errno : 0;
}

/* The kernel's own way to an address from 0.0.0.0 is by the source's: what leaves is looked at too. */
static int by_raw(uint32_t ip, uint16_t port)
{
	struct { struct iphdr ip; struct tcphdr tcp; } p = { .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP } };
	struct sockaddr_in to = at4(ip, 0);
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	p.ip.saddr = htonl(INADDR_LOOPBACK);
	p.ip.daddr = to.sin_addr.s_addr;
	p.tcp.source = htons(4);
	p.tcp.dest = htons(port);
	p.tcp.doff = 5;
	p.tcp.syn = 1;
	return said((int)sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)));
}

static int by_datagram(uint32_t ip, uint16_t port)
{
	struct sockaddr_in to = at4(ip, port);
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return said(connect(fd, (struct sockaddr *)&to, sizeof(to))) ? EPERM : said((int)send(fd, "x", 1, 0));
}

static int tried(int group, const struct way *w, uint32_t ip, uint16_t port)
{
	pid_t pid = group >= 0 ? cgroup_fork(group) : fork();
	struct err e = { 0 };
	int status = -1;

	if (pid == 0)
		_exit(w->try(ip, port));
	return spawn_wait(pid, &status, &e) == COFFER_OK ? status : -1;
}

static void nothing_leads_to_the_agents_endpoints_and_everything_beside_them(void)
{
	static const struct way ways[] = {
		{ "tcp", by_tcp, EPERM }, { "mptcp", by_mptcp, EPERM }, { "zero", by_zero, EPERM }, { "mapped", by_mapped, EPERM }, { "mapped zero", by_mapped_zero, EPERM },
		{ "fast open", by_fast_open, EPERM }, { "raw", by_raw, EPERM }, { "datagram", by_datagram, 0 },
	};
	static const struct way plain = { "tcp", by_tcp, 0 }, raw = { "raw", by_raw, 0 };
	struct endpoint closed[3] = { { INADDR_LOOPBACK + 8, 1 }, { INADDR_LOOPBACK, 0 }, { INADDR_LOOPBACK + 9, 2 } };
	struct fence f = { .own = fence_address(6), .port = PORT, .closed = closed, .n_closed = 3 };
	uint16_t other = 0;
	struct err e = { 0 };
	struct group g;
	int listener, beside, elsewhere;

	listener = listen_at(INADDR_LOOPBACK, &closed[1].port);
	elsewhere = listen_at(INADDR_LOOPBACK + 5, &closed[1].port);
	beside = listen_at(INADDR_LOOPBACK, &other);
	CHECK(listener >= 0 && beside >= 0 && elsewhere >= 0 && group_new(&g) && fence_attach(g.dir, &f, &e) == COFFER_OK);
	CHECK(held(g.dir, f) == COFFER_OK);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int in = tried(g.dir, &ways[i], INADDR_LOOPBACK, closed[1].port);

		if (in != ways[i].want)
			printf("# %s: %d\n", ways[i].name, in);
		CHECK(in == ways[i].want);
	}
	CHECK(tried(-1, &plain, INADDR_LOOPBACK, closed[1].port) == 0 && tried(-1, &raw, INADDR_LOOPBACK, closed[1].port) == 0);
	CHECK(tried(g.dir, &plain, INADDR_LOOPBACK, other) == 0 && tried(g.dir, &plain, INADDR_LOOPBACK + 5, closed[1].port) == 0);
	CHECK(tried(g.dir, &raw, INADDR_LOOPBACK, other) == 0);
	group_end(&g);
	(void)close(listener);
	(void)close(beside);
	(void)close(elsewhere);
}

static void more_endpoints_than_a_program_holds_are_refused(void)
{
	struct endpoint closed[FENCE_CLOSED_MAX + 1];
	struct fence f = { .own = fence_address(6), .port = PORT, .closed = closed, .n_closed = FENCE_CLOSED_MAX };
	struct err e = { 0 };
	struct group g;

	for (size_t i = 0; i <= FENCE_CLOSED_MAX; i++)
		closed[i] = (struct endpoint){ INADDR_LOOPBACK + 1, (uint16_t)(i + 1) };
	CHECK(group_new(&g) && fence_attach(g.dir, &f, &e) == COFFER_OK && held(g.dir, f) == COFFER_OK);
	f.n_closed++;
	CHECK(fence_attach(g.dir, &f, &e) == COFFER_E_LIMIT);
	group_end(&g);
}

#define ELSE 254 /* given, but only where there is a terminal: anything but EPERM */

/* 0: opens; else errno. In a process of the group (-1: of none). */
static int opens(int group, const char *path)
{
	pid_t pid = group >= 0 ? cgroup_fork(group) : fork();
	struct err e = { 0 };
	int status = -1;

	if (pid == 0) {
		int fd = open(path, O_RDWR | O_CLOEXEC);

		_exit(fd >= 0 ? 0 : errno);
	}
	return spawn_wait(pid, &status, &e) == COFFER_OK ? status : -1;
}

static void no_device_opens_but_those_of_every_container(void)
{
	static const struct { const char *name; mode_t type; unsigned major, minor; int in; } n[] = {
		{ "null", S_IFCHR, 1, 3, 0 }, { "zero", S_IFCHR, 1, 5, 0 }, { "full", S_IFCHR, 1, 7, 0 }, { "random", S_IFCHR, 1, 8, 0 },
		{ "urandom", S_IFCHR, 1, 9, 0 }, { "ptmx", S_IFCHR, 5, 2, ELSE }, { "tty", S_IFCHR, 5, 0, ELSE }, { "pty", S_IFCHR, 136, 77, ELSE }, { "fuse", S_IFCHR, 10, 229, EPERM }, { "tun", S_IFCHR, 10, 200, EPERM },
		{ "tpm0", S_IFCHR, 10, 224, EPERM }, { "mem", S_IFCHR, 1, 1, EPERM }, { "kmsg", S_IFCHR, 1, 11, EPERM }, { "console", S_IFCHR, 5, 1, EPERM },
		{ "vda", S_IFBLK, 254, 0, EPERM }, { "loop0", S_IFBLK, 7, 0, EPERM }, { "major5", S_IFBLK, 5, 2, EPERM }, { "pts", S_IFBLK, 136, 0, EPERM },
	};
	char dir[] = "/tmp/coffer-nodes-XXXXXX";
	struct fence f = fence(fence_address(6), PORT);
	struct err e = { 0 };
	struct group g;
	int in;

	CHECK(mkdtemp(dir) && group_new(&g) && fence_attach(g.dir, &f, &e) == COFFER_OK);
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		CLEANUP(freep) char *path = str_fmt("%s/%s", dir, n[i].name);

		CHECK(path && mknod(path, n[i].type | 0666, makedev(n[i].major, n[i].minor)) == 0);
		in = opens(g.dir, path);
		if (in != n[i].in)
			printf("# %s: %d\n", n[i].name, in);
		CHECK(n[i].in == ELSE ? in != EPERM && in >= 0 : in == n[i].in);
		CHECK(n[i].in != 0 || opens(-1, path) == 0);
		(void)unlink(path);
	}
	group_end(&g);
	(void)rmdir(dir);
}

static void fence_at_no_group_is_an_error(void)
{
	struct err e = { 0 };
	struct fence f = fence(fence_address(0), PORT);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(fence_attach(fd, &f, &e) == COFFER_E_SYSTEM && strstr(e.msg, "fence"));
	(void)close(fd);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(dead_owners_are_swept_and_living_ones_spared), T(program_starts_in_its_group), T(group_that_cannot_be_entered_starts_nothing),
		T(fence_holds_only_where_it_is), T(nothing_leads_to_the_agents_endpoints_and_everything_beside_them),
		T(more_endpoints_than_a_program_holds_are_refused), T(no_device_opens_but_those_of_every_container), T(fence_at_no_group_is_an_error),
	};

	if (geteuid() != 0) {
		printf("1..0 # SKIP groups need root\n");
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
