/* What entries change in the ledger's map (map.h), and that the map says what the store says.
 * Each is called inside the transaction, before the entry is appended. */
#pragma once
#include "cofferd/keep/keep.h"
#include "trust/ledger/mapkey.h"

/* A new statement: its status, that of the one it follows, of the one it revokes; the version of an asset. */
enum coffer_rc status_log(struct keep *k, const struct statement *s, struct err *e) NODISCARD;
enum coffer_rc status_deleted(struct keep *k, const struct asset_path *p, struct err *e) NODISCARD;
/* count: with the use that is being entered. */
enum coffer_rc status_used(struct keep *k, const uint8_t approval[static 32], uint64_t count, struct err *e) NODISCARD;

/* As the entries up to and with `last` left it, in a map by that rule (leaf.h). COFFER_E_NOTFOUND for a statement that was not logged by then. */
struct status { enum map_status status; uint64_t index; };
struct status_when { uint64_t last; unsigned rule; };
enum coffer_rc status_at(struct keep *k, const uint8_t id[static 32], struct status_when when, struct status *out, struct err *e) NODISCARD;

/* What only the service can derive: blinds an asset's path, salts a count. */
void status_blind(const struct keep *k, const struct asset_path *p, uint8_t out[static 32]);
void status_uses_salt(const struct keep *k, const uint8_t approval[static 32], uint64_t count, uint8_t out[static 32]);

/* Begins the newest rule in a store whose map is by an older one; inside the transaction of the entry that begins it. */
enum coffer_rc status_adopt(struct keep *k, struct err *e) NODISCARD;

/* Every statement, asset and count of the store against the map. COFFER_E_DENIED (check "R12"). */
enum coffer_rc status_check(struct keep *k, struct err *e) NODISCARD;
