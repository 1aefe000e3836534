/* What a container uses, and who is whose child: read from /proc. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Sums over the processes of one process namespace. */
struct proc_use { uint64_t cpu_ns, memory, processes; };
void proc_usage(ino_t pidns, struct proc_use *out);

/* Of a folder of /proc whose name is a process's number: that, and its parent's. False: it is none, or it is gone. */
bool proc_parent(int proc, const char *name, pid_t *pid, pid_t *parent) NODISCARD;
