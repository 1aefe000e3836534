/* A signing key in a PKCS#11 token, as a struct privkey.
 *
 * The module is code of the token's maker, loaded into this process: it sees what is signed and the PIN, and could do whatever the
 * process may. Hence only `coffer` links this file; no process that holds secrets of others or meets strangers does.
 */
#pragma once
#include "crypto/key.h"
#include "crypto/p11uri.h"

/* Asked once, and only when the token wants a login. */
typedef enum coffer_rc (*token_pin)(void *arg, struct secret *out, struct err *e);

/* Opens the one key that u names: P-256 (CKM_ECDSA; the SHA-256 is ours) or Ed25519 (CKM_EDDSA), its public half in the token too.
 * COFFER_E_NOTFOUND: no such module, token or key; COFFER_E_INPUT: several, or a key of another kind; COFFER_E_DENIED (check "pin"): the
 * token refuses the PIN, which is never tried twice; COFFER_E_UPSTREAM: the module fails. privkey_free logs out and unloads.
 * Of several keys by one module the first that was opened is freed last: after it the others sign nothing. */
enum coffer_rc token_open(const struct p11uri *u, token_pin pin, void *arg, struct privkey **out, struct err *e) NODISCARD;
