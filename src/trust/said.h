/* Which of the map's keys "what a party said" (ledger/mapkey.h) a statement adds to, and which of them bear on a release: those of the
 * parties whose word counts for it, and of nobody else. Pure: `keep` writes the map by it, and puts into a receipt what whoever verifies
 * demands by it too. */
#pragma once
#include "trust/ledger/mapkey.h"
#include "trust/statement.h"

#define SAID_MAX 8192 /* keys that bear on one release */

/* Fills *key with that of a revocation or pause by that issuer which was logged before; false: there is none with this id. */
typedef bool said_find(void *arg, const uint8_t id[static 32], const char *issuer, struct mhash *key);
struct said_before { said_find *find; void *arg; };
/* The one key that it adds to; *has false: none. What lifts a revocation or pause adds to that of what it lifts. */
enum coffer_rc said_key(const struct statement *s, const struct said_before *before, bool *has, struct mhash *key, struct err *e) NODISCARD;

/* rule: of the release's leaf (ledger/leaf.h). st: those that the record of the release names in `rests`, `beside` and `workload`, in any order. data: of the record. */
struct said_in { const struct statement *const *st; size_t n; const struct json *data; unsigned rule; };
struct said_ask { enum map_said kind; char by[PARTY_MAX]; uint8_t subject[32]; struct mhash key; };
struct said_list { struct said_ask *ask; size_t n, room; }; /* owned; ascending by key, none twice */
void said_list_clear(struct said_list *l); /* CLEANUP-ready */
/* against  each statement: its issuer and for whom it speaks (of a service's and an image's release: whose power a delegation that is there lends for it); of workload, asset and image releases,
 *          from rule 4 on of all that statement_stopped_by_owner names, also who decides of the asset; of image releases also the workload's provider. Each image, and from rule 3 on the key that the manifest verifies it by: who decides, the workload's provider and the image's. What the record has in
 *          `things` (chip, measurements): who decides and the provider.
 * minimum  of the record's `platform`: who decides and the provider
 * self     each party that any of these is by
 * COFFER_E_DENIED (check "receipt-rights") without asset and workload; COFFER_E_INPUT for a malformed record; COFFER_E_LIMIT. */
enum coffer_rc said_wanted(const struct said_in *in, struct said_list *out, struct err *e) NODISCARD;

const char *said_name(enum map_said kind); /* "against" "minimum" "self" */
bool        said_by_name(struct span s, enum map_said *out) NODISCARD;
