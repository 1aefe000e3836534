/* What is no statement and can be revoked all the same: a chip, the content of an image, a key that images are signed with, a measurement
 * (docs/protocol/statements.md, "Things"). One text names each:
 *
 *   chip:<platform>:<id in hex>
 *   image:<SHA-256 of its manifest, 64 hex digits>
 *   image-key:<SHA-256 of its SubjectPublicKeyInfo, 64 hex digits>
 *   measurement:<platform>:<register>:<value in hex>
 *
 * Its id is SHA-256 of the text. Form only: whether there is such a chip, and whose word on it counts, is the decision's question. */
#pragma once
#include "evidence/facts.h"
#include "trust/statement.h"

#define THING_SUBJECT_MAX (sizeof("thing:") + 64)
#define THINGS_MAX (1 + FACT_REGS_MAX) /* of one machine */

/* One spelling: a platform and a register that there are, lower-case hex of the register's size. */
bool thing_read(struct span text, struct thing *out) NODISCARD;
void thing_image(const uint8_t digest[static 32], struct thing *out);
/* pem: as a manifest has it. A text that is not the key's only spelling (crypto/spki.h) is named by SHA-256 of itself: none is logged any more, and
 * nobody is to get around a revocation by spelling a key anew. */
void thing_image_key(struct span pem, struct thing *out);
/* The chip, where it is known, then the registers, as evidence has them. */
size_t things_of(const struct hw_facts *hw, struct thing out[static THINGS_MAX]);
/* The subject of a statement that revokes it: "thing:<id in hex>", whose digest is the id. */
void thing_subject(const uint8_t id[static 32], char out[static THING_SUBJECT_MAX]);
