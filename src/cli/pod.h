/* A Kubernetes Pod as far as it says what runs, read for `coffer workload build` and `coffer run`.
 *
 * Closed: a field that is not listed is refused, because a field nobody reads is a promise nobody keeps. Read are:
 *   apiVersion v1, kind Pod, metadata{name, namespace, labels, annotations}
 *   spec{containers, volumes, securityContext{runAsUser, runAsGroup, supplementalGroups}, restartPolicy (Never),
 *        runtimeClassName, automountServiceAccountToken (false), enableServiceLinks (false)}
 *   volume{name, emptyDir {} | hostPath{path, type: File}}
 *   container{name, image, imagePullPolicy, command, args, env[]{name, value}, workingDir,
 *        volumeMounts[]{name, mountPath, readOnly},
 *        securityContext{runAsUser, runAsGroup, supplementalGroups, readOnlyRootFilesystem,
 *                        allowPrivilegeEscalation (false), privileged (false), capabilities{add, drop}}}
 * A container's securityContext goes before the pod's. Ids default to 0, workingDir to "/".
 * A mount of a hostPath file is read-only whatever it says. Names are DNS labels and unique; every mount names a volume; capabilities.drop is void, for none are given.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "fmt/json.h"

#define POD_CONTAINERS_MAX 16
#define POD_VOLUMES_MAX 16
#define POD_MOUNTS_MAX 16
#define POD_TEXT_MAX (1u << 20) /* bytes of YAML */

#define POD_INITDATA "io.katacontainers.config.hypervisor.cc_init_data"
#define POD_TERMS "coffer.internal/terms"

/* All spans and values borrow the pod's JSON document. Missing arrays are NULL, which json_len takes for empty. */
struct pod_mount { struct span volume, path; bool read_only; };
struct pod_container {
	struct span name, image, cwd;
	const struct json *command, *args; /* arrays of strings: the process is command then args */
	const struct json *env;            /* array of {name, value}, checked */
	const struct json *groups;         /* array of numbers */
	const struct json *capabilities;   /* array of strings: capabilities.add */
	uint64_t uid, gid;
	bool     read_only_root;
	struct pod_mount mount[POD_MOUNTS_MAX];
	size_t   n_mounts;
};
struct pod_volume { struct span name, host_path; bool is_file; }; /* is_file: hostPath, else emptyDir */
struct pod {
	struct span name;
	struct span initdata, terms; /* annotations; {NULL,0} when absent */
	struct pod_container container[POD_CONTAINERS_MAX];
	size_t n_containers;
	struct pod_volume volume[POD_VOLUMES_MAX];
	size_t n_volumes;
};

/* COFFER_E_INPUT naming the field. *out is written only on success. */
enum coffer_rc pod_read(const struct json *v, struct pod *out, struct err *e) NODISCARD;

size_t      pod_n_args(const struct pod_container *c);
struct span pod_arg(const struct pod_container *c, size_t i);
/* "NAME=value" of variable i, fresh on the heap (caller frees); NULL when out of memory. */
char       *pod_env(const struct pod_container *c, size_t i) NODISCARD;
/* "CAP_<NAME>" of added capability i (Kubernetes leaves the prefix out), fresh on the heap; NULL when out of memory. */
char       *pod_capability(const struct pod_container *c, size_t i) NODISCARD;
const struct pod_volume *pod_volume(const struct pod *p, struct span name); /* NULL if none */
