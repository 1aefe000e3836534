/* What the ledger's leaves are (docs/protocol/ledger.md, "Leaves"): a public entry that says only that something happened and
 * when, and the opening that shows a party what.
 *
 * entry = "CLF5" || u64 time || u64 index || commitment (32) || map root after it (32) || map root before it (32) || u8 n || n tags
 * (32 each); big endian, nothing behind. n is 1, 2, 4, 8 or 16; tags ascend, so that their order tells nothing.
 * "CLF2" are entries of before the map held what each party said (mapkey.h): what it has is then by rule 1. "CLF3", rule 2: of before keys of
 * images were revoked (said.h); the map of rule 3 has nothing else. "CLF4", rule 3: of before owners stopped service statements, boot images and others for their
 * own assets; nor has that of rule 4.
 * commitment = SHA-256("coffer leaf v1\0" || salt (32) || record). A salt is drawn for each entry: without it a record of few
 * possible contents could be guessed from its commitment. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "trust/ledger/merkle.h"

#define LEAF_SALT 32
#define LEAF_TAGS_MAX 16
#define LEAF_MAX (117 + 32 * LEAF_TAGS_MAX) /* bytes of an entry */
#define LEAF_RECORD_MAX (60u << 10)

#define LEAF_RULE 4 /* the newest, by which entries are made */

struct leaf {
	unsigned rule;  /* 1 to LEAF_RULE: what its map holds, and what receipts ask it for; no entry has an older one than the entry before it */
	uint64_t time;  /* s since 1970 */
	uint64_t index; /* its own, so that an entry cannot be moved */
	uint8_t  commitment[32];
	struct mhash map, map_before; /* roots; zeros: the empty map */
	unsigned n_tags;
	uint8_t  tag[LEAF_TAGS_MAX][32];
};

/* The one entry these bytes are; false for any other length, rule, number or order of tags. Times, commitments and roots are not
 * judged. */
bool leaf_read(struct span s, struct leaf *out) NODISCARD;
/* Returns its length; 0 for a rule or tags that leaf_read would refuse. */
size_t leaf_write(const struct leaf *l, uint8_t out[static LEAF_MAX]) NODISCARD;
/* Fills up to n tags with random ones and sorts them; n is what leaf_read takes. */
void leaf_pad_tags(struct leaf *l, unsigned n);

void leaf_commit(const uint8_t salt[static LEAF_SALT], struct span record, uint8_t out[static 32]);

/* What was hashed: "CLO1" || salt || record. As a .tlog-proof's extra data it makes the proof one of the record. Read borrows;
 * false for another mark, and an empty record or one over LEAF_RECORD_MAX. */
struct leaf_opening {
	uint8_t     salt[LEAF_SALT];
	struct span record; /* JCS: {"data":{...},"time":"...","type":"..."} */
};
bool leaf_opening_read(struct span s, struct leaf_opening *out) NODISCARD;
void leaf_opening_write(const struct leaf_opening *o, struct wr *w);
