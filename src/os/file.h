/* Files, whole and atomic. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/wr.h"

/* Reads a regular file (or a pipe) of at most max bytes. COFFER_E_NOTFOUND when absent, COFFER_E_LIMIT when larger. */
enum coffer_rc file_read(const char *path, size_t max, struct wr *out, struct err *e) NODISCARD;
/* The same for a file below an open folder: neither ".." nor a symbolic link leads out of it (openat2, RESOLVE_BENEATH). */
enum coffer_rc file_read_below(int dir_fd, const char *name, size_t max, struct wr *out, struct err *e) NODISCARD;
/* "-" is standard input. */
enum coffer_rc file_read_arg(const char *path, size_t max, struct wr *out, struct err *e) NODISCARD;
enum coffer_rc file_read_secret(const char *path, size_t max, struct secret *out, struct err *e) NODISCARD;

/* Writes beside, fsyncs, renames over, fsyncs the folder: a reader sees the old or the new file. */
enum coffer_rc file_write(const char *path, struct span s, unsigned mode, struct err *e) NODISCARD;
/* file_write for what exists once and is not there yet: a file in that folder is opened, and room for so many bytes taken, before it comes. It has no name until it is
 * written, so that nothing is left of it when we are killed; where the file system has no such files (O_TMPFILE) it lies beside, as beside says. Where what was written
 * cannot be renamed it stays there, and the message says where. Start with fd -1. */
struct file_later { char *beside; int fd; };
enum coffer_rc file_later_open(const char *path, size_t room, struct file_later *out, struct err *e) NODISCARD;
enum coffer_rc file_later_write(struct file_later *f, const char *path, struct span s, unsigned mode, struct err *e) NODISCARD;
void file_later_drop(struct file_later *f); /* CLEANUP-ready */
/* All of it to an open descriptor that blocks, a pipe for one. */
bool file_put(int fd, struct span s) NODISCARD;
/* mkdir -p */
enum coffer_rc file_mkdirs(const char *path, unsigned mode, struct err *e) NODISCARD;
bool file_exists(const char *path);
