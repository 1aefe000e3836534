/* Evidence of each platform, made by the kits of the tests, and what its judge is given: as bytes, so that a fresh process can judge
 * what another made. */
#pragma once
#include "base/wr.h"
#include "evidence/evidence.h"

/* Names of the rows, in their order; NULL past the end. */
const char *made_row(size_t i);
/* Of row i; appends. */
void made_write(size_t i, struct wr *out);

/* What was written, borrowed from it. */
#define MADE_FILES_MAX 16
struct made {
	struct span platform, evidence, report_data;
	struct span root_name, root_key; /* that the evidence leads to; SubjectPublicKeyInfo */
	struct span other_key; /* of the other kind (RSA, EC), for the vendor whose roots are read and not needed; may be none */
	int64_t     now;
	struct span file[MADE_FILES_MAX];
	size_t      n_files;
};
bool made_read(struct span in, struct made *out) NODISCARD;
/* Makes its root the pinned key of every vendor: once in a process, before any verification (evidence_pinned.c). */
bool made_pin(const struct made *m) NODISCARD;
