/* POST /attest, and the session's cookie. Evidence goes to keep unread; collateral that keep asks for comes from fetch, and the evidence
 * is shown once more with it. */
#pragma once
#include "cofferd/net/web.h"

enum coffer_rc kbs_attest(struct request *q, struct reply *r, struct answer *a, struct err *e) NODISCARD;

bool kbs_session_cookie(const struct request *q, uint8_t id[static KEEP_SESSION_LEN]) NODISCARD;
void kbs_session_write(struct reply *r, const uint8_t id[static KEEP_SESSION_LEN]);
