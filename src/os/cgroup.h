/* Groups of processes in the unified (v2) hierarchy, used as marks that the kernel keeps: a socket belongs for ever to the
 * group of the process that made it. No controller is used, so it makes no difference whether v1 ones are mounted as well.
 *
 * One owner has one folder, directly below the root, and locks it for life; in it one group for each purpose. The hierarchy
 * is a mount of its own without a place in any mount namespace: what the machine has mounted is neither needed nor touched.
 * Owners that were killed leave empty folders, which the next owner removes.
 */
#pragma once
#include <sys/types.h>

#include "base/err.h"

#define CGROUP_GUEST "coffer-guest-" /* prefix of coffer-agent's folders */

struct cgroup { int root, dir; char name[40]; }; /* root: the hierarchy; dir: the owner's folder, locked; -1: none */

/* Sweeps away what dead owners of the same prefix left and makes <prefix><random>. Needs CAP_SYS_ADMIN. COFFER_E_SYSTEM. */
enum coffer_rc cgroup_open(const char *prefix, struct cgroup *out, struct err *e) NODISCARD;
/* Removes the folder and those of its groups that are empty; OK on a closed one. */
void           cgroup_close(struct cgroup *g);

/* Removes what dead owners left, as far as it can. */
void           cgroup_sweep(const char *prefix);

/* A new empty group and its folder's descriptor, for the kernel's bpf(2). COFFER_E_SYSTEM when it is there already. */
enum coffer_rc cgroup_make(const struct cgroup *g, const char *name, int *dir, struct err *e) NODISCARD;
/* The folder of a group which is there. */
enum coffer_rc cgroup_find(const struct cgroup *g, const char *name, int *dir, struct err *e) NODISCARD;
/* As fork(2), with the child in that group from its first instruction: Linux 5.7. The child calls what may be called in a signal handler, and no handler of fork
 * runs. */
pid_t          cgroup_fork(int dir) NODISCARD;
void           cgroup_remove(const struct cgroup *g, const char *name); /* only an empty one goes */
