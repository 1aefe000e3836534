/* A workload as logged: fetched, its signature checked, its manifest read. */
#pragma once
#include "cli/home.h"
#include "cli/publish.h"
#include "trust/manifest.h"

struct workload {
	struct manifest man;      /* owns its document */
	char            issuer[PARTY_MAX];
	uint8_t         id[32];   /* of the statement */
};
void workload_clear(struct workload *w); /* CLEANUP-ready */

/* `which` is a manifest digest or a statement id in hex, or PROVIDER/NAME. COFFER_E_NOTFOUND if nothing in force fits. */
enum coffer_rc workload_fetch(const struct home *h, const struct privkey *key, struct service_conn *conn, const char *which,
    struct workload *out, struct err *e) NODISCARD;

/* True when some container is entitled to the asset. */
bool workload_uses(const struct manifest *m, const struct asset_path *p) NODISCARD;
