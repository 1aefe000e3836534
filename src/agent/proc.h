/* What a container uses: read from /proc. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* Sums over the processes of one process namespace. */
struct proc_use { uint64_t cpu_ns, memory, processes; };
void proc_usage(ino_t pidns, struct proc_use *out);
