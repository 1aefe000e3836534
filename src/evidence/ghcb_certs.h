/* The table of certificates that a host passes on with an SNP report: the host's bytes. Form only; a certificate is bytes here.
 * Spec: AMD 56421 "GHCB Standardization", SNP Extended Guest Request: entries of GUID (as its text is written), u32 offset, u32 length, little endian, the
 * last all zero; then what they point to. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define GHCB_CERTS_MAX	   16
#define GHCB_CERTS_LEN_MAX (256u << 10)

struct ghcb_cert { const char *type; struct span data; }; /* type: "VCEK", "VLEK", "ASK", "ARK", "CRL"; data borrowed */
struct ghcb_certs { struct ghcb_cert of[GHCB_CERTS_MAX]; size_t n; };
/* Entries of kinds that are not known are left out. Empty bytes, or an end at once, are a table of none. Nothing may lie in the table itself.
 * COFFER_E_INPUT, COFFER_E_LIMIT. *out is written on COFFER_OK alone. */
enum coffer_rc ghcb_certs_parse(struct span in, struct ghcb_certs *out, struct err *e) NODISCARD;
