/* What is said about a bundle to whoever runs the command. */
#pragma once
#include "cli/selftest/bundle.h"
#include "evidence/evidence.h"

/* What a judge said of each item, in its order. */
struct selftest_verdicts { enum verdict v[BUNDLE_ITEMS_MAX]; struct err err[BUNDLE_ITEMS_MAX]; };

/* NULL-terminated: what in it tells this machine from others. */
#define SELFTEST_IDS_MAX 12
void selftest_identifies(const struct bundle *b, const char *out[static SELFTEST_IDS_MAX + 1]);

size_t selftest_roots(const struct bundle *b); /* files in it that were to be trusted */
void selftest_print(const struct bundle *b, const struct selftest_verdicts *v);
/* COFFER_OK where everything that was found is valid; else why the worst is not, as `coffer evidence` says it; COFFER_E_NOTFOUND: nothing was found. */
enum coffer_rc selftest_end(const struct bundle *b, const struct selftest_verdicts *v, struct err *e) NODISCARD;
