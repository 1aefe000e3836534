/* An EK certificate judged, for the service and for who verifies the service: pure, in memory. No process, no clock, no network. */
#pragma once
#include "base/wr.h"
#include "proto/eval.h"

/* The reply's tag (VERDICT_VALID, VERDICT_INVALID or EVAL_FAILED) and body: see proto/eval.h. What it says binds nobody. */
uint8_t judge_ek(const struct eval_ek_req *q, struct wr *body);
