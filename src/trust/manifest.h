/* The workload manifest: one file that says all that decides what runs. */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"
#include "trust/lease.h"
#include "trust/name.h"

#define MAN_CONTAINERS_MAX 16
#define MAN_MOUNTS_MAX 16
#define MAN_ENTITLEMENTS_MAX 32
#define MAN_OUTPUTS_MAX 8
#define MAN_VOLUMES_MAX 16
#define MAN_SLOTS_MAX 16
#define MAN_INITDATA_MAX (1u << 20)
#define MAN_FILE_MAX (128u << 10)

enum purpose { PURPOSE_IMAGE_KEY = 1, PURPOSE_REGISTRY, PURPOSE_POLICY, PURPOSE_VOLUME, PURPOSE_FILE, PURPOSE_ENV, PURPOSE_API };
const char *purpose_name(enum purpose p);
bool        purpose_by_name(struct span s, enum purpose *out) NODISCARD;

/* All spans borrow the manifest's document. */
struct man_mount { struct span destination, volume; bool read_only; };
/* By a slot: its name, and the asset is empty (which is no asset's path) until manifest_fill. */
struct man_entitlement { struct asset_path asset; struct span slot; enum purpose purpose; struct span volume; /* purpose volume */ };
struct man_output { struct span name, path; char to[PARTY_MAX]; struct pubkey key; uint64_t max_bytes; };
struct man_container {
	struct span name, role;
	struct span image_reference; /* repository@sha256:... */
	uint8_t     image_digest[32];
	char        image_provider[PARTY_MAX];
	const struct json *attestations; /* predicate types that its release must list; NULL: none */
	uint64_t    image_minimum; /* the least security version that its release must state; 0: none is asked, and no release states less than 1 */
	struct span method_type, method_key; /* "sigstoreSigned", PEM */
	const struct json *args, *env, *capabilities, *groups; /* arrays, checked to hold strings (groups: numbers) */
	struct span cwd;
	uint64_t    uid, gid;
	bool        read_only_root;
	struct man_mount mount[MAN_MOUNTS_MAX];
	size_t      n_mounts;
	struct man_entitlement entitlement[MAN_ENTITLEMENTS_MAX];
	size_t      n_entitlements;
	struct man_output output[MAN_OUTPUTS_MAX];
	size_t      n_outputs;
	bool        lapse_said;
	struct lease_terms on_lapse; /* what it asks beyond its assets' terms; without "on-lapse" nothing */
};
enum man_volume_kind { VOL_EMPTY = 1, VOL_SEALED };
struct man_volume { struct span name; enum man_volume_kind kind; struct asset_path asset; struct span slot; /* sealed: one of the two */ };
/* A place that each owner fills with an asset of its own, by a binding statement. */
struct man_slot { struct span name; enum purpose type; /* volume, file, env or api */ };

struct manifest {
	struct span name;
	char        provider[PARTY_MAX];
	uint8_t     genesis[32];
	char        service_id[PARTY_MAX];
	struct span service_url;
	const struct json *platforms; /* array of strings */
	struct man_container *container; /* owned */
	size_t      n_containers;
	struct man_volume volume[MAN_VOLUMES_MAX];
	size_t      n_volumes;
	struct man_slot slot[MAN_SLOTS_MAX];
	size_t      n_slots;
	const struct json *host_logs, *host_signals, *plain_http; /* arrays */
	const struct json *host_exec; /* array of {"container","args"}, or NULL: none */
	uint8_t     digest[32]; /* SHA-256 of the JCS bytes */
	struct wr   canon;      /* owned: the JCS bytes */
	struct json_doc *doc;   /* owned, parsed from canon; NULL when borrowed */
};
void manifest_clear(struct manifest *m); /* CLEANUP-ready */
void manifest_move(struct manifest *from, struct manifest *to); /* *from is empty after */

/* Closed schema and cross references (every volume, container and asset named exists; names unique;
 * a volume entitlement's asset is its volume's; whoever mounts a sealed volume is entitled to it). All members are
 * mandatory, but for "volume" of an entitlement and "asset" of a volume, which are there exactly when they mean something,
 * "on-lapse" of a container, "exec" of host, "slots", and "slot" in place of an entitlement's or a volume's "asset". Every slot is some
 * entitlement's, for the purpose that is its type.
 * Not checked: that parties, assets and keys are known to anyone. The value must stay alive unless it came by _parse. */
enum coffer_rc manifest_read(const struct json *v, struct manifest *out, struct err *e) NODISCARD;
enum coffer_rc manifest_parse(struct span text, struct manifest *out, struct err *e) NODISCARD;

/* A workload statement's manifest: also that subject, issuer and ledger are the manifest's digest and name, provider and
 * genesis. Borrows s. COFFER_E_INPUT. */
struct statement;
enum coffer_rc workload_read(const struct statement *s, struct manifest *out, struct err *e) NODISCARD;

const struct man_container *manifest_container(const struct manifest *m, struct span name); /* NULL if none */
const struct man_volume    *manifest_volume(const struct manifest *m, struct span name);
bool manifest_entitles(const struct man_container *c, const struct asset_path *p, enum purpose purpose) NODISCARD;
/* How often a run has the asset released at least: once for each entitlement to it. An image key is for each layer, and what a container asks its api for is for each time. */
uint64_t manifest_releases(const struct manifest *m, const struct asset_path *p) NODISCARD;
/* The repository that its image is named as one of. */
struct span man_container_name(const struct man_container *c);
bool man_container_of(const struct man_container *c, struct span repository) NODISCARD;
const struct man_slot *manifest_slot(const struct manifest *m, struct span name);
/* The slot by which the container is entitled to what fills it, for that purpose; and no other slot's. */
bool manifest_entitles_slot(const struct man_container *c, struct span slot, enum purpose purpose) NODISCARD;
/* In memory: entitlements and volumes by that slot name that asset from now on; digest and text stay the manifest's. False: there
 * is no such slot, or it is filled. */
bool manifest_fill(struct manifest *m, struct span slot, const struct asset_path *asset) NODISCARD;
bool manifest_lists(const struct json *array, struct span s) NODISCARD; /* array of strings holds s */

/* The args that the host may have run in that container beside its own process: exactly these, or NULL. */
const struct json *manifest_exec(const struct manifest *m, struct span container, char *const *argv, size_t n);
/* What host_exec adds may be started in container c: not where code of the container's could write into the runtime while that is on its way there, as yet with all
 * rights of the machine. COFFER_E_DENIED (check "policy"): CAP_SYS_PTRACE. A manifest that was logged with it still parses. */
enum coffer_rc manifest_exec_apart(const struct manifest *m, const struct man_container *c, struct err *e) NODISCARD;
bool manifest_same_exec(const struct json *a, const struct json *b); /* items of host_exec */

/* initdata.toml, byte for byte: statements.md "Initdata". Appends. */
enum coffer_rc manifest_render(const struct manifest *m, struct wr *initdata, struct err *e) NODISCARD;

/* The guest's way back: initdata bytes -> manifest; demands that rendering it again gives the same bytes
 * (else COFFER_E_DENIED, check "initdata"). */
enum coffer_rc manifest_from_initdata(struct span initdata, struct manifest *out, struct err *e) NODISCARD;

/* A reading for people (coffer workload show). Control characters are escaped. */
void manifest_describe(const struct manifest *m, struct wr *out);
