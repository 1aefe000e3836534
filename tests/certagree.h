/* Our reading of a certificate beside OpenSSL's. */
#pragma once
#include "base/rd.h"

/* That ours is at least as strict and, where it reads the certificate, says the same; `must`: that it reads it at all. */
bool cert_agrees(struct span der, bool must);
