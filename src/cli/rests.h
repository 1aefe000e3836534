/* What rests on what is about to be taken away, for whoever takes it. Said on standard error; nothing is decided by it. */
#pragma once
#include "cli/publish.h"

/* *n: approvals and bindings in force, anybody's, that name the asset. */
enum coffer_rc rests_on_asset(const struct asker *me, const struct asset_path *p, size_t *n, struct err *e) NODISCARD;
/* What a revocation of that statement, which is logged already, has ended. */
void revoked_say(const struct asker *me, const uint8_t id[static 32]);
