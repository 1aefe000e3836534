/* What makes a Hygon CSV report good: HRK -> HSK -> CEK -> PEK -> report, SM2 with SM3 all the way. */
#pragma once
#include "evidence/evidence.h"

/* The driver with the root named by the caller: an anchor's name is the identifier that it signs with ("HYGON-SSD-HRK"). */
enum coffer_rc csv_appraise(const struct ev_in *in, const struct anchors *roots, struct ev_out *out, struct err *e) NODISCARD;
