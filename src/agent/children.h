/* Children of the agent that it did not make: what a runtime left that was ended, and processes that one beside a container's own made with CLONE_PARENT. */
#pragma once
#include "agent/agent.h"

/* Kills and awaits those in container i's group, but for the container's own process and those beside it that the agent knows. */
void children_end(const struct agent *a, size_t i);
/* Awaits a child that was killed. The first of a process namespace has not ended before all others in it are awaited, such children among them: where they end
 * meanwhile they are forgotten. Not for ever. */
void children_await(const struct agent *a, pid_t pid);
