/* Two containers of one pod, for real: what one may ask of the local REST API must not come to the other.
 *
 * "spoof bus" runs where the entitlements are. It is what a message bus or a supervisor is: it takes descriptors from
 * strangers and gives them back. Meanwhile it uses the API for itself.
 * "spoof attack" runs where none are, with CAP_NET_RAW. It prints a word for everything that it should not be able to do
 * (vsock, packet, injected, routed, reached, stolen, sniffed), and what it saw otherwise.
 * "spoof vsock" says what became of a socket to the host.
 * "spoof delay FILE" says what became of a lease on it.
 * "spoof stop" stops every process that is made in its process namespace; "spoof sibling", run beside a container's own, leaves one that is its parent's child.
 * "spoof share" and "spoof hog": the first wants answers while the second occupies the API. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define API_PORT 8006
#define NET 0x7f500600u /* the listeners' */
#define MINE (NET + 2)  /* that of the manifest's second container, which the attacker is */
#define PATIENCE_MS 15000
#define HOGS 40

static const char ask[] = "GET /cdh/resource/hospital/note/greeting HTTP/1.1\r\nHost: x\r\n\r\n";

static bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* A connection, or -1 when there is none after ms. */
static int dial(const struct sockaddr *to, socklen_t n, int ms)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), why = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t k = sizeof(why);

	if (fd >= 0 && (connect(fd, to, n) == 0 || (errno == EINPROGRESS && poll(&p, 1, ms) == 1 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &k) == 0 && why == 0)))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static int dial4(uint32_t ip, int ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(API_PORT), .sin_addr.s_addr = htonl(ip) };

	return dial((struct sockaddr *)&to, sizeof(to), ms);
}

static int dial6(const char *ip)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(API_PORT) };

	(void)inet_pton(AF_INET6, ip, &to.sin6_addr);
	return dial((struct sockaddr *)&to, sizeof(to), PATIENCE_MS);
}

/* The status of the answer that comes, 0 for none. Closes fd. */
static int status_of(int fd)
{
	char reply[64] = "";
	int status = 0;

	if (fd >= 0 && readable(fd, PATIENCE_MS) && read(fd, reply, sizeof(reply) - 1) > 0)
		(void)sscanf(reply, "HTTP/1.1 %3d", &status);
	if (fd >= 0)
		(void)close(fd);
	return status;
}

static int ask_at(int fd)
{
	if (fd >= 0 && write(fd, ask, sizeof(ask) - 1) != (ssize_t)sizeof(ask) - 1)
		(void)shutdown(fd, SHUT_RDWR);
	return status_of(fd);
}

/* The containers meet at an abstract name: it is in the network that they share. */
static int meet(bool wait)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "\0bus" };
	socklen_t n = offsetof(struct sockaddr_un, sun_path) + 4;
	int fd = -1;

	if (wait) {
		int l = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		if (bind(l, (struct sockaddr *)&at, n) == 0 && listen(l, 1) == 0 && readable(l, PATIENCE_MS))
			fd = accept(l, NULL, NULL);
		(void)close(l);
		return fd;
	}
	for (int tries = 0; fd < 0 && tries < PATIENCE_MS / 20; tries++) {
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (connect(fd, (struct sockaddr *)&at, n) == 0)
			return fd;
		(void)close(fd);
		fd = -1;
		(void)usleep(20000);
	}
	return fd;
}

static void give(int to, int fd)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } c = { 0 };
	char byte = 'f';
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };

	c.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	(void)!sendmsg(to, &m, MSG_NOSIGNAL);
	(void)close(fd);
}

static int take(int from)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } c = { 0 };
	char byte;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int fd = -1;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) == 1 && m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(&c.head), sizeof(fd));
	return fd;
}

static void bus(void)
{
	int peer = meet(true), fd;
	unsigned answers = 0;

	do {
		answers += ask_at(dial4(INADDR_LOOPBACK, PATIENCE_MS)) == 200;
		fd = peer >= 0 && readable(peer, 20) ? take(peer) : -2;
		if (fd >= 0) { /* in its queue until something happens on it, as with any other */
			(void)readable(fd, PATIENCE_MS);
			give(peer, fd);
		}
	} while (fd != -1);
	(void)printf("own %u answers\nzero %d\n", answers, ask_at(dial4(INADDR_ANY, PATIENCE_MS)));
	fd = dial6("::1");
	if (fd < 0 && errno == EAFNOSUPPORT)
		(void)puts("mapped 200 200 six 200 200: there is no IPv6");
	else
		(void)printf("mapped %d %d six %d %d\n", ask_at(dial6("::ffff:127.0.0.1")), ask_at(dial6("::ffff:0.0.0.0")), ask_at(fd),
		    ask_at(dial6("::")));
}

/* The whole request is written, but the kernel holds it back: when the API reads it, only the bus holds the socket. */
static int in_flight(int to)
{
	int fd = dial4(INADDR_LOOPBACK, PATIENCE_MS), yes = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &yes, sizeof(yes));
	(void)!write(fd, ask, sizeof(ask) - 1);
	give(to, fd);
	return status_of(take(to));
}

