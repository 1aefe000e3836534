/* Being woken when a file or a folder changes (inotify), instead of looking again and again. */
#pragma once
#include "base/err.h"

struct watch { int fd; }; /* -1: closed */
enum coffer_rc watch_open(const char *path, struct watch *out, struct err *e) NODISCARD;
static inline int watch_fd(const struct watch *w) { return w->fd; }
void watch_clear(struct watch *w); /* what was told is known */
void watch_close(struct watch *w);
