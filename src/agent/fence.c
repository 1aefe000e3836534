#include "agent/fence.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "os/cgroup.h"
#include "os/spawn.h"

/* One instruction each; registers and offsets as in linux/bpf.h. Immediates are 32-bit patterns. */
#define LOAD(dst, src, o) { BPF_LDX | BPF_MEM | BPF_W, dst, src, o, 0 }
#define LOAD_BYTE(dst, src, o) { BPF_LDX | BPF_MEM | BPF_B, dst, src, o, 0 }
#define LOAD_HALF(dst, src, o) { BPF_LDX | BPF_MEM | BPF_H, dst, src, o, 0 }
#define STORE(dst, src, o) { BPF_STX | BPF_MEM | BPF_W, dst, src, o, 0 }
#define SET(dst, v) { BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, (int32_t)(v) }
#define COPY(dst, src) { BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0 }
#define ADD(dst, v) { BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, v }
#define AND(dst, v) { BPF_ALU | BPF_AND | BPF_K, dst, 0, 0, (int32_t)(v) }
#define NOT_EQUAL(dst, v, skip) { BPF_JMP32 | BPF_JNE | BPF_K, dst, 0, skip, (int32_t)(v) }
#define EQUAL(dst, v, skip) { BPF_JMP32 | BPF_JEQ | BPF_K, dst, 0, skip, (int32_t)(v) }
#define CALL(f) { BPF_JMP | BPF_CALL, 0, 0, 0, f }
#define END { BPF_JMP | BPF_EXIT, 0, 0, 0, 0 }

#define ADDR(member) offsetof(struct bpf_sock_addr, member)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LOG_MAX 4096
#define PER_ENDPOINT 5 /* instructions, in put_refusals */

struct program {
	const struct bpf_insn *insn;
	size_t n;
	enum bpf_prog_type   type;
	enum bpf_attach_type where;
};

/* Pointers go into the kernel's structures as numbers. */
static uint64_t number(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* log NULL: the kernel writes none, which would be most of what a load costs. */
static int load(const struct program *p, char *log)
{
	static const char licence[] = "Apache-2.0"; /* no helper used here asks for another */
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.prog_type = p->type;
	a.expected_attach_type = p->where;
	a.insns = number(p->insn);
	a.insn_cnt = (uint32_t)p->n;
	a.license = number(licence);
	a.log_buf = number(log);
	a.log_size = log ? LOG_MAX : 0;
	a.log_level = log ? 1 : 0;
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
}

static enum coffer_rc not_taken(const struct program *p, int why, struct err *e)
{
	char log[LOG_MAX] = "";
	int again = load(p, log);

	closep(&again);
	return err_set(e, COFFER_E_SYSTEM, "fence: the kernel takes no program of kind %d: %s: %.100s", (int)p->where, strerror(why), log);
}

static enum coffer_rc attach(int group, const struct program *p, struct err *e)
{
	CLEANUP(closep) int prog = load(p, NULL);
	union bpf_attr a;

	if (prog < 0)
		return not_taken(p, errno, e);
	memset(&a, 0, sizeof(a));
	a.target_fd = (uint32_t)group;
	a.attach_bpf_fd = (uint32_t)prog;
	a.attach_type = p->where;
	a.attach_flags = BPF_F_ALLOW_MULTI; /* beside what the machine has above us */
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &a, sizeof(a)) != 0)
		return err_set(e, COFFER_E_SYSTEM, "fence: program of kind %d: %s", (int)p->where, strerror(errno));
	return COFFER_OK;
}

/* ---- what is made of pieces, as many as there are endpoints ---- */

struct text { struct bpf_insn insn[64 + PER_ENDPOINT * FENCE_CLOSED_MAX]; size_t n; };
#define PUT(t, ...) put(t, (const struct bpf_insn[]){ __VA_ARGS__ }, COUNT(((const struct bpf_insn[]){ __VA_ARGS__ })))

