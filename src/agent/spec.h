/* config.json for crun: made from the manifest alone. Nothing the host or the image says is in it. */
#pragma once
#include "trust/manifest.h"

/* Where the agent put a mount's source; called once a mount, returns a path that lives until the writer is done. */
typedef const char *(*spec_source)(void *arg, size_t volume);

/* The process has no new privileges, the capabilities of the manifest, its own pid, ipc, uts and mount namespaces and the
 * guest's network. Bind mounts are nosuid, nodev, and read-only as the manifest says; a sealed volume always.
 * Refused (COFFER_E_DENIED, check "policy"): no arguments; a capability's name or a path of odd form; a mount over /proc, /sys
 * or /dev, or inside a volume that another container writes; CAP_NET_ADMIN where another container of the pod is entitled to
 * an asset for api; CAP_SYS_PTRACE where the host may run commands in the container. */
enum coffer_rc spec_write(const struct manifest *m, const struct man_container *c, spec_source source, void *arg, struct wr *out,
    struct err *e) NODISCARD;
/* "process" of it alone, with other args: what is run beside the container's own process. */
enum coffer_rc spec_process_write(const struct man_container *c, const struct json *args, struct wr *out, struct err *e) NODISCARD;
/* Bytes of path that a mount's destination covers with its slash, 0 if none. */
size_t mount_covers(struct span destination, struct span path);

/* seccomp.c: the "linux.seccomp" value. */
struct json_wr;
void seccomp_write(struct json_wr *j);
