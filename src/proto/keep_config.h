/* How the parent starts `cofferd-keep`, and what each tells the other.
 *
 * cofferd-keep --make-keys DIR     creates DIR/keep.keys, keep.db and keep.mark (mode 0600; refused when one is there
 *                                  already) and prints the public halves, as --public-keys does
 * cofferd-keep --public-keys DIR   prints {"ledger-key":JWK,"receive":JWK,"reply":JWK,"token":JWK} and a newline on
 *                                  standard output: the members that a service statement and the genesis want
 * cofferd-keep --accept-loss DIR   lets it start on an old keep.db, and writes that into the journal
 * cofferd-keep --prune-evidence DAYS DIR   forgets evidence of receipts that owners fetched that long ago, and writes that into the journal
 * cofferd-keep --run               fd 3: stream socket to `net` (frames of proto/keep.h: they carry numbers)
 *                                  fd 4: stream socket to the parent: it sends one KEEP_CONFIG frame (os/ipc.h),
 *                                  keep answers one frame whose tag is an enum coffer_rc: COFFER_OK (KEEP_READY_MAX)
 *                                  once the store is checked, the sandbox entered and requests are read;
 *                                  otherwise the sentence to log, and keep exits 1. Then keep sends a frame KEEP_ADDRESSES (the
 *                                  addresses as in KEEP_READY, at most as long) whenever the founders' amendments changed them,
 *                                  and either side's end of fd 4 or of fd 3 ends keep (exit 0).
 *                                  fd 5: stream socket to `eval` (proto/eval.h)
 *
 * keep refuses to start when the genesis does not hash to genesis_id, names another ledger key than keep.keys
 * holds, or when DIR/keep.db is missing, belongs to another genesis or other keys, is an old copy or has a broken chain.
 */
#pragma once
#include "proto/keep.h"

#define KEEP_CONFIG 1
#define KEEP_ADDRESSES 2
#define KEEP_CONFIG_MAX (DSSE_PAYLOAD_MAX + (64u << 10))
#define KEEP_FD_NET 3
#define KEEP_FD_PARENT 4
#define KEEP_FD_EVAL 5
#define KEEP_STATE_DIR_MAX 512 /* bytes */

struct keep_config {
	struct span state_dir;     /* absolute; holds keep.keys, keep.db and keep.mark */
	uint8_t     genesis_id[32];
	struct dsse genesis;       /* owned when read */
	struct span id;            /* of the service; empty: not told, any is taken */
	uint8_t     tls[32];       /* SHA-256 of the SPKI of its TLS key; told with id */
	uint32_t    sessions_max;  /* 0 = 10,000, which is also the most */
	uint64_t    kept_all, kept_owner; /* bytes of kept evidence: of all, of one owner; 0: keep's own bounds */
};

/* What keep answers when it is ready: what the service is (proto/self.h, self_binding; 32 zeros where its id was not told), then the addresses
 * of the ledger's witnesses, a line each. Else why it is not. */
#define KEEP_READY_MAX (16u << 10)
#define KEEP_READY_SELF 32

void keep_config_write(struct wr *w, const struct keep_config *c);

/* Borrows b for state_dir and id; dsse_clear(&c->genesis) afterwards. COFFER_E_INPUT unless b is used to its last byte.
 * Form only: neither digest nor signatures of the genesis are checked. */
enum coffer_rc keep_config_read(struct span b, struct keep_config *c, struct err *e) NODISCARD;
