/* The signature checks that one appraisal makes, taken down while it runs, and what they cost alone: the same keys, messages and
 * signatures through OpenSSL's EVP in the way that the library goes. The digest over what was signed is a part of it; so is what a
 * key's first use costs: of an RSA key the constants of its modulus, which OpenSSL computes then and keeps with the key. So a key
 * that was there before the appraisal is one that was used, and a key that the evidence brought is a new one each time, as it is
 * for the library. To read and to make keys does not count, nor does anything else that a verification must do (replay of event
 * logs, digests of registers). Linked with --wrap, so that every check of the library passes here. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

void   checks_begin(void);  /* forget what was, take down from now on */
void   checks_end(void);
size_t checks_made(void);   /* of all kinds, failed ones too */
size_t checks_distinct(void); /* that held, each once */
/* Makes keys for the next n replays, at most 64; not to be timed. */
void   checks_ready(size_t n);
/* Every distinct one once; false when one of them does not hold, or was not made ready. */
bool   checks_replay(void);
