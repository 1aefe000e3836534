/* Inside proto/ only: the fields that several messages of keep.h share. Booleans are 0 or 1, nothing else. */
#pragma once
#include "proto/keep.h"

#define KEEP_PATH_MAX 2048            /* bytes of an HTTP path, an asset's path or a subject */
#define KEEP_TOKEN_MAX (192u << 10)    /* what keep may make of claims, base64url */

bool           keep_bool(struct rd *r);
void           keep_put_bool(struct wr *w, bool v);
/* COFFER_OK, or "<what>: malformed near byte N". Demands the last byte. */
enum coffer_rc keep_end(const struct rd *r, const char *what, struct err *e) NODISCARD;
uint64_t       keep_be64(struct rd *r);
void           keep_bad(struct rd *r); /* marks a value as out of range */

void keep_party_auth_put(struct wr *w, const struct keep_party_auth *a);
void keep_party_auth_get(struct rd *r, struct keep_party_auth *a);
