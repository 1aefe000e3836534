/* policies/attestation/default_<class>.rego, as built in. */
#pragma once
#include <stddef.h>
#include <stdint.h>

extern const uint8_t default_cpu[], default_gpu[], default_switch[], default_ppcie[];
extern const size_t  default_cpu_n, default_gpu_n, default_switch_n, default_ppcie_n;
