/* What the parts of `coffer run` share. */
#pragma once
#include "base/wr.h"
#include "cli/cli.h"
#include "cli/pod.h"
#include "cli/run_rpc.h"
#include "cli/sandbox.h"
#include "cli/vm.h"
#include "trust/manifest.h"

#define RUN_PATH_MAX 512
#define RUN_LEASE "lease"     /* the agent's check when it stopped a container itself */
#define RUN_LAPSED 6          /* exit code: a container was stopped because a lease ended */

struct run {
	const struct cli *cli;
	struct json_doc  *doc;      /* the pod's text */
	struct pod        pod;
	struct manifest   man;
	char              dir[64];  /* temporary; empty until made */
	int               dir_lock; /* held for life, so that the next launcher knows a dead one's folder; -1 */
	struct guest      guest;
	struct vm_predicted predicted; /* of a VM: what its registers should be */
	struct rpc        rpc;
	int               exit_code[POD_CONTAINERS_MAX]; /* as pod.container */
	bool              lapsed[POD_CONTAINERS_MAX];    /* stopped by the guest: a lease ended */
	uint64_t          output_bytes[CLI_VALUES_MAX];  /* as --output */
};

/* run_prepare.c: reads pod and manifest, writes the initdata device, says where the guest may connect. */
enum coffer_rc run_read(struct run *r, const char *path, struct err *e) NODISCARD;
enum coffer_rc run_device(const struct run *r, const char *path, struct err *e) NODISCARD;
enum coffer_rc run_endpoints(const struct run *r, struct guest_opts *o, struct err *e) NODISCARD;
/* A program of ours beside this one, in ../libexec/coffer, or in ../agent (a build folder). */
enum coffer_rc run_beside(const char *name, char out[static RUN_PATH_MAX], struct err *e) NODISCARD;
/* The agent, there or by $COFFER_AGENT. */
enum coffer_rc run_agent_path(char out[static RUN_PATH_MAX], struct err *e) NODISCARD;

/* run_disks.c: what --scratch asks for, 0: no disk. */
enum coffer_rc run_scratch_size(const struct cli *c, uint64_t *bytes, struct err *e) NODISCARD;
/* A new file that takes no room until it is written. */
enum coffer_rc run_scratch_file(const char *path, uint64_t bytes, struct err *e) NODISCARD;

/* The disk by which bindings get into the VM. COFFER_E_NOTFOUND, COFFER_E_LIMIT. */
enum coffer_rc run_bindings_file(const char *path, const struct guest_opts *o, struct err *e) NODISCARD;

/* run_tmp.c: the temporary folder; making one sweeps away what killed launchers left. */
enum coffer_rc run_tmp_make(struct run *r, struct err *e) NODISCARD;
void run_tmp_remove(struct run *r);

/* run_pod.c: the pod's life over an open rpc. */
enum coffer_rc run_pod(struct run *r, struct err *e) NODISCARD;
/* The container that has an output of this name; COFFER_E_INPUT when none or several have. */
enum coffer_rc run_find_output(const struct run *r, struct span name, size_t *container, struct err *e) NODISCARD;

void run_say(const char *fmt, ...) PRINTF(1, 2); /* a progress line on stderr */
