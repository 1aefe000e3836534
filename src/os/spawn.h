/* Start a program with an exact set of file descriptors, and nothing else of ours. */
#pragma once
#include "base/err.h"
#include <sys/types.h>
#include <stdbool.h>
#include <stdint.h>

struct spawn {
	const char *const *argv;  /* argv[0] is the path; NULL-terminated */
	const char *const *env;   /* NULL = an empty environment but PATH */
	const int         *fds;   /* fds[i] becomes descriptor i; -1 = /dev/null */
	size_t             n_fds; /* at least 3; all higher descriptors are closed */
	const char        *cwd;   /* NULL = unchanged */
	const int         *program; /* a file of spawn_sealed that is run, argv[0] being its name alone; NULL = argv[0] */
	bool               die_with_parent;
	const int         *cgroup; /* a group's folder (os/cgroup.h): the program runs in it from its first instruction; NULL = the caller's */
};
/* fork + exec; reports an exec failure as an error here, not as an exit code. */
enum coffer_rc spawn_start(const struct spawn *s, pid_t *out, struct err *e) NODISCARD;
/* A copy of a program in memory that nobody can write to any more, its runner included. COFFER_E_INPUT: no ELF file; a script's reader would not find it. */
enum coffer_rc spawn_sealed(const char *path, int *out, struct err *e) NODISCARD;
/* Waits; *status is the exit code, or 128 + signal. */
enum coffer_rc spawn_wait(pid_t pid, int *status, struct err *e) NODISCARD;
/* The same, for at most ms milliseconds: then it is killed and awaited, *timed_out is true and *status is as of any that was. */
enum coffer_rc spawn_wait_for(pid_t pid, int64_t ms, int *status, bool *timed_out, struct err *e) NODISCARD;
/* Runs and collects stdout and stderr together (at most max bytes; the rest is dropped). */
enum coffer_rc spawn_run(const struct spawn *s, size_t max, char **output, int *status, struct err *e) NODISCARD;
