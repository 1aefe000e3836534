/* Where the agent's own connections lead: the trust service and the registries that the manifest names. In a guest without a network something stands there and passes
 * on what it is told, to the host. Containers are kept from it (agent/fence.h). */
#pragma once
#include "os/loopback.h"
#include "proto/mux.h"
#include "trust/manifest.h"

struct endpoints { struct endpoint at[MUX_LISTEN_MAX]; size_t n; };
/* Those on loopback, each once. Others are out of a guest's reach: whoever needs one will say so. COFFER_E_LIMIT, COFFER_E_INPUT. */
enum coffer_rc endpoints_of(const struct manifest *man, struct endpoints *out, struct err *e) NODISCARD;
