/* Waiting for a descriptor until an absolute time. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

/* events as poll(2) has them; deadline_ms is a clock_monotonic_ms() value. COFFER_E_UPSTREAM "timed out". What became ready,
 * error or hang-up included, shows at the next read or write. */
enum coffer_rc wait_fd(int fd, short events, int64_t deadline_ms, struct err *e) NODISCARD;
