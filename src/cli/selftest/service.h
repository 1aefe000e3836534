/* What a trust service says of this machine's evidence: an attestation as a guest's, without initdata, for which nothing is released. */
#pragma once
#include "cli/selftest/bundle.h"

struct selftest_service { bool quiet; /* its answers are told on standard error */ const char *url; uint8_t genesis[32]; };
/* For each platform of the bundle a session, a nonce of the service's and evidence over it, taken anew; what the service answers is printed. The error is that of the last
 * that was refused. A TPM's credential is not asked for: it takes what only a guest does. */
enum coffer_rc selftest_attest(const struct selftest_service *s, const struct bundle *b, struct err *e) NODISCARD;
