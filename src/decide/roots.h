/* Whom keep believes about hardware: the vendors' keys that are pinned in the source, and certificates that the founders of the
 * genesis signed for (a lab's TPM maker, a test's), and anchors of CCA platforms, which are bare keys. Read once at the start; nobody adds to it later. */
#pragma once
#include "evidence/fixed.h"
#include "proto/eval.h"
#include "trust/statement.h"

/* That of a root by which evidence was read; zeros for a pinned one, and none. */
void vendor_root_key(const struct fixed_root *r, uint8_t out[static 32]);

struct vendor_roots;
enum coffer_rc vendor_roots_open(const struct genesis *g, struct vendor_roots **out, struct err *e) NODISCARD;
void           vendor_roots_close(struct vendor_roots *r); /* NULL is fine */

/* For one platform: what fixed_read takes (borrowed), */
size_t vendor_roots_keys(const struct vendor_roots *r, const char *platform, struct fixed_root out[static FIXED_ROOTS_MAX]);
/* and the certificates or anchors of the genesis, for eval (borrowed). */
size_t vendor_roots_certs(const struct vendor_roots *r, const char *platform, struct span out[static EVAL_ROOTS_MAX]);
