/* Inside crypto/ only: steps that sealing and opening share. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/secret.h"

#define JWE_EC_ALG "ECDH-ES+A256KW"

/* RFC 7518, 4.6.2: Concat KDF with SHA-256 for ECDH-ES+A256KW, empty apu and apv. */
void jwe_kek(const uint8_t z[static 32], uint8_t kek[static 32]);

/* A256GCM under cek into fresh secret memory; an empty content leaves *plain empty. */
enum coffer_rc jwe_content(const uint8_t cek[static 32], const uint8_t iv[static 12], struct span aad, struct span ciphertext,
    const uint8_t tag[static 16], struct secret *plain, struct err *e) NODISCARD;
