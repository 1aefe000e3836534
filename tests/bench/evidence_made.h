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
	struct span platform, evidence, report_data, anchor; /* anchor: csv's root key, whose own roots are pinned alone */
	int64_t     now;
	struct { bool root; struct span bytes; } file[MADE_FILES_MAX];
	size_t      n_files;
};
bool made_read(struct span in, struct made *out) NODISCARD;
