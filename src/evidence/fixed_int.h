/* Inside evidence/fixed*.c only. */
#pragma once
#include "crypto/cert_parse.h"
#include "evidence/fixed.h"

struct fixed_leaf {
	struct cert_fields       cert; /* borrows the path */
	struct vkey             *key;  /* owned */
	const struct fixed_root *root;
};
/* Verifies the path of in up to one of its roots; vkey_free(out->key) when done. COFFER_E_DENIED. */
enum coffer_rc fixed_path(const struct fixed_in *in, struct fixed_leaf *out, struct err *e) NODISCARD;
enum coffer_rc fixed_full(bool room, struct err *e) NODISCARD;

enum coffer_rc fixed_snp(const struct fixed_in *in, struct fixed_out *out, struct err *e) NODISCARD;
enum coffer_rc fixed_tdx(const struct fixed_in *in, struct fixed_out *out, struct err *e) NODISCARD;
enum coffer_rc fixed_sgx(const struct fixed_in *in, struct fixed_out *out, struct err *e) NODISCARD;
enum coffer_rc fixed_tpm(const struct fixed_in *in, struct fixed_out *out, struct err *e) NODISCARD;
enum coffer_rc fixed_az(const struct fixed_in *in, struct fixed_out *out, struct err *e) NODISCARD;
