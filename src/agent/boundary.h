/* What the host may ask, decided from the manifest and from what was asked before.
 *
 * A gate is a pure function of the boundary's state and one decoded message. It runs before the handler and
 * changes nothing; COFFER_E_DENIED carries the check "gate". Fields of a message that are neither compared nor
 * refused here are never used: host names, DNS servers, file owners and modes, root paths.
 */
#pragma once
#include <protobuf-c/protobuf-c.h>

#include "base/err.h"
#include "base/rd.h"
#include "trust/manifest.h"

#define SHARED_DIR "/run/kata-containers/shared/containers" /* where the host believes it copies files to */
#define SEALED_SUFFIX ".sealed"
#define SEALED_MAX (4ull << 30)
#define EXECS_MAX 8	/* processes beside the containers' own, of the whole pod */
#define EXEC_ID_MAX 64	/* with its NUL */
#define OUTPUT_PREFIX "output:" /* exec_id of ReadStdout: a named output instead of a log */

enum ctr_state { CTR_NEW, CTR_CREATED, CTR_RUNNING, CTR_STOPPED, CTR_REMOVED };

struct ctr_view { enum ctr_state state; int exit_code; /* once stopped; 128 + signal */ };
struct in_view { uint64_t size, at; bool whole; };     /* a sealed file on its way in, bytes */

struct exec_view { char id[EXEC_ID_MAX]; size_t container; enum ctr_state state; int exit_code; }; /* state: NEW (a free place), RUNNING, STOPPED */

struct boundary {
	const struct manifest *man; /* borrowed */
	bool opened, closed;        /* CreateSandbox, DestroySandbox granted */
	bool created_any;           /* a CreateContainer was granted: no more files */
	struct ctr_view ctr[MAN_CONTAINERS_MAX]; /* as manifest.container */
	struct in_view  in[MAN_VOLUMES_MAX];     /* as manifest.volume */
	struct exec_view exec[EXECS_MAX];
};

typedef enum coffer_rc (*gate_fn)(const struct boundary *b, const ProtobufCMessage *m, struct err *e);

enum coffer_rc gate_always(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_create_sandbox(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_destroy_sandbox(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_copy_file(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_create_container(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_start(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_exec(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD; /* gate_exec.c */
enum coffer_rc gate_wait(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_remove(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_stats(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_signal(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_read_stdout(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;
enum coffer_rc gate_read_stderr(const struct boundary *b, const ProtobufCMessage *m, struct err *e) NODISCARD;

/* Index in the manifest, or COFFER_E_DENIED: the host names only what the manifest names. */
enum coffer_rc boundary_container(const struct boundary *b, const char *id, size_t *out, struct err *e) NODISCARD;
enum coffer_rc boundary_sealed(const struct boundary *b, const char *path, size_t *volume, struct err *e) NODISCARD;
/* The output that exec_id names, or COFFER_E_DENIED. */
enum coffer_rc boundary_output(const struct man_container *c, const char *exec_id, size_t *out, struct err *e) NODISCARD;

/* gate_exec.c: the place of that container's process of that name. */
bool boundary_exec(const struct boundary *b, size_t container, const char *exec_id, size_t *out) NODISCARD;

/* The host's OCI specification against the manifest's container: equal, or COFFER_E_DENIED naming the first field that is not. */
struct Grpc__Spec;
enum coffer_rc gate_spec(const struct man_container *c, const struct Grpc__Spec *s, struct err *e) NODISCARD;
/* A process of that container that runs args: its own, or one beside it. */
struct Grpc__Process;
enum coffer_rc gate_process(const struct man_container *c, const struct json *args, const struct Grpc__Process *p, struct err *e) NODISCARD;
