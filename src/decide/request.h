/* A guest's signed request (docs/protocol/service.md, "Coffer-Request"): read and verified by the service, and again from a receipt. */
#pragma once
#include "decide/decide.h"
#include "decide/teekey.h"

#define REQUEST_MAX 600 /* bytes: header and two names */

/* Version, container and purpose of the bytes into q, which borrows them, and the counter. COFFER_E_INPUT. */
enum coffer_rc request_read(struct span b, struct request *q, uint64_t *counter, struct err *e) NODISCARD;

/* *good: the attested request key signed these bytes for q->path in this session; false where the key set has none. COFFER_E_INPUT for a
 * malformed one. */
struct request_signed { struct span bytes; const uint8_t *sig, *session; /* SIG_LEN; KEEP_SESSION_LEN */
	struct key_seen *seen; /* as in key_verify_seen; NULL: it is verified */ };
enum coffer_rc request_verify(const struct request *q, const struct request_signed *s, const struct member_set *members, bool *good,
    struct err *e) NODISCARD;
