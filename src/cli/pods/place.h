/* Where the launcher keeps pods: one folder for all (--state), in it one for each, named after the pod. A pod's launcher holds the lock of
 * its folder for life, so that whoever looks knows whether it lives without believing a number; a launcher that was killed leaves a folder
 * that says "running" and is not locked. All of it is the user's own: a folder of somebody else's, or one that others may write, is refused. */
#pragma once
#include "cli/pods/record.h"

#define POD_PATH_MAX 512
#define POD_SOCKET "agent.sock" /* in a pod's folder: the boundary's API */
#define POD_YAML "pod.yaml"
#define POD_LOG "launcher.log"
#define POD_RECORD "pod.json"

/* given: --state, or NULL: /run/coffer for root, $XDG_RUNTIME_DIR/coffer else. COFFER_E_NOTFOUND: there is none (make false). */
enum coffer_rc pods_path(const char *given, char out[static POD_PATH_MAX], struct err *e) NODISCARD; /* that path alone; nothing is looked at */
enum coffer_rc pods_root(const char *given, bool make, char out[static POD_PATH_MAX], struct err *e) NODISCARD;

struct pod_place { char path[POD_PATH_MAX], name[POD_NAME_MAX]; int lock; };
void pod_place_close(struct pod_place *p); /* lets go of the lock; the folder stays. CLEANUP-ready */

/* A folder of its own for a new pod. name: exactly that one; NULL: base, or base-2, base-3, ... A dead pod of that name makes room, and so
 * does every dead one that nobody wanted kept. Usage error: name is one of a pod that is there. */
struct pod_claim { const char *name, *base; };
enum coffer_rc pods_claim(const char *root, const struct pod_claim *c, struct pod_place *out, struct err *e) NODISCARD;
enum coffer_rc pods_save(const struct pod_place *p, const struct pod_record *r, struct err *e) NODISCARD;

/* What is there. state is what it is, not what was written: dead where the launcher is gone without a word. */
struct pod_seen { char name[POD_NAME_MAX], path[POD_PATH_MAX]; bool lives; struct pod_record r; };
/* COFFER_E_NOTFOUND: no pod of that name. */
enum coffer_rc pods_look(const char *root, const char *name, struct pod_seen *out, struct err *e) NODISCARD;
/* Every pod, in the order of names; false from each ends it. */
typedef bool (*pods_each)(void *arg, const struct pod_seen *s);
enum coffer_rc pods_list(const char *root, pods_each each, void *arg, struct err *e) NODISCARD;
/* Its launcher, where it lives: the process, to be signalled or awaited. */
bool pod_launcher(const struct pod_seen *s, struct process *out) NODISCARD;

/* Of --state and the first argument. cmd_pods.c. */
struct cli;
enum coffer_rc pod_find(const struct cli *c, struct pod_seen *out, struct err *e) NODISCARD;

/* Everything of it: processes, groups, folder. Usage error: it lives, and force is false. */
enum coffer_rc pods_remove(const char *root, const char *name, bool force, struct err *e) NODISCARD;
