/* Inside evidence/ only: vendors' keys as facts. No certificate type here, for `keep` reads these too. */
#pragma once
#include "crypto/vkey.h"

/* A pinned key: who it is, and what it is. n: hex of the RSA modulus (exponent 65537) or of an EC point x || y. */
struct pinned { const char *cn; enum vkey_kind kind; const char *n; const char *spki_sha256; };
extern const struct pinned roots_amd[], roots_intel[], roots_google[], roots_hygon[], roots_nvidia[], roots_nvidia_rim[]; /* ends with a NULL cn */
