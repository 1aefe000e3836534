/* One question to the process that reads hostile text. */
#pragma once
#include "cofferd/keep/keep.h"

/* Sends a request of this type and waits for its answer, which replaces *said. COFFER_E_UPSTREAM when eval is not there or does not
 * answer in time: then it is not asked again, since a late answer would be taken for the next one's, and keep ends after this reply. */
enum coffer_rc eval_ask(struct keep *k, uint8_t type, struct span request, uint8_t *tag, struct wr *said, struct err *e) NODISCARD;
