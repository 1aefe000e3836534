/* Patterns compiled once per evaluation: a small table in the evaluation's arena. Counts the same steps on a hit as on a miss, so
 * that steps do not depend on what was asked before. */
#pragma once
#include "policy/regex/re.h"

struct regex_cache;
struct regex_cache *regex_cache_new(struct heap *h);
enum re_rc regex_cached(struct heap *h, struct regex_cache *c, struct span pattern, const struct re **out, const char **why,
    size_t *at) NODISCARD;
