/* Inside parties.c: by which parties' keys something may be. */
#pragma once
#include "trust/parties.h"

/* Each key by which this one signs or recovers is found from here on, with what was before; party: its place among p->life. */
enum coffer_rc parties_index(struct parties *p, size_t party, const struct party *is, struct err *e) NODISCARD;
/* Those that ever stated the key of this thumbprint, to sign or to recover with, in their order; *n of them. Whether it is in effect is not looked at. */
const struct key_of *parties_stated(const struct parties *p, const uint8_t thumb[static 32], size_t *n);
