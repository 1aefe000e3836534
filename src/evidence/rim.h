/* NVIDIA's reference integrity manifests: SWID tags (ISO/IEC 19770-2, TCG RIM) with an XML signature.
 *
 * The only place that reads XML. Checked before anything is believed: size and depth, UTF-8, no document type of any form, one
 * signature directly below the root, over the whole document and nothing else (one reference "", transforms enveloped and
 * canonical XML), ECDSA-P384-SHA384, by the first certificate of its KeyInfo, whose chain leads to NVIDIA's RIM root or one
 * given. libxmlsec1 does canonical form, digest and signature; it is given the key and trusts nothing by itself.
 * NOT checked: revocation, that the manifest is for some device. In a library of its own, so that only `coffer` and who judges
 * evidence link an XML reader. Not for threads: the first call sets libxmlsec1 up. */
#pragma once
#include "evidence/evidence.h"

#define RIM_MAX (512u << 10)

struct rim {
	char version[64]; /* colloquialVersion */
	int64_t from, to; /* of the signer's certificate */
	struct wr active; /* as ev_manifest has it; an entry that does not say active="False" is active */
	struct wr values; /* JSON object: name -> list of SHA-384 in hex, as Trustee names them; all-zero ones dropped */
};
/* Sets libxmlsec1 up, once a process: the first read does it, a process that sandboxes itself does it before. */
bool rim_set_up(void) NODISCARD;
void rim_clear(struct rim *r); /* CLEANUP-ready */
/* now < 0: dates are not judged. COFFER_E_INPUT: no such manifest; COFFER_E_DENIED: signature or
 * chain ("rim", "chain", "validity"). */
enum coffer_rc rim_read(struct span xml, const struct anchors *roots, int64_t now, struct rim *out, struct err *e) NODISCARD;
/* The values of a manifest or of its base64, signed on a path to the pinned root or to one of the collateral's (NULL: none).
 * NVIDIA's signers are valid for two years, their manifests for longer: now < 0 does not judge dates. Writes one object. */
enum coffer_rc rim_reference_values(
    struct span xml, const struct collateral *col, int64_t now, struct json_wr *out, struct err *e) NODISCARD;
/* For struct collateral. */
enum coffer_rc rim_manifest(
    struct span xml, const struct collateral *col, int64_t now, struct ev_manifest *out, struct err *e) NODISCARD;
