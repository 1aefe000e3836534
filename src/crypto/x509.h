/* Certificates, where a wire format insists on them: TLS and token signers. Never
 * linked into `keep`. */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"

/* A self-signed certificate for key k (P-256): the carrier of a key that is checked
 * by its thumbprint, not by its names. `san` is a DNS name or an IP address. PEM. */
enum coffer_rc x509_self_signed(
    const struct privkey *k, const char *san, int64_t not_before, int64_t not_after, struct wr *out, struct err *e) NODISCARD;

/* A token header's `jwk` with `x5c` against trusted PEM certificates, as Trustee's
 * [attestation_token] does: x5c present, leaf key equal to the JWK, chain up to one
 * of the anchors (P-256 or RSA). now < 0: validity dates are not judged.
 * COFFER_E_DENIED (check "x5c") with the reason. */
enum coffer_rc x509_check_x5c(const struct json *jwk, struct span trusted_pem, int64_t now, struct err *e) NODISCARD;
