/* Amendments of the genesis: statements by all founders about whose cosignatures the ledger's heads carry, whom they trust for hardware, and which policies ship
 * (docs/protocol/statements.md, "Amendments").
 *
 * An amendment touches no asset that is there: an asset goes by the genesis as it was founded, or as the one amendment left it that the
 * statement about the asset names, which all who decide of it signed. Programs are given the digest of the genesis, never an amendment's:
 * they follow the chain in the list of parties (trust/parties.h), where the founders' keys of that time are known.
 * An amendment's own expiry ends how long it may be logged, not what it says: as with a genesis. */
#pragma once
#include "trust/statement.h"

#define AMENDMENTS_MAX 16
#define WITNESSES_EVER_MAX 24 /* of a genesis and all its amendments together */

struct amended {
	uint8_t        id[32];
	int64_t        logged;
	struct genesis g; /* as it left the genesis: another list of witnesses, and how many of them, of vendor roots, of shipped policies; all else as founded */
};

/* The body, over the genesis as it was before. Closed. Not checked: who signed, serial, previous. COFFER_E_INPUT for what witnesses_read
 * refuses and for another subject than the origin; COFFER_E_DENIED (check "amendment") where it would ask for fewer cosignatures than
 * before, or for so few of so many that two histories could each find them where before they could not, or for anchors of CCA platforms, which stay:
 * which of them vouched for evidence only its appraisal knows, and not the decision. A new root is read whole: what nobody can use is refused. */
enum coffer_rc amendment_read(const struct statement *s, const struct genesis *was, struct genesis *out, struct err *e) NODISCARD;

/* all has the roots of g too, each once. False: they are over GENESIS_ROOTS_MAX. */
bool roots_ever_add(struct genesis *all, const struct genesis *g) NODISCARD;

/* Whose roots evidence of a platform leads to, as a genesis spells it; "" where nobody's certificates vouch for it (sample, csv). */
const char *platform_vendor(const char *platform);

/* Of that platform's vendor the genesis names a root whose certificate has a key with this SHA-256 of its SubjectPublicKeyInfo. */
bool genesis_names_root(const struct genesis *g, const char *platform, const uint8_t key[static 32]);

/* Every witness that a genesis and its amendments name, each key once, in the order in which they came; its address is the last one
 * said. False: they are over WITNESSES_EVER_MAX. */
struct witnesses_ever { struct genesis_witness w[WITNESSES_EVER_MAX]; size_t n; };
bool witnesses_ever_add(struct witnesses_ever *all, const struct genesis *g) NODISCARD;
