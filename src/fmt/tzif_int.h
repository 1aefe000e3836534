/* What tzif.c and tzif_rule.c share. */
#pragma once
#include "fmt/tzif.h"

#define TZIF_OFFSET_MIN (-89999) /* RFC 8536 section 3.2: more than -25 and less than 26 hours */
#define TZIF_OFFSET_MAX 93599

/* The footer's text; empty is no rule. */
bool tzif_rule_parse(struct span text, struct tzif_rule *out) NODISCARD;
struct tzif_local tzif_rule_at(const struct tzif_rule *r, int64_t sec);
/* Letters, digits, + and -, between 1 and 15. */
bool tzif_abbreviation_ok(struct span s) NODISCARD;
