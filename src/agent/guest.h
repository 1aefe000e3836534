/* What the agent does to the machine it is alone in. */
#pragma once
#include "base/err.h"

/* Platform "sample" has no machine: a private mount namespace stands for one. Makes every mount private, takes the unified
 * hierarchy out of a hybrid cgroup set-up (the runtime refuses hybrids; cgroups are off here), puts a tmpfs over `state`,
 * becomes the reaper of orphans, and lets nobody dump or trace this process. disk: a device with a file system, which is mounted in there as "disk";
 * NULL: there is none. */
enum coffer_rc guest_prepare(const char *state, const char *disk, struct err *e) NODISCARD;
