/* Inside crypto/ only: what a certificate is made of. */
#pragma once
#include <stdatomic.h>

#include <openssl/x509.h>

#include "crypto/cert.h"

#define CERT_SERIAL_MAX 64

struct cert {
	atomic_uint  lists; /* further ones that hold it */
	X509        *x;
	struct vkey *key; /* NULL: of another kind */
	uint8_t     *der;
	size_t       der_n;
	int64_t      not_before, not_after;
	uint8_t      serial[CERT_SERIAL_MAX];
	size_t       serial_n;
};
