/* One piece of a bundle's evidence judged, as `coffer evidence appraise` judges it: in a child of its own that can only compute (os/sandbox.h), since the bytes may be a
 * stranger's. Nothing but the bundle is looked at: no clock, no network, no file; so the same bundle has the same verdict wherever it is judged by the same version. */
#pragma once
#include "cli/selftest/bundle.h"
#include "evidence/evidence.h"

void selftest_judge_begin(void); /* once, before the first */
/* *text is opened here: {"platform","verdict","reason","checks","claims","registers"}, the last as a boot-image statement names them. COFFER_E_SYSTEM: the child
 * ended otherwise than it should. */
enum coffer_rc selftest_judge(const struct bundle *b, const struct bundle_item *i, enum verdict *v, struct wr *text, struct err *e) NODISCARD;
