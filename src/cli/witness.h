/* A witness's folder: its key and name, and of each log that it watches the newest checkpoint it signed.
 *
 *   witness.pem          private key, encrypted like a party's; witness.vkey: its public half, "name+id+key"
 *   <hex>.checkpoint     as the log sent it, signatures and all; hex: the first 16 bytes of SHA-256(origin)
 *   <hex>.forked         another checkpoint of the same size, signed by the log too: with the first it proves a fork
 *
 * A folder put back from an old copy makes the witness forget what it saw: whoever keeps one does not back it up. */
#pragma once
#include "cli/cli.h"
#include "net/http_serve.h"
#include "trust/ledger/witness.h"

#define WITNESS_LOGS_MAX 64

struct witness {
	char               dir[512];
	int                lock;  /* the folder, locked against a second witness; -1: none */
	struct note_key    key;
	struct privkey    *secret;
	struct witness_log log[WITNESS_LOGS_MAX];
	size_t             n;
};
void witness_end(struct witness *w); /* CLEANUP-ready; of one with lock = -1 or open */

/* COFFER_E_INPUT where there is a witness already; makes the folder. */
enum coffer_rc witness_found(const char *dir, struct span name, struct span pass, const struct privkey *key, struct note_key *out,
    struct err *e) NODISCARD;

/* Key and lock; logs are added after. COFFER_E_NOTFOUND naming `coffer witness init`; COFFER_E_LIMIT while another runs. */
enum coffer_rc witness_open(struct cli *c, const char *dir, struct witness *w, struct err *e) NODISCARD;
/* With what was last signed for it, if anything: a file there that is not a checkpoint of this log is refused
 * (COFFER_E_DENIED). */
enum coffer_rc witness_watch(struct witness *w, const struct note_key *log, struct err *e) NODISCARD;

/* http_serve_fn; arg is the struct witness. POST /add-checkpoint alone. */
enum coffer_rc witness_answer(void *arg, size_t caller, const struct http_in *q, struct http_out *out, struct err *e) NODISCARD;
