/* R12 with witnesses: a release's reply stays here until enough witnesses have signed a head that covers its entry.
 *
 * keep has no network: `net` carries what witnesses are asked and what they answer (KEEP_ROUND, KEEP_WITNESS, KEEP_COSIGN),
 * and fetches the reply when it may leave (KEEP_COLLECT). net can keep all this from happening; it cannot make it appear to
 * have happened: each cosignature is verified here, by the genesis' keys, over the head that keep signed.
 *
 * One head is before the witnesses at a time (a round). In memory alone, but for the newest heads that enough signed (cosigned.h): after a start
 * the first round asks everybody anew, and whoever waited asks again. */
#pragma once
#include "cofferd/keep/keep.h"
#include "decide/decide.h"
#include "trust/witnesses.h"

#define HELD_MAX 256
#define HELD_BYTES_MAX (64u << 20) /* of replies that wait */
#define HELD_S 60                  /* then they are dropped */

struct witnessed; /* NULL where neither the genesis nor an amendment wants cosignatures */

/* An asset's releases wait for the witnesses of the genesis as the asset's statement has it: as founded, or as an amendment left it. Every witness that
 * any of them names is asked for each head. */
enum coffer_rc witnessed_new(const struct parties *p, struct witnessed **out, struct err *e) NODISCARD;
/* At the start, after the journal: the head that was kept, where it still is one. */
enum coffer_rc witnessed_restore(struct keep *k, struct err *e) NODISCARD;
/* Anew, after the registry learned of an amendment; with what was kept. What waits is dropped: its askers ask again. */
enum coffer_rc witnessed_amended(struct keep *k, struct err *e) NODISCARD;
/* The addresses of all of them, a line each. Their order is that of the numbers by which net and fetch name them. */
enum coffer_rc witnessed_addresses(const struct keep *k, struct wr *out, struct err *e) NODISCARD;
void           witnessed_free(struct witnessed *w);

/* Whose reply it is: the key it is sealed to, the asset, the statement it comes with, and by whom in the guest and for what. */
struct held_for { const uint8_t *thumb, *statement; const struct asset_path *path; bool scoped; struct span container; uint8_t purpose;
	const struct decide_in *in; };
/* Whether a release of this asset waits for any. */
bool witnessed_wanted(const struct keep *k, const struct asset_body *b);

/* The reply that waits for the same asker already, so that asking again counts no use and writes no entry. */
bool witnessed_find(struct keep *k, const struct held_for *f, uint8_t ticket[static KEEP_TICKET_LEN]) NODISCARD;
/* Before an entry is written: COFFER_E_LIMIT when no further reply of that many bytes can be held. */
enum coffer_rc witnessed_room(struct keep *k, size_t bytes, struct err *e) NODISCARD;
/* After its commit: reply is an encoded keep_resource_rep, whose entry is the journal's newest. There was room. */
void witnessed_hold(struct keep *k, const struct held_for *f, struct span reply, uint8_t ticket[static KEEP_TICKET_LEN]);
/* This party said something: what was decided may no longer be right where it is concerned (concerned.h), and does not leave. Its askers ask
 * again. What waits of others stays: to ask again costs a use of theirs. */
void witnessed_drop(struct keep *k, const char *party);
void witnessed_drop_asset(struct keep *k, const struct asset_path *p); /* of this one alone */

/* A head that enough of those signed by whom this asset goes, over more than `entry` entries: what a receipt of that entry shows. Nothing where
 * none has to, or none is kept. */
enum coffer_rc witnessed_covering(const struct keep *k, const struct asset_body *b, uint64_t entry, struct wr *out, struct err *e) NODISCARD;

/* A member "witnessed" of the status: how many must sign, of how many, and the size of the newest head they have. Nothing without any. */
void witnessed_status(const struct keep *k, struct json_wr *j);

/* The newest head that enough have signed, or, before the first, ours alone: readers refuse that by name. */
enum coffer_rc witnessed_checkpoint(struct keep *k, struct wr *out, struct err *e) NODISCARD;
