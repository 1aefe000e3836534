/* The host's view of a container: the OCI specification it sends, made from the pod alone. The agent compares it with the
 * manifest (docs/protocol/guest.md): a mount is {destination, source = volume name, type bind, options ["ro"] or ["rw"]}. */
#pragma once
#include "cli/pod.h"
#include "proto/agent.pb-c.h"

struct run_spec; /* owns a request and all it points to */
enum coffer_rc run_spec_new(const struct pod_container *c, struct run_spec **out, struct err *e) NODISCARD;
void           run_spec_free(struct run_spec *s);
static inline void run_spec_freep(struct run_spec **s) { run_spec_free(*s); *s = NULL; }
const Grpc__CreateContainerRequest *run_spec_request(const struct run_spec *s);
