/* A key in the kernel's keyring, for the kernel's own use: user space cannot read it back (type "logon"). */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

/* In this thread's own keyring, where the kernel finds it for what this thread asks. name: with a prefix, "coffer:scratch". COFFER_E_SYSTEM. */
enum coffer_rc keyring_add(const char *name, const struct secret *key, int32_t *id, struct err *e) NODISCARD;
/* From then on nobody uses it, the kernel's copy is freed. What was made with it keeps its own. */
enum coffer_rc keyring_revoke(int32_t id, struct err *e) NODISCARD;
