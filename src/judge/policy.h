/* A release policy judged: pure, in memory, within its budget. No process, no clock, no store. */
#pragma once
#include "os/zones.h"
#include "proto/eval.h"

struct judged {
	enum eval_answer answer;
	char             reason[EVAL_REASON_MAX]; /* printable ASCII; names rule, place, found and wanted where known */
};

/* data.policy.allow over the request's data and input, as upstream's trust service asks it: the boolean true allows,
 * everything else (false, another value, undefined, no such rule, error, limit) denies and says which it was. Named time
 * zones are those of `zones`, which must have been loaded: nothing is read here. */
void judge_release(const struct eval_release_req *q, struct zones *zones, struct judged *out);

/* Before the sandbox: compiles the policy that ships, which each child then finds in its memory. Without it each compiles it. */
void judge_warm(void);
