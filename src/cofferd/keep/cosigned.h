/* The newest head of the ledger that enough of its witnesses signed, kept with the store, for the genesis as it was founded (level 0) and as each
 * amendment left it: after a start readers are shown it before the witnesses have signed again, which takes all of those that must to be up; and
 * receipts of what left by witnesses that are gone since have no other. */
#pragma once
#include "cofferd/keep/journal.h"
#include "trust/witnesses.h"

#define COSIGNED_MAX (16u << 10) /* of a head with every witness's line */

enum coffer_rc cosigned_keep(struct store *s, size_t level, struct span note, struct err *e) NODISCARD;
/* Appends the kept one, or nothing: there is none, or it is too long to be one. Stores of before kept one for all levels: it is given for each that
 * has none of its own. */
enum coffer_rc cosigned_read(struct store *s, size_t level, struct wr *note, struct err *e) NODISCARD;
/* Whether `note` is a head that enough of these signed, over this journal's own entries: what lies in the store is believed for nothing.
 * Its size, or 0. */
uint64_t cosigned_size(const struct journal *j, const struct genesis_policy *p, struct span note);
