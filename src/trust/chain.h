/* What a client (CLI, guest) does before it uses a key of the service: genesis digest ->
 * genesis -> provider's key -> service statement -> keys. No network, no store. */
#pragma once
#include "trust/dsse.h"
#include "trust/links.h"
#include "trust/statement.h"

/* The envelope's payload must hash to id and carry a valid signature by every party in it.
 * COFFER_E_DENIED (check "genesis"). */
enum coffer_rc chain_genesis(const struct dsse *env, const uint8_t id[static 32], struct genesis *out, struct err *e) NODISCARD;

/* A service statement issued by a workload-provider of the genesis (later admitted providers: pass them in
 * `more`), for this genesis and its ledger key, within its window at now. A party of the genesis comes before one of
 * the same id in `more`. COFFER_E_DENIED (check "service"). */
enum coffer_rc chain_service(const struct dsse *env, const struct genesis *g, const struct party *more, size_t n_more,
    int64_t now, struct service *out, struct err *e) NODISCARD;

/* The same by the keys that its issuer, a founder, had in its life: not one that was compromised before the statement was issued. Besides the genesis its party
 * statement names it a workload-provider too, and has not expired. */
struct parties;
enum coffer_rc chain_service_by(const struct dsse *env, const struct genesis *g, const struct parties *known, int64_t now,
    struct service *out, struct err *e) NODISCARD;

/* The delegations by which a service's issuer designates it, as the service shows them (GET /coffer/v0/service/delegations), JSON text: each of role
 * attestation-service and of this ledger, of a founder's power, signed by a key that its issuer had when the ledger says it was logged and void by no
 * compromise. Their order and times are the service's word, and that none was revoked. COFFER_E_DENIED (check "service"). */
#define DESIGNATION_MAX (2ul * CHAIN_LINKS_MAX) /* when it was designated, and now */
struct designation_links { struct fact_delegation d[DESIGNATION_MAX]; size_t n; };
enum coffer_rc designation_read(struct span text, const struct genesis *g, const struct parties *known, struct designation_links *out,
    struct err *e) NODISCARD;
#define DESIGNATION_TEXT_MAX (4u << 20) /* one of them is a few KB; who pads its own with blanks locks out what rests on that */

/* A service statement by one who is no founder, to whom a chain of these leads from a workload-provider of the genesis, and covers this service. */
enum coffer_rc chain_service_lent(const struct dsse *env, const struct genesis *g, const struct parties *known, const struct designation_links *links,
    int64_t now, struct service *out, struct err *e) NODISCARD;

const struct party *genesis_party(const struct genesis *g, const char *id); /* NULL if none */
bool party_signed(const struct party *p, const struct dsse *env) NODISCARD;  /* by any of its keys */
