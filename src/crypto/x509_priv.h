/* Inside crypto/ only: trust anchors, for x509.c and tls.c. */
#pragma once
#include <openssl/x509.h>

#include "base/err.h"
#include "base/rd.h"

/* Adds every certificate of a PEM text to the store; COFFER_E_INPUT when there is none or one is malformed. */
enum coffer_rc x509_anchors(struct span pem, X509_STORE *store, struct err *e) NODISCARD;
