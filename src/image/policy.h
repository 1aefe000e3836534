/* Signature policy: policy.json (containers-policy.json(5)) as far as it is built, everything else refused.
 *
 * Requirements: reject, insecureAcceptAnything, sigstoreSigned with one PEM key. signedBy (OpenPGP) is read, and
 * refuses every image: it is not built. An unknown type or member makes the whole text invalid, as does an empty list of
 * requirements: a policy is obeyed in full or not at all. No policy at all rejects.
 *
 * Scope: the narrowest entry of transports.docker (reference, repository, its parents, host, "*.domain"
 * longest first, ""), else default. A reference with a digest is looked up as repo@digest; its tag plays no part.
 */
#pragma once
#include "image/ref.h"
#include "image/sign.h"

#define POLICY_MAX ((size_t)1 << 20) /* bytes */
#define POLICY_REQS_MAX 32           /* of one scope */

struct policy;
enum coffer_rc policy_parse(struct span text, struct policy **out, struct err *e) NODISCARD;
void policy_free(struct policy *p);
static inline void policy_freep(struct policy **p) { policy_free(*p); *p = NULL; }

/* Whether judging this image needs its signatures (so that none are fetched in vain). p NULL = no policy. */
bool policy_wants_signatures(const struct policy *p, const struct ref *image);

/* The scope that decides, for messages: its text, or "default". Borrowed. */
const char *policy_scope(const struct policy *p, const struct ref *image);

/* All requirements of the scope must hold. `digest` is what the reference resolved to (manifest or index) and what
 * signatures must name. A sigstoreSigned requirement holds when one signature verifies under its key, names the digest and
 * an identity that fits (default matchRepoDigestOrExact); strangers' signatures beside it do no harm.
 * COFFER_E_DENIED: check "policy" (rejected, not built), or "signature" (no signature is good enough, the nearest
 * miss in the message). keyPath files are read here. */
enum coffer_rc policy_judge(const struct policy *p, const struct ref *image, const uint8_t digest[static 32],
    const struct sign_set *sigs, struct err *e) NODISCARD;
