/* Who revoked or paused a statement, as far as the service shows it; each is signed by whom it names. Whose word counts is the caller's question. */
#pragma once
#include "cli/home.h"
#include "trust/statement.h"

struct stop { char by[PARTY_MAX]; bool pause; int64_t until; /* of a pause */ };
struct stops { struct stop *at; size_t n; }; /* owned */
void           stops_clear(struct stops *s); /* CLEANUP-ready */
/* Pauses in force, and revocations, which end with nothing: their own `expires` neither. One that a stolen key said and a quorum lifted is left out. */
enum coffer_rc stops_of(const struct asker *me, const uint8_t id[static 32], struct stops *out, struct err *e) NODISCARD;
