/* Inside admission only: assets of which several parties decide together. */
#pragma once
#include "cofferd/keep/keep.h"

/* An asset statement that its owner signed: all that it names are known and signed it too, and so did k of those that the one
 * before names, since together they decide who comes after them; and so did each of those whom it drops that holds the asset back. COFFER_E_DENIED "signature". */
enum coffer_rc co_admit(struct keep *k, const struct dsse *env, const struct statement *s, const struct asset_body *b,
    struct err *e) NODISCARD;

/* Whose signatures count on an asset statement beside its owner's: each that it names, and of whom k have to agree, those that the newest before it
 * names and the newest of these that is not void. Some may be there twice. */
struct co_names { char id[3 * ASSET_OWNERS_MAX][PARTY_MAX]; size_t n; };
enum coffer_rc co_names(struct keep *k, const struct statement *s, struct co_names *out, struct err *e) NODISCARD;

/* *yes: the asset statement with this id, which is logged, names the party among those who decide; or it is void, and those did whom it follows. */
enum coffer_rc co_named(struct keep *k, const uint8_t id[static 32], const char *party, bool *yes, struct err *e) NODISCARD;
/* *yes: the statement about the asset that is kept names this party. */
enum coffer_rc co_owns(struct keep *k, const struct asset_path *p, const char *party, bool *yes, struct err *e) NODISCARD;
