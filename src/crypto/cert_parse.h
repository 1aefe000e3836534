/* A certificate's fields, found in its DER without an X.509 library and without making its key. `keep`, to
 * which an `eval` that may lie hands certificates, reads them by this too: one reading for all.
 *
 * Checked: strict DER (minimal definite lengths, each part used to its last byte), versions 1 to 3 with what each may have,
 * minimal INTEGERs, a serial number that is not negative and has at most 64 bytes, dates as YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ
 * that exist, an algorithm's parameters NULL, an OID or a SEQUENCE, names of the text types of X.520 (UTF8String valid), both
 * algorithm fields equal, no extension twice, the form of basic constraints, both key usages and other names.
 * Not checked: that the key is one, signatures, what other extensions hold (OpenSSL calls a certificate's use invalid for some).
 * Stricter than OpenSSL's parser, which takes BER, any number as a version, an extension twice and differing algorithms.
 * Spec: RFC 5280 section 4.1, X.690. */
#pragma once
#include "crypto/der.h"

#define CERT_PARSED_SERIAL_MAX 64 /* bytes */
#define CERT_EXTENSIONS_MAX 64
/* Of usage: bit n of KeyUsage. */
#define CERT_USE_SIGNATURE (1u << 0)
#define CERT_USE_ENCIPHERMENT (1u << 2)
#define CERT_USE_AGREEMENT (1u << 4)
#define CERT_USE_SIGN_CERTS (1u << 5)

struct cert_fields {
	struct der_cert d;                 /* all spans are borrowed */
	struct span     issuer, subject;   /* content of the Name's SEQUENCE */
	struct span     serial;            /* big endian, no leading zero: zero is empty */
	int64_t         not_before, not_after; /* s since the epoch */
	bool            ca;                /* basic constraints say so */
	bool            bad_use;           /* basic constraints, a key usage or another name is malformed */
	bool            critical_unknown;  /* other than basic constraints, both key usages, subject alternative name */
	bool            has_usage;
	uint16_t        usage;             /* bit 0: digitalSignature ... bit 8 */
	int64_t         pathlen;           /* -1: none */
};
/* One certificate, used to its last byte. COFFER_E_INPUT. */
enum coffer_rc cert_parse(struct span der, struct cert_fields *out, struct err *e) NODISCARD;
/* That its extended key usage names this purpose (an OID, without tag and length). */
bool cert_fields_for(const struct cert_fields *c, struct span purpose) NODISCARD;
/* That its key usage allows one of these, or says nothing. */
bool cert_fields_allow(const struct cert_fields *c, uint16_t usage) NODISCARD;
/* That it may stand above `below` certificates between it and a leaf (which is not counted), and nothing critical is unknown. */
bool cert_fields_issuer(const struct cert_fields *c, size_t below) NODISCARD;
/* Time ::= UTCTime (1950 to 2049) or GeneralizedTime, in UTC to the second; the next of *in. */
bool cert_time(struct span *in, int64_t *out) NODISCARD;