static void put(struct text *t, const struct bpf_insn *insn, size_t n)
{
	memcpy(t->insn + t->n, insn, n * sizeof(*insn));
	t->n += n;
}

/* Ends with 0 where register 2 is the port of one and register 3 its address; or 0.0.0.0, which the kernel takes for an address of loopback's. */
static void put_refusals(struct text *t, const struct fence *f)
{
	for (size_t i = 0; i < f->n_closed; i++)
		PUT(t, NOT_EQUAL(2, htons(f->closed[i].port), 4), EQUAL(3, htonl(f->closed[i].ip), 1), NOT_EQUAL(3, 0, 2), SET(0, 0), END);
}

/* 0.0.0.0 as well: the kernel takes it for 127.0.0.1, where another container may listen. */
static enum coffer_rc connect4(int group, const struct fence *f, struct err *e)
{
	struct text t = { .n = 0 };
	int16_t all = (int16_t)(PER_ENDPOINT * f->n_closed);

	PUT(&t, LOAD(2, 1, ADDR(type)), NOT_EQUAL(2, SOCK_STREAM, (int16_t)(2 + all)), LOAD(2, 1, ADDR(user_port)), LOAD(3, 1, ADDR(user_ip4)));
	put_refusals(&t, f);
	PUT(&t, LOAD(2, 1, ADDR(user_port)), NOT_EQUAL(2, htons(f->port), 5),
	    LOAD(2, 1, ADDR(user_ip4)), EQUAL(2, 0, 1), NOT_EQUAL(2, htonl(0x7f000001), 2),
	    SET(2, htonl(f->own)), STORE(1, 2, ADDR(user_ip4)),
	    SET(0, 1), END);
	return attach(group, &(struct program){ t.insn, t.n, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT }, e);
}

/* ::1, ::, ::ffff:127.0.0.1 and ::ffff:0.0.0.0 all become ::ffff:<own>. The agent's endpoints have IPv4 alone: what is mapped. */
static enum coffer_rc connect6(int group, const struct fence *f, struct err *e)
{
	struct text t = { .n = 0 };
	int16_t all = (int16_t)(PER_ENDPOINT * f->n_closed);

	PUT(&t, LOAD(2, 1, ADDR(type)), NOT_EQUAL(2, SOCK_STREAM, (int16_t)(8 + all)),
	    LOAD(2, 1, ADDR(user_ip6[0])), NOT_EQUAL(2, 0, (int16_t)(6 + all)),
	    LOAD(2, 1, ADDR(user_ip6[1])), NOT_EQUAL(2, 0, (int16_t)(4 + all)),
	    LOAD(2, 1, ADDR(user_ip6[2])), NOT_EQUAL(2, htonl(0xffff), (int16_t)(2 + all)),
	    LOAD(2, 1, ADDR(user_port)), LOAD(3, 1, ADDR(user_ip6[3])));
	put_refusals(&t, f);
	PUT(&t, LOAD(2, 1, ADDR(user_port)), NOT_EQUAL(2, htons(f->port), 16),
	    LOAD(2, 1, ADDR(user_ip6[0])), NOT_EQUAL(2, 0, 14),
	    LOAD(2, 1, ADDR(user_ip6[1])), NOT_EQUAL(2, 0, 12),
	    LOAD(2, 1, ADDR(user_ip6[2])), LOAD(3, 1, ADDR(user_ip6[3])),
	    NOT_EQUAL(2, 0, 2), EQUAL(3, htonl(1), 4), EQUAL(2, 0, 2),
	    NOT_EQUAL(2, htonl(0xffff), 6), EQUAL(3, htonl(0x7f000001), 1),
	    NOT_EQUAL(3, 0, 4),
	    SET(2, htonl(0xffff)), STORE(1, 2, ADDR(user_ip6[2])),
	    SET(2, htonl(f->own)), STORE(1, 2, ADDR(user_ip6[3])),
	    SET(0, 1), END);
	return attach(group, &(struct program){ t.insn, t.n, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT }, e);
}

