/* The guest's one process: its state, and the operations the boundary's handlers call. */
#pragma once
#include <sys/types.h>

#include "agent/boundary.h"
#include "agent/lease.h"
#include "agent/logbuf.h"
#include "client/rcar.h"
#include "os/cgroup.h"
#include "trust/manifest.h"
#include "trust/statement.h"

#define STATE_DIR_MAX 200

struct log_stream { int fd; struct logbuf buf; }; /* fd -1: closed, or never kept */

struct output_held {
	struct wr  sealed; /* what the host may fetch */
	size_t     at;     /* bytes fetched */
	bool       failed;
	struct err why;
};

struct container {
	pid_t  pid;
	int    pidfd;    /* -1 when there is no process */
	ino_t  pidns;    /* of its process namespace */
	bool   mounted;
	struct log_stream  log[2]; /* stdout, stderr */
	struct output_held output[MAN_OUTPUTS_MAX];
};

/* Beside a container's own process; what is known of it to the gate is boundary.exec, at the same place. */
struct exec_process {
	pid_t pid;
	int   pidfd; /* -1: it has ended, or the place is free */
	struct log_stream log[2];
	bool  told_end, told[2]; /* its code, the ends of its streams: all three, and the place is free again */
};

/* Of a container whose lease lapsed: `told` to end; `over`: its files are gone; `stopped`: it lived until then, and `why` says so. */
struct lapse { bool told, over, stopped; struct err why; };

struct agent {
	struct boundary  b;
	struct manifest  man;
	char             state[STATE_DIR_MAX + 1]; /* private tmpfs */
	char             store[STATE_DIR_MAX + 8]; /* for what may be large: images, empty volumes, sealed files as they came; on the scratch disk or as state */
	const char      *crun;
	int              crun_sealed; /* the same: crun makes itself such a copy and runs that, which takes longer than what it is run for; -1: it does */
	struct cgroup    groups; /* c<i> is container i's: agent/fence.h */
	struct service_conn *service;
	struct rcar     *rcar;
	struct attester  attester; /* for renewals */
	struct span      initdata; /* borrowed */
	char             bindings[BINDINGS_MAX * 65 + 1]; /* ids in hex, with commas between */
	struct service_opts where; /* of the service */
	struct leases    leases;
	struct fresh_seen seen;
	struct lapse     lapse[MAN_CONTAINERS_MAX];
	bool             volume_open[MAN_VOLUMES_MAX];
	int              volume_fd[MAN_VOLUMES_MAX]; /* of a sealed one that is open: its plain file, for writing; else -1 */
	bool             refused_said[MAN_CONTAINERS_MAX][MAN_ENTITLEMENTS_MAX]; /* api.c: once each */
	struct container ctr[MAN_CONTAINERS_MAX];
	struct exec_process exec[EXECS_MAX];
};

/* A path under the state folder; empty (so that every use fails) when it would be cut. */
struct path { char s[512]; };
struct path path_fmt(const char *fmt, ...) PRINTF(1, 2);

/* container.c. On failure everything is undone and the container is as before. */
enum coffer_rc container_create(struct agent *a, size_t i, struct err *e) NODISCARD;
enum coffer_rc container_start(struct agent *a, size_t i, struct err *e) NODISCARD;
enum coffer_rc container_signal(struct agent *a, size_t i, int sig, struct err *e) NODISCARD;
/* Kills what runs, unmounts and forgets. Never fails: what is left dies with the guest. */
void           container_remove(struct agent *a, size_t i);
/* Reads what is in the pipes without waiting, at most 128 KiB of each: who writes without end stops nobody else. */
void           log_drain(struct log_stream log[static 2]);
/* Two pipes, kept: fds gets the ends that are written to, which are the caller's. log_close on failure too. */
enum coffer_rc log_open(struct log_stream log[static 2], int fds[static 2], struct err *e) NODISCARD;
void           log_close(struct log_stream log[static 2]);
/* The first process ended: keeps its code and makes its outputs when it is 0. */
void           container_ended(struct agent *a, size_t i, int wait_status);

