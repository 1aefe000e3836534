/* How much of others' receipts one party may fill. What a party whose word counts said of itself, against one thing, or demands of one platform,
 * is in each receipt that turns on it, to the last word (trust/said.h); so that no party makes another's longer than a receipt may be, there is a
 * number of such words, and of their bytes. Nobody is kept from speaking for good: one more is taken in ROOM_EVERY, and a revocation, of which there is one for each thing,
 * is not counted. What a party's recovery quorum says has a room of its own, as large: nobody with a stolen key of the party uses any of it up, however long it was so, and of the
 * recovery keys none more than its part, where there are enough for several quorums without a common key.
 *
 * table recovered: seq of a word that a quorum said, and each recovery key of then that signed it. What was said before there was this table counts as the party's own. */
#pragma once
#include "cofferd/keep/keep.h"

#define ROOM_SELF 64            /* of itself: party statements */
#define ROOM_SELF_BYTES (128u << 10)
#define ROOM_PAUSES 16          /* of one thing, with what lifts them; revocations of one key of images from a time on */
#define ROOM_MINIMA 16          /* of one platform */
#define ROOM_BYTES (512u << 10) /* of either */
#define ROOM_EVERY INT64_C(259200) /* 3 days, in seconds */
#define ROOM_BACK_MAX (4u << 10) /* bytes of one revocation or pause */

/* One that was logged, inside its transaction: after its entry, before the parties are what it makes of them. */
enum coffer_rc room_log(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e) NODISCARD;

/* A party has others speak with it: those that it introduced, and whom these did, each of which may be in a receipt as who introduced another or as who is
 * named by a workload. So party statements have a number together, too: of all that one founder brought, and those by their recovery quorums another, as large. Beyond it each of
 * these has a few of its own, and a few by its recovery quorum from then on, whatever the others said, and then one in ROOM_BROUGHT_EVERY of either, so that none of them silences
 * another. Of a quorum's few each of its keys has a part. */
#define ROOM_BROUGHT 64
#define ROOM_BROUGHT_SELF 3
#define ROOM_BROUGHT_QUORUM 2
#define ROOM_BROUGHT_EVERY INT64_C(2592000) /* 30 days, in seconds */
/* A party statement that is about to be logged. COFFER_E_LIMIT as below. */
enum coffer_rc room_brought(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e) NODISCARD;

/* What one party lends of what another lent it (one power, in one role), in all: whoever follows that power's links looks at these too, and its first lender has no say in how
 * many there are. What a party lends of its own has no number. */
#define ROOM_LENT 64
#define ROOM_LENT_EVERY INT64_C(86400) /* 1 day, in seconds */

/* One that is about to be logged, by whoever may say it. COFFER_E_LIMIT tells when the next is taken, and what is still. */
enum coffer_rc room_for(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e) NODISCARD;

/* A revocation, or a pause, that adds nothing to the one before it of the same thing: that one is in force, no compromised key alone signed it, and it ends when this one does or
 * reaches as far back. *was: that one, which then answers for both. s: its serial is the next. */
enum coffer_rc room_stands(struct keep *k, const struct statement *s, bool *stands, struct logged *was, struct err *e) NODISCARD;

/* Tokens that were used are remembered until they end (partyauth.h), and so have a number too: of a party, over all keys of its life, together with the parties that it
 * brought; and of all. Where that is reached it is those who have most that are refused: each founder, with whom it brought, has an equal part of all, each that it
 * brought an equal part of that, with whom it brought in turn, and of these each has one. Who has not used its part is refused by nobody's doing. */
#define ROOM_TOKENS 100000
#define ROOM_TOKENS_OF_PARTY 10000
/* One more of this party. COFFER_E_LIMIT. */
enum coffer_rc room_token(struct keep *k, const char *party, struct err *e) NODISCARD;
