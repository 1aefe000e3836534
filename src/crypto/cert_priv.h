/* Inside crypto/ only: what a certificate is made of. */
#pragma once
#include <stdatomic.h>

#include "crypto/cert.h"
#include "crypto/cert_parse.h"

struct cert {
	atomic_uint        lists; /* further ones that hold it */
	_Atomic(struct vkey *) key; /* NULL: nobody asked yet, */
	atomic_bool        no_key; /* or it is of a kind that no evidence is signed with */
	struct cert_fields f;     /* into der */
	size_t             der_n;
	uint8_t            der[];
};

/* The value of the one common name in a Name's content; false for none, two, an empty one and one with a NUL. */
bool cert_name_cn(struct span name, char *out, size_t n) NODISCARD;
bool cert_is_pem(struct span s) NODISCARD;