/* exec.c: what the gate let pass. On failure nothing runs. COFFER_E_LIMIT; check "lease" once the container has lost what it had. */
struct exec_what { size_t container; const struct json *args; const char *id; };
enum coffer_rc exec_start(struct agent *a, const struct exec_what *what, struct err *e) NODISCARD;
void           exec_ended(struct agent *a, pid_t pid, int wait_status); /* one that is none of them: nothing */
enum coffer_rc exec_signal(struct agent *a, size_t k, int sig, struct err *e) NODISCARD;
void           exec_end(struct agent *a, size_t i); /* all of container i's: killed and awaited */
void           exec_told(struct agent *a, size_t k); /* frees the place once all is told */

/* lapse.c: an asset for container i, with its lease. Check "lease" when that has lapsed; otherwise as rcar_get. */
enum coffer_rc agent_get(struct agent *a, size_t i, const struct asset_path *path, enum purpose purpose, struct rcar_asset *out,
    struct err *e) NODISCARD;
/* The guard's timers anew, after what a lease, a container's process or a volume's file has become. */
void           leases_guard(struct agent *a);
/* Asks, tells and stops as is due. Milliseconds until it wants to be called again; INT64_MAX: whenever. */
int64_t        leases_step(struct agent *a);
/* Container i was removed: nothing is asked for it any more, so the sealed volumes that it alone had open are closed. What it wrote into
 * empty ones may be for a container that comes. */
void           leases_end(struct agent *a, size_t i);
/* Tells and stops alone. Before children are reaped, so that whom the guard killed is known to have lapsed and not just to have ended. */
void           leases_act(struct agent *a);

/* image.c: the container's image, unpacked below <store>/c<i>, as a mounted root at <state>/c<i>/rootfs. */
enum coffer_rc image_mount(struct agent *a, size_t i, struct err *e) NODISCARD;
void           image_unmount(struct agent *a, size_t i);
/* policy.json from the manifest's verification method; everything else is rejected. COFFER_E_DENIED (check "policy") for a
 * method this agent does not know. */
enum coffer_rc image_policy(const struct man_container *c, struct wr *out, struct err *e) NODISCARD;

/* volume.c */
enum coffer_rc volume_write(struct agent *a, size_t v, uint64_t at, struct span data, struct err *e) NODISCARD; /* a piece of the sealed file */
enum coffer_rc volume_ready(struct agent *a, size_t i, struct err *e) NODISCARD; /* all volumes of container i */
void           volume_wipe(struct agent *a, size_t v); /* its plain bytes are overwritten, then it is gone; sealed ones stay */
struct path    volume_path(const struct agent *a, size_t v); /* plain file or folder, source of the bind mount */

/* output.c */
/* The volume and the path in it that an output names: the deepest mount above its path, which must be an empty volume.
 * COFFER_E_DENIED (check "output"). *rest borrows the manifest. */
enum coffer_rc output_place(const struct manifest *m, const struct man_container *c, const struct man_output *o, size_t *volume,
    struct span *rest, struct err *e) NODISCARD;
/* Reads a regular file of at most max bytes beneath dir_fd: no symbolic link, no mount, no way out. Check "output". */
enum coffer_rc output_read(int dir_fd, struct span rest, uint64_t max, struct wr *out, struct err *e) NODISCARD;
void           output_make(struct agent *a, size_t i, size_t k);

/* rpc.c: answers one request. `later` asks to be called again when something has happened. */
struct reply { struct wr payload; bool later; };
struct method;
const struct method *method_find(struct span service, struct span name); /* NULL: not granted */
/* The text for a method that is not granted: "<Message> is not granted by the manifest", check "gate". */
enum coffer_rc method_unknown(struct span name, struct err *e);
enum coffer_rc method_decode(const struct method *m, struct span payload, ProtobufCMessage **out, struct err *e) NODISCARD;
enum coffer_rc method_gate(const struct method *m, const struct agent *a, const ProtobufCMessage *q, struct err *e) NODISCARD;
enum coffer_rc method_run(const struct method *m, struct agent *a, const ProtobufCMessage *q, struct reply *r, struct err *e) NODISCARD;
