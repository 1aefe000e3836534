/* RSA-OAEP of one 32-byte key (RFC 8017, 7.1; empty label), for JWE and for the JWE form of encrypted images.
 * SHA-1 here is only the mask of a padding, where its collisions do no harm; it is what "RSA-OAEP" means in RFC 7518. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

/* pub_pem: SubjectPublicKeyInfo of an RSA key of 2048 to 8192 bits. Appends to out. */
enum coffer_rc oaep_seal(struct span pub_pem, bool sha1, const uint8_t key[static 32], struct wr *out, struct err *e) NODISCARD;

/* COFFER_E_DENIED (check "seal") whatever is wrong with the bytes; COFFER_E_INPUT for a file that holds no RSA key. */
enum coffer_rc oaep_open(struct span k_pem, struct span pass, bool sha1, struct span in, uint8_t key[static 32],
    struct err *e) NODISCARD;
