/* The end of a lease, whatever the agent is waiting for just then: a kernel timer on CLOCK_BOOTTIME whose handler kills the first
 * process of a container, and with it all of its pid namespace. The agent's one loop also waits for registry and service, over a
 * network that the host owns; a host that lets it wait must gain no time by it. What is left (files) is wiped when the loop is back.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Once, before there is a container. COFFER_E_SYSTEM. */
enum coffer_rc guard_open(struct err *e) NODISCARD;
/* Container i's process dies at `at`, ms of CLOCK_BOOTTIME, unless this is called again. pidfd is borrowed until guard_clear. */
void guard_set(size_t i, int pidfd, int64_t at);
void guard_clear(size_t i);
