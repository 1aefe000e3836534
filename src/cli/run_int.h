/* What the parts of `coffer run` share. */
#pragma once
#include "base/wr.h"
#include "cli/cli.h"
#include "cli/pod.h"
#include "cli/pods/kept.h"
#include "cli/pods/place.h"
#include "cli/run_rpc.h"
#include "cli/sandbox.h"
#include "cli/vm.h"
#include "os/file.h"
#include "trust/manifest.h"

#define RUN_PATH_MAX 512
#define RUN_LEASE "lease"     /* the agent's check when it stopped a container itself */
#define RUN_LAPSED 6          /* exit code: a container was stopped because a lease ended */

struct run {
	const struct cli *cli;
	struct wr         text;     /* the pod's */
	struct json_doc  *doc;
	struct pod        pod;
	struct manifest   man;
	struct pod_place  place;    /* its folder; the lock is held for life */
	struct pod_record rec;      /* what is written there */
	struct kept_file kept[POD_CONTAINERS_MAX][2]; /* stdout, stderr of those that the manifest lists; fd -1 */
	int               tell;     /* to whoever waits for a detached pod to start; -1 */
	bool              started, died; /* every container runs; a part of the guest ended by itself */
	bool              vm;       /* a machine of its own: what it is */
	struct vm_opts    machine;
	uint64_t          disk;     /* bytes of its scratch disk; 0: none */
	struct guest      guest;
	struct vm_predicted predicted; /* of a VM: what its registers should be */
	struct rpc        rpc;
	int               exit_code[POD_CONTAINERS_MAX]; /* as pod.container */
	bool              lapsed[POD_CONTAINERS_MAX];    /* stopped by the guest: a lease ended */
	uint64_t          output_bytes[CLI_VALUES_MAX];  /* as --output */
	struct file_later output[CLI_VALUES_MAX];        /* opened before anything starts; none: fd -1 */
};

/* run_prepare.c: reads pod and manifest, writes the initdata device, says where the guest may connect. */
enum coffer_rc run_read(struct run *r, const char *path, struct err *e) NODISCARD;
enum coffer_rc run_device(const struct run *r, const char *path, struct err *e) NODISCARD;
enum coffer_rc run_initdata_digest(const struct run *r, uint8_t out[static 32], struct err *e) NODISCARD;
enum coffer_rc run_endpoints(const struct run *r, struct guest_opts *o, struct err *e) NODISCARD;
/* A program of ours beside this one, in ../libexec/coffer, or in ../agent (a build folder). */
enum coffer_rc run_beside(const char *name, char out[static RUN_PATH_MAX], struct err *e) NODISCARD;
/* Of a pod on this very machine: "sample" unless --platform says otherwise. */
const char *run_platform(const struct cli *c);
/* run_hardware.c: of a cloud's machine what its metadata service vouches with, which a pod's network does not reach, into a file. False: this is no such machine, or there
 * is nothing; then the agent's evidence goes without, or says why it cannot. */
bool run_hardware(const char *platform, const char *path);
/* The agent, there or by $COFFER_AGENT. */
enum coffer_rc run_agent_path(char out[static RUN_PATH_MAX], struct err *e) NODISCARD;

/* run_published.c: warnings before anything is started, and beside a refusal that gives no reason. */
void run_foretell(const struct run *r);
void run_hint(const struct run *r, const struct err *e);

/* run_life.c: the folder; claiming one sweeps away what killed launchers left that nobody wanted kept. */
enum coffer_rc run_claim(struct run *r, struct err *e) NODISCARD;
/* The folder that it would get, by --state and --name. Nothing is made. */
enum coffer_rc run_place(struct run *r, struct err *e) NODISCARD;
/* The first record, of the process that is the launcher from here on. */
enum coffer_rc run_begin(struct run *r, bool keep, struct err *e) NODISCARD;
/* The guest's processes are there: they are noted, and watched by every rpc_wait. */
enum coffer_rc run_parts(struct run *r, struct err *e) NODISCARD;
enum coffer_rc run_started(struct run *r, struct err *e) NODISCARD; /* every container runs */
void run_part_ended(struct run *r, size_t container);
/* Where a part of the guest has ended, *e says which and how. */
void run_cause(struct run *r, struct err *e);
void run_end(struct run *r, const struct err *e, int code);
void run_leave(struct run *r); /* after the guest is over: its last record, or nothing of it stays */

