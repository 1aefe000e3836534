/* policies/release/default.rego, as built in. */
#pragma once
#include <stddef.h>
#include <stdint.h>

extern const uint8_t default_policy[];
extern const size_t  default_policy_n;
