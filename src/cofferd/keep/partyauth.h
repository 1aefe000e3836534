/* Party tokens: docs/protocol/service.md, "Party tokens". */
#pragma once
#include "cofferd/keep/keep.h"

#define TOKEN_BOUND_SECONDS 3600 /* of one that is bound to this service, signed on another machine perhaps (trust/reqtoken.h) */
#define TOKEN_AHEAD 30    /* a party's clock may be this far ahead of ours */
#define JTI_LEN 16
#define JTI_ID_LEN (32 + JTI_LEN) /* as it is remembered: the key's thumbprint, and its own name */

/* Verifies signature by a known party's key, iss is that party, 0 < exp - iat <= 300 (3600 where it is for GET or DELETE and names our TLS key; another is refused), now within, method, path and body
 * digest as in the request, and that its jti was not used before (written down durably: also after a restart).
 * COFFER_E_DENIED (check "token"). *who is good until the next party statement is logged. */
enum coffer_rc party_auth(struct keep *k, const struct keep_party_auth *a, const struct party **who, struct err *e) NODISCARD;

/* Does payload, base64url, stand behind the one dot of signing_input? Then a signature over the latter is one over the former. */
bool jws_payload_is(struct span signing_input, struct span payload) NODISCARD;
