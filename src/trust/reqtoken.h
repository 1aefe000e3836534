/* A party token that is signed on another machine than it is used on (docs/protocol/service.md, "Party tokens"): what whoever signs reads of it, from the very bytes.
 *
 * Form only: that the key is the party's, that it was not used, and that it is the request's the service asks. */
#pragma once
#include "trust/name.h"

#define REQTOKEN_MAX 8192    /* bytes of header, dot and payload, base64url */
#define REQTOKEN_SECONDS 3600 /* how long one may be good that is bound to a service; others: 300 */

struct reqtoken {
	char     iss[PARTY_MAX];
	uint64_t iat, exp;
	char     method[8], path[2048 + 1]; /* "GET" or "DELETE"; printable ASCII without blanks, begins with a slash */
	uint8_t  tls[32];               /* SHA-256 of the service's SubjectPublicKeyInfo */
};
/* COFFER_E_INPUT for what is not one header of such a token for that key (thumbprint) and one payload, closed; COFFER_E_DENIED (check "token") for one
 * that is bound to no service, longer good than REQTOKEN_SECONDS, or for a request that changes more than it deletes: another method, or a body. */
enum coffer_rc reqtoken_read(struct span signing_input, const uint8_t keyid[static 32], struct reqtoken *out, struct err *e) NODISCARD;
