/* Receipts of what the kit's keep released, as `coffer receipt get` makes them. */
#pragma once
#include "tests/keepkit.h"
#include "trust/receipt.h"

/* Asks keep for what a receipt is made of. */
enum coffer_rc receiptkit_ask(struct kit *k, enum kit_party who, const uint8_t id[static 16]);
/* Tells keep that this party has it. */
enum coffer_rc receiptkit_had(struct kit *k, enum kit_party who, const uint8_t id[static 16]);
/* The newest decision's id. */
void receiptkit_newest(struct kit *k, uint8_t id[static 16]);
/* Of the newest decision, which is a release. */
void receiptkit_make(struct kit *k, enum kit_party who, struct wr *out);
/* Of that one. Frees what *out held. */
void receiptkit_of(struct kit *k, enum kit_party who, const uint8_t id[static 16], struct wr *out);
/* Each member of the one in place of the other's. */
void receiptkit_splice(const struct wr *a, const struct wr *b, const char *name, struct wr *out);

/* Without that statement, which is the first that `by` said under a key of that kind; instead of it the item has the value of the map that stands for it. */
struct receiptkit_begin { const uint8_t *id; const char *kind, *by; const uint8_t *subject; };
void receiptkit_begin(const struct wr *text, const struct receiptkit_begin *h, struct wr *out);
/* Enters once more, with another decision, what was entered as a release last; text (NULL: none) that is cut out of its record. */
void receiptkit_lie(struct kit *k, const char *cut);
/* The same naming no evidence, as a release of which none is kept: a receipt of it shows what statements show. */
void receiptkit_lie_bare(struct kit *k);
/* The same with one text of it replaced by one that is no longer. */
void receiptkit_lie_text(struct kit *k, const char *from, const char *to);
/* The same with another statement in the place of that one. */
void receiptkit_lie_with(struct kit *k, const uint8_t id[static 32], const uint8_t other[static 32]);

/* Of a receipt's text, with collateral that it may lack ({NULL,0}: none). e->check names what a denial is by. */
struct replay_out;
enum coffer_rc receiptkit_replay(const struct kit *k, struct span text, struct span file, struct replay_out *out, struct err *e);
/* The newest decision is a release, and decided again it comes to what was logged, word by word. Prints what does not. */
bool receiptkit_replays(struct kit *k, enum kit_party who);
