/* Evidence of this machine, by coffer-probe beside this program ($COFFER_PROBE instead). */
#pragma once
#include "cli/selftest/bundle.h"

/* Of every platform, over `data` (32 to 48 bytes), or what its room allows of it; into a bundle that is zero. What the probe says is read as a stranger's.
 * COFFER_E_NOTFOUND: there is no such program. Not checked: that the evidence is over it. */
enum coffer_rc selftest_take(struct span data, struct bundle *b, struct err *e) NODISCARD;
