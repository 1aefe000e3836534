/* The end of a lease, whatever the agent is waiting for just then: a timer on CLOCK_BOOTTIME, in a thread that does nothing else, kills the first process of a
 * container, and with it all of its pid namespace, and wipes the plain files of sealed volumes. The agent's one loop also waits for registry,
 * service, runtime and a disk, all of which the host can hold up, and for the disk in the kernel, where no signal reaches; a host that lets it wait must gain
 * no time by it. What is left (other files) is removed when the loop is back.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Once, before there is a container. COFFER_E_SYSTEM. */
enum coffer_rc guard_open(struct err *e) NODISCARD;
/* Container i's process dies at `at`, ms of CLOCK_BOOTTIME, unless this is called again. pidfd is borrowed until guard_clear. */
void guard_set(size_t i, int pidfd, int64_t at);
void guard_clear(size_t i);
/* The same of volume v's plain file, which guard_wipe is done to. fd is open for writing, and borrowed until guard_file_clear: it stays open from when the file
 * was made, because to open it is what a container could delay (F_SETLEASE). */
void guard_file(size_t v, int fd, int64_t at);
void guard_file_clear(size_t v);
bool guard_wiped(size_t v); /* it has been done, since guard_file */
/* Between these two, which nest, nothing ends: what is read of the clock in between and what guard_set and guard_file are told of it are of one moment. */
void guard_hold(void);
void guard_release(void);
/* Overwrites what is in the file with zeros and empties it. On tmpfs the bytes that are overwritten are the bytes that were there, for whoever has it mapped or
 * on its way through a pipe too. False: not wholly. */
bool guard_wipe(int fd) NODISCARD;