static bool inject(int raw)
{
	struct { struct iphdr ip; struct tcphdr tcp; } p = { .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP } };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(NET + 1) };

	p.ip.saddr = htonl(INADDR_LOOPBACK);
	p.ip.daddr = htonl(NET + 1);
	p.tcp.dest = htons(API_PORT);
	return sendto(raw, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)) >= 0;
}

/* To another's listener by a source route: the address in the header is the way there, the last one is in an option. */
static bool routed(void)
{
	static const uint8_t loose[8] = { IPOPT_NOOP, IPOPT_LSRR, 7, IPOPT_MINOFF, 127, 0, 0, 1 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(API_PORT), .sin_addr.s_addr = htonl(NET + 1) };
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return setsockopt(udp, IPPROTO_IP, IP_OPTIONS, loose, sizeof(loose)) != 0 ||
	    sendto(udp, "", 0, 0, (struct sockaddr *)&to, sizeof(to)) == 0;
}

/* Of what a raw socket has heard: packets of another's listener are a find. */
static void sniff(int raw)
{
	unsigned heard = 0, found = 0;
	struct iphdr ip;

	while (recv(raw, &ip, sizeof(ip), MSG_DONTWAIT) == (ssize_t)sizeof(ip)) {
		uint32_t from = ntohl(ip.saddr), to = ntohl(ip.daddr);

		heard++;
		found += ((from & ~0xffu) == NET && from != MINE) || ((to & ~0xffu) == NET && to != MINE);
	}
	(void)printf("raw heard %u\n%s", heard, found ? "sniffed\n" : "");
}

static void attack(void)
{
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	int head = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	int peer, got;

	if (socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0)
		(void)puts("vsock");
	if (socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0 || socket(AF_INET, SOCK_PACKET | SOCK_CLOEXEC, 0) >= 0)
		(void)puts("packet");
	peer = meet(false);
	for (uint32_t i = 1; i <= 16; i++)
		if (NET + i != MINE && dial4(NET + i, 100) >= 0)
			(void)printf("reached %u\n", i);
	got = in_flight(peer);
	(void)printf("in flight %d\n%s", got, got == 200 ? "stolen\n" : "");
	if (inject(head))
		(void)puts("injected");
	if (routed())
		(void)puts("routed");
	sniff(raw);
	(void)close(peer);
}

static void vsock(void)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)printf("vsock %s\n", fd >= 0 ? "made" : errno == EPERM ? "forbidden" : strerror(errno));
}

static void hog(void)
{
	int fd[HOGS], peer = meet(false);
	char byte = 'h';

	for (int round = 0; round < 3; round++) { /* a machine that stands still for ten seconds ends a round, not the test */
		unsigned open = 0;

		for (int i = 0; i < HOGS; i++) {
			fd[i] = dial4(INADDR_LOOPBACK, PATIENCE_MS);
			(void)!write(fd[i], "G", 1);
		}
		if (write(peer, &byte, 1) != 1 || !readable(peer, 2 * PATIENCE_MS) || read(peer, &byte, 1) != 1)
			break;
		for (int i = 0; i < HOGS; i++) {
			open += fd[i] >= 0 && !readable(fd[i], 0);
			(void)close(fd[i]);
		}
		(void)printf("%c with %u of %d places wanted\n", byte, open, HOGS);
	}
	(void)close(peer);
}

/* While the agent answers HOGS times here, it has taken in as many of the others as it ever will. */
static void share(void)
{
	int peer = meet(true);
	char byte;

	while (read(peer, &byte, 1) == 1) {
		byte = 'y';
		for (int i = 0; i < HOGS && byte == 'y'; i++)
			byte = ask_at(dial4(INADDR_LOOPBACK, PATIENCE_MS)) == 200 ? 'y' : 'n';
		if (write(peer, &byte, 1) != 1)
			break;
	}
}

/* A file lease, which would hold up who opens the file to write in it. */
static void delay(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)puts(fcntl(fd, F_SETLEASE, F_RDLCK) == 0 ? "held" : errno == EAGAIN ? "refused" : strerror(errno));
}

static void stop(void)
{
	pid_t me = getpid();

	printf("stopping\n");
	for (;;)
		for (pid_t p = me + 1; p < me + 40; p++)
			(void)kill(p, SIGSTOP);
}

static void sibling(void)
{
	if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0) == 0) {
		(void)close_range(0, ~0U, 0);
		for (;;)
			(void)pause();
	}
	printf("left\n");
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } parts[] = {
		{ "bus", bus }, { "attack", attack }, { "hog", hog }, { "share", share }, { "vsock", vsock }, { "stop", stop }, { "sibling", sibling },
	};

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (argc == 2 && strcmp(argv[1], parts[i].name) == 0)
			parts[i].run();
	if (argc == 3 && strcmp(argv[1], "delay") == 0)
		delay(argv[2]);
	return 0;
}
