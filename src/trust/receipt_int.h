/* Between the files of receipts alone. */
#pragma once
#include "trust/receipt.h"

/* The last of receipt_verify's checks: all of rc's statements are known to be genuine. data: of the release's record.
 * COFFER_E_DENIED (check "receipt-rights"). */
enum coffer_rc receipt_rights(const struct receipt *rc, const struct receipt_view *v, const struct json *data, struct err *e) NODISCARD;
