/* A block device in this machine's memory: a loop device over a file that has no name. Memory is taken as it is written. */
#pragma once
#include <stdint.h>

#include "base/err.h"

struct memdisk { int fd; uint32_t major, minor; }; /* fd: keeps it; closing it ends the device once nothing else uses it */
/* bytes: rounded down to 4096, which is its block. Zeros. COFFER_E_SYSTEM: no loop devices. */
enum coffer_rc memdisk_open(uint64_t bytes, struct memdisk *out, struct err *e) NODISCARD;
