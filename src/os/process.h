/* A process that is not our child, known by its number and the time it started, so that a number which the kernel gave again is never
 * taken for it. Times are the kernel's ticks since the machine started: they say nothing after a restart (process_boot). */
#pragma once
#include <sys/types.h>

#include "base/err.h"
#include "base/rd.h"

#define PROCESS_BOOT_LEN 37 /* a UUID and its NUL */

struct process { pid_t pid; uint64_t start; };

/* Text of /proc/<pid>/stat: when it started, and that it has not ended (no zombie). Pure. COFFER_E_INPUT. */
enum coffer_rc process_stat(struct span text, uint64_t *start, bool *ended, struct err *e) NODISCARD;

/* COFFER_E_NOTFOUND when there is none, or it has ended. */
enum coffer_rc process_of(pid_t pid, struct process *out, struct err *e) NODISCARD;
/* A pidfd of that very process. COFFER_E_NOTFOUND: it is gone; COFFER_E_SYSTEM: whether it is cannot be seen. */
enum coffer_rc process_open(const struct process *p, int *out, struct err *e) NODISCARD;
/* Sends the signal and waits until it has ended. COFFER_E_UPSTREAM after ms; OK when it is gone already; COFFER_E_SYSTEM: it was sent none, and says who can. */
enum coffer_rc process_end(const struct process *p, int sig, int64_t ms, struct err *e) NODISCARD;
/* This start of the machine. */
enum coffer_rc process_boot(char out[static PROCESS_BOOT_LEN], struct err *e) NODISCARD;
