/* The zone of a time operand: UTC, or one whose file the embedder has. */
#pragma once
#include "fmt/tzif.h"
#include "policy/builtin/gotime.h"

struct timezone_of {
	bool        named; /* false: UTC */
	struct tzif tz;
};

/* "", "UTC" and "Local" are UTC. False when there is no such zone or its file is bad, and the fault is recorded; costs steps
 * for the question and for the file's bytes. */
bool timezone_find(struct call *c, struct span name, struct timezone_of *out) NODISCARD;
/* The same moment as the zone's clocks show it. */
struct moment timezone_show(const struct timezone_of *z, struct moment m);
/* The moment at which they show this date and time; see tzif_offset_of() for those shown twice or never. */
struct moment timezone_moment(const struct timezone_of *z, struct civil c, int32_t nsec);
