/* What the launcher keeps of a pod, in its folder's pod.json: enough to find its processes again and to say how it ended. Nothing secret.
 * Not checked: that any of it is still so (place.h does that). */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "os/process.h"
#include "trust/manifest.h"

#define POD_RECORD_MAX (64u << 10)
#define POD_NAME_MAX PARTY_MAX
#define POD_PROCESSES_MAX 4

enum pod_state { POD_STARTING = 1, POD_RUNNING, POD_ENDED, POD_STOPPED, POD_FAILED, POD_DEAD };
const char *pod_state_name(enum pod_state s);

struct pod_process { char role[16]; struct process p; };
struct pod_part { char name[PARTY_MAX]; bool logs, ended, lapsed; int exit; }; /* a container */
struct pod_record {
	char     pod[PARTY_MAX];       /* the manifest's name */
	char     workload[65];         /* its digest, hex */
	char     platform[16];
	char     channel[16];          /* of a machine: "vsock" or "virtio-serial"; else empty */
	char     boot[PROCESS_BOOT_LEN];
	int64_t  created;              /* seconds since 1970 */
	bool     keep;                 /* it stays when the launcher has ended: a detached one */
	enum pod_state state;
	int      code;                 /* what `coffer run` ends with, or would have */
	char     reason[ERR_MSG_MAX + 32]; /* of an end that is not plain */
	struct pod_process process[POD_PROCESSES_MAX];
	size_t   n_processes;
	struct pod_part part[MAN_CONTAINERS_MAX];
	size_t   n_parts;
};

/* Closed schema. COFFER_E_INPUT. */
enum coffer_rc pod_record_read(struct span text, struct pod_record *out, struct err *e) NODISCARD;
enum coffer_rc pod_record_write(const struct pod_record *r, struct wr *out, struct err *e) NODISCARD;