/* To the agent's endpoints, however the packet came about: raw, or from a socket that was told 0.0.0.0. The protocol is at 9 of an IPv4 header, its own header at 20, as
 * there are no options (packets, below); TCP's second port is at 2 of that. Of a fragment that is not the first those bytes are others; TCP here has none. */
static enum coffer_rc endpoints(int group, const struct fence *f, struct err *e)
{
	struct text t = { .n = 0 };
	int16_t all = (int16_t)(PER_ENDPOINT * f->n_closed);

	PUT(&t, SET(2, 0), COPY(3, 10), ADD(3, -24), SET(4, 24), CALL(BPF_FUNC_skb_load_bytes), EQUAL(0, 0, 2), SET(0, 0), END,
	    LOAD_BYTE(2, 10, -24), NOT_EQUAL(2, 0x45, (int16_t)(4 + all)),
	    LOAD_BYTE(2, 10, -24 + 9), NOT_EQUAL(2, IPPROTO_TCP, (int16_t)(2 + all)),
	    LOAD_HALF(2, 10, -24 + 22), LOAD(3, 10, -24 + 16));
	put_refusals(&t, f);
	PUT(&t, SET(0, 1), END);
	return attach(group, &(struct program){ t.insn, t.n, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS }, e);
}

/* IPv4 header: version and length in the first byte, source at 12, destination at 16. Addresses only, so that fragments and
 * other protocols tell nothing else; options could name another destination (a source route), so whatever has some is dropped,
 * like a header that cannot be read. IPv6 has no way to an IPv4 listener. */
static enum coffer_rc packets(int group, uint32_t own, enum bpf_attach_type where, struct err *e)
{
	const struct bpf_insn insn[] = {
		SET(2, 0), COPY(3, 10), ADD(3, -24), SET(4, 20), CALL(BPF_FUNC_skb_load_bytes), NOT_EQUAL(0, 0, 15),
		LOAD_BYTE(2, 10, -24), EQUAL(2, 0x45, 3), AND(2, 0xf0), EQUAL(2, 0x40, 11), NOT_EQUAL(2, 0x40, 8),
		LOAD(2, 10, -12), EQUAL(2, htonl(own), 2), AND(2, htonl(FENCE_MASK)), EQUAL(2, htonl(FENCE_NET), 6),
		LOAD(2, 10, -8), EQUAL(2, htonl(own), 2), AND(2, htonl(FENCE_MASK)), EQUAL(2, htonl(FENCE_NET), 2),
		SET(0, 1), END,
		SET(0, 0), END,
	};

	return attach(group, &(struct program){ insn, COUNT(insn), BPF_PROG_TYPE_CGROUP_SKB, where }, e);
}

/* Of devices what every container is given in its /dev: null, zero, full, random, urandom; tty, ptmx; the pseudo-terminals. No
 * other opens, and no node of another is made, wherever it came from: an image, a volume, a capability. */
static enum coffer_rc devices(int group, struct err *e)
{
	const struct bpf_insn insn[] = {
		LOAD(2, 1, offsetof(struct bpf_cgroup_dev_ctx, access_type)), AND(2, 0xffff), NOT_EQUAL(2, BPF_DEVCG_DEV_CHAR, 10),
		LOAD(2, 1, offsetof(struct bpf_cgroup_dev_ctx, major)), LOAD(3, 1, offsetof(struct bpf_cgroup_dev_ctx, minor)),
		EQUAL(2, 136, 13), EQUAL(2, 5, 8), NOT_EQUAL(2, 1, 5),
		EQUAL(3, 3, 10), EQUAL(3, 5, 9), EQUAL(3, 7, 8), EQUAL(3, 8, 7), EQUAL(3, 9, 6),
		SET(0, 0), END,
		EQUAL(3, 0, 3), EQUAL(3, 2, 2),
		SET(0, 0), END,
		SET(0, 1), END,
	};

	return attach(group, &(struct program){ insn, COUNT(insn), BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE }, e);
}

