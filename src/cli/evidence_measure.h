/* Launch measurements as cases of a manifest: a list of launches with the digest that each must have. */
#pragma once
#include "cli/evidence_case.h"

/* cases: the list's bytes; the firmware of each is beside the file `cases` of the case. Every launch is a check of the trace;
 * so is that firmware without a page for kernel hashes refuses a kernel. COFFER_E_INPUT: not such a list. */
enum coffer_rc case_snp_launches(const struct case_run *r, struct span cases, struct ev_out *o, struct err *e) NODISCARD;
