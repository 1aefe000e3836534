/* The JWE form of wrapped private options, as Go's ocicrypt (skopeo, containerd) writes and reads it.
 *
 * Written: flattened JSON, RSA-OAEP (SHA-1: what that name means in RFC 7518, and what those tools read) with A256GCM.
 * Read: flattened and general JSON (several recipients), RSA-OAEP, RSA-OAEP-256 and ECDH-ES+A256KW on P-256.
 */
#pragma once
#include "image/crypt.h"

#define CRYPTJWE_RECIPIENTS_MAX 16

/* `pub_pem`: SubjectPublicKeyInfo, RSA 2048 to 8192 bits. Appends the base64 of the JWE to note. */
enum coffer_rc cryptjwe_seal(struct span pub_pem, const struct crypt_private *p, struct wr *note, struct err *e) NODISCARD;

/* `note`: the annotation, base64 JWEs joined by commas. The private key is tried on every recipient.
 * COFFER_E_DENIED (check "decrypt") when it opens none. */
enum coffer_rc cryptjwe_open(struct span note, struct span pem, struct span pass, struct crypt_private *out,
    struct err *e) NODISCARD;
