/* What the manifest lets the host have of a container's output, in the pod's folder: <container>.stdout and .stderr. Offsets only grow; of
 * each the last KEPT_MAX bytes are kept, what is older becomes a hole. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define KEPT_MAX (16u << 20)

struct kept_file { int fd; uint64_t size, freed; };
/* stream: "stdout" or "stderr". */
enum coffer_rc kept_create(const char *folder, const char *container, const char *stream, struct kept_file *out, struct err *e) NODISCARD;
enum coffer_rc kept_append(struct kept_file *f, struct span s, struct err *e) NODISCARD;

/* A reader's: from the oldest byte that is kept on. COFFER_E_NOTFOUND. */
enum coffer_rc kept_open(const char *folder, const char *container, const char *stream, int *fd, struct err *e) NODISCARD;
/* Copies what there is now behind *at to fd `to`. COFFER_E_SYSTEM. */
enum coffer_rc kept_copy(int from, uint64_t *at, int to, struct err *e) NODISCARD;
