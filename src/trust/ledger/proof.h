/* Proofs that travel (C2SP tlog-proof, ".tlog-proof"): checkpoint, index and inclusion proof in one text, to be verified
 * offline against a leaf the verifier has and a policy it was configured with. */
#pragma once
#include "trust/ledger/checkpoint.h"

#define TLOG_PROOF_MAX       (NOTE_MAX + (128u << 10)) /* bytes of the whole text */
#define TLOG_PROOF_EXTRA_MAX (64u << 10)               /* bytes of extra data, decoded */

struct tlog_proof {
	struct wr           extra; /* owned; empty when there is none. Signed by nobody */
	uint64_t            index;
	struct merkle_proof path;
	struct span         note;  /* the checkpoint with its signatures; borrowed */
};

void tlog_proof_clear(struct tlog_proof *p); /* CLEANUP-ready */

/* Form only: the note must be a note whose text is a checkpoint, nothing is verified. COFFER_E_INPUT, or COFFER_E_LIMIT beyond a
 * limit. *out must be zero or cleared, and stays so on failure. */
enum coffer_rc tlog_proof_parse(struct span s, struct tlog_proof *out, struct err *e) NODISCARD;
/* COFFER_E_INPUT for a note that is no checkpoint. */
enum coffer_rc tlog_proof_write(const struct tlog_proof *p, struct wr *w, struct err *e) NODISCARD;

/* The leaf with this hash is in the log of the policy, under a checkpoint that opens (checkpoint_open, with its refusals).
 * COFFER_E_DENIED (check "ledger-inclusion") when the leaf is not at the index. Not checked: age, and that the checkpoint
 * continues one seen before. */
enum coffer_rc tlog_proof_verify(const struct tlog_proof *p, const struct mhash *leaf, const struct ledger_policy *policy,
    struct ledger_seen *out, struct err *e) NODISCARD;

/* ---- lines, of this form and of a witness's requests ---- */

/* The next line without its newline, taken off s; false when no whole line is left. */
bool proof_line(struct span *s, struct span *out) NODISCARD;
/* Hashes in base64, one a line, up to an empty line, which is taken off too. COFFER_E_INPUT, COFFER_E_LIMIT over MERKLE_PROOF_MAX. */
enum coffer_rc proof_path_read(struct span *s, const char *what, struct merkle_proof *out, struct err *e) NODISCARD;
void           proof_path_write(const struct merkle_proof *p, struct wr *w); /* with the empty line */
