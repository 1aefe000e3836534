/* One-way door for a worker that touches hostile bytes. */
#pragma once
#include "base/err.h"

/* After COFFER_OK this process can compute, read and write fds it already holds,
 * get memory, and exit. It cannot open, connect, exec, fork, ptrace or map
 * executable pages: any such call kills it (SIGSYS).
 *
 * Call once, single-threaded, after every lazy initialiser has run (crypto
 * provider, locale, RNG) and before the first hostile byte is read.
 * Fails closed: on any error the caller must exit, there is no weaker mode.
 */
enum coffer_rc sandbox_enter_compute(struct err *e) NODISCARD;
