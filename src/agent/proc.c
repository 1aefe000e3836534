#include "agent/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"

#define STAT_MAX 1024

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

static bool is_pid(const char *name, pid_t *pid)
{
	uint64_t n = 0;
	bool is = span_u64(span_of(name), &n) && n > 0 && n < 1u << 30;

	*pid = (pid_t)n;
	return is;
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

/* /proc/<pid>/stat from its third field on: the name in brackets before may hold anything, so counting starts behind the last bracket. */
static bool read_stat(int proc, const char *pid, char text[static STAT_MAX], struct span *out)
{
	char path[64];
	ssize_t got, at;
	CLEANUP(closep) int fd = -1;

	(void)snprintf(path, sizeof(path), "%.20s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	got = fd >= 0 ? read(fd, text, STAT_MAX) : -1;
	for (at = got; at > 0 && text[at - 1] != ')';)
		at--;
	if (at <= 0)
		return false;
	*out = (struct span){ (const uint8_t *)text + at, (size_t)(got - at) };
	return true;
}

bool proc_parent(int proc, const char *name, pid_t *pid, pid_t *parent)
{
	char text[STAT_MAX];
	uint64_t n = 0;
	struct span s;

	if (!is_pid(name, pid) || !read_stat(proc, name, text, &s))
		return false;
	(void)word(&s); /* its state */
	if (!span_u64(word(&s), &n) || n > 1u << 30)
		return false;
	*parent = (pid_t)n;
	return true;
}

static void add_usage(int proc, const char *pid, struct proc_use *u)
{
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK), page = (uint64_t)sysconf(_SC_PAGESIZE), v = 0;
	char text[STAT_MAX];
	struct span s;

	if (ticks == 0 || !read_stat(proc, pid, text, &s))
		return;
	u->processes++;
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
		pid_t pid;

		if (is_pid(f->d_name, &pid) && pid_namespace(dirfd(d), f->d_name, &ns) && ns == pidns)
			add_usage(dirfd(d), f->d_name, &u);
	}
	*out = u;
}