/* run_vm.c: the machine by the options, before anything of it is there: platform, memory, disk. */
enum coffer_rc run_vm_options(struct run *r, struct err *e) NODISCARD;
/* Whether and how this host can start it (--tee auto, --accel). COFFER_E_NOTFOUND: it cannot. */
enum coffer_rc run_vm_host(struct run *r, struct err *e) NODISCARD;
/* COFFER_E_NOTFOUND: firmware that nobody named is not where this system would have it. */
enum coffer_rc run_vm_firmware(const struct run *r, struct err *e) NODISCARD;
/* Where its files are to be in the pod's folder, and the command line and firmware of its image: set in r->machine, which borrows them. */
struct run_vm_paths { char initdata[RUN_PATH_MAX], scratch[RUN_PATH_MAX], bindings[RUN_PATH_MAX], firmware[RUN_PATH_MAX], *cmdline; };
void run_vm_paths_clear(struct run_vm_paths *p); /* CLEANUP-ready */
enum coffer_rc run_vm_paths(struct run *r, bool bindings, struct run_vm_paths *out, struct err *e) NODISCARD;
/* For a line that is only shown: what it has by the image's draft, where there is one. */
enum coffer_rc run_vm_draft(struct run *r, struct err *e) NODISCARD;
/* By --channel, and by what this host and the image have: where it is vsock, r->machine borrows *g. hold: what the guest needs is taken, else it is only looked for.
 * COFFER_E_NOTFOUND: the one that was asked for is not to be had. */
enum coffer_rc run_vm_channel(struct run *r, bool hold, struct vsock_guest *g, struct err *e) NODISCARD;
/* Its files, then itself. */
enum coffer_rc run_vm(struct run *r, const struct guest_opts *g, struct err *e) NODISCARD;
/* Starts nothing and writes no file: what would be started, on stdout. */
enum coffer_rc run_print(struct run *r, struct err *e) NODISCARD;

/* run_detach.c: *here: this is the process that goes on with the pod; else all is said, and *code is what to end with. */
enum coffer_rc run_detach(struct run *r, bool *here, int *code, struct err *e) NODISCARD;
void run_tell(struct run *r, const struct err *e, int code); /* once; nothing when nobody waits */

/* run_disks.c: what --scratch asks for, 0: no disk. */
enum coffer_rc run_scratch_size(const struct cli *c, uint64_t *bytes, struct err *e) NODISCARD;
/* A new file that takes no room until it is written. */
enum coffer_rc run_scratch_file(const char *path, uint64_t bytes, struct err *e) NODISCARD;

/* The disk by which bindings get into the VM. COFFER_E_NOTFOUND, COFFER_E_LIMIT. */
enum coffer_rc run_bindings_file(const char *path, const struct guest_opts *o, struct err *e) NODISCARD;

/* run_pod.c: the pod's life over an open rpc. */
enum coffer_rc run_pod(struct run *r, struct err *e) NODISCARD;
/* Places for what --output names, with room for the most that the manifest lets come. */
enum coffer_rc run_open_outputs(struct run *r, struct err *e) NODISCARD;
/* The container that has an output of this name; COFFER_E_INPUT when none or several have. */
enum coffer_rc run_find_output(const struct run *r, struct span name, size_t *container, struct err *e) NODISCARD;

void run_say(const char *fmt, ...) PRINTF(1, 2); /* a progress line on stderr */
