/* Checkpoints (C2SP tlog-checkpoint), cosignatures of witnesses (tlog-cosignature, Ed25519) and the policy that counts them.
 *
 * A checkpoint that opens was signed by the log and seen by enough witnesses. That it continues an earlier one is a separate
 * question: merkle_consistent. Its time is the witnesses' word; whether it is recent is the caller's to say. */
#pragma once
#include "trust/ledger/merkle.h"
#include "trust/ledger/note.h"

#define WITNESSES_MAX 64

struct checkpoint {
	struct span        origin;     /* names the log; a key name's form (note_name_ok) */
	struct merkle_head head;       /* size at most MERKLE_SIZE_MAX */
	struct span        extensions; /* whole lines, newlines included; often empty */
};

/* The text of a note. Strict: decimal size without leading zero, 32 bytes of base64, no empty line, and the root of an empty
 * tree is the empty root. COFFER_E_INPUT otherwise; borrows from text; *out untouched on failure. */
enum coffer_rc checkpoint_parse(struct span text, struct checkpoint *out, struct err *e) NODISCARD;
/* COFFER_E_INPUT for what checkpoint_parse would refuse. */
enum coffer_rc checkpoint_write(const struct checkpoint *c, struct wr *w, struct err *e) NODISCARD;

/* ---- cosignatures ---- */

/* A signature line by a NOTE_COSIGNATURE key: at `time` (s since 1970, at most 2^63 - 1) this is the largest tree of that origin
 * the witness has seen, and it continues all before. The witness has made sure of that; this only signs. COFFER_E_INPUT for
 * text that is no checkpoint or a private key that is not the named one. */
enum coffer_rc checkpoint_cosign(const struct note_signer *s, struct span text, uint64_t time, struct wr *w,
    struct err *e) NODISCARD;

/* Whether the witness cosigned; NOTE_BAD when any line of its does not verify. *time: the newest of its lines. */
enum note_seen checkpoint_cosigned_by(const struct note *n, const struct note_key *k, uint64_t *time) NODISCARD;

/* ---- policy ---- */

struct ledger_policy {
	const struct note_key *log;       /* NOTE_ED25519; its name is the origin */
	const struct note_key *witnesses; /* NOTE_COSIGNATURE; n of them */
	size_t                 n;         /* at most WITNESSES_MAX */
	size_t                 k;         /* how many must have cosigned; 0..n */
};

struct ledger_seen { /* what a note showed */
	struct checkpoint cp;
	size_t            count;  /* witnesses that cosigned */
	uint64_t          by;     /* bit i: witnesses[i] */
	uint64_t          newest; /* time of the newest cosignature, s since 1970; 0 without one */
};

/* COFFER_E_INPUT unless k <= n and no two witnesses, nor a witness and the log, share a name or a key: a count of names would
 * then not be one of parties. */
enum coffer_rc ledger_policy_ok(const struct ledger_policy *p, struct err *e) NODISCARD;

/* Reads a note as a checkpoint of that log. COFFER_E_DENIED with check "ledger-origin" (another log), "ledger-signature" (not
 * or wrongly signed by the log), "ledger-cosignature" (a known witness's line does not verify) or "ledger-witness" (too few);
 * COFFER_E_INPUT for bytes that are no checkpoint and for a bad policy. out->cp borrows from note. */
enum coffer_rc checkpoint_open(struct span note, const struct ledger_policy *p, struct ledger_seen *out, struct err *e) NODISCARD;
