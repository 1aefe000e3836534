/* What the agent does to the machine it is alone in. */
#pragma once
#include "base/err.h"

/* Platform "sample" has no machine: a private mount namespace stands for one. Makes every mount private, takes the unified
 * hierarchy out of a hybrid cgroup set-up (the runtime refuses hybrids; cgroups are off here), puts a tmpfs over `state`,
 * becomes the reaper of orphans, and lets nobody dump or trace this process. */
enum coffer_rc guest_prepare(const char *state, struct err *e) NODISCARD;
