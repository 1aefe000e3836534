/* The guest's side of the KBS protocol 0.4.0 with our binding: one key pair, one evidence, one token,
 * then any number of signed requests whose replies are checked before use. */
#pragma once
#include "base/secret.h"
#include "client/fresh.h"
#include "client/service.h"
#include "proto/rcar_tpm.h"
#include "trust/manifest.h"

/* Makes evidence JSON for a report data value. */
struct attester {
	const char *tee; /* "sample" */
	const char *bindings; /* ids of the binding statements of this instance, with commas between; "" or NULL: none */
	enum coffer_rc (*evidence)(
	    void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json, struct err *e);
	void *arg;
	/* Of a TPM (docs/protocol/service.md, Credential of a TPM); NULL: nothing is asked for. What its endorsement key and its
	 * attestation key are; and what the service locked to both, so that the evidence made next shows what was in it. */
	enum coffer_rc (*ask)(void *arg, struct rcar_tpm *out, struct err *e);
	enum coffer_rc (*open)(void *arg, const struct rcar_tpm_answer *a, struct err *e);
};

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