enum coffer_rc fence_attach(int group, const struct fence *f, struct err *e)
{
	if (f->n_closed > FENCE_CLOSED_MAX)
		return err_set(e, COFFER_E_LIMIT, "fence: more than %d endpoints", FENCE_CLOSED_MAX);
	TRY(packets(group, f->own, BPF_CGROUP_INET_EGRESS, e));
	TRY(packets(group, f->own, BPF_CGROUP_INET_INGRESS, e));
	TRY(endpoints(group, f, e));
	TRY(devices(group, e));
	TRY(connect4(group, f, e));
	return connect6(group, f, e);
}

static struct sockaddr_in at4(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip) };
}

/* Datagrams are told at once what becomes of them. */
static bool holds_packets(int udp, uint32_t own, uint16_t port)
{
	struct sockaddr_in mine = at4(own, port), none = at4(FENCE_NET | ~FENCE_MASK, port);

	return sendto(udp, "", 0, 0, (struct sockaddr *)&mine, sizeof(mine)) == 0 &&
	    sendto(udp, "", 0, 0, (struct sockaddr *)&none, sizeof(none)) < 0 && errno == EPERM;
}

static bool leads4(int udp, uint32_t own, uint16_t port)
{
	struct sockaddr_in to = at4(INADDR_LOOPBACK, port);
	socklen_t n = sizeof(to);

	return connect(udp, (struct sockaddr *)&to, n) == 0 && getpeername(udp, (struct sockaddr *)&to, &n) == 0 &&
	    ntohl(to.sin_addr.s_addr) == own && ntohs(to.sin_port) == port;
}

static bool leads6(uint32_t own, uint16_t port)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const uint8_t want[16] = { [10] = 0xff, 0xff, (uint8_t)(own >> 24), (uint8_t)(own >> 16), (uint8_t)(own >> 8), (uint8_t)own };
	CLEANUP(closep) int udp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(to);

	if (udp < 0)
		return errno == EAFNOSUPPORT;
	return connect(udp, (struct sockaddr *)&to, n) == 0 && getpeername(udp, (struct sockaddr *)&to, &n) == 0 &&
	    memcmp(to.sin6_addr.s6_addr, want, sizeof(want)) == 0; /* public: addresses */
}

/* The kernel's log stands for the devices that are not given: whoever may read it opens it, where there is one. */
static bool holds_devices(void)
{
	CLEANUP(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(closep) int log = null < 0 ? -1 : open("/dev/kmsg", O_RDONLY | O_CLOEXEC);

	return null >= 0 && log < 0;
}

/* Nobody needs to listen there: what is refused is told so at once. */
static bool holds_endpoints(const struct fence *f)
{
	for (size_t i = 0; i < f->n_closed; i++) {
		struct sockaddr_in to = at4(f->closed[i].ip, f->closed[i].port);
		CLEANUP(closep) int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (tcp < 0 || connect(tcp, (struct sockaddr *)&to, sizeof(to)) == 0 || errno != EPERM)
			return false;
	}
	return true;
}

static bool fenced(const struct fence *f)
{
	CLEANUP(closep) int udp = -1;

	if (!holds_devices() || !holds_endpoints(f))
		return false;
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* not before: it belongs to where it is made */
	return udp >= 0 && holds_packets(udp, f->own, f->port) && leads4(udp, f->own, f->port) && leads6(f->own, f->port);
}

enum coffer_rc fence_check(int group, const struct fence *f, struct err *e)
{
	pid_t pid = cgroup_fork(group);
	int status = 1;

	if (pid == 0)
		_exit(fenced(f) ? 0 : 1);
	if (pid < 0)
		return err_set(e, COFFER_E_SYSTEM, "fence: a process in the group: %s", strerror(errno));
	TRY(spawn_wait(pid, &status, e));
	if (status != 0)
		return err_set(e, COFFER_E_SYSTEM, "fence: this kernel does not keep a container's sockets to its own group");
	return COFFER_OK;
}
