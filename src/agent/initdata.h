/* The initdata device: "initdata", u64 little-endian length, gzip of the document, zero padding to 512 bytes. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define INITDATA_DEVICE_MAX (1u << 20)

/* The document's bytes into out (at most MAN_INITDATA_MAX). Denied (check "initdata") is left to who compares it with the
 * hardware: this is form only. COFFER_E_INPUT, COFFER_E_LIMIT. */
enum coffer_rc initdata_device_read(struct span device, struct wr *out, struct err *e) NODISCARD;
