/* Inside evidence/ only: each platform's driver, and the vendors' pinned certificates. */
#pragma once
#include "evidence/evidence.h"

extern const struct tee_driver tee_sample;

/* A pinned certificate: DER, with the SHA-256 that its vendor publishes for it or that was checked when it was written down. */
struct pinned { const char *name; const uint8_t *der; size_t der_n; uint8_t fingerprint[32]; };
