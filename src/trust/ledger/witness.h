/* What a log asks of a witness, and when the witness signs (C2SP tlog-witness, "add-checkpoint"). Pure: durability and signing
 * are the caller's. */
#pragma once
#include "trust/ledger/proof.h"

#define ADD_CHECKPOINT_PATH_MAX 63 /* lines of a proof, by the specification */
#define ADD_CHECKPOINT_MAX (64u << 10) /* bytes of a request that is taken or made here */
#define WITNESS_SIZE_TYPE "text/x.tlog.size" /* of a 409's body: the size the witness has, decimal, and a newline */

struct add_checkpoint {
	uint64_t            old;  /* size that the proof begins with; the witness's own */
	struct merkle_proof path; /* from old to the checkpoint's size */
	struct span         note; /* the checkpoint, signed by its log; borrowed */
};
/* "old N", the proof's lines, an empty line, the note. Form alone; the note is not looked into. COFFER_E_INPUT,
 * COFFER_E_LIMIT. */
enum coffer_rc add_checkpoint_read(struct span body, struct add_checkpoint *out, struct err *e) NODISCARD;
void           add_checkpoint_write(const struct add_checkpoint *q, struct wr *w);

/* A decimal number and perhaps a newline: the body of a 409. */
bool witness_size_read(struct span body, uint64_t *out) NODISCARD;

struct witness_log {
	struct note_key    key;  /* NOTE_ED25519; its name is the origin */
	struct merkle_head head; /* the newest that was signed; size 0 and the empty root before the first */
};

struct witness_said {
	int                status; /* of HTTP: what the specification says */
	size_t             log;    /* whose it is; unless 400 and 404 */
	struct merkle_head head;   /* 200: to be kept before the text is signed; 409: what the witness has */
	struct span        note, text; /* 200 and fork: borrowed from the body */
	bool               fork;   /* the log signed two trees of one size: note is the evidence */
};
/* COFFER_OK (200): the checkpoint is signed by its log and continues what the witness has. Else
 *   400 COFFER_E_INPUT or _LIMIT  no request, no checkpoint, or an old size beyond the checkpoint's
 *   403 COFFER_E_DENIED           "ledger-signature": not signed by that log
 *   404 COFFER_E_NOTFOUND         a log that is not witnessed here
 *   409 COFFER_E_DENIED           "witness-size": it begins with another size than the witness has; or "ledger-fork"
 *   422 COFFER_E_DENIED           "witness-proof": it does not continue what the witness has */
enum coffer_rc witness_judge(const struct witness_log *log, size_t n, struct span body, struct witness_said *out, struct err *e) NODISCARD;
