/* What the parent does: it finds and starts its programs, and makes their keys. It holds no key while the
 * service runs and reads no byte of the network. */
#pragma once
#include "cofferd/config.h"

/* The folder below the state folder that keep owns and that alone its sandbox opens: the TLS key lies beside it. */
#define KEEP_DIR_MAX 520 /* with NUL */
void keep_dir(const struct config *c, char out[static KEEP_DIR_MAX]);

/* Path of a program of ours ("cofferd-keep", "cofferd-net"): beside this one, in ../libexec/coffer, or in the
 * build's folder of it. COFFER_E_NOTFOUND. */
enum coffer_rc program_find(const char *name, char *out, size_t n, struct err *e) NODISCARD;

/* Makes keys and certificate in the state folder, those alone that are absent, and prints the body of the
 * service statement. */
enum coffer_rc keygen(const struct config *c, struct err *e) NODISCARD;

/* SHA-256 of the SPKI of state/tls.key, which is read and wiped. COFFER_E_NOTFOUND when there is none. */
enum coffer_rc tls_digest(const struct config *c, uint8_t spki[static 32], struct err *e) NODISCARD;

/* After the newest store was lost and an old copy restored: enters that into the journal and lets the service start. */
enum coffer_rc accept_loss(const struct config *c, struct err *e) NODISCARD;
/* Of receipts that their owners fetched that many days ago (cofferd/keep/prune.h). */
enum coffer_rc prune_evidence(const struct config *c, const char *days, struct err *e) NODISCARD;
enum coffer_rc fsck(const struct config *c, bool repair, struct err *e) NODISCARD;

/* Runs the service until SIGTERM or SIGINT (COFFER_OK) or until a child ends. */
enum coffer_rc serve(const struct config *c, struct err *e) NODISCARD;
