/* Evidence appraised for the service: pure, in memory. No process, no clock, no network. */
#pragma once
#include "base/wr.h"
#include "proto/eval.h"

/* The reply's tag (an enum verdict, or EVAL_FAILED) and body. What it says binds nobody: see proto/eval.h. */
uint8_t judge_evidence(const struct eval_evidence_req *q, struct wr *body);

/* Before the sandbox: whatever the library wants to open or set up on first use. */
void evidence_warm(void);
