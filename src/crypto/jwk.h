/* JWK (RFC 7517) <-> struct pubkey. EC members: kty, crv, x, y; OKP: kty, crv, x.
 * Other members (alg, use, kid) are accepted and ignored on reading; private
 * members ("d") are refused, so that a private key pasted by mistake is noticed. */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"

enum coffer_rc jwk_read(const struct json *v, const char *where, struct pubkey *out, struct err *e) NODISCARD;
void           jwk_write(struct json_wr *j, const struct pubkey *k); /* {"crv","kty","x"[,"y"]} in JCS order */
