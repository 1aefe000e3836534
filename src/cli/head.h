/* The heads of the service's ledger that a party's folder keeps, in files named ledger-<genesis>:
 *
 *   .head        the newest that any command saw, signed by the log
 *   .checkpoint  the newest whose entries were all read, signed by as many witnesses as the genesis wants (cli/ledger.h)
 *   .forked      one that does not continue them: evidence
 *   .lock        held while .head is written: it only ever becomes one that continues it, whatever several commands see at once
 */
#pragma once
#include "cli/home.h"

#define HEAD_OURS "this party saw"

enum coffer_rc head_path(const struct home *h, const char *what, char *out, size_t n, struct err *e) NODISCARD;

/* The service's newest head has to continue both that are kept; it is then kept as .head. Part of home_connect, so that no command
 * believes a service that was put back or shows another history. COFFER_E_DENIED: checkpoint_open's of the log's signature,
 * ledger-rollback, ledger-fork (put beside as .forked). A folder that cannot be written is warned of: heads are then compared, and
 * not kept. */
enum coffer_rc head_look(const struct home *h, struct service_conn *c, struct err *e) NODISCARD;

/* Hands rc on; where it says ledger-rollback or ledger-fork, names `file`, which holds the head that was seen; a fork's `note` is
 * written to .forked. */
enum coffer_rc head_evidence(const struct home *h, enum coffer_rc rc, struct span note, const char *file, struct err *e) NODISCARD;
