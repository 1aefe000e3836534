/* Asset contents at rest: AES-256-GCM under a key derived from the storage key, bound to path and version. */
#pragma once
#include "cofferd/keep/keep.h"

#define SALT_LEN 32

/* The plain form is salt || content. Replaces what is stored for the path; inside a transaction. */
enum coffer_rc asset_store(struct keep *k, const struct asset_body *b, const uint8_t statement[static 32],
			   const struct secret *plain, struct err *e) NODISCARD;

/* COFFER_E_NOTFOUND; COFFER_E_DENIED (check "seal") when the database was tampered with. */
enum coffer_rc asset_load(struct keep *k, const struct asset_path *p, uint64_t version, struct secret *plain,
			  struct err *e) NODISCARD;
