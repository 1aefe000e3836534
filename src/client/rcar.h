/* The guest's side of the KBS protocol 0.4.0 with our binding: one key pair, one evidence, one token,
 * then any number of signed requests whose replies are checked before use. */
#pragma once
#include "attest/attester.h"
#include "base/secret.h"
#include "client/fresh.h"
#include "client/service.h"
#include "trust/manifest.h"

struct rcar; /* opaque: attested session */

/* initdata: the bytes; sent in the attestation and hashed for the evidence. */
enum coffer_rc rcar_attest(
    struct service_conn *c, const struct attester *a, struct span initdata, struct rcar **out, struct err *e) NODISCARD;
void rcar_free(struct rcar *r);
static inline void rcar_freep(struct rcar **r) { rcar_free(*r); *r = NULL; }
const char           *rcar_token(const struct rcar *r);
const struct privkey *rcar_request_key(const struct rcar *r);

struct rcar_asset {
	struct secret content;
	uint64_t version, seq;
	uint8_t  statement[32];
	struct lease_terms lease; /* by its owner */
};
void rcar_asset_clear(struct rcar_asset *a);

/* Asks for one asset for one container and purpose. Checks, before *out is written: reply signature by the service's
 * reply key over body, attested key, path, version and entry; the asset statement (owner's signature, path, version,
 * genesis); the salted digest. COFFER_E_DENIED keeps the service's check (R7, R9...) or "reply". */
enum coffer_rc rcar_get(struct rcar *r, const struct asset_path *path, uint64_t version, struct span container,
    enum purpose purpose, struct rcar_asset *out, struct err *e) NODISCARD;

/* Asks whether what is held may be kept: ask->n items; nonce and counter are filled in here. *seen is raised by a good answer,
 * whose ledger has to continue it (client/heads.h). COFFER_E_DENIED (check "session") when the session is over: attest again; fresh_check's and
 * follow_head's. COFFER_E_UPSTREAM: silence. */
enum coffer_rc rcar_fresh(struct rcar *r, struct fresh_ask *ask, struct fresh_seen *seen, struct fresh_answer *out, struct err *e) NODISCARD;
