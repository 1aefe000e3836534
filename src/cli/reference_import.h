/* Reference values as others publish them, for `coffer reference import`. */
#pragma once
#include "evidence/evidence.h"

#define REFERENCE_FILE_MAX (1u << 20)

/* Whom the importer believes; all borrowed. */
struct ref_trust {
	const struct collateral *col; /* swid: roots beside NVIDIA's; NULL: none */
	int64_t now;                  /* swid: the signer's certificates must be in force then */
	const struct vkey *key;       /* corim: who must have signed; NULL: a signed one is refused, for nobody would look */
};

struct ref_values { struct wr object; const char *proof; }; /* JSON, name -> value; whose word they are, in words */

/* Writes into out->object, and sets out->proof. */
typedef enum coffer_rc ref_fn(const struct ref_trust *t, struct span payload, struct ref_values *out, struct err *e);
/* swid: a manifest of NVIDIA's or its base64, signed on a path to a root (evidence/rim.h). corim: evidence/corim.h; one without a
 * signature is taken, for the party that signs the draft vouches for it. sample: the object itself, which nobody signs. */
struct ref_extractor { const char *name; ref_fn *fn; };

/* NULL when no extractor has this name. */
const struct ref_extractor *ref_extractor_by_name(const char *name);

/* text is a message as RVPS takes it, {"version":"0.1.0","type","payload":base64}, whose type must be x's name, or the bare
 * payload. What comes out has been checked by reference_check; it counts once a party has signed it. COFFER_E_INPUT, and
 * COFFER_E_DENIED where a signature, its path or its dates do not hold. */
enum coffer_rc ref_extract(const struct ref_extractor *x, const struct ref_trust *t, struct span text, struct ref_values *out,
    struct err *e) NODISCARD;
