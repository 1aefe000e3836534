/* Evidence of the trust service itself, judged on a party's own machine: hostile bytes are read in a child that may only compute, as
 * the service reads a guest's (cli/confined.h), and what it says can refuse and not vouch: who asks reads the signed bytes again. */
#pragma once
#include "base/err.h"
#include "proto/eval.h"

/* The reply's tag and body as proto/eval.h has them for EVAL_EVIDENCE and EVAL_EK. Errors are confined's. */
enum coffer_rc self_judge_evidence(const struct eval_evidence_req *q, uint8_t *tag, struct wr *body, struct err *e) NODISCARD;
enum coffer_rc self_judge_ek(const struct eval_ek_req *q, uint8_t *tag, struct wr *body, struct err *e) NODISCARD;
