/* Kills a process at one chosen step of what it does: just before the n-th call by which it writes to a file or a socket,
 * syncs, cuts or removes. So a test can go through all of them, one by one, and miss none: after one is before the next. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/* From now on counts the victim's such calls, from 0; before that with the number `step` it dies (SIGKILL).
 * The victim is no child that the caller must keep from being traced by others, and the caller may trace it (root, or the
 * victim is dumpable). Returns the tracing process, -1 when it cannot be done. */
pid_t stepkill_start(pid_t victim, unsigned step);

/* Once the victim is dead or about to end by itself: whether it was this that killed it. */
bool stepkill_end(pid_t tracer);
