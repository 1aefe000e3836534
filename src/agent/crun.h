/* The container runtime, called and awaited; and what it leaves behind looked at. Inside agent/ only. */
#pragma once
#include "agent/agent.h"

/* Once, before any other: crun is run from memory, sealed, as it would see to itself each time so that no container can change it. Where that cannot be had
 * it still does. */
void           crun_seal(struct agent *a);
/* crun <verb> <more...> <flag> c<i>. out, err: what the container's process gets, -1 for nothing; group: a group's folder, NULL for ours. */
struct crun_call { const char *verb, *flag; const char *more[4]; int out, err; const int *group; };
/* COFFER_E_SYSTEM with the runtime's own words. It opens files of the container's image, and what it makes in the container the container can stop: after crun_wait_ms
 * it is killed, and with it what it made in the container and we do not know. The agent does nothing else meanwhile. */
extern int64_t crun_wait_ms; /* tests have less */
enum coffer_rc crun(struct agent *a, size_t i, const struct crun_call *c, struct err *e) NODISCARD;

/* What `crun start` does for a container without hooks, without running crun once more, which takes longer than all else at the start of a container. False: nothing
 * waits where crun (since 1.0) has its containers wait; then crun start says why, or starts it. */
bool crun_let_go(const struct agent *a, size_t i) NODISCARD;

/* The process in a file that crun wrote. It is a child of ours (guest.c makes us the reaper), so its number is its own until it is awaited.
 * *pidfd is the caller's even on failure (or -1). */
enum coffer_rc crun_process(const char *pid_file, pid_t *pid, int *pidfd, struct err *e) NODISCARD;
enum coffer_rc crun_pidns(pid_t pid, ino_t *out, struct err *e) NODISCARD;
/* That the process is in container i's group. */
enum coffer_rc crun_check_group(const struct agent *a, size_t i, pid_t pid, struct err *e) NODISCARD;
