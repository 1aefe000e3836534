/* Certificates in PEM as everybody writes them: RFC 7468 section 3, strict, lines of 64 characters that end in LF.
 *
 * Not checked: that the bytes are a certificate. What is of another form (text between, other line lengths, CR, other things) is for
 * OpenSSL, whose reader takes as long as a signature check: this one reads nothing that it would read otherwise. */
#pragma once
#include "base/rd.h"
#include "base/wr.h"

/* The bytes of the block that *in begins with, appended to der, and on: to the next block, over line ends and one NUL at the very end.
 * False where it is of another form or longer than der may be; *in is as it was. */
bool cert_pem_next(struct span *in, struct wr *der) NODISCARD;
/* A text that is one public key ("PUBLIC KEY", as openssl and tpm2-tools write it) and nothing else: its bytes, appended to der. */
bool pem_public_only(struct span text, struct wr *der) NODISCARD;
