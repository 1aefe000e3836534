/* An approval and those of the same party for the same workload that are in force: told on standard error before it is signed. */
#pragma once
#include "cli/publish.h"

/* d: an approval whose last subject is its workload. Names the one that it replaces and how it differs (trust/approval_diff.h), and those that stay in force
 * beside it. What the service leaves out is not told: it says what is there, and could hide some. */
enum coffer_rc approve_replaces(const struct asker *me, const struct draft *d, struct err *e) NODISCARD;
