#include "agent/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"

#define TABLE_MAX (8u << 20) /* bytes of /proc/net/tcp: some 50000 connections */

DEFINE_CLEANUP(DIR *, closedir)

/* The next word of a line, blanks skipped. */
static struct span word(struct span *line)
{
	struct span w;

	while (line->n > 0 && line->p[0] == ' ')
		*line = span_skip(*line, 1);
	w = (struct span){ line->p, span_find(*line, ' ') };
	*line = span_skip(*line, w.n);
	return w;
}

/* /proc prints addresses as 32-bit words of memory in hexadecimal, ports as numbers. */
static void address(char *out, size_t n, bool v6, uint32_t ip, uint16_t port)
{
	const uint8_t b[4] = { (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip };
	const uint8_t f[4] = { 0, 0, 0xff, 0xff };
	uint32_t memory, mapped;

	memcpy(&memory, b, sizeof(memory));
	memcpy(&mapped, f, sizeof(mapped));
	if (v6)
		(void)snprintf(out, n, "0000000000000000%08X%08X:%04X", mapped, memory, port);
	else
		(void)snprintf(out, n, "%08X:%04X", memory, port);
}

static bool line_matches(struct span line, const char *local, const char *remote, uint64_t *inode)
{
	struct span w = word(&line); /* "0:" */

	if (w.n < 2 || w.p[w.n - 1] != ':' || !span_eq_str(word(&line), local) || !span_eq_str(word(&line), remote))
		return false;
	for (int skip = 0; skip < 6; skip++) /* state, queues, timer, retransmissions, uid, timeout */
		w = word(&line);
	return span_u64(word(&line), inode) && *inode > 0;
}

bool proc_tcp_inode(struct span text, bool v6, const struct proc_peer *p, uint64_t *inode)
{
	char local[48], remote[48];
	uint64_t found = 0;
	size_t hits = 0;

	address(local, sizeof(local), v6, p->local_ip, p->local_port);
	address(remote, sizeof(remote), v6, p->remote_ip, p->remote_port);
	while (text.n > 0) {
		struct span line = { text.p, span_find(text, '\n') };
		uint64_t n = 0;

		text = span_skip(text, line.n + 1);
		if (line_matches(line, local, remote, &n)) {
			found = n;
			hits++;
		}
	}
	if (hits != 1)
		return false;
	*inode = found;
	return true;
}

static enum coffer_rc socket_inode(const struct proc_peer *p, uint64_t *inode, struct err *e)
{
	static const char *const table[] = { "/proc/net/tcp", "/proc/net/tcp6" };

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(wr_close) struct wr text = wr_open(TABLE_MAX);

		TRY(file_read(table[i], TABLE_MAX, &text, e));
		if (proc_tcp_inode(wr_span(&text), i == 1, p, inode))
			return COFFER_OK;
	}
	return err_deny(e, "gate", "the caller's socket is gone");
}

static bool is_pid(const char *name)
{
	uint64_t n;

	return span_u64(span_of(name), &n);
}

static bool pid_namespace(int proc, const char *pid, ino_t *out)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%.20s/ns/pid", pid);
	if (fstatat(proc, path, &st, 0) != 0)
		return false;
	*out = st.st_ino;
	return true;
}

/* Whether the process has a descriptor of the socket. */
static bool holds(int proc, const char *pid, uint64_t inode)
{
	char path[64], want[48], link[64];
	CLEANUP(closedirp) DIR *d = NULL;
	int fd;

	(void)snprintf(path, sizeof(path), "%.20s/fd", pid);
	(void)snprintf(want, sizeof(want), "socket:[%llu]", (unsigned long long)inode);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		closep(&fd);
		return false;
	}
	for (struct dirent *f = readdir(d); f; f = readdir(d)) {
		ssize_t n = readlinkat(dirfd(d), f->d_name, link, sizeof(link) - 1);

		if (n > 0 && span_eq_str((struct span){ (const uint8_t *)link, (size_t)n }, want))
			return true;
	}
	return false;
}

enum coffer_rc proc_holder(const struct proc_peer *p, ino_t *pidns, struct err *e)
{
	CLEANUP(closedirp) DIR *d = opendir("/proc");
	uint64_t inode = 0;
	ino_t found = 0;

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "/proc: %s", strerror(errno));
	TRY(socket_inode(p, &inode, e));
	for (struct dirent *f = readdir(d); f; f = readdir(d)) {
		ino_t ns = 0;

		if (!is_pid(f->d_name) || !holds(dirfd(d), f->d_name, inode))
			continue;
		if (!pid_namespace(dirfd(d), f->d_name, &ns) || (found && ns != found))
			return err_deny(e, "gate", "the caller's socket is held in several places");
		found = ns;
	}
	if (!found)
		return err_deny(e, "gate", "nobody holds the caller's socket");
	*pidns = found;
	return COFFER_OK;
}

/* /proc/<pid>/stat: the name in brackets may hold anything, so counting starts behind the last bracket. */
static void add_usage(int proc, const char *pid, struct proc_use *u)
{
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK), page = (uint64_t)sysconf(_SC_PAGESIZE), v = 0;
	char path[64], text[1024];
	ssize_t got, at;
	struct span s;
	CLEANUP(closep) int fd = -1;

	(void)snprintf(path, sizeof(path), "%.20s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	got = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	for (at = got; at > 0 && text[at - 1] != ')';)
		at--;
	if (at <= 0 || ticks == 0)
		return;
	u->processes++;
	s = (struct span){ (const uint8_t *)text + at, (size_t)(got - at) };
	for (int field = 3; field <= 24; field++) {
		struct span w = word(&s);

		if ((field == 14 || field == 15) && span_u64(w, &v)) /* utime, stime */
			u->cpu_ns += v * (1000000000u / ticks);
		if (field == 24 && span_u64(w, &v)) /* rss */
			u->memory += v * page;
	}
}

void proc_usage(ino_t pidns, struct proc_use *out)
{
	CLEANUP(closedirp) DIR *d = opendir("/proc");
	struct proc_use u = { 0 };

	for (struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d)) {
		ino_t ns = 0;

		if (is_pid(f->d_name) && pid_namespace(dirfd(d), f->d_name, &ns) && ns == pidns)
			add_usage(dirfd(d), f->d_name, &u);
	}
	*out = u;
}
