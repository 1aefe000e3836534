/* What an appraisal of evidence will want from vendors: evidence bytes -> items (fmt/vendor_item.h). Pure and bounded; believes
 * nothing of the evidence, so that a liar makes us ask for what nobody has, and no more.
 *
 *   snp          the chip's VCEK, unless a key's certificate came along; chain and list of its generation. A VLEK's certificate
 *                is published nowhere: it comes along or not. A report whose chip id is masked, or whose processor this version
 *                does not know, and that brings no certificate, needs nothing that there is.
 *   tdx, sgx     TCB info (by the FMSPC of the PCK certificate) and identity of the quoting enclave, the list of the PCK's CA and
 *                the root's. Without a PCK certificate: identity and root's list alone.
 *   az-*         what the hardware's evidence in it needs
 *   others       nothing */
#pragma once
#include "base/err.h"
#include "crypto/cert.h"
#include "evidence/dcap_quote.h"
#include "evidence/snp_report.h"
#include "fmt/vendor_item.h"

#define NEEDS_MAX 8
struct needs { struct vendor_item item[NEEDS_MAX]; size_t n; };

/* COFFER_E_NOTFOUND: there is no such platform. COFFER_E_INPUT: not its evidence; *out is then as it was. */
enum coffer_rc evidence_needs(struct span platform, struct span evidence, struct needs *out, struct err *e) NODISCARD;

/* For drivers: append. */
void needs_snp(const struct snp_report *r, const struct cert_list *came, struct needs *out);
enum coffer_rc needs_dcap(const struct dcap_quote *q, struct needs *out, struct err *e) NODISCARD;
