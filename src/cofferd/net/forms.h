/* Form checks of the KBS endpoints that need no connection: tested and fuzzed alone. */
#pragma once
#include "crypto/jwe.h"
#include "crypto/jws.h"
#include "proto/keep.h"

/* A party token, taken apart for keep. `parts` owns what *out borrows. Header: exactly alg (EdDSA, ES256), kid, typ. */
struct party_token { struct jws_parts parts; struct keep_party_auth auth; };
void party_token_clear(struct party_token *t); /* CLEANUP-ready */
enum coffer_rc party_token_split(struct span compact, struct party_token *out, struct err *e) NODISCARD;

/* The body of a resource POST: {"statement","sealed"}; or {"statement"} alone, about the content that is kept already. */
struct sealed_asset { struct dsse statement; bool has_content; struct jwe_parts sealed; struct json_doc *doc; }; /* all owned */
void sealed_asset_clear(struct sealed_asset *s); /* CLEANUP-ready */
enum coffer_rc sealed_asset_parse(struct span body, struct sealed_asset *out, struct err *e) NODISCARD;

/* Coffer-Request and Coffer-Signature headers. COFFER_E_INPUT unless both decode; request <= 512 bytes. */
enum coffer_rc signed_request_parse(struct span request, struct span signature, struct wr *bytes, uint8_t sig[static SIG_LEN],
				    struct err *e) NODISCARD;
