/* Inside crypto/ only: what a certificate is made of. */
#pragma once
#include <stdatomic.h>

#include "crypto/cert.h"
#include "crypto/cert_parse.h"

struct cert {
	atomic_uint        lists; /* further ones that hold it */
	struct vkey       *key;   /* NULL: of another kind */
	struct cert_fields f;     /* into der */
	size_t             der_n;
	uint8_t            der[];
};

