/* One piece of a bundle's evidence judged, as `coffer evidence appraise` judges it. Nothing but the bundle is looked at: no clock, no network, no file; so the same bundle has
 * the same verdict wherever it is judged by the same version. */
#pragma once
#include "cli/selftest/bundle.h"
#include "evidence/evidence.h"

void selftest_judge_begin(void); /* once, before the first */
/* Here, where this process is a child that can only compute already. Into text: {"platform","verdict","reason","checks","claims","registers"}, the last as a boot-image statement
 * names them. COFFER_E_INPUT: no such platform, or collateral that is none. */
enum coffer_rc selftest_appraise(const struct bundle *b, const struct bundle_item *i, enum verdict *v, struct wr *text, struct err *e) NODISCARD;
/* In such a child (cli/confined.h). *text is opened here. */
enum coffer_rc selftest_judge(const struct bundle *b, const struct bundle_item *i, enum verdict *v, struct wr *text, struct err *e) NODISCARD;
