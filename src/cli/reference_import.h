/* Reference values as others publish them, for `coffer reference import`. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define REFERENCE_FILE_MAX (1u << 20)

/* Writes one JSON object, name -> value, to `object`. fn NULL: known, and not read by this version. */
struct ref_extractor { const char *name; enum coffer_rc (*fn)(struct span payload, struct wr *object, struct err *e); };

/* NULL when no extractor has this name. */
const struct ref_extractor *ref_extractor_by_name(const char *name);

/* text is a message as RVPS takes it, {"version":"0.1.0","type","payload":base64}, whose type must be x's name, or the bare
 * payload. What comes out has been checked by reference_check; who made it has not: it counts once a party has signed it. */
enum coffer_rc ref_extract(const struct ref_extractor *x, struct span text, struct wr *object, struct err *e) NODISCARD;
